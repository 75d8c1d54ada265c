// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package distribution

import (
	"bytes"
	"maps"
	"slices"
	"strings"

	"cloudfront503/pkg/incident"
)

// Diff is what has to be done to a to make it b, sorted by path: the smallest fields that differ, each with what it holds
// in a and in b. Quantity follows from the items and is not named. Apply(a, Diff(a, b)) equals b.
func Diff(a, b Config) []incident.FieldChange {
	var d differ
	d.objects("", "", a.tree, b.tree)
	slices.SortFunc(d.changes, func(x, y incident.FieldChange) int { return strings.Compare(x.Path, y.Path) })
	return d.changes
}

type differ struct {
	changes []incident.FieldChange
}

// note adds a change; nil means absent.
func (d *differ) note(path string, from, to any) {
	change := incident.FieldChange{Path: path}
	if from != nil {
		change.From = encode(from)
	}
	if to != nil {
		change.To = encode(to)
	}
	d.changes = append(d.changes, change)
}

// values compares two contents of the field called name; nil means absent.
func (d *differ) values(path, name string, a, b any) {
	left, leftIs := a.(map[string]any)
	right, rightIs := b.(map[string]any)
	if leftIs && rightIs {
		d.objects(path, name, left, right)
		return
	}
	if !same(a, b) {
		d.note(path, a, b)
	}
}

func (d *differ) objects(path, name string, a, b map[string]any) {
	for _, key := range bothKeys(a, b) {
		switch key {
		case itemsKey:
			d.items(join(path, key), name, a[key], b[key])
		case quantityKey:
			d.quantity(join(path, key), a, b)
		default:
			d.values(join(path, key), key, a[key], b[key])
		}
	}
}

// quantity names a change of Quantity only where it does not follow from the items.
func (d *differ) quantity(path string, a, b map[string]any) {
	from, to := a[quantityKey], b[quantityKey]
	_, isList := b[itemsKey].([]any)
	_, hasItems := b[itemsKey]
	follows := isList || !hasItems
	if from != nil && to != nil && follows || same(from, to) {
		return
	}
	d.note(path, from, to)
}

// items compares two lists of the field; nil means empty.
func (d *differ) items(path, field string, a, b any) {
	left, leftIs := a.([]any)
	right, rightIs := b.([]any)
	if a != nil && !leftIs || b != nil && !rightIs {
		d.values(path, itemsKey, a, b)
		return
	}
	if sets(left, right) {
		d.sets(path, left, right)
		return
	}
	id, leftRegular := regularBy(field, left)
	_, rightRegular := regularBy(field, right)
	if !leftRegular || !rightRegular {
		d.values(path, itemsKey, a, b)
		return
	}
	d.elements(path, id, left, right)
}

// sets reports whether both lists are sets of the same kind; an empty list is of any kind.
func sets(a, b []any) bool {
	both := slices.Concat(a, b)
	return isSet(both)
}

func (d *differ) sets(path string, a, b []any) {
	for _, value := range a {
		if !slices.Contains(b, value) {
			d.note(joinElement(path, scalarText(value)), value, nil)
		}
	}
	for _, value := range b {
		if !slices.Contains(a, value) {
			d.note(joinElement(path, scalarText(value)), nil, value)
		}
	}
}

func (d *differ) elements(path string, id identity, a, b []any) {
	left, right := byName(id, a), byName(id, b)
	for _, name := range bothKeys(left, right) {
		d.values(joinElement(path, id.key+"="+name), "", left[name], right[name])
	}
	if !id.ordered {
		return
	}
	from, to := names(id, a), names(id, b)
	if slices.Equal(unordered(path, id, from, to), to) {
		return
	}
	if len(from) == 0 {
		d.note(path+"/"+orderToken, nil, to)
		return
	}
	d.note(path+"/"+orderToken, from, to)
}

// unordered is the order that remains when what b lacks is taken from a and what it adds is appended as Apply does it, by
// path.
func unordered(list string, id identity, a, b []string) []string {
	kept := slices.DeleteFunc(slices.Clone(a), func(name string) bool { return !slices.Contains(b, name) })
	added := slices.DeleteFunc(slices.Clone(b), func(name string) bool { return slices.Contains(a, name) })
	slices.SortFunc(added, func(x, y string) int {
		return strings.Compare(joinElement(list, id.key+"="+x), joinElement(list, id.key+"="+y))
	})
	return append(kept, added...)
}

func names(id identity, list []any) []string {
	out := make([]string, 0, len(list))
	for _, element := range list {
		out = append(out, scalarText(identityOf(element, id)))
	}
	return out
}

func byName(id identity, list []any) map[string]any {
	out := make(map[string]any, len(list))
	for _, element := range list {
		out[scalarText(identityOf(element, id))] = element
	}
	return out
}

func bothKeys(a, b map[string]any) []string {
	keys := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.Sort(keys)
	return slices.Compact(keys)
}

// same compares two values of a tree by their canonical text; nil is only the same as nil.
func same(a, b any) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return bytes.Equal(encode(a), encode(b))
}
