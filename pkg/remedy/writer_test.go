// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package remedy

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	cftypes "github.com/aws/aws-sdk-go-v2/service/cloudfront/types"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	sqtypes "github.com/aws/aws-sdk-go-v2/service/servicequotas/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/lean/ssm"
)

var (
	noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	ours = Order{Incident: incident.Reference{Distribution: "E1EXAMPLE", ID: "000007"}, Distribution: "E1EXAMPLE", Execution: "execution-1"}
)

// scene is an incident right behind its approved gate, and the AWS around it. Tests spoil it.
type scene struct {
	Writer
	record    Record
	objects   map[string][]byte
	configs   map[string]distribution.Config
	execution *ssm.AutomationExecution
	live      distribution.Config
	etag      string
	quotas    []sqtypes.RequestedServiceQuotaChange
	regions   []string
	slept     []time.Duration
	writes    int
	onRead    func(n int)                             // before the n-th reading of the record, from 1
	onWrite   func(n int) (before bool, answer error) // before: answer without doing it; else do it, then answer
	reads     int

	signedSelf []incident.Decision
	unnoted    error // what noting one answers
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{objects: map[string][]byte{}, live: site(t, errorPage...), etag: "T1"}
	good, bad := site(t), site(t, errorPage...)
	s.configs = map[string]distribution.Config{"good": good, "bad": bad}
	change, err := Restore(Inputs{Distribution: "E1EXAMPLE", ETag: "T1", Base: &bad, Ours: good, Theirs: bad})
	if err != nil {
		t.Fatal(err)
	}
	s.record = Record{
		Plan: incident.Plan{
			Distribution: "E1EXAMPLE", Remedy: "restore-distribution", Runbook: "RestoreDistribution", ETag: "T1", Hash: change.Hash,
			Ours: &incident.ConfigRef{Key: "good", SHA256: good.Hash()}, Base: &incident.ConfigRef{Key: "bad", SHA256: bad.Hash()},
		},
		Snapshot: incident.Snapshot{ETag: "T1", SHA256: bad.Hash(), Restorable: true, Config: bad.Canonical()},
		Started:  []incident.Execution{{ID: "execution-1"}},
	}
	s.ask()
	s.wire()
	if answer, err := s.Claim(t.Context(), ours); answer != Claimed || err != nil {
		t.Fatalf("claim: %s, %v", answer, err)
	}
	s.reads = 0
	return s
}

// newQuotaScene is the same with a plan that asks for a quota.
func newQuotaScene(t *testing.T) *scene {
	t.Helper()
	s := newScene(t)
	quota := incident.QuotaRequest{Service: "lambda", Code: "L-B99A9384", Region: "eu-west-1", Current: 1000, Desired: 2000}
	s.record.Plan = incident.Plan{Distribution: "E1EXAMPLE", Remedy: "request-quota-increase", Runbook: "RequestQuotaIncrease", ETag: "T1", Quota: &quota,
		Hash: incident.ChangeHash("E1EXAMPLE", "T1", nil, &quota)}
	s.execution.DocumentName = aws.String("stack-RequestQuotaIncrease")
	s.execution.Parameters["Hash"] = []string{s.record.Plan.Hash}
	s.ask()
	return s
}

// ask is a request for the plan, with one genuine approval.
func (s *scene) ask() {
	plan := s.record.Plan
	s.record.Request = &incident.ApprovalRequest{
		Incident: ours.Incident, Execution: ours.Execution, Step: "Approve", Distribution: "E1EXAMPLE", ETag: plan.ETag, Hash: plan.Hash,
		Expires: noon.Add(time.Hour), Approvers: []string{"ana", "ben", "cy"}, Required: 1,
	}
	s.record.Decisions = []incident.Decision{s.says("ana", incident.Approve)}
}

func (s *scene) says(who string, verb incident.Verb) incident.Decision {
	return incident.Decision{Approver: who, Verb: verb, At: noon, Ticket: "genuine", Execution: ours.Execution, Hash: s.record.Plan.Hash, ETag: s.record.Plan.ETag}
}

