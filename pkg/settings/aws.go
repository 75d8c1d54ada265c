// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package settings

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
)

// Lambda is the configuration for all clients of a function, from what Lambda puts into its environment. The SDK's own
// search also knows profiles, single sign-on and instance roles; none exists in a Lambda, and each is part of its start-up.
// Source: "Defined runtime environment variables", "Service-specific endpoints".
func Lambda(getenv func(string) string) (aws.Config, *Clock, error) {
	region, key, secret := getenv("AWS_REGION"), getenv("AWS_ACCESS_KEY_ID"), getenv("AWS_SECRET_ACCESS_KEY")
	if region == "" || key == "" || secret == "" {
		return aws.Config{}, nil, errors.New("aws configuration: AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not all given")
	}
	cfg := aws.Config{
		Region:        region,
		Credentials:   credentials.NewStaticCredentialsProvider(key, secret, getenv("AWS_SESSION_TOKEN")),
		ConfigSources: []any{endpoints(getenv)},
	}
	if endpoint := getenv("AWS_ENDPOINT_URL"); endpoint != "" {
		cfg.BaseEndpoint = &endpoint
	}
	cfg, clock := Follow(cfg)
	return cfg, clock, nil
}

// endpoints tells the SDK's clients of an endpoint that is given for one service alone.
type endpoints func(string) string

// GetServiceBaseEndpoint is asked with the service's name, as "CloudWatch Logs".
func (e endpoints) GetServiceBaseEndpoint(_ context.Context, service string) (string, bool, error) {
	endpoint := e("AWS_ENDPOINT_URL_" + strings.ToUpper(strings.ReplaceAll(service, " ", "_")))
	return endpoint, endpoint != "", nil
}

// Follow gives a configuration that tries as often as a function may, and the clock that follows the answers to its calls.
func Follow(cfg aws.Config) (aws.Config, *Clock) {
	clock := &Clock{}
	cfg = cfg.Copy()
	cfg.APIOptions = append(cfg.APIOptions, []func(*middleware.Stack) error{clock.follow}...)
	cfg.Retryer = newRetryer
	return cfg, clock
}

// newRetryer waits at most 5 s between tries: a function's time-out is minutes, and people wait.
func newRetryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = 4
		o.MaxBackoff = 5 * time.Second
	})
}

// S3 is a client that also works against an endpoint that has no host name a bucket.
func S3(cfg aws.Config) *s3.Client {
	return s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = cfg.BaseEndpoint != nil })
}

// Start reads the environment: what every function's main begins with.
func Start(getenv func(string) string) (Settings, aws.Config, *Clock, error) {
	s, err := Load(getenv)
	if err != nil {
		return Settings{}, aws.Config{}, nil, err
	}
	cfg, clock, err := Lambda(getenv)
	return s, cfg, clock, err
}
