// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package plan

import (
	"fmt"
	"slices"
	"strings"

	"cloudfront503/pkg/incident"
)

// trait is what holds of a remedy, whatever the cause.
type trait struct {
	runbook  string   // the SSM document's logical name
	title    string   // a clause for people, as "restore the blamed fields"
	wayBack  string   // one sentence: how it is undone
	undone   string   // the same as a clause
	reaches  string   // one sentence: how long until viewers get it [facts 5.2]
	services []string // of AWS, whose open Health events stop it: those that it works through
	anyway   bool     // an open event does not stop it, but needs two approvals
	beside   bool     // it mends nothing, so that it needs no certain cause, and that it is not possible is no reason
	fill     func(Input, *incident.Plan) string
}

const (
	sameFields = "The same fields get back what they hold now, while they still hold our values, within two hours; this approval covers it."
	exposing   = " That would take off what may protect something, so that it is not done on one approval: then by hand."
	fieldsBack = "the same fields get back what they held, within two hours"
	oneByOne   = "Edges get it one by one, within minutes; all of them have it after 5 to 20."
	silence    = "Nobody answers: on-call hears of it after half an hour, and after an hour it is a no."
)

// byItself says when the way back is taken without asking again.
var byItself = map[incident.TakenBack]string{
	incident.TakenBackWorse: " Where more requests fail after the change than before, that is done at once, and nobody is asked again.",
	incident.TakenBackNotRecovered: " Where more requests fail after the change than before, or as many still fail 20 minutes after it, that is done at once, " +
		"and nobody is asked again.",
}

// traits are the remedies. A further one is a row here, one in the policy, and whatever package remedy needs.
var traits = map[string]trait{
	incident.RemedyRestore: {
		runbook: "RestoreDistribution", title: "put the blamed fields back to their known good values",
		wayBack: sameFields, undone: fieldsBack, reaches: oneByOne, services: []string{"CLOUDFRONT"}, fill: restore,
	},
	incident.RemedyEdge: {
		runbook: "RestoreEdgeFunction", title: "point the Lambda@Edge association to the version that served well before, or take it off",
		wayBack: sameFields, undone: fieldsBack, services: []string{"CLOUDFRONT", "LAMBDA"}, fill: repointEdge,
		reaches: "Edges get it one by one, within minutes; Lambda@Edge may take 15 to copy a version.",
	},
	incident.RemedyCode: {
		runbook: "RestoreEdgeFunction", title: "publish the code with which the CloudFront Function served well before",
		wayBack: "The code that is live now is published again, while the function still holds ours, within two hours; this approval covers it.",
		undone:  "the code of before is published again, within two hours", services: []string{"CLOUDFRONT"}, fill: publishCode,
		reaches: "Edges get it once the distributions that use the function are deployed, within minutes; throttling may linger for 5 to 15 minutes after that.",
	},
	incident.RemedyAccess: {
		runbook: "RestoreEdgeFunctionAccess", title: "let Lambda@Edge assume the function's role again",
		wayBack: "The trust policy as it is now is written again, while the role still holds ours, within two hours; this approval covers it.",
		undone:  "the policy of before is written again, within two hours", services: []string{"CLOUDFRONT", "LAMBDA", "IAM"}, fill: mendTrust,
		reaches: "IAM's change is in force within seconds to minutes.",
	},
	incident.RemedyFailover: {
		runbook: "FailOverOrigin", title: "fail over to the origin that stands ready",
		wayBack: sameFields, undone: fieldsBack, reaches: oneByOne, services: []string{"CLOUDFRONT"}, anyway: true, fill: failOver,
	},
	incident.RemedyProtect: {
		runbook: "ProtectOrigin", title: "change how long edges keep the origin's error, and put Origin Shield before a bucket",
		wayBack: sameFields, undone: fieldsBack, reaches: oneByOne + " What is cached already stays until its time is over.",
		services: []string{"CLOUDFRONT"}, fill: protect,
	},
	incident.RemedyQuota: {
		runbook: "RequestQuotaIncrease", title: "ask AWS for more of the quota that is used up",
		wayBack: "None through the API: a quota cannot be lowered. A higher one costs nothing by itself.",
		undone:  "not through the API",
		reaches: "AWS decides, within minutes to days.", services: []string{"CLOUDFRONT", "LAMBDA", "SERVICEQUOTAS"}, fill: requestQuota,
	},
	incident.RemedyEvidence: {
		runbook: "SwitchOnEvidence", title: "switch on the metrics, logs and alarms that are missing",
		wayBack: "What was made is taken away again, while it stands as it was made, within two hours; this approval covers it.",
		undone:  "what was made is taken away, within two hours",
		reaches: "Metrics and alarms show it within minutes, logs within minutes to a day.", services: []string{"CLOUDFRONT", "CLOUDWATCH"},
		beside: true, fill: switchOn,
	},
}

// restore completes the three-way merge.
func restore(in Input, plan *incident.Plan) string {
	if in.Wish != nil {
		return restoreWished(in, plan)
	}
	if why := in.noKnownGood(); why != "" {
		return why
	}
	if plan.Cause != incident.ErrorPage503 && !in.blamesConfiguration() {
		return "No change of the distribution is blamed, so its configuration is not what has to change."
	}
	return in.change(plan)
}

// blamesConfiguration reports whether an UpdateDistribution is blamed, or one of its kin.
func (in Input) blamesConfiguration() bool {
	return in.Diagnosis.Change != nil && strings.HasPrefix(in.Diagnosis.Change.EventName, "UpdateDistribution")
}

func (in Input) noKnownGood() string {
	switch {
	case in.KnownGood == nil:
		return "No known good configuration is kept yet: one must have served healthily for a while."
	case !in.KnownGood.Restorable:
		return "The known good configuration has elements that this software does not know."
	}
	return ""
}

