// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"

	"cloudfront503/pkg/event"
	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/ledger"
)

// lease outlasts the function's time-out of two minutes, so that nobody takes over from somebody who still works.
const lease = 3 * time.Minute

// story is one distribution's incident while it is worked on.
type story struct {
	handler
	incident incident.Reference
	holder   string
	trigger  incident.Trigger // that opened it
	raw      json.RawMessage
	episode  int
	steps    []incident.Step // what was done before, by whoever held the lease then

	snapshot  incident.Snapshot
	diagnosis incident.Diagnosis
	good      *incident.Snapshot     // the known good, once it is read
	health    []incident.HealthEvent // as the evidence has them; nil where they were not read
	perMinute *float64
	plan      incident.Plan
	execution incident.Execution
	begun     bool  // the runbook may have been started
	resumed   bool  // the sweep asks to carry on, and will ask again
	heard     bool  // people know of the trouble that ends this try
	asked     bool  // it is recorded whom the gate waits for
	keyless   error // why tickets cannot be made; nil where they can
	keyTried  bool  // keyless is known
	openedAt  time.Time

	renewing sync.Mutex // guards renewed
	renewed  time.Time  // when the lease was made longer last
}

// about lists the distributions of a trigger that this stack watches.
func (h handler) about(ctx context.Context, trigger incident.Trigger) []string {
	var named, watched []string
	switch {
	case trigger.Alarm != nil:
		named = trigger.Alarm.Distributions
	case trigger.Resume != nil:
		named = []string{trigger.Resume.Distribution}
	}
	for _, distribution := range named {
		if h.settings.Watches(distribution) {
			watched = append(watched, distribution)
		}
	}
	if len(watched) == 0 {
		h.log.InfoContext(ctx, "ignored", "stage", "event", "kind", trigger.Kind, "reason", "no distribution that is watched")
	}
	return watched
}

// claim asks the ledger whether the incident is ours to work on; nil where it is not. When the ledger itself fails,
// people are told anyway: they are on their own.
func (h handler) claim(ctx context.Context, distribution string, trigger incident.Trigger, raw json.RawMessage) (*story, error) {
	holder := ledger.Holder(requestID(ctx))
	claim, err := h.ledger.Claim(ctx, distribution, trigger, holder, lease)
	if err != nil {
		return nil, h.unrecorded(ctx, distribution, trigger, claim, err)
	}
	h.log.InfoContext(ctx, "claimed", "stage", "ledger", "incident", claim.Incident.String(), "distribution", distribution,
		"outcome", claim.Outcome, "why", claim.Why)
	if !claim.Ours() {
		return nil, nil
	}
	s := &story{handler: h, incident: claim.Incident, holder: holder, trigger: trigger, raw: raw, episode: claim.Pointer.Episode}
	s.resumed, s.openedAt = trigger.Kind == incident.KindResume, claim.Pointer.OpenedAt
	if opened := claim.Pointer.OpenedBy; opened != nil {
		s.trigger = *opened
	}
	if claim.Outcome == ledger.TakenOver {
		if s.steps, err = h.ledger.Steps(ctx, claim.Incident); err != nil {
			return nil, err
		}
		s.steps = append(s.steps, claim.Pointer.Spare...)
	}
	return s, nil
}

// finish gives the lease back, or gives it up where something may be tried again. A lease that was lost is no error: the
// story is told by somebody else. Nor is trouble that people know of, where the sweep asks again.
func (s *story) finish(ctx context.Context, problem error) error {
	if isLost(problem) {
		s.log.InfoContext(ctx, "somebody else carries on", "stage", "ledger", "incident", s.incident.String())
		return nil
	}
	if problem != nil {
		return errors.Join(unless(s.resumed && s.heard, problem), s.ledger.Abandon(ctx, s.incident, s.holder))
	}
	return s.ledger.Release(ctx, s.incident, s.holder)
}

// fresh is how long one renewal counts for effects that follow at once: a small part of the lease, which nobody can take
// over meanwhile.
const fresh = 5 * time.Second

// renew makes sure, before an outside effect, that the incident is still ours. Effects side by side share a renewal.
func (s *story) renew(ctx context.Context) error {
	s.renewing.Lock()
	defer s.renewing.Unlock()
	if began := s.now(); began.Sub(s.renewed) < 0 || began.Sub(s.renewed) >= fresh {
		if err := s.ledger.Renew(ctx, s.incident, s.holder); err != nil {
			return err
		}
		s.renewed = began
	}
	return nil
}

// done is the latest step of a kind that respond itself has made, decoded into detail; false where there is none.
func (s *story) done(kind incident.StepKind, detail any) bool {
	found := false
	for _, step := range s.steps {
		if step.Kind == kind && step.Writer == "respond" {
			found = step.Read(detail) == nil
		}
	}
	return found
}

// note appends a step, once for the incident.
func (s *story) note(ctx context.Context, kind incident.StepKind, note string, detail any) error {
	_, _, err := s.ledger.AppendOnce(ctx, s.incident, kind, string(kind), note, detail)
	return err
}

func (h handler) unlessIgnored(ctx context.Context, err error) error {
	var ignored *event.Ignored
	if errors.As(err, &ignored) {
		h.log.InfoContext(ctx, "ignored", "stage", "event", "reason", ignored.Reason)
		return nil
	}
	return err
}

// transient reports whether an error may pass by itself: no answer, or a fault of AWS, also one that the service's model
// does not name. A denial does not.
func transient(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return true
	}
	return api.ErrorFault() == smithy.FaultServer || retry.NewStandard().IsErrorRetryable(err)
}

func isLost(err error) bool { return errors.Is(err, ledger.ErrLeaseLost) }

func requestID(ctx context.Context) string {
	if lambda, ok := lambdacontext.FromContext(ctx); ok {
		return lambda.AwsRequestID
	}
	return "no-request"
}
