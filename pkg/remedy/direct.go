// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package remedy

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"

	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/lean/ssm"
)

const outputDecisions = "ApproverDecisions" // of a gate; the key names inside are not documented

// gateApprovers are the entries that the gate's Approvers must be, exactly. The way back is opened with tickets only.
func (w Writer) gateApprovers(order Order, plan incident.Plan) []string {
	if w.required(plan) == 1 && !order.Back {
		return w.Stack.SessionsOfOne
	}
	return w.Stack.Sessions
}

// namesGate reports whether a gate's Approvers are those that it must have. A way back that its plan takes by itself has a gate
// at which nobody is asked; mayUndo says whether the plan does.
func (w Writer) namesGate(approvers []string, order Order, plan incident.Plan) bool {
	alone := order.Back && plan.TakenBack != incident.TakenBackNever && sameSet(approvers, w.Stack.AsApproved)
	return alone || sameSet(approvers, w.gateApprovers(order, plan))
}

// signedSelf looks for one person who was asked and has signed the gate in the own session, and notes it. approve cannot
// stand behind that: it cannot assume the role of these sessions. The execution is bound to the change by its parameters,
// which were compared before, and in time by the gate's own time-out.
func (w Writer) signedSelf(ctx context.Context, order Order, request incident.ApprovalRequest, execution *ssm.AutomationExecution) error {
	gate := gateOf(execution)
	name := w.whoSigned(gate, request)
	if name == "" {
		return refuse("0 of 1 approvals are proven, and no person who was asked has signed the gate in an own session")
	}
	err := w.Records.SignedSelf(ctx, order.Incident, incident.Decision{
		Approver: name, Verb: incident.Approve, Channel: incident.ChannelGate, Through: w.Stack.Own[name], At: gate.ExecutionEndTime.Or(),
		Execution: request.Execution, Hash: request.Hash, ETag: request.ETag,
	})
	if err != nil {
		return fmt.Errorf("approvals of %s: %w", order.Incident, err)
	}
	return nil
}

// gateOf is the execution's gate, which standsBehindGate has found approved.
func gateOf(execution *ssm.AutomationExecution) ssm.StepExecution {
	i := slices.IndexFunc(execution.StepExecutions, func(s ssm.StepExecution) bool {
		return aws.ToString(s.StepName) == gateStep && aws.ToString(s.Action) == approveAction
	})
	if i < 0 {
		return ssm.StepExecution{}
	}
	return execution.StepExecutions[i]
}

// whoSigned is the first of those who were asked whose own session the gate's decisions mention; empty where none is.
func (w Writer) whoSigned(gate ssm.StepExecution, request incident.ApprovalRequest) string {
	for _, name := range request.Approvers {
		own, listed := w.Stack.Own[name]
		signed := slices.ContainsFunc(gate.Outputs[outputDecisions], func(decision string) bool { return incident.Mentions(decision, own) })
		if listed && signed {
			return name
		}
	}
	return ""
}
