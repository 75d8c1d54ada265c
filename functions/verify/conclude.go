// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"fmt"
	"strings"

	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/notify"
)

// look is a later look at the cause, and what it says.
type look struct {
	key    string // of its step: each look is recorded once
	after  incident.Diagnosis
	why    string // what came to light, one sentence; may be empty
	forbid bool   // nothing may be changed now, whatever the verdict
}

// conclude withdraws what rests on a verdict that is overturned, tells people, and records the look last: a function that
// is killed on the way looks again and does the rest.
func (w *watch) conclude(ctx context.Context, l look) error {
	overturned := overturns(w.diagnosis, l.after, w.view.quiet)
	withdraw := withdraws(w.view, overturned, l.forbid)
	if withdraw {
		if err := w.withdraw(ctx, l); err != nil {
			return err
		}
	}
	if overturned || withdraw {
		if err := w.tellOverturned(ctx, l, withdraw); err != nil {
			return err
		}
	}
	if err := w.recordLook(ctx, l, overturned); err != nil {
		return err
	}
	w.view.successor = w.wantsSuccessor()
	return nil
}

// recordLook records the diagnosis that holds after the look: one that cannot tell, and overturns nothing, does not.
func (w *watch) recordLook(ctx context.Context, l look, overturned bool) error {
	why := "a later look says " + string(l.after.Verdict.Cause)
	if l.why != "" {
		why += ": " + l.why
	}
	if overturned || l.after.Verdict.Cause == w.diagnosis.Verdict.Cause {
		w.diagnosis = l.after
	} else {
		why += "; the earlier verdict stands"
	}
	_, _, err := w.ledger.AppendOnce(ctx, w.incident, incident.StepSecondLook, l.key, why, w.diagnosis)
	return err
}

// overturns reports whether a later verdict says something else. That a later look cannot tell overturns an earlier verdict
// only where it has read as much, and while it still fails: what has passed leaves less to see.
func overturns(before, after incident.Diagnosis, quiet bool) bool {
	switch {
	case after.Verdict.Cause == before.Verdict.Cause:
		return false
	case after.Verdict.Cause == incident.Undetermined:
		return !quiet && len(newGaps(before, after)) == 0
	}
	return true
}

// newGaps are sources that the earlier look could read and the later could not.
func newGaps(before, after incident.Diagnosis) []string {
	known := map[string]bool{}
	for _, gap := range before.Gaps {
		known[gap.Source] = true
	}
	var added []string
	for _, gap := range after.Gaps {
		if !known[gap.Source] {
			added = append(added, gap.Source)
		}
	}
	return added
}

// withdraws reports whether a plan must be withdrawn. One that was approved is on its way and is not, unless nothing may be
// changed now; one that was written has gone.
func withdraws(v view, overturned, forbid bool) bool {
	if v.approval.Request == nil || v.written != nil || v.void != "" {
		return false
	}
	wished := v.plan != nil && v.plan.ByWish() // which rests on no verdict
	return forbid || overturned && !wished && !v.tally.Approved && !v.tally.Rejected
}

// mostSaid bounds how many new facts a message begins with; the evidence follows in it.
const mostSaid = 3

// newlySaid are the facts for the later verdict, and against the earlier one, that the earlier look did not have. Facts of
// sources that it did not cite at all come first: what they say is news, and not the same count a little later.
func newlySaid(before, after incident.Diagnosis) string {
	sources, texts := cited(before)
	var fromNew, fromOld []string
	for _, fact := range saidOf(before.Verdict.Cause, after) {
		text := fact.Source + ": " + fact.Fact
		switch {
		case texts[fact]:
		case sources[fact.Source]:
			fromOld = append(fromOld, text)
		default:
			fromNew = append(fromNew, text)
		}
	}
	said := append(fromNew, fromOld...)
	return strings.Join(said[:min(len(said), mostSaid)], "; ")
}

// saidOf are the facts that speak for the later verdict, and those against the earlier.
func saidOf(earlier incident.Cause, after incident.Diagnosis) []incident.Fact {
	var facts []incident.Fact
	for _, c := range after.Candidates {
		if c.Cause == after.Verdict.Cause {
			facts = append(facts, c.For...)
		}
	}
	for _, c := range after.Candidates {
		if c.Cause == earlier && earlier != after.Verdict.Cause {
			facts = append(facts, c.Against...)
		}
	}
	return facts
}

