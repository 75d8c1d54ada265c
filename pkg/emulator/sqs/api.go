// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package sqs

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"cloudfront503/pkg/emulator/jsonrpc"
	"cloudfront503/pkg/emulator/kernel"
)

// Serve is part of kernel.Service.
func (s *Service) Serve(c *kernel.Call) {
	jsonrpc.Serve(c, "AmazonSQS", s.handlers())
}

func (s *Service) handlers() map[string]jsonrpc.Handler {
	handlers := map[string]jsonrpc.Handler{
		"ChangeMessageVisibility": s.changeVisibility,
		"CreateQueue":             s.createQueue,
		"DeleteMessage":           s.deleteMessage,
		"DeleteQueue":             s.deleteQueue,
		"GetQueueAttributes":      s.getAttributes,
		"GetQueueUrl":             s.getURL,
		"ListQueues":              s.listQueues,
		"PurgeQueue":              s.purgeQueue,
		"ReceiveMessage":          s.receiveMessage,
		"SendMessage":             s.sendMessage,
		"SetQueueAttributes":      s.setAttributes,
	}
	for name, handle := range handlers {
		handlers[name] = func(c *kernel.Call) (any, error) {
			answer, err := handle(c)
			sayQueryCode(c, err)
			return answer, err
		}
	}
	return handlers
}

// queryCodes are the codes of the errors in the query protocol, where they differ: clients of SQS still go by them.
var queryCodes = map[string]string{
	"QueueDoesNotExist": "AWS.SimpleQueueService.NonExistentQueue",
	"QueueNameExists":   "QueueAlreadyExists",
}

// sayQueryCode sets the header of an awsQueryCompatible service.
func sayQueryCode(c *kernel.Call, err error) {
	var api *kernel.APIError
	if !errors.As(err, &api) {
		return
	}
	code := api.Code
	if old, ok := queryCodes[code]; ok {
		code = old
	}
	c.W.Header().Set("X-Amzn-Query-Error", code+";Sender")
}

func noQueue() error {
	return kernel.Errorf(http.StatusBadRequest, "QueueDoesNotExist", "The specified queue does not exist.")
}

// begin finds the queue that a call is about and asks whether the caller may.
func (s *Service) begin(c *kernel.Call, action, reference string) (queue, error) {
	q, ok := s.snapshot(reference)
	if !ok {
		if err := c.Begin(kernel.Access{Action: action, Resources: []string{s.arn(nameOf(reference))}, Open: true}); err != nil {
			return q, err
		}
		return q, noQueue()
	}
	return q, c.Begin(kernel.Access{Action: action, Resources: []string{q.arn}, Policy: q.policy()})
}

// numbers are the attributes that are numbers, with their least and greatest value.
var numbers = map[string][2]int{
	"DelaySeconds": {0, 900}, "MaximumMessageSize": {1024, 1048576}, "MessageRetentionPeriod": {60, 1209600},
	"ReceiveMessageWaitTimeSeconds": {0, 20}, "VisibilityTimeout": {0, 43200}, "KmsDataKeyReusePeriodSeconds": {60, 86400},
}

// words are the other attributes.
var words = []string{"Policy", "RedrivePolicy", "RedriveAllowPolicy", "KmsMasterKeyId", "SqsManagedSseEnabled"}

func (s *Service) checkAttributes(attributes map[string]string) error {
	for name, value := range attributes {
		limits, isNumber := numbers[name]
		n, err := strconv.Atoi(value)
		if isNumber && (err != nil || n < limits[0] || n > limits[1]) {
			return kernel.Errorf(http.StatusBadRequest, "InvalidAttributeValue", "Invalid value for the parameter %s.", name)
		}
		if !isNumber && !slices.Contains(words, name) {
			s.world.Strict("sqs: attribute %s", name)
			return kernel.Errorf(http.StatusBadRequest, "InvalidAttributeName", "Unknown Attribute %s.", name)
		}
	}
	if raw := attributes["Policy"]; raw != "" {
		if _, err := kernel.ParsePolicy([]byte(raw)); err != nil {
			return kernel.Errorf(http.StatusBadRequest, "InvalidAttributeValue", "Invalid value for the parameter Policy. Reason: %v", err)
		}
	}
	if raw := attributes["RedrivePolicy"]; raw != "" {
		if _, err := parseRedrive(raw); err != nil {
			return kernel.Errorf(http.StatusBadRequest, "InvalidAttributeValue", "Invalid value for the parameter RedrivePolicy. Reason: %v", err)
		}
	}
	return nil
}

