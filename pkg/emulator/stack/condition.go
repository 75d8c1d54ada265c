// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package stack

import (
	"errors"
	"fmt"
	"slices"
)

// decisions are the functions that give yes or no. Fn::Contains and the like stand in Rules only.
var decisions = []string{"Fn::Equals", "Fn::Not", "Fn::And", "Fn::Or", "Fn::Contains", "Fn::EachMemberEquals", "Fn::EachMemberIn"}

// decision is a condition function where a value may stand.
func (s *scope) decision(argument any) (any, error) { return s.judge(argument) }

// decide evaluates a named condition, once.
func (s *scope) decide(name string) (bool, error) {
	if yes, done := s.decided[name]; done {
		return yes, nil
	}
	expression, ok := s.conditions[name]
	if !ok {
		return false, fmt.Errorf("no condition is called %s", name)
	}
	if slices.Contains(s.deciding, name) {
		return false, fmt.Errorf("condition %s depends on itself", name)
	}
	s.deciding = append(s.deciding, name)
	yes, err := s.judge(expression)
	s.deciding = s.deciding[:len(s.deciding)-1]
	if err != nil {
		return false, within("condition "+name, err)
	}
	if s.decided == nil {
		s.decided = map[string]bool{}
	}
	s.decided[name] = yes
	return yes, nil
}

// judge evaluates a condition function.
func (s *scope) judge(expression any) (bool, error) {
	members, _ := expression.(map[string]any)
	if len(members) != 1 {
		return false, errors.New("not a condition function")
	}
	name := sortedKeys(members)[0]
	if name == "Condition" {
		other, _ := members[name].(string)
		return s.decide(other)
	}
	parts, ok := members[name].([]any)
	if !ok {
		return false, fmt.Errorf("%s wants a list", name)
	}
	switch name {
	case "Fn::Equals":
		return s.equals(parts)
	case "Fn::Not", "Fn::And", "Fn::Or":
		return s.combine(name, parts)
	case "Fn::Contains", "Fn::EachMemberEquals", "Fn::EachMemberIn":
		return s.compareLists(name, parts)
	}
	return false, fmt.Errorf("condition function %s is not emulated", name)
}

func (s *scope) equals(parts []any) (bool, error) {
	values, err := s.texts(parts)
	if err != nil {
		return false, err
	}
	if len(values) != 2 {
		return false, errors.New("Fn::Equals wants two values")
	}
	return values[0] == values[1], nil
}

// combine: Fn::Not takes one condition, Fn::And and Fn::Or two to ten.
func (s *scope) combine(name string, parts []any) (bool, error) {
	if name == "Fn::Not" && len(parts) != 1 || name != "Fn::Not" && (len(parts) < 2 || len(parts) > 10) {
		return false, fmt.Errorf("%s of %d conditions", name, len(parts))
	}
	var all []bool
	for _, part := range parts {
		yes, err := s.judge(part)
		if err != nil {
			return false, err
		}
		all = append(all, yes)
	}
	switch name {
	case "Fn::Not":
		return !all[0], nil
	case "Fn::And":
		return !slices.Contains(all, false), nil
	}
	return slices.Contains(all, true), nil
}

// compareLists: Fn::Contains and Fn::EachMemberEquals compare a list with one value, Fn::EachMemberIn with a list.
func (s *scope) compareLists(name string, parts []any) (bool, error) {
	if len(parts) != 2 {
		return false, fmt.Errorf("%s wants two values", name)
	}
	list, err := s.texts(parts[0])
	if err != nil {
		return false, err
	}
	if name == "Fn::EachMemberIn" {
		allowed, err := s.texts(parts[1])
		return !slices.ContainsFunc(list, func(member string) bool { return !slices.Contains(allowed, member) }), err
	}
	value, err := s.text(parts[1])
	if name == "Fn::Contains" {
		return slices.Contains(list, value), err
	}
	return !slices.ContainsFunc(list, func(member string) bool { return member != value }), err
}

// rule is a rule of the template: what must hold of its parameters.
type rule struct {
	RuleCondition any
	Assertions    []any
}

// check asks a rule; the error is its description.
func (r rule) check(s *scope) error {
	if r.RuleCondition != nil {
		applies, err := s.judge(r.RuleCondition)
		if err != nil || !applies {
			return err
		}
	}
	for _, assertion := range r.Assertions {
		members, _ := assertion.(map[string]any)
		holds, err := s.judge(members["Assert"])
		if err != nil {
			return err
		}
		if !holds {
			return fmt.Errorf("%v", members["AssertDescription"])
		}
	}
	return nil
}
