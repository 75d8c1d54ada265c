// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package report

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/incident"
)

// field is one member or one element of what changes, as CloudFront's API has it. Changes below the same member meet in it.
type field struct {
	name    string // of a member; empty for an element
	key, id string // by which an element is told apart; empty where its list came whole
	path    string // the members' names with dots, as placeOf wants it: an element has its list's
	api     string // as people know it from the plan
	raw     any    // what it becomes, masked; nil: it goes away, or only parts of it change
	gone    bool
	whole   bool // it came with all that it holds
	parts   []*field
	added   []any // to a list of scalars
	dropped []any
	order   []any // of a list whose order counts
}

// grow makes one tree of all changes.
func grow(changes []incident.FieldChange) *field {
	root := &field{}
	for _, change := range changes {
		root.put(change)
	}
	return root
}

// put takes one change into the tree.
func (f *field) put(change incident.FieldChange) {
	from, to := change.Masked()
	parts := distribution.Parts(change.Path)
	for i, part := range parts {
		last := i == len(parts)-1
		switch {
		case part.Element && f.distinguishes(part.Text):
			f = f.element(part.Text)
		case part.Element && last:
			f.alter(change.Path, from, to)
			return
		case last && part.Text == "order" && strings.HasSuffix(f.path, ".Items"):
			f.order, _ = to.([]any)
			return
		default:
			f = f.member(part.Text)
		}
	}
	f.api = change.Path
	f.fill(to)
}

// distinguishes reports whether an element is told apart by a member that is known.
func (f *field) distinguishes(element string) bool {
	key, _, found := strings.Cut(element, "=")
	_, listed := places[known(f.path+"."+key)]
	return found && listed && f.isList()
}

// alter takes the change of one scalar in a list.
func (f *field) alter(api string, from, to any) {
	f.api = or(f.api, api)
	if to == nil {
		f.dropped = append(f.dropped, from)
		return
	}
	f.added = append(f.added, to)
}

func (f *field) member(name string) *field {
	path, api := name, name
	if f.path != "" {
		path, api = f.path+"."+name, f.api+"/"+name
	}
	return f.part(&field{name: name, path: path, api: api})
}

func (f *field) element(text string) *field {
	key, id, _ := strings.Cut(text, "=")
	return f.part(&field{key: key, id: id, path: f.path, api: f.api + "/[" + text + "]"})
}

// part is the part that is like the wished one, which is added where there is none.
func (f *field) part(wished *field) *field {
	for _, part := range f.parts {
		if part.name == wished.name && part.key == wished.key && part.id == wished.id {
			return part
		}
	}
	f.parts = append(f.parts, wished)
	return wished
}

// fill takes what the field becomes.
func (f *field) fill(value any) {
	f.raw, f.gone = value, value == nil
	switch value := value.(type) {
	case map[string]any:
		f.whole = true
		for _, name := range slices.Sorted(maps.Keys(value)) {
			f.member(name).fill(value[name])
		}
	case []any:
		f.whole = true
		if scalars(value) {
			return
		}
		for _, each := range value {
			element := &field{path: f.path, api: f.api}
			f.parts = append(f.parts, element)
			element.fill(each)
		}
	}
}

// scalars reports whether a list holds nothing that holds anything.
func scalars(list []any) bool {
	return !slices.ContainsFunc(list, func(each any) bool {
		switch each.(type) {
		case map[string]any, []any:
			return true
		}
		return false
	})
}

// isList reports whether the field is a list: CloudFront's API has them all under Items.
func (f *field) isList() bool { return f.name == "Items" }

// hidden reports whether a value was masked, so that it cannot be written down.
func hidden(value any) bool {
	switch value := value.(type) {
	case string:
		return strings.Contains(value, "(masked")
	case []any:
		return slices.ContainsFunc(value, hidden)
	}
	return false
}

// empty reports a value that says no more than its absence.
func empty(value any) bool {
	switch value := value.(type) {
	case string:
		return value == ""
	case []any:
		return len(value) == 0
	}
	return false
}

// scalarOf is an element's identity as the value that its member has.
func scalarOf(path, text string) any {
	if numbers[known(path)] {
		return json.Number(text)
	}
	return text
}
