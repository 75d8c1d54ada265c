// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"cloudfront503/pkg/approval"
	"cloudfront503/pkg/evidence"
	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/ledger"
	"cloudfront503/pkg/notify"
	"cloudfront503/pkg/runbook"
	"cloudfront503/pkg/settings"
	"cloudfront503/pkg/snapshot"
)

// handler is everything that the story needs.
type handler struct {
	settings  settings.Settings
	approvers []incident.Approver
	ledger    *ledger.Ledger
	snapshots *snapshot.Store
	evidence  *evidence.Gatherer
	kept      keptHealth
	key       approval.KeyMaker
	tickets   approval.Issuer
	runbooks  runbook.Starter
	people    notify.Sender
	alarms    *cloudwatch.Client
	now       func() time.Time
	log       *slog.Logger
}

// newHandler wires the story to AWS.
func newHandler(s settings.Settings, cfg aws.Config, clock *settings.Clock, log *slog.Logger) (handler, error) {
	approvers, err := approval.ParseApprovers(s.Approvers)
	if err != nil {
		return handler{}, err
	}
	bucket, edge := settings.S3(cfg), cloudfront.NewFromConfig(cfg)
	key := approval.KeyMaker{KMS: kms.NewFromConfig(cfg), Key: s.MACKey}
	kept := keptHealth{s3: bucket, bucket: s.Bucket}
	return handler{
		settings: s, approvers: approvers,
		ledger:    ledger.New(bucket, s.Bucket, "respond", clock.Now),
		snapshots: snapshot.New(edge, bucket, s.Bucket, clock.Now),
		kept:      kept, key: key, tickets: approval.Issuer{MACs: key},
		runbooks: runbook.Starter{SSM: ssm.NewFromConfig(cfg)},
		people:   notify.Sender{SNS: sns.NewFromConfig(cfg)},
		alarms:   cloudwatch.NewFromConfig(cfg),
		now:      clock.Now, log: log,
		evidence: &evidence.Gatherer{
			Metrics:   func(region string) evidence.Metrics { return cloudwatch.NewFromConfig(in(cfg, region)) },
			Trail:     func(region string) evidence.Trail { return cloudtrail.NewFromConfig(in(cfg, region)) },
			Quotas:    func(region string) evidence.Quotas { return servicequotas.NewFromConfig(in(cfg, region)) },
			Lambda:    func(region string) evidence.Lambda { return lambda.NewFromConfig(in(cfg, region)) },
			Balancers: func(region string) evidence.Balancers { return elasticloadbalancingv2.NewFromConfig(in(cfg, region)) },
			Classic:   func(region string) evidence.Classic { return elasticloadbalancing.NewFromConfig(in(cfg, region)) },
			Roles:     iam.NewFromConfig(cfg), CloudFront: edge, Logs: bucket, Health: kept.files, Probe: evidence.NewProber(),
			Regions: s.EdgeRegions, Paths: s.ProbePaths, Now: clock.Now,
		},
	}, nil
}

// in is the configuration for another Region.
func in(cfg aws.Config, region string) aws.Config {
	cfg = cfg.Copy()
	cfg.Region = region
	return cfg
}
