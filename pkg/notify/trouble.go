// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package notify

import (
	"fmt"
	"time"

	"cloudfront503/pkg/denied"
	"cloudfront503/pkg/incident"
)

// Refused says that a reply does not count.
type Refused struct {
	About
	Owner string // whose reply topic or phone it came through; empty for nobody's
	Topic string // the topic's ARN
	From  string // the number from which a text message came, masked; empty for other replies
	Why   string // one sentence
	At    time.Time
	ID    string // the SNS message's id
	More  int    // how many others were refused since the last message about this topic
}

// RenderRefused tells the owner of a topic or a phone that a reply through it does not count. SNS does not say who
// published it, and a number can be forged.
func RenderRefused(r Refused) Message {
	through := ownership(r.Owner)
	if r.From != "" {
		through = phone(r.Owner, r.From)
	}
	var p page
	p.say("A reply through %s does not count: %s", through, r.Why)
	p.say("")
	p.say("Topic: %s", or(r.Topic, "not known"))
	p.say("Message: %s at %s", r.ID, clock(r.At))
	if r.More > 0 {
		p.say("Others: %d more were refused since the last message about this topic.", r.More)
	}
	if r.From != "" {
		p.say("Whoever sent it has the number or forges it. If that was not its owner, the tickets in the other message are the safer way.")
	} else {
		p.say("Whoever published it may publish to the topic. If that was not its owner, look into the topic's policy and CloudTrail.")
	}
	p.say("The next message about this topic comes in an hour at the earliest; until then refused replies are counted.")
	p.footer(r.About)
	short := fmt.Sprintf("cf503 %s: a reply through %s does not count: %s (%d more)", line(r.Environment, 12), line(through, 100), line(r.Why, 400), r.More)
	return message(KindRefused, r.subject("a reply was refused%s", prefixed(": ", r.Incident.Distribution)), &p, short)
}

func ownership(owner string) string {
	if owner == "" {
		return "a topic that belongs to no approver"
	}
	return "the reply topic of " + owner
}

// phone is a number that is only shown in part.
func phone(owner, number string) string {
	if owner == "" {
		return "the number " + number + ", which belongs to no approver,"
	}
	return fmt.Sprintf("the phone of %s (%s)", owner, number)
}

// CodesVoid says that no text message from a number counts any more for an incident.
type CodesVoid struct {
	About
	Owner string // whose phone it is
	From  string // its number, masked
	Wrong int    // how many wrong codes came from it
}

// RenderCodesVoid tells the owner of a phone, and on-call.
func RenderCodesVoid(c CodesVoid) Message {
	var p page
	p.say("%d wrong codes came from %s. The codes that were sent there for incident %s are void: no text from it decides anything about it.",
		c.Wrong, phone(c.Owner, c.From), c.Incident)
	p.say("")
	p.say("The tickets in the other message to %s still hold: to answer, paste one of its lines.", c.Owner)
	p.say("If it was not %s, somebody has the phone or forges its number: have its texts no longer taken (the stack's parameters), and look after the phone.", c.Owner)
	p.footer(c.About)
	short := fmt.Sprintf("cf503 %s: %d wrong codes came from %s; its codes for %s are void. Answer by a line of the other message.",
		line(c.Environment, 12), c.Wrong, line(phone(c.Owner, c.From), 120), line(c.Incident.String(), 60))
	return message(KindCodesVoid, c.subject("%s: codes of %s are void", c.distribution(), c.Owner), &p, short)
}

// SecondLook says that the verdict has changed.
type SecondLook struct {
	About
	Before    incident.Verdict
	After     incident.Diagnosis
	Why       string   // what came to light
	Withdrawn bool     // the plan rested on the earlier verdict, and is withdrawn
	Then      string   // what follows, one sentence; may be empty
	Next      []string // commands with which people have it done
}

// RenderSecondLook tells people what later evidence says.
func RenderSecondLook(s SecondLook) Message {
	var p page
	p.say("Later evidence about distribution %s says something else: %s", s.name(), or(s.Why, "see below"))
	p.say("")
	p.say("Before: %s, %s.", s.Before.Cause, sure(s.Before))
	p.cause(s.After)
	if s.Withdrawn {
		p.say("The plan rested on the earlier verdict and is withdrawn. No approval of it counts any more.")
	}
	if s.Then != "" {
		p.say("%s", s.Then)
	}
	p.commands("to have a plan made", s.Next)
	p.commands("what would settle it", s.After.Settle)
	p.evidence(s.After)
	p.footer(s.About)
	short := fmt.Sprintf("cf503 %s: %s is %s now, not %s. %s%s", line(s.Environment, 12), line(s.distribution(), 32), line(string(s.After.Verdict.Cause), 40),
		line(string(s.Before.Cause), 40), line(s.Why, 300), map[bool]string{true: " The plan is withdrawn."}[s.Withdrawn])
	return message(KindSecondLook, s.subject("%s: %s now, not %s", s.distribution(), s.After.Verdict.Cause, s.Before.Cause), &p, short)
}

// CannotWork says that the responder itself is in trouble.
type CannotWork struct {
	About
	What string // what could not be done, as "save the configuration"
	Err  error
	Then string // what that means, as "no runbook was started"
	Next []string
}

// RenderCannotWork tells people that they are on their own, and with what. It is sent where the ledger, the snapshot or
// the key of the tickets fails.
func RenderCannotWork(c CannotWork) Message {
	reason := "not known"
	if c.Err != nil {
		reason = c.Err.Error()
	}
	var p page
	p.say("cloudfront503 could not %s for distribution %s.", or(c.What, "do its work"), or(c.name(), "not known"))
	p.say("")
	p.say("Error: %s", reason)
	if why := denied.Of(c.Err); why.Action != "" || why.Policy != denied.Unknown {
		p.say("That is: %s.", why)
	}
	p.say("So: %s", or(c.Then, "nothing is touched, and nobody else is told."))
	p.commands("what you can do", c.Next)
	p.footer(c.About)
	short := fmt.Sprintf("cf503 %s could not %s for %s: %s %s", line(c.Environment, 12), line(c.What, 100), line(c.distribution(), 32), line(reason, 300), line(c.Then, 300))
	return message(KindCannotWork, c.subject("CANNOT WORK: %s: could not %s", or(c.distribution(), "distribution not known"), or(c.What, "do its work")), &p, short)
}
