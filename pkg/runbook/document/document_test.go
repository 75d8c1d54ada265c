// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package document_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"cloudfront503/pkg/runbook/document"
	"github.com/google/go-cmp/cmp"
)

// good is a runbook with nothing wrong.
const good = `schemaVersion: "0.3"
description: Restores a field
assumeRole: "{{ Role }}"
parameters:
  Role: {type: String}
  Approvers: {type: StringList, minItems: 1, maxItems: 10}
  Id: {type: String, allowedPattern: "^E[A-Z0-9]+$"}
variables:
  Count: {type: Integer, default: 1}
outputs: [Read.Status]
mainSteps:
  - name: Read
    action: aws:executeAwsApi
    timeoutSeconds: 20
    inputs: {Service: cloudfront, Api: GetDistribution, Id: "{{ Id }}"}
    outputs:
      - {Name: Status, Selector: $.Distribution.Status, Type: String}
  - name: Approve
    action: aws:approve
    timeoutSeconds: 3600
    onFailure: step:Note
    isCritical: false
    inputs: {Message: "Status {{ Read.Status }} in {{ automation:EXECUTION_ID }}", Approvers: "{{ Approvers }}"}
    nextStep: Apply
  - name: Apply
    action: aws:invokeLambdaFunction
    inputs: {FunctionName: f, InputPayload: {action: apply}}
    isEnd: true
  - name: Note
    action: aws:invokeLambdaFunction
    inputs: {FunctionName: f, Payload: '{"action":"note"}'}
    isEnd: true
`

func TestRunbooksOfThisProject(t *testing.T) {
	folder := os.DirFS("../documents")
	found, err := document.CheckFiles(folder, document.Applies)
	if err != nil {
		t.Fatal(err)
	}
	for name, problems := range found {
		for _, p := range problems {
			t.Errorf("%s: %s", name, p)
		}
	}
}

func TestPublicDocumentsAreNotRefused(t *testing.T) {
	files, err := filepath.Glob("../../../../shared/payloads/runbooks-with-approval/*.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skip("the public documents are not there")
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d, err := document.Parse(raw)
		if complete := strings.Contains(string(raw), "mainSteps"); complete != (err == nil) {
			t.Errorf("%s: parsing gave %v; a fragment must be refused, a document not", filepath.Base(file), err)
		}
		for _, p := range problemsOf(d, err) {
			if p.Refused {
				t.Errorf("%s: %s", filepath.Base(file), p)
			}
		}
	}
}

func problemsOf(d document.Document, err error) []document.Problem {
	if err != nil {
		return nil
	}
	return document.Check(d, nil)
}

func TestParseGivesEverythingAStepSays(t *testing.T) {
	d, err := document.Parse([]byte(good))
	if err != nil {
		t.Fatal(err)
	}
	want := document.Step{
		Name: "Approve", Action: "aws:approve", OnFailure: "step:Note", Critical: new(false), Next: "Apply", TimeoutSeconds: 3600,
		Inputs: map[string]any{"Message": "Status {{ Read.Status }} in {{ automation:EXECUTION_ID }}", "Approvers": "{{ Approvers }}"},
	}
	if diff := cmp.Diff(want, d.Steps[1]); diff != "" {
		t.Errorf("step (-want +got):\n%s", diff)
	}
	if d.Steps[1].IsCritical() || !d.Steps[0].IsCritical() || d.Steps[1].FailureTarget() != "Note" {
		t.Error("the step's criticality or its failure target is wrong")
	}
	if p, _ := d.Parameter("Approvers"); p.Type != "StringList" || *p.MinItems != 1 || *p.MaxItems != 10 {
		t.Errorf("parameter %+v", p)
	}
	if v, _ := d.Variable("Count"); v.Default != 1 {
		t.Errorf("variable %+v", v)
	}
}

