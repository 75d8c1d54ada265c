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
	approve   = rehearsal.StackName + "-approve"
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

func TestWithoutSnapshotLedgerOrKeyNothingStartsAndPeopleAreTold(t *testing.T) {
	t.Parallel()
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
			t.Parallel()
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

func TestOneIncidentHoweverOftenAndWhicheverWayItIsTold(t *testing.T) {
	t.Parallel()
	r := start(t, "error-page-503")
	r.World.Faults.Add(kernel.Fault{Action: "deliver:*", Resource: functionARN(respond), Twice: true})
	breaks(t, r)
	untilAsked(t, r)
	for _, channel := range []string{"lambda.alarms.cloudwatch.amazonaws.com", "events.amazonaws.com"} {
		if !slices.ContainsFunc(r.World.Journal.Lines(), func(line kernel.Line) bool {
			return line.Principal == channel && line.Action == "lambda:InvokeFunction" && slices.Contains(line.Resources, functionARN(respond))
		}) {
			t.Errorf("the alarm did not come through %s", channel)
		}
	}
	event, _ := r.S3.Get(r.Bucket, r.Folder()+"event.json")
	for range 3 {
		tellRespond(t, r, event)
		r.World.Clock.Advance(time.Minute)
	}
	r.World.Clock.Advance(10 * time.Minute)
	oneOfEach(t, r)
	approves(t, r, "alice")
	untilClosed(t, r, "changed")
	tellRespond(t, r, event)
	r.World.Clock.Advance(10 * time.Minute)
	oneOfEach(t, r)
	writtenOnce(t, r)
}

// tellRespond delivers an event to respond as the alarm's own action does.
func tellRespond(t *testing.T, r *rehearsal.Rehearsal, event []byte) {
	t.Helper()
	if err := r.World.Lambda.InvokeAsync(functionARN(respond), event, "lambda.alarms.cloudwatch.amazonaws.com", alarmARN); err != nil {
		t.Fatal(err)
	}
	r.World.Settle()
}

// state is the alarm's change of state at a time, as EventBridge tells it.
func state(value string, at time.Time) []byte {
	const format = "2006-01-02T15:04:05.000+0000"
	return []byte(`{"version":"0","id":"c4c1c1c9-6542-e61b-6ef0-8c4d36933a92","detail-type":"CloudWatch Alarm State Change","source":"aws.cloudwatch",` +
		`"account":"` + account + `","time":"` + at.UTC().Format(time.RFC3339) + `","region":"us-east-1","resources":["` + alarmARN + `"],"detail":{` +
		`"alarmName":"` + alarmName + `","state":{"value":"` + value + `","reason":"Threshold Crossed","timestamp":"` + at.UTC().Format(format) + `"},` +
		`"previousState":{"value":"OK","timestamp":"` + at.Add(-time.Hour).UTC().Format(format) + `"},"configuration":{"metrics":[{"id":"m1","metricStat":{` +
		`"metric":{"namespace":"AWS/CloudFront","name":"5xxErrorRate","dimensions":{"DistributionId":"` + rehearsal.Distribution + `","Region":"Global"}},` +
		`"period":60,"stat":"Average"},"returnData":true}]}}}`)
}

func TestWhatIsOverOpensNothing(t *testing.T) {
	t.Parallel()
	r := start(t, "error-page-503")
	now := r.World.Clock.Now()
	before := r.Incident().Episode
	tellRespond(t, r, state("OK", now))
	if n := r.Incident().Episode; n != before {
		t.Errorf("an OK before its ALARM opened incident %d", n)
	}
	tellRespond(t, r, state("ALARM", now.Add(-time.Minute)))
	if n := r.Incident().Episode; n != before {
		t.Errorf("an ALARM older than its OK opened incident %d", n)
	}
	tellRespond(t, r, state("ALARM", now.Add(time.Second)))
	if n := r.Incident().Episode; n != before+1 {
		t.Errorf("a newer ALARM made it incident %d, want %d", n, before+1)
	}
	untouched(t, r) // nothing is wrong with the distribution
}

func TestRespondIsKilledAndTakenOver(t *testing.T) {
	t.Parallel()
	forgets := func(o *rehearsal.Options) {
		switches := kernel.DefaultSwitches()
		switches.TokenMemoryMinutes = 1
		o.Switches = &switches
	}
	for name, c := range map[string]struct {
		action, resource string
		done             bool
		overrides        []func(*rehearsal.Options)
	}{
		"after the claim":                          {action: "s3:PutObject", resource: "*/current", done: true},
		"before the start":                         {action: "ssm:StartAutomationExecution"},
		"after the start":                          {action: "ssm:StartAutomationExecution", done: true},
		"after the start, whose token SSM forgets": {action: "ssm:StartAutomationExecution", done: true, overrides: []func(*rehearsal.Options){forgets}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, "error-page-503", c.overrides...)
			r.Lambda.KillAt(respond, c.action, c.resource, c.done)
			breaks(t, r)
			untilAsked(t, r)
			if !r.Has("taken-over") {
				t.Error("nobody took over: the kill has not hit")
			}
			r.World.Clock.Advance(6 * time.Minute)
			oneOfEach(t, r)
			approves(t, r, "alice")
			untilClosed(t, r, "changed")
			oneOfEach(t, r)
			writtenOnce(t, r)
		})
	}
}

