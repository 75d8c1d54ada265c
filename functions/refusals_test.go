// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package functions

import (
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cloudfront503/pkg/emulator/cloudfront"
	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/rehearsal"
	"cloudfront503/pkg/plan"
)

// Every cause for which the policy has a runbook has a scenario of its name: what is not played is not known to work.
func TestEveryCauseWithARunbookIsPlayed(t *testing.T) {
	scenarios := rehearsal.Scenarios()
	for _, cause := range plan.Remediable() {
		if scenario, played := scenarios[string(cause)]; !played || !scenario.Asks {
			t.Errorf("no scenario in which people are asked about %s", cause)
		}
	}
	for name, scenario := range scenarios {
		if scenario.Name != name {
			t.Errorf("scenario %s calls itself %s", name, scenario.Name)
		}
	}
}

// writesOf are the calls that make a scenario's change, in their order: whatever is not here updates the distribution.
var writesOf = map[string][]string{
	"function-error":          codeWrites,
	"function-throttled":      codeWrites,
	"lambda-edge-permission":  {"iam:UpdateAssumeRolePolicy"},
	"lambda-edge-concurrency": quotaWrites,
	"lambda-edge-rate":        quotaWrites,
	"distribution-quota":      quotaWrites,
	"undetermined":            switchesOn,
	"not-503":                 switchesOn[1:], // additional metrics are on already
}

var (
	codeWrites  = []string{"cloudfront:UpdateFunction", "cloudfront:PublishFunction"}
	quotaWrites = []string{"servicequotas:RequestServiceQuotaIncrease"}
)

func writesFor(scenario string) []string {
	if writes, own := writesOf[scenario]; own {
		return writes
	}
	return []string{"cloudfront:UpdateDistribution"}
}

// ending is one way in which a change can end.
type ending struct {
	sabotage func(*rehearsal.Rehearsal)             // before it breaks; may be nil
	answer   func(*testing.T, *rehearsal.Rehearsal) // once people are asked; nil: they approve
	after    func(*testing.T, *rehearsal.Rehearsal) // once that is done; nil: until the incident is closed
	ends     string                                 // the incident's result; empty: as the scenario's does
	made     bool                                   // everything is as approved, else as it was
	drift    string                                 // the comment that somebody else has given the distribution meanwhile
}

// endings are every way that is to be thought of for a change that takes some calls, but for a call that breaks without
// keeping the change from being made: each is a row, or a row for each call.
func endings(writes []string) map[string]ending {
	all := map[string]ending{
		"rejected": {answer: func(t *testing.T, r *rehearsal.Rehearsal) { rejects(t, r, "bob", "not during the sale") }, ends: "rejected"},
		"silent":   {answer: func(*testing.T, *rehearsal.Rehearsal) {}, ends: "silent"},
		"drifted": {answer: func(t *testing.T, r *rehearsal.Rehearsal) { deploy(t, r); approvedBy(r.Scenario.Approvers()...)(t, r) }, ends: "void",
			drift: "the shop, by night"},
		"worse afterwards":    {after: worse, made: true},
		"undone":              {after: takenBack},
		"killed at the claim": {sabotage: killAt("s3:PutObject", "*/outcome/execution.json", true), made: true},
		"killed at the end":   {sabotage: killAt("s3:PutObject", "*/outcome/written.json", false), made: true},
	}
	for _, write := range writes {
		all["denied at "+write] = ending{sabotage: fault(write, kernel.Fault{Error: kernel.Errorf(http.StatusForbidden, "AccessDenied", "Access denied")}), ends: "void"}
	}
	return all
}

// brokenCalls are the rows of calls that break, after which the change is made all the same: a row for each call, or for the
// last. A change of several calls has a test of its own for each of these.
func brokenCalls(writes []string) map[string]ending {
	last := writes[len(writes)-1]
	all := map[string]ending{
		"throttled at " + last:         {sabotage: fault(last, kernel.Fault{Times: 1, Error: kernel.Errorf(http.StatusBadRequest, "Throttling", "Rate exceeded")}), made: true},
		"without an answer at " + last: {sabotage: fault(last, kernel.Fault{Times: 1, LoseAnswer: true}), made: true},
		"killed before " + last:        {sabotage: killAt(last, "", false), made: true},
	}
	for _, write := range writes {
		all["killed after "+write] = ending{sabotage: killAt(write, "", true), made: true}
	}
	return all
}

