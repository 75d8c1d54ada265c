// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package notify_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/notify"
)

var update = flag.Bool("update", false, "write the goldens anew")

var (
	at    = time.Date(2026, 11, 24, 3, 41, 0, 0, time.UTC)
	about = notify.About{
		Environment: "prod", Incident: incident.Reference{Distribution: "E2EXAMPLE", ID: "000007"},
		DomainName: "d111111abcdef8.cloudfront.net", Bucket: "cf503-111122223333",
	}
	diagnosis = incident.Diagnosis{
		Verdict: incident.Verdict{Cause: incident.ErrorPage503, Family: incident.FamilyConfiguration, Confidence: 0.94},
		Candidates: []incident.Candidate{
			{
				Cause: incident.ErrorPage503, Confidence: 0.94,
				For: []incident.Fact{
					{Source: "distribution", Fact: "a custom error response turns 404 into 503"},
					{Source: "probe", Fact: `x-cache: "Error from cloudfront", the page says "Back soon"`},
				},
				Against: []incident.Fact{{Source: "metrics/us-east-1", Fact: "5xxErrorRate rose by a quarter only"}},
				Missing: []incident.Fact{{Source: "access-logs", Fact: "sc-status and x-edge-result-type of failing requests"}},
			},
			{Cause: incident.Origin503, Confidence: 0.04},
		},
		Change: &incident.BlamedEvent{EventID: "b7c1", EventName: "UpdateDistribution", At: at.Add(-10 * time.Minute), By: "arn:aws:iam::111122223333:user/deploy"},
		Gaps:   []incident.Gap{{Source: "access-logs", Why: "no object for the window yet", Next: "look again in an hour"}},
		Settle: []string{"aws cloudfront get-distribution-config --id E2EXAMPLE"},
		Onset:  at.Add(-9 * time.Minute),
	}
	plan = incident.Plan{
		Cause: incident.ErrorPage503, Confidence: 0.94, Distribution: "E2EXAMPLE", Runbook: "RestoreDistribution", ETag: "E2QWRUHEXAMPLE",
		Difference: []incident.FieldChange{
			{Path: "CustomErrorResponses/Items/[ErrorCode=404]/ResponseCode", From: json.RawMessage(`"503"`), To: json.RawMessage(`"404"`)},
			{Path: "CustomErrorResponses/Items/[ErrorCode=404]/ErrorCachingMinTTL", From: json.RawMessage(`300`)},
			{Path: "Origins/Items/[Id=web]/CustomHeaders/Items/[HeaderName=X-Verify]/HeaderValue", From: json.RawMessage(`"hunter2"`), To: json.RawMessage(`"hunter3"`)},
		},
		WayBack: "the same fields get the values that they have now", Affects: "some 1,200 requests a minute to shop.example.com",
		Advice: []string{"aws cloudfront get-distribution --id E2EXAMPLE", "Watch the AWS Health Dashboard."},
	}
	quotaPlan = incident.Plan{
		Cause: incident.LambdaEdgeConcurrency, Runbook: "RequestQuotaIncrease", WayBack: "a quota is not lowered again", Affects: "Lambda@Edge in eu-west-1",
		Quota: &incident.QuotaRequest{Service: "lambda", Code: "L-B99A9384", Name: "Concurrent executions", Region: "eu-west-1", Current: 1000, Desired: 2000},
	}
	request = incident.ApprovalRequest{
		Incident: about.Incident, Execution: "0d3b1c2a-5e6f-4a7b-8c9d-0123456789ab", Step: "Approve", Distribution: "E2EXAMPLE", ETag: "E2QWRUHEXAMPLE",
		Hash:    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
		Expires: at.Add(time.Hour), Approvers: []string{"ana", "ben"}, Required: 1,
	}
	snapshot = incident.Snapshot{ConfigKey: "incidents/E2EXAMPLE/000007/snapshot.config.json", VersionID: "3sL4kqtJlcpXroDTDmJrmSpXd3dIbrHY"}
	ana      = incident.Approver{Name: "ana", Topic: "arn:aws:sns:us-east-1:111122223333:cf503-reply-1"}
	approve  = "E2EXAMPLE.000007." + strings.Repeat("aB3-", 10) + "xyz"
	reject   = "E2EXAMPLE.000007." + strings.Repeat("zY9_", 10) + "abc"
	written  = &incident.Written{Action: "apply", FromETag: "E2QWRUHEXAMPLE", ToETag: "E3UN6WX5EXAMPLE", At: at.Add(5 * time.Minute)}
)

