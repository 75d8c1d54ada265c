// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package settings

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
)

// AWS is the configuration for all clients of a function, and the clock that follows their answers.
func AWS(ctx context.Context) (aws.Config, *Clock, error) {
	clock := &Clock{}
	cfg, err := config.LoadDefaultConfig(ctx,
		config.WithAPIOptions([]func(*middleware.Stack) error{clock.follow}),
		config.WithRetryer(newRetryer))
	if err != nil {
		return aws.Config{}, nil, fmt.Errorf("aws configuration: %w", err)
	}
	return cfg, clock, nil
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

// Start reads the environment and loads AWS: what every function's main begins with.
func Start(ctx context.Context, getenv func(string) string) (Settings, aws.Config, *Clock, error) {
	s, err := Load(getenv)
	if err != nil {
		return Settings{}, aws.Config{}, nil, err
	}
	cfg, clock, err := AWS(ctx)
	return s, cfg, clock, err
}
