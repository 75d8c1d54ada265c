// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package approval

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"cloudfront503/pkg/incident"
)

// ErrNotYet says that a valid reply came before its gate waits. The decision is recorded; the same message delivered
// again carries on.
var ErrNotYet = errors.New("the gate does not wait yet")

type ledger interface {
	// Steps of all writers. No steps and no error where there is no such incident.
	Steps(ctx context.Context, reference incident.Reference) ([]incident.Step, error)
	// AppendOnce adds a step to the chain of the function that runs, unless there is one of this kind and key.
	AppendOnce(ctx context.Context, reference incident.Reference, kind incident.StepKind, key, note string, detail any) (incident.Step, bool, error)
	// PutOnce creates an incident's object unless there is one; kept is what lies there afterwards.
	PutOnce(ctx context.Context, reference incident.Reference, name string, data []byte) (kept []byte, created bool, err error)
}

type states interface {
	// Load reads an object and its ETag; both empty where there is none.
	Load(ctx context.Context, key string) (body []byte, etag string, err error)
	// Replace writes an object under If-Match of the ETag, or under If-None-Match where etag is empty. replaced is false
	// where somebody else was faster.
	Replace(ctx context.Context, key, etag string, body []byte) (replaced bool, err error)
}

type gate interface {
	// Waits says whether the execution takes decisions now, or never will again.
	Waits(ctx context.Context, execution string) (waits, over bool, err error)
}

type signaller interface {
	// Signal tells the gate. An error with a method Decided() bool that is true is none: somebody was first.
	Signal(ctx context.Context, approver incident.Approver, execution string, verb incident.Verb, comment string) error
}

type live interface {
	// ETag of a distribution's configuration as it is now.
	ETag(ctx context.Context, distribution string) (string, error)
}

// Desk takes replies, one at a time.
type Desk struct {
	Approvers []incident.Approver
	OnCall    string // the topic for refusals of replies that came through nobody's topic
	Verifier  Verifier
	Ledger    ledger
	States    states
	Gate      gate
	Signaller signaller
	WayBack   wayBack
	Live      live
	Chat      Chat
	Texts     Texts
	Incidents incidents
	Now       func() time.Time // AWS's clock
	// Sleep waits for the gate of a way back that was just started.
	Sleep func(ctx context.Context, wait time.Duration) error

	// Tell sends people a refusal.
	Tell func(ctx context.Context, topic string, refusal Refusal) error
	// TellDenied tells the approver and on-call that AWS takes no signature.
	TellDenied func(context.Context, Denied) error
	// TellVoid tells the approver and on-call that no text from a number counts any more.
	TellVoid func(context.Context, Voided) error
}

// Refusal is what people are told about a reply that does not count.
type Refusal struct {
	Owner     string             // whose reply topic or phone it came through; empty for nobody's
	Topic     string             // the topic through which it came
	From      string             // the number from which a text message came, masked; empty for other replies
	Incident  incident.Reference // the incident that it names; empty where it names none that exists
	Why       string             // one sentence
	At        time.Time
	MessageID string
	More      int // how many others were refused since the last message about this topic
}

// refused is an answer that does not count, and why.
type refused struct{ why string }

func (r refused) Error() string { return r.why }

func refuse(format string, args ...any) error { return refused{fmt.Sprintf(format, args...)} }

// visit is one reply on its way through the desk.
type visit struct {
	reply    incident.Reply
	channel  incident.Channel
	owner    incident.Approver
	from     string // the number of a text message, masked
	parsed   Reply
	code     *incident.CodeProof // of a text message, instead of a ticket
	record   Record
	decision incident.Decision
}

// Take takes one reply. Who sent it is the owner of the topic through which it came. A reply that does not count is
// recorded, told, and no error. An error means that the same message must be delivered again: AWS failed, or the gate
// does not wait yet (ErrNotYet). Delivered again, a message carries on where it stopped.
func (d Desk) Take(ctx context.Context, trigger incident.Trigger) error {
	v := visit{channel: trigger.Channel}
	if trigger.Reply == nil {
		return errors.New("no reply in the trigger")
	}
	v.reply = *trigger.Reply
	err := d.take(ctx, &v)
	var no refused
	if errors.As(err, &no) {
		return d.turnAway(ctx, v, no.why)
	}
	if err != nil {
		return fmt.Errorf("reply %s: %w", v.reply.MessageID, err)
	}
	return nil
}

