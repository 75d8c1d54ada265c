// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"testing"
	"time"

	"cloudfront503/pkg/approval"
	"cloudfront503/pkg/incident"
)

func TestJudge(t *testing.T) {
	opened := time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
	expires := opened.Add(time.Hour)
	asked := approval.Record{Request: &incident.ApprovalRequest{Expires: expires}}
	written := &incident.Written{Action: "apply"}
	state := func(s incident.RecoveryState) *incident.Recovery { return &incident.Recovery{State: s} }
	for _, tt := range []struct {
		name string
		view view
		at   time.Time
		want due
	}{
		{"nothing is due while people were only told and the alarm stays", view{openedAt: opened}, opened.Add(time.Hour), nothing},
		{"an incident in which nothing was done is closed once the alarm is OK", view{openedAt: opened, quiet: true}, opened.Add(time.Hour), closeQuiet},
		{"an incident of a refused wish is closed at once where nothing fails", view{openedAt: opened, unwanted: true}, opened.Add(time.Minute), endRefused},
		{"an incident that nobody ends is closed after a day", view{openedAt: opened}, opened.Add(25 * time.Hour), closeQuiet},
		{"a gate is left alone in its first half hour", view{openedAt: opened, approval: asked}, opened.Add(20 * time.Minute), nothing},
		{"a gate without an answer is escalated after half its time", view{openedAt: opened, approval: asked}, opened.Add(31 * time.Minute), escalate},
		{"and escalated once", view{openedAt: opened, approval: asked, escalated: 1}, opened.Add(40 * time.Minute), nothing},
		{"silence is a no once the gate has closed", view{openedAt: opened, approval: asked, noted: "not-approved"}, expires.Add(time.Second), endSilent},
		{"silence is a no also where SSM says nothing", view{openedAt: opened, approval: asked}, expires.Add(grace + time.Second), endSilent},
		{"an OK alarm does not end a gate that waits", view{openedAt: opened, approval: asked, quiet: true}, opened.Add(10 * time.Minute), nothing},
		{"a reject counts once the gate is closed", view{openedAt: opened, approval: asked, tally: approval.Tally{Rejected: true}, over: true}, opened.Add(5 * time.Minute), endRejected},
		{"a reject that stopped the write ends as rejected, not as void", view{openedAt: opened, approval: asked, tally: approval.Tally{Rejected: true}, void: "refused: bob rejected it"}, opened.Add(5 * time.Minute), endRejected},
		{"a reject is not told as an end before the runbook has stopped", view{openedAt: opened, approval: asked, tally: approval.Tally{Rejected: true}}, opened.Add(5 * time.Minute), nothing},
		{"a reject is no silence", view{openedAt: opened, approval: asked, tally: approval.Tally{Rejected: true}}, opened.Add(40 * time.Minute), nothing},
		{"an approved runbook that ended without a write has failed", view{openedAt: opened, approval: asked, tally: approval.Tally{Approved: true}, over: true}, opened.Add(10 * time.Minute), endFailed},
		{"an approved runbook on its way is left alone", view{openedAt: opened, approval: asked, tally: approval.Tally{Approved: true}}, opened.Add(50 * time.Minute), nothing},
		{"a runbook that was cancelled before anybody answered has failed", view{openedAt: opened, approval: asked, over: true}, opened.Add(10 * time.Minute), endFailed},
		{"a reject that AWS takes no signature for ends it at once", view{openedAt: opened, approval: approval.Record{Request: asked.Request, Denied: true}, tally: approval.Tally{Rejected: true}}, opened.Add(5 * time.Minute), endRejected},
		{"an approval that AWS takes no signature for may still be signed", view{openedAt: opened, approval: approval.Record{Request: asked.Request, Denied: true}, tally: approval.Tally{Approved: true}}, opened.Add(10 * time.Minute), nothing},
		{"and has failed when the gate's time is over", view{openedAt: opened, approval: approval.Record{Request: asked.Request, Denied: true}, noted: "not-approved"}, expires.Add(time.Minute), endFailed},
		{"what is void ends as void", view{openedAt: opened, approval: asked, void: "it moved"}, opened.Add(10 * time.Minute), endVoid},
		{"a write is told at once", view{openedAt: opened, approval: asked, written: written, writtenAt: opened.Add(10 * time.Minute)}, opened.Add(11 * time.Minute), tellWritten},
		{"a reject after the write stops nothing", view{openedAt: opened, approval: asked, tally: approval.Tally{Rejected: true}, written: written, writtenAt: opened.Add(10 * time.Minute)}, opened.Add(11 * time.Minute), tellWritten},
		{"recovered ends it", view{openedAt: opened, written: written, writtenAt: opened, recovery: state(incident.Recovered)}, opened.Add(30 * time.Minute), endRecovered},
		{"worse offers the way back", view{openedAt: opened, written: written, writtenAt: opened, recovery: state(incident.Worse)}, opened.Add(30 * time.Minute), offerWayBack},
		{"not yet is said after a while", view{openedAt: opened, written: written, writtenAt: opened, recovery: state(incident.NotYet)}, opened.Add(30 * time.Minute), tellNotYet},
		{"and not before", view{openedAt: opened, written: written, writtenAt: opened, recovery: state(incident.NotYet)}, opened.Add(10 * time.Minute), tellWritten},
		{"a change is watched for a day at most", view{openedAt: opened, written: written, writtenAt: opened, recovery: state(incident.NotYet)}, opened.Add(25 * time.Hour), endWatch},
		{"also where nothing could be measured", view{openedAt: opened, written: written, writtenAt: opened}, opened.Add(25 * time.Hour), endWatch},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := judge(tt.view, tt.at); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
