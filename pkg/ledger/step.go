// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
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
	for range attempts {
		got, state, err := l.tryAppend(ctx, ref, step)
		if err != nil {
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

func (l *Ledger) tryAppend(ctx context.Context, ref incident.Reference, step incident.Step) (incident.Step, attempt, error) {
	last, same, err := l.end(ctx, ref, step)
	if err != nil {
		return incident.Step{}, lostRace, err
	}
	if same != nil {
		return *same, foundThere, nil
	}
	step.N, step.Previous, step.At = last.N+1, last.Hash, l.stepTime(last)
	body, hash, err := seal(step)
	if err != nil {
		return incident.Step{}, lostRace, err
	}
	step.Hash = hash
	won, err := l.swap(ctx, stepKey(ref, step.Writer, step.N), body, condition{absent: true}, step.Nonce)
	if err != nil || !won {
		return incident.Step{}, lostRace, err
	}
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

// end is the last step of this writer's chain, and the one of step's kind and key where it has a key and the chain such a
// step. Without a key only the last step is read.
func (l *Ledger) end(ctx context.Context, ref incident.Reference, step incident.Step) (last incident.Step, same *incident.Step, err error) {
	keys, err := l.keys(ctx, stepsFolder(ref)+l.writer+"/")
	if err != nil || len(keys) == 0 {
		return incident.Step{}, nil, err
	}
	if step.Key == "" {
		keys = keys[len(keys)-1:]
	}
	for _, key := range keys {
		last, err = l.readStep(ctx, key)
		if err != nil {
			return incident.Step{}, nil, err
		}
		if step.Key != "" && last.Kind == step.Kind && last.Key == step.Key {
			return last, &last, nil
		}
	}
	return last, nil, nil
}

func stepKey(ref incident.Reference, writer string, n int) string {
	return fmt.Sprintf("%s%s/%06d.json", stepsFolder(ref), writer, n)
}

// readStep reads a step and checks that it lies where it says.
func (l *Ledger) readStep(ctx context.Context, key string) (incident.Step, error) {
	o, err := l.read(ctx, key)
	if err != nil {
		return incident.Step{}, err
	}
	step, err := parse[incident.Step](key, o)
	if err != nil {
		return incident.Step{}, err
	}
	if want := fmt.Sprintf("%s/%06d.json", step.Writer, step.N); !strings.HasSuffix(key, "/steps/"+want) {
		return incident.Step{}, fmt.Errorf("read %s: the step says that it is %s", key, want)
	}
	return step, nil
}

// Steps is an incident's whole record: the chains of all writers, merged by time, each in its own order.
func (l *Ledger) Steps(ctx context.Context, ref incident.Reference) ([]incident.Step, error) {
	keys, err := l.keys(ctx, stepsFolder(ref))
	if err != nil {
		return nil, fmt.Errorf("ledger %s: steps: %w", ref, err)
	}
	var steps []incident.Step
	for _, key := range keys {
		if path.Ext(key) != ".json" {
			continue
		}
		step, err := l.readStep(ctx, key)
		if err != nil {
			return nil, fmt.Errorf("ledger %s: steps: %w", ref, err)
		}
		steps = append(steps, step)
	}
	slices.SortStableFunc(steps, func(a, b incident.Step) int { return a.At.Compare(b.At) })
	return steps, nil
}
