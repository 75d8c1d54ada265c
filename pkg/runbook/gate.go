// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package runbook

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"cloudfront503/pkg/denied"
	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/lean"
	"cloudfront503/pkg/lean/ssm"
)

type reading interface {
	GetAutomationExecution(context.Context, *ssm.GetAutomationExecutionInput, ...func(*ssm.Options)) (*ssm.GetAutomationExecutionOutput, error)
	DescribeAutomationStepExecutions(context.Context, *ssm.DescribeAutomationStepExecutionsInput, ...func(*ssm.Options)) (*ssm.DescribeAutomationStepExecutionsOutput, error)
}

// Gates reads where executions stand.
type Gates struct {
	SSM reading
}

// GateState is where an execution stands. A status that is not known here is kept as it came; nothing is concluded from it.
type GateState struct {
	Execution   string
	Document    string // the deployed document's name
	Version     string
	Status      string // the execution's
	CurrentStep string
	StepStatus  string // of CurrentStep, empty where it is not listed
	Gate        string // the name of the aws:approve step, empty before SSM lists it
	Approved    bool   // every gate that was reached is approved, and at least one was
	Waiting     bool   // the current step is a gate that takes decisions
	Decided     bool   // a gate was reached and takes no more decisions, whichever way it went
	Ended       bool   // nothing more will run
	StartedAt   time.Time
	ExecutedBy  string // the ARN of who started it
	Parameters  map[string][]string
	Steps       []StepState // in SSM's order
	Failure     string      // what SSM says went wrong
}

// StepState is where one step stands.
type StepState struct {
	Name      string
	Action    string
	Status    string
	StartedAt time.Time
	EndedAt   time.Time
	Outputs   map[string][]string
	Failure   string
}

// Statuses from which something is concluded, out of those of contracts.md 1.6.
var (
	ended    = []string{"Success", "TimedOut", "Cancelled", "Failed", "Rejected", "CompletedWithSuccess", "CompletedWithFailure", "Exited", "ChangeCalendarOverrideRejected"}
	waiting  = []string{"Waiting", "InProgress", "PendingApproval"}
	approved = []string{"Success", "Approved", "CompletedWithSuccess"}
)

const (
	approveAction   = "aws:approve"
	outputStatus    = "ApprovalStatus"    // Approved, Rejected or Waiting
	outputDecisions = "ApproverDecisions" // the key names inside are not documented
	outputPayload   = "Payload"           // of aws:invokeLambdaFunction
)

// Gate reads where an execution stands. Errors are ErrRetryable or ErrPermanent; ErrNotFound where SSM knows none.
func (g Gates) Gate(ctx context.Context, executionID string) (GateState, error) {
	output, err := g.SSM.GetAutomationExecution(ctx, &ssm.GetAutomationExecutionInput{AutomationExecutionId: &executionID})
	if lean.HasCode(err, ssm.CodeExecutionNotFound) {
		return GateState{}, fmt.Errorf("execution %s: %w: %w", executionID, ErrPermanent, ErrNotFound)
	}
	if err != nil {
		return GateState{}, classify("execution "+executionID, err)
	}
	steps := output.AutomationExecution.StepExecutions
	if output.AutomationExecution.StepExecutionsTruncated {
		if steps, err = ssm.Steps(ctx, g.SSM, executionID); err != nil {
			return GateState{}, classify("steps of execution "+executionID, err)
		}
	}
	return stateOf(output.AutomationExecution, steps), nil
}

func stateOf(execution *ssm.AutomationExecution, steps []ssm.StepExecution) GateState {
	state := GateState{
		Execution: aws.ToString(execution.AutomationExecutionId), Document: aws.ToString(execution.DocumentName),
		Version: aws.ToString(execution.DocumentVersion), Status: string(execution.AutomationExecutionStatus),
		CurrentStep: aws.ToString(execution.CurrentStepName), StartedAt: execution.ExecutionStartTime.Or(),
		ExecutedBy: aws.ToString(execution.ExecutedBy), Parameters: execution.Parameters,
		Failure: aws.ToString(execution.FailureMessage),
	}
	for _, step := range steps {
		state.Steps = append(state.Steps, stepOf(step))
	}
	state.Ended = slices.Contains(ended, state.Status) || execution.ExecutionEndTime != nil
	state.judge()
	return state
}

func stepOf(step ssm.StepExecution) StepState {
	return StepState{
		Name: aws.ToString(step.StepName), Action: aws.ToString(step.Action), Status: string(step.StepStatus),
		StartedAt: step.ExecutionStartTime.Or(), EndedAt: step.ExecutionEndTime.Or(),
		Outputs: step.Outputs, Failure: aws.ToString(step.FailureMessage),
	}
}

// judge concludes from the steps how the gate stands.
func (s *GateState) judge() {
	reached, passed := 0, 0
	for _, step := range s.Steps {
		if step.Name == s.CurrentStep {
			s.StepStatus = step.Status
		}
		if step.Action != approveAction || step.StartedAt.IsZero() && step.Status == "Pending" {
			continue
		}
		reached++
		s.Gate = step.Name
		if step.passed() {
			passed++
		}
		s.Decided = s.Decided || step.over()
		s.Waiting = s.Waiting || !s.Ended && step.takesDecisions() && (s.CurrentStep == "" || s.CurrentStep == step.Name)
	}
	s.Approved = reached > 0 && passed == reached
}

// Broken is the first step that has failed and is no gate, in a sentence that says which policy denied what where one did;
// empty where none has. A gate's own end is a decision or its time, which the incident's record knows better.
func (s GateState) Broken() string {
	for _, step := range s.Steps {
		if step.Failure != "" && step.Action != approveAction && !slices.Contains(approved, step.Status) {
			return denied.Step(step.Name, append([]string{step.Failure}, step.Outputs[outputPayload]...)...)
		}
	}
	return ""
}

// passed asks for both, the step's status and, where SSM gives it, the gate's own output.
func (s StepState) passed() bool {
	output, given := s.Outputs[outputStatus]
	return slices.Contains(approved, s.Status) && (!given || slices.Equal(output, []string{"Approved"}))
}

func (s StepState) over() bool {
	return !s.EndedAt.IsZero() || slices.Contains(ended, s.Status) || slices.Contains(approved, s.Status)
}

func (s StepState) takesDecisions() bool {
	return !s.over() && slices.Contains(waiting, s.Status)
}

// DecidedBy reports whether the gate's decisions name the session. It looks for the ARN as a whole word anywhere in the
// text, because how SSM names the members of a decision is not documented.
func (s GateState) DecidedBy(sessionARN string) bool {
	for _, step := range s.Steps {
		for _, decision := range step.Outputs[outputDecisions] {
			if step.Action == approveAction && incident.Mentions(decision, sessionARN) {
				return true
			}
		}
	}
	return false
}
