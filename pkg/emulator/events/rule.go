// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package events

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"time"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/pattern"
)

// Rule is what PutRule takes.
type Rule struct {
	Name        string
	Description string
	Pattern     string // JSON; empty for a rule with only a schedule
	Schedule    string // rate(…) or cron(…) in UTC; empty for a rule with only a pattern
	Disabled    bool
}

// Target is where a rule sends its events.
type Target struct {
	ID            string
	ARN           string       // of a Lambda function, an SQS queue or an SNS topic
	Input         string       // JSON sent in place of the event
	InputPath     string       // the part of the event that is sent in place of it
	Transformer   *Transformer // makes what is sent out of parts of the event
	DeadLetterARN string       // an SQS queue
	MaximumAge    int          // seconds, 60 to 86400; zero for the most
	MaximumRetry  *int         // 0 to 185; nil for the most
}

// Transformer fills a template with parts of the event.
type Transformer struct {
	Paths    map[string]string `json:"InputPathsMap,omitempty"` // name → JSON path
	Template string            `json:"InputTemplate"`
}

// Limits of EventBridge. Source: "Amazon EventBridge quotas".
const (
	patternLimit = 2048 // characters
	targetLimit  = 5
)

var ruleName = regexp.MustCompile(`^[.\-_A-Za-z0-9]{1,64}$`)

// rule is a rule that was put, with its targets.
type rule struct {
	Rule
	name, arn string
	pattern   *pattern.Pattern
	schedule  schedule
	targets   []Target
	cancel    func() // its schedule's timer; never nil
}

func newRule(in Rule, arn string) (*rule, error) {
	r := &rule{Rule: in, name: in.Name, arn: arn, cancel: func() {}}
	if !ruleName.MatchString(in.Name) {
		return nil, fmt.Errorf("rule name %q has other characters than AWS admits, or too many", in.Name)
	}
	if in.Pattern == "" && in.Schedule == "" {
		return nil, fmt.Errorf("rule %s has neither a pattern nor a schedule", in.Name)
	}
	if err := r.parsePattern(); err != nil {
		return nil, err
	}
	return r, r.parseSchedule()
}

func (r *rule) parsePattern() error {
	if r.Pattern == "" {
		return nil
	}
	if len([]rune(r.Pattern)) > patternLimit {
		return badPattern(fmt.Errorf("longer than %d characters", patternLimit))
	}
	p, err := pattern.Parse([]byte(r.Pattern))
	if err != nil {
		return badPattern(err)
	}
	r.pattern = &p
	return nil
}

func badPattern(err error) error {
	return kernel.Errorf(http.StatusBadRequest, "InvalidEventPatternException", "Event pattern is not valid. Reason: %v", err)
}

func (r *rule) parseSchedule() (err error) {
	if r.Schedule != "" {
		r.schedule, err = parseSchedule(r.Schedule)
	}
	return err
}

func (r *rule) matches(event []byte) bool {
	return !r.Disabled && r.pattern != nil && r.pattern.Match(event)
}

// snapshot is the rule with targets of its own, for work that outlives the lock.
func (r *rule) snapshot() rule {
	clone := *r
	clone.targets = slices.Clone(r.targets)
	return clone
}

func (r *rule) state() string {
	if r.Disabled {
		return "DISABLED"
	}
	return "ENABLED"
}

func (t Target) check() error {
	inputs := 0
	for _, given := range []bool{t.Input != "", t.InputPath != "", t.Transformer != nil} {
		if given {
			inputs++
		}
	}
	if inputs > 1 {
		return fmt.Errorf("target %s: only one of Input, InputPath and InputTransformer may be given", t.ID)
	}
	if targetService(t.ARN) == "" || t.ID == "" {
		return fmt.Errorf("target %q: needs an Id and an Arn", t.ID)
	}
	return t.checkRetry()
}

func (t Target) checkRetry() error {
	if t.MaximumAge != 0 && (t.MaximumAge < 60 || t.MaximumAge > 86400) {
		return fmt.Errorf("target %s: MaximumEventAgeInSeconds is not within 60-86400", t.ID)
	}
	if t.MaximumRetry != nil && (*t.MaximumRetry < 0 || *t.MaximumRetry > mostRetries) {
		return fmt.Errorf("target %s: MaximumRetryAttempts is not within 0-%d", t.ID, mostRetries)
	}
	return nil
}

func (t Target) age() time.Duration {
	if t.MaximumAge == 0 {
		return longestAge
	}
	return time.Duration(t.MaximumAge) * time.Second
}

func (t Target) retries() int {
	if t.MaximumRetry == nil {
		return mostRetries
	}
	return *t.MaximumRetry
}
