// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package distribution

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPartsOfAPath(t *testing.T) {
	want := []Part{{"CacheBehaviors", false}, {"Items", false}, {"PathPattern=/a/[b]", true}, {"MinTTL", false}}
	if diff := cmp.Diff(want, Parts("CacheBehaviors/Items/[PathPattern=/a/[b%5D]/MinTTL")); diff != "" {
		t.Error(diff)
	}
}
