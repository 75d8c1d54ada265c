// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package runbook_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"cloudfront503/pkg/emulator/kernel"
	emulatedssm "cloudfront503/pkg/emulator/ssm"
	emulatedsts "cloudfront503/pkg/emulator/sts"
	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/lean/ssm"
	"cloudfront503/pkg/runbook"
)

const everything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// region is an account with Systems Manager, STS, our documents, and stand-ins for Lambda and CloudFront.
type region struct {
	*testing.T
	world     *kernel.World
	config    aws.Config
	mu        sync.Mutex
	asked     []string
	starter   runbook.Starter
	gates     runbook.Gates
	signaller runbook.Signaller
}

type stub func(*kernel.Call)

func (s stub) Serve(c *kernel.Call) { s(c) }

func newRegion(t *testing.T, switches func(*kernel.Switches)) *region {
	t.Helper()
	r := &region{T: t, world: kernel.NewWorld("111122223333", "us-east-1")}
	switches(&r.world.Switches)
	documents := emulatedssm.New(r.world)
	emulatedsts.New(r.world)
	r.world.Register("lambda", stub(r.lambda))
	r.world.Register("cloudfront", stub(cloudFront))
	r.world.Bus = deaf{}
	stop, err := r.world.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	t.Cleanup(func() {
		for _, violation := range r.world.Violations() {
			t.Errorf("asked for what the emulator does not know: %s", violation)
		}
	})
	r.role("cf503-automation", `{"Service":"ssm.amazonaws.com"}`)
	r.role("cf503-approver", `{"AWS":"arn:aws:iam::111122223333:root"}`)
	for _, name := range names {
		raw, err := fs.ReadFile(runbook.Documents(), name+".yaml")
		if err != nil {
			t.Fatal(err)
		}
		if err := documents.PutDocument("cf503-"+name, raw, "Automation"); err != nil {
			t.Fatal(err)
		}
	}
	r.connect()
	return r
}

type deaf struct{}

func (deaf) Emit(string, string, []string, any) {}

func (r *region) role(name, principal string) {
	r.world.Identity.AddRole(kernel.Role{
		Name: name, Policies: map[string]json.RawMessage{"all": json.RawMessage(everything)},
		Trust: &kernel.Policy{Raw: json.RawMessage(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + principal +
			`,"Action":["sts:AssumeRole","sts:SetSourceIdentity"]}]}`)},
	})
}

// connect makes the clients of a session of a function's role, which retry at once.
func (r *region) connect() {
	r.role("cf503-functions", `{"Service":"lambda.amazonaws.com"}`)
	handed, err := r.world.Identity.Session("arn:aws:iam::111122223333:role/cf503-functions", "fn", "", nil)
	if err != nil {
		r.Fatal(err)
	}
	r.config = aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(r.world.Endpoint),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: handed.AccessKeyID, SecretAccessKey: handed.SecretAccessKey, SessionToken: handed.SessionToken}, nil
		}),
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.Backoff, o.RateLimiter = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil }), ratelimit.None
			})
		},
	}
	client := ssm.NewFromConfig(r.config)
	r.starter, r.gates = runbook.Starter{SSM: client}, runbook.Gates{SSM: client}
	r.signaller = runbook.Signaller{SSM: client, STS: sts.NewFromConfig(r.config), Gates: r.gates, Role: approverRole}
}

func (r *region) lambda(c *kernel.Call) {
	if err := c.Begin(kernel.Access{Action: "lambda:InvokeFunction"}); err != nil {
		c.FailJSON(err)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, string(c.Body))
	c.JSON([]byte(map[bool]string{true: `"claimed"`, false: `"written"`}[strings.Contains(string(c.Body), `"claim"`)]))
}

func cloudFront(c *kernel.Call) {
	if err := c.Begin(kernel.Access{Action: "cloudfront:GetDistribution"}); err != nil {
		c.FailXML(err)
		return
	}
	c.W.Header().Set("ETag", "E2QWRUHEXAMPLE")
	body := `<Distribution><Id>E2EXAMPLE</Id><Status>Deployed</Status></Distribution>`
	if strings.HasSuffix(c.R.URL.Path, "/config") {
		body = `<DistributionConfig><Comment>shop</Comment></DistributionConfig>`
	}
	c.XML(http.StatusOK, []byte(body))
}

