// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"cloudfront503/pkg/approval"
	"cloudfront503/pkg/evidence"
	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/lean/ssm"
	"cloudfront503/pkg/ledger"
	"cloudfront503/pkg/notify"
	"cloudfront503/pkg/runbook"
	"cloudfront503/pkg/settings"
)

// handler is everything that looking after incidents needs.
type handler struct {
	settings   settings.Settings
	approvers  []incident.Approver
	ledger     *ledger.Ledger
	bucket     *s3.Client
	gates      runbook.Gates
	metrics    evidence.Metrics
	quotas     deciding
	evidence   *evidence.Gatherer
	people     notify.Sender
	functions  *lambda.Client
	executions *ssm.Client
	wiki       wiki // nil where pages go to none
	now        func() time.Time
	log        *slog.Logger
}

// newHandler wires it to AWS.
func newHandler(s settings.Settings, cfg aws.Config, clock *settings.Clock, log *slog.Logger) (handler, error) {
	approvers, err := approval.ParseApprovers(s.Approvers)
	if err != nil {
		return handler{}, err
	}
	bucket, executions := settings.S3(cfg), ssm.NewFromConfig(cfg)
	gatherer := evidence.Live(cfg, bucket, s.Bucket)
	gatherer.Regions, gatherer.Paths, gatherer.Now = s.EdgeRegions, s.ProbePaths, clock.Now
	h := handler{
		settings: s, approvers: approvers, bucket: bucket,
		ledger: ledger.New(bucket, s.Bucket, "verify", clock.Now),
		gates:  runbook.Gates{SSM: executions}, executions: executions, evidence: gatherer,
		metrics: cloudwatch.NewFromConfig(cfg), quotas: servicequotas.NewFromConfig(cfg),
		people:    notify.Sender{SNS: sns.NewFromConfig(cfg)},
		functions: lambda.NewFromConfig(cfg),
		now:       clock.Now, log: log,
	}
	if s.Wiki.URL != "" {
		h.wiki = newConfluence(s.Wiki, executions, http.DefaultTransport)
	}
	return h, nil
}

// askRespond hands an incident to respond: to resume it where its holder died, or to open a new one in its place.
func (h handler) askRespond(ctx context.Context, verb string, reference incident.Reference) error {
	return h.ask(ctx, "respond", verb, reference)
}

// ask hands an incident to another function.
func (h handler) ask(ctx context.Context, function, verb string, reference incident.Reference) error {
	_, err := h.functions.Invoke(ctx, &lambda.InvokeInput{
		FunctionName: aws.String(h.settings.Function(function)), InvocationType: lambdatypes.InvocationTypeEvent, Payload: request(verb, reference),
	})
	if err != nil {
		return fmt.Errorf("%s %s: %w", verb, reference, err)
	}
	h.log.InfoContext(ctx, "handed over", "stage", "ledger", "incident", reference.String(), "to", function, "request", verb)
	return nil
}

// request is what another function is asked about an incident. Ids are letters and digits.
func request(verb string, reference incident.Reference) []byte {
	return fmt.Appendf(nil, `{"cloudfront503":%q,"distribution":%q,"id":%q}`, verb, reference.Distribution, reference.ID)
}

// stopGate ends the incident's execution, which waits for people.
func (w *watch) stopGate(ctx context.Context) error {
	_, err := w.executions.StopAutomationExecution(ctx, &ssm.StopAutomationExecutionInput{
		AutomationExecutionId: &w.execution.ID, Type: ssm.StopTypeCancel,
	})
	return err
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
