// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package automation

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"cloudfront503/pkg/runbook/document"
)

// payloadLimit is how much of a function's answer a step keeps. Source: "aws:invokeLambdaFunction".
const payloadLimit = 200 << 10

// builtIn are the actions that the executor does by itself.
var builtIn = map[string]func(*execution, document.Step, int) result{
	"aws:approve":                    (*execution).approve,
	"aws:pause":                      (*execution).pause,
	"aws:executeAwsApi":              (*execution).executeAPI,
	"aws:assertAwsResourceProperty":  (*execution).assertProperty,
	"aws:waitForAwsResourceProperty": (*execution).waitForProperty,
	"aws:invokeLambdaFunction":       (*execution).invokeLambda,
	"aws:branch":                     (*execution).branch,
	"aws:sleep":                      (*execution).sleep,
	"aws:updateVariable":             (*execution).updateVariable,
	"aws:executeAutomation":          (*execution).executeAutomation,
}

// act makes one attempt at a step.
func (e *execution) act(s document.Step, at int) result {
	if handler, ok := e.x.Handlers[s.Action]; ok {
		return e.handle(handler, s)
	}
	if s.Action == "aws:loop" { // not in the table, which it would refer to
		return e.loopSteps(s)
	}
	do, ok := builtIn[s.Action]
	if !ok {
		e.x.world.Strict("automation: no handler for action %s (step %s)", s.Action, s.Name)
		return failed("action %s is not supported", s.Action)
	}
	return do(e, s, at)
}

func (e *execution) handle(handler Handler, s document.Step) result {
	outputs, err := handler(Task{
		World: e.x.world, Execution: e.record.ID, Step: s, Inputs: s.Inputs, Credentials: e.session.credentials, Region: e.record.Region,
	})
	if err != nil {
		return failed("Step fails when it is Execute/Cancelling action. %v", err)
	}
	return e.withOutputs(s, outputs, outputs)
}

// withOutputs adds the declared outputs to those that come with the action.
func (e *execution) withOutputs(s document.Step, outputs map[string]any, answers ...any) result {
	taken, err := take(s, answers...)
	if err != nil {
		return failed("Step fails when it is validating and resolving the step outputs. %v", err)
	}
	all := maps.Clone(outputs)
	if all == nil {
		all = map[string]any{}
	}
	maps.Copy(all, taken)
	return succeeded(all)
}

// apiInputs are the inputs that go to the API: all but the action's own.
func apiInputs(s document.Step) (service, operation string, inputs map[string]any) {
	inputs = maps.Clone(s.Inputs)
	for _, own := range []string{"Service", "Api", "PropertySelector", "DesiredValues"} {
		delete(inputs, own)
	}
	service, _ = s.Inputs["Service"].(string)
	operation, _ = s.Inputs["Api"].(string)
	return service, operation, inputs
}

func (e *execution) askAPI(s document.Step) (map[string]any, error) {
	service, operation, inputs := apiInputs(s)
	if document.Streaming(service, operation) {
		return nil, fmt.Errorf("%s %s is a streaming operation, which this action does not support", service, operation)
	}
	return e.call(service, operation, inputs, min(e.x.APILimit, e.left()))
}

func callFailed(err error) result {
	if errors.Is(err, errTooSlow) {
		return result{status: TimedOut, failure: err.Error()}
	}
	return failed("Step fails when it is Execute/Cancelling action. %v. Please refer to Automation Service Troubleshooting Guide for more diagnosis details.", err)
}

// executeAPI is the action aws:executeAwsApi.
func (e *execution) executeAPI(s document.Step, _ int) result {
	answer, err := e.askAPI(s)
	if err != nil {
		return callFailed(err)
	}
	return e.withOutputs(s, map[string]any{"OutputPayload": answer}, answer)
}

// assertProperty is the action aws:assertAwsResourceProperty.
func (e *execution) assertProperty(s document.Step, _ int) result {
	r, value, ok := e.look(s)
	if r.status == Success && !ok {
		return failed("Step fails when it is verifying the property. The value %q is not in the desired values %s", value, asJSON(s.Inputs["DesiredValues"]))
	}
	return r
}

// waitForProperty is the action aws:waitForAwsResourceProperty.
func (e *execution) waitForProperty(s document.Step, _ int) result {
	for {
		r, _, ok := e.look(s)
		if r.status != Success || ok {
			return r
		}
		pause := min(e.x.PollEvery, e.left())
		if why := e.wait(pause, "wait for property "+s.Name, func() {}, func() {}); why != byTimer {
			return woken(why)
		}
		if e.left() <= 0 {
			return woken(byTimer)
		}
	}
}

// look asks for a property once and says whether it has one of the desired values.
func (e *execution) look(s document.Step) (r result, value string, desired bool) {
	text, _ := s.Inputs["PropertySelector"].(string)
	selector, err := document.ParseSelector(text)
	if err != nil {
		return failed("%v", err), "", false
	}
	wanted, ok := s.Inputs["DesiredValues"].([]any)
	if !ok {
		return failed("DesiredValues is not a list"), "", false
	}
	answer, err := e.askAPI(s)
	if err != nil {
		return callFailed(err), "", false
	}
	r = e.withOutputs(s, nil, answer)
	property, ok := selector.Select(answer)
	if !ok {
		return r, "", false
	}
	value = asPython(property)
	return r, value, slices.ContainsFunc(wanted, func(v any) bool { return asPython(v) == value })
}

