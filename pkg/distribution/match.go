// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package distribution

import "strings"

// Match is the behaviour that takes a request of the path: the first whose pattern fits, else the default one. A query
// string is no part of what patterns are compared with.
func (c Config) Match(path string) Behavior {
	path, _, _ = strings.Cut(path, "?")
	for _, behavior := range c.Behaviors() {
		if behavior.Default || MatchPattern(behavior.PathPattern, path) {
			return behavior
		}
	}
	return Behavior{}
}

// MatchPattern reports whether the path fits a cache behaviour's pattern: "*" stands for any run of characters, "?" for
// exactly one, case counts, and a leading slash may be left out on either side.
func MatchPattern(pattern, path string) bool {
	return wild(strings.TrimPrefix(pattern, "/"), strings.TrimPrefix(path, "/"))
}

// wild matches without recursion: on a mismatch the last star takes one character more.
func wild(pattern, text string) bool {
	at, star, mark := 0, -1, 0
	for i := 0; i < len(text); {
		switch {
		case at < len(pattern) && pattern[at] == '*':
			star, mark = at, i
			at++
		case at < len(pattern) && (pattern[at] == '?' || pattern[at] == text[i]):
			at++
			i++
		case star >= 0:
			mark++
			at, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[at:], "*") == ""
}
