// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package incident

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMaskedGivesWholeValuesWithoutTheirSecrets(t *testing.T) {
	for _, tt := range []struct {
		name, path, to string
		want           any
	}{
		{"nothing", "Comment", "", nil},
		{"a number", "MinTTL", "60", json.Number("60")},
		{"a custom header", "Origins/Items/[Id=web]/CustomHeaders/Items/[HeaderName=X]", `{"HeaderName":"X","HeaderValue":"hunter2"}`, "(masked)"},
		{"a custom header deep inside", "Origins/Items/[Id=web]", `{"Id":"web","CustomHeaders":{"Items":[{"HeaderName":"X","HeaderValue":"hunter2"}]}}`,
			map[string]any{"Id": "web", "CustomHeaders": map[string]any{"Items": []any{map[string]any{"HeaderName": "X", "HeaderValue": "(masked)"}}}}},
		{"what is no JSON", "Comment", `{"hunter2`, "(masked)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, got := FieldChange{Path: tt.path, To: json.RawMessage(tt.to)}.Masked()
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
