// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package report writes up an incident from its record: as one page that a person reads in a minute, self-contained, without
// scripts and without anything to load, and as Markdown for a wiki. It is pure: the same input gives the same bytes. Text
// from outside is flattened, masked where it looks like a secret, and escaped; configurations show only the fields that
// a plan changes.
//
// The page is written by hand and not with html/template, which calls methods by name: with it the linker can drop no
// exported method of the AWS clients any more. functions/approve, importing it on trial, grew from 12.5 to 23.0 MB (arm64,
// stripped).
package report

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"cloudfront503/pkg/incident"
)

// Input is what a report is made of. Everything else is read out of the steps.
type Input struct {
	Environment string // the stack's word for where it runs
	Incident    incident.Reference
	DomainName  string            // of the distribution; may be empty
	Bucket      string            // where the incident's folder lies; may be empty
	Tags        map[string]string // of the distribution: they may tell which code manages it
	Steps       []incident.Step
	Outcome     incident.Outcome // how it ended; an empty result: it has not
	Rate        Series           // percent of requests that failed, as 503ErrorRate
	Requests    Series           // requests a minute
	MadeAt      time.Time
}

// Series is one metric over time.
type Series struct {
	Name   string
	Points []Point // in any order; what is not there is not known, and is no zero
}

// Point is one value of a series.
type Point struct {
	At    time.Time
	Value float64
}

// story is what the steps tell.
type story struct {
	Input
	steps     []incident.Step // by time
	diagnosis incident.Diagnosis
	looks     int // second looks
	plan      incident.Plan
	request   *incident.ApprovalRequest
	askedAt   time.Time
	decisions []incident.Decision // valid and refused
	written   *incident.Written
	undone    *incident.Written
	recovery  *incident.Recovery
	outcome   incident.Outcome
	marks     []mark
}

// mark is a moment on the plot.
type mark struct {
	at   time.Time
	what string
}

// read makes the story out of the steps. A detail that cannot be read is an error: a report that leaves something out
// silently is worse than none.
func read(in Input) (story, error) {
	s := story{Input: in, steps: slices.Clone(in.Steps), outcome: in.Outcome}
	slices.SortStableFunc(s.steps, func(a, b incident.Step) int { return a.At.Compare(b.At) })
	for _, step := range s.steps {
		if err := s.add(step); err != nil {
			return story{}, fmt.Errorf("report %s: step %s/%d, %s: %w", in.Incident, step.Writer, step.N, step.Kind, err)
		}
	}
	if change := s.diagnosis.Change; change != nil {
		s.mark(change.At, change.EventName+", the blamed change")
	}
	slices.SortStableFunc(s.marks, func(a, b mark) int { return a.at.Compare(b.at) })
	return s, nil
}

func (s *story) mark(at time.Time, what string) { s.marks = append(s.marks, mark{at, what}) }

// add takes what one step says, from the writer that may say it.
func (s *story) add(step incident.Step) error {
	switch step.Writer + " " + string(step.Kind) {
	case "respond opened":
		s.mark(step.At, "alarm")
	case "respond diagnosed", "verify second-look":
		if step.Kind == incident.StepSecondLook {
			s.looks++
		}
		s.diagnosis = incident.Diagnosis{}
		return detail(step, &s.diagnosis)
	case "respond planned":
		s.plan = incident.Plan{}
		return detail(step, &s.plan)
	case "respond asked":
		s.request, s.askedAt = &incident.ApprovalRequest{}, step.At
		return detail(step, s.request)
	case "approve decision", "approve refused":
		var decision incident.Decision
		err := detail(step, &decision)
		s.decisions = append(s.decisions, decision)
		return err
	default:
		return s.addChange(step)
	}
	return nil
}

// addChange takes what a step says about the change and what came of it.
func (s *story) addChange(step incident.Step) error {
	switch step.Writer + " " + string(step.Kind) {
	case "remediate written":
		s.mark(step.At, "our change written")
		s.written = &incident.Written{}
		return detail(step, s.written)
	case "remediate undone":
		s.mark(step.At, "our change taken back")
		s.undone = &incident.Written{}
		return detail(step, s.undone)
	case "remediate deployed":
		s.mark(step.At, "our change on all edges")
	case "verify recovery":
		s.recovery = &incident.Recovery{}
		return detail(step, s.recovery)
	case "verify closed", "respond closed":
		if s.outcome.Result == "" {
			return detail(step, &s.outcome)
		}
	}
	return nil
}

