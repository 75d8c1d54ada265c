// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package automation

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/runbook/document"
)

// parameters checks what an execution is started with against its document, and gives the typed values and what the API
// shows, defaults included.
func parameters(s Start) (values map[string]any, shown map[string][]string, err error) {
	values, shown = map[string]any{}, map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(s.Parameters)) {
		if _, ok := s.Definition.Parameter(name); !ok {
			return nil, nil, badParameter("parameter %s is not defined in document %s", name, s.Name)
		}
	}
	for _, p := range s.Definition.Parameters {
		list, given := s.Parameters[p.Name]
		if !given {
			list, err = defaultOf(p, s.SSMParameter)
		}
		if err == nil {
			values[p.Name], err = valueOf(p, list, given)
		}
		if err != nil {
			return nil, nil, badParameter("%v", err)
		}
		shown[p.Name] = list
	}
	return values, shown, nil
}

func badParameter(format string, args ...any) error {
	return kernel.Errorf(http.StatusBadRequest, "InvalidAutomationExecutionParametersException", format, args...)
}

// defaultOf is a parameter's default in the form of the API.
func defaultOf(p document.Parameter, lookup func(string) (string, bool)) ([]string, error) {
	if p.Default == nil {
		return nil, fmt.Errorf("parameter %s is required", p.Name)
	}
	text, ok := p.Default.(string)
	if !ok {
		return shownList(p.Default), nil
	}
	expanded, err := document.Expand(text, func(r document.Reference) (string, error) {
		if lookup == nil || r.Scope != "ssm" {
			return "", fmt.Errorf("parameter %s: cannot resolve {{%s}}", p.Name, r)
		}
		value, found := lookup(r.Name)
		if !found {
			return "", fmt.Errorf("parameter %s: SSM parameter %s does not exist", p.Name, r.Name)
		}
		return value, nil
	})
	return []string{expanded}, err
}

// valueOf is the typed value of a parameter. given says that it came with the request, which the limits are for.
func valueOf(p document.Parameter, list []string, given bool) (any, error) {
	if given {
		if err := fits(p, list); err != nil {
			return nil, err
		}
	}
	if p.Type == "StringList" {
		return anyList(list), nil
	}
	if p.Type == "MapList" {
		return mapList(p, list)
	}
	if len(list) != 1 {
		return nil, fmt.Errorf("parameter %s of type %s takes one value, not %d", p.Name, p.Type, len(list))
	}
	return scalar(p, list[0])
}

func scalar(p document.Parameter, text string) (any, error) {
	switch p.Type {
	case "Integer":
		n, err := strconv.Atoi(text)
		if err != nil {
			return nil, fmt.Errorf("parameter %s: %q is not an integer", p.Name, text)
		}
		return n, nil
	case "Boolean":
		if text != "true" && text != "false" {
			return nil, fmt.Errorf("parameter %s: %q is not true or false", p.Name, text)
		}
		return text == "true", nil
	case "StringMap":
		return jsonMap(p, text)
	}
	return text, nil
}

func jsonMap(p document.Parameter, text string) (map[string]any, error) {
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		return nil, fmt.Errorf("parameter %s: not a JSON object", p.Name)
	}
	return m, nil
}

func mapList(p document.Parameter, list []string) (any, error) {
	maps := make([]any, 0, len(list))
	for _, text := range list {
		m, err := jsonMap(p, text)
		if err != nil {
			return nil, err
		}
		maps = append(maps, m)
	}
	return maps, nil
}

func anyList(list []string) []any {
	values := make([]any, len(list))
	for i, text := range list {
		values[i] = text
	}
	return values
}

// fits checks a given value against what the document says about the parameter.
func fits(p document.Parameter, list []string) error {
	var failures []error
	failures = append(failures, within(p.Name, "items", len(list), p.MinItems, p.MaxItems))
	for _, text := range list {
		failures = append(failures, within(p.Name, "characters", utf8.RuneCountInString(text), p.MinChars, p.MaxChars), allowed(p, text))
	}
	return errors.Join(failures...)
}

func within(name, what string, n int, low, high *int) error {
	if (low != nil && n < *low) || (high != nil && n > *high) {
		return fmt.Errorf("parameter %s: %d %s are not allowed", name, n, what)
	}
	return nil
}

func allowed(p document.Parameter, text string) error {
	is := func(v any) bool { return shown(v) == text }
	if len(p.AllowedValues) > 0 && !slices.ContainsFunc(p.AllowedValues, is) {
		return fmt.Errorf("parameter %s: %q is not one of the allowed values", p.Name, text)
	}
	if p.AllowedPattern == "" {
		return nil
	}
	pattern, err := regexp.Compile(p.AllowedPattern)
	if err != nil {
		return fmt.Errorf("parameter %s: allowedPattern: %w", p.Name, err)
	}
	if !pattern.MatchString(text) {
		return fmt.Errorf("parameter %s: %q does not match the allowed pattern %s", p.Name, text, p.AllowedPattern)
	}
	return nil
}

// shown is a value as text: a string as it is, anything else as JSON.
func shown(value any) string {
	if text, ok := value.(string); ok {
		return text
	}
	return asJSON(value)
}

// shownList is a value as the API shows outputs and parameters: a list of texts.
func shownList(value any) []string {
	if value == nil {
		return []string{}
	}
	list, ok := value.([]any)
	if !ok {
		return []string{shown(value)}
	}
	texts := make([]string, len(list))
	for i, item := range list {
		texts[i] = shown(item)
	}
	return texts
}

// Limits checks a request's parameters against the limits of the API itself: 1 to 200 entries, names of 1 to 50 characters,
// lists of at most 50, values of 1 to 512 characters. Source: the service model, AutomationParameterMap. The error is an
// *APIError.
func Limits(given map[string][]string) error {
	if len(given) > 200 {
		return invalid("parameters", "Map must have no more than 200 entries")
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if n := utf8.RuneCountInString(name); n < 1 || n > 50 {
			return invalid("parameters", "Map keys must have length between 1 and 50")
		}
		if len(given[name]) > document.MaxListItems {
			return invalid("parameters."+name, "Member must have length less than or equal to 50")
		}
		for _, value := range given[name] {
			if n := utf8.RuneCountInString(value); n < 1 || n > document.MaxValueCharacters {
				return invalid("parameters."+name, "Member must have length between 1 and 512")
			}
		}
	}
	return nil
}

func invalid(place, constraint string) error {
	return kernel.Errorf(http.StatusBadRequest, "ValidationException",
		"1 validation error detected: Value at '%s' failed to satisfy constraint: %s", strings.TrimSuffix(place, "."), constraint)
}
