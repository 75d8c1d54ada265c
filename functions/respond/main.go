// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Command respond is woken by an alarm. It opens the distribution's incident, saves the configuration, gathers evidence,
// names the cause, and then starts a runbook that waits for people, or tells people why nothing is touched. It writes to
// nothing but its own record.
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
