// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Command remediate is invoked by a runbook's steps: it claims the incident's execution slot, makes the approved change,
// and notes how an execution went. It is the only program that may write to CloudFront, and it believes nothing in the
// event that wakes it: whether the change is approved it reads for itself.
package main

import (
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"cloudfront503/pkg/settings"
)

func main() {
	log := lambdacontext.NewLogger()
	s, cfg, clock, err := settings.Start(os.Getenv)
	if err != nil {
		log.Error("settings", "error", err)
		os.Exit(1)
	}
	h, err := newHandler(s, cfg, clock, log)
	if err != nil {
		log.Error("settings", "error", err)
		os.Exit(1)
	}
	lambda.Start(h.Handle)
}