// asPython is a property as the two property actions compare it: booleans are "True" and "False".
func asPython(value any) string {
	if b, ok := value.(bool); ok {
		return map[bool]string{true: "True", false: "False"}[b]
	}
	return shown(value)
}

// invokeLambda is the action aws:invokeLambdaFunction. A function that answers with an error fails the step.
func (e *execution) invokeLambda(s document.Step, _ int) result {
	inputs := maps.Clone(s.Inputs)
	if input, ok := inputs["InputPayload"]; ok {
		inputs["Payload"] = asJSON(input)
		delete(inputs, "InputPayload")
	}
	answer, err := e.call("lambda", "Invoke", inputs, min(document.MaxLambdaSeconds*time.Second, e.left()))
	if err != nil {
		return callFailed(err)
	}
	outputs := lambdaOutputs(answer)
	if functionError := outputs["FunctionError"]; functionError != "" {
		payload, _ := outputs["Payload"].(string)
		r := failed("Step fails when it is Execute/Cancelling action. The Lambda function returned an error: %s, %s", functionError, cut(payload, 512))
		r.outputs = outputs
		return r
	}
	var decoded any
	_ = json.Unmarshal([]byte(outputs["Payload"].(string)), &decoded) // a payload that is no JSON has nothing to select
	return e.withOutputs(s, outputs, outputs, decoded)
}

func lambdaOutputs(answer map[string]any) map[string]any {
	payload, _ := answer["Payload"].(string)
	functionError, _ := answer["FunctionError"].(string)
	log, _ := answer["LogResult"].(string)
	return map[string]any{
		"StatusCode": answer["StatusCode"], "FunctionError": functionError, "LogResult": log, "Payload": cut(payload, payloadLimit),
	}
}

// cut is the first n bytes of a text, and no half character.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}

// sleep is the action aws:sleep.
func (e *execution) sleep(s document.Step, _ int) result {
	d, err := e.sleepTime(s.Inputs)
	if err != nil {
		return failed("%v", err)
	}
	if d > document.MaxSleepSeconds*time.Second {
		return failed("a sleep of %s is longer than %d seconds", d, document.MaxSleepSeconds)
	}
	if d <= 0 {
		return succeeded(nil)
	}
	why := e.wait(min(d, e.left()), "sleep "+s.Name, func() {}, func() {})
	if why != byTimer || (!e.deadline.IsZero() && e.left() <= 0) {
		return woken(why)
	}
	return succeeded(nil)
}

func (e *execution) sleepTime(inputs map[string]any) (time.Duration, error) {
	if text, ok := inputs["Duration"].(string); ok {
		return parseDuration(text)
	}
	text, _ := inputs["Timestamp"].(string)
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return 0, fmt.Errorf("timestamp %q is not of ISO 8601", text)
	}
	return at.Sub(e.now()), nil
}

// isoDuration is a duration of ISO 8601 without years and months:
//
//	P1DT2H30M5S
var isoDuration = regexp.MustCompile(`^P(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,6})S)?)?$`)

func parseDuration(text string) (time.Duration, error) {
	m := isoDuration.FindStringSubmatch(text)
	if m == nil || strings.HasSuffix(text, "T") || text == "P" {
		return 0, fmt.Errorf("duration %q is not of ISO 8601", text)
	}
	var d time.Duration
	for i, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute, time.Second} {
		n, _ := strconv.Atoi(cmp.Or(m[i+1], "0")) // six digits
		d += time.Duration(n) * unit
	}
	return d, nil
}

// updateVariable is the action aws:updateVariable.
func (e *execution) updateVariable(s document.Step, _ int) result {
	name, _ := s.Inputs["Name"].(string)
	variable, ok := e.doc.Variable(strings.TrimPrefix(name, "variable:"))
	if !ok {
		return failed("variable %q is not defined", name)
	}
	value, err := typed(variable.Type, s.Inputs["Value"])
	if err != nil {
		return failed("variable %s: %v", variable.Name, err)
	}
	if err := variableLimits(value); err != nil {
		return failed("variable %s: %v", variable.Name, err)
	}
	e.x.mu.Lock()
	defer e.x.mu.Unlock()
	e.variables[variable.Name] = value
	e.record.Variables["variable:"+variable.Name] = shownList(value)
	return succeeded(nil)
}

// variableLimits are those of "aws:updateVariable".
func variableLimits(value any) error {
	switch v := value.(type) {
	case string:
		if n := utf8.RuneCountInString(v); n < 1 || n > document.MaxValueCharacters {
			return fmt.Errorf("%d characters, want 1 to %d", n, document.MaxValueCharacters)
		}
	case []any:
		if len(v) > document.MaxListItems {
			return fmt.Errorf("%d items, at most %d are allowed", len(v), document.MaxListItems)
		}
	case map[string]any:
		if len(v) > 200 {
			return fmt.Errorf("%d entries, at most 200 are allowed", len(v))
		}
	}
	return nil
}
