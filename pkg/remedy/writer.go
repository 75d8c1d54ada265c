// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package remedy

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/incident"
)

// Order is one call by a runbook's write step. Nothing in it is believed.
type Order struct {
	Incident     incident.Reference
	Distribution string
	Execution    string
	Back         bool // it is about the way back: the runbook is the one that undoes
}

// Stack is what the deployment says, and nobody who writes into the bucket can change.
type Stack struct {
	Documents      map[string]string  // the runbooks' logical names, as RestoreDistribution, to the deployed documents'
	Sessions       []string           // the gate's Approvers, exactly, where more than one person must approve
	SessionsOfOne  []string           // the gate's Approvers, exactly, where one is enough: people's own sessions among them
	Own            map[string]string  // the ARN of each approver's own session, by name: who signs the gate without a ticket
	Approvers      []string           // the approvers' names
	Quorum         int                // how many different people must approve at least
	AutomationRole string             // the ARN of the runbooks' role
	Distributions  []string           // the ids that may be changed
	EdgeRoles      []string           // the ARNs of the roles whose trust may be mended
	Evidence       Place              // where evidence that is switched on goes
	Stop           bool               // the stop switch: nothing is written
	Texts          bool               // approvals by text message count
	TakenBack      incident.TakenBack // when a change is taken back without asking again, where its plan says the same
	AsApproved     []string           // the gate's Approvers, exactly, where nobody is asked again
}

// Record is what the incident's record says: read anew before every write.
type Record struct {
	Plan      incident.Plan
	Diagnosis incident.Diagnosis
	Snapshot  incident.Snapshot         // of the configuration that the plan was made on, with Config
	Started   []incident.Execution      // by respond
	Undoing   []incident.Execution      // started by approve to take the change back
	Request   *incident.ApprovalRequest // the last one asked; nil where nothing was asked
	Decisions []incident.Decision       // those in approve's own prefix
	Withdrawn string                    // why the plan is void since; empty where it is not
	Failing   *incident.Failing         // what verify saw when it had the change taken back, as the plan says; nil where it has not
}

// Void says why an approved change was not made: something moved. Nothing of ours was written.
type Void struct {
	Why   string
	Cause error // AWS's own error, where it is one
}

// Error is the reason as one sentence for people.
func (e *Void) Error() string { return "void: " + e.Why }

// Unwrap is AWS's error, nil where there is none.
func (e *Void) Unwrap() error { return e.Cause }

// Unkept says that the change is made, and that the writer's own note of it could not be kept. Another try keeps it.
type Unkept struct {
	Written incident.Written
	Cause   error
}

// Error says what could not be kept.
func (e *Unkept) Error() string { return "written, but not noted: " + e.Cause.Error() }

// Unwrap is what failed.
func (e *Unkept) Unwrap() error { return e.Cause }

// records reads an incident's record; an error says that it could not be read whole. SignedSelf notes an approval that a
// person gave the gate without a ticket, before anything is written on it.
type records interface {
	Read(context.Context, incident.Reference) (Record, error)
	SignedSelf(context.Context, incident.Reference, incident.Decision) error
}

// store keeps small objects. PutIfAbsent reports whether this body now stands there by this call, or stood there already
// by an earlier try of the same call.
type store interface {
	Get(ctx context.Context, key string) (body []byte, found bool, err error)
	PutIfAbsent(ctx context.Context, key string, body []byte) (created bool, err error)
}

// configurations gives back stored configurations.
type configurations interface {
	Config(context.Context, incident.ConfigRef) (distribution.Config, error)
}

// prover says which decisions bear a genuine ticket for the request. An error says that nobody could tell.
type prover interface {
	Proven(context.Context, incident.ApprovalRequest, []incident.Decision) ([]incident.Decision, error)
}

// leaving says why a plan may not be written any more, though people approved it; empty where it may. An error says that
// nobody could tell.
type leaving interface {
	Objection(context.Context, incident.Plan) (why string, err error)
}

