// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package remedy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// edgeServices must be able to assume the role of a Lambda@Edge function [CloudFront guide, "Set up IAM permissions and
// roles for Lambda@Edge"]. No other principal is ever added to a trust policy.
var edgeServices = []string{"lambda.amazonaws.com", "edgelambda.amazonaws.com"}

const assumeRole = "sts:AssumeRole"

// longestTrust is how many characters IAM takes at the most where the quota was raised, white space not counted [IAM guide,
// "IAM and AWS STS quotas"].
const longestTrust = 4096

// GainTrust is a role's trust policy with one further statement, by which the services that Lambda@Edge needs and that
// cannot assume the role can do so, and nobody else; all other bytes of the policy's statements stay as they are. A *Refused
// says why the policy cannot be mended by that: it trusts both already, it denies them, or it allows one under conditions,
// whose sense only the role's owner knows.
func GainTrust(document string) (to string, gains []string, err error) {
	policy, err := parseTrust(document)
	if err != nil {
		return "", nil, err
	}
	for _, service := range edgeServices {
		trusted, err := policy.trusts(service)
		if err != nil {
			return "", nil, err
		}
		if !trusted {
			gains = append(gains, service)
		}
	}
	if len(gains) == 0 {
		return "", nil, refuse("the role trusts %s already", strings.Join(edgeServices, " and "))
	}
	to = policy.with(gains)
	if n := len(strings.Join(strings.Fields(to), "")); n > longestTrust {
		return "", nil, refuse("the trust policy would have %d characters", n)
	}
	return to, gains, OnlyGains(document, to)
}

// MostTrust is the policy that allows all that a mended trust policy may: whatever is written must allow no more than this.
func MostTrust(document string) (string, error) {
	policy, err := parseTrust(document)
	if err != nil {
		return "", err
	}
	return policy.with(edgeServices), nil
}

// OnlyGains checks that a trust policy is another one with exactly one statement more, and that this lets nothing happen but
// that services of Lambda@Edge assume the role. It does not rest on how GainTrust writes.
func OnlyGains(from, to string) error {
	before, err := parseTrust(from)
	if err != nil {
		return err
	}
	after, err := parseTrust(to)
	if err != nil {
		return err
	}
	if before.head() != after.head() || len(after.statements) != len(before.statements)+1 {
		return refuse("the proposed trust policy changes more than it may")
	}
	for i, statement := range before.statements {
		if !sameJSON(statement, after.statements[i]) {
			return refuse("the proposed trust policy changes a statement")
		}
	}
	for _, subset := range [][]string{edgeServices[:1], edgeServices[1:], edgeServices} {
		if sameJSON(after.statements[len(before.statements)], gain(subset)) {
			return nil
		}
	}
	return refuse("the proposed trust policy allows more than that Lambda@Edge assumes the role")
}

// trustPolicy is a policy document, member by member.
type trustPolicy struct {
	members    []member // in their order, Statement among them
	statements []json.RawMessage
}

type member struct {
	name  string
	value json.RawMessage
}

// parseTrust reads a trust policy:
//
//	{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
//
// What is not in IAM's grammar, or is there twice, is refused: of two members of one name readers take different ones.
func parseTrust(document string) (trustPolicy, error) {
	members, err := readMembers([]byte(document))
	if err != nil {
		return trustPolicy{}, refuse("the trust policy cannot be read: %v", err)
	}
	policy := trustPolicy{members: members}
	for _, m := range members {
		switch m.name {
		case "Version", "Id":
		case "Statement":
			if policy.statements, err = readStatements(m.value); err != nil {
				return trustPolicy{}, refuse("the trust policy cannot be read: %v", err)
			}
		default:
			return trustPolicy{}, refuse("the trust policy has a member %q", m.name)
		}
	}
	if len(policy.statements) == 0 {
		return trustPolicy{}, refuse("the trust policy has no statement")
	}
	return policy, nil
}

// readMembers reads an object's members, and refuses one that is there twice, at any depth.
func readMembers(raw []byte) ([]member, error) {
	if !json.Valid(raw) {
		return nil, errors.New("no JSON")
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if opening, err := decoder.Token(); err != nil || opening != json.Delim('{') {
		return nil, errors.New("no object")
	}
	var members []member
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, err
		}
		// encoding/json takes members for the same whose names differ in case; IAM does not say which it takes.
		if slices.ContainsFunc(members, func(m member) bool { return strings.EqualFold(m.name, name.(string)) }) {
			return nil, fmt.Errorf("%q is there twice", name)
		}
		if err := readDeeper(value); err != nil {
			return nil, err
		}
		members = append(members, member{name.(string), value})
	}
	return members, nil
}

// readDeeper looks for members that are there twice below an object's own.
func readDeeper(value json.RawMessage) error {
	switch value[0] {
	case '{':
		_, err := readMembers(value)
		return err
	case '[':
		var list []json.RawMessage
		if err := json.Unmarshal(value, &list); err != nil {
			return err
		}
		for _, entry := range list {
			if err := readDeeper(entry); err != nil {
				return err
			}
		}
	}
	return nil
}

