// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"cloudfront503/pkg/incident"
)

// SNS and SQS both hand over {"Records": […]}; "EventSource" (SNS) and "eventSource" (SQS) tell which. encoding/json
// matches names regardless of case, so one struct reads both.
//
//	{"Records":[{"EventSource":"aws:sns","EventSubscriptionArn":"arn:aws:sns:…","Sns":{"Type":"Notification","MessageId":"…","TopicArn":"arn:aws:sns:…","Message":"…"}}]}
//	{"Records":[{"eventSource":"aws:sqs","messageId":"…","body":"{\"Type\":\"Notification\",…}","eventSourceARN":"arn:aws:sqs:…"}]}
//
// Source: Lambda Developer Guide, "Using Lambda with Amazon SNS" and "… Amazon SQS".
type record struct {
	EventSource string
	SNS         json.RawMessage
	Body        string
}

func readRecords(raw []byte, d delivery) ([]incident.Trigger, error) {
	var envelope struct{ Records []json.RawMessage }
	if err := json.Unmarshal(raw, &envelope); err != nil {
		return nil, fmt.Errorf("records: %w", err)
	}
	if len(envelope.Records) == 0 {
		return nil, errors.New("an envelope without records")
	}
	var triggers []incident.Trigger
	var faults []error
	for _, each := range envelope.Records {
		found, err := readRecord(each, d.within(d.channel))
		triggers = append(triggers, found...)
		faults = append(faults, err)
	}
	return triggers, errors.Join(faults...)
}

func readRecord(raw []byte, d delivery) ([]incident.Trigger, error) {
	var r record
	if err := json.Unmarshal(raw, &r); err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	switch r.EventSource {
	case "aws:sns":
		return readTopicEnvelope(r.SNS, d)
	case "aws:sqs":
		return readQueued(r, d)
	}
	return nil, fmt.Errorf("a record from the unknown source %q", clip(r.EventSource, 40))
}

// readQueued reads a queue's message: an SNS envelope, or, with raw delivery, the event itself.
func readQueued(r record, d delivery) ([]incident.Trigger, error) {
	triggers, err := read([]byte(r.Body), d.within(incident.ChannelSNS))
	if err != nil {
		return triggers, fmt.Errorf("queued message: %w", err)
	}
	return triggers, nil
}

// topicEnvelope is an SNS message with its envelope, as Lambda, SQS and e-mail-json receive it.
//
//	{"Type":"Notification","MessageId":"d88d4479-…","TopicArn":"arn:aws:sns:…","Message":"…","Timestamp":"2021-01-19T10:07:07.287Z"}
//
// Source: SNS Developer Guide, "Parsing Amazon SNS message formats".
type topicEnvelope struct {
	Type      string
	MessageID string `json:"MessageId"`
	TopicARN  string `json:"TopicArn"`
	Message   string
	Timestamp lenient
}

func readTopicEnvelope(raw []byte, d delivery) ([]incident.Trigger, error) {
	var e topicEnvelope
	if err := json.Unmarshal(raw, &e); err != nil {
		return nil, fmt.Errorf("sns envelope: %w", err)
	}
	if e.Type != "Notification" {
		return nil, &Ignored{Reason: fmt.Sprintf("sns message of type %q is no notification", clip(e.Type, 40))}
	}
	if e.MessageID == "" || e.TopicARN == "" {
		return nil, errors.New("sns envelope without message id or topic")
	}
	inner := d.within(incident.ChannelSNS)
	inner.topic, inner.messageID, inner.at = e.TopicARN, e.MessageID, e.Timestamp.Time
	return readTopicMessage(e.Message, inner)
}

// readTopicMessage reads what was published: an event where it has the shape of one, else somebody's words.
func readTopicMessage(message string, d delivery) ([]incident.Trigger, error) {
	var members map[string]json.RawMessage
	if json.Unmarshal([]byte(message), &members) != nil {
		return one(readReply)([]byte(message), d)
	}
	for _, s := range shapes() {
		if publishable(s) && hasAll(members, s.members) {
			return s.read([]byte(message), d)
		}
	}
	return one(readReply)([]byte(message), d)
}

// unpublishable are the first members of the shapes that nobody may publish to a topic: those with which the schedule and
// cf503 invoke directly, and every envelope, because whoever may publish to one topic could name another in it and speak
// in the name of its owner.
var unpublishable = []string{"cloudfront503", "Records", "requestContext", "Type"}

func publishable(s shape) bool { return !slices.Contains(unpublishable, s.members[0]) }

// readFailureRecord reads what an on-failure destination holds, so that a failed event can be handed in again as it is.
//
//	{"version":"1.0","timestamp":"…","requestContext":{"condition":"RetriesExhausted",…},"requestPayload":{…},"responseContext":{…}}
//
// Source: Lambda Developer Guide, "Capturing records of Lambda asynchronous invocations".
func readFailureRecord(raw []byte, d delivery) ([]incident.Trigger, error) {
	var r struct{ RequestPayload json.RawMessage }
	if err := json.Unmarshal(raw, &r); err != nil {
		return nil, fmt.Errorf("failed invocation: %w", err)
	}
	return read(r.RequestPayload, d.within(d.channel))
}

// readTestNotification ignores what services send when a topic is first connected.
//
//	{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2014-10-13T15:57:02.089Z","Bucket":"…","RequestId":"…","HostId":"…"}
func readTestNotification(raw []byte, _ delivery) (incident.Trigger, error) {
	var n struct{ Event string }
	if err := json.Unmarshal(raw, &n); err != nil {
		return incident.Trigger{}, fmt.Errorf("test notification: %w", err)
	}
	return incident.Trigger{}, &Ignored{Reason: fmt.Sprintf("%q is a notification of another service", clip(n.Event, 60))}
}
