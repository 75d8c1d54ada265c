// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package functions

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"cloudfront503/pkg/emulator/kernel"
)

// denies is an answer of IAM.
func denies(action, why string) *kernel.APIError {
	return kernel.Errorf(http.StatusForbidden, "AccessDenied", "User: arn:aws:sts::%s:assumed-role/x/y is not authorized to perform: %s on resource: arn:aws:x %s", account, action, why)
}

const (
	automations = "arn:aws:sts::" + account + ":assumed-role/*-automation/*"
	bySCP       = "with an explicit deny in a service control policy"
)

// TestPeopleHearWhichPolicyFailedTheRunbook breaks each kind of step by a denial. What is told and what ends the incident
// says which step, which action and which policy.
func TestPeopleHearWhichPolicyFailedTheRunbook(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, action, caller, why string
		result                    string // as which the incident ends
		gate                      bool   // it breaks only after people have approved
		says                      string
	}{
		{"the function may not write", "cloudfront:UpdateDistribution", sessionsOf(remediate), "because no permissions boundary allows the cloudfront:UpdateDistribution action", "void", true,
			"CloudFront took nothing: AccessDenied: cloudfront:UpdateDistribution on arn:aws:x is not allowed by the caller's permissions boundary"},
		{"the runbook may not read what is live", "cloudfront:GetDistributionConfig", automations, bySCP, "void", false,
			"whether the configuration has moved could not be told: step CheckUnmoved has failed: cloudfront:GetDistributionConfig on arn:aws:x is denied explicitly by a service control policy"},
		{"the runbook may not call the function", "lambda:InvokeFunction", automations, bySCP, "failed", false,
			"step Claim has failed: lambda:InvokeFunction on arn:aws:x is denied explicitly by a service control policy"},
		{"the runbook may not look at the edges", "cloudfront:GetDistribution", automations, bySCP, "changed", true,
			"step AwaitDeployed has failed: cloudfront:GetDistribution on arn:aws:x is denied explicitly by a service control policy"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := start(t, "error-page-503")
			r.World.Faults.Add(kernel.Fault{Action: test.action, Caller: test.caller, Error: denies(test.action, test.why)})
			breaks(t, r)
			if test.gate {
				untilAsked(t, r)
				approves(t, r, "alice")
			}
			untilClosed(t, r, test.result)
			if !heardOf(r, test.says) {
				t.Errorf("on-call has not heard %q; the incident ended because: %s", test.says, r.Incident().Outcome.Why)
			}
			page, _ := r.S3.Get(r.Bucket, r.Folder()+"watch/report.md")
			if !strings.Contains(string(page), test.says) {
				t.Errorf("the report does not say %q", test.says)
			}
		})
	}
}

func TestPeopleHearWhichPolicyFailedTheWayBack(t *testing.T) {
	t.Parallel()
	r, _ := asked(t)
	approves(t, r, "alice")
	until(t, r, 10*time.Minute, "it is written", func() bool { return r.Has("written") })
	r.World.Faults.Add(kernel.Fault{Action: "cloudfront:UpdateDistribution", Caller: sessionsOf(remediate), Error: denies("cloudfront:UpdateDistribution", bySCP)})
	undoes(t, r, "bob")
	const says = "CloudFront took nothing: AccessDenied: cloudfront:UpdateDistribution on arn:aws:x is denied explicitly by a service control policy"
	until(t, r, 30*time.Minute, "on-call hears that it is not undone", func() bool { return heardOf(r, "NOT undone") })
	if !heardOf(r, says) {
		t.Errorf("on-call has not heard %q", says)
	}
}
