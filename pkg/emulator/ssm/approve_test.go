// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package ssm_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/runbook/document"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

// publicDocuments are runbooks with approval that AWS publishes; they are not part of this repository.
const publicDocuments = "../../../../shared/payloads/runbooks-with-approval"

// runbooks are the complete documents of a folder.
func runbooks(t *testing.T, folder string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(folder + "/*")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(raw), "mainSteps") {
			found[strings.TrimSuffix(strings.TrimSuffix(filepath.Base(file), ".json"), ".yaml")] = string(raw)
		}
	}
	return found
}

// fill gives each parameter of a document a value.
func fill(t *testing.T, text string) map[string][]string {
	t.Helper()
	d, err := document.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	values := map[string][]string{}
	for _, p := range d.Parameters {
		switch {
		case strings.EqualFold(p.Name, "AutomationAssumeRole"), strings.EqualFold(p.Name, "assumeRole"):
			values[p.Name] = []string{roleARN}
		case p.Name == "SNSTopicArn":
			values[p.Name] = []string{topicARN}
		case p.Name == "Approvers":
			values[p.Name] = []string{"ana"}
		default:
			values[p.Name] = []string{"i-0a1b2c3d4e5f67890"}
		}
	}
	return values
}

// child stands for the documents that runbooks with approval start.
const child = `{"schemaVersion": "0.3", "assumeRole": "{{ AutomationAssumeRole }}", "parameters": {
	"AutomationAssumeRole": {"type": "String"}, "LambdaRoleArn": {"type": "String", "default": "none"},
	"InstanceId": {"type": "String", "default": "none"}, "FleetName": {"type": "String", "default": "none"}},
	"mainSteps": [{"name": "stop", "action": "aws:changeInstanceState", "inputs": {"InstanceIds": ["{{ InstanceId }}"], "DesiredState": "running"}}]}`

func TestRunbooksWithApproval(t *testing.T) {
	for _, folder := range []string{publicDocuments, "testdata/approval"} {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			if _, err := os.Stat(folder); err != nil && folder == publicDocuments {
				t.Skip("the public documents are not there")
			}
			documents := runbooks(t, folder)
			if len(documents) < 4 {
				t.Fatalf("found %d documents, want at least 4", len(documents))
			}
			for name, text := range documents {
				t.Run(name+" approved", func(t *testing.T) { testApproved(t, text) })
				t.Run(name+" rejected", func(t *testing.T) { testRejected(t, text) })
				t.Run(name+" left alone", func(t *testing.T) { testSilent(t, text) })
			}
		})
	}
}

// gate starts a document and stands before its gate. The one approver of a fixed list is found in the document.
func gate(t *testing.T, text string) (a *account, id, approver string) {
	t.Helper()
	approver = "ana"
	account := accountID
	if strings.Contains(text, ":12345678901:user/AWS-User-1") { // a document of AWS's with an account of its own
		approver, account = "AWS-User-1", "12345678901"
	}
	a = newAccountOf(t, account)
	a.putText("Runbook", text)
	for _, name := range []string{"AWS-ASGExitStandby", "ReleaseFleet"} {
		a.putText(name, child)
	}
	parameters := fill(t, text)
	for name, values := range parameters {
		parameters[name] = []string{strings.Replace(values[0], accountID, account, 1)}
	}
	id = a.start("Runbook", parameters)
	e := a.ended(id, "Waiting")
	if *e.CurrentAction != "aws:approve" || len(a.commands) > 0 {
		t.Fatalf("at %s with %v done, want the gate and nothing", *e.CurrentAction, a.commands)
	}
	if len(a.sent) != 1 {
		t.Errorf("published %d times, want once", len(a.sent))
	}
	return a, id, approver
}

func testApproved(t *testing.T, text string) {
	a, id, approver := gate(t, text)
	a.mustSignal(a.user(approver), id, types.SignalTypeApprove)
	e := a.ended(id, "Success")
	if len(a.commands) == 0 {
		t.Error("nothing was done after the approval")
	}
	if got := e.StepExecutions[0].Outputs["ApprovalStatus"]; len(got) != 1 || got[0] != "Approved" {
		t.Errorf("ApprovalStatus is %v, want Approved", got)
	}
}

