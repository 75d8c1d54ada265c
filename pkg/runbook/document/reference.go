// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package document

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Reference is one {{ … }} of a document.
type Reference struct {
	Scope string // "parameter", "step", "global", "automation", "variable", "ssm"; empty where it is none of these
	Name  string // the parameter, the step, or what follows the colon
	Field string // a step's output
}

// String is the reference as written between the braces.
func (r Reference) String() string {
	switch r.Scope {
	case "parameter", "":
		return r.Name
	case "step":
		return r.Name + "." + r.Field
	}
	return r.Scope + ":" + r.Name
}

var (
	// reference has no brace inside: a reference inside a reference is none.
	reference = regexp.MustCompile(`\{\{\s*([^{}]*?)\s*\}\}`)
	wholeText = regexp.MustCompile(`^\s*\{\{\s*([^{}]*?)\s*\}\}\s*$`)
	plainName = regexp.MustCompile(`^[a-zA-Z0-9_]+$`)
	stepField = regexp.MustCompile(`^([a-zA-Z0-9_]+)\.([a-zA-Z0-9_]+)$`)
)

func parseReference(inner string) Reference {
	for _, scope := range []string{"global", "automation", "variable", "ssm"} {
		if name, ok := strings.CutPrefix(inner, scope+":"); ok {
			return Reference{Scope: scope, Name: name}
		}
	}
	if plainName.MatchString(inner) {
		return Reference{Scope: "parameter", Name: inner}
	}
	if parts := stepField.FindStringSubmatch(inner); parts != nil {
		return Reference{Scope: "step", Name: parts[1], Field: parts[2]}
	}
	return Reference{Name: inner}
}

// Whole is the one reference that is all of a text; such a text keeps the type of the value.
func Whole(text string) (Reference, bool) {
	parts := wholeText.FindStringSubmatch(text)
	if parts == nil {
		return Reference{}, false
	}
	return parseReference(parts[1]), true
}

// Expand replaces every reference in a text by what resolve says. What comes in is not looked through again.
func Expand(text string, resolve func(Reference) (string, error)) (string, error) {
	var failed error
	expanded := reference.ReplaceAllStringFunc(text, func(match string) string {
		value, err := resolve(parseReference(reference.FindStringSubmatch(match)[1]))
		if err != nil && failed == nil {
			failed = err
		}
		return value
	})
	return expanded, failed
}

// References lists the references in every text of a value, mapping keys left out, in the order of the keys.
func References(value any) []Reference {
	var found []Reference
	switch v := value.(type) {
	case string:
		for _, match := range reference.FindAllStringSubmatch(v, -1) {
			found = append(found, parseReference(match[1]))
		}
	case []any:
		for _, item := range v {
			found = append(found, References(item)...)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			found = append(found, References(v[key])...)
		}
	}
	return found
}
