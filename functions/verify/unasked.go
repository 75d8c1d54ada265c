// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/notify"
)

// askAgain is due where no message has reached somebody who is to be asked: what kept it back, a policy of a topic or of its
// key, may have been mended since.
const askAgain due = "ask-again"

// asksAgain are the times after people were asked at which respond is to ask those whom no message has reached. A gate waits
// an hour.
var asksAgain = []time.Duration{5 * time.Minute, 15 * time.Minute, 35 * time.Minute}

// mayAskAgain reports whether the next of those times has come.
func (v view) mayAskAgain(now time.Time) bool {
	return len(v.unasked) > 0 && v.askedAgain < len(asksAgain) && !now.Before(v.askedAt.Add(asksAgain[v.askedAgain])) && now.Before(v.approval.Request.Expires)
}

// missed are those of the circles asked so far whom, as the record says, no message has reached.
func (w *watch) missed() []string {
	request := w.view.approval.Request
	if request == nil || len(request.Circles) == 0 {
		return nil
	}
	reached := map[string]bool{}
	for _, step := range w.steps {
		var message incident.Message
		if step.Writer == "respond" && step.Kind == incident.StepTold && step.Read(&message) == nil && message.Kind == notify.KindAsk {
			reached[message.To] = true
		}
	}
	asked := slices.Concat(request.Circles[:min(w.view.escalated+1, len(request.Circles))]...)
	var missed []string
	for _, approver := range w.approvers {
		if slices.Contains(asked, approver.Name) && !reached[approver.Channel] {
			missed = append(missed, approver.Name)
		}
	}
	return missed
}

// askAgain hands the incident back to respond, which alone can make tickets, and sends nothing to those who have theirs.
func (w *watch) askAgain(ctx context.Context) error {
	n := w.view.askedAgain + 1
	note := "no message has reached " + strings.Join(w.view.unasked, ", ") + ": respond is to ask again"
	_, _, err := w.ledger.AppendOnce(ctx, w.incident, incident.StepAskingAgain, fmt.Sprint("asking-again ", n), note, w.view.unasked)
	w.handsBack = err == nil
	return err
}
