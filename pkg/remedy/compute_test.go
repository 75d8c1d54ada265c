// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package remedy

import (
	"strings"
	"testing"

	"cloudfront503/pkg/incident"
)

func TestComputeIsWhatTheRemedyComputes(t *testing.T) {
	diagnosis := incident.Diagnosis{Verdict: incident.Verdict{Cause: incident.ErrorPage503}, Detail: incident.Detail{ErrorCodes: []int{404}}}
	in := Inputs{Distribution: "E1", ETag: "T1", Ours: site(t), Theirs: site(t, errorPage...)}
	good := &incident.ConfigRef{Key: "good"}
	tests := []struct {
		name string
		plan incident.Plan
		want string
	}{
		{name: "the known good, with what the diagnosis blames", plan: incident.Plan{Remedy: incident.RemedyRestore, Ours: good}},
		{name: "without a known good", plan: incident.Plan{Remedy: incident.RemedyRestore}, want: "refused: no known good configuration"},
		{name: "a remedy that changes no configuration", plan: incident.Plan{Remedy: incident.RemedyQuota}, want: "refused: remedy \"request-quota-increase\" does not change"},
		{name: "a plan that only tells", want: "refused: remedy \"\" does not change"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			change, err := Compute(test.plan, diagnosis, in)
			if test.want == "" && (err != nil || len(change.Difference) == 0 || !change.Result.Equal(site(t))) {
				t.Errorf("%v, %v", err, change.Difference)
			}
			if test.want != "" && (err == nil || !strings.HasPrefix(err.Error(), test.want)) {
				t.Errorf("want %q, have %v", test.want, err)
			}
		})
	}
}

func TestEveryRemedyThatChangesAConfigurationIsWrittenAsOne(t *testing.T) {
	for remedy := range computations {
		if kinds[remedy].apply == nil {
			t.Errorf("%s: computed, but no kind of write does it", remedy)
		}
	}
}

func TestAnUnknownRemedyIsRefused(t *testing.T) {
	s := newScene(t)
	s.record.Plan.Remedy = "pray"
	if _, err := s.Apply(t.Context(), ours); err == nil || !strings.HasPrefix(err.Error(), "refused: this software has no remedy") || s.writes != 0 {
		t.Errorf("%d writes, %v", s.writes, err)
	}
}
