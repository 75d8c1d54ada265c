// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package kernel

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// ParsePolicy reads a policy document and refuses what IAM would: unknown elements and operators, statements without an
// effect, an action or (in an identity policy) a resource. The error is an *APIError MalformedPolicyDocument.
func ParsePolicy(raw []byte) (*Policy, error) {
	if _, err := parseDocument(raw); err != nil {
		return nil, Errorf(400, "MalformedPolicyDocument", "%v", err)
	}
	return &Policy{Raw: slices.Clone(raw)}, nil
}

// document is a parsed policy.
//
// The grammar is the IAM User Guide's "Grammar of the IAM JSON policy language":
//
//	{"Version": "2012-10-17", "Id": "…", "Statement": [{"Sid": "Read", "Effect": "Allow", "Principal": {"AWS": "*"},
//	 "Action": "s3:GetObject", "Resource": ["arn:aws:s3:::b/*"], "Condition": {"Bool": {"aws:SecureTransport": "true"}}}]}
type document struct {
	Version    string
	ID         string            `json:"Id"`
	Statements listOf[statement] `json:"Statement"`
}

type statement struct {
	Sid          string
	Effect       string
	Principal    *principals
	NotPrincipal *principals
	Action       listOf[string]
	NotAction    listOf[string]
	Resource     listOf[string]
	NotResource  listOf[string]
	Condition    map[string]map[string]listOf[scalar]

	actions    []glob // of Action, else of NotAction, folded
	resources  []glob // of Resource, else of NotResource, where they hold no variable; else nil
	conditions []condition
	variables  bool // whether ${…} is a policy variable: since version 2012-10-17
}

func parseDocument(raw []byte) (*document, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	d := &document{}
	if err := decoder.Decode(d); err != nil {
		return nil, fmt.Errorf("syntax errors in policy: %w", err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, fmt.Errorf("syntax errors in policy: text after its end")
	}
	if d.Version != "" && d.Version != "2012-10-17" && d.Version != "2008-10-17" {
		return nil, fmt.Errorf("policy version %q is not valid", d.Version)
	}
	if len(d.Statements) == 0 {
		return nil, fmt.Errorf("policy has no statement")
	}
	for i := range d.Statements {
		if err := d.Statements[i].check(d.Version); err != nil {
			return nil, fmt.Errorf("policy statement %d: %w", i, err)
		}
	}
	return d, nil
}

func (s *statement) check(version string) error {
	if s.Effect != "Allow" && s.Effect != "Deny" {
		return fmt.Errorf("effect %q is neither Allow nor Deny", s.Effect)
	}
	if (s.Action == nil) == (s.NotAction == nil) {
		return fmt.Errorf("needs one of Action and NotAction")
	}
	if s.Resource != nil && s.NotResource != nil || s.Principal != nil && s.NotPrincipal != nil {
		return fmt.Errorf("has an element and its negation")
	}
	if err := checkActions(slices.Concat(s.Action, s.NotAction)); err != nil {
		return err
	}
	s.variables = version == "2012-10-17"
	s.compile()
	for operator, keys := range s.Condition {
		for key, values := range keys {
			c, err := newCondition(operator, key, values)
			if err != nil {
				return err
			}
			s.conditions = append(s.conditions, c)
		}
	}
	return nil
}

// compile makes patterns of what every question is compared with.
func (s *statement) compile() {
	for _, action := range slices.Concat(s.Action, s.NotAction) {
		s.actions = append(s.actions, newGlob(action).fold())
	}
	resources := slices.Concat(s.Resource, s.NotResource)
	if s.variables && slices.ContainsFunc(resources, func(each string) bool { return strings.Contains(each, "${") }) {
		return
	}
	for _, resource := range resources {
		s.resources = append(s.resources, newGlob(resource))
	}
}

func checkActions(actions []string) error {
	for _, action := range actions {
		if service, name, ok := strings.Cut(action, ":"); action != "*" && (!ok || service == "" || name == "") {
			return fmt.Errorf("action %q has no vendor prefix", action)
		}
	}
	return nil
}

// name is the statement's Sid, else its place.
func (s *statement) name(place int) string {
	if s.Sid != "" {
		return s.Sid
	}
	return strconv.Itoa(place)
}

// listOf is one value or a list of them.
type listOf[T any] []T

// UnmarshalJSON takes a lone value for a list of one.
func (l *listOf[T]) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '[' {
		return strict(raw, (*[]T)(l))
	}
	var one T
	if err := strict(raw, &one); err != nil {
		return err
	}
	*l = listOf[T]{one}
	return nil
}

// scalar is a condition's value: a string, a number or a boolean, kept as its text.
type scalar string

// UnmarshalJSON keeps the text.
func (s *scalar) UnmarshalJSON(raw []byte) error {
	var value any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		return err
	}
	switch v := value.(type) {
	case string:
		*s = scalar(v)
	case bool:
		*s = scalar(strconv.FormatBool(v))
	case json.Number:
		*s = scalar(v.String())
	default:
		return fmt.Errorf("condition value %.40s is no string, number or boolean", raw)
	}
	return nil
}

// principals is the element Principal: everybody, or lists by kind.
type principals struct {
	everybody bool
	kinds     map[string]listOf[string] // AWS, Service, Federated, CanonicalUser
}

// UnmarshalJSON takes "*" and {"AWS": …}.
func (p *principals) UnmarshalJSON(raw []byte) error {
	var word string
	if json.Unmarshal(raw, &word) == nil {
		p.everybody = word == "*"
		if !p.everybody {
			return fmt.Errorf("principal %q", word)
		}
		return nil
	}
	if err := json.Unmarshal(raw, &p.kinds); err != nil {
		return err
	}
	for kind := range p.kinds {
		if !slices.Contains([]string{"AWS", "Service", "Federated", "CanonicalUser"}, kind) {
			return fmt.Errorf("principal of kind %q", kind)
		}
	}
	p.everybody = slices.Contains(p.kinds["AWS"], "*")
	return nil
}

// strict decodes without taking unknown fields.
func strict(raw []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}
