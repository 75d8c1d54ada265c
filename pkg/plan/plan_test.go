// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package plan

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cloudfront503/pkg/incident"
)

const auth = "arn:aws:lambda:us-east-1:111122223333:function:auth:"

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// input is one that leads to a runbook for every cause that has one.
func input(cause incident.Cause) Input {
	requests := 1234.6
	difference := []incident.FieldChange{{Path: "Comment", From: json.RawMessage(`"a"`), To: json.RawMessage(`"b"`)}}
	hash := incident.ChangeHash("E1EXAMPLE", "T3", difference, nil)
	return Input{
		Distribution: "E1EXAMPLE", Account: "111122223333",
		Diagnosis: incident.Diagnosis{
			Verdict: incident.Verdict{Cause: cause, Confidence: 0.95},
			Change:  &incident.BlamedEvent{EventID: "e", EventName: "UpdateDistribution"},
			Detail:  incident.Detail{Quota: &incident.Quota{Service: "lambda", Name: "Concurrent executions", Region: "eu-west-1", Value: 1000, Used: 1000}},
		},
		Live: incident.Snapshot{ETag: "T3", Restorable: true, DomainName: "d111111abcdef8.cloudfront.net",
			Config: json.RawMessage(`{"Aliases":{"Items":["www.example.com","example.com"]},"Origins":{"Items":[{"Id":"web","DomainName":"media.s3.eu-west-1.amazonaws.com"}]}}`)},
		KnownGood: &incident.Snapshot{ETag: "T1", Restorable: true, ConfigKey: "good.config.json", VersionID: "v1", SHA256: "aa"},
		Base:      &incident.Snapshot{ETag: "T2", Restorable: true, ConfigKey: "base.config.json", VersionID: "v2", SHA256: "bb"},
		Changes: map[string]Change{
			incident.RemedyRestore:  {Returns: true, Difference: difference, Hash: hash},
			incident.RemedyEdge:     {Returns: true, Difference: difference, Hash: hash, Recipe: &incident.Recipe{Edge: &incident.EdgeRecipe{Repoint: []incident.Repoint{{Behavior: "*", EventType: "viewer-request", From: auth + "8", To: auth + "7"}}}}},
			incident.RemedyFailover: {Returns: true, Difference: difference, Hash: hash, Recipe: &incident.Recipe{Failover: &incident.FailoverRecipe{Origin: "web", Standby: "spare", Group: "pair", Behaviors: []string{"*"}, Writes: []string{"/api/*"}}}},
			incident.RemedyProtect:  {Returns: true, Difference: difference, Hash: hash, Recipe: &incident.Recipe{Protect: &incident.ProtectRecipe{ErrorCode: 503, ErrorTTL: 60, Origin: "web", ShieldRegion: "eu-west-1"}}},
		},
		Policy: Policy{Quorum: 1, Approvers: 2, Distributions: []string{"E1EXAMPLE"}},

		RequestsPerMinute: &requests, Now: noon,
	}
}

