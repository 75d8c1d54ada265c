// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package iam_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"cloudfront503/pkg/emulator/iam"
	"cloudfront503/pkg/emulator/kernel"
)

const (
	trust   = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}}`
	reading = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:GetRole","Resource":"arn:aws:iam::111122223333:role/edge/worker"}}`
	managed = "arn:aws:iam::aws:policy/AWSLambdaBasicExecutionRole"
)

// newRig is a world with the role edge/worker, a client of the operator and one in that role.
func newRig(t *testing.T) (w *kernel.World, operator, worker *sdk.Client) {
	t.Helper()
	w = kernel.NewWorld("111122223333", "us-east-1")
	iam.New(w)
	stop, err := w.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	t.Setenv("AWS_ENDPOINT_URL", w.Endpoint)
	role := w.Identity.AddRole(kernel.Role{
		Name: "worker", ARN: "arn:aws:iam::111122223333:role/edge/worker", Trust: &kernel.Policy{Raw: []byte(trust)},
		Policies: map[string]json.RawMessage{"read": json.RawMessage(reading), managed: json.RawMessage(reading)},
	})
	c, err := w.Identity.Session(role.ARN, "s", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	return w, sign(t, kernel.Credentials{AccessKeyID: "ANY", SecretAccessKey: "any"}), sign(t, c)
}

func sign(t *testing.T, c kernel.Credentials) *sdk.Client {
	t.Helper()
	cfg, err := config.LoadDefaultConfig(context.Background(), config.WithRegion("us-east-1"), config.WithRetryMaxAttempts(1),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken)))
	if err != nil {
		t.Fatal(err)
	}
	return sdk.NewFromConfig(cfg)
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
		t.Fatalf("got error %q (%v), want %q", got, err, code)
	}
}

// checkDocument fails the test unless the escaped document is want.
func checkDocument(t *testing.T, escaped *string, want string) {
	t.Helper()
	got, err := url.PathUnescape(aws.ToString(escaped))
	if err != nil || got != want {
		t.Errorf("document %s, %v, want %s", got, err, want)
	}
}

func TestRolesAreRead(t *testing.T) {
	w, operator, worker := newRig(t)
	ctx := context.Background()
	name := aws.String("worker")
	got, err := worker.GetRole(ctx, &sdk.GetRoleInput{RoleName: name})
	checkCode(t, err, "")
	checkDocument(t, got.Role.AssumeRolePolicyDocument, trust)
	if *got.Role.Arn != "arn:aws:iam::111122223333:role/edge/worker" || *got.Role.Path != "/edge/" || *got.Role.MaxSessionDuration != 3600 {
		t.Errorf("role %+v", got.Role)
	}
	inline, err := operator.ListRolePolicies(ctx, &sdk.ListRolePoliciesInput{RoleName: name})
	checkCode(t, err, "")
	if diff := cmp.Diff([]string{"read"}, inline.PolicyNames); diff != "" {
		t.Errorf("inline policies (-want +got):\n%s", diff)
	}
	attached, err := operator.ListAttachedRolePolicies(ctx, &sdk.ListAttachedRolePoliciesInput{RoleName: name})
	checkCode(t, err, "")
	if len(attached.AttachedPolicies) != 1 || *attached.AttachedPolicies[0].PolicyArn != managed || *attached.AttachedPolicies[0].PolicyName != "AWSLambdaBasicExecutionRole" {
		t.Errorf("attached policies %+v", attached.AttachedPolicies)
	}
	policy, err := operator.GetRolePolicy(ctx, &sdk.GetRolePolicyInput{RoleName: name, PolicyName: aws.String("read")})
	checkCode(t, err, "")
	checkDocument(t, policy.PolicyDocument, reading)
	roles, err := operator.ListRoles(ctx, &sdk.ListRolesInput{PathPrefix: aws.String("/edge/")})
	checkCode(t, err, "")
	if len(roles.Roles) != 1 {
		t.Errorf("roles %+v", roles.Roles)
	}
	if v := w.Violations(); len(v) > 0 {
		t.Errorf("violations: %q", v)
	}
}

