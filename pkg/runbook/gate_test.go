// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package runbook_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"

	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/lean"
	"cloudfront503/pkg/lean/ssm"
	"cloudfront503/pkg/runbook"
)

var begun = time.Date(2026, 11, 24, 3, 41, 0, 0, time.UTC)

func step(name, action, status string, outputs map[string][]string) ssm.StepExecution {
	return ssm.StepExecution{
		StepName: &name, Action: &action, StepStatus: ssm.AutomationExecutionStatus(status), Outputs: outputs, ExecutionStartTime: &lean.Time{Time: begun},
	}
}

func execution(status, current string, steps ...ssm.StepExecution) *ssm.AutomationExecution {
	return &ssm.AutomationExecution{
		AutomationExecutionId: aws.String(executionID), DocumentName: aws.String("cf503-RestoreDistribution"), DocumentVersion: aws.String("3"),
		AutomationExecutionStatus: ssm.AutomationExecutionStatus(status), CurrentStepName: &current, StepExecutions: steps,
		Parameters: map[string][]string{"Hash": {hash}}, ExecutionStartTime: &lean.Time{Time: begun},
	}
}

func gates(e *ssm.AutomationExecution) runbook.Gates {
	return runbook.Gates{SSM: &fakeSSM{get: func(string) (*ssm.GetAutomationExecutionOutput, error) {
		return &ssm.GetAutomationExecutionOutput{AutomationExecution: e}, nil
	}}}
}

func TestWhereAnExecutionStands(t *testing.T) {
	t.Parallel()
	yes, no := map[string][]string{"ApprovalStatus": {"Approved"}}, map[string][]string{"ApprovalStatus": {"Rejected"}}
	gate := func(status string, outputs map[string][]string) ssm.StepExecution {
		return step("Approve", "aws:approve", status, outputs)
	}
	claim := step("Claim", "aws:invokeLambdaFunction", "Success", nil)
	tests := []struct {
		name                              string
		execution                         *ssm.AutomationExecution
		waiting, approved, decided, ended bool
	}{
		{"before the gate", execution("InProgress", "Claim", claim), false, false, false, false},
		{"the gate is listed but pending", execution("InProgress", "Claim", claim, ssm.StepExecution{StepName: aws.String("Approve"), Action: aws.String("aws:approve"), StepStatus: "Pending"}), false, false, false, false},
		{"at the gate", execution("Waiting", "Approve", claim, gate("Waiting", nil)), true, false, false, false},
		{"at the gate, in other words", execution("InProgress", "Approve", claim, gate("InProgress", nil)), true, false, false, false},
		{"behind an approved gate", execution("InProgress", "Apply", claim, gate("Success", yes), step("Apply", "aws:invokeLambdaFunction", "InProgress", nil)), false, true, true, false},
		{"behind an approved gate without outputs", execution("InProgress", "Apply", gate("Approved", nil)), false, true, true, false},
		{"a gate that succeeded but says rejected", execution("InProgress", "Apply", gate("Success", no)), false, false, true, false},
		{"rejected, marked as failed", execution("InProgress", "NoteNotApproved", gate("Failed", no)), false, false, true, false},
		{"rejected, marked as rejected", execution("Rejected", "", gate("Rejected", no)), false, false, true, true},
		{"timed out and caught, so a success", execution("Success", "", gate("TimedOut", nil)), false, false, true, true},
		{"statuses nobody has heard of", execution("Pondering", "Approve", gate("Musing", nil)), false, false, false, false},
		{"one of two gates approved", execution("InProgress", "Second", gate("Success", yes), step("Second", "aws:approve", "Waiting", nil)), true, false, true, false},
		{"no gate at all", execution("Success", "", claim), false, false, false, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := gates(test.execution).Gate(t.Context(), executionID)
			if err != nil {
				t.Fatal(err)
			}
			if got.Waiting != test.waiting || got.Approved != test.approved || got.Decided != test.decided || got.Ended != test.ended {
				t.Errorf("waiting %t approved %t decided %t ended %t", got.Waiting, got.Approved, got.Decided, got.Ended)
			}
			if got.Document != "cf503-RestoreDistribution" || got.Version != "3" || got.Parameters["Hash"][0] != hash {
				t.Errorf("state %+v", got)
			}
		})
	}
}

