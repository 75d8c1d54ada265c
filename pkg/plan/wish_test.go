// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package plan

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cloudfront503/pkg/incident"
)

// wishful is the input of a wish for which no diagnosis speaks.
func wishful() Input {
	in := input(incident.Undetermined)
	in.Diagnosis.Verdict.Confidence = 0.2
	in.Wish = &Wish{By: "arn:aws:iam::111122223333:user/ana", Only: []string{"Comment"}, Name: "20261124T034151Z-T0",
		Snapshot: &incident.Snapshot{ETag: "T0", Restorable: true, ConfigKey: "asked.config.json", VersionID: "v0", SHA256: "cc"}}
	change := in.Changes[incident.RemedyRestore]
	change.Recipe = &incident.Recipe{Restore: &incident.RestoreRecipe{Only: in.Wish.Only, By: in.Wish.By}}
	in.Changes = map[string]Change{incident.RemedyRestore: change}
	return in
}

func TestAWishNeedsNoDiagnosisButNamesWhoAsks(t *testing.T) {
	got := Make(wishful())
	if got.TellOnly != "" || got.Runbook != "RestoreDistribution" || got.Hash == "" || got.Base != nil || got.BlamedBy != nil || !got.ByWish() {
		t.Errorf("%+v", got)
	}
	if diff := cmp.Diff(&incident.ConfigRef{Key: "asked.config.json", VersionID: "v0", SHA256: "cc", ETag: "T0"}, got.Ours); diff != "" {
		t.Errorf("it goes back to another configuration:\n%s", diff)
	}
	if got.Does != "put 1 field back to what snapshot 20261124T034151Z-T0 holds" || !strings.Contains(strings.Join(got.Limits, " "), "no diagnosis: arn:aws:iam::111122223333:user/ana") {
		t.Errorf("%q, %q", got.Does, got.Limits)
	}
}

func TestEveryGuardObjectsToAWishButThatOfAnUnsureDiagnosis(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Input)
		want   string
	}{
		"the stop switch":          {func(in *Input) { in.Policy.Stop = true }, "The stop switch is on"},
		"a distribution of others": {func(in *Input) { in.Policy.Distributions = nil }, "is not among those that may be changed"},
		"a tag that is missing":    {func(in *Input) { in.Policy.OptIn = "cloudfront503=change" }, "does not bear the tag"},
		"an incident of CloudFront": {func(in *Input) {
			in.OpenHealth = []incident.HealthEvent{{Service: "CLOUDFRONT", Category: "issue", Status: "open"}}
		}, "AWS Health has an open event"},
		"a change within the hour": {func(in *Input) { in.RecentWrite = in.Now.Add(-time.Minute) }, "never does so twice within an hour"},
		"a closed calendar":        {func(in *Input) { in.Policy.Calendar = Calendar{Name: "freeze", Closed: true} }, "is closed"},
		"nobody else to approve":   {func(in *Input) { in.Policy.Approvers = 0 }, "needs 1 people to approve"},
		"a stack that observes":    {func(in *Input) { in.Policy.Observe = true }, "only observes"},
		"a snapshot that is gone":  {func(in *Input) { in.Wish = &Wish{Problem: "There is no such snapshot."} }, "There is no such snapshot."},
		"a snapshot that is strange": {func(in *Input) {
			in.Wish.Snapshot.Restorable = false
		}, "cannot be put back whole"},
		"nothing to change": {func(in *Input) {
			in.Changes = map[string]Change{incident.RemedyRestore: {Refusal: "refused: nothing differs at X"}}
		}, "Nothing differs at X."},
	} {
		t.Run(name, func(t *testing.T) {
			in := wishful()
			test.change(&in)
			if got := Make(in); got.Runbook != "" || !strings.Contains(got.TellOnly, test.want) || !got.ByWish() {
				t.Errorf("runbook %q, %q", got.Runbook, got.TellOnly)
			}
		})
	}
}
