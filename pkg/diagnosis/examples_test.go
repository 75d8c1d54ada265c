// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package diagnosis_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"cloudfront503/pkg/diagnosis"
	"cloudfront503/pkg/evidence/record"
	"cloudfront503/pkg/incident"
)

// examples are labelled incidents beside the repository, where it is checked out with them.
const examples = "../../../shared/incidents/examples"

// label is an example's expected.json.
type label struct {
	Accept, MustNot []incident.Cause
	Change          *string
	ChangeAlso      []string
	Status          *int
}

func TestSharedExamplesAreAllRight(t *testing.T) {
	folders, _ := filepath.Glob(examples + "/*")
	if len(folders) == 0 {
		t.Skip("no shared examples here")
	}
	for _, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) { checkExample(t, folder) })
	}
}

func checkExample(t *testing.T, folder string) {
	var want label
	text, err := os.ReadFile(filepath.Join(folder, "expected.json"))
	if err != nil || json.Unmarshal(text, &want) != nil {
		t.Fatal(err)
	}
	ev, err := record.Read(os.DirFS(folder))
	if err != nil {
		t.Fatal(err)
	}
	d := diagnosis.Diagnose(ev)
	if !slices.Contains(want.Accept, d.Verdict.Cause) {
		t.Errorf("%s at %.2f, want %v", d.Verdict.Cause, d.Verdict.Confidence, want.Accept)
	}
	if (want.Status == nil) != (d.Verdict.Status == nil) || want.Status != nil && *want.Status != *d.Verdict.Status {
		t.Errorf("status %v, want %v", d.Verdict.Status, want.Status)
	}
	switch {
	case want.Change == nil && d.Change != nil:
		t.Errorf("blames %s", d.Change.EventName)
	case want.Change != nil && (d.Change == nil || d.Change.EventID != *want.Change && !slices.Contains(want.ChangeAlso, d.Change.EventID)):
		t.Errorf("blames %v, want %s", d.Change, *want.Change)
	}
	if testing.Verbose() {
		out, _ := json.MarshalIndent(d, "", " ")
		t.Logf("%s", out)
	}
}
