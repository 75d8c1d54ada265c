// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package incident

import "time"

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
)
