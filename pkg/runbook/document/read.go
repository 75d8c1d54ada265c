// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package document

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// fields reads the members of one mapping and keeps the first thing that is wrong with it, so that a reader is a list of
// members rather than a ladder of errors.
type fields struct {
	at   string // "document", "step Apply"
	m    map[string]any
	seen map[string]bool
	err  error
}

func fieldsOf(at string, value any) *fields {
	f := &fields{at: at, seen: map[string]bool{}}
	m, ok := value.(map[string]any)
	if !ok {
		f.err = fmt.Errorf("%s is not a mapping", at)
		return f
	}
	f.m = m
	return f
}

func (f *fields) take(key string) (any, bool) {
	f.seen[key] = true
	value, ok := f.m[key]
	return value, ok && value != nil
}

func (f *fields) fail(key, want string) {
	if f.err == nil {
		f.err = fmt.Errorf("%s: %s is not %s", f.at, key, want)
	}
}

func (f *fields) text(key string) string {
	value, ok := f.take(key)
	if !ok {
		return ""
	}
	s, ok := value.(string)
	if !ok {
		f.fail(key, "text")
	}
	return s
}

func (f *fields) mustText(key string) string {
	s := f.text(key)
	if s == "" {
		f.fail(key, "there")
	}
	return s
}

// flag takes true and "true": public documents write both.
func (f *fields) flag(key string) *bool {
	value, ok := f.take(key)
	if !ok {
		return nil
	}
	switch value {
	case true, "true":
		return new(true)
	case false, "false":
		return new(false)
	}
	f.fail(key, "true or false")
	return nil
}

// number takes 3 and "3": public documents write both.
func (f *fields) number(key string) *int {
	value, ok := f.take(key)
	if !ok {
		return nil
	}
	if s, isText := value.(string); isText {
		if n, err := strconv.Atoi(s); err == nil {
			value = n
		}
	}
	n, ok := value.(int)
	if !ok || n < 0 {
		f.fail(key, "a whole number")
		return nil
	}
	return &n
}

func (f *fields) whole(key string) int {
	if n := f.number(key); n != nil {
		return *n
	}
	return 0
}

func (f *fields) mapping(key string) map[string]any {
	value, ok := f.take(key)
	if !ok {
		return nil
	}
	m, ok := value.(map[string]any)
	if !ok {
		f.fail(key, "a mapping")
	}
	return m
}

func (f *fields) list(key string) []any {
	value, ok := f.take(key)
	if !ok {
		return nil
	}
	list, ok := value.([]any)
	if !ok {
		f.fail(key, "a list")
	}
	return list
}

func (f *fields) texts(key string) []string {
	var texts []string
	for _, item := range f.list(key) {
		s, ok := item.(string)
		if !ok {
			f.fail(key, "a list of texts")
			return nil
		}
		texts = append(texts, s)
	}
	return texts
}

// done is the first error, or that there is a member nobody asked for.
func (f *fields) done() error {
	if f.err != nil {
		return f.err
	}
	for _, key := range slices.Sorted(maps.Keys(f.m)) {
		if !f.seen[key] {
			return fmt.Errorf("%s: unknown member %q", f.at, key)
		}
	}
	return nil
}

func read(root map[string]any) (Document, error) {
	f := fieldsOf("document", root)
	if version := f.text("schemaVersion"); f.err == nil && version != "0.3" {
		return Document{}, fmt.Errorf("document: schemaVersion %q is not \"0.3\"", version)
	}
	d := Document{
		Description: f.text("description"), AssumeRole: f.text("assumeRole"),
		Outputs: f.texts("outputs"), Files: f.mapping("files"),
	}
	parameters, variables, steps := f.mapping("parameters"), f.mapping("variables"), f.list("mainSteps")
	if err := f.done(); err != nil {
		return Document{}, err
	}
	if len(steps) == 0 {
		return Document{}, errors.New("document: mainSteps holds no step")
	}
	var failures [3]error
	d.Parameters, failures[0] = readParameters(parameters)
	d.Variables, failures[1] = readVariables(variables)
	d.Steps, failures[2] = readSteps(steps)
	return d, errors.Join(failures[:]...)
}