func ask() notify.Ask {
	return notify.Ask{About: about, Diagnosis: diagnosis, Plan: plan, Request: request, Snapshot: snapshot, Approver: ana, Approve: approve, Reject: reject}
}

func outcome(of string, why string) notify.Outcome {
	return notify.Outcome{About: about, Plan: plan, Outcome: incident.Outcome{Result: of, Why: why}}
}

// messages are one of each kind.
func messages() map[string]notify.Message {
	abstains := diagnosis
	abstains.Verdict = incident.Verdict{Cause: incident.Undetermined, Confidence: 0.41}
	quota := ask()
	quota.Plan, quota.Diagnosis.Verdict = quotaPlan, incident.Verdict{Cause: incident.LambdaEdgeConcurrency, Confidence: 0.97}
	changed := outcome("written", "")
	changed.Written, changed.Approved = written, "approved by ana, 1 of 1"
	recovered := outcome("recovered", "")
	recovered.Written, recovered.Recovery, recovered.Report = written, &incident.Recovery{State: incident.Recovered, Why: "back in its earlier range", Before: 23.4, After: 0.02, Requests: 18250}, "incidents/E2EXAMPLE/000007/watch/report.html"
	worse := outcome("worse", "")
	worse.Written, worse.Recovery = written, &incident.Recovery{State: incident.Worse, Why: "higher than before", Before: 23.4, After: 61, Requests: 18250}
	worse.WayBack, worse.Until = []string{"cf503 restore --incident E2EXAMPLE/000007"}, at.Add(2*time.Hour)
	goingBack := outcome(notify.ResultTakingBack, "")
	goingBack.Written, goingBack.Recovery = written, worse.Recovery
	requested := outcome("requested", "")
	requested.Plan, requested.Written = quotaPlan, &incident.Written{Action: "quota", RequestID: "d187537d15254312a9609aa51bbf7624u7W49tPO", At: at, Found: true}
	none := about
	none.Incident, none.Distribution, none.DomainName = incident.Reference{}, "E2EXAMPLE", ""
	exposing := ask()
	exposing.Plan.Does, exposing.Plan.Exposes = "take auth:8 off one association", []string{"Detaches the Lambda@Edge function at viewer-request of behaviour *; if it checks who may come in, content is open to everybody."}
	exposing.Plan.Shared, exposing.Plan.Limits = []string{"Other distributions keep the versions that they name."}, []string{"Requests pass without the function from then on."}
	exposing.Plan.Reaches, exposing.Plan.Scope = "Edges get it one by one, within minutes.", "Distribution E2EXAMPLE alone, which the stack lists."
	asked := ask()
	asked.Diagnosis, asked.Plan.BlamedBy, asked.Request.AskedBy = abstains, nil, "arn:aws:iam::111122223333:user/cem"
	asked.Plan.Recipe, asked.Plan.Does = &incident.Recipe{Restore: &incident.RestoreRecipe{By: asked.Request.AskedBy}}, "put 1 field back to what snapshot known-good holds"
	asked.Plan.Limits = []string{"A person asks for this, and no diagnosis: arn:aws:iam::111122223333:user/cem. Whether it helps was not judged."}
	texted := ask()
	texted.Plan.TakenBack = incident.TakenBackWorse
	texted.Code, texted.CodeNo = "K7M-4QX-9RT", "ABC-DEF-GHJ"
	granted := outcome("recovered", "")
	granted.Plan = asked.Plan
	return map[string]notify.Message{
		"ask-wish":            notify.RenderAsk(asked),
		"outcome-wish":        notify.RenderOutcome(granted),
		"ask":                 notify.RenderAsk(ask()),
		"ask-texted":          notify.RenderAsk(texted),
		"codes-void":          notify.RenderCodesVoid(notify.CodesVoid{About: about, Owner: "ana", From: "+*********82", Wrong: 5}),
		"refused-text":        notify.RenderRefused(notify.Refused{About: about, Owner: "ana", From: "+*********82", Topic: "arn:aws:sns:us-east-1:111122223333:cf503-texts", Why: "wrong code 1 of 5", At: at, ID: "m1"}),
		"refused-stranger":    notify.RenderRefused(notify.Refused{About: none, From: "+*********99", Topic: "arn:aws:sns:us-east-1:111122223333:cf503-texts", Why: "the number belongs to no approver", At: at, ID: "m1", More: 2}),
		"ask-exposing":        notify.RenderAsk(exposing),
		"ask-quota":           notify.RenderAsk(quota),
		"tell":                notify.RenderTell(notify.Tell{About: about, Diagnosis: abstains, Plan: incident.Plan{TellOnly: "the evidence does not tell the cause.", Advice: plan.Advice}, Snapshot: snapshot}),
		"outcome-taking-back": notify.RenderOutcome(goingBack),
		"outcome-written":     notify.RenderOutcome(changed),
		"outcome-requested":   notify.RenderOutcome(requested),
		"outcome-rejected":    notify.RenderOutcome(outcome("rejected", "ben says: a deploy is running")),
		"outcome-silent":      notify.RenderOutcome(outcome("silent", "0 of 1 approvals")),
		"outcome-void":        notify.RenderOutcome(outcome("void", "the live ETag is E9OTHER")),
		"outcome-failed":      notify.RenderOutcome(outcome("failed", "the function remediate failed three times")),
		"outcome-unknown":     notify.RenderOutcome(outcome("100 % new %s", "")),
		"outcome-recovered":   notify.RenderOutcome(recovered),
		"outcome-not-yet":     notify.RenderOutcome(func() notify.Outcome { o := recovered; o.Outcome.Result = "not-yet"; o.Report = ""; return o }()),
		"outcome-worse":       notify.RenderOutcome(worse),
		"escalation":          notify.RenderEscalation(notify.Escalation{About: about, Plan: plan, Request: request, Silent: []string{"ana", "ben"}, Said: "0 of 1 approvals", At: at.Add(30 * time.Minute)}),
		"escalation-over":     notify.RenderEscalation(notify.Escalation{About: about, Plan: plan, Request: request, Silent: []string{"ana", "ben"}, Said: "0 of 1 approvals", At: at.Add(61 * time.Minute)}),
		"refused":             notify.RenderRefused(notify.Refused{About: about, Owner: "ana", Topic: ana.Topic, Why: "the ticket was used at 2026-11-24T03:50:00Z", At: at, ID: "m1", More: 3}),
		"refused-nobodys":     notify.RenderRefused(notify.Refused{About: none, Topic: "arn:aws:sns:us-east-1:111122223333:other", Why: "it came through a topic that belongs to no approver", At: at, ID: "m1"}),
		"second-look":         notify.RenderSecondLook(notify.SecondLook{About: about, Before: diagnosis.Verdict, After: incident.Diagnosis{Verdict: incident.Verdict{Cause: incident.Origin503, Confidence: 0.91}}, Why: "logs have come: the origin answers 503", Withdrawn: true}),
		"cannot-work-policy": notify.RenderCannotWork(notify.CannotWork{About: none, What: "start the runbook", Then: "no runbook was started.", Err: fmt.Errorf("start: %w", &smithy.GenericAPIError{Code: "AccessDeniedException",
			Message: "User: arn:aws:sts::111122223333:assumed-role/cf503-respond/x is not authorized to perform: ssm:StartAutomationExecution on resource: x with an explicit deny in a service control policy"})}),
		"cannot-work": notify.RenderCannotWork(notify.CannotWork{About: none, What: "save the configuration", Err: errors.New("put object: api error AccessDenied: Access Denied"), Then: "no runbook was started.", Next: plan.Advice[:1]}),
	}
}

