// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package events

import (
	"encoding/json"
	"fmt"
	"time"

	"cloudfront503/pkg/emulator/kernel"
)

// event is the envelope of every event on a bus. Source: "AWS service event metadata" of the EventBridge guide.
type event struct {
	Version    string          `json:"version"`
	ID         string          `json:"id"`
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Account    string          `json:"account"`
	Time       string          `json:"time"` // RFC 3339 in whole seconds
	Region     string          `json:"region"`
	Resources  []string        `json:"resources"`
	Detail     json.RawMessage `json:"detail"`
}

// Emit puts an event of an AWS service, or of the account's own code, on the default bus.
func (s *Service) Emit(source, detailType string, resources []string, detail any) {
	raw, err := json.Marshal(detail)
	if err != nil {
		s.world.Strict("events: detail of %s %q: %v", source, detailType, err)
		return
	}
	s.put(event{Source: source, DetailType: detailType, Resources: resources, Detail: raw})
}

// Inject puts a whole event on the default bus, as recorded elsewhere; what its envelope lacks is added. Fields of the
// envelope that AWS does not send are refused.
func (s *Service) Inject(whole []byte) error {
	var e event
	if err := strictly(whole, &e); err != nil {
		return fmt.Errorf("event: %w", err)
	}
	s.put(e)
	return nil
}

// put completes the envelope and hands the event to every enabled rule whose pattern it matches.
func (s *Service) put(e event) string {
	s.complete(&e)
	raw, err := json.Marshal(e)
	if err != nil {
		s.world.Strict("events: event %s: %v", e.ID, err)
		return e.ID
	}
	for _, r := range s.matching(raw) {
		s.run(r, raw)
	}
	return e.ID
}

func (s *Service) complete(e *event) {
	e.Version = orElse(e.Version, "0")
	e.ID = orElse(e.ID, kernel.NewUUID())
	e.Account = orElse(e.Account, s.world.Account)
	e.Time = orElse(e.Time, s.world.Clock.Now().Format(time.RFC3339))
	e.Region = orElse(e.Region, s.world.Region)
	if e.Resources == nil {
		e.Resources = []string{}
	}
	if e.Detail == nil {
		e.Detail = json.RawMessage("{}")
	}
}

func (s *Service) matching(raw []byte) []rule {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []rule
	for _, name := range sortedNames(s.rules) {
		r := s.rules[name]
		if r.matches(raw) {
			found = append(found, r.snapshot())
		}
	}
	return found
}

// run hands an event to all targets of a rule.
func (s *Service) run(r rule, raw []byte) {
	for _, t := range r.targets {
		copies := 1
		fault := s.world.Faults.Match("deliver:events", t.ARN, r.arn)
		if fault != nil && fault.Twice {
			copies = 2
		}
		for range copies {
			d := &delivery{service: s, rule: r, target: t, event: raw, since: s.world.Clock.Now()}
			if fault != nil {
				d.refusal = fault.Error
			}
			s.world.Go(d.attempt)
		}
	}
}

func orElse(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

var _ kernel.Bus = (*Service)(nil)
