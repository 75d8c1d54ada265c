// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/incident"
)

func TestStepsAppendedAtOnceGetNumbersOfTheirOwn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l := r.ledger("respond")
	var all sync.WaitGroup
	for i := range 12 {
		all.Go(func() {
			if _, err := l.Append(t.Context(), first, incident.StepTold, fmt.Sprint(i), incident.Message{To: "topic"}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	var notes []string
	for i, step := range r.steps() {
		notes = append(notes, step.Note)
		if step.N != i+1 {
			t.Errorf("step %d has number %d", i+1, step.N)
		}
	}
	slices.Sort(notes)
	if len(slices.Compact(notes)) != 12 {
		t.Errorf("%v", notes)
	}
}

func TestAStepIsAppendedOnceHoweverOften(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l := r.ledger("respond")
	var all sync.WaitGroup
	var mu sync.Mutex
	added := 0
	for range 6 {
		all.Go(func() {
			_, fresh, err := l.AppendOnce(t.Context(), first, incident.StepTold, "ask/alice", "asked", nil)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if fresh {
				added++
			}
		})
	}
	all.Wait()
	if _, fresh, err := l.AppendOnce(t.Context(), first, incident.StepUntold, "ask/alice", "of another kind", nil); err != nil || !fresh {
		t.Error(fresh, err)
	}
	if steps := r.steps(); added != 1 || len(steps) != 2 {
		t.Errorf("%d added, %d steps", added, len(steps))
	}
}

func TestAStepWhoseAnswerIsLostIsNotAppendedTwice(t *testing.T) {
	t.Parallel()
	for name, tries := range map[string]int{"the client gives up": 1, "the client tries again": 3} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.world.Faults.Add(kernel.Fault{Action: "s3:PutObject", LoseAnswer: true, Times: 1})
			step, err := New(r.client(operator, tries), bucket, "respond", r.clock).Append(t.Context(), first, incident.StepTold, "x", nil)
			if err != nil || step.N != 1 || len(r.steps()) != 1 {
				t.Errorf("%+v, %v", step, err)
			}
		})
	}
}

func TestTheRecordIsOfAllWritersInTheOrderOfTime(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	respond, verify := New(leafing{r.client(operator, 1)}, bucket, "respond", r.clock), r.ledger("verify")
	for i, l := range []*Ledger{respond, verify, respond, verify, respond} {
		r.set(i)
		if _, err := l.Append(t.Context(), first, incident.StepTold, fmt.Sprint(i), map[string]any{"text": "<a & b>", "n": 1.50}); err != nil {
			t.Fatal(err)
		}
	}
	r.set(-60) // a clock that is set back does not break a chain
	if _, err := verify.Append(t.Context(), first, incident.StepTold, "5", nil); err != nil {
		t.Fatal(err)
	}
	r.set(10)
	steps, err := respond.Steps(t.Context(), first)
	r.ok(err)
	r.ok(VerifyChain(steps))
	var notes []string
	for _, step := range steps {
		notes = append(notes, step.Writer+" "+step.Note)
	}
	want := []string{"respond 0", "verify 1", "respond 2", "verify 3", "verify 5", "respond 4"}
	if diff := cmp.Diff(want, notes); diff != "" {
		t.Error(diff)
	}
}

// reading is a client that counts the objects that are read through it.
type reading struct {
	objects
	reads atomic.Int64
}

func (c *reading) GetObject(ctx context.Context, in *s3.GetObjectInput, options ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	c.reads.Add(1)
	return c.objects.GetObject(ctx, in, options...)
}