func TestEveryCauseHasAPolicy(t *testing.T) {
	runbooks := map[incident.Cause]string{
		incident.ErrorPage503: "RestoreDistribution", incident.OriginMTLS: "RestoreDistribution", incident.LambdaEdgeConcurrency: "RequestQuotaIncrease",
		incident.LambdaEdgeRate: "", incident.DistributionQuota: "RequestQuotaIncrease", incident.Target503: "RestoreDistribution", incident.Origin503: "RestoreDistribution",
		incident.S3SlowDown: "RestoreDistribution", incident.S3Unavailable: "FailOverOrigin", incident.ALBNoTargets: "FailOverOrigin",
		incident.HTTPAPITimeout: "RestoreDistribution", incident.Replayed503: "ProtectOrigin", incident.FailoverSecondary503: "RestoreDistribution",
		incident.LambdaEdgeTimeout: "RestoreEdgeFunction", incident.LambdaEdgeError: "RestoreEdgeFunction", incident.LambdaEdgePermission: "RestoreEdgeFunction",
		incident.FunctionError: "RestoreDistribution", incident.FunctionThrottled: "RestoreDistribution",
	}
	if len(causes) != 30 || len(policy) != 30 {
		t.Fatalf("%d causes, %d rows", len(causes), len(policy))
	}
	for _, cause := range causes {
		t.Run(string(cause), func(t *testing.T) {
			if _, known := policy[cause]; !known || !cause.Known() {
				t.Fatal("no row of its own")
			}
			plan := Make(input(cause))
			if plan.Runbook != runbooks[cause] {
				t.Errorf("runbook %q", plan.Runbook)
			}
			if (plan.Runbook == "") != (plan.TellOnly != "") || plan.Runbook != "" && plan.Remedy == "" {
				t.Errorf("runbook %q, remedy %q, tell only %q", plan.Runbook, plan.Remedy, plan.TellOnly)
			}
			if plan.Runbook != "" && (plan.Hash == "" || plan.ETag != "T3" || plan.WayBack == "" || plan.Approvals != 1 || plan.Reaches == "" || plan.Scope == "" || plan.Silence == "") {
				t.Errorf("incomplete: %+v", plan)
			}
			if len(plan.Advice) == 0 || plan.Affects == "" {
				t.Error("no advice, or not whom it affects")
			}
			for _, text := range append(plan.Advice, policy[cause].why) {
				if text != "" && !strings.HasSuffix(text, ".") {
					t.Errorf("no sentence: %s", text)
				}
			}
		})
	}
}

func TestACauseThatIsNotInTheCatalogueIsTreatedAsUndetermined(t *testing.T) {
	if plan := Make(input("novelty")); plan.Runbook != "" || plan.TellOnly != policy[incident.Undetermined].why {
		t.Errorf("%+v", plan)
	}
}

func TestARestorePlanNamesExactlyWhatIsRestored(t *testing.T) {
	in := input(incident.ErrorPage503)
	want := incident.Plan{
		Cause: "error-page-503", Confidence: 0.95, Distribution: "E1EXAMPLE", Remedy: "restore-distribution", Runbook: "RestoreDistribution",
		ETag: "T3", Difference: in.Changes[RemedyRestore].Difference, Hash: in.Changes[RemedyRestore].Hash,
		Base:     &incident.ConfigRef{Key: "base.config.json", VersionID: "v2", SHA256: "bb", ETag: "T2"},
		Ours:     &incident.ConfigRef{Key: "good.config.json", VersionID: "v1", SHA256: "aa", ETag: "T1"},
		WayBack:  "The same fields get back what they hold now, while they still hold our values, within two hours; this approval covers it.",
		Affects:  "About 1,235 requests a minute for example.com, www.example.com.",
		Reaches:  "Edges get it one by one, within minutes; all of them have it after 5 to 20.",
		Scope:    "Distribution E1EXAMPLE of account 111122223333 alone, which the stack lists.",
		Silence:  "Nobody answers: on-call hears of it after half an hour, and after an hour it is a no.",
		BlamedBy: in.Diagnosis.Change, Approvals: 1, Advice: policy[incident.ErrorPage503].advice,
	}
	if diff := cmp.Diff(want, Make(in)); diff != "" {
		t.Error(diff)
	}
}

func TestAQuotaPlanNamesExactlyWhatIsAskedFor(t *testing.T) {
	plan := Make(input(incident.LambdaEdgeConcurrency))
	want := &incident.QuotaRequest{Service: "lambda", Code: "L-B99A9384", Name: "Concurrent executions", Region: "eu-west-1", Current: 1000, Desired: 2000}
	if diff := cmp.Diff(want, plan.Quota); diff != "" {
		t.Error(diff)
	}
	if plan.Hash != incident.ChangeHash("E1EXAMPLE", "T3", nil, want) || plan.Difference != nil || plan.Recipe != nil {
		t.Errorf("%+v", plan)
	}
}

