// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package plan

import (
	"slices"
	"strings"
	"testing"

	"cloudfront503/pkg/incident"
)

// dark is the input for a cause that is not known, with a recipe for what is missing.
func dark(recipe incident.EvidenceRecipe) Input {
	in := input(incident.Undetermined)
	in.Diagnosis.Verdict.Confidence = 0.2
	in.Changes = map[string]Change{incident.RemedyEvidence: {Hash: "00", Recipe: &incident.Recipe{Evidence: &recipe}}}
	return in
}

func TestEvidenceIsAskedForWhereTheCauseIsNotKnown(t *testing.T) {
	all := incident.EvidenceRecipe{
		Metrics: true, Logs: &incident.LogDelivery{Target: "arn:aws:s3:::kept/access-logs"},
		Alarms: []incident.QuotaAlarm{{Quota: "Requests per second per distribution", Value: 250_000}},
	}
	for _, tt := range []struct {
		name   string
		recipe incident.EvidenceRecipe
		change Change // what was found besides
		does   string
		says   []string // among the limits
	}{
		{"everything is missing", all, Change{},
			"switch on additional metrics, standard logs to arn:aws:s3:::kept/access-logs and an alarm at 80 % of the quota Requests per second per distribution, which is 250,000",
			[]string{"additional metrics by the distribution and month, logs by what is delivered and kept and alarms by the month.", "It mends nothing.", "viewers' addresses"}},
		{"Lambda's quota has no alarm in two Regions", incident.EvidenceRecipe{Alarms: []incident.QuotaAlarm{
			{Quota: "Concurrent executions", Value: 1000}, {Quota: "Concurrent executions", Value: 2000, Region: "eu-west-1"},
		}}, Change{}, "switch on an alarm at 80 % of the quota Concurrent executions, which is 1,000 and " +
			"an alarm at 80 % of the quota Concurrent executions in eu-west-1, which is 2,000", []string{"tells the topic that QuotaTopics lists there"}},
		{"a Region gets none", incident.EvidenceRecipe{Metrics: true}, Change{Unwatched: []string{"It is used in eu-west-1 too."}},
			"switch on additional metrics", []string{"It is used in eu-west-1 too."}},
		{"only the metrics are", incident.EvidenceRecipe{Metrics: true}, Change{Left: []string{"standard logs"}}, "switch on additional metrics",
			[]string{"It costs money until it is taken back: additional metrics by the distribution and month.", "On already, and left as it is: standard logs."}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := dark(tt.recipe)
			change := in.Changes[incident.RemedyEvidence]
			change.Left, change.Unwatched = tt.change.Left, tt.change.Unwatched
			in.Changes[incident.RemedyEvidence] = change
			plan := Make(in)
			if plan.TellOnly != "" || plan.Runbook != "SwitchOnEvidence" || plan.Does != tt.does {
				t.Errorf("%q, %q, %q", plan.TellOnly, plan.Runbook, plan.Does)
			}
			if elsewhere := strings.Contains(tt.does, "eu-west-1"); elsewhere != slices.ContainsFunc(plan.Limits, func(limit string) bool { return strings.Contains(limit, "of another Region") }) {
				t.Errorf("whether an alarm lies elsewhere is not said rightly: %q", plan.Limits)
			}
			for _, want := range tt.says {
				if !slices.ContainsFunc(plan.Limits, func(limit string) bool { return strings.Contains(limit, want) }) {
					t.Errorf("no limit says %q: %q", want, plan.Limits)
				}
			}
		})
	}
}

func TestWhereNothingIsMissingPeopleAreToldOfTheCause(t *testing.T) {
	for name, change := range map[string]Change{"everything is on": {Refusal: "refused: everything is on"}, "it was not looked for": {}} {
		t.Run(name, func(t *testing.T) {
			in := dark(incident.EvidenceRecipe{})
			in.Changes[incident.RemedyEvidence] = change
			if plan := Make(in); plan.Runbook != "" || plan.TellOnly != policy[incident.Undetermined].why {
				t.Errorf("%q, %q", plan.Runbook, plan.TellOnly)
			}
		})
	}
}

func TestAllOtherGuardsHoldForEvidence(t *testing.T) {
	for name, spoil := range map[string]func(*Input){
		"stop":    func(in *Input) { in.Policy.Stop = true },
		"observe": func(in *Input) { in.Policy.Observe = true },
		"another": func(in *Input) { in.Policy.Distributions = nil },
		"health": func(in *Input) {
			in.OpenHealth = []incident.HealthEvent{{Service: "CLOUDFRONT", Category: "issue", Status: "open"}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			in := dark(incident.EvidenceRecipe{Metrics: true})
			spoil(&in)
			if plan := Make(in); plan.TellOnly == "" || plan.Runbook != "" {
				t.Errorf("%q, %q", plan.TellOnly, plan.Runbook)
			}
		})
	}
}
