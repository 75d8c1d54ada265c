// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package diagnosis

import (
	"testing"
	"time"

	"cloudfront503/pkg/incident"
)

// rates makes one-minute points from a rate for each minute.
func rates(values ...float64) []incident.Point {
	var out []incident.Point
	for i, value := range values {
		out = append(out, incident.Point{At: time.Date(2026, 3, 3, 20, i, 0, 0, time.UTC), Value: value})
	}
	return out
}

func TestOnsetIsWhereTheRateLeftItsLevel(t *testing.T) {
	cases := map[string]struct {
		values []float64
		alarm  int // the alarm's minute
		want   int // -1: none
	}{
		"a step":                                      {[]float64{0, 0, 0, 0, 0, 0, 20, 50, 50, 50}, 9, 6},
		"a slow ramp counts from its start":           {[]float64{0, 0, 0, 0, 0, 0, 5, 12, 20, 30, 45, 60}, 11, 6},
		"above a background":                          {[]float64{1, 1.2, 0.9, 1.1, 1, 0.8, 1, 9, 10, 9, 11}, 10, 7},
		"an earlier short blip":                       {[]float64{0, 0, 3, 0, 0, 0, 0, 0, 40, 60, 60, 60}, 11, 8},
		"waves count from the first":                  {[]float64{0, 0, 0, 0, 0, 0, 30, 30, 12, 30, 30, 12, 30}, 12, 6},
		"nothing happened":                            {[]float64{0, 0, 0, 0, 0, 0, 0, 0}, 7, -1},
		"noise only":                                  {[]float64{1, 2, 1, 2, 1, 2, 1, 2, 1, 2}, 9, -1},
		"it failed before the evidence begins":        {[]float64{50, 50, 50, 50, 50, 50}, 5, -1},
		"what comes after the alarm is not looked at": {[]float64{0, 0, 0, 0, 30, 30, 0, 0, 0, 0, 90, 90, 90, 90}, 5, 4},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			points := rates(c.values...)
			at, ok := changePoint(points, points[c.alarm].At)
			if ok != (c.want >= 0) || ok && !at.Equal(points[c.want].At) {
				t.Errorf("found %v at %v, want minute %d", ok, at, c.want)
			}
		})
	}
}

func TestAHealthEventCountsOnlyIfItCanHaveToDoWithIt(t *testing.T) {
	onset := time.Date(2026, 3, 3, 20, 30, 0, 0, time.UTC)
	good := incident.HealthEvent{ARN: "arn", Service: "CLOUDFRONT", Category: "issue", Status: "open", Type: "T", Start: onset.Add(-5 * time.Minute),
		Description: "We are investigating increased error rates."}
	cases := map[string]struct {
		change func(*incident.HealthEvent)
		want   state
	}{
		"open, about CloudFront":      {func(*incident.HealthEvent) {}, present},
		"closed":                      {func(e *incident.HealthEvent) { e.Status = "closed" }, absent},
		"about another service":       {func(e *incident.HealthEvent) { e.Service = "EC2" }, absent},
		"a backup copy":               {func(e *incident.HealthEvent) { e.Backup = true }, absent},
		"a scheduled change":          {func(e *incident.HealthEvent) { e.Category = "scheduledChange" }, absent},
		"it ended before":             {func(e *incident.HealthEvent) { e.End = onset }, absent},
		"it began after the evidence": {func(e *incident.HealthEvent) { e.Start = onset.Add(3 * time.Hour) }, absent},
		"about invalidations":         {func(e *incident.HealthEvent) { e.Description = "Delays in invalidation of objects." }, absent},
		"viewers are spared, it says": {func(e *incident.HealthEvent) {
			e.Description = "Delays in propagation of changes. Content delivery is not affected."
		}, absent},
		"only others are spared": {func(e *incident.HealthEvent) {
			e.Description = "Increased 5xx error rates. Invalidations are not affected."
		}, present},
		"about VPC origins, none is used": {func(e *incident.HealthEvent) { e.Description = "Increased 5xx for distributions with VPC origins." }, absent},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			e := good
			c.change(&e)
			v := look(&incident.Evidence{AlarmAt: onset.Add(3 * time.Minute), CollectedAt: onset.Add(20 * time.Minute), Read: []string{"health/x"}, Health: []incident.HealthEvent{e}})
			if got := cloudFrontHealth(v).state; got != c.want {
				t.Errorf("state %d, want %d", got, c.want)
			}
		})
	}
}

func TestEveryClueNamesASign(t *testing.T) {
	seen := observe(look(&incident.Evidence{}))
	causes := map[incident.Cause]bool{}
	for _, c := range catalogue {
		causes[c.cause] = true
		for _, clue := range c.clues {
			if _, known := seen[clue.sign]; !known {
				t.Errorf("%s: no sign is called %q", c.cause, clue.sign)
			}
		}
		if _, worded := meanings[c.cause]; !worded || !c.cause.Known() {
			t.Errorf("%s has no words, or is no cause", c.cause)
		}
	}
	if len(causes) != 29 {
		t.Errorf("%d causes, want all but undetermined", len(causes))
	}
}

func TestNothingKnownIsUndetermined(t *testing.T) {
	d := Diagnose(incident.Evidence{Distribution: "E2EXAMPLE"})
	if d.Verdict.Cause != incident.Undetermined || d.Verdict.Status != nil || d.Verdict.Confidence > 0.5 || d.Change != nil {
		t.Errorf("%+v", d.Verdict)
	}
}
