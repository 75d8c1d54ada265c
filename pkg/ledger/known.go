// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package ledger

import (
	"context"
	"sync"

	"cloudfront503/pkg/incident"
)

// known is what this process has seen of S3 last. It saves reading before each write and decides nothing: every write that
// rests on it is conditional, so where S3 has moved on, the write is refused and what is there is read. A step is taken
// from here only while S3 lists it under the ETag that it was read with: no object is changed and keeps that.
type known struct {
	mu       sync.Mutex
	chains   map[incident.Reference]*chain
	pointers map[string]sighting // by distribution
	steps    map[string]keptStep // by key
}

// mostKnown and mostSteps bound how many incidents and steps are remembered; a warm Lambda may live for hours. A sweep
// every five minutes reads each open incident's record, which has a few dozen steps.
const (
	mostKnown = 32
	mostSteps = 1024
)

// keptStep is a step and the ETag of the object that it was read from.
type keptStep struct {
	etag string
	step incident.Step
}

// chain is this writer's own steps of an incident, as far as they were read. Whoever appends holds mu.
type chain struct {
	mu    sync.Mutex
	read  bool // steps are the whole chain as it was once; false: nothing is known
	steps []incident.Step
}

// sighting is a pointer and the ETag that it had.
type sighting struct {
	pointer incident.Pointer
	etag    string
}

// chain is what is known of this writer's steps.
func (k *known) chain(ref incident.Reference) *chain {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.chains == nil || len(k.chains) >= mostKnown {
		k.chains = map[incident.Reference]*chain{}
	}
	if k.chains[ref] == nil {
		k.chains[ref] = &chain{}
	}
	return k.chains[ref]
}

// begin notes that an incident was opened just now by this writer: it has no steps yet.
func (k *known) begin(ref incident.Reference) {
	c := k.chain(ref)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.read = true
}

// see remembers a pointer; without an ETag it is forgotten.
func (k *known) see(p incident.Pointer, etag string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.pointers == nil || len(k.pointers) >= mostKnown {
		k.pointers = map[string]sighting{}
	}
	delete(k.pointers, p.Distribution)
	if etag != "" {
		k.pointers[p.Distribution] = sighting{p, etag}
	}
}

// take is the pointer that was seen last, once: who writes it remembers it anew.
func (k *known) take(distribution string) (sighting, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	seen, ok := k.pointers[distribution]
	delete(k.pointers, distribution)
	return seen, ok
}

// step is what a list shows, where it was read before.
func (k *known) step(at listed) (incident.Step, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	kept, ok := k.steps[at.key]
	return kept.step, ok && kept.etag == at.etag
}

// keep remembers a step that was read; one without an ETag could not be told from another.
func (k *known) keep(key, etag string, step incident.Step) {
	if etag == "" {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.steps == nil || len(k.steps) >= mostSteps {
		k.steps = map[string]keptStep{}
	}
	k.steps[key] = keptStep{etag, step}
}

// same is the step of a kind and key, nil where the chain has none or the step bears no key.
func (c *chain) same(step incident.Step) *incident.Step {
	if step.Key == "" {
		return nil
	}
	for _, each := range c.steps {
		if each.Kind == step.Kind && each.Key == step.Key {
			return &each
		}
	}
	return nil
}

// last is the chain's end, the zero step where it has none.
func (c *chain) last() incident.Step {
	if len(c.steps) == 0 {
		return incident.Step{}
	}
	return c.steps[len(c.steps)-1]
}

// catchUp reads what the chain does not know yet. The caller holds its lock.
func (l *Ledger) catchUp(ctx context.Context, ref incident.Reference, c *chain) error {
	after := ""
	if n := c.last().N; n > 0 {
		after = stepKey(ref, l.writer, n)
	}
	c.read = false
	missed, err := l.list(ctx, stepsFolder(ref)+l.writer+"/", after)
	if err != nil {
		return err
	}
	steps, err := l.readSteps(ctx, missed)
	if err != nil {
		return err
	}
	c.steps, c.read = append(c.steps, steps...), true
	return nil
}
