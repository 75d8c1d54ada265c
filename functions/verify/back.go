// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"errors"
	"time"

	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/ledger"
)

// looksOn is how long after its opening an incident is looked at that has ended: until the last look, with time to make one
// again that failed.
const looksOn = 90 * time.Minute

// deservesLook reports whether an incident that has ended is looked at as if it had not: people were told a cause, the alarm
// was soon OK again, and logs that come within the hour may tell another one. What a person wished for rests on no cause.
func deservesLook(p incident.Pointer) bool {
	by := p.OpenedBy
	return p.Outcome != nil && p.Outcome.Result == resultTold && by != nil && by.Wish == nil
}

// lookBack makes the look that is due at an incident that has ended. It tells people where the verdict changes, and starts
// nothing. As soon as another incident has begun, that one is looked into and this one no more.
func (h handler) lookBack(ctx context.Context, pointer incident.Pointer) error {
	w := watch{handler: h, pointer: pointer, incident: pointer.Reference(), holder: ledger.Holder(requestID(ctx))}
	if err := w.readRecord(ctx); err != nil {
		return err
	}
	if lookDue(w.view.openedAt, w.now(), w.made) == "" {
		return nil
	}
	if err := w.renew(ctx); err != nil {
		return unlessTaken(err)
	}
	return errors.Join(unlessTaken(w.seeAgain(ctx)), w.ledger.ReleaseEnded(ctx, w.incident, w.holder))
}

// seeAgain looks, and writes the incident up anew where its cause is another one now.
func (w *watch) seeAgain(ctx context.Context) error {
	before := w.diagnosis.Verdict.Cause
	if err := w.lookLater(ctx); err != nil {
		return err
	}
	if w.diagnosis.Verdict.Cause == before {
		return nil
	}
	return w.report(ctx, *w.pointer.Outcome)
}

// renew makes sure that the incident is still ours, and for how long.
func (w *watch) renew(ctx context.Context) error {
	if w.pointer.State.Ongoing() {
		return w.ledger.Renew(ctx, w.incident, w.holder)
	}
	return w.ledger.HoldEnded(ctx, w.incident, w.holder, lease)
}

// unlessTaken is no error where somebody else looks, or another incident has begun.
func unlessTaken(err error) error {
	if errors.Is(err, ledger.ErrBusy) || errors.Is(err, ledger.ErrLeaseLost) {
		return nil
	}
	return err
}
