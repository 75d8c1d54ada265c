// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package notify

import (
	"fmt"
	"strings"
	"time"

	"cloudfront503/pkg/incident"
)

// Tell says why nothing is touched.
type Tell struct {
	About
	Diagnosis incident.Diagnosis
	Plan      incident.Plan
	Snapshot  incident.Snapshot
}

// RenderTell tells people that nothing will be touched, why, what the evidence is, and what they can do next.
func RenderTell(t Tell) Message {
	var p page
	p.say("Distribution %s answers with errors. cloudfront503 touches nothing: %s", t.name(), or(t.Plan.TellOnly, "no remedy is known"))
	p.say("")
	p.cause(t.Diagnosis)
	p.commands("what you can do", t.Plan.Advice)
	p.commands("what would settle it", t.Diagnosis.Settle)
	p.evidence(t.Diagnosis)
	p.snapshot("the configuration as it is now", t.Snapshot)
	p.footer(t.About)
	short := fmt.Sprintf("cf503 %s: %s fails, %s (%s). Nothing is touched: %s Incident %s.", line(t.Environment, 12), line(t.distribution(), 32),
		t.Diagnosis.Verdict.Cause.Sentence(), sure(t.Diagnosis.Verdict), line(or(t.Plan.TellOnly, "no remedy is known."), 400), line(t.Incident.String(), 44))
	return message(KindTell, t.subject("%s: %s, nothing is touched", t.distribution(), t.Diagnosis.Verdict.Cause), &p, short)
}

// The results of an incident, or of a change, beyond those of incident.Outcome.
const (
	ResultWritten   = "written"
	ResultRecovered = string(incident.Recovered)
	ResultNotYet    = string(incident.NotYet)
	ResultWorse     = string(incident.Worse)
	ResultRelapsed  = "relapsed" // it had recovered, and fails again

	ResultTakingBack = "taking-back" // as the approved plan says

	ResultSwitchedOn = "switched-on" // what shows more, and changes nothing
	ResultGranted    = "granted"     // a quota
	ResultDenied     = "denied"      // a quota, or not known to be granted

	ResultMaybeBack = "maybe-undone" // the change was to be taken back, and whether it was is not known
)

// Outcome says what became of a plan.
type Outcome struct {
	About
	Plan     incident.Plan
	Outcome  incident.Outcome   // Result is one of incident.Outcome's, or one of ours above
	Written  *incident.Written  // nil where nothing was written
	Recovery *incident.Recovery // nil where there was nothing to compare
	Approved string             // one sentence on who approved or rejected; may be empty
	WayBack  []string           // commands that take the change back, where that is offered
	Until    time.Time          // until when the way back holds
	Next     []string           // commands with which people have it looked into anew; may be empty
	Report   string             // the key of the report; may be empty
}

// result words one result.
type result struct {
	subject string // after the distribution
	first   string // the first sentence
	without string // what is said where the record knows of no write
}

// results are all that a plan can come to.
var results = map[string]result{
	ResultWritten:    {"changed as approved", "The change is written, as it was approved. The edges get it one by one.", "the record does not say; look at the distribution"},
	"changed":        {"changed as approved", "The change is made, as it was approved.", "the record does not say; look at the distribution"},
	"requested":      {"quota increase requested", "The quota increase is requested. AWS decides it.", "the record does not say; look at Service Quotas"},
	ResultGranted:    {"quota increase granted", "AWS has granted the quota increase.", "the record does not say; look at Service Quotas"},
	ResultDenied:     {"quota increase NOT granted", "AWS has not granted the quota increase.", "the record does not say; look at Service Quotas"},
	ResultSwitchedOn: {"more evidence is switched on", "What was missing is switched on, as it was approved. It mends nothing, and costs money until it is taken back.", "the record does not say; look at the distribution's metrics and logs"},
	"told":           {"nothing was touched", "Nothing was touched.", "nothing"},
	"rejected":       {"rejected, nothing changed", "The change was rejected. Nothing was written.", "nothing"},
	"silent":         {"no answer, nothing changed", "Not enough approvers answered in time. Silence is a no: nothing was written.", "nothing"},
	"void":           {"void, nothing changed", "The plan is void, and with it every approval: nothing of ours was written.", "nothing"},
	"failed":         {"FAILED, look at it", "The runbook failed. Whether anything was written stands below.", "nothing that the record knows of; look at the distribution"},
	ResultRecovered:  {"recovered", "The distribution has recovered.", "nothing"},
	ResultNotYet:     {"not recovered yet", "The change is made, and the distribution has not recovered yet.", "the record does not say; look at the distribution"},
	"undone":         {"undone", "The change is taken back: what it changed holds again what it held before.", "the record does not say; look at the distribution"},
	"not-undone":     {"NOT undone, look at it", "The change was to be taken back, and was not. It stands as it was made.", "the record does not say; look at the distribution"},
	ResultMaybeBack:  {"NOT KNOWN whether undone, look at it", "The change was to be taken back, and whether it was is not recorded.", "the record does not say; look at the distribution"},
	ResultRelapsed:   {"FAILS AGAIN", "It had recovered, and fails again.", "the record does not say; look at the distribution"},
	ResultTakingBack: {"is being taken back", "The change is made and has not helped. It is taken back now, as the approved plan says, and nobody is asked again.", "the record does not say; look at the distribution"},
	ResultWorse:      {"WORSE after the change", "The change is made, and the errors are worse than before.", "the record does not say; look at the distribution"},
}

