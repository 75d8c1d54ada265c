// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package notify_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"cloudfront503/pkg/notify"
)

type topic func(*sns.PublishInput) (*sns.PublishOutput, error)

func (t topic) Publish(_ context.Context, in *sns.PublishInput, _ ...func(*sns.Options)) (*sns.PublishOutput, error) {
	return t(in)
}

func TestSMSGetsTheShortFormAndEverybodyElseTheBody(t *testing.T) {
	t.Parallel()
	var sent *sns.PublishInput
	sender := notify.Sender{SNS: topic(func(in *sns.PublishInput) (*sns.PublishOutput, error) {
		sent = in
		return &sns.PublishOutput{MessageId: aws.String("m1")}, nil
	})}
	m := notify.Message{Kind: "ask", Subject: "s", Body: "body <b> & \"quotes\"", Short: "short"}
	id, err := sender.Send(t.Context(), "topic", m)
	if err != nil || id != "m1" || *sent.TopicArn != "topic" || aws.ToString(sent.MessageStructure) != "json" {
		t.Fatalf("id %q, error %v, sent %+v", id, err, sent)
	}
	var texts map[string]string
	if err := json.Unmarshal([]byte(*sent.Message), &texts); err != nil || texts["default"] != m.Body || texts["sms"] != "short" {
		t.Errorf("texts %v, error %v", texts, err)
	}
	if _, err := sender.Send(t.Context(), "topic", notify.Message{Body: "b"}); err != nil || *sent.Message != "b" || sent.MessageStructure != nil || *sent.Subject == "" {
		t.Errorf("plain: %+v, error %v", sent, err)
	}
}

func TestSMSComeFromTheStacksOwnNumber(t *testing.T) {
	t.Parallel()
	var sent *sns.PublishInput
	sender := notify.Sender{From: "+12125550101", SNS: topic(func(in *sns.PublishInput) (*sns.PublishOutput, error) {
		sent = in
		return &sns.PublishOutput{}, nil
	})}
	if _, err := sender.Send(t.Context(), "topic", notify.Message{Body: "b", Short: "s"}); err != nil || aws.ToString(sent.MessageAttributes["AWS.MM.SMS.OriginationNumber"].StringValue) != "+12125550101" {
		t.Errorf("sent %+v, error %v", sent, err)
	}
	if _, err := sender.Send(t.Context(), "topic", notify.Message{Body: "b"}); err != nil || sent.MessageAttributes != nil {
		t.Errorf("no SMS: sent %+v, error %v", sent, err)
	}
}

func TestWhatIsSentFitsIntoSNSWhateverTheMessage(t *testing.T) {
	t.Parallel()
	for _, text := range []string{strings.Repeat("\"\\\n", 200_000), strings.Repeat("\x00\u2028", 200_000), strings.Repeat("\xff", 400_000)} {
		sender := notify.Sender{SNS: topic(func(in *sns.PublishInput) (*sns.PublishOutput, error) {
			if n := len(*in.Message) + len(*in.Subject); n > 262144 || len(*in.Subject) > 99 {
				t.Errorf("%d bytes", n)
			}
			return &sns.PublishOutput{}, nil
		})}
		_, err := sender.Send(t.Context(), "topic", notify.Message{Subject: text, Body: text, Short: text})
		if err != nil && !strings.Contains(err.Error(), "SNS takes") {
			t.Error(err)
		}
	}
	for _, m := range hostile(strings.Repeat("\"\\", 2_200)) {
		sender := notify.Sender{SNS: topic(func(*sns.PublishInput) (*sns.PublishOutput, error) { return &sns.PublishOutput{}, nil })}
		if _, err := sender.Send(t.Context(), "topic", m); err != nil {
			t.Errorf("a rendered message is refused: %v", err)
		}
	}
}

func TestAFailureNamesTheKindAndTheTopic(t *testing.T) {
	t.Parallel()
	denied := errors.New("AuthorizationError")
	sender := notify.Sender{SNS: topic(func(*sns.PublishInput) (*sns.PublishOutput, error) { return nil, denied })}
	if _, err := sender.Send(t.Context(), "the-topic", notify.Message{Kind: "ask", Body: "b"}); !errors.Is(err, denied) || !strings.Contains(err.Error(), "send ask to the-topic") {
		t.Errorf("error %v", err)
	}
}

func TestADigestTellsMessagesApart(t *testing.T) {
	t.Parallel()
	a := notify.Message{Kind: "a", Subject: "b", Body: "c"}
	same := a
	if same.Digest() != a.Digest() || a.Digest() == (notify.Message{Kind: "a", Subject: "bc"}).Digest() {
		t.Error("digests")
	}
}
