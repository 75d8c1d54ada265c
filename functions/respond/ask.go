// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"cloudfront503/pkg/approval"
	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/notify"
	"cloudfront503/pkg/remedy"
	"cloudfront503/pkg/runbook"
)

// start starts the runbook, or finds that it was started. The step "starting" comes first: whoever takes over after a
// death in between looks for the execution, then starts it with the same token, and the slot lets only one go on.
func (s *story) start(ctx context.Context) error {
	if s.done(incident.StepStarted, &s.execution) {
		return nil
	}
	if err := s.renew(ctx); err != nil {
		return err
	}
	naming := runbook.Naming{ByRole: s.settings.GateByRole, Signer: s.settings.SignerRole(), Own: s.settings.ApproverRole}
	who, err := naming.Approvers(s.approvers, max(1, s.plan.Approvals))
	if err != nil {
		return err
	}
	order := runbook.Order{
		Plan: s.plan, Incident: s.incident, Document: s.settings.Document(s.plan.Runbook), ApproverARNs: who,
		Function: s.settings.Function("remediate"), Role: s.settings.AutomationRole(),
		Message: fmt.Sprintf("%s of %s because %s", s.plan.Remedy, s.incident.Distribution, because(s.plan)),
	}
	if s.execution, err = s.startOnce(ctx, order); err != nil {
		return err
	}
	if s.execution.StartedAt.IsZero() {
		s.execution.StartedAt = s.now()
	}
	return s.note(ctx, incident.StepStarted, "the runbook is started and waits for people", s.execution)
}

// because says in a few words what a plan rests on.
func because(p incident.Plan) string {
	if p.ByWish() {
		return "a person asks for it"
	}
	return "of " + string(p.Cause)
}

// startOnce looks first for what an earlier holder may have started: SSM does not say for how long it knows a token, and a
// second execution would find the slot taken.
func (s *story) startOnce(ctx context.Context, order runbook.Order) (incident.Execution, error) {
	var before incident.Execution
	if s.begun = s.done(incident.StepStarting, &before); s.begun {
		found, ok, err := s.runbooks.Find(ctx, order, time.Time{})
		if ok || err != nil {
			return found, err
		}
	}
	if err := s.note(ctx, incident.StepStarting, "the runbook is about to be started", incident.Execution{Document: order.Document}); err != nil {
		return incident.Execution{}, err
	}
	s.begun = true
	return s.runbooks.Start(ctx, order)
}

// electors are those who may approve: all approvers but the person who asked for it.
func (s *story) electors() []incident.Approver { return approval.Others(s.approvers, s.trigger.By) }

// quorum is how many people must approve at least. Where a person opened the incident, or the one that it took the place
// of, and does not say who, any approver may be that person: then two must approve, one of whom is somebody else.
func (s *story) quorum() int {
	if s.trigger.Kind == incident.KindOpen && s.trigger.By == "" {
		return max(2, s.settings.Quorum)
	}
	return s.settings.Quorum
}

// ask gives each approver tickets of their own, and tells the on-call topic that somebody is asked. Who could not be told
// is told by the next try; the tickets are the same then. Those of a later circle get theirs when verify, which has seen
// that all before stayed silent, hands the incident back.
func (s *story) ask(ctx context.Context) error {
	electors := s.electors()
	request := incident.ApprovalRequest{
		Incident: s.incident, Execution: s.execution.ID, Step: runbook.StepApprove, Distribution: s.incident.Distribution,
		ETag: s.plan.ETag, Hash: s.plan.Hash, Expires: s.expires(), Required: max(1, s.plan.Approvals),
		Approvers: approval.Names(electors), Circles: approval.Circles(electors), AskedBy: s.trigger.By,
	}
	rounds, err := s.rounds(request)
	if err != nil || rounds < 0 {
		return err
	}
	if err := s.note(ctx, incident.StepAsked, "approvers are asked", request); err != nil {
		return s.cannot(ctx, "record whom it asks", err)
	}
	s.asked = true
	if err := errors.Join(s.noteRounds(ctx, request, rounds), s.askAll(ctx, request, rounds, electors)); err != nil {
		return s.cannot(ctx, "ask every approver", err)
	}
	return nil
}

// expires is when the gate stops waiting.
func (s *story) expires() time.Time { return runbook.Expiry(s.execution.StartedAt) }

// askAll asks everybody of the circles whose turn it is, and tells on-call, all at once.
func (s *story) askAll(ctx context.Context, request incident.ApprovalRequest, rounds int, electors []incident.Approver) error {
	asked := slices.Concat(request.Circles[:rounds+1]...)
	problems := make([]error, len(electors)+1)
	var wait sync.WaitGroup
	for i, approver := range electors {
		if slices.Contains(asked, approver.Name) {
			wait.Go(func() { problems[i] = s.askOne(ctx, request, approver) })
		}
	}
	problems[len(electors)] = s.send(ctx, s.settings.OnCallTopic(), "on-call", notify.RenderEscalation(notify.Escalation{
		About: s.about(), Plan: s.plan, Request: request, Silent: request.Circles[0], Said: "they have just been asked", At: s.now(),
	}))
	wait.Wait()
	return errors.Join(problems...)
}

