// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"encoding/json"
	"errors"

	"cloudfront503/pkg/event"
	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/ledger"
)

// Handle keeps what AWS Health says, and then looks at every open incident, and at those that have ended a short while ago:
// whatever woke it, all that is due is done.
func (h handler) Handle(ctx context.Context, raw json.RawMessage) error {
	trigger, err := event.Parse(raw)
	var ignored *event.Ignored
	if errors.As(err, &ignored) {
		h.log.InfoContext(ctx, "ignored", "stage", "event", "reason", ignored.Reason)
		return nil
	}
	if err != nil {
		return err
	}
	if trigger.Health != nil {
		err = h.keepHealth(ctx, *trigger.Health, raw)
	}
	return errors.Join(err, h.lookAtAll(ctx, trigger, raw), h.publishAgain(ctx, trigger.Kind))
}

func (h handler) lookAtAll(ctx context.Context, trigger incident.Trigger, raw json.RawMessage) error {
	pointers, err := h.ledger.Since(ctx, h.now().Add(-looksOn))
	problems := []error{err}
	for _, pointer := range pointers {
		if pointer.State.Ongoing() {
			problems = append(problems, h.look(ctx, pointer, trigger, raw))
		} else if trigger.Kind == incident.KindSweep && deservesLook(pointer) {
			problems = append(problems, h.lookBack(ctx, pointer))
		}
	}
	return errors.Join(problems...)
}

// look does what is due for one incident. Whose holder died is handed to respond, which knows how to carry on; whose
// holder still works, or that is watched and not due, is left alone.
func (h handler) look(ctx context.Context, pointer incident.Pointer, trigger incident.Trigger, raw json.RawMessage) error {
	if asleep(pointer, trigger.Kind, h.now()) {
		return nil
	}
	if pointer.Lease.Dead(h.now()) {
		return h.askRespond(ctx, "resume", pointer.Reference())
	}
	holder := ledger.Holder(requestID(ctx))
	switch err := h.ledger.Hold(ctx, pointer.Reference(), holder, lease); {
	case errors.Is(err, ledger.ErrUndone):
		return h.askRespond(ctx, "resume", pointer.Reference())
	case errors.Is(err, ledger.ErrBusy) || errors.Is(err, ledger.ErrLeaseLost):
		return nil
	case err != nil:
		return err
	}
	w := watch{handler: h, pointer: pointer, incident: pointer.Reference(), holder: holder, raw: raw}
	err := w.see(ctx, trigger)
	if w.handsBack {
		return errors.Join(err, h.ledger.Abandon(ctx, w.incident, holder), h.askRespond(ctx, "resume", w.incident))
	}
	err = errors.Join(err, h.ledger.Release(ctx, w.incident, holder))
	if w.handsOver {
		err = errors.Join(err, h.askRespond(ctx, "open", w.incident))
	}
	return err
}

// see reads the record, looks again where that is due, and does the one thing that is due then. A look that fails is made
// at the next sweep, and keeps nobody from hearing how it stands.
func (w *watch) see(ctx context.Context, trigger incident.Trigger) error {
	if err := w.read(ctx); err != nil {
		return err
	}
	if err := w.followQuota(ctx); err != nil {
		return err
	}
	unseen := errors.Join(w.unread, w.lookAgain(ctx, trigger), w.lookLater(ctx))
	if errors.Is(unseen, ledger.ErrLeaseLost) {
		return unseen
	}
	return errors.Join(unseen, w.do(ctx, judge(w.view, w.now())))
}