func testRejected(t *testing.T, text string) {
	a, id, approver := gate(t, text)
	a.mustSignal(a.user(approver), id, types.SignalTypeReject)
	e := a.ended(id, "Rejected")
	if len(a.commands) > 0 {
		t.Errorf("%v was done after a reject", a.commands)
	}
	if got := stepStatus(e, *e.StepExecutions[1].StepName); got != "Pending" {
		t.Errorf("the step after the gate is %s, want Pending", got)
	}
}

func testSilent(t *testing.T, text string) {
	a, id, _ := gate(t, text)
	a.advance(7*24*time.Hour + time.Minute)
	a.ended(id, "TimedOut")
	if len(a.commands) > 0 {
		t.Errorf("%v was done without an answer", a.commands)
	}
}

const gated = `{"schemaVersion": "0.3", "assumeRole": "` + roleARN + `", "parameters": {"Approvers": {"type": "StringList"}, "Least": {"type": "Integer", "default": 1}},
	"mainSteps": [
		{"name": "Approve", "action": "aws:approve", "timeoutSeconds": 600, "inputs": {"Approvers": "{{ Approvers }}", "MinRequiredApprovals": "{{ Least }}", "Message": "Please"}},
		{"name": "Write", "action": "aws:changeInstanceState", "inputs": {"InstanceIds": ["i"], "DesiredState": "stopped"}}]}`

func (a *account) gated(least string, approvers ...string) string {
	a.Helper()
	a.putText("Gated", gated)
	return a.start("Gated", map[string][]string{"Approvers": approvers, "Least": {least}})
}

func TestWhoMayApprove(t *testing.T) {
	const sessionARN = "arn:aws:sts::111122223333:assumed-role/approver/ana"
	tests := []struct {
		name     string
		approver string
		admitted bool
	}{
		{"a user by name", "ana", true},
		{"a user by ARN", "arn:aws:iam::111122223333:user/ana", true},
		{"another user", "ben", false},
		{"a role by ARN, signed by a session of it", "arn:aws:iam::111122223333:role/approver", true},
		{"a session by ARN", sessionARN, true},
		{"the session of another name", "arn:aws:sts::111122223333:assumed-role/approver/ben", false},
		{"a session by its bare name", "approver", false},
		{"a pattern is not one", "arn:aws:sts::111122223333:assumed-role/approver/*", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := newAccount(t)
			id := a.gated("1", test.approver)
			c := a.user("ana")
			if strings.Contains(test.approver, "role/") {
				c = a.session("approver", "ana")
			}
			err := a.signal(c, id, types.SignalTypeApprove)
			if admitted := err == nil; admitted != test.admitted {
				t.Fatalf("admitted is %t (%v), want %t", admitted, err, test.admitted)
			}
			want := map[bool]string{true: "Success", false: "Waiting"}[test.admitted]
			a.ended(id, want)
		})
	}
}

func TestOneOfTwoApprovalsOpensNothing(t *testing.T) {
	a := newAccount(t)
	id := a.gated("2", "ana", "ben")
	a.mustSignal(a.user("ana"), id, types.SignalTypeApprove)
	e := a.ended(id, "Waiting")
	if got := e.StepExecutions[0].Outputs["ApproverDecisions"]; len(got) != 1 || !strings.Contains(got[0], "user/ana") {
		t.Errorf("decisions are %v, want ana's", got)
	}
	if got := code(a.signal(a.user("ana"), id, types.SignalTypeApprove)); got != "InvalidAutomationSignalException" {
		t.Errorf("the same approval again was answered %q", got)
	}
	a.ended(id, "Waiting")
	a.mustSignal(a.user("ben"), id, types.SignalTypeApprove)
	a.ended(id, "Success")
}

