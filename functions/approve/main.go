// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Command approve takes an approver's reply: it checks the ticket, records the decision and signals the gate in a session
// that bears the approver's name. It can make no ticket, and it can write nothing but decisions.
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
