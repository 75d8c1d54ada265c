// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package ssm is the part of AWS Systems Manager that the functions call, with the names of the SDK's own client and of the
// API reference. Package lean says why it is not the SDK's.
package ssm

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"

	"cloudfront503/pkg/lean"
)

// Options are what one call may have of its own.
type Options = lean.Options

// Client calls Systems Manager. It is safe for concurrent use. Its methods are the operations of the API reference; what
// their errors are, lean.Client says.
type Client struct{ lean lean.Client }

// NewFromConfig is a client of the configuration's Region.
func NewFromConfig(cfg aws.Config) *Client {
	return &Client{lean.New(cfg, lean.Service{ID: "SSM", Name: "ssm", Target: "AmazonSSM"})}
}

// Codes of errors that callers tell apart.
const (
	CodeExecutionNotFound = "AutomationExecutionNotFoundException" // there is no such execution
	CodeTokenReused       = "IdempotentParameterMismatch"          // the client token started another execution
)

// StartAutomationExecution starts a runbook.
func (c *Client) StartAutomationExecution(ctx context.Context, in *StartAutomationExecutionInput, options ...func(*Options)) (*StartAutomationExecutionOutput, error) {
	return call[StartAutomationExecutionOutput](ctx, c, "StartAutomationExecution", in, options)
}

// StopAutomationExecution ends an execution.
func (c *Client) StopAutomationExecution(ctx context.Context, in *StopAutomationExecutionInput, options ...func(*Options)) (*StopAutomationExecutionOutput, error) {
	return call[StopAutomationExecutionOutput](ctx, c, "StopAutomationExecution", in, options)
}

// SendAutomationSignal decides at a gate.
func (c *Client) SendAutomationSignal(ctx context.Context, in *SendAutomationSignalInput, options ...func(*Options)) (*SendAutomationSignalOutput, error) {
	return call[SendAutomationSignalOutput](ctx, c, "SendAutomationSignal", in, options)
}

// GetAutomationExecution reads an execution, with its first steps.
func (c *Client) GetAutomationExecution(ctx context.Context, in *GetAutomationExecutionInput, options ...func(*Options)) (*GetAutomationExecutionOutput, error) {
	return call[GetAutomationExecutionOutput](ctx, c, "GetAutomationExecution", in, options)
}

// DescribeAutomationStepExecutions reads a page of an execution's steps.
func (c *Client) DescribeAutomationStepExecutions(ctx context.Context, in *DescribeAutomationStepExecutionsInput, options ...func(*Options)) (*DescribeAutomationStepExecutionsOutput, error) {
	return call[DescribeAutomationStepExecutionsOutput](ctx, c, "DescribeAutomationStepExecutions", in, options)
}

// DescribeAutomationExecutions reads a page of executions, the newest first.
func (c *Client) DescribeAutomationExecutions(ctx context.Context, in *DescribeAutomationExecutionsInput, options ...func(*Options)) (*DescribeAutomationExecutionsOutput, error) {
	return call[DescribeAutomationExecutionsOutput](ctx, c, "DescribeAutomationExecutions", in, options)
}

// GetCalendarState says whether Change Calendars are open now.
func (c *Client) GetCalendarState(ctx context.Context, in *GetCalendarStateInput, options ...func(*Options)) (*GetCalendarStateOutput, error) {
	return call[GetCalendarStateOutput](ctx, c, "GetCalendarState", in, options)
}

// GetParameter reads a parameter.
func (c *Client) GetParameter(ctx context.Context, in *GetParameterInput, options ...func(*Options)) (*GetParameterOutput, error) {
	return call[GetParameterOutput](ctx, c, "GetParameter", in, options)
}

func call[Out any](ctx context.Context, c *Client, operation string, in any, options []func(*Options)) (*Out, error) {
	out := new(Out)
	if err := c.lean.Call(ctx, operation, in, out, options...); err != nil {
		return nil, err
	}
	return out, nil
}