// rounds is how often verify has seen that all who were asked stay silent, so how many further circles are to be asked;
// -1 where nobody is to be asked any more.
func (s *story) rounds(request incident.ApprovalRequest) (int, error) {
	record, err := approval.ReadRecord(s.steps)
	if err != nil {
		return -1, fmt.Errorf("incident %s: %w", s.incident, err)
	}
	tally := record.Tally(s.approvers, s.now())
	if record.Request != nil && (record.Withdrawn != "" || record.Written || tally.Approved || tally.Rejected || !s.now().Before(request.Expires)) {
		return -1, nil
	}
	rounds := 0
	for _, step := range s.steps {
		if step.Writer == "verify" && step.Kind == incident.StepEscalated {
			rounds++
		}
	}
	return min(rounds, len(request.Circles)-1), nil
}

// noteRounds notes each further circle before its tickets go out, so that approve takes them.
func (s *story) noteRounds(ctx context.Context, request incident.ApprovalRequest, rounds int) error {
	for i, names := range request.Circles[1 : rounds+1] {
		note := fmt.Sprintf("circle %d is asked, as those before stay silent: %s", i+2, strings.Join(names, ", "))
		if _, _, err := s.ledger.AppendOnce(ctx, s.incident, incident.StepAskedNext, fmt.Sprintf("circle %d", i+2), note, names); err != nil {
			return err
		}
	}
	return nil
}

func (s *story) askOne(ctx context.Context, request incident.ApprovalRequest, approver incident.Approver) error {
	if s.told(notify.KindAsk, approver.Channel, approver.Name) {
		return nil
	}
	verbs := []incident.Verb{incident.Approve, incident.Reject}
	if remedy.NoWayBack(s.plan.Remedy) == "" {
		verbs = append(verbs, incident.Undo)
	}
	tickets, err := s.tickets.Tickets(ctx, request, approver.Name, verbs...)
	if err != nil {
		return err
	}
	codes, err := s.codes(ctx, request, approver)
	if err != nil {
		return err
	}
	return s.send(ctx, approver.Channel, approver.Name, notify.RenderAsk(notify.Ask{
		About: s.about(), Diagnosis: s.diagnosis, Plan: s.plan, Request: request, Snapshot: s.snapshot, Approver: approver,
		Approve: tickets[0], Reject: tickets[1], Undo: strings.Join(tickets[2:], ""),
		Code: codes[incident.Approve], CodeNo: codes[incident.Reject],
	}))
}

// codes gives an approver with a phone new codes, and keeps what tells them from others, before they leave. Those of an
// earlier try, whose message may have left, stay good.
func (s *story) codes(ctx context.Context, request incident.ApprovalRequest, approver incident.Approver) (map[incident.Verb]string, error) {
	if approver.Phone == "" {
		return nil, nil
	}
	codes, kept, err := s.tickets.Codes(ctx, request, approver, incident.Approve, incident.Reject)
	if err != nil {
		return nil, err
	}
	if err := s.renew(ctx); err != nil {
		return nil, err
	}
	_, err = s.ledger.Append(ctx, s.incident, incident.StepCoded, approver.Name+" gets codes to answer by text message", kept)
	return codes, err
}

// tellWhyNot tells people why nothing will be touched, and what they can do.
func (s *story) tellWhyNot(ctx context.Context) error {
	return s.send(ctx, s.settings.OnCallTopic(), "on-call", notify.RenderTell(notify.Tell{
		About: s.about(), Diagnosis: s.diagnosis, Plan: s.plan, Snapshot: s.snapshot,
	}))
}

// send sends one message and records that it left, or that it did not. The same message is not sent twice.
func (s *story) send(ctx context.Context, topic, who string, m notify.Message) error {
	if s.told(m.Kind, topic, who) {
		return nil
	}
	if err := s.renew(ctx); err != nil {
		return err
	}
	message := incident.Message{Kind: m.Kind, To: topic}
	var err error
	if message.ID, err = s.people.Send(ctx, topic, m); err != nil {
		message.Error = incident.Line(err.Error(), 200)
		_, noteErr := s.ledger.Append(ctx, s.incident, incident.StepUntold, "a message to "+who+" did not leave", message)
		return errors.Join(err, noteErr)
	}
	key, note := m.Kind+" "+topic+" "+who, who+" was told: "+m.Kind
	if _, _, err = s.ledger.AppendOnce(ctx, s.incident, incident.StepTold, key, note, message); err == nil {
		return nil
	}
	_, spareErr := s.ledger.Spare(ctx, s.incident, incident.StepTold, key, note, message)
	return errors.Join(err, spareErr)
}

// told reports whether an earlier holder has sent a message of this kind to the topic; of trouble, whether it was the same.
func (s *story) told(kind, topic, who string) bool {
	for _, step := range s.steps {
		var message incident.Message
		if step.Kind == incident.StepTold && step.Read(&message) == nil && message.Kind == kind && message.To == topic &&
			(kind != notify.KindCannotWork || step.Key == kind+" "+topic+" "+who) {
			return true
		}
	}
	return false
}

func (s *story) about() notify.About {
	return notify.About{
		Environment: s.settings.Environment, Incident: s.incident, Distribution: s.incident.Distribution,
		DomainName: s.snapshot.DomainName, Bucket: s.settings.Bucket,
	}
}