func TestMessagesAreAsTheGoldens(t *testing.T) {
	t.Parallel()
	for name, m := range messages() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			golden(t, name+".txt", "Kind: "+m.Kind+"\nSubject: "+m.Subject+"\n\n"+m.Body+"\n--- sms ---\n"+m.Short+"\n")
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}

func TestTheLinesToPasteAreWholeAndSafe(t *testing.T) {
	t.Parallel()
	a := ask()
	m := notify.RenderAsk(a)
	for _, want := range []string{
		"aws sns publish --topic-arn arn:aws:sns:us-east-1:111122223333:cf503-reply-1 --region us-east-1 --message 'approve " + approve + "'",
		"aws sns publish --topic-arn arn:aws:sns:us-east-1:111122223333:cf503-reply-1 --region us-east-1 --message 'reject " + reject + " REASON'",
	} {
		if !strings.Contains(m.Body, want) || !strings.Contains(m.Short, want) {
			t.Errorf("no line %s", want)
		}
	}
	a.Approver.Topic = "arn:aws:sns:eu-west-1:1:x'; rm -rf ~; echo '\n$(id)`id`"
	lines := 0
	for line := range strings.Lines(notify.RenderAsk(a).Body + notify.RenderAsk(a).Short) {
		if strings.HasPrefix(strings.TrimSpace(line), "aws sns publish") {
			lines++
			if strings.ContainsAny(line, ";`$()~") || len(strings.Split(line, " --")) != 4 || strings.Count(line, "'") != 2 {
				t.Errorf("a topic's ARN breaks out: %s", line)
			}
		}
	}
	if lines != 4 {
		t.Errorf("%d lines to paste", lines)
	}
}

