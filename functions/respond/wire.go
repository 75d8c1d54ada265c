// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/accessanalyzer"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"cloudfront503/pkg/approval"
	"cloudfront503/pkg/evidence"
	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/lean/kms"
	"cloudfront503/pkg/lean/logs"
	"cloudfront503/pkg/lean/ssm"
	"cloudfront503/pkg/ledger"
	"cloudfront503/pkg/notify"
	"cloudfront503/pkg/remedy"
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
	edge      *cloudfront.Client
	pointing  snapshot.Pointing
	analyzer  *accessanalyzer.Client
	looks     remedy.Switches
	kept      keptHealth
	key       approval.KeyMaker
	tickets   approval.Issuer
	runbooks  runbook.Starter
	calendars *ssm.Client
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
	automations, alarms := ssm.NewFromConfig(cfg), cloudwatch.NewFromConfig(cfg)
	gatherer := evidence.Live(cfg, bucket, s.Bucket)
	gatherer.Regions, gatherer.Paths, gatherer.Now = s.EdgeRegions, s.ProbePaths, clock.Now
	return handler{
		settings: s, approvers: approvers,
		ledger:    ledger.New(bucket, s.Bucket, "respond", clock.Now),
		snapshots: snapshot.New(edge, bucket, s.Bucket, clock.Now),
		evidence:  gatherer,
		edge:      edge, pointing: snapshot.NewPointing(cfg), analyzer: accessanalyzer.NewFromConfig(cfg),
		looks: remedy.Switches{Edge: edge, Logs: logs.NewFromConfig(cfg), Alarms: alarms},
		kept:  keptHealth{evidence.KeptHealth{S3: bucket, Bucket: s.Bucket}},
		key:   key, tickets: approval.Issuer{MACs: key},
		runbooks: runbook.Starter{SSM: automations}, calendars: automations,
		people: notify.Sender{SNS: sns.NewFromConfig(cfg), From: s.SMSNumber},
		alarms: alarms,
		now:    clock.Now, log: log,
	}, nil
}
