// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package automation

import (
	"fmt"
	"math"
	"strconv"

	"cloudfront503/pkg/runbook/document"
)

// notYet is what AWS writes in place of an output of a step that did not run.
const notYet = "No output available yet because the step is not successfully executed"

// resolve replaces the references in a value. A text that is nothing but one reference takes the type of what it refers to.
func (e *execution) resolve(value any) (any, error) {
	switch v := value.(type) {
	case string:
		return e.resolveText(v)
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			resolved, err := e.resolve(item)
			if err != nil {
				return nil, err
			}
			list[i] = resolved
		}
		return list, nil
	case map[string]any:
		return e.resolveMap(v)
	}
	return value, nil
}

func (e *execution) resolveMap(m map[string]any) (map[string]any, error) {
	resolved := make(map[string]any, len(m))
	for key, item := range m {
		value, err := e.resolve(item)
		if err != nil {
			return nil, err
		}
		resolved[key] = value
	}
	return resolved, nil
}

func (e *execution) resolveText(text string) (any, error) {
	if r, ok := document.Whole(text); ok {
		return e.lookup(r)
	}
	return e.text(text)
}

// text replaces the references in a text by text.
func (e *execution) text(text string) (string, error) {
	return document.Expand(text, func(r document.Reference) (string, error) {
		value, err := e.lookup(r)
		return shown(value), err
	})
}

func (e *execution) lookup(r document.Reference) (any, error) {
	switch r.Scope {
	case "parameter":
		if value, ok := e.values[r.Name]; ok {
			return value, nil
		}
		return nil, fmt.Errorf("parameter %s is not defined", r.Name)
	case "step":
		if value, ok := e.outputs[r.Name][r.Field]; ok {
			return value, nil
		}
		return nil, fmt.Errorf("%s: %s", r, notYet)
	case "variable":
		e.x.mu.Lock()
		defer e.x.mu.Unlock()
		if value, ok := e.variables[r.Name]; ok {
			return value, nil
		}
		return nil, fmt.Errorf("variable %s is not defined", r.Name)
	case "global", "automation":
		return e.builtIn(r)
	}
	return nil, fmt.Errorf("{{%s}} cannot be resolved here", r)
}

// builtIn are the "Automation system variables".
func (e *execution) builtIn(r document.Reference) (any, error) {
	now := e.now()
	builtIn := map[string]string{
		"global:ACCOUNT_ID":       e.x.world.Account,
		"global:DATE":             now.Format("2006-01-02"),
		"global:DATE_TIME":        now.Format("2006-01-02_15.04.05"),
		"global:AWS_PARTITION":    "aws",
		"global:REGION":           e.record.Region,
		"automation:EXECUTION_ID": e.record.ID,
	}
	value, ok := builtIn[r.String()]
	if !ok {
		return nil, fmt.Errorf("%s does not exist", r)
	}
	return value, nil
}

// take selects a step's declared outputs from its action's answer.
func take(s document.Step, answer ...any) (map[string]any, error) {
	taken := map[string]any{}
	for _, o := range s.Outputs {
		selector, err := document.ParseSelector(o.Selector)
		if err != nil {
			return nil, err
		}
		value, ok := selectFirst(selector, answer)
		if !ok {
			continue // a reference to it fails, as to an output that is not there yet
		}
		if value, err = typed(o.Type, value); err != nil {
			return nil, fmt.Errorf("output %s: %w", o.Name, err)
		}
		taken[o.Name] = value
	}
	return taken, nil
}

func selectFirst(selector document.Selector, answers []any) (any, bool) {
	for _, answer := range answers {
		if value, ok := selector.Select(answer); ok && value != nil {
			return value, true
		}
	}
	return nil, false
}

// typed checks a value against the type that an output or a variable is declared with.
func typed(kind string, value any) (any, error) {
	ok := false
	switch kind {
	case "String":
		_, ok = value.(string)
	case "Boolean":
		_, ok = value.(bool)
	case "Integer":
		if f, isFloat := value.(float64); isFloat && f == math.Trunc(f) {
			value = int(f)
		}
		_, ok = value.(int)
	case "StringMap":
		_, ok = value.(map[string]any)
	case "StringList":
		ok = every[string](value)
	case "MapList":
		ok = every[map[string]any](value)
	}
	if !ok {
		return nil, fmt.Errorf("a %s is not a %s", kindOf(value), kind)
	}
	return value, nil
}

func every[T any](value any) bool {
	list, ok := value.([]any)
	for _, item := range list {
		if _, fits := item.(T); !fits {
			return false
		}
	}
	return ok
}

func kindOf(value any) string {
	switch value.(type) {
	case string:
		return "String"
	case bool:
		return "Boolean"
	case int, float64:
		return "Number"
	case []any:
		return "List"
	}
	return "Map"
}

// asInt is a whole number, also one that came as text from a parameter.
func asInt(value any) (int, bool) {
	switch v := value.(type) {
	case int:
		return v, true
	case float64:
		return int(v), v == math.Trunc(v)
	case string:
		n, err := strconv.Atoi(v)
		return n, err == nil
	}
	return 0, false
}

// asTexts is a list of texts, or one text as a list.
func asTexts(value any) ([]string, bool) {
	if text, ok := value.(string); ok {
		return []string{text}, true
	}
	if !every[string](value) {
		return nil, false
	}
	return shownList(value), true
}
