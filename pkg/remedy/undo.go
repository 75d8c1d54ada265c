// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package remedy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/incident"
)

// undoRunbook is the logical name of the runbook that takes changes back, of whatever kind.
const undoRunbook = "UndoChange"

// runbookOf is the logical name of the runbook that the order's execution must run.
func runbookOf(order Order, record Record) string {
	if order.Back {
		return undoRunbook
	}
	return record.Plan.Runbook
}

// started are the executions that were started for what the order is about.
func (r Record) started(order Order) []incident.Execution {
	if order.Back {
		return r.Undoing
	}
	return r.Started
}

// NoWayBack says why a remedy's change cannot be taken back, as part of a sentence; it is empty where it can.
func NoWayBack(remedy string) string {
	kind, known := kinds[remedy]
	switch {
	case !known:
		return "nothing is changed"
	case kind.back == nil:
		return cmp.Or(kind.final, "no runbook takes it back; the incident's snapshot holds what was there before")
	}
	return ""
}

// Undo takes the change back that was written for the incident, or finds that it was taken back already. It judges
// everything for itself, as Apply does; beyond that the change must be written, at most incident.UndoFor ago, and somebody
// of the approvers must provably want it back, or the approved plan must say that it is taken back as it stands now. The
// error is a *Refused, a *Conflict or a *Void where nothing of ours was written and nothing will be; any other error says
// that something failed that may be tried again.
func (w Writer) Undo(ctx context.Context, order Order) (incident.Written, error) {
	order.Back = true
	undone, done, err := w.earlier(ctx, order)
	if done || err != nil {
		return undone, err
	}
	record, err := w.Records.Read(ctx, order.Incident)
	if err != nil {
		return incident.Written{}, fmt.Errorf("undo %s: %w", order.Incident, err)
	}
	if err := w.suitsStack(order, record); err != nil {
		return incident.Written{}, err
	}
	if why := NoWayBack(record.Plan.Remedy); why != "" {
		return incident.Written{}, refuse("there is no way back: %s", why)
	}
	return kinds[record.Plan.Remedy].back(w, ctx, order, record)
}

// mayUndo checks what only the way back needs: the approved change is written, not too long ago, its approvals are proven,
// and so is that one of the approvers wants it back, or the plan that they approved says so. It gives what was written.
func (w Writer) mayUndo(ctx context.Context, order Order, record Record) (incident.Written, error) {
	written, err := w.madeChange(ctx, order, record)
	if err != nil {
		return incident.Written{}, err
	}
	request, until := *record.Request, written.At.Add(incident.UndoFor)
	if !w.Now().Before(until) {
		return incident.Written{}, refuse("the way back was open until %s", clock(until))
	}
	if err := w.approvedThen(ctx, order, record); err != nil {
		return incident.Written{}, err
	}
	if w.asPlanned(record, until) {
		return written, nil
	}
	wanted := slices.DeleteFunc(w.about(request, record.Decisions, incident.Undo), func(d incident.Decision) bool { return !d.At.Before(until) })
	proven, err := w.Tickets.Proven(ctx, request, wanted)
	if err != nil {
		return incident.Written{}, fmt.Errorf("way back of %s: %w", order.Incident, err)
	}
	if len(proven) == 0 {
		return incident.Written{}, refuse("nobody provably wants the change back")
	}
	return written, nil
}

// asPlanned reports whether the approved plan itself says that the change is taken back now: how it stands is what verify saw
// in time, which no other function can put into the record. The stack must still say the same.
func (w Writer) asPlanned(record Record, until time.Time) bool {
	plan, failing := record.Plan, record.Failing
	return failing != nil && plan.TakenBack.Covers(failing.Recovery) && w.Stack.TakenBack.Covers(failing.Recovery) && failing.At.Before(until)
}

// madeChange is the change that was written for what people were asked.
func (w Writer) madeChange(ctx context.Context, order Order, record Record) (incident.Written, error) {
	if record.Request == nil {
		return incident.Written{}, refuse("nobody was asked")
	}
	forth := Order{Incident: order.Incident, Distribution: order.Distribution, Execution: record.Request.Execution}
	if !asks(*record.Request, forth, record.Plan) {
		return incident.Written{}, refuse("people were asked about something else")
	}
	written, made, err := w.earlier(ctx, forth)
	if err != nil {
		return incident.Written{}, err
	}
	if !made || written.Hash != record.Plan.Hash {
		return incident.Written{}, refuse("the approved change is not written, so there is nothing to undo")
	}
	return written, nil
}

// approvedThen counts the approvals of the change once more. That they have expired since, who has left the list of
// approvers since, and that texts are not taken any more, is no obstacle to what they covered. Who signed the gate without a ticket was proven when the change was
// written, and cannot be proven once more.
func (w Writer) approvedThen(ctx context.Context, order Order, record Record) error {
	then := w
	then.Stack.Approvers, then.Stack.Texts = record.Request.Approvers, true
	proven, err := w.Tickets.Proven(ctx, *record.Request, then.countable(*record.Request, record.Decisions))
	if err != nil {
		return fmt.Errorf("approvals of %s: %w", order.Incident, err)
	}
	signed := slices.DeleteFunc(then.countable(*record.Request, record.Decisions), func(d incident.Decision) bool { return d.Channel != incident.ChannelGate })
	people := map[string]bool{}
	for _, decision := range append(proven, signed...) {
		people[decision.Approver] = true
	}
	if need := w.required(record.Plan); len(people) < need {
		return refuse("%d of %d approvals of the change are proven", len(people), need)
	}
	return nil
}