// redrive is a RedrivePolicy. maxReceiveCount comes as a number or as text.
type redrive struct {
	Target string      `json:"deadLetterTargetArn"`
	Most   json.Number `json:"maxReceiveCount"`
}

func parseRedrive(raw string) (redrive, error) {
	var r redrive
	if err := json.Unmarshal([]byte(raw), &r); err != nil {
		return r, err
	}
	if n, err := r.Most.Int64(); err != nil || n < 1 || n > 1000 || r.Target == "" {
		return r, fmt.Errorf("needs deadLetterTargetArn and a maxReceiveCount from 1 to 1000")
	}
	return r, nil
}

// queueName is the rule for the names of standard queues.
var queueName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

func (s *Service) createQueue(c *kernel.Call) (any, error) {
	var in struct {
		QueueName  string
		Attributes map[string]string
		Tags       map[string]string `json:"tags"`
	}
	if err := jsonrpc.Decode(c, &in); err != nil {
		return nil, err
	}
	if err := c.Begin(kernel.Access{Action: "sqs:CreateQueue", Resources: []string{s.arn(in.QueueName)}}); err != nil {
		return nil, err
	}
	if !queueName.MatchString(in.QueueName) {
		return nil, kernel.Errorf(http.StatusBadRequest, "InvalidParameterValue", "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.queues[in.QueueName]; old != nil {
		if !old.has(in.Attributes) {
			return nil, kernel.Errorf(http.StatusBadRequest, "QueueNameExists", "A queue already exists with the same name and a different value for an attribute")
		}
	} else if _, err := s.add(in.QueueName, in.Attributes); err != nil {
		return nil, err
	}
	return map[string]string{"QueueUrl": s.url(in.QueueName)}, nil
}

func (q *queue) has(attributes map[string]string) bool {
	for name, value := range attributes {
		if q.attributes[name] != value {
			return false
		}
	}
	return true
}

// queueRef is the input of operations that take nothing but a queue.
type queueRef struct {
	QueueURL string `json:"QueueUrl"`
}

func (s *Service) deleteQueue(c *kernel.Call) (any, error) {
	var in queueRef
	if err := jsonrpc.Decode(c, &in); err != nil {
		return nil, err
	}
	q, err := s.begin(c, "sqs:DeleteQueue", in.QueueURL)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.queues, q.name)
	return nil, nil
}

func (s *Service) purgeQueue(c *kernel.Call) (any, error) {
	var in queueRef
	if err := jsonrpc.Decode(c, &in); err != nil {
		return nil, err
	}
	q, err := s.begin(c, "sqs:PurgeQueue", in.QueueURL)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if live := s.queues[q.name]; live != nil {
		live.messages = nil
	}
	return nil, nil
}

func (s *Service) getURL(c *kernel.Call) (any, error) {
	var in struct{ QueueName, QueueOwnerAWSAccountID string }
	if err := jsonrpc.Decode(c, &in); err != nil {
		return nil, err
	}
	q, err := s.begin(c, "sqs:GetQueueUrl", in.QueueName)
	if err != nil {
		return nil, err
	}
	return map[string]string{"QueueUrl": s.url(q.name)}, nil
}

func (s *Service) listQueues(c *kernel.Call) (any, error) {
	var in struct {
		QueueNamePrefix, NextToken string
		MaxResults                 int
	}
	if err := jsonrpc.Decode(c, &in); err != nil {
		return nil, err
	}
	if err := c.Begin(kernel.Access{Action: "sqs:ListQueues"}); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	urls := []string{}
	for _, name := range slices.Sorted(maps.Keys(s.queues)) {
		if strings.HasPrefix(name, in.QueueNamePrefix) {
			urls = append(urls, s.url(name))
		}
	}
	return map[string]any{"QueueUrls": urls}, nil
}

