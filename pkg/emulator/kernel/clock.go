// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package kernel

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Clock is the account's time: the machine's, moved ahead by Advance. Timers fire in Advance, in order, each after the
// work of the one before has settled; with Run they also fire as the machine's time passes.
type Clock struct {
	mu     sync.Mutex
	offset time.Duration
	timers []*timer
	serial int
	settle func()
}

type timer struct {
	at     time.Time
	serial int
	name   string
	fire   func()
}

// NewClock starts at the machine's time.
func NewClock() *Clock { return &Clock{settle: func() {}} }

// Now is the account's time in UTC.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now()
}

func (c *Clock) now() time.Time { return time.Now().UTC().Add(c.offset) }

// SetNow sets the clock, backwards too, and fires nothing: for a world that begins at a time of its own. Timers keep their
// distance.
func (c *Clock) SetNow(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	shift := now.Sub(c.now())
	c.offset += shift
	for _, t := range c.timers {
		t.at = t.at.Add(shift)
	}
}

// After fires once, d from now, unless the returned function has cancelled it. name tells it apart in Next.
func (c *Clock) After(d time.Duration, name string, fire func()) (cancel func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.serial++
	t := &timer{at: c.now().Add(d), serial: c.serial, name: name, fire: fire}
	c.timers = append(c.timers, t)
	return func() { c.remove(t) }
}

func (c *Clock) remove(t *timer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.timers = slices.DeleteFunc(c.timers, func(other *timer) bool { return other == t })
}

// Next is the name of the earliest timer and how long it is until then; ok is false where there is none.
func (c *Clock) Next() (name string, in time.Duration, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.earliest()
	if t == nil {
		return "", 0, false
	}
	return t.name, max(0, t.at.Sub(c.now())), true
}

// Advance settles, then moves the clock ahead by d, firing what comes due on the way, each at its own time.
func (c *Clock) Advance(d time.Duration) {
	c.settle()
	target := c.Now().Add(d)
	for {
		t := c.due(target)
		if t == nil {
			break
		}
		t.fire()
		c.settle()
	}
	c.moveTo(target)
}

// beat is how often Run looks for timers that have come due.
const beat = 100 * time.Millisecond

// Run fires timers as the machine's time passes, until the context ends. Advance may be called meanwhile.
func (c *Clock) Run(ctx context.Context) {
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			c.Advance(0)
		case <-ctx.Done():
			return
		}
	}
}

// due takes out the earliest timer that is due by target, having moved the clock to its time.
func (c *Clock) due(target time.Time) *timer {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.earliest()
	if t == nil || t.at.After(target) {
		return nil
	}
	c.timers = slices.DeleteFunc(c.timers, func(other *timer) bool { return other == t })
	c.offset += max(0, t.at.Sub(c.now()))
	return t
}

func (c *Clock) moveTo(target time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += max(0, target.Sub(c.now()))
}

func (c *Clock) earliest() *timer {
	if len(c.timers) == 0 {
		return nil
	}
	return slices.MinFunc(c.timers, func(a, b *timer) int {
		if order := a.at.Compare(b.at); order != 0 {
			return order
		}
		return a.serial - b.serial
	})
}