func TestTruncatedStepsAreReadOn(t *testing.T) {
	t.Parallel()
	e := execution("InProgress", "Apply", step("Claim", "aws:invokeLambdaFunction", "Success", nil))
	e.StepExecutionsTruncated = true
	fake := &fakeSSM{
		get: func(string) (*ssm.GetAutomationExecutionOutput, error) {
			return &ssm.GetAutomationExecutionOutput{AutomationExecution: e}, nil
		},
		steps: [][]ssm.StepExecution{
			{step("Claim", "aws:invokeLambdaFunction", "Success", nil)},
			{step("Approve", "aws:approve", "Success", nil), step("Apply", "aws:invokeLambdaFunction", "InProgress", nil)},
		},
	}
	got, err := runbook.Gates{SSM: fake}.Gate(t.Context(), executionID)
	if err != nil || len(got.Steps) != 3 || !got.Approved || got.StepStatus != "InProgress" {
		t.Errorf("state %+v, error %v", got, err)
	}
}

func TestAnUnknownExecutionIsNotFound(t *testing.T) {
	t.Parallel()
	fake := &fakeSSM{get: func(string) (*ssm.GetAutomationExecutionOutput, error) {
		return nil, &smithy.GenericAPIError{Code: "AutomationExecutionNotFoundException"}
	}}
	if _, err := (runbook.Gates{SSM: fake}).Gate(t.Context(), executionID); !errors.Is(err, runbook.ErrNotFound) || !errors.Is(err, runbook.ErrPermanent) {
		t.Errorf("error %v", err)
	}
}

