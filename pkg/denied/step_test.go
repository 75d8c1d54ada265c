// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package denied

import "testing"

func TestAStepThatFailed(t *testing.T) {
	t.Parallel()
	const (
		read = "Step fails when it is Execute/Cancelling action. An error occurred (AccessDenied) when calling the GetDistributionConfig operation: User: " +
			"arn:aws:sts::111122223333:assumed-role/cf503-automation/Automation is not authorized to perform: cloudfront:GetDistributionConfig on resource: " +
			"arn:aws:cloudfront::111122223333:distribution/E2EXAMPLE with an explicit deny in a service control policy. Please refer to Automation Service Troubleshooting Guide."
		cut  = `The Lambda function returned an error: Unhandled, {"errorMessage":"update: api error AccessDenied: User: arn:aws:sts::111122223333:assumed-role/cf503-remediate/x is not authorized to perform: cloudfront:UpdateDistribution on res`
		full = `{"errorMessage":"update: api error AccessDenied: User: arn:aws:sts::111122223333:assumed-role/cf503-remediate/x is not authorized to perform: cloudfront:UpdateDistribution on resource: arn:aws:cloudfront::111122223333:distribution/E2EXAMPLE because no permissions boundary allows the cloudfront:UpdateDistribution action","errorType":"wrapError"}`
	)
	tests := []struct {
		name  string
		texts []string
		want  string
	}{
		{"a call of the runbook's own", []string{read, ""}, "step Apply has failed: cloudfront:GetDistributionConfig on arn:aws:cloudfront::111122223333:distribution/E2EXAMPLE is denied explicitly by " +
			"a service control policy, asked by arn:aws:sts::111122223333:assumed-role/cf503-automation/Automation"},
		{"a function whose error is whole only in the output", []string{cut, full}, "step Apply has failed: cloudfront:UpdateDistribution on arn:aws:cloudfront::111122223333:distribution/E2EXAMPLE is not allowed by " +
			"the caller's permissions boundary; more may be missing behind it, asked by arn:aws:sts::111122223333:assumed-role/cf503-remediate/x"},
		{"a function whose error is cut", []string{cut}, "step Apply has failed: cloudfront:UpdateDistribution is denied by a policy that AWS does not name, asked by " +
			"arn:aws:sts::111122223333:assumed-role/cf503-remediate/x"},
		{"no denial", []string{"The value x-secret: 4711 is not valid"}, "step Apply has failed"},
		{"nothing is said", nil, "step Apply has failed"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := Step("Apply", test.texts...); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}