func (s *scene) wire() {
	sessions := []string{"arn:aws:sts::111122223333:assumed-role/stack-signer/ana", "arn:aws:sts::111122223333:assumed-role/stack-signer/ben"}
	own := map[string]string{"ana": "arn:aws:sts::111122223333:assumed-role/stack-approver/ana", "ben": "arn:aws:sts::111122223333:assumed-role/stack-approver/ben"}
	ofOne := append(slices.Clone(sessions), own["ana"], own["ben"])
	s.execution = &ssm.AutomationExecution{
		AutomationExecutionId: aws.String("execution-1"), DocumentName: aws.String("stack-RestoreDistribution"), Mode: "Auto",
		AutomationExecutionStatus: ssm.AutomationExecutionStatusInprogress, CurrentStepName: aws.String("Apply"),
		Parameters: map[string][]string{
			"IncidentId": {ours.Incident.String()}, "DistributionId": {"E1EXAMPLE"}, "ETag": {"T1"}, "Hash": {s.record.Plan.Hash},
			"Approvers": {ofOne[3], ofOne[1], ofOne[0], ofOne[2]}, "MinApprovals": {"1"}, "AutomationAssumeRole": {"arn:role"},
		},
		StepExecutions: []ssm.StepExecution{{StepName: aws.String("Approve"), Action: aws.String("aws:approve"),
			StepStatus: ssm.AutomationExecutionStatusSuccess, Outputs: map[string][]string{"ApprovalStatus": {"Approved"}}}},
	}
	s.Writer = Writer{
		Stack: Stack{
			Documents: map[string]string{"RestoreDistribution": "stack-RestoreDistribution", "RequestQuotaIncrease": "stack-RequestQuotaIncrease"},
			Sessions:  sessions, SessionsOfOne: ofOne, Own: own, Approvers: []string{"ana", "ben"}, Quorum: 1, AutomationRole: "arn:role", Distributions: []string{"E1EXAMPLE"},
		},
		Leave:   given{},
		Records: s, Store: s, Configs: s, Tickets: s, SSM: s, Live: s, Writes: s, Quotas: s, Requests: s,
		Now:   func() time.Time { return noon.Add(time.Minute) },
		Sleep: func(_ context.Context, wait time.Duration) error { s.slept = append(s.slept, wait); return nil },
	}
}

// given is leave that is given, or not, or of which nobody can tell.
type given struct {
	why string
	err error
}

func (g given) Objection(context.Context, incident.Plan) (string, error) { return g.why, g.err }

func (s *scene) SignedSelf(_ context.Context, _ incident.Reference, decision incident.Decision) error {
	s.signedSelf = append(s.signedSelf, decision)
	return s.unnoted
}

func (s *scene) Read(context.Context, incident.Reference) (Record, error) {
	s.reads++
	if s.onRead != nil {
		s.onRead(s.reads)
	}
	return s.record, nil
}

func (s *scene) Get(_ context.Context, key string) ([]byte, bool, error) {
	body, found := s.objects[key]
	return body, found, nil
}

func (s *scene) PutIfAbsent(_ context.Context, key string, body []byte) (bool, error) {
	if _, found := s.objects[key]; found {
		return false, nil
	}
	s.objects[key] = body
	return true, nil
}

func (s *scene) Config(_ context.Context, ref incident.ConfigRef) (distribution.Config, error) {
	return s.configs[ref.Key], nil
}

func (s *scene) Proven(_ context.Context, _ incident.ApprovalRequest, decisions []incident.Decision) ([]incident.Decision, error) {
	return slices.DeleteFunc(decisions, func(d incident.Decision) bool { return d.Ticket != "genuine" }), nil
}

func (s *scene) GetAutomationExecution(_ context.Context, in *ssm.GetAutomationExecutionInput, _ ...func(*ssm.Options)) (*ssm.GetAutomationExecutionOutput, error) {
	if *in.AutomationExecutionId != *s.execution.AutomationExecutionId {
		return nil, &smithy.GenericAPIError{Code: "AutomationExecutionNotFoundException"}
	}
	execution := *s.execution
	return &ssm.GetAutomationExecutionOutput{AutomationExecution: &execution}, nil
}

func (s *scene) DescribeAutomationStepExecutions(context.Context, *ssm.DescribeAutomationStepExecutionsInput, ...func(*ssm.Options)) (*ssm.DescribeAutomationStepExecutionsOutput, error) {
	return &ssm.DescribeAutomationStepExecutionsOutput{StepExecutions: s.execution.StepExecutions}, nil
}

func (s *scene) GetDistributionConfig(context.Context, *cloudfront.GetDistributionConfigInput, ...func(*cloudfront.Options)) (*cloudfront.GetDistributionConfigOutput, error) {
	config, err := asInput(s.live)
	return &cloudfront.GetDistributionConfigOutput{DistributionConfig: config, ETag: aws.String(s.etag)}, err
}

func (s *scene) UpdateDistribution(_ context.Context, in *cloudfront.UpdateDistributionInput, _ ...func(*cloudfront.Options)) (*cloudfront.UpdateDistributionOutput, error) {
	s.writes++
	before, answer := s.answer()
	if before {
		return nil, answer
	}
	if *in.IfMatch != s.etag {
		return nil, &cftypes.PreconditionFailed{}
	}
	text, err := json.Marshal(in.DistributionConfig)
	if err != nil {
		return nil, err
	}
	if s.live, err = distribution.Parse(text); err != nil {
		return nil, err
	}
	s.etag = "T2"
	return &cloudfront.UpdateDistributionOutput{ETag: aws.String("T2")}, answer
}

