// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package ssm_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"cloudfront503/pkg/emulator/automation"
	"cloudfront503/pkg/emulator/kernel"
	client "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/google/go-cmp/cmp"
)

const wordDocument = `{"schemaVersion": "0.3", "assumeRole": "` + roleARN + `", "parameters": {"Word": {"type": "String"}}, "mainSteps": [
	{"name": "Say", "action": "aws:invokeLambdaFunction", "inputs": {"FunctionName": "remediate", "InputPayload": {"word": "{{ Word }}"}}}]}`

func TestEveryActionInOneRunbook(t *testing.T) {
	a := newAccount(t)
	a.put("Every", "testdata/every-action.yaml")
	a.putText("Child", wordDocument)
	id := a.start("Every", map[string][]string{"Distribution": {"E1EXAMPLE"}, "Approvers": {"ana"}})
	a.ended(id, "Waiting")
	a.mustSignal(a.user("ana"), id, types.SignalTypeApprove)
	a.status = "InProgress"
	a.advance(time.Minute) // past the loop's rests, to the wait for the edges
	if e := a.ended(id, "InProgress"); *e.CurrentStepName != "Deployed" {
		t.Fatalf("at %s, want Deployed", *e.CurrentStepName)
	}
	a.status = "Deployed"
	a.advance(time.Minute)
	if e := a.ended(id, "Waiting"); *e.CurrentAction != "aws:pause" {
		t.Fatalf("at %s, want the pause", *e.CurrentAction)
	}
	a.mustSignal(a.operator(), id, types.SignalTypeResume)
	a.advance(2 * time.Minute)
	e := a.ended(id, "Success")
	outputs := map[string][]string{"Read.Status": {"Deployed"}, "Ask.Answer": {`"claimed"`}, "Child.Status": {"Success"}}
	if diff := cmp.Diff(outputs, e.Outputs); diff != "" {
		t.Errorf("outputs (-want +got):\n%s", diff)
	}
	payloads := []string{
		`{"action":"claim","execution":"` + id + `"}`, `{"action":"apply","incident":"E1EXAMPLE/000001"}`,
		`{"action":"note","note":"one"}`, `{"action":"note","note":"two"}`, `{"word":"from ` + id + `"}`,
	}
	if diff := cmp.Diff(payloads, a.invoked); diff != "" {
		t.Errorf("invocations (-want +got):\n%s", diff)
	}
	if got := e.Variables["variable:Seen"]; len(got) != 1 || !strings.HasPrefix(got[0], "E2ETAG on 20") {
		t.Errorf("variable is %v", got)
	}
	if got := stepStatus(e, "Refused"); got != "Pending" {
		t.Errorf("the branch not taken is %s", got)
	}
}

func TestCallsAreMadeInTheRolesSession(t *testing.T) {
	a := newAccount(t)
	a.put("Every", "testdata/every-action.yaml")
	id := a.start("Every", map[string][]string{"Distribution": {"E1EXAMPLE"}, "Approvers": {"ana"}})
	want := "arn:aws:sts::111122223333:assumed-role/automation/Automation-" + id
	seen := map[string]bool{}
	for _, line := range a.world.Journal.Lines() {
		if strings.HasPrefix(line.Action, "cloudfront:") || strings.HasPrefix(line.Action, "lambda:") {
			seen[line.Action] = true
			if line.Principal != want {
				t.Errorf("%s was called by %s, want %s", line.Action, line.Principal, want)
			}
		}
	}
	if len(seen) != 2 {
		t.Errorf("saw %v, want calls of two services", seen)
	}
}

// steps makes a document of steps in YAML.
func steps(lines ...string) string {
	text := "schemaVersion: \"0.3\"\nassumeRole: " + roleARN + "\nmainSteps:\n"
	for _, line := range lines {
		text += "- " + line + "\n"
	}
	return text
}

