// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"slices"
	"time"

	"cloudfront503/pkg/approval"
	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/runbook"
)

// view is what is known of an incident when it is looked at.
type view struct {
	openedAt   time.Time
	unwanted   bool // it was opened for a wish that was refused, and nothing is known to fail
	quiet      bool // every alarm that was heard in this episode is OK
	plan       *incident.Plan
	approval   approval.Record
	tally      approval.Tally
	written    *incident.Written
	writtenAt  time.Time
	begun      bool      // the execution has ended in the middle of its write, as far as is recorded
	deployedAt time.Time // zero: not known to be on all edges
	void       string    // why nothing was written and nothing will be
	withdrawn  bool      // it is void because it was withdrawn, which people were told with the reason
	successor  bool      // a later look has found what another incident should plan for
	noted      string    // how the runbook says it ended, see pkg/runbook
	over       bool      // the execution has ended, or SSM knows none any more
	broken     string    // its step that has failed, and which policy denied what; empty where none has
	escalated  int       // how often
	askedAt    time.Time // when people were asked
	unasked    []string  // whom no message has reached
	askedAgain int       // how often respond was to ask them once more
	back       back
	quota      *incident.QuotaDecision // what AWS has decided about the request; nil: nothing yet
	recovery   *incident.Recovery      // after the change; nil where it cannot be compared yet
	watch      *incident.Watch         // nil where it has not recovered
	ringing    bool                    // an alarm has gone off in the watch
	again      *incident.Recovery      // what a look of the watch says; nil where none is due
	standing   incident.RecoveryState  // what the last one has said
	relapses   int
	relapsedAt time.Time // zero: never
}

// due is the one thing that is to be done next.
type due string

// What may be due.
const (
	nothing      due = ""
	closeQuiet   due = "close-quiet" // people were told, and the alarm is OK again
	endRefused   due = "refused"     // what a person asked for was refused, and no alarm tells of a failure
	handOver     due = "hand-over"   // to a new incident, which plans anew
	escalate     due = "escalate"
	endSilent    due = "silent"
	endRejected  due = "rejected"
	endVoid      due = "void"
	endFailed    due = "failed"
	tellWritten  due = "written"
	tellNotYet   due = "not-yet"
	offerWayBack due = "worse"
	endRecovered due = "recovered"  // and the watch begins
	endDenied    due = "denied"     // AWS has not granted the quota
	endWatch     due = "watch-over" // not recovered, and nobody waits for it any longer
	noteWatch    due = "watch"
	endRelapse   due = "relapsed" // of the watch
	endWatched   due = "watched"
)

const (
	grace     = 5 * time.Minute  // after the gate's time, for an answer that is on its way
	notYet    = 20 * time.Minute // after the change, until people hear that it has not helped
	watchTime = 24 * time.Hour   // after which an incident is closed however it stands
)

// judge says what is due, from our own record: how SSM marks a rejection is not documented, and a failure that the
// runbook caught ends as Success.
func judge(v view, now time.Time) due {
	switch back := judgeBack(v, now); {
	case back != nothing:
		return back
	case v.watch != nil:
		return judgeWatched(v, now)
	case v.seesMore():
		return judgeSwitched(v, now)
	case quotaRefused(v):
		return endDenied
	case v.written != nil:
		return judgeWritten(v, now)
	case v.tally.Rejected && (rejectedInChat(v) || v.approval.Denied || v.over || v.noted != "" || v.void != ""):
		return endRejected
	case v.successor:
		return handOver
	case v.void != "":
		return endVoid
	case v.approval.Request != nil:
		return judgeAsked(v, now)
	case v.unwanted:
		return endRefused
	case v.quiet || now.Sub(v.openedAt) > watchTime:
		return closeQuiet
	}
	return nothing
}

// escalations is how often silence is escalated while a gate waits: before each further circle is asked, at least once.
func escalations(v view) int { return max(1, len(v.approval.Request.Circles)-1) }

// patience is the time before a gate's end at which silence is escalated next: the circles share its time.
func patience(v view) time.Duration {
	rounds := time.Duration(escalations(v))
	return runbook.GateTimeout * (rounds - time.Duration(v.escalated)) / (rounds + 1)
}

// rejectedInChat reports a reject of which the gate knows nothing.
func rejectedInChat(v view) bool {
	return slices.ContainsFunc(v.approval.Decisions, func(d incident.Decision) bool {
		return d.Channel == incident.ChannelChat && d.Verb == incident.Reject
	})
}

// judgeAsked is for an incident whose gate was opened.
func judgeAsked(v view, now time.Time) due {
	expires := v.approval.Request.Expires
	switch {
	case v.tally.Approved && (v.over || v.noted != ""):
		return endFailed
	case v.tally.Approved:
		return nothing // the runbook is on its way to the write
	case v.approval.Denied && (v.over || v.noted != "" || now.After(expires.Add(grace))):
		return endFailed
	case now.After(expires.Add(grace)) || (now.After(expires) && (v.over || v.noted != "")):
		return endSilent
	case v.over || v.noted != "":
		return endFailed
	case v.escalated < escalations(v) && !v.tally.Rejected && now.After(expires.Add(-patience(v))):
		return escalate
	case v.mayAskAgain(now) && !v.tally.Rejected:
		return askAgain
	}
	return nothing
}

// judgeWritten is for an incident whose change was made.
func judgeWritten(v view, now time.Time) due {
	since, written := later(v.deployedAt, v.relapsedAt), later(v.writtenAt, v.relapsedAt)
	if since.IsZero() {
		since = v.writtenAt
	}
	switch {
	case v.recovery == nil && now.Sub(written) < watchTime:
		return tellWritten
	case v.recovery != nil && v.recovery.State == incident.Recovered:
		return endRecovered
	case now.Sub(written) >= watchTime:
		return endWatch
	case v.recovery.State == incident.Worse:
		return offerWayBack
	case now.Sub(since) > notYet:
		return tellNotYet
	}
	return tellWritten
}

// judgeWatched is for an incident that has recovered.
func judgeWatched(v view, now time.Time) due {
	switch {
	case v.again != nil && (v.ringing || v.again.State == incident.Worse):
		return endRelapse
	case !now.Before(v.watch.Until):
		return endWatched
	case v.again != nil:
		return noteWatch
	}
	return nothing
}
