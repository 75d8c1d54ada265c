// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package diagnosis

import (
	"slices"
	"strings"
	"time"

	"cloudfront503/pkg/incident"
)

// explanation says which calls can bring about a cause, best first: an earlier one in a cause's list is believed rather
// than a later one.
type explanation struct {
	source  string   // the service, without amazonaws.com; empty: any
	names   []string // the calls' names, without API versions
	touches func(*view, incident.Call) bool
	within  time.Duration // how long before the onset at the most
}

// Calls that are named in several places.
var (
	registration = []string{"DeregisterTargets", "DeleteTargetGroup", "ModifyTargetGroup", "DetachLoadBalancerTargetGroups", "SetSubnets",
		"DisableAvailabilityZonesForLoadBalancer", "UpdateAutoScalingGroup", "DetachInstances", "UpdateService", "DeleteService", "SetDesiredCapacity",
		"TerminateInstances", "StopInstances", "TerminateInstanceInAutoScalingGroup"}
	ruleChanges = []string{"ModifyRule", "CreateRule", "DeleteRule", "ModifyListener", "SetRulePriorities", "CreateListener", "DeleteListener"}
	wafChanges  = []string{"UpdateWebACL", "UpdateRuleGroup", "UpdateIPSet", "UpdateRegexPatternSet", "AssociateWebACL", "CreateWebACL", "AssociateDistributionWebACL"}
	certChanges = []string{"ImportCertificate", "DeleteCertificate", "RenewCertificate", "RevokeCertificate", "UpdateCertificateOptions",
		"ModifyTrustStore", "AddTrustStoreRevocations", "DeleteTrustStore"}
	roleChanges = []string{"DeleteRole", "UpdateAssumeRolePolicy", "DeleteServiceLinkedRole"}
)

const (
	soon = 75 * time.Minute // a change of a distribution or of edge code shows within minutes
	late = 6 * time.Hour    // a change of what stands behind may wait for the next deployment, draining or expiry
)

// explanations are the causes that a change can explain [facts 2.7]. A cause that is not here blames none.
var explanations = map[incident.Cause][]explanation{
	incident.ALBNoTargets: {
		{"elasticloadbalancing", registration, touchesBalancer, late},
		{"elasticloadbalancing", ruleChanges, touchesBalancer, late},
		{"", registration, touchesBalancer, late},
	},
	incident.ALBFixedResponse: {{"elasticloadbalancing", ruleChanges, touchesBalancer, late}},
	incident.CLBNoCapacity: {
		{"elasticloadbalancing", []string{"DeregisterInstancesFromLoadBalancer", "DetachLoadBalancers", "ConfigureHealthCheck",
			"DisableAvailabilityZonesForLoadBalancer", "DetachLoadBalancerFromSubnets", "ApplySecurityGroupsToLoadBalancer"}, touchesBalancer, late},
		{"", registration, touchesBalancer, late},
	},
	incident.Target503: {{"elasticloadbalancing", slices.Concat(ruleChanges, []string{"ModifyTargetGroup", "RegisterTargets"}), touchesBalancer, soon},
		{"cloudfront", []string{"UpdateDistribution"}, introducesOrigin, soon}},
	incident.HTTPAPITimeout: {{"apigateway", []string{"UpdateIntegration", "UpdateRoute", "UpdateStage", "CreateDeployment", "UpdateApi", "ImportApi", "ReimportApi"}, touchesAPI, soon},
		{"cloudfront", []string{"UpdateDistribution"}, introducesOrigin, soon}},
	incident.Origin503:            {{"cloudfront", []string{"UpdateDistribution"}, introducesOrigin, soon}},
	incident.FailoverSecondary503: {{"cloudfront", []string{"UpdateDistribution"}, introducesOrigin, soon}},
	incident.S3SlowDown:           {{"cloudfront", []string{"UpdateDistribution"}, introducesOrigin, soon}},
	incident.LambdaEdgeConcurrency: {{"lambda", []string{"PutFunctionConcurrency"}, inThrottledRegion, soon},
		{"cloudfront", []string{"UpdateDistribution"}, introducesLambda, soon}},
	incident.LambdaEdgeRate:    {{"cloudfront", []string{"UpdateDistribution"}, introducesLambda, soon}},
	incident.LambdaEdgeTimeout: {{"cloudfront", []string{"UpdateDistribution"}, associatesLambda, soon}},
	incident.LambdaEdgeError:   {{"cloudfront", []string{"UpdateDistribution"}, associatesLambda, soon}},
	incident.LambdaEdgePermission: {
		{"lambda", []string{"DeleteFunction"}, touchesLambda, late},
		{"iam", roleChanges, touchesRole, late},
		{"cloudfront", []string{"UpdateDistribution"}, associatesLambda, soon},
	},
	incident.FunctionError: {{"cloudfront", []string{"PublishFunction"}, touchesFunction, soon},
		{"cloudfront", []string{"UpdateDistribution"}, associatesFunction, soon}},
	incident.FunctionThrottled: {{"cloudfront", []string{"PublishFunction"}, touchesFunction, soon},
		{"cloudfront", []string{"UpdateDistribution"}, associatesFunction, soon}},
	incident.FunctionResidualThrottle: {{"cloudfront", []string{"PublishFunction"}, touchesFunction, soon}},
	incident.OriginMTLS: {{"cloudfront", []string{"UpdateDistribution"}, introducesMTLS, soon},
		{"acm", certChanges, touchesClientCertificate, late}, {"elasticloadbalancing", certChanges, anywhere, late}},
	incident.WAF503: {{"wafv2", wafChanges, touchesWebACL, late}, {"cloudfront", wafChanges, touchesDistribution, late},
		{"cloudfront", []string{"UpdateDistribution"}, introducesWebACL, soon}},
	incident.FunctionGenerated503: {{"cloudfront", []string{"PublishFunction"}, touchesFunction, late},
		{"cloudfront", []string{"UpdateDistribution"}, associatesEither, soon},
		{"cloudfront-keyvaluestore", []string{"PutKey", "UpdateKeys", "DeleteKey"}, anywhere, soon}},
	incident.ErrorPage503: {{"cloudfront", []string{"UpdateDistribution"}, introducesErrorResponse, late},
		{"s3", []string{"PutBucketPolicy", "DeleteBucketPolicy", "PutBucketPublicAccessBlock"}, touchesBucket, late}},
	incident.Staging503: {{"cloudfront", []string{"UpdateContinuousDeploymentPolicy", "CreateContinuousDeploymentPolicy"}, touchesPolicy, late},
		{"cloudfront", []string{"UpdateDistribution"}, touchesStaging, late}},
	incident.Not503: {{"cloudfront", []string{"UpdateDistribution"}, introducesOrigin, soon}},
}

