// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package plan

import (
	"maps"
	"slices"

	"cloudfront503/pkg/incident"
)

// row is the policy for one cause.
type row struct {
	remedies []string // the first one that is possible is planned; none: people are told
	why      string   // why nothing is touched, or not beyond the remedies
	advice   []string // what people should do instead, or as well
}

// The remedies that several causes have in common, in the order in which they are considered: first what takes the blamed
// change back and nothing else, then what helps without mending.
var (
	restoreOnly  = []string{incident.RemedyRestore}
	functionCode = []string{incident.RemedyCode, incident.RemedyRestore}
	edgeCode     = []string{incident.RemedyEdge, incident.RemedyRestore}
	seeMore      = []string{incident.RemedyEvidence}
	badOrigin    = []string{incident.RemedyRestore, incident.RemedyFailover, incident.RemedyProtect}
)

// policy is the whole policy, cause by cause. Where the facts behind a line come from: cloudfront-503-facts.md 5.1.
var policy = map[incident.Cause]row{
	// The distribution's own configuration.
	incident.ErrorPage503: {remedies: restoreOnly, why: "A custom error response turns another status into 503.",
		advice: []string{"Find out why the custom error response was changed: the next deployment may bring it back.",
			"The error behind it remains: look at what the origin answers."}},
	incident.OriginMTLS: {remedies: restoreOnly, why: "The origin does not take the client certificate.",
		advice: []string{"Check the client certificate in ACM in us-east-1: valid, for client authentication, trusted by the origin.",
			"Dropping mutual TLS leaves the origin less protected: only with the owner's consent."}},

	// Origins: they must be mended where they run; until then requests can go elsewhere, or fewer of them can come.
	incident.S3SlowDown: {remedies: []string{incident.RemedyRestore, incident.RemedyProtect}, why: "S3 sheds load by itself and grows with it.",
		advice: []string{"Cache longer, so that fewer requests reach the bucket.", "Spread the keys over more prefixes."}},
	incident.S3Unavailable: {remedies: []string{incident.RemedyFailover}, why: "S3 itself is unavailable; nothing of yours is at fault.",
		advice: []string{"Watch AWS Health for S3.", "If there is a replica bucket, make an origin group with it."}},
	incident.ALBNoTargets: {remedies: []string{incident.RemedyFailover}, why: "Targets have to be registered at the load balancer; its configuration is not this software's to change.",
		advice: []string{"Register targets, or find out why the scaling group, service or deployment has taken them away.",
			"Check that the targets' Availability Zones are enabled at the load balancer."}},
	incident.ALBFixedResponse: {why: "A rule of the load balancer answers 503 on purpose; only its owner knows whether it should still.",
		advice: []string{"Ask the owner of the load balancer's rule whether the maintenance is over."}},
	incident.CLBNoCapacity: {why: "The load balancer needs instances or time to grow; its configuration is not this software's to change.",
		advice: []string{"Add healthy instances.", "Wait a few minutes if the load balancer itself is growing."}},
	incident.Target503: {remedies: badOrigin, why: "The application behind the load balancer answers 503 by itself.",
		advice: []string{"Look at the application: overload, maintenance, a dependency.", "Scale it out, or shed load with a rate-based WAF rule."}},
	incident.HTTPAPITimeout: {remedies: restoreOnly, why: "The API's integration does not answer within its limit; the distribution only passes that on.",
		advice: []string{"Shorten what the integration does, or make it asynchronous.", "Check the concurrency of the function behind the API."}},
	incident.Origin503: {remedies: badOrigin, why: "The origin answers 503 by itself.",
		advice: []string{"Look at the origin: memory, processors, disk, queues, maintenance.", "If another origin could stand in, make an origin group with it."}},
	incident.Replayed503: {remedies: []string{incident.RemedyProtect}, why: "The origin has recovered; what is still served is cached and expires by itself.",
		advice: []string{"Invalidate the affected paths if they cannot wait for their caching time, and the origin can bear it."}},
	incident.FailoverSecondary503: {remedies: restoreOnly, why: "Both origins of the group fail; another configuration would not make one of them healthy.",
		advice: []string{"Mend the secondary origin, then look why the primary failed.", "Check the status codes for which the group fails over."}},

	// Edge code.
	incident.LambdaEdgeConcurrency: {remedies: []string{incident.RemedyQuota}, why: "The Region's concurrency is used up.",
		advice: []string{"An increase takes minutes to days. Until then free concurrency that other functions of the Region hold, or detach the function from behaviours that can do without it.",
			"A faster function needs less concurrency: look at its duration, memory and time-out."}},
	incident.LambdaEdgeRate: {remedies: []string{incident.RemedyQuota}, why: "The rate of invocations is over its limit, which is ten times the concurrency.",
		advice: []string{"Attach the function only to the behaviours that need it, or move its logic to a CloudFront Function."}},
	incident.LambdaEdgeTimeout: {remedies: edgeCode, why: "The function runs into its time-out; which version is right is its owner's knowledge.",
		advice: []string{"Publish a version with more time or memory, or find what the function waits for."}},
	incident.LambdaEdgeError: {remedies: edgeCode, why: "The function fails; which version is right, and whether requests may pass without it, is its owner's knowledge.",
		advice: []string{"Look at the function's log in the Region of the failing viewers.", "Detach it only if it protects nothing: a function that checks who may come in must stay."}},
	incident.LambdaEdgePermission: {remedies: []string{incident.RemedyAccess, incident.RemedyEdge, incident.RemedyRestore}, why: "The function or its role cannot be used.",
		advice: []string{"Check that the version and its role exist, and that the role trusts lambda.amazonaws.com and edgelambda.amazonaws.com."}},
	incident.LambdaEdgeService: {why: "Lambda@Edge itself is impaired on the AWS side.",
		advice: []string{"Watch AWS Health, and open a support case with the request ids.", "Detach the function only if it protects nothing."}},
	incident.FunctionError: {remedies: functionCode, why: "The CloudFront Function fails.",
		advice: []string{"Publish the last good code again, or detach the function if it protects nothing.", "Test it first: a function that cannot run is accepted without a word."}},
	incident.FunctionThrottled: {remedies: functionCode, why: "The CloudFront Function does not compile or computes for too long.",
		advice: []string{"Test the live stage: TestFunction names the line.", "Publish the last good code; throttling may linger for 5 to 15 minutes after that."}},
	incident.FunctionResidualThrottle: {why: "The function is mended already; the throttling lingers for 5 to 15 minutes, and another change would only prolong it.",
		advice: []string{"Wait a quarter of an hour, and change nothing."}},

	// Limits and capacity of AWS.
	incident.DistributionQuota: {remedies: []string{incident.RemedyQuota}, why: "The distribution's own limit is reached.",
		advice: []string{"If it is an attack, add a rate-based WAF rule instead: a higher limit would only let more of it through.", "If it is wanted traffic, spread it over several distributions until the limit is higher."}},
	incident.ClientBurst: {why: "One client asks for too much at one edge; nothing of the distribution is at fault.",
		advice: []string{"Let the client slow down, back off or spread over more addresses."}},
	incident.EdgeCapacity: {why: "An edge location is out of capacity; AWS moves the traffic by itself.",
		advice: []string{"Wait a few minutes; open a support case if it lasts.", "If it is a load test from few addresses, spread it."}},
	incident.CloudFrontIncident: {why: "AWS has an incident of CloudFront: a change may not reach the edges, and could make things worse.",
		advice: []string{"Watch AWS Health, and change nothing until the incident is over.", "If you have another way to serve viewers, consider it now."}},

	// On purpose, or elsewhere.
	incident.WAF503: {why: "A web ACL answers 503 on purpose; protection is never taken off.",
		advice: []string{"Ask the owner of the web ACL whether the rule hits the right requests."}},
	incident.FunctionGenerated503: {why: "An edge function answers 503 on purpose; only its owner knows whether it should still.",
		advice: []string{"Ask the owner of the function whether maintenance mode is to be switched off."}},
	incident.Staging503: {why: "Only the staging distribution fails; this software does not change continuous deployments.",
		advice: []string{"Disable the continuous deployment policy: all requests go to the primary distribution then."}},
	incident.Not503: {remedies: seeMore, why: "The failing requests get another status than 503.",
		advice: []string{"Look at the status that the diagnosis names: 502 is about the connection to the origin, 504 about its time, 500 about its code."}},
	incident.Undetermined: {remedies: seeMore, why: "The evidence does not suffice to name a cause.",
		advice: []string{"Read the candidates, and what would settle it, cheapest first."}},
}

// Remediable are the causes for which the policy has a remedy, and so a runbook, sorted by name.
func Remediable() []incident.Cause {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(policy)), func(cause incident.Cause) bool { return len(policy[cause].remedies) == 0 })
}
