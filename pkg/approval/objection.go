// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package approval

import (
	"fmt"
	"slices"
	"time"

	"cloudfront503/pkg/incident"
)

// Outsider is why a person cannot have a ticket for what was asked, as one sentence that tells more than that theirs is not
// genuine; empty where they can. Something must have been asked.
func (r Record) Outsider(person incident.Approver) string {
	request := r.Request
	switch {
	case len(Others([]incident.Approver{person}, request.AskedBy)) == 0:
		return person.Name + " has asked for it, and nobody approves what they asked for"
	case !slices.Contains(request.Approvers, person.Name):
		return fmt.Sprintf("%s was not asked about incident %s", person.Name, request.Incident)
	case r.Waits(person.Name):
		return person.Name + " is asked when those before stay silent, and has no ticket yet"
	}
	return ""
}

// Objection is why an answer to what was asked cannot count any more, as one sentence; empty where it can. Something must
// have been asked. The approvers are the stack's as they are now.
func (r Record) Objection(verb incident.Verb, approvers []incident.Approver, now time.Time) string {
	if verb == incident.Undo {
		return r.objectionBack(now)
	}
	request, tally := r.Request, r.Tally(approvers, now)
	switch {
	case r.Closed:
		return fmt.Sprintf("incident %s is closed", request.Incident)
	case r.Written:
		return "the change is written already; \"undo\" and the ticket to undo it, in the same message, take it back"
	case !now.Before(request.Expires):
		return "the ticket expired at " + request.Expires.UTC().Format(time.RFC3339)
	case r.Withdrawn != "":
		return "the request is withdrawn: " + incident.Line(r.Withdrawn, 200)
	case tally.Rejected && verb == incident.Approve:
		return fmt.Sprintf("incident %s is %s already", request.Incident, tally.Why)
	}
	return ""
}

// objectionBack is why the way back is not open. An incident that is closed is no obstacle: it was closed because of the
// change.
func (r Record) objectionBack(now time.Time) string {
	until := r.WrittenAt.Add(incident.UndoFor)
	switch {
	case !r.Written:
		return fmt.Sprintf("nothing is written for incident %s, so there is nothing to undo; a reject stops what is not written yet", r.Request.Incident)
	case r.Undone:
		return fmt.Sprintf("the change of incident %s is undone already", r.Request.Incident)
	case r.NotUndone != "":
		return "the way back was tried: " + incident.Line(r.NotUndone, 200)
	case !now.Before(until):
		return fmt.Sprintf("the way back was open until %s, two hours after the change", until.UTC().Format(time.RFC3339))
	}
	if i := slices.IndexFunc(r.Decisions, wantsBack); i >= 0 {
		return fmt.Sprintf("%s has asked for the way back already, at %s", r.Decisions[i].Approver, r.Decisions[i].At.UTC().Format(time.RFC3339))
	}
	if r.Undoing.ID != "" {
		return "the change is being taken back already, as the approved plan says"
	}
	return ""
}

// staysAsItIs is why a change is not taken back without a reply, as one sentence; empty where it is.
func (r Record) staysAsItIs(now time.Time) string {
	switch {
	case r.Request == nil:
		return "nothing was asked"
	case r.Failing == nil || !r.TakenBack.Covers(r.Failing.Recovery):
		return "the plan does not say that it is taken back as it stands"
	case r.Undone || r.NotUndone != "" || slices.ContainsFunc(r.Decisions, wantsBack):
		return "it is taken back already, or was to be"
	case !r.Written || !now.Before(r.WrittenAt.Add(incident.UndoFor)):
		return "the way back is not open"
	}
	return ""
}

func wantsBack(d incident.Decision) bool { return d.Verb == incident.Undo && d.Refusal == "" }
