// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/ledger"
	"cloudfront503/pkg/notify"
)

// cannot tells people that the responder is stuck, once a kind of trouble. What may pass by itself is tried again; what
// will not is left to them.
func (s *story) cannot(ctx context.Context, what string, problem error) error {
	if isLost(problem) {
		return problem
	}
	s.log.ErrorContext(ctx, "cannot go on", "stage", what, "incident", s.incident.String(), "error", problem)
	told := s.send(ctx, s.settings.OnCallTopic(), what, notify.RenderCannotWork(notify.CannotWork{
		About: s.about(), What: what, Err: problem, Then: s.then(),
		Next: []string{"aws cloudfront get-distribution --id " + s.incident.Distribution},
	}))
	s.heard = told == nil
	if transient(problem) || told != nil {
		return errors.Join(problem, told)
	}
	return nil
}

// then says what it means that the story ends here: a runbook may have been started by now.
func (s *story) then() string {
	var asked incident.ApprovalRequest
	switch {
	case s.asked || s.done(incident.StepAsked, &asked):
		return fmt.Sprintf("The runbook waits at its gate until %s. Whoever was asked can answer, and the change is made once enough people approve.",
			s.expires().UTC().Format("15:04 MST"))
	case s.execution.ID != "":
		return "The runbook is started, as execution " + s.execution.ID + ", and waits at its gate, or has ended before. Nobody was asked, so that it writes nothing."
	case s.begun:
		return "Whether the runbook was started is not known. If it was, it waits at its gate, and as nobody was asked it writes nothing."
	}
	return "cloudfront503 changes nothing."
}

// unrecordedKey is the key under which it is kept that people know of a record that cannot be written.
const unrecordedKey = notify.KindCannotWork + " record"

// unrecorded tells people that what happens to a distribution cannot be recorded, once an incident where its pointer still
// can be written. The sweep asks again for what it was told, so that its requests are no error.
func (h handler) unrecorded(ctx context.Context, distribution string, t incident.Trigger, c ledger.Claim, problem error) error {
	resumes := t.Kind == incident.KindResume
	switch {
	case t.Alarm != nil && t.Alarm.State != "ALARM":
		return problem
	case slices.ContainsFunc(c.Pointer.Spare, func(s incident.Step) bool { return s.Key == unrecordedKey }), resumes && !toldAt(h.now().Sub(c.Pointer.OpenedAt)):
		h.log.ErrorContext(ctx, "cannot record", "stage", "ledger", "distribution", distribution, "error", problem)
		return unless(resumes, problem)
	}
	message := incident.Message{Kind: notify.KindCannotWork, To: h.settings.OnCallTopic()}
	var err error
	if message.ID, err = h.people.Send(ctx, message.To, h.renderUnrecorded(distribution, c, problem)); err != nil {
		return errors.Join(problem, err)
	}
	if c.Incident.ID != "" {
		_, err = h.ledger.Spare(ctx, c.Incident, incident.StepTold, unrecordedKey, "on-call was told that the record cannot be written", message)
	}
	return errors.Join(unless(resumes, problem), err)
}

func unless(not bool, problem error) error {
	if not {
		return nil
	}
	return problem
}

// sweeps is the time between two sweeps, and toldAgain how old an incident is when people are told once more of what still
// cannot be recorded anywhere; after that they are every few hours.
const (
	sweeps    = 5 * time.Minute
	toldEvery = 6 * time.Hour
)

var toldAgain = []time.Duration{sweeps, 3 * sweeps, time.Hour}

// toldAt reports whether a sweep is the one at which people are told again. Where nothing can be written, the clock is all
// there is to go by.
func toldAt(age time.Duration) bool {
	if age >= toldEvery {
		return age%toldEvery < sweeps
	}
	return slices.ContainsFunc(toldAgain, func(at time.Duration) bool { return age >= at && age < at+sweeps })
}

func (h handler) renderUnrecorded(distribution string, c ledger.Claim, problem error) notify.Message {
	then := "No configuration was saved and no runbook was started: look for yourself."
	if c.Outcome != ledger.Opened && (c.Pointer.Distribution == "" || c.Pointer.State.Ongoing()) {
		then = "Nothing new is begun. Of an incident that is under way its record says what was done; a runbook that was started by then goes on, or waits for people: look for yourself."
	}
	return notify.RenderCannotWork(notify.CannotWork{
		About: notify.About{Environment: h.settings.Environment, Incident: c.Incident, Distribution: distribution, Bucket: h.settings.Bucket},
		What:  "record the incident", Err: problem, Then: then,
		Next: []string{"aws cloudfront get-distribution --id " + distribution},
	})
}