func fault(action string, fault kernel.Fault) func(*rehearsal.Rehearsal) {
	return func(r *rehearsal.Rehearsal) {
		fault.Action, fault.Caller = action, sessionsOf(remediate)
		r.World.Faults.Add(fault)
	}
}

func killAt(action, resource string, done bool) func(*rehearsal.Rehearsal) {
	return func(r *rehearsal.Rehearsal) { r.Lambda.KillAt(remediate, action, resource, done) }
}

func approvedBy(names ...string) func(*testing.T, *rehearsal.Rehearsal) {
	return func(t *testing.T, r *rehearsal.Rehearsal) {
		for _, name := range names {
			approves(t, r, name)
		}
	}
}

// worse lets all requests fail once the change is made, and waits until people have heard of it.
func worse(t *testing.T, r *rehearsal.Rehearsal) {
	t.Helper()
	until(t, r, time.Hour, "the change is written", func() bool { return r.Has("written") })
	from := r.World.Clock.Now()
	r.CloudFront.SetEdge(rehearsal.Distribution, func(cfg cloudfront.Deployed, request *http.Request) cloudfront.EdgeAnswer {
		if cfg.At.Before(from) {
			return cloudfront.Healthy(cfg, request)
		}
		return cloudfront.OriginAnswer(cfg, request, http.StatusServiceUnavailable, "text/html", "<h1>worse</h1>")
	})
	until(t, r, 2*time.Hour, "people hear that it is worse", func() bool {
		return r.Has("offered-back") || heardOf(r, "WORSE")
	})
}

// takenBack waits until the change is everywhere and takes it back.
func takenBack(t *testing.T, r *rehearsal.Rehearsal) {
	t.Helper()
	until(t, r, time.Hour, "the change is everywhere", func() bool { return r.Has("deployed") })
	undoes(t, r, "bob")
	untilClosed(t, r, "undone")
}

// For every cause with a runbook, everything that can keep its change from being made, or interrupt it: afterwards all is as
// it was or as approved, and nothing was done twice. What is approved without more is told beside the scenarios.
func TestAfterEveryEndingAllIsAsItWasOrAsApproved(t *testing.T) {
	t.Parallel()
	for _, cause := range plan.Remediable() {
		rows := endings(writesFor(string(cause)))
		if slices.Equal(writesFor(string(cause)), quotaWrites) { // for which there is no way back
			delete(rows, "undone")
		}
		if !slices.Contains(halfway, string(cause)) {
			maps.Copy(rows, brokenCalls(writesFor(string(cause))))
		}
		for _, name := range slices.Sorted(maps.Keys(rows)) {
			t.Run(string(cause)+", "+name, func(t *testing.T) {
				t.Parallel()
				endsAs(t, start(t, string(cause)), rows[name])
			})
		}
	}
}

// endsAs plays one ending.
func endsAs(t *testing.T, r *rehearsal.Rehearsal, e ending) {
	t.Helper()
	if e.sabotage != nil {
		e.sabotage(r)
	}
	breaks(t, r)
	untilAsked(t, r)
	want := stateOf(t, r)
	if e.made {
		want = approvedState(t, r)
	}
	if e.answer == nil {
		e.answer = approvedBy(r.Scenario.Approvers()...)
	}
	e.answer(t, r)
	if e.after != nil {
		e.after(t, r)
	} else {
		untilClosed(t, r, or(e.ends, r.Scenario.Ends))
	}
	if e.drift != "" {
		want.Configuration["Comment"] = e.drift
	}
	leftAs(t, r, want)
	if e.made {
		again(t, r, eve(t, r), nil) // a runbook that is started once more does nothing more
		r.World.Clock.Advance(2 * time.Minute)
		leftAs(t, r, want)
	}
}

// leftAs compares everything with what it should be, and counts.
func leftAs(t *testing.T, r *rehearsal.Rehearsal, want everything) {
	t.Helper()
	if diff := cmp.Diff(want, stateOf(t, r)); diff != "" {
		t.Errorf("neither as it was nor as approved (-want +got):\n%s", diff)
	}
	forth := 1
	if r.Has("undone") {
		forth = 2
	}
	for _, write := range writesFor(r.Scenario.Name) {
		if n := count(r, remediate, write, "ok"); n > forth*max(1, repeatable[write]) {
			t.Errorf("%s was done %d times", write, n)
		}
	}
}

// repeatable are calls that may come more than once: DEVELOPMENT is put back, and each of three alarms is put under its own
// name.
var repeatable = map[string]int{"cloudfront:UpdateFunction": 2, "cloudwatch:PutMetricAlarm": 6}
