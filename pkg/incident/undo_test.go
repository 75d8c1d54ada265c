// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package incident_test

import (
	"testing"

	"cloudfront503/pkg/incident"
)

func TestWhenAChangeIsTakenBack(t *testing.T) {
	worse := incident.Recovery{State: incident.Worse, Failing: true}
	still := incident.Recovery{State: incident.NotYet, Failing: true}
	unsure := incident.Recovery{State: incident.NotYet}
	well := incident.Recovery{State: incident.Recovered}
	for _, c := range []struct {
		when incident.TakenBack
		in   incident.Recovery
		want bool
	}{
		{incident.TakenBackNever, worse, false},
		{incident.TakenBackWorse, worse, true},
		{incident.TakenBackWorse, still, false},
		{incident.TakenBackWorse, well, false},
		{incident.TakenBackNotRecovered, worse, true},
		{incident.TakenBackNotRecovered, still, true},
		{incident.TakenBackNotRecovered, unsure, false},
		{incident.TakenBackNotRecovered, well, false},
		{"always", worse, false},
	} {
		if got := c.when.Covers(c.in); got != c.want {
			t.Errorf("%q of %+v: %t", c.when, c.in, got)
		}
	}
}

func TestAnApprovalIsBoundToHowTheChangeIsTakenBack(t *testing.T) {
	hash := incident.ChangeHash("E1EXAMPLE", "T1", nil, nil)
	seen := map[string]incident.TakenBack{}
	for _, when := range []incident.TakenBack{incident.TakenBackNever, incident.TakenBackWorse, incident.TakenBackNotRecovered} {
		bound := when.Bind(hash)
		if other, known := seen[bound]; known || len(bound) != 64 {
			t.Errorf("%q is bound to %s, as %q", when, bound, other)
		}
		seen[bound] = when
	}
	if seen[hash] != incident.TakenBackNever {
		t.Error("where nothing is taken back, the hash of the change is another one")
	}
	if incident.TakenBackWorse.Bind("") != "" {
		t.Error("no change has a hash")
	}
}
