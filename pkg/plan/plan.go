// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package plan says what would be done about a diagnosis, or why nothing is: the policy as one table, and guards that no
// policy switches off. It computes no change and calls nothing; what it needs is handed to it.
package plan

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/incident"
)

// What a plan's Remedy and Runbook say.
const (
	RemedyRestore = incident.RemedyRestore
	RemedyQuota   = incident.RemedyQuota

	runbookRestore = "RestoreDistribution"
	runbookQuota   = "RequestQuotaIncrease"
)

// Input is everything that a plan is made from.
type Input struct {
	Distribution      string
	Diagnosis         incident.Diagnosis
	Live              incident.Snapshot      // with Config
	KnownGood         *incident.Snapshot     // nil: none
	Base              *incident.Snapshot     // right after the blamed change; nil: none, and no merge
	Change            Change                 // what the remedy computed
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
	Exposes    []string // sentences on what the change takes off; such a change needs two people
	Left       []string // fields of the blamed change that stay as they are
	Refusal    string   // why nothing can be put back; empty where something can
}

// Policy is what the stack allows.
type Policy struct {
	Observe       bool     // start nothing, only say what would be asked
	Stop          bool     // the stop switch
	Quorum        int      // how many people must approve at least
	Approvers     int      // how many there are
	Distributions []string // opted in
	Confidence    float64  // the least confidence that starts a runbook; 0: DefaultConfidence
}

// DefaultConfidence is the least confidence at which people are asked to approve a change.
const DefaultConfidence = 0.8

// Pause is how long after a write nothing else is written to the same distribution; a way back is not meant.
const Pause = time.Hour

// Make makes the plan. The input's Change is what was computed for the Draft of the same input.
func Make(in Input) incident.Plan {
	plan := Draft(in)
	if plan.TellOnly == "" {
		plan.TellOnly = in.guard(plan)
	}
	if plan.TellOnly != "" {
		plan.Runbook = ""
	}
	return plan
}

