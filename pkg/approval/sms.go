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
	"strings"
	"time"

	"cloudfront503/pkg/incident"
)

// Texts is where text messages come in.
type Texts struct {
	Topic  string // the ARN of the topic to which only the SMS service may publish; empty where no texts are taken
	Number string // the stack's own number
}

// incidents lists them.
type incidents interface {
	// Since gives the incidents that have not ended, and those that were opened after a time. Beside the error for those
	// that cannot be read stand the others.
	Since(ctx context.Context, opened time.Time) ([]incident.Pointer, error)
}

// Text is a text message that came in. Its names are those of the SMS service [AWS End User Messaging SMS, "Example of a two-way
// SMS message payload"], as
//
//	{"originationNumber":"+14255550182","destinationNumber":"+12125550101","messageKeyword":"KEYWORD_…","messageBody":"K7M-4QX-9RT","inboundMessageId":"cae173d2-66b9-564c-8309-21f858e9fb84"}
type Text struct {
	From string `json:"originationNumber"` // of E.164, as +14255550182
	To   string `json:"destinationNumber"`
	Body string `json:"messageBody"`
	ID   string `json:"inboundMessageId"` // letters, digits and hyphens; empty where it is anything else
}

const longestTextID = 100 // characters; the service's have 36

// ParseText reads what the SMS service publishes. The error repeats nothing of it.
func ParseText(raw string) (Text, error) {
	var t Text
	if err := json.Unmarshal([]byte(raw), &t); err != nil || !isPhone(t.From) {
		return Text{}, errors.New("it is no text message: not what the SMS service publishes")
	}
	if len(t.ID) > longestTextID || strings.Trim(t.ID, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-") != "" {
		t.ID = ""
	}
	return t, nil
}

// takeText is the story of a text message. The number says who it is from, and a number can be forged: without a code that
// was sent to the same number it decides nothing.
func (d Desk) takeText(ctx context.Context, v *visit) error {
	v.channel = incident.ChannelSMS
	answer, err := d.readText(v)
	if err != nil {
		return err
	}
	open, err := d.askedByText(ctx, v.owner)
	if err != nil {
		return err
	}
	if len(open) == 0 {
		return refuse("nothing that is open was asked of this number")
	}
	if i := slices.IndexFunc(open, func(r Record) bool { return slices.ContainsFunc(r.Decisions, v.sent) }); i >= 0 {
		v.record = open[i]
	} else if err := d.match(ctx, v, answer, open); err != nil {
		return err
	}
	if err := d.record(ctx, v); err != nil {
		return err
	}
	return d.signal(ctx, v)
}

// readText says who wrote, and which code.
func (d Desk) readText(v *visit) (Answer, error) {
	t, err := ParseText(v.reply.Text)
	if err != nil {
		return Answer{}, refuse("%s", err)
	}
	if t.ID != "" {
		v.reply.MessageID = t.ID
	}
	v.from = incident.MaskNumber(t.From)
	if strings.TrimPrefix(t.To, "+") != strings.TrimPrefix(d.Texts.Number, "+") {
		return Answer{}, refuse("it was sent to another number than the stack's")
	}
	var known bool
	if v.owner, known = OwnerOfPhone(d.Approvers, t.From); !known {
		return Answer{}, refuse("the number belongs to no approver")
	}
	answer, err := ReadCode(t.Body)
	if err != nil {
		return Answer{}, refuse("%s", err)
	}
	return answer, nil
}

// askedByText are the records of the open incidents in which a person has codes. What cannot be read is an error only where
// nothing else is found.
func (d Desk) askedByText(ctx context.Context, person incident.Approver) ([]Record, error) {
	pointers, problem := d.Incidents.Since(ctx, d.Now())
	var found []Record
	for _, pointer := range pointers {
		if !pointer.State.Ongoing() {
			continue
		}
		record, err := d.recordOf(ctx, pointer.Reference())
		if err != nil {
			problem = errors.Join(problem, err)
		} else if len(record.codesOf(person)) > 0 {
			found = append(found, record)
		}
	}
	if len(found) > 0 {
		return found, nil
	}
	return nil, problem
}

// match finds what a code is for. Each try takes one of a few places before the code is looked at, so that many that come
// at once are not more tries than one after the other; a right code gives its place back.
func (d Desk) match(ctx context.Context, v *visit, answer Answer, open []Record) error {
	var held []Record
	for _, record := range open {
		free, err := d.holdTry(ctx, v, record.Request.Incident)
		if err != nil {
			return err
		}
		if free {
			held = append(held, record)
		}
	}
	if len(held) == 0 {
		v.record = open[0]
		return refuse("%d wrong codes came from this number, so that its codes are void; the tickets in the other message still work", mostWrong)
	}
	for _, record := range held {
		verb, proof, err := d.Verifier.findCode(ctx, record, v.owner, hashCode(answer.Code))
		if err != nil {
			return err
		}
		if verb != "" {
			v.record, v.code, v.parsed = record, &proof, Reply{Verb: verb, Reason: answer.Reason}
			if err := d.freeTries(ctx, v, held); err != nil {
				return err
			}
			return v.agrees(answer)
		}
	}
	return d.wrongCode(ctx, v, held)
}

