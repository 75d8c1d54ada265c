// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package functions

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/rehearsal"
)

func accessDenied() *kernel.APIError {
	return kernel.Errorf(http.StatusForbidden, "AccessDenied", "User: arn:aws:sts::"+account+":assumed-role/example/session is not authorized to perform: s3:PutObject "+
		"on resource: \"arn:aws:s3:::example\" because no identity-based policy allows the s3:PutObject action")
}

// unwritable lets S3 refuse every write of a function to some keys, until it is switched off.
func unwritable(r *rehearsal.Rehearsal, function, keys string) (off func()) {
	return r.World.Faults.Add(kernel.Fault{Action: "s3:PutObject", Resource: keys, Caller: sessionsOf(function), Error: accessDenied()})
}

// heard counts the mails to the on-call topic that say something.
func heard(r *rehearsal.Rehearsal, text string) int {
	n := 0
	for _, mail := range r.SNS.Mailbox(topics + "-on-call") {
		if strings.Contains(mail.Subject+"\n"+mail.Body, text) {
			n++
		}
	}
	return n
}

// once fails unless on-call has heard each of the texts in one mail.
func once(t *testing.T, r *rehearsal.Rehearsal, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if n := heard(r, text); n != 1 {
			t.Errorf("on-call has heard %d times: %s", n, text)
		}
	}
}

func letters(r *rehearsal.Rehearsal) int {
	return len(r.SQS.Messages(r.Stack.Resources["DeadLetters"].Attributes["Arn"]))
}

func TestARecordThatTakesNoStepsIsToldOnceAndHidesNothing(t *testing.T) {
	t.Parallel()
	r, _ := asked(t)
	off := unwritable(r, verify, "*/steps/verify/*")
	approves(t, r, "alice")
	until(t, r, time.Hour, "it has recovered and is watched", func() bool { return r.Incident().State == "watching" })
	r.World.Clock.Advance(3 * time.Hour)
	once(t, r, "changed as approved", "recovered\n", "could not add to the incident's record")
	if n := recorded(r, "told"); n != 3 { // respond's own
		t.Errorf("%d told: the fault has not hit", n)
	}
	writtenOnce(t, r)
	off()
	r.World.Clock.Advance(2 * time.Hour)
	if n := recorded(r, "told"); n != 6 || recorded(r, "recovery") != 1 {
		t.Errorf("%d told and %d recovered are in the record now", n, recorded(r, "recovery"))
	}
	once(t, r, "changed as approved", "recovered\n", "could not add to the incident's record")
}

func TestAnIncidentWhoseRecordTakesNoStepsEndsAllTheSame(t *testing.T) {
	t.Parallel()
	r, broken := asked(t)
	unwritable(r, verify, "*/steps/verify/*")
	rejects(t, r, "alice", "not now")
	untilClosed(t, r, "rejected")
	r.World.Clock.Advance(2 * time.Hour)
	once(t, r, "rejected, nothing changed", "could not add to the incident's record")
	unwritten(t, r, broken)
}

func TestAnAlarmThatCannotBeRecordedIsNotToldAtEverySweep(t *testing.T) {
	t.Parallel()
	r := start(t, "error-page-503")
	unwritable(r, respond, "*/steps/respond/*")
	breaks(t, r)
	until(t, r, 10*time.Minute, "on-call hears of it", func() bool { return heardOf(r, "could not record the incident") })
	r.World.Clock.Advance(8 * time.Hour)
	if n := heard(r, "could not record the incident"); n > 2 { // the alarm's own delivery, and that through EventBridge
		t.Errorf("on-call has heard it %d times", n)
	}
	untouched(t, r)
}

func TestTroubleThatLastsIsToldOnce(t *testing.T) {
	t.Parallel()
	r := start(t, "error-page-503")
	const tries = 4 // of the functions' SDK: Lambda invokes three times, and the sweep has it tried twice
	r.World.Faults.Add(kernel.Fault{Action: "cloudfront:GetDistribution", Caller: sessionsOf(respond), Times: 5 * tries, Error: serverError()})
	breaks(t, r)
	until(t, r, 40*time.Minute, "people are asked", func() bool { return r.Has("asked") })
	once(t, r, "could not save the configuration")
	if n := letters(r); n != 1 {
		t.Errorf("%d dead letters", n)
	}
	oneOfEach(t, r)
}