// do is a step with a test's handler; what it does is told by its name.
func do(name, more string) string {
	return "{name: " + name + ", action: aws:executeScript" + more + "}"
}

func TestWhereAStepLeads(t *testing.T) {
	tests := []struct {
		name   string
		steps  []string
		want   string // the steps that ran
		status string
	}{
		{"a step falls through to the next", []string{do("a", ""), do("b", "")}, "a b", "Success"},
		{"a step without nextStep falls through into another branch", []string{do("a", ", nextStep: c"), do("b", ", isEnd: true"), do("c", ""), do("d", "")}, "a c d", "Success"},
		{"isEnd ends", []string{do("a", ", isEnd: true"), do("b", "")}, "a", "Success"},
		{"a failure aborts by default", []string{do("failA", ""), do("b", "")}, "failA", "Failed"},
		{"Continue goes on and is not critical", []string{do("failA", ", onFailure: Continue"), do("b", "")}, "failA b", "Success"},
		{"Continue may be critical", []string{do("failA", ", onFailure: Continue, isCritical: true"), do("b", "")}, "failA b", "Failed"},
		{"Continue follows nextStep", []string{do("failA", ", onFailure: Continue, nextStep: c"), do("b", ""), do("c", "")}, "failA c", "Success"},
		{"a routed failure still fails the whole", []string{do("failA", ", onFailure: step:c"), do("b", ""), do("c", "")}, "failA c", "Failed"},
		{"a routed failure that is not critical succeeds", []string{do("failA", ", onFailure: step:c, isCritical: false"), do("b", ""), do("c", "")}, "failA c", "Success"},
		{"isEnd ends after a failure too", []string{do("failA", ", onFailure: step:b, isEnd: true"), do("b", "")}, "failA", "Failed"},
		{"isEnd after a failure that is not critical", []string{do("failA", ", isCritical: false, isEnd: true"), do("b", "")}, "failA", "Success"},
		{"maxAttempts repeats a failure", []string{do("onceA", ", maxAttempts: 2"), do("b", "")}, "onceA onceA b", "Success"},
		{"maxAttempts ends", []string{do("failA", ", maxAttempts: 3")}, "failA failA failA", "Failed"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := newAccount(t)
			var ran []string
			a.ssm.Automation.Handlers["aws:executeScript"] = func(task automation.Task) (map[string]any, error) {
				ran = append(ran, task.Step.Name)
				once := strings.HasPrefix(task.Step.Name, "once") && len(ran) == 1
				if strings.HasPrefix(task.Step.Name, "fail") || once {
					return nil, errors.New("as told")
				}
				return nil, nil
			}
			a.putText("Steps", steps(test.steps...))
			a.ended(a.start("Steps", nil), test.status)
			if got := strings.Join(ran, " "); got != test.want {
				t.Errorf("ran %s, want %s", got, test.want)
			}
		})
	}
}

func TestARejectCanBeRouted(t *testing.T) {
	const tail = ", inputs: {InstanceIds: [i], DesiredState: stopped}"
	for _, test := range []struct{ critical, want string }{{"", "Rejected"}, {", isCritical: false", "Success"}} {
		a := newAccount(t)
		a.putText("Steps", steps(
			"{name: Gate, action: aws:approve, onFailure: step:Note"+test.critical+", inputs: {Approvers: [ana]}}",
			"{name: Write, action: aws:changeInstanceState, isEnd: true"+tail+"}",
			"{name: Note, action: aws:changeInstanceState"+tail+"}"))
		id := a.start("Steps", nil)
		a.mustSignal(a.user("ana"), id, types.SignalTypeReject)
		a.ended(id, test.want)
		if got := strings.Join(a.commands, " "); got != "Note" {
			t.Errorf("did %s, want the note only", got)
		}
	}
}

