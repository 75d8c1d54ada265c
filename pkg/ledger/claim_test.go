// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package ledger

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/incident"
)

func TestOfManyFunctionsThatClaimAtOnceOneOpens(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l := r.ledger("respond")
	claims := make([]Claim, 10)
	var all sync.WaitGroup
	for i := range claims {
		all.Go(func() {
			// Three deliveries of one alarm, and the others of another.
			arn := map[bool]string{true: errors5, false: errors3}[i < 3]
			c, err := l.Claim(t.Context(), shop, alarm(arn, "ALARM", 0), fmt.Sprint("holder", i), 15*time.Minute)
			if err != nil {
				t.Error(err)
			}
			claims[i] = c
		})
	}
	all.Wait()
	opened := slices.DeleteFunc(slices.Clone(claims), func(c Claim) bool { return c.Outcome != Opened })
	if len(opened) != 1 || opened[0].Incident != first {
		t.Errorf("%d opened: %v", len(opened), claims)
	}
	p := r.pointer()
	if p.Episode != 1 || len(p.Handled) != 2 || p.Lease.Holder != opened[0].Pointer.Lease.Holder {
		t.Errorf("%+v", p)
	}
	if steps := r.steps(); count(steps, incident.StepOpened) != 1 || count(steps, incident.StepHeard) != 1 {
		t.Errorf("%+v", steps)
	}
}

func TestAClaimWhoseAnswerIsLostIsRecognisedAsItsOwn(t *testing.T) {
	t.Parallel()
	for name, tries := range map[string]int{"the client gives up": 1, "the client tries again and gets 412 for its own": 3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.world.Faults.Add(kernel.Fault{Action: "s3:PutObject", LoseAnswer: true, Times: 1})
			l := New(r.client(operator, tries), bucket, "respond", r.clock)
			if c := r.claim(l, alarm(errors5, "ALARM", 0), "a"); c.Outcome != Opened {
				t.Error(c.Outcome)
			}
			if p := r.pointer(); p.Episode != 1 || p.Lease.Holder != "a" {
				t.Errorf("%+v", p)
			}
		})
	}
}

func TestAClaimSurvivesAConflictAndAServersError(t *testing.T) {
	t.Parallel()
	for name, refusal := range map[string]*kernel.APIError{
		"409 while another write is under way": kernel.Errorf(http.StatusConflict, "ConditionalRequestConflict", "another"),
		"412 that was nobody's":                kernel.Errorf(http.StatusPreconditionFailed, "PreconditionFailed", "no"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.world.Faults.Add(kernel.Fault{Action: "s3:PutObject", Error: refusal, Times: 2})
			if c := r.claim(r.ledger("respond"), alarm(errors5, "ALARM", 0), "a"); c.Outcome != Opened {
				t.Error(c.Outcome)
			}
		})
	}
}

func TestAnOtherWriterBetweenCheckAndWriteIsSeen(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]bool{"and the refusal arrives": false, "and the refusal is lost": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			other := r.ledger("verify")
			r.world.Faults.Add(kernel.Fault{Action: "s3:PutObject", Times: 1, LoseAnswer: lose, Before: func() {
				if _, err := other.Claim(t.Context(), shop, alarm(errors5, "OK", 5), "v", time.Minute); err != nil {
					t.Error(err)
				}
			}})
			if c := r.claim(r.ledger("respond"), alarm(errors5, "ALARM", 0), "a"); c.Outcome != Stale {
				t.Errorf("%s: the OK came first", c.Outcome)
			}
		})
	}
}

func TestALedgerThatIsDeniedIsAnErrorAndOpensNothing(t *testing.T) {
	t.Parallel()
	const all = `"Resource":["arn:aws:s3:::example-bucket","arn:aws:s3:::example-bucket/*"]}`
	for name, statements := range map[string]string{
		"nothing is allowed":                           `{"Effect":"Allow","Action":"sns:Publish",` + all,
		"without ListBucket a missing key is no proof": `{"Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],` + all,
		"writing is denied":                            `{"Effect":"Allow","Action":["s3:GetObject","s3:ListBucket"],` + all,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			c, err := r.as("respond", statements).Claim(t.Context(), shop, alarm(errors5, "ALARM", 0), "a", time.Minute)
			if err == nil || c.Ours() || !strings.Contains(err.Error(), shop) {
				t.Errorf("%v, %v", c.Outcome, err)
			}
			if keys := r.service.Keys(bucket, ""); len(keys) != 0 {
				t.Errorf("written: %v", keys)
			}
		})
	}
}