func (s *scene) answer() (before bool, answer error) {
	if s.onWrite == nil {
		return false, nil
	}
	return s.onWrite(s.writes)
}

func (s *scene) ListRequestedServiceQuotaChangeHistoryByQuota(_ context.Context, _ *servicequotas.ListRequestedServiceQuotaChangeHistoryByQuotaInput, options ...func(*servicequotas.Options)) (*servicequotas.ListRequestedServiceQuotaChangeHistoryByQuotaOutput, error) {
	s.noteRegion(options)
	return &servicequotas.ListRequestedServiceQuotaChangeHistoryByQuotaOutput{RequestedQuotas: s.quotas}, nil
}

func (s *scene) RequestServiceQuotaIncrease(_ context.Context, in *servicequotas.RequestServiceQuotaIncreaseInput, options ...func(*servicequotas.Options)) (*servicequotas.RequestServiceQuotaIncreaseOutput, error) {
	s.noteRegion(options)
	s.writes++
	before, answer := s.answer()
	if before {
		return nil, answer
	}
	change := sqtypes.RequestedServiceQuotaChange{Id: aws.String("request-1"), Status: sqtypes.RequestStatusPending, DesiredValue: in.DesiredValue, Created: aws.Time(noon)}
	s.quotas = append(s.quotas, change)
	return &servicequotas.RequestServiceQuotaIncreaseOutput{RequestedQuota: &change}, answer
}

func (s *scene) noteRegion(options []func(*servicequotas.Options)) {
	var o servicequotas.Options
	for _, option := range options {
		option(&o)
	}
	s.regions = append(s.regions, o.Region)
}

func (s *scene) written(t *testing.T) incident.Written {
	t.Helper()
	var written incident.Written
	if err := json.Unmarshal(s.objects[outcomeKey(ours, writtenObject)], &written); err != nil {
		t.Errorf("written.json: %v", err)
	}
	return written
}

var (
	throttled = &smithy.GenericAPIError{Code: "Throttling", Message: "Rate exceeded"}
	noAnswer  = &smithy.OperationError{ServiceID: "CloudFront", OperationName: "UpdateDistribution", Err: errors.New("connection reset by peer")}
	broken    = &smithy.GenericAPIError{Code: "InternalError", Fault: smithy.FaultServer}
)

func TestApplyWritesTheApprovedChangeOnce(t *testing.T) {
	s := newScene(t)
	want := incident.Written{Execution: "execution-1", Action: "apply", FromETag: "T1", ToETag: "T2", Hash: s.record.Plan.Hash, At: noon.Add(time.Minute)}
	for range 2 {
		written, err := s.Apply(t.Context(), ours)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, written); diff != "" {
			t.Error(diff)
		}
	}
	if s.writes != 1 || !s.live.Equal(site(t)) {
		t.Errorf("%d writes, live %s", s.writes, s.live.Canonical())
	}
	if diff := cmp.Diff(want, s.written(t)); diff != "" {
		t.Error(diff)
	}
}

func TestAnApprovalByTextMessageIsOne(t *testing.T) {
	s := newScene(t)
	s.Stack.Texts, s.record.Decisions[0].Code = true, &incident.CodeProof{}
	if _, err := s.Apply(t.Context(), ours); err != nil || s.writes != 1 {
		t.Errorf("%d writes, %v", s.writes, err)
	}
}

func TestLeaveThatNobodyCanTellOfIsAskedForAgain(t *testing.T) {
	s := newScene(t)
	s.Leave = given{err: errors.New("list tags: slow down")}
	if _, err := s.Apply(t.Context(), ours); err == nil || s.writes != 0 || !strings.Contains(err.Error(), "leave for E1EXAMPLE/000007: list tags: slow down") {
		t.Errorf("%v, %d writes", err, s.writes)
	}
	s.Leave = given{}
	if _, err := s.Apply(t.Context(), ours); err != nil || s.writes != 1 {
		t.Errorf("%v, %d writes", err, s.writes)
	}
}

