// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package sns

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"cloudfront503/pkg/emulator/kernel"
)

// Limits of Publish. Source: "Publish" of the SNS API reference.
const (
	sizeLimit    = 262144 // bytes of the message and its attributes
	subjectLimit = 100    // characters; a subject must be shorter
	smsLimit     = 1600   // characters
)

// message is what was published.
type message struct {
	id         string
	topic      string // ARN
	subject    string
	text       string
	byProtocol map[string]string // MessageStructure json: other texts for some protocols
	attributes map[string]attribute
	at         time.Time
}

// attribute is a message attribute as SNS hands it on.
type attribute struct {
	Type  string
	Value string // base64 where Type is Binary
}

// body is the text for a protocol.
func (m message) body(protocol string) string {
	if text, ok := m.byProtocol[protocol]; ok {
		return text
	}
	return m.text
}

// check refuses what SNS refuses.
func (m message) check() error {
	if m.text == "" {
		return invalid("Empty message")
	}
	size := len(m.text)
	for name, a := range m.attributes {
		size += len(name) + len(a.Type) + len(a.Value)
	}
	if size > sizeLimit {
		return invalid("Message too long")
	}
	if !utf8.ValidString(m.text) {
		return invalid("Message Reason: Invalid UTF-8")
	}
	return checkSubject(m.subject)
}

// checkSubject: fewer than a hundred characters without line breaks or control characters.
func checkSubject(subject string) error {
	isControl := func(r rune) bool { return r < ' ' || r == 0x7f }
	if utf8.RuneCountInString(subject) >= subjectLimit || strings.IndexFunc(subject, isControl) >= 0 || !utf8.ValidString(subject) {
		return invalid("Subject")
	}
	return nil
}

// structure reads a message published with MessageStructure json.
func (m *message) structure() error {
	var texts map[string]any
	if err := json.Unmarshal([]byte(m.text), &texts); err != nil {
		return invalid("Message Structure - JSON message body failed to parse")
	}
	m.byProtocol = map[string]string{}
	for protocol, value := range texts {
		if text, ok := value.(string); ok {
			m.byProtocol[protocol] = text
		}
	}
	text, ok := m.byProtocol["default"]
	if !ok {
		return invalid("Message Structure - No default entry in JSON message body")
	}
	m.text = text
	return nil
}

// filterable is the attributes as a filter policy sees them.
func (m message) filterable() map[string]any {
	values := map[string]any{}
	for name, a := range m.attributes {
		values[name] = a.filterable()
	}
	return values
}

func (a attribute) filterable() any {
	switch {
	case a.Type == "Binary":
		return nil
	case strings.HasPrefix(a.Type, "Number"):
		return json.Number(a.Value)
	case a.Type == "String.Array":
		return a.elements()
	}
	return a.Value
}

// elements of a String.Array, whose value is a JSON list; anything else stands for itself.
func (a attribute) elements() any {
	decoder := json.NewDecoder(strings.NewReader(a.Value))
	decoder.UseNumber()
	var list []any
	if err := decoder.Decode(&list); err != nil {
		return a.Value
	}
	return list
}

// PublishAs publishes for an AWS service, as "cloudwatch.amazonaws.com", on behalf of source, an ARN. The topic's policy
// must admit it, and the key's where the topic is encrypted. The error is an *APIError.
func (s *Service) PublishAs(service, source, topicARN, subject, text string) error {
	t := s.snapshot(topicARN)
	if t == nil {
		return noTopic()
	}
	if err := s.world.ServiceMay(service, source, "sns:Publish", topicARN, t.policy(), s.onBehalf(service)); err != nil {
		return err
	}
	if err := s.serviceKey(service, source, t); err != nil {
		return err
	}
	m := message{id: newID(), topic: topicARN, subject: subject, text: text, at: s.world.Clock.Now()}
	if err := m.check(); err != nil {
		return err
	}
	s.deliver(t, m)
	return nil
}

// onBehalf are the condition keys by which a topic's default policy knows the account's alarms.
func (s *Service) onBehalf(service string) map[string]string {
	if service == "cloudwatch.amazonaws.com" {
		return map[string]string{"aws:SourceOwner": s.world.Account}
	}
	return nil
}

// keyring is KMS as an encrypted topic needs it.
type keyring interface {
	// KeyPolicy is the ARN and the policy of the key with an id, an ARN or an alias.
	KeyPolicy(id string) (arn string, policy *kernel.Policy, err error)
}

// keyActions are what whoever publishes to an encrypted topic must be allowed.
// Source: "Managing Amazon SNS encryption keys and costs".
var keyActions = []string{"kms:GenerateDataKey", "kms:Decrypt"}

// awsKey is the key that AWS keeps for SNS. The account's principals may use it through SNS; other AWS services may not.
const awsKey = "alias/aws/sns"

func (s *Service) key(t *topic) (arn string, policy *kernel.Policy, err error) {
	ring, ok := s.world.Service("kms").(keyring)
	if !ok {
		return "", nil, kernel.Errorf(http.StatusBadRequest, "KMSNotFound", "no KMS here")
	}
	arn, policy, err = ring.KeyPolicy(t.attributes["KmsMasterKeyId"])
	if err != nil {
		return "", nil, kernel.Errorf(http.StatusBadRequest, "KMSNotFound", "%v", err)
	}
	return arn, policy, nil
}

// callerKey asks whether the caller may use the topic's key.
func (s *Service) callerKey(c *kernel.Call, t *topic) error {
	if id := t.attributes["KmsMasterKeyId"]; id == "" || id == awsKey {
		return nil
	}
	arn, policy, err := s.key(t)
	if err != nil {
		return err
	}
	for _, action := range keyActions {
		access := kernel.Access{Action: action, Resources: []string{arn}, Policy: policy, Conditions: s.through(c.Caller.Account)}
		if err := c.Also(access); err != nil {
			return keyDenied(err)
		}
	}
	return nil
}

// through are the condition keys of a use of a key through SNS.
func (s *Service) through(account string) map[string]string {
	return map[string]string{"kms:ViaService": "sns." + s.world.Region + ".amazonaws.com", "kms:CallerAccount": account}
}

// serviceKey asks whether an AWS service may use the topic's key. EventBridge does not say on whose behalf it asks, so a
// condition on the source shuts it out.
func (s *Service) serviceKey(service, source string, t *topic) error {
	switch t.attributes["KmsMasterKeyId"] {
	case "":
		return nil
	case awsKey:
		return keyDenied(kernel.Errorf(http.StatusBadRequest, "", "%s may not use %s", service, awsKey))
	}
	arn, policy, err := s.key(t)
	if err != nil {
		return err
	}
	if service == "events.amazonaws.com" {
		source = ""
	}
	for _, action := range keyActions {
		if err := s.world.ServiceMay(service, source, action, arn, policy, nil); err != nil {
			return keyDenied(err)
		}
	}
	return nil
}

func keyDenied(err error) error {
	return kernel.Errorf(http.StatusBadRequest, "KMSAccessDenied", "%v", err)
}
