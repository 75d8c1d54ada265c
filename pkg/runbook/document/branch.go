// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package document

import (
	"errors"
	"fmt"
	"slices"
)

// Branch is what an aws:branch step decides.
type Branch struct {
	Choices []Choice
	Default string // empty: the next step of the document
}

// Choice leads to Next when its condition holds.
type Choice struct {
	Next string
	If   Condition
}

// Condition is one comparison, or others joined; exactly one of Operator, And, Or and Not is set.
type Condition struct {
	Variable any    // with its references unresolved
	Operator string // StringEquals, NumericGreater, …
	Operand  any
	And, Or  []Condition
	Not      *Condition
}

// Operators are those of aws:branch, checked when a document is created. Source: "Using conditional statements in
// runbooks".
var Operators = []string{
	"StringEquals", "EqualsIgnoreCase", "StartsWith", "EndsWith", "Contains",
	"NumericEquals", "NumericGreater", "NumericLesser", "NumericGreaterOrEquals", "NumericLesserOrEquals", "BooleanEquals",
}

// Branch reads the inputs of an aws:branch step.
func (s Step) Branch() (Branch, error) {
	f := fieldsOf("step "+s.Name, map[string]any(s.Inputs))
	choices := f.list("Choices")
	b := Branch{Default: f.text("Default")}
	if err := f.done(); err != nil {
		return Branch{}, err
	}
	if len(choices) == 0 {
		return Branch{}, fmt.Errorf("step %s: Choices holds no choice", s.Name)
	}
	for i, item := range choices {
		choice, err := readChoice(fmt.Sprintf("step %s: choice %d", s.Name, i+1), item)
		if err != nil {
			return Branch{}, err
		}
		b.Choices = append(b.Choices, choice)
	}
	return b, nil
}

func readChoice(at string, item any) (Choice, error) {
	f := fieldsOf(at, item)
	next := f.mustText("NextStep")
	if f.err != nil {
		return Choice{}, f.err
	}
	condition, err := readCondition(at, item, "NextStep")
	return Choice{Next: next, If: condition}, err
}

// LoopCondition reads the condition of an aws:loop step; ok is false where it iterates over a list instead.
func (s Step) LoopCondition() (condition Condition, ok bool, err error) {
	item, ok := s.Inputs["LoopCondition"]
	if !ok {
		return Condition{}, false, nil
	}
	condition, err = readCondition("step "+s.Name+": LoopCondition", item)
	return condition, true, err
}

func readCondition(at string, item any, aside ...string) (Condition, error) {
	f := fieldsOf(at, item)
	for _, key := range aside {
		f.seen[key] = true
	}
	var c Condition
	c.Variable, _ = f.take("Variable")
	f.operator(&c)
	and, or := f.list("And"), f.list("Or")
	not, negated := f.take("Not")
	if err := f.done(); err != nil {
		return Condition{}, err
	}
	if err := oneOf(at, c, len(and) > 0, len(or) > 0, negated); err != nil {
		return Condition{}, err
	}
	return c.join(at, and, or, not)
}

func (f *fields) operator(c *Condition) {
	for _, operator := range Operators {
		operand, ok := f.take(operator)
		if !ok {
			continue
		}
		if c.Operator != "" {
			f.fail(operator, "the only operator")
		}
		c.Operator, c.Operand = operator, operand
	}
}

func oneOf(at string, c Condition, joined ...bool) error {
	simple := c.Operator != "" && c.Variable != nil
	if (c.Operator != "") != (c.Variable != nil) {
		return fmt.Errorf("%s: a comparison needs Variable and an operator", at)
	}
	count := len(slices.DeleteFunc(slices.Concat(joined, []bool{simple}), func(set bool) bool { return !set }))
	if count != 1 {
		return fmt.Errorf("%s: want exactly one of a comparison, And, Or and Not", at)
	}
	return nil
}

func (c Condition) join(at string, and, or []any, not any) (Condition, error) {
	var failures [3]error
	c.And, failures[0] = readConditions(at, and)
	c.Or, failures[1] = readConditions(at, or)
	if not != nil {
		inner, err := readCondition(at, not)
		c.Not, failures[2] = &inner, err
	}
	return c, errors.Join(failures[:]...)
}

func readConditions(at string, items []any) ([]Condition, error) {
	var conditions []Condition
	for _, item := range items {
		c, err := readCondition(at, item)
		if err != nil {
			return nil, err
		}
		conditions = append(conditions, c)
	}
	return conditions, nil
}

// References lists the references of a condition and of those inside it.
func (c Condition) References() []Reference {
	found := slices.Concat(References(c.Variable), References(c.Operand))
	for _, inner := range slices.Concat(c.And, c.Or) {
		found = append(found, inner.References()...)
	}
	if c.Not != nil {
		found = append(found, c.Not.References()...)
	}
	return found
}
