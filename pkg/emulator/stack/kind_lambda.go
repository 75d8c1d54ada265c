// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package stack

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/lambda"
)

// functionProperties are those of AWS::Serverless::Function after the transform.
type functionProperties struct {
	FunctionName, Description, CodeUri, Role, Handler, Runtime scalar
	MemorySize, Timeout, ReservedConcurrentExecutions          scalar
	RecursiveLoop, Tracing                                     scalar
	Architectures                                              []scalar
	Environment                                                struct{ Variables map[string]scalar }
	LoggingConfig                                              struct{ LogFormat, LogGroup scalar }
	EventInvokeConfig                                          invokeConfig
	DeadLetterQueue                                            struct{ Type, TargetArn scalar }
	Tags                                                       map[string]scalar
}

type invokeConfig struct {
	MaximumRetryAttempts, MaximumEventAgeInSeconds scalar
	DestinationConfig                              struct {
		OnFailure struct{ Type, Destination scalar }
	}
}

func makeFunction(b *builder, logical string, properties any) (*Resource, error) {
	var p functionProperties
	if err := decode(properties, &p); err != nil {
		return nil, err
	}
	f, err := b.function(logical, p)
	if err != nil {
		return nil, err
	}
	if err := b.checkRole(f); err != nil {
		return nil, err
	}
	arn, err := b.options.Lambda.Create(f)
	if err != nil {
		return nil, err
	}
	if err := b.reserve(arn, p.ReservedConcurrentExecutions); err != nil {
		return nil, within("ReservedConcurrentExecutions", err)
	}
	return &Resource{ID: f.Name, Attributes: map[string]string{"Arn": arn}}, nil
}

func (b *builder) reserve(arn string, concurrency scalar) error {
	n, err := concurrency.pointer()
	if err != nil || n == nil {
		return err
	}
	return b.options.Lambda.Reserve(arn, *n)
}

// function is what Lambda is asked to make.
func (b *builder) function(logical string, p functionProperties) (lambda.Function, error) {
	f := lambda.Function{
		Name: b.physical(p.FunctionName, logical, 64), Description: string(p.Description), Role: string(p.Role),
		Handler: string(p.Handler), Runtime: string(p.Runtime), LogFormat: string(p.LoggingConfig.LogFormat),
		Environment: map[string]string{}, Arch: "x86_64",
	}
	if len(p.Architectures) > 0 {
		f.Arch = string(p.Architectures[0])
	}
	for name, value := range p.Environment.Variables {
		f.Environment[name] = string(value)
	}
	var errs [4]error
	f.Memory, errs[0] = p.MemorySize.int(128)
	f.Timeout, errs[1] = p.Timeout.int(3)
	f.Bootstrap, errs[2] = b.executable(logical, string(p.CodeUri))
	f.Async, errs[3] = asyncOf(p)
	return f, errors.Join(errs[:]...)
}

// executable finds what a function runs by its logical name, or by the base of its CodeUri: dist/respond.zip and
// functions/respond are both respond.
func (b *builder) executable(logical, code string) (string, error) {
	base := strings.TrimSuffix(path.Base(code), ".zip")
	for _, name := range []string{logical, base} {
		if file, ok := b.options.Functions[name]; ok {
			return file, nil
		}
	}
	return "", fmt.Errorf("no executable is given for %s (%s)", logical, base)
}

func asyncOf(p functionProperties) (lambda.Async, error) {
	retries, err := p.EventInvokeConfig.MaximumRetryAttempts.pointer()
	if err != nil {
		return lambda.Async{}, within("MaximumRetryAttempts", err)
	}
	age, err := p.EventInvokeConfig.MaximumEventAgeInSeconds.int(0)
	if err != nil {
		return lambda.Async{}, within("MaximumEventAgeInSeconds", err)
	}
	failure := p.EventInvokeConfig.DestinationConfig.OnFailure
	for _, kind := range []scalar{failure.Type, p.DeadLetterQueue.Type} {
		if kind != "" && kind != "SQS" && kind != "SNS" {
			return lambda.Async{}, fmt.Errorf("destination type %s is not emulated", kind)
		}
	}
	return lambda.Async{
		Retries: retries, Age: age, OnFailure: string(failure.Destination), DeadLetters: string(p.DeadLetterQueue.TargetArn),
	}, nil
}

// checkRole refuses what Lambda refuses when a function is made: a role that does not trust it, or that may not send to
// where the function's failures go.
func (b *builder) checkRole(f lambda.Function) error {
	w := b.options.World
	role, ok := w.Identity.Role(f.Role)
	if !ok {
		return fmt.Errorf("role %s does not exist", f.Role)
	}
	itself := kernel.Principal{ARN: "lambda.amazonaws.com", Service: "lambda.amazonaws.com"}
	assume := kernel.Access{Action: "sts:AssumeRole", Resources: []string{f.Role}, Policy: role.Trust}
	if _, err := w.Authorize(itself, "sts", w.Region, assume); err != nil {
		return fmt.Errorf("the role defined for the function cannot be assumed by Lambda: %w", err)
	}
	credentials, err := w.Identity.Session(f.Role, f.Name, "", nil)
	if err != nil {
		return err
	}
	for _, target := range []string{f.Async.OnFailure, f.Async.DeadLetters} {
		if err := b.maySend(w.Identity.Principal(credentials.AccessKeyID), target); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) maySend(caller kernel.Principal, target string) error {
	if target == "" {
		return nil
	}
	service, action := "sqs", "sqs:SendMessage"
	if strings.HasPrefix(target, "arn:aws:sns:") {
		service, action = "sns", "sns:Publish"
	}
	_, err := b.options.World.Authorize(caller, service, b.options.World.Region, kernel.Access{Action: action, Resources: []string{target}})
	return err
}

func makePermission(b *builder, logical string, properties any) (*Resource, error) {
	var p struct{ FunctionName, Action, Principal, SourceArn, SourceAccount scalar }
	if err := decode(properties, &p); err != nil {
		return nil, err
	}
	id := b.physical("", logical, 100)
	return &Resource{ID: id}, b.options.Lambda.AddPermission(string(p.FunctionName), lambda.Permission{
		ID: id, Action: string(p.Action), Principal: string(p.Principal), SourceARN: string(p.SourceArn), SourceAccount: string(p.SourceAccount),
	})
}
