// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package remedy

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cloudfront503/pkg/incident"
)

// signs puts decisions into the gate's outputs, as SSM might write them.
func (s *scene) signs(decisions ...string) {
	s.record.Decisions = nil
	s.execution.StepExecutions[0].Outputs["ApproverDecisions"] = decisions
}

func TestASignatureOfOnesOwnIsOneApproval(t *testing.T) {
	for name, format := range map[string]string{
		"as a simulator writes it": `{"Approver":"ARN","ApprovalStatus":"Approved"}`, "in another form": `[who=ARN, said=yes]`,
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.signs(strings.ReplaceAll(format, "ARN", s.Stack.Own["ben"]))
			if _, err := s.Apply(t.Context(), ours); err != nil || s.writes != 1 {
				t.Fatalf("%d writes, %v", s.writes, err)
			}
			want := incident.Decision{
				Approver: "ben", Verb: incident.Approve, Channel: incident.ChannelGate, Through: s.Stack.Own["ben"],
				Execution: ours.Execution, Hash: s.record.Plan.Hash, ETag: "T1",
			}
			if diff := cmp.Diff([]incident.Decision{want}, s.signedSelf); diff != "" {
				t.Errorf("noted (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSignaturesThatProveNothing(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(s *scene)
		want  string
	}{
		{"by the function's own session", func(s *scene) { s.signs(s.Stack.Sessions[0]) }, "refused: 0 of 1 approvals are proven, and no person"},
		{"by who was not asked, as who wished for it", func(s *scene) {
			s.signs(s.Stack.Own["ben"])
			s.record.Request.Approvers = []string{"ana"}
		}, "refused: 0 of 1 approvals are proven, and no person"},
		{"by who has left the list", func(s *scene) {
			s.signs("arn:aws:sts::111122223333:assumed-role/stack-approver/cy")
		}, "refused: 0 of 1 approvals are proven, and no person"},
		{"by a longer name", func(s *scene) { s.signs(s.Stack.Own["ben"] + "jamin") }, "refused: 0 of 1 approvals are proven, and no person"},
		{"where two must approve", func(s *scene) {
			s.signs(s.Stack.Own["ana"], s.Stack.Own["ben"])
			s.Stack.Quorum, s.execution.Parameters["Approvers"] = 2, s.Stack.Sessions
		}, "refused: 0 of 2 approvals are proven; that the gate was opened does not count"},
		{"at a gate that asks for one where two must approve", func(s *scene) {
			s.signs(s.Stack.Own["ana"])
			s.Stack.Quorum = 2
		}, "refused: execution execution-1 was started with another approvers"},
		{"that cannot be noted", func(s *scene) {
			s.signs(s.Stack.Own["ana"])
			s.unnoted = errors.New("the ledger denies")
		}, "judge E1EXAMPLE/000007"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newScene(t)
			test.spoil(s)
			_, err := s.Apply(t.Context(), ours)
			if err == nil || s.writes != 0 || test.name != "that cannot be noted" && !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("%d writes, %v", s.writes, err)
			}
		})
	}
}
