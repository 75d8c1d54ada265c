// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/smithy-go"

	"cloudfront503/pkg/approval"
	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/ledger"
	"cloudfront503/pkg/notify"
	"cloudfront503/pkg/settings"
)

// question is what is asked, as far as the person may read it.
type question struct {
	text      string // what is shown before the answer
	topic     string // the person's own reply topic
	stack     settings.Settings
	approvers []incident.Approver // none where the stack may not be read
	approver  incident.Approver   // the person; the zero value where the stack may not be read
	record    *approval.Record    // nil where the bucket may not be read
}

// unreadableHere says what a person may not read, and what they can do.
type unreadableHere struct {
	what string
	err  error
}

func (u unreadableHere) Error() string {
	return fmt.Sprintf("you may not read %s: give the message that asked you with --message FILE (%s)", u.what, incident.Line(u.err.Error(), 200))
}

func (u unreadableHere) Unwrap() error { return u.err }

// ask reads what is asked: from the bucket, or out of the message where the person may not read that.
func (a answer) ask(ctx context.Context, p person, l letter) (question, error) {
	q := question{topic: l.topic, text: l.plain()}
	err := a.readStack(ctx, p, &q)
	if err == nil {
		err = a.readRecord(ctx, p, &q)
	}
	var hidden unreadableHere
	if errors.As(err, &hidden) && a.message != "" && !a.sign {
		err = nil // the message says it
	}
	return q, err
}

// readStack finds the stack's names, and the person among its approvers.
func (a answer) readStack(ctx context.Context, p person, q *question) (err error) {
	if q.stack, err = p.stack(ctx, a.stack); denied(err) {
		return unreadableHere{"the stack " + a.stack, err}
	}
	if err != nil {
		return err
	}
	if q.approvers, err = approval.ParseApprovers(q.stack.Approvers); err != nil {
		return err
	}
	var known bool
	if q.approver, known = p.among(q.approvers); !known {
		return fmt.Errorf("you are %s, and none of the approvers of stack %s, who are %s", p.arn, a.stack, strings.Join(approval.Names(q.approvers), ", "))
	}
	q.topic = q.approver.Topic
	return nil
}

// readRecord reads the incident, and says why an answer cannot count where that can be known.
func (a answer) readRecord(ctx context.Context, p person, q *question) error {
	steps, err := ledger.New(settings.S3(p.cfg), q.stack.Bucket, "cf503", p.clock.Now).Steps(ctx, a.incident)
	switch {
	case denied(err):
		return unreadableHere{"s3://" + q.stack.Bucket, err}
	case err != nil:
		return fmt.Errorf("incident %s: %w", a.incident, err)
	case len(steps) == 0:
		return fmt.Errorf("no incident %s in stack %s of account %s", a.incident, a.stack, p.account)
	}
	record, err := approval.ReadRecord(steps)
	if err != nil {
		return fmt.Errorf("incident %s: %w", a.incident, err)
	}
	if record.Request == nil {
		return fmt.Errorf("nothing was asked about incident %s", a.incident)
	}
	q.record = &record
	if why := objection(record, a.verb, *q, p); why != "" {
		return errors.New(why)
	}
	asked := notify.Ask{About: notify.About{Environment: q.stack.Environment, Incident: a.incident}, Request: *record.Request, Approver: q.approver}
	q.text = notify.Question(withPlan(asked, steps))
	return nil
}

// objection is why the person's answer would not count.
func objection(record approval.Record, verb incident.Verb, q question, p person) string {
	if why := record.Outsider(q.approver); why != "" {
		return why
	}
	return record.Objection(verb, q.approvers, p.clock.Now())
}

// withPlan adds what respond has planned, why, and what verify has seen since.
func withPlan(asked notify.Ask, steps []incident.Step) notify.Ask {
	for _, step := range steps {
		switch step.Writer + " " + string(step.Kind) {
		case "respond planned":
			_ = step.Read(&asked.Plan) // what cannot be read is shown as not known
		case "respond snapshot":
			_ = step.Read(&asked.Snapshot)
			asked.DomainName = asked.Snapshot.DomainName
		case "respond diagnosed", "verify second-look":
			asked.Diagnosis = incident.Diagnosis{}
			_ = step.Read(&asked.Diagnosis)
		}
	}
	return asked
}

// denied reports whether AWS does not let the person.
func denied(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && (strings.Contains(api.ErrorCode(), "AccessDenied") || api.ErrorCode() == "AuthorizationError" || api.ErrorCode() == "Forbidden")
}
