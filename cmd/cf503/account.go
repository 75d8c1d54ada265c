// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/smithy-go"
	"github.com/spf13/cobra"

	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/settings"
	"cloudfront503/pkg/snapshot"
)

// home is the Region of every stack: CloudFront's metrics and events are there, and nowhere else.
const home = "us-east-1"

// The exit statuses beyond 0, and 1 for what AWS does not do.
const (
	statusUsage   = 2 // what was asked for does not exist, or is not understood
	statusDiffers = 3 // with --exit-code
	statusRefused = 4 // the stack refuses what was asked
)

// failure is an error with an exit status of its own.
type failure struct {
	status int
	text   string
}

// Error is the text.
func (f failure) Error() string { return f.text }

// Code is the exit status.
func (f failure) Code() int { return f.status }

func usage(format string, args ...any) error {
	return failure{statusUsage, fmt.Sprintf(format, args...)}
}

// account is a stack in a person's AWS account, reached with that person's own credentials.
type account struct {
	stack  string
	bucket string // empty: the stack's own
	getenv func(string) string
	config aws.Config
	clock  *settings.Clock
}

// flags let a person say which stack is meant.
func (a *account) flags(command *cobra.Command) {
	flags := command.PersistentFlags()
	flags.StringVar(&a.stack, "stack", "cloudfront503", "name of the CloudFormation stack, in "+home)
	flags.StringVar(&a.bucket, "bucket", "", "the stack's bucket; default $CF503_BUCKET, else as the stack's respond function says")
}

// connect loads the person's credentials. The stack is in its Region whatever the person's own is.
func (a *account) connect(ctx context.Context) error {
	loaded, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return fmt.Errorf("aws configuration: %w", err)
	}
	a.config, a.clock = settings.Follow(loaded)
	a.config.Region = home
	return nil
}

func (a *account) respond() string { return a.stack + "-respond" }

// find says which bucket it is: as given, as the environment says, else as the stack's own function is told.
func (a *account) find(ctx context.Context) error {
	if a.bucket == "" {
		a.bucket = strings.TrimSpace(a.getenv("CF503_BUCKET"))
	}
	if a.bucket != "" {
		return nil
	}
	name := a.respond()
	out, err := lambda.NewFromConfig(a.config).GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &name})
	if err != nil {
		return fmt.Errorf("which bucket is the stack's: %w", a.explain(err))
	}
	if out.Environment != nil {
		a.bucket = out.Environment.Variables["CF503_BUCKET"]
	}
	if a.bucket == "" {
		return usage("function %s names no bucket: give it with --bucket", name)
	}
	return nil
}

// store reads snapshots, with the person's credentials.
func (a *account) store() *snapshot.Store {
	return snapshot.New(cloudfront.NewFromConfig(a.config), settings.S3(a.config), a.bucket, a.clock.Now)
}

// advice is what helps against an error of AWS, by its code.
var advice = map[string]string{
	"NoSuchBucket":                 "there is no bucket {bucket}: give the stack's with --bucket, or its name with --stack",
	"PermanentRedirect":            "bucket {bucket} is in another Region than " + home + ", so it is not a stack's",
	"AuthorizationHeaderMalformed": "bucket {bucket} is in another Region than " + home + ", so it is not a stack's",
	"NoSuchDistribution":           "there is no such distribution in the account of your credentials",
	"ResourceNotFoundException":    "there is no function {function} in " + home + ": give the stack's name with --stack, and look whose credentials these are",
	"ExpiredToken":                 "your credentials have expired: log in again",
	"ExpiredTokenException":        "your credentials have expired: log in again",
	"InvalidClientTokenId":         "AWS does not know your credentials",
	"InvalidAccessKeyId":           "AWS does not know your credentials",
	"UnrecognizedClientException":  "AWS does not know your credentials",
	"SignatureDoesNotMatch":        "your secret key is not that of your access key",
	"AccessDenied":                 "you may not: {said}",
	"AccessDeniedException":        "you may not: {said}",
	"AccessDeniedError":            "you may not: {said}",
}

// explain says of an error of AWS what it means here, and what helps; any other stays as it is.
func (a *account) explain(err error) error {
	var api smithy.APIError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, snapshot.ErrMissing):
		return usage("%s; `cf503 snapshot list` shows what there is", incident.Line(err.Error(), 300))
	case errors.As(err, &api):
		if help, known := advice[api.ErrorCode()]; known {
			text := strings.NewReplacer("{bucket}", a.bucket, "{function}", a.respond(), "{said}", incident.Line(api.ErrorMessage(), 400)).Replace(help)
			return failure{1, text}
		}
	case strings.Contains(err.Error(), "failed to refresh cached credentials"), strings.Contains(err.Error(), "no EC2 IMDS role found"):
		return failure{1, "no credentials: set AWS_PROFILE, or log in (aws sso login)"}
	}
	return err
}
