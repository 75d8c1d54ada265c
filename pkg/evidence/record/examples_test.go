// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package record

import (
	"os"
	"path/filepath"
	"testing"
)

// examples are labelled incidents beside the repository, where it is checked out with them.
const examples = "../../../../shared/incidents/examples"

func TestSharedExamplesReadWithoutGaps(t *testing.T) {
	folders, _ := filepath.Glob(examples + "/*")
	if len(folders) == 0 {
		t.Skip("no shared examples here")
	}
	for _, folder := range folders {
		ev, err := Read(os.DirFS(folder))
		if err != nil {
			t.Errorf("%s: %v", folder, err)
		}
		if len(ev.Gaps) > 0 || len(ev.Series) < 10 {
			t.Errorf("%s: gaps %v, %d series", folder, ev.Gaps, len(ev.Series))
		}
		t.Log(filepath.Base(folder), ev.Read, len(ev.Series), len(ev.Calls), len(ev.Health), len(ev.LoadBalancers), ev.Probe != nil, ev.WAF != nil, ev.Staging != nil)
	}
}
