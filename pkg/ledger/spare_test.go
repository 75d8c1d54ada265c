// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package ledger

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/incident"
)

// unwritable lets S3 refuse every step until it is switched off.
func unwritable(r *rig) (off func()) {
	return r.world.Faults.Add(kernel.Fault{
		Action: "s3:PutObject", Resource: "*/steps/*", Error: kernel.Errorf(http.StatusForbidden, "AccessDenied", "Access Denied"),
	})
}

func TestAStepThatTheChainDoesNotTakeIsKeptUntilItDoes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l := r.ledger("verify")
	r.claim(l, alarm(errors5, "ALARM", 0), "a")
	off := unwritable(r)
	_, _, err := l.AppendOnce(t.Context(), first, incident.StepTold, "k", "told", nil)
	if !Refused(err) {
		t.Fatalf("not a refusal: %v", err)
	}
	for range 2 { // the second time changes nothing
		if _, err := l.Spare(t.Context(), first, incident.StepTold, "k", "told", incident.Message{Kind: "outcome"}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.ledger("respond").Spare(t.Context(), first, incident.StepTold, "k", "another's", nil); err != nil {
		t.Fatal(err)
	}
	if left, err := l.Unspare(t.Context(), r.pointer()); !Refused(err) || len(left) != 2 {
		t.Errorf("%d left, %v", len(left), err)
	}
	if n := len(r.pointer().Spare); n != 2 {
		t.Fatalf("%d spare", n)
	}
	off()
	left, err := l.Unspare(t.Context(), r.pointer())
	r.ok(err)
	if spare := r.pointer().Spare; len(spare) != 1 || spare[0].Writer != "respond" || len(left) != 1 {
		t.Errorf("spare are %+v, left %+v", spare, left)
	}
	var message incident.Message
	for _, step := range r.steps() {
		if step.Kind == incident.StepTold {
			r.ok(step.Read(&message))
		}
	}
	if message.Kind != "outcome" {
		t.Error("the chain has not the step's details")
	}
}

func TestWhatAPointerKeepsIsBounded(t *testing.T) {
	t.Parallel()
	var p incident.Pointer
	for i := range mostSpare + 3 {
		spare(&p, incident.Step{Kind: incident.StepTold, Key: fmt.Sprint(i), Detail: []byte(`"` + strings.Repeat("x", mostSpared) + `"`)})
	}
	if len(p.Spare) != mostSpare || p.Spare[0].Key != "3" || p.Spare[0].Detail != nil {
		t.Errorf("%d, from %s", len(p.Spare), p.Spare[0].Key)
	}
}

func TestAnIncidentWhoseLastStepIsRefusedIsClosedAllTheSame(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l := r.ledger("verify")
	r.claim(l, alarm(errors5, "ALARM", 0), "a")
	unwritable(r)
	r.ok(l.Close(t.Context(), first, incident.Outcome{Result: "told", Why: "over"}))
	p := r.pointer()
	if p.State != incident.Closed || p.Outcome.Result != "told" || len(p.Spare) != 1 || p.Spare[0].Kind != incident.StepClosed {
		t.Errorf("%+v", p)
	}
	r.set(30)
	if _, err := l.Claim(t.Context(), shop, alarm(errors5, "ALARM", 29), "b", time.Minute); !Refused(err) {
		t.Errorf("the next episode's first step: %v", err)
	}
	if p := r.pointer(); p.Episode != 2 || len(p.Spare) != 0 {
		t.Errorf("the next episode keeps the steps of the one before: %+v", p)
	}
}

func TestAStepThatFailsOtherwiseDoesNotCloseAnIncident(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l := r.ledger("verify")
	r.claim(l, alarm(errors5, "ALARM", 0), "a")
	r.world.Faults.Add(kernel.Fault{Action: "s3:PutObject", Resource: "*/steps/*", Error: kernel.Errorf(http.StatusInternalServerError, "InternalError", "")})
	if err := l.Close(t.Context(), first, incident.Outcome{Result: "told"}); err == nil || r.pointer().State != incident.Open {
		t.Errorf("%v, %s", err, r.pointer().State)
	}
}