func TestGuards(t *testing.T) {
	health := func(service, status, category string) func(*Input) {
		return func(in *Input) {
			in.OpenHealth = append(in.OpenHealth, incident.HealthEvent{Service: service, Status: status, Category: category, Type: "AWS_X"})
		}
	}
	tests := []struct {
		name  string
		cause incident.Cause
		spoil func(*Input)
		want  string // TellOnly's beginning; empty: the runbook
	}{
		{"nothing objects", "", func(*Input) {}, ""},
		{"the stop switch", "", func(in *Input) { in.Policy.Stop = true }, "The stop switch"},
		{"not opted in", "", func(in *Input) { in.Policy.Distributions = []string{"E2EXAMPLE"} }, "Distribution E1EXAMPLE is not among"},
		{"an open event about CloudFront", "", health("CLOUDFRONT", "open", "issue"), "AWS Health has an open event about CLOUDFRONT (AWS_X)"},
		{"an investigation about CloudFront", "", health("CLOUDFRONT", "open", "investigation"), "AWS Health has an open event"},
		{"a closed event about CloudFront", "", health("CLOUDFRONT", "closed", "issue"), ""},
		{"an announced change of CloudFront", "", health("CLOUDFRONT", "open", "scheduledChange"), ""},
		{"an open event about something else", "", health("EC2", "open", "issue"), ""},
		{"an event about Lambda does not stop a restore", "", health("LAMBDA", "open", "issue"), ""},
		{"but it stops a quota request", incident.LambdaEdgeConcurrency, health("LAMBDA", "open", "issue"), "AWS Health has an open event about LAMBDA"},
		{"and so does one about CloudFront", incident.LambdaEdgeConcurrency, health("CLOUDFRONT", "open", "issue"), "AWS Health has an open event about CLOUDFRONT"},
		{"a write half an hour ago", "", func(in *Input) { in.RecentWrite = noon.Add(-30 * time.Minute) }, "This software changed the distribution 30 minutes ago"},
		{"a write an hour ago", "", func(in *Input) { in.RecentWrite = noon.Add(-time.Hour) }, ""},
		{"not sure enough", "", func(in *Input) { in.Diagnosis.Verdict.Confidence = 0.79 }, "The diagnosis is 79 % sure; a change needs 80 %."},
		{"just sure enough", "", func(in *Input) { in.Diagnosis.Verdict.Confidence = 0.8 }, ""},
		{"not sure enough for this stack", "", func(in *Input) { in.Policy.Confidence = 0.99 }, "The diagnosis is 95 % sure; a change needs 99 %."},
		{"no number", "", func(in *Input) { in.Diagnosis.Verdict.Confidence = math.NaN() }, "The diagnosis is NaN % sure"},
		{"more people than there are", "", func(in *Input) { in.Policy.Quorum = 3 }, "The change needs 3 people to approve, and the stack has 2."},
		{"observe", "", func(in *Input) { in.Policy.Observe = true }, "This stack only observes"},
		{"observe says the other reason first", "", func(in *Input) { in.Policy.Observe, in.Policy.Stop = true, true }, "The stop switch"},
		{"no known good", "", func(in *Input) { in.KnownGood = nil }, "No known good configuration"},
		{"no base", "", func(in *Input) { in.Base = nil }, ""},
		{"not restorable", "", func(in *Input) { in.Live.Restorable, in.Live.Unknown = false, []string{"Origins/Items/New"} }, "The configuration has elements that this software does not know and would lose: Origins/Items/New."},
		{"a known good that is not restorable", "", func(in *Input) { in.KnownGood.Restorable = false }, "The known good configuration has elements"},
		{"the remedy refuses", "", func(in *Input) {
			in.Changes[RemedyRestore] = Change{Refusal: "refused: changed by others since: Comment"}
		}, "Changed by others since: Comment."},
		{"nothing differs", "", func(in *Input) { in.Changes[RemedyRestore] = Change{} }, "The configuration does not differ"},
		{"origin-mtls without a blamed change", incident.OriginMTLS, func(in *Input) { in.Diagnosis.Change = nil }, "No change of the distribution is blamed"},
		{"origin-mtls with another blamed change", incident.OriginMTLS, func(in *Input) { in.Diagnosis.Change.EventName = "DeleteCertificate" }, "No change of the distribution is blamed"},
		{"error-page-503 without a blamed change", "", func(in *Input) { in.Diagnosis.Change = nil }, ""},
		{"a quota that could not be read", incident.LambdaEdgeConcurrency, func(in *Input) { in.Diagnosis.Detail.Quota = nil }, "The quota that is used up could not be read."},
		{"a quota without a code", incident.LambdaEdgeConcurrency, func(in *Input) { in.Diagnosis.Detail.Quota.Name = "Other" }, "Service Quotas' code of the quota"},
		{"a quota without a value", incident.LambdaEdgeConcurrency, func(in *Input) { in.Diagnosis.Detail.Quota.Value = 0 }, "The value of the quota in force"},
		{"a use that cannot be true", incident.LambdaEdgeConcurrency, func(in *Input) { in.Diagnosis.Detail.Quota.Used = 50000 }, "The use that was seen (50,000) does not fit the quota in force (1,000)"},
		{"the rate's own limit", incident.LambdaEdgeRate, func(in *Input) {}, "The rate is at Lambda@Edge's own limit"},
		{"a rate that more concurrency raises", incident.LambdaEdgeRate, func(in *Input) { in.Diagnosis.Detail.Quota.Value, in.Diagnosis.Detail.Quota.Used = 100, 100 }, ""},
		{"no tag by which the team agrees", "", func(in *Input) { in.Policy.OptIn = "cloudfront503=change" }, "Distribution E1EXAMPLE does not bear the tag cloudfront503=change"},
		{"the tag with another value", "", func(in *Input) {
			in.Policy.OptIn, in.Live.Tags = "cloudfront503=change", map[string]string{"cloudfront503": "never"}
		}, "Distribution E1EXAMPLE does not bear"},
		{"the tag", "", func(in *Input) {
			in.Policy.OptIn, in.Live.Tags = "cloudfront503=change", map[string]string{"cloudfront503": "change"}
		}, ""},
		{"the tag with any value", "", func(in *Input) {
			in.Policy.OptIn, in.Live.Tags = "cloudfront503", map[string]string{"cloudfront503": ""}
		}, ""},
		{"an open calendar", "", func(in *Input) { in.Policy.Calendar = Calendar{Name: "freeze"} }, ""},
		{"a closed calendar", "", func(in *Input) { in.Policy.Calendar = Calendar{Name: "freeze", Closed: true} }, "The Change Calendar freeze is closed: nothing"},
		{"a calendar that cannot be read", "", func(in *Input) { in.Policy.Calendar = Calendar{Name: "freeze", Problem: "denied"} }, "The Change Calendar freeze could not be read (denied)"},
		{"a closed calendar that does not matter", "", func(in *Input) { in.Policy.Calendar = Calendar{Name: "freeze", Closed: true, AskAnyway: true} }, ""},
		{"a closed calendar matters to TLS", "", func(in *Input) {
			in.Policy.Calendar = Calendar{Name: "freeze", Closed: true, AskAnyway: true}
			in.Changes[RemedyRestore].Difference[0].Path = "Origins/Items/[Id=web]/CustomOriginConfig/OriginMtlsConfig/ClientCertificateArn"
		}, "The Change Calendar freeze is closed, and DNS, certificates and TLS"},
		{"an unread calendar matters to TLS", "", func(in *Input) {
			in.Policy.Calendar = Calendar{Name: "freeze", Problem: "denied", AskAnyway: true}
			in.Changes[RemedyRestore].Difference[0].Path = "ViewerCertificate/MinimumProtocolVersion"
		}, "The Change Calendar freeze is closed, and DNS, certificates and TLS"},
		{"an event about Lambda stops edge code", incident.LambdaEdgeError, func(in *Input) { health("LAMBDA", "open", "issue")(in); delete(in.Changes, RemedyRestore) }, "AWS Health has an open event about LAMBDA"},
		{"an event about CloudFront stops a protection", incident.Replayed503, health("CLOUDFRONT", "open", "issue"), "AWS Health has an open event about CLOUDFRONT"},
		{"an event about S3 does not stop failing over", incident.S3Unavailable, health("S3", "open", "issue"), ""},
		{"nor does one about CloudFront", incident.S3Unavailable, health("CLOUDFRONT", "open", "issue"), ""},
		{"but it needs two people", incident.S3Unavailable, func(in *Input) { health("S3", "open", "issue")(in); in.Policy.Approvers = 1 }, "The change needs 2 people to approve"},
		{"nothing stands ready", incident.S3Unavailable, func(in *Input) { in.Changes[incident.RemedyFailover] = Change{Refusal: "no origin stands ready"} }, "No origin stands ready."},
		{"nothing of several is possible", incident.Origin503, func(in *Input) {
			in.Changes = map[string]Change{RemedyRestore: {Refusal: "a"}, incident.RemedyFailover: {Refusal: "b"}, incident.RemedyProtect: {Refusal: "c"}}
		}, "The origin answers 503 by itself. Nothing else is possible: a. B. C."},
		{"failing over, where the known good is kept back by an event", incident.Origin503, health("CLOUDFRONT", "open", "issue"), ""},
		{"a quota needs no known good", incident.LambdaEdgeConcurrency, func(in *Input) { in.KnownGood = nil }, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.cause == "" {
				test.cause = incident.ErrorPage503
			}
			in := input(test.cause)
			test.spoil(&in)
			plan := Make(in)
			if !strings.HasPrefix(plan.TellOnly, test.want) || (test.want == "") != (plan.TellOnly == "") || (plan.TellOnly == "") != (plan.Runbook != "") {
				t.Errorf("want %q, have %q with runbook %q", test.want, plan.TellOnly, plan.Runbook)
			}
		})
	}
}