func TestWhatIsNotThereOrNotAllowed(t *testing.T) {
	_, operator, worker := newRig(t)
	ctx := context.Background()
	_, err := operator.GetRole(ctx, &sdk.GetRoleInput{RoleName: aws.String("nobody")})
	checkCode(t, err, "NoSuchEntity")
	_, err = operator.GetRolePolicy(ctx, &sdk.GetRolePolicyInput{RoleName: aws.String("worker"), PolicyName: aws.String("write")})
	checkCode(t, err, "NoSuchEntity")
	_, err = operator.GetUser(ctx, &sdk.GetUserInput{UserName: aws.String("nobody")})
	checkCode(t, err, "NoSuchEntity")
	_, err = worker.ListRolePolicies(ctx, &sdk.ListRolePoliciesInput{RoleName: aws.String("worker")})
	checkCode(t, err, "AccessDenied")
	_, err = operator.DeleteRole(ctx, &sdk.DeleteRoleInput{RoleName: aws.String("worker")})
	checkCode(t, err, "InvalidAction")
}

func TestTrustIsChanged(t *testing.T) {
	w, operator, _ := newRig(t)
	ctx := context.Background()
	const changed = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":["edgelambda.amazonaws.com","lambda.amazonaws.com"]},"Action":"sts:AssumeRole"}}`
	_, err := operator.UpdateAssumeRolePolicy(ctx, &sdk.UpdateAssumeRolePolicyInput{RoleName: aws.String("worker"), PolicyDocument: aws.String(changed)})
	checkCode(t, err, "")
	if role, _ := w.Identity.RoleNamed("worker"); string(role.Trust.Raw) != changed {
		t.Errorf("trust %s", role.Trust.Raw)
	}
	_, err = operator.UpdateAssumeRolePolicy(ctx, &sdk.UpdateAssumeRolePolicyInput{RoleName: aws.String("worker"), PolicyDocument: aws.String("{}")})
	checkCode(t, err, "MalformedPolicyDocument")
	const nobody = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:AssumeRole"}}`
	_, err = operator.UpdateAssumeRolePolicy(ctx, &sdk.UpdateAssumeRolePolicyInput{RoleName: aws.String("worker"), PolicyDocument: aws.String(nobody)})
	checkCode(t, err, "MalformedPolicyDocument")
	long := strings.Replace(changed, `"Effect"`, `"Sid":"`+strings.Repeat("x", 2048)+`","Effect"`, 1)
	_, err = operator.UpdateAssumeRolePolicy(ctx, &sdk.UpdateAssumeRolePolicyInput{RoleName: aws.String("worker"), PolicyDocument: aws.String(long)})
	checkCode(t, err, "LimitExceeded")
	if role, _ := w.Identity.RoleNamed("worker"); string(role.Trust.Raw) != changed {
		t.Errorf("what was refused was written: %s", role.Trust.Raw)
	}
}

// trail keeps what was recorded.
type trail []kernel.TrailEvent

// Record is part of kernel.Trail.
func (t *trail) Record(event kernel.TrailEvent) string { *t = append(*t, event); return "event" }

func TestAChangeOfTrustIsRecordedWhetherItWasDoneOrNot(t *testing.T) {
	w := kernel.NewWorld("111122223333", "us-east-1")
	s := iam.New(w)
	kept := &trail{}
	w.Trail = kept
	w.Identity.AddRole(kernel.Role{Name: "worker", Trust: &kernel.Policy{Raw: []byte(trust)}})
	if s.ChangeTrust("worker", kernel.Principal{}, trust) != nil || s.ChangeTrust("worker", kernel.Principal{}, "{}") == nil || s.ChangeTrust("nobody", kernel.Principal{}, trust) == nil {
		t.Error("a change was done or refused wrongly")
	}
	if len(*kept) != 2 || (*kept)[0].Error != nil || (*kept)[1].Error == nil || (*kept)[1].Error.Code != "MalformedPolicyDocument" {
		t.Errorf("recorded %+v", *kept)
	}
}

func TestUsersAreRead(t *testing.T) {
	w, operator, _ := newRig(t)
	ctx := context.Background()
	w.Identity.AddUser(kernel.User{Name: "ann"})
	got, err := operator.GetUser(ctx, &sdk.GetUserInput{UserName: aws.String("ann")})
	checkCode(t, err, "")
	if *got.User.Arn != "arn:aws:iam::111122223333:user/ann" {
		t.Errorf("user %+v", got.User)
	}
	me, err := operator.GetUser(ctx, &sdk.GetUserInput{})
	checkCode(t, err, "")
	if *me.User.UserName != "operator" {
		t.Errorf("I am %+v", me.User)
	}
}
