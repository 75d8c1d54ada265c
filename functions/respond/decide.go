// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/ledger"
	"cloudfront503/pkg/plan"
	"cloudfront503/pkg/remedy"
)

// decide makes the plan: the change is computed now, and what people approve is exactly this.
func (s *story) decide(ctx context.Context) error {
	if s.done(incident.StepPlanned, &s.plan) {
		return nil
	}
	in, err := s.considerations(ctx)
	if err != nil {
		return err
	}
	s.plan = plan.Make(in)
	if err := s.requireKey(ctx); err != nil {
		return err
	}
	text, err := json.MarshalIndent(s.plan, "", "  ")
	if err != nil {
		return fmt.Errorf("incident %s: plan: %w", s.incident, err)
	}
	if err := s.putAll(ctx, map[string][]byte{"plan.json": text}); err != nil {
		return err
	}
	return s.note(ctx, incident.StepPlanned, sentenceOf(s.plan), s.plan)
}

// keyPatience is how long an incident waits for a key that may answer by itself again, before people hear what there is to
// know and nobody is asked.
const keyPatience = 10 * time.Minute

// tryKey finds whether tickets can be made.
func (s *story) tryKey(ctx context.Context) {
	_, s.keyless = s.key.Make(ctx, []byte("cloudfront503: can tickets be made"))
	s.keyTried = true
}

// requireKey leaves a plan that asks people only where tickets can be made. The error is one that may pass by itself.
func (s *story) requireKey(ctx context.Context) error {
	if s.plan.TellOnly != "" {
		return nil
	}
	if !s.keyTried {
		s.tryKey(ctx)
	}
	if s.keyless == nil {
		return nil
	}
	if transient(s.keyless) && s.now().Sub(s.openedAt) < keyPatience {
		return fmt.Errorf("incident %s: make tickets: %w", s.incident, s.keyless)
	}
	s.plan.TellOnly = "Tickets cannot be made (" + incident.Line(s.keyless.Error(), 200) + "), so nobody could approve."
	return nil
}

// considerations are everything that the plan is made from.
func (s *story) considerations(ctx context.Context) (plan.Input, error) {
	in := plan.Input{
		Distribution: s.incident.Distribution, Account: s.settings.Account, Diagnosis: s.diagnosis, Live: s.snapshot, RequestsPerMinute: s.perMinute, Now: s.now(),
		Policy: plan.Policy{
			Observe: s.settings.Observe, Stop: s.settings.Stop, Quorum: s.quorum(), Approvers: len(s.electors()),
			TakenBack: s.settings.TakenBack, Distributions: s.settings.Distributions, OptIn: s.settings.OptIn, Calendar: s.calendar(ctx),
		},
	}
	var err error
	if in.KnownGood, err = s.knownGood(ctx); err != nil {
		return in, err
	}
	if s.trigger.Wish != nil {
		if err := s.consider(ctx, &in); err != nil {
			return in, err
		}
	}
	if blamed := s.diagnosis.Change; blamed != nil {
		in.Base, err = s.snapshots.After(ctx, s.incident.Distribution, incident.Change{EventID: blamed.EventID, Name: blamed.EventName, At: blamed.At})
		if err != nil {
			return in, err
		}
	}
	in.Changes = map[string]plan.Change{}
	for _, draft := range plan.Drafts(in) {
		in.Changes[draft.Remedy] = s.changeFor(ctx, draft, in)
	}
	if in.OpenHealth, err = s.openHealth(ctx); err != nil {
		return in, err
	}
	in.RecentWrite, err = s.recentWrite(ctx)
	return in, err
}

