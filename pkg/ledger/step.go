// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"cloudfront503/pkg/incident"
)

// Append adds a step to this writer's chain of an incident. detail is nil or what the kind's documentation names. However
// many append at once, each gets a number of its own.
func (l *Ledger) Append(ctx context.Context, ref incident.Reference, kind incident.StepKind, note string, detail any) (incident.Step, error) {
	step, _, err := l.append(ctx, ref, incident.Step{Kind: kind, Note: note}, detail)
	return step, err
}

// AppendOnce adds a step unless this writer's chain has one of that kind and key; then it gives that one, and added is
// false. Of several at once, one adds. An empty key is Append's.
func (l *Ledger) AppendOnce(ctx context.Context, ref incident.Reference, kind incident.StepKind, key, note string, detail any) (step incident.Step, added bool, err error) {
	return l.append(ctx, ref, incident.Step{Kind: kind, Key: key, Note: note}, detail)
}

func (l *Ledger) append(ctx context.Context, ref incident.Reference, step incident.Step, detail any) (incident.Step, bool, error) {
	raw, err := rawDetail(detail)
	if err != nil {
		return incident.Step{}, false, fmt.Errorf("ledger %s: append %s: %w", ref, step.Kind, err)
	}
	step.Detail, step.Writer, step.Nonce = raw, l.writer, l.nonce()
	c := l.known.chain(ref)
	c.mu.Lock()
	defer c.mu.Unlock()
	for range attempts {
		got, state, err := l.tryAppend(ctx, ref, c, step)
		if err != nil {
			c.read = false
			return incident.Step{}, false, fmt.Errorf("ledger %s: append %s: %w", ref, step.Kind, err)
		}
		if state != lostRace {
			return got, state == appended, nil
		}
	}
	return incident.Step{}, false, fmt.Errorf("ledger %s: append %s: lost to other writers %d times", ref, step.Kind, attempts)
}

func rawDetail(detail any) (json.RawMessage, error) {
	if detail == nil {
		return nil, nil
	}
	return json.Marshal(detail)
}

// attempt is what one try to append came to.
type attempt int

const (
	lostRace attempt = iota
	appended
	foundThere
)

// tryAppend puts the step behind the end of the chain as it is known. Where somebody else was first, the chain is read.
func (l *Ledger) tryAppend(ctx context.Context, ref incident.Reference, c *chain, step incident.Step) (incident.Step, attempt, error) {
	if !c.read {
		if err := l.catchUp(ctx, ref, c); err != nil {
			return incident.Step{}, lostRace, err
		}
	}
	if same := c.same(step); same != nil {
		return *same, foundThere, nil
	}
	last := c.last()
	step.N, step.Previous, step.At = last.N+1, last.Hash, l.stepTime(last)
	body, hash, err := seal(step)
	if err != nil {
		return incident.Step{}, lostRace, err
	}
	step.Hash = hash
	_, won, err := l.swap(ctx, stepKey(ref, step.Writer, step.N), body, condition{absent: true}, step.Nonce)
	if err != nil || !won {
		c.read = false
		return incident.Step{}, lostRace, err
	}
	c.steps = append(c.steps, step)
	return step, appended, nil
}

// stepTime keeps a chain in the order of its times, also where the clock is set back.
func (l *Ledger) stepTime(last incident.Step) time.Time {
	now := l.now().UTC().Round(0)
	if now.Before(last.At) {
		return last.At
	}
	return now
}

func stepKey(ref incident.Reference, writer string, n int) string {
	return fmt.Sprintf("%s%s/%06d.json", stepsFolder(ref), writer, n)
}

// readStep is a step of a list, which is read where it is not known, and lies where it says.
func (l *Ledger) readStep(ctx context.Context, at listed) (incident.Step, error) {
	if step, ok := l.known.step(at); ok {
		return step, nil
	}
	o, err := l.read(ctx, at.key)
	if err != nil {
		return incident.Step{}, err
	}
	step, err := parse[incident.Step](at.key, o)
	if err != nil {
		return incident.Step{}, err
	}
	if want := fmt.Sprintf("%s/%06d.json", step.Writer, step.N); !strings.HasSuffix(at.key, "/steps/"+want) {
		return incident.Step{}, fmt.Errorf("read %s: the step says that it is %s", at.key, want)
	}
	l.known.keep(at.key, o.etag, step)
	return step, nil
}

// Steps is an incident's whole record: the chains of all writers, merged by time, each in its own order.
func (l *Ledger) Steps(ctx context.Context, ref incident.Reference) ([]incident.Step, error) {
	all, err := l.list(ctx, stepsFolder(ref), "")
	if err != nil {
		return nil, fmt.Errorf("ledger %s: steps: %w", ref, err)
	}
	all = slices.DeleteFunc(all, func(each listed) bool { return path.Ext(each.key) != ".json" })
	steps, err := l.readSteps(ctx, all)
	if err != nil {
		return nil, fmt.Errorf("ledger %s: steps: %w", ref, err)
	}
	slices.SortStableFunc(steps, func(a, b incident.Step) int { return a.At.Compare(b.At) })
	return steps, nil
}

// atOnce is how many objects are read side by side.
const atOnce = 16

// readSteps reads steps side by side, in the order of the list.
func (l *Ledger) readSteps(ctx context.Context, all []listed) ([]incident.Step, error) {
	steps, faults := make([]incident.Step, len(all)), make([]error, len(all))
	var wait sync.WaitGroup
	free := make(chan struct{}, atOnce)
	for i, each := range all {
		free <- struct{}{}
		wait.Go(func() {
			defer func() { <-free }()
			steps[i], faults[i] = l.readStep(ctx, each)
		})
	}
	wait.Wait()
	return steps, errors.Join(faults...)
}
