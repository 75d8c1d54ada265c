// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package sns

import (
	"encoding/json"
	"errors"
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

// originationNumber is the attribute that says from which number an SMS comes. Source: "Publishing SMS messages to a mobile
// phone using Amazon SNS".
const originationNumber = "AWS.MM.SMS.OriginationNumber"

// checkOrigination refuses what is no number: 5 to 14 digits, with or without a plus sign.
func (m message) checkOrigination() error {
	a, given := m.attributes[originationNumber]
	digits := strings.TrimPrefix(a.Value, "+")
	if given && (a.Type != "String" || len(digits) < 5 || len(digits) > 14 || strings.Trim(digits, "0123456789") != "") {
		return invalid(originationNumber)
	}
	return nil
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
	if err := m.checkOrigination(); err != nil {
		return err
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
	if err := s.mayUseKey(kernel.Principal{ARN: service, Service: service}, source, t); err != nil {
		return err
	}
	m := message{id: kernel.NewUUID(), topic: topicARN, subject: subject, text: text, at: s.world.Clock.Now()}
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

// keyActions are what whoever publishes to an encrypted topic must be allowed.
// Source: "Managing Amazon SNS encryption keys and costs".
var keyActions = []string{"kms:GenerateDataKey", "kms:Decrypt"}

// mayUseKey asks KMS whether whoever publishes may use the topic's key. EventBridge does not say on whose behalf it asks,
// so a condition on the source shuts it out.
func (s *Service) mayUseKey(caller kernel.Principal, source string, t *topic) error {
	id := t.attributes["KmsMasterKeyId"]
	if id == "" {
		return nil
	}
	if s.world.Keys == nil {
		return kernel.Errorf(http.StatusBadRequest, "KMSNotFound", "there is no KMS")
	}
	if caller.Service == "events.amazonaws.com" {
		source = ""
	}
	for _, action := range keyActions {
		if err := s.world.Keys.Use(caller, "sns", source, action, id); err != nil {
			return keyRefusal(err)
		}
	}
	return nil
}

// keyRefusals are SNS's codes for those of KMS.
var keyRefusals = map[string]string{"NotFoundException": "KMSNotFound", "DisabledException": "KMSDisabled"}

func keyRefusal(err error) error {
	code := "KMSAccessDenied"
	var refusal *kernel.APIError
	if errors.As(err, &refusal) && keyRefusals[refusal.Code] != "" {
		code = keyRefusals[refusal.Code]
	}
	return kernel.Errorf(http.StatusBadRequest, code, "%v", err)
}
