// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package automation

import (
	"maps"
	"slices"

	"cloudfront503/pkg/runbook/document"
)

// loopSteps is the action aws:loop: for each of a list, or while a condition holds after a round.
func (e *execution) loopSteps(s document.Step) result {
	_, conditional, err := s.LoopCondition()
	if err != nil {
		return failed("%v", err)
	}
	rounds, items, err := e.rounds(s, conditional)
	if err != nil {
		return failed("%v", err)
	}
	outerLoop, outerRound := e.loop, e.round
	defer func() { e.loop, e.round = outerLoop, outerRound }()
	for i := range rounds {
		e.enter(s, i, items)
		v := e.walk(s.Steps, 0)
		if e.stopped() != "" && !e.cleaning {
			return woken(byStop)
		}
		if v.status != Success {
			return result{status: v.status, failure: v.failure, outputs: maps.Clone(e.outputs[s.Name])}
		}
		again, err := e.again(s, conditional)
		if err != nil {
			return failed("%v", err)
		}
		if !again {
			break
		}
	}
	return succeeded(maps.Clone(e.outputs[s.Name]))
}

// rounds says how often a loop runs at most, and over what.
func (e *execution) rounds(s document.Step, conditional bool) (int, []any, error) {
	limit := document.MaxIterations
	if value, ok := s.Inputs["MaxIterations"]; ok {
		if limit, ok = asInt(value); !ok || limit < 1 || limit > document.MaxIterations {
			return 0, nil, inputError("MaxIterations must be 1 to 100")
		}
	}
	if conditional {
		return limit, nil, nil
	}
	items, ok := s.Inputs["Iterators"].([]any)
	if !ok {
		return 0, nil, inputError("Iterators must be a list")
	}
	if len(items) > document.MaxIterations {
		return 0, nil, inputError("Iterators has more than 100 entries")
	}
	return min(limit, len(items)), items, nil
}

type inputError string

// Error implements error.
func (e inputError) Error() string { return string(e) }

// enter makes the loop's outputs those of a round.
func (e *execution) enter(s document.Step, i int, items []any) {
	e.loop, e.round = s.Name, i+1
	outputs := map[string]any{"CurrentIteration": i + 1}
	if i < len(items) {
		outputs["CurrentIteratorValue"] = items[i]
	}
	e.outputs[s.Name] = outputs
}

// again asks a loop's condition after a round.
func (e *execution) again(s document.Step, conditional bool) (bool, error) {
	if !conditional {
		return true, nil
	}
	resolved, err := e.resolve(s.Inputs["LoopCondition"])
	if err != nil {
		return false, err
	}
	condition, _, err := document.Step{Name: s.Name, Inputs: map[string]any{"LoopCondition": resolved}}.LoopCondition()
	if err != nil {
		return false, err
	}
	return holds(condition)
}

// executeAutomation is the action aws:executeAutomation: starts another document in the session of this one, and waits.
func (e *execution) executeAutomation(s document.Step, _ int) result {
	if e.level() >= maxDepth {
		return failed("automations nest deeper than %d levels", maxDepth)
	}
	inputs, err := childInputs(s.Inputs)
	if err != nil {
		return failed("%v", err)
	}
	answer, err := e.call("ssm", "StartAutomationExecution", inputs, e.x.APILimit)
	if err != nil {
		return callFailed(err)
	}
	child, _ := answer["AutomationExecutionId"].(string)
	found := true
	why := e.wait(e.left(), "child "+child, func() {}, func() {
		if found = e.x.adopt(child, e, e.childEnded); !found {
			e.childEnded()
		}
	})
	if why != byChild || !found {
		_ = e.x.Stop(child, false) // it may have ended meanwhile
		return woken(why)
	}
	return e.childResult(child)
}

func (e *execution) level() int {
	e.x.mu.Lock()
	defer e.x.mu.Unlock()
	return e.depth
}

func (e *execution) childEnded() {
	e.x.mu.Lock()
	defer e.x.mu.Unlock()
	e.deliver(byChild)
}

// childInputs are the inputs of aws:executeAutomation as StartAutomationExecution takes them.
func childInputs(inputs map[string]any) (map[string]any, error) {
	start := map[string]any{}
	for name, value := range inputs {
		if name == "RuntimeParameters" {
			continue
		}
		start[name] = value
	}
	given, ok := inputs["RuntimeParameters"].(map[string]any)
	if !ok && inputs["RuntimeParameters"] != nil {
		return nil, inputError("RuntimeParameters must be a map")
	}
	parameters := map[string]any{}
	for name, value := range given {
		parameters[name] = anyList(shownList(value))
	}
	if len(parameters) > 0 {
		start["Parameters"] = parameters
	}
	return start, nil
}

func (e *execution) childResult(id string) result {
	child, _ := e.x.Get(id)
	var output []any
	for _, name := range slices.Sorted(maps.Keys(child.Outputs)) {
		output = append(output, anyList(child.Outputs[name])...)
	}
	outputs := map[string]any{"ExecutionId": id, "Status": child.Status, "Output": output}
	if child.Status == Success {
		return succeeded(outputs)
	}
	r := failed("The child automation execution %s ended as %s. %s", id, child.Status, child.FailureMessage)
	r.outputs = outputs
	return r
}