// agrees refuses a message that says one thing and bears the code for the other.
func (v *visit) agrees(answer Answer) error {
	if why := v.record.Outsider(v.owner); why != "" {
		return refuse("%s", why)
	}
	if answer.Verb != "" && answer.Verb != v.parsed.Verb {
		return refuse("it says %s, and its code is the one to %s; send the code alone", answer.Verb, v.parsed.Verb)
	}
	return nil
}

// mostWrong is how many wrong codes may come from a number, for one incident.
const mostWrong = 5

// tries are the places that a person's wrong codes for one incident have taken.
type tries struct {
	Wrong []string `json:"wrong"`          // ids of messages, at most mostWrong
	Told  bool     `json:"told,omitempty"` // people know that the codes are void
}

// readTries reads them. Damaged, they are an error: to begin anew would be to give further tries away.
func readTries(body []byte) (tries, error) {
	var state tries
	err := json.Unmarshal(body, &state)
	return state, err
}

// TriesName is the name, within its incident, of the object that counts a person's wrong codes.
func TriesName(name string) string { return "approval/sms/" + name + ".json" }

func triesKey(reference incident.Reference, name string) string {
	return "incidents/" + reference.String() + "/" + TriesName(name)
}

// holdTry takes a place for a message, the same one where it has come before. free is false where none is left.
func (d Desk) holdTry(ctx context.Context, v *visit, reference incident.Reference) (free bool, err error) {
	err = change(ctx, d.States, triesKey(reference, v.owner.Name), readTries, func(state *tries) bool {
		held := slices.Contains(state.Wrong, v.reply.MessageID)
		free = held || len(state.Wrong) < mostWrong
		if held || !free {
			return false
		}
		state.Wrong = append(state.Wrong, v.reply.MessageID)
		return true
	})
	return free, err
}

// freeTries gives the places back that a message with a right code has taken.
func (d Desk) freeTries(ctx context.Context, v *visit, held []Record) error {
	var problems []error
	for _, record := range held {
		problems = append(problems, change(ctx, d.States, triesKey(record.Request.Incident, v.owner.Name), readTries, func(state *tries) bool {
			before := len(state.Wrong)
			state.Wrong = slices.DeleteFunc(state.Wrong, func(id string) bool { return id == v.reply.MessageID })
			return len(state.Wrong) != before
		}))
	}
	return errors.Join(problems...)
}

// Voided is what people are told where the codes of a number are void.
type Voided struct {
	Incident incident.Reference
	Approver incident.Approver
	From     string // the number, masked
	Wrong    int    // how many wrong codes came
}

// wrongCode refuses a wrong code, in the record of each incident that it might have been for. Whose message takes the last
// place tells people that the codes are void.
func (d Desk) wrongCode(ctx context.Context, v *visit, held []Record) error {
	var why string
	for i, record := range held {
		v.record = record
		count, err := d.tellVoid(ctx, v)
		if err != nil {
			return err
		}
		why = fmt.Sprintf("the code is none that was sent to this number for what is open, or an earlier one: wrong code %d of %d", count, mostWrong)
		if i < len(held)-1 {
			if err := d.recordRefusal(ctx, *v, why); err != nil {
				return err
			}
		}
	}
	return refuse("%s", why)
}

// tellVoid says which place the message has, and tells people, once, where it is the last.
func (d Desk) tellVoid(ctx context.Context, v *visit) (count int, err error) {
	reference := v.record.Request.Incident
	var state tries
	look := func(now *tries) bool { state = *now; return false }
	if err := change(ctx, d.States, triesKey(reference, v.owner.Name), readTries, look); err != nil {
		return 0, err
	}
	count = slices.Index(state.Wrong, v.reply.MessageID) + 1
	if count < mostWrong || state.Told {
		return count, nil
	}
	if err := d.TellVoid(ctx, Voided{Incident: reference, Approver: v.owner, From: v.from, Wrong: count}); err != nil {
		return count, fmt.Errorf("tell that the codes of %s are void: %w", v.owner.Name, err)
	}
	return count, change(ctx, d.States, triesKey(reference, v.owner.Name), readTries, func(now *tries) bool {
		told := now.Told
		now.Told = true
		return !told
	})
}

// spentCodeName is the name, within its incident, of the object that says that a code was used.
func spentCodeName(proof incident.CodeProof) string {
	sum := sha256.Sum256([]byte(proof.MAC))
	return "approval/tickets/" + hex.EncodeToString(sum[:]) + ".json"
}