func TestAMissingBucketIsNotAnEmptyOne(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, err := New(r.client(operator, 1), "other-bucket", "respond", r.clock).Current(t.Context(), shop)
	if err == nil || errors.Is(err, ErrMissing) {
		t.Error(err)
	}
}

func TestAProcessKilledAnywhereInItsClaimIsTakenOverAndNothingHappensTwice(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		for lives := int64(1); ; lives++ {
			r := newRig(t)
			dying := &mortal{objects: r.client(operator, 1), lives: lives, after: after}
			_, err := New(dying, bucket, "respond", r.clock).Claim(t.Context(), shop, alarm(errors5, "ALARM", 0), "first", 15*time.Minute)
			if err == nil && dying.calls.Load() < lives {
				break // it got through
			}
			r.set(17)
			c := r.claim(r.ledger("respond"), alarm(errors5, "ALARM", 0), "second")
			if !c.Ours() || c.Incident != first || r.pointer().Lease.Holder != "second" {
				t.Errorf("killed at call %d (after: %t): %+v", lives, after, c)
			}
			if steps := r.steps(); count(steps, incident.StepOpened) != 1 || steps[0].Kind != incident.StepOpened {
				t.Errorf("killed at call %d (after: %t): %+v", lives, after, steps)
			}
		}
	}
}

func TestAProcessKilledWhileItJoinsIsNotedOnce(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		for lives := int64(1); ; lives++ {
			r := newRig(t)
			l := r.ledger("respond")
			r.claim(l, alarm(errors5, "ALARM", 0), "first")
			dying := &mortal{objects: r.client(operator, 1), lives: lives, after: after}
			_, err := New(dying, bucket, "respond", r.clock).Claim(t.Context(), shop, alarm(errors3, "ALARM", 1), "second", 15*time.Minute)
			if err == nil && dying.calls.Load() < lives {
				break
			}
			r.claim(l, alarm(errors3, "ALARM", 1), "third")
			p := r.pointer()
			if n := count(r.steps(), incident.StepHeard); n != 1 || len(p.Handled) != 2 || p.Lease.Holder != "first" {
				t.Errorf("killed at call %d (after: %t): heard %d times, %+v", lives, after, n, p)
			}
		}
	}
}

func TestTheOneWhoTakesOverKnowsWhatOpenedIt(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l := r.ledger("respond")
	r.claim(l, alarm(errors5, "ALARM", 0), "first")
	r.set(20)
	c := r.claim(l, resume("000001"), "second")
	if c.Outcome != TakenOver || c.Pointer.OpenedBy == nil || c.Pointer.OpenedBy.Alarm.ARN != errors5 {
		t.Errorf("%+v", c)
	}
	if steps := r.steps(); count(steps, incident.StepTakenOver) != 1 {
		t.Errorf("%+v", steps)
	}
}

func TestASilencedAlarmIsRecordedWhereItBelongs(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l := r.ledger("respond")
	if c := r.claim(l, silenced(alarm(errors5, "ALARM", 0)), "a"); c.Outcome != Nothing || c.Incident.ID != "" {
		t.Errorf("%+v", c)
	}
	if p := r.pointer(); p.Episode != 0 || len(p.Handled) != 1 {
		t.Errorf("no incident: not in the pointer: %+v", p)
	}
	r.claim(l, alarm(errors3, "ALARM", 1), "b")
	r.claim(l, silenced(alarm(errors5, "ALARM", 2)), "c")
	if steps := r.steps(); count(steps, incident.StepHeard) != 1 || steps[1].Note != "muted" {
		t.Errorf("an open incident: no step: %+v", steps)
	}
}

func TestNobodyCannotClaim(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if _, err := r.ledger("respond").Claim(t.Context(), shop, alarm(errors5, "ALARM", 0), "", time.Minute); err == nil {
		t.Error("a claim without a holder was taken")
	}
}

func TestTwoAttemptsOfOneInvocationAreTwoHolders(t *testing.T) {
	t.Parallel()
	if a, b := Holder("request-1"), Holder("request-1"); a == b || !strings.HasPrefix(a, "request-1/") {
		t.Error(a, b)
	}
}