// RenderOutcome tells what became of a plan.
func RenderOutcome(o Outcome) Message {
	worded, known := results[o.Outcome.Result]
	if !known {
		worded = result{subject: line(o.Outcome.Result, 40), first: "This is how it ended: " + line(o.Outcome.Result, 40) + ".", without: "nothing that the record knows of"}
	}
	var p page
	p.say("Distribution %s: %s", o.name(), worded.first)
	p.say("")
	p.say("Plan: %s, because %s.", summary(o.Plan), because(o.Plan))
	if o.Outcome.Why != "" {
		p.say("Why: %s", o.Outcome.Why)
	}
	if o.Approved != "" {
		p.say("Approval: %s", o.Approved)
	}
	p.written(o, worded.without)
	p.recovery(o.Recovery)
	p.wayBack(o)
	p.commands("to have it looked into and planned anew", o.Next)
	if o.Report != "" {
		p.say("Report: %s", o.Report)
	}
	p.footer(o.About)
	short := fmt.Sprintf("cf503 %s: %s: %s %s Incident %s.", line(o.Environment, 12), line(o.distribution(), 32), worded.first, line(o.Outcome.Why, 400), line(o.Incident.String(), 44))
	return message(KindOutcome, o.subject("%s: %s", o.distribution(), worded.subject), &p, short)
}

// written says what was written, or that nothing was. It never guesses.
func (p *page) written(o Outcome, without string) {
	switch w := o.Written; {
	case w != nil && w.Action == "quota":
		p.say("Requested: %s, request %s at %s%s.", summary(o.Plan), or(w.RequestID, "without an id"), clock(w.At), found(w))
	case w != nil && w.Action == incident.ActionEvidence:
		p.say("Switched on: %s at %s%s.", line(strings.Join(w.Created, ", "), 400), clock(w.At), found(w))
	case w != nil:
		p.say("Written: %s at %s, ETag %s -> %s%s.", w.Action, clock(w.At), or(w.FromETag, "not known"), or(w.ToETag, "not known"), found(w))
	default:
		p.say("Written: %s.", without)
	}
}

func found(w *incident.Written) string {
	if w.Found {
		return ", found there already"
	}
	return ""
}

func (p *page) recovery(r *incident.Recovery) {
	if r != nil {
		p.say("Errors: %.2f %% before, %.2f %% after, over %.0f requests. %s", r.Before, r.After, r.Requests, r.Why)
	}
}

// wayBack offers to undo, where there is something to undo and something to paste.
func (p *page) wayBack(o Outcome) {
	if o.Written == nil || o.Outcome.Result == "undone" {
		return
	}
	p.say("Undone by: %s", or(o.Plan.WayBack, "not known"))
	if !o.Until.IsZero() {
		p.say("The approval covers the way back until %s, while the fields still hold our values.", clock(o.Until))
	}
	p.commands("the way back", o.WayBack)
}

// Escalation says that nobody has decided.
type Escalation struct {
	About
	Plan    incident.Plan
	Request incident.ApprovalRequest
	Silent  []string // who has not answered
	Said    string   // how the approval stands, one sentence
	At      time.Time
}

// RenderEscalation tells the on-call topic that a gate waits, or has stopped waiting, without a decision.
func RenderEscalation(e Escalation) Message {
	over := !e.At.Before(e.Request.Expires)
	state, until := "waits", "It waits until "+clock(e.Request.Expires)+", and then the answer is no."
	if over {
		state, until = "has waited in vain", "It waited until "+clock(e.Request.Expires)+", so the answer is no. Nothing is written."
	}
	var p page
	p.say("A change to distribution %s "+state+" for approval: %s", e.name(), or(e.Said, "nobody has answered"))
	p.say("")
	p.say("Plan: %s, because of %s.", summary(e.Plan), e.Plan.Cause)
	p.say("Silent: %s", or(strings.Join(e.Silent, ", "), "not known"))
	p.say("%s", until)
	p.say("Tickets went to the approvers; only they can answer. Wake one, or act by hand.")
	p.heading("the change, field by field")
	p.difference(e.Plan)
	p.footer(e.About)
	short := fmt.Sprintf("cf503 %s: nobody has decided on %s of %s. %s Incident %s.", line(e.Environment, 12), line(summary(e.Plan), 200), line(e.distribution(), 32), until, line(e.Incident.String(), 44))
	return message(KindEscalation, e.subject("%s: approval %s", e.distribution(), state), &p, short)
}