func TestAnObserverIsToldWhatWouldHaveBeenAsked(t *testing.T) {
	in := input(incident.ErrorPage503)
	in.Policy.Observe = true
	if plan := Make(in); plan.Remedy != RemedyRestore || len(plan.Difference) != 1 || plan.Runbook != "" {
		t.Errorf("%+v", plan)
	}
}

func TestAChangeThatExposesSomethingNeedsTwoPeople(t *testing.T) {
	in := input(incident.OriginMTLS)
	change := in.Changes[RemedyRestore]
	change.Exposes, change.Left = []string{"Takes mutual TLS off origin web."}, []string{"WebACLId"}
	in.Changes[RemedyRestore] = change
	plan := Make(in)
	if plan.Approvals != 2 || plan.Runbook == "" || plan.Exposes[0] != change.Exposes[0] || plan.Advice[0] != change.Exposes[0] || !strings.Contains(plan.Advice[len(plan.Advice)-1], "WebACLId") {
		t.Errorf("%+v", plan)
	}
	in.Policy.Approvers = 1
	if plan := Make(in); plan.Runbook != "" {
		t.Errorf("%+v", plan)
	}
}

func TestDesiredQuota(t *testing.T) {
	tests := []struct {
		name                string
		value, used, wanted float64
	}{
		{"twice the value, as throttled requests were not seen", 1000, 1000, 2000},
		{"twice the value where the use is unknown", 1000, 0, 2000},
		{"twice the use where that is more", 1000, 1510, 3100},
		{"a whole hundred", 333, 333, 700},
		{"never more than ten times", 5, 5, 50},
		{"a use that is too high to be true", 1000, 5001, 0},
		{"no value", 0, 10, 0},
		{"a value below zero", -5, 10, 0},
		{"no number", math.NaN(), 10, 0},
		{"a use that is no number", 1000, math.NaN(), 0},
		{"without end", math.Inf(1), 10, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, why := Desired(test.value, test.used)
			if got != test.wanted || (got == 0) != (why != "") {
				t.Errorf("%v, %q", got, why)
			}
		})
	}
}

