// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package functions

import (
	"encoding/json"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cloudfront503"
	"cloudfront503/pkg/emulator/automation"
	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/rehearsal"
)

// book is a runbook's document, a scenario in which it is started, and whether it is the one of the way back.
type book struct {
	document, scenario string
	back               bool
}

// runbooks are all documents.
var runbooks = []book{
	{"RestoreDistribution", "error-page-503", false},
	{"RestoreEdgeFunction", "function-error", false},
	{"RestoreEdgeFunctionAccess", "lambda-edge-permission", false},
	{"FailOverOrigin", "origin-503", false},
	{"ProtectOrigin", "s3-slow-down", false},
	{"RequestQuotaIncrease", "lambda-edge-concurrency", false},
	{"SwitchOnEvidence", "undetermined", false},
	{"UndoChange", "error-page-503", true},
}

// tap is the bus. It tells of each step of a runbook's first execution that begins, before the step does anything.
type tap struct {
	kernel.Bus
	document string
	begins   func(execution, step string)
}

// Emit is part of kernel.Bus.
func (p *tap) Emit(source, kind string, resources []string, detail any) {
	p.Bus.Emit(source, kind, resources, detail)
	var told struct{ ExecutionId, Definition, Status, StepName string }
	raw, _ := json.Marshal(detail) // what is no step's has no step's name
	if json.Unmarshal(raw, &told) == nil && told.StepName != "" && told.Status == automation.InProgress && strings.HasSuffix(told.Definition, "-"+p.document) {
		p.begins(told.ExecutionId, told.StepName)
	}
}

// stopsAt lets somebody stop the first execution of a document that comes to a step, when it begins. What the step has
// begun to do is done; SSM takes nothing back.
func stopsAt(document, step string) func(*rehearsal.Rehearsal) {
	return func(r *rehearsal.Rehearsal) {
		var once sync.Once
		r.World.Bus = &tap{Bus: r.World.Bus, document: document, begins: func(execution, name string) {
			if name != step {
				return
			}
			once.Do(func() {
				if err := r.SSM.Automation.Stop(execution, false); err != nil {
					r.World.Strict("stop at %s: %v", step, err)
				}
			})
		}}
	}
}

// failsOnce lets the first call of every step of a document fail that is attempted again, but for the first look of a step
// that waits for a property, which is not.
func failsOnce(document string) func(*rehearsal.Rehearsal) {
	return func(r *rehearsal.Rehearsal) {
		off := func() {}
		r.World.Bus = &tap{Bus: r.World.Bus, document: document, begins: func(_, step string) {
			off()
			if off = func() {}; step != "AwaitDeployed" {
				off = r.World.Faults.Add(kernel.Fault{Action: "*", Caller: automations, Times: 1, Error: serverError()})
			}
		}}
	}
}

// breaksFrom lets all calls of a document's first execution fail as soon as it comes to a step.
func breaksFrom(document, step string) func(*rehearsal.Rehearsal) {
	return func(r *rehearsal.Rehearsal) {
		var once sync.Once
		r.World.Bus = &tap{Bus: r.World.Bus, document: document, begins: func(execution, name string) {
			if name == step {
				once.Do(func() {
					r.World.Faults.Add(kernel.Fault{Action: "*", Caller: automations + execution, Error: serverError()})
				})
			}
		}}
	}
}

// stepsTaken are the steps that a document's first execution has come through.
func stepsTaken(t *testing.T, r *rehearsal.Rehearsal, document string) (names []string) {
	t.Helper()
	for _, step := range executionOf(t, r, document).Steps {
		if step.Status == automation.Success {
			names = append(names, step.Name)
		}
	}
	return names
}

// executionOf is a document's first execution.
func executionOf(t *testing.T, r *rehearsal.Rehearsal, document string) automation.Execution {
	t.Helper()
	for _, e := range r.SSM.Executions() {
		if strings.HasSuffix(e.Document, "-"+document) {
			return e
		}
	}
	t.Fatalf("no execution of %s", document)
	return automation.Execution{}
}

func TestEveryRunbookIsInterrupted(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(cloudfront503.Files(), "pkg/runbook/documents/*.yaml")
	if err != nil || len(files) != len(runbooks) {
		t.Fatalf("%d documents, %d are played (%v)", len(files), len(runbooks), err)
	}
	for _, b := range runbooks {
		if !slices.Contains(files, "pkg/runbook/documents/"+b.document+".yaml") {
			t.Errorf("no document %s", b.document)
		}
	}
}

