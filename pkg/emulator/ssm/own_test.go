// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package ssm_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

// ownRunbook is the runbook of this project that restores a distribution.
const ownRunbook = "../../runbook/documents/RestoreDistribution.yaml"

func TestOurRunbook(t *testing.T) {
	const session = "arn:aws:sts::111122223333:assumed-role/approver/ana"
	approve := func(a *account, id string) { a.mustSignal(a.session("approver", "ana"), id, types.SignalTypeApprove) }
	reject := func(a *account, id string) { a.mustSignal(a.session("approver", "ana"), id, types.SignalTypeReject) }
	silent := func(a *account, _ string) { a.advance(61 * time.Minute) }
	tests := []struct {
		name   string
		etag   string
		claim  string // what the function answers to claim and to apply; empty is a fault
		apply  string
		decide func(*account, string)
		want   string // the actions that the function was asked for
	}{
		{"approved and written", "E2ETAG", `"claimed"`, `"written"`, approve, "claim apply note:deployed"},
		{"approved and void", "E2ETAG", `"claimed"`, `"void"`, approve, "claim apply"},
		{"approved and refused", "E2ETAG", `"claimed"`, `"refused: not claimed"`, approve, "claim apply"},
		{"approved and broken", "E2ETAG", `"claimed"`, "", approve, "claim apply apply apply note:failed"},
		{"rejected", "E2ETAG", `"claimed"`, `"written"`, reject, "claim note:not-approved"},
		{"silent", "E2ETAG", `"claimed"`, `"written"`, silent, "claim note:not-approved"},
		{"moved before the gate", "E1OLD", `"claimed"`, `"written"`, nil, "claim note:moved"},
		{"taken by another", "E2ETAG", `"taken"`, `"written"`, nil, "claim"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := newAccount(t)
			a.answer = func(payload string) (string, string) {
				answer := map[bool]string{true: test.claim, false: test.apply}[strings.Contains(payload, `"claim"`)]
				if answer == "" && strings.Contains(payload, `"apply"`) {
					return `{"errorMessage":"down"}`, "Unhandled"
				}
				return answer, ""
			}
			a.put("Restore", ownRunbook)
			id := a.start("Restore", map[string][]string{
				"IncidentId": {"E1EXAMPLE/000007"}, "DistributionId": {"E1EXAMPLE"}, "ETag": {test.etag}, "Hash": {strings.Repeat("a", 64)},
				"Approvers": {session}, "MinApprovals": {"1"}, "Message": {"Restore it"}, "AutomationAssumeRole": {roleARN},
				"RemediateFunction": {"arn:aws:lambda:us-east-1:111122223333:function:remediate"},
			})
			if test.decide != nil {
				a.ended(id, "Waiting")
				test.decide(a, id)
			}
			a.advance(time.Minute)
			a.ended(id, "Success") // a failure that was routed ends as one
			if got := actionsOf(a.invoked); got != test.want {
				t.Errorf("asked the function for %s, want %s", got, test.want)
			}
		})
	}
}

// actionsOf shortens the function's payloads to what they ask for.
func actionsOf(payloads []string) string {
	var actions []string
	for _, payload := range payloads {
		word := strings.Split(payload, `"`)
		action := word[3]
		if action == "note" {
			action += ":" + word[7]
		}
		actions = append(actions, action)
	}
	return strings.Join(actions, " ")
}
