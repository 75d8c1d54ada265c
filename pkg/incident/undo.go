// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package incident

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Undo is what an approver says to take the change back.
const Undo Verb = "undo"

// UndoFor is how long after our write the approval covers the way back.
const UndoFor = 2 * time.Hour

// writeTime is the longest that a runbook may take from its gate to the write: three tries of a step of five minutes.
const writeTime = 15 * time.Minute

// UndoExpires is when a ticket for the way back expires that is made while people are asked: nobody knows yet when the
// change will be written, so it is the latest time at which the way back can still be open. What counts is UndoFor since
// the write, which whoever takes the change back reads from the record.
func UndoExpires(request ApprovalRequest) time.Time {
	return request.Expires.Add(writeTime + UndoFor)
}

// The steps of the way back, beside those of the change: nobody who reads the ones takes them for the others.
const (
	StepUndoStarting StepKind = "undo-starting" // approve: Execution with no ID, about to be started
	StepUndoStarted  StepKind = "undo-started"  // approve: Execution
	StepUndone       StepKind = "undone"        // remediate: Written
	StepUndoDeployed StepKind = "undo-deployed" // remediate: the edges have it; Execution
	StepUndoFailed   StepKind = "undo-failed"   // remediate: the change was not taken back, and why; Execution
	StepTakingBack   StepKind = "taking-back"   // verify: Recovery, at which the approved plan says that the change is taken back
)

// TakenBack says when a change is taken back without asking anybody again: people approve that with the change.
type TakenBack string

// When a change is taken back.
const (
	TakenBackNever        TakenBack = ""
	TakenBackWorse        TakenBack = "worse"         // more requests fail than before
	TakenBackNotRecovered TakenBack = "not-recovered" // or, some time after the change, surely as many still
)

// Covers reports whether the change is taken back where it stands so. What is not known for sure takes nothing back.
func (t TakenBack) Covers(r Recovery) bool {
	worse := r.State == Worse
	return t == TakenBackWorse && worse || t == TakenBackNotRecovered && (worse || r.State == NotYet && r.Failing)
}

// Bind is what an approval is bound to, given the hash of the change: where the change is taken back without asking again,
// that is part of what people approve.
func (t TakenBack) Bind(hash string) string {
	if t == TakenBackNever || hash == "" {
		return hash
	}
	sum := sha256.Sum256([]byte("taken back when " + string(t) + "\n" + hash))
	return hex.EncodeToString(sum[:])
}

// Failing is how it stood after a change when verify had it taken back, as the plan says.
type Failing struct {
	Recovery
	At time.Time // of its step
}

// AsApproved is the name of the session in which a gate is opened that nobody is asked at again. No approver has it.
const AsApproved = "as-approved"
