// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package functions

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cloudfront503/pkg/emulator/rehearsal"
)

func TestEachScenarioEndsAsItShould(t *testing.T) {
	for _, name := range rehearsal.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, name)
			breaks(t, r)
			if r.Scenario.Asks {
				untilAsked(t, r)
			} else {
				until(t, r, 20*time.Minute, "people are told", func() bool { return r.Has("told") })
			}
			want, plan := stateOf(t, r), planned(t, r)
			if string(plan.Cause) != name {
				t.Errorf("the plan is for %s", plan.Cause)
			}
			if r.Scenario.Asks {
				want = approvedState(t, r)
				approvedBy(r.Scenario.Approvers()...)(t, r)
			}
			untilClosed(t, r, r.Scenario.Ends)
			leftAs(t, r, want)
			if _, written := r.S3.Get(r.Bucket, r.Folder()+"watch/report.html"); !written {
				t.Error("there is no report")
			}
			if r.Incident().Episode != 1 {
				t.Errorf("%d incidents", r.Incident().Episode)
			}
			if n := len(r.SSM.Executions()); (n == 1) != r.Scenario.Asks || n > 1 {
				t.Errorf("%d executions", n)
			}
			if n := writes(r); (n == 1) != (r.Scenario.Ends == "changed" && !r.Scenario.Elsewhere) || n > 1 {
				t.Errorf("%d writes", n)
			}
		})
	}
}

func TestARejectedChangeIsNotMade(t *testing.T) {
	t.Parallel()
	r, broken := asked(t)
	rejects(t, r, "bob", "not during the sale")
	untilClosed(t, r, "rejected")
	unwritten(t, r, broken)
	if why := r.Incident().Outcome.Why; !strings.Contains(why, "bob: not during the sale") {
		t.Errorf("ended because: %s", why)
	}
}

func TestARejectedRequestForAQuotaIsNotMade(t *testing.T) {
	t.Parallel()
	r := start(t, "lambda-edge-concurrency")
	breaks(t, r)
	untilAsked(t, r)
	rejects(t, r, "alice", "we buy time elsewhere")
	untilClosed(t, r, "rejected")
	for _, line := range r.World.Journal.Lines() {
		if line.Action == "servicequotas:RequestServiceQuotaIncrease" {
			t.Errorf("%s asked for a quota: %s", line.Principal, line.Outcome)
		}
	}
}

func TestSilenceIsEscalatedAndThenMeansNo(t *testing.T) {
	t.Parallel()
	r, broken := asked(t)
	mails := len(r.OnCall())
	until(t, r, 59*time.Minute, "it is escalated while the gate waits", func() bool { return r.Has("escalated") })
	if len(r.OnCall()) == mails {
		t.Error("the on-call topic was not told")
	}
	untilClosed(t, r, "silent")
	unwritten(t, r, broken)
}

func TestAnApprovalAfterTheGatesTimeIsRefused(t *testing.T) {
	t.Parallel()
	r, broken := asked(t)
	until(t, r, 2*time.Hour, "the gate has timed out", func() bool { return r.SSM.Executions()[0].Ended() })
	approves(t, r, "alice")
	if recorded(r, "decision") != 0 || recorded(r, "refused") != 1 {
		t.Errorf("%d decisions, %d refused", recorded(r, "decision"), recorded(r, "refused"))
	}
	untilClosed(t, r, "silent")
	unwritten(t, r, broken)
}

func TestAQuorumOfTwoNeedsTwoPeople(t *testing.T) {
	t.Parallel()
	r, broken := asked(t, func(o *rehearsal.Options) { o.Parameters["Quorum"] = "2" })
	approves(t, r, "alice")
	r.World.Clock.Advance(5 * time.Minute)
	unwritten(t, r, broken)
	approves(t, r, "alice") // in another message: her ticket is used
	r.World.Clock.Advance(5 * time.Minute)
	unwritten(t, r, broken)
	if recorded(r, "decision") != 1 || recorded(r, "refused") != 1 {
		t.Errorf("%d decisions, %d refused", recorded(r, "decision"), recorded(r, "refused"))
	}
	approves(t, r, "bob")
	untilClosed(t, r, "changed")
	if writes(r) != 1 {
		t.Errorf("%d writes", writes(r))
	}
}

// asked is the scenario error-page-503 up to where people have been asked, and the configuration that is live then.
func asked(t *testing.T, overrides ...func(*rehearsal.Options)) (r *rehearsal.Rehearsal, broken map[string]any) {
	t.Helper()
	r = start(t, "error-page-503", overrides...)
	breaks(t, r)
	broken = live(t, r)
	untilAsked(t, r)
	return r, broken
}

// live is the configuration that CloudFront has. Its lists of plain strings, as methods and aliases, are sets.
func live(t *testing.T, r *rehearsal.Rehearsal) map[string]any {
	t.Helper()
	text, _, there := r.CloudFront.Live(rehearsal.Distribution)
	var config map[string]any
	if err := json.Unmarshal(text, &config); err != nil || !there {
		t.Fatalf("live configuration: %v", err)
	}
	sortSets(config)
	return config
}

func sortSets(value any) {
	switch v := value.(type) {
	case map[string]any:
		for _, member := range v {
			sortSets(member)
		}
	case []any:
		for _, element := range v {
			sortSets(element)
		}
		slices.SortFunc(v, func(a, b any) int {
			x, _ := a.(string)
			y, _ := b.(string)
			return strings.Compare(x, y)
		})
	}
}

// unwritten fails the test where anything was written, or the configuration is not the wanted one.
func unwritten(t *testing.T, r *rehearsal.Rehearsal, want map[string]any) {
	t.Helper()
	if n := writes(r); n != 0 {
		t.Errorf("%d writes", n)
	}
	if diff := cmp.Diff(want, live(t, r)); diff != "" {
		t.Errorf("the configuration was touched (-want +got):\n%s", diff)
	}
}

// writes counts the writes that CloudFront took.
func writes(r *rehearsal.Rehearsal) int {
	n := 0
	for _, line := range r.World.Journal.Lines() {
		if line.Action == "cloudfront:UpdateDistribution" && line.Outcome == "ok" {
			n++
		}
	}
	return n
}

// recorded counts the steps of a kind in the incident's record.
func recorded(r *rehearsal.Rehearsal, kind string) int {
	n := 0
	for _, step := range r.Steps() {
		if step.Kind == kind {
			n++
		}
	}
	return n
}

// rejects replies with the rejecting ticket of the newest mail.
func rejects(t *testing.T, r *rehearsal.Rehearsal, by, why string) {
	t.Helper()
	_, ticket := r.Tickets(by)
	if ticket == "" {
		t.Fatalf("%s has no ticket", by)
	}
	reply(t, r, by, "reject "+ticket+" "+why)
}
