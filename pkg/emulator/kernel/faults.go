// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package kernel

import (
	"sync"
	"time"
)

// Fault is something that goes wrong with calls of one action.
type Fault struct {
	Action   string        // "cloudfront:UpdateDistribution", "s3:*", "*"
	Resource string        // only calls whose first resource matches this IAM-style pattern; empty: all
	Caller   string        // only callers whose ARN matches this IAM-style pattern; empty: all
	Skip     int           // let this many matching calls pass first
	Times    int           // then hit this many; 0: all of them
	Error    *APIError     // answered instead of doing it; nil: do it
	Latency  time.Duration // real time to wait first
	// LoseAnswer does the work and then closes the connection without an answer.
	LoseAnswer bool
	// Twice makes a delivery (sns, events, lambda async) happen twice. Its action is "deliver:sns", "deliver:events",
	// "deliver:lambda"; Resource is then where it goes (ARN or endpoint), Caller where it comes from (topic, rule, source).
	// With Error the receiver answers that instead.
	Twice bool
	// Before runs before the work: the place for "somebody else changes it between check and write". A fault of nothing else
	// hides none that comes after it.
	Before func()
}

// Faults are the switches that are on.
type Faults struct {
	mu   sync.Mutex
	list []*armed
}

type armed struct {
	Fault
	seen int
}

// NewFaults has no switch on.
func NewFaults() *Faults { return &Faults{} }

// Add switches a fault on; the returned function switches it off.
func (f *Faults) Add(fault Fault) (off func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	a := &armed{Fault: fault}
	f.list = append(f.list, a)
	return func() { f.drop(a) }
}

func (f *Faults) drop(a *armed) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, other := range f.list {
		if other == a {
			f.list = append(f.list[:i:i], f.list[i+1:]...)
			return
		}
	}
}

// Match is the first switched-on fault for a call that breaks anything, with what runs before it of those that do not; nil
// where there is none. Their counts are taken.
func (f *Faults) Match(action, resource, caller string) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	var found *Fault
	for _, a := range f.list {
		if !a.matches(action, resource, caller) {
			continue
		}
		a.seen++
		if a.seen <= a.Skip || (a.Times > 0 && a.seen > a.Skip+a.Times) {
			continue
		}
		fault := a.Fault
		if found != nil {
			fault.Before = inTurn(found.Before, fault.Before)
		}
		if found = &fault; !fault.watches() {
			return found
		}
	}
	return found
}

// watches reports a fault that breaks nothing itself: it hides no other.
func (f Fault) watches() bool {
	return f.Before != nil && f.Error == nil && f.Latency == 0 && !f.LoseAnswer && !f.Twice
}

// inTurn runs one after the other; nil is nothing to run.
func inTurn(first, second func()) func() {
	if second == nil {
		return first
	}
	return func() { first(); second() }
}

func (a *armed) matches(action, resource, caller string) bool {
	return Glob(a.Action, action) && (a.Resource == "" || Glob(a.Resource, resource)) && (a.Caller == "" || Glob(a.Caller, caller))
}
