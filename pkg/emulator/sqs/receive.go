// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package sqs

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"time"

	"cloudfront503/pkg/emulator/jsonrpc"
	"cloudfront503/pkg/emulator/kernel"
)

// receiveInput is ReceiveMessage's. AttributeNames is the older name of MessageSystemAttributeNames.
type receiveInput struct {
	queueRef
	MaxNumberOfMessages         int
	VisibilityTimeout           *int
	WaitTimeSeconds             *int
	AttributeNames              []string
	MessageSystemAttributeNames []string
	MessageAttributeNames       []string
	ReceiveRequestAttemptID     string `json:"ReceiveRequestAttemptId"`
}

// received is a message as ReceiveMessage gives it.
type received struct {
	MessageID              string `json:"MessageId"`
	ReceiptHandle          string
	MD5OfBody              string
	Body                   string
	Attributes             map[string]string    `json:",omitempty"`
	MessageAttributes      map[string]attribute `json:",omitempty"`
	MD5OfMessageAttributes string               `json:",omitempty"`
}

// receiveMessage waits, in the machine's time, as long as the call or the queue says for a first message.
func (s *Service) receiveMessage(c *kernel.Call) (any, error) {
	var in receiveInput
	if err := jsonrpc.Decode(c, &in); err != nil {
		return nil, err
	}
	q, err := s.begin(c, "sqs:ReceiveMessage", in.QueueURL)
	if err != nil {
		return nil, err
	}
	if n := cmp.Or(in.MaxNumberOfMessages, 1); n < 1 || n > 10 {
		return nil, kernel.Errorf(http.StatusBadRequest, "InvalidParameterValue", "Value %d for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.", n)
	}
	if key := q.attributes["KmsMasterKeyId"]; key != "" && s.world.Keys != nil {
		if err := s.world.Keys.Use(c.Caller, "sqs", "", "kms:Decrypt", key); err != nil {
			return nil, kernel.Errorf(http.StatusBadRequest, "KmsAccessDenied", "%v", err)
		}
	}
	wait := time.Duration(or(in.WaitTimeSeconds, q.number("ReceiveMessageWaitTimeSeconds"))) * time.Second
	timeout := time.After(wait)
	for {
		taken, news := s.take(q.name, in)
		if len(taken) > 0 || wait == 0 {
			return map[string]any{"Messages": taken}, nil
		}
		select {
		case <-news:
		case <-timeout:
			return map[string]any{"Messages": taken}, nil
		case <-c.R.Context().Done():
			return map[string]any{"Messages": taken}, nil
		}
	}
}

func or(given *int, fallback int) int {
	if given == nil {
		return fallback
	}
	return *given
}

// take receives what is there; news is closed when there is more.
func (s *Service) take(name string, in receiveInput) (taken []received, news <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queues[name]
	if q == nil {
		return nil, s.news
	}
	now := s.world.Clock.Now()
	q.expire(now)
	s.redrive(q, now)
	for _, m := range q.messages {
		if len(taken) == cmp.Or(in.MaxNumberOfMessages, 1) {
			break
		}
		if m.visible.After(now) {
			continue
		}
		m.receives++
		m.receipt = kernel.NewUUID()
		m.visible = now.Add(time.Duration(or(in.VisibilityTimeout, q.number("VisibilityTimeout"))) * time.Second)
		if m.first.IsZero() {
			m.first = now
		}
		taken = append(taken, m.as(in))
	}
	return taken, s.news
}

// redrive moves visible messages that were received too often to the dead-letter queue.
func (s *Service) redrive(q *queue, now time.Time) {
	raw := q.attributes["RedrivePolicy"]
	if raw == "" {
		return
	}
	policy, err := parseRedrive(raw)
	target := s.queues[nameOf(policy.Target)]
	if err != nil || target == nil {
		return
	}
	most, _ := strconv.Atoi(policy.Most.String()) // checked when it was set
	q.messages = slices.DeleteFunc(q.messages, func(m *message) bool {
		if m.receives < most || m.visible.After(now) {
			return false
		}
		target.messages = append(target.messages, m)
		return true
	})
}

// as is the message with the attributes that were asked for.
func (m *message) as(in receiveInput) received {
	r := received{MessageID: m.id, ReceiptHandle: m.receipt, MD5OfBody: md5Of(m.body), Body: m.body, Attributes: map[string]string{}}
	asked := slices.Concat(in.AttributeNames, in.MessageSystemAttributeNames)
	for name, value := range map[string]string{
		"SenderId": m.sender, "SentTimestamp": millis(m.sent), "ApproximateReceiveCount": strconv.Itoa(m.receives),
		"ApproximateFirstReceiveTimestamp": millis(m.first),
	} {
		if slices.Contains(asked, "All") || slices.Contains(asked, name) {
			r.Attributes[name] = value
		}
	}
	r.MessageAttributes = map[string]attribute{}
	for name, value := range m.attributes {
		if slices.ContainsFunc(in.MessageAttributeNames, func(pattern string) bool { return named(pattern, name) }) {
			r.MessageAttributes[name] = value
		}
	}
	if len(r.MessageAttributes) > 0 {
		r.MD5OfMessageAttributes = md5OfAttributes(r.MessageAttributes)
	}
	return r
}

// named is how MessageAttributeNames picks: All, a name, or a prefix with ".*".
func named(pattern, name string) bool {
	return pattern == "All" || pattern == name || (len(pattern) >= 2 && pattern[len(pattern)-2:] == ".*" && kernel.Glob(pattern[:len(pattern)-1]+"*", name))
}

func (s *Service) deleteMessage(c *kernel.Call) (any, error) {
	var in struct {
		queueRef
		ReceiptHandle string
	}
	if err := jsonrpc.Decode(c, &in); err != nil {
		return nil, err
	}
	q, err := s.begin(c, "sqs:DeleteMessage", in.QueueURL)
	if err != nil {
		return nil, err
	}
	return nil, s.change(q.name, in.ReceiptHandle, func(live *queue, m *message) {
		live.messages = slices.DeleteFunc(live.messages, func(other *message) bool { return other == m })
	})
}

func (s *Service) changeVisibility(c *kernel.Call) (any, error) {
	var in struct {
		queueRef
		ReceiptHandle     string
		VisibilityTimeout int
	}
	if err := jsonrpc.Decode(c, &in); err != nil {
		return nil, err
	}
	q, err := s.begin(c, "sqs:ChangeMessageVisibility", in.QueueURL)
	if err != nil {
		return nil, err
	}
	return nil, s.change(q.name, in.ReceiptHandle, func(_ *queue, m *message) {
		m.visible = s.world.Clock.Now().Add(time.Duration(in.VisibilityTimeout) * time.Second)
	})
}

// change finds a message by its latest receipt handle. One that is gone is no error for SQS.
func (s *Service) change(name, receipt string, do func(*queue, *message)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if receipt == "" {
		return kernel.Errorf(http.StatusBadRequest, "ReceiptHandleIsInvalid", "The input receipt handle is invalid.")
	}
	q := s.queues[name]
	if q == nil {
		return noQueue()
	}
	for _, m := range q.messages {
		if m.receipt == receipt {
			do(q, m)
			return nil
		}
	}
	return nil
}
