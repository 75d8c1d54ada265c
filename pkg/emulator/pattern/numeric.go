// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package pattern

import (
	"errors"
	"fmt"
	"slices"
)

// largest is the greatest magnitude that EventBridge compares numerically.
const largest = 5e9

var comparisons = map[string]func(value, bound float64) bool{
	"=":  func(value, bound float64) bool { return value == bound },
	"<":  func(value, bound float64) bool { return value < bound },
	"<=": func(value, bound float64) bool { return value <= bound },
	">":  func(value, bound float64) bool { return value > bound },
	">=": func(value, bound float64) bool { return value >= bound },
}

// parseNumeric reads [operator, bound] or a range, [">" or ">=", low, "<" or "<=", high].
func parseNumeric(operand any) (matcher, error) {
	list, ok := operand.([]any)
	if !ok || (len(list) != 2 && len(list) != 4) {
		return matcher{}, errors.New("wants an operator and a number, or two of each")
	}
	tests, err := parseBounds(list)
	if err != nil {
		return matcher{}, err
	}
	return matcher{accept: func(value any) bool {
		n, ok := number(value)
		return ok && !slices.ContainsFunc(tests, func(test func(float64) bool) bool { return !test(n) })
	}}, nil
}

func parseBounds(list []any) ([]func(float64) bool, error) {
	if len(list) == 4 && !isRange(list) {
		return nil, errors.New("a range has a lower bound, then an upper one above it")
	}
	var tests []func(float64) bool
	for i := 0; i < len(list); i += 2 {
		test, err := parseBound(list[i], list[i+1])
		if err != nil {
			return nil, err
		}
		tests = append(tests, test)
	}
	return tests, nil
}

func isRange(list []any) bool {
	low, _ := number(list[1])
	high, _ := number(list[3])
	return slices.Contains([]any{">", ">="}, list[0]) && slices.Contains([]any{"<", "<="}, list[2]) && low < high
}

func parseBound(operator, bound any) (func(float64) bool, error) {
	name, _ := operator.(string)
	compare, ok := comparisons[name]
	if !ok {
		return nil, fmt.Errorf("unknown comparison %v", operator)
	}
	limit, ok := number(bound)
	if !ok || limit > largest || limit < -largest {
		return nil, fmt.Errorf("%v is not a number of at most five thousand million", bound)
	}
	return func(value float64) bool { return compare(value, limit) }, nil
}
