// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"testing"
	"time"

	"cloudfront503/pkg/incident"
)

func TestWhatIsDueAboutTheWayBack(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	undone := func(ago time.Duration) back { return back{undone: &incident.Written{}, undoneAt: now.Add(-ago)} }
	worse := &incident.Recovery{State: incident.Worse}
	for name, test := range map[string]struct {
		view view
		want due
	}{
		"the change stands":                                 {view{}, nothing},
		"it is taken back":                                  {view{back: undone(time.Minute)}, tellUndone},
		"and the rate is known":                             {view{back: undone(time.Hour), recovery: worse}, endUndone},
		"and the rate is not known after a day":             {view{back: undone(25 * time.Hour)}, endUndone},
		"it was to be taken back, and was not":              {view{back: back{failed: "others changed it"}, recovery: worse}, tellNotUndone},
		"and people know that":                              {view{back: back{failed: "others changed it", told: true}, recovery: worse}, nothing},
		"it is taken back, though a step failed after that": {view{back: back{undone: &incident.Written{}, undoneAt: now, failed: "not on all edges"}}, tellUndone},
	} {
		if have := judgeBack(test.view, now); have != test.want {
			t.Errorf("%s: %q, want %q", name, have, test.want)
		}
	}
	if since := undone(time.Minute).since(now); !since.IsZero() {
		t.Errorf("the edges serve it since %s", since)
	}
	if since := undone(time.Hour).since(now); since.IsZero() {
		t.Error("it never reaches the edges")
	}
}
