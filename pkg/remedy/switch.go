// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package remedy

import (
	"context"
	"fmt"
	"slices"

	"cloudfront503/pkg/incident"
)

// switching makes a part of the evidence, or takes it away; what is not there is taken away without an error.
type switching interface {
	On(context.Context, Part) error
	Off(context.Context, Part) error
}

// evidence switches on what tells more.
var evidence = kind{apply: Writer.switchOn, back: Writer.switchOff, settle: Writer.settleEvidence}

// switchboard is the work on one plan's parts. Several calls make one write: what is ours is announced before the first of
// them, so that whoever starts again after an interruption makes only what is missing, and a write that AWS refuses
// half-way leaves nothing of ours.
type switchboard struct {
	Writer
	order  Order
	record Record
	hash   string
	begun  bool   // an earlier call of this execution was about to write
	ours   []Part // to be made, or, on the way back, to be taken away
	done   []Part // of these
	theirs bool   // a part of the log delivery is somebody's, and so is what would rest on it
	found  bool   // something was there already: made by an earlier call, or by one whose answer was lost
}

// switchOn makes what is missing. What somebody has made since the plan is left alone, and not counted as ours.
func (w Writer) switchOn(ctx context.Context, order Order, record Record) (incident.Written, error) {
	b, err := w.switchboard(ctx, order, record)
	if err != nil {
		return incident.Written{}, err
	}
	if !b.begun {
		if err := w.unmoved(ctx, order, record.Plan); err != nil {
			return incident.Written{}, err
		}
	}
	allOn := &Void{Why: "everything that was to be switched on is on already"}
	if len(b.ours) == 0 {
		return incident.Written{}, allOn
	}
	if len(b.done) == len(b.ours) {
		return w.confirm(ctx, order, b.written())
	}
	answer, err := w.guarded(ctx, order, b.hash, b.written(), func() error { return b.on(ctx) })
	switch {
	case err != nil && isThrottled(err):
		return incident.Written{}, err // tried again; what is made by then is announced
	case err != nil:
		return incident.Written{}, b.orOff(ctx, err)
	case answer != nil:
		return incident.Written{}, b.orOff(ctx, settled("AWS did not switch it on", answer))
	case len(b.ours) == 0:
		return incident.Written{}, allOn
	}
	return w.confirm(ctx, order, b.written())
}

// switchboard reads what was planned and how its parts stand.
func (w Writer) switchboard(ctx context.Context, order Order, record Record) (*switchboard, error) {
	recipe, err := checkEvidence(record.Plan, record.Snapshot, w.Stack.Evidence)
	if err != nil {
		return nil, err
	}
	b := &switchboard{Writer: w, order: order, record: record, hash: incident.RecipeHash(record.Plan.Distribution, record.Plan.ETag, *record.Plan.Recipe)}
	writing, begun, err := w.begun(ctx, order)
	if err != nil {
		return nil, err
	}
	b.begun = begun
	for _, part := range Parts(record.Plan.Distribution, recipe) {
		if err := b.add(ctx, part, writing.Created); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// add takes a part for ours: one that is missing, or that an earlier call has announced, unless somebody has changed it
// since. Additional metrics do not show who switched them on.
func (b *switchboard) add(ctx context.Context, part Part, announced []string) error {
	stands, err := b.Looks.Look(ctx, part)
	if err != nil {
		return fmt.Errorf("%s: %w", part, err)
	}
	b.theirs = b.theirs || part.logs != nil && stands == Otherwise
	switch known := slices.Contains(announced, part.String()); {
	case b.theirs && part.logs != nil:
	case b.begun && known && stands == AsPlanned:
		b.done, b.found = append(b.done, part), true
		b.ours = append(b.ours, part)
	case stands == Absent && known == b.begun:
		b.ours = append(b.ours, part)
	}
	return nil
}

// on makes the parts that are missing, in their order. An error is AWS's own.
func (b *switchboard) on(ctx context.Context) error {
	for _, part := range slices.Clone(b.ours) {
		if b.isDone(part) || !b.isOurs(part) {
			continue
		}
		err := b.Switches.On(ctx, part)
		if err == nil {
			b.done = append(b.done, part)
			continue
		}
		if err := b.became(ctx, part, err); err != nil {
			return err
		}
	}
	return nil
}

// became looks what became of a part whose making has failed: made, though the answer was lost, or made by somebody else in
// the same moment. It gives the failure back where the part is not there.
func (b *switchboard) became(ctx context.Context, part Part, failure error) error {
	taken := slices.Contains([]string{"MonitoringSubscriptionAlreadyExists", "ConflictException"}, codeOf(failure))
	if !taken && !isLost(failure) {
		return failure
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), findTimeout)
	defer cancel()
	switch stands, err := b.Looks.Look(ctx, part); {
	case err != nil || stands == Absent:
		return failure
	case taken:
		b.leave(part)
	case stands == AsPlanned:
		b.done, b.found = append(b.done, part), true
	}
	return nil
}

// leave gives up a part that somebody else has made, and what would rest on it.
func (b *switchboard) leave(part Part) {
	b.ours = slices.DeleteFunc(b.ours, func(p Part) bool {
		return p.String() == part.String() || part.logs != nil && p.logs != nil && !b.isDone(p)
	})
}

func (b *switchboard) isDone(part Part) bool { return isAmong(part, b.done) }

func (b *switchboard) isOurs(part Part) bool { return isAmong(part, b.ours) }

func isAmong(part Part, parts []Part) bool {
	return slices.ContainsFunc(parts, func(p Part) bool { return p.String() == part.String() })
}

func (b *switchboard) written() incident.Written {
	written := incident.Written{Execution: b.order.Execution, Action: incident.ActionEvidence, FromETag: b.record.Plan.ETag, Hash: b.hash, Found: b.found}
	if b.order.Back {
		written.Action, written.FromETag = "undo", ""
	}
	for _, part := range b.ours {
		written.Created = append(written.Created, part.String())
	}
	return written
}

// orOff takes away what this execution has made, after a failure. It needs no approval: it undoes what is ours. Where it
// fails too, the failure is one that is tried again, whatever the first was.
func (b *switchboard) orOff(ctx context.Context, failure error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), findTimeout)
	defer cancel()
	if err := b.off(ctx); err != nil {
		return fmt.Errorf("%v; then: %w", failure, err)
	}
	return failure
}

