// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package event

import (
	"strings"
	"time"

	"cloudfront503/pkg/pattern"
)

// window bounds how far before its state change an alarm may look: CloudWatch evaluates at most seven days.
const window = 7 * 24 * time.Hour

// since is when the breach began: the first datapoint that breached where reasonData or the reason's words tell it, else
// the state's own time.
func since(state string, at time.Time, reason string, data reasonData) time.Time {
	if state != "ALARM" {
		return at
	}
	for _, candidate := range []time.Time{firstBreach(reason, data), data.StartDate.Time, firstNamed(reason, at)} {
		if plausible(candidate, at) {
			return candidate
		}
	}
	return at
}

func plausible(t, at time.Time) bool {
	return !t.IsZero() && !t.After(at) && at.Sub(t) <= window
}

// breaches is how the reason words each comparison operator, the longer wording first.
var breaches = []struct {
	words string
	holds func(value, threshold float64) bool
}{
	{"greater than or equal", func(v, t float64) bool { return v >= t }},
	{"less than or equal", func(v, t float64) bool { return v <= t }},
	{"greater than", func(v, t float64) bool { return v > t }},
	{"less than", func(v, t float64) bool { return v < t }},
}

// firstBreach is the earliest evaluated datapoint beyond the threshold. The event does not hold the operator; the reason
// names it in words.
func firstBreach(reason string, data reasonData) time.Time {
	var first time.Time
	if data.Threshold == nil {
		return first
	}
	for _, b := range breaches {
		if strings.Contains(reason, b.words) {
			return earliest(data, b.holds)
		}
	}
	return first
}

func earliest(data reasonData, holds func(value, threshold float64) bool) time.Time {
	var first time.Time
	for _, point := range data.EvaluatedDatapoints {
		if point.Value == nil || !holds(*point.Value, *data.Threshold) {
			continue
		}
		if first.IsZero() || point.Timestamp.Before(first) {
			first = point.Timestamp.Time
		}
	}
	return first
}

// named is a datapoint's time within the reason: "[7.5 (24/11/26 03:41:00)]".
var named = pattern.Lazily(`\((\d\d/\d\d/\d\d \d\d:\d\d:\d\d)\)`)

// firstNamed is the earliest datapoint that the reason names. Published samples write the day first in some and the month
// first in others, so the reading counts that lies in the alarm's window.
func firstNamed(reason string, at time.Time) time.Time {
	var first time.Time
	for _, match := range named().FindAllStringSubmatch(reason, -1) {
		t := readNamed(match[1], at)
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

func readNamed(text string, at time.Time) time.Time {
	for _, layout := range []string{"02/01/06 15:04:05", "01/02/06 15:04:05"} {
		if t, err := time.Parse(layout, text); err == nil && plausible(t, at) {
			return t
		}
	}
	return time.Time{}
}
