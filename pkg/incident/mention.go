// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package incident

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Mentions finds a word, as a session's ARN, in a text whose format is not documented. A word is not the beginning of a
// longer one: ana is not ana.lee. A comma, which may stand in a name, counts as an end, because it is likelier to separate
// two members.
func Mentions(text, word string) bool {
	for word != "" {
		i := strings.Index(text, word)
		if i < 0 {
			return false
		}
		text = text[i+len(word):]
		if next, _ := utf8.DecodeRuneInString(text); text == "" || !unicode.IsLetter(next) && !unicode.IsNumber(next) && !strings.ContainsRune("_+=.@-", next) {
			return true
		}
	}
	return false
}
