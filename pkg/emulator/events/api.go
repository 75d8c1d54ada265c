// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package events

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/pattern"
)

// operations by name, as X-Amz-Target has it after "AWSEvents.".
var operations = map[string]func(*Service, *kernel.Call) (any, error){
	"PutRule": (*Service).putRule, "DeleteRule": (*Service).deleteRule, "DescribeRule": (*Service).describeRule,
	"EnableRule": (*Service).enableRule, "DisableRule": (*Service).disableRule, "ListRules": (*Service).listRules,
	"PutTargets": (*Service).putTargets, "RemoveTargets": (*Service).removeTargets,
	"ListTargetsByRule": (*Service).listTargets, "PutEvents": (*Service).putEvents,
	"TestEventPattern": (*Service).testPattern,
}

// Serve answers one request.
func (s *Service) Serve(c *kernel.Call) {
	name := strings.TrimPrefix(c.R.Header.Get("X-Amz-Target"), "AWSEvents.")
	operate, ok := operations[name]
	if !ok {
		s.world.Strict("events: unknown operation %q", name)
		c.FailJSON(kernel.Errorf(400, "UnknownOperationException", "unknown operation %q", name))
		return
	}
	answer, err := operate(s, c)
	if err != nil {
		c.FailJSON(err)
		return
	}
	c.JSON(answer)
}

// request reads a request's parameters and begins the call. A parameter that is not read is a violation.
func (s *Service) request(c *kernel.Call, action string, into any, resource func() string) error {
	if err := strictly(c.Body, into); err != nil {
		s.world.Strict("events: %s: %v", action, err)
		return invalid(err)
	}
	return c.Begin(kernel.Access{Action: "events:" + action, Resources: []string{resource()}})
}

func strictly(raw []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}

// invalid is the answer to an error of our own making; what is an API error already stays as it is.
func invalid(err error) error {
	if refusal, ok := err.(*kernel.APIError); ok {
		return refusal
	}
	return kernel.Errorf(400, "ValidationException", "%v", err)
}

// named is the part of most requests that says which rule.
type named struct {
	Name         string
	Rule         string
	EventBusName string
	Force        bool
}

func (s *Service) onRule(c *kernel.Call, action string) (*rule, error) {
	var in named
	err := s.request(c, action, &in, func() string { return s.ruleARN(in.Name + in.Rule) })
	if err != nil {
		return nil, err
	}
	if err := s.checkBus(in.EventBusName); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rules[in.Name+in.Rule]
	if r == nil {
		return nil, noRule(in.Name + in.Rule)
	}
	return r, nil
}

// checkBus refuses every bus but the default one, which is where AWS's own events arrive.
func (s *Service) checkBus(name string) error {
	if name == "" || name == "default" || name == s.busARN() {
		return nil
	}
	return kernel.Errorf(400, "ResourceNotFoundException", "Event bus %s does not exist.", name)
}

func (s *Service) busARN() string {
	return fmt.Sprintf("arn:aws:events:%s:%s:event-bus/default", s.world.Region, s.world.Account)
}

type ruleInput struct {
	Name, Description, EventBusName, EventPattern, ScheduleExpression, State string
	Tags                                                                     []struct{ Key, Value string }
}

func (s *Service) putRule(c *kernel.Call) (any, error) {
	var in ruleInput
	if err := s.request(c, "PutRule", &in, func() string { return s.ruleARN(in.Name) }); err != nil {
		return nil, err
	}
	if err := s.checkBus(in.EventBusName); err != nil {
		return nil, err
	}
	arn, err := s.PutRule(Rule{
		Name: in.Name, Description: in.Description, Pattern: in.EventPattern, Schedule: in.ScheduleExpression,
		Disabled: in.State == "DISABLED",
	})
	if err != nil {
		return nil, invalid(err)
	}
	return map[string]string{"RuleArn": arn}, nil
}

