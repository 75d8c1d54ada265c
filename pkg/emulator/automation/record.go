// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package automation

import (
	"encoding/json"
	"maps"
	"strconv"
	"strings"
	"time"

	"cloudfront503/pkg/runbook/document"
)

// pending is a step that has not been reached.
func (e *execution) pending(s document.Step) Step {
	onFailure := s.OnFailure
	if onFailure == "" {
		onFailure = "Abort"
	}
	return Step{
		ID: NewID(), Name: s.Name, Action: s.Action, Status: Pending, OnFailure: onFailure, Critical: s.IsCritical(),
		EndOfDocument: s.End, Next: s.Next, MaxAttempts: max(1, s.MaxAttempts), TimeoutSeconds: s.TimeoutSeconds,
		Inputs: map[string]string{}, Outputs: map[string][]string{},
	}
}

// open marks a step as begun and gives its index in the record. A step in a loop gets a new line each round.
func (e *execution) open(s document.Step) int {
	var at int
	e.update(func(record *Execution) {
		at = -1
		for i, step := range record.Steps {
			if step.Name == s.Name && step.Status == Pending {
				at = i
				break
			}
		}
		if at < 0 {
			record.Steps = append(record.Steps, e.pending(s))
			at = len(record.Steps) - 1
		}
		step := &record.Steps[at]
		step.Status, step.Start, step.Loop, step.Iteration = InProgress, e.now(), e.loop, e.round
		record.CurrentStep, record.CurrentAction = s.Name, s.Action
	})
	e.tellStep(at)
	return at
}

func (e *execution) showInputs(at int, inputs map[string]any) {
	shown := map[string]string{}
	for name, value := range inputs {
		shown[name] = asJSON(value)
	}
	e.update(func(record *Execution) { record.Steps[at].Inputs = shown })
}

// close marks a step as ended.
func (e *execution) close(at int, s document.Step, r result) {
	if len(r.outputs) > 0 {
		if e.outputs[s.Name] == nil {
			e.outputs[s.Name] = map[string]any{}
		}
		maps.Copy(e.outputs[s.Name], r.outputs)
	}
	e.update(func(record *Execution) {
		step := &record.Steps[at]
		step.Status, step.End, step.FailureMessage = r.status, e.now(), r.failure
		for name, value := range r.outputs {
			step.Outputs[name] = shownList(value)
		}
	})
	e.tellStep(at)
}

// waits marks the step and the execution as waiting, with what the step already puts out.
func (e *execution) waits(at int, outputs map[string]any) {
	step := &e.record.Steps[at]
	step.Status, e.record.Status = Waiting, Waiting
	step.Outputs = map[string][]string{}
	for name, value := range outputs {
		step.Outputs[name] = shownList(value)
	}
}

// goesOn takes the mark of waits away again.
func (e *execution) goesOn() {
	if e.stopped() == "" {
		e.status(InProgress)
	}
}

// status changes the execution's status and tells the bus.
func (e *execution) status(status string) {
	e.update(func(record *Execution) { record.Status = status })
	e.tellExecution()
}

// finish ends the record. Outputs of steps that did not run say so, as AWS does.
func (e *execution) finish(v verdict) {
	outputs := map[string][]string{}
	for _, name := range e.doc.Outputs {
		step, field, _ := strings.Cut(name, ".")
		value, ok := e.outputs[step][field]
		if !ok {
			value = notYet
		}
		outputs[name] = shownList(value)
	}
	e.update(func(record *Execution) {
		record.Status, record.FailureMessage, record.Outputs = v.status, v.failure, outputs
		record.End, record.CurrentStep, record.CurrentAction = e.now(), "", ""
	})
	e.tellExecution()
}

// eventTime is the layout of the times in Automation's events: U+202F, a narrow no-break space, stands before AM and PM.
const eventTime = "Jan 2, 2006 3:04:05\u202fPM"

// detail is the body of both events. Format: "EventBridge event examples for Systems Manager":
//
//	{"ExecutionId": "333ba70b-…", "Definition": "runcommand1", "DefinitionVersion": 1.0, "Status": "Success",
//	 "StartTime": "Nov 29, 2016 7:43:20 PM", "EndTime": "Nov 29, 2016 7:43:26 PM", "Time": 5753.0, …}
type detail struct {
	ExecutionId       string
	Definition        string
	DefinitionVersion json.RawMessage // a float, as 1.0
	Status            string
	StartTime         string
	EndTime           string          `json:",omitempty"`
	Time              json.RawMessage // a float: in the examples, the milliseconds that it took
	StepName          string          `json:",omitempty"`
	Action            string          `json:",omitempty"`
	ExecutedBy        string          `json:",omitempty"`
}

func (e *execution) tellExecution() {
	x := e.snapshot()
	d := e.detail(x, x.Status, x.Start, x.End)
	d.ExecutedBy = x.ExecutedBy
	e.emit("EC2 Automation Execution Status-change Notification", x, d)
}

func (e *execution) tellStep(at int) {
	x := e.snapshot()
	s := x.Steps[at]
	d := e.detail(x, s.Status, s.Start, s.End)
	d.StepName, d.Action = s.Name, s.Action
	e.emit("EC2 Automation Step Status-change Notification", x, d)
}

func (e *execution) snapshot() Execution {
	e.x.mu.Lock()
	defer e.x.mu.Unlock()
	return e.record.clone()
}

func (e *execution) detail(x Execution, status string, start, end time.Time) detail {
	d := detail{
		ExecutionId: x.ID, Definition: x.Document, DefinitionVersion: asFloat(x.Version), Status: status,
		StartTime: start.UTC().Format(eventTime), Time: json.RawMessage("0.0"),
	}
	if !end.IsZero() {
		d.EndTime = end.UTC().Format(eventTime)
		d.Time = asFloat(strconv.FormatInt(end.Sub(start).Milliseconds(), 10))
	}
	return d
}

func asFloat(digits string) json.RawMessage { return json.RawMessage(digits + ".0") }

func (e *execution) emit(kind string, x Execution, d detail) {
	bus := e.x.world.Bus
	if bus == nil {
		return
	}
	definition := "arn:aws:ssm:" + x.Region + ":" + e.x.world.Account + ":automation-definition/" + x.Document + ":" + x.Version
	bus.Emit("aws.ssm", kind, []string{e.arn(), definition}, d)
}
