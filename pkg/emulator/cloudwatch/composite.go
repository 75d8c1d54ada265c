// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package cloudwatch

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// rule is a composite alarm's rule.
type rule struct {
	word     string // ALARM, OK, INSUFFICIENT_DATA, TRUE, FALSE, AND, OR, NOT
	name     string // of the alarm, for the first three
	operands []*rule
}

// names are the alarms that a rule speaks of.
func (r *rule) names() []string {
	if r.name != "" {
		return []string{r.name}
	}
	var list []string
	for _, operand := range r.operands {
		list = append(list, operand.names()...)
	}
	return list
}

// holds evaluates a rule over the alarms' states.
func (r *rule) holds(state func(name string) string) bool {
	switch r.word {
	case "TRUE":
		return true
	case "AND":
		return r.operands[0].holds(state) && r.operands[1].holds(state)
	case "OR":
		return r.operands[0].holds(state) || r.operands[1].holds(state)
	case "NOT":
		return !r.operands[0].holds(state)
	case StateAlarm, StateOK, StateInsufficient:
		return state(r.name) == r.word
	}
	return false
}

// parseRule reads a rule, as `ALARM("a") AND NOT (OK(b) OR INSUFFICIENT_DATA(b))`. Names may be ARNs.
func parseRule(text string) (*rule, error) {
	p := &ruleParser{text: text}
	r, err := p.or(0)
	if err != nil {
		return nil, err
	}
	if p.skip(); p.at != len(p.text) {
		return nil, invalid("AlarmRule must not have %q after its end.", p.text[p.at:])
	}
	return r, nil
}

type ruleParser struct {
	text string
	at   int
}

func (p *ruleParser) skip() {
	for p.at < len(p.text) && strings.ContainsRune(" \t\r\n", rune(p.text[p.at])) {
		p.at++
	}
}

// word is the next word without reading it.
func (p *ruleParser) word() string {
	p.skip()
	end := p.at
	for end < len(p.text) && (p.text[end] >= 'A' && p.text[end] <= 'Z' || p.text[end] == '_') {
		end++
	}
	return p.text[p.at:end]
}

func (p *ruleParser) or(depth int) (*rule, error) {
	return p.chain("OR", func() (*rule, error) {
		return p.chain("AND", func() (*rule, error) { return p.not(depth) })
	})
}

func (p *ruleParser) chain(word string, operand func() (*rule, error)) (*rule, error) {
	left, err := operand()
	for err == nil && p.word() == word {
		p.at += len(word)
		var right *rule
		if right, err = operand(); err == nil {
			left = &rule{word: word, operands: []*rule{left, right}}
		}
	}
	return left, err
}

func (p *ruleParser) not(depth int) (*rule, error) {
	if depth > 50 {
		return nil, invalid("AlarmRule is nested too deep.")
	}
	word := p.word()
	p.at += len(word)
	switch word {
	case "NOT":
		inside, err := p.not(depth + 1)
		return &rule{word: "NOT", operands: []*rule{inside}}, err
	case "TRUE", "FALSE":
		return &rule{word: word}, nil
	case StateAlarm, StateOK, StateInsufficient:
		name, err := p.name()
		return &rule{word: word, name: name}, err
	}
	if word == "" && p.take('(') {
		inside, err := p.or(depth + 1)
		if err == nil && !p.take(')') {
			err = invalid("AlarmRule lacks a closing parenthesis.")
		}
		return inside, err
	}
	return nil, invalid("AlarmRule has something unexpected at character %d.", p.at+1)
}

