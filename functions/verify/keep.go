// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"errors"
	"slices"

	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/ledger"
	"cloudfront503/pkg/notify"
)

// unkept is the kind of the message that the record takes no steps.
const unkept = "unkept"

// keep records a step, once. One that the chain does not take is kept with the incident's pointer, so that nobody hears the
// same at every look. Where S3 refuses it people are told, once, and the incident goes on; whatever else fails is an error.
func (w *watch) keep(ctx context.Context, kind incident.StepKind, key, note string, detail any) error {
	_, _, err := w.ledger.AppendOnce(ctx, w.incident, kind, key, note, detail)
	if err == nil {
		return nil
	}
	step, spareErr := w.ledger.Spare(ctx, w.incident, kind, key, note, detail)
	if spareErr != nil {
		return errors.Join(err, spareErr)
	}
	w.steps, w.pointer.Spare = append(w.steps, step), append(w.pointer.Spare, step)
	if !ledger.Refused(err) {
		return err
	}
	w.log.ErrorContext(ctx, "not recorded", "stage", "ledger", "incident", w.incident.String(), "step", string(kind), "error", err)
	return w.send(ctx, unkept, notify.RenderCannotWork(notify.CannotWork{
		About: w.about(), What: "add to the incident's record", Err: err,
		Then: "The incident goes on, and what is done from now on stands beside its record until that can be written.",
	}))
}

// withSpare is the record with the steps of ours and of who was told that its chains did not take.
func withSpare(steps, spare []incident.Step) []incident.Step {
	known := map[string]bool{}
	name := func(s incident.Step) string { return s.Writer + " " + string(s.Kind) + " " + s.Key }
	for _, step := range steps {
		known[name(step)] = true
	}
	merged := slices.Clone(steps)
	for _, step := range spare {
		if (step.Writer == "verify" || step.Kind == incident.StepTold) && !known[name(step)] {
			merged = append(merged, step)
		}
	}
	slices.SortStableFunc(merged, func(a, b incident.Step) int { return a.At.Compare(b.At) })
	return merged
}

// catchUp puts into the record what it did not take before. What it does not take now it may take at the next look.
func (w *watch) catchUp(ctx context.Context) {
	if len(w.pointer.Spare) == 0 {
		return
	}
	left, err := w.ledger.Unspare(ctx, w.pointer)
	if err != nil {
		w.log.WarnContext(ctx, "still not recorded", "stage", "ledger", "incident", w.incident.String(), "error", err)
	}
	w.pointer.Spare = left
}
