// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package kernel

import "sync"

// work counts what is under way. A sync.WaitGroup would not do: work starts while others wait for it.
type work struct {
	mu    sync.Mutex
	idle  *sync.Cond
	count int
}

func newWork() *work {
	w := &work{}
	w.idle = sync.NewCond(&w.mu)
	return w
}

func (w *work) start(do func()) {
	w.add(1)
	go func() {
		defer w.add(-1)
		do()
	}()
}

func (w *work) add(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count += n
	if w.count == 0 {
		w.idle.Broadcast()
	}
}

func (w *work) wait() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.count > 0 {
		w.idle.Wait()
	}
}
