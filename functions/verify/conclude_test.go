// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"testing"
	"time"

	"cloudfront503/pkg/approval"
	"cloudfront503/pkg/evidence"
	"cloudfront503/pkg/incident"
)

func TestWhichLookIsDue(t *testing.T) {
	opened := time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name    string
		minutes int
		made    []string
		want    string
	}{
		{"none in the first minutes", 4, nil, ""},
		{"the first after five minutes", 5, nil, "look-05"},
		{"none twice", 9, []string{"look-05"}, ""},
		{"the second after a quarter of an hour", 15, []string{"look-05"}, "look-15"},
		{"the latest alone, where some were missed", 70, nil, "look-60"},
		{"none that a later one has overtaken", 70, []string{"look-60"}, ""},
		{"the last after an hour", 61, []string{"look-05", "look-15"}, "look-60"},
		{"none any more after all", 600, []string{"look-05", "look-15", "look-60"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			made := map[string]bool{}
			for _, key := range tt.made {
				made[key] = true
			}
			if got := lookDue(opened, opened.Add(time.Duration(tt.minutes)*time.Minute), made); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// says is a diagnosis with gaps.
func says(cause incident.Cause, gaps ...string) incident.Diagnosis {
	d := incident.Diagnosis{Verdict: incident.Verdict{Cause: cause}}
	for _, gap := range gaps {
		d.Gaps = append(d.Gaps, incident.Gap{Source: gap})
	}
	return d
}

func TestWhatOverturnsAVerdict(t *testing.T) {
	for _, tt := range []struct {
		name          string
		before, after incident.Diagnosis
		quiet, want   bool
	}{
		{"the same cause does not", says(incident.ErrorPage503), says(incident.ErrorPage503), false, false},
		{"another cause does", says(incident.ErrorPage503), says(incident.EdgeCapacity), false, true},
		{"another cause does also where the alarm is OK", says(incident.ErrorPage503), says(incident.EdgeCapacity), true, true},
		{"a cause does where none was known", says(incident.Undetermined), says(incident.EdgeCapacity), false, true},
		{"doubt does, where as much was read", says(incident.ErrorPage503, "probe"), says(incident.Undetermined, "probe"), false, true},
		{"doubt does not, where less was read", says(incident.ErrorPage503), says(incident.Undetermined, "metrics/us-east-1"), false, false},
		{"doubt does not, where it has passed", says(incident.ErrorPage503), says(incident.Undetermined), true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := overturns(tt.before, tt.after, tt.quiet); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestWhichPlanIsWithdrawn(t *testing.T) {
	asked := approval.Record{Request: &incident.ApprovalRequest{}}
	for _, tt := range []struct {
		name               string
		view               view
		overturned, forbid bool
		want               bool
	}{
		{"one that waits for people", view{approval: asked}, true, false, true},
		{"none whose verdict stands", view{approval: asked}, false, false, false},
		{"none that is approved", view{approval: asked, tally: approval.Tally{Approved: true}}, true, false, false},
		{"one with some approvals of those it needs", view{approval: asked, tally: approval.Tally{Have: 1, Need: 2}}, true, false, true},
		{"none that a person asked for, which rests on no verdict", view{approval: asked, plan: &incident.Plan{Recipe: &incident.Recipe{Restore: &incident.RestoreRecipe{}}}}, true, false, false},
		{"even that during AWS's own incident", view{approval: asked, plan: &incident.Plan{Recipe: &incident.Recipe{Restore: &incident.RestoreRecipe{}}}}, false, true, true},
		{"none that is rejected already", view{approval: asked, tally: approval.Tally{Rejected: true}}, true, false, false},
		{"none that is written", view{approval: asked, written: &incident.Written{}}, true, true, false},
		{"none that is void already", view{approval: asked, void: "it moved"}, true, true, false},
		{"none that asked nobody", view{}, true, true, false},
		{"one that waits during AWS's own incident", view{approval: asked}, false, true, true},
		{"even an approved one during AWS's own incident", view{approval: asked, tally: approval.Tally{Approved: true}}, false, true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := withdraws(tt.view, tt.overturned, tt.forbid); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestOnlyWhatIsNewIsSaid(t *testing.T) {
	metric := incident.Fact{Source: "metrics/us-east-1", Fact: "30 % fail"}
	more := incident.Fact{Source: "metrics/us-east-1", Fact: "31 % fail"}
	log := incident.Fact{Source: "access-logs", Fact: "all are capacityexceeded"}
	against := incident.Fact{Source: "cloudtrail/us-east-1", Fact: "nobody changed it"}
	before, after := says(incident.ErrorPage503), says(incident.EdgeCapacity)
	before.Candidates = []incident.Candidate{{Cause: incident.ErrorPage503, For: []incident.Fact{metric}}}
	after.Candidates = []incident.Candidate{
		{Cause: incident.EdgeCapacity, For: []incident.Fact{metric, more, log}},
		{Cause: incident.ErrorPage503, Against: []incident.Fact{against}},
		{Cause: incident.Origin503, For: []incident.Fact{{Source: "probe", Fact: "beside the point"}}},
	}
	want := "access-logs: all are capacityexceeded; cloudtrail/us-east-1: nobody changed it; metrics/us-east-1: 31 % fail"
	if got := newlySaid(before, after); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := newlySaid(after, after); got != "" {
		t.Errorf("the same again says %q", got)
	}
}

func TestAfterAWriteOnlySourcesWithAMemoryAreBelieved(t *testing.T) {
	later := evidence.Record{"access-logs/a.gz": nil, "cloudtrail/us-east-1.json": nil, "incident.json": nil, "probe.http": nil, "elbv2/eu-west-1.json": nil}
	if got := ofThen(later, true); len(got) != 3 {
		t.Errorf("taken: %v", got)
	}
	if got := ofThen(later, false); len(got) != len(later) {
		t.Errorf("before a write everything is taken, not only %v", got)
	}
}

func TestAnIncidentGivesWayOnlyForAPlan(t *testing.T) {
	fix := says(incident.ErrorPage503)
	fix.Remedy = &incident.RemedyHint{Runbook: "RestoreDistribution"}
	told := &incident.Plan{Cause: incident.Undetermined, TellOnly: "unknown"}
	planned := &incident.Plan{Cause: incident.EdgeCapacity}
	successor := &incident.Trigger{Resume: &incident.Reference{ID: "000001"}}
	for _, tt := range []struct {
		name string
		w    watch
		want bool
	}{
		{"one that only told people", watch{diagnosis: fix, view: view{plan: told}}, true},
		{"one whose plan is withdrawn", watch{diagnosis: fix, view: view{plan: planned, withdrawn: true}}, true},
		{"none whose plan waits", watch{diagnosis: fix, view: view{plan: planned}}, false},
		{"none that has planned for this cause", watch{diagnosis: fix, view: view{plan: &incident.Plan{Cause: incident.ErrorPage503, TellOnly: "stopped"}}}, false},
		{"none where nothing can be done", watch{diagnosis: says(incident.EdgeCapacity), view: view{plan: told}}, false},
		{"none that was written", watch{diagnosis: fix, view: view{plan: told, written: &incident.Written{}}}, false},
		{"none that has taken another's place", watch{diagnosis: fix, view: view{plan: told}, pointer: incident.Pointer{OpenedBy: successor}}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.w.wantsSuccessor(); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}
