// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package sqs is Amazon SQS with standard queues: sending, receiving, visibility by the account's clock, redrive to a
// dead-letter queue, queue policies. Not there: FIFO queues, batches of changes, message moves.
package sqs

import (
	"cmp"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"cloudfront503/pkg/emulator/kernel"
)

// Service answers what is signed for "sqs".
type Service struct {
	world  *kernel.World
	mu     sync.Mutex
	queues map[string]*queue // by name
	news   chan struct{}     // closed, and made anew, when a message comes
}

type queue struct {
	name       string
	arn        string
	attributes map[string]string // those that were set, with their defaults
	created    time.Time
	messages   []*message
}

// message is a message in a queue.
type message struct {
	id         string
	body       string
	attributes map[string]attribute
	sender     string // SenderId
	sent       time.Time
	visible    time.Time // from when on it can be received
	first      time.Time // when it was first received
	receives   int
	receipt    string
}

// attribute is MessageAttributeValue.
type attribute struct {
	DataType    string
	StringValue *string `json:",omitempty"`
	BinaryValue []byte  `json:",omitempty"`
}

// Message is a message as a test or a report reads it.
type Message struct {
	ID         string
	Body       string
	Attributes map[string]string // those of type String
	Sent       time.Time
}

// New is SQS without queues.
func New(w *kernel.World) *Service {
	s := &Service{world: w, queues: map[string]*queue{}, news: make(chan struct{})}
	w.Register("sqs", s)
	w.Queues = s
	w.Metrics.AddSource(s)
	return s
}

// defaults are the attributes of a queue for which none are given (SQS API reference, "CreateQueue").
var defaults = map[string]string{
	"DelaySeconds": "0", "MaximumMessageSize": "1048576", "MessageRetentionPeriod": "345600", "ReceiveMessageWaitTimeSeconds": "0",
	"VisibilityTimeout": "30", "SqsManagedSseEnabled": "true",
}

// AddQueue makes a queue as a stack does, with the attributes of CreateQueue, and returns its ARN. An attribute that is not
// known is an *APIError.
func (s *Service) AddQueue(name string, attributes map[string]string) (arn string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.add(name, attributes)
	if err != nil {
		return "", err
	}
	return q.arn, nil
}

func (s *Service) add(name string, attributes map[string]string) (*queue, error) {
	if err := s.checkAttributes(attributes); err != nil {
		return nil, err
	}
	q := &queue{name: name, arn: s.arn(name), attributes: map[string]string{}, created: s.world.Clock.Now()}
	for key, value := range defaults {
		q.attributes[key] = value
	}
	q.set(attributes)
	s.queues[name] = q
	return q, nil
}

func (s *Service) arn(name string) string {
	return "arn:aws:sqs:" + s.world.Region + ":" + s.world.Account + ":" + name
}

func (s *Service) url(name string) string {
	return s.world.Endpoint + "/" + s.world.Account + "/" + name
}

// Messages are the messages of a queue, by ARN, that were neither deleted nor kept too long, the oldest first.
func (s *Service) Messages(arn string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queues[nameOf(arn)]
	if q == nil {
		return nil
	}
	q.expire(s.world.Clock.Now())
	var all []Message
	for _, m := range q.messages {
		seen := Message{ID: m.id, Body: m.body, Sent: m.sent, Attributes: map[string]string{}}
		for name, value := range m.attributes {
			if value.StringValue != nil {
				seen.Attributes[name] = *value.StringValue
			}
		}
		all = append(all, seen)
	}
	return all
}

// nameOf is the queue that an ARN or a URL names.
func nameOf(reference string) string {
	return reference[strings.LastIndexAny(reference, ":/")+1:]
}

// SendAs is part of kernel.Sender: service sends on behalf of source, an ARN, and the queue's policy must admit it, as
// must the policy of the key of an encrypted queue. The error is an *APIError.
func (s *Service) SendAs(service, source, queueARN, body string, attributes map[string]string) error {
	q, ok := s.snapshot(queueARN)
	if !ok || q.arn != queueARN {
		return noQueue()
	}
	if err := s.world.ServiceMay(service, source, "sqs:SendMessage", queueARN, q.policy(), nil); err != nil {
		return err
	}
	if err := s.useKey(kernel.Principal{ARN: service, Service: service}, source, q); err != nil {
		return err
	}
	m := &message{body: body, sender: service, attributes: map[string]attribute{}}
	for name, value := range attributes {
		m.attributes[name] = attribute{DataType: "String", StringValue: &value}
	}
	return s.send(queueARN, m, -1)
}

// useKey asks whether who sends may use the key of an encrypted queue, as SQS does for them (SQS Developer Guide, "Key
// management": GenerateDataKey to send, and Decrypt to check it).
func (s *Service) useKey(caller kernel.Principal, source string, q queue) error {
	key := q.attributes["KmsMasterKeyId"]
	if key == "" || s.world.Keys == nil {
		return nil
	}
	for _, action := range []string{"kms:GenerateDataKey", "kms:Decrypt"} {
		if err := s.world.Keys.Use(caller, "sqs", source, action, key); err != nil {
			return kernel.Errorf(http.StatusBadRequest, "KmsAccessDenied", "%v", err)
		}
	}
	return nil
}

// send puts a message into a queue; a negative delay is the queue's own.
func (s *Service) send(reference string, m *message, delay int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queues[nameOf(reference)]
	if q == nil {
		return noQueue()
	}
	if limit := q.number("MaximumMessageSize"); m.size() > limit {
		return kernel.Errorf(http.StatusBadRequest, "InvalidParameterValue", "One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", limit)
	}
	if delay < 0 {
		delay = q.number("DelaySeconds")
	}
	m.id, m.sent = kernel.NewUUID(), s.world.Clock.Now()
	m.visible = m.sent.Add(time.Duration(delay) * time.Second)
	q.messages = append(q.messages, m)
	close(s.news)
	s.news = make(chan struct{})
	return nil
}

func (m *message) size() int {
	size := len(m.body)
	for name, value := range m.attributes {
		size += len(name) + len(value.DataType) + len(value.BinaryValue) + len(value.text())
	}
	return size
}

// snapshot is a copy of a queue without its messages.
func (s *Service) snapshot(reference string) (queue, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queues[nameOf(reference)]
	if q == nil {
		return queue{}, false
	}
	return queue{name: q.name, arn: q.arn, attributes: maps.Clone(q.attributes), created: q.created}, true
}

func (q queue) policy() *kernel.Policy {
	if raw := q.attributes["Policy"]; raw != "" {
		return &kernel.Policy{Raw: json.RawMessage(raw)}
	}
	return nil
}

func (q *queue) number(attribute string) int {
	n, _ := strconv.Atoi(cmp.Or(q.attributes[attribute], "0")) // checked when it was set
	return n
}

// set sets attributes; an empty value takes one away.
func (q *queue) set(attributes map[string]string) {
	for name, value := range attributes {
		if value == "" {
			delete(q.attributes, name)
			continue
		}
		q.attributes[name] = value
	}
}

// expire drops the messages that the queue kept for its retention period.
func (q *queue) expire(now time.Time) {
	kept := q.messages[:0]
	for _, m := range q.messages {
		if now.Sub(m.sent) < time.Duration(q.number("MessageRetentionPeriod"))*time.Second {
			kept = append(kept, m)
		}
	}
	q.messages = kept
}

func md5Of(text string) string {
	sum := md5.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}