// Draft is the plan before its guards, and before its change is known: Remedy, and the configurations that it names, say
// what is to be computed. Remedy is empty where nothing may be touched.
func Draft(in Input) incident.Plan {
	plan := incident.Plan{
		Cause: in.Diagnosis.Verdict.Cause, Confidence: in.Diagnosis.Verdict.Confidence, Distribution: in.Distribution,
		BlamedBy: in.Diagnosis.Change, Affects: in.affects(),
	}
	line := lineFor(plan.Cause)
	plan.Advice = slices.Clone(line.advice)
	switch line.action(in) {
	case restore:
		in.restore(&plan)
	case quota:
		in.quota(&plan)
	default:
		plan.TellOnly = line.why
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

func (r row) action(in Input) kind {
	blamed := in.Diagnosis.Change != nil && strings.HasPrefix(in.Diagnosis.Change.EventName, "UpdateDistribution")
	if r.do == restoreBlamed && blamed {
		return restore
	}
	if r.do == restoreBlamed {
		return tell
	}
	return r.do
}

func (in Input) restore(plan *incident.Plan) {
	plan.Remedy, plan.Runbook, plan.ETag = RemedyRestore, runbookRestore, in.Live.ETag
	plan.Base, plan.Ours = reference(in.Base), reference(in.KnownGood)
	plan.Difference, plan.Hash = in.Change.Difference, in.Change.Hash
	plan.WayBack = "The same fields get back what they hold now, while they still hold our values, within two hours; this approval covers it."
	plan.Approvals = max(1, in.Policy.Quorum)
	if len(in.Change.Exposes) > 0 {
		plan.Approvals = max(2, plan.Approvals)
	}
	plan.Advice = slices.Concat(in.Change.Exposes, plan.Advice)
	if len(in.Change.Left) > 0 {
		plan.Advice = append(plan.Advice, "Left as it is, because it protects something: "+strings.Join(in.Change.Left, ", ")+".")
	}
	plan.TellOnly = in.unrestorable()
}

// unrestorable says why there is no change to approve.
func (in Input) unrestorable() string {
	switch {
	case !in.Live.Restorable:
		return "The configuration has elements that this software does not know and would lose: " + strings.Join(in.Live.Unknown, ", ") + "."
	case in.KnownGood == nil:
		return "No known good configuration is kept yet: one must have served healthily for a while."
	case !in.KnownGood.Restorable:
		return "The known good configuration has elements that this software does not know."
	case in.Change.Refusal != "":
		return sentence(in.Change.Refusal)
	case len(in.Change.Difference) == 0 || in.Change.Hash == "":
		return "The configuration does not differ from the known good one where it is blamed."
	}
	return ""
}

func reference(snapshot *incident.Snapshot) *incident.ConfigRef {
	if snapshot == nil {
		return nil
	}
	return &incident.ConfigRef{Key: snapshot.ConfigKey, VersionID: snapshot.VersionID, SHA256: snapshot.SHA256, ETag: snapshot.ETag}
}

// knownCodes are the codes of quotas that every account has, by service and name [Service Quotas].
var knownCodes = map[[2]string]string{
	{"lambda", "Concurrent executions"}: "L-B99A9384",
}

func (in Input) quota(plan *incident.Plan) {
	plan.Remedy, plan.Runbook, plan.ETag = RemedyQuota, runbookQuota, in.Live.ETag
	plan.WayBack = "None through the API: a quota cannot be lowered. A higher one costs nothing by itself."
	plan.Approvals = max(1, in.Policy.Quorum)
	used := in.Diagnosis.Detail.Quota
	if used == nil {
		plan.TellOnly = "The quota that is used up could not be read."
		return
	}
	code := used.Code
	if code == "" {
		code = knownCodes[[2]string{used.Service, used.Name}]
	}
	desired, why := Desired(used.Value, used.Used)
	if code == "" {
		why = "Service Quotas' code of the quota could not be read."
	}
	if plan.TellOnly = why; why != "" {
		return
	}
	plan.Quota = &incident.QuotaRequest{
		Service: used.Service, Code: code, Name: used.Name, Region: used.Region, Current: used.Value, Desired: desired,
	}
	plan.Hash = incident.ChangeHash(in.Distribution, plan.ETag, nil, plan.Quota)
}

// The rule for the value to ask for.
const (
	quotaStep    = 100 // values are rounded up to whole steps, as people ask for them
	mostIncrease = 10  // times the value in force: more is a mistake of the measurement, or for AWS Support to discuss
)

// Desired is the value to ask for: twice the highest use that was seen, at least twice the value in force, because
// throttled requests were not seen; rounded up to a whole hundred, and never more than ten times the value in force. Where
// the use is too high to be true for that value, why says so and nothing is asked for.
func Desired(value, used float64) (desired float64, why string) {
	if !(value > 0) || math.IsInf(value, 0) || math.IsNaN(used) {
		return 0, "The value of the quota in force could not be read."
	}
	most := value * mostIncrease
	wanted := 2 * math.Max(value, used)
	if wanted > most {
		return 0, fmt.Sprintf("The use that was seen (%s) does not fit the quota in force (%s): somebody should look first.", number(used), number(value))
	}
	return math.Min(math.Ceil(wanted/quotaStep)*quotaStep, most), ""
}

func (in Input) affects() string {
	names := in.hostNames()
	if len(names) > 3 {
		names = append(slices.Clone(names[:3]), fmt.Sprintf("%d more", len(names)-3))
	}
	rate := "An unknown number of requests a minute"
	if in.RequestsPerMinute != nil {
		rate = "About " + number(math.Round(*in.RequestsPerMinute)) + " requests a minute"
	}
	if len(names) == 0 {
		return rate + "."
	}
	return rate + " for " + strings.Join(names, ", ") + "."
}

func (in Input) hostNames() []string {
	config, err := distribution.Parse(in.Live.Config)
	if err == nil && len(config.Aliases()) > 0 {
		return config.Aliases()
	}
	if in.Live.DomainName != "" {
		return []string{in.Live.DomainName}
	}
	return nil
}

// number writes a count with commas between thousands.
func number(n float64) string {
	text := strconv.FormatFloat(n, 'f', -1, 64)
	whole, fraction, hasFraction := strings.Cut(text, ".")
	for i := len(whole) - 3; i > 0 && whole[i-1] != '-'; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if hasFraction {
		return whole + "." + fraction
	}
	return whole
}

// sentence makes a sentence of an error's text.
func sentence(text string) string {
	text = strings.TrimSuffix(strings.TrimPrefix(text, "refused: "), ".")
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}
