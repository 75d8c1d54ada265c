// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package event

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"cloudfront503/pkg/incident"
)

func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.json")
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		triggers, err := ParseAll(raw)
		if len(triggers) == 0 && err == nil {
			t.Fatal("an event vanished: neither read, nor ignored, nor refused")
		}
		if err != nil && len(err.Error()) > 4096+len(raw) {
			t.Fatalf("an error of %d bytes for an event of %d", len(err.Error()), len(raw))
		}
		for _, trigger := range triggers {
			checkTrigger(t, trigger)
		}
	})
}

// checkTrigger holds what every later stage rests on.
func checkTrigger(t *testing.T, trigger incident.Trigger) {
	t.Helper()
	set := []bool{trigger.Alarm != nil, trigger.Health != nil, trigger.Change != nil, trigger.Execution != nil, trigger.Reply != nil, trigger.Resume != nil}
	members := len(slices.DeleteFunc(set, func(present bool) bool { return !present }))
	if want := map[bool]int{true: 0, false: 1}[trigger.Kind == incident.KindSweep]; members != want {
		t.Fatalf("%d members in a trigger of kind %s", members, trigger.Kind)
	}
	if trigger.Channel == "" {
		t.Fatal("no channel")
	}
	if a := trigger.Alarm; a != nil {
		if trigger.Key == "" || a.ARN == "" || a.StateAt.IsZero() || a.Since.After(a.StateAt) || len(a.Distributions)+len(a.Children) == 0 {
			t.Fatalf("an alarm that says too little: %+v", a)
		}
		for _, id := range a.Distributions {
			if !distributionID().MatchString(id) {
				t.Fatalf("%q would leave its folder", id)
			}
		}
	}
}