// about are the answers with a verb by people who are on the stack's list and were asked, about exactly this request.
func (w Writer) about(request incident.ApprovalRequest, decisions []incident.Decision, verb incident.Verb) []incident.Decision {
	return slices.DeleteFunc(slices.Clone(decisions), func(d incident.Decision) bool {
		return d.Verb != verb || d.Refusal != "" ||
			!slices.Contains(w.Stack.Approvers, d.Approver) || !slices.Contains(request.Approvers, d.Approver) ||
			d.Execution != request.Execution || d.Hash != request.Hash || d.ETag != request.ETag
	})
}

func clock(at time.Time) string { return at.UTC().Format("15:04:05 MST") }

// undoTries is how often the way back is computed anew when somebody writes at the same moment: what they did stays, and
// the fields that are ours still hold our values.
const undoTries = 3

// putBack writes the way back of a change of the distribution's configuration.
func (w Writer) putBack(ctx context.Context, order Order, record Record) (incident.Written, error) {
	before, err := distribution.Parse(record.Snapshot.Config)
	if err != nil {
		return incident.Written{}, fmt.Errorf("snapshot of %s: %w", order.Incident, err)
	}
	change, err := w.change(ctx, record, before)
	if err != nil {
		return incident.Written{}, err
	}
	var void error
	for range undoTries {
		written, err := w.putBackOnce(ctx, order, record, change)
		if !isMoved(err) {
			return written, err
		}
		void = err
	}
	return incident.Written{}, void
}

// putBackOnce computes the way back on what is live now, and writes it. Where all its fields hold what they held before,
// there is nothing to write: an earlier call has, or somebody by hand.
func (w Writer) putBackOnce(ctx context.Context, order Order, record Record, change Change) (incident.Written, error) {
	_, begun, err := w.begun(ctx, order)
	if err != nil {
		return incident.Written{}, err
	}
	live, etag, err := w.live(ctx, order.Distribution)
	if err != nil {
		return incident.Written{}, err
	}
	if isBack(change, live) {
		return w.foundBack(ctx, order, change, etag, begun)
	}
	back, err := WayBack(change, live, etag)
	if err == nil {
		err = w.mayExpose(record, live, back.Result)
	}
	if err != nil {
		return incident.Written{}, err
	}
	etag, answer, err := w.send(ctx, order, change.Hash, back)
	switch {
	case err != nil:
		return incident.Written{}, err
	case answer == nil:
		return w.confirm(ctx, order, arrived(order, back, etag, false))
	case isPrecondition(answer) || isLost(answer):
		return w.findBack(ctx, order, change, back, answer)
	}
	return incident.Written{}, settled("CloudFront took nothing", answer)
}

// mayExpose refuses a way back that takes off what no remedy may, and one that takes off what may protect something where
// one person has approved the change: it takes two.
func (w Writer) mayExpose(record Record, live, result distribution.Config) error {
	for _, guard := range protections {
		before, after := live.Value(guard.path), result.Value(guard.path)
		if string(before) != string(after) && guard.lost(before, after) {
			return refuse("on the way back %s would be %s, which only a person may do, by hand", guard.path, guard.verb)
		}
	}
	if said := Exposes(live, result); len(said) > 0 && w.required(record.Plan) < 2 {
		return refuse("the way back takes off what may protect something, for which two people must have approved the change: %s", strings.Join(said, " "))
	}
	return nil
}

// foundBack records that the fields hold what they held before. A call that had begun to write is not judged again, as its
// write arrived; otherwise everything must be as for a write.
func (w Writer) foundBack(ctx context.Context, order Order, change Change, etag string, begun bool) (incident.Written, error) {
	if !begun {
		if err := w.judge(ctx, order, change.Hash); err != nil {
			return incident.Written{}, err
		}
	}
	return w.confirm(ctx, order, arrived(order, Change{Hash: change.Hash}, etag, true)) // from which ETag, nobody knows
}

// findBack looks whether a write without a usable answer arrived.
func (w Writer) findBack(ctx context.Context, order Order, change, back Change, cause error) (incident.Written, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), findTimeout)
	defer cancel()
	live, etag, err := w.live(ctx, order.Distribution)
	if err != nil {
		return incident.Written{}, fmt.Errorf("after a write without an answer: %w", err)
	}
	if !isBack(change, live) {
		return incident.Written{}, &Void{Why: "the change is not taken back after the write: nothing of ours arrived", Cause: cause}
	}
	return w.confirm(ctx, order, arrived(order, back, etag, true))
}

// isBack reports whether every field of the change holds what it held before.
func isBack(change Change, live distribution.Config) bool {
	return !slices.ContainsFunc(change.Back, func(field incident.FieldChange) bool {
		return !slices.Equal(live.Value(field.Path), field.To)
	})
}

// isMoved reports a write that came to nothing because somebody else wrote at the same moment.
func isMoved(err error) bool {
	var void *Void
	return errors.As(err, &void) && isPrecondition(void.Cause)
}
