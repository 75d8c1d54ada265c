// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package recovery

import (
	"math"
	"strings"
	"testing"
	"testing/quick"

	"cloudfront503/pkg/incident"
)

func TestCompare(t *testing.T) {
	nan := math.NaN()
	failing := Window{Requests: 1000, Failed: 400}
	tests := []struct {
		name          string
		before, after Window
		want          incident.RecoveryState
		why           string // part of the sentence
	}{
		{"all is well and many requests say so", failing, Window{1000, 0}, incident.Recovered, "0 % of 1000 requests fail since, at most 0.38 % with 95 % certainty; before it was 40 %."},
		{"a few failures remain, as there always are", failing, Window{10000, 20}, incident.Recovered, "0.2 % of 10000 requests fail"},
		{"one request too few", failing, Window{92, 0}, incident.NotYet, "Low traffic: 0 % of 92 requests fail since, but it takes about 93 requests"},
		{"just enough requests", failing, Window{93, 0}, incident.Recovered, ""},
		{"ten requests say nothing", failing, Window{10, 0}, incident.NotYet, "Low traffic"},
		{"no request says nothing", failing, Window{0, 0}, incident.NotYet, "No request has come"},
		{"the same as before", failing, Window{1000, 400}, incident.NotYet, "40 % of 1000 requests still fail; before it was 40 %."},
		{"half as bad is not recovered", failing, Window{1000, 200}, incident.NotYet, "still fail"},
		{"clearly worse", failing, Window{1000, 600}, incident.Worse, "60 % of 1000 requests fail since, where 40 % did."},
		{"a little worse may be chance", failing, Window{100, 45}, incident.NotYet, "still fail"},
		{"a bad start of few requests may be chance", failing, Window{3, 3}, incident.NotYet, "still fail"},
		{"nothing failed before, so failures are worse", Window{1000, 0}, Window{1000, 50}, incident.Worse, ""},
		{"a small failure must at least be halved", Window{100000, 300}, Window{100000, 250}, incident.NotYet, "still fail"},
		{"a small failure that is gone", Window{100000, 300}, Window{100000, 50}, incident.Recovered, ""},
		{"before is unknown, after is well", Window{nan, nan}, Window{1000, 0}, incident.Recovered, "0 % of 1000 requests fail since, at most 0.38 % with 95 % certainty."},
		{"before is unknown, after is not well", Window{-1, 0}, Window{1000, 100}, incident.NotYet, "10 % of 1000 requests still fail."},
		{"after could not be counted", failing, Window{nan, 0}, incident.NotYet, "could not be counted"},
		{"after could not be counted either way", failing, Window{5, -1}, incident.NotYet, "could not be counted"},
		{"more failures than requests", Window{10, 20}, Window{1000, 0}, incident.Recovered, "before it was 100 %"},
		{"one request", failing, Window{1, 1}, incident.NotYet, "100 % of 1 request still fail"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := Compare(test.before, test.after)
			if got.State != test.want || !strings.Contains(got.Why, test.why) || got.Why == "" {
				t.Errorf("%s: %s", got.State, got.Why)
			}
		})
	}
}

func TestSharesAreInPercent(t *testing.T) {
	if got := Compare(Window{1000, 400}, Window{500, 5}); got.Before != 40 || got.After != 1 || got.Requests != 500 {
		t.Errorf("%+v", got)
	}
}

func TestWhateverIsCountedGivesNumbersAndAReason(t *testing.T) {
	holds := func(a, b, c, d float64) bool {
		got := Compare(Window{a, b}, Window{c, d})
		return got.Why != "" && got.Before >= 0 && got.Before <= 100 && got.After >= 0 && got.After <= 100 && got.Requests >= 0
	}
	if err := quick.Check(holds, nil); err != nil {
		t.Error(err)
	}
}

func TestFewerFailuresNeverTurnARecoveryBack(t *testing.T) {
	holds := func(requests uint16, failed, fewer uint16) bool {
		n := float64(requests) + 1
		many := math.Mod(float64(failed), n)
		few := math.Mod(float64(fewer), many+1)
		before := Window{1000, 500}
		return Compare(before, Window{n, many}).State != incident.Recovered || Compare(before, Window{n, few}).State == incident.Recovered
	}
	if err := quick.Check(holds, nil); err != nil {
		t.Error(err)
	}
}

func TestARelapse(t *testing.T) {
	before := Window{Requests: 1000, Failed: 300}
	for _, tt := range []struct {
		name  string
		since Window
		want  incident.RecoveryState
	}{
		{"as bad as it was", Window{Requests: 1000, Failed: 300}, incident.Worse},
		{"far better than it was, and far above recovered", Window{Requests: 1000, Failed: 100}, incident.Worse},
		{"all well", Window{Requests: 1000}, incident.Recovered},
		{"a few failures, as on any day", Window{Requests: 1000, Failed: 5}, incident.Recovered},
		{"a handful of requests that all fail", Window{Requests: 10, Failed: 10}, incident.NotYet},
		{"no request", Window{}, incident.NotYet},
		{"what could not be counted", Window{Requests: -1, Failed: -1}, incident.NotYet},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Relapsed(before, tt.since); got.State != tt.want {
				t.Errorf("got %s, want %s: %s", got.State, tt.want, got.Why)
			}
		})
	}
}

func TestARecoveryStandsWhereThePathsAnswer(t *testing.T) {
	for _, tt := range []struct {
		name  string
		state incident.RecoveryState
		smoke Smoke
		want  incident.RecoveryState
	}{
		{"all are answered", incident.Recovered, Smoke{Asked: 24}, incident.Recovered},
		{"one in a few dozen fails", incident.Recovered, Smoke{Asked: 24, Failed: 1, Path: "/"}, incident.Recovered},
		{"one path in two still fails", incident.Recovered, Smoke{Asked: 24, Failed: 12, Path: "/feed"}, incident.NotYet},
		{"most are not answered, and what is fails", incident.Recovered, Smoke{Asked: 24, Failed: 2, Unanswered: 22, Path: "/"}, incident.NotYet},
		{"none could be asked", incident.Recovered, Smoke{Asked: 24, Unanswered: 24}, incident.Recovered},
		{"what has not recovered has not", incident.Worse, Smoke{Asked: 24}, incident.Worse},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Confirm(incident.Recovery{State: tt.state}, tt.smoke); got.State != tt.want {
				t.Errorf("got %s, want %s: %s", got.State, tt.want, got.Why)
			}
		})
	}
}

func TestWhatSurelyFailsStill(t *testing.T) {
	before := Window{Requests: 1000, Failed: 300}
	for name, c := range map[string]struct {
		after Window
		want  bool
	}{
		"as many as before":  {Window{Requests: 1000, Failed: 300}, true},
		"all":                {Window{Requests: 1000, Failed: 1000}, true},
		"none":               {Window{Requests: 1000}, false},
		"a few of few":       {Window{Requests: 20, Failed: 10}, false},
		"hardly any":         {Window{Requests: 1000, Failed: 31}, false},
		"no request":         {Window{}, false},
		"it cannot be known": {Window{Requests: -1, Failed: -1}, false},
	} {
		if got := Compare(before, c.after); got.Failing != c.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
