// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package notify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
)

type publishing interface {
	Publish(context.Context, *sns.PublishInput, ...func(*sns.Options)) (*sns.PublishOutput, error)
}

// Sender sends messages.
type Sender struct {
	SNS  publishing
	From string // the stack's own number, from which SMS come, so that they can be answered; empty leaves it to SNS
}

// Send publishes a message to a topic and gives SNS's id of it. Where the message has a short form, subscriptions by SMS
// get that one and all others the body (MessageStructure json). SNS says nothing about whether anybody reads it.
func (s Sender) Send(ctx context.Context, topicARN string, m Message) (string, error) {
	input := &sns.PublishInput{TopicArn: &topicARN, Subject: aws.String(subject(m.Subject)), Message: aws.String(cut(m.Body, mostBody))}
	if m.Short != "" {
		text, err := byProtocol(m)
		if err != nil {
			return "", fmt.Errorf("send %s to %s: %w", m.Kind, topicARN, err)
		}
		input.Message, input.MessageStructure = &text, aws.String("json")
		input.MessageAttributes = s.attributes()
	}
	output, err := s.SNS.Publish(ctx, input)
	if err != nil {
		return "", fmt.Errorf("send %s to %s: %w", m.Kind, topicARN, err)
	}
	return aws.ToString(output.MessageId), nil
}

// attributes say how SMS are sent [SNS Developer Guide, "Publishing SMS messages"].
func (s Sender) attributes() map[string]types.MessageAttributeValue {
	if s.From == "" {
		return nil
	}
	text := func(value string) types.MessageAttributeValue {
		return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
	}
	return map[string]types.MessageAttributeValue{
		"AWS.MM.SMS.OriginationNumber": text(s.From), "AWS.SNS.SMS.SMSType": text("Transactional"),
	}
}

// byProtocol is the JSON in which SNS finds one text for SMS and one for everybody else.
func byProtocol(m Message) (string, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // "<" as itself, not as six bytes
	if err := encoder.Encode(map[string]string{"default": cut(m.Body, mostBody), "sms": clip(m.Short, mostShort)}); err != nil {
		return "", err
	}
	if text.Len() > mostMessage {
		return "", fmt.Errorf("%d bytes, SNS takes %d", text.Len(), mostMessage)
	}
	return text.String(), nil
}

// Digest tells whether two messages are the same, so that one is not sent twice.
func (m Message) Digest() string {
	sum := sha256.Sum256([]byte(m.Kind + "\x00" + m.Subject + "\x00" + m.Body))
	return hex.EncodeToString(sum[:16])
}