func TestAStepIsReadOnceWhileItsObjectIsTheSame(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	respond, client := r.ledger("respond"), &reading{objects: r.client(operator, 1)}
	verify := New(client, bucket, "verify", r.clock)
	read := func(what string, want int64) []incident.Step {
		t.Helper()
		before := client.reads.Load()
		steps, err := verify.Steps(t.Context(), first)
		r.ok(err)
		if got := client.reads.Load() - before; got != want {
			t.Errorf("%s: %d reads, want %d", what, got, want)
		}
		return steps
	}
	for i := range 3 {
		_, err := respond.Append(t.Context(), first, incident.StepTold, fmt.Sprint(i), nil)
		r.ok(err)
	}
	before := read("the first time", 3)
	if diff := cmp.Diff(before, read("the second time", 0)); diff != "" {
		t.Errorf("another record than before (-was +is):\n%s", diff)
	}
	_, err := respond.Append(t.Context(), first, incident.StepTold, "3", nil)
	r.ok(err)
	read("after one more", 1)

	key := stepKey(first, "respond", 2)
	body, _ := r.service.Get(bucket, key)
	_, err = r.service.Put(bucket, key, bytes.Replace(body, []byte(`"note":"1"`), []byte(`"note":"x"`), 1))
	r.ok(err)
	if steps := read("after somebody changed one", 1); VerifyChain(steps) == nil {
		t.Errorf("a change of what was read before is not seen: %+v", steps)
	}
}

func TestEveryTamperingWithTheRecordIsFound(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for i := range 3 {
		if _, err := r.ledger("respond").Append(t.Context(), first, incident.StepTold, fmt.Sprint(i), incident.Message{To: "topic"}); err != nil {
			t.Fatal(err)
		}
	}
	steps := r.steps()
	for name, tamper := range map[string]func(s []incident.Step) []incident.Step{
		"a note changed":        func(s []incident.Step) []incident.Step { s[1].Note = "other"; return s },
		"a detail changed":      func(s []incident.Step) []incident.Step { s[1].Detail = []byte(`{"to":"x"}`); return s },
		"a time changed":        func(s []incident.Step) []incident.Step { s[2].At = s[2].At.Add(time.Second); return s },
		"a step taken out":      func(s []incident.Step) []incident.Step { return slices.Delete(s, 1, 2) },
		"the first taken out":   func(s []incident.Step) []incident.Step { return s[1:] },
		"a step twice":          func(s []incident.Step) []incident.Step { return slices.Insert(s, 1, s[0]) },
		"a writer changed":      func(s []incident.Step) []incident.Step { s[2].Writer = "verify"; return s },
		"a step sealed anew":    func(s []incident.Step) []incident.Step { s[1].Note = "other"; _, s[1].Hash, _ = seal(s[1]); return s },
		"a nonce changed":       func(s []incident.Step) []incident.Step { s[0].Nonce = "x"; return s },
		"a kind changed":        func(s []incident.Step) []incident.Step { s[0].Kind = incident.StepWritten; return s },
		"the order turned":      func(s []incident.Step) []incident.Step { slices.Reverse(s); return s },
		"a key added to a step": func(s []incident.Step) []incident.Step { s[0].Key = "x"; return s },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := VerifyChain(tamper(slices.Clone(steps))); err == nil {
				t.Error("not found")
			}
		})
	}
}

func TestAStepThatLiesElsewhereThanItSaysIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if _, err := r.ledger("approve").Append(t.Context(), first, incident.StepDecision, "alice approves", nil); err != nil {
		t.Fatal(err)
	}
	body, _ := r.service.Get(bucket, "incidents/E1SHOPEXAMPLE/000001/steps/approve/000001.json")
	if _, err := r.service.Put(bucket, "incidents/E1SHOPEXAMPLE/000001/steps/remediate/000001.json", body); err != nil {
		t.Fatal(err)
	}
	if _, err := r.ledger("verify").Steps(t.Context(), first); err == nil || !strings.Contains(err.Error(), "approve/000001") {
		t.Error(err)
	}
}

func TestAnObjectOfAnIncidentIsPutOnceAndItsFirstContentStays(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]bool{"answered": false, "the first answer is lost": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			if lose {
				r.world.Faults.Add(kernel.Fault{Action: "s3:PutObject", LoseAnswer: true, Times: 1})
			}
			l := r.ledger("remediate")
			for _, row := range []struct {
				data    string
				created bool
			}{{"one", true}, {"two", false}, {"one", false}} {
				kept, created, err := l.PutOnce(t.Context(), first, "outcome/execution.json", []byte(row.data))
				if err != nil || created != row.created || string(kept) != "one" {
					t.Errorf("%s: kept %q, created %t, %v", row.data, kept, created, err)
				}
			}
		})
	}
}

