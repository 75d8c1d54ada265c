// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package automation

import (
	"sync"

	"cloudfront503/pkg/emulator/kernel"
)

// thread is an execution's own line of work. It is work under way, which World.Settle waits for, only while it runs: at a
// gate it stands outside, so that the clock can be moved past it. That makes a runbook's walk plain sequential code.
type thread struct {
	world  *kernel.World
	parked chan struct{} // one token each time the thread stops running
}

// wake is how a wait ended.
type wake string

const (
	byTimer  wake = "timer"
	byGate   wake = "gate"
	bySignal wake = "signal"
	byChild  wake = "child"
	byStop   wake = "stop" // of the execution or of the step
)

// waiter is one wait. The first who takes it out of its execution may end it.
type waiter struct {
	woken  chan wake
	cancel func() // the timer, set under the executor's lock
}

func newThread(w *kernel.World) *thread { return &thread{world: w, parked: make(chan struct{})} }

// begin runs the thread's work up to its first wait or its end.
func (t *thread) begin(work func()) {
	t.world.Go(func() {
		go func() {
			defer t.park()
			work()
		}()
		<-t.parked
	})
}

func (t *thread) park() { t.parked <- struct{}{} }

// resume lets the thread run on up to its next wait or its end.
func (t *thread) resume(w *waiter, why wake) {
	t.world.Go(func() {
		w.woken <- why
		<-t.parked
	})
}

// sleep stops the thread until somebody resumes it.
func (t *thread) sleep(w *waiter) wake {
	t.park()
	return <-w.woken
}

// endings are what is told when an execution ends.
type endings struct {
	mu    sync.Mutex
	done  bool
	tells []func()
}

// add tells at the end, or now where that is past.
func (e *endings) add(tell func()) {
	e.mu.Lock()
	done := e.done
	if !done {
		e.tells = append(e.tells, tell)
	}
	e.mu.Unlock()
	if done {
		tell()
	}
}

func (e *endings) close() {
	e.mu.Lock()
	tells := e.tells
	e.done, e.tells = true, nil
	e.mu.Unlock()
	for _, tell := range tells {
		tell()
	}
}
