// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package kernel

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// condition is one operator on one key (IAM User Guide, "Condition operators").
type condition struct {
	operator
	key      string // in lower case: keys have no case
	values   []string
	set      setOperator
	ifExists bool
}

// setOperator is ForAllValues, ForAnyValue or neither.
type setOperator string

const (
	forAll setOperator = "ForAllValues"
	forAny setOperator = "ForAnyValue"
)

// operator compares one value of the request with one of the policy.
type operator struct {
	matches func(have string, want glob) bool
	negated bool
}

// operators are the condition operators by name, Null excepted.
var operators = map[string]operator{
	"StringEquals":              {matches: literally(func(have, want string) bool { return have == want })},
	"StringNotEquals":           {matches: literally(func(have, want string) bool { return have == want }), negated: true},
	"StringEqualsIgnoreCase":    {matches: literally(strings.EqualFold)},
	"StringNotEqualsIgnoreCase": {matches: literally(strings.EqualFold), negated: true},
	"StringLike":                {matches: like},
	"StringNotLike":             {matches: like, negated: true},
	"ArnEquals":                 {matches: arnLike},
	"ArnLike":                   {matches: arnLike},
	"ArnNotEquals":              {matches: arnLike, negated: true},
	"ArnNotLike":                {matches: arnLike, negated: true},
	"Bool":                      {matches: literally(strings.EqualFold)},
	"BinaryEquals":              {matches: literally(func(have, want string) bool { return have == want })},
	"NumericEquals":             {matches: numeric(func(order int) bool { return order == 0 })},
	"NumericNotEquals":          {matches: numeric(func(order int) bool { return order == 0 }), negated: true},
	"NumericLessThan":           {matches: numeric(func(order int) bool { return order < 0 })},
	"NumericLessThanEquals":     {matches: numeric(func(order int) bool { return order <= 0 })},
	"NumericGreaterThan":        {matches: numeric(func(order int) bool { return order > 0 })},
	"NumericGreaterThanEquals":  {matches: numeric(func(order int) bool { return order >= 0 })},
	"DateEquals":                {matches: date(func(order int) bool { return order == 0 })},
	"DateNotEquals":             {matches: date(func(order int) bool { return order == 0 }), negated: true},
	"DateLessThan":              {matches: date(func(order int) bool { return order < 0 })},
	"DateLessThanEquals":        {matches: date(func(order int) bool { return order <= 0 })},
	"DateGreaterThan":           {matches: date(func(order int) bool { return order > 0 })},
	"DateGreaterThanEquals":     {matches: date(func(order int) bool { return order >= 0 })},
	"IpAddress":                 {matches: literally(inRange)},
	"NotIpAddress":              {matches: literally(inRange), negated: true},
}

func newCondition(name, key string, values []scalar) (condition, error) {
	c := condition{key: strings.ToLower(key)}
	for _, value := range values {
		c.values = append(c.values, string(value))
	}
	if set, rest, ok := strings.Cut(name, ":"); ok {
		c.set, name = setOperator(set), rest
		if c.set != forAll && c.set != forAny {
			return c, fmt.Errorf("condition operator %q", name)
		}
	}
	name, c.ifExists = strings.CutSuffix(name, "IfExists")
	if name == "Null" && !c.ifExists {
		return c, nil // matches stays nil
	}
	known, ok := operators[name]
	if !ok {
		return c, fmt.Errorf("condition operator %q is not known", name)
	}
	c.operator = known
	return c, nil
}

// holds says whether the request meets the condition. A missing key fails it, unless it is negated, …IfExists or
// ForAllValues.
func (c condition) holds(context map[string][]string, variables bool) bool {
	have, present := context[c.key]
	present = present && len(have) > 0
	if c.matches == nil {
		return slices.ContainsFunc(c.values, func(want string) bool { return strings.EqualFold(want, strconv.FormatBool(!present)) })
	}
	if !present {
		return c.ifExists || c.set == forAll || (c.negated && c.set != forAny)
	}
	one := func(value string) bool { return c.matchesAny(value, context, variables) != c.negated }
	if c.set == forAll || (c.set == "" && c.negated) {
		return !slices.ContainsFunc(have, func(value string) bool { return !one(value) })
	}
	return slices.ContainsFunc(have, one)
}

func (c condition) matchesAny(have string, context map[string][]string, variables bool) bool {
	return slices.ContainsFunc(c.values, func(want string) bool {
		g, ok := newGlob(want), true
		if variables {
			g, ok = expand(want, context)
		}
		return ok && c.matches(have, g)
	})
}

func like(have string, want glob) bool { return want.match(have) }

// literally makes an operator of one that knows no wildcards.
func literally(equal func(have, want string) bool) func(string, glob) bool {
	return func(have string, want glob) bool { return equal(have, want.text()) }
}

// text is the glob as it was written.
func (g glob) text() string {
	runes := make([]rune, len(g))
	for i, r := range g {
		runes[i] = r
		if r < 0 {
			runes[i] = map[rune]rune{anyRun: '*', anyOne: '?'}[r]
		}
	}
	return string(runes)
}

// arnLike compares the six parts of two ARNs one by one, each with wildcards.
func arnLike(have string, want glob) bool {
	parts := strings.SplitN(have, ":", 6)
	for i, part := range parts {
		end := slices.Index(want, ':')
		if i == len(parts)-1 {
			return want.match(part)
		}
		if end < 0 {
			return len(want) > 0 && want[len(want)-1] == anyRun && len(want) == 1
		}
		if !want[:end].match(part) {
			return false
		}
		want = want[end+1:]
	}
	return false
}

func numeric(is func(order int) bool) func(string, glob) bool {
	return literally(func(have, want string) bool {
		a, errA := strconv.ParseFloat(have, 64)
		b, errB := strconv.ParseFloat(want, 64)
		return errA == nil && errB == nil && is(cmp.Compare(a, b))
	})
}

func date(is func(order int) bool) func(string, glob) bool {
	return literally(func(have, want string) bool {
		a, okA := parseDate(have)
		b, okB := parseDate(want)
		return okA && okB && is(a.Compare(b))
	})
}

// parseDate reads an ISO 8601 date or the seconds since 1970.
func parseDate(text string) (time.Time, bool) {
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.Unix(seconds, 0), true
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

func inRange(have, want string) bool {
	address, err := netip.ParseAddr(have)
	if err != nil {
		return false
	}
	if prefix, err := netip.ParsePrefix(want); err == nil {
		return prefix.Contains(address)
	}
	other, err := netip.ParseAddr(want)
	return err == nil && other == address
}
