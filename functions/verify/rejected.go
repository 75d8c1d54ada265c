// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"slices"
	"time"

	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/runbook"
)

// noteRejection records the reject that a person gave the gate itself, in the own session and without a ticket: nobody
// else has seen it. A gate wants one approval, so that the decisions of one that has not opened are rejects.
func (w *watch) noteRejection(ctx context.Context, state runbook.GateState) error {
	request := w.view.approval.Request
	if request == nil || !state.Decided || state.Approved || w.view.written != nil || w.view.tally.Rejected {
		return nil
	}
	name, session := w.whoDecided(state, request.Approvers)
	if name == "" {
		return nil
	}
	decision := incident.Decision{
		Approver: name, Verb: incident.Reject, Channel: incident.ChannelGate, Through: session, At: decidedAt(state, *request),
		Execution: request.Execution, Hash: request.Hash, ETag: request.ETag,
	}
	_, _, err := w.ledger.AppendOnce(ctx, w.incident, incident.StepGateReject, name, name+" has rejected at the gate, in an own session", decision)
	w.rejected = err == nil
	return err
}

// whoDecided is the first of those who were asked whose own session the gate's decisions name, and that session; empty
// where it is none. The sessions in which approve signs for people are others.
func (w *watch) whoDecided(state runbook.GateState, asked []string) (name, session string) {
	for _, approver := range w.approvers {
		own, err := runbook.SessionARN(w.settings.ApproverRole(approver), approver.Name)
		if err == nil && slices.Contains(asked, approver.Name) && state.DecidedBy(own) {
			return approver.Name, own
		}
	}
	return "", ""
}

// decidedAt is when the gate ended, but no later than its time: it takes no decision afterwards, and SSM may write the end
// down a little late.
func decidedAt(state runbook.GateState, request incident.ApprovalRequest) time.Time {
	latest := request.Expires.Add(-time.Second)
	for _, step := range state.Steps {
		if step.Name == state.Gate && !step.EndedAt.IsZero() && step.EndedAt.Before(latest) {
			return step.EndedAt
		}
	}
	if latest.Before(state.StartedAt) {
		return state.StartedAt
	}
	return latest
}
