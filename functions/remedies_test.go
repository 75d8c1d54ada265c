// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package functions

import (
	"encoding/json"
	"strings"
	"testing"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/emulator/rehearsal"
	"cloudfront503/pkg/incident"
)

// asApproved is the live configuration with exactly the fields changed that people are asked about.
func asApproved(t *testing.T, r *rehearsal.Rehearsal) map[string]any {
	t.Helper()
	text, _, _ := r.CloudFront.Live(rehearsal.Distribution)
	before, err := distribution.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	after, err := distribution.Apply(before, planned(t, r).Difference)
	if err != nil {
		t.Fatal(err)
	}
	var config map[string]any
	if err := json.Unmarshal(after.Canonical(), &config); err != nil {
		t.Fatal(err)
	}
	sortSets(config)
	return config
}

// planned is the plan that people are asked about.
func planned(t *testing.T, r *rehearsal.Rehearsal) incident.Plan {
	t.Helper()
	body, there := r.S3.Get(r.Bucket, r.Folder()+"plan.json")
	var plan incident.Plan
	if err := json.Unmarshal(body, &plan); err != nil || !there {
		t.Fatalf("plan: %v", err)
	}
	return plan
}

// askedOf is the body of the newest mail to the first approver.
func askedOf(r *rehearsal.Rehearsal) string {
	mails := r.SNS.Mailbox(topics + "-channel-1")
	if len(mails) == 0 {
		return ""
	}
	return mails[len(mails)-1].Body
}

func TestWhatApproversAreToldOfARemedy(t *testing.T) {
	t.Parallel()
	for scenario, wants := range map[string][]string{
		"lambda-edge-error": {"Change: point one association back from shop-edge:5 to shop-edge:4", "Takes effect: Edges get it one by one", "Needs: 1 of 2"},
		"origin-503": {"Change: fail over from origin web to spare, through origin group web-or-spare", "Mind: CloudFront fails over GET and HEAD",
			"Mind: Each request still goes to the failing origin first", "Touches: Distribution " + rehearsal.Distribution + " of account " + account + " alone"},
		"lambda-edge-permission": {"can be started then: shop-edge, shop-images.", "Undone by: The trust policy as it is now is written again"},
		"function-error":         {"Undone by: The code that is live now is published again"},
		"undetermined": {"Change: switch on additional metrics, standard logs to arn:aws:s3:::", "Mind: It costs money until it is taken back: additional metrics by the distribution and month",
			"Mind: It mends nothing.", "Undone by: What was made is taken away again"},
		"s3-slow-down": {"Change: keep answers with 503 for 60 seconds at the edges, and put Origin Shield in eu-west-1 before origin web", "Mind: Origin Shield costs money"},
	} {
		t.Run(scenario, func(t *testing.T) {
			t.Parallel()
			r := start(t, scenario)
			breaks(t, r)
			untilAsked(t, r)
			for _, want := range wants {
				if body := askedOf(r); !strings.Contains(body, want) {
					t.Errorf("no %q in\n%s", want, body)
				}
			}
		})
	}
}