// change takes what was computed for the plan's remedy, or says why there is nothing to approve.
func (in Input) change(plan *incident.Plan) string {
	change := in.Changes[plan.Remedy]
	switch {
	case !in.Live.Restorable:
		return "The configuration has elements that this software does not know and would lose: " + strings.Join(in.Live.Unknown, ", ") + "."
	case change.Refusal != "":
		return sentence(change.Refusal)
	case len(change.Difference) == 0 || change.Hash == "":
		return "The configuration does not differ from the known good one where it is blamed."
	}
	plan.Difference, plan.Hash, plan.Recipe, plan.Exposes = change.Difference, change.Hash, change.Recipe, change.Exposes
	if plan.Recipe != nil && !plan.ByWish() { // which is all that the change rests on
		plan.Base, plan.Ours = nil, nil
	}
	if change.Returns && !plan.ByWish() {
		plan.TakenBack = in.Policy.TakenBack
		plan.Hash, plan.WayBack = plan.TakenBack.Bind(plan.Hash), plan.WayBack+byItself[plan.TakenBack]
	}
	plan.Approvals = max(plan.Approvals, change.Needed)
	if len(change.Exposes) > 0 {
		plan.Approvals = max(2, plan.Approvals)
	}
	if !change.Returns && plan.Approvals < 2 {
		plan.WayBack += exposing
	}
	plan.Advice = slices.Concat(change.Exposes, plan.Advice)
	if len(change.Left) > 0 {
		plan.Advice = append(plan.Advice, "Left as it is, because it protects something: "+strings.Join(change.Left, ", ")+".")
	}
	return ""
}

// repointEdge completes the change of a Lambda@Edge association.
func repointEdge(in Input, plan *incident.Plan) string {
	if why := in.change(plan); why != "" {
		return why
	}
	if plan.Recipe == nil || plan.Recipe.Edge == nil || len(plan.Recipe.Edge.Repoint) == 0 {
		return "No association of the function was found."
	}
	recipe := plan.Recipe.Edge
	first := recipe.Repoint[0]
	plan.Does = fmt.Sprintf("point %s back from %s to %s", places(len(recipe.Repoint)), version(first.From), version(first.To))
	plan.Shared = []string{"Other distributions keep the versions that they name; the function itself is not changed."}
	if recipe.Detaches() {
		plan.Approvals = max(2, plan.Approvals)
		plan.Does = fmt.Sprintf("take %s off %s", version(first.From), places(len(recipe.Repoint)))
		plan.Limits = []string{"Requests pass without the function from then on: what it checks, rewrites or adds is missing."}
	}
	return ""
}

func places(n int) string {
	if n == 1 {
		return "one association"
	}
	return fmt.Sprintf("%d associations", n)
}

// version is a version's ARN as people call it: auth:7.
func version(arn string) string {
	if parts := strings.Split(arn, ":"); len(parts) == 8 {
		return parts[6] + ":" + parts[7]
	}
	return arn
}

// failOver completes the way to another origin.
func failOver(in Input, plan *incident.Plan) string {
	if why := in.change(plan); why != "" {
		return why
	}
	if plan.Recipe == nil || plan.Recipe.Failover == nil {
		return "No origin to fail over to was found."
	}
	recipe := plan.Recipe.Failover
	plan.Does = fmt.Sprintf("fail over from origin %s to %s, through origin group %s", recipe.Origin, recipe.Standby, recipe.Group)
	plan.Limits = []string{
		"CloudFront fails over GET and HEAD, and OPTIONS where it is cached; POST, PUT, PATCH and DELETE are not helped.",
		"Each request still goes to the failing origin first, and waits for its answer.",
		"Whether origin " + recipe.Standby + " answers, and lets this distribution in, was not tried.",
	}
	if len(recipe.Writes) > 0 {
		plan.Limits = append(plan.Limits, "Behaviours that take writes stay with origin "+recipe.Origin+": "+strings.Join(recipe.Writes, ", ")+".")
	}
	if len(recipe.Codes) > 0 && !recipe.Make {
		plan.Shared = []string{"Other behaviours that go to origin group " + recipe.Group + " fail over on 503 as well then."}
	}
	return ""
}

// protect completes what takes load off an origin, or lets a replayed error go.
func protect(in Input, plan *incident.Plan) string {
	if why := in.change(plan); why != "" {
		return why
	}
	if plan.Recipe == nil || plan.Recipe.Protect == nil {
		return "No way to protect the origin was found."
	}
	var does []string
	recipe := plan.Recipe.Protect
	if recipe.ErrorCode != 0 {
		does = append(does, fmt.Sprintf("keep answers with %d for %d seconds at the edges", recipe.ErrorCode, recipe.ErrorTTL))
		plan.Shared = append(plan.Shared, fmt.Sprintf("All behaviours of the distribution keep %d for that long, whichever origin answers it.", recipe.ErrorCode))
		plan.Limits = append(plan.Limits, "Where the origin names a longer caching time in its headers, that one holds.")
	}
	if recipe.Origin != "" {
		does = append(does, fmt.Sprintf("put Origin Shield in %s before origin %s", recipe.ShieldRegion, recipe.Origin))
		plan.Limits = append(plan.Limits, "Origin Shield costs money by request; its cache begins empty.")
	}
	plan.Does = strings.Join(does, ", and ")
	return ""
}

func reference(snapshot *incident.Snapshot) *incident.ConfigRef {
	if snapshot == nil {
		return nil
	}
	return &incident.ConfigRef{Key: snapshot.ConfigKey, VersionID: snapshot.VersionID, SHA256: snapshot.SHA256, ETag: snapshot.ETag}
}
