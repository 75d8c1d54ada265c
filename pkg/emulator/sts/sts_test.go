// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package sts_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/sts"
)

const approver = "arn:aws:iam::111122223333:role/approver"

// trust lets the role "signer" assume in anybody's name as long as it says whose, and the user ann in her own.
const trust = `{"Version":"2012-10-17","Statement":[
 {"Sid":"Signer","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/signer"},"Action":["sts:AssumeRole","sts:SetSourceIdentity"],"Condition":{"StringLike":{"sts:SourceIdentity":"*"}}},
 {"Sid":"Ann","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/ann"},"Action":["sts:AssumeRole","sts:SetSourceIdentity"],"Condition":{"StringEquals":{"sts:RoleSessionName":"ann"}}},
 {"Sid":"Account","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:RoleSessionName":"guest"}}}]}`

type rig struct {
	*testing.T
	world   *kernel.World
	service *sts.Service
}

func newRig(t *testing.T) *rig {
	t.Helper()
	w := kernel.NewWorld("111122223333", "us-east-1")
	r := &rig{t, w, sts.New(w)}
	stop, err := w.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	t.Setenv("AWS_ENDPOINT_URL", w.Endpoint)
	w.Identity.AddRole(kernel.Role{Name: "approver", ID: "AROAAPPROVER", Trust: &kernel.Policy{Raw: []byte(trust)}, Longest: 4 * time.Hour})
	return r
}

func (r *rig) sign(c kernel.Credentials) *sdk.Client {
	r.Helper()
	cfg, err := config.LoadDefaultConfig(context.Background(), config.WithRegion("us-east-1"), config.WithRetryMaxAttempts(1),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken)))
	if err != nil {
		r.Fatal(err)
	}
	return sdk.NewFromConfig(cfg)
}

func policies(statement string) map[string]json.RawMessage {
	if statement == "" {
		return nil
	}
	return map[string]json.RawMessage{"p": json.RawMessage(`{"Version":"2012-10-17","Statement":` + statement + `}`)}
}

// role is a client in a session of a role, user one of a user; each with one statement, or none.
func (r *rig) role(name, statement string) *sdk.Client {
	r.Helper()
	c, err := r.world.Identity.Session(r.world.Identity.AddRole(kernel.Role{Name: name, Policies: policies(statement)}).ARN, "s", "", nil)
	if err != nil {
		r.Fatal(err)
	}
	return r.sign(c)
}

func (r *rig) user(name, statement string) *sdk.Client {
	r.Helper()
	c, err := r.world.Identity.UserCredentials(r.world.Identity.AddUser(kernel.User{Name: name, Policies: policies(statement)}).ARN)
	if err != nil {
		r.Fatal(err)
	}
	return r.sign(c)
}

func checkCode(t *testing.T, err error, code string) {
	t.Helper()
	got := ""
	var api smithy.APIError
	switch {
	case errors.As(err, &api):
		got = api.ErrorCode()
	case err != nil:
		got = err.Error()
	}
	if got != code {
		t.Errorf("got error %q (%v), want %q", got, err, code)
	}
}

