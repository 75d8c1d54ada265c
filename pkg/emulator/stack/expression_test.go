// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package stack

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// testScope knows two parameters, a resource, a mapping and two conditions.
func testScope() *scope {
	return &scope{
		parameters: map[string]any{"Text": "a|b|c", "List": []any{"x", "y"}},
		pseudo:     map[string]string{"AWS::Region": "us-east-1"},
		mappings:   map[string]map[string]any{"M": {"one": map[string]any{"two": "three"}}},
		conditions: map[string]any{"Yes": map[string]any{"Fn::Equals": []any{"a", "a"}}, "No": map[string]any{"Fn::Equals": []any{"a", "b"}}},
		reference: func(logical string) (any, error) {
			if logical != "Topic" {
				return nil, errors.New("no such resource")
			}
			return "arn:topic", nil
		},
		attribute: func(logical, attribute string) (any, error) { return logical + "'s " + attribute, nil },
		include: func(string) (any, error) {
			return map[string]any{"included": map[string]any{"Ref": "AWS::Region"}}, nil
		},
	}
}

func TestExpressionsAreEvaluated(t *testing.T) {
	tests := []struct {
		name, yaml string
		want       any
	}{
		{"a text", `hello`, "hello"},
		{"a number", `7`, int64(7)},
		{"null", `a: ~`, map[string]any{"a": nil}},
		{"a folded text", "a: >-\n  one\n  two", map[string]any{"a": "one two"}},
		{"a parameter", `!Ref Text`, "a|b|c"},
		{"a list parameter", `!Ref List`, []any{"x", "y"}},
		{"a pseudo parameter", `!Ref AWS::Region`, "us-east-1"},
		{"a resource", `!Ref Topic`, "arn:topic"},
		{"an attribute", `!GetAtt Topic.Name`, "Topic's Name"},
		{"an attribute with a dot", `!GetAtt Topic.Outer.Inner`, "Topic's Outer.Inner"},
		{"an attribute as a list", `{"Fn::GetAtt": [Topic, Name]}`, "Topic's Name"},
		{"a substitution", `!Sub "in ${AWS::Region}: ${Topic}, ${Topic.Name} and ${!Literal}"`, "in us-east-1: arn:topic, Topic's Name and ${Literal}"},
		{"a substitution of its own", `!Sub ["${A} ${Text}", {A: !Ref Topic}]`, "arn:topic a|b|c"},
		{"a substitution in a runbook's text", `!Sub "{{ global:REGION }} ${Topic}"`, "{{ global:REGION }} arn:topic"},
		{"a join", `!Join ["-", [a, !Ref Topic, 5]]`, "a-arn:topic-5"},
		{"a join of a list parameter", `!Join [",", !Ref List]`, "x,y"},
		{"a split", `!Split ["|", !Ref Text]`, []any{"a", "b", "c"}},
		{"a selection of a split", `!Select [1, !Split ["|", !Ref Text]]`, "b"},
		{"a choice", `!If [Yes, a, b]`, "a"},
		{"the other choice", `!If [No, a, [b]]`, []any{"b"}},
		{"the choice that is not taken is not evaluated", `!If [Yes, a, !Ref Nothing]`, "a"},
		{"no value leaves a member out", `{a: 1, b: !If [No, 2, !Ref "AWS::NoValue"]}`, map[string]any{"a": int64(1)}},
		{"no value leaves an element out", `[1, !Ref "AWS::NoValue", 2]`, []any{int64(1), int64(2)}},
		{"no value leaves an element of a join out", `!Join ["", [a, !If [No, b, !Ref "AWS::NoValue"], c]]`, "ac"},
		{"a mapping", `!FindInMap [M, one, two]`, "three"},
		{"base 64", `!Base64 hello`, "aGVsbG8="},
		{"a condition as a value", `!Equals [!Ref Text, "a|b|c"]`, true},
		{"conditions combined", `!And [!Condition Yes, !Not [!Condition No], !Or [!Condition No, !Condition Yes]]`, true},
		{"a policy's Condition is not a function", `{Condition: {Bool: {"aws:SecureTransport": "false"}}}`, map[string]any{"Condition": map[string]any{"Bool": map[string]any{"aws:SecureTransport": "false"}}}},
		{"an include", "Fn::Transform: {Name: AWS::Include, Parameters: {Location: x}}", map[string]any{"included": "us-east-1"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			value, err := readYAML([]byte(test.yaml))
			if err != nil {
				t.Fatal(err)
			}
			got, err := testScope().eval(value)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestExpressionsThatAreWrongAreRefused(t *testing.T) {
	tests := []struct{ name, yaml, want string }{
		{"a reference to nothing", `a: !Ref Nothing`, "a: Ref: no such resource"},
		{"an unknown pseudo parameter", `!Ref AWS::Colour`, "AWS::Colour is not known"},
		{"a reference to a map", `!Ref {a: b}`, "wants a name"},
		{"a substitution that does not end", `!Sub "${Text"`, "${ without }"},
		{"a substitution of a list", `!Sub "${List}"`, "not a text"},
		{"a join without a list", `!Join ["", a]`, "not a list"},
		{"a join of lists", `!Join ["", [[a]]]`, "not a text"},
		{"a selection past the end", `!Select [3, !Split ["|", !Ref Text]]`, "index 3 of a list of 3"},
		{"a selection by a word", `!Select [one, [a]]`, "not a number"},
		{"a split by nothing", `!Split ["", a]`, "delimiter"},
		{"a choice by nothing", `!If [Maybe, a, b]`, "no condition is called Maybe"},
		{"a choice with one value", `!If [Yes, a]`, "wants a condition and two values"},
		{"a mapping that is not there", `!FindInMap [M, one, none]`, "has no none"},
		{"and of one", `!And [!Condition Yes]`, "Fn::And of 1"},
		{"a condition of a text", `!Not [yes]`, "not a condition function"},
		{"a function beside others", `{"Fn::Join": ["", [a]], b: c}`, "stands beside"},
		{"a function for which there is no emulation", `!GetAZs us-east-1`, "not emulated"},
		{"a transform other than an include", `!Transform {Name: My::Macro}`, "only AWS::Include"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			value, err := readYAML([]byte(test.yaml))
			if err != nil {
				t.Fatal(err)
			}
			_, err = testScope().eval(value)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// FuzzExpression looks for a panic in reading and evaluating, and for a function that is left over.
func FuzzExpression(f *testing.F) {
	for _, seed := range []string{
		`!Sub ["${A}", {A: !Join ["", !Split ["|", !Ref Text]]}]`, `!If [Yes, !Select [0, !Ref List], !Ref "AWS::NoValue"]`,
		`{"Fn::And": [{Condition: Yes}, {Condition: No}]}`, `a: [!FindInMap [M, one, two], !Base64 x, 1.5, ~, true]`,
		"Fn::Transform: {Name: AWS::Include, Parameters: {Location: x}}", `!GetAtt [Topic, Name]`, "a: &x 1\nb: *x",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		value, err := readYAML([]byte(text))
		if err != nil {
			return
		}
		got, err := testScope().eval(value)
		if err == nil && leftOver(got) {
			t.Errorf("%q leaves %v", text, got)
		}
	})
}

func leftOver(value any) bool {
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			if strings.HasPrefix(name, "Fn::") || leftOver(member) {
				return true
			}
		}
	case []any:
		for _, element := range value {
			if leftOver(element) {
				return true
			}
		}
	}
	return false
}

// FuzzLoad looks for a panic in whole templates.
func FuzzLoad(f *testing.F) {
	f.Add("Resources: { A: { Type: AWS::Logs::LogGroup, Properties: { RetentionInDays: !Ref P } } }\nParameters: { P: { Type: Number, Default: 7 } }")
	f.Add("Globals: { Function: { Timeout: 3 } }\nResources: { A: { Type: AWS::Serverless::Function, Properties: { Events: { E: { Type: SNS, Properties: { Topic: t } } } } } }")
	f.Fuzz(func(t *testing.T, text string) {
		read, err := parse([]byte(text))
		if err == nil && len(read.resources) == 0 {
			t.Errorf("%q was taken without a resource", text)
		}
	})
}