func readParameters(m map[string]any) ([]Parameter, error) {
	var parameters []Parameter
	for _, name := range slices.Sorted(maps.Keys(m)) {
		f := fieldsOf("parameter "+name, m[name])
		p := Parameter{
			Name: name, Type: f.mustText("type"), Description: f.text("description"),
			AllowedValues: f.list("allowedValues"), AllowedPattern: f.text("allowedPattern"), DisplayType: f.text("displayType"),
			MinItems: f.number("minItems"), MaxItems: f.number("maxItems"),
			MinChars: f.number("minChars"), MaxChars: f.number("maxChars"),
		}
		p.Default, _ = f.take("default")
		if err := f.done(); err != nil {
			return nil, err
		}
		parameters = append(parameters, p)
	}
	return parameters, nil
}

func readVariables(m map[string]any) ([]Variable, error) {
	var variables []Variable
	for _, name := range slices.Sorted(maps.Keys(m)) {
		f := fieldsOf("variable "+name, m[name])
		v := Variable{
			Name: name, Type: f.mustText("type"), Description: f.text("description"),
			AllowedValues: f.list("allowedValues"), AllowedPattern: f.text("allowedPattern"),
			MinItems: f.number("minItems"), MaxItems: f.number("maxItems"),
			MinChars: f.number("minChars"), MaxChars: f.number("maxChars"),
		}
		v.Default, _ = f.take("default")
		if err := f.done(); err != nil {
			return nil, err
		}
		variables = append(variables, v)
	}
	return variables, nil
}

func readSteps(list []any) ([]Step, error) {
	steps := make([]Step, 0, len(list))
	for i, item := range list {
		step, err := readStep(i, item)
		if err != nil {
			return nil, err
		}
		steps = append(steps, step)
	}
	return steps, nil
}

func readStep(i int, item any) (Step, error) {
	f := fieldsOf(fmt.Sprintf("step %d", i+1), item)
	s := Step{Name: f.mustText("name")}
	if s.Name != "" {
		f.at = "step " + s.Name
	}
	s.Action, s.Description = f.mustText("action"), f.text("description")
	s.OnFailure, s.OnCancel, s.Next = f.text("onFailure"), f.text("onCancel"), f.text("nextStep")
	s.Critical, s.MaxAttempts, s.TimeoutSeconds = f.flag("isCritical"), f.whole("maxAttempts"), f.whole("timeoutSeconds")
	if end := f.flag("isEnd"); end != nil {
		s.End = *end
	}
	s.Inputs = f.mapping("inputs")
	outputs := f.list("outputs")
	if err := f.done(); err != nil {
		return Step{}, err
	}
	return s.inside(outputs)
}

// inside reads what nests in a step: its outputs, and the steps of a loop.
func (s Step) inside(outputs []any) (Step, error) {
	var err error
	if s.Outputs, err = readOutputs(s.Name, outputs); err != nil {
		return Step{}, err
	}
	if s.Action != "aws:loop" {
		return s, nil
	}
	list, _ := s.Inputs["Steps"].([]any)
	if s.Steps, err = readSteps(list); err != nil {
		return Step{}, fmt.Errorf("step %s: %w", s.Name, err)
	}
	return s, nil
}

func readOutputs(step string, list []any) ([]Output, error) {
	var outputs []Output
	for _, item := range list {
		f := fieldsOf("step "+step+": output", item)
		o := Output{Name: f.mustText("Name"), Selector: f.mustText("Selector"), Type: f.text("Type")}
		if o.Type == "" {
			o.Type = "String"
		}
		if err := f.done(); err != nil {
			return nil, err
		}
		outputs = append(outputs, o)
	}
	return outputs, nil
}
