// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package ssm

import (
	"context"
	"iter"

	"cloudfront503/pkg/lean"
)

type describingSteps interface {
	DescribeAutomationStepExecutions(context.Context, *DescribeAutomationStepExecutionsInput, ...func(*Options)) (*DescribeAutomationStepExecutionsOutput, error)
}

type describing interface {
	DescribeAutomationExecutions(context.Context, *DescribeAutomationExecutionsInput, ...func(*Options)) (*DescribeAutomationExecutionsOutput, error)
}

// Steps are all steps of an execution, in the order in which they ran.
func Steps(ctx context.Context, client describingSteps, execution string) ([]StepExecution, error) {
	forward := false
	return lean.All(lean.Pages(func(token *string) ([]StepExecution, *string, error) {
		out, err := client.DescribeAutomationStepExecutions(ctx, &DescribeAutomationStepExecutionsInput{
			AutomationExecutionId: &execution, ReverseOrder: &forward, NextToken: token,
		})
		if err != nil {
			return nil, nil, err
		}
		return out.StepExecutions, out.NextToken, nil
	}))
}

// Executions are the pages of the executions that pass the filters. An error ends them.
func Executions(ctx context.Context, client describing, filters ...AutomationExecutionFilter) iter.Seq2[[]AutomationExecutionMetadata, error] {
	return lean.Pages(func(token *string) ([]AutomationExecutionMetadata, *string, error) {
		out, err := client.DescribeAutomationExecutions(ctx, &DescribeAutomationExecutionsInput{Filters: filters, NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return out.AutomationExecutionMetadataList, out.NextToken, nil
	})
}
