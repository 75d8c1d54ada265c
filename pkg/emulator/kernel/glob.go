// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package kernel

import (
	"strings"
	"unicode/utf8"
)

// The wildcards of a glob; no rune has these values.
const (
	anyRun rune = -1 // "*"
	anyOne rune = -2 // "?"
)

// glob is an IAM-style pattern: literal runes and wildcards. Wildcards that come out of a policy variable are literal.
type glob []rune

func newGlob(pattern string) glob {
	g := make(glob, 0, len(pattern))
	for _, r := range pattern {
		switch r {
		case '*':
			r = anyRun
		case '?':
			r = anyOne
		}
		g = append(g, r)
	}
	return g
}

func (g glob) match(s string) bool {
	star, mark, p, i := -1, 0, 0, 0
	for i < len(s) {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case p < len(g) && g[p] == anyRun:
			star, mark = p, i
			p++
		case p < len(g) && (g[p] == anyOne || g[p] == r):
			p++
			i += size
		case star >= 0:
			_, size = utf8.DecodeRuneInString(s[mark:])
			mark += size
			p, i = star+1, mark
		default:
			return false
		}
	}
	for p < len(g) && g[p] == anyRun {
		p++
	}
	return p == len(g)
}

// Glob matches IAM-style patterns: "*" for any run of characters, "?" for one.
func Glob(pattern, s string) bool { return newGlob(pattern).match(s) }

// fold is a match without regard to case, as for actions.
func (g glob) fold() glob {
	folded := make(glob, len(g))
	for i, r := range g {
		folded[i] = r
		if r >= 0 {
			folded[i] = []rune(strings.ToLower(string(r)))[0]
		}
	}
	return folded
}

// expand is a pattern with its policy variables put in (IAM User Guide, "Variables and tags"): ${aws:userid},
// ${aws:PrincipalTag/team, 'none'}, and ${*}, ${?}, ${$} for these characters themselves. ok is false where a variable has
// no value, which makes the statement not match.
func expand(pattern string, context map[string][]string) (g glob, ok bool) {
	for {
		before, rest, found := strings.Cut(pattern, "${")
		if !found {
			return append(g, newGlob(pattern)...), true
		}
		variable, after, closed := strings.Cut(rest, "}")
		if !closed {
			return append(g, newGlob(pattern)...), true
		}
		value, known := variableValue(variable, context)
		if !known {
			return nil, false
		}
		g = append(append(g, newGlob(before)...), []rune(value)...)
		pattern = after
	}
}

func variableValue(variable string, context map[string][]string) (string, bool) {
	if variable == "*" || variable == "?" || variable == "$" {
		return variable, true
	}
	key, fallback, hasFallback := strings.Cut(variable, ",")
	values := context[strings.ToLower(strings.TrimSpace(key))]
	if len(values) == 1 {
		return values[0], true
	}
	return strings.Trim(strings.TrimSpace(fallback), "'"), hasFallback
}
