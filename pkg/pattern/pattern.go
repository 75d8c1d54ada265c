// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package pattern keeps regular expressions out of a function's start-up.
package pattern

import (
	"regexp"
	"sync"
)

// Lazily is a regular expression that is compiled when it is first used: a function starts with some eighty of them, and one
// run needs few. The text must be one; a test that uses it says so.
func Lazily(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}