func TestAffects(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(*Input)
		want  string
	}{
		{"no aliases", func(in *Input) { in.Live.Config = json.RawMessage(`{}`) }, "About 1,235 requests a minute for d111111abcdef8.cloudfront.net."},
		{"no configuration and no rate", func(in *Input) { in.Live.Config, in.RequestsPerMinute = nil, nil }, "An unknown number of requests a minute for d111111abcdef8.cloudfront.net."},
		{"nothing known", func(in *Input) { in.Live, in.RequestsPerMinute = incident.Snapshot{}, nil }, "An unknown number of requests a minute."},
		{"many aliases", func(in *Input) {
			in.Live.Config = json.RawMessage(`{"Aliases":{"Items":["a","b","c","d","e"]}}`)
		}, "About 1,235 requests a minute for a, b, c, 2 more."},
		{"millions", func(in *Input) { *in.RequestsPerMinute = 1234567 }, "About 1,234,567 requests a minute for example.com, www.example.com."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := input(incident.ErrorPage503)
			test.spoil(&in)
			if got := Make(in).Affects; got != test.want {
				t.Error(got)
			}
		})
	}
}

func TestTheFirstPossibleRemedyIsPlanned(t *testing.T) {
	in := input(incident.Origin503)
	in.Diagnosis.Change = nil
	plan := Make(in)
	want := incident.Plan{Runbook: "FailOverOrigin", Does: "fail over from origin web to spare, through origin group pair", Approvals: 1, Limits: []string{
		"CloudFront fails over GET and HEAD, and OPTIONS where it is cached; POST, PUT, PATCH and DELETE are not helped.",
		"Each request still goes to the failing origin first, and waits for its answer.",
		"Whether origin spare answers, and lets this distribution in, was not tried.",
		"Behaviours that take writes stay with origin web: /api/*.",
	}}
	if plan.Recipe == nil || plan.Ours != nil || plan.Base != nil {
		t.Errorf("rests on more than its recipe: %+v", plan)
	}
	if diff := cmp.Diff(want, incident.Plan{Runbook: plan.Runbook, Does: plan.Does, Approvals: plan.Approvals, Limits: plan.Limits}); diff != "" {
		t.Error(diff)
	}
	in.OpenHealth = []incident.HealthEvent{{Service: "S3", Status: "open", Category: "issue"}}
	if plan := Make(in); plan.Approvals != 2 || !strings.Contains(plan.Limits[4], "open event about S3") {
		t.Errorf("%+v", plan)
	}
	in.Changes[incident.RemedyFailover] = Change{Refusal: "no origin stands ready"}
	if plan := Make(in); plan.Runbook != "ProtectOrigin" || plan.Does != "keep answers with 503 for 60 seconds at the edges, and put Origin Shield in eu-west-1 before origin web" {
		t.Errorf("%+v", plan)
	}
}

