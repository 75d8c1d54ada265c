// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package document

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Selector is a parsed path of the JSONPath subset that Automation knows: "$", ".name", "..name", "[3]", "[*]", "['name']".
// There are no filters. Source: "Using action outputs as inputs".
type Selector struct {
	parts []part
	many  bool
}

type part struct {
	name  string
	index int
	kind  byte // '.' child, 'd' deep scan, '[' index, '*' every item
}

// selectorPart cuts one part off: deep scan, child, index, every item, quoted child.
var selectorPart = regexp.MustCompile(`^(?:\.\.([\w-]+)|\.([\w-]+)|\[(\d{1,6})\]|(\[\*\]|\.\*)|\['([^'\]]+)'\])`)

// ParseSelector reads a selector.
func ParseSelector(text string) (Selector, error) {
	rest, ok := strings.CutPrefix(text, "$")
	if !ok {
		return Selector{}, fmt.Errorf("selector %q does not begin with $", text)
	}
	var s Selector
	for rest != "" {
		m := selectorPart.FindStringSubmatch(rest)
		if m == nil {
			return Selector{}, fmt.Errorf("selector %q: cannot read %q", text, rest)
		}
		p := partOf(m)
		s.many = s.many || p.kind == 'd' || p.kind == '*'
		s.parts = append(s.parts, p)
		rest = rest[len(m[0]):]
	}
	return s, nil
}

func partOf(m []string) part {
	switch {
	case m[1] != "":
		return part{kind: 'd', name: m[1]}
	case m[2] != "":
		return part{kind: '.', name: m[2]}
	case m[3] != "":
		index, _ := strconv.Atoi(m[3]) // six digits
		return part{kind: '[', index: index}
	case m[4] != "":
		return part{kind: '*'}
	}
	return part{kind: '.', name: m[5]}
}

// Select takes a value out of JSON values. A path with a deep scan or [*] gives a list, an empty one where nothing
// matches; any other gives one value, and ok is false where there is none.
func (s Selector) Select(value any) (selected any, ok bool) {
	found := []any{value}
	for _, p := range s.parts {
		var next []any
		for _, v := range found {
			next = append(next, p.apply(v)...)
		}
		found = next
	}
	if s.many {
		return append([]any{}, found...), true
	}
	if len(found) == 0 {
		return nil, false
	}
	return found[0], true
}

func (p part) apply(value any) []any {
	switch p.kind {
	case 'd':
		return deep(value, p.name)
	case '*':
		return children(value)
	case '[':
		if list, ok := value.([]any); ok && p.index < len(list) {
			return []any{list[p.index]}
		}
		return nil
	}
	m, _ := value.(map[string]any)
	if child, ok := m[p.name]; ok {
		return []any{child}
	}
	return nil
}

func children(value any) []any {
	switch v := value.(type) {
	case []any:
		return v
	case map[string]any:
		var all []any
		for _, key := range slices.Sorted(maps.Keys(v)) {
			all = append(all, v[key])
		}
		return all
	}
	return nil
}

// deep finds every member of a name, outer ones first.
func deep(value any, name string) []any {
	var found []any
	if m, ok := value.(map[string]any); ok {
		if child, has := m[name]; has {
			found = append(found, child)
		}
	}
	for _, child := range children(value) {
		found = append(found, deep(child, name)...)
	}
	return found
}