func TestYAMLAndJSONAreTheSame(t *testing.T) {
	const inJSON = `{"schemaVersion": "0.3", "mainSteps": [{"name": "a", "action": "aws:sleep", "timeoutSeconds": 5, "isEnd": "true",
		"inputs": {"Duration": "PT1S", "n": 1.5, "deep": [null, true, {"x": -3}]}}]}`
	const inYAML = "schemaVersion: '0.3'\nmainSteps:\n- name: a\n  action: aws:sleep\n  timeoutSeconds: '5'\n  isEnd: true\n" +
		"  inputs:\n    Duration: PT1S\n    n: 1.5\n    deep: [null, true, {x: -3}]\n"
	a, err := document.Parse([]byte(inJSON))
	b, errB := document.Parse([]byte(inYAML))
	if err := errors.Join(err, errB); err != nil {
		t.Fatal(err)
	}
	a.Size, b.Size = 0, 0
	if diff := cmp.Diff(a, b); diff != "" {
		t.Errorf("JSON against YAML:\n%s", diff)
	}
}

func TestTextsThatAreNoDocument(t *testing.T) {
	const step = "\nmainSteps: [{name: a, action: 'aws:sleep', inputs: {Duration: PT1S}}]\n"
	tests := map[string]struct{ text, want string }{
		"nothing":                       {"", "is empty"},
		"another schema":                {"schemaVersion: '2.2'" + step, "0.3"},
		"a schema that is a number":     {"schemaVersion: 0.3" + step, "not text"},
		"no schema":                     {strings.TrimSpace(step), "0.3"},
		"no steps":                      {"schemaVersion: '0.3'\n", "holds no step"},
		"an unknown member":             {"schemaVersion: '0.3'\nmainStep: 1" + step, `unknown member "mainStep"`},
		"an unknown property of a step": {"schemaVersion: '0.3'\nmainSteps: [{name: a, action: 'aws:sleep', onFailures: Abort}]", `"onFailures"`},
		"an unknown field of an output": {"schemaVersion: '0.3'\nmainSteps: [{name: a, action: 'aws:sleep', outputs: [{Name: x, Selector: $, type: String}]}]", `"type"`},
		"an unknown parameter field":    {"schemaVersion: '0.3'\nparameters: {a: {type: String, maximum: 3}}" + step, `"maximum"`},
		"a step without action":         {"schemaVersion: '0.3'\nmainSteps: [{name: a}]", "action is not there"},
		"steps that are no list":        {"schemaVersion: '0.3'\nmainSteps: {}", "not a list"},
		"a list at the top":             {"- a\n- b\n", "not a mapping"},
		"two documents":                 {"schemaVersion: '0.3'" + step + "---\na: b\n", "2 documents"},
		"an alias":                      {"schemaVersion: '0.3'\ndescription: &d text\nassumeRole: *d" + step, "anchors"},
		"a tag":                         {"schemaVersion: '0.3'\ndescription: !!binary aGk=" + step, "tags"},
		"a key twice":                   {"schemaVersion: '0.3'\nschemaVersion: '0.3'" + step, "YAML"},
		"text after the JSON":           {`{"schemaVersion": "0.3"} {}`, "after its end"},
		"a number without end":          {"schemaVersion: '0.3'\nmainSteps: [{name: a, action: b, inputs: {n: .inf}}]", "number"},
		"more than 64 KB":               {"schemaVersion: '0.3'" + step + strings.Repeat("#", 64*1024), "64 KB"},
		"nesting without end":           {strings.Repeat("[", 10_000), "deep"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := document.Parse([]byte(test.text))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("gave %v, want %q in the error", err, test.want)
			}
		})
	}
}