func TestBranches(t *testing.T) {
	tests := []struct {
		condition string
		holds     bool
	}{
		{`Variable: "{{ Text }}", StringEquals: Linux`, true},
		{`Variable: "{{ Text }}", StringEquals: linux`, false},
		{`Variable: "{{ Text }}", EqualsIgnoreCase: linux`, true},
		{`Variable: "{{ Text }}", StartsWith: Li`, true},
		{`Variable: "{{ Text }}", EndsWith: Li`, false},
		{`Variable: "{{ Text }}", Contains: inu`, true},
		{`Variable: "{{ Number }}", NumericEquals: 5`, true},
		{`Variable: "{{ Number }}", NumericGreater: 5`, false},
		{`Variable: "{{ Number }}", NumericGreaterOrEquals: 5`, true},
		{`Variable: "{{ Number }}", NumericLesser: 6`, true},
		{`Variable: "{{ Number }}", NumericLesserOrEquals: 4`, false},
		{`Variable: "{{ Flag }}", BooleanEquals: true`, true},
		{`Not: {Variable: "{{ Text }}", StringEquals: Linux}`, false},
		{`And: [{Variable: "{{ Text }}", StringEquals: Linux}, {Variable: "{{ Number }}", NumericEquals: 4}]`, false},
		{`Or: [{Variable: "{{ Text }}", StringEquals: Linux}, {Variable: "{{ Number }}", NumericEquals: 4}]`, true},
		{`And: [{Not: {Variable: "{{ Flag }}", BooleanEquals: false}}, {Variable: "{{ Number }}", NumericEquals: 5}]`, true},
	}
	for _, test := range tests {
		t.Run(test.condition, func(t *testing.T) {
			a := newAccount(t)
			a.putText("Branch", strings.Replace(steps(
				"{name: Choose, action: aws:branch, inputs: {Choices: [{NextStep: Yes, "+test.condition+"}], Default: No}}",
				"{name: Yes, action: aws:deleteStack, isEnd: true}", "{name: No, action: aws:deleteStack}"),
				"mainSteps:", "parameters: {Text: {type: String}, Number: {type: Integer}, Flag: {type: Boolean}}\nmainSteps:", 1))
			a.ended(a.start("Branch", map[string][]string{"Text": {"Linux"}, "Number": {"5"}, "Flag": {"true"}}), "Success")
			want := map[bool]string{true: "Yes", false: "No"}[test.holds]
			if got := strings.Join(a.commands, " "); got != want {
				t.Errorf("went to %s, want %s", got, want)
			}
		})
	}
}

func TestABranchWithoutDefaultFallsThrough(t *testing.T) {
	a := newAccount(t)
	a.putText("Branch", steps(
		"{name: Choose, action: aws:branch, inputs: {Choices: [{NextStep: Yes, Variable: a, StringEquals: b}]}}",
		"{name: No, action: aws:deleteStack, isEnd: true}", "{name: Yes, action: aws:deleteStack}"))
	a.ended(a.start("Branch", nil), "Success")
	if got := strings.Join(a.commands, " "); got != "No" {
		t.Errorf("went to %s, want No", got)
	}
}

func TestAFunctionErrorFailsTheStep(t *testing.T) {
	a := newAccount(t)
	a.answer = func(string) (string, string) { return `{"errorMessage":"no"}`, "Unhandled" }
	a.putText("Steps", steps(
		"{name: Ask, action: aws:invokeLambdaFunction, inputs: {FunctionName: remediate}}",
		`{name: Choose, action: aws:branch, inputs: {Choices: [{NextStep: End, Variable: "{{ Ask.FunctionError }}", StringEquals: Unhandled}]}}`,
		"{name: End, action: aws:deleteStack}"))
	e := a.ended(a.start("Steps", nil), "Failed")
	if got := stepStatus(e, "Choose"); got != "Pending" {
		t.Errorf("the branch on the error is %s, want Pending: it is never reached", got)
	}
	if got := e.StepExecutions[0].Outputs["FunctionError"]; !slices.Equal(got, []string{"Unhandled"}) {
		t.Errorf("FunctionError is %v", got)
	}
}

