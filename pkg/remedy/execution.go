// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package remedy

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"

	"cloudfront503/pkg/denied"
	"cloudfront503/pkg/lean"
	"cloudfront503/pkg/lean/ssm"
)

type executions interface {
	GetAutomationExecution(context.Context, *ssm.GetAutomationExecutionInput, ...func(*ssm.Options)) (*ssm.GetAutomationExecutionOutput, error)
	DescribeAutomationStepExecutions(context.Context, *ssm.DescribeAutomationStepExecutionsInput, ...func(*ssm.Options)) (*ssm.DescribeAutomationStepExecutionsOutput, error)
}

// What the runbooks' documents promise: the gate's step and the step in which this package is called to write.
const (
	gateStep      = "Approve"
	writeStep     = "Apply"
	approveAction = "aws:approve"
)

// execution reads the execution with all its steps.
func (w Writer) execution(ctx context.Context, id string) (*ssm.AutomationExecution, error) {
	output, err := w.SSM.GetAutomationExecution(ctx, &ssm.GetAutomationExecutionInput{AutomationExecutionId: &id})
	switch {
	case lean.HasCode(err, ssm.CodeExecutionNotFound):
		return nil, refuse("there is no execution %s", id)
	case err != nil:
		return nil, fmt.Errorf("execution %s: %w", id, err)
	case output.AutomationExecution == nil:
		return nil, fmt.Errorf("execution %s: an answer without it", id)
	}
	execution := output.AutomationExecution
	if !execution.StepExecutionsTruncated {
		return execution, nil
	}
	if execution.StepExecutions, err = ssm.Steps(ctx, w.SSM, id); err != nil {
		return nil, fmt.Errorf("steps of execution %s: %w", id, err)
	}
	return execution, nil
}

// belongs checks that the execution runs our document for this plan, with the stack's own approvers and role: not one
// that somebody started with others.
func (w Writer) belongs(execution *ssm.AutomationExecution, order Order, record Record) error {
	plan := record.Plan
	parameter := func(name string) string {
		if values := execution.Parameters[name]; len(values) == 1 {
			return values[0]
		}
		return ""
	}
	for _, check := range []struct {
		what string
		ok   bool
	}{
		{"document", aws.ToString(execution.DocumentName) == w.Stack.Documents[runbookOf(order, record)]},
		{"mode", execution.Mode != ssm.ExecutionModeInteractive},
		{"incident", parameter("IncidentId") == order.Incident.String()},
		{"distribution", parameter("DistributionId") == order.Distribution},
		{"ETag", parameter("ETag") == plan.ETag},
		{"hash", parameter("Hash") == plan.Hash},
		{"approvers", w.namesGate(execution.Parameters["Approvers"], order, plan)},
		{"number of approvals", parameter("MinApprovals") == "1"},
		{"role", parameter("AutomationAssumeRole") == w.Stack.AutomationRole},
	} {
		if !check.ok {
			return refuse("execution %s was started with another %s", order.Execution, check.what)
		}
	}
	return nil
}

// Reached refuses unless the order's execution is the incident's own and has come to one of its steps: nobody is believed
// who says so, but SSM. Other errors say that nobody could tell. broken is the step that had failed before, in a sentence
// that says which policy denied what where one did; empty where none had.
func (w Writer) Reached(ctx context.Context, order Order, step string) (broken string, err error) {
	record, err := w.Records.Read(ctx, order.Incident)
	if err != nil {
		return "", fmt.Errorf("steps of execution %s: %w", order.Execution, err)
	}
	execution, err := w.execution(ctx, order.Execution)
	if err != nil {
		return "", err
	}
	if err := w.belongs(execution, order, record); err != nil {
		return "", err
	}
	for _, each := range execution.StepExecutions {
		if aws.ToString(each.StepName) == step && begunStep(each) {
			return brokenStep(execution.StepExecutions), nil
		}
	}
	return "", &Refused{Why: "the execution has not come to its step " + step, Elsewhere: true}
}

// brokenStep is the first step that has failed and is no gate.
func brokenStep(steps []ssm.StepExecution) string {
	for _, step := range steps {
		failure := aws.ToString(step.FailureMessage)
		if failure != "" && step.StepStatus != ssm.AutomationExecutionStatusSuccess && aws.ToString(step.Action) != approveAction {
			return denied.Step(aws.ToString(step.StepName), append([]string{failure}, step.Outputs["Payload"]...)...)
		}
	}
	return ""
}

// begunStep reports whether a step has begun: SSM lists steps that have not, as Pending and without a time.
func begunStep(step ssm.StepExecution) bool {
	return step.ExecutionStartTime != nil || step.StepStatus != "" && step.StepStatus != ssm.AutomationExecutionStatusPending
}

func sameSet(a, b []string) bool {
	return len(b) > 0 && slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// standsBehindGate checks that the execution is at its write step now, and that its gate was approved.
func standsBehindGate(execution *ssm.AutomationExecution) error {
	if aws.ToString(execution.CurrentStepName) != writeStep {
		return &Refused{Why: "the execution does not stand at its step " + writeStep, Elsewhere: true}
	}
	status := execution.AutomationExecutionStatus
	if execution.ExecutionEndTime != nil || status != ssm.AutomationExecutionStatusInprogress && status != ssm.AutomationExecutionStatusWaiting {
		return &Refused{Why: fmt.Sprintf("the execution is not under way but %s", status), Elsewhere: true}
	}
	for _, step := range execution.StepExecutions {
		if aws.ToString(step.StepName) == gateStep && aws.ToString(step.Action) == approveAction {
			return passed(step)
		}
	}
	return refuse("the execution has passed no gate")
}

// passed wants the step's status and, where SSM gives it, the gate's own output.
func passed(gate ssm.StepExecution) error {
	good := []ssm.AutomationExecutionStatus{ssm.AutomationExecutionStatusSuccess, ssm.AutomationExecutionStatusApproved}
	said, given := gate.Outputs["ApprovalStatus"]
	if !slices.Contains(good, gate.StepStatus) || given && !slices.Equal(said, []string{"Approved"}) {
		return refuse("the execution's gate is not approved but %s", gate.StepStatus)
	}
	return nil
}
