// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package runbook_test

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/lean"
	"cloudfront503/pkg/lean/ssm"
	"cloudfront503/pkg/runbook"
)

const (
	executionID = "0d3b1c2a-5e6f-4a7b-8c9d-0123456789ab"
	hash        = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
)

func order(runbookName string) runbook.Order {
	o := runbook.Order{
		Plan: incident.Plan{
			Cause: incident.ErrorPage503, Runbook: runbookName, ETag: "E2QWRUHEXAMPLE", Hash: hash, Distribution: "E2EXAMPLE",
		},
		Incident:     incident.Reference{Distribution: "E2EXAMPLE", ID: "000007"},
		Document:     "cf503-" + runbookName,
		ApproverARNs: []string{"arn:aws:sts::111122223333:assumed-role/cf503-approver/ana", "arn:aws:sts::111122223333:assumed-role/cf503-approver/ben"},
		Message:      "Restore the error page",
		Function:     "arn:aws:lambda:us-east-1:111122223333:function:cf503-remediate",
		Role:         "arn:aws:iam::111122223333:role/cf503-automation",
	}
	if runbookName == runbook.RequestQuotaIncrease {
		o.Plan.Quota = &incident.QuotaRequest{Service: "lambda", Code: "L-B99A9384", Name: "Concurrent executions", Region: "eu-west-1", Current: 1000, Desired: 2000}
	}
	return o
}

// fakeSSM answers as its fields say, and keeps what it was asked.
type fakeSSM struct {
	start    func(*ssm.StartAutomationExecutionInput) (*ssm.StartAutomationExecutionOutput, error)
	get      func(id string) (*ssm.GetAutomationExecutionOutput, error)
	steps    [][]ssm.StepExecution // pages
	list     []ssm.AutomationExecutionMetadata
	signal   func(*ssm.SendAutomationSignalInput, ssm.Options) error
	started  []*ssm.StartAutomationExecutionInput
	attempts int
}

func (f *fakeSSM) StartAutomationExecution(_ context.Context, in *ssm.StartAutomationExecutionInput, options ...func(*ssm.Options)) (*ssm.StartAutomationExecutionOutput, error) {
	f.started = append(f.started, in)
	f.attempts = optionsOf(options).RetryMaxAttempts
	if f.start != nil {
		return f.start(in)
	}
	return &ssm.StartAutomationExecutionOutput{AutomationExecutionId: aws.String(executionID)}, nil
}

func (f *fakeSSM) GetAutomationExecution(_ context.Context, in *ssm.GetAutomationExecutionInput, _ ...func(*ssm.Options)) (*ssm.GetAutomationExecutionOutput, error) {
	return f.get(*in.AutomationExecutionId)
}

func (f *fakeSSM) DescribeAutomationStepExecutions(_ context.Context, in *ssm.DescribeAutomationStepExecutionsInput, _ ...func(*ssm.Options)) (*ssm.DescribeAutomationStepExecutionsOutput, error) {
	page := len(aws.ToString(in.NextToken))
	out := &ssm.DescribeAutomationStepExecutionsOutput{StepExecutions: f.steps[page]}
	if page+1 < len(f.steps) {
		out.NextToken = aws.String(strings.Repeat("n", page+1))
	}
	return out, nil
}

func (f *fakeSSM) DescribeAutomationExecutions(context.Context, *ssm.DescribeAutomationExecutionsInput, ...func(*ssm.Options)) (*ssm.DescribeAutomationExecutionsOutput, error) {
	return &ssm.DescribeAutomationExecutionsOutput{AutomationExecutionMetadataList: f.list}, nil
}

func (f *fakeSSM) SendAutomationSignal(_ context.Context, in *ssm.SendAutomationSignalInput, options ...func(*ssm.Options)) (*ssm.SendAutomationSignalOutput, error) {
	return &ssm.SendAutomationSignalOutput{}, f.signal(in, optionsOf(options))
}

func optionsOf(options []func(*ssm.Options)) ssm.Options {
	var o ssm.Options
	for _, option := range options {
		option(&o)
	}
	return o
}

func apiError(code string) error { return &smithy.GenericAPIError{Code: code, Message: "told by AWS"} }

func TestAStartCarriesTokenTagsAndRetries(t *testing.T) {
	t.Parallel()
	fake := &fakeSSM{}
	o := order(runbook.RestoreDistribution)
	o.Message = "first\nsecond\u202e " + strings.Repeat("long ", 200)
	o.Plan.Cause = "a,b(c)"
	execution, err := runbook.Starter{SSM: fake}.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	in := fake.started[0]
	if execution.ID != executionID || execution.Token != *in.ClientToken || execution.Document != o.Document || execution.Version != "$DEFAULT" {
		t.Errorf("execution %+v", execution)
	}
	if !regexp.MustCompile(`^[a-f0-9]{8}(-[a-f0-9]{4}){3}-[a-f0-9]{12}$`).MatchString(*in.ClientToken) {
		t.Errorf("token %q is no UUID", *in.ClientToken)
	}
	if message := in.Parameters["Message"][0]; len([]rune(message)) != 512 || strings.ContainsAny(message, "\n\u202e") {
		t.Errorf("message of %d characters: %q", len([]rune(message)), message)
	}
	if cause := *in.Tags[2].Value; cause != "a_b_c_" || len(in.Tags) > 5 || fake.attempts < 5 {
		t.Errorf("cause tag %q, %d tags, %d attempts", cause, len(in.Tags), fake.attempts)
	}
}