func TestAPIStepsThatFail(t *testing.T) {
	tests := map[string]struct{ step, want string }{
		"an error of the API":           {"Service: cloudfront, Api: GetDistribution, Id: E9UNKNOWN", "(NoSuchDistribution)"},
		"a parameter that is unknown":   {"Service: cloudfront, Api: GetDistribution, Id: E1EXAMPLE, Colour: red", `"Colour"`},
		"a parameter in another casing": {"Service: cloudfront, Api: GetDistribution, id: E1EXAMPLE", `"id"`},
		"a parameter of another type":   {"Service: cloudfront, Api: GetDistribution, Id: [E1EXAMPLE]", "invalid type for parameter GetDistribution.Id"},
		"an operation that is unknown":  {"Service: cloudfront, Api: GetDistributions", "no operation"},
		"a method that is no operation": {"Service: cloudfront, Api: Options", "no operation"},
		"a stream":                      {"Service: s3, Api: GetObject, Bucket: b, Key: k", "streaming"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t)
			a.putText("Steps", steps("{name: Ask, action: aws:executeAwsApi, inputs: {"+test.step+"}}"))
			e := a.ended(a.start("Steps", nil), "Failed")
			if !strings.Contains(*e.FailureMessage, test.want) {
				t.Errorf("failure is %q, want %q in it", *e.FailureMessage, test.want)
			}
		})
	}
}

func TestACallThatTakesTooLong(t *testing.T) {
	a := newAccount(t)
	a.ssm.Automation.APILimit = 20 * time.Millisecond
	off := a.world.Faults.Add(kernel.Fault{Action: "cloudfront:*", Latency: 5 * time.Second})
	defer off()
	a.putText("Steps", steps("{name: Ask, action: aws:executeAwsApi, inputs: {Service: cloudfront, Api: GetDistribution, Id: E1EXAMPLE}}"))
	a.ended(a.start("Steps", nil), "TimedOut")
}

func TestAThrottledCallIsRepeated(t *testing.T) {
	a := newAccount(t)
	a.world.Faults.Add(kernel.Fault{Action: "cloudfront:*", Times: 2, Error: kernel.Errorf(400, "Throttling", "Rate exceeded")})
	a.putText("Steps", steps("{name: Ask, action: aws:executeAwsApi, inputs: {Service: cloudfront, Api: GetDistribution, Id: E1EXAMPLE}}"))
	a.ended(a.start("Steps", nil), "Success")
}

func TestOutputsAreOfTheirType(t *testing.T) {
	tests := map[string]struct{ output, want string }{
		"a text":              {"{Name: Out, Selector: $.Distribution.Id, Type: String}", "Success"},
		"a text as a number":  {"{Name: Out, Selector: $.Distribution.Id, Type: Integer}", "Failed"},
		"a map":               {"{Name: Out, Selector: $.Distribution, Type: StringMap}", "Success"},
		"a map as a text":     {"{Name: Out, Selector: $.Distribution, Type: String}", "Failed"},
		"a deep scan":         {"{Name: Out, Selector: $..Id, Type: StringList}", "Success"},
		"one that is missing": {"{Name: Out, Selector: $.Colour, Type: String}", "Success"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t)
			a.putText("Steps", steps("{name: Ask, action: aws:executeAwsApi, inputs: {Service: cloudfront, Api: GetDistribution, Id: E1EXAMPLE}, outputs: ["+test.output+"]}"))
			a.ended(a.start("Steps", nil), test.want)
		})
	}
}

