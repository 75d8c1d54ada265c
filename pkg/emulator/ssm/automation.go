// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package ssm

import (
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"cloudfront503/pkg/emulator/automation"
	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/runbook/document"
)

type startInput struct {
	DocumentName, DocumentVersion, ClientToken, Mode string
	Parameters                                       map[string][]string
	Tags                                             []tag
}

// started is what a client token stands for.
type started struct {
	id string
	in startInput
	at time.Time
}

var (
	// startName and clientToken are the patterns of the service model.
	startName   = regexp.MustCompile(`^[a-zA-Z0-9_\-.:/]{3,128}$`)
	clientToken = regexp.MustCompile(`^[a-fA-F0-9]{8}-([a-fA-F0-9]{4}-){3}[a-fA-F0-9]{12}$`)
)

func (s *Service) startExecution(c *kernel.Call) (any, error) {
	var in startInput
	if err := s.ask(c, &in, func() kernel.Access { return s.documentAccess(c, "StartAutomationExecution", in.DocumentName) }); err != nil {
		return nil, err
	}
	if err := s.throttle(); err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	start, err := s.prepare(c, in)
	if err != nil {
		return nil, err
	}
	if err := s.authorizeStart(c, in, start); err != nil {
		return nil, err
	}
	id, err := s.startOnce(in, start)
	if err != nil {
		return nil, err
	}
	return map[string]any{"AutomationExecutionId": id}, nil
}

// throttle is one start a second. Source: "Systems Manager endpoints and quotas".
func (s *Service) throttle() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.world.Clock.Now()
	if s.throttled && now.Sub(s.lastStart) < time.Second {
		return kernel.Errorf(http.StatusBadRequest, "ThrottlingException", "Rate exceeded")
	}
	s.lastStart = now
	return nil
}

// check looks at what the service model limits.
func (in startInput) check() error {
	if !startName.MatchString(in.DocumentName) {
		return invalid("1 validation error detected: Value '%s' at 'documentName' failed to satisfy constraint: Member must satisfy regular expression pattern: %s", in.DocumentName, startName)
	}
	if in.ClientToken != "" && !clientToken.MatchString(in.ClientToken) {
		return invalid("1 validation error detected: Value '%s' at 'clientToken' failed to satisfy constraint: Member must satisfy regular expression pattern: %s", in.ClientToken, clientToken)
	}
	if in.Mode != "" && in.Mode != "Auto" && in.Mode != "Interactive" {
		return invalid("1 validation error detected: Value '%s' at 'mode' failed to satisfy constraint: Member must satisfy enum value set: [Auto, Interactive]", in.Mode)
	}
	if len(in.Tags) > maxStartTags {
		return invalid("an execution may be started with %d tags", maxStartTags)
	}
	if err := checkTags(in.Tags); err != nil {
		return err
	}
	return automation.Limits(in.Parameters)
}

// prepare finds the document. An execution keeps the version that it begins with.
func (s *Service) prepare(c *kernel.Call, in startInput) (automation.Start, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.documents[nameOf(in.DocumentName)]
	if e == nil || e.kind != typeAutomation {
		return automation.Start{}, kernel.Errorf(http.StatusBadRequest, "AutomationDefinitionNotFoundException", "Automation definition %s is not found.", in.DocumentName)
	}
	v, ok := e.at(in.DocumentVersion)
	if !ok {
		return automation.Start{}, kernel.Errorf(http.StatusBadRequest, "AutomationDefinitionVersionNotFoundException", "Version %s of automation definition %s is not found.", in.DocumentVersion, in.DocumentName)
	}
	if size := v.parsed.Size + sizeOf(in.Parameters); size > document.MaxSize {
		return automation.Start{}, parameterError("document and parameters have %d bytes, at most %d are allowed", size, document.MaxSize)
	}
	return automation.Start{
		Definition: v.parsed, Name: e.name, Version: strconv.Itoa(v.number), Parameters: in.Parameters, Caller: c.Caller,
		Region: c.Region, Interactive: in.Mode == "Interactive", Tags: tagMap(in.Tags), SSMParameter: s.lookup,
	}, nil
}

func sizeOf(parameters map[string][]string) int {
	size := 0
	for name, values := range parameters {
		size += len(name)
		for _, value := range values {
			size += len(value)
		}
	}
	return size
}

