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

	"cloudfront503/pkg/approval"
	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/ledger"
	"cloudfront503/pkg/plan"
	"cloudfront503/pkg/remedy"
	"cloudfront503/pkg/snapshot"
)

// wish hears a person who wants a snapshot's fields back, and answers at once what came of it. What can be refused is
// refused before anything is opened; then the story is every incident's, with the same snapshot, evidence, guards, gate and
// record.
func (h handler) wish(ctx context.Context, trigger incident.Trigger, raw json.RawMessage) (*incident.WishAnswer, error) {
	distribution := trigger.Resume.Distribution
	if !h.settings.Watches(distribution) {
		return &incident.WishAnswer{Refused: fmt.Sprintf("Distribution %s is not among those that this stack watches: %s.",
			distribution, strings.Join(h.settings.Distributions, ", "))}, nil
	}
	way, err := h.makeWay(ctx, distribution, trigger)
	switch {
	case err != nil:
		return nil, err
	case way.granted:
		return h.answer(ctx, way.incident)
	case way.refusal != "":
		return &incident.WishAnswer{Incident: way.incident, Refused: way.refusal}, nil
	}
	refusal, err := h.cannotGrant(ctx, trigger, way)
	if err != nil || refusal != "" {
		return &incident.WishAnswer{Refused: refusal}, err
	}
	trigger.Resume = &way.incident
	s, err := h.claim(ctx, distribution, trigger, raw)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return &incident.WishAnswer{Refused: "Another incident of the distribution has come first: ask again in a minute."}, nil
	}
	if err := s.finish(ctx, s.tell(ctx)); err != nil {
		return nil, err
	}
	return h.answer(ctx, s.incident)
}

// cannotGrant says why a wish cannot be granted as things are, empty where it can: its plan is made as it will be made once
// an incident is open. A refused wish takes no other incident's place.
func (h handler) cannotGrant(ctx context.Context, trigger incident.Trigger, way way) (string, error) {
	live, err := h.snapshots.Live(ctx, way.incident.Distribution)
	if err != nil {
		return "", err
	}
	s := story{handler: h, incident: way.incident, trigger: trigger, snapshot: live, episode: way.episode + 1}
	in, err := s.considerations(ctx)
	if err != nil {
		return "", err
	}
	if good := in.Wish.Snapshot; good != nil && good.SHA256 == live.SHA256 {
		return "The live configuration is that of the snapshot already: nothing differs.", nil
	}
	return plan.Make(in).TellOnly, nil
}

// wished is the wish with the snapshot that it names. A *remedy.Refused says that there is no such snapshot.
func (h handler) wished(ctx context.Context, trigger incident.Trigger) (plan.Wish, error) {
	wish := *trigger.Wish
	there, err := h.snapshots.Load(ctx, wish.Snapshot, "")
	switch {
	case errors.Is(err, snapshot.ErrMissing):
		return plan.Wish{}, &remedy.Refused{Why: "there is no snapshot " + wish.Snapshot}
	case err != nil:
		return plan.Wish{}, err
	case there.Distribution != trigger.Resume.Distribution:
		return plan.Wish{}, &remedy.Refused{Why: "the snapshot is of another distribution, " + there.Distribution}
	case there.VersionID != wish.VersionID:
		return plan.Wish{}, &remedy.Refused{Why: "the snapshot " + wish.Snapshot + " holds another configuration by now: look at it again"}
	}
	name := strings.TrimSuffix(strings.TrimPrefix(wish.Snapshot, "snapshots/"+there.Distribution+"/"), ".json")
	return plan.Wish{By: trigger.By, Only: wish.Only, Snapshot: &there, Name: name}, nil
}

// consider puts the wish in the place of what the policy would consider.
func (s *story) consider(ctx context.Context, in *plan.Input) error {
	wished, err := s.wished(ctx, s.trigger)
	var refused *remedy.Refused
	if errors.As(err, &refused) {
		wished, err = plan.Wish{By: s.trigger.By, Only: s.trigger.Wish.Only, Problem: sentence(refused.Why)}, nil
	}
	in.Wish, in.KnownGood = &wished, wished.Snapshot
	return err
}

// way is whether a wish may have an incident of its own.
type way struct {
	incident incident.Reference // that is under way and would give way; without an ID: none is
	episode  int                // of the last one
	refusal  string             // why it does not give way
	granted  bool               // it is the wish's own: the same request has come before
}

