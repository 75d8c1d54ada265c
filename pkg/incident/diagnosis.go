// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package incident

import "time"

// Diagnosis is the answer to "why does this distribution answer 503", in the form of docs/recorded-incident.md.
type Diagnosis struct {
	Verdict    Verdict      `json:"verdict"`
	Candidates []Candidate  `json:"candidates"`
	Change     *BlamedEvent `json:"change"`
	Gaps       []Gap        `json:"gaps"`
	Remedy     *RemedyHint  `json:"remedy"`
	Settle     []string     `json:"settle,omitempty"` // commands that would settle an undetermined verdict, cheapest first
	Onset      time.Time    `json:"onset,omitzero"`   // when the failure began, by change-point; zero where no metric tells
	Detail     Detail       `json:"detail,omitzero"`
	Neighbours []Neighbour  `json:"neighbours,omitempty"` // what it is instead, or what stands beside it, and the guide to follow
}

// Neighbour is a failure that on-call engineers mix up with a 503: what it likely is, and the guide to follow.
type Neighbour struct {
	Name  string `json:"name"`
	Why   string `json:"why"`
	Guide string `json:"guide"`
}

// Verdict is the cause and how sure it is.
type Verdict struct {
	Cause      Cause   `json:"cause"`
	Family     Family  `json:"family"`
	Confidence float64 `json:"confidence"` // a calibrated probability from 0 to 1
	Status     *int    `json:"status"`     // what failing viewers get; nil when unknown
}

// Candidate is one cause that was weighed.
type Candidate struct {
	Cause      Cause   `json:"cause"`
	Confidence float64 `json:"confidence"`
	For        []Fact  `json:"for"`
	Against    []Fact  `json:"against"`
	Missing    []Fact  `json:"missing"`
}

// Fact is one thing that a source says, or would say.
type Fact struct {
	Source string `json:"source"` // a path of the record without its ending, as metrics/eu-west-1
	Fact   string `json:"fact"`
}

// BlamedEvent is the CloudTrail event by which the fault reached viewers.
type BlamedEvent struct {
	EventID   string    `json:"eventId"`
	EventName string    `json:"eventName"`
	At        time.Time `json:"at"`
	By        string    `json:"by"`
}

// Gap is a source that could not be read, and why. A gap is never a zero.
type Gap struct {
	Source string `json:"source"`
	Why    string `json:"why"`
	Next   string `json:"next,omitempty"` // what would close the gap
}

// RemedyHint names the remedy that the diagnosis leads to.
type RemedyHint struct {
	ID       string `json:"id"`
	Runbook  string `json:"runbook,omitempty"`
	Approval bool   `json:"approval"`
}

// Detail is what a remedy must know beyond the cause; each member is empty where it does not apply.
type Detail struct {
	Paths       []string `json:"paths,omitempty"`       // cache behaviours' path patterns, or error pages, that are blamed
	OriginIDs   []string `json:"originIds,omitempty"`   // origins that are blamed
	Regions     []string `json:"regions,omitempty"`     // Regions in which Lambda@Edge is throttled
	FunctionARN string   `json:"functionArn,omitempty"` // the edge function that is blamed
	ErrorCodes  []int    `json:"errorCodes,omitempty"`  // custom error responses that turn these into 503
	Quota       *Quota   `json:"quota,omitempty"`
	HealthARN   string   `json:"healthArn,omitempty"`
}

// Quota is a service quota that is used up, found by its name.
type Quota struct {
	Service string  `json:"service"` // Service Quotas' service code, as lambda
	Name    string  `json:"name"`    // as Service Quotas prints it
	Code    string  `json:"code,omitempty"`
	Region  string  `json:"region"`
	Value   float64 `json:"value"`          // the limit in force
	Used    float64 `json:"used,omitempty"` // the highest use seen
}