// Writer makes approved changes. It trusts the gate for nothing: everything that it rests on it reads for itself.
// All fields but Sleep are required.
type Writer struct {
	Stack    Stack
	Records  records
	Store    store
	Configs  configurations
	Tickets  prover
	SSM      executions
	Live     reading
	Writes   updating // Observed where nothing may be written
	Quotas   history
	Requests requesting // Observed where nothing may be written

	Pointed   pointed    // of functions and roles
	Kept      kept       // what the snapshot keeps of them
	Publishes publishing // Observed where nothing may be written
	Trusts    trusting   // Observed where nothing may be written
	Analyzer  analysing
	Looks     looking   // at what tells more
	Switches  switching // Observed where nothing may be written
	Leave     leaving   // of the distribution's team and of the calendar

	Now   func() time.Time
	Sleep func(context.Context, time.Duration) error // waits between tries; nil: as long as it says
}

// What Claim answers.
const (
	Claimed = "claimed"
	Taken   = "taken"
)

// Claim takes the incident's one execution slot for the order's execution. The answer is Claimed, also when this
// execution claims again, or Taken. A *Refused says that the execution is not one that this stack started.
func (w Writer) Claim(ctx context.Context, order Order) (string, error) {
	record, err := w.Records.Read(ctx, order.Incident)
	if err != nil {
		return "", fmt.Errorf("claim %s: %w", order.Incident, err)
	}
	if err := w.mayClaim(ctx, order, record); err != nil {
		return "", err
	}
	body, err := json.Marshal(incident.Execution{ID: order.Execution, Document: w.Stack.Documents[runbookOf(order, record)]})
	if err != nil {
		return "", fmt.Errorf("claim %s: %w", order.Incident, err)
	}
	if _, err := w.Store.PutIfAbsent(ctx, outcomeKey(order, slotObject), body); err != nil {
		return "", fmt.Errorf("claim %s: %w", order.Incident, err)
	}
	owner, found, err := w.slot(ctx, order)
	if err != nil {
		return "", err
	}
	if !found || owner != order.Execution {
		return Taken, nil
	}
	return Claimed, nil
}

func (w Writer) mayClaim(ctx context.Context, order Order, record Record) error {
	if err := w.suitsStack(order, record); err != nil {
		return err
	}
	if n := len(record.started(order)); n > 0 && record.started(order)[n-1].ID != order.Execution {
		return refuse("the incident's execution is another one")
	}
	if order.Back {
		if _, err := w.mayUndo(ctx, order, record); err != nil {
			return err
		}
	}
	execution, err := w.execution(ctx, order.Execution)
	if err != nil {
		return err
	}
	return w.belongs(execution, order, record)
}

// Apply makes the approved change, or finds that it was made already. The error is a *Refused, a *Conflict or a *Void
// where nothing of ours was written and nothing will be; any other error says that something failed that may be tried
// again: the next call finds out what became of this one. With an *Unkept the change is made all the same.
func (w Writer) Apply(ctx context.Context, order Order) (incident.Written, error) {
	written, done, err := w.earlier(ctx, order)
	if done || err != nil {
		return written, err
	}
	record, err := w.Records.Read(ctx, order.Incident)
	if err != nil {
		return incident.Written{}, fmt.Errorf("apply %s: %w", order.Incident, err)
	}
	if err := w.suitsStack(order, record); err != nil {
		return incident.Written{}, err
	}
	kind, known := kinds[record.Plan.Remedy]
	if !known {
		return incident.Written{}, refuse("this software has no remedy %q", record.Plan.Remedy)
	}
	return kind.apply(w, ctx, order, record)
}

