// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package report

import (
	"strings"

	"cloudfront503/pkg/incident"
)

// notes is Markdown that is being written.
type notes struct{ strings.Builder }

// Markdown is the report for a team's wiki: the page without the plot. A step that cannot be read is said in it.
func Markdown(in Input) []byte {
	var n notes
	s, err := read(in)
	if err != nil {
		n.line("# ", in.Incident.String())
		n.line("", "The record could not be read: "+err.Error())
		return []byte(n.String())
	}
	n.line("# ", s.title())
	for _, f := range s.facts() {
		n.WriteString("- **" + f.name + "**: " + escaper.Replace(incident.Line(f.value, mostText)) + "\n")
	}
	for _, t := range s.tables() {
		n.table(t)
	}
	n.code(s.code())
	n.WriteString("\n")
	n.line("", s.kept())
	return []byte(n.String())
}

// line writes markup of our own, and a text from anywhere after it.
func (n *notes) line(markup, text string) {
	n.WriteString(markup + escape(text) + "\n")
	if strings.HasPrefix(markup, "#") {
		n.WriteString("\n")
	}
}

func (n *notes) table(t table) {
	n.WriteString("\n")
	n.line("## ", t.heading)
	if t.before != "" {
		n.line("", t.before)
		n.WriteString("\n")
	}
	if len(t.rows) == 0 {
		n.line("", t.none)
		return
	}
	n.row(t.columns)
	n.WriteString("|" + strings.Repeat(" --- |", len(t.columns)) + "\n")
	for _, row := range t.rows {
		n.row(row)
	}
}

// code writes the snippets as fenced blocks: no line of one begins like a fence.
func (n *notes) code(c section) {
	if len(c.snippets) == 0 {
		return
	}
	n.WriteString("\n")
	n.line("## ", "As code")
	n.line("", c.before)
	for _, snippet := range c.snippets {
		n.WriteString("\n")
		n.line("### ", snippet.name)
		n.WriteString("```" + snippet.language + "\n" + snippet.text + "```\n")
	}
}

func (n *notes) row(cells []string) {
	for _, cell := range cells {
		n.WriteString("| " + escape(cell) + " ")
	}
	n.WriteString("|\n")
}

// escape makes a text from anywhere plain in Markdown: no markup, no link, no HTML, no cell's end.
func escape(text string) string { return escaper.Replace(plain(text)) }

var escaper = strings.NewReplacer(
	`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "|", `\|`, "~", `\~`, "#", `\#`, "!", `\!`,
	"<", "&lt;", ">", "&gt;", "&", "&amp;", "p://", "p:&#47;&#47;", "s://", "s:&#47;&#47;", "www.", "www&#46;",
)
