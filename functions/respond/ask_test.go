// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"testing"

	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/settings"
)

func TestTheQuorumCountsOnWhoAsked(t *testing.T) {
	t.Parallel()
	const ana = "arn:aws:iam::111122223333:user/ana"
	old := &incident.Reference{Distribution: "E2EXAMPLE", ID: "000007"}
	for name, test := range map[string]struct {
		trigger incident.Trigger
		quorum  int
		want    int
	}{
		"an alarm":                                    {incident.Trigger{Kind: incident.KindAlarm}, 1, 1},
		"in the place of an alarm's":                  {incident.Trigger{Kind: incident.KindAlarm, Resume: old}, 1, 1},
		"a person who is known":                       {incident.Trigger{Kind: incident.KindOpen, By: ana, Resume: &incident.Reference{Distribution: "E2EXAMPLE"}}, 1, 1},
		"a person who is not":                         {incident.Trigger{Kind: incident.KindOpen, Resume: &incident.Reference{Distribution: "E2EXAMPLE"}}, 1, 2},
		"in the place of a known person's":            {incident.Trigger{Kind: incident.KindOpen, By: ana, Resume: old}, 1, 1},
		"in the place of that of a person who is not": {incident.Trigger{Kind: incident.KindOpen, Resume: old}, 1, 2},
		"a person who is not, where three must":       {incident.Trigger{Kind: incident.KindOpen}, 3, 3},
	} {
		s := story{handler: handler{settings: settings.Settings{Quorum: test.quorum}}, trigger: test.trigger}
		if got := s.quorum(); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}
