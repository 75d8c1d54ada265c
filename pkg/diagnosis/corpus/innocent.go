// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package corpus

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"cloudfront503/pkg/incident"
)

// furnish puts things into the distribution that are there in real ones and have nothing to do with the failure: they were
// there before, and they work. Called after the play, before the record is written.
func (w *world) furnish(cause incident.Cause, presentation string) {
	for _, add := range []func(incident.Cause){w.errorPages, w.otherBehavior, w.idleFunction, w.idleLambda, w.idleGroup} {
		if w.r.IntN(3) == 0 {
			add(cause)
		}
	}
	withLogs := presentation == "rich" || presentation == "noisy" || presentation == "logs-only"
	if withLogs && w.share < 0.6 && w.r.IntN(3) == 0 && cause != incident.Replayed503 {
		w.healthy() // the probe reached an edge, or a path, that is well
	}
	if w.r.IntN(3) == 0 {
		w.background = between(w.r, 0.0005, 0.004)
	}
}

// errorPages are custom error responses as most distributions have them.
func (w *world) errorPages(cause incident.Cause) {
	if cause == incident.ErrorPage503 || cause == incident.Replayed503 {
		return
	}
	w.errors = append(w.errors, object{"ErrorCode": 404, "ResponseCode": "404", "ResponsePagePath": "/404.html", "ErrorCachingMinTTL": 60})
	hasOwn := slices.ContainsFunc(w.errors, func(e object) bool { return e["ErrorCode"] == 503 })
	if !hasOwn && w.r.IntN(2) == 0 {
		w.errors = append(w.errors, object{"ErrorCode": 503, "ResponseCode": "", "ResponsePagePath": "", "ErrorCachingMinTTL": 5})
	}
}

// otherBehavior is a behaviour with another origin, for paths that do not fail.
func (w *world) otherBehavior(cause incident.Cause) {
	if cause == incident.FailoverSecondary503 || cause == incident.OriginMTLS || cause == incident.Staging503 {
		return
	}
	w.custom("other", "static."+w.word+".example.org")
	w.behaviors = append(w.behaviors, object{
		"PathPattern": "/assets/*", "TargetOriginId": "other", "ViewerProtocolPolicy": "https-only", "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6",
		"LambdaFunctionAssociations": items(), "FunctionAssociations": items(),
	})
	if len(w.fail.paths) == 0 {
		w.fail.paths = slices.DeleteFunc(slices.Clone(sitePaths), func(p string) bool { return strings.HasPrefix(p, "/assets/") })
		w.after.paths = w.fail.paths
	}
}

// idleFunction is a CloudFront Function that works.
func (w *world) idleFunction(cause incident.Cause) {
	if len(w.functions) > 0 || cause == incident.Staging503 {
		return
	}
	name := w.edgeFunction()
	w.functionMetrics(name, flat(0), flat(0), flat(25))
	w.functionState(name, "", 20, `{"request":{"uri":"/"}}`)
}

// idleLambda is a Lambda@Edge function that works, with an error now and then.
func (w *world) idleLambda(cause incident.Cause) {
	if len(w.lambdas) > 0 || cause == incident.Staging503 {
		return
	}
	name, arn := w.edgeLambda()
	w.lambdaState(name, arn, 5, bothLambdas...)
	w.lambdaMetrics(w.region, name, flat(w.base/2), flat(w.base/4000), zero, flat(60))
}

// idleGroup is an origin group of another behaviour.
func (w *world) idleGroup(cause incident.Cause) {
	if len(w.groups) > 0 || cause == incident.Staging503 || cause == incident.OriginMTLS || len(w.origins) == 0 || len(w.behaviors) > 0 {
		return
	}
	w.custom("spare-a", "a."+w.word+".example.org")
	w.custom("spare-b", "b."+w.word+".example.org")
	w.behaviors = append(w.behaviors, object{
		"PathPattern": "/docs/*", "TargetOriginId": "spares", "ViewerProtocolPolicy": "https-only", "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6",
		"LambdaFunctionAssociations": items(), "FunctionAssociations": items(),
	})
	w.spare = object{"Id": "spares", "FailoverCriteria": object{"StatusCodes": items(500, 503)}, "Members": items(object{"OriginId": "spare-a"}, object{"OriginId": "spare-b"})}
	if len(w.fail.paths) == 0 {
		w.fail.paths = slices.DeleteFunc(slices.Clone(sitePaths), func(p string) bool { return strings.HasPrefix(p, "/docs/") })
		w.after.paths = w.fail.paths
	}
}

// classicTarget is an application behind a classic load balancer.
func (w *world) classicTarget() {
	name := w.word + "-classic"
	w.custom("web", fmt.Sprintf("%s-%s.%s.elb.amazonaws.com", name, token(w.r, "123456789", 10), w.region))
	for metric, of := range map[string]func(time.Time) float64{"HTTPCode_Backend_5XX": w.like(1), "HTTPCode_ELB_5XX": zero, "SpilloverCount": zero} {
		w.count(w.region, "AWS/ELB", metric, true, of, "LoadBalancerName", name)
	}
	w.measure(w.region, "AWS/ELB", "HealthyHostCount", "Minimum", true, flat(2), "LoadBalancerName", name)
	w.elb[w.region] = object{"LoadBalancerDescriptions": []any{object{"LoadBalancerName": name, "DNSName": w.origins[0]["DomainName"], "Instances": []any{object{"InstanceId": "i-0aa"}}}},
		"InstanceStates": object{name: []any{object{"InstanceId": "i-0aa", "State": "InService"}}}}
}

// hide gives the load balancer's origin a name of the owner's own, or makes it a VPC origin.
func (w *world) hide() {
	o := w.origins[len(w.origins)-1]
	if w.r.IntN(2) == 0 {
		o["DomainName"] = "lb." + w.word + ".example.net"
		return
	}
	o["DomainName"] = "internal-" + o["DomainName"].(string)
	delete(o, "CustomOriginConfig")
	o["VpcOriginConfig"] = object{"VpcOriginId": "vo_" + token(w.r, lower, 20)}
	for _, file := range w.elbv2 {
		file["LoadBalancers"].([]any)[0].(object)["DNSName"] = o["DomainName"]
	}
}
