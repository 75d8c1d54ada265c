// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package ledger

import (
	"errors"
	"sync"
	"testing"
	"time"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/incident"
)

func TestALeaseIsRenewedUntilSomebodyElseHasIt(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l := r.ledger("respond")
	r.claim(l, alarm(errors5, "ALARM", 0), "a")

	r.set(10)
	r.ok(l.Renew(t.Context(), first, "a"))
	if until := r.pointer().Lease.Until; !until.Equal(at(25)) {
		t.Errorf("until %s", until)
	}
	r.set(30) // ran out, but nobody came
	r.ok(l.Renew(t.Context(), first, "a"))

	r.set(46)
	if c := r.claim(l, resume("000001"), "b"); c.Outcome != TakenOver {
		t.Fatal(c.Outcome)
	}
	if err := l.Renew(t.Context(), first, "a"); !errors.Is(err, ErrLeaseLost) {
		t.Error(err)
	}
	r.ok(l.Release(t.Context(), first, "a")) // of what is lost, there is nothing to give back
	if holder := r.pointer().Lease.Holder; holder != "b" {
		t.Errorf("held by %q", holder)
	}
}

func TestARenewalWhoseAnswerIsLostHolds(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l := r.ledger("respond")
	r.claim(l, alarm(errors5, "ALARM", 0), "a")
	r.world.Faults.Add(kernel.Fault{Action: "s3:PutObject", LoseAnswer: true, Times: 1})
	r.ok(l.Renew(t.Context(), first, "a"))
}

func TestARenewalIsNotDisturbedByWhatIsHeard(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l := r.ledger("respond")
	r.claim(l, alarm(errors5, "ALARM", 0), "a")
	r.world.Faults.Add(kernel.Fault{Action: "s3:PutObject", Times: 1, Before: func() {
		if _, err := r.ledger("verify").Claim(t.Context(), shop, alarm(errors3, "ALARM", 1), "v", time.Minute); err != nil {
			t.Error(err)
		}
	}})
	r.ok(l.Renew(t.Context(), first, "a"))
	if p := r.pointer(); len(p.Handled) != 2 {
		t.Errorf("what was heard got lost: %+v", p)
	}
}

// What this process wrote last it need not read to give it back; what others wrote since stays.
func TestALeaseIsGivenBackUnread(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault kernel.Fault
		reads int64
	}{
		"nothing came between": {},
		"the answer is lost":   {fault: kernel.Fault{Action: "s3:PutObject", LoseAnswer: true, Times: 1}, reads: 1},
		"something was heard":  {fault: kernel.Fault{Action: "s3:PutObject", Times: 1}, reads: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			client := &reading{objects: r.client(operator, 1)}
			l := New(client, bucket, "respond", r.clock)
			r.claim(l, alarm(errors5, "ALARM", 0), "a")
			handled := 1
			if c.fault.Action != "" && !c.fault.LoseAnswer {
				handled = 2
				c.fault.Before = func() { r.claim(r.ledger("verify"), alarm(errors3, "ALARM", 1), "v") }
			}
			if c.fault.Action != "" {
				r.world.Faults.Add(c.fault)
			}
			before := client.reads.Load()
			r.ok(l.Release(t.Context(), first, "a"))
			if got := client.reads.Load() - before; got != c.reads {
				t.Errorf("%d reads, want %d", got, c.reads)
			}
			if p := r.pointer(); p.Lease.Holder != "" || len(p.Handled) != handled {
				t.Errorf("%+v", p)
			}
		})
	}
}

func TestWorkThatIsDoneIsNotTakenOverAndWorkThatFailedIsAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l := r.ledger("respond")
	r.claim(l, alarm(errors5, "ALARM", 0), "a")
	r.ok(l.Abandon(t.Context(), first, "a"))
	if c := r.claim(l, alarm(errors5, "ALARM", 0), "b"); c.Outcome != TakenOver {
		t.Errorf("Lambda's retry of what failed: %s", c.Outcome)
	}
	r.ok(l.Release(t.Context(), first, "b"))
	if c := r.claim(l, alarm(errors5, "ALARM", 0), "c"); c.Outcome != Duplicate {
		t.Errorf("a repeated delivery of what is done: %s", c.Outcome)
	}
}

