// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/notify"
)

// resultTold is the result of an incident in which people were told, and nothing was asked or touched.
const resultTold = "told"

// ends are the results with which an incident is closed, and why.
var ends = map[due]incident.Outcome{
	closeQuiet:   {Result: resultTold, Why: "The alarm is OK again. Nothing was touched."},
	endRefused:   {Result: resultTold, Why: "What a person asked for was refused, and they were told why. Nothing was touched."},
	handOver:     {Why: "A later look has found another cause. What can be done about it is planned in the next incident."},
	endSilent:    {Result: "silent", Why: "Not enough approvers answered while the gate waited."},
	endRejected:  {Result: "rejected"},
	endVoid:      {Result: "void"},
	endFailed:    {Result: "failed", Why: "The runbook ended without making the approved change."},
	endRecovered: {Result: "changed"},
	endUndone:    {Result: "undone"},
	endDenied:    {Result: notify.ResultDenied},
	endWatch:     {Result: "changed", Why: "A day has passed since the change, and it has not recovered."},
}

// do does what is due, and closes the incident where that was its end.
func (w *watch) do(ctx context.Context, what due) error {
	switch what {
	case nothing:
		return nil
	case escalate:
		return w.escalate(ctx)
	case askAgain:
		return w.askAgain(ctx)
	case handOver:
		return w.handOver(ctx)
	case endRecovered:
		return w.recovered(ctx)
	case noteWatch:
		return w.noteWatch(ctx)
	case endRelapse:
		return w.relapse(ctx)
	case endWatched:
		return w.endWatch(ctx)
	case tellWritten, tellNotYet, offerWayBack, tellUndone, tellNotUndone:
		if (what == offerWayBack || what == tellNotYet) && w.takesBack() {
			return w.takeBack(ctx, what)
		}
		return w.tellOutcome(ctx, string(what), incident.Outcome{Result: w.result(what), Why: w.why(what)})
	}
	return w.end(ctx, what)
}

// why says what there is to say about the way back, and where the runbook broke off.
func (w *watch) why(what due) string {
	switch what {
	case tellUndone:
		return w.whoBack()
	case tellNotUndone:
		return w.view.back.failed
	case tellWritten, tellNotYet, offerWayBack:
		return runbookBroken("", w.view.broken)
	}
	return ""
}

// result is the word for how a change stands; a quota is requested, and AWS decides.
func (w *watch) result(what due) string {
	if what == tellWritten && w.view.written.Action == "quota" {
		return "requested"
	}
	if what == tellWritten && w.view.seesMore() {
		return notify.ResultSwitchedOn
	}
	if what == tellNotUndone && w.view.back.begun {
		return notify.ResultMaybeBack
	}
	return string(what)
}

// end tells people how it ended, and closes.
func (w *watch) end(ctx context.Context, what due) error {
	if what == endRejected {
		w.endGate(ctx)
	}
	outcome := w.outcome(what)
	if err := w.tellEnd(ctx, what, outcome); err != nil {
		return err
	}
	return w.close(ctx, outcome)
}

