// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package document

import (
	"maps"
	"slices"
	"strings"
)

// step checks one step, given what holds on every path to it.
func (c *checker) step(s Step, before flow) {
	known, ok := actions[s.Action]
	if !ok {
		c.refused(s.Name, "action %s does not exist", s.Action)
		return
	}
	if !before.reached {
		c.unwise(s.Name, "no path leads here")
	} else if c.writes(s) && !before.approved {
		c.unwise(s.Name, "writes, and a path leads here on which nobody approved")
	}
	c.properties(s, known)
	c.inputs(s, known)
	c.references(s, before)
	c.special(s, before)
}

func (c *checker) properties(s Step, known action) {
	if s.OnFailure != "" && s.OnFailure != "Abort" && s.OnFailure != "Continue" && s.FailureTarget() == "" {
		c.refused(s.Name, "onFailure is Abort, Continue or step:NAME, not %q", s.OnFailure)
	}
	if s.OnCancel != "" && s.OnCancel != "Abort" && s.CancelTarget() == "" {
		c.refused(s.Name, "onCancel is Abort or step:NAME, not %q", s.OnCancel)
	}
	if s.OnCancel != "" && slices.Contains(noCancel, s.Action) {
		c.refused(s.Name, "%s has no onCancel", s.Action)
	}
	if cleanUp, ok := c.names[s.CancelTarget()]; ok && slices.Contains(noCancelTarget, cleanUp.Action) {
		c.refused(s.Name, "onCancel may not lead to %s", cleanUp.Action)
	}
	if s.End && s.Next != "" {
		c.unwise(s.Name, "has both isEnd and nextStep")
	}
	if known.seconds > 0 && s.TimeoutSeconds > known.seconds {
		c.refused(s.Name, "timeoutSeconds %d is more than the %d that %s takes", s.TimeoutSeconds, known.seconds, s.Action)
	}
	if len(s.Outputs) > 0 && !known.declares {
		c.unwise(s.Name, "%s has no outputs to select from", s.Action)
	}
	for _, o := range s.Outputs {
		c.output(s, o)
	}
}

func (c *checker) output(s Step, o Output) {
	if !plainName.MatchString(o.Name) {
		c.refused(s.Name, "output %q: a name has letters, digits and underscores only", o.Name)
	}
	if _, err := ParseSelector(o.Selector); err != nil {
		c.refused(s.Name, "output %s: %v", o.Name, err)
	}
	if !slices.Contains(parameterTypes, o.Type) {
		c.refused(s.Name, "output %s: type %s does not exist", o.Name, o.Type)
	}
}

func (c *checker) inputs(s Step, known action) {
	for _, name := range known.required {
		if _, ok := s.Inputs[name]; !ok {
			c.refused(s.Name, "input %s is missing", name)
		}
	}
	if known.open {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(s.Inputs)) {
		if !slices.Contains(known.required, name) && !slices.Contains(known.optional, name) {
			c.refused(s.Name, "%s has no input %s", s.Action, name)
		}
	}
}

func (c *checker) references(s Step, before flow) {
	inputs := maps.Clone(s.Inputs)
	if s.Action == "aws:loop" {
		delete(inputs, "Steps")         // checked in a scope of their own
		delete(inputs, "LoopCondition") // knows the outputs of the steps inside
	}
	for _, r := range References(inputs) {
		c.reference(s, before, r)
	}
}

func (c *checker) reference(s Step, before flow, r Reference) {
	switch r.Scope {
	case "parameter":
		if !c.hasParameter(r.Name) {
			c.refused(s.Name, "refers to parameter %s, which does not exist", r.Name)
		}
	case "variable":
		if _, ok := c.doc.Variable(r.Name); !ok {
			c.refused(s.Name, "refers to variable %s, which does not exist", r.Name)
		}
	case "global":
		if !slices.Contains(globals, r.Name) {
			c.refused(s.Name, "refers to global:%s, which does not exist", r.Name)
		}
	case "automation":
		if r.Name != "EXECUTION_ID" {
			c.refused(s.Name, "automation:EXECUTION_ID is the only one, not automation:%s", r.Name)
		}
	case "step":
		c.stepReference(s, before, r)
	case "ssm":
		c.refused(s.Name, "{{ssm:%s}} may stand in a parameter's default only", r.Name)
	default:
		c.refused(s.Name, "{{%s}} is no reference", r.Name)
	}
}

func (c *checker) stepReference(s Step, before flow, r Reference) {
	step, ok := c.names[r.Name]
	switch {
	case !ok:
		c.refused(s.Name, "refers to step %s, which does not exist", r.Name)
	case !slices.Contains(outputsOf(step), r.Field):
		c.refused(s.Name, "refers to %s, which that step does not put out", r)
	case before.reached && !before.outputs[r.String()]:
		c.unwise(s.Name, "refers to %s, which does not exist on every path here", r)
	}
}