func TestWhoDecidedIsFoundWhateverTheKeysAre(t *testing.T) {
	t.Parallel()
	const ana = "arn:aws:sts::111122223333:assumed-role/cf503-approver/ana"
	tests := []struct {
		name, decision string
		want           bool
	}{
		{"JSON", `{"Approver":"` + ana + `","ApprovalStatus":"Approved"}`, true},
		{"a map as text", `{Approver=` + ana + `, ApprovalStatus=Approved}`, true},
		{"somebody whose name begins the same", `{"Approver":"` + ana + `.lee"}`, false},
		{"both", `[{"A":"` + ana + `.lee"},{"A":"` + ana + `"}]`, true},
		{"nobody", ``, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			state := runbook.GateState{Steps: []runbook.StepState{{Action: "aws:approve", Outputs: map[string][]string{"ApproverDecisions": {test.decision}}}}}
			if got := state.DecidedBy(ana); got != test.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

type fakeSTS func(*sts.AssumeRoleInput) (*sts.AssumeRoleOutput, error)

func (f fakeSTS) AssumeRole(_ context.Context, in *sts.AssumeRoleInput, _ ...func(*sts.Options)) (*sts.AssumeRoleOutput, error) {
	return f(in)
}

func handOut(*sts.AssumeRoleInput) (*sts.AssumeRoleOutput, error) {
	return &sts.AssumeRoleOutput{Credentials: &ststypes.Credentials{
		AccessKeyId: aws.String("ASIAEXAMPLE"), SecretAccessKey: aws.String("secret"), SessionToken: aws.String("token"), Expiration: &begun,
	}}, nil
}

const approverRole = "arn:aws:iam::111122223333:role/cf503-approver"

func TestASignalIsSignedInTheApproversName(t *testing.T) {
	t.Parallel()
	var asked *sts.AssumeRoleInput
	var sent *ssm.SendAutomationSignalInput
	var signed aws.Credentials
	signaller := runbook.Signaller{
		Role: approverRole,
		STS:  fakeSTS(func(in *sts.AssumeRoleInput) (*sts.AssumeRoleOutput, error) { asked = in; return handOut(in) }),
		SSM: &fakeSSM{signal: func(in *ssm.SendAutomationSignalInput, o ssm.Options) (err error) {
			sent = in
			signed, err = o.Credentials.Retrieve(t.Context())
			return err
		}},
	}
	err := signaller.Signal(t.Context(), incident.Approver{Name: "ana"}, executionID, incident.Reject, "no\n"+strings.Repeat("é", 600))
	if err != nil {
		t.Fatal(err)
	}
	if *asked.RoleSessionName != "ana" || *asked.SourceIdentity != "ana" || *asked.RoleArn != approverRole {
		t.Errorf("assumed %+v", asked)
	}
	if sent.SignalType != ssm.SignalTypeReject || len([]rune(sent.Payload["Comment"][0])) != 512 || signed.AccessKeyID != "ASIAEXAMPLE" {
		t.Errorf("sent %+v signed by %s", sent, signed.AccessKeyID)
	}
	if err := signaller.Signal(t.Context(), incident.Approver{Name: "ana"}, executionID, incident.Approve, " \n"); err != nil || sent.Payload != nil {
		t.Errorf("empty comment: payload %v, error %v", sent.Payload, err)
	}
	if err := signaller.Signal(t.Context(), incident.Approver{Name: "ana"}, executionID, "revoke", ""); !errors.Is(err, runbook.ErrPermanent) {
		t.Errorf("unknown verb: %v", err)
	}
}

func TestARefusedSignalIsExplainedByTheGate(t *testing.T) {
	t.Parallel()
	decided := map[string][]string{"ApproverDecisions": {`[{"Who":"arn:aws:sts::111122223333:assumed-role/cf503-approver/ana"}]`}}
	waiting := execution("Waiting", "Approve", step("Approve", "aws:approve", "Waiting", nil))
	tests := []struct {
		name    string
		refusal error
		gate    *ssm.AutomationExecution
		want    []error
	}{
		{"too early", &smithy.GenericAPIError{Code: "InvalidAutomationSignalException"}, execution("InProgress", "Claim"), []error{runbook.ErrNotWaiting, runbook.ErrRetryable}},
		{"somebody was first", &smithy.GenericAPIError{Code: "InvalidAutomationSignalException"}, execution("InProgress", "Apply", step("Approve", "aws:approve", "Success", nil)), []error{runbook.ErrDecided, runbook.ErrPermanent}},
		{"somebody was first, in another code", apiError("AccessDeniedException"), execution("Failed", "", step("Approve", "aws:approve", "Failed", nil)), []error{runbook.ErrDecided}},
		{"this decision arrived before and one more is needed", apiError("InvalidAutomationSignalException"), execution("Waiting", "Approve", step("Approve", "aws:approve", "Waiting", decided)), []error{runbook.ErrDecided}},
		{"not one whom the gate asks", apiError("AccessDeniedException"), waiting, []error{runbook.ErrDenied, runbook.ErrPermanent}},
		{"throttled", apiError("ThrottlingException"), waiting, []error{runbook.ErrRetryable}},
		{"no such execution", &smithy.GenericAPIError{Code: "AutomationExecutionNotFoundException"}, waiting, []error{runbook.ErrNotFound, runbook.ErrPermanent}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			signaller := runbook.Signaller{
				Role: approverRole, STS: fakeSTS(handOut), Gates: gates(test.gate),
				SSM: &fakeSSM{signal: func(*ssm.SendAutomationSignalInput, ssm.Options) error { return test.refusal }},
			}
			err := signaller.Signal(t.Context(), incident.Approver{Name: "ana"}, executionID, incident.Approve, "")
			for _, want := range test.want {
				if !errors.Is(err, want) {
					t.Errorf("error %v is not %v", err, want)
				}
			}
		})
	}
}

func TestARoleThatCannotBeAssumedIsDenied(t *testing.T) {
	t.Parallel()
	signaller := runbook.Signaller{Role: approverRole, STS: fakeSTS(func(*sts.AssumeRoleInput) (*sts.AssumeRoleOutput, error) { return nil, apiError("AccessDenied") })}
	if err := signaller.Signal(t.Context(), incident.Approver{Name: "ana"}, executionID, incident.Approve, ""); !errors.Is(err, runbook.ErrDenied) {
		t.Errorf("error %v", err)
	}
	signaller.STS = fakeSTS(func(*sts.AssumeRoleInput) (*sts.AssumeRoleOutput, error) { return nil, errors.New("no route") })
	if err := signaller.Signal(t.Context(), incident.Approver{Name: "ana"}, executionID, incident.Approve, ""); !errors.Is(err, runbook.ErrRetryable) {
		t.Errorf("error %v", err)
	}
}

func TestASessionsARNHasTheRolesNameWithoutItsPath(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, role, person, want string }{
		{"a plain role", approverRole, "ana", "arn:aws:sts::111122223333:assumed-role/cf503-approver/ana"},
		{"a role under a path", "arn:aws-cn:iam::111122223333:role/teams/edge/approver", "b.en@example.com", "arn:aws-cn:sts::111122223333:assumed-role/approver/b.en@example.com"},
		{"a user is no role", "arn:aws:iam::111122223333:user/ana", "ana", ""},
		{"a name with a slash", approverRole, "a/b", ""},
		{"no name", approverRole, "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := runbook.SessionARN(test.role, test.person)
			if got != test.want || (err == nil) == (test.want == "") {
				t.Errorf("got %q, error %v", got, err)
			}
		})
	}
	if arns, err := runbook.SessionARNs(approverRole, []incident.Approver{{Name: "ana"}, {Name: "b/c"}}); err == nil {
		t.Errorf("got %v", arns)
	}
}