func TestTakingAFunctionOffNeedsTwoPeople(t *testing.T) {
	in := input(incident.LambdaEdgeError)
	if plan := Make(in); plan.Does != "point one association back from auth:8 to auth:7" || plan.Approvals != 1 || len(plan.Limits) != 0 {
		t.Errorf("%+v", plan)
	}
	in.Changes[incident.RemedyEdge].Recipe.Edge.Repoint[0].To = ""
	plan := Make(in)
	if plan.Does != "take auth:8 off one association" || plan.Approvals != 2 || len(plan.Limits) != 1 {
		t.Errorf("%+v", plan)
	}
}

func TestAMultiTenantDistributionNeedsTwoPeople(t *testing.T) {
	for cause, want := range map[incident.Cause]int{
		incident.Replayed503: 2, incident.ErrorPage503: 2, incident.FunctionError: 2, incident.LambdaEdgePermission: 2, incident.LambdaEdgeTimeout: 2,
		incident.S3Unavailable: 2, incident.Undetermined: 2, incident.DistributionQuota: 1, // which changes nothing that tenants have
	} {
		t.Run(string(cause), func(t *testing.T) {
			in := input(cause)
			in.Live.Config = json.RawMessage(`{"ConnectionMode":"tenant-only"}`)
			in.Changes[incident.RemedyCode] = Change{Hash: "h", Recipe: &incident.Recipe{Code: &incident.CodeRecipe{}}}
			in.Changes[incident.RemedyAccess] = Change{Hash: "h", Recipe: &incident.Recipe{Trust: &incident.TrustRecipe{}}}
			in.Changes[incident.RemedyEvidence] = Change{Hash: "h", Recipe: &incident.Recipe{Evidence: &incident.EvidenceRecipe{Metrics: true}}}
			if plan := Make(in); plan.Approvals != want || plan.TellOnly != "" || !strings.HasSuffix(plan.Affects, "and all tenants of this multi-tenant distribution.") {
				t.Errorf("%+v", plan)
			}
		})
	}
}

