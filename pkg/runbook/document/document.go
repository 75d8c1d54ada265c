// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package document reads SSM Automation documents, schema 0.3, and says what is wrong with them before AWS does. It takes
// the text, in YAML or JSON, and gives values; it runs nothing and calls nothing.
package document

import "strings"

// Limits of a document and of its steps. Source: "Systems Manager endpoints and quotas", "Systems Manager Automation
// actions reference".
const (
	MaxSize            = 64 * 1024 // bytes, with the runtime parameters counted in
	MaxApprovers       = 10
	MaxApproveMessage  = 4096    // characters
	MaxApproveSeconds  = 2592000 // thirty days
	ApproveSeconds     = 604800  // seven days, where a step says nothing
	MaxSleepSeconds    = 604799
	MaxAPISeconds      = 25
	MaxLambdaSeconds   = 300
	WaitSeconds        = 3600 // of aws:waitForAwsResourceProperty, where the step says nothing
	MaxIterations      = 100
	MaxValueCharacters = 512 // of a parameter's or variable's text
	MaxListItems       = 50  // of a parameter's or variable's list
)

// Document is one Automation document.
type Document struct {
	Description string
	AssumeRole  string      // an ARN, a reference to a parameter, or empty: the caller's session
	Parameters  []Parameter // by name
	Variables   []Variable  // by name
	Steps       []Step      // in the order of the text, which is the order of falling through
	Outputs     []string    // "step.Output"
	Files       map[string]any
	Size        int // bytes of the text
}

// Parameter is what an execution is started with.
type Parameter struct {
	Name           string
	Type           string // String, StringList, Integer, Boolean, MapList, StringMap, or AWS::…::… of AWS's own documents
	Description    string
	Default        any // nil where the parameter is required
	AllowedValues  []any
	AllowedPattern string
	DisplayType    string
	MinItems       *int
	MaxItems       *int
	MinChars       *int
	MaxChars       *int
}

// Variable is a value that aws:updateVariable may change.
type Variable struct {
	Name           string
	Type           string
	Description    string
	Default        any
	AllowedValues  []any
	AllowedPattern string
	MinItems       *int
	MaxItems       *int
	MinChars       *int
	MaxChars       *int
}

// Step is one step with the properties that all actions share.
type Step struct {
	Name           string
	Action         string
	Description    string
	OnFailure      string // "Abort", "Continue" or "step:NAME"; empty means Abort
	OnCancel       string // "Abort" or "step:NAME"; empty means Abort
	Critical       *bool  // as written; IsCritical knows the default
	End            bool
	Next           string
	MaxAttempts    int // 0 where it is not written, which means 1
	TimeoutSeconds int // 0 where it is not written
	Inputs         map[string]any
	Outputs        []Output
	Steps          []Step // the steps inside an aws:loop
}

// Output is a value that a step takes out of its action's answer.
type Output struct {
	Name     string
	Selector string // a subset of JSONPath: dot child, deep scan, array index
	Type     string // String where it is not written
}

// IsCritical says whether the step's failure makes the whole execution fail. It does by default, but not where the step
// says onFailure: Continue.
func (s Step) IsCritical() bool {
	if s.Critical != nil {
		return *s.Critical
	}
	return s.OnFailure != "Continue"
}

// FailureTarget is the step that onFailure names, or empty.
func (s Step) FailureTarget() string { return target(s.OnFailure) }

// CancelTarget is the step that onCancel names, or empty.
func (s Step) CancelTarget() string { return target(s.OnCancel) }

func target(property string) string {
	name, ok := strings.CutPrefix(property, "step:")
	if !ok {
		return ""
	}
	return strings.TrimSpace(name)
}

// Parameter is the one of that name.
func (d Document) Parameter(name string) (Parameter, bool) {
	for _, p := range d.Parameters {
		if p.Name == name {
			return p, true
		}
	}
	return Parameter{}, false
}

// Variable is the one of that name.
func (d Document) Variable(name string) (Variable, bool) {
	for _, v := range d.Variables {
		if v.Name == name {
			return v, true
		}
	}
	return Variable{}, false
}

// Step is the one of that name among the main steps.
func (d Document) Step(name string) (Step, bool) {
	for _, s := range d.Steps {
		if s.Name == name {
			return s, true
		}
	}
	return Step{}, false
}
