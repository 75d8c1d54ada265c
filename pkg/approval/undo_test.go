// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package approval_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"cloudfront503/pkg/approval"
	"cloudfront503/pkg/incident"
)

// runbooks are the way back's, as SSM has them.
type runbooks struct {
	started int
	known   bool  // one was started whose answer was lost
	fails   error // of the next start
	alone   bool  // the last one was started with a gate at which nobody is asked
}

func (r *runbooks) Start(_ context.Context, _ incident.ApprovalRequest, asApproved bool) (incident.Execution, error) {
	err := r.fails
	r.started, r.known, r.fails, r.alone = r.started+1, true, nil, asApproved
	return incident.Execution{ID: "back-1", Document: "UndoChange"}, err
}

func (r *runbooks) Find(context.Context, incident.ApprovalRequest) (incident.Execution, bool, error) {
	return incident.Execution{ID: "back-1", Document: "UndoChange"}, r.known, nil
}

func undoTicket(t *testing.T, who string) string {
	t.Helper()
	mac, err := key{}.Make(t.Context(), approval.Claims{Verb: incident.Undo, Approver: who, Request: request}.Text())
	if err != nil {
		t.Fatal(err)
	}
	return approval.Ticket{Incident: request.Incident, MAC: mac}.String()
}

// newUndoOffice is an office after the change of the request was written.
func newUndoOffice(t *testing.T) *office {
	o := newOffice(t)
	o.steps = append(o.steps, noted(t, "remediate", incident.StepWritten, asked.Add(5*time.Minute), incident.Written{At: asked.Add(5 * time.Minute)}))
	o.now = asked.Add(10 * time.Minute)
	return o
}

func (o *office) undo(r *runbooks, topic, id, text string) error {
	desk := o.desk()
	desk.WayBack = r
	desk.Sleep = func(context.Context, time.Duration) error { return nil }
	return desk.Take(o.t.Context(), incident.Trigger{Kind: incident.KindReply, Channel: incident.ChannelSNS, Reply: &incident.Reply{TopicARN: topic, MessageID: id, Text: text}})
}

func TestAnUndoStartsTheWayBackAndOpensItsGate(t *testing.T) {
	t.Parallel()
	o, r := newUndoOffice(t), &runbooks{}
	for range 2 { // SNS delivers more than once
		if err := o.undo(r, "reply-ben", "m1", "undo "+undoTicket(t, "ben")+" worse"); err != nil {
			t.Fatal(err)
		}
	}
	if want := "written decision undo-starting undo-started signalled"; o.kinds() != want || r.started != 1 || len(o.signals) != 1 || o.signals[0] != "ben undo back worse" {
		t.Errorf("steps %q, %d starts, signals %q", o.kinds(), r.started, o.signals)
	}
	if err := o.undo(r, "reply-ana", "m2", "undo "+undoTicket(t, "ana")); err != nil {
		t.Fatal(err)
	}
	if r.started != 1 || len(o.told) != 1 || !strings.Contains(o.told[0], "ben has asked for the way back already") {
		t.Errorf("%d starts, told %q", r.started, o.told)
	}
}

func TestAStartWithoutAnAnswerIsFoundAgain(t *testing.T) {
	t.Parallel()
	o, r := newUndoOffice(t), &runbooks{fails: context.DeadlineExceeded}
	text := "undo " + undoTicket(t, "ben")
	if err := o.undo(r, "reply-ben", "m1", text); err == nil {
		t.Fatal("the lost answer is no error")
	}
	if err := o.undo(r, "reply-ben", "m1", text); err != nil {
		t.Fatal(err)
	}
	if r.started != 1 || len(o.signals) != 1 {
		t.Errorf("%d starts, signals %q", r.started, o.signals)
	}
}

func TestAGateThatDoesNotWaitYetIsTriedAgainLater(t *testing.T) {
	t.Parallel()
	o, r := newUndoOffice(t), &runbooks{}
	o.waits = false
	text := "undo " + undoTicket(t, "ben")
	if err := o.undo(r, "reply-ben", "m1", text); err == nil || !strings.Contains(err.Error(), approval.ErrNotYet.Error()) {
		t.Fatalf("%v", err)
	}
	o.waits = true
	if err := o.undo(r, "reply-ben", "m1", text); err != nil || r.started != 1 || len(o.signals) != 1 {
		t.Errorf("%v, %d starts, signals %q", err, r.started, o.signals)
	}
}

