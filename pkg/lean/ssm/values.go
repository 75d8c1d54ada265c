// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package ssm

import "cloudfront503/pkg/lean"

// AutomationExecutionStatus is where an execution or a step stands. There are more than are named here.
type AutomationExecutionStatus string

// The statuses that are compared with.
const (
	AutomationExecutionStatusPending    AutomationExecutionStatus = "Pending"
	AutomationExecutionStatusInprogress AutomationExecutionStatus = "InProgress"
	AutomationExecutionStatusWaiting    AutomationExecutionStatus = "Waiting"
	AutomationExecutionStatusSuccess    AutomationExecutionStatus = "Success"
	AutomationExecutionStatusApproved   AutomationExecutionStatus = "Approved"
	AutomationExecutionStatusRejected   AutomationExecutionStatus = "Rejected"
	AutomationExecutionStatusFailed     AutomationExecutionStatus = "Failed"
)

// SignalType is what is said to an execution.
type SignalType string

// The signals that decide at a gate.
const (
	SignalTypeApprove SignalType = "Approve"
	SignalTypeReject  SignalType = "Reject"
)

// Words of single members.
const (
	ExecutionModeInteractive                       = "Interactive" // a person goes from step to step
	StopTypeCancel                                 = "Cancel"      // at once
	CalendarStateOpen                              = "OPEN"
	AutomationExecutionFilterKeyDocumentNamePrefix = "DocumentNamePrefix"
)

// Tag is a word about an execution.
type Tag struct {
	Key   *string
	Value *string
}

// StartAutomationExecutionInput says which runbook, and with what.
type StartAutomationExecutionInput struct {
	DocumentName    *string
	DocumentVersion *string             `json:",omitempty"`
	Parameters      map[string][]string `json:",omitempty"`
	ClientToken     *string             `json:",omitempty"`
	Tags            []Tag               `json:",omitempty"`
}

// StartAutomationExecutionOutput names what was started.
type StartAutomationExecutionOutput struct {
	AutomationExecutionId *string
}

// StopAutomationExecutionInput says which execution, and how.
type StopAutomationExecutionInput struct {
	AutomationExecutionId *string
	Type                  string `json:",omitempty"`
}

// StopAutomationExecutionOutput is empty.
type StopAutomationExecutionOutput struct{}

// SendAutomationSignalInput says what is decided.
type SendAutomationSignalInput struct {
	AutomationExecutionId *string
	SignalType            SignalType
	Payload               map[string][]string `json:",omitempty"`
}

// SendAutomationSignalOutput is empty.
type SendAutomationSignalOutput struct{}

// GetAutomationExecutionInput says which execution.
type GetAutomationExecutionInput struct {
	AutomationExecutionId *string
}

// GetAutomationExecutionOutput has it.
type GetAutomationExecutionOutput struct {
	AutomationExecution *AutomationExecution
}

// AutomationExecution is an execution.
type AutomationExecution struct {
	AutomationExecutionId     *string
	DocumentName              *string
	DocumentVersion           *string
	AutomationExecutionStatus AutomationExecutionStatus
	CurrentStepName           *string
	ExecutionStartTime        *lean.Time
	ExecutionEndTime          *lean.Time
	ExecutedBy                *string // the ARN of who started it
	FailureMessage            *string
	Mode                      string
	Parameters                map[string][]string
	StepExecutions            []StepExecution
	StepExecutionsTruncated   bool
}

// StepExecution is a step of one.
type StepExecution struct {
	StepName           *string
	Action             *string
	StepStatus         AutomationExecutionStatus
	ExecutionStartTime *lean.Time
	ExecutionEndTime   *lean.Time
	FailureMessage     *string
	Outputs            map[string][]string
}

// DescribeAutomationStepExecutionsInput says which execution's steps.
type DescribeAutomationStepExecutionsInput struct {
	AutomationExecutionId *string
	ReverseOrder          *bool   `json:",omitempty"`
	NextToken             *string `json:",omitempty"`
}

// DescribeAutomationStepExecutionsOutput is a page of them.
type DescribeAutomationStepExecutionsOutput struct {
	StepExecutions []StepExecution
	NextToken      *string
}

// AutomationExecutionFilter keeps executions of which a property has one of the values.
type AutomationExecutionFilter struct {
	Key    string
	Values []string
}

// DescribeAutomationExecutionsInput says which executions.
type DescribeAutomationExecutionsInput struct {
	Filters   []AutomationExecutionFilter `json:",omitempty"`
	NextToken *string                     `json:",omitempty"`
}

// AutomationExecutionMetadata is what a list says of an execution.
type AutomationExecutionMetadata struct {
	AutomationExecutionId     *string
	DocumentName              *string
	AutomationExecutionStatus AutomationExecutionStatus
	ExecutionStartTime        *lean.Time
}

// DescribeAutomationExecutionsOutput is a page of executions.
type DescribeAutomationExecutionsOutput struct {
	AutomationExecutionMetadataList []AutomationExecutionMetadata
	NextToken                       *string
}

// GetCalendarStateInput says which calendars, by name or ARN.
type GetCalendarStateInput struct {
	CalendarNames []string
}

// GetCalendarStateOutput is their state together: open where all are.
type GetCalendarStateOutput struct {
	State string
}

// GetParameterInput says which parameter.
type GetParameterInput struct {
	Name           *string
	WithDecryption *bool `json:",omitempty"`
}

// GetParameterOutput has it.
type GetParameterOutput struct {
	Parameter *Parameter
}

// Parameter is a parameter's value.
type Parameter struct {
	Value *string
}