// detail decodes a step's detail. A step without one says nothing more.
func detail(step incident.Step, into any) error {
	if len(step.Detail) == 0 {
		return nil
	}
	return json.Unmarshal(step.Detail, into)
}

// title is one line: which distribution, why, and how it ended.
func (s story) title() string {
	name := s.Incident.Distribution
	if s.DomainName != "" {
		name += " (" + s.DomainName + ")"
	}
	return fmt.Sprintf("%s: %s, %s", name, or(string(s.diagnosis.Verdict.Cause), "no diagnosis"), s.ending())
}

func (s story) ending() string { return or(s.outcome.Result, "not ended yet") }

// fact is one line of the summary. Its value is masked where it is put together, because it holds ids that look like
// secrets and are none.
type fact struct{ name, value string }

// facts are what somebody who has ten seconds reads.
func (s story) facts() []fact {
	verdict := s.diagnosis.Verdict
	facts := []fact{
		{"Incident", s.Incident.String() + in(s.Environment)},
		{"Cause", fmt.Sprintf("%s: %s (%.0f %%)", or(string(verdict.Cause), "none"), verdict.Cause.Sentence(), 100*verdict.Confidence)},
		{"Began", s.began()},
		{"Ended", s.ended()},
		{"Outcome", joined(s.ending(), masked(s.outcome.Why))},
		{"Plan", s.planned()},
		{"Written", s.wrote()},
	}
	if u := s.undone; u != nil {
		facts = append(facts, fact{"Undone", fmt.Sprintf("at %s, ETag %s to %s", clock(u.At), or(u.FromETag, "not known"), or(u.ToETag, "not known"))})
	}
	if r := s.recovery; r != nil {
		facts = append(facts, fact{"Errors", fmt.Sprintf("%.2f %% before, %.2f %% after, over %.0f requests: %s. %s", r.Before, r.After, r.Requests, r.State, masked(r.Why))})
	}
	if s.looks > 0 {
		facts = append(facts, fact{"Looked again", fmt.Sprintf("%d times; the cause is the last look's", s.looks)})
	}
	return facts
}

func (s story) began() string {
	switch onset := s.diagnosis.Onset; {
	case !onset.IsZero() && len(s.steps) > 0:
		return fmt.Sprintf("%s; heard after %s", clock(onset), span(s.steps[0].At.Sub(onset)))
	case len(s.steps) > 0:
		return "not known; heard at " + clock(s.steps[0].At)
	default:
		return "not known"
	}
}

func (s story) ended() string {
	if s.outcome.Result == "" || len(s.steps) == 0 {
		return "not yet"
	}
	last := s.steps[len(s.steps)-1].At
	return fmt.Sprintf("%s, %s after it was heard", clock(last), span(last.Sub(s.steps[0].At)))
}

func (s story) planned() string {
	switch {
	case s.plan.TellOnly != "":
		return "nothing is touched: " + masked(s.plan.TellOnly)
	case s.plan.Quota != nil:
		q := s.plan.Quota
		return fmt.Sprintf("%s in %s: %g instead of %g", masked(q.Name), q.Region, q.Desired, q.Current)
	case len(s.plan.Difference) > 0:
		return fmt.Sprintf("%s, %d fields; undone by: %s", or(s.plan.Remedy, "change"), len(s.plan.Difference), masked(or(s.plan.WayBack, "not known")))
	default:
		return "none"
	}
}

func (s story) wrote() string {
	switch w := s.written; {
	case w == nil:
		return "nothing that the record knows of"
	case w.Action == "quota":
		return fmt.Sprintf("quota request %s at %s", or(w.RequestID, "without an id"), clock(w.At))
	default:
		return fmt.Sprintf("%s at %s, ETag %s to %s", w.Action, clock(w.At), or(w.FromETag, "not known"), or(w.ToETag, "not known"))
	}
}

