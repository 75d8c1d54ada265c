// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"testing"
	"time"

	"cloudfront503/pkg/incident"
)

func TestOnlyWhatIsOursOrToldCountsBesideTheRecord(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)
	step := func(writer string, kind incident.StepKind, key string, minute int) incident.Step {
		return incident.Step{Writer: writer, Kind: kind, Key: key, At: at.Add(time.Duration(minute) * time.Minute)}
	}
	record := []incident.Step{step("respond", incident.StepOpened, "opened", 0), step("verify", incident.StepTold, "written", 9)}
	merged := withSpare(record, []incident.Step{
		step("verify", incident.StepTold, "written", 8),         // is in the record since
		step("verify", incident.StepRecovery, "recovered", 5),   // ours
		step("respond", incident.StepTold, "ask", 4),            // who was told
		step("approve", incident.StepDecision, "alice", 3),      // an answer counts in its chain only
		step("remediate", incident.StepWritten, "execution", 2), // so does a write
	})
	want := []string{"opened", "ask", "recovered", "written"}
	if len(merged) != len(want) {
		t.Fatalf("%d steps: %+v", len(merged), merged)
	}
	for i, key := range want {
		if merged[i].Key != key {
			t.Errorf("step %d is %q, want %q", i, merged[i].Key, key)
		}
	}
}
