// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package remedy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/lean/ssm"
)

// suitsStack refuses what this deployment may not touch, whoever approves.
func (w Writer) suitsStack(order Order, record Record) error {
	plan := record.Plan
	_, known := w.Stack.Documents[plan.Runbook]
	switch {
	case w.Stack.Stop:
		return refuse("the stop switch is on")
	case order.Distribution != order.Incident.Distribution || plan.Distribution != order.Distribution:
		return refuse("the incident is about another distribution")
	case !slices.Contains(w.Stack.Distributions, order.Distribution):
		return refuse("distribution %s is not one that this stack may change", order.Distribution)
	case plan.TellOnly != "" || !known:
		return refuse("the incident's plan has no runbook of this stack")
	case plan.Hash == "" || plan.ETag == "":
		return refuse("the incident's plan names no change")
	}
	return nil
}

// judge checks, right before a write, everything that it rests on; the live configuration is the caller's part. The
// record is read again, because a reject may have come since.
func (w Writer) judge(ctx context.Context, order Order, hash string) error {
	record, err := w.Records.Read(ctx, order.Incident)
	if err != nil {
		return fmt.Errorf("judge %s: %w", order.Incident, err)
	}
	if err := w.suitsStack(order, record); err != nil {
		return err
	}
	if record.Plan.Hash != hash {
		return refuse("computed again, the change is not the planned one")
	}
	if err := w.asksEnough(order, record); err != nil {
		return err
	}
	if err := w.mayStill(ctx, order, record.Plan); err != nil {
		return err
	}
	if err := w.owns(ctx, order, record); err != nil {
		return err
	}
	execution, err := w.execution(ctx, order.Execution)
	if err != nil {
		return err
	}
	if err := w.belongs(execution, order, record); err != nil {
		return err
	}
	if err := standsBehindGate(execution); err != nil {
		return err
	}
	if order.Back {
		_, err = w.mayUndo(ctx, order, record)
		return err
	}
	return w.approved(ctx, order, record, execution)
}

// asksEnough refuses a plan that asks one person about what reaches all tenants of a distribution, whatever is changed for it.
// A request for a quota changes nothing that they have.
func (w Writer) asksEnough(order Order, record Record) error {
	config, err := distribution.Parse(record.Snapshot.Config)
	if err != nil {
		return fmt.Errorf("snapshot of %s: %w", order.Incident, err)
	}
	if config.TenantOnly() && record.Plan.Quota == nil && w.required(record.Plan) < 2 {
		return refuse("the change reaches all tenants and needs 2 people to approve, and its plan asks for fewer")
	}
	return nil
}

// mayStill asks for leave once more. The way back needs none: it ends a change that had it.
func (w Writer) mayStill(ctx context.Context, order Order, plan incident.Plan) error {
	if order.Back {
		return nil
	}
	why, err := w.Leave.Objection(ctx, plan)
	switch {
	case err != nil:
		return fmt.Errorf("leave for %s: %w", order.Incident, err)
	case why != "":
		return refuse("since people were asked: %s", strings.TrimSuffix(why, "."))
	}
	return nil
}

// owns checks that the execution is the one that holds the slot and that the incident's record says was started.
func (w Writer) owns(ctx context.Context, order Order, record Record) error {
	owner, found, err := w.slot(ctx, order)
	switch {
	case err != nil:
		return err
	case !found || owner != order.Execution:
		return refuse("the incident's slot does not belong to this execution")
	}
	if started := record.started(order); len(started) == 0 || started[len(started)-1].ID != order.Execution {
		return refuse("the incident did not start this execution")
	}
	return nil
}

// approved counts people: enough of the stack's approvers have approved exactly this, provably, in time, and nobody has
// rejected it. A reject counts even where its ticket cannot be proven: to stop needs no proof. That the gate is open
// proves nothing, but where one approval is enough: then a person may have signed it in an own session.
func (w Writer) approved(ctx context.Context, order Order, record Record, execution *ssm.AutomationExecution) error {
	request := record.Request
	switch {
	case request == nil:
		return refuse("nobody was asked")
	case record.Withdrawn != "":
		return refuse("the plan was withdrawn: %s", record.Withdrawn)
	case !asks(*request, order, record.Plan):
		return refuse("people were asked about something else")
	case !w.Now().Before(request.Expires):
		return refuse("the approval expired at %s", request.Expires.UTC().Format("15:04:05 MST"))
	}
	if i := slices.IndexFunc(record.Decisions, rejects); i >= 0 {
		return refuse("%s rejected it", record.Decisions[i].Approver)
	}
	proven, err := w.Tickets.Proven(ctx, *request, w.countable(*request, record.Decisions))
	if err != nil {
		return fmt.Errorf("approvals of %s: %w", order.Incident, err)
	}
	people := map[string]bool{}
	for _, decision := range proven {
		people[decision.Approver] = true
	}
	need := w.required(record.Plan)
	switch {
	case len(people) >= need:
		return nil
	case need > 1:
		return refuse("%d of %d approvals are proven; that the gate was opened does not count, as that is one signature", len(people), need)
	}
	return w.signedSelf(ctx, order, *request, execution)
}

func rejects(decision incident.Decision) bool {
	return decision.Verb == incident.Reject && decision.Refusal == ""
}

// asks reports whether the request is about this execution and exactly this change.
func asks(request incident.ApprovalRequest, order Order, plan incident.Plan) bool {
	return request.Incident == order.Incident && request.Execution == order.Execution &&
		request.Distribution == order.Distribution && request.ETag == plan.ETag && request.Hash == plan.Hash
}

// countable are the approvals by people who are on the stack's list and were asked, of this change, in time; those by text
// message only where the stack takes texts.
func (w Writer) countable(request incident.ApprovalRequest, decisions []incident.Decision) []incident.Decision {
	return slices.DeleteFunc(w.about(request, decisions, incident.Approve), func(d incident.Decision) bool {
		return !d.At.Before(request.Expires) || d.Code != nil && !w.Stack.Texts
	})
}

// required is how many people must approve: the stack's quorum, or more where the plan wants more.
func (w Writer) required(plan incident.Plan) int { return max(1, w.Stack.Quorum, plan.Approvals) }