func TestWhatAHealthEventForbidsWhilePeopleAreAsked(t *testing.T) {
	for name, c := range map[string]struct {
		remedy, service, status string
		approvals               int
		want                    bool
	}{
		"a rollback during CloudFront's incident":           {RemedyRestore, "CLOUDFRONT", "open", 2, true},
		"a rollback after it":                               {RemedyRestore, "CLOUDFRONT", "closed", 1, false},
		"a rollback during another service's":               {RemedyRestore, "LAMBDA", "open", 1, false},
		"edge code during Lambda's":                         {incident.RemedyEdge, "LAMBDA", "open", 1, true},
		"failing over during CloudFront's, with one person": {incident.RemedyFailover, "CLOUDFRONT", "open", 1, true},
		"failing over during CloudFront's, with two":        {incident.RemedyFailover, "CLOUDFRONT", "open", 2, false},
		"a plan that does nothing, during CloudFront's":     {"", "CLOUDFRONT", "open", 0, false},
		"a quota during the incident of Service Quotas":     {RemedyQuota, "servicequotas", "open", 1, true},
	} {
		event := incident.HealthEvent{Service: c.service, Status: c.status, Category: "issue"}
		if got := Forbids(incident.Plan{Remedy: c.remedy, Approvals: c.approvals}, event); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestAChangeIsTakenBackByItselfOnlyWherePeopleApproveThat(t *testing.T) {
	with := func(when incident.TakenBack, returns bool) Input {
		in := input(incident.ErrorPage503)
		change := in.Changes[incident.RemedyRestore]
		change.Returns, in.Policy.TakenBack = returns, when
		in.Changes[incident.RemedyRestore] = change
		return in
	}
	hash := with("", false).Changes[incident.RemedyRestore].Hash
	for name, c := range map[string]struct {
		in   Input
		want incident.TakenBack
		says string
	}{
		"the stack says never":             {with(incident.TakenBackNever, true), incident.TakenBackNever, ""},
		"it gets worse":                    {with(incident.TakenBackWorse, true), incident.TakenBackWorse, "more requests fail after the change than before, that is done at once"},
		"it has not recovered":             {with(incident.TakenBackNotRecovered, true), incident.TakenBackNotRecovered, "still fail 20 minutes after it, that is done at once"},
		"the way back takes off something": {with(incident.TakenBackWorse, false), incident.TakenBackNever, "not done on one approval: then by hand"},
	} {
		t.Run(name, func(t *testing.T) {
			plan := Make(c.in)
			if plan.TakenBack != c.want || plan.Hash != c.want.Bind(hash) || !strings.Contains(plan.WayBack, c.says) || (c.says == "") != (plan.WayBack == sameFields) {
				t.Errorf("%q, hash %s: %s", plan.TakenBack, plan.Hash, plan.WayBack)
			}
		})
	}
}
