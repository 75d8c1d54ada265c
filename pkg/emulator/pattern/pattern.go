// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package pattern matches JSON against the patterns that EventBridge rules and SNS filter policies share. It reads the
// language as "Comparison operators for use in event patterns in Amazon EventBridge" of AWS's documentation describes it,
// and refuses what that page does not name, so that a typing error in a template is found in a rehearsal.
package pattern

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// Pattern is a parsed pattern. The zero value matches every object.
type Pattern struct {
	root object
}

// object asks all its fields, and one alternative of each $or.
type object struct {
	fields []field
	ors    [][]object
}

type field struct {
	name string
	leaf []matcher // any of them; nil where below is asked
	sub  *object
}

// Parse reads a pattern. The error says what is wrong and where, as in `detail.state: unknown operator "prefx"`.
func Parse(raw []byte) (Pattern, error) {
	value, err := decode(raw)
	if err != nil {
		return Pattern{}, fmt.Errorf("pattern is not JSON: %w", err)
	}
	members, ok := value.(map[string]any)
	if !ok {
		return Pattern{}, errors.New("pattern is not an object")
	}
	root, err := parseObject(members, "")
	return Pattern{root: root}, err
}

// Match tells whether an event, one JSON object, satisfies the pattern; what is not JSON satisfies none.
func (p Pattern) Match(event []byte) bool {
	value, err := decode(event)
	if err != nil {
		return false
	}
	return p.MatchValue(value)
}

// MatchValue is Match for a decoded event, whose numbers are json.Number.
func (p Pattern) MatchValue(event any) bool {
	members, ok := event.(map[string]any)
	return ok && p.root.match(members)
}

func decode(raw []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if decoder.More() {
		return nil, errors.New("more than one value")
	}
	return value, nil
}

func parseObject(members map[string]any, at string) (object, error) {
	if len(members) == 0 {
		return object{}, fmt.Errorf("%s: an empty object matches nothing that can be said", place(at))
	}
	var o object
	for _, name := range sortedKeys(members) {
		if err := o.add(name, members[name], join(at, name)); err != nil {
			return object{}, err
		}
	}
	return o, nil
}

func (o *object) add(name string, value any, at string) error {
	if name == "$or" {
		alternatives, err := parseOr(value, at)
		o.ors = append(o.ors, alternatives)
		return err
	}
	f, err := parseField(name, value, at)
	o.fields = append(o.fields, f)
	return err
}

// parseOr reads {"$or": [{…}, {…}]}, at least two alternatives.
func parseOr(value any, at string) ([]object, error) {
	list, ok := value.([]any)
	if !ok || len(list) < 2 {
		return nil, fmt.Errorf("%s: needs a list of two objects or more", at)
	}
	var alternatives []object
	for _, element := range list {
		members, ok := element.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%s: an alternative is not an object", at)
		}
		alternative, err := parseObject(members, at)
		if err != nil {
			return nil, err
		}
		alternatives = append(alternatives, alternative)
	}
	return alternatives, nil
}

func parseField(name string, value any, at string) (field, error) {
	switch value := value.(type) {
	case map[string]any:
		sub, err := parseObject(value, at)
		return field{name: name, sub: &sub}, err
	case []any:
		leaf, err := parseLeaf(value, at)
		return field{name: name, leaf: leaf}, err
	}
	return field{}, fmt.Errorf("%s: a value must be an object or a list", at)
}

func parseLeaf(list []any, at string) ([]matcher, error) {
	if len(list) == 0 {
		return nil, fmt.Errorf("%s: an empty list matches nothing", at)
	}
	var leaf []matcher
	for _, element := range list {
		m, err := parseMatcher(element)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", at, err)
		}
		leaf = append(leaf, m)
	}
	return leaf, nil
}

func (o object) match(event map[string]any) bool {
	for _, f := range o.fields {
		value, present := event[f.name]
		if !f.match(value, present) {
			return false
		}
	}
	for _, alternatives := range o.ors {
		if !slices.ContainsFunc(alternatives, func(a object) bool { return a.match(event) }) {
			return false
		}
	}
	return true
}

func (f field) match(value any, present bool) bool {
	if f.sub == nil {
		return matchLeaf(f.leaf, leaves(value, present))
	}
	return slices.ContainsFunc(objects(value), f.sub.match)
}

// matchLeaf asks whether any matcher accepts any of the values. No values is a field that is not there.
func matchLeaf(matchers []matcher, values []any) bool {
	for _, m := range matchers {
		if len(values) == 0 && m.absent {
			return true
		}
		if !m.absent && slices.ContainsFunc(values, m.accept) {
			return true
		}
	}
	return false
}

// leaves are the values that stand at a field: a list stands for each of its elements, an object for none, as only leaves
// can be matched.
func leaves(value any, present bool) []any {
	if !present {
		return nil
	}
	switch value := value.(type) {
	case map[string]any:
		return nil
	case []any:
		var all []any
		for _, element := range value {
			all = append(all, leaves(element, true)...)
		}
		return all
	}
	return []any{value}
}

// objects are the objects that stand at a field. Where there is none an empty one stands for it, as a pattern may ask
// that something below is absent.
func objects(value any) []map[string]any {
	found := nestedObjects(value)
	if len(found) == 0 {
		return []map[string]any{nil}
	}
	return found
}

func nestedObjects(value any) []map[string]any {
	switch value := value.(type) {
	case map[string]any:
		return []map[string]any{value}
	case []any:
		var all []map[string]any
		for _, element := range value {
			all = append(all, nestedObjects(element)...)
		}
		return all
	}
	return nil
}

func sortedKeys(members map[string]any) []string {
	keys := make([]string, 0, len(members))
	for key := range members {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func join(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

func place(at string) string {
	if at == "" {
		return "pattern"
	}
	return at
}
