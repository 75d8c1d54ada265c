// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package remedy

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/incident"
)

// newDetachScene is an incident whose approved plan takes an edge function off.
func newDetachScene(t *testing.T, approvals int) *scene {
	t.Helper()
	s := newScene(t)
	plan := incident.Plan{
		Distribution: "E1EXAMPLE", Remedy: incident.RemedyEdge, Runbook: "RestoreEdgeFunction", ETag: "T1", Approvals: approvals,
		Recipe: &incident.Recipe{Edge: &incident.EdgeRecipe{Repoint: []incident.Repoint{{Behavior: "*", EventType: "viewer-request", From: "arn:auth:1"}}}},
	}
	change, err := Compute(plan, s.record.Diagnosis, Inputs{Distribution: "E1EXAMPLE", ETag: "T1", Theirs: s.live})
	if err != nil {
		t.Fatal(err)
	}
	plan.Hash = change.Hash
	s.record.Plan = plan
	s.Stack.Documents["RestoreEdgeFunction"] = "stack-RestoreEdgeFunction"
	s.execution.DocumentName = aws.String("stack-RestoreEdgeFunction")
	s.execution.Parameters["Hash"] = []string{plan.Hash}
	s.ask()
	return s
}

// A plan that asks too few people is wrong, wherever it comes from: the writer counts what the change takes off by itself.
func TestTheWriterKnowsByItselfWhatNeedsTwoPeople(t *testing.T) {
	for name, c := range map[string]struct {
		planned int
		people  []string
		want    string // the refusal's beginning; empty: written
	}{
		"a plan that asks one":            {1, []string{"ana"}, "refused: the change needs 2 people to approve, and its plan asks for fewer"},
		"a plan that asks one, and two":   {1, []string{"ana", "ben"}, "refused: the change needs 2 people to approve, and its plan asks for fewer"},
		"a plan that asks two, and one":   {2, []string{"ana"}, "refused: 1 of 2 approvals are proven"},
		"a plan that asks two, one twice": {2, []string{"ana", "ana"}, "refused: 1 of 2 approvals are proven"},
		"a plan that asks two, and two":   {2, []string{"ana", "ben"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newDetachScene(t, c.planned)
			if c.planned > 1 {
				s.execution.Parameters["Approvers"] = s.Stack.Sessions
			}
			s.record.Decisions = nil
			for _, who := range c.people {
				s.record.Decisions = append(s.record.Decisions, s.says(who, incident.Approve))
			}
			before := s.live
			_, err := s.Apply(t.Context(), ours)
			var refused *Refused
			if c.want != "" && (!errors.As(err, &refused) || !strings.HasPrefix(err.Error(), c.want) || s.writes != 0 || !s.live.Equal(before)) {
				t.Errorf("%v, %d writes", err, s.writes)
			}
			if c.want == "" && (err != nil || s.writes != 1 || len(lambdas(s.live)) != 0) {
				t.Errorf("%v, %d writes", err, s.writes)
			}
		})
	}
}

func lambdas(config distribution.Config) (all []distribution.Association) {
	for _, behavior := range config.Behaviors() {
		all = append(all, behavior.Lambda...)
	}
	return all
}

// What reaches all tenants needs two people, whatever is changed: code and trust are none of the distribution's configuration.
func TestTheWriterKnowsByItselfWhatReachesAllTenants(t *testing.T) {
	for name, c := range map[string]struct {
		scene func(*testing.T) *scene
		asks  int
		want  string // the refusal; empty: written
	}{
		"code, of one person":            {func(t *testing.T) *scene { return newCodeScene(t, badJS).scene }, 1, "refused: the change reaches all tenants and needs 2 people"},
		"trust, of one person":           {func(t *testing.T) *scene { return newAccessScene(t).scene }, 1, "refused: the change reaches all tenants and needs 2 people"},
		"evidence, of one person":        {func(t *testing.T) *scene { return newSwitchScene(t).scene }, 1, "refused: the change reaches all tenants and needs 2 people"},
		"trust, of two":                  {func(t *testing.T) *scene { return newAccessScene(t).scene }, 2, ""},
		"a quota, which changes nothing": {newQuotaScene, 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := c.scene(t)
			s.record.Snapshot.Config = json.RawMessage(strings.Replace(string(s.record.Snapshot.Config), `{`, `{"ConnectionMode":"tenant-only",`, 1))
			if s.record.Plan.Approvals = c.asks; c.asks > 1 {
				s.execution.Parameters["Approvers"] = s.Stack.Sessions
			}
			s.record.Decisions = []incident.Decision{s.says("ana", incident.Approve), s.says("ben", incident.Approve)}
			_, err := s.Apply(t.Context(), ours)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}