func TestWhoMayAssumeARole(t *testing.T) {
	const assume = `{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"` + approver + `"}`
	const assumeAndName = `{"Effect":"Allow","Action":["sts:AssumeRole","sts:SetSourceIdentity"],"Resource":"` + approver + `"}`
	tests := []struct {
		name              string
		role, user        string // who calls
		statement         string
		role2assume       string
		session, identity string
		wantReason        string // the end of the denial; empty: it is allowed
	}{
		{name: "the signer, in a person's name", role: "signer", statement: assumeAndName, session: "ann", identity: "ann"},
		{name: "the signer without a source identity", role: "signer", statement: assumeAndName, session: "ann", wantReason: "because no role trust policy allows the sts:AssumeRole action"},
		{name: "the signer without its own permission to set one", role: "signer", statement: assume, session: "ann", identity: "ann", wantReason: "because no identity-based policy allows the sts:SetSourceIdentity action"},
		{name: "another role", role: "other", statement: assumeAndName, session: "ann", identity: "ann", wantReason: "because no role trust policy allows the sts:AssumeRole action"},
		{name: "a user whom the trust policy names, without a permission of her own", user: "ann", session: "ann"},
		{name: "the same under another name", user: "ann", session: "bob", wantReason: "because no role trust policy allows the sts:AssumeRole action"},
		{name: "who is left to the account, with a permission", user: "eve", statement: assume, session: "guest"},
		{name: "who is left to the account, without", user: "eve", session: "guest", wantReason: "because no identity-based policy allows the sts:AssumeRole action"},
		{name: "who is left to the account may not set a source identity", user: "eve", statement: assumeAndName, session: "guest", identity: "ann", wantReason: "because no role trust policy allows the sts:SetSourceIdentity action"},
		{name: "a role that is not there", user: "eve", statement: `{"Effect":"Allow","Action":"*","Resource":"*"}`, role2assume: approver + "s", session: "ann", wantReason: "because no role trust policy allows the sts:AssumeRole action"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t)
			var client *sdk.Client
			if test.role != "" {
				client = r.role(test.role, test.statement)
			} else {
				client = r.user(test.user, test.statement)
			}
			in := &sdk.AssumeRoleInput{RoleArn: aws.String(approver), RoleSessionName: &test.session}
			if test.role2assume != "" {
				in.RoleArn = &test.role2assume
			}
			if test.identity != "" {
				in.SourceIdentity = &test.identity
			}
			_, err := client.AssumeRole(context.Background(), in)
			if test.wantReason == "" {
				checkCode(t, err, "")
				return
			}
			checkCode(t, err, "AccessDenied")
			if !strings.HasSuffix(err.Error(), test.wantReason) {
				t.Errorf("got %v, want it %s", err, test.wantReason)
			}
		})
	}
}

func TestSessionIsThePersonUntilItEnds(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	out, err := r.role("signer", `{"Effect":"Allow","Action":"sts:*","Resource":"*"}`).AssumeRole(ctx, &sdk.AssumeRoleInput{
		RoleArn: aws.String(approver), RoleSessionName: aws.String("ann"), SourceIdentity: aws.String("ann"), DurationSeconds: aws.Int32(900),
	})
	if err != nil {
		t.Fatal(err)
	}
	if *out.SourceIdentity != "ann" || *out.AssumedRoleUser.AssumedRoleId != "AROAAPPROVER:ann" {
		t.Errorf("assumed %+v as %s", out.AssumedRoleUser, *out.SourceIdentity)
	}
	if left := out.Credentials.Expiration.Sub(r.world.Clock.Now()); left > 15*time.Minute || left < 14*time.Minute {
		t.Errorf("the session lasts %v", left)
	}
	session := r.sign(kernel.Credentials{AccessKeyID: *out.Credentials.AccessKeyId, SecretAccessKey: *out.Credentials.SecretAccessKey, SessionToken: *out.Credentials.SessionToken})
	me, err := session.GetCallerIdentity(ctx, &sdk.GetCallerIdentityInput{})
	checkCode(t, err, "")
	if *me.Arn != "arn:aws:sts::111122223333:assumed-role/approver/ann" || *me.Account != "111122223333" || *me.UserId != "AROAAPPROVER:ann" {
		t.Errorf("I am %+v", me)
	}
	if p := r.world.Identity.Principal(*out.Credentials.AccessKeyId); p.SourceIdentity != "ann" {
		t.Errorf("source identity %q", p.SourceIdentity)
	}
	r.world.Clock.Advance(16 * time.Minute)
	_, err = session.GetCallerIdentity(ctx, &sdk.GetCallerIdentityInput{})
	checkCode(t, err, "ExpiredToken")
	if v := r.world.Violations(); len(v) > 0 {
		t.Errorf("violations: %q", v)
	}
}

