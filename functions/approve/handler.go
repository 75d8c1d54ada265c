// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"

	"cloudfront503/pkg/approval"
	"cloudfront503/pkg/event"
	"cloudfront503/pkg/incident"
)

// handler takes replies.
type handler struct {
	desk approval.Desk
	log  *slog.Logger
}

// Handle takes the replies of one delivery. An error lets Lambda deliver it again, twice, and then leaves it to the
// dead-letter queue: a reply is never lost.
func (h handler) Handle(ctx context.Context, raw json.RawMessage) error {
	triggers, err := event.ParseAll(raw)
	var ignored *event.Ignored
	if errors.As(err, &ignored) {
		h.log.InfoContext(ctx, "ignored", "stage", "event", "reason", ignored.Reason)
		err = nil
	}
	for _, trigger := range triggers {
		err = errors.Join(err, h.take(ctx, trigger))
	}
	return err
}

// take lets the desk decide about one reply, or about a change that is taken back without any.
func (h handler) take(ctx context.Context, trigger incident.Trigger) error {
	if trigger.Kind == incident.KindTakeBack {
		return h.takeBack(ctx, *trigger.Resume)
	}
	if trigger.Kind != incident.KindReply {
		h.log.InfoContext(ctx, "ignored", "stage", "event", "reason", "not a reply: "+string(trigger.Kind))
		return nil
	}
	err := h.desk.Take(ctx, trigger)
	if errors.Is(err, approval.ErrNotYet) {
		h.log.InfoContext(ctx, "the gate does not wait yet", "stage", "approval", "message", trigger.Reply.MessageID)
	}
	return err
}

// takeBack takes a change back, where the approved plan says so. Whoever asks is not believed.
func (h handler) takeBack(ctx context.Context, reference incident.Reference) error {
	why, err := h.desk.TakeBack(ctx, reference)
	if err == nil {
		h.log.InfoContext(ctx, "asked to take a change back", "stage", "approval", "incident", reference.String(), "not", why)
	}
	return err
}
