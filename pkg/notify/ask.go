// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package notify

import (
	"fmt"
	"strings"

	"cloudfront503/pkg/incident"
)

// Ask is what one approver is asked.
type Ask struct {
	About
	Diagnosis incident.Diagnosis
	Plan      incident.Plan
	Request   incident.ApprovalRequest
	Snapshot  incident.Snapshot
	Approver  incident.Approver
	Approve   string // the ticket to approve
	Reject    string // the ticket to reject
	Undo      string // the ticket to take the change back; empty where there is no way back
	Code      string // answers by text message: to approve; empty where no texts are taken
	CodeNo    string // to reject
}

// RenderAsk asks one approver: what, why and how sure, what changes, whom it affects, how it is undone, until when, and
// the two lines to paste. The lines come before everything that could be long.
func RenderAsk(a Ask) Message {
	var p page
	p.say("%s, may cloudfront503 make the change below to distribution %s?", a.Approver.Name, a.name())
	p.say("")
	p.asked(a)
	p.heading("to answer, paste one line")
	p.verbatim(command(a.Approver.Topic, "approve "+a.Approve))
	p.verbatim(command(a.Approver.Topic, "reject "+a.Reject+" REASON"))
	p.say("")
	if a.Code != "" {
		p.say("Or answer the text message on your phone with one of the codes that it holds.")
	}
	p.say("The tickets are yours: from another person's topic they do nothing. They hold for exactly this change, and are void once the live configuration moves.")
	p.fields(a)
	p.evidence(a.Diagnosis)
	p.snapshot("saved before anything", a.Snapshot)
	p.undo(a)
	p.footer(a.About)
	return message(KindAsk, a.subject("approve? %s: %s, until %s", a.distribution(), a.reason(), a.Request.Expires.UTC().Format("15:04 UTC")), &p, a.short())
}

// reason is what the plan rests on: the cause, or that a person asks for it.
func (a Ask) reason() string {
	if a.Plan.ByWish() {
		return wished
	}
	return string(a.Plan.Cause)
}

// Question is what a person reads who is asked at a terminal: what RenderAsk says, without tickets and evidence.
func Question(a Ask) string {
	var p page
	p.say("Incident %s, distribution %s", a.Incident, a.name())
	p.say("")
	p.asked(a)
	p.fields(a)
	return cut(p.String(), mostBody)
}

// asked says what is to be decided.
func (p *page) asked(a Ask) {
	p.cause(a.Diagnosis)
	p.say("Change: %s", summary(a.Plan))
	p.each("Takes off", a.Plan.Exposes)
	p.say("Affects: %s", or(a.Plan.Affects, "not known"))
	p.each("Affects as well", a.Plan.Shared)
	p.each("Mind", a.Plan.Limits)
	p.each("Takes effect", some(a.Plan.Reaches))
	p.say("Undone by: %s", or(a.Plan.WayBack, "not known"))
	p.each("Touches", some(a.Plan.Scope))
	p.say("Needs: %d of %d approvers (%s). One reject stops it. Silence is a no.", a.Request.Required, len(a.Request.Approvers), strings.Join(a.Request.Approvers, ", "))
	p.say("Until: %s", clock(a.Request.Expires))
}

// fields lists what would change, and what the approval is bound to.
func (p *page) fields(a Ask) {
	p.heading("the change, field by field")
	p.difference(a.Plan)
	p.say("  bound to ETag %s, hash %s", a.Request.ETag, id(a.Request.Hash))
}

// undo is the last line to paste, for later.
func (p *page) undo(a Ask) {
	if a.Undo == "" {
		return
	}
	p.heading("keep this message")
	p.say("To undo it within two hours of the change:")
	p.verbatim(command(a.Approver.Topic, "undo "+a.Undo))
}

// short is the SMS: enough to decide whether to get up, and how to answer.
func (a Ask) short() string {
	return fmt.Sprintf("cf503 %s asks %s: %s of %s, because %s (%s). %s%sUntil %s. %s",
		line(a.Environment, 12), line(a.Approver.Name, 64), line(summary(a.Plan), 200), line(a.distribution(), 32), line(a.reason(), 40),
		sure(a.Diagnosis.Verdict), prefixed("MIND: ", spaced(line(strings.Join(a.Plan.Exposes, " "), 200))), inShort[a.Plan.TakenBack], clock(a.Request.Expires), a.answers())
}

// inShort says when the change is taken back without asking again.
var inShort = map[incident.TakenBack]string{
	incident.TakenBackWorse:        "Taken back unasked if more fails then. ",
	incident.TakenBackNotRecovered: "Taken back unasked if it does not help. ",
}

// answers are how an SMS is answered: by a code where texts are taken, else by a line to paste.
func (a Ask) answers() string {
	if a.Code != "" {
		return fmt.Sprintf("Reply %s to approve, or %s to reject.", a.Code, a.CodeNo)
	}
	return fmt.Sprintf("Paste:\n%s\nor\n%s", command(a.Approver.Topic, "approve "+a.Approve), command(a.Approver.Topic, "reject "+a.Reject+" REASON"))
}

// command is the line that publishes a reply. A shell gives what stands in single quotes on as it is; what is put there
// holds none.
func command(topic, text string) string {
	return fmt.Sprintf("aws sns publish --topic-arn %s --region %s --message '%s'", word(topic), region(topic), bare(text))
}

// bare keeps what stands in ARNs, tickets and replies; nothing in it can end a quote or begin a command.
func bare(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune(":._-+=,@/ ", r):
			return r
		default:
			return -1
		}
	}, text[:min(len(text), 400)])
}

// word is bare without spaces.
func word(text string) string { return strings.ReplaceAll(bare(text), " ", "") }

// region is the fourth part of an ARN; the stack is in us-east-1, where CloudFront's metrics are.
func region(arn string) string {
	if parts := strings.Split(arn, ":"); len(parts) > 4 && parts[3] != "" {
		return word(parts[3])
	}
	return "us-east-1"
}

// summary says in a few words what a plan would do.
func summary(plan incident.Plan) string {
	switch {
	case plan.Does != "":
		return plan.Does
	case plan.Quota != nil:
		return fmt.Sprintf("ask AWS for %s in %s: %g instead of %g", plan.Quota.Name, plan.Quota.Region, plan.Quota.Desired, plan.Quota.Current)
	case len(plan.Difference) == 1:
		return "put 1 field back to its known good value: " + plan.Difference[0].Path
	case len(plan.Difference) > 1:
		return fmt.Sprintf("put %d fields back to their known good values", len(plan.Difference))
	default:
		return "nothing"
	}
}

// some is a list of the text, empty where there is none.
func some(text string) []string {
	if text == "" {
		return nil
	}
	return []string{text}
}

// spaced is a text with a space behind it, or nothing where there is no text.
func spaced(text string) string {
	if text == "" {
		return ""
	}
	return text + " "
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
