// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"encoding/json"
	"errors"

	"cloudfront503/pkg/event"
	"cloudfront503/pkg/incident"
)

// Handle hears every trigger of a delivery. An error lets Lambda try again, twice, and then leaves the event to the
// dead-letter queue. A person's wish is answered, as that person waits for it; nothing else is.
func (h handler) Handle(ctx context.Context, raw json.RawMessage) (*incident.WishAnswer, error) {
	triggers, err := event.ParseAll(raw)
	if len(triggers) == 1 && triggers[0].Wish != nil {
		return h.wish(ctx, triggers[0], raw)
	}
	err = h.unlessIgnored(ctx, err)
	for _, trigger := range triggers {
		err = errors.Join(err, h.hear(ctx, trigger, raw))
	}
	return nil, err
}

// hear finds the distributions that a trigger is about.
func (h handler) hear(ctx context.Context, trigger incident.Trigger, raw json.RawMessage) error {
	trigger, err := event.Resolve(ctx, h.alarms, trigger)
	if err != nil {
		return h.unlessIgnored(ctx, err)
	}
	var problems []error
	for _, distribution := range h.about(ctx, trigger) {
		problems = append(problems, h.respond(ctx, distribution, trigger, raw))
	}
	return errors.Join(problems...)
}

// respond works on one distribution's incident, if it is ours to work on.
func (h handler) respond(ctx context.Context, distribution string, trigger incident.Trigger, raw json.RawMessage) error {
	s, err := h.claim(ctx, distribution, trigger, raw)
	if err != nil || s == nil {
		return err
	}
	return s.finish(ctx, s.tell(ctx))
}

// tell is the story: save, look, name the cause, decide, and then ask people or tell them why not.
func (s *story) tell(ctx context.Context) error {
	if err := s.replace(ctx); err != nil {
		return s.cannot(ctx, "end the incident that gave way", err)
	}
	if err := s.save(ctx); err != nil {
		return s.cannot(ctx, "save the configuration", err)
	}
	if err := s.diagnose(ctx); err != nil {
		return s.cannot(ctx, "keep the evidence", err)
	}
	if err := s.decide(ctx); err != nil {
		return s.cannot(ctx, "make a plan", err)
	}
	if s.plan.TellOnly != "" {
		return s.tellWhyNot(ctx)
	}
	if err := s.start(ctx); err != nil {
		return s.cannot(ctx, "start the runbook", err)
	}
	return s.ask(ctx)
}