func TestAssumeRoleJudgesItsParameters(t *testing.T) {
	tests := []struct {
		name     string
		change   func(*sdk.AssumeRoleInput)
		wantCode string
	}{
		{"as it should be", func(*sdk.AssumeRoleInput) {}, ""},
		{"a session's name with a space", func(in *sdk.AssumeRoleInput) { in.RoleSessionName = aws.String("ann lee") }, "ValidationError"},
		{"a session's name of one letter", func(in *sdk.AssumeRoleInput) { in.RoleSessionName = aws.String("a") }, "ValidationError"},
		{"a source identity with a slash", func(in *sdk.AssumeRoleInput) { in.SourceIdentity = aws.String("a/b") }, "ValidationError"},
		{"too short", func(in *sdk.AssumeRoleInput) { in.DurationSeconds = aws.Int32(899) }, "ValidationError"},
		{"longer than the role allows", func(in *sdk.AssumeRoleInput) { in.DurationSeconds = aws.Int32(5 * 3600) }, "ValidationError"},
		{"as long as the role allows, but from another role", func(in *sdk.AssumeRoleInput) { in.DurationSeconds = aws.Int32(4 * 3600) }, "ValidationError"},
		{"a session policy that is none", func(in *sdk.AssumeRoleInput) { in.Policy = aws.String("{}") }, "MalformedPolicyDocument"},
		{"session tags, which are not known here", func(in *sdk.AssumeRoleInput) { in.Tags = []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}} }, "InvalidParameterCombination"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t)
			in := &sdk.AssumeRoleInput{RoleArn: aws.String(approver), RoleSessionName: aws.String("ann"), SourceIdentity: aws.String("ann")}
			test.change(in)
			_, err := r.role("signer", `{"Effect":"Allow","Action":"sts:*","Resource":"*"}`).AssumeRole(context.Background(), in)
			checkCode(t, err, test.wantCode)
		})
	}
	t.Run("as long as the role allows, from a user", func(t *testing.T) {
		r := newRig(t)
		_, err := r.user("ann", "").AssumeRole(context.Background(), &sdk.AssumeRoleInput{RoleArn: aws.String(approver), RoleSessionName: aws.String("ann"), DurationSeconds: aws.Int32(4 * 3600)})
		checkCode(t, err, "")
	})
}

func TestSourceIdentityStaysThroughAChain(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	second := r.world.Identity.AddRole(kernel.Role{Name: "second", Trust: &kernel.Policy{Raw: []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + approver + `"},"Action":["sts:AssumeRole","sts:SetSourceIdentity"]}}`)}})
	r.world.Identity.AddRole(kernel.Role{Name: "approver", Trust: &kernel.Policy{Raw: []byte(trust)}, Policies: policies(`{"Effect":"Allow","Action":"sts:*","Resource":"*"}`)})
	c, err := r.world.Identity.Session(approver, "ann", "ann", nil)
	if err != nil {
		t.Fatal(err)
	}
	out, err := r.sign(c).AssumeRole(ctx, &sdk.AssumeRoleInput{RoleArn: &second.ARN, RoleSessionName: aws.String("anything")})
	checkCode(t, err, "")
	if err == nil && aws.ToString(out.SourceIdentity) != "ann" {
		t.Errorf("source identity %q", aws.ToString(out.SourceIdentity))
	}
	_, err = r.sign(c).AssumeRole(ctx, &sdk.AssumeRoleInput{RoleArn: &second.ARN, RoleSessionName: aws.String("anything"), SourceIdentity: aws.String("bob")})
	checkCode(t, err, "AccessDenied")
}

func TestDecodeAuthorizationMessage(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	code := r.service.Encode(`{"allowed":false,"explicitDeny":false}`)
	client := r.role("reader", `{"Effect":"Allow","Action":"sts:DecodeAuthorizationMessage","Resource":"*"}`)
	out, err := client.DecodeAuthorizationMessage(ctx, &sdk.DecodeAuthorizationMessageInput{EncodedMessage: &code})
	checkCode(t, err, "")
	if err == nil && *out.DecodedMessage != `{"allowed":false,"explicitDeny":false}` {
		t.Errorf("decoded %s", *out.DecodedMessage)
	}
	_, err = client.DecodeAuthorizationMessage(ctx, &sdk.DecodeAuthorizationMessageInput{EncodedMessage: aws.String("abc")})
	checkCode(t, err, "InvalidAuthorizationMessageException")
	_, err = r.role("other", "").DecodeAuthorizationMessage(ctx, &sdk.DecodeAuthorizationMessageInput{EncodedMessage: &code})
	checkCode(t, err, "AccessDenied")
	_, err = client.GetSessionToken(ctx, &sdk.GetSessionTokenInput{})
	checkCode(t, err, "InvalidAction")
}
