// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package functions

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/rehearsal"
	"cloudfront503/pkg/emulator/sns"
)

// The names of the stack that these tests break.
const (
	region    = "us-east-1"
	respond   = rehearsal.StackName + "-respond"
	remediate = rehearsal.StackName + "-remediate"
	verify    = rehearsal.StackName + "-verify"
	account   = rehearsal.AccountID
	topics    = "arn:aws:sns:" + region + ":" + account + ":" + rehearsal.StackName
	alarmName = rehearsal.StackName + "-5xx"
	alarmARN  = "arn:aws:cloudwatch:" + region + ":" + account + ":alarm:" + alarmName
)

// sessionsOf matches the sessions of a function's role.
func sessionsOf(function string) string {
	return "arn:aws:sts::" + account + ":assumed-role/" + function + "/*"
}

func functionARN(function string) string {
	return "arn:aws:lambda:" + region + ":" + account + ":function:" + function
}

// count is how many calls of an action by a function had an outcome.
func count(r *rehearsal.Rehearsal, function, action, outcome string) int {
	n := 0
	for _, line := range r.World.Journal.Lines() {
		if line.Action == action && line.Outcome == outcome && kernel.Glob(sessionsOf(function), line.Principal) {
			n++
		}
	}
	return n
}

// steps is how many steps of a kind the record has.
func steps(r *rehearsal.Rehearsal, kind string) int {
	n := 0
	for _, step := range r.Steps() {
		if step.Kind == kind {
			n++
		}
	}
	return n
}

// asks is how many mails have asked an approver, by number.
func asks(r *rehearsal.Rehearsal, number string) int {
	n := 0
	for _, mail := range r.SNS.Mailbox(topics + "-channel-" + number) {
		if strings.Contains(mail.Body, "'approve ") {
			n++
		}
	}
	return n
}

// heardOf tells whether a mail to the on-call topic says something.
func heardOf(r *rehearsal.Rehearsal, text string) bool {
	return slices.ContainsFunc(r.SNS.Mailbox(topics+"-on-call"), func(mail sns.Mail) bool {
		return strings.Contains(mail.Subject+"\n"+mail.Body, text)
	})
}

// oneOfEach fails unless there was one incident, one execution and one mail for each approver.
func oneOfEach(t *testing.T, r *rehearsal.Rehearsal) {
	t.Helper()
	for what, n := range map[string]int{
		"incidents": r.Incident().Episode, "executions": len(r.SSM.Executions()),
		"mails that ask alice": asks(r, "1"), "mails that ask bob": asks(r, "2"),
	} {
		if n != 1 {
			t.Errorf("%d %s, want 1", n, what)
		}
	}
}

// untouched fails unless nothing was started and nothing was written.
func untouched(t *testing.T, r *rehearsal.Rehearsal) {
	t.Helper()
	if n := len(r.SSM.Executions()); n != 0 {
		t.Errorf("%d runbooks were started, want none", n)
	}
	if n := count(r, remediate, "cloudfront:UpdateDistribution", "ok"); n != 0 {
		t.Errorf("%d writes, want none", n)
	}
}

// writtenOnce fails unless the incident's change was made and recorded exactly once.
func writtenOnce(t *testing.T, r *rehearsal.Rehearsal) {
	t.Helper()
	if n := count(r, remediate, "cloudfront:UpdateDistribution", "ok"); n != 1 {
		t.Errorf("%d writes, want 1", n)
	}
	if n := steps(r, "written"); n != 1 {
		t.Errorf("%d steps say that it was written, want 1", n)
	}
}

func serverError() *kernel.APIError {
	return kernel.Errorf(http.StatusInternalServerError, "InternalFailure", "We encountered an internal error.")
}

func TestWithoutSnapshotLedgerOrKeyNothingStartsAndPeopleAreTold(t *testing.T) {
	denied := kernel.Errorf(http.StatusForbidden, "AccessDenied", "Access Denied")
	for name, c := range map[string]struct {
		fault kernel.Fault
		says  string
	}{
		"the snapshot cannot be saved": {kernel.Fault{Action: "s3:PutObject", Resource: "*/snapshot*", Error: denied}, "save the configuration"},
		"the ledger cannot be written": {kernel.Fault{Action: "s3:PutObject", Resource: "*/current", Error: denied}, "record the incident"},
		"tickets cannot be made": {kernel.Fault{Action: "kms:GenerateMac",
			Error: kernel.Errorf(http.StatusBadRequest, "AccessDeniedException", "not authorized to perform kms:GenerateMac")}, "Tickets cannot be made"},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, "error-page-503")
			c.fault.Caller = sessionsOf(respond)
			r.World.Faults.Add(c.fault)
			breaks(t, r)
			until(t, r, 10*time.Minute, "on-call hears that "+name, func() bool { return heardOf(r, c.says) })
			r.World.Clock.Advance(30 * time.Minute) // Lambda's retries and the sweep change nothing
			untouched(t, r)
			if asks(r, "1")+asks(r, "2") > 0 {
				t.Error("approvers were asked")
			}
		})
	}
}
