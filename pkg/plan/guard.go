// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package plan

import (
	"fmt"
	"slices"
	"strings"

	"cloudfront503/pkg/incident"
)

// guards are asked in this order, and the first that objects decides. Each gives one sentence, or nothing.
var guards = []func(Input, incident.Plan) string{
	stopped, notOptedIn, healthOpen, tooSoon, unsure, tooFewPeople, observing,
}

func (in Input) guard(plan incident.Plan) string {
	for _, objects := range guards {
		if why := objects(in, plan); why != "" {
			return why
		}
	}
	return ""
}

func stopped(in Input, _ incident.Plan) string {
	if in.Policy.Stop {
		return "The stop switch is on: nothing is started."
	}
	return ""
}

func notOptedIn(in Input, _ incident.Plan) string {
	if !slices.Contains(in.Policy.Distributions, in.Distribution) {
		return fmt.Sprintf("Distribution %s is not among those that may be changed.", in.Distribution)
	}
	return ""
}

// remedyServices are the services whose open Health events stop a remedy: those that it works through.
var remedyServices = map[string][]string{
	RemedyRestore: {"CLOUDFRONT"},
	RemedyQuota:   {"CLOUDFRONT", "LAMBDA", "SERVICEQUOTAS"},
}

// healthOpen keeps still during AWS's own incidents: changes may not propagate then, and a rollback only adds risk.
// Notices to the account and announced changes are no incidents.
func healthOpen(in Input, plan incident.Plan) string {
	for _, event := range in.OpenHealth {
		incidental := event.Category == "issue" || event.Category == "investigation"
		if event.Status == "open" && incidental && slices.Contains(remedyServices[plan.Remedy], strings.ToUpper(event.Service)) {
			return fmt.Sprintf("AWS Health has an open event about %s (%s): nothing is changed until it is over.", event.Service, event.Type)
		}
	}
	return ""
}

func tooSoon(in Input, _ incident.Plan) string {
	if since := in.Now.Sub(in.RecentWrite); !in.RecentWrite.IsZero() && since < Pause {
		return fmt.Sprintf("This software changed the distribution %d minutes ago; it never does so twice within an hour.", max(0, int(since.Minutes())))
	}
	return ""
}

func unsure(in Input, plan incident.Plan) string {
	least := in.Policy.Confidence
	if least <= 0 {
		least = DefaultConfidence
	}
	if !(plan.Confidence >= least) { // not-a-number is unsure as well
		return fmt.Sprintf("The diagnosis is %.0f %% sure; a change needs %.0f %%.", 100*plan.Confidence, 100*least)
	}
	return ""
}

func tooFewPeople(in Input, plan incident.Plan) string {
	if in.Policy.Approvers < plan.Approvals {
		return fmt.Sprintf("The change needs %d people to approve, and the stack has %d.", plan.Approvals, in.Policy.Approvers)
	}
	return ""
}

// observing comes last, so that the sentence says that everything else would have allowed it.
func observing(in Input, _ incident.Plan) string {
	if in.Policy.Observe {
		return "This stack only observes: people would have been asked to approve this change."
	}
	return ""
}
