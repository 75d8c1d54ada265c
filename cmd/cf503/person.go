// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/settings"
)

// person is who runs a command, with the own credentials.
type person struct {
	cfg     aws.Config
	clock   *settings.Clock
	arn     string // as sts:GetCallerIdentity gives it
	account string
}

// whoAmI asks AWS whose credentials the environment has.
func whoAmI(ctx context.Context) (person, error) {
	var a account
	if err := a.connect(ctx); err != nil {
		return person{}, err
	}
	out, err := sts.NewFromConfig(a.config).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return person{}, fmt.Errorf("AWS does not say who you are: %w", a.explain(err))
	}
	return person{cfg: a.config, clock: a.clock, arn: aws.ToString(out.Arn), account: aws.ToString(out.Account)}, nil
}

// stack reads what a stack's functions are told, which names everything in it.
func (p person) stack(ctx context.Context, name string) (settings.Settings, error) {
	function := name + "-approve"
	out, err := lambda.NewFromConfig(p.cfg).GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &function})
	var missing *types.ResourceNotFoundException
	switch {
	case errors.As(err, &missing):
		return settings.Settings{}, fmt.Errorf("no stack %s in account %s, Region %s: name yours with --stack, and use credentials of its account", name, p.account, home)
	case err != nil:
		return settings.Settings{}, fmt.Errorf("stack %s: %w", name, err)
	case out.Environment == nil:
		return settings.Settings{}, fmt.Errorf("stack %s: its function %s has no settings", name, function)
	}
	s, err := settings.Load(func(variable string) string {
		if variable == "AWS_REGION" {
			return home
		}
		return out.Environment.Variables[variable]
	})
	if err != nil {
		return settings.Settings{}, fmt.Errorf("stack %s: %w", name, err)
	}
	return s, nil
}

// among finds the person among the approvers: the user, or the role's session that bears the approver's name.
func (p person) among(approvers []incident.Approver) (incident.Approver, bool) {
	for _, approver := range approvers {
		if p.arn == approver.Principal || p.arn == sessionOf(approver) {
			return approver, true
		}
	}
	return incident.Approver{}, false
}

// sessionOf is the ARN of an approver's own session of the role that is its principal; empty where that is a user.
func sessionOf(approver incident.Approver) string {
	head, role, found := strings.Cut(approver.Principal, ":role/")
	if !found {
		return ""
	}
	head = strings.Replace(head, ":iam:", ":sts:", 1)
	return head + ":assumed-role/" + role[strings.LastIndex(role, "/")+1:] + "/" + approver.Name
}
