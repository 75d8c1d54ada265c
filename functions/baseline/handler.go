// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
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
	larger    snapshot.Larger
	ledger    *ledger.Ledger
	metrics   evidence.Metrics
	now       func() time.Time
	log       *slog.Logger
}

// Handle saves the distribution that a change names, or, on the schedule and where a change names none, as that of a
// function, all that are watched. Of a tenant's change it saves the tenants alone.
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
	case trigger.Change != nil && strings.Contains(trigger.Change.Name, "DistributionTenant"):
		return h.saveTenants(ctx)
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
	return errors.Join(h.judge(ctx, saved), h.saveLarge(ctx, saved, h.snapshots.KeepLarge))
}

// saveLarge keeps what is too large to be kept while people wait for it.
func (h handler) saveLarge(ctx context.Context, saved incident.Snapshot, keep func(context.Context, snapshot.Larger, incident.Snapshot) (snapshot.Large, error)) error {
	large, err := keep(ctx, h.larger, saved)
	if err != nil {
		return fmt.Errorf("baseline: %w", err)
	}
	h.log.InfoContext(ctx, "saved what is large", "stage", "snapshot", "distribution", saved.Distribution,
		"tenants", len(large.Tenants.Kept), "stores", len(large.Stores.Kept), "gaps", len(large.Tenants.Gaps)+len(large.Stores.Gaps))
	return nil
}

// saveTenants keeps the tenants of the distributions that are watched, with as few calls as it can: who deploys tenants does
// so by the hundred, and CloudFront's API has one rate for all of us. CloudTrail's record does not always name the
// distribution, and the one that is saved tells whether it has tenants.
func (h handler) saveTenants(ctx context.Context) error {
	var problems []error
	for _, distribution := range h.settings.Distributions {
		history, err := h.snapshots.History(ctx, distribution)
		if err == nil && len(history) == 0 {
			err = h.save(ctx, distribution, nil)
		}
		if err != nil || len(history) == 0 {
			problems = append(problems, err)
			continue
		}
		latest, err := h.snapshots.Load(ctx, history[0].Key, "")
		if err == nil {
			err = h.saveLarge(ctx, latest, h.snapshots.KeepTenants)
		}
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}
