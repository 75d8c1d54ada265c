// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package events is EventBridge: the default bus of the account, its rules with patterns and schedules, and the delivery
// to their targets with retries and dead-letter queues. Protocol: JSON 1.1, target "AWSEvents".
package events

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"cloudfront503/pkg/emulator/kernel"
)

// Service is EventBridge in the account's Region.
type Service struct {
	world *kernel.World

	mu      sync.Mutex
	rules   map[string]*rule
	dropped []Dropped
}

// Dropped is an event that reached neither its target nor a dead-letter queue.
type Dropped struct {
	Rule, Target string // ARNs
	Cause        string
}

// New makes EventBridge the account's bus.
func New(w *kernel.World) *Service {
	s := &Service{world: w, rules: map[string]*rule{}}
	w.Register("events", s)
	w.Bus = s
	return s
}

// Dropped are the events that were lost so far; AWS would not say so.
func (s *Service) Dropped() []Dropped {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.dropped)
}

func (s *Service) drop(ruleARN, targetARN string, cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropped = append(s.dropped, Dropped{Rule: ruleARN, Target: targetARN, Cause: cause.Error()})
}

// PutRule creates a rule, or replaces one and keeps its targets. The answer is its ARN.
func (s *Service) PutRule(in Rule) (string, error) {
	r, err := newRule(in, s.ruleARN(in.Name))
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.rules[in.Name]; old != nil {
		old.cancel()
		r.targets = old.targets
	}
	s.rules[in.Name] = r
	s.arm(r)
	return r.arn, nil
}

// PutTargets adds targets to a rule, each in place of the one with the same id.
func (s *Service) PutTargets(name string, targets ...Target) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rules[name]
	if r == nil {
		return noRule(name)
	}
	merged := slices.Clone(r.targets)
	for _, t := range targets {
		if err := t.check(); err != nil {
			return err
		}
		merged = slices.DeleteFunc(merged, func(other Target) bool { return other.ID == t.ID })
		merged = append(merged, t)
	}
	if len(merged) > targetLimit {
		return kernel.Errorf(400, "LimitExceededException", "The requested resource exceeds the maximum number allowed.")
	}
	r.targets = merged
	return nil
}

func noRule(name string) error {
	return kernel.Errorf(400, "ResourceNotFoundException", "Rule %s does not exist on EventBus default.", name)
}

func (s *Service) ruleARN(name string) string {
	return fmt.Sprintf("arn:aws:events:%s:%s:rule/%s", s.world.Region, s.world.Account, name)
}

// arm sets the timer for a rule's next run. The caller holds the lock.
func (s *Service) arm(r *rule) {
	if r.Disabled || r.schedule == nil {
		return
	}
	now := s.world.Clock.Now()
	at, ok := r.schedule.next(now)
	if !ok {
		return
	}
	r.cancel = s.world.Clock.After(at.Sub(now), "events: schedule "+r.name, func() { s.tick(r.name, r) })
}

// tick runs a scheduled rule, unless it was replaced meanwhile, and sets the next timer.
func (s *Service) tick(name string, armed *rule) {
	s.mu.Lock()
	current := s.rules[name]
	if current != armed || current.Disabled {
		s.mu.Unlock()
		return
	}
	r := current.snapshot()
	s.arm(current)
	s.mu.Unlock()
	s.run(r, s.scheduled(r))
}

// scheduled is the event of a schedule, as "Scheduled Event" of aws.events.
func (s *Service) scheduled(r rule) []byte {
	return fmt.Appendf(nil, `{"version":"0","id":%q,"detail-type":"Scheduled Event","source":"aws.events","account":%q,`+
		`"time":%q,"region":%q,"resources":[%q],"detail":{}}`,
		kernel.NewUUID(), s.world.Account, s.world.Clock.Now().Format(time.RFC3339), s.world.Region, r.arn)
}

func sortedNames(rules map[string]*rule) []string {
	names := make([]string, 0, len(rules))
	for name := range rules {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
