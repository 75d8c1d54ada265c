// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package functions

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/google/go-cmp/cmp"

	"cloudfront503/pkg/emulator/automation"
	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/rehearsal"
)

// changed is the scenario error-page-503 up to where the approved change is on all edges: the configuration of before the
// change, and the one after it.
func changed(t *testing.T, overrides ...func(*rehearsal.Options)) (r *rehearsal.Rehearsal, before, after map[string]any) {
	t.Helper()
	r, before = asked(t, overrides...)
	approves(t, r, "alice")
	until(t, r, 30*time.Minute, "the change is on all edges", func() bool { return r.Has("deployed") })
	return r, before, live(t, r)
}

// undoes answers with the ticket to undo.
func undoes(t *testing.T, r *rehearsal.Rehearsal, by string) {
	t.Helper()
	ticket := r.UndoTicket(by)
	if ticket == "" {
		t.Fatalf("%s has no ticket to undo", by)
	}
	reply(t, r, by, "undo "+ticket+" it is worse")
}

// stands compares the distribution, field by field, with what it should be, and how often it was written.
func stands(t *testing.T, r *rehearsal.Rehearsal, want map[string]any, times int) {
	t.Helper()
	if diff := cmp.Diff(want, live(t, r)); diff != "" {
		t.Errorf("the configuration is not what it should be (-want +live):\n%s", diff)
	}
	if n := writes(r); n != times {
		t.Errorf("%d writes, want %d", n, times)
	}
}

// byHand is a change of somebody else.
func byHand(t *testing.T, r *rehearsal.Rehearsal, edit func(config map[string]any)) {
	t.Helper()
	by := kernel.Principal{ARN: rehearsal.UserARN("deployer"), IAM: rehearsal.UserARN("deployer"), Account: rehearsal.AccountID}
	if _, err := r.CloudFront.Change(rehearsal.Distribution, by, r.World.Clock.Now(), edit); err != nil {
		t.Fatal(err)
	}
}

func TestAChangeIsTakenBackOnce(t *testing.T) {
	t.Parallel()
	r, before, _ := changed(t)
	undoes(t, r, "bob") // not the one who approved
	until(t, r, 10*time.Minute, "it is taken back", func() bool { return r.Has("undone") })
	stands(t, r, before, 2)
	undoes(t, r, "alice")
	undoes(t, r, "bob")
	if recorded(r, "refused") != 2 {
		t.Errorf("%d refused, want both", recorded(r, "refused"))
	}
	untilClosed(t, r, "undone")
	stands(t, r, before, 2)
	if !heardOf(r, "undone") || recorded(r, "undone") != 1 {
		t.Error("on-call has not heard that it is undone")
	}
	if why := r.Incident().Outcome.Why; !strings.Contains(why, "bob: it is worse") || !strings.Contains(why, "still fail") {
		t.Errorf("ended because: %s", why)
	}
	page, _ := r.S3.Get(r.Bucket, r.Folder()+"watch/report.md")
	if !strings.Contains(string(page), "Undone") {
		t.Error("the report does not say that it was undone")
	}
}

func TestAnUndoThatDoesNotCount(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(*testing.T, *rehearsal.Rehearsal)
		why    string
	}{
		"through another's topic": {func(t *testing.T, r *rehearsal.Rehearsal) { reply(t, r, "bob", "undo "+r.UndoTicket("alice")) }, "not one of bob's"},
		"with the ticket to approve": {func(t *testing.T, r *rehearsal.Rehearsal) {
			ticket, _ := r.Tickets("bob")
			reply(t, r, "bob", "undo "+ticket)
		}, "not one of bob's"},
		"forged": {func(t *testing.T, r *rehearsal.Rehearsal) { reply(t, r, "bob", "undo "+forge(r.UndoTicket("bob"))) }, "not one of bob's"},
		"two hours later": {func(t *testing.T, r *rehearsal.Rehearsal) {
			r.World.Clock.Advance(2 * time.Hour)
			undoes(t, r, "bob")
		}, "two hours after the change"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, _, after := changed(t)
			c.answer(t, r)
			r.World.Clock.Advance(5 * time.Minute)
			stands(t, r, after, 1)
			if recorded(r, "refused") != 1 || len(r.SSM.Executions()) != 1 {
				t.Errorf("%d refused, %d executions", recorded(r, "refused"), len(r.SSM.Executions()))
			}
			told(t, r, "bob", 1, c.why)
		})
	}
}

func TestWhatWasNotChangedIsNotTakenBack(t *testing.T) {
	t.Parallel()
	r, broken := asked(t)
	undoes(t, r, "bob")
	rejects(t, r, "alice", "no")
	untilClosed(t, r, "rejected")
	undoes(t, r, "alice")
	if recorded(r, "refused") != 2 {
		t.Errorf("%d refused", recorded(r, "refused"))
	}
	unwritten(t, r, broken)
	told(t, r, "alice", 1, "nothing to undo")
}

func TestWhatOthersDidSinceStays(t *testing.T) {
	t.Parallel()
	r, before, _ := changed(t)
	byHand(t, r, func(config map[string]any) { config["Comment"] = "theirs" })
	undoes(t, r, "alice")
	until(t, r, 10*time.Minute, "it is taken back", func() bool { return r.Has("undone") })
	want := maps.Clone(before)
	want["Comment"] = "theirs"
	if diff := cmp.Diff(want, live(t, r)); diff != "" {
		t.Errorf("(-want +live):\n%s", diff)
	}
}

