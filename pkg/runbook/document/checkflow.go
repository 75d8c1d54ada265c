// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package document

import (
	"maps"
	"slices"
)

// end is where an edge leads that ends the execution, or an iteration of a loop.
const end = -1

// edge is one way from a step to another.
type edge struct {
	to      int
	success bool // taken after the step did what it should
	named   bool // the step names its target, rather than falling through
	word    string
}

// flow is what holds on every path to a step.
type flow struct {
	reached  bool
	approved bool            // an aws:approve has succeeded
	outputs  map[string]bool // "step.Output" that exist
}

// scope checks one list of steps: the main steps, or those inside a loop, entered with what holds before it.
func (c *checker) scope(steps []Step, before flow) {
	index := map[string]int{}
	for i, s := range steps {
		c.name(s)
		index[s.Name] = i
		c.names[s.Name] = s
	}
	edges := make([][]edge, len(steps))
	for i := range steps {
		edges[i] = c.edges(steps, index, i)
	}
	c.fallThrough(steps, edges)
	c.cycles(steps, edges)
	states := settle(steps, edges, before)
	for i, s := range steps {
		c.step(s, states[i])
	}
}

func (c *checker) name(s Step) {
	if !plainName.MatchString(s.Name) {
		c.refused(s.Name, "a name has letters, digits and underscores only")
	}
	if _, taken := c.names[s.Name]; taken {
		c.refused(s.Name, "the name is there twice")
	}
}

// edges lists where the execution can go from a step, and complains about targets that do not exist.
func (c *checker) edges(steps []Step, index map[string]int, i int) []edge {
	s := steps[i]
	var all []edge
	add := func(word, name string, success bool) {
		to, ok := index[name]
		if !ok {
			c.refused(s.Name, "%s leads to %s, which does not exist", word, name)
			return
		}
		all = append(all, edge{to: to, success: success, named: true, word: word})
	}
	for _, choice := range c.choices(s) {
		add(choice.word, choice.name, true)
	}
	onward := s.onward(i, len(steps))
	if s.Next != "" {
		add("nextStep", s.Next, true)
	} else if !s.defaults() {
		all = append(all, onward)
	}
	if failure := s.FailureTarget(); failure != "" && !s.End {
		add("onFailure", failure, false)
	}
	if s.OnFailure == "Continue" && s.Next != "" {
		add("onFailure", s.Next, false)
	} else if s.OnFailure == "Continue" {
		onward.success = false
		all = append(all, onward)
	}
	if cancel := s.CancelTarget(); cancel != "" {
		add("onCancel", cancel, false)
	}
	return all
}

// onward is where a step goes that names no other.
func (s Step) onward(i, count int) edge {
	if s.End || i+1 == count {
		return edge{to: end, success: true}
	}
	return edge{to: i + 1, success: true}
}

// defaults says whether a branch always names where it goes.
func (s Step) defaults() bool {
	_, ok := s.Inputs["Default"].(string)
	return s.Action == "aws:branch" && ok
}

type namedTarget struct{ word, name string }

func (c *checker) choices(s Step) []namedTarget {
	if s.Action != "aws:branch" {
		return nil
	}
	branch, err := s.Branch()
	if err != nil {
		c.refused(s.Name, "%v", err)
		return nil
	}
	var targets []namedTarget
	for _, choice := range branch.Choices {
		targets = append(targets, namedTarget{"NextStep", choice.Next})
	}
	if branch.Default == "" {
		if !s.End {
			c.unwise(s.Name, "aws:branch without Default falls through where no choice holds")
		}
		return targets
	}
	return append(targets, namedTarget{"Default", branch.Default})
}

// fallThrough finds steps that run on into a step that another one names: mostly a forgotten isEnd between two branches.
func (c *checker) fallThrough(steps []Step, edges [][]edge) {
	for i, own := range edges {
		for _, e := range own {
			if e.named || e.to == end || !e.success {
				continue
			}
			if other := namedBy(edges, e.to, i); other >= 0 {
				c.unwise(steps[i].Name, "falls through into %s, which belongs to a branch of %s: say nextStep or isEnd",
					steps[e.to].Name, steps[other].Name)
			}
		}
	}
}

// namedBy is the first step other than i that names the step at to, or -1.
func namedBy(edges [][]edge, to, i int) int {
	for j, others := range edges {
		if j != i && slices.ContainsFunc(others, func(e edge) bool { return e.named && e.to == to }) {
			return j
		}
	}
	return -1
}

// cycles finds loops, which AWS refuses: aws:loop is for them. A path without one ends, as there is no other way on.
func (c *checker) cycles(steps []Step, edges [][]edge) {
	const unseen, open, done = 0, 1, 2
	state := make([]int, len(steps))
	var visit func(i int)
	visit = func(i int) {
		state[i] = open
		for _, e := range edges[i] {
			switch {
			case e.to == end || state[e.to] == done:
			case state[e.to] == open:
				c.refused(steps[i].Name, "leads back to %s: the path never ends", steps[e.to].Name)
			default:
				visit(e.to)
			}
		}
		state[i] = done
	}
	for i := range steps {
		if state[i] == unseen {
			visit(i)
		}
	}
}

// settle computes what holds on every path to each step.
func settle(steps []Step, edges [][]edge, before flow) []flow {
	states := make([]flow, len(steps))
	states[0] = flow{reached: true, approved: before.approved, outputs: maps.Clone(before.outputs)}
	work := []int{0}
	for len(work) > 0 {
		i := work[0]
		work = work[1:]
		for _, e := range edges[i] {
			if e.to != end && states[e.to].meet(states[i].after(steps[i], e.success)) {
				work = append(work, e.to)
			}
		}
	}
	return states
}

// after is what holds once a step has ended.
func (f flow) after(s Step, success bool) flow {
	next := flow{reached: true, approved: f.approved, outputs: maps.Clone(f.outputs)}
	if !success {
		return next
	}
	next.approved = next.approved || s.Action == "aws:approve"
	for _, name := range outputsOf(s) {
		next.outputs[s.Name+"."+name] = true
	}
	for _, inner := range s.Steps {
		for _, name := range outputsOf(inner) {
			next.outputs[inner.Name+"."+name] = true
		}
	}
	return next
}

// meet keeps what holds on both paths, and says whether that changed anything.
func (f *flow) meet(other flow) bool {
	if !f.reached {
		*f = other
		return true
	}
	changed := f.approved && !other.approved
	f.approved = f.approved && other.approved
	for name := range f.outputs {
		if !other.outputs[name] {
			delete(f.outputs, name)
			changed = true
		}
	}
	return changed
}
