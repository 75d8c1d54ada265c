// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package report

import (
	"encoding/xml"
	"html"
	"slices"
	"strings"
	"unicode"
)

// storage is Confluence's storage format while it is written [Atlassian, "Confluence Storage Format"].
type storage struct {
	strings.Builder
	open string // the element in which the last line stands: ul, table or none
	code bool   // inside a fenced block
}

// Storage turns what Markdown has made into Confluence's storage format, which is XHTML. It reads that Markdown alone and no
// other: a line of another kind becomes a paragraph. Whatever the text is, the result is well-formed, and what was text in it
// is text still.
func Storage(markdown []byte) string {
	var s storage
	for line := range strings.Lines(string(markdown)) {
		s.line(strings.TrimRight(line, "\r\n"))
	}
	if s.code {
		s.fence()
	}
	s.within("")
	return s.String()
}

func (s *storage) line(line string) {
	switch {
	case strings.HasPrefix(line, "```"):
		s.fence()
	case s.code:
		s.WriteString(strings.ReplaceAll(strings.Map(legal, line), "]]>", "]]]]><![CDATA[>") + "\n")
	case strings.HasPrefix(line, "|"):
		s.row(line)
	case strings.HasPrefix(line, "- "):
		s.fact(strings.TrimPrefix(line, "- "))
	case strings.TrimSpace(line) == "":
		s.within("")
	default:
		s.block(line)
	}
}

// fence begins or ends a block of code. A macro refuses to show a language that it does not know, so that none is named.
func (s *storage) fence() {
	s.within("")
	s.code = !s.code
	if s.code {
		s.WriteString(`<ac:structured-macro ac:name="code"><ac:parameter ac:name="collapse">true</ac:parameter><ac:plain-text-body><![CDATA[`)
		return
	}
	s.WriteString("]]></ac:plain-text-body></ac:structured-macro>\n")
}

// within closes the element that is open where it is another one than the wished, and opens that.
func (s *storage) within(wished string) {
	if s.open == wished {
		return
	}
	if s.open != "" {
		s.WriteString(map[string]string{"ul": "</ul>\n", "table": "</tbody></table>\n"}[s.open])
	}
	s.WriteString(map[string]string{"ul": "<ul>\n", "table": "<table><tbody>\n"}[wished])
	s.open = wished
}

// block is a heading or a paragraph.
func (s *storage) block(line string) {
	s.within("")
	for _, heading := range []struct{ mark, element string }{{"# ", "h1"}, {"## ", "h2"}, {"### ", "h3"}, {"", "p"}} {
		if rest, found := strings.CutPrefix(line, heading.mark); found {
			s.element(heading.element, rest)
			s.WriteString("\n")
			return
		}
	}
}

// fact is an item of the summary, whose name is bold.
func (s *storage) fact(line string) {
	s.within("ul")
	s.WriteString("<li>")
	if rest, found := strings.CutPrefix(line, "**"); found {
		if name, text, found := strings.Cut(rest, "**"); found {
			s.element("strong", name)
			line = text
		}
	}
	s.text(line)
	s.WriteString("</li>\n")
}

// row is one of a table, whose first has the headings. The line below it says nothing.
func (s *storage) row(line string) {
	element := "td"
	if s.open != "table" {
		element = "th"
	}
	cells := split(line)
	if !slices.ContainsFunc(cells, func(cell string) bool { return cell != "---" }) {
		return
	}
	s.within("table")
	s.WriteString("<tr>")
	for _, cell := range cells {
		s.element(element, cell)
	}
	s.WriteString("</tr>\n")
}

// split takes a row apart at the bars that are not escaped.
func split(line string) []string {
	var cells []string
	var cell strings.Builder
	escaped := false
	for _, r := range strings.TrimPrefix(line, "|") {
		if r == '|' && !escaped {
			cells = append(cells, strings.TrimSpace(cell.String()))
			cell.Reset()
			continue
		}
		escaped = r == '\\' && !escaped
		cell.WriteRune(r)
	}
	if rest := strings.TrimSpace(cell.String()); rest != "" {
		cells = append(cells, rest)
	}
	return cells
}

func (s *storage) element(name, text string) {
	s.WriteString("<" + name + ">")
	s.text(text)
	s.WriteString("</" + name + ">")
}

// text takes Markdown's escapes off, and puts XML's on.
func (s *storage) text(markdown string) {
	var plain strings.Builder
	escaped := false
	for _, r := range markdown {
		if escaped = r == '\\' && !escaped; !escaped {
			plain.WriteRune(r)
		}
	}
	_ = xml.EscapeText(s, []byte(strings.Map(legal, html.UnescapeString(plain.String())))) // a Builder takes everything
}

// legal drops what XML cannot hold or nobody can see.
func legal(r rune) rune {
	if r == ' ' || r != 0xFFFE && r != 0xFFFF && unicode.IsPrint(r) {
		return r
	}
	return -1
}
