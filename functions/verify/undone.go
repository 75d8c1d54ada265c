// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"fmt"
	"strings"
	"time"

	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/remedy"
	"cloudfront503/pkg/runbook"
)

// back is what the record says about taking the change back.
type back struct {
	undone     *incident.Written
	undoneAt   time.Time
	deployedAt time.Time // zero: not known to be on all edges
	failed     string    // why it was not taken back, though somebody asked
	broke      bool      // that is because a step of its runbook failed
	over       bool      // its execution has ended, or SSM knows it no more
	broken     string    // its step that has failed; empty where none has
	begun      bool      // its write was about to be made, and what became of it is not recorded
	told       bool      // people know that it was not
}

// The kinds of message about the way back.
const (
	tellUndone    due = "undone"
	tellNotUndone due = "not-undone"
	endUndone     due = "end-undone" // people were told when it was taken back
)

// addBack takes what one step says about the way back.
func (b *back) add(step incident.Step) error {
	switch step.Writer + " " + string(step.Kind) {
	case "remediate undone":
		b.undone, b.undoneAt = &incident.Written{}, step.At
		return step.Read(b.undone)
	case "remediate undo-deployed":
		b.deployedAt = step.At
	case "remediate undo-failed":
		var ended incident.Execution
		if err := step.Read(&ended); err != nil {
			return err
		}
		b.failed, b.broke = step.Note, ended.Status == runbook.NoteFailed
	case "verify told":
		var sent incident.Message
		b.told = b.told || step.Read(&sent) == nil && sent.Digest == string(tellNotUndone)
	}
	return nil
}

// judgeBack is for an incident whose change was taken back, or was to be; nothing where the change stands and people know
// all there is to know.
func judgeBack(v view, now time.Time) due {
	switch b := v.back; {
	case b.undone == nil && b.failed != "" && !b.told:
		return tellNotUndone
	case b.undone == nil:
		return nothing
	case v.recovery == nil && now.Sub(b.undoneAt) < watchTime:
		return tellUndone
	}
	return endUndone
}

// edgesTake is the longest that a runbook waits for the edges, as its documents say.
const edgesTake = 40 * time.Minute

// since is from when on the edges serve what was put back; zero where they may not yet.
func (b back) since(now time.Time) time.Time {
	if b.deployedAt.IsZero() && now.Sub(b.undoneAt) > edgesTake {
		return b.undoneAt.Add(compareAfter)
	}
	return b.deployedAt
}

// who are those who took the change back, and why.
func (w *watch) who(verb incident.Verb) string {
	var reasons []string
	for _, decision := range w.view.approval.Decisions {
		if decision.Verb == verb && decision.Refusal == "" {
			reasons = append(reasons, strings.TrimSuffix(named(decision)+": "+decision.Reason, ": "))
		}
	}
	return strings.Join(reasons, "; ")
}

// named is who decided, and where it was the gate itself.
func named(decision incident.Decision) string {
	if decision.Channel == incident.ChannelGate {
		return decision.Approver + " at the gate"
	}
	return decision.Approver
}

// wayBack is how the change is taken back: by an answer of one of those who were asked, and by hand. Their tickets are
// kept nowhere, and only respond can make them, so that the message says where each person has the own one.
func (w *watch) wayBack() []string {
	written, request := w.view.written, w.view.approval.Request
	if written == nil || request == nil || remedy.NoWayBack(w.planned().Remedy) != "" || !w.now().Before(w.view.writtenAt.Add(incident.UndoFor)) {
		return nil
	}
	var lines []string
	for _, approver := range w.approvers {
		lines = append(lines, fmt.Sprintf("%s: aws sns publish --topic-arn %s --region %s --message 'undo TICKET', the last line of the message that asked %s",
			approver.Name, approver.Topic, w.settings.Region, approver.Name))
	}
	return append(lines, w.byHand()...)
}

// byHand are the commands that put the configuration of before the change back, as it was saved. If-Match names the ETag of
// our own write: where anybody has changed the distribution since, AWS refuses.
func (w *watch) byHand() []string {
	if w.view.written == nil || w.view.written.ToETag == "" || w.snapshot.ConfigKey == "" {
		return nil
	}
	return []string{
		fmt.Sprintf("by hand: aws s3api get-object --bucket %s --key %s --version-id %s before.json", w.settings.Bucket, w.snapshot.ConfigKey, w.snapshot.VersionID),
		fmt.Sprintf("then: aws cloudfront update-distribution --id %s --if-match %s --distribution-config file://before.json", w.incident.Distribution, w.view.written.ToETag),
	}
}