func parameterError(format string, args ...any) error {
	return kernel.Errorf(http.StatusBadRequest, "InvalidAutomationExecutionParametersException", format, args...)
}

// authorizeStart asks IAM for what a start needs beyond the document: the execution; the definition, where the switch says
// so; tagging; and passing the role.
func (s *Service) authorizeStart(c *kernel.Call, in startInput, start automation.Start) error {
	execution := s.arn(c.Region, "automation-execution/*")
	asks := []kernel.Access{{Action: "ssm:StartAutomationExecution", Resources: []string{execution}}}
	if s.world.Switches.DefinitionResource {
		definition := s.arn(c.Region, "automation-definition/"+start.Name+":"+start.Version)
		asks = append(asks, kernel.Access{Action: "ssm:StartAutomationExecution", Resources: []string{definition}})
	}
	if len(in.Tags) > 0 {
		asks = append(asks, kernel.Access{Action: "ssm:AddTagsToResource", Resources: []string{execution}})
	}
	role, err := automation.AssumeRole(start)
	if err != nil {
		return err
	}
	if role != "" {
		asks = append(asks, passRole(role))
	}
	for _, access := range asks {
		if err := c.Also(access); err != nil {
			return err
		}
	}
	return nil
}

// startOnce starts, or finds what the client token stands for already. The lock is held throughout, so that two calls with
// one token are one start.
func (s *Service) startOnce(in startInput, start automation.Start) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	token, now := strings.ToLower(in.ClientToken), s.world.Clock.Now()
	in.ClientToken = ""
	before, known := s.tokens[token]
	if memory := s.world.Switches.TokenMemoryMinutes; memory > 0 && now.Sub(before.at) > time.Duration(memory)*time.Minute {
		known = false
	}
	if token != "" && known {
		if !reflect.DeepEqual(before.in, in) {
			return "", kernel.Errorf(http.StatusBadRequest, "IdempotentParameterMismatch", "Error returned when an idempotent operation is retried and the parameters don't match the original call to the API with the same idempotency token.")
		}
		return before.id, nil
	}
	start.SSMParameter = s.lookupLocked
	id, err := s.Automation.Start(start)
	if err == nil && token != "" {
		s.tokens[token] = started{id: id, in: in, at: now}
	}
	return id, err
}

// lookupLocked is lookup with the lock held.
func (s *Service) lookupLocked(name string) (string, bool) {
	p := s.parameters[name]
	if p == nil || p.kind == "SecureString" {
		return "", false
	}
	return p.value, true
}

func (s *Service) executionAccess(c *kernel.Call, action, id string) kernel.Access {
	e, _ := s.Automation.Get(id)
	return kernel.Access{
		Action: "ssm:" + action, Resources: []string{s.arn(c.Region, "automation-execution/"+id)}, Conditions: tagCondition(e.Tags),
	}
}

// signalKeys are the payload's keys of each signal. Source: the service model, SendAutomationSignal.
var signalKeys = map[string]string{
	"Approve": "Comment", "Reject": "Comment", "Revoke": "Comment", "Resume": "StepName", "StartStep": "StepName",
	"StopStep": "StepExecutionId",
}

func (s *Service) sendSignal(c *kernel.Call) (any, error) {
	var in struct {
		AutomationExecutionId, SignalType string
		Payload                           map[string][]string
	}
	access := func() kernel.Access { return s.executionAccess(c, "SendAutomationSignal", in.AutomationExecutionId) }
	if err := s.ask(c, &in, access); err != nil {
		return nil, err
	}
	key, ok := signalKeys[in.SignalType]
	if !ok {
		return nil, invalid("1 validation error detected: Value '%s' at 'signalType' failed to satisfy constraint: Member must satisfy enum value set: [Approve, Reject, StartStep, StopStep, Resume, Revoke]", in.SignalType)
	}
	if err := checkPayload(in.Payload, key); err != nil {
		return nil, err
	}
	if err := s.Automation.Signal(c.Caller, in.AutomationExecutionId, in.SignalType, in.Payload); err != nil {
		return nil, err
	}
	return struct{}{}, nil
}

