// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package event turns the raw bytes that wake a function into triggers: which distribution, which state, since when, how
// it came. It takes every shape in which AWS delivers an alarm, a Health event, a CloudFront change, an Automation status
// or an approver's reply. What is not ours is an *Ignored with its reason; what cannot be parsed is a plain error, which
// the function returns so that the event ends in the dead-letter queue. It tells shapes apart by the members that AWS
// promises, and tolerates whatever members AWS adds.
package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"cloudfront503/pkg/incident"
)

// Ignored says that an event was understood and is not ours. It is no fault: nothing must be retried.
type Ignored struct {
	Reason string
}

// Error is the reason.
func (e *Ignored) Error() string { return "ignored: " + e.Reason }

// Parse reads a delivery that holds exactly one event. The error is an *Ignored for what is not ours, and anything else
// for what cannot be parsed.
func Parse(raw []byte) (incident.Trigger, error) {
	triggers, err := ParseAll(raw)
	if len(triggers) == 1 && err == nil {
		return triggers[0], nil
	}
	if len(triggers) > 0 {
		return incident.Trigger{}, errors.Join(fmt.Errorf("event: %d events in one delivery where one is expected", len(triggers)), err)
	}
	return incident.Trigger{}, err
}

// ParseAll reads every event of a delivery: SNS and SQS may hand over several records at once. The triggers are complete
// also where an error stands beside them. If any record could not be parsed, the error says which and is not an *Ignored;
// only where nothing but ignored records failed is it an *Ignored, with all their reasons.
func ParseAll(raw []byte) ([]incident.Trigger, error) {
	triggers, err := read(raw, delivery{channel: incident.ChannelLambda})
	return triggers, settle(err)
}

// settle makes one error of the joined ones, so that an ignored record can never hide one that must be retried.
func settle(err error) error {
	var faults []error
	var reasons []string
	for _, each := range flatten(err) {
		var ignored *Ignored
		if errors.As(each, &ignored) {
			reasons = append(reasons, ignored.Reason)
			continue
		}
		faults = append(faults, each)
	}
	if len(faults) > 0 {
		return fmt.Errorf("event: %w", errors.Join(faults...))
	}
	if len(reasons) > 0 {
		return &Ignored{Reason: strings.Join(reasons, "; ")}
	}
	return nil
}

func flatten(err error) []error {
	if err == nil {
		return nil
	}
	joined, several := err.(interface{ Unwrap() []error })
	if !several {
		return []error{err}
	}
	var all []error
	for _, each := range joined.Unwrap() {
		all = append(all, flatten(each)...)
	}
	return all
}

// delivery is what the envelopes around an event have told so far.
type delivery struct {
	channel   incident.Channel
	topic     string
	messageID string
	at        time.Time // when the envelope was sent
	depth     int
}

// maxDepth bounds envelopes within envelopes; a failed-invocation record around SQS around SNS around EventBridge is four.
const maxDepth = 6

// within is the delivery of what lies inside an envelope.
func (d delivery) within(channel incident.Channel) delivery {
	d.channel = channel
	d.depth++
	return d
}

// shape is one form that an event may have, told by members that nothing else has.
type shape struct {
	members []string
	read    func(raw []byte, d delivery) ([]incident.Trigger, error)
}

// shapes is every form, the most particular first. It is a function because its entries call read.
func shapes() []shape {
	return []shape{
		{[]string{"Records"}, readRecords},
		{[]string{"requestContext", "requestPayload"}, readFailureRecord},
		{[]string{"cloudfront503"}, one(readRequest)},
		{[]string{"source", "detail-type"}, one(readEventBridge)},
		{[]string{"alarmData"}, one(readDirectAlarm)},
		{[]string{"AlarmName", "NewStateValue"}, one(readTopicAlarm)},
		{[]string{"Type", "MessageId", "TopicArn"}, readTopicEnvelope},
		{[]string{"Event", "Service", "Time"}, one(readTestNotification)},
		{[]string{"Event", "AutoScalingGroupName"}, one(readTestNotification)},
	}
}

func one(read func([]byte, delivery) (incident.Trigger, error)) func([]byte, delivery) ([]incident.Trigger, error) {
	return func(raw []byte, d delivery) ([]incident.Trigger, error) {
		trigger, err := read(raw, d)
		if err != nil {
			return nil, err
		}
		return []incident.Trigger{trigger}, nil
	}
}

// read finds the event's shape by its members and reads it.
func read(raw []byte, d delivery) ([]incident.Trigger, error) {
	if d.depth > maxDepth {
		return nil, errors.New("too many envelopes within envelopes")
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, fmt.Errorf("not a JSON object: %w", err)
	}
	for _, s := range shapes() {
		if hasAll(members, s.members) {
			return s.read(raw, d)
		}
	}
	return nil, fmt.Errorf("unknown shape with the members %s", names(members))
}

func hasAll(members map[string]json.RawMessage, wanted []string) bool {
	return !slices.ContainsFunc(wanted, func(name string) bool { _, present := members[name]; return !present })
}

// names are the members' names, sorted and bounded; values are never shown, for they may hold secrets.
func names(members map[string]json.RawMessage) string {
	const most, longest = 12, 40
	var all []string
	for name := range members {
		all = append(all, fmt.Sprintf("%q", clip(name, longest)))
	}
	slices.Sort(all)
	if len(all) > most {
		all = append(all[:most], "…")
	}
	return strings.Join(all, ", ")
}

// clip bounds foreign text that goes into a reason.
func clip(s string, longest int) string {
	runes := []rune(s)
	if len(runes) <= longest {
		return s
	}
	return string(runes[:longest]) + "…"
}

// loose is a scalar that AWS writes as a string in one place and as a number, a boolean or an object in another.
type loose string

// UnmarshalJSON takes a string's text, the JSON text of anything else, and nothing for null.
func (l *loose) UnmarshalJSON(raw []byte) error {
	var text string
	switch {
	case bytes.Equal(raw, []byte("null")):
		return nil
	case json.Unmarshal(raw, &text) == nil:
		*l = loose(text)
	default:
		*l = loose(raw)
	}
	return nil
}