// flaws are changes to the good runbook that must be found.
var flaws = []struct {
	name, old, new string // what is replaced in the good runbook
	want           string
	refused        bool
}{
	{"a hyphen in a name", "name: Note", "name: Note-it", "letters, digits and underscores", true},
	{"a name twice", "name: Note", "name: Apply", "the name is there twice", true},
	{"an action that does not exist", "aws:executeAwsApi", "aws:executeAwsAPI", "does not exist", true},
	{"an input that does not exist", "Approvers: \"{{ Approvers }}\"}", "Approvers: \"{{ Approvers }}\", Approver: x}", "has no input Approver", true},
	{"an input that is missing", "Service: cloudfront, ", "", "input Service is missing", true},
	{"a next step that does not exist", "nextStep: Apply", "nextStep: Aply", "nextStep leads to Aply", true},
	{"a failure target that does not exist", "step:Note", "step:Notes", "onFailure leads to Notes", true},
	{"an onFailure of another word", "step:Note", "Ignore", "onFailure is Abort", true},
	{"a step that nothing reaches", "step:Note", "Abort", "step Note: no path leads here", false},
	{"falling through into another branch", "InputPayload: {action: apply}}\n    isEnd: true", "InputPayload: {action: apply}}", "falls through into Note", false},
	{"a path that never ends", "isEnd: true\n  - name: Note", "nextStep: Approve\n  - name: Note", "never ends", true},
	{"a parameter that does not exist", "Id: \"{{ Id }}\"", "Id: \"{{ ID }}\"", "parameter ID, which does not exist", true},
	{"an output that does not exist", "Status {{ Read.Status }}", "Status {{ Read.State }}", "Read.State", true},
	{"a step that does not exist", "Status {{ Read.Status }}", "Status {{ Reed.Status }}", "step Reed", true},
	{"an output of a step that comes later", "Id: \"{{ Id }}\"", "Id: \"{{ Apply.Payload }}\"", "not exist on every path", false},
	{"an output that a failure path lacks", "Payload: '{\"action\":\"note\"}'", "Payload: '{\"action\":\"note\",\"s\":\"{{ Approve.ApprovalStatus }}\"}'", "not exist on every path", false},
	{"another automation variable", "automation:EXECUTION_ID", "automation:EXECUTION_ARN", "the only one", true},
	{"another global variable", "automation:EXECUTION_ID", "global:ACCOUNT", "global:ACCOUNT", true},
	{"a variable that does not exist", "automation:EXECUTION_ID", "variable:Counts", "variable Counts", true},
	{"an ssm reference in an input", "automation:EXECUTION_ID", "ssm:topic", "in a parameter's default only", true},
	{"a reference that is none", "automation:EXECUTION_ID", "a b c", "is no reference", true},
	{"a gate without a time-out", "    timeoutSeconds: 3600\n", "", "needs timeoutSeconds", false},
	{"a gate that is open too long", "timeoutSeconds: 3600", "timeoutSeconds: 2592001", "more than the 2592000", true},
	{"eleven approvers", `"{{ Approvers }}"}`, "[a, b, c, d, e, f, g, h, i, j, k]}", "has 11 approvers", true},
	{"more approvals than approvers", `"{{ Approvers }}"}`, "[a], MinRequiredApprovals: 2}", "does not fit", true},
	{"a topic of another name", `Approvers: "{{ Approvers }}"}`, `Approvers: [a], NotificationArn: "arn:aws:sns:us-east-1:111122223333:gates"}`, "begin with Automation", true},
	{"a message without end", "Status {{ Read", strings.Repeat("m", 4097) + "{{ Read", "more than 4096", true},
	{"an API call without end", "timeoutSeconds: 20", "timeoutSeconds: 26", "more than the 25", true},
	{"a stream", "Service: cloudfront, Api: GetDistribution", "Service: s3, Api: GetObject", "streams", false},
	{"a selector with a filter", "$.Distribution.Status", "\"$.Items[?(@.Id=='x')]\"", "cannot read", true},
	{"an output type that does not exist", "Type: String}", "Type: Text}", "type Text does not exist", true},
	{"a write before the gate", "action: aws:executeAwsApi\n    timeoutSeconds: 20\n    inputs: {Service: cloudfront, Api: GetDistribution, Id: \"{{ Id }}\"}", "action: aws:invokeLambdaFunction\n    inputs: {FunctionName: f, InputPayload: {action: apply}}", "nobody approved", false},
	{"a write after a reject", `{"action":"note"}`, `{"action":"apply-anyway"}`, "nobody approved", false},
	{"a write that cannot be told", `{"action":"note"}`, `{{ Id }}`, "nobody approved", false},
	{"a gate whose failure is passed over", "onFailure: step:Note", "onFailure: Continue", "step Apply: writes", false},
	{"no role", "assumeRole: \"{{ Role }}\"\n", "", "without assumeRole", false},
	{"a role from Parameter Store", "{{ Role }}", "{{ssm:role}}", "refer to a parameter only", true},
	{"a role from nowhere", "{{ Role }}", "{{ Roles }}", "Roles, which does not exist", true},
	{"a parameter type that does not exist", "Role: {type: String}", "Role: {type: Text}", "type Text does not exist", true},
	{"a default of another type", "Role: {type: String}", "Role: {type: String, default: [a]}", "not of type String", true},
	{"a default that refers to a parameter", "Role: {type: String}", "Role: {type: String, default: '{{ Id }}'}", "may refer to {{ssm:…}} only", true},
	{"a default against its pattern", "Id: {type: String,", "Id: {type: String, default: abc,", "does not match allowedPattern", true},
	{"a default that is not allowed", "Role: {type: String}", "Role: {type: String, default: c, allowedValues: [a, b]}", "not among allowedValues", true},
	{"limits the wrong way round", "minItems: 1, maxItems: 10", "minItems: 11, maxItems: 10", "is more than", true},
	{"a pattern that cannot be read", "^E[A-Z0-9]+$", "^(?!x)E$", "Java", false},
	{"an output of the document that does not exist", "[Read.Status]", "[Read.State]", "no output State", true},
	{"an output of the document that is none", "[Read.Status]", "[Status]", "form step.Output", true},
}

