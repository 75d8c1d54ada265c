// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package distribution

import "strings"

// A path names one field: member names and list elements with "/" between them. Elements stand in brackets:
//
//	Origins/Items/[Id=web]/DomainName
//	CacheBehaviors/Items/[PathPattern=/api/*]/TargetOriginId
//	CacheBehaviors/Items/order
//	Aliases/Items/[www.example.com]
//
// Inside brackets "]" and "%" are escaped, outside "/", "[" and "%"; none of them occurs in what CloudFront accepts.
var (
	escapeElement = strings.NewReplacer("%", "%25", "]", "%5D")
	escapeMember  = strings.NewReplacer("%", "%25", "/", "%2F", "[", "%5B")
	unescape      = strings.NewReplacer("%25", "%", "%5D", "]", "%2F", "/", "%5B", "[")
)

// orderToken stands for the order of a list whose elements are named beside it.
const orderToken = "order"

// token is one part of a path.
type token struct {
	text    string
	element bool // it stood in brackets
}

func join(parent, member string) string {
	if parent == "" {
		return escapeMember.Replace(member)
	}
	return parent + "/" + escapeMember.Replace(member)
}

func joinElement(list, element string) string {
	return list + "/[" + escapeElement.Replace(element) + "]"
}

// split takes a path apart.
func split(path string) []token {
	var tokens []token
	for {
		part, rest, more := cutToken(path)
		tokens = append(tokens, part)
		if !more {
			return tokens
		}
		path = rest
	}
}

func cutToken(path string) (part token, rest string, more bool) {
	if inside, found := strings.CutPrefix(path, "["); found {
		text, after, _ := strings.Cut(inside, "]")
		rest, more = strings.CutPrefix(after, "/")
		return token{text: unescape.Replace(text), element: true}, rest, more
	}
	text, rest, more := strings.Cut(path, "/")
	return token{text: unescape.Replace(text)}, rest, more
}

// Field is the path's first member, as Origins: the top-level field that a change belongs to.
func Field(path string) string { return split(path)[0].text }

// ElementPath is the path of the element that is told apart by id in the top-level list called field, as Origins. The
// field must be one whose elements have an identity.
func ElementPath(field, id string) string {
	return joinElement(field+"/"+itemsKey, identities[field].key+"="+id)
}

// Members are the member names on a path, without the elements in brackets.
func Members(path string) []string {
	var names []string
	for _, part := range split(path) {
		if !part.element {
			names = append(names, part.text)
		}
	}
	return names
}

// Part is one part of a path: a member's name, or an element that stands in brackets, as Id=web or www.example.com.
type Part struct {
	Text    string
	Element bool
}

// Parts takes a path apart.
func Parts(path string) []Part {
	var parts []Part
	for _, part := range split(path) {
		parts = append(parts, Part{Text: part.text, Element: part.element})
	}
	return parts
}