func TestApplyRefusesWithoutAWrite(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(*testing.T, *scene)
		order Order
		want  string
	}{
		{name: "the stop switch", spoil: func(_ *testing.T, s *scene) { s.Stack.Stop = true }, want: "refused: the stop switch is on"},
		{name: "a distribution that is not opted in", spoil: func(_ *testing.T, s *scene) { s.Stack.Distributions = nil }, want: "refused: distribution E1EXAMPLE is not one"},
		{name: "another distribution than the incident's", order: Order{Incident: ours.Incident, Distribution: "E2EXAMPLE", Execution: "execution-1"}, want: "refused: the incident is about another distribution"},
		{name: "leave that is taken back since", spoil: func(_ *testing.T, s *scene) { s.Leave = given{why: "The calendar is closed."} }, want: "refused: since people were asked: The calendar is closed"},
		{name: "a plan that only tells", spoil: func(_ *testing.T, s *scene) { s.record.Plan.TellOnly = "because" }, want: "refused: the incident's plan has no runbook"},
		{name: "a plan without a hash", spoil: func(_ *testing.T, s *scene) { s.record.Plan.Hash = "" }, want: "refused: the incident's plan names no change"},
		{name: "invoked directly, with an execution that does not exist", order: Order{Incident: ours.Incident, Distribution: "E1EXAMPLE", Execution: "invented"}, want: "refused: the incident's slot does not belong"},
		{name: "a slot that nobody took", spoil: func(_ *testing.T, s *scene) { delete(s.objects, outcomeKey(ours, slotObject)) }, want: "refused: the incident's slot does not belong"},
		{name: "run again from the console", spoil: func(_ *testing.T, s *scene) {
			s.objects[outcomeKey(ours, slotObject)] = []byte(`{"id":"execution-0"}`)
		}, want: "refused: the incident's slot does not belong"},
		{name: "an execution that the incident did not start", spoil: func(_ *testing.T, s *scene) { s.record.Started = nil }, want: "refused: the incident did not start"},
		{name: "an execution that is forgotten by SSM", spoil: func(_ *testing.T, s *scene) { s.execution.AutomationExecutionId = aws.String("x") }, want: "refused: there is no execution"},
		{name: "another document", spoil: func(_ *testing.T, s *scene) { s.execution.DocumentName = aws.String("mine") }, want: "refused: execution execution-1 was started with another document"},
		{name: "step by step", spoil: func(_ *testing.T, s *scene) { s.execution.Mode = ssm.ExecutionModeInteractive }, want: "refused: execution execution-1 was started with another mode"},
		{name: "other approvers", spoil: func(_ *testing.T, s *scene) { s.execution.Parameters["Approvers"] = []string{"arn:me"} }, want: "refused: execution execution-1 was started with another approvers"},
		{name: "one approver more", spoil: func(_ *testing.T, s *scene) {
			s.execution.Parameters["Approvers"] = append(s.execution.Parameters["Approvers"], "arn:me")
		}, want: "refused: execution execution-1 was started with another approvers"},
		{name: "fewer approvals", spoil: func(_ *testing.T, s *scene) { s.execution.Parameters["MinApprovals"] = []string{"0"} }, want: "refused: execution execution-1 was started with another number"},
		{name: "another role", spoil: func(_ *testing.T, s *scene) { s.execution.Parameters["AutomationAssumeRole"] = []string{"arn:other"} }, want: "refused: execution execution-1 was started with another role"},
		{name: "another hash", spoil: func(_ *testing.T, s *scene) { s.execution.Parameters["Hash"] = []string{"x"} }, want: "refused: execution execution-1 was started with another hash"},
		{name: "before the gate", spoil: func(_ *testing.T, s *scene) { s.execution.CurrentStepName = aws.String("Approve") }, want: "refused: the execution does not stand at its step Apply"},
		{name: "after its end", spoil: func(_ *testing.T, s *scene) {
			s.execution.AutomationExecutionStatus = ssm.AutomationExecutionStatusSuccess
		}, want: "refused: the execution is not under way"},
		{name: "without a gate", spoil: func(_ *testing.T, s *scene) { s.execution.StepExecutions = nil }, want: "refused: the execution has passed no gate"},
		{name: "a gate that was rejected", spoil: func(_ *testing.T, s *scene) {
			s.execution.StepExecutions[0].StepStatus = ssm.AutomationExecutionStatusRejected
		}, want: "refused: the execution's gate is not approved"},
		{name: "a gate whose output says no", spoil: func(_ *testing.T, s *scene) {
			s.execution.StepExecutions[0].Outputs["ApprovalStatus"] = []string{"Rejected"}
		}, want: "refused: the execution's gate is not approved"},
		{name: "nobody was asked", spoil: func(_ *testing.T, s *scene) { s.record.Request = nil }, want: "refused: nobody was asked"},
		{name: "withdrawn", spoil: func(_ *testing.T, s *scene) { s.record.Withdrawn = "the verdict changed" }, want: "refused: the plan was withdrawn: the verdict changed"},
		{name: "people were asked about another execution", spoil: func(_ *testing.T, s *scene) { s.record.Request.Execution = "execution-0" }, want: "refused: people were asked about something else"},
		{name: "people were asked about another change", spoil: func(_ *testing.T, s *scene) { s.record.Request.Hash = "x" }, want: "refused: people were asked about something else"},
		{name: "expired", spoil: func(_ *testing.T, s *scene) { s.Now = func() time.Time { return noon.Add(time.Hour) } }, want: "refused: the approval expired"},
		{name: "rejected after it was approved", spoil: func(_ *testing.T, s *scene) {
			s.record.Decisions = append(s.record.Decisions, s.says("ben", incident.Reject))
		}, want: "refused: ben rejected it"},
		{name: "a gate that somebody signalled without our count", spoil: func(_ *testing.T, s *scene) { s.record.Decisions = nil }, want: "refused: 0 of 1 approvals are proven"},
		{name: "a forged ticket", spoil: func(_ *testing.T, s *scene) { s.record.Decisions[0].Ticket = "forged" }, want: "refused: 0 of 1 approvals are proven"},
		{name: "an approval by text message where the stack takes none", spoil: func(_ *testing.T, s *scene) { s.record.Decisions[0].Code = &incident.CodeProof{} }, want: "refused: 0 of 1 approvals are proven"},
		{name: "an approval that was refused", spoil: func(_ *testing.T, s *scene) { s.record.Decisions[0].Refusal = "used" }, want: "refused: 0 of 1 approvals are proven"},
		{name: "an approval of another execution", spoil: func(_ *testing.T, s *scene) { s.record.Decisions[0].Execution = "execution-0" }, want: "refused: 0 of 1 approvals are proven"},
		{name: "an approval of another change", spoil: func(_ *testing.T, s *scene) { s.record.Decisions[0].Hash = "x" }, want: "refused: 0 of 1 approvals are proven"},
		{name: "an approval of another ETag", spoil: func(_ *testing.T, s *scene) { s.record.Decisions[0].ETag = "x" }, want: "refused: 0 of 1 approvals are proven"},
		{name: "an approval that came too late", spoil: func(_ *testing.T, s *scene) { s.record.Decisions[0].At = noon.Add(time.Hour) }, want: "refused: 0 of 1 approvals are proven"},
		{name: "an approval by who has left the list", spoil: func(_ *testing.T, s *scene) { s.record.Decisions[0] = s.says("cy", incident.Approve) }, want: "refused: 0 of 1 approvals are proven"},
		{name: "one person twice is no quorum of two", spoil: func(_ *testing.T, s *scene) {
			s.record.Plan.Approvals = 2
			s.execution.Parameters["Approvers"] = s.Stack.Sessions
			s.record.Decisions = append(s.record.Decisions, s.says("ana", incident.Approve))
		}, want: "refused: 1 of 2 approvals are proven"},
		{name: "a known good that was swapped", spoil: func(t *testing.T, s *scene) { s.configs["good"] = site(t, `"acl"`, `""`) }, want: "refused: the stored configuration good is not the one"},
		{name: "a plan whose known good was swapped", spoil: func(t *testing.T, s *scene) {
			other := site(t, `"404"`, `"200"`)
			s.configs["good"], s.record.Plan.Ours.SHA256 = other, other.Hash()
		}, want: "refused: computed again, the change is not the planned one"},
		{name: "no snapshot of what is live", spoil: func(_ *testing.T, s *scene) { s.record.Snapshot.SHA256 = "x" }, want: "refused: the live configuration is not in the incident's snapshot"},
		{name: "a snapshot that is not restorable", spoil: func(_ *testing.T, s *scene) { s.record.Snapshot.Restorable = false }, want: "refused: the configuration has elements"},
		{name: "a configuration that changed after the approval", spoil: func(_ *testing.T, s *scene) { s.etag = "T9" }, want: "void: the configuration has moved"},
		{name: "another execution's write", spoil: func(_ *testing.T, s *scene) {
			s.objects[outcomeKey(ours, writingObject)] = []byte(`{"execution":"execution-0"}`)
		}, want: "refused: another execution was about to write"},
		{name: "another execution's finished write", spoil: func(_ *testing.T, s *scene) {
			s.objects[outcomeKey(ours, writtenObject)] = []byte(`{"execution":"execution-0"}`)
		}, want: "refused: the incident's change was made by another execution"},
		{name: "a stack that only observes", spoil: func(_ *testing.T, s *scene) { s.Writes = Observed{} }, want: "refused: this stack only observes"},
		{name: "a reject between the first look and the write", spoil: func(_ *testing.T, s *scene) {
			s.onRead = func(n int) {
				if n == 2 {
					s.record.Decisions = append(s.record.Decisions, s.says("ben", incident.Reject))
				}
			}
		}, want: "refused: ben rejected it"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newScene(t)
			if test.spoil != nil {
				test.spoil(t, s)
			}
			order := test.order
			if order.Execution == "" {
				order = ours
			}
			written, err := s.Apply(t.Context(), order)
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("want %q, have %v and %+v", test.want, err, written)
			}
			var refused *Refused
			var void *Void
			if !errors.As(err, &refused) && !errors.As(err, &void) {
				t.Errorf("%T is no refusal", err)
			}
			if s.writes != 0 {
				t.Errorf("%d writes", s.writes)
			}
		})
	}
}