func TestCheck(t *testing.T) {
	if problems := check(t, good); len(problems) > 0 {
		t.Fatalf("a good runbook has problems: %v", problems)
	}
	for _, test := range flaws {
		t.Run(test.name, func(t *testing.T) {
			if !strings.Contains(good, test.old) {
				t.Fatalf("the good runbook has no %q", test.old)
			}
			problems := check(t, strings.Replace(good, test.old, test.new, 1))
			for _, p := range problems {
				if strings.Contains(p.String(), test.want) && p.Refused == test.refused {
					return
				}
			}
			t.Errorf("problems are %v, want one with %q (refused: %t)", problems, test.want, test.refused)
		})
	}
}

func check(t *testing.T, text string) []document.Problem {
	t.Helper()
	d, err := document.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return document.Check(d, document.Applies)
}

// withSteps is a document of these steps.
func withSteps(steps string) string {
	return "schemaVersion: '0.3'\nassumeRole: arn:aws:iam::111122223333:role/r\nvariables: {v: {type: String}}\nmainSteps:\n" + steps
}

func TestCheckOfSingleActions(t *testing.T) {
	const choice = "- {name: a, action: 'aws:branch', inputs: {Choices: [%s], Default: b}}\n- {name: b, action: 'aws:pause', inputs: {}}"
	tests := map[string]struct{ steps, want string }{
		"a branch without choices":    {strings.Replace(choice, "%s", "", 1), "no choice"},
		"a branch to nowhere":         {strings.Replace(choice, "%s", "{NextStep: c, Variable: x, StringEquals: y}", 1), "NextStep leads to c"},
		"an operator that is unknown": {strings.Replace(choice, "%s", "{NextStep: b, Variable: x, StringLike: y}", 1), `"StringLike"`},
		"two operators at once":       {strings.Replace(choice, "%s", "{NextStep: b, Variable: x, StringEquals: y, Contains: z}", 1), "only operator"},
		"a comparison of nothing":     {strings.Replace(choice, "%s", "{NextStep: b, StringEquals: y}", 1), "needs Variable"},
		"a choice without condition":  {strings.Replace(choice, "%s", "{NextStep: b}", 1), "exactly one"},
		"And and Or at once":          {strings.Replace(choice, "%s", "{NextStep: b, And: [{Variable: x, Contains: y}], Or: [{Variable: x, Contains: y}]}", 1), "exactly one"},
		"a branch that may fall through": {"- {name: a, action: 'aws:branch', inputs: {Choices: [{NextStep: c, Variable: x, Contains: y}]}}\n" +
			"- {name: b, action: 'aws:pause', inputs: {}}\n- {name: c, action: 'aws:pause', inputs: {}}", "without Default"},
		"a sleep without time":       {"- {name: a, action: 'aws:sleep', inputs: {}}", "Duration or Timestamp"},
		"a variable that is unknown": {"- {name: a, action: 'aws:updateVariable', inputs: {Name: 'variable:w', Value: x}}", "variable w"},
		"a variable without prefix":  {"- {name: a, action: 'aws:updateVariable', inputs: {Name: v, Value: x}}", "variable:NAME"},
		"a cancelled variable":       {"- {name: a, action: 'aws:updateVariable', onCancel: Abort, inputs: {Name: 'variable:v', Value: x}}", "has no onCancel"},
		"a clean-up that waits":      {"- {name: a, action: 'aws:pause', onCancel: 'step:b', inputs: {}}\n- {name: b, action: 'aws:sleep', inputs: {Duration: PT1S}}", "may not lead to aws:sleep"},
		"isEnd and nextStep":         {"- {name: a, action: 'aws:pause', isEnd: true, nextStep: b, inputs: {}}\n- {name: b, action: 'aws:pause', inputs: {}}", "both isEnd and nextStep"},
		"a loop without steps":       {"- {name: a, action: 'aws:loop', inputs: {Iterators: [x], Steps: []}}", "holds no step"},
		"a loop over nothing":        {"- {name: a, action: 'aws:loop', inputs: {Steps: [{name: b, action: 'aws:pause', inputs: {}}]}}", "Iterators or LoopCondition"},
		"a loop without end":         {"- {name: a, action: 'aws:loop', inputs: {Iterators: [x], MaxIterations: 101, Steps: [{name: b, action: 'aws:pause', inputs: {}}]}}", "MaxIterations is 101"},
		"a step of a loop that is unknown": {"- {name: a, action: 'aws:loop', inputs: {Iterators: [x], Steps: [{name: b, action: 'aws:snooze', inputs: {}}]}}",
			"aws:snooze"},
		"a loop's value outside it": {"- {name: b, action: 'aws:sleep', inputs: {Duration: '{{ a.CurrentIteratorValue }}'}}\n" +
			"- {name: a, action: 'aws:loop', inputs: {Iterators: [x], Steps: [{name: c, action: 'aws:pause', inputs: {}}]}}", "a.CurrentIteratorValue, which does not exist on every path"},
		"a write in a loop before the gate": {"- {name: a, action: 'aws:loop', inputs: {Iterators: [x], Steps: [{name: b, action: 'aws:invokeLambdaFunction', inputs: {FunctionName: f, Payload: '{}'}}]}}",
			"step b: writes"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			problems := check(t, withSteps(test.steps))
			for _, p := range problems {
				if strings.Contains(p.String(), test.want) {
					return
				}
			}
			t.Errorf("problems are %v, want one with %q", problems, test.want)
		})
	}
}