func TestTheSweepHoldsOnlyWhatNobodyHolds(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l := r.ledger("verify")
	r.claim(l, alarm(errors5, "ALARM", 0), "a")
	if err := l.Hold(t.Context(), first, "sweep", time.Minute); !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
	r.ok(l.Abandon(t.Context(), first, "a"))
	if err := l.Hold(t.Context(), first, "sweep", time.Minute); !errors.Is(err, ErrUndone) {
		t.Errorf("work that is undone: %v", err)
	}
	r.ok(l.Renew(t.Context(), first, "a"))
	r.ok(l.Release(t.Context(), first, "a"))
	var all sync.WaitGroup
	var mu sync.Mutex
	held := 0
	for _, holder := range []string{"s1", "s2", "s3", "s4"} {
		all.Go(func() {
			err := l.Hold(t.Context(), first, holder, time.Minute)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				held++
			} else if !errors.Is(err, ErrBusy) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if held != 1 {
		t.Errorf("%d hold it", held)
	}
}

func TestWhatWasGivenUpIsDeadForAClockThatIsBehind(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l := r.ledger("respond")
	r.claim(l, alarm(errors5, "ALARM", 0), "a")
	r.ok(l.Abandon(t.Context(), first, "a"))
	if lease := r.pointer().Lease; !lease.Dead(at(-1)) {
		t.Errorf("%+v", lease)
	}
}

func TestAnIncidentIsClosedOnceAndStaysSo(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l := r.ledger("verify")
	r.claim(r.ledger("respond"), alarm(errors5, "ALARM", 0), "a")
	r.claim(l, alarm(errors5, "OK", 20), "v")
	r.set(30)
	outcome := incident.Outcome{Result: "changed", Why: "recovered"}
	r.world.Faults.Add(kernel.Fault{Action: "s3:PutObject", LoseAnswer: true, Skip: 1, Times: 1}) // the pointer's
	r.ok(l.Close(t.Context(), first, outcome))
	r.ok(l.Close(t.Context(), first, incident.Outcome{Result: "void"}))
	p := r.pointer()
	if p.State != incident.Closed || !p.ClosedAt.Equal(at(30)) || !p.EndedAt.Equal(at(20)) || *p.Outcome != outcome || p.Lease.Holder != "" {
		t.Errorf("%+v", p)
	}
	if n := count(r.steps(), incident.StepClosed); n != 1 {
		t.Errorf("closed %d times", n)
	}
	if err := l.Renew(t.Context(), first, "a"); !errors.Is(err, ErrLeaseLost) {
		t.Errorf("a closed incident's lease: %v", err)
	}
	if err := l.Hold(t.Context(), first, "a", time.Minute); !errors.Is(err, ErrLeaseLost) {
		t.Errorf("a closed incident's lease: %v", err)
	}
	if c := r.claim(l, alarm(errors5, "ALARM", 40), "b"); c.Incident.ID != "000002" || !c.Pointer.ClosedAt.IsZero() || c.Pointer.Outcome != nil {
		t.Errorf("the next episode: %+v", c)
	}
}

func TestOpenAndRecentIncidentsAreListedOverAllPages(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l := New(leafing{r.client(operator, 1)}, bucket, "verify", r.clock)
	for i, id := range []string{"EAAAAAA", "EBBBBBB", "ECCCCCC", "EDDDDDD", "EEEEEEE"} {
		if _, err := l.Claim(t.Context(), id, alarm(errors5, "ALARM", i), "a", time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	r.ok(l.Close(t.Context(), incident.Reference{Distribution: "ECCCCCC", ID: "000001"}, incident.Outcome{Result: "told"}))
	if _, err := l.Claim(t.Context(), "EFFFFFF", alarm(errors5, "OK", 1), "a", time.Minute); err != nil {
		t.Fatal(err)
	}
	open, err := l.Since(t.Context(), at(9999))
	r.ok(err)
	recent, err := l.Recent(t.Context())
	r.ok(err)
	if len(open) != 4 || len(recent) != 5 || recent[0].Distribution != "EEEEEEE" {
		t.Errorf("%d open, %d recent: %+v", len(open), len(recent), recent)
	}

	if lately, err := l.Since(t.Context(), at(1)); err != nil || len(lately) != 5 {
		t.Errorf("%d that are open or began lately, %v", len(lately), err)
	}
	if lately, err := l.Since(t.Context(), at(2)); err != nil || len(lately) != 4 {
		t.Errorf("%d that are open or began later, %v", len(lately), err)
	}

	r.world.Faults.Add(kernel.Fault{Action: "s3:GetObject", Resource: "*/EBBBBBB/*", Error: kernel.Errorf(403, "AccessDenied", "no")})
	if open, err = l.Since(t.Context(), at(9999)); err == nil || len(open) != 3 {
		t.Errorf("one is unreadable: %d others, %v", len(open), err)
	}
}

func TestAnIncidentThatHasEndedIsHeldUntilTheNextBegins(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l := r.ledger("verify")
	if c := r.claim(l, alarm(errors5, "ALARM", 0), "a"); !c.Ours() {
		t.Fatal(c)
	}
	if err := l.HoldEnded(t.Context(), first, "look", time.Minute); !errors.Is(err, ErrLeaseLost) {
		t.Errorf("one that is open: %v", err)
	}
	r.ok(l.Close(t.Context(), first, incident.Outcome{Result: "told"}))
	r.ok(l.HoldEnded(t.Context(), first, "look", time.Minute))
	r.ok(l.HoldEnded(t.Context(), first, "look", time.Minute)) // extended
	if err := l.HoldEnded(t.Context(), first, "other", time.Minute); !errors.Is(err, ErrBusy) {
		t.Errorf("one that somebody looks at: %v", err)
	}
	r.set(2)
	r.ok(l.HoldEnded(t.Context(), first, "other", time.Minute)) // the first holder died
	r.ok(l.ReleaseEnded(t.Context(), first, "look"))
	if p := r.pointer(); p.Lease.Holder != "other" || p.State != incident.Closed || p.Outcome == nil {
		t.Errorf("%+v", p)
	}
	if c := r.claim(l, alarm(errors5, "ALARM", 3), "b"); c.Outcome != Opened || c.Incident.ID != "000002" {
		t.Errorf("a new episode waits for a look at the last one: %+v", c)
	}
	if err := l.HoldEnded(t.Context(), first, "other", time.Minute); !errors.Is(err, ErrLeaseLost) {
		t.Errorf("after the next has begun: %v", err)
	}
	r.ok(l.ReleaseEnded(t.Context(), first, "other"))
	if p := r.pointer(); p.Lease.Holder != "b" {
		t.Errorf("%+v", p)
	}
}