func TestAReferenceToAMissingOutputFails(t *testing.T) {
	a := newAccount(t)
	a.putText("Steps", steps(
		"{name: Ask, action: aws:executeAwsApi, inputs: {Service: cloudfront, Api: GetDistribution, Id: E1EXAMPLE}, outputs: [{Name: Out, Selector: $.Colour, Type: String}]}",
		`{name: Use, action: aws:deleteStack, inputs: {StackName: "{{ Ask.Out }}"}}`))
	e := a.ended(a.start("Steps", nil), "Failed")
	if !strings.Contains(*e.FailureMessage, "resolving the step inputs") || len(a.commands) > 0 {
		t.Errorf("failure is %q after %v", *e.FailureMessage, a.commands)
	}
}

func TestAnAssertionThatDoesNotHold(t *testing.T) {
	a := newAccount(t)
	a.putText("Steps", steps("{name: Unmoved, action: aws:assertAwsResourceProperty, inputs: {Service: cloudfront, Api: GetDistribution, Id: E1EXAMPLE, PropertySelector: $.ETag, DesiredValues: [E1OLD]}}"))
	e := a.ended(a.start("Steps", nil), "Failed")
	if !strings.Contains(*e.FailureMessage, "E2ETAG") {
		t.Errorf("failure is %q, want the value in it", *e.FailureMessage)
	}
}

func TestWaitingEndsWithTheStepsTime(t *testing.T) {
	a := newAccount(t)
	a.status = "InProgress"
	a.putText("Steps", steps("{name: Deployed, action: aws:waitForAwsResourceProperty, timeoutSeconds: 40, inputs: {Service: cloudfront, Api: GetDistribution, Id: E1EXAMPLE, PropertySelector: $.Distribution.Status, DesiredValues: [Deployed]}}"))
	id := a.start("Steps", nil)
	a.advance(39 * time.Second)
	a.ended(id, "InProgress")
	a.advance(2 * time.Second)
	a.ended(id, "TimedOut")
	if a.asked != 3 {
		t.Errorf("asked %d times, want at 0, 15 and 30 seconds", a.asked)
	}
}

func TestATimeOutCanBeAttemptedAgain(t *testing.T) {
	a := newAccount(t)
	a.putText("Steps", steps("{name: Rest, action: aws:pause, timeoutSeconds: 60, maxAttempts: 2, inputs: {}}"))
	id := a.start("Steps", nil)
	a.advance(61 * time.Second)
	a.ended(id, "Waiting")
	a.advance(61 * time.Second)
	a.ended(id, "TimedOut")
}

func TestSleeps(t *testing.T) {
	tests := map[string]struct {
		inputs string
		after  time.Duration
		want   string
	}{
		"a duration that is over":     {"Duration: PT1H2M3S", time.Hour + 2*time.Minute + 3*time.Second, "Success"},
		"a duration that is not over": {"Duration: P1D", 23 * time.Hour, "InProgress"},
		"a time that has passed":      {"Timestamp: '2020-01-01T01:00:00Z'", 0, "Success"},
		"a duration that is none":     {"Duration: 10 minutes", 0, "Failed"},
		"a duration that is too long": {"Duration: P8D", 0, "Failed"},
		"a duration of nothing":       {"Duration: PT", 0, "Failed"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t)
			a.putText("Steps", steps("{name: Rest, action: aws:sleep, inputs: {"+test.inputs+"}}"))
			id := a.start("Steps", nil)
			a.advance(test.after)
			a.ended(id, test.want)
		})
	}
}

