// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package notify

import (
	"fmt"
	"strings"
	"time"

	"cloudfront503/pkg/incident"
)

// How much of a list people are shown; the incident's folder has the rest.
const (
	mostFields   = 40
	mostFacts    = 8
	mostGaps     = 10
	mostCommands = 8
)

// cause says what is thought to happen, and how sure that is.
func (p *page) cause(d incident.Diagnosis) {
	p.say("Cause: %s (%s), %s.", d.Verdict.Cause, d.Verdict.Cause.Sentence(), sure(d.Verdict))
	if !d.Onset.IsZero() {
		p.say("Since: %s.", clock(d.Onset))
	}
	if change := d.Change; change != nil {
		p.say("Blamed: %s by %s at %s.", change.EventName, change.By, clock(change.At))
	}
}

// sure is the confidence in words. A verdict that abstains says of the leading candidate only that it leads.
func sure(v incident.Verdict) string {
	if v.Cause == incident.Undetermined {
		return fmt.Sprintf("the best candidate has %.0f %%", 100*v.Confidence)
	}
	return fmt.Sprintf("%.0f %% sure", 100*v.Confidence)
}

// leading is the candidate of the verdict, or the first where the verdict abstains.
func leading(d incident.Diagnosis) (incident.Candidate, bool) {
	for _, candidate := range d.Candidates {
		if candidate.Cause == d.Verdict.Cause {
			return candidate, true
		}
	}
	if len(d.Candidates) > 0 {
		return d.Candidates[0], true
	}
	return incident.Candidate{}, false
}

// evidence says what speaks for and against the leading candidate, and what is missing.
func (p *page) evidence(d incident.Diagnosis) {
	candidate, has := leading(d)
	if has {
		p.heading("evidence about " + line(string(candidate.Cause), 60))
		p.facts("for", candidate.For)
		p.facts("against", candidate.Against)
		p.facts("missing", candidate.Missing)
	}
	p.others(d, candidate.Cause)
	p.gaps(d.Gaps)
}

func (p *page) facts(word string, facts []incident.Fact) {
	for i, fact := range facts {
		if i == mostFacts {
			p.say("  %s: and %d more", word, len(facts)-i)
			return
		}
		p.say("  %s: %s [%s]", word, fact.Fact, fact.Source)
	}
}

func (p *page) others(d incident.Diagnosis, leading incident.Cause) {
	var others []string
	for _, candidate := range d.Candidates {
		if candidate.Cause != leading && len(others) < 4 {
			others = append(others, fmt.Sprintf("%s %.0f %%", candidate.Cause, 100*candidate.Confidence))
		}
	}
	if len(others) > 0 {
		p.say("  weighed as well: %s", strings.Join(others, ", "))
	}
}

func (p *page) gaps(gaps []incident.Gap) {
	if len(gaps) == 0 {
		return
	}
	p.heading("not read, so not known")
	for i, gap := range gaps {
		if i == mostGaps {
			p.say("  and %d more", len(gaps)-i)
			return
		}
		p.say("  %s: %s%s", gap.Source, gap.Why, prefixed("; next: ", gap.Next))
	}
}

// each says a plan's sentences, one a line, each under the same word.
func (p *page) each(word string, sentences []string) {
	for _, sentence := range sentences[:min(len(sentences), mostFacts)] {
		p.say("%s: %s", word, sentence)
	}
	if more := len(sentences) - mostFacts; more > 0 {
		p.say("%s: and %d more, see plan.json", word, more)
	}
}

// difference lists what would change, one line a field.
func (p *page) difference(plan incident.Plan) {
	if quota := plan.Quota; quota != nil {
		p.say("  %s (%s %s) in %s: %g -> %g", quota.Name, quota.Service, quota.Code, quota.Region, quota.Current, quota.Desired)
	}
	for i, change := range plan.Difference {
		if i == mostFields {
			p.say("  and %d more fields: see plan.json", len(plan.Difference)-i)
			return
		}
		from, to := change.Readable()
		p.say("  %s: %s -> %s", change.Path, from, to)
	}
}

// because says in words what a plan rests on.
func because(plan incident.Plan) string {
	if plan.ByWish() {
		return wished
	}
	return "of " + or(string(plan.Cause), "a cause that is not known")
}

// wished is what a plan rests on that no diagnosis has led to.
const wished = "a person asks for it"

// snapshot says where the configuration is kept.
func (p *page) snapshot(heading string, s incident.Snapshot) {
	if s.ConfigKey == "" {
		return
	}
	p.heading(heading)
	p.say("  %s, version %s", s.ConfigKey, id(or(s.VersionID, "not known")))
}

// commands are lines to paste that come from a plan or a diagnosis.
func (p *page) commands(heading string, commands []string) {
	if len(commands) == 0 {
		return
	}
	p.heading(heading)
	for _, command := range commands[:min(len(commands), mostCommands)] {
		p.say("  %s", command)
	}
}

// footer says where everything is kept.
func (p *page) footer(about About) {
	if about.Incident.ID == "" {
		return
	}
	p.say("")
	p.say("Incident %s.", about.Incident)
	if about.Bucket != "" {
		p.say("Kept in s3://%s/incidents/%s/", about.Bucket, about.Incident)
	}
}

// clock is a time as people compare it: UTC, to the second.
func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// prefixed is a text with something before it, or nothing where there is no text.
func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}
