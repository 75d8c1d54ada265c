// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package ssm is Systems Manager in the emulator: documents, automations, change calendars and parameters, over JSON 1.1
// (X-Amz-Target: AmazonSSM.Operation). Executions run in package automation.
package ssm

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"cloudfront503/pkg/emulator/automation"
	"cloudfront503/pkg/emulator/kernel"
)

// targetPrefix begins the X-Amz-Target header.
const targetPrefix = "AmazonSSM."

// Service is one account's Systems Manager.
type Service struct {
	// Automation executes the documents. Tests add handlers for further actions to it.
	Automation *automation.Executor

	world *kernel.World

	mu         sync.Mutex
	throttled  bool
	documents  map[string]*entry
	parameters map[string]*parameter
	tokens     map[string]started // by client token, lower case
	lastStart  time.Time
}

// New is a Systems Manager without documents, registered in the world.
func New(w *kernel.World) *Service {
	s := &Service{
		Automation: automation.New(w), world: w, documents: map[string]*entry{}, parameters: map[string]*parameter{},
		tokens: map[string]started{},
	}
	w.Register("ssm", s)
	return s
}

// Throttle switches the limit of one StartAutomationExecution a second on or off. It is off at first.
func (s *Service) Throttle(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.throttled = on
}

// Executions are all automation executions, the oldest first.
func (s *Service) Executions() []automation.Execution { return s.Automation.Executions() }

// operation does one call and gives what is answered.
type operation struct {
	do    func(*Service, *kernel.Call) (any, error)
	write bool // a management event of CloudTrail that changes something
}

var operations = map[string]operation{
	"AddTagsToResource":                {(*Service).addTags, true},
	"CreateDocument":                   {(*Service).createDocument, true},
	"DeleteDocument":                   {(*Service).deleteDocument, true},
	"DescribeAutomationExecutions":     {(*Service).describeExecutions, false},
	"DescribeAutomationStepExecutions": {(*Service).describeSteps, false},
	"DescribeDocument":                 {(*Service).describeDocument, false},
	"GetAutomationExecution":           {(*Service).getExecution, false},
	"GetCalendarState":                 {(*Service).calendarState, false},
	"GetDocument":                      {(*Service).getDocument, false},
	"GetParameter":                     {(*Service).getParameter, false},
	"ListDocuments":                    {(*Service).listDocuments, false},
	"ListTagsForResource":              {(*Service).listTags, false},
	"PutParameter":                     {(*Service).putParameter, true},
	"SendAutomationSignal":             {(*Service).sendSignal, true},
	"StartAutomationExecution":         {(*Service).startExecution, true},
	"StopAutomationExecution":          {(*Service).stopExecution, true},
	"UpdateDocument":                   {(*Service).updateDocument, true},
	"UpdateDocumentDefaultVersion":     {(*Service).updateDefaultVersion, true},
}

// Serve implements kernel.Service.
func (s *Service) Serve(c *kernel.Call) {
	name := strings.TrimPrefix(c.R.Header.Get("X-Amz-Target"), targetPrefix)
	op, ok := operations[name]
	if !ok {
		s.world.Strict("ssm: unknown operation %q", name)
		c.FailJSON(kernel.Errorf(http.StatusBadRequest, "UnknownOperationException", "operation %s is not known", name))
		return
	}
	answer, err := op.do(s, c)
	if op.write {
		s.trail(c, name, answer, err)
	}
	if err != nil {
		c.FailJSON(err)
		return
	}
	c.JSON(answer)
}

// trail records a call that changes something. Content and parameter values stay out of it, as in CloudTrail.
func (s *Service) trail(c *kernel.Call, name string, answer any, err error) {
	if s.world.Trail == nil {
		return
	}
	var request map[string]any
	_ = json.Unmarshal(c.Body, &request) // a body that is no object has no parameters
	for _, secret := range []string{"Content", "Value"} {
		delete(request, secret)
	}
	event := kernel.TrailEvent{
		Region: c.Region, Source: "ssm.amazonaws.com", Name: name, Caller: c.Caller, Request: lowerNames(request), Response: answer,
	}
	if err != nil {
		event.Response, event.Error = nil, apiError(err)
	}
	s.world.Trail.Record(event)
}

func apiError(err error) *kernel.APIError {
	var api *kernel.APIError
	if errors.As(err, &api) {
		return api
	}
	return kernel.Errorf(http.StatusInternalServerError, "InternalServerError", "%v", err)
}

// lowerNames writes the members as CloudTrail does, lower-camel.
func lowerNames(request map[string]any) map[string]any {
	lower := map[string]any{}
	for name, value := range request {
		if name != "" {
			lower[strings.ToLower(name[:1])+name[1:]] = value
		}
	}
	return lower
}

// read decodes a request. A member that is not known here is an error: it would be ignored otherwise.
func (s *Service) read(c *kernel.Call, input any) error {
	d := json.NewDecoder(bytes.NewReader(c.Body))
	d.DisallowUnknownFields()
	err := d.Decode(input)
	if err == nil {
		return nil
	}
	if _, unknown, is := strings.Cut(err.Error(), "unknown field "); is {
		s.world.Strict("ssm: %s: unknown parameter %s", c.R.Header.Get("X-Amz-Target"), unknown)
		return invalid("parameter %s is not known", unknown)
	}
	return kernel.Errorf(http.StatusBadRequest, "SerializationException", "%v", err)
}

// ask reads a request and puts it to IAM. access is asked for after the request was read.
func (s *Service) ask(c *kernel.Call, input any, access func() kernel.Access) error {
	failure := s.read(c, input)
	if err := c.Begin(access()); err != nil {
		return err
	}
	return failure
}

func invalid(format string, args ...any) error {
	return kernel.Errorf(http.StatusBadRequest, "ValidationException", format, args...)
}

// arn is the ARN of something of this account.
func (s *Service) arn(region, what string) string {
	return "arn:aws:ssm:" + region + ":" + s.world.Account + ":" + what
}

// epoch is a time as JSON 1.1 writes it: seconds with milliseconds.
type epoch time.Time

// MarshalJSON implements json.Marshaler.
func (e epoch) MarshalJSON() ([]byte, error) {
	return json.Marshal(float64(time.Time(e).UnixMilli()) / 1000)
}

// optional is nil for a time that has not come.
func optional(t time.Time) *epoch {
	if t.IsZero() {
		return nil
	}
	return new(epoch(t))
}

// page cuts one page out of a list. token is where it begins; next is where the following one does, or empty.
func page[T any](list []T, size, limit int, token string) (part []T, next string, err error) {
	if size < 0 || size > limit {
		return nil, "", invalid("MaxResults must be 1 to %d", limit)
	}
	if size == 0 {
		size = limit
	}
	from, ok := parseToken(token)
	if !ok || from > len(list) {
		return nil, "", kernel.Errorf(http.StatusBadRequest, "InvalidNextToken", "the specified token is not valid")
	}
	to := min(len(list), from+size)
	if to < len(list) {
		next = formatToken(to)
	}
	return list[from:to], next, nil
}