// Settle ends what a runbook that failed has left half-way: what is ours and was not finished is undone, and what has
// arrived without a record is recorded. done reports whether the change is made. It writes nothing that Apply would not
// have written, and does nothing where Apply had begun nothing.
func (w Writer) Settle(ctx context.Context, order Order) (written incident.Written, done bool, err error) {
	if written, done, err := w.earlier(ctx, order); done || err != nil {
		return written, done, err
	}
	record, err := w.Records.Read(ctx, order.Incident)
	if err != nil {
		return incident.Written{}, false, fmt.Errorf("settle %s: %w", order.Incident, err)
	}
	kind := kinds[record.Plan.Remedy]
	if kind.settle == nil {
		return incident.Written{}, false, nil
	}
	return kind.settle(w, ctx, order, record)
}

// The objects under outcome/, which only remediate writes.
const (
	slotObject    = "execution.json" // who owns the slot
	writingObject = "writing.json"   // a write is about to go out
	writtenObject = "written.json"   // it arrived
)

// backObjects are the same for the way back.
var backObjects = map[string]string{slotObject: "undo-execution.json", writingObject: "undoing.json", writtenObject: "undone.json"}

func outcomeKey(order Order, object string) string {
	if order.Back {
		object = backObjects[object]
	}
	return "incidents/" + order.Incident.Distribution + "/" + order.Incident.ID + "/outcome/" + object
}

// slot is the execution that owns the incident's slot.
func (w Writer) slot(ctx context.Context, order Order) (execution string, found bool, err error) {
	var owner incident.Execution
	found, err = w.load(ctx, outcomeKey(order, slotObject), &owner)
	return owner.ID, found, err
}

// earlier is what an earlier call of the same execution wrote.
func (w Writer) earlier(ctx context.Context, order Order) (incident.Written, bool, error) {
	var written incident.Written
	found, err := w.load(ctx, outcomeKey(order, writtenObject), &written)
	if err != nil || !found {
		return incident.Written{}, false, err
	}
	if written.Execution != order.Execution {
		return incident.Written{}, false, refuse("the incident's change was %s by another execution", done(order))
	}
	return written, true, nil
}

// done says what an order's write does, as a participle.
func done(order Order) string {
	if order.Back {
		return "taken back"
	}
	return "made"
}

// begun reports whether an earlier call of this execution was about to write.
func (w Writer) begun(ctx context.Context, order Order) (incident.Written, bool, error) {
	var writing incident.Written
	found, err := w.load(ctx, outcomeKey(order, writingObject), &writing)
	if err != nil || !found {
		return incident.Written{}, false, err
	}
	if writing.Execution != order.Execution {
		return incident.Written{}, false, refuse("another execution was about to write")
	}
	return writing, true, nil
}

// announce records that a write is about to go out.
func (w Writer) announce(ctx context.Context, order Order, writing incident.Written) error {
	return w.keep(ctx, outcomeKey(order, writingObject), writing)
}

// confirm records that the write arrived; the error is an *Unkept.
func (w Writer) confirm(ctx context.Context, order Order, written incident.Written) (incident.Written, error) {
	written.At = w.Now()
	if err := w.keep(ctx, outcomeKey(order, writtenObject), written); err != nil {
		return incident.Written{}, &Unkept{Written: written, Cause: err}
	}
	return written, nil
}

func (w Writer) keep(ctx context.Context, key string, value incident.Written) error {
	body, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("object %s: %w", key, err)
	}
	if _, err := w.Store.PutIfAbsent(ctx, key, body); err != nil {
		return fmt.Errorf("object %s: %w", key, err)
	}
	return nil
}

func (w Writer) load(ctx context.Context, key string, into any) (bool, error) {
	body, found, err := w.Store.Get(ctx, key)
	if err != nil {
		return false, fmt.Errorf("object %s: %w", key, err)
	}
	if !found {
		return false, nil
	}
	if err := json.Unmarshal(body, into); err != nil {
		return false, fmt.Errorf("object %s: %w", key, err)
	}
	return true, nil
}
