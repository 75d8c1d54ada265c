// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package ssm

import (
	"testing"
	"time"
)

func FuzzCalendar(f *testing.F) {
	f.Add("BEGIN:VCALENDAR\nX-CALENDAR-TYPE:DEFAULT_OPEN\nBEGIN:VEVENT\nDTSTART:20261124T020000Z\nDTEND:20261124T060000Z\nRRULE:FREQ=DAILY\nEND:VEVENT\nEND:VCALENDAR\n")
	f.Add("BEGIN:VCALENDAR\nX-CALENDAR-TYPE:DEFAULT_CLOSED\nBEGIN:VEVENT\nDTSTART;TZID=UTC:20261124T020000\nEND:VEVENT")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseCalendar(text)
		if err != nil {
			return
		}
		at := time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)
		next := nextChange([]calendar{c}, at)
		if !next.IsZero() && c.openAt(next) == c.openAt(at) {
			t.Errorf("nothing changes at %s", next)
		}
	})
}