func TestALoopSeesItsOwnValues(t *testing.T) {
	problems := check(t, withSteps(`
- name: Loop
  action: aws:loop
  inputs:
    LoopCondition: {Variable: "{{ Ask.Again }}", BooleanEquals: true}
    MaxIterations: 3
    Steps:
      - name: Ask
        action: aws:invokeLambdaFunction
        inputs: {FunctionName: f, Payload: '{"action":"note","n":"{{ Loop.CurrentIteration }}"}'}
        outputs: [{Name: Again, Selector: $.again, Type: Boolean}]
- {name: After, action: 'aws:sleep', inputs: {Duration: "PT{{ Loop.CurrentIteration }}S"}, isEnd: true}
`))
	if len(problems) > 0 {
		t.Errorf("problems: %v", problems)
	}
}

func TestSelectors(t *testing.T) {
	var value any
	if err := json.Unmarshal([]byte(`{"a": {"b": [{"c": 1}, {"c": 2}]}, "c": 0, "two words": "x"}`), &value); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		selector string
		want     any
		ok       bool
	}{
		{"$.c", 0.0, true},
		{"$.a.b[1].c", 2.0, true},
		{"$..c", []any{0.0, 1.0, 2.0}, true},
		{"$.a..c", []any{1.0, 2.0}, true},
		{"$.a.b[*].c", []any{1.0, 2.0}, true},
		{"$['two words']", "x", true},
		{"$.a.b[2]", nil, false},
		{"$.c.d", nil, false},
		{"$..z", []any{}, true},
	}
	for _, test := range tests {
		s, err := document.ParseSelector(test.selector)
		if err != nil {
			t.Errorf("%s: %v", test.selector, err)
			continue
		}
		got, ok := s.Select(value)
		if diff := cmp.Diff(test.want, got); diff != "" || ok != test.ok {
			t.Errorf("%s: %v, %t (-want +got):\n%s", test.selector, got, ok, diff)
		}
	}
	for _, bad := range []string{"", "a", "$.", "$a", "$[?(@.x)]", "$[-1]", "$.a[", "$[1234567]"} {
		if _, err := document.ParseSelector(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestExpandDoesNotLookIntoWhatComesIn(t *testing.T) {
	got, err := document.Expand("{{ a }}-{{b.C}}-{{ global:X }}-{{{ a }}", func(r document.Reference) (string, error) {
		return "<" + r.Scope + " {{ a }} " + r.Name + r.Field + ">", nil
	})
	want := "<parameter {{ a }} a>-<step {{ a }} bC>-<global {{ a }} X>-{<parameter {{ a }} a>"
	if got != want || err != nil {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func TestApplies(t *testing.T) {
	tests := map[string]struct {
		inputs map[string]any
		want   bool
	}{
		"an apply in a map":             {map[string]any{"InputPayload": map[string]any{"action": "apply"}}, true},
		"an apply in a text":            {map[string]any{"Payload": `{"action":"apply"}`}, true},
		"a note":                        {map[string]any{"Payload": `{"action":"note"}`}, false},
		"an action that is a parameter": {map[string]any{"Payload": `{"action":"{{ Verb }}"}`}, true},
		"no action":                     {map[string]any{"Payload": `{}`}, true},
		"no payload":                    {map[string]any{}, true},
	}
	for name, test := range tests {
		if got := document.Applies(document.Step{Action: "aws:invokeLambdaFunction", Inputs: test.inputs}); got != test.want {
			t.Errorf("%s: %t, want %t", name, got, test.want)
		}
	}
	if document.Applies(document.Step{Action: "aws:sleep"}) {
		t.Error("a sleep writes")
	}
}

func TestCheckFilesNamesTheFile(t *testing.T) {
	found, err := document.CheckFiles(fstest.MapFS{
		"good.yaml": {Data: []byte(good)}, "bad.json": {Data: []byte(`{}`)}, "README.md": {Data: []byte("not a document")},
	}, document.Applies)
	if err != nil || len(found) != 1 || len(found["bad.json"]) != 1 {
		t.Errorf("found %v, %v, want one problem in bad.json", found, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte(`{"schemaVersion": "0.3", "mainSteps": [{"name": "a", "action": "aws:branch", "inputs": {"Choices": [{"NextStep": "a", "Not": {"Variable": 1, "Contains": []}}]}}]}`))
	f.Add([]byte(withSteps("- {name: a, action: 'aws:loop', onFailure: 'step:a', inputs: {Iterators: [x], Steps: [{name: a, action: 'aws:loop', inputs: {Steps: []}}]}}")))
	f.Add([]byte("schemaVersion: '0.3'\nmainSteps:\n- name: &a b\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, err := document.Parse(raw)
		if err != nil {
			return
		}
		if len(d.Steps) == 0 {
			t.Error("a document without steps was taken")
		}
		if _, err := json.Marshal(d); err != nil {
			t.Errorf("a document cannot be written: %v", err)
		}
		document.Check(d, document.Applies)
	})
}

func FuzzSelector(f *testing.F) {
	for _, seed := range []string{"$.a.b[1].c", "$..c", "$['x'][*]", "$"} {
		f.Add(seed)
	}
	value := map[string]any{"a": []any{map[string]any{"c": 1}, nil}}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := document.ParseSelector(text)
		if err == nil {
			s.Select(value)
		}
	})
}