func TestNoMessageShowsASecret(t *testing.T) {
	t.Parallel()
	for name, m := range messages() {
		if strings.Contains(m.Body+m.Short+m.Subject, "hunter") {
			t.Errorf("%s shows a custom header's value", name)
		}
		if !strings.HasPrefix(name, "ask") && (strings.Contains(m.Body, approve) || strings.Contains(m.Body, reject)) {
			t.Errorf("%s shows a ticket", name)
		}
	}
}

// fits says what is wrong with a message for SNS.
func fits(m notify.Message) string {
	switch {
	case len(m.Subject) == 0 || len(m.Subject) > 99:
		return "subject's length"
	case strings.IndexFunc(m.Subject, func(r rune) bool { return r < ' ' || r > '~' }) >= 0 || m.Subject[0] == ' ':
		return "subject's characters"
	case len(m.Body) == 0 || len(m.Body) > 100_000 || !utf8.ValidString(m.Body):
		return "body"
	case len(m.Short) == 0 || len(m.Short) > 1600 || !utf8.ValidString(m.Short):
		return "short form"
	default:
		return ""
	}
}

func TestMessagesFitHoweverLongTheirPartsAre(t *testing.T) {
	t.Parallel()
	for _, long := range []string{strings.Repeat("x ", 2_200), strings.Repeat("\"\\", 2_200), strings.Repeat("\U0001f525", 1_100), strings.Repeat("\xff\n\r", 1_500)} {
		for _, m := range hostile(long) {
			if wrong := fits(m); wrong != "" {
				t.Errorf("%s: %s", m.Kind, wrong)
			}
		}
	}
}