func checkPayload(payload map[string][]string, key string) error {
	for name, values := range payload {
		if name != key {
			return kernel.Errorf(http.StatusBadRequest, "InvalidAutomationSignalException", "The signal's payload has %s, want %s.", name, key)
		}
		for _, value := range values {
			if n := utf8.RuneCountInString(value); n < 1 || n > document.MaxValueCharacters {
				return invalid("1 validation error detected: Value at 'payload' failed to satisfy constraint: Member must have length between 1 and %d", document.MaxValueCharacters)
			}
		}
	}
	return nil
}

func (s *Service) stopExecution(c *kernel.Call) (any, error) {
	var in struct{ AutomationExecutionId, Type string }
	access := func() kernel.Access { return s.executionAccess(c, "StopAutomationExecution", in.AutomationExecutionId) }
	if err := s.ask(c, &in, access); err != nil {
		return nil, err
	}
	if in.Type != "" && in.Type != "Cancel" && in.Type != "Complete" {
		return nil, invalid("type %s is not Cancel or Complete", in.Type)
	}
	if err := s.Automation.Stop(in.AutomationExecutionId, in.Type == "Complete"); err != nil {
		return nil, err
	}
	return struct{}{}, nil
}

func (s *Service) getExecution(c *kernel.Call) (any, error) {
	var in struct{ AutomationExecutionId string }
	access := func() kernel.Access { return s.executionAccess(c, "GetAutomationExecution", in.AutomationExecutionId) }
	if err := s.ask(c, &in, access); err != nil {
		return nil, err
	}
	e, err := s.execution(in.AutomationExecutionId)
	if err != nil {
		return nil, err
	}
	return map[string]any{"AutomationExecution": full(e)}, nil
}

func (s *Service) execution(id string) (automation.Execution, error) {
	e, ok := s.Automation.Get(id)
	if !ok {
		return e, kernel.Errorf(http.StatusBadRequest, "AutomationExecutionNotFoundException", "Automation execution %s is not found.", id)
	}
	return e, nil
}

// executionFilters are the keys of DescribeAutomationExecutions that are known here.
var executionFilters = map[string]func(e automation.Execution, value string) bool{
	"DocumentNamePrefix": func(e automation.Execution, value string) bool { return strings.HasPrefix(e.Document, value) },
	"ExecutionStatus":    func(e automation.Execution, value string) bool { return e.Status == value },
	"ExecutionId":        func(e automation.Execution, value string) bool { return e.ID == value },
	"ParentExecutionId":  func(e automation.Execution, value string) bool { return e.Parent == value },
	"CurrentAction":      func(e automation.Execution, value string) bool { return e.CurrentAction == value },
	"StartTimeBefore":    func(e automation.Execution, value string) bool { return before(e.Start, value) },
	"StartTimeAfter":     func(e automation.Execution, value string) bool { return !before(e.Start, value) },
	"AutomationType":     func(_ automation.Execution, value string) bool { return value == "Local" },
	"TagKey":             func(e automation.Execution, value string) bool { _, ok := e.Tags[value]; return ok },
}

// before compares with a time as the filter writes it, 2016-12-01T00:00:00Z; a text that is none is before nothing.
func before(t time.Time, text string) bool {
	limit, err := time.Parse(time.RFC3339, text)
	return err == nil && t.Before(limit)
}

func (s *Service) describeExecutions(c *kernel.Call) (any, error) {
	var in struct {
		Filters    []filter
		MaxResults int
		NextToken  string
	}
	if err := s.ask(c, &in, func() kernel.Access { return kernel.Access{Action: "ssm:DescribeAutomationExecutions"} }); err != nil {
		return nil, err
	}
	found := []map[string]any{}
	all := s.Automation.Executions()
	for i := range all {
		e := all[len(all)-1-i] // the newest first
		ok, err := matches(e, in.Filters, executionFilters)
		if err != nil {
			return nil, err
		}
		if ok {
			found = append(found, metadata(e))
		}
	}
	part, next, err := page(found, in.MaxResults, 50, in.NextToken)
	if err != nil {
		return nil, err
	}
	return listed("AutomationExecutionMetadataList", part, next), nil
}

// stepFilters are the keys of DescribeAutomationStepExecutions that are known here.
var stepFilters = map[string]func(s automation.Step, value string) bool{
	"StepName":            func(s automation.Step, value string) bool { return s.Name == value },
	"Action":              func(s automation.Step, value string) bool { return s.Action == value },
	"StepExecutionId":     func(s automation.Step, value string) bool { return s.ID == value },
	"StepExecutionStatus": func(s automation.Step, value string) bool { return s.Status == value },
	"StartTimeBefore":     func(s automation.Step, value string) bool { return before(s.Start, value) },
	"StartTimeAfter":      func(s automation.Step, value string) bool { return !before(s.Start, value) },
}