func TestTwoPeopleAreAQuorumOfTwo(t *testing.T) {
	s := newScene(t)
	s.record.Plan.Approvals = 2
	s.execution.Parameters["Approvers"] = s.Stack.Sessions
	s.record.Decisions = append(s.record.Decisions, s.says("ben", incident.Approve))
	if _, err := s.Apply(t.Context(), ours); err != nil || s.writes != 1 {
		t.Errorf("%d writes, %v", s.writes, err)
	}
}

func TestTheWholeStepListIsReadWhereSSMCutsIt(t *testing.T) {
	s := newScene(t)
	s.execution.StepExecutionsTruncated = true
	if _, err := s.Apply(t.Context(), ours); err != nil || s.writes != 1 {
		t.Errorf("%d writes, %v", s.writes, err)
	}
}

func TestAnAnswerThatIsLostOrLateIsLookedUp(t *testing.T) {
	other := func(t *testing.T, s *scene) { s.live, s.etag = site(t, `"Comment":"site"`, `"Comment":"theirs"`), "T9" }
	tests := []struct {
		name    string
		onWrite func(t *testing.T, s *scene, n int) (bool, error)
		want    string // the error's beginning
		found   bool
		writes  int
		waits   int
	}{
		{name: "the answer was lost but the write arrived", onWrite: func(*testing.T, *scene, int) (bool, error) { return false, noAnswer }, found: true, writes: 1},
		{name: "CloudFront broke after it wrote", onWrite: func(*testing.T, *scene, int) (bool, error) { return false, broken }, found: true, writes: 1},
		{name: "the second try of ours met the first", onWrite: func(*testing.T, *scene, int) (bool, error) { return false, &cftypes.PreconditionFailed{} }, found: true, writes: 1},
		{name: "no answer and no write", onWrite: func(*testing.T, *scene, int) (bool, error) { return true, noAnswer }, want: "void: the live configuration is not the approved one", writes: 1},
		{name: "somebody else was quicker", onWrite: func(t *testing.T, s *scene, _ int) (bool, error) { other(t, s); return false, nil },
			want: "void: the live configuration is not the approved one", writes: 1},
		{name: "CloudFront says no", onWrite: func(*testing.T, *scene, int) (bool, error) { return true, &cftypes.InvalidArgument{} },
			want: "void: CloudFront took nothing: InvalidArgument", writes: 1},
		{name: "throttled twice", onWrite: func(_ *testing.T, _ *scene, n int) (bool, error) {
			if n < 3 {
				return true, throttled
			}
			return false, nil
		}, writes: 3, waits: 2},
		{name: "throttled for ever", onWrite: func(*testing.T, *scene, int) (bool, error) { return true, throttled },
			want: "write for E1EXAMPLE/000007: throttled 5 times", writes: 5, waits: 4},
		{name: "a reject while we wait", onWrite: func(_ *testing.T, s *scene, _ int) (bool, error) {
			s.record.Decisions = append(s.record.Decisions, s.says("ben", incident.Reject))
			return true, throttled
		}, want: "refused: ben rejected it", writes: 1, waits: 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newScene(t)
			s.onWrite = func(n int) (bool, error) { return test.onWrite(t, s, n) }
			written, err := s.Apply(t.Context(), ours)
			if test.want == "" && (err != nil || written.ToETag != "T2" || written.Found != test.found || !cmp.Equal(s.written(t), written)) {
				t.Errorf("%v, %+v", err, written)
			}
			if test.want != "" && (err == nil || !strings.HasPrefix(err.Error(), test.want)) {
				t.Errorf("want %q, have %v", test.want, err)
			}
			if s.writes != test.writes || len(s.slept) != test.waits {
				t.Errorf("%d writes, %d waits", s.writes, len(s.slept))
			}
		})
	}
}

