// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package diagnosis

import (
	"testing"

	"cloudfront503/pkg/incident"
)

func TestAGapSaysHowToFillIt(t *testing.T) {
	for source, want := range map[string]string{
		"metrics/eu-west-1":            "aws cloudwatch get-metric-data --region eu-west-1",
		"cloudtrail/us-east-1":         "aws cloudtrail lookup-events --region us-east-1",
		"elbv2/ap-south-1":             "aws elbv2 describe-target-health --region ap-south-1 --target-group-arn ARN",
		"elb/ap-south-1":               "aws elb describe-instance-health --region ap-south-1 --load-balancer-name NAME",
		"lambda/":                      "aws lambda get-function-configuration --region REGION --function-name ARN",
		"access-logs/some object":      "aws s3 ls s3://YOUR-LOG-BUCKET/ --recursive | grep E2EXAMPLE",
		"distribution":                 "aws cloudfront get-distribution --id E2EXAMPLE",
		"cloudfront/staging":           "aws cloudfront get-continuous-deployment-policy --id ID",
		"health/event":                 "aws health describe-events --region us-east-1 --filter services=CLOUDFRONT,LAMBDA",
		"event":                        "",
		"what nobody has heard of yet": "",
	} {
		v := look(&incident.Evidence{Distribution: "E2EXAMPLE", Gaps: []incident.Gap{{Source: source, Why: "denied"}}})
		for _, g := range v.gaps() {
			if g.Source == source && g.Next != want {
				t.Errorf("%s: %q, want %q", source, g.Next, want)
			}
		}
	}
	v := look(&incident.Evidence{Gaps: []incident.Gap{{Source: "metrics/eu-west-1", Why: "denied", Next: "ask the owner"}}})
	if got := v.gaps(); got[0].Next == "" || v.ev.Gaps[0].Next != "ask the owner" {
		t.Errorf("%v: a record's own next step must stand", got)
	}
}

func TestACommandHoldsNothingThatAShellWouldRun(t *testing.T) {
	for name, want := range map[string]string{
		"eu-west-1": "eu-west-1", "arn:aws:lambda:us-east-1:111122223333:function:f:3": "arn:aws:lambda:us-east-1:111122223333:function:f:3",
		"": "X", "$(reboot)": "X", "a;reboot": "X", "a b": "X", "--profile": "X", "a`b`": "X", "a\nb": "X", "a'b": "X", "*.example.com": "X",
	} {
		if got := word(name, "X"); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