// answers are the approvers' decisions, and those who gave none.
func (s story) answers() [][]string {
	var rows [][]string
	heard := map[string]bool{}
	for _, decision := range s.decisions {
		what := string(decision.Verb)
		if decision.Refusal != "" {
			what = "refused: " + decision.Refusal
		} else {
			heard[decision.Approver] = true
		}
		rows = append(rows, []string{or(decision.Approver, "nobody's topic"), what, s.delay(decision.At), decision.Reason})
	}
	if s.request == nil {
		return rows
	}
	for _, name := range s.request.Approvers {
		if !heard[name] {
			rows = append(rows, []string{name, "no answer", "", ""})
		}
	}
	return rows
}

func (s story) delay(at time.Time) string {
	if s.askedAt.IsZero() {
		return clock(at)
	}
	return "after " + span(at.Sub(s.askedAt))
}

// asked is one sentence on what was asked.
func (s story) asked() string {
	if s.request == nil {
		return "Nobody was asked."
	}
	return fmt.Sprintf("Asked at %s, until %s; %d of %d approvers needed.", clock(s.askedAt), clock(s.request.Expires), max(1, s.request.Required), len(s.request.Approvers))
}

// rows of a table are cut where the incident's folder has the rest.
const (
	mostRows  = 200
	mostFacts = 12
)

// timeline is one row a step: when, how long after the first, who, what.
func (s story) timeline() [][]string {
	var rows [][]string
	for i, step := range s.steps {
		if i == mostRows {
			return append(rows, []string{"", "", "", fmt.Sprintf("and %d more steps", len(s.steps)-i)})
		}
		rows = append(rows, []string{step.At.UTC().Format("15:04:05"), "+" + span(step.At.Sub(s.steps[0].At)), step.Writer, joined(string(step.Kind), step.Note)})
	}
	return rows
}

// changes is one row a field.
func (s story) changes() [][]string {
	var rows [][]string
	for i, change := range s.plan.Difference {
		if i == mostRows {
			return append(rows, []string{fmt.Sprintf("and %d more fields", len(s.plan.Difference)-i), "", ""})
		}
		from, to := change.Readable()
		rows = append(rows, []string{change.Path, from, to})
	}
	return rows
}

// weighed is one row a candidate.
func (s story) weighed() [][]string {
	var rows [][]string
	for i, candidate := range s.diagnosis.Candidates {
		if i == mostRows {
			break
		}
		rows = append(rows, []string{
			string(candidate.Cause), fmt.Sprintf("%.0f %%", 100*candidate.Confidence),
			list(candidate.For), list(candidate.Against), list(candidate.Missing),
		})
	}
	return rows
}

// gaps is one row a source that could not be read.
func (s story) gaps() [][]string {
	var rows [][]string
	for i, gap := range s.diagnosis.Gaps {
		if i == mostRows {
			break
		}
		rows = append(rows, []string{gap.Source, gap.Why, gap.Next})
	}
	return rows
}

// table is one part of the report.
type table struct {
	heading string
	before  string // a sentence before the table; may be empty
	columns []string
	rows    [][]string
	none    string // what is said where there are no rows
}

// everything says that there is no gap, where there was a diagnosis that could have one.
func (s story) everything() string {
	if s.diagnosis.Verdict.Cause == "" {
		return "There is no diagnosis, so nothing is known."
	}
	return "Every source was read."
}

// tables are the parts of the report after the summary, in the order in which people ask.
func (s story) tables() []table {
	return []table{
		{"What happened", "", []string{"UTC", "since", "who", "what"}, s.timeline(), "Nothing is recorded."},
		{"Why", "", []string{"cause", "sure", "for", "against", "missing"}, s.weighed(), "No cause was weighed."},
		{"The change", "", []string{"field", "was", "becomes"}, s.changes(), "No field was to be changed."},
		{"Who decided", s.asked(), []string{"approver", "answer", "when", "reason"}, s.answers(), "No answer came."},
		{"Not read, so not known", "", []string{"source", "why", "what would close the gap"}, s.gaps(), s.everything()},
	}
}