func TestACallThatDiedIsTakenUp(t *testing.T) {
	tests := []struct {
		name   string
		before func(t *testing.T, s *scene)
		want   string
		found  bool
		writes int
	}{
		{name: "after the write: it is recognised, even when the approval has expired since", before: func(t *testing.T, s *scene) {
			s.live, s.etag = site(t), "T2"
			s.Now = func() time.Time { return noon.Add(3 * time.Hour) }
		}, found: true},
		{name: "before the write: it is made now", before: func(*testing.T, *scene) {}, writes: 1},
		{name: "before the write, and then somebody else wrote", before: func(t *testing.T, s *scene) {
			s.live, s.etag = site(t, `"site"`, `"theirs"`), "T9"
		}, want: "void: the configuration has moved"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newScene(t)
			s.objects[outcomeKey(ours, writingObject)] = []byte(`{"execution":"execution-1"}`)
			test.before(t, s)
			written, err := s.Apply(t.Context(), ours)
			if test.want == "" && (err != nil || written.ToETag != "T2" || written.Found != test.found) {
				t.Errorf("%v, %+v", err, written)
			}
			if test.want != "" && (err == nil || !strings.HasPrefix(err.Error(), test.want)) {
				t.Errorf("want %q, have %v", test.want, err)
			}
			if s.writes != test.writes {
				t.Errorf("%d writes", s.writes)
			}
		})
	}
}

