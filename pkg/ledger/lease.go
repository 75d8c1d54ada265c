// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cloudfront503/pkg/incident"
)

// Renew makes sure that holder still has the lease and extends it by its length. Call it before each outside effect, and
// stop on ErrLeaseLost. A lease that ran out is renewed all the same if nobody has taken it.
func (l *Ledger) Renew(ctx context.Context, ref incident.Reference, holder string) error {
	renew := func(p *incident.Pointer) error {
		if p.Lease.Holder != holder {
			return ErrLeaseLost
		}
		p.Lease.Until = l.now().UTC().Add(p.Lease.Length)
		return nil
	}
	if l.changeSeen(ctx, ref, renew) {
		return nil
	}
	return l.change(ctx, ref, "renew", renew)
}

// changeSeen changes the pointer as this process saw it last, without reading it. It reports whether that was done; where
// the pointer has moved, or it is unknown what became of it, it was not, and the caller reads.
func (l *Ledger) changeSeen(ctx context.Context, ref incident.Reference, apply func(*incident.Pointer) error) bool {
	seen, ok := l.known.take(ref.Distribution)
	if !ok || !seen.pointer.State.Ongoing() || seen.pointer.Reference() != ref || apply(&seen.pointer) != nil {
		return false
	}
	won, err := l.swapPointer(ctx, &seen.pointer, condition{etag: seen.etag})
	return err == nil && won
}

// Release gives the lease back: the work is done, nothing is left to take over. It is no error if the lease was lost.
func (l *Ledger) Release(ctx context.Context, ref incident.Reference, holder string) error {
	release := func(p *incident.Pointer) error {
		if p.Lease.Holder != holder {
			return ErrLeaseLost
		}
		p.Lease = incident.Lease{}
		return nil
	}
	if l.changeSeen(ctx, ref, release) {
		return nil
	}
	return unlessLost(l.change(ctx, ref, "release", release))
}

// Abandon gives the lease up with the work undone: the next claim, Lambda's retry or the sweep, takes over at once. The
// time of an abandoned lease is zero and not now, as another function's clock may be a second behind.
func (l *Ledger) Abandon(ctx context.Context, ref incident.Reference, holder string) error {
	return unlessLost(l.change(ctx, ref, "abandon", func(p *incident.Pointer) error {
		if p.Lease.Holder != holder {
			return ErrLeaseLost
		}
		p.Lease.Until = time.Time{}
		return nil
	}))
}

// Hold takes the lease of an open incident that nobody works on, for work that no trigger asks for, as the sweep's. The
// error is ErrBusy where somebody holds it, ErrUndone where its holder died and must be taken over from, ErrLeaseLost where
// the incident is closed. It never takes the lease of a dead holder: given back later, nobody would know of the work.
func (l *Ledger) Hold(ctx context.Context, ref incident.Reference, holder string, lease time.Duration) error {
	return l.change(ctx, ref, "hold", func(p *incident.Pointer) error {
		now := l.now().UTC()
		switch {
		case p.Lease.Holder == "" || p.Lease.Holder == holder:
		case p.Lease.Dead(now):
			return ErrUndone
		default:
			return ErrBusy
		}
		p.Lease = incident.Lease{Holder: holder, Until: now.Add(lease), Length: lease}
		return nil
	})
}

// Close ends an incident and notes how. Closing one that is closed already changes nothing. Where S3 refuses the step, the
// incident is closed all the same: one that is open for ever hides the next.
func (l *Ledger) Close(ctx context.Context, ref incident.Reference, outcome incident.Outcome) error {
	return unlessLost(l.change(ctx, ref, "close", func(p *incident.Pointer) error {
		// The step first: a function killed between the two writes closes again, and the step is not repeated.
		if err := l.noteClosing(ctx, ref, p, outcome); err != nil {
			return err
		}
		now := l.now().UTC()
		p.State, p.ClosedAt, p.EndedAt, p.Outcome = incident.Closed, now, ended(*p, now), &outcome
		p.Lease, p.Watch = incident.Lease{}, nil
		return nil
	}))
}

// noteClosing appends the last step, or keeps it with the pointer that is about to be written.
func (l *Ledger) noteClosing(ctx context.Context, ref incident.Reference, p *incident.Pointer, outcome incident.Outcome) error {
	_, _, err := l.AppendOnce(ctx, ref, incident.StepClosed, "closed", outcome.Why, outcome)
	if Refused(err) {
		spare(p, incident.Step{Writer: l.writer, Kind: incident.StepClosed, Key: "closed", At: l.now().UTC(), Note: outcome.Why})
		return nil
	}
	return err
}

// HoldEnded takes or extends the lease of an incident that has ended and is still its distribution's last, for a look that
// comes later; a holder that died leaves nothing to take over. The error is ErrBusy where somebody else holds it, and
// ErrLeaseLost where another incident has begun: a new episode takes the pointer whoever holds it.
func (l *Ledger) HoldEnded(ctx context.Context, ref incident.Reference, holder string, lease time.Duration) error {
	return l.changeWhere(ctx, ref, "hold ended", hasEnded, func(p *incident.Pointer) error {
		now := l.now().UTC()
		if p.Lease.Holder != "" && p.Lease.Holder != holder && !p.Lease.Dead(now) {
			return ErrBusy
		}
		p.Lease = incident.Lease{Holder: holder, Until: now.Add(lease), Length: lease}
		return nil
	})
}

// ReleaseEnded gives the lease of an incident that has ended back. It is no error if it was lost.
func (l *Ledger) ReleaseEnded(ctx context.Context, ref incident.Reference, holder string) error {
	return unlessLost(l.changeWhere(ctx, ref, "release ended", hasEnded, func(p *incident.Pointer) error {
		if p.Lease.Holder != holder {
			return ErrLeaseLost
		}
		p.Lease = incident.Lease{}
		return nil
	}))
}

func hasEnded(s incident.State) bool { return !s.Ongoing() }

func unlessLost(err error) error {
	if errors.Is(err, ErrLeaseLost) {
		return nil
	}
	return err
}

// change replaces the pointer of an open incident. Other writers, who note what they hear, do not disturb it.
func (l *Ledger) change(ctx context.Context, ref incident.Reference, what string, apply func(*incident.Pointer) error) error {
	return l.changeWhere(ctx, ref, what, incident.State.Ongoing, apply)
}

// changeWhere replaces the pointer of an incident that is its distribution's last and in a state; in another it is lost.
func (l *Ledger) changeWhere(ctx context.Context, ref incident.Reference, what string, fits func(incident.State) bool, apply func(*incident.Pointer) error) error {
	for range attempts {
		won, err := l.tryChange(ctx, ref, fits, apply)
		if err != nil {
			return fmt.Errorf("ledger %s: %s: %w", ref, what, err)
		}
		if won {
			return nil
		}
	}
	return fmt.Errorf("ledger %s: %s: lost to other writers %d times", ref, what, attempts)
}

func (l *Ledger) tryChange(ctx context.Context, ref incident.Reference, fits func(incident.State) bool, apply func(*incident.Pointer) error) (bool, error) {
	pointer, before, err := l.pointer(ctx, ref.Distribution)
	if err != nil {
		return false, err
	}
	if !fits(pointer.State) || pointer.Reference() != ref {
		return false, ErrLeaseLost
	}
	if err := apply(&pointer); err != nil {
		return false, err
	}
	return l.swapPointer(ctx, &pointer, before)
}
