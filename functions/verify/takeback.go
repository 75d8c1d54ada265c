// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"cloudfront503/pkg/event"
	"cloudfront503/pkg/evidence"
	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/notify"
	"cloudfront503/pkg/plan"
)

// takesBack reports whether the change is taken back without asking again: the approved plan says so of how it stands, the
// stack says so still, the way back is open, and nobody has asked for it.
func (w *watch) takesBack() bool {
	r := w.view.recovery
	if r == nil || !w.planned().TakenBack.Covers(*r) || !w.settings.TakenBack.Covers(*r) {
		return false
	}
	asked := slices.ContainsFunc(w.view.approval.Decisions, func(d incident.Decision) bool { return d.Verb == incident.Undo && d.Refusal == "" })
	return !asked && w.view.back.failed == "" && w.now().Before(w.view.writtenAt.Add(incident.UndoFor))
}

// takeBack has the change taken back. The step comes first: whoever opens the gate, and whoever writes, reads there that it
// stands as the plan says. Where AWS itself has an incident, a change may not reach the edges: then a person decides.
func (w *watch) takeBack(ctx context.Context, what due) error {
	outcome := incident.Outcome{Result: string(what), Why: w.why(what)}
	objection, err := w.stayStill(ctx)
	if err != nil || objection != "" {
		outcome.Why = objection
		return errors.Join(err, w.tellOutcome(ctx, string(what), outcome))
	}
	note := "it is taken back, as the approved plan says: " + w.view.recovery.Why
	if _, _, err := w.ledger.AppendOnce(ctx, w.incident, incident.StepTakingBack, "taking-back", note, w.view.recovery); err != nil {
		return errors.Join(err, w.tellOutcome(ctx, string(what), outcome))
	}
	outcome.Result, outcome.Why = notify.ResultTakingBack, ""
	return errors.Join(w.tellOutcome(ctx, notify.ResultTakingBack, outcome), w.askToTakeBack(ctx))
}

// askToTakeBack invokes approve, again at each look until the gate of the way back has heard of it.
func (w *watch) askToTakeBack(ctx context.Context) error {
	heard := func(d incident.Decision) bool { return d.Approver == incident.AsApproved }
	if slices.ContainsFunc(w.view.approval.Signalled, heard) {
		return nil
	}
	return w.ask(ctx, "approve", "take-back", w.incident)
}

// stayStill says why nothing is changed now without a person who decides it; empty where nothing objects.
func (w *watch) stayStill(ctx context.Context) (string, error) {
	files, err := evidence.KeptHealth{S3: w.bucket, Bucket: w.settings.Bucket}.Files(ctx)
	if err != nil {
		return "", err
	}
	events, err := event.LatestHealth(files)
	for _, e := range events {
		if plan.Forbids(w.planned(), e) {
			return fmt.Sprintf("It is not taken back by itself, as AWS Health has an open event about %s (%s).", e.Service, e.Type), err
		}
	}
	return "", err
}

// whoBack is who has taken the change back, and why.
func (w *watch) whoBack() string {
	if failing := w.view.approval.Failing; failing != nil && w.who(incident.Undo) == "" {
		return "as the approved plan says, and nobody was asked again: " + failing.Why
	}
	return w.who(incident.Undo)
}
