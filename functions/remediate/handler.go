// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/ledger"
	"cloudfront503/pkg/remedy"
)

// call is what a runbook's step asks.
type call struct {
	Action    string `json:"action"`    // claim, apply, note; or, of the runbook that takes a change back, claim-undo, undo, note-undo
	Incident  string `json:"incident"`  // E2EXAMPLE/000007
	Execution string `json:"execution"` // {{ automation:EXECUTION_ID }}
	Note      string `json:"note"`      // of action note, see pkg/runbook
}

// handler does what a step asks.
type handler struct {
	writer remedy.Writer
	ledger *ledger.Ledger
	log    *slog.Logger
}

// Handle answers a plain string, on which the runbook branches: claimed, taken, written, void, noted, or "refused: " and
// why. An error is a fault worth another try of the step.
func (h handler) Handle(ctx context.Context, c call) (string, error) {
	order, err := c.order()
	if err != nil {
		return "refused: " + err.Error(), nil
	}
	answer, err := h.do(ctx, c, order)
	h.log.InfoContext(ctx, "asked by a runbook", "stage", "remedy", "action", c.Action, "incident", c.Incident,
		"execution", c.Execution, "answer", answer, "error", err)
	return answer, err
}

func (h handler) do(ctx context.Context, c call, order remedy.Order) (string, error) {
	action, back := strings.CutSuffix(c.Action, "-undo")
	order.Back = back || action == "undo"
	switch action {
	case "claim":
		return h.claim(ctx, order)
	case "apply":
		if !order.Back {
			return h.apply(ctx, order)
		}
	case "undo":
		return h.undo(ctx, order)
	case "note":
		return h.note(ctx, order, c.Note)
	}
	return fmt.Sprintf("refused: no action %q", c.Action), nil
}

// order reads the incident's name and the execution.
func (c call) order() (remedy.Order, error) {
	distribution, id, found := strings.Cut(c.Incident, "/")
	if !found || distribution == "" || id == "" || strings.ContainsAny(distribution+id, "/.") || c.Execution == "" {
		return remedy.Order{}, errors.New("no incident or no execution is named")
	}
	return remedy.Order{
		Incident: incident.Reference{Distribution: distribution, ID: id}, Distribution: distribution, Execution: c.Execution,
	}, nil
}
