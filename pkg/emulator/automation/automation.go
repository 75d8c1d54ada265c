// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package automation executes SSM Automation documents step by step, with gates that stay shut until the principals that
// the document names have signed for them. An execution runs in the emulator's world: waits end by its clock, calls go over
// its wire in the session of the document's role, and every change of status is an event on its bus.
package automation

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/runbook/document"
)

// Statuses of executions and steps, those of "Automation statuses" that an execution here can have.
const (
	Pending    = "Pending"
	InProgress = "InProgress"
	Waiting    = "Waiting"
	Success    = "Success"
	TimedOut   = "TimedOut"
	Cancelling = "Cancelling"
	Cancelled  = "Cancelled"
	Failed     = "Failed"
	Rejected   = "Rejected"
)

// Start is what an execution begins with.
type Start struct {
	ID           string // empty: one is made
	Definition   document.Document
	Name         string // of the document
	Version      string // the number, never $DEFAULT or $LATEST
	Parameters   map[string][]string
	Caller       kernel.Principal
	Region       string
	Interactive  bool // each step waits for a StartStep signal
	Tags         map[string]string
	SSMParameter func(name string) (string, bool) // resolves {{ssm:name}} in defaults
}

// Execution is one execution as it stood when it was asked for.
type Execution struct {
	ID             string
	Document       string
	Version        string
	Status         string
	Start          time.Time
	End            time.Time // zero while it runs
	Parameters     map[string][]string
	Outputs        map[string][]string
	Variables      map[string][]string
	Steps          []Step // in the order of the document, then those of loops as they ran
	CurrentStep    string
	CurrentAction  string
	ExecutedBy     string // ARN
	AssumeRole     string // ARN, or empty: the caller's session
	FailureMessage string
	Parent         string // the execution that started it with aws:executeAutomation
	Mode           string // Auto or Interactive
	Region         string
	Tags           map[string]string
}

// Ended says whether nothing more will happen.
func (e Execution) Ended() bool { return !e.End.IsZero() }

// Step is one step of an execution.
type Step struct {
	ID             string
	Name           string
	Action         string
	Status         string
	Start          time.Time
	End            time.Time
	Inputs         map[string]string // as JSON
	Outputs        map[string][]string
	FailureMessage string
	OnFailure      string
	Critical       bool
	EndOfDocument  bool
	Next           string
	MaxAttempts    int
	TimeoutSeconds int
	Iteration      int    // from 1, inside a loop
	Loop           string // the loop's step, inside one
}

// Decision is one approver's decision at a gate.
type Decision struct {
	Approver string // ARN of who signed
	Status   string // Approved or Rejected
	At       time.Time
	Comment  string
}

// clone is a copy that shares nothing that changes.
func (e Execution) clone() Execution {
	e.Outputs, e.Variables = maps.Clone(e.Outputs), maps.Clone(e.Variables)
	e.Steps = slices.Clone(e.Steps)
	for i := range e.Steps {
		e.Steps[i].Outputs = maps.Clone(e.Steps[i].Outputs)
	}
	return e
}

// Handler does an action that the executor does not know by itself. An error fails the step.
type Handler func(Task) (outputs map[string]any, err error)

// Task is one attempt at a step.
type Task struct {
	World       *kernel.World
	Execution   string // id
	Step        document.Step
	Inputs      map[string]any // with references resolved
	Credentials kernel.Credentials
	Region      string
}

// asJSON is a value as the API shows it. Values come from JSON or YAML, so they can be written.
func asJSON(value any) string {
	raw, err := json.Marshal(value)
	if err != nil {
		return "null"
	}
	return string(raw)
}
