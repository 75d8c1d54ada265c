// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package approval_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cloudfront503/pkg/approval"
	"cloudfront503/pkg/incident"
)

func says(name string, verb incident.Verb, change ...func(*incident.Decision)) incident.Decision {
	d := incident.Decision{
		Approver: name, Verb: verb, MessageID: name + "-" + string(verb), At: asked.Add(time.Minute),
		Execution: request.Execution, Hash: request.Hash, ETag: request.ETag,
	}
	for _, c := range change {
		c(&d)
	}
	return d
}

func TestPeopleAreCounted(t *testing.T) {
	t.Parallel()
	yes, no := incident.Approve, incident.Reject
	two := request
	two.Required = 2
	tests := []struct {
		name      string
		request   incident.ApprovalRequest
		decisions []incident.Decision
		now       time.Time
		want      approval.Tally
	}{
		{"nobody has answered", request, nil, asked, approval.Tally{Need: 1, Why: "0 of 1 approvals"}},
		{"one approves", request, []incident.Decision{says("ana", yes)}, asked, approval.Tally{Approved: true, Have: 1, Need: 1, Who: []string{"ana"}, Why: "approved by ana, 1 of 1"}},
		{"one person twice is one", two, []incident.Decision{says("ana", yes), says("ana", yes, func(d *incident.Decision) { d.MessageID = "second" })}, asked,
			approval.Tally{Have: 1, Need: 2, Who: []string{"ana"}, Why: "1 of 2 approvals"}},
		{"two people", two, []incident.Decision{says("ben", yes), says("ana", yes)}, asked,
			approval.Tally{Approved: true, Have: 2, Need: 2, Who: []string{"ana", "ben"}, Why: "approved by ana, ben, 2 of 2"}},
		{"a reject after enough approvals stops it", request, []incident.Decision{says("ana", yes), says("ben", no)}, asked,
			approval.Tally{Rejected: true, Have: 1, Need: 1, Who: []string{"ben"}, Why: "rejected by ben"}},
		{"an approval after a reject changes nothing", request, []incident.Decision{says("ben", no), says("ana", yes)}, asked,
			approval.Tally{Rejected: true, Have: 1, Need: 1, Who: []string{"ben"}, Why: "rejected by ben"}},
		{"the same person approves and rejects", request, []incident.Decision{says("ana", yes), says("ana", no)}, asked,
			approval.Tally{Rejected: true, Have: 1, Need: 1, Who: []string{"ana"}, Why: "rejected by ana"}},
		{"at the second of the expiry it is too late", request, []incident.Decision{says("ana", yes)}, request.Expires,
			approval.Tally{Have: 1, Need: 1, Who: []string{"ana"}, Why: "expired at 2026-11-24T04:41:00Z with 1 of 1 approvals"}},
		{"an answer given after the expiry", request, []incident.Decision{says("ana", yes, func(d *incident.Decision) { d.At = request.Expires })}, asked,
			approval.Tally{Need: 1, Why: "0 of 1 approvals"}},
		{"another execution", request, []incident.Decision{says("ana", yes, func(d *incident.Decision) { d.Execution = "x" })}, asked, approval.Tally{Need: 1, Why: "0 of 1 approvals"}},
		{"another hash", request, []incident.Decision{says("ana", yes, func(d *incident.Decision) { d.Hash = "x" })}, asked, approval.Tally{Need: 1, Why: "0 of 1 approvals"}},
		{"another ETag", request, []incident.Decision{says("ana", yes, func(d *incident.Decision) { d.ETag = "x" })}, asked, approval.Tally{Need: 1, Why: "0 of 1 approvals"}},
		{"a refused answer", request, []incident.Decision{says("ana", yes, func(d *incident.Decision) { d.Refusal = "used" })}, asked, approval.Tally{Need: 1, Why: "0 of 1 approvals"}},
		{"somebody who was not asked", request, []incident.Decision{says("mal", yes), says("mal", no)}, asked, approval.Tally{Need: 1, Why: "0 of 1 approvals"}},
		{"a verb that is none", request, []incident.Decision{says("ana", "maybe")}, asked, approval.Tally{Need: 1, Why: "0 of 1 approvals"}},
		{"a quorum of none is one", incident.ApprovalRequest{Expires: request.Expires}, nil, asked, approval.Tally{Need: 1, Why: "0 of 1 approvals"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, approval.Count(test.request, test.decisions, test.now)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func noted(t *testing.T, writer string, kind incident.StepKind, at time.Time, detail any) incident.Step {
	t.Helper()
	raw, err := json.Marshal(detail)
	if err != nil {
		t.Fatal(err)
	}
	return incident.Step{Writer: writer, Kind: kind, At: at, Detail: raw, Note: "as it is noted"}
}

func TestTheRecordTellsHowARequestStands(t *testing.T) {
	t.Parallel()
	ask := noted(t, "respond", incident.StepAsked, asked, request)
	yes := noted(t, "approve", incident.StepDecision, asked.Add(time.Minute), says("ana", incident.Approve))
	later := asked.Add(2 * time.Minute)
	cheap := request
	cheap.Required, cheap.Approvers = 1, []string{"mal"}
	tests := []struct {
		name     string
		steps    []incident.Step
		people   []string
		approved bool
		why      string
	}{
		{"approved, whatever the order of the steps", []incident.Step{yes, ask}, []string{"ana", "ben"}, true, "approved by ana"},
		{"who left the list does not count", []incident.Step{ask, yes}, []string{"ben"}, false, "0 of 1"},
		{"withdrawn", []incident.Step{ask, yes, noted(t, "verify", incident.StepWithdrawn, later, nil)}, []string{"ana"}, false, "withdrawn: as it is noted"},
		{"withdrawn at the same moment", []incident.Step{noted(t, "verify", incident.StepWithdrawn, asked, nil), ask, yes}, []string{"ana"}, false, "withdrawn"},
		{"void", []incident.Step{ask, yes, noted(t, "remediate", incident.StepVoid, later, nil)}, []string{"ana"}, false, "withdrawn"},
		{"withdrawn before it was asked anew", []incident.Step{noted(t, "verify", incident.StepWithdrawn, asked.Add(-time.Minute), nil), ask, yes}, []string{"ana"}, true, "approved"},
		{"nothing was asked", []incident.Step{yes}, []string{"ana"}, false, "nothing was asked"},
		{"an approval by another writer is none", []incident.Step{ask, noted(t, "respond", incident.StepDecision, later, says("ana", incident.Approve))}, []string{"ana"}, false, "0 of 1"},
		{"the writer of approvals cannot ask", []incident.Step{ask, noted(t, "approve", incident.StepAsked, later, cheap), noted(t, "approve", incident.StepDecision, later, says("mal", incident.Approve))}, []string{"ana", "mal"}, false, "0 of 1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			record, err := approval.ReadRecord(test.steps)
			if err != nil {
				t.Fatal(err)
			}
			var people []incident.Approver
			for _, name := range test.people {
				people = append(people, incident.Approver{Name: name})
			}
			tally := record.Tally(people, asked.Add(3*time.Minute))
			if tally.Approved != test.approved || !strings.Contains(tally.Why, test.why) {
				t.Errorf("tally %+v", tally)
			}
			if record.Request != nil && !slices.Equal(record.Request.Approvers, request.Approvers) {
				t.Errorf("the count changed the record: %v", record.Request.Approvers)
			}
		})
	}
}

func TestAStepThatCannotBeReadIsAnError(t *testing.T) {
	t.Parallel()
	for _, kind := range []incident.StepKind{incident.StepAsked, incident.StepDecision, incident.StepSignalled} {
		writer := "approve"
		if kind == incident.StepAsked {
			writer = "respond"
		}
		if _, err := approval.ReadRecord([]incident.Step{{Writer: writer, Kind: kind, N: 4, Detail: json.RawMessage(`"`)}}); err == nil || !strings.Contains(err.Error(), writer+"/4") {
			t.Errorf("%s: error %v", kind, err)
		}
	}
}
