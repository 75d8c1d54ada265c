// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package report

import (
	"html"
	"strings"

	"cloudfront503/pkg/incident"
)

// style is all the page has of looks. It works in the dark and on paper.
const style = `body{font:15px/1.45 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}
h1{font-size:1.3rem}h2{font-size:1.05rem;margin-top:2rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.25rem .6rem .25rem 0;border-bottom:1px solid #d8dce2;overflow-wrap:anywhere}
th{font-weight:600;white-space:nowrap}dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem}dt{font-weight:600}dd{margin:0}
pre{overflow-x:auto;font-size:.85rem}summary{font-weight:600}svg{width:100%;height:auto}footer{margin-top:2rem;color:#59636e;font-size:.85rem}
@media(prefers-color-scheme:dark){body{color:#e6e9ed;background:#15181c}th,td{border-color:#3a4048}footer{color:#9aa4af}}`

// markup is HTML that is being written. Whatever is not a constant of this package goes in through text, which escapes.
type markup struct{ strings.Builder }

// raw writes markup of our own.
func (m *markup) raw(parts ...string) {
	for _, part := range parts {
		m.WriteString(part)
	}
}

// text writes a text from anywhere, as one escaped line without secrets. What html.EscapeString gives holds none of
// < > & " ' and so ends neither an element nor a quoted attribute.
func (m *markup) text(text string) { m.WriteString(html.EscapeString(plain(text))) }

// fact writes a text that is masked already.
func (m *markup) fact(text string) { m.WriteString(html.EscapeString(incident.Line(text, mostText))) }

// Page is the report as one HTML document. The error says which step of the record could not be read.
func Page(in Input) ([]byte, error) {
	s, err := read(in)
	if err != nil {
		return nil, err
	}
	var m markup
	m.raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
		"<meta name=\"viewport\" content=\"width=device-width\">\n",
		"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n<title>")
	m.text(s.title())
	m.raw("</title>\n<style>", style, "</style>\n</head>\n<body>\n<h1>")
	m.text(s.title())
	m.raw("</h1>\n")
	m.facts(s.facts())
	m.plot(s)
	for _, t := range s.tables() {
		m.table(t)
	}
	m.code(s.code())
	m.footer(s)
	m.raw("</body>\n</html>\n")
	return []byte(m.String()), nil
}

func (m *markup) facts(facts []fact) {
	m.raw("<dl>\n")
	for _, f := range facts {
		m.raw("<dt>")
		m.text(f.name)
		m.raw("</dt><dd>")
		m.fact(f.value)
		m.raw("</dd>\n")
	}
	m.raw("</dl>\n")
}

func (m *markup) table(t table) {
	m.raw("<h2>")
	m.text(t.heading)
	m.raw("</h2>\n")
	if t.before != "" {
		m.paragraph(t.before)
	}
	if len(t.rows) == 0 {
		m.paragraph(t.none)
		return
	}
	m.raw("<table>\n")
	m.row("th", t.columns)
	for _, row := range t.rows {
		m.row("td", row)
	}
	m.raw("</table>\n")
}

// code folds each snippet away that no tag speaks for.
func (m *markup) code(c section) {
	if len(c.snippets) == 0 {
		return
	}
	m.raw("<h2>As code</h2>\n")
	m.paragraph(c.before)
	for _, snippet := range c.snippets {
		m.raw(map[bool]string{true: "<details open=\"open\">", false: "<details>"}[snippet.open], "<summary>", snippet.name, "</summary><pre>",
			html.EscapeString(snippet.text), "</pre></details>\n")
	}
}

func (m *markup) paragraph(text string) {
	m.raw("<p>")
	m.text(text)
	m.raw("</p>\n")
}

func (m *markup) row(cell string, values []string) {
	m.raw("<tr>")
	for _, value := range values {
		m.raw("<", cell, ">")
		m.text(value)
		m.raw("</", cell, ">")
	}
	m.raw("</tr>\n")
}

func (m *markup) footer(s story) {
	m.raw("<footer>")
	m.text(s.kept())
	m.raw("</footer>\n")
}

// kept says where the record lies and when this was made of it.
func (s story) kept() string {
	text := "Made by cloudfront503 at " + clock(s.MadeAt) + " from the incident's record"
	if s.Bucket != "" {
		text += " in s3://" + s.Bucket + "/incidents/" + s.Incident.String() + "/"
	}
	return text + "."
}
