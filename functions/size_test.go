// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package functions

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"cloudfront503/pkg/emulator/rehearsal"
)

// What IAM takes of a role, in characters without white space. Source: "IAM and AWS STS quotas".
const (
	mostInline = 10240 // of all inline policies together
	mostTrust  = 2048  // of the trust policy; 4,096 on request
)

func compactLength(t *testing.T, raw []byte) int {
	t.Helper()
	var text bytes.Buffer
	if err := json.Compact(&text, raw); err != nil {
		t.Fatal(err)
	}
	return text.Len()
}

// crowded is a stack with as many approvers as a gate takes, each with a name and a role as long as real ones, and with
// every parameter that adds a permission.
func crowded(o *rehearsal.Options) {
	for i := range 10 {
		o.Parameters[fmt.Sprintf("Approver%d", i+1)] = fmt.Sprintf(
			"someone.of.the.team%d@example.com|arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_PlatformEngineers_0a1b2c3d4e5f6a7b|email|someone%d@example.com", i, i)
		o.Parameters[fmt.Sprintf("Phone%d", i+1)] = fmt.Sprintf("+1206555010%d", i)
	}
	o.Parameters["SmsReplies"], o.Parameters["SmsNumber"], o.Parameters["ChatRole"] = "yes", rehearsal.OwnNumber, chatRole
	o.Parameters["QuotaTopics"], o.Parameters["TakeBack"] = topicsElsewhere(), "worse"
	o.Parameters["LogBuckets"] = "shop-access-logs-eu-west-1,media-access-logs-us-east-1"
}

// topicsElsewhere are a topic in each Region but us-east-1 in which Lambda@Edge may run as the template has it.
func topicsElsewhere() string {
	var arns []string
	for _, region := range strings.Fields("us-east-2 us-west-1 us-west-2 ap-south-1 ap-northeast-1 ap-northeast-2 ap-southeast-1 ap-southeast-2 eu-central-1 eu-west-1 eu-west-2 sa-east-1") {
		arns = append(arns, "arn:aws:sns:"+region+":"+account+":platform-alarms")
	}
	return strings.Join(arns, ",")
}

// mostEnvironment is what Lambda takes of a function's variables, names and values together. Source: "Lambda quotas".
const mostEnvironment = 4096

func TestEachFunctionsVariablesAreAsFewAsLambdaTakes(t *testing.T) {
	t.Parallel()
	r := start(t, "error-page-503", crowded)
	for _, name := range r.Lambda.Functions() {
		size := 0
		for variable, value := range r.Lambda.Environment(name) {
			if strings.HasPrefix(variable, "CF503_") {
				size += len(variable) + len(value)
			}
		}
		t.Logf("%-40s %d bytes", name, size)
		if size == 0 || size > mostEnvironment {
			t.Errorf("%s has %d bytes of variables, at most %d", name, size, mostEnvironment)
		}
	}
}

func TestEachRoleIsAsSmallAsIAMTakes(t *testing.T) {
	t.Parallel()
	r := start(t, "error-page-503", crowded)
	for _, role := range r.World.Identity.Roles() {
		if !strings.HasPrefix(role.Name, rehearsal.StackName) {
			continue
		}
		inline := 0
		for _, raw := range role.Policies {
			inline += compactLength(t, raw)
		}
		trust := compactLength(t, role.Trust.Raw)
		t.Logf("%-40s inline %6d trust %5d", role.Name, inline, trust)
		if inline > mostInline || trust > mostTrust {
			t.Errorf("role %s: %d characters of inline policies (at most %d), %d of trust (at most %d)", role.Name, inline, mostInline, trust, mostTrust)
		}
	}
}