func (p *ruleParser) take(c byte) bool {
	p.skip()
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

// name is an alarm's name or ARN in parentheses, with or without quotes.
func (p *ruleParser) name() (string, error) {
	if !p.take('(') {
		return "", invalid("AlarmRule lacks an alarm's name.")
	}
	p.skip()
	end := ")"
	if p.take('"') {
		end = `"`
	}
	length := strings.Index(p.text[p.at:], end)
	if length < 1 {
		return "", invalid("AlarmRule lacks an alarm's name.")
	}
	name := strings.TrimSpace(p.text[p.at : p.at+length])
	p.at += length
	if end == `"` {
		p.at++
	}
	if !p.take(')') {
		return "", invalid("AlarmRule lacks a closing parenthesis.")
	}
	if i := strings.Index(name, ":alarm:"); strings.HasPrefix(name, "arn:") && i > 0 {
		name = name[i+len(":alarm:"):]
	}
	return name, nil
}

// settleComposites brings a Region's composite alarms to the states that their rules give. One may speak of another, so
// it looks again while something changes; a circle ends after as many rounds as there are alarms.
func (s *Service) settleComposites(region string) {
	s.mu.Lock()
	rounds := len(s.alarms)
	s.mu.Unlock()
	for range rounds {
		if !s.settleOnce(region) {
			return
		}
	}
}

func (s *Service) settleOnce(region string) bool {
	s.mu.Lock()
	changes := map[alarmKey]State{}
	for _, a := range s.sorted(region) {
		if a.composite == nil {
			continue
		}
		if state, ok := s.composed(a); ok && state.Value != a.state.Value {
			changes[a.key] = state
		}
	}
	s.mu.Unlock()
	for key, state := range changes {
		s.transition(key, state)
	}
	return len(changes) > 0
}

// composed is the state that a composite's rule gives. The lock is held.
func (s *Service) composed(a *alarm) (State, bool) {
	r, err := parseRule(a.composite.AlarmRule)
	if err != nil {
		return State{}, false
	}
	holds := r.holds(func(name string) string {
		if child := s.alarms[alarmKey{a.key.region, name}]; child != nil {
			return child.state.Value
		}
		return StateInsufficient
	})
	value := StateOK
	if holds {
		value = StateAlarm
	}
	triggering := s.triggering(a.key.region, r.names())
	data, err := json.Marshal(map[string]any{"triggeringAlarms": triggering})
	if err != nil {
		return State{}, false
	}
	reason := "Composite alarm transitioned to " + value
	if len(triggering) > 0 {
		first := triggering[0]
		reason = fmt.Sprintf("%s transitioned to %s at %s", first["arn"], object(first["state"])["value"], s.world.Clock.Now().Format("Monday 02 January, 2006 15:04:05 MST"))
	}
	return State{Value: value, Reason: reason, ReasonData: string(data)}, true
}

func object(value any) map[string]any {
	m, _ := value.(map[string]any)
	return m
}

// triggering are the children in ALARM. The lock is held.
func (s *Service) triggering(region string, names []string) []map[string]any {
	list := []map[string]any{}
	for _, name := range names {
		child := s.alarms[alarmKey{region, name}]
		if child != nil && child.state.Value == StateAlarm {
			state := map[string]any{"value": child.state.Value, "timestamp": child.state.At.Format(clockFormat)}
			list = append(list, map[string]any{"arn": s.arn(child.key), "state": state})
		}
	}
	return list
}

// suppression says why a composite's actions do not fire now, empty where they do, and how long until that may change; 0
// where only the suppressor can change it. The lock is held.
func (s *Service) suppression(a *alarm, now time.Time) (by, reason string, wait time.Duration) {
	if a.composite == nil || a.composite.ActionsSuppressor == "" {
		return "", "", 0
	}
	name := a.composite.ActionsSuppressor
	if i := strings.Index(name, ":alarm:"); i > 0 {
		name = name[i+len(":alarm:"):]
	}
	suppressor := s.alarms[alarmKey{a.key.region, name}]
	if suppressor == nil {
		return "", "", 0
	}
	waitPeriod := time.Duration(a.composite.ActionsSuppressorWaitPeriod) * time.Second
	extension := time.Duration(a.composite.ActionsSuppressorExtensionPeriod) * time.Second
	switch {
	case suppressor.state.Value == StateAlarm:
		return "Alarm", "Actions suppressed by " + s.arn(suppressor.key), 0
	case !suppressor.released.IsZero() && suppressor.released.Add(extension).After(now):
		return "ExtensionPeriod", "Actions suppressed by ExtensionPeriod", suppressor.released.Add(extension).Sub(now)
	case a.transitioned.Add(waitPeriod).After(now):
		return "WaitPeriod", "Actions suppressed by WaitPeriod", a.transitioned.Add(waitPeriod).Sub(now)
	}
	return "", "", 0
}