func TestAKeyThatDoesNotAnswerIsWaitedForAWhile(t *testing.T) {
	const tries = 4 // of the functions' SDK
	for name, c := range map[string]struct {
		times int
		says  string
	}{
		"for a moment": {2 * tries, "approval waits"},
		"for ever":     {0, "Tickets cannot be made"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, "error-page-503")
			r.World.Faults.Add(kernel.Fault{Action: "kms:GenerateMac", Caller: sessionsOf(respond), Times: c.times, Error: serverError()})
			breaks(t, r)
			until(t, r, 30*time.Minute, "on-call hears "+c.says, func() bool { return heardOf(r, c.says) })
			once(t, r, "could not make a plan")
			if n := len(r.SSM.Executions()); n != min(c.times, 1) {
				t.Errorf("%d executions", n)
			}
		})
	}
}

func TestAnIncidentEndsWithoutThePageThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	r, broken := asked(t)
	unwritable(r, verify, "*/watch/report.*")
	rejects(t, r, "alice", "not now")
	untilClosed(t, r, "rejected")
	r.World.Clock.Advance(2 * time.Hour)
	once(t, r, "rejected, nothing changed", "could not write the incident's page")
	if !heardOf(r, "That is: s3:PutObject") {
		t.Error("nobody hears what is denied")
	}
	if n := letters(r); n != 0 {
		t.Errorf("%d dead letters", n)
	}
	unwritten(t, r, broken)
}

func TestAStartThatCannotBeRecordedIsToldAsItIs(t *testing.T) {
	t.Parallel()
	r := start(t, "error-page-503")
	unwritable(r, respond, "*/steps/respond/000007.json") // after opened, snapshot, evidence, diagnosed, planned and starting
	breaks(t, r)
	until(t, r, 20*time.Minute, "on-call hears of it", func() bool { return heardOf(r, "could not start the runbook") })
	if len(r.SSM.Executions()) != 1 || r.Has("started") {
		t.Fatal("the fault has not hit")
	}
	once(t, r, "The runbook is started, as execution "+r.SSM.Executions()[0].ID)
	if heardOf(r, "changes nothing") || asks(r, "1")+asks(r, "2") > 0 {
		t.Error("it is called unstarted, or somebody was asked")
	}
	r.World.Clock.Advance(2 * time.Hour)
	if n := writes(r); n != 0 {
		t.Errorf("%d writes", n)
	}
}

func TestAnApproverWhoseTopicIsClosedIsAskedOnceItIsOpen(t *testing.T) {
	for name, fault := range map[string]kernel.Fault{
		"the topic's policy":  {Action: "sns:Publish", Resource: topics + "-channel-1", Error: kernel.Errorf(http.StatusForbidden, "AuthorizationError", "not authorized to perform: SNS:Publish")},
		"the topic is gone":   {Action: "sns:Publish", Resource: topics + "-channel-1", Error: kernel.Errorf(http.StatusNotFound, "NotFound", "Topic does not exist")},
		"the key, for nobody": {Action: "sns:Publish", Resource: topics + "-*", Error: kernel.Errorf(http.StatusBadRequest, "KMSAccessDenied", "The ciphertext refers to a key that you may not use")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, "error-page-503")
			fault.Caller = sessionsOf(respond)
			off := r.World.Faults.Add(fault)
			breaks(t, r)
			until(t, r, 20*time.Minute, "a message has failed", func() bool { return r.Has("untold") })
			off()
			until(t, r, 20*time.Minute, "alice is asked", func() bool { return asks(r, "1") > 0 })
			r.World.Clock.Advance(7 * time.Minute)
			oneOfEach(t, r)
			approves(t, r, "alice")
			untilClosed(t, r, "changed")
			oneOfEach(t, r)
			writtenOnce(t, r)
			if n := heard(r, "could not ask every approver"); n > 1 {
				t.Errorf("on-call has heard %d times that somebody was not asked", n)
			}
		})
	}
}

