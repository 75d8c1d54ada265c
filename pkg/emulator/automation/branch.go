// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package automation

import (
	"fmt"
	"strconv"
	"strings"

	"cloudfront503/pkg/runbook/document"
)

// branch is the action aws:branch. Where no choice holds and there is no Default, the next step of the document runs.
func (e *execution) branch(s document.Step, _ int) result {
	b, err := s.Branch()
	if err != nil {
		return failed("%v", err)
	}
	for _, choice := range b.Choices {
		holds, err := holds(choice.If)
		if err != nil {
			return failed("Step fails when it is evaluating the choices. %v", err)
		}
		if holds {
			return result{status: Success, next: choice.Next}
		}
	}
	return result{status: Success, next: b.Default}
}

// holds says whether a condition, its references resolved, is true.
func holds(c document.Condition) (bool, error) {
	switch {
	case c.Not != nil:
		inner, err := holds(*c.Not)
		return !inner, err
	case len(c.And) > 0:
		return joined(c.And, false)
	case len(c.Or) > 0:
		return joined(c.Or, true)
	}
	if compare, ok := textOperators[c.Operator]; ok {
		return holdsText(c, compare)
	}
	if compare, ok := numberOperators[c.Operator]; ok {
		return holdsNumber(c, compare)
	}
	return holdsBoolean(c)
}

// joined stops at the first condition that decides: a true one of an Or, a false one of an And.
func joined(conditions []document.Condition, decides bool) (bool, error) {
	for _, c := range conditions {
		if is, err := holds(c); err != nil || is == decides {
			return is, err
		}
	}
	return !decides, nil
}

var textOperators = map[string]func(value, operand string) bool{
	"StringEquals":     func(value, operand string) bool { return value == operand },
	"EqualsIgnoreCase": strings.EqualFold,
	"StartsWith":       strings.HasPrefix,
	"EndsWith":         strings.HasSuffix,
	"Contains":         strings.Contains,
}

var numberOperators = map[string]func(value, operand float64) bool{
	"NumericEquals":          func(value, operand float64) bool { return value == operand },
	"NumericGreater":         func(value, operand float64) bool { return value > operand },
	"NumericLesser":          func(value, operand float64) bool { return value < operand },
	"NumericGreaterOrEquals": func(value, operand float64) bool { return value >= operand },
	"NumericLesserOrEquals":  func(value, operand float64) bool { return value <= operand },
}

func holdsText(c document.Condition, compare func(value, operand string) bool) (bool, error) {
	value, ok := c.Variable.(string)
	operand, fits := c.Operand.(string)
	if !ok || !fits {
		return false, fmt.Errorf("%s compares texts, not %s with %s", c.Operator, kindOf(c.Variable), kindOf(c.Operand))
	}
	return compare(value, operand), nil
}

func holdsNumber(c document.Condition, compare func(value, operand float64) bool) (bool, error) {
	value, ok := asNumber(c.Variable)
	operand, fits := asNumber(c.Operand)
	if !ok || !fits {
		return false, fmt.Errorf("%s compares numbers, not %s with %s", c.Operator, shown(c.Variable), shown(c.Operand))
	}
	return compare(value, operand), nil
}

func asNumber(value any) (float64, bool) {
	switch v := value.(type) {
	case int:
		return float64(v), true
	case float64:
		return v, true
	case string:
		f, err := strconv.ParseFloat(v, 64)
		return f, err == nil
	}
	return 0, false
}

func holdsBoolean(c document.Condition) (bool, error) {
	value, ok := asBool(c.Variable)
	operand, fits := asBool(c.Operand)
	if !ok || !fits {
		return false, fmt.Errorf("%s compares booleans, not %s with %s", c.Operator, shown(c.Variable), shown(c.Operand))
	}
	return value == operand, nil
}

func asBool(value any) (is, ok bool) {
	if b, isBool := value.(bool); isBool {
		return b, true
	}
	text, _ := value.(string)
	return strings.EqualFold(text, "true"), strings.EqualFold(text, "true") || strings.EqualFold(text, "false")
}
