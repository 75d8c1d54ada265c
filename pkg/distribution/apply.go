// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package distribution

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"cloudfront503/pkg/incident"
)

// MovedError says which fields do not hold what a change expects.
type MovedError struct {
	Paths []string
}

// Error names the fields.
func (e *MovedError) Error() string {
	return "fields hold something else by now: " + strings.Join(e.Paths, ", ")
}

// Value is what the field holds as canonical JSON, nil if it does not exist.
func (c Config) Value(path string) json.RawMessage {
	value := find(c.tree, split(path))
	if value == nil {
		return nil
	}
	return encode(value)
}

// Apply makes the changes. Each field must hold the change's From; if any does not, nothing is changed and the error is a
// *MovedError with all of them.
func Apply(c Config, changes []incident.FieldChange) (Config, error) {
	var moved []string
	for _, change := range changes {
		if !bytes.Equal(c.Value(change.Path), canonicalText(change.From)) {
			moved = append(moved, change.Path)
		}
	}
	if moved != nil {
		return Config{}, &MovedError{Paths: moved}
	}
	tree := normalObject("", c.tree)
	for _, change := range ordersLast(changes) {
		if err := put(tree, change); err != nil {
			return Config{}, err
		}
	}
	return Config{tree: normalObject("", tree)}, nil
}

// canonicalText writes a value again as Value does: a change that was stored as JSON may bear HTML escapes.
func canonicalText(text json.RawMessage) json.RawMessage {
	if text == nil {
		return nil
	}
	value, err := decode("", text)
	if err != nil {
		return text
	}
	return encode(value)
}

// ordersLast puts changes of order behind the elements that they order.
func ordersLast(changes []incident.FieldChange) []incident.FieldChange {
	isOrder := func(change incident.FieldChange) int {
		if strings.HasSuffix(change.Path, "/"+itemsKey+"/"+orderToken) {
			return 1
		}
		return 0
	}
	return slices.SortedStableFunc(slices.Values(changes), func(a, b incident.FieldChange) int { return isOrder(a) - isOrder(b) })
}

// find is the value at the path, nil if there is none. An order is a []string.
func find(tree map[string]any, path []token) any {
	var value any = tree
	field := ""
	for _, part := range path {
		switch at := value.(type) {
		case map[string]any:
			value = at[part.text]
			if _, isList := value.([]any); !isList || part.text != itemsKey {
				field = part.text
			}
		case []any:
			value = findInList(field, at, part)
			field = ""
		default:
			return nil
		}
	}
	return value
}

func findInList(field string, list []any, part token) any {
	id := identities[field]
	if !part.element {
		if part.text == orderToken && id.ordered {
			return names(id, list)
		}
		return nil
	}
	if i := indexOf(field, list, part.text); i >= 0 {
		return list[i]
	}
	return nil
}

// indexOf is where the element stands that the bracketed text names, -1 if nowhere.
func indexOf(field string, list []any, text string) int {
	id, named := identities[field]
	name, byKey := strings.CutPrefix(text, id.key+"=")
	return slices.IndexFunc(list, func(element any) bool {
		if named && byKey && name != "" && scalarText(identityOf(element, id)) == name {
			return true
		}
		return scalarText(element) == text && isScalar(element)
	})
}

func isScalar(value any) bool {
	switch value.(type) {
	case string, json.Number:
		return true
	default:
		return false
	}
}

// put makes one change in place.
func put(tree map[string]any, change incident.FieldChange) error {
	path := split(change.Path)
	last := path[len(path)-1]
	var to any
	if change.To != nil {
		var err error
		if to, err = decode(last.text, change.To); err != nil {
			return fmt.Errorf("field %s: %w", change.Path, err)
		}
	}
	parent, isObject := find(tree, path[:len(path)-1]).(map[string]any)
	if !isObject && isElementPath(path) {
		return putInItems(tree, path, to)
	}
	if !isObject {
		return fmt.Errorf("field %s: what should hold it does not exist", change.Path)
	}
	if to == nil {
		delete(parent, last.text)
		return nil
	}
	parent[last.text] = to
	return nil
}

// isElementPath reports whether the path names an element of a list, or the list's order.
func isElementPath(path []token) bool {
	n := len(path)
	return n >= 2 && path[n-2].text == itemsKey && !path[n-2].element && (path[n-1].element || path[n-1].text == orderToken)
}

// putInItems changes an element of a list or the list's order; the list is made where it is missing.
func putInItems(tree map[string]any, path []token, to any) error {
	holder := path[:len(path)-2]
	object, isObject := find(tree, holder).(map[string]any)
	if !isObject {
		return errors.New("a list that has no field to stand in")
	}
	field := fieldName(holder)
	list, _ := object[itemsKey].([]any)
	last := path[len(path)-1]
	if !last.element {
		object[itemsKey] = inOrder(identities[field], list, to)
		return nil
	}
	list = withElement(list, indexOf(field, list, last.text), to)
	if len(list) == 0 {
		delete(object, itemsKey) // an empty one would bring a Quantity back that goes away as well
		return nil
	}
	object[itemsKey] = list
	return nil
}

// fieldName is the name of the field that holds a list: that of the last member, none inside another list.
func fieldName(holder []token) string {
	if len(holder) == 0 || holder[len(holder)-1].element {
		return ""
	}
	return holder[len(holder)-1].text
}

func withElement(list []any, at int, to any) []any {
	switch {
	case at < 0 && to == nil:
		return list
	case at < 0:
		return append(list, to)
	case to == nil:
		return slices.Delete(list, at, at+1)
	}
	list[at] = to
	return list
}

// inOrder sorts the elements as the order, a list of names, says; what it does not name stays behind.
func inOrder(id identity, list []any, order any) []any {
	wanted, _ := order.([]any)
	place := func(element any) int {
		at := slices.IndexFunc(wanted, func(name any) bool { return scalarText(name) == scalarText(identityOf(element, id)) })
		if at < 0 {
			return len(wanted)
		}
		return at
	}
	return slices.SortedStableFunc(slices.Values(list), func(a, b any) int { return place(a) - place(b) })
}
