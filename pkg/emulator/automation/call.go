// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package automation

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

// clients are the services that aws:executeAwsApi reaches, by boto3's names.
var clients = map[string]func(aws.Config) any{
	"cloudfront":     func(c aws.Config) any { return cloudfront.NewFromConfig(c) },
	"cloudwatch":     func(c aws.Config) any { return cloudwatch.NewFromConfig(c) },
	"elbv2":          func(c aws.Config) any { return elasticloadbalancingv2.NewFromConfig(c) },
	"iam":            func(c aws.Config) any { return iam.NewFromConfig(c) },
	"kms":            func(c aws.Config) any { return kms.NewFromConfig(c) },
	"lambda":         func(c aws.Config) any { return lambda.NewFromConfig(c) },
	"s3":             newS3,
	"service-quotas": func(c aws.Config) any { return servicequotas.NewFromConfig(c) },
	"sns":            func(c aws.Config) any { return sns.NewFromConfig(c) },
	"sqs":            func(c aws.Config) any { return sqs.NewFromConfig(c) },
	"ssm":            func(c aws.Config) any { return ssm.NewFromConfig(c) },
	"sts":            func(c aws.Config) any { return sts.NewFromConfig(c) },
}

func newS3(c aws.Config) any {
	return s3.NewFromConfig(c, func(o *s3.Options) { o.UsePathStyle = true })
}

// errTooSlow is a call that took longer than its action may.
var errTooSlow = errors.New("the call took too long")

// call makes one call over the emulator's own wire, signed by the execution's session. The inputs have the API's own names,
// as boto3 has them; the answer has them too.
func (e *execution) call(service, operation string, inputs map[string]any, limit time.Duration) (map[string]any, error) {
	newClient, ok := clients[service]
	if !ok {
		e.x.world.Strict("aws:executeAwsApi: no client for service %q", service)
		return nil, fmt.Errorf("unknown service: %q", service)
	}
	method := reflect.ValueOf(newClient(e.config())).MethodByName(operation)
	if !isOperation(method) {
		return nil, fmt.Errorf("service %s has no operation %q", service, operation)
	}
	input := reflect.New(method.Type().In(1).Elem())
	if err := fill(input.Elem(), inputs, operation); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	answer := method.Call([]reflect.Value{reflect.ValueOf(ctx), input})
	if err, failed := answer[1].Interface().(error); failed {
		return nil, callError(ctx, operation, err)
	}
	return plainAnswer(answer[0].Elem())
}

// isOperation says whether a client's method is one of its API's operations: func(ctx, *Input, ...func(*Options)) (*Output, error).
func isOperation(method reflect.Value) bool {
	return method.IsValid() && method.Type().IsVariadic() && method.Type().NumIn() == 3 && method.Type().NumOut() == 2
}

// callError words an error as boto3 does, which is what a step's failure message holds.
func callError(ctx context.Context, operation string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", operation, errTooSlow)
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		return &refusal{api, operation}
	}
	return err
}

// refusal is an AWS error in boto3's words.
type refusal struct {
	smithy.APIError
	operation string
}

// Error implements error.
func (r *refusal) Error() string {
	return fmt.Sprintf("An error occurred (%s) when calling the %s operation: %s", r.ErrorCode(), r.operation, r.ErrorMessage())
}

// config signs with the execution's session. Throttled calls are made three times, as often as by default, but at once.
func (e *execution) config() aws.Config {
	c := e.session.credentials
	return aws.Config{
		Region: e.record.Region, BaseEndpoint: &e.x.world.Endpoint, HTTPClient: e.x.wire,
		Credentials: credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken),
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = 5 * time.Millisecond })
		},
	}
}
