// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package plan says what would be done about a diagnosis, or why nothing is: the policy as one table, and guards that no
// policy switches off. It computes no change and calls nothing; what it needs is handed to it.
package plan

import (
	"slices"
	"strings"
	"time"

	"cloudfront503/pkg/incident"
)

// What a plan's Remedy says.
const (
	RemedyRestore = incident.RemedyRestore
	RemedyQuota   = incident.RemedyQuota
)

// Input is everything that a plan is made from.
type Input struct {
	Distribution      string
	Account           string // of the stack; may be empty
	Diagnosis         incident.Diagnosis
	Live              incident.Snapshot      // with Config
	KnownGood         *incident.Snapshot     // nil: none
	Base              *incident.Snapshot     // right after the blamed change; nil: none, and no merge
	Changes           map[string]Change      // what was computed for each of the Drafts of the same input, by remedy
	Wish              *Wish                  // what a person asks for; nil: the policy decides by the diagnosis
	Policy            Policy                 // of the stack
	OpenHealth        []incident.HealthEvent // the open ones, of any service
	RequestsPerMinute *float64               // as before the incident; nil: unknown
	RecentWrite       time.Time              // of this software to this distribution, other than a way back; zero: none
	Now               time.Time
}

// Change is a computed change, or why there is none.
type Change struct {
	Difference []incident.FieldChange
	Hash       string
	Recipe     *incident.Recipe // what it was computed from; nil for a merge
	Exposes    []string         // sentences on what the change takes off; such a change needs two people
	Needed     int              // how many people at the least; 0: one
	Returns    bool             // its way back takes off nothing that protects, so that nobody need be asked about it again
	Left       []string         // fields of the blamed change that stay as they are
	Others     []string         // who else uses what changes: the ids of distributions with a function, the names of functions with a role
	Findings   []string         // sentences on what a check of the change found
	Unwatched  []string         // sentences on quotas that are used and get no alarm
	Refusal    string           // why there is none; empty where there is one
}

// Policy is what the stack allows.
type Policy struct {
	Observe       bool     // start nothing, only say what would be asked
	Stop          bool     // the stop switch
	Quorum        int      // how many people must approve at least
	Approvers     int      // how many there are
	Distributions []string // that the stack may change
	OptIn         string   // the tag that a distribution must bear to be changed, as KEY=VALUE or KEY; empty: none
	Calendar      Calendar
	Confidence    float64            // the least confidence that starts a runbook; 0: DefaultConfidence
	TakenBack     incident.TakenBack // when a change of the configuration is taken back without asking again
}

// Calendar is the Change Calendar that the stack respects, as it is now.
type Calendar struct {
	Name      string // empty: none is named
	Closed    bool
	Problem   string // why its state could not be read, which counts as closed; empty: it was read
	AskAnyway bool   // people are asked while it is closed; not about DNS, certificates and TLS
}

// AskCalendar is the calendar of a name, empty for none, as SSM says it is now: state is OPEN or CLOSED. askAnyway says that
// people may be asked while it is closed.
func AskCalendar(name string, askAnyway bool, state func(name string) (string, error)) Calendar {
	calendar := Calendar{Name: name, AskAnyway: askAnyway}
	if name == "" {
		return calendar
	}
	said, err := state(name)
	if err != nil {
		calendar.Problem = err.Error()
	}
	calendar.Closed = said != "OPEN"
	return calendar
}

// DefaultConfidence is the least confidence at which people are asked to approve a change.
const DefaultConfidence = 0.8

// Pause is how long after a write nothing else is written to the same distribution; a way back is not meant.
const Pause = time.Hour

// Drafts are the plans that come into question, in the policy's order, before their changes are known and their guards
// asked: Remedy, and the configurations that it names, say what is to be computed. There are none where nothing may be
// touched.
func Drafts(in Input) []incident.Plan {
	var drafts []incident.Plan
	for _, remedy := range in.row().remedies {
		drafts = append(drafts, in.draft(remedy))
	}
	return drafts
}

// Make makes the plan: the first remedy of the policy that is possible and to which no guard objects; else the first that
// is possible, and the guard's objection; else why none is.
func Make(in Input) incident.Plan {
	line := in.row()
	var objected *incident.Plan
	var lacking []string
	for _, remedy := range line.remedies {
		plan := in.draft(remedy)
		plan.Advice = slices.Clone(line.advice)
		if why := in.fill(&plan); why != "" {
			if !traits[remedy].beside {
				lacking = append(lacking, why)
			}
			continue
		}
		if plan.TellOnly = in.guard(plan); plan.TellOnly == "" {
			return plan
		}
		if objected == nil {
			objected = &plan
		}
	}
	if objected != nil {
		objected.Runbook = ""
		return *objected
	}
	return in.nothing(line, lacking)
}

// draft is a plan of which only the remedy is known.
func (in Input) draft(remedy string) incident.Plan {
	trait := traits[remedy]
	plan := incident.Plan{
		Cause: in.Diagnosis.Verdict.Cause, Confidence: in.Diagnosis.Verdict.Confidence, Distribution: in.Distribution,
		BlamedBy: in.Diagnosis.Change, Affects: in.affects(), Remedy: remedy, Runbook: trait.runbook, ETag: in.Live.ETag,
		Base: reference(in.Base), Ours: reference(in.KnownGood), WayBack: trait.wayBack, Reaches: trait.reaches,
	}
	in.grant(&plan)
	return plan
}

// fill completes the plan of a remedy, or says what the remedy lacks.
func (in Input) fill(plan *incident.Plan) string {
	trait := traits[plan.Remedy]
	plan.Approvals = max(1, in.Policy.Quorum)
	if why := trait.fill(in, plan); why != "" {
		return why
	}
	if in.tenantOnly() && plan.Quota == nil { // a request for a quota changes nothing that tenants have
		plan.Approvals = max(2, plan.Approvals)
	}
	if event := in.openAbout(in.servicesBehind(*plan)); trait.anyway && event != nil {
		plan.Approvals = max(2, plan.Approvals)
		plan.Limits = append(plan.Limits, "AWS Health has an open event about "+event.Service+": a change may reach the edges late, or not at all.")
	}
	plan.Scope, plan.Silence = in.scope(), silence
	return ""
}

// nothing is the plan where no remedy is possible: what each lacks, or what the policy says.
func (in Input) nothing(line row, lacking []string) incident.Plan {
	plan := in.draft("")
	plan.Base, plan.Ours, plan.ETag = nil, nil, ""
	plan.Advice, plan.TellOnly = slices.Clone(line.advice), line.why
	switch {
	case len(line.remedies) == 1 && len(lacking) == 1:
		plan.Remedy, plan.TellOnly = line.remedies[0], lacking[0]
	case len(lacking) > 0:
		plan.TellOnly = strings.TrimSpace(line.why + " Nothing else is possible: " + lower(strings.Join(lacking, " ")))
	}
	return plan
}

// lineFor is the policy's row; a cause that it does not know is treated as undetermined.
func lineFor(cause incident.Cause) row {
	if line, known := policy[cause]; known {
		return line
	}
	return policy[incident.Undetermined]
}