// A runbook that is stopped at any of its steps, and started again, does nothing twice: everything is as it was where it was
// stopped before its write, else as approved, and recorded so. Which steps there are, a run shows in which each fails once.
func TestARunbookThatIsInterruptedAtAnyStepLeavesNothingHalfWay(t *testing.T) {
	t.Parallel()
	for _, book := range runbooks {
		t.Run(book.document, func(t *testing.T) {
			t.Parallel()
			r := start(t, book.scenario)
			failsOnce(book.document)(r)
			book.carriedOut(t, r)
			steps := stepsTaken(t, r, book.document)
			write := slices.Index(steps, "Apply")
			if write < 0 {
				t.Fatalf("no write among %v", steps)
			}
			for i, step := range steps {
				t.Run("stopped at "+step, func(t *testing.T) {
					t.Parallel()
					stopped := book.interrupted(t, stopsAt(book.document, step), i >= write)
					if stopped.Status != automation.Cancelled {
						t.Errorf("it was not stopped, it is %s", stopped.Status)
					}
				})
			}
		})
	}
}

// Where a runbook can call nothing any more, from any of its steps on, its own notes included, people hear all the same how
// it stands: as it was up to the write, else as approved.
func TestARunbookThatBreaksAtAnyStepLeavesNothingHalfWay(t *testing.T) {
	t.Parallel()
	for _, b := range runbooks {
		if b.scenario != "error-page-503" { // the others differ in what remediate does, not in what the runbook does
			continue
		}
		for step, written := range map[string]bool{"Claim": false, "CheckUnmoved": false, "Apply": false, "AwaitDeployed": true, "NoteDeployed": true} {
			if b.back && step == "CheckUnmoved" {
				continue
			}
			t.Run(b.document+" at "+step, func(t *testing.T) {
				t.Parallel()
				b.interrupted(t, breaksFrom(b.document, step), written)
			})
		}
	}
}

// carriedOut plays the document to its end.
func (b book) carriedOut(t *testing.T, r *rehearsal.Rehearsal) {
	t.Helper()
	breaks(t, r)
	untilAsked(t, r)
	want, made := stateOf(t, r), approvedState(t, r)
	approvedBy(r.Scenario.Approvers()...)(t, r)
	if b.back {
		takenBack(t, r)
	} else {
		untilClosed(t, r, r.Scenario.Ends)
		want = made
	}
	leftAs(t, r, want)
}

// interrupted plays the document with a sabotage of it, on until the incident has ended; then it is started again as it
// was. It gives the execution that was interrupted.
func (b book) interrupted(t *testing.T, sabotage func(*rehearsal.Rehearsal), written bool) automation.Execution {
	t.Helper()
	r := start(t, b.scenario)
	sabotage(r)
	breaks(t, r)
	before, after := b.ordered(t, r)
	until(t, r, 26*time.Hour, "the incident has ended", func() bool { return r.Incident().Outcome != nil && r.Incident().State != "open" })
	want := before
	if written {
		want = after
	}
	leftAs(t, r, want)
	b.isTold(t, r, written)
	execution := executionOf(t, r, b.document)
	repeated(t, r, eve(t, r), execution, nil)
	r.World.Clock.Advance(2 * time.Minute)
	leftAs(t, r, want)
	return execution
}

// isTold checks that the record and people have what became of a runbook that was stopped.
func (b book) isTold(t *testing.T, r *rehearsal.Rehearsal, written bool) {
	t.Helper()
	recorded, ends, says := "written", "failed", "without making the approved change"
	if b.back {
		recorded, ends, says = "undone", r.Scenario.Ends, "NOT undone"
	}
	if written {
		ends = map[bool]string{false: r.Scenario.Ends, true: "undone"}[b.back]
	}
	if r.Has(recorded) != written {
		t.Errorf("recorded as %s: %v", recorded, r.Has(recorded))
	}
	if got := r.Incident().Outcome.Result; got != ends {
		t.Errorf("ended as %s, want %s", got, ends)
	}
	if heardOf(r, says) == written {
		t.Errorf("on-call hears that it is %q: %v", says, !written)
	}
}

// ordered lets people order what the document does, as far as they are asked before it is stopped, and gives everything as
// it is before and after.
func (b book) ordered(t *testing.T, r *rehearsal.Rehearsal) (before, after everything) {
	t.Helper()
	until(t, r, 20*time.Minute, "people are asked, or it is stopped", func() bool {
		return r.Has("asked") || !b.back && len(r.SSM.Executions()) > 0 && r.SSM.Executions()[0].Ended()
	})
	before, after = stateOf(t, r), approvedState(t, r)
	for _, name := range r.Scenario.Approvers() {
		if ticket, _ := r.Tickets(name); ticket != "" {
			reply(t, r, name, "approve "+ticket)
		}
	}
	if !b.back {
		return before, after
	}
	until(t, r, time.Hour, "the change is everywhere", func() bool { return r.Has("deployed") })
	undoes(t, r, "bob")
	return after, before
}
