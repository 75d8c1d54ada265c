// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package lean

import (
	"fmt"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Pages asks until no token for a next page comes. An error ends it; so does the same token again, which would never end.
func Pages[T any](ask func(token *string) ([]T, *string, error)) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		var token *string
		for {
			page, next, err := ask(token)
			if err == nil && aws.ToString(next) != "" && aws.ToString(next) == aws.ToString(token) {
				err = fmt.Errorf("the page after %q is itself", aws.ToString(next))
			}
			if !yield(page, err) || err != nil || aws.ToString(next) == "" {
				return
			}
			token = next
		}
	}
}

// All are the elements of all pages.
func All[T any](pages iter.Seq2[[]T, error]) ([]T, error) {
	var all []T
	for page, err := range pages {
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
	}
	return all, nil
}
