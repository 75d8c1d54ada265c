// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"cloudfront503/pkg/incident"
)

// Claim is what a wish to work on a distribution's incident came to.
type Claim struct {
	Incident incident.Reference // zero where there is none
	Outcome  Outcome
	Why      string // one phrase
	Pointer  incident.Pointer
}

// Ours reports whether the claimer holds the lease.
func (c Claim) Ours() bool { return c.Outcome == Opened || c.Outcome == TakenOver }

// Claim records a trigger about a distribution and says whether its holder is to work on it. Of any number of functions
// that claim at once, in any order, one gets Opened. lease must outlast the function's time-out; it is renewed before each
// outside effect, given back with Release when the work is done, and given up with Abandon when it failed. An incident whose
// holder died is TakenOver by the next claim, or by the sweep's KindResume. The error, if any, is S3's: people must be told,
// and Pointer is then what was read, the zero one where nothing was.
func (l *Ledger) Claim(ctx context.Context, distribution string, t incident.Trigger, holder string, lease time.Duration) (Claim, error) {
	if holder == "" {
		return Claim{}, fmt.Errorf("ledger %s: claim: nobody claims", distribution)
	}
	for range attempts {
		claim, done, err := l.tryClaim(ctx, distribution, asked{trigger: t, holder: holder, lease: lease})
		if err != nil {
			return claim, fmt.Errorf("ledger %s: claim: %w", distribution, err)
		}
		if done {
			return claim, nil
		}
	}
	return Claim{}, fmt.Errorf("ledger %s: claim: lost to other writers %d times", distribution, attempts)
}

func (l *Ledger) tryClaim(ctx context.Context, distribution string, a asked) (Claim, bool, error) {
	pointer, before, err := l.pointer(ctx, distribution)
	if err != nil {
		return Claim{}, false, err
	}
	a.now = l.now().UTC() // after an answer of S3, whose clock it follows
	r := judge(pointer, a)
	// The step first: a function killed between the two writes is told again, and AppendOnce does not repeat it.
	if r.heard {
		if err := l.noteHeard(ctx, pointer.Reference(), a.trigger, r); err != nil {
			return Claim{Pointer: pointer}, false, err
		}
	}
	if r.next != nil {
		won, err := l.swapPointer(ctx, r.next, before)
		if err != nil || !won {
			return Claim{Pointer: pointer}, false, err
		}
		pointer = *r.next
	}
	claim := Claim{Outcome: r.outcome, Why: r.why, Pointer: pointer}
	if pointer.Episode > 0 {
		claim.Incident = pointer.Reference()
	}
	return claim, true, l.noteOpening(ctx, claim)
}

// noteHeard notes a trigger in the open incident's record, once for each outcome. A trigger without a key is noted each time.
func (l *Ledger) noteHeard(ctx context.Context, ref incident.Reference, t incident.Trigger, r ruling) error {
	key := t.Key
	if key != "" {
		key += "@" + string(r.outcome)
	}
	_, _, err := l.AppendOnce(ctx, ref, incident.StepHeard, key, r.why, t)
	return err
}

// noteOpening makes sure that the record begins with the trigger that opened it, also after a death in between.
func (l *Ledger) noteOpening(ctx context.Context, c Claim) error {
	if !c.Ours() || c.Pointer.OpenedBy == nil {
		return nil
	}
	if c.Outcome == Opened {
		l.known.begin(c.Incident)
	}
	_, _, err := l.AppendOnce(ctx, c.Incident, incident.StepOpened, "opened", "the incident was opened", c.Pointer.OpenedBy)
	if err != nil || c.Outcome == Opened {
		return err
	}
	_, _, err = l.AppendOnce(ctx, c.Incident, incident.StepTakenOver, c.Pointer.Lease.Holder, c.Why, c.Pointer.Lease)
	return err
}

// pointer reads a distribution's pointer and what its replacement must match; the zero pointer where there is none yet.
func (l *Ledger) pointer(ctx context.Context, distribution string) (incident.Pointer, condition, error) {
	key := pointerKey(distribution)
	o, err := l.read(ctx, key)
	if errors.Is(err, ErrMissing) {
		return incident.Pointer{Distribution: distribution, State: incident.Closed}, condition{absent: true}, nil
	}
	if err != nil {
		return incident.Pointer{}, condition{}, err
	}
	pointer, err := parse[incident.Pointer](key, o)
	return pointer, condition{etag: o.etag}, err
}

func (l *Ledger) swapPointer(ctx context.Context, next *incident.Pointer, before condition) (bool, error) {
	next.Nonce = l.nonce()
	body, err := json.Marshal(next)
	if err != nil {
		return false, fmt.Errorf("pointer: %w", err)
	}
	etag, won, err := l.swap(ctx, pointerKey(next.Distribution), body, before, next.Nonce)
	if err == nil && won {
		l.known.see(*next, etag)
	}
	return won, err
}

// Current is a distribution's pointer; ErrMissing where it never had an incident nor an alarm.
func (l *Ledger) Current(ctx context.Context, distribution string) (incident.Pointer, error) {
	pointer, before, err := l.pointer(ctx, distribution)
	if err == nil && before.absent {
		err = ErrMissing
	}
	if err != nil {
		return incident.Pointer{}, fmt.Errorf("ledger %s: %w", distribution, err)
	}
	return pointer, nil
}