// cited are the sources and the facts of a diagnosis.
func cited(d incident.Diagnosis) (sources map[string]bool, facts map[incident.Fact]bool) {
	sources, facts = map[string]bool{}, map[incident.Fact]bool{}
	for _, c := range d.Candidates {
		for _, side := range [][]incident.Fact{c.For, c.Against} {
			for _, fact := range side {
				sources[fact.Source], facts[fact] = true, true
			}
		}
	}
	return sources, facts
}

// withdraw makes the plan void and ends its gate.
func (w *watch) withdraw(ctx context.Context, l look) error {
	why := "the plan is withdrawn: " + l.why
	if _, _, err := w.ledger.AppendOnce(ctx, w.incident, incident.StepWithdrawn, "withdrawn", why, l.after.Verdict); err != nil {
		return err
	}
	w.view.void, w.view.withdrawn = why, true
	w.endGate(ctx)
	return nil
}

// endGate ends the execution that still waits for people, where nobody's answer counts any more. Who may not end it leaves
// it to its time: nothing is written on it, however it ends.
func (w *watch) endGate(ctx context.Context) {
	if w.execution.ID == "" || w.view.over {
		return
	}
	if err := w.stopGate(ctx); err != nil {
		w.log.WarnContext(ctx, "the gate is left to its time", "stage", "recovery", "incident", w.incident.String(), "error", err)
	}
}

// tellOverturned says what the verdict is now, and what becomes of the plan.
func (w *watch) tellOverturned(ctx context.Context, l look, withdrawn bool) error {
	message := notify.SecondLook{About: w.about(), Before: w.diagnosis.Verdict, After: l.after, Why: l.why, Withdrawn: withdrawn}
	message.Then, message.Next = w.then(l.after, withdrawn)
	return w.send(ctx, "second-look "+l.key, notify.RenderSecondLook(message))
}

// then says what follows for a plan, and how people have one made.
func (w *watch) then(after incident.Diagnosis, withdrawn bool) (string, []string) {
	told, more := w.view.plan != nil && w.view.plan.TellOnly != "", w.view.seesMore()
	switch {
	case w.view.plan != nil && w.view.plan.ByWish() && !withdrawn:
		return "The plan is what a person asked for. It does not rest on the verdict, and stays.", nil
	case w.view.written != nil && !more:
		return "The change was made because of the earlier verdict. Look whether it should stay.", nil
	case w.view.approval.Request != nil && !withdrawn && !more:
		return "The plan is approved, so it is not withdrawn.", nil
	case !fixable(after):
		return "", nil
	case !w.pointer.State.Ongoing():
		return "The incident has ended, so that nothing is started by itself. What can be done about it is planned in a new incident once somebody asks for it.", []string{w.openAnew()}
	case (withdrawn || told || more) && !w.isSuccessor():
		return "What can be done about it is planned in a new incident, and people are asked there.", nil
	}
	return "What can be done about it is planned in a new incident once somebody asks for it.", []string{w.openAnew()}
}

// openAnew is the command with which people have a plan made in the place of this incident.
func (w *watch) openAnew() string {
	return fmt.Sprintf("aws lambda invoke --function-name %s --invocation-type Event --cli-binary-format raw-in-base64-out --payload '%s' /dev/null",
		w.settings.Function("respond"), request("open", w.incident))
}

// fixable reports whether a verdict leads to a runbook. Whether one may be started the plan says.
func fixable(d incident.Diagnosis) bool { return d.Remedy != nil && d.Remedy.Runbook != "" }

// isSuccessor reports whether the incident has itself taken the place of another. Such a one hands over to no further one
// by itself: verdicts that go to and fro must not make an incident each.
func (w *watch) isSuccessor() bool {
	by := w.pointer.OpenedBy
	return by != nil && by.Resume != nil && by.Resume.ID != ""
}

// wantsSuccessor reports whether the incident gives way to one that plans anew: its plan touches nothing, only shows more or is withdrawn, and
// the cause as it is known now has a runbook.
func (w *watch) wantsSuccessor() bool {
	v := w.view
	if v.plan == nil || v.written != nil && !v.seesMore() || w.isSuccessor() || w.diagnosis.Verdict.Cause == v.plan.Cause || !fixable(w.diagnosis) {
		return false
	}
	return v.withdrawn || v.seesMore() || v.plan.TellOnly != "" && v.approval.Request == nil
}
