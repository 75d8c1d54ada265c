// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package plan

import (
	"fmt"
	"slices"
	"strings"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/incident"
)

// guards are asked in this order, and the first that objects decides. Each gives one sentence, or nothing.
var guards = []func(Input, incident.Plan) string{
	stopped, notOptedIn, untagged, healthOpen, tooSoon, unsure, calendarClosed, tooFewPeople, observing,
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

// untagged wants the tag by which the distribution's own team agrees, where the stack names one.
func untagged(in Input, _ incident.Plan) string {
	if in.Policy.OptIn == "" {
		return ""
	}
	key, want, hasValue := strings.Cut(in.Policy.OptIn, "=")
	value, tagged := in.Live.Tags[key]
	if tagged && (!hasValue || value == want) {
		return ""
	}
	return fmt.Sprintf("Distribution %s does not bear the tag %s, by which its team agrees to changes.", in.Distribution, in.Policy.OptIn)
}

// stillLet are the guards that are asked once more right before a write: what they look at is others' to change while people
// decide.
var stillLet = []func(Input, incident.Plan) string{untagged, calendarClosed}

// AtWrite says why a plan that people have approved may not be written any more: the distribution's team has taken its tag
// away, or the calendar has closed since they were asked. It is empty where nothing objects. tags are the distribution's as
// they are now. A way back is not meant.
func AtWrite(plan incident.Plan, policy Policy, tags map[string]string) string {
	in := Input{Distribution: plan.Distribution, Policy: policy, Live: incident.Snapshot{Tags: tags}}
	for _, objects := range stillLet {
		if why := objects(in, plan); why != "" {
			return why
		}
	}
	return ""
}

// healthOpen keeps still during AWS's own incidents: changes may not propagate then, and a rollback only adds risk.
// Failing over to an origin that stands ready stays possible, with two approvals.
func healthOpen(in Input, plan incident.Plan) string {
	trait := traits[plan.Remedy]
	if event := in.openAbout(trait.services); event != nil && !trait.anyway {
		return fmt.Sprintf("AWS Health has an open event about %s (%s): nothing is changed until it is over.", event.Service, event.Type)
	}
	return ""
}

// openAbout is the first open event about one of the services.
func (in Input) openAbout(services []string) *incident.HealthEvent {
	for _, event := range in.OpenHealth {
		if isOpenAbout(event, services) {
			return &event
		}
	}
	return nil
}

// isOpenAbout tells AWS's incidents from notices to the account and announced changes.
func isOpenAbout(event incident.HealthEvent, services []string) bool {
	incidental := event.Category == "issue" || event.Category == "investigation"
	return event.Status == "open" && incidental && slices.Contains(services, strings.ToUpper(event.Service))
}

// Forbids reports whether an event that AWS Health tells of only now forbids a plan that people are asked about: it is
// about a service that the remedy works through. Failing over stays possible where two people decide.
func Forbids(plan incident.Plan, event incident.HealthEvent) bool {
	trait := traits[plan.Remedy]
	return isOpenAbout(event, trait.services) && !(trait.anyway && plan.Approvals >= 2)
}

// behind are the services, as AWS Health calls them, that answer for an origin of a kind.
var behind = map[distribution.Kind]string{
	distribution.KindS3: "S3", distribution.KindS3Website: "S3", distribution.KindELB: "ELASTICLOADBALANCING",
	distribution.KindAPIGateway: "APIGATEWAY", distribution.KindFunctionURL: "LAMBDA",
}

// servicesBehind are those that the remedy works through, and the one behind the origin that fails.
func (in Input) servicesBehind(plan incident.Plan) []string {
	services := traits[plan.Remedy].services
	if plan.Recipe == nil || plan.Recipe.Failover == nil {
		return services
	}
	config, err := distribution.Parse(in.Live.Config)
	if err != nil {
		return services
	}
	origin, _ := config.Origin(plan.Recipe.Failover.Origin)
	if service, known := behind[origin.Kind]; known {
		return append(slices.Clone(services), service)
	}
	return services
}

func tooSoon(in Input, _ incident.Plan) string {
	if since := in.Now.Sub(in.RecentWrite); !in.RecentWrite.IsZero() && since < Pause {
		return fmt.Sprintf("This software changed the distribution %d minutes ago; it never does so twice within an hour.", max(0, int(since.Minutes())))
	}
	return ""
}

func unsure(in Input, plan incident.Plan) string {
	if traits[plan.Remedy].beside { // what needs no certain cause
		return ""
	}
	if plan.ByWish() { // a person judges, and others decide
		return ""
	}
	least := in.Policy.Confidence
	if least <= 0 {
		least = DefaultConfidence
	}
	if !(plan.Confidence >= least) { // not-a-number is unsure as well
		return fmt.Sprintf("The diagnosis is %.0f %% sure; a change needs %.0f %%.", 100*plan.Confidence, 100*least)
	}
	return ""
}

// windowed are members of the configuration by which DNS, certificates or TLS change: these wait for the calendar's
// window, whatever the stack says about others.
var windowed = []string{
	"Aliases", "AnycastIpListId", "HttpVersion", "IsIPV6Enabled", "OriginMtlsConfig", "OriginProtocolPolicy", "OriginSslProtocols",
	"ViewerCertificate", "ViewerMtlsConfig", "ViewerProtocolPolicy",
}

// calendarClosed respects the Change Calendar, where one is named. One that cannot be read is closed.
func calendarClosed(in Input, plan incident.Plan) string {
	calendar := in.Policy.Calendar
	switch {
	case calendar.Name == "" || !calendar.Closed && calendar.Problem == "":
		return ""
	case !calendar.AskAnyway && calendar.Problem != "":
		return fmt.Sprintf("The Change Calendar %s could not be read (%s): it counts as closed.", calendar.Name, incident.Line(calendar.Problem, 200))
	case !calendar.AskAnyway:
		return fmt.Sprintf("The Change Calendar %s is closed: nothing is changed until it opens.", calendar.Name)
	case changesTLS(plan.Difference):
		return fmt.Sprintf("The Change Calendar %s is closed, and DNS, certificates and TLS change only inside its window.", calendar.Name)
	}
	return ""
}

func changesTLS(difference []incident.FieldChange) bool {
	return slices.ContainsFunc(difference, func(change incident.FieldChange) bool {
		return slices.ContainsFunc(distribution.Members(change.Path), func(member string) bool { return slices.Contains(windowed, member) })
	})
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
