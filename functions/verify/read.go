// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cloudfront503/pkg/approval"
	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/recovery"
	"cloudfront503/pkg/runbook"
)

// lease outlasts the function's time-out of four minutes.
const lease = 5 * time.Minute

// watch is one open incident while it is looked at.
type watch struct {
	handler
	handsBack bool // respond is to ask a further circle
	pointer   incident.Pointer
	incident  incident.Reference
	holder    string
	raw       []byte // the delivery that woke us
	steps     []incident.Step
	made      map[string]bool // the later looks that were made, by their keys
	snapshot  incident.Snapshot
	diagnosis incident.Diagnosis
	execution incident.Execution
	before    time.Time // the alarm's time
	view      view
	rejected  bool  // a person has rejected at the gate itself, which the record says since now
	handsOver bool  // the incident gives way to a new one, as soon as its lease is given back
	unread    error // what could not be read and only adds to the record: no reason to stay silent about what is there
}

// read makes the view out of the record, of the execution, and of the metrics where something was written. Where the
// execution has ended, the record is read once more: its last steps may have been written since it was read first.
func (w *watch) read(ctx context.Context) error {
	w.catchUp(ctx)
	if err := w.readRecord(ctx); err != nil {
		return err
	}
	w.unread = errors.Join(w.readExecution(ctx), w.readExecutionBack(ctx))
	if w.view.over || w.rejected || w.view.back.over {
		if err := w.readRecord(ctx); err != nil {
			return err
		}
	}
	if err := errors.Join(w.readOutcome(ctx), w.readOutcomeBack(ctx)); err != nil {
		return err
	}
	return w.measured(ctx)
}

// measured measures what can be measured. Without metrics it is not known whether the change has helped, and what is known
// is told all the same; a watch ends only on what was seen.
func (w *watch) measured(ctx context.Context) error {
	err := w.measure(ctx)
	if err == nil || w.pointer.Watch != nil {
		return err
	}
	w.view.recovery, w.unread = nil, errors.Join(w.unread, err)
	return nil
}

func (w *watch) readRecord(ctx context.Context) error {
	var err error
	if w.steps, err = w.ledger.Steps(ctx, w.incident); err != nil {
		return err
	}
	if w.view.approval, err = approval.ReadRecord(w.steps); err != nil {
		return fmt.Errorf("incident %s: %w", w.incident, err)
	}
	w.view.tally = w.view.approval.Tally(w.approvers, w.now())
	w.steps = withSpare(w.steps, w.pointer.Spare)
	w.view.openedAt, w.before, w.view.quiet = w.pointer.OpenedAt, w.alarmed(), quiet(w.pointer)
	w.made = map[string]bool{}
	w.view.escalated, w.view.askedAgain = 0, 0
	w.view.relapses, w.view.relapsedAt, w.view.standing = 0, w.pointer.RelapsedAt, incident.Recovered
	for _, step := range w.steps {
		if err := w.add(step); err != nil {
			return fmt.Errorf("incident %s: %w", w.incident, err)
		}
	}
	w.view.successor, w.view.unwanted, w.view.unasked = w.wantsSuccessor(), w.unwanted(), w.missed()
	return nil
}

// unwanted reports whether the incident is nobody's any more: a person's wish opened it, was refused, and no alarm has gone
// off in it or before it.
func (w *watch) unwanted() bool {
	by, plan := w.pointer.OpenedBy, w.view.plan
	return by != nil && by.Wish != nil && by.Alarm == nil && plan != nil && plan.TellOnly != "" && !alarming(w.pointer)
}

// alarming reports whether an alarm of the episode is not OK.
func alarming(p incident.Pointer) bool {
	for _, alarm := range p.Alarms {
		if !alarm.At.Before(p.OpenedAt) && alarm.State != "OK" {
			return true
		}
	}
	return false
}

// quiet reports whether every alarm of the episode is OK, and there was one.
func quiet(p incident.Pointer) bool {
	heard := false
	for _, alarm := range p.Alarms {
		if alarm.At.Before(p.OpenedAt) {
			continue
		}
		if alarm.State != "OK" {
			return false
		}
		heard = true
	}
	return heard
}