// hostile are messages in which every text from outside is the same one, in long lists.
func hostile(text string) []notify.Message {
	about := notify.About{Environment: text, Incident: incident.Reference{Distribution: text, ID: text}, DomainName: text, Bucket: text}
	var facts []incident.Fact
	var gaps []incident.Gap
	var changes []incident.FieldChange
	var texts []string
	raw, _ := json.Marshal(text)
	for range 45 {
		facts = append(facts, incident.Fact{Source: text, Fact: text})
		gaps = append(gaps, incident.Gap{Source: text, Why: text, Next: text})
		changes = append(changes, incident.FieldChange{Path: text, From: raw, To: json.RawMessage(text)})
		texts = append(texts, text)
	}
	d := incident.Diagnosis{
		Verdict:    incident.Verdict{Cause: incident.Cause(text)},
		Candidates: []incident.Candidate{{Cause: incident.Cause(text), For: facts, Against: facts, Missing: facts}, {Cause: incident.Cause(text + "2")}},
		Change:     &incident.BlamedEvent{EventName: text, By: text}, Gaps: gaps, Settle: texts,
	}
	p := incident.Plan{Cause: incident.Cause(text), TellOnly: text, Difference: changes, WayBack: text, Affects: text, Advice: texts}
	q := incident.Plan{Quota: &incident.QuotaRequest{Service: text, Code: text, Name: text, Region: text}}
	r := incident.ApprovalRequest{Incident: about.Incident, Approvers: texts, ETag: text, Hash: text}
	s := incident.Snapshot{ConfigKey: text, VersionID: text}
	w := &incident.Written{Action: text, FromETag: text, ToETag: text}
	return []notify.Message{
		notify.RenderAsk(notify.Ask{About: about, Diagnosis: d, Plan: p, Request: r, Snapshot: s, Approver: incident.Approver{Name: text, Topic: text}, Approve: text, Reject: text, Code: text, CodeNo: text}),
		notify.RenderTell(notify.Tell{About: about, Diagnosis: d, Plan: p, Snapshot: s}),
		notify.RenderOutcome(notify.Outcome{About: about, Plan: p, Outcome: incident.Outcome{Result: text, Why: text}, Written: w, Recovery: &incident.Recovery{Why: text}, Approved: text, WayBack: texts, Report: text}),
		notify.RenderOutcome(notify.Outcome{About: about, Plan: q, Outcome: incident.Outcome{Result: "requested", Why: text}, Written: &incident.Written{Action: "quota", RequestID: text}}),
		notify.RenderEscalation(notify.Escalation{About: about, Plan: p, Request: r, Silent: texts, Said: text}),
		notify.RenderRefused(notify.Refused{About: about, Owner: text, Topic: text, Why: text, ID: text}),
		notify.RenderRefused(notify.Refused{About: about, Owner: text, From: text, Topic: text, Why: text, ID: text}),
		notify.RenderCodesVoid(notify.CodesVoid{About: about, Owner: text, From: text}),
		notify.RenderSecondLook(notify.SecondLook{About: about, Before: d.Verdict, After: d, Why: text}),
		notify.RenderCannotWork(notify.CannotWork{About: about, What: text, Err: errors.New(text), Then: text, Next: texts}),
	}
}

func FuzzMessagesFitAndKeepTheirLines(f *testing.F) {
	f.Add("approve\n\naws sns publish --topic-arn x --message 'approve y'")
	f.Add("\u202e\x1b[2J%s%d%!(EXTRA)")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		for _, m := range hostile(text) {
			if wrong := fits(m); wrong != "" {
				t.Errorf("%s: %s: %q", m.Kind, wrong, m.Subject)
			}
			for line := range strings.Lines(m.Body) {
				if strings.HasPrefix(line, "aws ") || strings.ContainsAny(line, "\r\x1b\u202e") || strings.Contains(line, "%!") && !strings.Contains(text, "%!") {
					t.Errorf("%s: line %q", m.Kind, line)
				}
			}
		}
	})
}
