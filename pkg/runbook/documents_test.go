// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package runbook_test

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"cloudfront503/pkg/runbook"
)

type content struct {
	SchemaVersion string              `yaml:"schemaVersion"`
	AssumeRole    string              `yaml:"assumeRole"`
	Parameters    map[string]paramDoc `yaml:"parameters"`
	MainSteps     []stepDoc           `yaml:"mainSteps"`
}

type paramDoc struct {
	Type           string `yaml:"type"`
	AllowedPattern string `yaml:"allowedPattern"`
}

type stepDoc struct {
	Name           string         `yaml:"name"`
	Action         string         `yaml:"action"`
	TimeoutSeconds int            `yaml:"timeoutSeconds"`
	OnFailure      string         `yaml:"onFailure"`
	IsCritical     *bool          `yaml:"isCritical"`
	IsEnd          bool           `yaml:"isEnd"`
	NextStep       string         `yaml:"nextStep"`
	Inputs         map[string]any `yaml:"inputs"`
}

func load(t *testing.T, name string) (content, string) {
	t.Helper()
	raw, err := fs.ReadFile(runbook.Documents(), name+".yaml")
	if err != nil {
		t.Fatal(err)
	}
	var c content
	if err := yaml.Unmarshal(raw, &c); err != nil {
		t.Fatal(err)
	}
	return c, string(raw)
}

var names = runbook.Names

// exits are the steps to which a step may go: on success and on failure.
func (s stepDoc) exits() (next []string, failure string) {
	if s.NextStep != "" {
		next = append(next, s.NextStep)
	}
	choices, _ := s.Inputs["Choices"].([]any)
	for _, choice := range choices {
		next = append(next, choice.(map[string]any)["NextStep"].(string))
	}
	if byDefault, given := s.Inputs["Default"].(string); given {
		next = append(next, byDefault)
	}
	failure, _ = strings.CutPrefix(s.OnFailure, "step:")
	if failure == s.OnFailure {
		failure = ""
	}
	return next, failure
}

func TestEachStepSaysWhereItGoesAndHowLongItMayTake(t *testing.T) {
	t.Parallel()
	for _, name := range names {
		c, _ := load(t, name)
		byName := map[string]stepDoc{}
		for _, step := range c.MainSteps {
			if _, twice := byName[step.Name]; twice || !regexp.MustCompile(`^[a-zA-Z0-9_]+$`).MatchString(step.Name) {
				t.Errorf("%s: step name %q is there twice or not legal", name, step.Name)
			}
			byName[step.Name] = step
		}
		reached := map[string]bool{}
		var walk func(string)
		walk = func(at string) {
			step, exists := byName[at]
			if !exists || reached[at] {
				if !exists {
					t.Errorf("%s: no step %q", name, at)
				}
				return
			}
			reached[at] = true
			next, failure := step.exits()
			for _, to := range next {
				walk(to)
			}
			if failure != "" {
				walk(failure)
			}
		}
		walk(c.MainSteps[0].Name)
		for _, step := range c.MainSteps {
			checkStep(t, name, step)
			if !reached[step.Name] {
				t.Errorf("%s: step %s is never reached", name, step.Name)
			}
		}
	}
}

func checkStep(t *testing.T, name string, step stepDoc) {
	t.Helper()
	next, failure := step.exits()
	if step.TimeoutSeconds <= 0 {
		t.Errorf("%s: step %s has no time-out", name, step.Name)
	}
	if step.IsEnd == (len(next) > 0) {
		t.Errorf("%s: step %s falls through, or ends and goes on", name, step.Name)
	}
	if failure != "" && (step.IsEnd || step.IsCritical == nil || *step.IsCritical) {
		t.Errorf("%s: step %s routes its failure but is critical or an end", name, step.Name)
	}
	if failure == "" && !step.IsEnd && step.Action != "aws:branch" {
		t.Errorf("%s: step %s has no route for its failure", name, step.Name)
	}
	if _, hasDefault := step.Inputs["Default"]; step.Action == "aws:branch" && !hasDefault {
		t.Errorf("%s: branch %s has no default", name, step.Name)
	}
}

func TestNothingIsAppliedBeforeTheGate(t *testing.T) {
	t.Parallel()
	for _, name := range names {
		c, raw := load(t, name)
		for _, step := range c.MainSteps {
			next, failure := step.exits()
			if slices.Contains(append(next, failure), runbook.StepApply) && step.Name != runbook.StepApprove {
				t.Errorf("%s: %s leads to %s past the gate", name, step.Name, runbook.StepApply)
			}
			if step.Name == runbook.StepApprove {
				if _, failure := step.exits(); failure != "NoteNotApproved" || step.TimeoutSeconds != int(runbook.GateTimeout.Seconds()) {
					t.Errorf("%s: gate goes to %q, waits %d s", name, failure, step.TimeoutSeconds)
				}
				if _, has := step.Inputs["NotificationArn"]; has {
					t.Errorf("%s: the gate has a NotificationArn", name)
				}
			}
		}
		if n := strings.Count(raw, "action: aws:approve"); n != 1 {
			t.Errorf("%s: %d gates", name, n)
		}
	}
}

