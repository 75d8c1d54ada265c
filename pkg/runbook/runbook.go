// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package runbook takes a plan to SSM Automation: it starts the runbook that waits at its gate, says where an execution
// stands, and signals an approver's decision in a session that bears the approver's name. The runbooks themselves lie in
// documents. It decides nothing: whether a plan is started, and whether a decision counts, is said elsewhere.
package runbook

import (
	"embed"
	"io/fs"
	"time"
)

//go:embed documents/*.yaml
var embedded embed.FS

// The logical names of the runbooks: a document's file is its name and ".yaml".
const (
	RestoreDistribution  = "RestoreDistribution"
	RestoreEdgeFunction  = "RestoreEdgeFunction"
	RestoreEdgeAccess    = "RestoreEdgeFunctionAccess"
	FailOverOrigin       = "FailOverOrigin"
	ProtectOrigin        = "ProtectOrigin"
	RequestQuotaIncrease = "RequestQuotaIncrease"
	SwitchOnEvidence     = "SwitchOnEvidence"
	UndoChange           = "UndoChange" // takes back what another has written
)

// The steps of the runbooks that others must know by name.
const (
	StepClaim   = "Claim"   // takes the incident's slot
	StepApprove = "Approve" // the gate
	StepApply   = "Apply"   // the only step in which anything may be written
	StepAwait   = "AwaitDeployed"
)

// What the runbooks' note steps say happened, in the payload's "note".
const (
	NoteMoved       = "moved"        // the live ETag is another one than the plan's, or could not be read
	NoteNotApproved = "not-approved" // rejected, timed out or broken: which of them, the incident's record tells
	NoteFailed      = "failed"       // the function failed at Claim or Apply, or answered something unknown
	NoteDeployed    = "deployed"     // the edges have the configuration
	NoteNotDeployed = "not-deployed" // written, but not deployed in time
)

// GateTimeout is how long a gate waits, as the documents say in timeoutSeconds of the step Approve. A ticket must not
// outlive it.
const GateTimeout = time.Hour

// Names are the logical names of all runbooks.
var Names = []string{RestoreDistribution, RestoreEdgeFunction, RestoreEdgeAccess, FailOverOrigin, ProtectOrigin, RequestQuotaIncrease, SwitchOnEvidence, UndoChange}

// Documents holds the runbooks, each as its name and ".yaml".
func Documents() fs.FS {
	documents, err := fs.Sub(embedded, "documents")
	if err != nil { // fs.Sub refuses only names that are not valid paths
		return embedded
	}
	return documents
}