func TestAnUndoThatIsRefusedStartsNothing(t *testing.T) {
	t.Parallel()
	note := func(kind incident.StepKind) func(*office) {
		return func(o *office) {
			o.steps = append(o.steps, noted(o.t, "remediate", kind, asked.Add(6*time.Minute), incident.Written{}))
		}
	}
	for _, test := range []struct {
		name, text, why string
		before          func(*office)
	}{
		{"another's ticket", "undo " + undoTicket(t, "ana"), "not one of ben's", func(*office) {}},
		{"the ticket of another verb", "approve " + undoTicket(t, "ben"), "not one of ben's", func(*office) {}},
		{"nothing is written", "undo " + undoTicket(t, "ben"), "nothing to undo", func(o *office) { o.steps = o.steps[:1] }},
		{"undone already", "undo " + undoTicket(t, "ben"), "undone already", note(incident.StepUndone)},
		{"tried already", "undo " + undoTicket(t, "ben"), "the way back was tried", note(incident.StepUndoFailed)},
		{"two hours after the write", "undo " + undoTicket(t, "ben"), "two hours after the change", func(o *office) { o.now = asked.Add(2*time.Hour + 5*time.Minute) }},
		{"by one who was not asked", "undo " + undoTicket(t, "ben"), "ben was not asked", func(o *office) {
			narrower := request
			narrower.Approvers = []string{"ana"}
			o.steps[0] = noted(o.t, "respond", incident.StepAsked, asked, narrower)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o, r := newUndoOffice(t), &runbooks{}
			test.before(o)
			if err := o.undo(r, "reply-ben", "m1", test.text); err != nil {
				t.Fatal(err)
			}
			if r.started != 0 || len(o.signals) != 0 || len(o.told) != 1 || !strings.Contains(o.told[0], test.why) {
				t.Errorf("%d starts, signals %q, told %q", r.started, o.signals, o.told)
			}
		})
	}
}

// newFailingOffice is an office after verify has seen that the change has made it worse, with a plan that says what then.
func newFailingOffice(t *testing.T, says incident.TakenBack) *office {
	o := newUndoOffice(t)
	o.steps = append(o.steps,
		noted(t, "respond", incident.StepPlanned, asked.Add(-time.Minute), incident.Plan{TakenBack: says}),
		noted(t, "verify", incident.StepTakingBack, asked.Add(9*time.Minute), incident.Recovery{State: incident.Worse, Why: "61 % fail since"}),
	)
	return o
}

func (o *office) takeBack(r *runbooks) (string, error) {
	desk := o.desk()
	desk.WayBack = r
	desk.Sleep = func(context.Context, time.Duration) error { return nil }
	return desk.TakeBack(o.t.Context(), request.Incident)
}

func TestAChangeIsTakenBackWithoutAReplyWhereThePlanSaysSo(t *testing.T) {
	t.Parallel()
	o, r := newFailingOffice(t, incident.TakenBackWorse), &runbooks{fails: context.DeadlineExceeded}
	if _, err := o.takeBack(r); err == nil {
		t.Error("a start without an answer is no error")
	}
	for range 2 { // verify asks again until it is heard
		if why, err := o.takeBack(r); why != "" || err != nil {
			t.Fatalf("%q, %v", why, err)
		}
	}
	if r.started != 1 || !r.alone || len(o.signals) != 1 || o.signals[0] != "as-approved undo back 61 % fail since" {
		t.Errorf("%d starts, alone %t, signals %q", r.started, r.alone, o.signals)
	}
	if err := o.undo(r, "reply-ben", "m1", "undo "+undoTicket(t, "ben")); err != nil {
		t.Fatal(err)
	}
	if r.started != 1 || len(o.told) != 1 || !strings.Contains(o.told[0], "is being taken back already") {
		t.Errorf("%d starts, told %q", r.started, o.told)
	}
}

func TestNothingIsTakenBackWithoutAReplyOtherwise(t *testing.T) {
	t.Parallel()
	add := func(writer string, kind incident.StepKind, detail any) func(*office) {
		return func(o *office) { o.steps = append(o.steps, noted(o.t, writer, kind, asked.Add(9*time.Minute), detail)) }
	}
	for _, test := range []struct {
		name   string
		says   incident.TakenBack
		before func(*office)
	}{
		{"the plan does not say so", incident.TakenBackNever, func(*office) {}},
		{"verify has seen nothing", incident.TakenBackWorse, func(o *office) { o.steps = o.steps[:len(o.steps)-1] }},
		{"somebody else says that it is worse", incident.TakenBackWorse, func(o *office) { o.steps[len(o.steps)-1].Writer = "approve" }},
		{"somebody else has planned so", incident.TakenBackNever, add("approve", incident.StepPlanned, incident.Plan{TakenBack: incident.TakenBackWorse})},
		{"it only has not helped", incident.TakenBackWorse, add("verify", incident.StepTakingBack, incident.Recovery{State: incident.NotYet, Failing: true})},
		{"nothing is written", incident.TakenBackWorse, func(o *office) { o.steps = append(o.steps[:1:1], o.steps[2:]...) }},
		{"two hours have passed", incident.TakenBackWorse, func(o *office) { o.now = asked.Add(3 * time.Hour) }},
		{"it is taken back", incident.TakenBackWorse, add("remediate", incident.StepUndone, incident.Written{})},
		{"it was tried", incident.TakenBackWorse, add("remediate", incident.StepUndoFailed, incident.Execution{})},
		{"a person was faster", incident.TakenBackWorse, add("approve", incident.StepDecision, incident.Decision{Approver: "ben", Verb: incident.Undo})},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o, r := newFailingOffice(t, test.says), &runbooks{}
			test.before(o)
			if why, err := o.takeBack(r); why == "" || err != nil || r.started != 0 || len(o.signals) != 0 {
				t.Errorf("%q, %v, %d starts, signals %q", why, err, r.started, o.signals)
			}
		})
	}
}
