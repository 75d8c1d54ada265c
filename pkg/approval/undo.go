// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package approval

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"cloudfront503/pkg/incident"
)

type wayBack interface {
	// Start starts the runbook that takes back what was asked, or finds the execution that an earlier call started. Its gate
	// names people, or, where nobody is asked again, the session incident.AsApproved alone.
	Start(ctx context.Context, request incident.ApprovalRequest, asApproved bool) (incident.Execution, error)
	// Find looks for an execution whose start was asked for and not answered.
	Find(ctx context.Context, request incident.ApprovalRequest) (execution incident.Execution, found bool, err error)
}

// takeBack starts the runbook that takes the change back, and opens its gate in the person's name.
func (d Desk) takeBack(ctx context.Context, v *visit) error {
	if slices.ContainsFunc(v.record.Signalled, v.sent) {
		return nil
	}
	execution, err := d.startBack(ctx, v)
	if err != nil {
		return err
	}
	return d.patiently(ctx, func() error { return d.tellGate(ctx, v, execution) })
}

// TakeBack takes a change back for which nobody answers: the plan that people approved says so, and verify has seen that it
// stands so. It opens the gate of the way back in a session that bears no person's name. Called again, it carries on where it
// stopped. why is why nothing is to be done, as one sentence; empty where it was done.
func (d Desk) TakeBack(ctx context.Context, reference incident.Reference) (why string, err error) {
	record, err := d.recordOf(ctx, reference)
	if err != nil {
		return "", err
	}
	if why := record.staysAsItIs(d.Now()); why != "" {
		return why, nil
	}
	v := visit{record: record, owner: incident.Approver{Name: incident.AsApproved}, reply: incident.Reply{MessageID: incident.AsApproved}}
	v.decision = incident.Decision{
		Approver: incident.AsApproved, Verb: incident.Undo, Reason: record.Failing.Why, MessageID: incident.AsApproved, At: d.Now(),
		Through: "the approved plan", Execution: record.Request.Execution, Hash: record.Request.Hash, ETag: record.Request.ETag,
	}
	return "", d.takeBack(ctx, &v)
}

// startBack starts the runbook once. The step before it says that a start may have happened: SSM does not say for how long
// it knows a token.
func (d Desk) startBack(ctx context.Context, v *visit) (string, error) {
	request, before := *v.record.Request, v.record.Undoing
	if before.ID != "" {
		return before.ID, nil
	}
	execution, found := incident.Execution{}, false
	var err error
	if before.Document != "" {
		if execution, found, err = d.WayBack.Find(ctx, request); err != nil {
			return "", fmt.Errorf("way back of %s: %w", request.Incident, err)
		}
	}
	if !found {
		if execution, err = d.begin(ctx, v); err != nil {
			return "", fmt.Errorf("way back of %s: %w", request.Incident, err)
		}
	}
	_, _, err = d.Ledger.AppendOnce(ctx, request.Incident, incident.StepUndoStarted, request.Execution,
		"the runbook that takes the change back is started, for "+v.decision.Approver, execution)
	return execution.ID, err
}

func (d Desk) begin(ctx context.Context, v *visit) (incident.Execution, error) {
	request := *v.record.Request
	_, _, err := d.Ledger.AppendOnce(ctx, request.Incident, incident.StepUndoStarting, request.Execution,
		"the runbook that takes the change back is about to be started", incident.Execution{Document: "UndoChange"})
	if err != nil {
		return incident.Execution{}, err
	}
	return d.WayBack.Start(ctx, request, v.decision.Approver == incident.AsApproved)
}

// gateWaits are how long a gate is waited for that comes a few seconds after the start. If it takes longer, the same
// message is delivered again, after a minute.
var gateWaits = []time.Duration{
	100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 3 * time.Second, 5 * time.Second, 8 * time.Second,
}

// patiently tries again while the gate does not wait yet.
func (d Desk) patiently(ctx context.Context, try func() error) error {
	for _, wait := range gateWaits {
		if err := try(); !errors.Is(err, ErrNotYet) {
			return err
		}
		if err := d.Sleep(ctx, wait); err != nil {
			return err
		}
	}
	return try()
}