func TestLoops(t *testing.T) {
	const say = "{name: Say, action: aws:invokeLambdaFunction, inputs: {FunctionName: f, InputPayload: {n: '{{ Loop.CurrentIteration }}'}}, outputs: [{Name: Again, Selector: $.again, Type: Boolean}]}"
	tests := map[string]struct {
		inputs string
		answer string
		rounds int
		status string
	}{
		"over a list":                     {"Iterators: [a, b, c], IteratorDataType: String", `{"again": true}`, 3, "Success"},
		"over a list, at most":            {"Iterators: [a, b, c], IteratorDataType: String, MaxIterations: 2", `{"again": true}`, 2, "Success"},
		"while a condition holds":         {"LoopCondition: {Variable: '{{ Say.Again }}', BooleanEquals: true}, MaxIterations: 4", `{"again": true}`, 4, "Success"},
		"until a condition does not hold": {"LoopCondition: {Variable: '{{ Say.Again }}', BooleanEquals: true}, MaxIterations: 4", `{"again": false}`, 1, "Success"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t)
			a.answer = func(string) (string, string) { return test.answer, "" }
			a.putText("Steps", steps("{name: Loop, action: aws:loop, inputs: {"+test.inputs+", Steps: ["+say+"]}}"))
			e := a.ended(a.start("Steps", nil), test.status)
			if len(a.invoked) != test.rounds {
				t.Errorf("%d rounds, want %d", len(a.invoked), test.rounds)
			}
			if got := len(e.StepExecutions); got != 1+test.rounds {
				t.Errorf("%d lines of steps, want one for the loop and one a round", got)
			}
		})
	}
}

func TestAFailureInALoopFailsIt(t *testing.T) {
	a := newAccount(t)
	a.answer = func(string) (string, string) { return `{}`, "Unhandled" }
	a.putText("Steps", steps(
		"{name: Loop, action: aws:loop, onFailure: step:End, isCritical: false, inputs: {Iterators: [a, b], Steps: [{name: Say, action: aws:invokeLambdaFunction, inputs: {FunctionName: f}}]}}",
		"{name: End, action: aws:deleteStack}"))
	e := a.ended(a.start("Steps", nil), "Success")
	if len(a.invoked) != 1 || stepStatus(e, "Loop") != "Failed" {
		t.Errorf("%d rounds, loop is %s", len(a.invoked), stepStatus(e, "Loop"))
	}
}

func TestAVariableKeepsItsType(t *testing.T) {
	for value, want := range map[string]string{"7": "Success", "seven": "Failed"} {
		a := newAccount(t)
		a.putText("Steps", strings.Replace(steps("{name: Set, action: aws:updateVariable, inputs: {Name: variable:Count, Value: "+value+"}}"),
			"mainSteps:", "variables: {Count: {type: Integer, default: 1}}\nmainSteps:", 1))
		a.ended(a.start("Steps", nil), want)
	}
}

func TestStopping(t *testing.T) {
	const gateStep = "{name: Gate, action: aws:approve, onCancel: step:Tidy, inputs: {Approvers: [ana]}}"
	a := newAccount(t)
	a.putText("Steps", steps(gateStep, "{name: Write, action: aws:deleteStack, isEnd: true}", "{name: Tidy, action: aws:runCommand}"))
	for kind, want := range map[string]string{"Cancel": "Cancelled", "Complete": "Success"} {
		a.commands = nil
		id := a.start("Steps", nil)
		a.stop(id, kind)
		e := a.ended(id, want)
		tidied := strings.Join(a.commands, " ")
		if (kind == "Cancel") != (tidied == "Tidy") || stepStatus(e, "Gate") != "Cancelled" {
			t.Errorf("%s: did %q, gate is %s", kind, tidied, stepStatus(e, "Gate"))
		}
		_, err := a.operator().StopAutomationExecution(context.Background(), &client.StopAutomationExecutionInput{AutomationExecutionId: &id})
		if got := code(err); got != "InvalidAutomationStatusUpdateException" {
			t.Errorf("%s: stopping again was answered %q", kind, got)
		}
	}
}

func TestStoppingAParentStopsItsChild(t *testing.T) {
	a := newAccount(t)
	a.putText("Parent", steps("{name: Child, action: aws:executeAutomation, inputs: {DocumentName: Child}}"))
	a.putText("Child", steps("{name: Gate, action: aws:approve, inputs: {Approvers: [ana]}}"))
	id := a.start("Parent", nil)
	child := a.ssm.Executions()[1]
	if child.Parent != id {
		t.Errorf("the child's parent is %q, want %q", child.Parent, id)
	}
	a.stop(id, "Cancel")
	a.ended(id, "Cancelled")
	a.ended(child.ID, "Cancelled")
}