// makeWay looks at the distribution's last incident. One that is under way gives way to a wish, unless somebody works on
// it or people decide on its plan.
func (h handler) makeWay(ctx context.Context, distribution string, trigger incident.Trigger) (way, error) {
	pointer, err := h.ledger.Current(ctx, distribution)
	if errors.Is(err, ledger.ErrMissing) {
		return way{incident: incident.Reference{Distribution: distribution}}, nil
	}
	if err != nil {
		return way{}, err
	}
	under := way{incident: pointer.Reference(), episode: pointer.Episode}
	switch {
	case pointer.Lease.Holder != "" && !pointer.Lease.Dead(h.now()):
		under.refusal = fmt.Sprintf("Incident %s is being worked on right now: ask again in a few minutes.", under.incident)
		return under, nil
	case slices.Contains(pointer.Handled, trigger.Key):
		under.granted = pointer.OpenedBy != nil && pointer.OpenedBy.Key == trigger.Key
		under.refusal = map[bool]string{false: "This was asked before, and another incident has come since."}[under.granted]
		return under, nil
	case !pointer.State.Ongoing():
		return way{incident: incident.Reference{Distribution: distribution}, episode: pointer.Episode}, nil
	}
	steps, err := h.ledger.Steps(ctx, under.incident)
	if err != nil {
		return way{}, err
	}
	under.refusal, err = h.undecided(under.incident, steps)
	return under, err
}

// undecided says why an incident that is under way must be decided first; empty where nothing in it is open.
func (h handler) undecided(reference incident.Reference, steps []incident.Step) (string, error) {
	record, err := approval.ReadRecord(steps)
	if err != nil {
		return "", fmt.Errorf("incident %s: %w", reference, err)
	}
	request := record.Request
	switch {
	case record.Undoing.Document+record.Undoing.ID != "" && !record.Undone && record.NotUndone == "":
		return fmt.Sprintf("Incident %s is taking its change back: wait for that.", reference), nil
	case request == nil || record.Written || record.Withdrawn != "":
		return "", nil
	case record.Tally(h.approvers, h.now()).Rejected || !h.now().Before(request.Expires):
		return "", nil
	}
	return fmt.Sprintf("Incident %s is open with another plan, on which people decide until %s: have it decided first, or rejected.",
		reference, request.Expires.UTC().Format("15:04:05 MST")), nil
}

// replace ends the record of the incident that gave way. Its report stays as it was written last.
func (s *story) replace(ctx context.Context) error {
	if s.trigger.Wish == nil || s.trigger.Resume == nil || s.trigger.Resume.ID == "" {
		return nil
	}
	steps, err := s.ledger.Steps(ctx, *s.trigger.Resume)
	if err != nil {
		return err
	}
	record, err := approval.ReadRecord(steps)
	if err != nil {
		return fmt.Errorf("incident %s: %w", s.trigger.Resume, err)
	}
	outcome := incident.Outcome{Result: "told", Why: "It gave way to what a person asked for, in incident " + s.incident.String() + "."}
	if record.Written && !record.Undone {
		outcome.Result = "changed"
	}
	_, _, err = s.ledger.AppendOnce(ctx, *s.trigger.Resume, incident.StepClosed, "closed", outcome.Why, outcome)
	return err
}

// answer says what an incident's record holds for who wished for it.
func (h handler) answer(ctx context.Context, reference incident.Reference) (*incident.WishAnswer, error) {
	steps, err := h.ledger.Steps(ctx, reference)
	if err != nil {
		return nil, err
	}
	s := story{handler: h, incident: reference, steps: steps}
	var request incident.ApprovalRequest
	answer := &incident.WishAnswer{Incident: reference}
	switch {
	case !s.done(incident.StepPlanned, &s.plan):
		answer.Refused = "No plan could be made; on-call was told why."
	case s.plan.TellOnly != "":
		answer.Refused = s.plan.TellOnly
	case !s.done(incident.StepAsked, &request) || !s.done(incident.StepStarted, &s.execution):
		answer.Refused = "The runbook could not be started; on-call was told why."
	}
	answer.Does, answer.Changes = s.plan.Does, incident.Show(s.plan.Difference)
	answer.Left = slices.Concat(s.plan.Limits, s.plan.Advice)
	answer.Approvers, answer.Required, answer.Until, answer.Runbook = request.Approvers, request.Required, request.Expires, s.execution.ID
	return answer, nil
}

// sentence makes a sentence of a reason.
func sentence(why string) string {
	why = strings.TrimSuffix(why, ".")
	return strings.ToUpper(why[:1]) + why[1:] + "."
}
