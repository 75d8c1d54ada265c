// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/spf13/cobra"
)

func openCommand() *cobra.Command {
	a := &account{getenv: os.Getenv}
	command := &cobra.Command{
		Use: "open DISTRIBUTION", Short: "Have the stack look into a distribution, without an alarm", Args: arguments(1, 1),
		Long: "Tells respond that a distribution answers 503, as an alarm would: it saves the configuration, gathers evidence, names the\n" +
			"cause, and asks the approvers or tells on-call why nothing is touched. You are never asked to approve what you asked for.\n" +
			"An incident that is open already hears of it, and no second one is opened.",
		Example: "  cf503 open E2EXAMPLE1ABCD",
		RunE: func(c *cobra.Command, args []string) error {
			if !distributionID.MatchString(args[0]) {
				return usage("%q is no distribution's id, as E2EXAMPLE1ABCD", args[0])
			}
			if err := a.connect(c.Context()); err != nil {
				return a.explain(err)
			}
			if err := a.open(c.Context(), args[0]); err != nil {
				return err
			}
			_, err := fmt.Fprintf(c.OutOrStdout(), "%s looks into %s. What comes of it arrives where on-call is told; an id that the stack does not watch is ignored.\n",
				a.respond(), args[0])
			return err
		},
	}
	a.flags(command)
	command.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage("%s", err) })
	return command
}

// me is the ARN of whom the credentials belong to.
func (a *account) me(ctx context.Context) (*string, error) {
	identity, err := sts.NewFromConfig(a.config).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return nil, fmt.Errorf("who you are: %w", a.explain(err))
	}
	return identity.Arn, nil
}

// open hands respond the wish and does not wait: Lambda keeps it and tries again where respond fails.
func (a *account) open(ctx context.Context, distribution string) error {
	me, err := a.me(ctx)
	if err != nil {
		return err
	}
	payload, err := json.Marshal(map[string]any{
		"cloudfront503": "open", "distribution": distribution, "by": me, "at": a.clock.Now().Format(time.RFC3339Nano),
	})
	if err != nil {
		return err
	}
	name := a.respond()
	_, err = lambda.NewFromConfig(a.config).Invoke(ctx, &lambda.InvokeInput{
		FunctionName: &name, InvocationType: types.InvocationTypeEvent, Payload: payload,
	})
	return a.explain(err)
}
