// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package plan

import (
	"fmt"
	"slices"
	"strings"

	"cloudfront503/pkg/incident"
)

// switchOn completes the plan that mends nothing, and shows more. It costs money, which people must know who approve.
func switchOn(in Input, plan *incident.Plan) string {
	if why := in.beyondConfiguration(plan); why != "" {
		return why
	}
	if plan.Recipe == nil || plan.Recipe.Evidence == nil {
		return "Nothing to switch on was found."
	}
	recipe := plan.Recipe.Evidence
	var does, costs []string
	if recipe.Metrics {
		does, costs = append(does, "additional metrics"), append(costs, "additional metrics by the distribution and month")
	}
	if recipe.Logs != nil {
		does, costs = append(does, "standard logs to "+recipe.Logs.Target), append(costs, "logs by what is delivered and kept")
	}
	for _, alarm := range recipe.Alarms {
		does = append(does, fmt.Sprintf("an alarm at 80 %% of the quota %s%s, which is %s", alarm.Quota, elsewhere(alarm), number(alarm.Value)))
	}
	if len(recipe.Alarms) > 0 {
		costs = append(costs, "alarms by the month")
	}
	plan.Does = "switch on " + and(does)
	plan.Limits = []string{
		"It costs money until it is taken back: " + and(costs) + ".",
		"It mends nothing. It shows what happens from then on, and the cause is looked for with that.",
	}
	if slices.ContainsFunc(recipe.Alarms, func(alarm incident.QuotaAlarm) bool { return alarm.Region != "" }) {
		plan.Limits = append(plan.Limits, "An alarm of another Region tells the topic that QuotaTopics lists there; that this topic lets CloudWatch publish is not checked.")
	}
	plan.Limits = append(plan.Limits, in.Changes[plan.Remedy].Unwatched...)
	if recipe.Logs != nil {
		plan.Limits = append(plan.Limits, "Logs hold the viewers' addresses, and stay in the bucket when their delivery ends.")
	}
	if left := in.Changes[plan.Remedy].Left; len(left) > 0 {
		plan.Limits = append(plan.Limits, "On already, and left as it is: "+and(left)+".")
	}
	return ""
}

// elsewhere names the Region of an alarm that is not the stack's own.
func elsewhere(alarm incident.QuotaAlarm) string {
	if alarm.Region == "" {
		return ""
	}
	return " in " + alarm.Region
}

// and makes a list of words.
func and(words []string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
	return strings.Join(words, "")
}
