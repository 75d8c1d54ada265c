// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package stack

import (
	"fmt"
	"math"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// shortForms of intrinsic functions, as !Ref; each stands for a map of one member.
// Source: "Intrinsic function reference" of the CloudFormation guide.
var shortForms = map[string]string{
	"!Ref": "Ref", "!Condition": "Condition", "!Sub": "Fn::Sub", "!GetAtt": "Fn::GetAtt", "!If": "Fn::If",
	"!Equals": "Fn::Equals", "!Not": "Fn::Not", "!And": "Fn::And", "!Or": "Fn::Or", "!Join": "Fn::Join",
	"!Split": "Fn::Split", "!Select": "Fn::Select", "!FindInMap": "Fn::FindInMap", "!Base64": "Fn::Base64",
	"!ImportValue": "Fn::ImportValue", "!Transform": "Fn::Transform", "!GetAZs": "Fn::GetAZs", "!Cidr": "Fn::Cidr",
}

// readYAML reads a document into maps, lists, strings, int64, float64, bool and nil, with short forms written out.
func readYAML(raw []byte) (any, error) {
	file, err := parser.ParseBytes(raw, 0)
	if err != nil {
		return nil, err
	}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		return nil, fmt.Errorf("%d documents, want one", len(file.Docs))
	}
	return fromNode(file.Docs[0].Body)
}

// fromNode turns a node into a value. Anchors and merges, which CloudFormation does not take, are refused.
func fromNode(node ast.Node) (any, error) {
	switch node := node.(type) {
	case *ast.MappingNode:
		return fromMapping(node.Values)
	case *ast.MappingValueNode:
		return fromMapping([]*ast.MappingValueNode{node})
	case *ast.SequenceNode:
		return fromSequence(node)
	case *ast.TagNode:
		return fromTag(node)
	}
	return fromScalar(node)
}

func fromScalar(node ast.Node) (any, error) {
	switch node := node.(type) {
	case *ast.StringNode:
		return node.Value, nil
	case *ast.LiteralNode:
		return node.Value.Value, nil
	case *ast.BoolNode:
		return node.Value, nil
	case *ast.FloatNode:
		return node.Value, nil
	case *ast.NullNode:
		return nil, nil
	case *ast.IntegerNode:
		return fromInteger(node)
	}
	return nil, fmt.Errorf("line %d: %s is not understood", line(node), node.Type())
}

func fromInteger(node *ast.IntegerNode) (any, error) {
	switch value := node.Value.(type) {
	case int64:
		return value, nil
	case uint64:
		if value <= math.MaxInt64 {
			return int64(value), nil
		}
	}
	return nil, fmt.Errorf("line %d: %v is too large", line(node), node.Value)
}

func fromMapping(values []*ast.MappingValueNode) (any, error) {
	members := map[string]any{}
	for _, pair := range values {
		key, err := fromNode(pair.Key)
		if err != nil {
			return nil, err
		}
		name, err := text(key)
		if err != nil {
			return nil, fmt.Errorf("line %d: key: %w", line(pair), err)
		}
		if _, twice := members[name]; twice {
			return nil, fmt.Errorf("line %d: %s stands here twice", line(pair), name)
		}
		if members[name], err = fromNode(pair.Value); err != nil {
			return nil, err
		}
	}
	return members, nil
}

func fromSequence(node *ast.SequenceNode) (any, error) {
	list := make([]any, 0, len(node.Values))
	for _, element := range node.Values {
		value, err := fromNode(element)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	return list, nil
}

func fromTag(node *ast.TagNode) (any, error) {
	name, known := shortForms[node.Start.Value]
	if !known {
		return nil, fmt.Errorf("line %d: tag %s is not understood", line(node), node.Start.Value)
	}
	value, err := fromNode(node.Value)
	if err != nil {
		return nil, err
	}
	if attribute, ok := value.(string); ok && name == "Fn::GetAtt" {
		logical, path, _ := strings.Cut(attribute, ".")
		value = []any{logical, path}
	}
	return map[string]any{name: value}, nil
}

func line(node ast.Node) int {
	if token := node.GetToken(); token != nil && token.Position != nil {
		return token.Position.Line
	}
	return 0
}
