// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package pattern

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// matcher is one element of a leaf's list.
type matcher struct {
	accept func(value any) bool
	absent bool // {"exists": false}: accepts only that nothing is there
}

// operators by name; each reads its operand.
var operators = map[string]func(operand any) (matcher, error){
	"prefix":             parsePrefix,
	"suffix":             parseSuffix,
	"equals-ignore-case": textMatcher(equalFold),
	"wildcard":           parseWildcard,
	"anything-but":       parseAnythingBut,
	"numeric":            parseNumeric,
	"cidr":               parseCIDR,
	"exists":             parseExists,
}

func parseMatcher(element any) (matcher, error) {
	switch element := element.(type) {
	case map[string]any:
		return parseOperator(element)
	case []any:
		return matcher{}, errors.New("a list within a list")
	}
	return exactly(element), nil
}

func exactly(want any) matcher {
	return matcher{accept: func(value any) bool { return equal(want, value) }}
}

func parseOperator(members map[string]any) (matcher, error) {
	if len(members) != 1 {
		return matcher{}, fmt.Errorf("%d operators in one element, want one", len(members))
	}
	name := sortedKeys(members)[0]
	parse, ok := operators[name]
	if !ok {
		return matcher{}, fmt.Errorf("unknown operator %q", name)
	}
	m, err := parse(members[name])
	if err != nil {
		return matcher{}, fmt.Errorf("%s: %w", name, err)
	}
	return m, nil
}

// equal compares as EventBridge does: numbers by value, everything else as it is written.
func equal(want, value any) bool {
	wanted, isNumber := number(want)
	got, alsoNumber := number(value)
	if isNumber || alsoNumber {
		return isNumber && alsoNumber && wanted == got
	}
	return want == value
}

func number(value any) (float64, bool) {
	n, ok := value.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := n.Float64()
	return f, err == nil
}

// equalFold compares without regard to case.
func equalFold(value, operand string) bool { return strings.EqualFold(value, operand) }

// textMatcher makes an operator that compares a string with a string.
func textMatcher(test func(value, operand string) bool) func(any) (matcher, error) {
	return func(operand any) (matcher, error) {
		text, ok := operand.(string)
		if !ok {
			return matcher{}, errors.New("operand is not a string")
		}
		return matcher{accept: onText(func(value string) bool { return test(value, text) })}, nil
	}
}

func onText(test func(string) bool) func(any) bool {
	return func(value any) bool {
		text, ok := value.(string)
		return ok && test(text)
	}
}

func parsePrefix(operand any) (matcher, error) {
	return parseEnd(operand, strings.HasPrefix, foldPrefix)
}

func parseSuffix(operand any) (matcher, error) {
	return parseEnd(operand, strings.HasSuffix, foldSuffix)
}

// parseEnd reads "text" or {"equals-ignore-case": "text"}.
func parseEnd(operand any, exact, fold func(value, operand string) bool) (matcher, error) {
	members, ok := operand.(map[string]any)
	if !ok {
		return textMatcher(exact)(operand)
	}
	inner, ok := members["equals-ignore-case"]
	if !ok || len(members) != 1 {
		return matcher{}, errors.New("only equals-ignore-case may stand inside")
	}
	return textMatcher(fold)(inner)
}

func foldPrefix(value, operand string) bool {
	return len(value) >= len(operand) && strings.EqualFold(value[:len(operand)], operand)
}

func foldSuffix(value, operand string) bool {
	return len(value) >= len(operand) && strings.EqualFold(value[len(value)-len(operand):], operand)
}

// negatable are the operators that may stand inside anything-but, each with one operand or a list.
var negatable = map[string]func(operand any) (matcher, error){
	"prefix":             parsePrefix,
	"suffix":             parseSuffix,
	"equals-ignore-case": textMatcher(equalFold),
	"wildcard":           parseWildcard,
}

// parseAnythingBut reads a scalar, a list of scalars, or one operator with an operand or a list of them.
func parseAnythingBut(operand any) (matcher, error) {
	unwanted, err := parseUnwanted(operand)
	if err != nil {
		return matcher{}, err
	}
	return matcher{accept: func(value any) bool {
		return !slices.ContainsFunc(unwanted, func(m matcher) bool { return m.accept(value) })
	}}, nil
}

func parseUnwanted(operand any) ([]matcher, error) {
	members, ok := operand.(map[string]any)
	if !ok {
		return parseEach(operand, parseScalar)
	}
	if len(members) != 1 {
		return nil, fmt.Errorf("%d operators inside, want one", len(members))
	}
	name := sortedKeys(members)[0]
	parse, ok := negatable[name]
	if !ok {
		return nil, fmt.Errorf("operator %q may not stand inside", name)
	}
	return parseEach(members[name], parse)
}

func parseEach(operand any, parse func(any) (matcher, error)) ([]matcher, error) {
	list, ok := operand.([]any)
	if !ok {
		list = []any{operand}
	}
	if len(list) == 0 {
		return nil, errors.New("an empty list")
	}
	var all []matcher
	for _, element := range list {
		m, err := parse(element)
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

func parseScalar(operand any) (matcher, error) {
	switch operand.(type) {
	case string, json.Number:
		return exactly(operand), nil
	}
	return matcher{}, errors.New("takes strings and numbers")
}

func parseExists(operand any) (matcher, error) {
	wanted, ok := operand.(bool)
	if !ok {
		return matcher{}, errors.New("operand is not true or false")
	}
	return matcher{accept: func(any) bool { return true }, absent: !wanted}, nil
}

// parseCIDR reads an address block, as "10.0.0.0/24".
func parseCIDR(operand any) (matcher, error) {
	text, _ := operand.(string)
	block, err := netip.ParsePrefix(text)
	if err != nil {
		return matcher{}, errors.New("operand is not an address block")
	}
	return matcher{accept: onText(func(value string) bool {
		address, err := netip.ParseAddr(value)
		return err == nil && block.Contains(address)
	})}, nil
}

// parseWildcard reads a text in which "*" stands for any run of characters; a backslash makes the next "*" or backslash
// literal. Two stars in a row are refused, as EventBridge does.
func parseWildcard(operand any) (matcher, error) {
	text, ok := operand.(string)
	if !ok {
		return matcher{}, errors.New("operand is not a string")
	}
	parts, err := wildcardParts(text)
	if err != nil {
		return matcher{}, err
	}
	return matcher{accept: onText(func(value string) bool { return matchParts(parts, value) })}, nil
}

// wildcardParts are the literal texts between the stars.
func wildcardParts(text string) ([]string, error) {
	parts, current := []string{}, []byte{}
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
			if i == len(text) || (text[i] != '*' && text[i] != '\\') {
				return nil, errors.New("a backslash escapes only a star or a backslash")
			}
			current = append(current, text[i])
		case '*':
			if i > 0 && len(current) == 0 && len(parts) > 0 {
				return nil, errors.New("two stars in a row")
			}
			parts, current = append(parts, string(current)), nil
		default:
			current = append(current, text[i])
		}
	}
	return append(parts, string(current)), nil
}

func matchParts(parts []string, value string) bool {
	if len(parts) == 1 {
		return value == parts[0]
	}
	rest, ok := strings.CutPrefix(value, parts[0])
	if !ok {
		return false
	}
	last := len(parts) - 1
	for _, part := range parts[1:last] {
		at := strings.Index(rest, part)
		if at < 0 {
			return false
		}
		rest = rest[at+len(part):]
	}
	return strings.HasSuffix(rest, parts[last])
}