func (r *region) start(o runbook.Order) incident.Execution {
	r.Helper()
	execution, err := r.starter.Start(r.Context(), o)
	if err != nil {
		r.Fatal(err)
	}
	r.world.Settle()
	return execution
}

func (r *region) gate(id string) runbook.GateState {
	r.Helper()
	r.world.Settle()
	state, err := r.gates.Gate(r.Context(), id)
	if err != nil {
		r.Fatal(err)
	}
	return state
}

// settings are what AWS might do where nobody knows.
var settings = map[string]func(*kernel.Switches){
	"as we think": func(*kernel.Switches) {},
	"other codes": func(s *kernel.Switches) {
		s.ForeignSignalError, s.RepeatedSignalError = "InvalidAutomationSignalException", "ValidationException"
	},
	"other statuses":       func(s *kernel.Switches) { s.RejectStatus, s.TimeoutStatus = "Failed", "Failed" },
	"opaque decision keys": func(s *kernel.Switches) { s.DecisionKeys = "opaque" },
	"one role, one vote":   func(s *kernel.Switches) { s.SessionsOfOneRole = false },
}

func TestAGateOpensForThoseWhomItAsksUnderEverySetting(t *testing.T) {
	t.Parallel()
	for name, setting := range settings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRegion(t, setting)
			id := r.start(order(runbook.RestoreDistribution)).ID
			if state := r.gate(id); !state.Waiting || state.CurrentStep != runbook.StepApprove || state.Approved || state.Document != "cf503-RestoreDistribution" {
				t.Fatalf("before: %+v", state)
			}
			if err := r.signaller.Signal(t.Context(), incident.Approver{Name: "mal"}, id, incident.Approve, ""); !errors.Is(err, runbook.ErrDenied) {
				t.Errorf("somebody whom the gate does not ask: %v", err)
			}
			if err := r.signaller.Signal(t.Context(), incident.Approver{Name: "ana"}, id, incident.Approve, "looks right"); err != nil {
				t.Fatal(err)
			}
			if err := r.signaller.Signal(t.Context(), incident.Approver{Name: "ben"}, id, incident.Approve, ""); !errors.Is(err, runbook.ErrDecided) {
				t.Errorf("after the decision: %v", err)
			}
			r.world.Clock.Advance(time.Minute)
			if state := r.gate(id); !state.Approved || !state.Ended || state.Waiting || len(r.asked) != 3 {
				t.Errorf("after: %+v, asked %q", state, r.asked)
			}
		})
	}
}

func TestARejectAndATimeOutAreNoApprovalUnderEverySetting(t *testing.T) {
	t.Parallel()
	for name, setting := range settings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRegion(t, setting)
			rejected, silent := order(runbook.RestoreDistribution), order(runbook.RequestQuotaIncrease)
			silent.Incident.ID = "000008"
			a, b := r.start(rejected).ID, r.start(silent).ID
			if err := r.signaller.Signal(t.Context(), incident.Approver{Name: "ana"}, a, incident.Reject, "wait"); err != nil {
				t.Fatal(err)
			}
			r.world.Clock.Advance(runbook.GateTimeout + time.Minute)
			for _, id := range []string{a, b} {
				if state := r.gate(id); state.Approved || state.Waiting || !state.Ended || !state.Decided {
					t.Errorf("%+v", state)
				}
			}
			for _, payload := range r.asked {
				if strings.Contains(payload, `"apply"`) {
					t.Errorf("asked for %s", payload)
				}
			}
		})
	}
}

