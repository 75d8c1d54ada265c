// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cloudfront503/pkg/evidence"
	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/ledger"
)

// A configuration is known good once the distribution has served on it for a while: deployed everywhere, with enough
// requests, few of them failing, and no incident open. The change that breaks a distribution is saved like any other, and
// must never get here.
const (
	settleTime   = 30 * time.Minute // after the last change; edges get a change within minutes
	goodFor      = 30 * time.Minute // how long it must have served healthily
	goodRequests = 100              // in that time; fewer say nothing
	goodPercent  = 1.0              // failed requests at most
)

// judge marks a saved snapshot as known good if it has earned it.
func (h handler) judge(ctx context.Context, saved incident.Snapshot) error {
	now := h.now()
	if saved.Status != "Deployed" || now.Sub(saved.ModifiedAt) < settleTime {
		return nil
	}
	open, err := h.hasIncident(ctx, saved.Distribution)
	if err != nil || open {
		return err
	}
	rate, err := evidence.ReadRate(ctx, h.metrics, saved.Distribution, now.Add(-goodFor), now)
	if err != nil {
		return fmt.Errorf("baseline: %w", err)
	}
	if rate.Requests < goodRequests || rate.Percent() > goodPercent {
		h.log.InfoContext(ctx, "not known good", "stage", "snapshot", "distribution", saved.Distribution,
			"requests", rate.Requests, "percent", rate.Percent())
		return nil
	}
	if err := h.snapshots.MarkKnownGood(ctx, saved); err != nil {
		return fmt.Errorf("baseline: %w", err)
	}
	if err := h.markCode(ctx, saved); err != nil {
		return fmt.Errorf("baseline: %w", err)
	}
	h.log.InfoContext(ctx, "known good", "stage", "snapshot", "distribution", saved.Distribution, "etag", saved.ETag)
	return nil
}

// hasIncident reports whether an incident of the distribution is open.
func (h handler) hasIncident(ctx context.Context, distribution string) (bool, error) {
	pointer, err := h.ledger.Current(ctx, distribution)
	if errors.Is(err, ledger.ErrMissing) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("baseline: %w", err)
	}
	return pointer.State == incident.Open, nil
}

// markCode marks the code of the functions that the distribution runs: it has served as long as the configuration, unless
// it was published since.
func (h handler) markCode(ctx context.Context, saved incident.Snapshot) error {
	now := h.now()
	var problems []error
	for _, kept := range saved.Pointed {
		if kept.Kind == incident.PointedFunction && kept.Stage == incident.StageLive && now.Sub(kept.ModifiedAt) >= settleTime {
			problems = append(problems, h.snapshots.MarkGoodCode(ctx, saved.Distribution, incident.GoodCode{Pointed: kept, GoodAt: now}))
		}
	}
	return errors.Join(problems...)
}