// add takes what one step says, from the writer who may say it.
func (w *watch) add(step incident.Step) error {
	switch step.Writer + " " + string(step.Kind) {
	case "respond snapshot":
		return step.Read(&w.snapshot)
	case "respond diagnosed", "verify second-look":
		w.made[step.Key] = true
		w.diagnosis = incident.Diagnosis{}
		return step.Read(&w.diagnosis)
	case "respond planned":
		w.view.plan = &incident.Plan{}
		return step.Read(w.view.plan)
	case "respond started":
		return step.Read(&w.execution)
	case "remediate written":
		w.view.written, w.view.writtenAt = &incident.Written{}, step.At
		return step.Read(w.view.written)
	case "remediate deployed":
		w.view.deployedAt = step.At
	case "remediate void", "verify withdrawn", "approve withdrawn":
		w.view.void, w.view.withdrawn = step.Note, step.Kind == incident.StepWithdrawn
	case "remediate ended":
		var ended incident.Execution
		if err := step.Read(&ended); err != nil {
			return err
		}
		w.view.noted = ended.Status
	case "verify quota-decided":
		w.view.quota = &incident.QuotaDecision{}
		return step.Read(w.view.quota)
	case "verify escalated":
		w.view.escalated++
	case "respond asked":
		w.view.askedAt = step.At
	case "verify asking-again":
		w.view.askedAgain++
	default:
		return errors.Join(w.view.back.add(step), w.addWatch(step))
	}
	return nil
}

// addWatch takes what a step says about the time after a recovery.
func (w *watch) addWatch(step incident.Step) error {
	switch step.Writer + " " + string(step.Kind) {
	case "verify recovery":
		w.view.standing = incident.Recovered
	case "verify relapsed":
		w.view.relapses++
	case "verify watched":
		var seen incident.Recovery
		if err := step.Read(&seen); err != nil {
			return err
		}
		w.view.standing = seen.State
	}
	return nil
}

// readExecution asks SSM only whether the execution still runs. An execution that SSM knows no more has ended: it keeps
// them for thirty days.
func (w *watch) readExecution(ctx context.Context) error {
	if w.execution.ID == "" {
		return nil
	}
	state, err := w.gates.Gate(ctx, w.execution.ID)
	if errors.Is(err, runbook.ErrNotFound) {
		w.view.over = true
		return nil
	}
	if err != nil {
		return err
	}
	w.view.over, w.view.broken = state.Ended, state.Broken()
	return w.noteRejection(ctx, state)
}

// compareAfter is how long after a change's arrival at the edges its effect is measured first: rates are per minute, and
// the newest minutes are not complete.
const compareAfter = 5 * time.Minute

// compareOver is how much of the time after a change is measured at most: the newest, as a quota may come later.
const compareOver = 15 * time.Minute

// compare measures before and after a change, once the edges had it for a while.
func (w *watch) compare(ctx context.Context) error {
	v := &w.view
	since := v.deployedAt
	if v.written == nil || v.seesMore() && v.back.undone == nil {
		return nil
	}
	if v.written.Action == "quota" {
		since = v.writtenAt
	}
	now := w.now()
	if v.back.undone != nil {
		since = v.back.since(now)
	} else if since.IsZero() && v.over {
		since = v.writtenAt.Add(compareAfter) // not reported as deployed: CloudFront takes minutes
	}
	if since.IsZero() {
		return nil
	}
	if since = later(since, v.relapsedAt); now.Sub(since) < compareAfter {
		return nil
	}
	before, err := w.rate(ctx, w.onset(), v.writtenAt)
	if err != nil {
		return err
	}
	after, err := w.rate(ctx, later(since.Add(time.Minute), now.Add(-compareOver)), now)
	if err != nil {
		return err
	}
	result := recovery.Compare(before, after)
	v.recovery = &result
	return w.confirm(ctx)
}

// confirm asks the paths themselves, where the rate says that they answer again.
func (w *watch) confirm(ctx context.Context) error {
	if w.view.recovery.State != incident.Recovered {
		return nil
	}
	smoke, err := w.smoke(ctx)
	if err != nil {
		return err
	}
	confirmed := recovery.Confirm(*w.view.recovery, smoke)
	w.view.recovery = &confirmed
	return nil
}

// onset is when it began to fail, as far as is known.
func (w *watch) onset() time.Time {
	if w.diagnosis.Onset.IsZero() {
		return w.before.Add(-2 * time.Minute)
	}
	return w.diagnosis.Onset
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