func TestAnOrderThatSSMWouldRefuseIsNotSent(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		spoil func(*runbook.Order)
		want  string
	}{
		{"the plan has no ETag", func(o *runbook.Order) { o.Plan.ETag = "" }, "parameter ETag has 0"},
		{"the message is empty", func(o *runbook.Order) { o.Message = " \n" }, "parameter Message has 0"},
		{"the function's ARN is too long", func(o *runbook.Order) { o.Function = strings.Repeat("x", 513) }, "parameter RemediateFunction has 513"},
		{"eleven approvers", func(o *runbook.Order) { o.ApproverARNs = make([]string, 11) }, "11 approvers"},
		{"nobody may approve", func(o *runbook.Order) { o.ApproverARNs = nil }, "0 approvers"},
		{"the document is named by a long ARN", func(o *runbook.Order) { o.Document = strings.Repeat("d", 129) }, "3 to 128"},
		{"a quota plan without a quota", func(o *runbook.Order) { o.Plan.Runbook = runbook.RequestQuotaIncrease }, "no quota"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			fake := &fakeSSM{}
			o := order(runbook.RestoreDistribution)
			test.spoil(&o)
			_, err := runbook.Starter{SSM: fake}.Start(t.Context(), o)
			if !errors.Is(err, runbook.ErrPermanent) || !strings.Contains(err.Error(), test.want) || len(fake.started) != 0 {
				t.Errorf("error %v, %d sent", err, len(fake.started))
			}
		})
	}
}

func TestErrorsOfAStartSayWhetherToTryAgain(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		err  error
		want error
	}{
		{"throttled after all tries", apiError("ThrottlingException"), runbook.ErrRetryable},
		{"too many executions", &smithy.GenericAPIError{Code: "AutomationExecutionLimitExceededException"}, runbook.ErrRetryable},
		{"a fault of SSM", &smithy.GenericAPIError{Code: "InternalServerError"}, runbook.ErrRetryable},
		{"no answer", errors.New("connection reset"), runbook.ErrRetryable},
		{"denied", apiError("AccessDeniedException"), runbook.ErrPermanent},
		{"no such document", &smithy.GenericAPIError{Code: "AutomationDefinitionNotFoundException"}, runbook.ErrPermanent},
		{"the role cannot be assumed", &smithy.GenericAPIError{Code: "InvalidAutomationExecutionParametersException"}, runbook.ErrPermanent},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			fake := &fakeSSM{start: func(*ssm.StartAutomationExecutionInput) (*ssm.StartAutomationExecutionOutput, error) {
				return nil, test.err
			}}
			execution, err := runbook.Starter{SSM: fake}.Start(t.Context(), order(runbook.RestoreDistribution))
			if !errors.Is(err, test.want) || execution.ID != "" || execution.Token == "" {
				t.Errorf("error %v, execution %+v", err, execution)
			}
		})
	}
}

func TestATokenUsedBeforeLeadsToItsExecution(t *testing.T) {
	t.Parallel()
	o := order(runbook.RestoreDistribution)
	began := time.Date(2026, 11, 24, 3, 41, 0, 0, time.UTC)
	parameters := map[string]map[string][]string{
		"other-incident": {"IncidentId": {"E2EXAMPLE/000006"}, "Hash": {hash}},
		executionID:      {"IncidentId": {"E2EXAMPLE/000007"}, "Hash": {hash}},
	}
	fake := &fakeSSM{
		start: func(*ssm.StartAutomationExecutionInput) (*ssm.StartAutomationExecutionOutput, error) {
			return nil, &smithy.GenericAPIError{Code: "IdempotentParameterMismatch"}
		},
		get: func(id string) (*ssm.GetAutomationExecutionOutput, error) {
			return &ssm.GetAutomationExecutionOutput{AutomationExecution: &ssm.AutomationExecution{Parameters: parameters[id], AutomationExecutionStatus: "Waiting"}}, nil
		},
		list: []ssm.AutomationExecutionMetadata{
			{AutomationExecutionId: aws.String("other-document"), DocumentName: aws.String(o.Document + "-2"), ExecutionStartTime: &lean.Time{Time: began}},
			{AutomationExecutionId: aws.String("other-incident"), DocumentName: &o.Document, ExecutionStartTime: &lean.Time{Time: began}},
			{AutomationExecutionId: aws.String(executionID), DocumentName: &o.Document, ExecutionStartTime: &lean.Time{Time: began}},
		},
	}
	starter := runbook.Starter{SSM: fake}
	execution, err := starter.Start(t.Context(), o)
	if err != nil || execution.ID != executionID || execution.Status != "Waiting" {
		t.Errorf("execution %+v, error %v", execution, err)
	}
	if _, found, err := starter.Find(t.Context(), o, began.Add(time.Second)); found || err != nil {
		t.Errorf("found one that began too early, error %v", err)
	}
	o.Plan.Hash = strings.Repeat("0", 64)
	if _, err := starter.Start(t.Context(), o); !errors.Is(err, runbook.ErrPermanent) {
		t.Errorf("another hash: %v", err)
	}
}

func TestTokensDifferWithIncidentAndHash(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, reference := range []incident.Reference{{Distribution: "E1", ID: "000001"}, {Distribution: "E1", ID: "000002"}, {Distribution: "E10", ID: "00001"}} {
		for _, of := range []string{hash, "x"} {
			seen[runbook.Token(reference, of)] = true
		}
	}
	if len(seen) != 6 {
		t.Errorf("%d different tokens of 6", len(seen))
	}
}
