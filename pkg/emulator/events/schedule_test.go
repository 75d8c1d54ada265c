// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package events

import (
	"testing"
	"time"
)

func TestScheduleRunsNextWhenItSays(t *testing.T) {
	tests := []struct{ name, expression, after, want string }{
		{"every five minutes", "rate(5 minutes)", "2026-11-24T03:41:51Z", "2026-11-24T03:46:51Z"},
		{"every hour", "rate(1 hour)", "2026-11-24T03:41:51Z", "2026-11-24T04:41:51Z"},
		{"at ten every day", "cron(0 10 * * ? *)", "2026-11-24T10:00:00Z", "2026-11-25T10:00:00Z"},
		{"within this minute is the next", "cron(* * * * ? *)", "2026-11-24T10:00:30Z", "2026-11-24T10:01:00Z"},
		{"every ten minutes on weekdays", "cron(0/10 * ? * MON-FRI *)", "2026-11-27T23:55:00Z", "2026-11-30T00:00:00Z"},
		{"in office hours", "cron(0/5 8-17 ? * MON-FRI *)", "2026-11-24T17:55:00Z", "2026-11-25T08:00:00Z"},
		{"the first of a month", "cron(0 8 1 * ? *)", "2026-11-24T00:00:00Z", "2026-12-01T08:00:00Z"},
		{"the last day of February", "cron(0 0 L FEB ? *)", "2027-03-01T00:00:00Z", "2028-02-29T00:00:00Z"},
		{"the weekday nearest a Saturday the first", "cron(0 0 1W * ? *)", "2026-07-31T12:00:00Z", "2026-08-03T00:00:00Z"},
		{"the weekday nearest a Sunday", "cron(0 0 15W * ? *)", "2026-11-01T12:00:00Z", "2026-11-16T00:00:00Z"},
		{"the second Tuesday", "cron(0 0 ? * 3#2 *)", "2026-11-01T00:00:00Z", "2026-11-10T00:00:00Z"},
		{"the last Thursday", "cron(0 0 ? * 5L *)", "2026-11-01T00:00:00Z", "2026-11-26T00:00:00Z"},
		{"two hours of two days", "cron(30 6,18 ? * 1,4 *)", "2026-11-24T00:00:00Z", "2026-11-25T06:30:00Z"},
		{"in another year", "cron(0 0 1 1 ? 2030)", "2026-11-24T00:00:00Z", "2030-01-01T00:00:00Z"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, err := parseSchedule(test.expression)
			if err != nil {
				t.Fatal(err)
			}
			after, _ := time.Parse(time.RFC3339, test.after)
			got, ok := s.next(after)
			if !ok || got.Format(time.RFC3339) != test.want {
				t.Errorf("%s after %s: got %v (%v), want %s", test.expression, test.after, got, ok, test.want)
			}
		})
	}
}

func TestScheduleInThePastNeverRuns(t *testing.T) {
	s, err := parseSchedule("cron(0 0 1 1 ? 1999)")
	if err != nil {
		t.Fatal(err)
	}
	if at, ok := s.next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)); ok {
		t.Errorf("runs at %v", at)
	}
}

func TestScheduleThatAWSRefusesIsRefused(t *testing.T) {
	for _, expression := range []string{
		"", "5 minutes", "rate(0 minutes)", "rate(1 minutes)", "rate(5 minute)", "rate(5 seconds)", "rate(5  minutes)",
		"cron(0 10 * * *)", "cron(0 10 * * * *)", "cron(0 10 ? * ? *)", "cron(60 10 * * ? *)", "cron(0 10 0 * ? *)",
		"cron(0 10 32 * ? *)", "cron(0 10 ? * 8 *)", "cron(0 10 ? * FRI-MON *)", "cron(0/0 10 * * ? *)", "cron(0 10 ? * 3#6 *)",
	} {
		t.Run(expression, func(t *testing.T) {
			if _, err := parseSchedule(expression); err == nil {
				t.Error("accepted")
			}
		})
	}
}

// FuzzSchedule looks for a panic, and for a next time that does not lie ahead.
func FuzzSchedule(f *testing.F) {
	for _, seed := range []string{"rate(5 minutes)", "cron(0/10 * ? * MON-FRI *)", "cron(0 0 15W * ? 2030)", "cron(0 0 ? * 5L *)", "cron(0 0 ? * 3#2 *)"} {
		f.Add(seed)
	}
	after := time.Date(2026, 11, 24, 3, 41, 51, 0, time.UTC)
	f.Fuzz(func(t *testing.T, expression string) {
		s, err := parseSchedule(expression)
		if err != nil {
			return
		}
		if at, ok := s.next(after); ok && !at.After(after) {
			t.Errorf("%q runs at %v, which is past", expression, at)
		}
	})
}