func (s *Service) deleteRule(c *kernel.Call) (any, error) {
	r, err := s.onRule(c, "DeleteRule")
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(r.targets) > 0 {
		return nil, kernel.Errorf(400, "ValidationException", "Rule can't be deleted since it has targets.")
	}
	r.cancel()
	delete(s.rules, r.name)
	return struct{}{}, nil
}

func (s *Service) enableRule(c *kernel.Call) (any, error) {
	return s.setDisabled(c, "EnableRule", false)
}
func (s *Service) disableRule(c *kernel.Call) (any, error) {
	return s.setDisabled(c, "DisableRule", true)
}

func (s *Service) setDisabled(c *kernel.Call, action string, disabled bool) (any, error) {
	r, err := s.onRule(c, action)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r.cancel()
	r.Disabled = disabled
	s.arm(r)
	return struct{}{}, nil
}

// ruleOutput is a rule as DescribeRule and ListRules show it.
type ruleOutput struct {
	Arn, Name, EventBusName, State, CreatedBy     string
	Description, EventPattern, ScheduleExpression string `json:",omitempty"`
}

func (s *Service) show(r *rule) ruleOutput {
	return ruleOutput{
		Arn: r.arn, Name: r.name, EventBusName: "default", State: r.state(), CreatedBy: s.world.Account,
		Description: r.Description, EventPattern: r.Pattern, ScheduleExpression: r.Schedule,
	}
}

func (s *Service) describeRule(c *kernel.Call) (any, error) {
	r, err := s.onRule(c, "DescribeRule")
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.show(r), nil
}

func (s *Service) listRules(c *kernel.Call) (any, error) {
	var in struct {
		NamePrefix, EventBusName, NextToken string
		Limit                               int
	}
	if err := s.request(c, "ListRules", &in, func() string { return s.ruleARN("*") }); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	rules := []ruleOutput{}
	for _, name := range sortedNames(s.rules) {
		if strings.HasPrefix(name, in.NamePrefix) {
			rules = append(rules, s.show(s.rules[name]))
		}
	}
	return map[string]any{"Rules": rules}, nil
}

// targetInput is a target as the API writes it, of the kinds that are emulated.
type targetInput struct {
	Id               string
	Arn              string
	Input            string                `json:",omitempty"`
	InputPath        string                `json:",omitempty"`
	InputTransformer *Transformer          `json:",omitempty"`
	DeadLetterConfig *struct{ Arn string } `json:",omitempty"`
	RetryPolicy      *struct {
		MaximumEventAgeInSeconds int  `json:",omitempty"`
		MaximumRetryAttempts     *int `json:",omitempty"`
	} `json:",omitempty"`
}

func (in targetInput) target() Target {
	t := Target{ID: in.Id, ARN: in.Arn, Input: in.Input, InputPath: in.InputPath, Transformer: in.InputTransformer}
	if in.DeadLetterConfig != nil {
		t.DeadLetterARN = in.DeadLetterConfig.Arn
	}
	if in.RetryPolicy != nil {
		t.MaximumAge, t.MaximumRetry = in.RetryPolicy.MaximumEventAgeInSeconds, in.RetryPolicy.MaximumRetryAttempts
	}
	return t
}

// ParseTarget reads a target as PutTargets and AWS::Events::Rule write it. A property that is not emulated is an error.
func ParseTarget(raw []byte) (Target, error) {
	var in targetInput
	if err := strictly(raw, &in); err != nil {
		return Target{}, fmt.Errorf("target: %w", err)
	}
	return in.target(), in.target().check()
}

func showTarget(t Target) targetInput {
	out := targetInput{Id: t.ID, Arn: t.ARN, Input: t.Input, InputPath: t.InputPath, InputTransformer: t.Transformer}
	if t.DeadLetterARN != "" {
		out.DeadLetterConfig = &struct{ Arn string }{t.DeadLetterARN}
	}
	return out
}

