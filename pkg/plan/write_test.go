// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package plan

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"cloudfront503/pkg/incident"
)

func TestWhatIsAskedOnceMoreBeforeAWrite(t *testing.T) {
	certificate := []incident.FieldChange{{Path: "ViewerCertificate"}}
	for name, c := range map[string]struct {
		calendar   string // its state; empty: none is named
		askAnyway  bool
		optIn      string
		tags       map[string]string
		difference []incident.FieldChange
		want       string // part of the objection; empty: none
	}{
		"no calendar and no tag are named":            {},
		"the calendar is open":                        {calendar: "OPEN"},
		"the calendar has closed":                     {calendar: "CLOSED", want: "freeze is closed"},
		"the calendar cannot be read":                 {calendar: "?", want: "could not be read (slow down)"},
		"it has closed, and people may be asked":      {calendar: "CLOSED", askAnyway: true},
		"it has closed, and a certificate changes":    {calendar: "CLOSED", askAnyway: true, difference: certificate, want: "certificates and TLS change only inside"},
		"the tag is there":                            {optIn: "team=shop", tags: map[string]string{"team": "shop"}},
		"the tag has another value":                   {optIn: "team=shop", tags: map[string]string{"team": "other"}, want: "does not bear the tag team=shop"},
		"the tag is gone":                             {optIn: "team", want: "does not bear the tag team"},
		"the tag is gone and the calendar has closed": {calendar: "CLOSED", optIn: "team", want: "does not bear the tag team"},
	} {
		state := func(string) (string, error) {
			if c.calendar == "?" {
				return "", errors.New("slow down")
			}
			return c.calendar, nil
		}
		policy := Policy{OptIn: c.optIn, Calendar: AskCalendar(map[bool]string{true: "freeze"}[c.calendar != ""], c.askAnyway, state)}
		why := AtWrite(incident.Plan{Distribution: "E1EXAMPLE", Difference: c.difference}, policy, c.tags)
		if (why == "") != (c.want == "") || !strings.Contains(why, c.want) {
			t.Errorf("%s: %q", name, why)
		}
	}
}

func TestASentenceListsTenNamesAtTheMost(t *testing.T) {
	var names []string
	for n := range 12 {
		names = append(names, fmt.Sprintf("f%d", n))
	}
	for n, want := range map[int]string{0: "", 1: ": f0", 10: ": f0, f1, f2, f3, f4, f5, f6, f7, f8, f9", 12: ": f0, f1, f2, f3, f4, f5, f6, f7, f8, f9 and 2 more"} {
		if got := listed(names[:n]); got != want {
			t.Errorf("%d names: %q", n, got)
		}
	}
}
