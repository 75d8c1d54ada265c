// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package incident

import "testing"

func TestEveryCauseHasASentence(t *testing.T) {
	t.Parallel()
	for cause := range families {
		if _, has := sentences[cause]; !has {
			t.Errorf("no sentence for %s", cause)
		}
	}
	if len(sentences) != len(families) || Cause("mystery").Sentence() != "the cause is not in the catalogue" {
		t.Errorf("%d sentences for %d causes", len(sentences), len(families))
	}
}
