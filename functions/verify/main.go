// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Command verify looks after open incidents: when a runbook changes its status, when AWS Health speaks, and every five
// minutes. It escalates gates that nobody answers, tells people how runbooks ended, compares before and after a change,
// offers the way back, closes, and wakes respond where its work was left undone.
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