func TestTheWriteHappensOnceWhateverBreaksAroundIt(t *testing.T) {
	t.Parallel()
	byRemediate := func(fault kernel.Fault) func(*rehearsal.Rehearsal) {
		fault.Action, fault.Caller = "cloudfront:UpdateDistribution", sessionsOf(remediate)
		return func(r *rehearsal.Rehearsal) { r.World.Faults.Add(fault) }
	}
	throttling := kernel.Errorf(http.StatusBadRequest, "Throttling", "Rate exceeded")
	for name, sabotage := range map[string]func(*rehearsal.Rehearsal){
		"it is throttled once":       byRemediate(kernel.Fault{Times: 1, Error: throttling}),
		"the SDK's tries do not do":  byRemediate(kernel.Fault{Times: 4, Error: throttling}),
		"its answer is lost":         byRemediate(kernel.Fault{Times: 1, LoseAnswer: true}),
		"remediate is killed after":  func(r *rehearsal.Rehearsal) { r.Lambda.KillAt(remediate, "cloudfront:UpdateDistribution", "", true) },
		"remediate is killed before": func(r *rehearsal.Rehearsal) { r.Lambda.KillAt(remediate, "cloudfront:UpdateDistribution", "", false) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, "error-page-503")
			sabotage(r)
			breaks(t, r)
			untilAsked(t, r)
			approves(t, r, "alice")
			untilClosed(t, r, "changed")
			oneOfEach(t, r)
			writtenOnce(t, r)
		})
	}
}

func TestAChangeThatCannotBeRecordedIsNotCalledUnmade(t *testing.T) {
	t.Parallel()
	const note, step = "*/outcome/written.json", "*/steps/remediate/000002.json"
	for name, c := range map[string]struct {
		unkept []string
		times  int
		ends   string
	}{
		"the writer's note cannot be kept":       {[]string{note}, 0, "changed"},
		"the step cannot be kept":                {[]string{step}, 0, "changed"},
		"neither can, as long as the step tries": {[]string{note, step}, 3, "changed"},
		"neither can, ever":                      {[]string{note, step}, 0, "failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, "error-page-503")
			for _, key := range c.unkept {
				fault("s3:PutObject", kernel.Fault{Resource: key, Times: c.times, Error: kernel.Errorf(http.StatusForbidden, "AccessDenied", "Access Denied")})(r)
			}
			breaks(t, r)
			untilAsked(t, r)
			approves(t, r, "alice")
			untilClosed(t, r, c.ends)
			if n := count(r, remediate, "cloudfront:UpdateDistribution", "ok"); n != 1 {
				t.Errorf("%d writes, want 1", n)
			}
			if heardOf(r, "without making the approved change") {
				t.Error("people hear that nothing was written")
			}
			if heardOf(r, "whether the change was made is not recorded") != (c.ends == "failed") {
				t.Error("people hear of the change what the record does not say")
			}
			oneOfEach(t, r)
		})
	}
}

func TestALookThatFailsKeepsNobodyFromHearingHowItEnds(t *testing.T) {
	t.Parallel()
	r := start(t, "error-page-503")
	r.World.Faults.Add(kernel.Fault{
		Action: "s3:PutObject", Resource: "*/watch/look-*", Caller: sessionsOf(verify), Error: kernel.Errorf(http.StatusForbidden, "AccessDenied", "Access Denied"),
	})
	breaks(t, r)
	untilAsked(t, r)
	approves(t, r, "alice")
	untilClosed(t, r, "changed")
	if r.Has("second-look") {
		t.Error("a look was kept: the fault has not hit")
	}
	if !heardOf(r, "ecovered") {
		t.Error("on-call has not heard how it ended")
	}
	writtenOnce(t, r)
}

