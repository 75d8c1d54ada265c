// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/notify"
)

// ends are the results with which an incident is closed, and why.
var ends = map[due]incident.Outcome{
	closeQuiet:   {Result: "told", Why: "The alarm is OK again. Nothing was touched."},
	handOver:     {Why: "A later look has found another cause. What can be done about it is planned in the next incident."},
	endSilent:    {Result: "silent", Why: "Not enough approvers answered while the gate waited."},
	endRejected:  {Result: "rejected"},
	endVoid:      {Result: "void"},
	endFailed:    {Result: "failed", Why: "The runbook ended without making the approved change."},
	endRecovered: {Result: "changed"},
	endWatch:     {Result: "changed", Why: "A day has passed since the change, and it has not recovered."},
}

// do does what is due, and closes the incident where that was its end.
func (w *watch) do(ctx context.Context, what due) error {
	switch what {
	case nothing:
		return nil
	case escalate:
		return w.escalate(ctx)
	case handOver:
		return w.handOver(ctx)
	case tellWritten, tellNotYet, offerWayBack:
		return w.tellOutcome(ctx, string(what), incident.Outcome{Result: w.result(what)})
	}
	return w.end(ctx, what)
}

// result is the word for how a change stands; a quota is requested, and AWS decides.
func (w *watch) result(what due) string {
	if what == tellWritten && w.view.written.Action == "quota" {
		return "requested"
	}
	return string(what)
}

// end tells people how it ended, writes the report, and closes.
func (w *watch) end(ctx context.Context, what due) error {
	outcome := w.outcome(what)
	said := outcome
	if what == endRecovered {
		said.Result = string(incident.Recovered)
	}
	if err := w.tellEnd(ctx, what, said); err != nil {
		return err
	}
	if err := w.report(ctx, outcome); err != nil {
		return err
	}
	w.log.InfoContext(ctx, "closed", "stage", "recovery", "incident", w.incident.String(), "result", outcome.Result)
	return w.ledger.Close(ctx, w.incident, outcome)
}

// tellEnd tells people how it ended, but where they were told with the reason when the plan was withdrawn.
func (w *watch) tellEnd(ctx context.Context, what due, said incident.Outcome) error {
	if what == endVoid && w.view.withdrawn {
		return nil
	}
	return w.tellOutcome(ctx, string(what), said)
}

// handOver writes the incident up and asks respond for a new one in its place. The incident stays the distribution's
// current one until respond has it, so that a request that is lost is made again at the next look.
func (w *watch) handOver(ctx context.Context) error {
	outcome := w.outcome(handOver)
	if err := w.report(ctx, outcome); err != nil {
		return err
	}
	if _, _, err := w.ledger.AppendOnce(ctx, w.incident, incident.StepClosed, "closed", outcome.Why, outcome); err != nil {
		return err
	}
	w.handsOver = true
	return nil
}

// outcome words the end from the record.
func (w *watch) outcome(what due) incident.Outcome {
	outcome := ends[what]
	switch {
	case what == handOver:
		outcome.Result = map[bool]string{true: "void", false: "told"}[w.view.withdrawn]
	case what == endVoid:
		outcome.Why = w.view.void
	case what == endRejected:
		outcome.Why = strings.Join(w.reasons(), "; ")
	case what == endRecovered:
		outcome.Why = w.view.recovery.Why
	}
	if written := w.view.written; written != nil && written.Action == "quota" && outcome.Result == "changed" {
		outcome.Result = "requested"
	}
	return outcome
}

// reasons are who rejected, and why.
func (w *watch) reasons() []string {
	var reasons []string
	for _, decision := range w.view.approval.Decisions {
		if decision.Verb == incident.Reject {
			reasons = append(reasons, strings.TrimSuffix(decision.Approver+": "+decision.Reason, ": "))
		}
	}
	return reasons
}

