// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"cloudfront503/pkg/event"
	"cloudfront503/pkg/evidence"
	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/ledger"
	"cloudfront503/pkg/settings"
	"cloudfront503/pkg/snapshot"
)

// handler keeps baselines.
type handler struct {
	settings  settings.Settings
	snapshots *snapshot.Store
	pointing  snapshot.Pointing
	ledger    *ledger.Ledger
	metrics   evidence.Metrics
	now       func() time.Time
	log       *slog.Logger
}

// Handle saves the distribution that a change names, or, on the schedule and where a change names none, as that of a
// function, all that are watched.
func (h handler) Handle(ctx context.Context, raw json.RawMessage) error {
	trigger, err := event.Parse(raw)
	var ignored *event.Ignored
	switch {
	case errors.As(err, &ignored):
		h.log.InfoContext(ctx, "ignored", "stage", "event", "reason", ignored.Reason)
		return nil
	case err != nil:
		return err
	case trigger.Change != nil && trigger.Change.Distribution != "":
		return h.save(ctx, trigger.Change.Distribution, trigger.Change)
	}
	return h.saveAll(ctx)
}

func (h handler) saveAll(ctx context.Context) error {
	var problems []error
	for _, distribution := range h.settings.Distributions {
		problems = append(problems, h.save(ctx, distribution, nil))
	}
	return errors.Join(problems...)
}

// save keeps the configuration as it is now, then judges whether the one that serves is known good.
func (h handler) save(ctx context.Context, distribution string, change *incident.Change) error {
	if !h.settings.Watches(distribution) {
		h.log.InfoContext(ctx, "ignored", "stage", "snapshot", "distribution", distribution, "reason", "not watched")
		return nil
	}
	live, err := h.snapshots.Live(ctx, distribution)
	if err != nil {
		return fmt.Errorf("baseline: %w", err)
	}
	saved, err := h.snapshots.Record(ctx, live, change)
	if err != nil {
		return fmt.Errorf("baseline: %w", err)
	}
	saved = h.snapshots.RecordPointed(ctx, h.pointing, saved)
	saved.Status = live.Status // a baseline is kept once, as it was first seen: in progress
	h.log.InfoContext(ctx, "saved", "stage", "snapshot", "distribution", distribution, "etag", saved.ETag,
		"pointed", len(saved.Pointed), "gaps", len(saved.Gaps))
	return h.judge(ctx, saved)
}
