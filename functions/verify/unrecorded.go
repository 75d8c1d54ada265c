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
)

// brokenOff is said where the runbook ended in the middle of its write.
const brokenOff = "The runbook ended while it wrote, and whether the change was made is not recorded: compare the distribution with the incident's snapshot."

// readOutcome asks the writer's own notes about an execution that has ended and whose write no step tells of: the step is
// the last that is recorded, and the bucket may have failed by then.
func (w *watch) readOutcome(ctx context.Context) error {
	if !w.view.over || w.view.written != nil || w.view.void != "" {
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