func (s *Service) putTargets(c *kernel.Call) (any, error) {
	var in struct {
		Rule, EventBusName string
		Targets            []targetInput
	}
	if err := s.request(c, "PutTargets", &in, func() string { return s.ruleARN(in.Rule) }); err != nil {
		return nil, err
	}
	if err := s.checkBus(in.EventBusName); err != nil {
		return nil, err
	}
	var targets []Target
	for _, t := range in.Targets {
		targets = append(targets, t.target())
	}
	if err := s.PutTargets(in.Rule, targets...); err != nil {
		return nil, invalid(err)
	}
	return map[string]any{"FailedEntryCount": 0, "FailedEntries": []any{}}, nil
}

func (s *Service) removeTargets(c *kernel.Call) (any, error) {
	var in struct {
		Rule, EventBusName string
		Ids                []string
		Force              bool
	}
	if err := s.request(c, "RemoveTargets", &in, func() string { return s.ruleARN(in.Rule) }); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rules[in.Rule]
	if r == nil {
		return nil, noRule(in.Rule)
	}
	r.targets = slices.DeleteFunc(slices.Clone(r.targets), func(t Target) bool { return slices.Contains(in.Ids, t.ID) })
	return map[string]any{"FailedEntryCount": 0, "FailedEntries": []any{}}, nil
}

func (s *Service) listTargets(c *kernel.Call) (any, error) {
	r, err := s.onRule(c, "ListTargetsByRule")
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	targets := []targetInput{}
	for _, t := range r.targets {
		targets = append(targets, showTarget(t))
	}
	return map[string]any{"Targets": targets}, nil
}

type entry struct {
	Source, DetailType, Detail, EventBusName, TraceHeader string
	Resources                                             []string
	Time                                                  json.Number // seconds since 1970
}

func (s *Service) putEvents(c *kernel.Call) (any, error) {
	var in struct{ Entries []entry }
	if err := s.request(c, "PutEvents", &in, s.busARN); err != nil {
		return nil, err
	}
	if len(in.Entries) == 0 || len(in.Entries) > 10 {
		return nil, kernel.Errorf(400, "ValidationException", "entries must have 1 to 10 members")
	}
	failed, results := 0, []map[string]string{}
	for _, e := range in.Entries {
		result := s.putEntry(e)
		if result["ErrorCode"] != "" {
			failed++
		}
		results = append(results, result)
	}
	return map[string]any{"FailedEntryCount": failed, "Entries": results}, nil
}

// putEntry answers for one entry. Sources that begin with "aws." belong to AWS; nobody else may use them.
func (s *Service) putEntry(e entry) map[string]string {
	switch {
	case strings.HasPrefix(e.Source, "aws."):
		return map[string]string{"ErrorCode": "NotAuthorizedForSourceException", "ErrorMessage": "Not authorized for the source."}
	case e.Source == "" || e.DetailType == "":
		return map[string]string{"ErrorCode": "InvalidArgument", "ErrorMessage": "Parameter Source or DetailType is not valid."}
	case !strings.HasPrefix(strings.TrimSpace(e.Detail), "{") || !json.Valid([]byte(e.Detail)):
		return map[string]string{"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
	}
	whole := event{Source: e.Source, DetailType: e.DetailType, Resources: e.Resources, Detail: json.RawMessage(e.Detail)}
	if seconds, err := e.Time.Float64(); err == nil {
		whole.Time = time.Unix(int64(seconds), 0).UTC().Format(time.RFC3339)
	}
	return map[string]string{"EventId": s.put(whole)}
}

func (s *Service) testPattern(c *kernel.Call) (any, error) {
	var in struct{ Event, EventPattern string }
	if err := s.request(c, "TestEventPattern", &in, func() string { return "*" }); err != nil {
		return nil, err
	}
	p, err := pattern.Parse([]byte(in.EventPattern))
	if err != nil {
		return nil, badPattern(err)
	}
	return map[string]bool{"Result": p.Match([]byte(in.Event))}, nil
}
