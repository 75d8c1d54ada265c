// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"encoding/json"
	"errors"

	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/remedy"
	"cloudfront503/pkg/runbook"
)

// claim takes the incident's slot for the execution.
func (h handler) claim(ctx context.Context, order remedy.Order) (string, error) {
	answer, err := h.writer.Claim(ctx, order)
	if err != nil {
		return h.decline(ctx, order, err)
	}
	if answer == remedy.Claimed {
		_, _, err = h.ledger.AppendOnce(ctx, order.Incident, incident.StepSlot, order.Execution, "the runbook took the incident's slot",
			incident.Execution{ID: order.Execution})
	}
	return answer, err
}

// apply makes the approved change and records it. The record comes after the write: what was written without a record is
// found by the next call, which knows its own write again.
func (h handler) apply(ctx context.Context, order remedy.Order) (string, error) {
	written, err := h.writer.Apply(ctx, order)
	if err != nil {
		return h.decline(ctx, order, errors.Join(err, h.unkept(ctx, order, err)))
	}
	if err := h.made(ctx, order, written); err != nil {
		return "", err
	}
	return "written", nil
}

// made records that the change is made, forth or back.
func (h handler) made(ctx context.Context, order remedy.Order, written incident.Written) error {
	kind, note := incident.StepWritten, "the approved change is written"
	if order.Back {
		kind, note = incident.StepUndone, "the change is taken back"
	}
	_, _, err := h.ledger.AppendOnce(ctx, order.Incident, kind, order.Execution, note, written)
	return err
}

// unkept records what is made although the writer could not keep its own note of it: the record must not say later that
// nothing was.
func (h handler) unkept(ctx context.Context, order remedy.Order, problem error) error {
	var made *remedy.Unkept
	if !errors.As(problem, &made) {
		return nil
	}
	return h.made(ctx, order, made.Written)
}

// decline records why nothing was written. Only the execution that owns the slot can make the plan void by that, at its
// write step; an execution that somebody else started, and a call that did not come from the runbook, are recorded and
// change nothing.
func (h handler) decline(ctx context.Context, order remedy.Order, problem error) (string, error) {
	answer, final := word(problem)
	if !final {
		return "", problem
	}
	kind := incident.StepDeclined
	if !elsewhere(problem) && h.ownsSlot(ctx, order) {
		kind = notDone[order.Back]
	}
	_, _, err := h.ledger.AppendOnce(ctx, order.Incident, kind, order.Execution, problem.Error(), incident.Execution{ID: order.Execution})
	return answer, err
}

// notDone is the step for an order that will not be carried out, forth and back.
var notDone = map[bool]incident.StepKind{false: incident.StepVoid, true: incident.StepUndoFailed}

// word is the answer for an error that another try would not change.
func word(err error) (answer string, final bool) {
	var refused *remedy.Refused
	var conflict *remedy.Conflict
	var void *remedy.Void
	switch {
	case errors.As(err, &refused):
		return "refused: " + refused.Why, true
	case errors.As(err, &conflict), errors.As(err, &void):
		return "void", true
	}
	return "", false
}

// elsewhere reports a refusal because the execution does not stand at its write step.
func elsewhere(err error) bool {
	var refused *remedy.Refused
	return errors.As(err, &refused) && refused.Elsewhere
}

// slots are the objects that say who owns the incident's slot, forth and back.
var slots = map[bool]string{false: "outcome/execution.json", true: "outcome/undo-execution.json"}

// ownsSlot reports whether the slot is this execution's. When it cannot be read, it is nobody's.
func (h handler) ownsSlot(ctx context.Context, order remedy.Order) bool {
	body, err := h.ledger.Get(ctx, order.Incident, slots[order.Back])
	var owner incident.Execution
	return err == nil && json.Unmarshal(body, &owner) == nil && owner.ID == order.Execution
}

// report is what a runbook can say of itself: in which of its steps, and what that becomes in the record.
type report struct {
	step string // of the document
	kind incident.StepKind
	text string
}

// told is the report with the step that failed before, where one did. A live configuration that could not be read has not
// moved, as far as anybody knows.
func (r report) told(broken string) string {
	switch {
	case broken == "":
		return r.text
	case r.step == "NoteMoved":
		return "whether the configuration has moved could not be told: " + broken
	}
	return r.text + ": " + broken
}

// notes are what the runbooks report that make a change.
var notes = map[string]report{
	runbook.NoteMoved:       {"NoteMoved", incident.StepVoid, "the configuration moved before anybody was asked"},
	runbook.NoteNotApproved: {"NoteNotApproved", incident.StepEnded, "the gate closed without an approval"},
	runbook.NoteFailed:      {"NoteFailed", incident.StepEnded, "a step of the runbook failed"},
	runbook.NoteDeployed:    {"NoteDeployed", incident.StepDeployed, "all edges have the change"},
	runbook.NoteNotDeployed: {"NoteNotDeployed", incident.StepEnded, "the change did not reach all edges in time"},
}

// notesBack are what the runbook reports that takes a change back.
var notesBack = map[string]report{
	runbook.NoteNotApproved: {"NoteNotApproved", incident.StepUndoFailed, "the answer did not reach the gate of the way back"},
	runbook.NoteFailed:      {"NoteFailed", incident.StepUndoFailed, "a step of the way back failed"},
	runbook.NoteDeployed:    {"NoteDeployed", incident.StepUndoDeployed, "all edges have what was there before the change"},
	runbook.NoteNotDeployed: {"NoteNotDeployed", incident.StepUndoFailed, "the way back did not reach all edges in time"},
}

func reportOf(order remedy.Order, what string) (report, bool) {
	if order.Back {
		said, known := notesBack[what]
		return said, known
	}
	said, known := notes[what]
	return said, known
}

// undo takes the change back and records it.
func (h handler) undo(ctx context.Context, order remedy.Order) (string, error) {
	order.Back = true
	written, err := h.writer.Undo(ctx, order)
	if err != nil {
		return h.decline(ctx, order, errors.Join(err, h.unkept(ctx, order, err)))
	}
	if err := h.made(ctx, order, written); err != nil {
		return "", err
	}
	return "written", nil
}

// note records how an execution went, if it is the incident's and SSM says that it has come to the step that reports so:
// what anybody may say who may invoke this function could end the incident.
func (h handler) note(ctx context.Context, order remedy.Order, what string) (string, error) {
	note, known := reportOf(order, what)
	if !known {
		return "refused: no such note", nil
	}
	if !h.ownsSlot(ctx, order) {
		return "refused: the incident's slot does not belong to this execution", nil
	}
	broken, err := h.writer.Reached(ctx, order, note.step)
	if answer, final := word(err); final {
		return answer, nil
	}
	if err != nil {
		return "", err
	}
	if what == runbook.NoteFailed {
		if err := h.settle(ctx, order); err != nil {
			return "", err
		}
	}
	_, _, err = h.ledger.AppendOnce(ctx, order.Incident, note.kind, order.Execution+what, note.told(broken),
		incident.Execution{ID: order.Execution, Status: what})
	return "noted", err
}

// settle ends what the runbook that failed has left half-way: nothing of ours stays where nobody looks for it. It comes
// before the note that the runbook has ended, as that note ends the incident: verify may look between the two. An error lets
// the runbook's step try it again; where no try does, verify hears from SSM that the execution is over.
func (h handler) settle(ctx context.Context, order remedy.Order) error {
	written, done, err := h.writer.Settle(ctx, order)
	if _, final := word(err); err != nil && !final {
		return errors.Join(err, h.unkept(ctx, order, err))
	}
	if !done {
		return nil
	}
	return h.made(ctx, order, written)
}