func (s *Service) setAttributes(c *kernel.Call) (any, error) {
	var in struct {
		queueRef
		Attributes map[string]string
	}
	if err := jsonrpc.Decode(c, &in); err != nil {
		return nil, err
	}
	q, err := s.begin(c, "sqs:SetQueueAttributes", in.QueueURL)
	if err != nil {
		return nil, err
	}
	if err := s.checkAttributes(in.Attributes); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if live := s.queues[q.name]; live != nil {
		live.set(in.Attributes)
	}
	return nil, nil
}

func (s *Service) getAttributes(c *kernel.Call) (any, error) {
	var in struct {
		queueRef
		AttributeNames []string
	}
	if err := jsonrpc.Decode(c, &in); err != nil {
		return nil, err
	}
	q, err := s.begin(c, "sqs:GetQueueAttributes", in.QueueURL)
	if err != nil {
		return nil, err
	}
	all := s.counted(q)
	if !slices.Contains(in.AttributeNames, "All") {
		maps.DeleteFunc(all, func(name, _ string) bool { return !slices.Contains(in.AttributeNames, name) })
	}
	return map[string]any{"Attributes": all}, nil
}

// counted is a queue's attributes with the numbers of its messages.
func (s *Service) counted(q queue) map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.world.Clock.Now()
	visible, flying, delayed := 0, 0, 0
	if live := s.queues[q.name]; live != nil {
		live.expire(now)
		for _, m := range live.messages {
			switch {
			case !m.visible.After(now):
				visible++
			case m.receives > 0:
				flying++
			default:
				delayed++
			}
		}
	}
	all := q.attributes
	all["QueueArn"] = q.arn
	all["ApproximateNumberOfMessages"], all["ApproximateNumberOfMessagesNotVisible"] = strconv.Itoa(visible), strconv.Itoa(flying)
	all["ApproximateNumberOfMessagesDelayed"] = strconv.Itoa(delayed)
	all["CreatedTimestamp"], all["LastModifiedTimestamp"] = seconds(q.created), seconds(q.created)
	return all
}

func seconds(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }

func millis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

func (s *Service) sendMessage(c *kernel.Call) (any, error) {
	var in struct {
		queueRef
		MessageBody                            string
		DelaySeconds                           *int
		MessageAttributes                      map[string]attribute
		MessageSystemAttributes                map[string]attribute
		MessageDeduplicationID, MessageGroupID string
	}
	if err := jsonrpc.Decode(c, &in); err != nil {
		return nil, err
	}
	q, err := s.begin(c, "sqs:SendMessage", in.QueueURL)
	if err != nil {
		return nil, err
	}
	if in.MessageBody == "" {
		return nil, kernel.Errorf(http.StatusBadRequest, "MissingParameter", "The request must contain the parameter MessageBody.")
	}
	if err := s.useKey(c.Caller, "", q); err != nil {
		return nil, err
	}
	delay := -1
	if in.DelaySeconds != nil {
		delay = *in.DelaySeconds
	}
	m := &message{body: in.MessageBody, attributes: in.MessageAttributes, sender: c.Caller.UserID}
	if err := s.send(q.name, m, delay); err != nil {
		return nil, err
	}
	answer := map[string]string{"MessageId": m.id, "MD5OfMessageBody": md5Of(m.body)}
	if len(m.attributes) > 0 {
		answer["MD5OfMessageAttributes"] = md5OfAttributes(m.attributes)
	}
	return answer, nil
}

// md5OfAttributes is the digest that clients check (SQS Developer Guide, "Calculating the MD5 message digest for message
// attributes"): in the order of the names, length and bytes of the name and of the type, one byte for the kind of value,
// length and bytes of the value.
func md5OfAttributes(attributes map[string]attribute) string {
	h := md5.New()
	put := func(bytes []byte) {
		_ = binary.Write(h, binary.BigEndian, uint32(len(bytes))) // a hash takes all
		_, _ = h.Write(bytes)
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		value := attributes[name]
		put([]byte(name))
		put([]byte(value.DataType))
		if strings.HasPrefix(value.DataType, "Binary") {
			_, _ = h.Write([]byte{2})
			put(value.BinaryValue)
			continue
		}
		_, _ = h.Write([]byte{1})
		put([]byte(value.text()))
	}
	return hex.EncodeToString(h.Sum(nil))
}

func (a attribute) text() string {
	if a.StringValue == nil {
		return ""
	}
	return *a.StringValue
}