func TestARejectAfterAnApproval(t *testing.T) {
	for _, who := range []string{"ana", "ben"} {
		t.Run("of "+who, func(t *testing.T) {
			a := newAccount(t)
			id := a.gated("2", "ana", "ben")
			a.mustSignal(a.user("ana"), id, types.SignalTypeApprove)
			a.mustSignal(a.user(who), id, types.SignalTypeReject)
			a.ended(id, "Rejected")
		})
	}
}

func TestARevokedApprovalDoesNotCount(t *testing.T) {
	a := newAccount(t)
	id := a.gated("2", "ana", "ben")
	a.mustSignal(a.user("ana"), id, types.SignalTypeApprove)
	a.mustSignal(a.user("ana"), id, types.SignalTypeRevoke)
	a.mustSignal(a.user("ben"), id, types.SignalTypeApprove)
	a.ended(id, "Waiting")
}

func TestSignalsThatNobodyWaitsFor(t *testing.T) {
	a := newAccount(t)
	id := a.gated("1", "ana")
	a.mustSignal(a.user("ana"), id, types.SignalTypeApprove)
	if got := code(a.signal(a.user("ana"), id, types.SignalTypeApprove)); got != "InvalidAutomationSignalException" {
		t.Errorf("approving twice was answered %q", got)
	}
	if got := code(a.signal(a.user("ana"), id, types.SignalTypeResume)); got != "InvalidAutomationSignalException" {
		t.Errorf("resuming what is no pause was answered %q", got)
	}
	if got := code(a.signal(a.user("ana"), "00000000-0000-4000-8000-000000000000", types.SignalTypeApprove)); got != "AutomationExecutionNotFoundException" {
		t.Errorf("approving nothing was answered %q", got)
	}
}

func TestAnApprovalAfterTheTimeOutIsTooLate(t *testing.T) {
	a := newAccount(t)
	id := a.gated("1", "ana")
	a.advance(599 * time.Second)
	a.ended(id, "Waiting")
	a.advance(2 * time.Second)
	a.ended(id, "TimedOut")
	if got := code(a.signal(a.user("ana"), id, types.SignalTypeApprove)); got != "InvalidAutomationSignalException" {
		t.Errorf("a late approval was answered %q", got)
	}
	if len(a.commands) > 0 {
		t.Errorf("%v was done", a.commands)
	}
}

func TestSwitchesOfTheGate(t *testing.T) {
	t.Run("a reject is Failed", func(t *testing.T) {
		a := newAccount(t)
		a.world.Switches.RejectStatus = "Failed"
		id := a.gated("1", "ana")
		a.mustSignal(a.user("ana"), id, types.SignalTypeReject)
		if got := stepStatus(a.ended(id, "Failed"), "Approve"); got != "Failed" {
			t.Errorf("the step is %s", got)
		}
	})
	t.Run("a time-out is Failed", func(t *testing.T) {
		a := newAccount(t)
		a.world.Switches.TimeoutStatus = "Failed"
		id := a.gated("1", "ana")
		a.advance(time.Hour)
		a.ended(id, "Failed")
	})
	t.Run("a stranger's signal has another code", func(t *testing.T) {
		a := newAccount(t)
		a.world.Switches.ForeignSignalError = "InvalidAutomationSignalException"
		id := a.gated("1", "ana")
		if got := code(a.signal(a.user("ben"), id, types.SignalTypeApprove)); got != "InvalidAutomationSignalException" {
			t.Errorf("a stranger was answered %q", got)
		}
	})
	t.Run("a repeated signal has another code", func(t *testing.T) {
		a := newAccount(t)
		a.world.Switches.RepeatedSignalError = "AutomationStepNotFoundException"
		id := a.gated("1", "ana")
		a.mustSignal(a.user("ana"), id, types.SignalTypeApprove)
		if got := code(a.signal(a.user("ana"), id, types.SignalTypeApprove)); got != "AutomationStepNotFoundException" {
			t.Errorf("a repeated signal was answered %q", got)
		}
	})
	t.Run("a repeated signal is taken in silence", func(t *testing.T) {
		a := newAccount(t)
		a.world.Switches.RepeatedSignalError = ""
		id := a.gated("2", "ana", "ben")
		a.mustSignal(a.user("ana"), id, types.SignalTypeApprove)
		a.mustSignal(a.user("ana"), id, types.SignalTypeApprove)
		a.ended(id, "Waiting")
	})
}