// close writes the incident up and closes it.
func (w *watch) close(ctx context.Context, outcome incident.Outcome) error {
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
	if what == endUndone {
		what = tellUndone // once for both
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
	if err := w.keep(ctx, incident.StepClosed, "closed", outcome.Why, outcome); err != nil {
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
		outcome.Result = map[bool]string{true: "void", false: resultTold}[w.view.withdrawn]
	case what == endVoid:
		outcome.Why = w.view.void
	case what == endRejected:
		outcome.Why = w.who(incident.Reject)
	case what == endDenied:
		outcome.Why = w.whyQuota()
	case what == endFailed && w.view.approval.Denied:
		outcome.Why = whyUnsigned(w.view.approval.DeniedBy)
	case what == endFailed && w.view.begun:
		outcome.Why = runbookBroken(brokenOff, w.view.broken)
	case what == endFailed:
		outcome.Why = runbookBroken(outcome.Why, w.view.broken)
	case what == endUndone:
		outcome.Why = strings.TrimSuffix(strings.TrimSuffix(w.whoBack(), ".")+". "+w.compared(), " ")
	case what == endRecovered:
		outcome.Why = w.view.recovery.Why
	case what == endWatch && w.view.recovery == nil:
		outcome.Why = "A day has passed since the change, and whether it has helped could not be measured."
	}
	if written := w.view.written; written != nil && written.Action == "quota" && outcome.Result == "changed" {
		outcome.Result = "requested"
	}
	if w.view.seesMore() && (what == closeQuiet || what == handOver) {
		return switched(outcome)
	}
	return outcome
}

// runbookBroken adds to what is said the runbook's step that has failed, where one has.
func runbookBroken(said, broken string) string {
	if broken == "" {
		return said
	}
	return strings.TrimPrefix(said+" Its "+broken+".", " ")
}

// whyUnsigned says why the gate did not hear of an answer. Where no policy denies, AWS may compare no sessions.
func whyUnsigned(policy string) string {
	if policy != "" {
		return "AWS has refused the signature for an approver, so that the gate did not open: " + policy + "."
	}
	return "AWS has refused the signature for an approver, so that the gate did not open. If it compares no sessions, the stack's parameter GateApprovers=role helps."
}

// compared is what the comparison says, where there is one.
func (w *watch) compared() string {
	if w.view.recovery == nil {
		return ""
	}
	return w.view.recovery.Why
}

// escalate tells the on-call topic that nobody has decided. Where a further circle is to be asked, the incident goes back to
// respond, which alone can make tickets.
func (w *watch) escalate(ctx context.Context) error {
	request := *w.view.approval.Request
	message := notify.RenderEscalation(notify.Escalation{
		About: w.about(), Plan: w.planned(), Request: request, Silent: w.silent(request), Said: w.view.tally.Why, At: w.now(),
	})
	round := w.view.escalated + 1
	if err := w.send(ctx, fmt.Sprintf("escalate %d", round), message); err != nil {
		return err
	}
	err := w.keep(ctx, incident.StepEscalated, fmt.Sprintf("escalated %d", round), "nobody has decided yet; the on-call topic was told", request)
	w.handsBack = err == nil && round < len(request.Circles)
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
	if w.view.back.undone != nil {
		message.Written = w.view.back.undone
	}
	if kind == string(tellNotUndone) {
		message.WayBack = w.byHand()
	}
	if w.offersWayBack(outcome.Result) {
		message.WayBack, message.Until = w.wayBack(), w.view.writtenAt.Add(incident.UndoFor)
	}
	if outcome.Result == notify.ResultRelapsed {
		message.Next = []string{w.openAnew()}
	}
	if kind != string(tellWritten) {
		kind = w.round(kind)
	}
	if err := w.send(ctx, kind, notify.RenderOutcome(message)); err != nil {
		return err
	}
	if len(message.WayBack) == 0 {
		return nil
	}
	return w.keep(ctx, incident.StepOfferWayBack, "offered", "the way back was offered", w.planned())
}

// offersWayBack reports whether the way back is offered: where the change has not helped, or not for long, and while the
// approval covers it.
func (w *watch) offersWayBack(result string) bool {
	switch result {
	case string(offerWayBack), string(tellNotYet), notify.ResultSwitchedOn:
		return true
	case notify.ResultRelapsed:
		return w.now().Before(w.view.writtenAt.Add(incident.UndoFor))
	}
	return false
}

// send sends a message to the on-call topic, once a kind for the incident, and records that it left or did not; one that
// did not is due again at the next look.
func (w *watch) send(ctx context.Context, kind string, m notify.Message) error {
	if w.told(kind) {
		return nil
	}
	if err := w.renew(ctx); err != nil {
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
	return w.keep(ctx, incident.StepTold, kind, "on-call was told: "+kind, message)
}

// told reports whether the on-call topic has heard a kind of message.
func (w *watch) told(kind string) bool {
	return slices.ContainsFunc(w.steps, func(step incident.Step) bool {
		var sent incident.Message
		return step.Writer == "verify" && step.Kind == incident.StepTold && step.Read(&sent) == nil && sent.Digest == kind
	})
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
