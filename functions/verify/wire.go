// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"cloudfront503/pkg/approval"
	"cloudfront503/pkg/evidence"
	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/ledger"
	"cloudfront503/pkg/notify"
	"cloudfront503/pkg/runbook"
	"cloudfront503/pkg/settings"
)

// handler is everything that looking after incidents needs.
type handler struct {
	settings  settings.Settings
	approvers []incident.Approver
	ledger    *ledger.Ledger
	bucket    *s3.Client
	gates     runbook.Gates
	metrics   evidence.Metrics
	people    notify.Sender
	functions *lambda.Client
	now       func() time.Time
	log       *slog.Logger
}

// newHandler wires it to AWS.
func newHandler(s settings.Settings, cfg aws.Config, clock *settings.Clock, log *slog.Logger) (handler, error) {
	approvers, err := approval.ParseApprovers(s.Approvers)
	if err != nil {
		return handler{}, err
	}
	bucket := settings.S3(cfg)
	return handler{
		settings: s, approvers: approvers, bucket: bucket,
		ledger:    ledger.New(bucket, s.Bucket, "verify", clock.Now),
		gates:     runbook.Gates{SSM: ssm.NewFromConfig(cfg)},
		metrics:   cloudwatch.NewFromConfig(cfg),
		people:    notify.Sender{SNS: sns.NewFromConfig(cfg)},
		functions: lambda.NewFromConfig(cfg),
		now:       clock.Now, log: log,
	}, nil
}

// wakeRespond hands an incident whose holder died back to respond.
func (h handler) wakeRespond(ctx context.Context, reference incident.Reference) error {
	payload, err := json.Marshal(map[string]string{"cloudfront503": "resume", "distribution": reference.Distribution, "id": reference.ID})
	if err != nil {
		return fmt.Errorf("resume %s: %w", reference, err)
	}
	_, err = h.functions.Invoke(ctx, &lambda.InvokeInput{
		FunctionName: aws.String(h.settings.Function("respond")), InvocationType: lambdatypes.InvocationTypeEvent, Payload: payload,
	})
	if err != nil {
		return fmt.Errorf("resume %s: %w", reference, err)
	}
	h.log.InfoContext(ctx, "handed back to respond", "stage", "ledger", "incident", reference.String())
	return nil
}

// keep writes an object that is no incident's.
func (h handler) keep(ctx context.Context, key string, body []byte) error {
	_, err := h.bucket.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &h.settings.Bucket, Key: &key, Body: bytes.NewReader(body), ContentType: aws.String("application/json"),
		ChecksumAlgorithm: s3types.ChecksumAlgorithmSha256,
	})
	return err
}

func requestID(ctx context.Context) string {
	if lambda, ok := lambdacontext.FromContext(ctx); ok {
		return lambda.AwsRequestID
	}
	return "no-request"
}
