// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package distribution

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
)

// UnknownElements are the paths of XML elements of CloudFront's answer that known, the same configuration as this SDK
// decoded it, does not hold: writing known back would wipe them. rawXML is the body of GetDistributionConfig or
// GetDistribution. XML that cannot be read is reported as one unknown element, so that nobody writes it back. Sorted.
//
// The SDK drops elements that it does not model without a word (aws-sdk-go-v2, service/cloudfront v1.73.0).
func UnknownElements(rawXML []byte, known Config) []string {
	root, err := readXML(rawXML)
	if err != nil {
		return []string{"(unreadable: " + err.Error() + ")"}
	}
	seen := map[string]bool{}
	root.compare("", []any{known.tree}, seen)
	return slices.Sorted(keys(seen))
}

func keys(seen map[string]bool) func(func(string) bool) {
	return func(yield func(string) bool) {
		for key := range seen {
			if !yield(key) {
				return
			}
		}
	}
}

// node is an XML element; attributes are of no interest.
type node struct {
	name     string
	children []*node
	filled   bool // it holds text
}

// readXML is the first DistributionConfig element of the document.
func readXML(raw []byte) (*node, error) {
	decoder := xml.NewDecoder(bytes.NewReader(raw))
	for {
		part, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return nil, errors.New("no DistributionConfig element")
		}
		if err != nil {
			return nil, err
		}
		if start, is := part.(xml.StartElement); is && start.Name.Local == "DistributionConfig" {
			return readNode(decoder, start.Name.Local)
		}
	}
}

// readNode reads up to the element's end. It keeps its own stack, as the nesting is foreign.
func readNode(decoder *xml.Decoder, name string) (*node, error) {
	root := &node{name: name}
	stack := []*node{root}
	for len(stack) > 0 {
		part, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		switch part := part.(type) {
		case xml.StartElement:
			child := &node{name: part.Name.Local}
			top := stack[len(stack)-1]
			top.children = append(top.children, child)
			stack = append(stack, child)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		case xml.CharData:
			top := stack[len(stack)-1]
			top.filled = top.filled || len(bytes.TrimSpace(part)) > 0
		}
		if len(stack) > maxDepth {
			return nil, errors.New("nested too deeply")
		}
	}
	return root, nil
}

// maxDepth is far beyond the API's deepest path (about ten).
const maxDepth = 100

// compare looks for each child of the element among the values that stand at its place. What the list's element is
// called in XML (CNAME, Origin, Method) is no member: the children of a list are its elements.
func (n *node) compare(path string, values []any, unknown map[string]bool) {
	if elements, isList := flatten(values); isList {
		for _, child := range n.children {
			child.compare(path, elements, unknown)
		}
		return
	}
	for _, child := range n.children {
		at := strings.TrimPrefix(path+"/"+child.name, "/")
		held := members(values, child.name)
		if len(held) > 0 {
			child.compare(at, held, unknown)
		} else if !child.leftOut() {
			unknown[at] = true
		}
	}
}

// leftOut reports whether Parse leaves the element out on purpose: an empty Items, an empty enum.
func (n *node) leftOut() bool {
	empty := len(n.children) == 0 && !n.filled
	return empty && (n.name == itemsKey || slices.Contains(enums, n.name))
}

func flatten(values []any) (elements []any, isList bool) {
	for _, value := range values {
		if list, is := value.([]any); is {
			isList = true
			elements = append(elements, list...)
		}
	}
	return elements, isList
}

func members(values []any, name string) []any {
	var held []any
	for _, value := range values {
		if member, exists := object(value)[name]; exists {
			held = append(held, member)
		}
	}
	return held
}
