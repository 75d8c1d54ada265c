// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package functions

import (
	"testing"
	"time"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/rehearsal"
)

// deploy is somebody else's change, at a bad moment.
func deploy(t *testing.T, r *rehearsal.Rehearsal) {
	t.Helper()
	by := kernel.Principal{ARN: rehearsal.UserARN("deployer"), IAM: rehearsal.UserARN("deployer"), Account: rehearsal.AccountID}
	_, err := r.CloudFront.Change(rehearsal.Distribution, by, r.World.Clock.Now(), func(config map[string]any) { config["Comment"] = "the shop, by night" })
	if err != nil {
		t.Error(err)
	}
}

func TestAConfigurationThatMovedIsLeftAlone(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, action string
		skip         int
	}{
		{"after the snapshot, before the gate", "ssm:StartAutomationExecution", 0},
		{"after the approval, before the function looks", "lambda:InvokeFunction", 1},
		{"between the check and the write", "cloudfront:UpdateDistribution", 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := start(t, "error-page-503")
			hit := 0
			r.World.Faults.Add(kernel.Fault{Action: test.action, Skip: test.skip, Times: 1, Before: func() { hit++; deploy(t, r) }})
			breaks(t, r)
			want := live(t, r)
			want["Comment"] = "the shop, by night"
			r.AdvanceUntil(20*time.Minute, func() bool { return r.Has("asked") || r.Has("void") })
			if ticket, _ := r.Tickets("alice"); ticket != "" {
				approves(t, r, "alice")
			}
			untilClosed(t, r, "void")
			unwritten(t, r, want)
			if hit != 1 {
				t.Errorf("the configuration moved %d times", hit)
			}
		})
	}
}

func TestAConfigurationThatMovedWhileTheGateWaitsIsLeftAlone(t *testing.T) {
	t.Parallel()
	r, want := asked(t)
	deploy(t, r)
	want["Comment"] = "the shop, by night"
	approves(t, r, "alice")
	untilClosed(t, r, "void")
	unwritten(t, r, want)
}
