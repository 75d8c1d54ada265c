// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package stack

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// parameter is a parameter as the template declares it.
type parameter struct {
	Type                  string
	Default               any
	AllowedValues         []any
	AllowedPattern        string
	MinLength, MaxLength  any
	MinValue, MaxValue    any
	Description           string
	ConstraintDescription string
	NoEcho                any
}

// parameterTypes are those that are emulated; a list is given as text, separated by commas.
var parameterTypes = map[string]struct{ list, number bool }{
	"String": {}, "Number": {number: true}, "CommaDelimitedList": {list: true}, "List<Number>": {list: true, number: true},
}

// bind gives every declared parameter its value: a string, or a list of strings.
func bind(declared map[string]parameter, given map[string]string) (map[string]any, error) {
	for _, name := range sortedKeys(given) {
		if _, ok := declared[name]; !ok {
			return nil, fmt.Errorf("parameter %s does not exist in the template", name)
		}
	}
	values := map[string]any{}
	for _, name := range sortedKeys(declared) {
		value, err := declared[name].bind(given, name)
		if err != nil {
			return nil, fmt.Errorf("parameter %s: %w", name, err)
		}
		values[name] = value
	}
	return values, nil
}

func (p parameter) bind(given map[string]string, name string) (any, error) {
	value, ok := given[name]
	if !ok {
		if p.Default == nil {
			return nil, errors.New("has no value")
		}
		var err error
		if value, err = text(p.Default); err != nil {
			return nil, err
		}
	}
	return p.read(value)
}

// read checks a value against the declaration.
func (p parameter) read(value string) (any, error) {
	kind, ok := parameterTypes[p.Type]
	if !ok {
		return nil, fmt.Errorf("type %s is not emulated", p.Type)
	}
	elements := []string{value}
	if kind.list {
		elements = strings.Split(value, ",")
	}
	list := make([]any, 0, len(elements))
	for _, element := range elements {
		if kind.list {
			element = strings.TrimSpace(element)
		}
		if err := p.check(element, kind.number); err != nil {
			return nil, p.explain(err)
		}
		list = append(list, element)
	}
	if kind.list {
		return list, nil
	}
	return value, nil
}

// explain puts the template's own words before the reason.
func (p parameter) explain(err error) error {
	if p.ConstraintDescription == "" {
		return err
	}
	return fmt.Errorf("%s (%w)", p.ConstraintDescription, err)
}

func (p parameter) check(value string, isNumber bool) error {
	if err := p.checkAllowed(value); err != nil {
		return err
	}
	if isNumber {
		return p.checkNumber(value)
	}
	length := strconv.Itoa(utf8.RuneCountInString(value))
	return checkRange("length", length, p.MinLength, p.MaxLength)
}

func (p parameter) checkAllowed(value string) error {
	allowed := func(v any) bool { one, err := text(v); return err == nil && one == value }
	if p.AllowedValues != nil && !slices.ContainsFunc(p.AllowedValues, allowed) {
		return fmt.Errorf("%q is not an allowed value", value)
	}
	if p.AllowedPattern == "" {
		return nil
	}
	pattern, err := regexp.Compile(`^(?:` + p.AllowedPattern + `)$`)
	if err != nil {
		return err
	}
	if !pattern.MatchString(value) {
		return errors.New("does not match the allowed pattern")
	}
	return nil
}

func (p parameter) checkNumber(value string) error {
	if _, err := strconv.ParseFloat(value, 64); err != nil {
		return fmt.Errorf("%q is not a number", value)
	}
	return checkRange("value", value, p.MinValue, p.MaxValue)
}

// checkRange compares with bounds that may be missing.
func checkRange(what, value string, low, high any) error {
	n, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return err
	}
	if bound, ok := bound(low); ok && n < bound {
		return fmt.Errorf("%s %s is less than %v", what, value, low)
	}
	if bound, ok := bound(high); ok && n > bound {
		return fmt.Errorf("%s %s is more than %v", what, value, high)
	}
	return nil
}

func bound(limit any) (float64, bool) {
	if limit == nil {
		return 0, false
	}
	written, err := text(limit)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseFloat(written, 64)
	return n, err == nil
}