func TestAStartThatIsRepeatedOrThrottledIsOneExecution(t *testing.T) {
	t.Parallel()
	r := newRegion(t, func(*kernel.Switches) {})
	throttled := &kernel.APIError{Code: "ThrottlingException", Message: "Rate exceeded", Status: http.StatusBadRequest}
	r.world.Faults.Add(kernel.Fault{Action: "ssm:StartAutomationExecution", Times: 5, Error: throttled})
	o := order(runbook.RestoreDistribution)
	first := r.start(o)
	if again := r.start(o); again.ID != first.ID {
		t.Errorf("the same order started %s and %s", first.ID, again.ID)
	}
	o.Message = "Restore the error page, please"
	if again := r.start(o); again.ID != first.ID {
		t.Errorf("the same plan in other words started %s and %s", first.ID, again.ID)
	}
	o.Plan.Hash = strings.Repeat("0", 64)
	if other := r.start(o); other.ID == first.ID {
		t.Error("another plan found the first one's execution")
	}
}

func TestAStartWhoseAnswerIsLostIsOneExecution(t *testing.T) {
	t.Parallel()
	r := newRegion(t, func(*kernel.Switches) {})
	r.world.Faults.Add(kernel.Fault{Action: "ssm:StartAutomationExecution", Times: 1, LoseAnswer: true})
	first := r.start(order(runbook.RestoreDistribution))
	found, ok, err := r.starter.Find(t.Context(), order(runbook.RestoreDistribution), time.Time{})
	if err != nil || !ok || found.ID != first.ID {
		t.Errorf("found %+v %t, error %v", found, ok, err)
	}
	if claims := len(r.asked); claims != 1 {
		t.Errorf("%d executions claimed", claims)
	}
}

// unauthorized is how IAM denies a signal.
var unauthorized = &kernel.APIError{Code: "AccessDeniedException", Status: http.StatusBadRequest, Message: "User: arn:aws:sts::111122223333:assumed-role/cf503-approver/ana is not " +
	"authorized to perform: ssm:SendAutomationSignal on resource: arn:aws:ssm:us-east-1:111122223333:automation-execution/x because no identity-based policy allows the ssm:SendAutomationSignal action"}

func TestADenialRightAfterTheSessionWasMadeIsTriedAgainForAMinute(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		fault   kernel.Fault
		denials int
		waited  time.Duration
		says    string // empty: the gate opens
	}{
		{"IAM lets the session in after two denials", kernel.Fault{Times: 2, Error: unauthorized}, 2, 3 * time.Second, ""},
		{"IAM denies for ever", kernel.Fault{Error: unauthorized}, 7, time.Minute, "is not allowed by the caller's own policies"},
		{"a policy denies explicitly", kernel.Fault{Error: &kernel.APIError{Code: "AccessDeniedException", Status: http.StatusBadRequest,
			Message: "User: x is not authorized to perform: ssm:SendAutomationSignal with an explicit deny in a service control policy"}}, 1, 0, "denied explicitly by a service control policy"},
		{"it is not IAM that denies", kernel.Fault{Error: &kernel.APIError{Code: "AccessDeniedException", Status: http.StatusBadRequest, Message: "not an approver"}}, 1, 0, "not an approver"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRegion(t, func(*kernel.Switches) {})
			id := r.start(order(runbook.RestoreDistribution)).ID
			denials, waited := 0, time.Duration(0)
			test.fault.Action, test.fault.Before = "ssm:SendAutomationSignal", func() { denials++ }
			r.world.Faults.Add(test.fault)
			r.signaller.Now = r.world.Clock.Now
			r.signaller.Sleep = func(_ context.Context, d time.Duration) error {
				waited += d
				r.world.Clock.Advance(d)
				return nil
			}
			err := r.signaller.Signal(t.Context(), incident.Approver{Name: "ana"}, id, incident.Approve, "")
			if denied := errors.Is(err, runbook.ErrDenied); denied != (test.says != "") || denied && !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %v, want one that says %q", err, test.says)
			}
			if waited.Round(time.Second) != test.waited {
				t.Errorf("waited %s, want %s", waited, test.waited)
			}
			if state := r.gate(id); state.Approved != (test.says == "") {
				t.Errorf("the gate: %+v", state)
			}
			if denials != test.denials {
				t.Errorf("denied %d times, want %d", denials, test.denials)
			}
		})
	}
}
