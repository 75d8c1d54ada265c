// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package functions

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"cloudfront503/pkg/denied"
	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/rehearsal"
)

// as is what a person's clients are made of.
func as(t *testing.T, r *rehearsal.Rehearsal, name string) aws.Config {
	t.Helper()
	keys, err := r.World.Identity.UserCredentials(rehearsal.UserARN(name))
	if err != nil {
		t.Fatal(err)
	}
	config := operator(r)
	config.Credentials = credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, keys.SessionToken)
	return config
}

// session assumes one of the stack's roles as a person, under a name.
func session(t *testing.T, r *rehearsal.Rehearsal, by, role, name string) (aws.Config, error) {
	t.Helper()
	config := as(t, r, by)
	out, err := sts.NewFromConfig(config).AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::" + rehearsal.AccountID + ":role/" + rehearsal.StackName + "-" + role), RoleSessionName: &name,
	})
	if err != nil {
		return aws.Config{}, err
	}
	config.Credentials = credentials.NewStaticCredentialsProvider(*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken)
	return config, nil
}

// own are the roles in which the approvers of a rehearsal sign for themselves.
var own = map[string]string{"alice": "approver-1", "bob": "approver-2"}

// signsSelf signals the incident's gate as a person in the own session, without any reply.
func signsSelf(t *testing.T, r *rehearsal.Rehearsal, name string, kind types.SignalType) error {
	t.Helper()
	config, err := session(t, r, name, own[name], name)
	if err != nil {
		t.Fatal(err)
	}
	executions := r.SSM.Executions()
	_, err = ssm.NewFromConfig(config).SendAutomationSignal(t.Context(), &ssm.SendAutomationSignalInput{
		AutomationExecutionId: &executions[len(executions)-1].ID, SignalType: kind,
	})
	r.World.Settle()
	return err
}

func TestWhereOneIsEnoughAnApproverMaySignTheGate(t *testing.T) {
	for _, naming := range []string{"sessions", "role"} {
		t.Run("named by "+naming, func(t *testing.T) {
			t.Parallel()
			r, _ := asked(t, func(o *rehearsal.Options) { o.Parameters["GateApprovers"] = naming })
			if err := signsSelf(t, r, "bob", types.SignalTypeApprove); err != nil {
				t.Fatal(err)
			}
			untilClosed(t, r, "changed")
			if writes(r) != 1 || recorded(r, "signed-self") != 1 || recorded(r, "decision") != 0 {
				t.Errorf("%d writes, %d signed, %d decisions", writes(r), recorded(r, "signed-self"), recorded(r, "decision"))
			}
			for _, step := range r.Steps() {
				if step.Kind == "signed-self" && !strings.Contains(string(step.Detail), "assumed-role/"+rehearsal.StackName+"-approver-2/bob") {
					t.Errorf("through whom: %s", step.Detail)
				}
			}
		})
	}
}

// The gate's own record is the only place where a reject in an own session stands, under names that AWS does not document.
func TestWhoRejectsAtTheGateItselfEndsTheIncident(t *testing.T) {
	t.Parallel()
	for name, override := range map[string]func(*rehearsal.Options){
		"named by session":           func(*rehearsal.Options) {},
		"named by role":              func(o *rehearsal.Options) { o.Parameters["GateApprovers"] = "role" },
		"under other names":          under(func(s *kernel.Switches) { s.DecisionKeys = "opaque" }),
		"called a failure, not a no": under(func(s *kernel.Switches) { s.RejectStatus = "Failed" }),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, broken := asked(t, override)
			if err := signsSelf(t, r, "bob", types.SignalTypeReject); err != nil {
				t.Fatal(err)
			}
			untilClosed(t, r, "rejected")
			unwritten(t, r, broken)
			if why := r.Incident().Outcome.Why; why != "bob at the gate" || recorded(r, "gate-reject") != 1 {
				t.Errorf("ended because of %q, %d times recorded", why, recorded(r, "gate-reject"))
			}
		})
	}
}

func TestPeopleHearThatAWSTakesNoSessions(t *testing.T) {
	t.Parallel()
	switches := kernel.DefaultSwitches()
	switches.SessionApprovers = false
	r, broken := asked(t, func(o *rehearsal.Options) { o.Switches = &switches })
	approves(t, r, "alice")
	until(t, r, 10*time.Minute, "people hear of it", func() bool { return r.Has("denied") })
	for _, who := range []string{"alice@example.com", "on-call@example.com"} {
		said := 0
		for _, mail := range r.SNS.Mailbox("") {
			if mail.Endpoint == who && strings.Contains(mail.Body, "GateApprovers=role") {
				said++
			}
		}
		if said != 1 {
			t.Errorf("%s has heard the hint %d times", who, said)
		}
	}
	untilClosed(t, r, "failed")
	unwritten(t, r, broken)
	if why := r.Incident().Outcome.Why; !strings.Contains(why, "GateApprovers=role") {
		t.Errorf("ended because: %s", why)
	}
}

