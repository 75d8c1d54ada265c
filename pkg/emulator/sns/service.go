// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package sns is SNS: topics with policies and encryption, subscriptions with filters and dead-letter queues, and the
// delivery to Lambda, to SQS and to mailboxes kept in memory. Protocol: query, version 2010-03-31.
package sns

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"cloudfront503/pkg/emulator/kernel"
)

// Service is SNS in the account's Region.
type Service struct {
	world *kernel.World

	mu          sync.Mutex
	autoConfirm bool
	topics      map[string]*topic // by ARN
	mails       []Mail
	watch       []func(Mail)
	lost        []Lost
}

// topic is a topic with its subscriptions in the order in which they were made.
type topic struct {
	arn, name     string
	attributes    map[string]string
	subscriptions []*subscription
}

// Mail is a message that reached a person's mailbox or an HTTPS endpoint.
type Mail struct {
	Topic        string // ARN
	Subscription string // ARN
	Protocol     string // email, email-json, sms, http, https
	Endpoint     string // the address, the number, the URL
	From         string // the number from which an sms was to come; empty for all others, and where SNS chooses
	Subject      string // empty for sms
	Body         string
	MessageID    string
	At           time.Time
}

// Lost is a message that reached neither a subscriber nor the subscription's dead-letter queue.
type Lost struct {
	Topic, Endpoint string
	Cause           string
}

// New makes SNS the account's publisher.
func New(w *kernel.World) *Service {
	s := &Service{world: w, topics: map[string]*topic{}}
	w.Register("sns", s)
	w.Topics = s
	return s
}

// AutoConfirm says whether subscriptions of mail addresses and URLs that are made from now on are confirmed at once, as if
// somebody clicked. On AWS, and by default here, they get nothing until then.
func (s *Service) AutoConfirm(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.autoConfirm = on
}

// Confirm is the click in the mail: it confirms all pending subscriptions of an endpoint and says how many there were.
func (s *Service) Confirm(endpoint string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	count := 0
	for _, t := range s.topics {
		for _, sub := range t.subscriptions {
			if sub.endpoint == endpoint && sub.token != "" {
				sub.token = ""
				count++
			}
		}
	}
	return count
}

// Mailbox is every mail that a topic sent, oldest first; of all topics where topicARN is empty.
func (s *Service) Mailbox(topicARN string) []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	var mails []Mail
	for _, mail := range s.mails {
		if topicARN == "" || mail.Topic == topicARN {
			mails = append(mails, mail)
		}
	}
	return mails
}

// Watch calls tell for each later mail, in the goroutine that delivers it.
func (s *Service) Watch(tell func(Mail)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watch = append(s.watch, tell)
}

// Lost are the messages that reached nobody; AWS would not say so.
func (s *Service) Lost() []Lost {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.lost)
}

func (s *Service) lose(topicARN, endpoint string, cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost = append(s.lost, Lost{Topic: topicARN, Endpoint: endpoint, Cause: cause.Error()})
}

var topicName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)

// topicAttributes are those that may be set.
var topicAttributes = []string{"DisplayName", "Policy", "KmsMasterKeyId", "SignatureVersion", "TracingConfig", "DeliveryPolicy"}

// CreateTopic makes a topic in the world's Region, or finds the one of that name if its attributes are the same. The answer
// is its ARN.
func (s *Service) CreateTopic(name string, attributes map[string]string) (string, error) {
	return s.CreateTopicIn(s.world.Region, name, attributes)
}

// CreateTopicIn is CreateTopic in any Region.
func (s *Service) CreateTopicIn(region, name string, attributes map[string]string) (string, error) {
	if !topicName.MatchString(name) {
		return "", invalid("Topic Name")
	}
	for key, value := range attributes {
		if err := checkTopicAttribute(key, value); err != nil {
			return "", err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	arn := s.topicARN(region, name)
	if old := s.topics[arn]; old != nil {
		return arn, old.sameAs(attributes)
	}
	s.topics[arn] = &topic{arn: arn, name: name, attributes: maps.Clone(attributes)}
	return arn, nil
}

func (t *topic) sameAs(attributes map[string]string) error {
	for key, value := range attributes {
		if t.attributes[key] != value {
			return kernel.Errorf(http.StatusBadRequest, "InvalidParameter", "Invalid parameter: Attributes Reason: Topic already exists with different attributes")
		}
	}
	return nil
}

// SetTopicAttribute sets one attribute of a topic, as its Policy.
func (s *Service) SetTopicAttribute(arn, name, value string) error {
	if err := checkTopicAttribute(name, value); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.topics[arn]
	if t == nil {
		return noTopic()
	}
	if t.attributes == nil {
		t.attributes = map[string]string{}
	}
	t.attributes[name] = value
	return nil
}

func checkTopicAttribute(name, value string) error {
	if !slices.Contains(topicAttributes, name) {
		return invalid("AttributeName")
	}
	if name == "Policy" && !strings.HasPrefix(strings.TrimSpace(value), "{") {
		return kernel.Errorf(http.StatusBadRequest, "InvalidParameter", "Invalid parameter: Policy Error: null")
	}
	return nil
}

func (s *Service) topicARN(region, name string) string {
	return fmt.Sprintf("arn:aws:sns:%s:%s:%s", region, s.world.Account, name)
}

// snapshot is a topic as it is now, for work that outlives the lock; nil where there is none.
func (s *Service) snapshot(arn string) *topic {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.topics[arn]
	if t == nil {
		return nil
	}
	clone := &topic{arn: t.arn, name: t.name, attributes: maps.Clone(t.attributes)}
	for _, sub := range t.subscriptions {
		copied := *sub
		clone.subscriptions = append(clone.subscriptions, &copied)
	}
	return clone
}

// policy is the topic's own or the one that AWS makes: the account's alarms may publish, and whom IAM lets.
func (t *topic) policy() *kernel.Policy {
	if t == nil {
		return nil
	}
	if raw := t.attributes["Policy"]; raw != "" {
		return &kernel.Policy{Raw: []byte(raw)}
	}
	return &kernel.Policy{Raw: []byte(t.defaultPolicy())}
}

// defaultPolicy lets whoever publishes on behalf of the account: aws:SourceOwner is known only for AWS's own services.
func (t *topic) defaultPolicy() string {
	account := strings.Split(t.arn, ":")[4]
	return fmt.Sprintf(`{"Version":"2008-10-17","Id":"__default_policy_ID","Statement":[{"Sid":"__default_statement_ID",`+
		`"Effect":"Allow","Principal":{"AWS":"*"},"Action":["SNS:GetTopicAttributes","SNS:SetTopicAttributes","SNS:AddPermission",`+
		`"SNS:RemovePermission","SNS:DeleteTopic","SNS:Subscribe","SNS:ListSubscriptionsByTopic","SNS:Publish"],"Resource":%q,`+
		`"Condition":{"StringEquals":{"AWS:SourceOwner":%q}}}]}`, t.arn, account)
}

func noTopic() error { return kernel.Errorf(http.StatusNotFound, "NotFound", "Topic does not exist") }

func invalid(what string) error {
	return kernel.Errorf(http.StatusBadRequest, "InvalidParameter", "Invalid parameter: %s", what)
}

var _ kernel.Publisher = (*Service)(nil)
