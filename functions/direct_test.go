// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package functions

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"cloudfront503/pkg/emulator/automation"
	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/rehearsal"
)

// stranger is an execution that never was.
const stranger = "0d3b1c2a-5e6f-4a7b-8c9d-0123456789ab"

// operator is what an administrator's clients are made of.
func operator(r *rehearsal.Rehearsal) aws.Config {
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(r.World.Endpoint),
		Credentials: credentials.NewStaticCredentialsProvider("operator", "secret", ""),
	}
}

// eve may do everything in the account but is no approver.
func eve(t *testing.T, r *rehearsal.Rehearsal) aws.Config {
	t.Helper()
	r.World.Identity.AddUser(kernel.User{Name: "eve", ARN: rehearsal.UserARN("eve"), Policies: map[string]json.RawMessage{
		"all": json.RawMessage(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`),
	}})
	keys, err := r.World.Identity.UserCredentials(rehearsal.UserARN("eve"))
	if err != nil {
		t.Fatal(err)
	}
	config := operator(r)
	config.Credentials = credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, keys.SessionToken)
	return config
}

// orders invokes remediate as its runbook does, but by hand.
func orders(t *testing.T, r *rehearsal.Rehearsal, action, execution, note string) string {
	t.Helper()
	payload := fmt.Sprintf(`{"action":%q,"incident":"%s/000001","execution":%q,"note":%q}`, action, rehearsal.Distribution, execution, note)
	out, err := lambda.NewFromConfig(operator(r)).Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String(remediate), Payload: []byte(payload)})
	if err != nil {
		t.Fatal(err)
	}
	var answer string
	if out.FunctionError != nil || json.Unmarshal(out.Payload, &answer) != nil {
		t.Fatalf("%s of %s: %s", action, execution, out.Payload)
	}
	return answer
}

func TestRemediateInvokedByHandWritesNothing(t *testing.T) {
	t.Parallel()
	r, broken := asked(t)
	own := r.SSM.Executions()[0].ID
	tests := []struct{ name, action, execution, note, want string }{
		{"an apply while the gate waits", "apply", own, "", "refused: "},
		{"another claim of the execution that has the slot", "claim", own, "", "claimed"},
		{"an apply of no execution", "apply", stranger, "", "refused: "},
		{"a claim of no execution", "claim", stranger, "", "refused: "},
		{"a note of no execution", "note", stranger, "failed", "refused: "},
		{"an unknown note", "note", own, "fine", "refused: "},
		{"an unknown action", "write", own, "", "refused: "},
	}
	for _, test := range tests {
		if got := orders(t, r, test.action, test.execution, test.note); !strings.HasPrefix(got, test.want) {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
		unwritten(t, r, broken)
	}
	r.World.Clock.Advance(6 * time.Minute) // the sweep looks at what is recorded
	approves(t, r, "alice")
	untilClosed(t, r, "changed")
	if got := orders(t, r, "apply", own, ""); got != "written" || writes(r) != 1 {
		t.Errorf("an apply after the write: %q, %d writes", got, writes(r))
	}
}

// again starts the incident's runbook by hand, with the parameters of its own execution but for some.
func again(t *testing.T, r *rehearsal.Rehearsal, as aws.Config, change map[string][]string) automation.Execution {
	t.Helper()
	return repeated(t, r, as, r.SSM.Executions()[0], change)
}

// repeated starts a document by hand, with the parameters of an execution but for some.
func repeated(t *testing.T, r *rehearsal.Rehearsal, as aws.Config, own automation.Execution, change map[string][]string) automation.Execution {
	t.Helper()
	parameters := maps.Clone(own.Parameters)
	maps.Copy(parameters, change)
	out, err := ssm.NewFromConfig(as).StartAutomationExecution(t.Context(), &ssm.StartAutomationExecutionInput{
		DocumentName: aws.String(own.Document), Parameters: parameters,
	})
	if err != nil {
		t.Fatal(err)
	}
	r.World.Settle()
	return execution(t, r, *out.AutomationExecutionId)
}

func execution(t *testing.T, r *rehearsal.Rehearsal, id string) automation.Execution {
	t.Helper()
	for _, e := range r.SSM.Executions() {
		if e.ID == id {
			return e
		}
	}
	t.Fatalf("no execution %s", id)
	return automation.Execution{}
}

func TestARunbookStartedByHandReachesNoGate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change map[string][]string
	}{
		{"run again as it was", nil},
		{"with other approvers", map[string][]string{"Approvers": {rehearsal.UserARN("eve")}}},
		{"with another message", map[string][]string{"Message": {"please"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r, broken := asked(t)
			config := eve(t, r)
			rerun := again(t, r, config, test.change)
			signal(t, config, rerun.ID, false)
			r.World.Clock.Advance(time.Minute)
			rerun = execution(t, r, rerun.ID)
			if !rerun.Ended() || stepStatus(rerun, "Approve") == "Waiting" || stepStatus(rerun, "Apply") == "Success" {
				t.Errorf("it is %s at %s", rerun.Status, rerun.CurrentStep)
			}
			if got := orders(t, r, "apply", rerun.ID, ""); !strings.HasPrefix(got, "refused: ") {
				t.Errorf("an apply for it: %q", got)
			}
			unwritten(t, r, broken)
			approves(t, r, "alice")
			untilClosed(t, r, "changed")
			if writes(r) != 1 {
				t.Errorf("%d writes", writes(r))
			}
			again(t, r, config, test.change)
			r.World.Clock.Advance(time.Hour)
			if writes(r) != 1 {
				t.Errorf("%d writes after another rerun", writes(r))
			}
		})
	}
}

func stepStatus(e automation.Execution, name string) string {
	for _, step := range e.Steps {
		if step.Name == name {
			return step.Status
		}
	}
	return ""
}

// signal approves an execution's gate as somebody.
func signal(t *testing.T, as aws.Config, id string, want bool) {
	t.Helper()
	_, err := ssm.NewFromConfig(as).SendAutomationSignal(t.Context(), &ssm.SendAutomationSignalInput{
		AutomationExecutionId: aws.String(id), SignalType: types.SignalTypeApprove,
	})
	if (err == nil) != want {
		t.Errorf("the signal to %s: %v", id, err)
	}
}

// forged is a document with a gate of eve's, behind which it orders the write.
const forged = `schemaVersion: "0.3"
assumeRole: "{{ AutomationAssumeRole }}"
parameters:
  AutomationAssumeRole: {type: String}
  Execution: {type: String}
mainSteps:
  - name: Approve
    action: aws:approve
    timeoutSeconds: 3600
    inputs:
      MinRequiredApprovals: 1
      Approvers: ["%s"]
    nextStep: Apply
  - name: Apply
    action: aws:invokeLambdaFunction
    timeoutSeconds: 300
    inputs:
      FunctionName: "%s"
      InvocationType: RequestResponse
      Payload: '{"action":"apply","incident":"%s/000001","execution":"{{ Execution }}"}'
    isEnd: true
`

func TestAnotherDocumentsGateOpensNothing(t *testing.T) {
	t.Parallel()
	r, broken := asked(t)
	config, own := eve(t, r), r.SSM.Executions()[0]
	document := fmt.Sprintf(forged, rehearsal.UserARN("eve"), functionARN(remediate), rehearsal.Distribution)
	if err := r.SSM.PutDocument("Forged", []byte(document), "Automation"); err != nil {
		t.Fatal(err)
	}
	for _, claimed := range []string{own.ID, "{{ automation:EXECUTION_ID }}"} {
		out, err := ssm.NewFromConfig(config).StartAutomationExecution(t.Context(), &ssm.StartAutomationExecutionInput{
			DocumentName: aws.String("Forged"),
			Parameters:   map[string][]string{"AutomationAssumeRole": own.Parameters["AutomationAssumeRole"], "Execution": {claimed}},
		})
		if err != nil {
			t.Fatal(err)
		}
		r.World.Settle()
		signal(t, config, *out.AutomationExecutionId, true)
		r.World.Settle()
		if e := execution(t, r, *out.AutomationExecutionId); !strings.Contains(fmt.Sprint(e.Steps), "refused: ") {
			t.Errorf("it is %s at %s: %v", e.Status, e.CurrentStep, e.Steps)
		}
		unwritten(t, r, broken)
	}
	approves(t, r, "alice")
	untilClosed(t, r, "changed")
	if writes(r) != 1 {
		t.Errorf("%d writes", writes(r))
	}
}
