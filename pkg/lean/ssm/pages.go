// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package ssm

import (
	"context"
	"fmt"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
)

type describingSteps interface {
	DescribeAutomationStepExecutions(context.Context, *DescribeAutomationStepExecutionsInput, ...func(*Options)) (*DescribeAutomationStepExecutionsOutput, error)
}

type describing interface {
	DescribeAutomationExecutions(context.Context, *DescribeAutomationExecutionsInput, ...func(*Options)) (*DescribeAutomationExecutionsOutput, error)
}

// Steps are all steps of an execution, in the order in which they ran. An error ends them.
func Steps(ctx context.Context, client describingSteps, execution string) ([]StepExecution, error) {
	var all []StepExecution
	forward := false
	for page, err := range pages(func(token *string) ([]StepExecution, *string, error) {
		out, err := client.DescribeAutomationStepExecutions(ctx, &DescribeAutomationStepExecutionsInput{
			AutomationExecutionId: &execution, ReverseOrder: &forward, NextToken: token,
		})
		if err != nil {
			return nil, nil, err
		}
		return out.StepExecutions, out.NextToken, nil
	}) {
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
	}
	return all, nil
}

// Executions are the pages of the executions that pass the filters. An error ends them.
func Executions(ctx context.Context, client describing, filters ...AutomationExecutionFilter) iter.Seq2[[]AutomationExecutionMetadata, error] {
	return pages(func(token *string) ([]AutomationExecutionMetadata, *string, error) {
		out, err := client.DescribeAutomationExecutions(ctx, &DescribeAutomationExecutionsInput{Filters: filters, NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return out.AutomationExecutionMetadataList, out.NextToken, nil
	})
}

// pages asks until no token comes, or the same one again, which would never end.
func pages[T any](ask func(token *string) ([]T, *string, error)) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		var token *string
		for {
			page, next, err := ask(token)
			if err == nil && next != nil && aws.ToString(next) == aws.ToString(token) {
				err = fmt.Errorf("the page after %q is itself", aws.ToString(next))
			}
			if !yield(page, err) || err != nil || aws.ToString(next) == "" {
				return
			}
			token = next
		}
	}
}