// openHealth are the open AWS Health events, as the evidence has them, else read anew by whoever took over.
func (s *story) openHealth(ctx context.Context) ([]incident.HealthEvent, error) {
	if s.health == nil {
		var err error
		if s.health, err = s.kept.events(ctx); err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(slices.Clone(s.health), func(e incident.HealthEvent) bool { return e.Status != "open" }), nil
}

func sentenceOf(p incident.Plan) string {
	if p.TellOnly != "" {
		return "nothing will be touched: " + p.TellOnly
	}
	return "people are asked to approve " + p.Remedy
}

// compute finds what the draft's remedy would do, and computes its change of the configuration, as the writer will compute
// it again.
func (s *story) compute(draft incident.Plan, in plan.Input) plan.Change {
	inputs, err := remedyInputs(in)
	if err != nil {
		return plan.Change{Refusal: err.Error()}
	}
	if !draft.ByWish() {
		draft.Recipe, err = remedy.Propose(draft.Remedy, s.diagnosis, inputs, s.prepared())
	}
	if err != nil {
		return plan.Change{Refusal: err.Error()}
	}
	change, err := remedy.Compute(draft, s.diagnosis, inputs)
	if err != nil {
		return plan.Change{Refusal: err.Error()}
	}
	return plan.Change{
		Difference: change.Difference, Hash: change.Hash, Recipe: draft.Recipe, Left: change.Left,
		Returns: remedy.Returns(inputs.Theirs, change.Result), Exposes: remedy.Exposes(inputs.Theirs, change.Result), Needed: remedy.Needed(inputs.Theirs, change.Result),
	}
}

// The tags of a distribution by which its owners say what cannot be read elsewhere: the origin that stands ready for the
// others, and the flat-rate plan, as free, pro, business or premium.
const (
	standbyTag  = "cloudfront503:standby"
	flatRateTag = "cloudfront503:flat-rate-plan"
)

// prepared is what the distribution's owners have got ready, and what the stack lets people be asked for.
func (s *story) prepared() remedy.Prepared {
	return remedy.Prepared{
		Standby: s.snapshot.Tags[standbyTag], MayDetach: s.settings.MayDetach,
		Premium: strings.EqualFold(s.snapshot.Tags[flatRateTag], "premium"),
	}
}

// remedyInputs are the live configuration, the known good where there is one, and the one right after the blamed change.
func remedyInputs(in plan.Input) (remedy.Inputs, error) {
	inputs := remedy.Inputs{Distribution: in.Distribution, ETag: in.Live.ETag, FlatRate: in.Live.Tags[flatRateTag] != ""}
	var err error
	if inputs.Theirs, err = distribution.Parse(in.Live.Config); err != nil {
		return remedy.Inputs{}, fmt.Errorf("the live configuration: %w", err)
	}
	if in.KnownGood != nil {
		if inputs.Ours, err = distribution.Parse(in.KnownGood.Config); err != nil {
			return remedy.Inputs{}, fmt.Errorf("the known good configuration: %w", err)
		}
	}
	if in.Base != nil {
		base, err := distribution.Parse(in.Base.Config)
		if err != nil {
			return remedy.Inputs{}, fmt.Errorf("the configuration after the blamed change: %w", err)
		}
		inputs.Base = &base
	}
	return inputs, nil
}

// recentWrite is when this software last changed the distribution, zero where it has not in the last episodes.
func (s *story) recentWrite(ctx context.Context) (time.Time, error) {
	const back = 3 // episodes; more cannot lie within the pause that is asked about
	for episode := s.episode - 1; episode > max(0, s.episode-1-back); episode-- {
		reference := incident.Reference{Distribution: s.incident.Distribution, ID: incident.EpisodeID(episode)}
		body, err := s.ledger.Get(ctx, reference, "outcome/written.json")
		if errors.Is(err, ledger.ErrMissing) {
			continue
		}
		if err != nil {
			return time.Time{}, err
		}
		var written incident.Written
		if err := json.Unmarshal(body, &written); err != nil {
			return time.Time{}, fmt.Errorf("incident %s: written: %w", reference, err)
		}
		if written.Action == incident.ActionEvidence { // the distribution was not changed
			continue
		}
		return written.At, nil
	}
	return time.Time{}, nil
}
