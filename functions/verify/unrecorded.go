// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/ledger"
	"cloudfront503/pkg/runbook"
)

// brokenOff is said where the runbook ended in the middle of its write.
const brokenOff = "The runbook ended while it wrote, and whether the change was made is not recorded: compare the distribution with the incident's snapshot."

// readOutcome asks the writer's own notes about an execution that has ended, or has said that it does, and whose write no
// step tells of: the step is the last that is recorded, and the bucket may have failed by then.
func (w *watch) readOutcome(ctx context.Context) error {
	if !w.view.untold() {
		return nil
	}
	written, found, err := w.outcomeNote(ctx, "outcome/written.json")
	if err != nil {
		return err
	}
	if found {
		w.view.written, w.view.writtenAt = &written, written.At
		return nil
	}
	_, w.view.begun, err = w.outcomeNote(ctx, "outcome/writing.json")
	return err
}

// untold reports whether the runbook has ended, as SSM or it itself says, without a step of what became of its write.
func (v view) untold() bool {
	return (v.over || v.noted != "") && v.written == nil && v.void == ""
}

// What is said where the runbook that takes a change back has ended and did not report how.
const (
	brokenOffBack = "The runbook that takes it back ended while it wrote: compare the distribution with the incident's snapshot."
	notTakenBack  = "The runbook that takes it back ended without doing so."
)

// readExecutionBack asks SSM whether the execution that takes the change back still runs, where it has not reported.
func (w *watch) readExecutionBack(ctx context.Context) error {
	b, id := &w.view.back, w.view.approval.Undoing.ID
	if id == "" || b.undone != nil || b.failed != "" {
		return nil
	}
	state, err := w.gates.Gate(ctx, id)
	if errors.Is(err, runbook.ErrNotFound) {
		b.over = true
		return nil
	}
	b.over, b.broken = state.Ended, state.Broken()
	return err
}

// readOutcomeBack asks the writer's own notes about a way back whose runbook broke off, or has ended without a word: whoever
// wants the change back must not believe that it is, and nobody that it is not.
func (w *watch) readOutcomeBack(ctx context.Context) error {
	b := &w.view.back
	if b.undone != nil || b.told || !b.broke && (b.failed != "" || !b.over) {
		return nil
	}
	undone, found, err := w.outcomeNote(ctx, "outcome/undone.json")
	if err != nil {
		return err
	}
	if found {
		b.undone, b.undoneAt = &undone, undone.At
		return nil
	}
	if _, b.begun, err = w.outcomeNote(ctx, "outcome/undoing.json"); err != nil {
		return err
	}
	switch {
	case b.begun:
		b.failed = runbookBroken(brokenOffBack, b.broken)
	case b.failed == "":
		b.failed = runbookBroken(notTakenBack, b.broken)
	}
	return nil
}

// outcomeNote is one of the writer's notes; false where there is none.
func (w *watch) outcomeNote(ctx context.Context, name string) (note incident.Written, found bool, err error) {
	body, err := w.ledger.Get(ctx, w.incident, name)
	if errors.Is(err, ledger.ErrMissing) {
		return note, false, nil
	}
	if err != nil {
		return note, false, err
	}
	if err := json.Unmarshal(body, &note); err != nil {
		return note, false, fmt.Errorf("incident %s: %s: %w", w.incident, name, err)
	}
	return note, true, nil
}
