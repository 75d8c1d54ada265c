// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package kernel

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	account = "111122223333"
	bucket  = "arn:aws:s3:::example-bucket"
)

// policyOf makes a document of statements in JSON.
func policyOf(statements ...string) json.RawMessage {
	return json.RawMessage(`{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`)
}

// signedIn is a world with the role "reader" that has the given policies, and a session "ann" of it.
func signedIn(t *testing.T, role Role, sourceIdentity string, session json.RawMessage) (*World, Principal) {
	t.Helper()
	w := NewWorld(account, "us-east-1")
	role.Name, role.ID = "reader", "AROAREADER"
	added := w.Identity.AddRole(role)
	credentials, err := w.Identity.Session(added.ARN, "ann", sourceIdentity, session)
	if err != nil {
		t.Fatal(err)
	}
	return w, w.Identity.Principal(credentials.AccessKeyID)
}

func TestAuthorizeByPolicies(t *testing.T) {
	const allow = `{"Sid":"Read","Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws:s3:::example-bucket/*"}`
	const denyAll = `{"Effect":"Deny","Action":"s3:*","Resource":"*"}`
	const bySession = `{"Effect":"Allow","Principal":{"AWS":"arn:aws:sts::111122223333:assumed-role/reader/ann"},"Action":"*","Resource":"*"}`
	const byRole = `{"Sid":"R","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/reader"},"Action":"*","Resource":"*"}`
	const byRoot = `{"Sid":"A","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"*","Resource":"*"}`
	const silence = `{"Effect":"Allow","Action":"ec2:*","Resource":"*"}`
	tests := []struct {
		name               string
		identity, resource string // statements
		boundary, session  string
		action             string // s3:GetObject unless said
		want               string // the end of the denial; empty is allowed
		grants             []string
	}{
		{name: "an identity policy allows", identity: allow, grants: []string{"reader/p#Read"}},
		{name: "nothing allows", want: "because no identity-based policy allows the s3:GetObject action"},
		{name: "another action is not allowed", identity: allow, action: "s3:PutObject", want: "because no identity-based policy allows the s3:PutObject action"},
		{name: "actions have no case", identity: `{"Effect":"Allow","Action":"S3:getobject","Resource":"*"}`, grants: []string{"reader/p#0"}},
		{name: "an explicit deny wins", identity: allow + "," + denyAll, want: "with an explicit deny in an identity-based policy"},
		{name: "NotAction leaves the rest", identity: `{"Effect":"Allow","NotAction":"s3:Put*","Resource":"*"}`, grants: []string{"reader/p#0"}},
		{name: "NotAction excludes what it names", identity: `{"Effect":"Allow","NotAction":"s3:Get*","Resource":"*"}`, want: "because no identity-based policy allows the s3:GetObject action"},
		{name: "NotResource excludes what it names", identity: `{"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::example-*"}`, want: "because no identity-based policy allows the s3:GetObject action"},
		{name: "a resource policy naming the role allows", resource: byRole, grants: []string{"resource:" + bucket + "/k#R"}},
		{name: "a resource policy naming the account leaves it to the identity", resource: byRoot, want: "because no identity-based policy allows the s3:GetObject action"},
		{
			name: "a resource policy denies", identity: allow, resource: `{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}`,
			want: "with an explicit deny in a resource-based policy",
		},
		{name: "a boundary that is silent limits", identity: allow, boundary: silence, want: "because no permissions boundary allows the s3:GetObject action"},
		{name: "a boundary that allows does not", identity: allow, boundary: allow, grants: []string{"reader/boundary#Read", "reader/p#Read"}},
		{name: "a boundary denies", identity: allow, boundary: denyAll, want: "with an explicit deny in a permissions boundary"},
		{name: "a boundary limits what the role is given by a resource", resource: byRole, boundary: silence, want: "because no permissions boundary allows the s3:GetObject action"},
		{name: "a boundary does not limit what the session itself is given", resource: bySession, boundary: silence, grants: []string{"resource:" + bucket + "/k#0"}},
		{name: "a session policy that is silent limits", identity: allow, session: silence, want: "because no session policy allows the s3:GetObject action"},
		{name: "a session policy denies", identity: allow, session: denyAll, want: "with an explicit deny in a session policy"},
		{name: "a key needs its own policy", identity: `{"Effect":"Allow","Action":"*","Resource":"*"}`, action: "kms:Decrypt", want: "because no resource-based policy allows the kms:Decrypt action"},
		{name: "a key that leaves it to the account needs the identity", resource: byRoot, action: "kms:Decrypt", want: "because no identity-based policy allows the kms:Decrypt action"},
		{
			name: "a key that leaves it to the account is content with the identity", identity: `{"Effect":"Allow","Action":"kms:*","Resource":"*"}`, resource: byRoot,
			action: "kms:Decrypt", grants: []string{"reader/p#0", "resource:" + bucket + "/k#A"},
		},
		{name: "a key that names the role is enough", resource: byRole, action: "kms:Decrypt", grants: []string{"resource:" + bucket + "/k#R"}},
		{name: "a trust policy that is silent", identity: `{"Effect":"Allow","Action":"*","Resource":"*"}`, action: "sts:AssumeRole", want: "because no role trust policy allows the sts:AssumeRole action"},
		{name: "a source identity needs both policies", resource: byRole, action: "sts:SetSourceIdentity", want: "because no identity-based policy allows the sts:SetSourceIdentity action"},
		{
			name: "NotPrincipal denies a role whose session is not listed", identity: allow,
			resource: `{"Effect":"Deny","NotPrincipal":{"AWS":["arn:aws:iam::111122223333:role/reader","111122223333"]},"Action":"*","Resource":"*"}`,
			want:     "with an explicit deny in a resource-based policy",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			role := Role{Policies: map[string]json.RawMessage{}}
			if test.identity != "" {
				role.Policies["p"] = policyOf(test.identity)
			}
			if test.boundary != "" {
				role.Boundary = policyOf(test.boundary)
			}
			var session json.RawMessage
			if test.session != "" {
				session = policyOf(test.session)
			}
			w, ann := signedIn(t, role, "", session)
			access := Access{Action: "s3:GetObject", Resources: []string{bucket + "/k"}}
			if test.action != "" {
				access.Action = test.action
			}
			if test.resource != "" {
				access.Policy = &Policy{Raw: policyOf(test.resource)}
			}
			grants, err := w.Authorize(ann, "s3", "us-east-1", access)
			checkDenial(t, err, test.want)
			if diff := cmp.Diff(test.grants, grants); diff != "" {
				t.Errorf("grants (-want +got):\n%s", diff)
			}
		})
	}
}

