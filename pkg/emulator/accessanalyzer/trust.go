// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package accessanalyzer

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"cloudfront503/pkg/emulator/kernel"
)

// statement is one of a policy's.
type statement struct {
	sid, effect string
	principals  []string // as "Service:lambda.amazonaws.com", "AWS:*" for everybody
	actions     []string // in lower case; may hold * and ?
	conditions  any
	unusual     any // NotPrincipal, NotAction, Resource: compared as a whole
}

// parse reads a trust policy: IAM's own grammar, and a principal in every statement.
func parse(raw []byte) ([]statement, error) {
	if _, err := kernel.ParsePolicy(raw); err != nil {
		return nil, err
	}
	var document struct{ Statement oneOrMany[map[string]any] }
	if err := json.Unmarshal(raw, &document); err != nil {
		return nil, err
	}
	var all []statement
	for i, members := range document.Statement {
		if members["Principal"] == nil && members["NotPrincipal"] == nil {
			return nil, fmt.Errorf("statement %d has no principal", i)
		}
		all = append(all, newStatement(members))
	}
	return all, nil
}

// oneOrMany is a value or a list of them.
type oneOrMany[T any] []T

// UnmarshalJSON takes a lone value for a list of one.
func (o *oneOrMany[T]) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '[' {
		return json.Unmarshal(raw, (*[]T)(o))
	}
	var one T
	err := json.Unmarshal(raw, &one)
	*o = oneOrMany[T]{one}
	return err
}

func newStatement(members map[string]any) statement {
	s := statement{conditions: members["Condition"]}
	s.sid, _ = members["Sid"].(string)
	s.effect, _ = members["Effect"].(string)
	for _, action := range texts(members["Action"]) {
		s.actions = append(s.actions, strings.ToLower(action))
	}
	switch principal := members["Principal"].(type) {
	case string:
		s.principals = []string{"AWS:" + principal}
	case map[string]any:
		for kind, names := range principal {
			for _, name := range texts(names) {
				s.principals = append(s.principals, kind+":"+name)
			}
		}
	}
	rest := map[string]any{}
	for _, name := range []string{"NotPrincipal", "NotAction", "Resource", "NotResource"} {
		if value, there := members[name]; there {
			rest[name] = value
		}
	}
	if len(rest) > 0 {
		s.unusual = rest
	}
	return s
}

func texts(value any) []string {
	switch v := value.(type) {
	case string:
		return []string{v}
	case []any:
		var list []string
		for _, entry := range v {
			if text, is := entry.(string); is {
				list = append(list, text)
			}
		}
		return list
	}
	return nil
}

// newAccess says which statements of fresh may allow what existing does not: an Allow of a principal and an action that
// no Allow of existing covers, and a Deny of existing that is gone.
func newAccess(existing, fresh []statement) []reason {
	var reasons []reason
	for i, s := range fresh {
		if s.effect == "Allow" && !allCovered(existing, s) {
			reasons = append(reasons, reason{fmt.Sprintf("New access in the statement with index: %d.", i), s.sid, i})
		}
	}
	for i, s := range existing {
		if s.effect == "Deny" && !slices.ContainsFunc(fresh, s.same) {
			reasons = append(reasons, reason{fmt.Sprintf("A deny statement with index %d of the existing policy is missing.", i), s.sid, i})
		}
	}
	return reasons
}

func (s statement) same(other statement) bool {
	return s.effect == other.effect && sameSet(s.principals, other.principals) && sameSet(s.actions, other.actions) &&
		reflect.DeepEqual(s.conditions, other.conditions) && reflect.DeepEqual(s.unusual, other.unusual)
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Compact(slices.Sorted(slices.Values(a))), slices.Compact(slices.Sorted(slices.Values(b))))
}

func allCovered(existing []statement, s statement) bool {
	if s.unusual != nil {
		return slices.ContainsFunc(existing, s.same)
	}
	for _, principal := range s.principals {
		for _, action := range s.actions {
			if !slices.ContainsFunc(existing, func(e statement) bool { return e.covers(principal, action, s.conditions) }) {
				return false
			}
		}
	}
	return true
}

// covers reports whether an Allow grants an action to a principal, at least under the same conditions.
func (s statement) covers(principal, action string, conditions any) bool {
	if s.effect != "Allow" || s.unusual != nil {
		return false
	}
	who := slices.Contains(s.principals, principal) || slices.Contains(s.principals, "AWS:*")
	what := slices.ContainsFunc(s.actions, func(pattern string) bool { return kernel.Glob(pattern, action) })
	return who && what && (s.conditions == nil || reflect.DeepEqual(s.conditions, conditions))
}

// findings are what the policy checks say of a trust policy: an ERROR where IAM would refuse it, a SECURITY_WARNING where
// everybody may assume the role, a SUGGESTION where a statement is there twice.
func findings(raw []byte) []finding {
	statements, err := parse(raw)
	if err != nil {
		return []finding{found("ERROR", "JSON_SYNTAX_ERROR", err.Error(), 0)}
	}
	list := []finding{}
	for i, s := range statements {
		if s.effect == "Allow" && slices.Contains(s.principals, "AWS:*") && s.conditions == nil {
			list = append(list, found("SECURITY_WARNING", "ALLOW_WITH_UNRESTRICTED_PRINCIPAL", "Using a wildcard (*) in the principal element lets anyone assume the role.", i))
		}
		if slices.ContainsFunc(s.actions, func(action string) bool { return action != "*" && !strings.HasPrefix(action, "sts:") }) {
			list = append(list, found("ERROR", "MISMATCHED_ACTION_FOR_RESOURCE", "A trust policy's actions are those of sts.", i))
		}
		if slices.ContainsFunc(statements[:i], s.same) {
			list = append(list, found("SUGGESTION", "REDUNDANT_STATEMENT", "The statement is redundant.", i))
		}
	}
	return list
}

func found(kind, code, details string, index int) finding {
	name := "Statement"
	return finding{
		FindingType: kind, IssueCode: code, FindingDetails: details, LearnMoreLink: learnMore,
		Locations: []location{{Path: []pathElement{{Value: &name}, {Index: &index}}}},
	}
}