// escalate tells the on-call topic that nobody has decided.
func (w *watch) escalate(ctx context.Context) error {
	request := *w.view.approval.Request
	message := notify.RenderEscalation(notify.Escalation{
		About: w.about(), Plan: w.planned(), Request: request, Silent: w.silent(request), Said: w.view.tally.Why, At: w.now(),
	})
	if err := w.send(ctx, "escalate", message); err != nil {
		return err
	}
	_, _, err := w.ledger.AppendOnce(ctx, w.incident, incident.StepEscalated, "escalated", "nobody has decided yet; the on-call topic was told", request)
	return err
}

// silent are those who were asked and have not answered.
func (w *watch) silent(request incident.ApprovalRequest) []string {
	answered := map[string]bool{}
	for _, decision := range w.view.approval.Decisions {
		answered[decision.Approver] = true
	}
	var silent []string
	for _, name := range request.Approvers {
		if !answered[name] {
			silent = append(silent, name)
		}
	}
	return silent
}

// tellOutcome tells the on-call topic how a plan stands, once a kind.
func (w *watch) tellOutcome(ctx context.Context, kind string, outcome incident.Outcome) error {
	message := notify.Outcome{
		About: w.about(), Plan: w.planned(), Outcome: outcome, Written: w.view.written, Recovery: w.view.recovery, Approved: w.view.tally.Why,
	}
	if outcome.Result == string(offerWayBack) || outcome.Result == string(tellNotYet) {
		message.WayBack, message.Until = w.wayBack(), w.view.writtenAt.Add(wayBackFor)
	}
	if err := w.send(ctx, kind, notify.RenderOutcome(message)); err != nil {
		return err
	}
	if len(message.WayBack) == 0 {
		return nil
	}
	_, _, err := w.ledger.AppendOnce(ctx, w.incident, incident.StepOfferWayBack, "offered", "the way back was offered", w.planned())
	return err
}

// wayBackFor is how long the approval covers the way back.
const wayBackFor = 2 * time.Hour

// wayBack are the commands that put the configuration of before the change back, as it was saved. If-Match names the
// ETag of our own write: where anybody has changed the distribution since, AWS refuses.
func (w *watch) wayBack() []string {
	if w.view.written == nil || w.view.written.ToETag == "" || w.snapshot.ConfigKey == "" {
		return nil
	}
	return []string{
		fmt.Sprintf("aws s3api get-object --bucket %s --key %s --version-id %s before.json", w.settings.Bucket, w.snapshot.ConfigKey, w.snapshot.VersionID),
		fmt.Sprintf("aws cloudfront update-distribution --id %s --if-match %s --distribution-config file://before.json", w.incident.Distribution, w.view.written.ToETag),
	}
}

// send sends a message to the on-call topic, once a kind for the incident, and records that it left or did not; one that
// did not is due again at the next look.
func (w *watch) send(ctx context.Context, kind string, m notify.Message) error {
	for _, step := range w.steps {
		var sent incident.Message
		if step.Writer == "verify" && step.Kind == incident.StepTold && step.Read(&sent) == nil && sent.Digest == kind {
			return nil
		}
	}
	if err := w.ledger.Renew(ctx, w.incident, w.holder); err != nil {
		return err
	}
	topic := w.settings.OnCallTopic()
	message := incident.Message{Kind: m.Kind, To: topic, Digest: kind}
	var err error
	if message.ID, err = w.people.Send(ctx, topic, m); err != nil {
		message.Error = incident.Line(err.Error(), 200)
		_, noteErr := w.ledger.Append(ctx, w.incident, incident.StepUntold, "a message to on-call did not leave", message)
		return errors.Join(err, noteErr)
	}
	_, _, err = w.ledger.AppendOnce(ctx, w.incident, incident.StepTold, kind, "on-call was told: "+kind, message)
	return err
}

func (w *watch) planned() incident.Plan {
	if w.view.plan == nil {
		return incident.Plan{Distribution: w.incident.Distribution, Cause: w.diagnosis.Verdict.Cause}
	}
	return *w.view.plan
}

func (w *watch) about() notify.About {
	return notify.About{
		Environment: w.settings.Environment, Incident: w.incident, Distribution: w.incident.Distribution,
		DomainName: w.snapshot.DomainName, Bucket: w.settings.Bucket,
	}
}
