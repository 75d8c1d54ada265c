// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package incident

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"cloudfront503/pkg/pattern"
)

// Line makes one line for people of a string from anywhere: what breaks lines, steers terminals or turns the direction
// of writing becomes a space, runs of space become one, and what is longer than n characters is cut and ends in "...".
func Line(s string, n int) string {
	s = front(s, 16*n+64)
	s = strings.Join(strings.FieldsFunc(s, unreadable), " ")
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return strings.TrimSpace(string([]rune(s)[:max(0, n-3)])) + "..."
}

// front is the beginning of a text, so that a text of megabytes costs no more than what is shown of it.
func front(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

func unreadable(r rune) bool {
	return unicode.IsSpace(r) || !unicode.IsPrint(r) || r == utf8.RuneError
}

// longestValue is how many characters of a field's value people are shown.
const longestValue = 160

// Absent stands for a field that does not exist.
const Absent = "(absent)"

// Readable is what the field holds and what it would hold, each as one line, with everything masked that is secret or
// looks like it: values of custom headers, members with a name like a password's, keys and tokens inside strings. A
// field that does not exist is Absent.
func (c FieldChange) Readable() (from, to string) {
	if secretName().MatchString(c.Path) {
		return maskWhole(c.From), maskWhole(c.To)
	}
	return readable(c.From), readable(c.To)
}

func maskWhole(raw json.RawMessage) string {
	if len(raw) == 0 {
		return Absent
	}
	return "(masked)"
}

func readable(raw json.RawMessage) string {
	if len(raw) == 0 {
		return Absent
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return "(not readable)"
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(mask(value)); err != nil {
		return "(not readable)"
	}
	return Line(text.String(), longestValue)
}

// mask replaces what is secret inside a value that JSON gave.
func mask(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			value[name] = maskMember(name, member)
		}
		return value
	case []any:
		for i, item := range value {
			value[i] = mask(item)
		}
		return value
	case string:
		return MaskText(value)
	default:
		return value
	}
}

func maskMember(name string, member any) any {
	if _, isText := member.(string); isText && secretName().MatchString(name) {
		return "(masked)"
	}
	return mask(member)
}

// secretName finds a member, or a path, whose value is nobody's business. A custom header often is the secret by which
// an origin knows its distribution.
var secretName = pattern.Lazily(`(?i)(HeaderValue|CustomHeaders|secret|passw|token|credential|api.?key|private.?key|authorization)`)

// secretText finds what looks like a secret inside a text: AWS keys, JSON Web Tokens, PEM blocks, passwords in a URL or
// after a name, and long runs of letters and digits that are no word.
var secretText = []func() *regexp.Regexp{
	pattern.Lazily(`\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b`),
	pattern.Lazily(`\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?`),
	pattern.Lazily(`(?s)-----BEGIN.*`),
	pattern.Lazily(`://[^/\s:@]+:[^/\s@]+@`),
	pattern.Lazily(`(?i)\b(?:secret|passw(?:or)?d|token|signature|api[-_]?key|authorization|credential)["']?\s*[=:]\s*["']?(?:Bearer |Basic )?[^\s"'&,;]+`),
}

// longRun is a run that may be a secret; looksRandom decides.
var longRun = pattern.Lazily(`[A-Za-z0-9+/_=]{24,}`)

// mostMasked is how much of a text is looked through, in bytes; the rest is left out.
const mostMasked = 4 << 10

// MaskText masks what looks like a secret inside a text, of which it gives the first 4 KB. It rather masks too much: people
// can look into the snapshot.
func MaskText(text string) string {
	text = front(text, mostMasked)
	for _, secret := range secretText {
		text = secret().ReplaceAllString(text, "(masked)")
	}
	return longRun().ReplaceAllStringFunc(text, func(run string) string {
		if looksRandom(run) {
			return fmt.Sprintf("(masked, %d characters)", len(run))
		}
		return run
	})
}

// looksRandom is true of a run in which a part between slashes and underscores has digits and does not read like a name:
// it changes between letters and digits, or between cases, at every fourth character or more often. A name in camel case
// has no digits, and a time as 20261124T034151Z hardly changes.
func looksRandom(run string) bool {
	for _, part := range strings.FieldsFunc(run, func(r rune) bool { return r == '/' || r == '_' }) {
		if len(part) >= 16 && strings.ContainsAny(part, "0123456789") && changes(part) >= len(part)/4 {
			return true
		}
	}
	return false
}

// changes counts where a text goes from one class of character to another: digit, capital, small letter, other.
func changes(text string) int {
	n := 0
	for i := 1; i < len(text); i++ {
		if class(text[i]) != class(text[i-1]) {
			n++
		}
	}
	return n
}

func class(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return 1
	case c >= 'A' && c <= 'Z':
		return 2
	case c >= 'a' && c <= 'z':
		return 3
	default:
		return 4
	}
}
