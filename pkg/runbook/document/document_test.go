// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package document_test

import (
	"os"
	"testing"

	"cloudfront503/pkg/runbook/document"
)

func TestRunbooksOfThisProject(t *testing.T) {
	found, err := document.CheckFiles(os.DirFS("../documents"), document.Applies)
	if err != nil {
		t.Fatal(err)
	}
	for name, problems := range found {
		for _, p := range problems {
			t.Errorf("%s: %s", name, p)
		}
	}
}