func TestAnApproverWhoCannotBeAskedIsTriedAFewTimes(t *testing.T) {
	t.Parallel()
	r := start(t, "error-page-503")
	r.World.Faults.Add(kernel.Fault{Action: "sns:Publish", Resource: topics + "-channel-1", Caller: sessionsOf(respond),
		Error: kernel.Errorf(http.StatusForbidden, "AuthorizationError", "not authorized to perform: SNS:Publish")})
	breaks(t, r)
	untilClosed(t, r, "silent")
	once(t, r, "could not ask every approver", "Whoever was asked can answer")
	if n := recorded(r, "asking-again"); n != 3 || recorded(r, "untold") != n+1 || asks(r, "2") != 1 {
		t.Errorf("asked again %d times, %d failed; bob got %d", n, recorded(r, "untold"), asks(r, "2"))
	}
	if n := letters(r); n != 0 {
		t.Errorf("%d dead letters", n)
	}
}

func TestAWayBackThatCannotReportIsNotSilent(t *testing.T) {
	for name, c := range map[string]struct {
		faults []kernel.Fault
		writes int
		says   string
	}{
		"the runbook may not invoke": {[]kernel.Fault{{Action: "lambda:InvokeFunction", Caller: "arn:aws:sts::" + account + ":assumed-role/" + rehearsal.StackName + "-automation/*",
			Error: kernel.Errorf(http.StatusForbidden, "AccessDeniedException", "not authorized to perform: lambda:InvokeFunction")}}, 1, "NOT undone"},
		"the writer may not read":      {[]kernel.Fault{{Action: "s3:ListBucket", Caller: sessionsOf(remediate), Error: accessDenied()}}, 1, "NOT undone"},
		"its step cannot be kept":      {[]kernel.Fault{{Action: "s3:PutObject", Resource: "*/steps/remediate/000005.json", Error: accessDenied()}}, 2, ": undone"},
		"its write cannot be recorded": {[]kernel.Fault{{Action: "s3:PutObject", Resource: "*/steps/remediate/000005.json", Error: accessDenied()}, {Action: "s3:PutObject", Resource: "*/outcome/undone.json", Error: accessDenied()}}, 2, "NOT KNOWN whether undone"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, _, _ := changed(t)
			for _, fault := range c.faults {
				r.World.Faults.Add(fault)
			}
			undoes(t, r, "bob")
			until(t, r, 90*time.Minute, "on-call hears what became of it", func() bool { return heardOf(r, c.says) })
			r.World.Clock.Advance(2 * time.Hour)
			once(t, r, c.says)
			if n := writes(r); n != c.writes {
				t.Errorf("%d writes, want %d", n, c.writes)
			}
			for _, other := range []string{"NOT undone", ": undone", "NOT KNOWN whether undone"} {
				if other != c.says && heardOf(r, other) {
					t.Errorf("on-call hears that it is %s as well", other)
				}
			}
		})
	}
}

func TestAWayBackThatDiesEachTimeLeavesNothingHalfWay(t *testing.T) {
	t.Parallel()
	r := start(t, "function-error")
	breaks(t, r)
	untilAsked(t, r)
	approvedBy(r.Scenario.Approvers()...)(t, r)
	until(t, r, 30*time.Minute, "the change is everywhere", func() bool { return r.Has("deployed") })
	made := stateOf(t, r)
	const tries = 3 // of the runbook's step
	r.World.Faults.Add(kernel.Fault{Action: "cloudfront:PublishFunction", Caller: sessionsOf(remediate), Times: tries, Error: serverError(),
		Before: func() { r.Lambda.Kill(remediate) }})
	undoes(t, r, "bob")
	until(t, r, 30*time.Minute, "the way back has failed", func() bool { return r.Has("undo-failed") })
	r.World.Clock.Advance(10 * time.Minute)
	if diff := cmp.Diff(made, stateOf(t, r)); diff != "" {
		t.Errorf("the way back is left half-way (-want +got):\n%s", diff)
	}
	once(t, r, "undone, look at it")
}
