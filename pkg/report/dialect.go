// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package report

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"cloudfront503/pkg/incident"
)

// piece is a part of a snippet with the names of its format.
type piece struct {
	name  string // empty for an element of a list
	told  string // how an element is told apart, as Id "web"; of the member by which it is, too
	leaf  string // the value as the format writes it; empty where there are parts
	note  string // a comment in its place
	list  bool
	whole bool // nothing of it was there before
	parts []*piece
}

// dialect turns fields into the pieces of one format, and keeps what the format has no place for.
type dialect struct {
	name   func(place) string
	quote  func(string) string
	unsaid []string
}

// pieces are the parts of a field in the format.
func (d *dialect) pieces(f *field, whole bool) []*piece {
	var all []*piece
	for _, part := range f.parts {
		all = append(all, d.piece(part, whole)...)
	}
	return arranged(all)
}

// piece is one field in the format: none where it follows from others, several where the format leaves its level out.
func (d *dialect) piece(f *field, whole bool) []*piece {
	name := d.name(placeOf(f.path))
	whole = whole || f.whole
	switch {
	case name == implied:
		return nil
	case name == hoisted && !f.gone:
		return d.pieces(f, whole)
	case name == "" || name == hoisted:
		d.leaveOut(f, whole)
		return nil
	case f.gone:
		return []*piece{{note: "remove " + name}}
	case whole && empty(f.raw) && !f.isList():
		return nil
	case blocks[name] && empty(f.raw):
		return []*piece{{note: "no " + name}}
	case hidden(f.raw):
		return []*piece{{note: name + " is not shown: it may be a secret"}}
	case f.isList():
		return d.list(f, name, whole)
	case len(f.parts) > 0 || f.whole:
		return d.object(f, name, whole)
	}
	return []*piece{{name: name, leaf: d.literal(f.path, f.raw)}}
}

// object is a member that holds others: none where the format has no place for any of them.
func (d *dialect) object(f *field, name string, whole bool) []*piece {
	parts := d.pieces(f, whole)
	if len(parts) == 0 && !f.whole {
		return nil
	}
	return []*piece{{name: name, parts: parts, whole: f.whole}}
}

// leaveOut keeps what the format has no place for; what a new thing leaves empty is not missed.
func (d *dialect) leaveOut(f *field, whole bool) {
	if f.path == "OriginGroups.Items.SelectionCriteria" && f.raw == "default" || whole && empty(f.raw) {
		return
	}
	becomes := "goes away"
	switch {
	case hidden(f.raw):
		becomes = "becomes what is not shown, as it may be a secret"
	case f.raw != nil:
		becomes = "becomes " + asCode(f.raw)
	case !f.gone:
		for _, part := range f.parts {
			d.leaveOut(part, whole)
		}
		if len(f.parts) > 0 {
			return
		}
		becomes = "gets " + asCode(f.added) + " and loses " + asCode(f.dropped)
	}
	d.unsaid = append(d.unsaid, asCode(incident.MaskText(f.api))+" "+becomes)
}

// list is a list in the format.
func (d *dialect) list(f *field, name string, whole bool) []*piece {
	if values, ok := f.raw.([]any); ok && scalars(values) {
		return []*piece{{name: name, leaf: d.literal(f.path, values)}}
	}
	p := &piece{name: name, list: true, whole: whole}
	for _, part := range f.parts {
		p.parts = append(p.parts, d.element(part, whole)...)
	}
	counted := ""
	if quantity := strings.TrimSuffix(f.path, "Items") + "Quantity"; d.name(placeOf(quantity)) != implied {
		counted = ", and count it in Quantity"
	}
	for _, each := range f.added {
		p.parts = append(p.parts, &piece{note: "add " + d.literal(f.path, each) + counted})
	}
	for _, each := range f.dropped {
		p.parts = append(p.parts, &piece{note: "remove " + d.literal(f.path, each) + counted})
	}
	if len(f.order) > 0 {
		p.parts = append(p.parts, &piece{note: "their order: " + d.literal(f.path, f.order)})
	}
	if len(p.parts) == 0 && !f.whole {
		return nil
	}
	return []*piece{p}
}

// element is an element of a list, with the member by which people find it: none where the format has no place for what
// changes in it.
func (d *dialect) element(f *field, whole bool) []*piece {
	p := &piece{whole: whole || f.whole}
	if incident.MaskText(f.id) != f.id {
		return []*piece{{note: "one of them is not shown: its name may be a secret"}}
	}
	if f.key != "" {
		p.parts = []*piece{d.identity(f)}
		p.told = p.parts[0].told
	}
	switch {
	case f.gone:
		return []*piece{{note: "remove the one with " + p.told}}
	case hidden(f.raw):
		p.parts = append(p.parts, &piece{note: "the rest of it is not shown: it may be a secret"})
		return []*piece{p}
	}
	for _, part := range d.pieces(f, p.whole) {
		if part.name != "" && len(p.parts) > 0 && part.name == p.parts[0].name {
			continue
		}
		p.parts = append(p.parts, part)
	}
	if !p.whole && (len(p.parts) == 0 || p.told != "" && len(p.parts) == 1) {
		return nil
	}
	return []*piece{p}
}

// identity is the member by which an element is told apart.
func (d *dialect) identity(f *field) *piece {
	path := f.path + "." + f.key
	name, id := d.name(placeOf(path)), d.literal(path, scalarOf(path, f.id))
	return &piece{name: name, leaf: id, told: name + " " + id}
}

// arranged are plain values first, then what holds others, then comments.
func arranged(pieces []*piece) []*piece {
	rank := func(p *piece) int {
		switch {
		case p.note != "":
			return 2
		case p.leaf == "":
			return 1
		}
		return 0
	}
	slices.SortStableFunc(pieces, func(a, b *piece) int { return rank(a) - rank(b) })
	return pieces
}

// literal is a value as the format writes it.
func (d *dialect) literal(path string, value any) string {
	switch value := value.(type) {
	case []any:
		parts := make([]string, len(value))
		for i, each := range value {
			parts[i] = d.literal(path, each)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case string:
		if _, err := strconv.Atoi(value); err == nil && numbers[known(path)] {
			return value
		}
		return d.quote(value)
	case json.Number:
		if _, err := strconv.ParseFloat(value.String(), 64); err != nil {
			return d.quote(value.String())
		}
		return value.String()
	}
	return fmt.Sprint(value)
}

// asCode is a value as JSON in which a text from outside can begin nothing: neither a line, nor a tag, nor a link.
func asCode(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return "(not readable)"
	}
	var out strings.Builder
	for _, r := range strings.ReplaceAll(string(text), "](", `]\u0028`) {
		switch {
		case unicode.IsPrint(r):
			out.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			out.WriteString(`\ufffd`)
		}
	}
	return out.String()
}

// quoted is a text for YAML and TypeScript, which both take JSON's.
func quoted(text string) string { return asCode(text) }

// templated is a text for Terraform, in which nothing is a template.
func templated(text string) string {
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(asCode(text))
}
