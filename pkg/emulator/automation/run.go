// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package automation

import (
	"fmt"
	"time"

	"cloudfront503/pkg/runbook/document"
)

// cleanUpTime is how long the steps of onCancel may take together. Source: "Properties shared by all actions".
const cleanUpTime = 2 * time.Minute

// result is how a step, or one attempt at it, ended.
type result struct {
	status  string
	outputs map[string]any
	failure string // why, where it is not a success
	next    string // where a branch goes
	final   bool   // not to be attempted again: a reject, a cancellation
}

func succeeded(outputs map[string]any) result { return result{status: Success, outputs: outputs} }

func failed(format string, args ...any) result {
	return result{status: Failed, failure: fmt.Sprintf(format, args...)}
}

// verdict is what the steps so far mean for the whole.
type verdict struct {
	status  string // Success until a critical step fails
	failure string
}

// blame keeps the first failure that counts.
func (v *verdict) blame(s document.Step, r result, aborts bool) {
	if r.status == Success || v.status != Success || (!s.IsCritical() && !aborts) {
		return
	}
	v.status, v.failure = r.status, r.failure
}

// run is the whole execution, in its thread.
func (e *execution) run() {
	e.status(InProgress)
	v := e.walk(e.doc.Steps, 0)
	switch e.stopped() {
	case "Cancel":
		e.status(Cancelling)
		e.cleanUp()
		v = verdict{status: Cancelled}
	case "Complete":
		v = verdict{status: Success}
	}
	e.finish(v)
	e.endings.close()
}

// walk runs a list of steps from the one at i, wherever they lead.
func (e *execution) walk(steps []document.Step, i int) verdict {
	v := verdict{status: Success}
	for i >= 0 && i < len(steps) && e.mayGoOn() {
		s := steps[i]
		r := e.step(s)
		if e.stopped() != "" && !e.cleaning {
			e.plan(steps, s)
			break
		}
		next, aborts := after(steps, i, r)
		v.blame(s, r, aborts)
		i = next
	}
	return v
}

func (e *execution) mayGoOn() bool { return e.cleaning || e.stopped() == "" }

// after is the index of the step to go on with, -1 for none, and whether the failure aborts the execution.
func after(steps []document.Step, i int, r result) (next int, aborts bool) {
	s := steps[i]
	switch {
	case r.next != "":
		return indexOf(steps, r.next), false
	case s.End:
		return -1, false
	case r.status == Success || s.OnFailure == "Continue":
		return onward(steps, i), false
	case s.FailureTarget() != "":
		return indexOf(steps, s.FailureTarget()), false
	}
	return -1, true
}

func onward(steps []document.Step, i int) int {
	if next := steps[i].Next; next != "" {
		return indexOf(steps, next)
	}
	return i + 1
}

func indexOf(steps []document.Step, name string) int {
	for i, s := range steps {
		if s.Name == name {
			return i
		}
	}
	return -1
}

// plan remembers where the onCancel of the step that was cancelled leads; in a loop, that of the innermost.
func (e *execution) plan(steps []document.Step, s document.Step) {
	if i := indexOf(steps, s.CancelTarget()); i >= 0 && e.clean == nil {
		e.clean = func() { e.walk(steps, i) }
	}
}

// cleanUp runs the steps of onCancel.
func (e *execution) cleanUp() {
	if e.clean == nil {
		return
	}
	e.cleaning, e.deadline = true, e.now().Add(cleanUpTime)
	e.clean()
}

// step runs one step with its attempts.
func (e *execution) step(s document.Step) result {
	before := e.deadline
	defer func() { e.deadline = before }()
	at := e.open(s)
	inputs, err := e.inputs(s)
	if err != nil {
		r := failed("Step fails when it is validating and resolving the step inputs. %v", err)
		e.close(at, s, r)
		return r
	}
	e.showInputs(at, inputs)
	if why := e.obey(at, s); why != bySignal {
		r := woken(why)
		e.close(at, s, r)
		return r
	}
	s = withInputs(s, inputs)
	r := e.attempts(s, at)
	if e.stopped() == "Cancel" && r.status != Success && !e.cleaning {
		r = result{status: Cancelled, failure: "Step is cancelled."}
	}
	e.close(at, s, r)
	return r
}

// attempts repeats an action that fails, up to maxAttempts. Each attempt has the step's whole time.
func (e *execution) attempts(s document.Step, at int) result {
	outer := e.deadline
	var r result
	for range max(1, s.MaxAttempts) {
		e.deadline = e.earlier(outer, s)
		r = e.act(s, at)
		if r.status == Success || r.final || e.stopped() != "" {
			break
		}
	}
	return r
}

// defaultSeconds are the times that steps have which name none.
var defaultSeconds = map[string]int{
	"aws:approve":                    document.ApproveSeconds,
	"aws:pause":                      document.ApproveSeconds,
	"aws:waitForAwsResourceProperty": document.WaitSeconds,
	"aws:invokeLambdaFunction":       document.MaxLambdaSeconds,
}

// earlier is when a step that begins now runs out of time: its own limit or that of what it stands in.
func (e *execution) earlier(outer time.Time, s document.Step) time.Time {
	seconds := s.TimeoutSeconds
	if seconds == 0 {
		seconds = defaultSeconds[s.Action]
	}
	if seconds == 0 {
		return outer
	}
	own := e.now().Add(time.Duration(seconds) * time.Second)
	if !outer.IsZero() && outer.Before(own) {
		return outer
	}
	return own
}

// left is how long the step under way still has; a century where nothing limits it.
func (e *execution) left() time.Duration {
	if e.deadline.IsZero() {
		return 100 * 365 * 24 * time.Hour
	}
	return max(0, e.deadline.Sub(e.now()))
}

// inputs are a step's inputs with references resolved. What is inside a loop is resolved there, round by round.
func (e *execution) inputs(s document.Step) (map[string]any, error) {
	plain := map[string]any{}
	for name, value := range s.Inputs {
		if s.Action == "aws:loop" && (name == "Steps" || name == "LoopCondition") {
			continue
		}
		plain[name] = value
	}
	return e.resolveMap(plain)
}

// withInputs is a step with its inputs resolved, a loop's own steps excepted.
func withInputs(s document.Step, inputs map[string]any) document.Step {
	for _, name := range []string{"Steps", "LoopCondition"} {
		if value, ok := s.Inputs[name]; ok && s.Action == "aws:loop" {
			inputs[name] = value
		}
	}
	s.Inputs = inputs
	return s
}

// woken is the result of a step whose wait ended otherwise than it hoped. A time-out may be attempted again: "Properties
// shared by all actions" says that a step has timed out only after all its attempts.
func woken(why wake) result {
	if why == byTimer {
		return result{status: TimedOut, failure: "Step timed out."}
	}
	return result{status: Cancelled, failure: "Step is cancelled.", final: true}
}