func TestWhatVerifyCannotReadKeepsNobodyFromHearingOfTheWrite(t *testing.T) {
	t.Parallel()
	for _, action := range []string{"ssm:GetAutomationExecution", "cloudwatch:GetMetricData"} {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			r := start(t, "error-page-503")
			off := r.World.Faults.Add(kernel.Fault{
				Action: action, Caller: sessionsOf(verify), Error: kernel.Errorf(http.StatusForbidden, "AccessDenied", "Access Denied"),
			})
			breaks(t, r)
			untilAsked(t, r)
			approves(t, r, "alice")
			until(t, r, 30*time.Minute, "people hear that it is written", func() bool { return heardOf(r, "changed as approved") })
			until(t, r, 30*time.Minute, "people hear that verify fails", func() bool { return heardOf(r, rehearsal.StackName+"-dead-letters") })
			off()
			untilClosed(t, r, "changed")
			writtenOnce(t, r)
		})
	}
}

func TestAWriteThatAWSRefusesIsVoid(t *testing.T) {
	t.Parallel()
	r := start(t, "error-page-503")
	r.World.Faults.Add(kernel.Fault{
		Action: "cloudfront:UpdateDistribution", Caller: sessionsOf(remediate),
		Error: kernel.Errorf(http.StatusPreconditionFailed, "PreconditionFailed", "The request failed because it didn't meet the preconditions."),
	})
	breaks(t, r)
	untilAsked(t, r)
	approves(t, r, "alice")
	untilClosed(t, r, "void")
	if n := count(r, remediate, "cloudfront:UpdateDistribution", "ok"); n != 0 || r.Has("written") {
		t.Errorf("%d writes, recorded: %v", n, r.Has("written"))
	}
}

func TestTheRegionsLambdaPoolIsExhausted(t *testing.T) {
	t.Parallel()
	r := start(t, "error-page-503")
	r.Lambda.Exhaust(region)
	breaks(t, r)
	untilAsked(t, r)
	approves(t, r, "alice")
	untilClosed(t, r, "changed")
	oneOfEach(t, r)
}

func TestWithoutReservedConcurrencyAnExhaustedPoolIsNoticed(t *testing.T) {
	t.Parallel()
	r := start(t, "error-page-503", func(o *rehearsal.Options) { o.Parameters["ReservedConcurrency"] = "0" })
	r.Lambda.Exhaust(region)
	breaks(t, r)
	until(t, r, 25*time.Minute, "on-call hears that the sweep does not run", func() bool { return heardOf(r, rehearsal.StackName+"-silent") })
	untouched(t, r)
}

func serverError() *kernel.APIError {
	return kernel.Errorf(http.StatusInternalServerError, "InternalFailure", "We encountered an internal error.")
}

func TestAMessageThatDidNotLeaveIsSentAgain(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]kernel.Fault{
		"an approver's":                    {Resource: topics + "-channel-1", Caller: sessionsOf(respond)},
		"on-call's, that people are asked": {Resource: topics + "-on-call", Caller: sessionsOf(respond)},
		"on-call's, how it ended":          {Resource: topics + "-on-call", Caller: sessionsOf(verify)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, "error-page-503")
			fault.Action, fault.Times, fault.Error = "sns:Publish", 4, serverError() // as often as the functions' SDK tries
			r.World.Faults.Add(fault)
			breaks(t, r)
			until(t, r, 20*time.Minute, "everybody is asked", func() bool { return asks(r, "1") > 0 && asks(r, "2") > 0 })
			until(t, r, 20*time.Minute, "on-call hears of it", func() bool { return heardOf(r, "approval waits") })
			oneOfEach(t, r)
			approves(t, r, "alice")
			untilClosed(t, r, "changed")
			if !r.Has("untold") {
				t.Error("no message failed: the fault has not hit")
			}
			if !heardOf(r, "ecovered") {
				t.Error("on-call has not heard how it ended")
			}
			oneOfEach(t, r)
		})
	}
}

func TestWhatCannotBeParsedIsKeptAndTold(t *testing.T) {
	t.Parallel()
	r := start(t, "error-page-503")
	letters := r.Stack.Resources["DeadLetters"].Attributes["Arn"]
	tellRespond(t, r, []byte(`{"source":"aws.cloudwatch","detail-type":"CloudWatch Alarm State Change","detail":{"state":{"value":7}}}`))
	if n := len(r.SQS.Messages(letters)); n != 0 {
		t.Errorf("%d dead letters before the retries", n)
	}
	until(t, r, 10*time.Minute, "it lies with the dead letters", func() bool { return len(r.SQS.Messages(letters)) == 1 })
	until(t, r, 5*time.Minute, "on-call hears of it", func() bool { return heardOf(r, rehearsal.StackName+"-dead-letters") })
	untouched(t, r)
}