func TestSwitchesOfWhoAndHow(t *testing.T) {
	for sessions, want := range map[bool]string{true: "Success", false: "Waiting"} {
		t.Run("two sessions of one role leave the gate "+want, func(t *testing.T) {
			a := newAccount(t)
			a.world.Switches.SessionsOfOneRole = sessions
			id := a.gated("2", "arn:aws:sts::111122223333:assumed-role/approver/ana", "arn:aws:sts::111122223333:assumed-role/approver/ben")
			a.mustSignal(a.session("approver", "ana"), id, types.SignalTypeApprove)
			_ = a.signal(a.session("approver", "ben"), id, types.SignalTypeApprove)
			a.ended(id, want)
		})
	}
	for names, want := range map[string]bool{"simulator": true, "opaque": false} {
		t.Run("decisions have names that are "+names, func(t *testing.T) {
			a := newAccount(t)
			a.world.Switches.DecisionKeys = names
			id := a.gated("1", "ana")
			a.mustSignal(a.user("ana"), id, types.SignalTypeApprove)
			got := a.get(id).StepExecutions[0].Outputs["ApproverDecisions"]
			if len(got) != 1 || strings.Contains(got[0], `"Approver"`) != want {
				t.Errorf("decisions are %v", got)
			}
		})
	}
}

func TestAGateThatIsNotWellFormedFails(t *testing.T) {
	tests := map[string]struct {
		least     string
		approvers []string
	}{
		"more approvals than approvers": {"2", []string{"ana"}},
		"no approval at all":            {"0", []string{"ana"}},
		"nobody to approve":             {"1", []string{}},
		"eleven approvers":              {"1", strings.Split("a b c d e f g h i j k", " ")},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t)
			a.ended(a.gated(test.least, test.approvers...), "Failed")
			if len(a.commands) > 0 {
				t.Errorf("%v was done", a.commands)
			}
		})
	}
}

func TestATopicOfAnotherNameFailsTheGate(t *testing.T) {
	a := newAccount(t)
	a.putText("Gated", strings.Replace(gated, `"Message": "Please"`, `"NotificationArn": "{{ Approvers }}"`, 1))
	id := a.start("Gated", map[string][]string{"Approvers": {"arn:aws:sns:us-east-1:111122223333:approvals"}})
	a.ended(id, "Waiting") // a list is no topic: nothing is published
	a.putText("Topic", `{"schemaVersion": "0.3", "assumeRole": "`+roleARN+`", "parameters": {"Topic": {"type": "String"}}, "mainSteps": [
		{"name": "Approve", "action": "aws:approve", "inputs": {"Approvers": ["ana"], "NotificationArn": "{{ Topic }}"}}]}`)
	e := a.ended(a.start("Topic", map[string][]string{"Topic": {"arn:aws:sns:us-east-1:111122223333:approvals"}}), "Failed")
	if !strings.Contains(*e.FailureMessage, "must begin with Automation") {
		t.Errorf("failure is %q", *e.FailureMessage)
	}
}

func TestAPublishThatIsRefusedFailsTheGate(t *testing.T) {
	a := newAccount(t)
	a.world.Faults.Add(kernel.Fault{Action: "sns:Publish", Error: kernel.Errorf(403, "AuthorizationError", "not authorized")})
	a.putText("Topic", `{"schemaVersion": "0.3", "assumeRole": "`+roleARN+`", "mainSteps": [
		{"name": "Approve", "action": "aws:approve", "inputs": {"Approvers": ["ana"], "NotificationArn": "`+topicARN+`"}}]}`)
	e := a.ended(a.start("Topic", nil), "Failed")
	if !strings.Contains(*e.FailureMessage, "AuthorizationError") {
		t.Errorf("failure is %q", *e.FailureMessage)
	}
}