// forgetful cannot keep the writer's note of what is written.
type forgetful struct{ *scene }

func (f forgetful) PutIfAbsent(ctx context.Context, key string, body []byte) (bool, error) {
	if strings.HasSuffix(key, writtenObject) {
		return false, errors.New("the bucket fails")
	}
	return f.scene.PutIfAbsent(ctx, key, body)
}

func TestAWriteThatCannotBeNotedIsSaidAndFoundLater(t *testing.T) {
	s := newScene(t)
	s.Store = forgetful{s}
	_, err := s.Apply(t.Context(), ours)
	var made *Unkept
	if !errors.As(err, &made) || made.Written.ToETag != "T2" {
		t.Fatalf("%v", err)
	}
	s.Store = s
	written, done, err := s.Settle(t.Context(), ours)
	if err != nil || !done || !written.Found || written.ToETag != "T2" || s.writes != 1 {
		t.Errorf("%v, done %v, %+v, %d writes", err, done, written, s.writes)
	}
}

func TestSettlingRecordsNoWriteThatIsNotOurs(t *testing.T) {
	writing := []byte(`{"execution":"execution-1","at":"2026-11-24T12:00:00Z"}`)
	for name, spoil := range map[string]func(*scene){
		"nothing was begun":         func(s *scene) { s.etag = "T9" },
		"nothing has arrived":       func(s *scene) { s.objects[outcomeKey(ours, writingObject)] = writing },
		"somebody else has written": func(s *scene) { s.objects[outcomeKey(ours, writingObject)], s.etag = writing, "T9" },
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			spoil(s)
			if written, done, _ := s.Settle(t.Context(), ours); done || written.Action != "" || s.writes != 0 {
				t.Errorf("done %v, %+v, %d writes", done, written, s.writes)
			}
		})
	}
}

func TestAFaultBeforeTheWriteIsNoOutcome(t *testing.T) {
	s := newScene(t)
	s.Tickets = unable{}
	_, err := s.Apply(t.Context(), ours)
	var refused *Refused
	var void *Void
	if err == nil || errors.As(err, &refused) || errors.As(err, &void) || s.writes != 0 {
		t.Errorf("%d writes, %v", s.writes, err)
	}
}

type unable struct{}

func (unable) Proven(context.Context, incident.ApprovalRequest, []incident.Decision) ([]incident.Decision, error) {
	return nil, broken
}

func TestClaim(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(*scene)
		want  string
		wrong string
	}{
		{name: "the same execution again", want: Claimed},
		{name: "another execution was first", spoil: func(s *scene) { s.objects[outcomeKey(ours, slotObject)] = []byte(`{"id":"execution-0"}`) }, want: Taken},
		{name: "before the start is recorded", spoil: func(s *scene) { s.record.Started = nil }, want: Claimed},
		{name: "not the recorded one", spoil: func(s *scene) { s.record.Started[0].ID = "execution-9" }, wrong: "refused: the incident's execution is another one"},
		{name: "started by hand with other approvers", spoil: func(s *scene) { s.execution.Parameters["Approvers"] = []string{"arn:me"} }, wrong: "refused: execution execution-1 was started with another approvers"},
		{name: "no such execution", spoil: func(s *scene) { s.execution.AutomationExecutionId = aws.String("x") }, wrong: "refused: there is no execution"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newScene(t)
			if test.spoil != nil {
				test.spoil(s)
			}
			answer, err := s.Claim(t.Context(), ours)
			if answer != test.want || (err == nil) != (test.wrong == "") || err != nil && !strings.HasPrefix(err.Error(), test.wrong) {
				t.Errorf("%q, %v", answer, err)
			}
		})
	}
}

func TestAQuotaIsAskedForInItsOwnRegion(t *testing.T) {
	s := newQuotaScene(t)
	for range 2 {
		written, err := s.Apply(t.Context(), ours)
		if err != nil || written.RequestID != "request-1" || written.Action != "quota" || written.Found {
			t.Errorf("%v, %+v", err, written)
		}
	}
	if s.writes != 1 || slices.ContainsFunc(s.regions, func(region string) bool { return region != "eu-west-1" }) {
		t.Errorf("%d requests, Regions %q", s.writes, s.regions)
	}
}

