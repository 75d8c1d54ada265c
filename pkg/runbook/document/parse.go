// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// maxDepth is how deep a document's values may nest: far beyond any runbook, and small enough for every recursion here.
const maxDepth = 64

// ErrTooLarge is a document beyond MaxSize.
var ErrTooLarge = errors.New("document is larger than 64 KB")

// Parse reads a document of schema 0.3. A text that begins with a brace is JSON, any other is YAML. What AWS would not
// understand, an unknown member included, is an error that names the place; whether the steps make sense is for Check.
func Parse(raw []byte) (Document, error) {
	if len(raw) > MaxSize {
		return Document{}, fmt.Errorf("%w: %d bytes", ErrTooLarge, len(raw))
	}
	value, err := decode(raw)
	if err != nil {
		return Document{}, err
	}
	root, ok := value.(map[string]any)
	if !ok {
		return Document{}, errors.New("document is not a mapping")
	}
	d, err := read(root)
	if err != nil {
		return Document{}, err
	}
	d.Size = len(raw)
	return d, nil
}

func decode(raw []byte) (any, error) {
	trimmed := bytes.TrimLeft(raw, " \t\r\n")
	if len(trimmed) == 0 {
		return nil, errors.New("document is empty")
	}
	if depth(raw) > maxDepth {
		return nil, errors.New("document nests too deeply")
	}
	if trimmed[0] == '{' {
		return decodeJSON(trimmed)
	}
	return decodeYAML(raw)
}

// depth counts brackets, also those in strings: it is a guard before a recursive parser, not a parser.
func depth(raw []byte) int {
	deepest, now := 0, 0
	for _, b := range raw {
		switch b {
		case '{', '[':
			now++
			deepest = max(deepest, now)
		case '}', ']':
			now = max(0, now-1)
		}
	}
	return deepest
}

func decodeJSON(raw []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		return nil, fmt.Errorf("document is not JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("document has text after its end")
	}
	return normal(value, 0)
}

// decodeYAML refuses anchors, aliases and tags: SSM's documents have none, and an alias can blow 64 KB up without bound.
func decodeYAML(raw []byte) (any, error) {
	file, err := parser.ParseBytes(raw, 0)
	if err != nil {
		return nil, fmt.Errorf("document is not YAML: %w", err)
	}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		return nil, fmt.Errorf("text holds %d documents, want one", len(file.Docs))
	}
	plain := &plainNodes{}
	ast.Walk(plain, file.Docs[0].Body)
	if plain.err != nil {
		return nil, plain.err
	}
	var value any
	if err := yaml.NodeToValue(file.Docs[0].Body, &value); err != nil {
		return nil, fmt.Errorf("document is not YAML: %w", err)
	}
	return normal(value, 0)
}

// plainNodes looks for the parts of YAML that a document may not use.
type plainNodes struct{ err error }

// Visit implements ast.Visitor.
func (p *plainNodes) Visit(node ast.Node) ast.Visitor {
	switch node.Type() {
	case ast.AnchorType, ast.AliasType, ast.MergeKeyType, ast.TagType:
		p.err = fmt.Errorf("line %d: anchors, aliases and tags are not for documents", node.GetToken().Position.Line)
		return nil
	}
	return p
}

// normal makes the values of both formats the same: int, float64, string, bool, nil, []any and map[string]any.
func normal(value any, level int) (any, error) {
	if level > maxDepth {
		return nil, errors.New("document nests too deeply")
	}
	switch v := value.(type) {
	case map[string]any:
		return normalMap(v, level)
	case []any:
		return normalList(v, level)
	case nil, string, bool:
		return v, nil
	}
	return normalNumber(value)
}

func normalMap(m map[string]any, level int) (any, error) {
	for key, item := range m {
		value, err := normal(item, level+1)
		if err != nil {
			return nil, err
		}
		m[key] = value
	}
	return m, nil
}

func normalList(list []any, level int) (any, error) {
	for i, item := range list {
		value, err := normal(item, level+1)
		if err != nil {
			return nil, err
		}
		list[i] = value
	}
	return list, nil
}

func normalNumber(value any) (any, error) {
	switch v := value.(type) {
	case int:
		return v, nil
	case int64:
		return int(v), nil
	case uint64:
		if v > math.MaxInt {
			return nil, fmt.Errorf("number %d is too large", v)
		}
		return int(v), nil
	case float64:
		if math.IsInf(v, 0) || math.IsNaN(v) {
			return nil, errors.New("document holds a number that is none")
		}
		return v, nil
	case json.Number:
		return normalJSONNumber(v)
	}
	return nil, fmt.Errorf("document holds a %T", value)
}

func normalJSONNumber(n json.Number) (any, error) {
	if i, err := n.Int64(); err == nil {
		return int(i), nil
	}
	f, err := n.Float64()
	if err != nil {
		return nil, fmt.Errorf("number %s: %w", n, err)
	}
	return f, nil
}
