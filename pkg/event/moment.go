// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package event

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// moment is a time as any of the services writes it. Blanks inside it are dropped, as a published sample of the alarm's
// Lambda action has them: "2023-08-04T12: 36: 15.490+0000".
type moment struct{ time.Time }

// isoLayouts are tried after all blanks are gone: CloudWatch writes the first, EventBridge and CloudTrail the second.
var isoLayouts = []string{
	"2006-01-02T15:04:05.999999999-0700",
	time.RFC3339Nano,
}

// wordLayouts are tried with blanks reduced to one: Health writes the first two, SSM the last.
var wordLayouts = []string{
	"Mon, 2 Jan 2006 15:04:05 MST",
	"Mon, 2 Jan 2006 15:04:05 -0700",
	"Jan 2, 2006 3:04:05 PM",
	"Jan 2, 2006, 3:04:05 PM",
}

// UnmarshalJSON takes null, an empty string and a missing member as no time; a text that is no time is an error.
func (m *moment) UnmarshalJSON(raw []byte) error {
	var text *string
	if err := json.Unmarshal(raw, &text); err != nil {
		return fmt.Errorf("a time that is not a string: %w", err)
	}
	if text == nil || strings.TrimSpace(*text) == "" {
		return nil
	}
	t, err := parseMoment(*text)
	if err != nil {
		return err
	}
	m.Time = t
	return nil
}

func parseMoment(text string) (time.Time, error) {
	// strings.Fields also splits at U+202F, the narrow no-break space that newer Java puts before AM and PM.
	fields := strings.Fields(text)
	if t, ok := tryLayouts(strings.Join(fields, ""), isoLayouts); ok {
		return t, nil
	}
	if t, ok := tryLayouts(strings.Join(fields, " "), wordLayouts); ok {
		return t, nil
	}
	return time.Time{}, fmt.Errorf("not a time: %q", clip(text, 40))
}

func tryLayouts(text string, layouts []string) (time.Time, bool) {
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// lenient is a moment that must not fail an event: a text that is no time reads as no time.
type lenient struct{ time.Time }

// UnmarshalJSON never fails.
func (l *lenient) UnmarshalJSON(raw []byte) error {
	var m moment
	if m.UnmarshalJSON(raw) == nil {
		l.Time = m.Time
	}
	return nil
}