// blame finds the call that explains the cause: it succeeded, it touched this distribution or what it uses, and it came
// before the onset.
func (v *view) blame(cause incident.Cause) *incident.Call {
	for _, e := range explanations[cause] {
		var candidates []incident.Call
		for _, c := range v.ev.Calls {
			if e.explains(v, c) {
				candidates = append(candidates, c)
			}
		}
		if len(candidates) > 0 {
			return v.choose(e, candidates)
		}
	}
	return nil
}

func (e explanation) explains(v *view, c incident.Call) bool {
	if c.ReadOnly || c.ErrorCode != "" || !slices.Contains(e.names, c.Name) {
		return false
	}
	if e.source != "" && !strings.HasPrefix(c.Source, e.source) {
		return false
	}
	end := v.onset.Add(time.Minute) // the onset is a minute of one-minute data
	if v.onset.IsZero() {
		end = v.ev.AlarmAt
	}
	return !c.At.After(end) && c.At.After(end.Add(-e.within)) && e.touches(v, c)
}

// propagation is how long after an UpdateDistribution a fault that it brings is expected at the latest: edges change one by one,
// and Lambda@Edge's replicas take up to a quarter of an hour [facts 5.2].
const propagation = 20 * time.Minute

// choose takes the last of several changes: what was right before it is unlikely to be what broke. An UpdateDistribution holds
// the whole configuration, so that later ones repeat what an earlier one brought: of those the first is taken, as far back as
// the fault may have waited for its deployment.
func (v *view) choose(e explanation, candidates []incident.Call) *incident.Call {
	best := &candidates[len(candidates)-1]
	for i := len(candidates) - 2; i >= 0 && repeats(best); i-- {
		earlier := &candidates[i]
		if !repeats(earlier) || v.onset.Sub(earlier.At) > propagation || v.withoutBetween(e, earlier.At, best.At) {
			break
		}
		best = earlier
	}
	return best
}

func repeats(c *incident.Call) bool { return c.Name == "UpdateDistribution" && configOf(*c) != nil }

// withoutBetween says whether an update between the two times did not hold what is blamed.
func (v *view) withoutBetween(e explanation, from, to time.Time) bool {
	return slices.ContainsFunc(v.ev.Calls, func(c incident.Call) bool {
		return c.At.After(from) && c.At.Before(to) && c.ErrorCode == "" && repeats(&c) && touchesDistribution(v, c) && !e.touches(v, c)
	})
}

// The functions below say whether a call touched something in question.

func anywhere(*view, incident.Call) bool { return true }

func touchesDistribution(v *view, c incident.Call) bool {
	return slices.Contains(stringsIn(c.Parameters, "id"), v.ev.Distribution)
}

func touchesBalancer(v *view, c incident.Call) bool {
	all := stringsIn(c.Parameters, "")
	for _, b := range v.balancers {
		if b.guessed && b.state == nil {
			continue
		}
		for _, s := range all {
			if strings.Contains(s, "/app/"+b.name+"/") || strings.Contains(s, "/net/"+b.name+"/") || s == b.name || v.belongs(b, s) {
				return true
			}
		}
	}
	return false
}

