// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package document

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Problem is one thing that is wrong with a document.
type Problem struct {
	Step    string // empty where it concerns the whole document
	Text    string
	Refused bool // AWS refuses such a document when it is created; the other problems are allowed there and unwise
}

// String is the problem with its place.
func (p Problem) String() string {
	if p.Step == "" {
		return p.Text
	}
	return "step " + p.Step + ": " + p.Text
}

// Check says everything that is wrong with a document. writes tells which steps change something and so must stand
// behind an aws:approve on every path; with nil no step does.
func Check(d Document, writes func(Step) bool) []Problem {
	if writes == nil {
		writes = func(Step) bool { return false }
	}
	c := &checker{doc: d, writes: writes, names: map[string]Step{}}
	c.document()
	c.parameters()
	c.scope(d.Steps, flow{outputs: map[string]bool{}})
	c.documentOutputs()
	return c.problems
}

// Applies says whether a step invokes a Lambda function with an action that begins with "apply": the only kind of write
// in this project's runbooks.
func Applies(s Step) bool {
	if s.Action != "aws:invokeLambdaFunction" {
		return false
	}
	input, _ := s.Inputs["InputPayload"].(map[string]any)
	if input == nil {
		text, _ := s.Inputs["Payload"].(string)
		if json.Unmarshal([]byte(text), &input) != nil {
			return true // a payload that cannot be read could be any
		}
	}
	verb, ok := input["action"].(string)
	return !ok || strings.HasPrefix(verb, "apply") || strings.Contains(verb, "{{")
}

// CheckFiles parses and checks every .yaml, .yml and .json file in a folder. The problems are by file name.
func CheckFiles(folder fs.FS, writes func(Step) bool) (map[string][]Problem, error) {
	entries, err := fs.ReadDir(folder, ".")
	if err != nil {
		return nil, fmt.Errorf("documents: %w", err)
	}
	found := map[string][]Problem{}
	for _, entry := range entries {
		if entry.IsDir() || !slices.Contains([]string{".yaml", ".yml", ".json"}, path.Ext(entry.Name())) {
			continue
		}
		raw, err := fs.ReadFile(folder, entry.Name())
		if err != nil {
			return nil, fmt.Errorf("document %s: %w", entry.Name(), err)
		}
		if problems := checkText(raw, writes); len(problems) > 0 {
			found[entry.Name()] = problems
		}
	}
	return found, nil
}

func checkText(raw []byte, writes func(Step) bool) []Problem {
	d, err := Parse(raw)
	if err != nil {
		return []Problem{{Text: err.Error(), Refused: true}}
	}
	return Check(d, writes)
}

// checker walks a document and gathers problems.
type checker struct {
	doc      Document
	writes   func(Step) bool
	names    map[string]Step // every step so far, those inside loops too
	problems []Problem
}

// refused is for what AWS refuses, unwise for what it allows.
func (c *checker) refused(step, format string, args ...any) {
	c.problems = append(c.problems, Problem{Step: step, Text: fmt.Sprintf(format, args...), Refused: true})
}

func (c *checker) unwise(step, format string, args ...any) {
	c.problems = append(c.problems, Problem{Step: step, Text: fmt.Sprintf(format, args...)})
}

func (c *checker) document() {
	if c.doc.Size > MaxSize {
		c.refused("", "the text has %d bytes, at most %d are allowed", c.doc.Size, MaxSize)
	}
	if c.doc.AssumeRole == "" {
		c.unwise("", "without assumeRole the execution runs in the caller's session, which ends long before a gate does")
	}
	for _, r := range References(c.doc.AssumeRole) {
		switch {
		case r.Scope != "parameter":
			c.refused("", "assumeRole may refer to a parameter only, not to %s", r)
		case !c.hasParameter(r.Name):
			c.refused("", "assumeRole refers to parameter %s, which does not exist", r.Name)
		}
	}
}

func (c *checker) hasParameter(name string) bool {
	_, ok := c.doc.Parameter(name)
	return ok
}

func (c *checker) documentOutputs() {
	for _, output := range c.doc.Outputs {
		r := parseReference(output)
		if r.Scope != "step" {
			c.refused("", "output %q is not of the form step.Output", output)
			continue
		}
		step, ok := c.names[r.Name]
		switch {
		case !ok:
			c.refused("", "output %s: there is no step %s", output, r.Name)
		case !slices.Contains(outputsOf(step), r.Field):
			c.refused("", "output %s: step %s has no output %s", output, r.Name, r.Field)
		}
	}
}

// outputsOf are the names of what a step leaves behind.
func outputsOf(s Step) []string {
	names := slices.Clone(actions[s.Action].outputs)
	for _, output := range s.Outputs {
		names = append(names, output.Name)
	}
	return names
}
