// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package remedy

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/incident"
)

func TestAWishPutsBackWhatIsNamedAndNothingThatProtects(t *testing.T) {
	ours := site(t)
	with := func(edits ...string) distribution.Config { return site(t, edits...) }
	tests := []struct {
		name    string
		theirs  distribution.Config
		only    []string
		flat    bool
		want    []string
		left    []string
		refused string
	}{
		{name: "whatever differs goes back", theirs: with(append(errorPage, `"site"`, `"x"`)...), want: []string{"Comment", responseCode}},
		{name: "but not what protects", theirs: with(append(errorPage, `"acl"`, `"other"`, "www.", "x.")...), want: []string{responseCode},
			left: []string{"Aliases/Items/[www.example.com]", "Aliases/Items/[x.example.com]", "WebACLId"}},
		{name: "nor where only that differs", theirs: with(`"acl"`, `"other"`), refused: "there is nothing to put back; what would be left protects something: WebACLId"},
		{name: "only what is named goes back", theirs: with(append(errorPage, `"site"`, `"x"`)...), only: []string{"Comment"}, want: []string{"Comment"}},
		{name: "with all below it", theirs: with(append(errorPage, `"site"`, `"x"`)...), only: []string{"CustomErrorResponses"}, want: []string{responseCode}},
		{name: "a protected field goes back where it is named", theirs: with(`"acl"`, `"other"`, `"site"`, `"x"`), only: []string{"WebACLId"}, want: []string{"WebACLId"}},
		{name: "a misspelt field is no wish", theirs: with(`"site"`, `"x"`), only: []string{"Comment", "Coment"}, refused: "nothing differs at Coment"},
		{name: "a part of a name is none either", theirs: with(`"site"`, `"x"`), only: []string{"Com"}, refused: "nothing differs at Com"},
		{name: "what identifies a distribution never goes back", theirs: with(`"c"`, `"d"`), only: []string{"CallerReference"}, refused: "no remedy puts CallerReference back"},
		{name: "a distribution that is off stays off", theirs: with(`"Enabled":true`, `"Enabled":false`), only: []string{"Enabled"}, refused: "distribution E1 is disabled: it serves nobody, so nothing here would help"},
		{name: "what is equal is no change", theirs: ours, refused: "there is nothing to put back"},
		{name: "a flat-rate plan", theirs: with(`"site"`, `"x"`), flat: true, refused: "distribution E1 is on a flat-rate plan, which does not allow every older configuration"},
		{name: "an origin that is in use stays whole", theirs: with(`"Items":[{"Id":"web"`, `"Items":[{"Id":"new","DomainName":"n"},{"Id":"web"`, `"/a","TargetOriginId":"web"`, `"/a","TargetOriginId":"new"`),
			only: []string{"Origins"}, refused: "behaviour /a would point to origin new, which would not exist"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			plan := incident.Plan{Remedy: incident.RemedyRestore, Ours: &incident.ConfigRef{}, Recipe: &incident.Recipe{Restore: &incident.RestoreRecipe{Only: test.only}}}
			in := Inputs{Distribution: "E1", ETag: "T1", Ours: ours, Theirs: test.theirs, FlatRate: test.flat}
			change, err := Compute(plan, incident.Diagnosis{}, in)
			var refused *Refused
			if test.refused != "" {
				if !errors.As(err, &refused) || refused.Why != test.refused {
					t.Fatalf("%v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([][]string{test.want, test.left}, [][]string{paths(change.Difference), change.Left}); diff != "" {
				t.Error(diff)
			}
			for _, path := range test.want {
				if string(change.Result.Value(path)) != string(ours.Value(path)) {
					t.Errorf("%s holds %s", path, change.Result.Value(path))
				}
			}
			if again, err := Compute(plan, incident.Diagnosis{}, in); err != nil || again.Hash != change.Hash {
				t.Errorf("computed again: %v, %s", err, again.Hash)
			}
		})
	}
}

// What no remedy may do, no wish may either: the web ACL is not taken off though it is named.
func TestAWishTakesNoProtectionOff(t *testing.T) {
	plan := incident.Plan{Remedy: incident.RemedyRestore, Recipe: &incident.Recipe{Restore: &incident.RestoreRecipe{Only: []string{"WebACLId"}}}}
	_, err := Compute(plan, incident.Diagnosis{}, Inputs{Distribution: "E1", Ours: site(t, `"acl"`, `""`), Theirs: site(t)})
	if err == nil || !strings.Contains(err.Error(), "WebACLId would be emptied, which no remedy may do") {
		t.Error(err)
	}
}
