// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"testing"
	"time"

	"cloudfront503/pkg/incident"
)

func TestJudgeWatched(t *testing.T) {
	begun := time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
	watch := &incident.Watch{Since: begun, Until: begun.Add(24 * time.Hour), Looked: begun}
	saw := func(s incident.RecoveryState) *incident.Recovery { return &incident.Recovery{State: s} }
	for _, tt := range []struct {
		name string
		view view
		at   time.Duration
		want due
	}{
		{"nothing between two looks", view{watch: watch}, 30 * time.Minute, nothing},
		{"a look that finds all well", view{watch: watch, again: saw(incident.Recovered)}, time.Hour, noteWatch},
		{"a look with too few requests", view{watch: watch, again: saw(incident.NotYet)}, time.Hour, noteWatch},
		{"a look that finds failures", view{watch: watch, again: saw(incident.Worse)}, time.Hour, endRelapse},
		{"an alarm, whatever the rate says", view{watch: watch, ringing: true, again: saw(incident.NotYet)}, time.Hour, endRelapse},
		{"the end of the watch", view{watch: watch}, 24 * time.Hour, endWatched},
		{"a relapse in its last hour", view{watch: watch, again: saw(incident.Worse)}, 24 * time.Hour, endRelapse},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.view.written = &incident.Written{}
			if got := judge(tt.view, begun.Add(tt.at)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestAWatchedIncidentSleepsOnlyBetweenItsLooks(t *testing.T) {
	opened := time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
	looked := opened.Add(5 * time.Hour)
	p := incident.Pointer{State: incident.Watching, OpenedAt: opened, Watch: &incident.Watch{Since: opened.Add(time.Hour), Until: opened.Add(48 * time.Hour), Looked: looked}}
	rings := p
	rings.Alarms = map[string]incident.Heard{"a": {State: "ALARM", At: looked}}
	before := p
	before.Alarms = map[string]incident.Heard{"a": {State: "ALARM", At: opened}}
	open := p
	open.State = incident.Open
	for _, tt := range []struct {
		name  string
		p     incident.Pointer
		kind  incident.Kind
		after time.Duration
		want  bool
	}{
		{"between two looks", p, incident.KindSweep, 10 * time.Minute, true},
		{"not at the hour", p, incident.KindSweep, time.Hour, false},
		{"not when an alarm has gone off since", rings, incident.KindSweep, 10 * time.Minute, false},
		{"through an alarm of before the recovery", before, incident.KindSweep, 10 * time.Minute, true},
		{"not when a runbook speaks", p, incident.KindExecution, 10 * time.Minute, false},
		{"not when it is open", open, incident.KindSweep, 10 * time.Minute, false},
		{"not at its end", p, incident.KindSweep, 43 * time.Hour, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := asleep(tt.p, tt.kind, looked.Add(tt.after)); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}