// take is the story of a reply.
func (d Desk) take(ctx context.Context, v *visit) error {
	if v.reply.TopicARN == d.Chat.Topic && d.Chat.Topic != "" {
		return d.takeChat(ctx, v)
	}
	if v.reply.TopicARN == d.Texts.Topic && d.Texts.Topic != "" {
		return d.takeText(ctx, v)
	}
	if err := d.read(v); err != nil {
		return err
	}
	if err := d.open(ctx, v); err != nil {
		return err
	}
	if err := d.record(ctx, v); err != nil {
		return err
	}
	if v.parsed.Verb == incident.Undo {
		return d.takeBack(ctx, v)
	}
	return d.signal(ctx, v)
}

// read says who wrote what.
func (d Desk) read(v *visit) (err error) {
	var known bool
	if v.owner, known = OwnerOf(d.Approvers, v.reply.TopicARN); !known {
		return refuse("it came through a topic that belongs to no approver")
	}
	if v.parsed, err = ParseReply(v.reply.Text); err != nil {
		return refuse("%s", err)
	}
	return nil
}

// open loads what was asked, and checks the ticket against it.
func (d Desk) open(ctx context.Context, v *visit) (err error) {
	if v.record, err = d.recordOf(ctx, v.parsed.Ticket.Incident); err != nil {
		return err
	}
	if v.record.Request == nil {
		return refuse("nothing was asked about incident %s", v.parsed.Ticket.Incident)
	}
	if why := v.record.Outsider(v.owner); why != "" {
		return refuse("%s", why)
	}
	claims := Claims{Verb: v.parsed.Verb, Approver: v.owner.Name, Request: *v.record.Request}
	err = d.Verifier.Verify(ctx, claims, v.parsed.Ticket)
	if errors.Is(err, ErrForged) {
		return refuse("the ticket is not one of %s's to %s what incident %s asks now: another person's, the other verb's, an earlier request's, or damaged",
			v.owner.Name, v.parsed.Verb, v.parsed.Ticket.Incident)
	}
	return err
}

// recordOf reads what an incident's steps say about its approval.
func (d Desk) recordOf(ctx context.Context, reference incident.Reference) (Record, error) {
	steps, err := d.Ledger.Steps(ctx, reference)
	if err != nil {
		return Record{}, fmt.Errorf("steps of %s: %w", reference, err)
	}
	record, err := ReadRecord(steps)
	if err != nil {
		return Record{}, fmt.Errorf("steps of %s: %w", reference, err)
	}
	return record, nil
}

// record spends the ticket and writes the decision down, each once. What was recorded before stays as it was taken then.
func (d Desk) record(ctx context.Context, v *visit) error {
	if i := slices.IndexFunc(v.record.Decisions, v.sent); i >= 0 {
		v.decision = v.record.Decisions[i]
		return nil
	}
	if err := d.mayAnswer(v); err != nil {
		return err
	}
	if err := d.unmoved(ctx, v); err != nil {
		return err
	}
	if err := d.spend(ctx, v); err != nil {
		return err
	}
	request := v.record.Request
	v.decision = incident.Decision{
		Approver: v.owner.Name, Verb: v.parsed.Verb, Reason: v.parsed.Reason, MessageID: v.reply.MessageID, Channel: v.channel,
		At: d.Now(), Execution: request.Execution, Hash: request.Hash, ETag: request.ETag,
	}
	v.decision.Through, v.decision.Ticket, v.decision.Code = v.proof()
	note := fmt.Sprintf("%s answered: %s", v.owner.Name, v.parsed.Verb)
	if _, _, err := d.Ledger.AppendOnce(ctx, request.Incident, incident.StepDecision, v.reply.MessageID, note, v.decision); err != nil {
		return fmt.Errorf("record the decision of %s: %w", v.owner.Name, err)
	}
	return nil
}

// proof is what established the name, and the ticket or the code that goes with it.
func (v *visit) proof() (through, ticket string, code *incident.CodeProof) {
	if v.code != nil {
		return fmt.Sprintf("a text from %s, the number of %s, with a code that was sent there", v.from, v.owner.Name), "", v.code
	}
	return fmt.Sprintf("topic %s, to which only %s may publish", v.owner.Topic, v.owner.Principal), v.parsed.Ticket.String(), nil
}

