// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package event

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cloudfront503/pkg/incident"
)

// wish is a request to restore, with some members replaced.
func wish(change map[string]any) []byte {
	request := map[string]any{
		"cloudfront503": "restore", "distribution": "E1SHOPEXAMPLE", "snapshot": "snapshots/E1SHOPEXAMPLE/20261124T034151Z-E2ABC.json",
		"version": "v.1-_x", "only": []string{"DefaultRootObject"}, "at": "2026-11-24T03:41:51.5Z", "by": "arn:aws:iam::111122223333:user/ana",
	}
	for name, value := range change {
		request[name] = value
	}
	text, _ := json.Marshal(request) // strings and lists of these
	return text
}

func TestAWishNamesWhatGoesBackAndWhoAsks(t *testing.T) {
	t.Parallel()
	got, err := Parse(wish(nil))
	want := incident.Trigger{
		Kind: incident.KindOpen, Channel: incident.ChannelLambda, Key: "restore:E1SHOPEXAMPLE@2026-11-24T03:41:51.5Z",
		At: time.Date(2026, 11, 24, 3, 41, 51, 5e8, time.UTC), By: "arn:aws:iam::111122223333:user/ana",
		Wish:   &incident.Wish{Snapshot: "snapshots/E1SHOPEXAMPLE/20261124T034151Z-E2ABC.json", VersionID: "v.1-_x", Only: []string{"DefaultRootObject"}},
		Resume: &incident.Reference{Distribution: "E1SHOPEXAMPLE"},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestAWishThatIsNotWholeIsRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]map[string]any{
		"nobody asks":                        {"by": ""},
		"a service asks":                     {"by": "lambda.amazonaws.com"},
		"no time":                            {"at": ""},
		"it names an incident":               {"id": "000007"},
		"no distribution":                    {"distribution": ""},
		"a snapshot of another distribution": {"snapshot": "snapshots/E9OTHEREXAMPLE/known-good.json"},
		"a bare configuration":               {"snapshot": "snapshots/E1SHOPEXAMPLE/20261124T034151Z-E2ABC.config.json"},
		"a file of an incident":              {"snapshot": "incidents/E1SHOPEXAMPLE/000001/plan.json"},
		"a way out of the folder":            {"snapshot": "snapshots/E1SHOPEXAMPLE/../E9/x.json"},
		"no version":                         {"version": ""},
		"a version with spaces":              {"version": "a b"},
		"an empty field":                     {"only": []string{" "}},
		"a field with a line break":          {"only": []string{"Comment\nEnabled"}},
		"a field that is too long":           {"only": []string{strings.Repeat("x", longestPath+1)}},
		"more fields than a person can mean": {"only": strings.Split(strings.Repeat("x,", mostPaths)+"x", ",")},
	} {
		if trigger, err := Parse(wish(change)); err == nil {
			t.Errorf("%s: %+v", name, trigger.Wish)
		}
	}
}