// A session that was made a moment ago may be denied until every part of IAM knows it. What is denied after a minute still is
// told with the kind of policy that denies; how the gate names people has nothing to do with it.
func TestPeopleHearWhichPolicyDeniesTheSignature(t *testing.T) {
	t.Parallel()
	r, broken := asked(t)
	r.World.Faults.Add(kernel.Fault{
		Action: "ssm:SendAutomationSignal",
		Before: func() { r.World.Clock.SetNow(r.World.Clock.Now().Add(denied.Settles)) },
		Error: &kernel.APIError{Code: "AccessDeniedException", Status: http.StatusBadRequest, Message: "User: arn:aws:sts::111122223333:assumed-role/signer/alice is not " +
			"authorized to perform: ssm:SendAutomationSignal on resource: x because no permissions boundary allows the ssm:SendAutomationSignal action"},
	})
	approves(t, r, "alice")
	until(t, r, 10*time.Minute, "people hear of it", func() bool { return r.Has("denied") })
	for _, mail := range r.SNS.Mailbox("") {
		if !strings.Contains(mail.Subject, "CANNOT WORK") {
			continue
		}
		if !strings.Contains(mail.Body, "is not allowed by the caller's permissions boundary") || strings.Contains(mail.Body, "GateApprovers=role") {
			t.Errorf("%s hears:\n%s", mail.Endpoint, mail.Body)
		}
	}
	untilClosed(t, r, "failed")
	unwritten(t, r, broken)
	if why := r.Incident().Outcome.Why; !strings.Contains(why, "is not allowed by the caller's permissions boundary") {
		t.Errorf("ended because: %s", why)
	}
}

func TestWhereTwoMustApproveNobodySignsTheGate(t *testing.T) {
	t.Parallel()
	r, broken := asked(t, func(o *rehearsal.Options) { o.Parameters["Quorum"] = "2" })
	if err := signsSelf(t, r, "alice", types.SignalTypeApprove); err == nil {
		t.Error("the gate took a signature that does not count")
	}
	r.World.Clock.Advance(5 * time.Minute)
	unwritten(t, r, broken)
	approves(t, r, "alice")
	approves(t, r, "bob")
	untilClosed(t, r, "changed")
}

func TestNobodySignsInTheNameOfAnother(t *testing.T) {
	t.Parallel()
	r, broken := asked(t)
	for by, tries := range map[string][][2]string{
		"mallory": {{"approver-1", "mallory"}, {"approver-1", "alice"}, {"signer", "alice"}},
		"bob":     {{"approver-1", "alice"}, {"approver-1", "bob"}, {"approver-2", "alice"}, {"signer", "bob"}, {"signer", "alice"}},
	} {
		for _, try := range tries {
			if _, err := session(t, r, by, try[0], try[1]); err == nil || !strings.Contains(err.Error(), "AccessDenied") {
				t.Errorf("%s is %s in the role %s: %v", by, try[1], try[0], err)
			}
		}
	}
	unwritten(t, r, broken)
}

// Whoever has taken over the function approve, and with it the role in which it signs, opens the gate and still changes
// nothing: no ticket is proven. It is said why.
func TestAGateThatApproveOpensWithoutTicketsOpensNothing(t *testing.T) {
	for _, quorum := range []string{"1", "2"} {
		t.Run("quorum "+quorum, func(t *testing.T) {
			t.Parallel()
			r, broken := asked(t, func(o *rehearsal.Options) { o.Parameters["Quorum"] = quorum })
			keys, err := r.World.Identity.Session("arn:aws:iam::"+rehearsal.AccountID+":role/"+rehearsal.StackName+"-signer", "alice", "alice", nil)
			if err != nil {
				t.Fatal(err)
			}
			config := operator(r)
			config.Credentials = credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, keys.SessionToken)
			signal(t, config, r.SSM.Executions()[0].ID, true)
			untilClosed(t, r, "void")
			unwritten(t, r, broken)
			if why := r.Incident().Outcome.Why; !strings.Contains(why, "0 of "+quorum+" approvals are proven") {
				t.Errorf("ended because: %s", why)
			}
		})
	}
}
