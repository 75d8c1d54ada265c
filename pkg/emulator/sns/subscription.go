// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package sns

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/pattern"
)

// Subscription is what Subscribe takes.
type Subscription struct {
	Topic      string // ARN
	Protocol   string // lambda, sqs, email, email-json, sms, http, https
	Endpoint   string
	Attributes map[string]string // FilterPolicy, FilterPolicyScope, RawMessageDelivery, RedrivePolicy
}

type subscription struct {
	arn, protocol, endpoint string
	token                   string // not yet confirmed; empty once it is
	attributes              map[string]string
	filter                  *pattern.Pattern
}

// protocols says which exist and which of them somebody must confirm.
// Source: "Subscribe" of the SNS API reference; a Lambda function, a queue and a number of the account confirm themselves.
var protocols = map[string]struct{ byHand bool }{
	"lambda": {}, "sqs": {}, "sms": {}, "email": {true}, "email-json": {true}, "http": {true}, "https": {true},
}

var subscriptionAttributes = []string{"FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy"}

// Subscribe makes a subscription, or finds the same one. The answer is its ARN and whether it is confirmed.
func (s *Service) Subscribe(in Subscription) (arn string, confirmed bool, err error) {
	made, err := newSubscription(in)
	if err != nil {
		return "", false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.topics[in.Topic]
	if t == nil {
		return "", false, noTopic()
	}
	if old := t.find(in.Protocol, in.Endpoint); old != nil {
		return old.arn, old.token == "", nil
	}
	made.arn = t.arn + ":" + kernel.NewUUID()
	if protocols[in.Protocol].byHand && !s.autoConfirm {
		made.token = kernel.NewUUID()
	}
	t.subscriptions = append(t.subscriptions, made)
	return made.arn, made.token == "", nil
}

func newSubscription(in Subscription) (*subscription, error) {
	if _, known := protocols[in.Protocol]; !known {
		return nil, invalid("Does not support this protocol string: " + in.Protocol)
	}
	if err := checkEndpoint(in.Protocol, in.Endpoint); err != nil {
		return nil, err
	}
	made := &subscription{protocol: in.Protocol, endpoint: in.Endpoint, attributes: map[string]string{}}
	for name, value := range in.Attributes {
		made.attributes[name] = value
	}
	return made, made.check()
}

// checkEndpoint refuses an endpoint that cannot be one of the protocol.
func checkEndpoint(protocol, endpoint string) error {
	wanted := map[string]string{
		"lambda": "arn:aws:lambda:", "sqs": "arn:aws:sqs:", "http": "http://", "https": "https://", "sms": "+",
	}[protocol]
	mail := strings.HasPrefix(protocol, "email")
	if !strings.HasPrefix(endpoint, wanted) || mail && !strings.Contains(endpoint, "@") || endpoint == "" {
		return invalid(fmt.Sprintf("%s endpoint", protocol))
	}
	return nil
}

// check reads the attributes.
func (sub *subscription) check() error {
	for name := range sub.attributes {
		if !slices.Contains(subscriptionAttributes, name) {
			return invalid("AttributeName")
		}
	}
	if raw := sub.attributes["RedrivePolicy"]; raw != "" && sub.deadLetters() == "" {
		return invalid("RedrivePolicy: deadLetterTargetArn must be the ARN of a queue")
	}
	return sub.readFilter()
}

// filterKeys is how many keys of attributes one policy may name. Source: "Filter policy constraints".
const filterKeys = 5

func (sub *subscription) readFilter() error {
	scope := sub.attributes["FilterPolicyScope"]
	if scope != "" && scope != "MessageAttributes" && scope != "MessageBody" {
		return invalid("FilterPolicyScope: Invalid value [" + scope + "]. Please use either MessageBody or MessageAttributes")
	}
	raw := sub.attributes["FilterPolicy"]
	if sub.filter = nil; raw == "" || raw == "{}" {
		return nil
	}
	p, err := pattern.Parse([]byte(raw))
	if err != nil {
		return invalid("FilterPolicy: " + err.Error())
	}
	if err := sub.checkKeys(raw); err != nil {
		return err
	}
	sub.filter = &p
	return nil
}

// checkKeys refuses what only a filter of bodies may do: more keys than five, and keys within keys.
func (sub *subscription) checkKeys(raw string) error {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal([]byte(raw), &keys); err != nil {
		return invalid("FilterPolicy: " + err.Error())
	}
	if len(keys) > filterKeys {
		return invalid("FilterPolicy: Filter policy can not have more than 5 keys")
	}
	for _, value := range keys {
		if sub.attributes["FilterPolicyScope"] != "MessageBody" && value[0] == '{' {
			return invalid("FilterPolicy: Filter policy scope MessageAttributes does not support nested filter policy")
		}
	}
	return nil
}

// deadLetters is the queue of the redrive policy, empty where there is none.
func (sub *subscription) deadLetters() string {
	var redrive struct {
		Target string `json:"deadLetterTargetArn"`
	}
	if json.Unmarshal([]byte(sub.attributes["RedrivePolicy"]), &redrive) != nil || !strings.HasPrefix(redrive.Target, "arn:aws:sqs:") {
		return ""
	}
	return redrive.Target
}

// wants tells whether the filter lets a message through.
func (sub *subscription) wants(m message) bool {
	switch {
	case sub.filter == nil:
		return true
	case sub.attributes["FilterPolicyScope"] == "MessageBody":
		return sub.filter.Match([]byte(m.body(sub.protocol)))
	}
	return sub.filter.MatchValue(m.filterable())
}

func (t *topic) find(protocol, endpoint string) *subscription {
	for _, sub := range t.subscriptions {
		if sub.protocol == protocol && sub.endpoint == endpoint {
			return sub
		}
	}
	return nil
}

// subscribed finds a subscription and its topic. The caller holds the lock.
func (s *Service) subscribed(arn string) (*topic, *subscription, error) {
	for _, t := range s.topics {
		for _, sub := range t.subscriptions {
			if sub.arn == arn {
				return t, sub, nil
			}
		}
	}
	return nil, nil, kernel.Errorf(http.StatusNotFound, "NotFound", "Subscription does not exist")
}
