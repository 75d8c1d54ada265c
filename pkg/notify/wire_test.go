// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package notify_test

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssns "github.com/aws/aws-sdk-go-v2/service/sns"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/sns"
	"cloudfront503/pkg/notify"
)

func TestEveryMessageArrivesInTheFormOfItsChannel(t *testing.T) {
	t.Parallel()
	w := kernel.NewWorld("111122223333", "us-east-1")
	topics := sns.New(w)
	topics.AutoConfirm(true)
	stop, err := w.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	topic, err := topics.CreateTopic("channel", nil)
	if err != nil {
		t.Fatal(err)
	}
	for protocol, endpoint := range map[string]string{"email": "ana@example.com", "sms": "+14255550182"} {
		if _, _, err := topics.Subscribe(sns.Subscription{Topic: topic, Protocol: protocol, Endpoint: endpoint}); err != nil {
			t.Fatal(err)
		}
	}
	sender := notify.Sender{SNS: awssns.New(awssns.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(w.Endpoint),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "any", SecretAccessKey: "any"}, nil
		}),
	})}
	all := append(hostile(strings.Repeat("\"\\<", 1_000)), notify.RenderAsk(ask()))
	for _, m := range all {
		id, err := sender.Send(t.Context(), topic, m)
		if err != nil {
			t.Fatal(err)
		}
		w.Settle()
		for _, mail := range topics.Mailbox(topic) {
			want := map[string]string{"email": m.Body, "sms": m.Short}[mail.Protocol]
			if mail.MessageID == id && !strings.Contains(mail.Body, want) {
				t.Errorf("%s by %s: %.80q", m.Kind, mail.Protocol, mail.Body)
			}
		}
	}
	if n := len(topics.Mailbox(topic)); n != 2*len(all) {
		t.Errorf("%d of %d arrived", n, 2*len(all))
	}
	for _, violation := range w.Violations() {
		t.Errorf("asked for what the emulator does not know: %s", violation)
	}
}