// checkDenial fails the test unless err is a denial that ends in want, or nil for an empty want.
func checkDenial(t *testing.T, err error, want string) {
	t.Helper()
	if want == "" && err != nil {
		t.Errorf("denied: %v", err)
	}
	if want != "" && (err == nil || !strings.HasSuffix(err.Error(), want)) {
		t.Errorf("got %v, want it denied %s", err, want)
	}
}

func TestConditions(t *testing.T) {
	tests := []struct {
		name      string
		condition string
		given     map[string]string
		sets      map[string][]string
		want      bool
	}{
		{name: "StringEquals meets one of several values", condition: `{"StringEquals":{"x:k":["a","b"]}}`, given: map[string]string{"x:k": "b"}, want: true},
		{name: "StringEquals knows no wildcard", condition: `{"StringEquals":{"x:k":"a*"}}`, given: map[string]string{"x:k": "ab"}},
		{name: "StringEquals fails on a missing key", condition: `{"StringEquals":{"x:k":"a"}}`},
		{name: "StringEqualsIfExists holds on a missing key", condition: `{"StringEqualsIfExists":{"x:k":"a"}}`, want: true},
		{name: "StringNotEquals holds on a missing key", condition: `{"StringNotEquals":{"x:k":"a"}}`, want: true},
		{name: "StringNotEquals must differ from all values", condition: `{"StringNotEquals":{"x:k":["a","b"]}}`, given: map[string]string{"x:k": "b"}},
		{name: "StringLike knows wildcards", condition: `{"StringLike":{"x:k":"a*c?"}}`, given: map[string]string{"x:k": "abbcd"}, want: true},
		{name: "StringNotLike is its negation", condition: `{"StringNotLike":{"x:k":"*:ann"}}`, given: map[string]string{"x:k": "AROA:bob"}, want: true},
		{name: "keys have no case", condition: `{"StringEquals":{"X:K":"a"}}`, given: map[string]string{"x:k": "a"}, want: true},
		{name: "StringEqualsIgnoreCase", condition: `{"StringEqualsIgnoreCase":{"x:k":"A"}}`, given: map[string]string{"x:k": "a"}, want: true},
		{name: "all operators must hold", condition: `{"StringEquals":{"x:k":"a"},"StringLike":{"x:l":"*"}}`, given: map[string]string{"x:k": "a"}},
		{name: "ArnLike knows wildcards in each part", condition: `{"ArnLike":{"x:k":"arn:aws:sns:*:111122223333:reply-?"}}`, given: map[string]string{"x:k": "arn:aws:sns:us-east-1:111122223333:reply-1"}, want: true},
		{name: "ArnLike's wildcard ends at the colon", condition: `{"ArnLike":{"x:k":"arn:aws:sns:*:reply"}}`, given: map[string]string{"x:k": "arn:aws:sns:us-east-1:111122223333:reply"}},
		{name: "ArnNotEquals holds on a missing key", condition: `{"ArnNotEquals":{"x:k":"arn:aws:iam::111122223333:user/a"}}`, want: true},
		{name: "Bool", condition: `{"Bool":{"aws:SecureTransport":true}}`, want: true},
		{name: "Null true is for a missing key", condition: `{"Null":{"x:k":"true"}}`, want: true},
		{name: "Null false is for a key that is there", condition: `{"Null":{"x:k":false}}`, given: map[string]string{"x:k": ""}, want: true},
		{name: "NumericLessThanEquals", condition: `{"NumericLessThanEquals":{"x:k":10}}`, given: map[string]string{"x:k": "9.5"}, want: true},
		{name: "NumericEquals refuses what is no number", condition: `{"NumericEquals":{"x:k":"0"}}`, given: map[string]string{"x:k": "zero"}},
		{name: "DateGreaterThan the past", condition: `{"DateGreaterThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}}`, want: true},
		{name: "DateLessThan the past", condition: `{"DateLessThan":{"aws:EpochTime":"1577836800"}}`},
		{name: "IpAddress in a range", condition: `{"IpAddress":{"aws:SourceIp":"127.0.0.0/8"}}`, want: true},
		{name: "NotIpAddress in a range", condition: `{"NotIpAddress":{"aws:SourceIp":["10.0.0.0/8","127.0.0.1"]}}`},
		{name: "ForAllValues holds on a missing key", condition: `{"ForAllValues:StringEquals":{"x:k":"a"}}`, want: true},
		{name: "ForAllValues wants each value", condition: `{"ForAllValues:StringEquals":{"x:k":["a","b"]}}`, sets: map[string][]string{"x:k": {"a", "c"}}},
		{name: "ForAnyValue wants one", condition: `{"ForAnyValue:StringLike":{"x:k":"c*"}}`, sets: map[string][]string{"x:k": {"a", "c"}}, want: true},
		{name: "ForAnyValue fails on a missing key", condition: `{"ForAnyValue:StringNotEquals":{"x:k":"a"}}`},
		{name: "aws:userid of a session", condition: `{"StringLike":{"aws:userid":"*:ann"}}`, want: true},
		{name: "aws:PrincipalArn of a session is the role", condition: `{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/reader"}}`, want: true},
		{name: "aws:SourceIdentity", condition: `{"StringEquals":{"aws:SourceIdentity":"ann"}}`, want: true},
		{name: "aws:PrincipalTag", condition: `{"StringEquals":{"aws:PrincipalTag/team":"edge"}}`, want: true},
		{name: "a policy variable", condition: `{"StringEquals":{"x:k":"${aws:PrincipalTag/team}-1"}}`, given: map[string]string{"x:k": "edge-1"}, want: true},
		{name: "a variable without a value matches nothing", condition: `{"StringLike":{"x:k":"${aws:username}*"}}`, given: map[string]string{"x:k": "a"}},
		{name: "a variable's fallback", condition: `{"StringEquals":{"x:k":"${aws:username, 'nobody'}"}}`, given: map[string]string{"x:k": "nobody"}, want: true},
		{name: "a literal star", condition: `{"StringLike":{"x:k":"${*}"}}`, given: map[string]string{"x:k": "a"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			role := Role{Tags: map[string]string{"team": "edge"}, Policies: map[string]json.RawMessage{
				"p": policyOf(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":` + test.condition + `}`),
			}}
			w, ann := signedIn(t, role, "ann", nil)
			_, err := w.Authorize(ann, "x", "us-east-1", Access{Action: "x:Do", Conditions: test.given, Sets: test.sets})
			if (err == nil) != test.want {
				t.Errorf("got %v, want allowed %v", err, test.want)
			}
		})
	}
}

func TestDenialsAreWordedByService(t *testing.T) {
	tests := []struct {
		service, action, resource string
		want                      APIError
	}{
		{"s3", "s3:PutObject", bucket + "/k", APIError{
			Code: "AccessDenied", Status: 403,
			Message: `User: arn:aws:sts::111122223333:assumed-role/reader/ann is not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::example-bucket/k" because no identity-based policy allows the s3:PutObject action`,
		}},
		{"ssm", "ssm:SendAutomationSignal", "arn:aws:ssm:us-east-1:111122223333:automation-execution/1", APIError{
			Code: "AccessDeniedException", Status: 400,
			Message: `User: arn:aws:sts::111122223333:assumed-role/reader/ann is not authorized to perform: ssm:SendAutomationSignal on resource: arn:aws:ssm:us-east-1:111122223333:automation-execution/1 because no identity-based policy allows the ssm:SendAutomationSignal action`,
		}},
		{"monitoring", "cloudwatch:GetMetricData", "*", APIError{
			Code: "AccessDenied", Status: 403,
			Message: `User: arn:aws:sts::111122223333:assumed-role/reader/ann is not authorized to perform: cloudwatch:GetMetricData because no identity-based policy allows the cloudwatch:GetMetricData action`,
		}},
	}
	for _, test := range tests {
		t.Run(test.service, func(t *testing.T) {
			w, ann := signedIn(t, Role{}, "", nil)
			_, err := w.Authorize(ann, test.service, "us-east-1", Access{Action: test.action, Resources: []string{test.resource}})
			if diff := cmp.Diff(&test.want, err); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestServiceMay(t *testing.T) {
	policy := &Policy{Raw: policyOf(`{"Sid":"Topics","Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"*",
		"Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:sns:us-east-1:111122223333:reply-*"},"StringEquals":{"aws:SourceAccount":"111122223333"}}}`)}
	const function = "arn:aws:lambda:us-east-1:111122223333:function:approve"
	tests := []struct {
		name, service, source string
		policy                *Policy
		wantOutcome           string
	}{
		{"the service on behalf of the source", "sns.amazonaws.com", "arn:aws:sns:us-east-1:111122223333:reply-1", policy, "ok"},
		{"on behalf of another source", "sns.amazonaws.com", "arn:aws:sns:us-east-1:111122223333:other", policy, "AccessDeniedException"},
		{"from another account", "sns.amazonaws.com", "arn:aws:sns:us-east-1:444455556666:reply-1", policy, "AccessDeniedException"},
		{"another service", "events.amazonaws.com", "arn:aws:sns:us-east-1:111122223333:reply-1", policy, "AccessDeniedException"},
		{"without a policy", "sns.amazonaws.com", "arn:aws:sns:us-east-1:111122223333:reply-1", nil, "AccessDeniedException"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := NewWorld(account, "us-east-1")
			err := w.ServiceMay(test.service, test.source, "lambda:InvokeFunction", function, test.policy, nil)
			lines := w.Journal.Lines()
			if len(lines) != 1 || lines[0].Outcome != test.wantOutcome || (err == nil) != (test.wantOutcome == "ok") {
				t.Errorf("got %v, journal %+v, want %s", err, lines, test.wantOutcome)
			}
		})
	}
}

func TestOperatorIsAnAdministratorButNoGod(t *testing.T) {
	w := NewWorld(account, "us-east-1")
	operator := w.Identity.Principal("ANY")
	if _, err := w.Authorize(operator, "s3", "us-east-1", Access{Action: "s3:PutObject", Resources: []string{bucket}}); err != nil {
		t.Error(err)
	}
	denied := &Policy{Raw: policyOf(`{"Effect":"Deny","Principal":"*","Action":"sns:Publish","Resource":"*","Condition":{"ArnNotEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/owner"}}}`)}
	_, err := w.Authorize(operator, "sns", "us-east-1", Access{Action: "sns:Publish", Resources: []string{"arn:aws:sns:us-east-1:111122223333:reply"}, Policy: denied})
	checkDenial(t, err, "with an explicit deny in a resource-based policy")
}

func TestCredentialsEnd(t *testing.T) {
	w := NewWorld(account, "us-east-1")
	role := w.Identity.AddRole(Role{Name: "reader"})
	credentials, err := w.Identity.SessionUntil(w.Clock.Now().Add(time.Hour), role.ARN, "ann", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Identity.signer(credentials.AccessKeyID, credentials.SessionToken, w.Clock.Now()); err != nil {
		t.Error(err)
	}
	_, err = w.Identity.signer(credentials.AccessKeyID, "", w.Clock.Now())
	checkDenial(t, err, "The security token included in the request is invalid.")
	w.Clock.Advance(2 * time.Hour)
	_, err = w.Identity.signer(credentials.AccessKeyID, credentials.SessionToken, w.Clock.Now())
	checkDenial(t, err, "The security token included in the request is expired")
}

func TestParsePolicyRefuses(t *testing.T) {
	for name, raw := range map[string]string{
		"no JSON":                 `Allow`,
		"an unknown element":      `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Reason":"x"}}`,
		"an unknown version":      `{"Version":"2026-01-01","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`,
		"no statement":            `{"Version":"2012-10-17","Statement":[]}`,
		"no action":               `{"Statement":{"Effect":"Allow","Resource":"*"}}`,
		"Action and NotAction":    `{"Statement":{"Effect":"Allow","Action":"*","NotAction":"*","Resource":"*"}}`,
		"an action of no service": `{"Statement":{"Effect":"Allow","Action":"GetObject","Resource":"*"}}`,
		"another effect":          `{"Statement":{"Effect":"allow","Action":"*","Resource":"*"}}`,
		"an unknown operator":     `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringIs":{"a:b":"c"}}}}`,
		"an unknown principal":    `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Principal":{"Person":"*"}}}`,
		"two documents":           `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}{}`,
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := ParsePolicy([]byte(raw)); err == nil {
				t.Error("taken")
			}
		})
	}
}

func FuzzParsePolicy(f *testing.F) {
	f.Add([]byte(`{"Version":"2012-10-17","Statement":{"Sid":"a","Effect":"Deny","Principal":"*","NotAction":["s3:*"],"NotResource":"${aws:userid}","Condition":{"Null":{"a:b":true}}}}`))
	f.Add([]byte(`{"Statement":[{"Effect":"Allow","NotPrincipal":{"AWS":["1"]},"Action":"*","Condition":{"ForAllValues:NumericLessThanIfExists":{"a:b":[1,"2"]}}}]}`))
	w := NewWorld(account, "us-east-1")
	caller := Principal{ARN: "arn:aws:sts::111122223333:assumed-role/r/s", IAM: "arn:aws:iam::111122223333:role/r", Account: account}
	context := w.context(caller, "us-east-1", Access{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, err := parseDocument(raw)
		if err != nil {
			return
		}
		v := d.ask(question{caller: caller, action: "s3:GetObject", resource: bucket, context: context}, "p", true)
		if v.reach > nobody && len(v.grants) == 0 {
			t.Errorf("allowed by nothing: %s", raw)
		}
	})
}

func FuzzGlob(f *testing.F) {
	f.Add("a*b?c", "axxbyc")
	f.Add("*", "")
	f.Add("arn:aws:s3:::b/*/current", "arn:aws:s3:::b/incidents/current")
	f.Add("**?é", "xé")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if len(pattern)*len(s) > 4000 {
			return
		}
		if got, want := Glob(pattern, s), globSlowly([]rune(pattern), []rune(s)); got != want {
			t.Errorf("Glob(%q, %q) is %v, want %v", pattern, s, got, want)
		}
	})
}

// globSlowly is Glob by its definition, with a table.
func globSlowly(pattern, s []rune) bool {
	row := make([]bool, len(s)+1) // row[i]: the pattern so far matches s[:i]
	row[0] = true
	for _, p := range pattern {
		next := make([]bool, len(s)+1)
		for i := range next {
			switch {
			case p == '*':
				next[i] = row[i] || (i > 0 && next[i-1])
			case i > 0 && (p == '?' || p == s[i-1]):
				next[i] = row[i-1]
			}
		}
		row = next
	}
	return row[len(s)]
}