// belongs says whether an ARN or id is that of a load balancer's target group, target or instance.
func (v *view) belongs(b balancerView, s string) bool {
	if strings.Contains(s, ":targetgroup/") {
		for _, series := range v.ev.Series {
			group := series.Dimensions["TargetGroup"]
			if group != "" && strings.HasSuffix(s, ":"+group) && strings.EqualFold(balancerOfDimensions(series), b.name) {
				return true
			}
		}
	}
	if b.state == nil {
		return false
	}
	return slices.ContainsFunc(b.state.TargetGroups, func(g incident.TargetGroup) bool {
		return g.ARN == s || slices.ContainsFunc(g.Targets, func(t incident.Target) bool { return t.ID == s })
	}) || slices.ContainsFunc(b.state.Instances, func(t incident.Target) bool { return t.ID == s })
}

func touchesAPI(v *view, c incident.Call) bool {
	ids := append(stringsIn(c.Parameters, "apiId"), stringsIn(c.Parameters, "restApiId")...)
	return slices.ContainsFunc(v.apis, func(a apiView) bool { return slices.Contains(ids, a.id) })
}

func touchesFunction(v *view, c incident.Call) bool {
	names := stringsIn(c.Parameters, "name")
	return slices.ContainsFunc(v.functions, func(f functionView) bool { return slices.Contains(names, f.name) })
}

// touchesLambda wants the associated version to be hit: a call names the function, its ARN, or a version of it.
func touchesLambda(v *view, c incident.Call) bool {
	for _, name := range stringsIn(c.Parameters, "functionName") {
		for _, l := range v.lambdas {
			version := l.arn[strings.LastIndex(l.arn, ":")+1:]
			qualifiers := stringsIn(c.Parameters, "qualifier")
			if name == l.arn || (name == l.name || name == strings.TrimSuffix(l.arn, ":"+version)) &&
				(len(qualifiers) == 0 || slices.Contains(qualifiers, version)) {
				return true
			}
		}
	}
	return false
}

func touchesRole(v *view, c incident.Call) bool {
	names := stringsIn(c.Parameters, "roleName")
	for _, region := range v.ev.Lambda {
		for _, f := range region.Functions {
			associated := slices.ContainsFunc(v.lambdas, func(l lambdaView) bool { return l.arn == f.ARN })
			if associated && slices.Contains(names, f.Role[strings.LastIndex(f.Role, "/")+1:]) {
				return true
			}
		}
	}
	return false
}

func inThrottledRegion(v *view, c incident.Call) bool {
	return slices.ContainsFunc(v.lambdas, func(l lambdaView) bool {
		return len(l.regions) > 0 && l.regions[0].region == c.Region
	})
}

func touchesWebACL(v *view, c incident.Call) bool {
	all := stringsIn(c.Parameters, "")
	parts := strings.Split(v.waf.acl, "/")
	if len(parts) < 2 || len(parts[len(parts)-1]) == 0 {
		return slices.Contains(all, v.waf.acl) && v.waf.acl != ""
	}
	id, name := parts[len(parts)-1], parts[len(parts)-2]
	if c.Name == "UpdateRuleGroup" || c.Name == "UpdateIPSet" || c.Name == "UpdateRegexPatternSet" {
		return c.Region == "us-east-1" || v.waf.origin // which group the web ACL uses is not read
	}
	return slices.Contains(all, id) || slices.Contains(stringsIn(c.Parameters, "name"), name) || slices.Contains(all, v.waf.acl)
}

func touchesBucket(v *view, c incident.Call) bool {
	names := stringsIn(c.Parameters, "bucketName")
	return slices.ContainsFunc(v.buckets, func(b bucketView) bool { return slices.Contains(names, b.name) })
}

func touchesPolicy(v *view, c incident.Call) bool {
	id := v.config.ContinuousDeploymentPolicyID()
	if v.ev.Staging != nil && id == "" {
		id = v.ev.Staging.PolicyID
	}
	return id != "" && (slices.Contains(stringsIn(c.Parameters, "id"), id) || slices.Contains(stringsIn(c.Response, "id"), id))
}

func touchesStaging(v *view, c incident.Call) bool {
	ids := stringsIn(c.Parameters, "id")
	if id := v.stagingID(); id != "" && slices.Contains(ids, id) {
		return true
	}
	return touchesDistribution(v, c) && v.writes(c, v.config.ContinuousDeploymentPolicyID(), nil)
}

func touchesClientCertificate(v *view, c incident.Call) bool {
	all := stringsIn(c.Parameters, "")
	for _, o := range v.scope.origins {
		if v.client[o.ID] != "" && slices.Contains(all, v.client[o.ID]) {
			return true
		}
	}
	return false
}

// stringsIn are the strings in a call's parameters under members of the name, at any depth; all strings for no name.
func stringsIn(value any, name string) []string {
	var out []string
	collect(value, name, name == "", 0, &out)
	return out
}

func collect(value any, name string, inside bool, depth int, out *[]string) {
	if depth > 24 || len(*out) > 4000 {
		return
	}
	switch value := value.(type) {
	case string:
		if inside {
			*out = append(*out, value)
		}
	case []any:
		for _, element := range value {
			collect(element, name, inside, depth+1, out)
		}
	case map[string]any:
		for key, member := range value {
			_, scalar := member.(string)
			collect(member, name, name == "" || scalar && strings.EqualFold(key, name), depth+1, out)
		}
	}
}
