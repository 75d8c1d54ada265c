// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package wirexml turns the JSON that the AWS CLI prints into the XML that AWS's REST-XML and query protocols carry, and
// back. A service of the emulator thus keeps one form of a resource, the readable one.
package wirexml

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// maxDepth is how deep elements may nest; CloudFront's deepest configuration has nine levels.
const maxDepth = 64

// Shape is how one API writes what JSON has no names for: the entries of lists, and which leaves are no strings.
type Shape struct {
	Item    map[string]string // element → what the entries of its Items are called
	List    map[string]string // element that is a list itself → what its entries are called
	Numbers map[string]bool
	Bools   map[string]bool
}

// Query is the shape of the query protocol: every list's entries are called member.
var Query = &Shape{}

// Node is one element.
type Node struct {
	Name     string
	Text     string // of a leaf
	Children []*Node
}

// Child is the first child of that name, nil if there is none.
func (n *Node) Child(name string) *Node {
	if n == nil {
		return nil
	}
	for _, child := range n.Children {
		if child.Name == name {
			return child
		}
	}
	return nil
}

// Parse reads one document.
func Parse(data []byte) (*Node, error) {
	decoder := xml.NewDecoder(bytes.NewReader(data))
	var root *Node
	var open []*Node
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) && root != nil && len(open) == 0 {
			return root, nil
		}
		if err != nil {
			return nil, fmt.Errorf("xml: %w", err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			node := &Node{Name: t.Name.Local}
			if len(open) > 0 {
				parent := open[len(open)-1]
				parent.Children = append(parent.Children, node)
			} else if root != nil {
				return nil, errors.New("xml: more than one root element")
			} else {
				root = node
			}
			if open = append(open, node); len(open) > maxDepth {
				return nil, errors.New("xml: nested too deep")
			}
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				open[len(open)-1].Text += string(t)
			}
		}
	}
}

// Value is the node as JSON: maps, slices, strings, json.Number and bool. Empty Items are left out, as the CLI does.
func (s *Shape) Value(n *Node) any {
	if entry, ok := s.List[n.Name]; ok && (len(n.Children) == 0 || n.Children[0].Name == entry) {
		return s.values(n)
	}
	if len(n.Children) == 0 {
		return s.leaf(n)
	}
	object := make(map[string]any, len(n.Children))
	for _, child := range n.Children {
		if child.Name != "Items" {
			object[child.Name] = s.Value(child)
		} else if len(child.Children) > 0 {
			object["Items"] = s.values(child)
		}
	}
	return object
}

func (s *Shape) values(n *Node) []any {
	list := make([]any, 0, len(n.Children))
	for _, child := range n.Children {
		list = append(list, s.Value(child))
	}
	return list
}

func (s *Shape) leaf(n *Node) any {
	text := n.Text
	if s.Bools[n.Name] && (text == "true" || text == "false") {
		return text == "true"
	}
	if s.Numbers[n.Name] && json.Valid([]byte(text)) {
		if _, err := strconv.ParseFloat(text, 64); err == nil {
			return json.Number(text)
		}
	}
	return text
}

// Element is value as one element, without an XML declaration. Null members and empty Items are left out.
func (s *Shape) Element(name string, value any) []byte {
	var out bytes.Buffer
	s.write(&out, name, value, "")
	return out.Bytes()
}

// Document is Element with the API's namespace on it.
func (s *Shape) Document(name, namespace string, value any) []byte {
	var out bytes.Buffer
	s.write(&out, name, value, ` xmlns="`+namespace+`"`)
	return out.Bytes()
}

func (s *Shape) write(out *bytes.Buffer, name string, value any, attribute string) {
	if value == nil {
		return
	}
	out.WriteString("<" + name + attribute + ">")
	s.content(out, name, value)
	out.WriteString("</" + name + ">")
}

func (s *Shape) content(out *bytes.Buffer, name string, value any) {
	switch v := value.(type) {
	case map[string]any:
		for _, member := range slices.Sorted(maps.Keys(v)) {
			s.member(out, name, member, v[member])
		}
	case []any:
		for _, entry := range v {
			s.write(out, s.entry(name), entry, "")
		}
	case Raw:
		out.Write(v)
	default:
		_ = xml.EscapeText(out, []byte(Text(v)))
	}
}

func (s *Shape) member(out *bytes.Buffer, parent, name string, value any) {
	list, isList := value.([]any)
	item, named := s.Item[parent]
	if name != "Items" || !isList || !named {
		s.write(out, name, value, "")
		return
	}
	if len(list) == 0 {
		return
	}
	out.WriteString("<Items>")
	for _, entry := range list {
		s.write(out, item, entry, "")
	}
	out.WriteString("</Items>")
}

func (s *Shape) entry(list string) string {
	if entry, ok := s.List[list]; ok {
		return entry
	}
	return "member"
}

// Raw is XML that is written as it is.
type Raw []byte

// Text is a leaf as AWS writes it.
func Text(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case json.Number:
		return v.String()
	case nil:
		return ""
	}
	return fmt.Sprint(value)
}

// JSON decodes a document keeping numbers as they are written.
func JSON(data []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, fmt.Errorf("json: %w", err)
	}
	return value, nil
}

// Generic is any value that encoding/json writes, as maps and slices.
func Generic(value any) (any, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("json: %w", err)
	}
	return JSON(data)
}

// Form is the parameters of a query request as JSON: Name.member.1.Key=v becomes {"Name": [{"Key": "v"}]}. Every leaf is a
// string.
func Form(values map[string][]string) (map[string]any, error) {
	root := &Node{}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		node := root
		for _, part := range strings.Split(key, ".") {
			node = node.enter(part)
		}
		if len(values[key]) != 1 || len(node.Children) > 0 {
			return nil, fmt.Errorf("form: %s is given twice", key)
		}
		node.Text = values[key][0]
	}
	object := map[string]any{}
	for _, child := range root.Children {
		object[child.Name] = child.form()
	}
	return object, nil
}

func (n *Node) enter(name string) *Node {
	child := n.Child(name)
	if child == nil {
		child = &Node{Name: name}
		n.Children = append(n.Children, child)
	}
	return child
}

func (n *Node) form() any {
	if len(n.Children) == 0 {
		return n.Text
	}
	if len(n.Children) == 1 && n.Children[0].Name == "member" {
		return n.Children[0].numbered()
	}
	object := map[string]any{}
	for _, child := range n.Children {
		object[child.Name] = child.form()
	}
	return object
}

// numbered is a list's entries by their number, which the sorted keys have as text.
func (n *Node) numbered() []any {
	entries := slices.Clone(n.Children)
	slices.SortStableFunc(entries, func(a, b *Node) int { return position(a.Name) - position(b.Name) })
	list := make([]any, 0, len(entries))
	for _, entry := range entries {
		list = append(list, entry.form())
	}
	return list
}

func position(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 1 << 30
	}
	return n
}
