// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Command baseline saves distributions' configurations while nothing is wrong: after every change that CloudTrail
// reports, and every hour; and it says which of them has served healthily.
package main

import (
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"cloudfront503/pkg/ledger"
	"cloudfront503/pkg/settings"
	"cloudfront503/pkg/snapshot"
)

func main() {
	log := lambdacontext.NewLogger()
	s, cfg, clock, err := settings.Start(os.Getenv)
	if err != nil {
		log.Error("settings", "error", err)
		os.Exit(1)
	}
	bucket, edge := settings.S3(cfg), cloudfront.NewFromConfig(cfg)
	h := handler{
		settings:  s,
		snapshots: snapshot.New(edge, bucket, s.Bucket, clock.Now),
		pointing:  snapshot.NewPointing(cfg),
		larger:    snapshot.Larger{CloudFront: edge, Values: newStores(cfg)},
		ledger:    ledger.New(bucket, s.Bucket, "baseline", clock.Now),
		metrics:   cloudwatch.NewFromConfig(cfg),
		now:       clock.Now,
		log:       log,
	}
	lambda.Start(h.Handle)
}
