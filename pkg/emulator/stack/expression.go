// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package stack

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// noValue is what AWS::NoValue refers to: the member or element that it stands for is left out.
type noValue struct{}

// scope is what expressions may refer to.
type scope struct {
	parameters map[string]any            // strings and lists of strings
	pseudo     map[string]string         // AWS::Region and its like
	mappings   map[string]map[string]any // top key → second key → value
	conditions map[string]any            // by name, not yet evaluated
	reference  func(logical string) (any, error)
	attribute  func(logical, attribute string) (any, error)
	include    func(location string) (any, error)

	decided  map[string]bool // conditions that were evaluated
	deciding []string        // conditions that are being evaluated
}

// intrinsics by name; each gets its argument unevaluated. It is filled in init because they call one another.
var intrinsics map[string]func(*scope, any) (any, error)

func init() {
	intrinsics = map[string]func(*scope, any) (any, error){
		"Ref": (*scope).ref, "Fn::GetAtt": (*scope).getAtt, "Fn::Sub": (*scope).sub, "Fn::Join": (*scope).join,
		"Fn::Split": (*scope).split, "Fn::Select": (*scope).selectOne, "Fn::If": (*scope).ifElse,
		"Fn::FindInMap": (*scope).findInMap, "Fn::Base64": (*scope).base64,
		"Condition": (*scope).decision, "Fn::Equals": (*scope).decision, "Fn::Not": (*scope).decision,
		"Fn::And": (*scope).decision, "Fn::Or": (*scope).decision,
	}
}

// eval is a value with all intrinsic functions in it evaluated.
func (s *scope) eval(value any) (any, error) {
	switch value := value.(type) {
	case map[string]any:
		return s.evalMap(value)
	case []any:
		return s.evalList(value)
	}
	return value, nil
}

func (s *scope) evalMap(members map[string]any) (any, error) {
	if name, argument, ok := function(members); ok {
		return s.call(name, argument)
	}
	out := map[string]any{}
	for _, name := range sortedKeys(members) {
		if strings.HasPrefix(name, "Fn::") {
			return nil, fmt.Errorf("%s stands beside other members", name)
		}
		value, err := s.eval(members[name])
		if err != nil {
			return nil, within(name, err)
		}
		if value != (noValue{}) {
			out[name] = value
		}
	}
	return out, nil
}

// function is the intrinsic function that a map of one member is. Condition is one only where its argument is a name, as a
// policy's Condition is a map.
func function(members map[string]any) (name string, argument any, ok bool) {
	if len(members) != 1 {
		return "", nil, false
	}
	for name, argument = range members {
	}
	if _, isName := argument.(string); name == "Condition" && !isName {
		return "", nil, false
	}
	_, known := intrinsics[name]
	return name, argument, known || strings.HasPrefix(name, "Fn::")
}

func (s *scope) call(name string, argument any) (any, error) {
	if name == "Fn::Transform" {
		return s.transform(argument)
	}
	evaluate, ok := intrinsics[name]
	if !ok {
		return nil, fmt.Errorf("function %s is not emulated", name)
	}
	if name == "Condition" || slices.Contains(decisions, name) {
		argument = map[string]any{name: argument}
	}
	value, err := evaluate(s, argument)
	if err != nil {
		return nil, within(name, err)
	}
	return value, nil
}

func (s *scope) evalList(list []any) (any, error) {
	out := make([]any, 0, len(list))
	for i, element := range list {
		value, err := s.eval(element)
		if err != nil {
			return nil, within(strconv.Itoa(i), err)
		}
		if value != (noValue{}) {
			out = append(out, value)
		}
	}
	return out, nil
}

func (s *scope) ref(argument any) (any, error) {
	name, ok := argument.(string)
	if !ok {
		return nil, errors.New("wants a name")
	}
	if name == "AWS::NoValue" {
		return noValue{}, nil
	}
	if value, ok := s.pseudo[name]; ok {
		return value, nil
	}
	if value, ok := s.parameters[name]; ok {
		return value, nil
	}
	if s.reference == nil || strings.HasPrefix(name, "AWS::") {
		return nil, fmt.Errorf("%s is not known here", name)
	}
	return s.reference(name)
}

func (s *scope) getAtt(argument any) (any, error) {
	if name, ok := argument.(string); ok {
		logical, attribute, _ := strings.Cut(name, ".")
		argument = []any{logical, attribute}
	}
	names, err := s.texts(argument)
	if err != nil || len(names) != 2 {
		return nil, fmt.Errorf("wants a resource and an attribute: %v", argument)
	}
	if s.attribute == nil {
		return nil, fmt.Errorf("%s is not known here", names[0])
	}
	return s.attribute(names[0], names[1])
}

// sub reads "text ${Name}" or ["text ${Name}", {Name: value}]. ${!Name} is the literal ${Name}.
func (s *scope) sub(argument any) (any, error) {
	template, own, err := subArguments(argument)
	if err != nil {
		return nil, err
	}
	var out strings.Builder
	for {
		before, after, found := strings.Cut(template, "${")
		out.WriteString(before)
		if !found {
			return out.String(), nil
		}
		name, rest, closed := strings.Cut(after, "}")
		if !closed {
			return nil, errors.New("${ without }")
		}
		value, err := s.substitute(name, own)
		if err != nil {
			return nil, err
		}
		out.WriteString(value)
		template = rest
	}
}

func subArguments(argument any) (template string, own map[string]any, err error) {
	switch argument := argument.(type) {
	case string:
		return argument, nil, nil
	case []any:
		if len(argument) == 2 {
			template, isText := argument[0].(string)
			own, isMap := argument[1].(map[string]any)
			if isText && isMap {
				return template, own, nil
			}
		}
	}
	return "", nil, errors.New("wants a text, or a text and its variables")
}