// The automation's role may write nothing, so that no step may ask it to.
func TestTheOnlyActionsAreReadsBranchesWaitsAndOurFunction(t *testing.T) {
	t.Parallel()
	allowed := []string{
		"aws:invokeLambdaFunction", "aws:branch", "aws:executeAwsApi", "aws:approve",
		"aws:waitForAwsResourceProperty", "aws:sleep",
	}
	reads := []string{"", "GetDistribution", "GetDistributionConfig"}
	for _, name := range names {
		c, _ := load(t, name)
		for _, step := range c.MainSteps {
			api, _ := step.Inputs["Api"].(string)
			if !slices.Contains(allowed, step.Action) || !slices.Contains(reads, api) {
				t.Errorf("%s: step %s does %s %s", name, step.Name, step.Action, api)
			}
			if fn, given := step.Inputs["FunctionName"]; given && fn != "{{ RemediateFunction }}" {
				t.Errorf("%s: step %s invokes %v", name, step.Name, fn)
			}
		}
	}
}

func TestReferencesNameParametersStepsOrTheExecution(t *testing.T) {
	t.Parallel()
	reference := regexp.MustCompile(`\{\{\s*([^}\s]+)\s*\}\}`)
	for _, name := range names {
		c, raw := load(t, name)
		if c.SchemaVersion != "0.3" || c.AssumeRole != "{{ AutomationAssumeRole }}" {
			t.Errorf("%s: schema %q, role %q", name, c.SchemaVersion, c.AssumeRole)
		}
		for _, match := range reference.FindAllStringSubmatch(raw, -1) {
			_, isParameter := c.Parameters[match[1]]
			if !isParameter && !slices.Contains([]string{"automation:EXECUTION_ID", "Claim.Payload", "Apply.Payload", "CheckUnmoved.ETag"}, match[1]) {
				t.Errorf("%s: %s refers to nothing", name, match[0])
			}
		}
		if strings.Contains(raw, "Fn::") || strings.Contains(raw, "!Ref") || strings.Contains(raw, "${") || len(raw) > 64<<10 {
			t.Errorf("%s: has an intrinsic of CloudFormation, or %d bytes", name, len(raw))
		}
	}
}

// UndoChange mends what others may have changed since, so it has nothing to compare.
func TestNobodyIsAskedUnlessTheLiveETagIsReadAndTheSame(t *testing.T) {
	t.Parallel()
	for _, name := range names {
		c, _ := load(t, name)
		for _, step := range c.MainSteps {
			switch next, failure := step.exits(); step.Name {
			case "CheckUnmoved":
				if step.Action != "aws:executeAwsApi" || !slices.Equal(next, []string{"Unmoved"}) || failure != "NoteMoved" {
					t.Errorf("%s: CheckUnmoved is %s, goes to %v, or to %s when it fails", name, step.Action, next, failure)
				}
			case "Unmoved":
				want := []any{map[string]any{"NextStep": runbook.StepApprove, "Variable": "{{ CheckUnmoved.ETag }}", "StringEquals": "{{ ETag }}"}}
				if diff := cmp.Diff(want, step.Inputs["Choices"]); diff != "" || step.Inputs["Default"] != "NoteMoved" {
					t.Errorf("%s: Unmoved, else %v: %s", name, step.Inputs["Default"], diff)
				}
			default:
				if name != "UndoChange" && slices.Contains(next, runbook.StepApprove) {
					t.Errorf("%s: %s leads to the gate", name, step.Name)
				}
			}
		}
	}
}

// A stopping answer wins over a word that happens to stand in its reason.
func TestBranchesLookForTheAnswersThatStopFirst(t *testing.T) {
	t.Parallel()
	for _, name := range names {
		c, _ := load(t, name)
		for _, step := range c.MainSteps {
			if step.Action != "aws:branch" || step.Name == "Unmoved" {
				continue
			}
			choices := step.Inputs["Choices"].([]any)
			last := choices[len(choices)-1].(map[string]any)["Contains"]
			if last != "claimed" && last != "written" {
				t.Errorf("%s: branch %s ends with %v", name, step.Name, last)
			}
		}
	}
}

// What an order hands over is what the documents declare, and it fits their patterns.
func TestAnOrderFillsExactlyTheParametersOfItsDocument(t *testing.T) {
	t.Parallel()
	for _, name := range names {
		c, _ := load(t, name)
		fake := &fakeSSM{}
		if _, err := (runbook.Starter{SSM: fake}).Start(t.Context(), order(name)); err != nil {
			t.Fatal(err)
		}
		given := fake.started[0].Parameters
		for key, parameter := range c.Parameters {
			values, has := given[key]
			if !has {
				t.Errorf("%s: nothing for %s", name, key)
			}
			for _, value := range values {
				if parameter.AllowedPattern != "" && !regexp.MustCompile(parameter.AllowedPattern).MatchString(value) {
					t.Errorf("%s: %s = %q does not match %s", name, key, value, parameter.AllowedPattern)
				}
			}
		}
		if len(given) != len(c.Parameters) {
			t.Errorf("%s: %d parameters given, %d declared", name, len(given), len(c.Parameters))
		}
	}
}