// off takes away what is done, and waits where that is throttled.
func (b *switchboard) off(ctx context.Context) error {
	for try := 0; ; try++ {
		err := b.offOnce(ctx)
		if !isThrottled(err) && !isLost(err) || try == len(throttleWaits) || b.sleep(ctx, throttleWaits[try]) != nil {
			return err
		}
	}
}

// offOnce takes away what is done, the last first. An error is AWS's own.
func (b *switchboard) offOnce(ctx context.Context) error {
	for len(b.done) > 0 {
		last := len(b.done) - 1
		if err := b.Switches.Off(ctx, b.done[last]); err != nil {
			return fmt.Errorf("switch %s off: %w", b.done[last], err)
		}
		b.done = b.done[:last]
	}
	return nil
}

// settleEvidence ends what a runbook has left half-way: all that was made is recorded as written, less is taken away.
func (w Writer) settleEvidence(ctx context.Context, order Order, record Record) (incident.Written, bool, error) {
	if order.Back { // what it took away, the next look at the record finds
		return incident.Written{}, false, nil
	}
	b, err := w.switchboard(ctx, order, record)
	if err != nil || !b.begun {
		return incident.Written{}, false, err
	}
	if len(b.done) < len(b.ours) || len(b.done) == 0 {
		return incident.Written{}, false, b.off(ctx)
	}
	written, err := w.confirm(ctx, order, b.written())
	return written, err == nil, err
}

// switchOff takes away what was made for the incident, while it stands as it was made. What is gone by then is well.
func (w Writer) switchOff(ctx context.Context, order Order, record Record) (incident.Written, error) {
	recipe, err := checkEvidence(record.Plan, record.Snapshot, w.Stack.Evidence)
	if err != nil {
		return incident.Written{}, err
	}
	made, err := w.madeChange(ctx, order, record)
	if err != nil {
		return incident.Written{}, err
	}
	b := &switchboard{Writer: w, order: order, record: record, hash: record.Plan.Hash}
	if _, b.begun, err = w.begun(ctx, order); err != nil {
		return incident.Written{}, err
	}
	if err := b.stand(ctx, Parts(record.Plan.Distribution, recipe), made.Created); err != nil {
		return incident.Written{}, err
	}
	if len(b.done) == 0 {
		return b.foundOff(ctx)
	}
	return b.takeAway(ctx)
}

// stand finds those of our parts that are still there. One that somebody has changed is theirs: a *Conflict.
func (b *switchboard) stand(ctx context.Context, parts []Part, made []string) error {
	var theirs []string
	for _, part := range parts {
		if !slices.Contains(made, part.String()) {
			continue
		}
		stands, err := b.Looks.Look(ctx, part)
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", part, err)
		case stands == Otherwise:
			theirs = append(theirs, part.String())
		case stands == AsPlanned:
			b.done = append(b.done, part)
		}
		b.ours = append(b.ours, part)
	}
	if len(theirs) > 0 {
		return &Conflict{Fields: theirs}
	}
	return nil
}

// foundOff records that nothing of ours is there any more. A call that had begun is not judged again; otherwise everything
// must be as for a write.
func (b *switchboard) foundOff(ctx context.Context) (incident.Written, error) {
	if b.found = true; !b.begun {
		if err := b.judge(ctx, b.order, b.hash); err != nil {
			return incident.Written{}, err
		}
	}
	return b.confirm(ctx, b.order, b.written())
}

// takeAway takes away what is still there. Half of it is no end: the next call does the rest.
func (b *switchboard) takeAway(ctx context.Context) (incident.Written, error) {
	there := len(b.done)
	answer, err := b.guarded(ctx, b.order, b.hash, b.written(), func() error { return b.offOnce(ctx) })
	switch {
	case err != nil:
		return incident.Written{}, err
	case answer != nil && len(b.done) == there && !isLost(answer):
		return incident.Written{}, settled("AWS did not switch it off", answer)
	case answer != nil:
		return incident.Written{}, fmt.Errorf("%d of %d are switched off: %w", there-len(b.done), there, answer)
	}
	return b.confirm(ctx, b.order, b.written())
}