// special is what single actions ask for.
func (c *checker) special(s Step, before flow) {
	switch s.Action {
	case "aws:approve":
		c.approve(s)
	case "aws:executeAwsApi":
		c.api(s)
	case "aws:sleep":
		if (s.Inputs["Duration"] == nil) == (s.Inputs["Timestamp"] == nil) {
			c.refused(s.Name, "wants either Duration or Timestamp")
		}
	case "aws:updateVariable":
		c.updateVariable(s)
	case "aws:loop":
		c.loop(s, before)
	case "aws:assertAwsResourceProperty", "aws:waitForAwsResourceProperty":
		selector, _ := s.Inputs["PropertySelector"].(string)
		if _, err := ParseSelector(selector); err != nil {
			c.refused(s.Name, "PropertySelector: %v", err)
		}
	}
}

func (c *checker) approve(s Step) {
	if s.TimeoutSeconds == 0 {
		c.unwise(s.Name, "an aws:approve needs timeoutSeconds: left out, the gate stays open for seven days")
	}
	if message, ok := s.Inputs["Message"].(string); ok && len([]rune(message)) > MaxApproveMessage {
		c.refused(s.Name, "Message has more than %d characters", MaxApproveMessage)
	}
	if topic, ok := s.Inputs["NotificationArn"].(string); ok && len(References(topic)) == 0 && !AutomationTopic(topic) {
		c.refused(s.Name, "the topic's name must begin with Automation")
	}
	approvers, literal := s.Inputs["Approvers"].([]any)
	if !literal {
		return
	}
	if len(approvers) == 0 || len(approvers) > MaxApprovers {
		c.refused(s.Name, "has %d approvers, want 1 to %d", len(approvers), MaxApprovers)
	}
	if least, ok := s.Inputs["MinRequiredApprovals"].(int); ok && (least < 1 || least > len(approvers)) {
		c.refused(s.Name, "MinRequiredApprovals %d does not fit %d approvers", least, len(approvers))
	}
}

// AutomationTopic says whether a topic is one that aws:approve may publish to: its name begins with "Automation".
func AutomationTopic(arn string) bool {
	parts := strings.Split(arn, ":")
	return len(parts) == 6 && parts[2] == "sns" && strings.HasPrefix(parts[5], "Automation")
}

func (c *checker) api(s Step) {
	service, _ := s.Inputs["Service"].(string)
	operation, _ := s.Inputs["Api"].(string)
	if Streaming(service, operation) {
		c.unwise(s.Name, "%s %s streams, which aws:executeAwsApi cannot", service, operation)
	}
}

// Streaming says whether an operation's body is a stream, which aws:executeAwsApi cannot make. service is boto3's name.
func Streaming(service, operation string) bool { return slices.Contains(streaming[service], operation) }

func (c *checker) updateVariable(s Step) {
	name, _ := s.Inputs["Name"].(string)
	variable, ok := strings.CutPrefix(name, "variable:")
	if !ok {
		c.refused(s.Name, "Name is %q, want variable:NAME", name)
		return
	}
	if _, exists := c.doc.Variable(variable); !exists {
		c.refused(s.Name, "changes variable %s, which does not exist", variable)
	}
}

func (c *checker) loop(s Step, before flow) {
	condition, conditional, err := s.LoopCondition()
	if err != nil {
		c.refused(s.Name, "%v", err)
	}
	if _, listed := s.Inputs["Iterators"]; listed == conditional {
		c.refused(s.Name, "wants either Iterators or LoopCondition")
	}
	if items, ok := s.Inputs["Iterators"].([]any); ok && len(items) > MaxIterations {
		c.refused(s.Name, "has %d iterators, at most %d are allowed", len(items), MaxIterations)
	}
	if n, ok := s.Inputs["MaxIterations"].(int); ok && (n < 1 || n > MaxIterations) {
		c.refused(s.Name, "MaxIterations is %d, want 1 to %d", n, MaxIterations)
	}
	if len(s.Steps) == 0 {
		c.refused(s.Name, "holds no step")
		return
	}
	inner := flow{reached: true, approved: before.approved, outputs: maps.Clone(before.outputs)}
	if inner.outputs == nil {
		inner.outputs = map[string]bool{}
	}
	for _, name := range actions["aws:loop"].outputs {
		inner.outputs[s.Name+"."+name] = true
	}
	c.scope(s.Steps, inner)
	c.loopCondition(s, inner, condition)
}

// loopCondition is asked after the steps inside have run.
func (c *checker) loopCondition(s Step, inner flow, condition Condition) {
	after := inner.after(s, true)
	for _, r := range condition.References() {
		c.reference(s, after, r)
	}
}
