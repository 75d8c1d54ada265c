// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package report

import (
	"fmt"
	"strings"
	"time"

	"cloudfront503/pkg/incident"
)

// mostText is the most characters of one text that a report shows.
const mostText = 2000

// plain is one line for people, without what looks like a secret.
func plain(text string) string { return incident.Line(incident.MaskText(text), mostText) }

// masked is a text from outside that becomes part of a fact.
func masked(text string) string { return incident.MaskText(text) }

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func in(environment string) string {
	if environment == "" {
		return ""
	}
	return " in " + environment
}

// joined is two texts with a colon between, or one of them.
func joined(first, second string) string {
	if first == "" || second == "" {
		return first + second
	}
	return first + ": " + second
}

// list is some facts as one text.
func list(facts []incident.Fact) string {
	var parts []string
	for i, fact := range facts {
		if i == mostFacts {
			parts = append(parts, fmt.Sprintf("and %d more", len(facts)-i))
			break
		}
		parts = append(parts, incident.Line(fact.Fact, 160)+" ["+incident.Line(fact.Source, 60)+"]")
	}
	return strings.Join(parts, "; ")
}

// clock is a time in UTC, to the second.
func clock(t time.Time) string {
	if t.IsZero() {
		return "a time that is not known"
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

// span is a duration as people say it: 42s, 3m10s, 2h5m, 3d4h.
func span(d time.Duration) string {
	sign := ""
	if d < 0 {
		sign, d = "-", -d
	}
	if d < 0 || d > 1000*24*time.Hour { // what lies further apart than any incident is a time that nobody set
		return "a time that is not known"
	}
	d = d.Round(time.Second)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%s%ds", sign, d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%s%dm%ds", sign, d/time.Minute, d%time.Minute/time.Second)
	case d < 24*time.Hour:
		return fmt.Sprintf("%s%dh%dm", sign, d/time.Hour, d%time.Hour/time.Minute)
	default:
		return fmt.Sprintf("%s%dd%dh", sign, d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
	}
}