func (s *scope) substitute(name string, own map[string]any) (string, error) {
	if literal, ok := strings.CutPrefix(name, "!"); ok {
		return "${" + literal + "}", nil
	}
	name = strings.TrimSpace(name)
	if value, ok := own[name]; ok {
		return s.text(value)
	}
	if logical, attribute, ok := strings.Cut(name, "."); ok {
		return s.text(map[string]any{"Fn::GetAtt": []any{logical, attribute}})
	}
	return s.text(map[string]any{"Ref": name})
}

func (s *scope) join(argument any) (any, error) {
	parts, ok := argument.([]any)
	if !ok || len(parts) != 2 {
		return nil, errors.New("wants a delimiter and a list")
	}
	delimiter, ok := parts[0].(string)
	if !ok {
		return nil, errors.New("delimiter is not a text")
	}
	list, err := s.texts(parts[1])
	return strings.Join(list, delimiter), err
}

func (s *scope) split(argument any) (any, error) {
	parts, ok := argument.([]any)
	if !ok || len(parts) != 2 {
		return nil, errors.New("wants a delimiter and a text")
	}
	delimiter, ok := parts[0].(string)
	if !ok || delimiter == "" {
		return nil, errors.New("delimiter is not a text")
	}
	source, err := s.text(parts[1])
	if err != nil {
		return nil, err
	}
	var out []any
	for part := range strings.SplitSeq(source, delimiter) {
		out = append(out, part)
	}
	return out, nil
}

func (s *scope) selectOne(argument any) (any, error) {
	parts, ok := argument.([]any)
	if !ok || len(parts) != 2 {
		return nil, errors.New("wants an index and a list")
	}
	digits, err := s.text(parts[0])
	if err != nil {
		return nil, err
	}
	index, err := strconv.Atoi(digits)
	if err != nil {
		return nil, fmt.Errorf("index %q is not a number", digits)
	}
	list, err := s.list(parts[1])
	if err != nil {
		return nil, err
	}
	if index < 0 || index >= len(list) {
		return nil, fmt.Errorf("index %d of a list of %d", index, len(list))
	}
	return list[index], nil
}

func (s *scope) ifElse(argument any) (any, error) {
	parts, ok := argument.([]any)
	if !ok || len(parts) != 3 {
		return nil, errors.New("wants a condition and two values")
	}
	name, ok := parts[0].(string)
	if !ok {
		return nil, errors.New("wants the name of a condition")
	}
	yes, err := s.decide(name)
	if err != nil {
		return nil, err
	}
	if yes {
		return s.eval(parts[1])
	}
	return s.eval(parts[2])
}

func (s *scope) findInMap(argument any) (any, error) {
	keys, err := s.texts(argument)
	if err != nil {
		return nil, err
	}
	if len(keys) != 3 {
		return nil, errors.New("wants a mapping and two keys")
	}
	second, ok := s.mappings[keys[0]][keys[1]].(map[string]any)
	if !ok {
		return nil, fmt.Errorf("no mapping %s has %s", keys[0], keys[1])
	}
	value, ok := second[keys[2]]
	if !ok {
		return nil, fmt.Errorf("%s.%s has no %s", keys[0], keys[1], keys[2])
	}
	return value, nil
}

func (s *scope) base64(argument any) (any, error) {
	plain, err := s.text(argument)
	return base64.StdEncoding.EncodeToString([]byte(plain)), err
}

// transform reads {Name: AWS::Include, Parameters: {Location: …}} with a location among the stack's files.
func (s *scope) transform(argument any) (any, error) {
	members, _ := argument.(map[string]any)
	parameters, _ := members["Parameters"].(map[string]any)
	location, ok := parameters["Location"].(string)
	if members["Name"] != "AWS::Include" || !ok || len(members) != 2 || len(parameters) != 1 {
		return nil, errors.New("Fn::Transform: only AWS::Include with a Location is emulated")
	}
	if s.include == nil {
		return nil, errors.New("Fn::Transform: an include within an include, or where none may stand")
	}
	snippet, err := s.include(location)
	if err != nil {
		return nil, within("Fn::Transform: "+location, err)
	}
	inner := *s
	inner.include = nil
	return inner.eval(snippet)
}

// text evaluates to a text; a number and a boolean are texts too.
func (s *scope) text(value any) (string, error) {
	evaluated, err := s.eval(value)
	if err != nil {
		return "", err
	}
	return text(evaluated)
}

func (s *scope) list(value any) ([]any, error) {
	evaluated, err := s.eval(value)
	if err != nil {
		return nil, err
	}
	list, ok := evaluated.([]any)
	if !ok {
		return nil, fmt.Errorf("%T is not a list", evaluated)
	}
	return list, nil
}

func (s *scope) texts(value any) ([]string, error) {
	list, err := s.list(value)
	if err != nil {
		return nil, err
	}
	out := make([]string, 0, len(list))
	for _, element := range list {
		one, err := text(element)
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}

// text writes a scalar as CloudFormation does where it wants a string.
func text(value any) (string, error) {
	switch value := value.(type) {
	case string:
		return value, nil
	case bool:
		return strconv.FormatBool(value), nil
	case int64:
		return strconv.FormatInt(value, 10), nil
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64), nil
	}
	return "", fmt.Errorf("%T is not a text", value)
}

// within says where an error is.
func within(place string, err error) error { return fmt.Errorf("%s: %w", place, err) }

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