func TestAChildThatFailsFailsItsParent(t *testing.T) {
	a := newAccount(t)
	a.putText("Parent", steps("{name: Child, action: aws:executeAutomation, inputs: {DocumentName: Child}}"))
	a.putText("Child", steps("{name: Gate, action: aws:approve, inputs: {Approvers: [ana]}}"))
	id := a.start("Parent", nil)
	a.mustSignal(a.user("ana"), a.ssm.Executions()[1].ID, types.SignalTypeReject)
	a.ended(id, "Failed")
}

func TestAutomationsNestFiveDeep(t *testing.T) {
	a := newAccount(t)
	for level := range 6 {
		a.putText(fmt.Sprintf("Level%d", level), steps(fmt.Sprintf("{name: Down, action: aws:executeAutomation, inputs: {DocumentName: Level%d}}", level+1)))
	}
	id := a.start("Level0", nil)
	a.ended(id, "Failed")
	if got := len(a.ssm.Executions()); got != 5 {
		t.Errorf("%d executions, want 5", got)
	}
}

func TestInteractiveExecutionsWaitForEachStep(t *testing.T) {
	a := newAccount(t)
	a.putText("Steps", steps("{name: One, action: aws:runCommand}", "{name: Two, action: aws:runCommand}"))
	out, err := a.operator().StartAutomationExecution(context.Background(), &client.StartAutomationExecutionInput{DocumentName: new("Steps"), Mode: types.ExecutionModeInteractive})
	if err != nil {
		t.Fatal(err)
	}
	id := *out.AutomationExecutionId
	a.world.Settle()
	if len(a.commands) != 0 {
		t.Fatalf("%v was done unasked", a.commands)
	}
	start := func(step string) error {
		_, err := a.operator().SendAutomationSignal(context.Background(), &client.SendAutomationSignalInput{
			AutomationExecutionId: &id, SignalType: types.SignalTypeStartStep, Payload: map[string][]string{"StepName": {step}}})
		a.world.Settle()
		return err
	}
	if got := code(start("Two")); got != "AutomationStepNotFoundException" {
		t.Errorf("starting the step after next was answered %q", got)
	}
	if err := errors.Join(start("One"), start("Two")); err != nil {
		t.Fatal(err)
	}
	a.ended(id, "Success")
}

func TestEvents(t *testing.T) {
	a := newAccount(t)
	id := a.gated("1", "ana")
	a.mustSignal(a.user("ana"), id, types.SignalTypeApprove)
	if diff := cmp.Diff([]string{"InProgress", "Waiting", "InProgress", "Success"}, a.bus.statuses("")); diff != "" {
		t.Errorf("execution (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"InProgress", "Waiting", "Success"}, a.bus.statuses("Approve")); diff != "" {
		t.Errorf("gate (-want +got):\n%s", diff)
	}
	last := a.bus.events[len(a.bus.events)-1]
	resources := []string{"arn:aws:ssm:us-east-1:111122223333:automation-execution/" + id, "arn:aws:ssm:us-east-1:111122223333:automation-definition/Gated:1"}
	if diff := cmp.Diff(resources, last.Resources); diff != "" || last.Kind != "EC2 Automation Execution Status-change Notification" {
		t.Errorf("%s, resources (-want +got):\n%s", last.Kind, diff)
	}
	for _, part := range []string{`"DefinitionVersion":1.0,`, "\u202f", `"ExecutedBy":"arn:aws:iam::111122223333:user/operator"`, `"Time":`} {
		if !strings.Contains(last.Detail, part) {
			t.Errorf("detail is %s, want %q in it", last.Detail, part)
		}
	}
	if strings.Contains(last.Detail, "ana") {
		t.Errorf("detail names the approver: %s", last.Detail)
	}
}
