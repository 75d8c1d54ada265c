// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package denied

import (
	"context"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

const (
	ana   = "arn:aws:iam::111122223333:user/ana"
	start = "User: " + ana + " is not authorized to perform: "
	get   = start + "s3:GetObject on resource: \"arn:aws:s3:::bucket/key\" "
)

func TestEveryWordingOfAReason(t *testing.T) {
	tests := []struct {
		reason string
		policy Policy
		how    How
	}{
		{"because no identity-based policy allows the s3:GetObject action", Identity, Missing},
		{"with an explicit deny in an identity-based policy", Identity, Explicit},
		{"because no resource-based policy allows the s3:GetObject action", Resource, Missing},
		{"with an explicit deny in a resource-based policy", Resource, Explicit},
		{"because no VPC endpoint policy allows the s3:GetObject action", VPCEndpoint, Missing},
		{"with an explicit deny in a VPC endpoint policy", VPCEndpoint, Explicit},
		{"with an explicit deny in a VPC endpoint policy transitively through a service control policy", SCP, Explicit},
		{"because no service control policy allows the s3:GetObject action", SCP, Missing},
		{"with an explicit deny in a service control policy", SCP, Explicit},
		{"due to an explicit deny in a Service Control Policy", SCP, Undecided},
		{"with an explicit deny in a resource control policy", RCP, Explicit},
		{"because no permissions boundary allows the s3:GetObject action", Boundary, Missing},
		{"with an explicit deny in a permissions boundary", Boundary, Explicit},
		{"because no session policy allows the s3:GetObject action", Session, Missing},
		{"with an explicit deny in a session policy", Session, Explicit},
		{"with an explicit deny in a sessions policy", Session, Explicit},
		{"because no role trust policy allows the sts:AssumeRole action", Trust, Missing},
		{"with an explicit deny in the role trust policy", Trust, Explicit},
		{"because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access", BlockPublicAccess, Explicit},
		{"because public ACLs are prevented by the BlockPublicAcls setting in S3 Block Public Access", BlockPublicAccess, Explicit},
		{"", Unknown, Undecided},
	}
	tails := map[string]string{
		"":  "",
		".": "",
		": arn:aws:iam::111122223333:policy/team/Deny.Most":                                     "arn:aws:iam::111122223333:policy/team/Deny.Most",
		": arn:aws:organizations::111122223333:policy/o-1/service_control_policy/p-2.":          "arn:aws:organizations::111122223333:policy/o-1/service_control_policy/p-2",
		": arn:aws:iam::111122223333:policy/B. Encoded authorization failure message: q1_Z-w==": "arn:aws:iam::111122223333:policy/B",
	}
	for _, test := range tests {
		for tail, policyARN := range tails {
			if test.reason == "" {
				policyARN = ""
			}
			t.Run(test.reason+tail, func(t *testing.T) {
				want := Explanation{Denied: true, Policy: test.policy, How: test.how, Principal: ana, Action: "s3:GetObject", Resource: "arn:aws:s3:::bucket/key", PolicyARN: policyARN}
				if strings.Contains(tail, "Encoded") {
					want.Encoded = "q1_Z-w=="
				}
				if diff := cmp.Diff(want, Explain(get+test.reason+tail)); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

func TestExplain(t *testing.T) {
	key := "arn:aws:kms:us-east-1:111122223333:key/1234abcd"
	tests := []struct {
		name, message, code string
		want                Explanation
	}{
		{"the caller may not use a key", start + "kms:Decrypt on resource: " + key + " because no identity-based policy allows the kms:Decrypt action", "AccessDenied",
			Explanation{Denied: true, Policy: Identity, How: Missing, Principal: ana, Action: "kms:Decrypt", Resource: key}},
		{"a key's policy lacks the caller, though S3 says so", start + "kms:GenerateDataKey on resource: " + key + " because no resource-based policy allows the kms:GenerateDataKey action", "AccessDenied",
			Explanation{Denied: true, Policy: KMSKey, How: Missing, Principal: ana, Action: "kms:GenerateDataKey", Resource: key}},
		{"a key taken from the ciphertext", start + "kms:Decrypt on the resource associated with this ciphertext because no identity-based policy allows the kms:Decrypt action", "AccessDeniedException",
			Explanation{Denied: true, Policy: Identity, How: Missing, Principal: ana, Action: "kms:Decrypt"}},
		{"a key that is elsewhere, or not for the caller", start + "kms:Decrypt on the resource associated with this ciphertext because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access", "AccessDeniedException",
			Explanation{Denied: true, Policy: KMSKey, How: Undecided, Principal: ana, Action: "kms:Decrypt"}},
		{"the older wording of the same", "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.", "AccessDeniedException",
			Explanation{Denied: true, Policy: KMSKey, How: Undecided}},
		{"a disabled key", key + " is disabled.", "DisabledException", Explanation{Denied: true, Policy: KMSKey, How: KeyState}},
		{"a VPC endpoint's event", "The request was denied due to a VPC endpoint policy", "VpceAccessDenied", Explanation{Denied: true, Policy: VPCEndpoint, How: Undecided}},
		{"the same by its code alone", "", "VpceAccessDenied", Explanation{Denied: true, Policy: VPCEndpoint, How: Undecided}},
		{"S3 without a reason", "Access Denied", "AccessDenied", Explanation{Denied: true, Policy: Unknown, How: Undecided}},
		{"a code without a text", "", "AccessDeniedException", Explanation{Denied: true, Policy: Unknown, How: Undecided}},
		{"EC2, encoded only", "You are not authorized to perform this operation. Encoded authorization failure message: 6z-Ab_3", "UnauthorizedOperation",
			Explanation{Denied: true, Policy: Unknown, How: Undecided, Encoded: "6z-Ab_3"}},
		{"SNS in capitals", start + "SNS:Publish on resource: arn:aws:sns:us-east-1:111122223333:t because no identity-based policy allows the SNS:Publish action", "AuthorizationError",
			Explanation{Denied: true, Policy: Identity, How: Missing, Principal: ana, Action: "SNS:Publish", Resource: "arn:aws:sns:us-east-1:111122223333:t"}},
		{"a key name that looks like a reason", start + `s3:GetObject on resource: "arn:aws:s3:::b/with an explicit deny in a service control policy" because no identity-based policy allows the s3:GetObject action`, "AccessDenied",
			Explanation{Denied: true, Policy: Identity, How: Missing, Principal: ana, Action: "s3:GetObject", Resource: "arn:aws:s3:::b/with an explicit deny in a service control policy"}},
		{"CloudTrail cut the text inside the policy's ARN", get + "with an explicit deny in a service control policy: arn:aws:organ", "AccessDenied",
			Explanation{Denied: true, Policy: SCP, How: Explicit, Principal: ana, Action: "s3:GetObject", Resource: "arn:aws:s3:::bucket/key"}},
		{"CloudTrail cut the reason off", get, "AccessDenied",
			Explanation{Denied: true, Policy: Unknown, How: Undecided, Principal: ana, Action: "s3:GetObject", Resource: "arn:aws:s3:::bucket/key"}},
		{"something else", "Rate exceeded", "Throttling", Explanation{Policy: Unknown, How: Undecided}},
		{"nothing", "", "", Explanation{Policy: Unknown, How: Undecided}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, Explain(test.message, test.code)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFromRecord(t *testing.T) {
	tests := []struct {
		name, record string
		want         Explanation
	}{
		{"a reason in the message", `{"eventSource":"cloudfront.amazonaws.com","eventName":"UpdateDistribution","errorCode":"AccessDenied",
			"errorMessage":"User: arn:x is not authorized to perform: cloudfront:UpdateDistribution because no permissions boundary allows the cloudfront:UpdateDistribution action"}`,
			Explanation{Denied: true, Policy: Boundary, How: Missing, Principal: "arn:x", Action: "cloudfront:UpdateDistribution"}},
		{"no reason, no endpoint: an endpoint's policy is ruled out", `{"eventSource":"s3.amazonaws.com","eventName":"GetObject","errorCode":"AccessDenied","errorMessage":"Access Denied",
			"userIdentity":{"type":"AssumedRole","arn":"arn:me"},"resources":[{"ARN":"arn:aws:s3:::b/k"}]}`,
			Explanation{Denied: true, Policy: Unknown, How: Undecided, Principal: "arn:me", Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k",
				Possible: []Policy{Identity, Resource, SCP, RCP, Boundary, Session}}},
		{"no reason, through an endpoint", `{"eventSource":"kms.amazonaws.com","eventName":"Decrypt","errorCode":"AccessDeniedException","vpcEndpointId":"vpce-1","userIdentity":{"type":"IAMUser"}}`,
			Explanation{Denied: true, Policy: Unknown, How: Undecided, Action: "kms:Decrypt", Possible: []Policy{Identity, Resource, SCP, RCP, Boundary, VPCEndpoint, KMSKey}}},
		{"a role that may not be assumed", `{"eventSource":"sts.amazonaws.com","eventName":"AssumeRole","errorCode":"AccessDenied"}`,
			Explanation{Denied: true, Policy: Unknown, How: Undecided, Action: "sts:AssumeRole", Possible: []Policy{Identity, Resource, SCP, RCP, Boundary, Trust}}},
		{"an endpoint's own event", `{"eventCategory":"NetworkActivity","eventType":"AwsVpceEvent","eventSource":"s3.amazonaws.com","eventName":"PutObject","errorCode":"VpceAccessDenied","errorMessage":"The request was denied due to a VPC endpoint policy"}`,
			Explanation{Denied: true, Policy: VPCEndpoint, How: Undecided, Action: "s3:PutObject"}},
		{"a call that succeeded", `{"eventSource":"s3.amazonaws.com","eventName":"GetObject"}`,
			Explanation{Policy: Unknown, How: Undecided, Action: "s3:GetObject"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := FromRecord([]byte(test.record))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	if _, err := FromRecord([]byte(`{"errorCode":`)); err == nil {
		t.Error("half a record was read")
	}
}

type sts func(encoded string) (string, error)

func (f sts) DecodeAuthorizationMessage(_ context.Context, encoded string) (string, error) {
	return f(encoded)
}

func TestDecode(t *testing.T) {
	plain := Explain("You are not authorized to perform this operation. Encoded authorization failure message: abc", "UnauthorizedOperation")
	answer := func(text string, err error) sts { return func(string) (string, error) { return text, err } }
	whole := `{"allowed":false,"explicitDeny":%,"context":{"principal":{"arn":"arn:me"},"action":"ec2:StopInstances","resource":"arn:vm"}}`
	tests := []struct {
		name  string
		sts   sts
		how   How
		wrong bool
	}{
		{"an explicit deny", answer(strings.Replace(whole, "%", "true", 1), nil), Explicit, false},
		{"a missing allow", answer(strings.Replace(whole, "%", "false", 1), nil), Missing, false},
		{"not allowed to decode", answer("", errors.New("denied")), Undecided, true},
		{"no JSON", answer("x", nil), Undecided, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := plain.Decode(t.Context(), test.sts)
			if got.How != test.how || (err != nil) != test.wrong || !test.wrong && (got.Principal != "arn:me" || got.Action != "ec2:StopInstances" || got.Resource != "arn:vm") {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
	t.Run("longer than STS takes", func(t *testing.T) {
		long := Explanation{Encoded: strings.Repeat("a", 10241)}
		if _, err := long.Decode(t.Context(), answer(whole, nil)); err == nil {
			t.Error("sent")
		}
	})
	t.Run("nothing to decode", func(t *testing.T) {
		got, err := Explain(get).Decode(t.Context(), nil)
		if err != nil || got.Action != "s3:GetObject" {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

func TestStringIsASentenceForPeople(t *testing.T) {
	for _, test := range []struct {
		e    Explanation
		want string
	}{
		{Explain(get+"because no identity-based policy allows the s3:GetObject action", ""), "s3:GetObject on arn:aws:s3:::bucket/key is not allowed by the caller's own policies; more may be missing behind it"},
		{Explain(get+"with an explicit deny in a service control policy: arn:aws:organizations::1:policy/p", ""), "s3:GetObject on arn:aws:s3:::bucket/key is denied explicitly by a service control policy (arn:aws:organizations::1:policy/p)"},
		{Explain("", "AccessDenied"), "the call is denied by a policy that AWS does not name"},
		{Explain("", "DisabledException"), "the call is not possible: the KMS key is disabled or about to be deleted"},
		{Explain("all is well"), "not a denial"},
	} {
		if got := test.e.String(); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}

func FuzzExplain(f *testing.F) {
	f.Add(get+"with an explicit deny in an identity-based policy: arn:aws:iam::1:policy/x", "AccessDenied")
	f.Add("because no session policy allows with an explicit deny in a", "")
	f.Fuzz(func(t *testing.T, message, code string) {
		e := Explain(message, code)
		if e.Policy == "" || e.How == "" || strings.ContainsAny(e.String(), "\n\r") {
			t.Errorf("%+v", e)
		}
		if _, known := spoken[e.Policy]; !known {
			t.Errorf("policy %q", e.Policy)
		}
		for _, part := range []string{e.Principal, e.Action, e.Resource, e.PolicyARN, e.Encoded} {
			if !strings.Contains(message, part) {
				t.Errorf("%q is not in the message", part)
			}
		}
		if utf8.ValidString(message) && !utf8.ValidString(e.String()) {
			t.Errorf("%q", e.String())
		}
	})
}

func FuzzFromRecord(f *testing.F) {
	f.Add([]byte(`{"eventSource":"s3.amazonaws.com","errorCode":"AccessDenied","userIdentity":{"type":"AssumedRole"},"resources":[{"ARN":"x"}]}`))
	f.Fuzz(func(t *testing.T, record []byte) {
		if e, err := FromRecord(record); err == nil && e.Possible != nil && e.Policy != Unknown {
			t.Errorf("%+v", e)
		}
	})
}
