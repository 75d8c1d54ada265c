// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package lean_test

import (
	"io"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"cloudfront503/pkg/lean"
)

func TestPagesAreAskedForUntilTheyEnd(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		tokens []string // of the page after each one
		broken int      // the page that cannot be read, from 1
		want   []int
		asked  int
		fails  bool
	}{
		"one page":                     {[]string{""}, 0, []int{1}, 1, false},
		"three pages":                  {[]string{"a", "b", ""}, 0, []int{1, 2, 3}, 3, false},
		"a page that cannot be read":   {[]string{"a", "b", ""}, 2, nil, 2, true},
		"a page that leads to itself":  {[]string{"a", "a"}, 0, nil, 2, true},
		"the first page is unreadable": {[]string{""}, 1, nil, 1, true},
	} {
		asked := 0
		got, err := lean.All(lean.Pages(func(token *string) ([]int, *string, error) {
			if asked > 0 && aws.ToString(token) != test.tokens[asked-1] {
				t.Errorf("%s: page %d is asked for with %q", name, asked+1, aws.ToString(token))
			}
			asked++
			if asked == test.broken {
				return nil, nil, io.ErrUnexpectedEOF
			}
			return []int{asked}, &test.tokens[asked-1], nil
		}))
		if !slices.Equal(got, test.want) || asked != test.asked || (err != nil) != test.fails {
			t.Errorf("%s: %v after %d pages, error %v", name, got, asked, err)
		}
	}
}