func (s *Service) describeSteps(c *kernel.Call) (any, error) {
	var in struct {
		AutomationExecutionId string
		Filters               []filter
		MaxResults            int
		NextToken             string
		ReverseOrder          bool
	}
	access := func() kernel.Access {
		return s.executionAccess(c, "DescribeAutomationStepExecutions", in.AutomationExecutionId)
	}
	if err := s.ask(c, &in, access); err != nil {
		return nil, err
	}
	e, err := s.execution(in.AutomationExecutionId)
	if err != nil {
		return nil, err
	}
	found := []map[string]any{}
	for i := range e.Steps {
		step := e.Steps[i]
		if in.ReverseOrder {
			step = e.Steps[len(e.Steps)-1-i]
		}
		ok, err := matches(step, in.Filters, stepFilters)
		if err != nil {
			return nil, err
		}
		if ok {
			found = append(found, stepOf(step))
		}
	}
	part, next, err := page(found, in.MaxResults, 50, in.NextToken)
	if err != nil {
		return nil, err
	}
	return listed("StepExecutions", part, next), nil
}

// full is the AutomationExecution of the API.
func full(e automation.Execution) map[string]any {
	answer := metadata(e)
	answer["AutomationExecutionStatus"] = e.Status
	steps := []map[string]any{}
	for _, s := range e.Steps {
		steps = append(steps, stepOf(s))
	}
	answer["StepExecutions"], answer["StepExecutionsTruncated"] = steps, false
	answer["Parameters"] = e.Parameters
	answer["ResolvedTargets"] = map[string]any{"ParameterValues": []string{}, "Truncated": false}
	answer["Variables"] = e.Variables
	delete(answer, "AutomationType")
	delete(answer, "LogFile")
	return answer
}

// metadata is the AutomationExecutionMetadata of the API.
func metadata(e automation.Execution) map[string]any {
	answer := map[string]any{
		"AutomationExecutionId": e.ID, "DocumentName": e.Document, "DocumentVersion": e.Version,
		"AutomationExecutionStatus": e.Status, "ExecutionStartTime": epoch(e.Start), "ExecutedBy": e.ExecutedBy,
		"Outputs": e.Outputs, "Mode": e.Mode, "Targets": []string{}, "AutomationType": "Local", "LogFile": "",
		"ResolvedTargets": map[string]any{"ParameterValues": []string{}, "Truncated": false},
	}
	addTexts(answer, map[string]string{
		"CurrentStepName": e.CurrentStep, "CurrentAction": e.CurrentAction, "FailureMessage": e.FailureMessage,
		"ParentAutomationExecutionId": e.Parent,
	})
	if end := optional(e.End); end != nil {
		answer["ExecutionEndTime"] = end
	}
	return answer
}

// stepOf is the StepExecution of the API.
func stepOf(s automation.Step) map[string]any {
	answer := map[string]any{
		"StepExecutionId": s.ID, "StepName": s.Name, "Action": s.Action, "StepStatus": s.Status, "Inputs": s.Inputs,
		"Outputs": s.Outputs, "OnFailure": s.OnFailure, "IsCritical": s.Critical, "IsEnd": s.EndOfDocument,
		"MaxAttempts": s.MaxAttempts, "OverriddenParameters": map[string][]string{},
	}
	addTexts(answer, map[string]string{"FailureMessage": s.FailureMessage, "NextStep": s.Next})
	if s.TimeoutSeconds > 0 {
		answer["TimeoutSeconds"] = s.TimeoutSeconds
	}
	if s.Loop != "" {
		answer["ParentStepDetails"] = map[string]any{"StepName": s.Loop, "Action": "aws:loop", "Iteration": s.Iteration}
	}
	times := map[string]*epoch{"ExecutionStartTime": optional(s.Start), "ExecutionEndTime": optional(s.End)}
	for name, t := range times {
		if t != nil {
			answer[name] = t
		}
	}
	return answer
}

func addTexts(answer map[string]any, texts map[string]string) {
	maps.DeleteFunc(texts, func(_, text string) bool { return text == "" })
	for name, text := range texts {
		answer[name] = text
	}
}