func TestOfManyWhoPutOnceOneCreates(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l := r.ledger("remediate")
	results := make([]string, 8)
	var created sync.Map
	var all sync.WaitGroup
	for i := range results {
		all.Go(func() {
			kept, fresh, err := l.PutOnce(t.Context(), first, "outcome/execution.json", fmt.Append(nil, i))
			if err != nil {
				t.Error(err)
			}
			results[i] = string(kept)
			if fresh {
				created.Store(i, true)
			}
		})
	}
	all.Wait()
	n := 0
	created.Range(func(any, any) bool { n++; return true })
	if slices.Sort(results); n != 1 || len(slices.Compact(results)) != 1 {
		t.Errorf("%d created, kept %v", n, results)
	}
}

func TestObjectsOfAnIncidentAreKeptUnderItsFolderOnly(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l := r.ledger("respond")
	version, err := l.Put(t.Context(), first, "evidence/probe.http", []byte("HTTP/1.1 503"))
	if err != nil || version == "" {
		t.Fatal(version, err)
	}
	got, err := l.Get(t.Context(), first, "evidence/probe.http")
	if err != nil || !bytes.Equal(got, []byte("HTTP/1.1 503")) {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := l.Get(t.Context(), first, "plan.json"); !errors.Is(err, ErrMissing) {
		t.Error(err)
	}
	names, err := l.Names(t.Context(), first, "evidence/")
	if err != nil || !slices.Equal(names, []string{"evidence/probe.http"}) {
		t.Errorf("%v, %v", names, err)
	}
	for _, name := range []string{"", "../000002/plan.json", "/x", "a/../../b", "steps/respond/000001.json", "a//b", "."} {
		if _, err := l.Put(t.Context(), first, name, nil); err == nil {
			t.Errorf("%q was taken", name)
		}
	}
}

func TestADeadlineEndsEverything(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l := r.ledger("respond")
	over, cancel := context.WithCancel(t.Context())
	cancel()
	_, claimErr := l.Claim(over, shop, alarm(errors5, "ALARM", 0), "a", time.Minute)
	_, appendErr := l.Append(over, first, incident.StepTold, "x", nil)
	_, openErr := l.Since(over, at(0))
	for _, err := range []error{claimErr, appendErr, openErr} {
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
}

func TestWhatIsKnownIsNotReadAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l := r.ledger("respond")
	r.claim(l, alarm(errors5, "ALARM", 0), "a")
	asked := func(do func()) int {
		before := len(r.world.Journal.Lines())
		do()
		return len(r.world.Journal.Lines()) - before
	}
	step := func() {
		_, _, err := l.AppendOnce(t.Context(), first, incident.StepTold, "alice", "asked", nil)
		r.ok(err)
	}
	if n := asked(step); n != 1 {
		t.Errorf("a step after the others costs %d calls", n)
	}
	if n := asked(step); n != 0 {
		t.Errorf("a step that is there costs %d calls", n)
	}
	if n := asked(func() { r.ok(l.Renew(t.Context(), first, "a")) }); n != 1 {
		t.Errorf("a renewal costs %d calls", n)
	}
}

func TestAnotherProcessOfTheSameFunctionIsNoticed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	one, other := r.ledger("respond"), r.ledger("respond")
	r.claim(one, alarm(errors5, "ALARM", 0), "a")
	_, err := other.Append(t.Context(), first, incident.StepTold, "by the other", nil)
	r.ok(err)
	if _, added, err := other.AppendOnce(t.Context(), first, incident.StepAsked, "asked", "once", nil); err != nil || !added {
		t.Errorf("added %v, %v", added, err)
	}
	if _, added, err := one.AppendOnce(t.Context(), first, incident.StepAsked, "asked", "once", nil); err != nil || added {
		t.Errorf("what the other added is added again: %v, %v", added, err)
	}
	steps := r.steps()
	for i, step := range steps {
		if step.N != i+1 || i > 0 && step.Previous != steps[i-1].Hash {
			t.Errorf("step %d is %d behind %q", i+1, step.N, step.Previous)
		}
	}
	r.ok(other.Renew(t.Context(), first, "a"))
	if p := r.pointer(); p.Lease.Holder != "a" {
		t.Errorf("%+v", p.Lease)
	}
}