func (v *visit) sent(d incident.Decision) bool {
	return d.MessageID == v.reply.MessageID && d.Approver == v.owner.Name
}

// mayAnswer says whether an answer can still count.
func (d Desk) mayAnswer(v *visit) error {
	if why := v.record.Objection(v.parsed.Verb, d.Approvers, d.Now()); why != "" {
		return refuse("%s", why)
	}
	return nil
}

// spent is the object that marks a ticket as used.
type spent struct {
	MessageID string        `json:"messageId"`
	Approver  string        `json:"approver"`
	Verb      incident.Verb `json:"verb"`
	At        time.Time     `json:"at"`
}

// SpentName is the name, within its incident, of the object that says that a ticket was used.
func SpentName(ticket Ticket) string {
	sum := sha256.Sum256([]byte(ticket.String()))
	return "approval/tickets/" + hex.EncodeToString(sum[:]) + ".json"
}

// spentName is the object that marks the visit's ticket or code as used.
func (v *visit) spentName() string {
	if v.code != nil {
		return spentCodeName(*v.code)
	}
	return SpentName(v.parsed.Ticket)
}

// spend takes the ticket or the code for this message. SNS delivers a message more than once, and then it is the same message.
func (d Desk) spend(ctx context.Context, v *visit) error {
	body, err := json.Marshal(spent{MessageID: v.reply.MessageID, Approver: v.owner.Name, Verb: v.parsed.Verb, At: d.Now()})
	if err != nil {
		return err
	}
	kept, created, err := d.Ledger.PutOnce(ctx, v.record.Request.Incident, v.spentName(), body)
	if err != nil {
		return fmt.Errorf("spend the ticket of %s: %w", v.owner.Name, err)
	}
	if created {
		return nil
	}
	var earlier spent
	if err := json.Unmarshal(kept, &earlier); err != nil {
		return fmt.Errorf("spend the ticket of %s: what is there: %w", v.owner.Name, err)
	}
	if earlier.MessageID != v.reply.MessageID {
		return refuse("the %s was used at %s", map[bool]string{true: "code", false: "ticket"}[v.code != nil], earlier.At.UTC().Format(time.RFC3339))
	}
	return nil
}

// signal tells SSM, unless it knows or its gate is over: what counts is in the record. The gate wants one approval; it
// gets it from whose approval completes our own count.
func (d Desk) signal(ctx context.Context, v *visit) error {
	if slices.ContainsFunc(v.record.Signalled, v.sent) {
		return nil
	}
	if complete, err := d.complete(ctx, v); !complete || err != nil {
		return err
	}
	return d.tellGate(ctx, v, v.decision.Execution)
}

// tellGate signals the gate of an execution, where it waits.
func (d Desk) tellGate(ctx context.Context, v *visit, execution string) error {
	waits, over, err := d.Gate.Waits(ctx, execution)
	if err != nil {
		return fmt.Errorf("gate of %s: %w", execution, err)
	}
	if over {
		return nil
	}
	if !waits {
		return fmt.Errorf("gate of %s: %w", execution, ErrNotYet)
	}
	err = d.Signaller.Signal(ctx, v.owner, execution, v.decision.Verb, v.decision.Reason)
	if err != nil && !decidedAlready(err) {
		return d.tellDenied(ctx, v, err)
	}
	note := fmt.Sprintf("the gate knows that %s says %s", v.owner.Name, v.decision.Verb)
	if _, _, err := d.Ledger.AppendOnce(ctx, v.record.Request.Incident, incident.StepSignalled, v.reply.MessageID, note, v.decision); err != nil {
		return fmt.Errorf("record the signal of %s: %w", v.owner.Name, err)
	}
	return nil
}

// complete reports whether the decision settles the request: a reject does, and the approval that makes the count full.
// The record is read again, because of two that come at once each must count the other.
func (d Desk) complete(ctx context.Context, v *visit) (bool, error) {
	if v.decision.Verb == incident.Reject {
		return true, nil
	}
	record, err := d.recordOf(ctx, v.record.Request.Incident)
	return err == nil && record.Tally(d.Approvers, d.Now()).Approved, err
}

func decidedAlready(err error) bool {
	var decided interface{ Decided() bool }
	return errors.As(err, &decided) && decided.Decided()
}
