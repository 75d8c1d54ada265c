// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package sns

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"cloudfront503/pkg/emulator/kernel"
)

// principal is who SNS is to the subscribers' policies.
const principal = "sns.amazonaws.com"

// delivery is one message on its way to one subscriber.
type delivery struct {
	service *Service
	sub     *subscription
	message message
	tries   int
	refusal *kernel.APIError // switched on from outside: what the subscriber answers instead
}

// deliver sends a message to every confirmed subscriber whose filter lets it through.
func (s *Service) deliver(t *topic, m message) {
	for _, sub := range t.subscriptions {
		if sub.token != "" || !sub.wants(m) {
			continue
		}
		copies := 1
		fault := s.world.Faults.Match("deliver:sns", sub.endpoint, t.arn)
		if fault != nil && fault.Twice {
			copies = 2
		}
		for range copies {
			d := &delivery{service: s, sub: sub, message: m}
			if fault != nil {
				d.refusal = fault.Error
			}
			s.world.Go(d.attempt)
		}
	}
}

func (d *delivery) attempt() {
	err := d.send()
	if err == nil {
		return
	}
	if retryable(err) && d.again() {
		return
	}
	d.giveUp(err)
}

func retryable(err error) bool {
	var refusal *kernel.APIError
	if !errors.As(err, &refusal) {
		return false
	}
	return refusal.Status >= http.StatusInternalServerError || refusal.Status == http.StatusTooManyRequests
}

// SNS tries a function or a queue 100,015 times in 23 days: three times at once, twice after a second, ten times with
// growing pauses, then every twenty seconds. Source: "Amazon SNS message delivery retries".
const (
	atOnce, preBackoff, backoff = 3, 2, 10
	mostTries                   = 100_015
)

func pause(tries int) time.Duration {
	switch {
	case tries <= atOnce:
		return 0
	case tries <= atOnce+preBackoff:
		return time.Second
	case tries <= atOnce+preBackoff+backoff:
		return time.Duration(tries-atOnce-preBackoff) * 2 * time.Second
	}
	return 20 * time.Second
}

func (d *delivery) again() bool {
	d.tries++
	if d.tries >= mostTries {
		return false
	}
	d.refusal = nil
	w := d.service.world
	w.Clock.After(pause(d.tries), "sns: retry to "+d.sub.endpoint, func() { w.Go(d.attempt) })
	return true
}

func (d *delivery) send() error {
	if d.refusal != nil {
		return d.refusal
	}
	w, m := d.service.world, d.message
	switch d.sub.protocol {
	case "lambda":
		return w.Lambda.InvokeAsync(d.sub.endpoint, d.lambdaEvent(), principal, m.topic)
	case "sqs":
		return w.Queues.SendAs(principal, m.topic, d.sub.endpoint, d.queued(), d.queuedAttributes())
	}
	return d.service.keep(d.sub, m, d.mailed())
}

// keep puts a message into the mailbox.
func (s *Service) keep(sub *subscription, m message, body string) error {
	if sub.protocol == "sms" && utf8.RuneCountInString(body) > smsLimit {
		return fmt.Errorf("sms to %s is longer than %d characters", sub.endpoint, smsLimit)
	}
	mail := Mail{
		Topic: m.topic, Subscription: sub.arn, Protocol: sub.protocol, Endpoint: sub.endpoint, Subject: m.subject,
		Body: body, MessageID: m.id, At: s.world.Clock.Now(),
	}
	if sub.protocol == "sms" {
		mail.Subject, mail.From = "", m.attributes[originationNumber].Value
	}
	s.mu.Lock()
	s.mails = append(s.mails, mail)
	watch := s.watch
	s.mu.Unlock()
	for _, tell := range watch {
		tell(mail)
	}
	return nil
}

// giveUp sends the message to the subscription's dead-letter queue.
func (d *delivery) giveUp(cause error) {
	queue := d.sub.deadLetters()
	if queue == "" {
		d.service.lose(d.message.topic, d.sub.endpoint, cause)
		return
	}
	if err := d.service.world.Queues.SendAs(principal, d.message.topic, queue, d.notification(), nil); err != nil {
		d.service.lose(d.message.topic, queue, err)
	}
}

const timeLayout = "2006-01-02T15:04:05.000Z"

func (d *delivery) region() string { return strings.Split(d.message.topic, ":")[3] }

// The signature and its certificate are made up: nothing that runs here fetches them.
const madeUpSignature = "ZW11bGF0ZWQ="

func (d *delivery) certificate() string {
	return "https://sns." + d.region() + ".amazonaws.com/SimpleNotificationService-0000000000000000000000000000000.pem"
}

func (d *delivery) unsubscribe() string {
	return "https://sns." + d.region() + ".amazonaws.com/?Action=Unsubscribe&SubscriptionArn=" + d.sub.arn
}

// lambdaEvent is the event of a function, one record.
// Source: "Using AWS Lambda with Amazon SNS"; the spelling of SigningCertUrl differs from the one in notifications.
func (d *delivery) lambdaEvent() []byte {
	m := d.message
	var subject any
	if m.subject != "" {
		subject = m.subject
	}
	attributes := m.attributes
	if attributes == nil {
		attributes = map[string]attribute{}
	}
	raw, _ := json.Marshal(map[string]any{"Records": []any{map[string]any{
		"EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": d.sub.arn,
		"Sns": map[string]any{
			"Type": "Notification", "MessageId": m.id, "TopicArn": m.topic, "Subject": subject, "Message": m.body("lambda"),
			"Timestamp": m.at.Format(timeLayout), "SignatureVersion": "1", "Signature": madeUpSignature,
			"SigningCertUrl": d.certificate(), "UnsubscribeUrl": d.unsubscribe(), "MessageAttributes": attributes,
		},
	}}})
	return raw
}

// notification is the envelope of queues, URLs and mail in JSON.
func (d *delivery) notification() string {
	m := d.message
	raw, _ := json.Marshal(struct {
		Type, MessageId, TopicArn string
		Subject                   string `json:",omitempty"`
		Message, Timestamp        string
		SignatureVersion          string
		Signature                 string
		SigningCertURL            string
		UnsubscribeURL            string
		MessageAttributes         map[string]attribute `json:",omitempty"`
	}{
		"Notification", m.id, m.topic, m.subject, m.body(d.sub.protocol), m.at.Format(timeLayout), "1", madeUpSignature,
		d.certificate(), d.unsubscribe(), m.attributes,
	})
	return string(raw)
}

func (d *delivery) raw() bool { return d.sub.attributes["RawMessageDelivery"] == "true" }

func (d *delivery) queued() string {
	if d.raw() {
		return d.message.body("sqs")
	}
	return d.notification()
}

// queuedAttributes of a message that goes to a queue as it is; else they stand in the notification.
func (d *delivery) queuedAttributes() map[string]string {
	if !d.raw() {
		return nil
	}
	all := map[string]string{}
	for name, a := range d.message.attributes {
		all[name] = a.Value
	}
	return all
}

func (d *delivery) mailed() string {
	switch d.sub.protocol {
	case "email", "sms":
		return d.message.body(d.sub.protocol)
	}
	if d.raw() {
		return d.message.body(d.sub.protocol)
	}
	return d.notification()
}