// theirErrorPage is what somebody else puts where ours stands.
func theirErrorPage(config map[string]any) {
	config["CustomErrorResponses"] = map[string]any{"Quantity": json.Number("1"), "Items": []any{map[string]any{
		"ErrorCode": json.Number("404"), "ResponsePagePath": "/theirs.html", "ResponseCode": "404", "ErrorCachingMinTTL": json.Number("30"),
	}}}
}

func TestAFieldThatOthersChangedSinceIsLeftAndSaid(t *testing.T) {
	t.Parallel()
	r, _, _ := changed(t)
	byHand(t, r, theirErrorPage)
	theirs := live(t, r)
	undoes(t, r, "alice")
	until(t, r, 15*time.Minute, "on-call hears that it is not undone", func() bool { return heardOf(r, "NOT undone") })
	if diff := cmp.Diff(theirs, live(t, r)); diff != "" || r.Has("undone") {
		t.Errorf("(-theirs +live):\n%s", diff)
	}
	undoes(t, r, "bob")
	told(t, r, "bob", 1, "the way back was tried")
}

func TestTheWayBackHappensOnceWhateverBreaksAroundIt(t *testing.T) {
	byRemediate := func(fault kernel.Fault) func(*rehearsal.Rehearsal) {
		fault.Action, fault.Caller, fault.Times = "cloudfront:UpdateDistribution", sessionsOf(remediate), 1
		return func(r *rehearsal.Rehearsal) { r.World.Faults.Add(fault) }
	}
	for name, sabotage := range map[string]func(*rehearsal.Rehearsal){
		"its answer is lost":                   byRemediate(kernel.Fault{LoseAnswer: true}),
		"a 412":                                byRemediate(kernel.Fault{Error: kernel.Errorf(http.StatusPreconditionFailed, "PreconditionFailed", "It did not meet the preconditions.")}),
		"remediate is killed after the write":  func(r *rehearsal.Rehearsal) { r.Lambda.KillAt(remediate, "cloudfront:UpdateDistribution", "", true) },
		"remediate is killed before the write": func(r *rehearsal.Rehearsal) { r.Lambda.KillAt(remediate, "cloudfront:UpdateDistribution", "", false) },
		"approve is killed after the start":    func(r *rehearsal.Rehearsal) { r.Lambda.KillAt(approve, "ssm:StartAutomationExecution", "", true) },
		"approve is killed before the start":   func(r *rehearsal.Rehearsal) { r.Lambda.KillAt(approve, "ssm:StartAutomationExecution", "", false) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, before, _ := changed(t)
			sabotage(r)
			undoes(t, r, "alice")
			until(t, r, 30*time.Minute, "it is taken back", func() bool { return r.Has("undone") })
			stands(t, r, before, 2)
			if n := len(r.SSM.Executions()); n != 2 {
				t.Errorf("%d executions", n)
			}
			untilClosed(t, r, "undone")
			stands(t, r, before, 2)
		})
	}
}

func TestAnExecutionOfTheWayBackStartedByHandDoesNothing(t *testing.T) {
	t.Parallel()
	r, before, after := changed(t)
	config := eve(t, r)
	rogue := startBack(t, r, config)
	if !rogue.Ended() || stepStatus(rogue, "Approve") == "Waiting" {
		t.Errorf("it is %s at %s", rogue.Status, rogue.CurrentStep)
	}
	for _, action := range []string{"claim-undo", "undo", "note-undo", "apply"} {
		if got := orders(t, r, action, rogue.ID, "deployed"); !strings.HasPrefix(got, "refused: ") {
			t.Errorf("%s: %q", action, got)
		}
	}
	stands(t, r, after, 1)
	undoes(t, r, "alice")
	until(t, r, 10*time.Minute, "it is taken back", func() bool { return r.Has("undone") })
	stands(t, r, before, 2)
}

// startBack starts the runbook that takes a change back, with the parameters of the incident's own execution.
func startBack(t *testing.T, r *rehearsal.Rehearsal, as aws.Config) automation.Execution {
	t.Helper()
	out, err := ssm.NewFromConfig(as).StartAutomationExecution(t.Context(), &ssm.StartAutomationExecutionInput{
		DocumentName: aws.String(rehearsal.StackName + "-UndoChange"), Parameters: r.SSM.Executions()[0].Parameters,
	})
	if err != nil {
		t.Fatal(err)
	}
	r.World.Clock.Advance(time.Minute)
	return execution(t, r, *out.AutomationExecutionId)
}

func TestAQuotaGivesNoTicketToUndo(t *testing.T) {
	t.Parallel()
	r := start(t, "lambda-edge-concurrency")
	breaks(t, r)
	untilAsked(t, r)
	if ticket := r.UndoTicket("alice"); ticket != "" {
		t.Errorf("alice has %s", ticket)
	}
}

func TestANoteOfAStepThatWasNotReachedIsRefused(t *testing.T) {
	t.Parallel()
	r, broken := asked(t)
	own := r.SSM.Executions()[0].ID
	for _, note := range []string{"moved", "not-approved", "failed", "deployed", "not-deployed"} {
		if got := orders(t, r, "note", own, note); !strings.HasPrefix(got, "refused: the execution has not come to its step") {
			t.Errorf("%s: %q", note, got)
		}
	}
	r.World.Clock.Advance(6 * time.Minute) // the sweep looks at what is recorded
	if state := r.Incident().State; state != "open" || r.Has("void") || r.Has("ended") || r.Has("deployed") {
		t.Errorf("the incident is %s", state)
	}
	unwritten(t, r, broken)
}