// readStatements reads one statement or a list of them.
func readStatements(value json.RawMessage) ([]json.RawMessage, error) {
	if value[0] == '{' {
		return []json.RawMessage{value}, nil
	}
	var list []json.RawMessage
	if err := json.Unmarshal(value, &list); err != nil {
		return nil, errors.New("the statements are no list")
	}
	for _, statement := range list {
		if statement[0] != '{' {
			return nil, errors.New("a statement is no object")
		}
	}
	return list, nil
}

// with is the document with a statement more; all others keep their bytes.
func (p trustPolicy) with(services []string) string {
	var b strings.Builder
	for i, m := range p.members {
		name, _ := json.Marshal(m.name) // a string
		b.WriteString(map[bool]string{true: "{", false: ","}[i == 0] + string(name) + ":")
		if m.name != "Statement" {
			b.Write(m.value)
			continue
		}
		b.WriteString("[")
		for _, statement := range p.statements {
			b.Write(statement)
			b.WriteString(",")
		}
		b.Write(gain(services))
		b.WriteString("]")
	}
	return b.String() + "}"
}

// head is everything but the statements, in one form.
func (p trustPolicy) head() string {
	rest := map[string]any{}
	for _, m := range p.members {
		if m.name != "Statement" {
			var value any
			_ = json.Unmarshal(m.value, &value) // it was read
			rest[m.name] = value
		}
	}
	text, _ := json.Marshal(rest) // what JSON gave
	return string(text)
}

// gain is the statement by which services can assume a role.
func gain(services []string) json.RawMessage {
	var service any = services
	if len(services) == 1 {
		service = services[0]
	}
	text, _ := json.Marshal(map[string]any{ // strings
		"Effect": "Allow", "Principal": map[string]any{"Service": service}, "Action": assumeRole,
	})
	return text
}

// trustStatement is a statement as far as it says who may assume the role.
type trustStatement struct {
	Effect       string
	Principal    principal
	NotPrincipal json.RawMessage
	Action       words
	NotAction    json.RawMessage
	Condition    json.RawMessage
}

// words is one string or a list of them.
type words []string

// UnmarshalJSON takes a lone string for a list of one.
func (w *words) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*w = words{one}
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(w))
}

// principal is everybody, or the services that are named; others are of no interest.
type principal struct {
	Everybody bool
	Service   words
}

// UnmarshalJSON takes "*" and {"Service": …}.
func (p *principal) UnmarshalJSON(raw []byte) error {
	var word string
	if json.Unmarshal(raw, &word) == nil {
		p.Everybody = word == "*"
		return nil
	}
	var kinds struct{ AWS, Service words }
	err := json.Unmarshal(raw, &kinds)
	p.Service, p.Everybody = kinds.Service, slices.Contains(kinds.AWS, "*")
	return err
}

// trusts reports whether a service can assume the role as the policy stands.
func (p trustPolicy) trusts(service string) (bool, error) {
	trusted := false
	for i, raw := range p.statements {
		var s trustStatement
		if err := json.Unmarshal(raw, &s); err != nil {
			return false, refuse("statement %d of the trust policy cannot be read: %v", i, err)
		}
		if !s.concerns(service) {
			continue
		}
		switch {
		case s.Effect == "Deny":
			return false, refuse("statement %d of the trust policy denies %s, which a further permission does not lift", i, service)
		case s.Effect != "Allow":
			return false, refuse("statement %d of the trust policy has effect %q", i, s.Effect)
		case len(s.Condition) > 0 || len(s.NotPrincipal) > 0 || len(s.NotAction) > 0:
			return false, refuse("statement %d of the trust policy is about %s under conditions, whose sense only its owner knows", i, service)
		}
		trusted = true
	}
	return trusted, nil
}

// concerns reports whether a statement may be about a service that assumes the role; what cannot be told is.
func (s trustStatement) concerns(service string) bool {
	who := s.Principal.Everybody || slices.Contains(s.Principal.Service, service) || len(s.NotPrincipal) > 0
	what := len(s.NotAction) > 0 || slices.ContainsFunc(s.Action, func(pattern string) bool {
		// A pattern is IAM's, with * and ?; a bracket, which path takes for more, is in no action.
		matched, err := path.Match(strings.ToLower(pattern), strings.ToLower(assumeRole))
		return matched || err != nil
	})
	return who && what
}

// sameJSON compares two values, whatever their white space, escapes and order of members.
func sameJSON(a, b []byte) bool {
	plain := func(raw []byte) (string, bool) {
		decoder := json.NewDecoder(bytes.NewReader(raw))
		decoder.UseNumber()
		var value any
		err := decoder.Decode(&value)
		text, _ := json.Marshal(value) // what JSON gave
		return string(text), err == nil
	}
	x, okX := plain(a)
	y, okY := plain(b)
	return okX && okY && x == y
}
