// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package events

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"cloudfront503/pkg/emulator/kernel"
)

// principal is who EventBridge is to the targets' policies.
const principal = "events.amazonaws.com"

// EventBridge keeps trying for a day and 185 attempts unless the target's retry policy says less.
// Source: "How EventBridge retries delivering events".
const (
	longestAge   = 24 * time.Hour
	mostRetries  = 185
	firstBackoff = time.Second
	lastBackoff  = 5 * time.Minute
)

// delivery is one event on its way to one target.
type delivery struct {
	service *Service
	rule    rule
	target  Target
	event   []byte
	since   time.Time
	retries int
	refusal *kernel.APIError // switched on from outside: what the target answers instead
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

// retryable tells a target that may do better later from one that is gone or does not admit us, which is not tried again.
func retryable(err error) bool {
	var refusal *kernel.APIError
	if !errors.As(err, &refusal) {
		return false
	}
	return refusal.Status >= http.StatusInternalServerError || refusal.Status == http.StatusTooManyRequests
}

// again waits and tries once more, unless the retries or the event's age are used up.
func (d *delivery) again() bool {
	clock := d.service.world.Clock
	pause := min(firstBackoff<<min(d.retries, 10), lastBackoff)
	if d.retries >= d.target.retries() || clock.Now().Add(pause).Sub(d.since) > d.target.age() {
		return false
	}
	d.retries++
	d.refusal = nil
	clock.After(pause, "events: retry "+d.rule.name+" to "+d.target.ARN, func() { d.service.world.Go(d.attempt) })
	return true
}

func (d *delivery) send() error {
	if d.refusal != nil {
		return d.refusal
	}
	payload, err := d.target.payload(d.rule, d.event, d.service.world.Clock.Now())
	if err != nil {
		return kernel.Errorf(http.StatusBadRequest, "INVALID_JSON", "target %s: %v", d.target.ID, err)
	}
	return d.service.deliver(d.rule.arn, d.target.ARN, payload)
}

// deliver hands a payload to whatever the target's ARN names.
func (s *Service) deliver(ruleARN, targetARN string, payload []byte) error {
	switch targetService(targetARN) {
	case "lambda":
		return s.world.Lambda.InvokeAsync(targetARN, payload, principal, ruleARN)
	case "sqs":
		return s.world.Queues.SendAs(principal, ruleARN, targetARN, string(payload), nil)
	case "sns":
		return s.world.Topics.PublishAs(principal, ruleARN, targetARN, "", string(payload))
	}
	s.world.Strict("events: target %s of %s is of no service that is emulated", targetARN, ruleARN)
	return kernel.Errorf(http.StatusBadRequest, "UNSUPPORTED_TARGET", "no such target: %s", targetARN)
}

func targetService(arn string) string {
	parts := strings.SplitN(arn, ":", 4)
	if len(parts) < 4 {
		return ""
	}
	return parts[2]
}

// giveUp sends the event to the target's dead-letter queue with the attributes that EventBridge adds, or drops it, which
// AWS does silently and a rehearsal counts.
func (d *delivery) giveUp(cause error) {
	if d.target.DeadLetterARN == "" {
		d.service.drop(d.rule.arn, d.target.ARN, cause)
		return
	}
	err := d.service.world.Queues.SendAs(principal, d.rule.arn, d.target.DeadLetterARN, string(d.event), d.attributes(cause))
	if err != nil {
		d.service.drop(d.rule.arn, d.target.DeadLetterARN, err)
	}
}

func (d *delivery) attributes(cause error) map[string]string {
	code, message := "UNKNOWN", cause.Error()
	var refusal *kernel.APIError
	if errors.As(cause, &refusal) {
		code, message = refusal.Code, refusal.Message
	}
	all := map[string]string{
		"RULE_ARN": d.rule.arn, "TARGET_ARN": d.target.ARN, "ERROR_CODE": code, "ERROR_MESSAGE": message,
		"RETRY_ATTEMPTS": strconv.Itoa(d.retries),
	}
	if retryable(cause) {
		all["EXHAUSTED_RETRY_CONDITION"] = "MaximumRetryAttempts"
	}
	return all
}
