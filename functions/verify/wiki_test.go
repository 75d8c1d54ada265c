// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"encoding/json"
	"testing"
	"time"

	"cloudfront503/pkg/incident"
)

func TestPublishingsAreCountedForEachStateOfAPage(t *testing.T) {
	step := func(writer string, kind incident.StepKind, digest string) incident.Step {
		detail, _ := json.Marshal(incident.Message{Digest: digest})
		return incident.Step{Writer: writer, Kind: kind, Detail: detail}
	}
	failed := step("verify", incident.StepUnpublished, "a")
	for _, tt := range []struct {
		name   string
		steps  []incident.Step
		done   bool
		failed int
	}{
		{"nothing yet", nil, false, 0},
		{"twice in vain", []incident.Step{failed, failed}, false, 2},
		{"arrived at last", []incident.Step{failed, step("verify", incident.StepPublished, "a")}, true, 1},
		{"another state arrived", []incident.Step{step("verify", incident.StepPublished, "b"), failed}, false, 1},
		{"somebody else says so", []incident.Step{step("approve", incident.StepPublished, "a")}, false, 0},
		{"a message to people", []incident.Step{step("verify", incident.StepTold, "a")}, false, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if done, failed := publishings(tt.steps, "a"); done != tt.done || failed != tt.failed {
				t.Errorf("got %v, %d", done, failed)
			}
		})
	}
}

func TestPagesAreSentAgainForAnHour(t *testing.T) {
	at := time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name    string
		pointer incident.Pointer
		want    bool
	}{
		{"an open incident has no page", incident.Pointer{State: incident.Open}, false},
		{"closed just now", incident.Pointer{State: incident.Closed, ClosedAt: at.Add(-time.Minute)}, true},
		{"closed long ago", incident.Pointer{State: incident.Closed, ClosedAt: at.Add(-time.Hour)}, false},
		{"recovered just now", incident.Pointer{State: incident.Watching, Watch: &incident.Watch{Since: at.Add(-time.Minute)}}, true},
		{"recovered yesterday", incident.Pointer{State: incident.Watching, Watch: &incident.Watch{Since: at.Add(-24 * time.Hour)}}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := writtenUp(tt.pointer, at); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
}