func TestAQuotaRequestThatIsThereCountsAsDone(t *testing.T) {
	request := func(status sqtypes.RequestStatus, desired float64, created time.Time) sqtypes.RequestedServiceQuotaChange {
		return sqtypes.RequestedServiceQuotaChange{Id: aws.String("theirs"), Status: status, DesiredValue: &desired, Created: &created}
	}
	long := noon.Add(-24 * time.Hour)
	tests := []struct {
		name   string
		spoil  func(*scene)
		id     string
		found  bool
		writes int
		want   string
	}{
		{name: "an open request by somebody else", spoil: func(s *scene) {
			s.quotas = []sqtypes.RequestedServiceQuotaChange{request(sqtypes.RequestStatusCaseOpened, 1500, long)}
		}, id: "theirs", found: true},
		{name: "a denied one is no obstacle", spoil: func(s *scene) {
			s.quotas = []sqtypes.RequestedServiceQuotaChange{request(sqtypes.RequestStatusDenied, 2000, long)}
		}, id: "request-1", writes: 1},
		{name: "Service Quotas says that one exists", spoil: func(s *scene) {
			s.onWrite = func(int) (bool, error) {
				s.quotas = []sqtypes.RequestedServiceQuotaChange{request(sqtypes.RequestStatusPending, 1500, long)}
				return true, &sqtypes.ResourceAlreadyExistsException{}
			}
		}, id: "theirs", found: true, writes: 1},
		{name: "the answer was lost but the request arrived", spoil: func(s *scene) {
			s.onWrite = func(int) (bool, error) { return false, noAnswer }
		}, id: "request-1", found: true, writes: 1},
		{name: "no answer and no request", spoil: func(s *scene) {
			s.onWrite = func(int) (bool, error) { return true, noAnswer }
		}, want: "void: Service Quotas knows of no request", writes: 1},
		{name: "the call before died after asking, and it is granted already", spoil: func(s *scene) {
			s.objects[outcomeKey(ours, writingObject)] = []byte(`{"execution":"execution-1","at":"2026-11-24T12:00:00Z"}`)
			s.quotas = []sqtypes.RequestedServiceQuotaChange{request(sqtypes.RequestStatusApproved, 2000, noon)}
		}, id: "theirs", found: true},
		{name: "too many requests are open", spoil: func(s *scene) {
			s.onWrite = func(int) (bool, error) { return true, &sqtypes.QuotaExceededException{} }
		}, want: "void: Service Quotas took nothing: QuotaExceededException", writes: 1},
		{name: "throttled once", spoil: func(s *scene) {
			s.onWrite = func(n int) (bool, error) {
				return n == 1, map[bool]error{true: &sqtypes.TooManyRequestsException{}}[n == 1]
			}
		}, id: "request-1", writes: 2},
		{name: "not approved, though one is open", spoil: func(s *scene) {
			s.record.Decisions = nil
			s.quotas = []sqtypes.RequestedServiceQuotaChange{request(sqtypes.RequestStatusPending, 1500, long)}
		}, want: "refused: 0 of 1 approvals are proven"},
		{name: "not approved", spoil: func(s *scene) { s.record.Decisions = nil }, want: "refused: 0 of 1 approvals are proven"},
		{name: "another value than approved", spoil: func(s *scene) { s.record.Plan.Quota.Desired = 90000 }, want: "refused: computed again, the change is not the planned one"},
		{name: "the configuration moved", spoil: func(s *scene) { s.etag = "T9" }, want: "void: the configuration has moved"},
		{name: "a stack that only observes", spoil: func(s *scene) { s.Requests = Observed{} }, want: "refused: this stack only observes"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newQuotaScene(t)
			test.spoil(s)
			written, err := s.Apply(t.Context(), ours)
			if test.want == "" && (err != nil || written.RequestID != test.id || written.Found != test.found) {
				t.Errorf("%v, %+v", err, written)
			}
			if test.want != "" && (err == nil || !strings.HasPrefix(err.Error(), test.want)) {
				t.Errorf("want %q, have %v", test.want, err)
			}
			if s.writes != test.writes {
				t.Errorf("%d requests", s.writes)
			}
		})
	}
}

func TestAConfigurationThatTheSDKDoesNotKnowIsNotWritten(t *testing.T) {
	for _, config := range []distribution.Config{site(t, `"Comment"`, `"Novelty":1,"Comment"`), site(t, `"Comment":"site"`, `"Comment":7`)} {
		if _, err := asInput(config); err == nil {
			t.Errorf("written: %s", config.Canonical())
		}
	}
}
