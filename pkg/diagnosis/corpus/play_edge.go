// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package corpus

import (
	"fmt"
	"math"
	"time"
)

const (
	lambdaThrottled = "The Lambda function associated with the CloudFront distribution was throttled."
	lambdaInvalid   = "The Lambda function associated with the CloudFront distribution is invalid or doesn't have the required permissions."
	functionInvalid = "The CloudFront function associated with the CloudFront distribution is invalid or could not run."
)

func playLambdaConcurrency(w *world) {
	w.anyOrigin()
	name, arn := w.edgeLambda()
	file := w.lambdaState(name, arn, 10+w.r.IntN(20), bothLambdas...)
	limit := []float64{10, 50, 100, 500, 1000, 1000, 3000, 5000}[w.r.IntN(8)]
	region := pick(w.r, regions...)
	settings := object{"AccountLimit": object{"ConcurrentExecutions": limit, "UnreservedConcurrentExecutions": limit}}
	if region == "us-east-1" || w.r.IntN(2) == 0 {
		file["AccountSettings"] = settings
	}
	if region != "us-east-1" && w.r.IntN(3) > 0 {
		w.lambda[region] = object{"Functions": []any{}, "Missing": []any{}, "Roles": object{}, "AccountSettings": settings}
	}
	if w.r.IntN(2) == 0 {
		w.quota(region, "lambda", "L-B99A9384", "Concurrent executions", limit)
	}
	seconds := between(w.r, 0.5, 2.5) // a run takes this long
	capacity := limit / seconds * 60
	w.share = between(w.r, 0.1, 0.5)
	w.base = capacity * between(w.r, 0.3, 0.7)
	w.surge = between(w.r, 1.5, 4)
	w.lambdaMetrics(region, name, w.upTo(w.base, capacity), zero, w.like(between(w.r, 0.6, 1)), flat(seconds*1500))
	w.pool(region, func(at time.Time) float64 { return math.Round(limit * min(1, 0.4+0.6*w.level(at)*1.7)) })
	w.own("LambdaLimitExceeded")
	w.page(503, "LambdaLimitExceeded", lambdaThrottled)
}

func playLambdaRate(w *world) {
	w.anyOrigin()
	name, arn := w.edgeLambda()
	file := w.lambdaState(name, arn, 5, bothLambdas...)
	limit := []float64{100, 500, 1000, 1000}[w.r.IntN(4)]
	region := pick(w.r, regions...)
	settings := object{"AccountLimit": object{"ConcurrentExecutions": limit, "UnreservedConcurrentExecutions": limit}}
	file["AccountSettings"] = settings
	if region != "us-east-1" {
		w.lambda[region] = object{"AccountSettings": settings}
	}
	perMinute := min(10*limit, 10_000) * 60
	w.share = between(w.r, 0.05, 0.4)
	w.base, w.surge = perMinute*between(w.r, 0.3, 0.6), between(w.r, 2, 4)
	w.lambdaMetrics(region, name, w.upTo(w.base, perMinute), zero, w.like(1), flat(between(w.r, 3, 30)))
	w.pool(region, w.upTo(limit*0.05, limit*between(w.r, 0.15, 0.6)))
	w.own("LambdaLimitExceeded")
	w.page(503, "LambdaLimitExceeded", lambdaThrottled)
}

func playLambdaTimeout(w *world) {
	w.anyOrigin()
	name, arn := w.edgeLambda()
	timeout := []int{2, 3, 5, 10, 20, 30}[w.r.IntN(6)]
	w.lambdaState(name, arn, timeout, bothLambdas...)
	region := pick(w.r, regions...)
	w.lambdaMetrics(region, name, flat(w.base), w.like(1), zero, func(at time.Time) float64 {
		if w.level(at) > 0 {
			return float64(timeout)*1000 + 12*hash(at.Unix())
		}
		return 150 + 100*hash(at.Unix())
	})
	w.own("LambdaExecutionError")
	w.fail.firstByte = around(float64(timeout))
	w.page(503, "LambdaExecutionError", lambdaInvalid)
	if w.r.IntN(2) == 0 {
		w.blame(w.trail(w.before()))
	}
}

func playLambdaError(w *world) {
	w.anyOrigin()
	name, arn := w.edgeLambda()
	w.lambdaState(name, arn, 5+w.r.IntN(20), bothLambdas...)
	region := pick(w.r, regions...)
	w.lambdaMetrics(region, name, flat(w.base), w.like(between(w.r, 0.5, 1)), zero, flat(between(w.r, 30, 1500)))
	if w.r.IntN(2) == 0 {
		w.lambdaMetrics(pick(w.r, "us-east-2", "ap-south-1"), name, flat(w.base/3), w.like(0.3), zero, flat(300))
	}
	w.own("LambdaExecutionError")
	w.fail.firstByte = around(between(w.r, 0.02, 0.4))
	w.page(503, "LambdaExecutionError", lambdaInvalid)
	if w.r.IntN(3) > 0 {
		w.blame(w.trail(w.before()))
	}
}

func playLambdaPermission(w *world) {
	w.anyOrigin()
	name, arn := w.edgeLambda()
	w.share = between(w.r, 0.5, 1)
	region := pick(w.r, regions...)
	w.lambdaMetrics(region, name, w.upTo(w.base, 0), zero, zero, flat(50))
	w.own("LambdaExecutionError")
	w.page(503, "LambdaExecutionError", lambdaInvalid)
	role := name + "-role"
	switch w.r.IntN(3) {
	case 0:
		w.lambda["us-east-1"] = object{"Functions": []any{}, "Missing": []any{arn}, "Roles": object{}}
		w.blame(w.call("us-east-1", "lambda", "DeleteFunction20150331", w.before(), object{"functionName": name}, nil))
	case 1:
		file := w.lambdaState(name, arn, 5, bothLambdas...)
		file["Roles"] = object{"arn:aws:iam::" + w.account + ":role/" + role: nil}
		w.blame(w.call("us-east-1", "iam", "DeleteRole", w.before(), object{"roleName": role}, nil))
	default:
		w.lambdaState(name, arn, 5, "lambda.amazonaws.com")
		w.blame(w.call("us-east-1", "iam", "UpdateAssumeRolePolicy", w.before(), object{"roleName": role, "policyDocument": "{}"}, nil))
	}
}

func playLambdaService(w *world) {
	w.anyOrigin()
	name, arn := w.edgeLambda()
	w.lambdaState(name, arn, 5, bothLambdas...)
	region := pick(w.r, regions...)
	w.lambdaMetrics(region, name, w.upTo(w.base, w.base*(1-w.share)), zero, zero, flat(40))
	w.own("LambdaExecutionError")
	w.page(503, "LambdaExecutionError", lambdaInvalid)
	if w.r.IntN(3) > 0 {
		w.healthEvent("edge", pick(w.r, "LAMBDA", "CLOUDFRONT"), "open", "We are investigating increased error rates for Lambda@Edge.", w.onset, false)
	}
}

func playFunctionError(w *world) {
	w.anyOrigin()
	name := w.edgeFunction()
	w.share = between(w.r, 0.3, 1)
	w.functionMetrics(name, w.like(1), zero, flat(22))
	w.functionState(name, pick(w.r, `TypeError: cannot get property "uri" of undefined`, "ReferenceError: kvs is not defined", ""), 12, "")
	w.own("FunctionExecutionError")
	w.page(503, "FunctionExecutionError", functionInvalid)
	w.publish(name, w.before())
}

// publish is an update and the publication of a function; it is blamed.
func (w *world) publish(name string, at time.Time) {
	update := w.call("us-east-1", "cloudfront", "UpdateFunction", at.Add(-90*time.Second), object{"name": name, "functionCode": "HIDDEN_DUE_TO_SECURITY_REASONS"}, object{})
	w.blame(w.call("us-east-1", "cloudfront", "PublishFunction", at, object{"name": name}, object{}), update)
}

func playFunctionThrottled(w *world) {
	w.anyOrigin()
	name := w.edgeFunction()
	w.share = between(w.r, 0.3, 1)
	w.own("FunctionThrottledError")
	w.page(503, "FunctionThrottledError", functionInvalid)
	if w.r.IntN(2) == 0 {
		w.functionMetrics(name, zero, w.like(1), flat(0))
		w.functionState(name, "SyntaxError: Token \"await\" not supported in this version in index.js:14", 0, "")
		w.share = 1
	} else {
		w.functionMetrics(name, zero, w.like(1), w.upTo(60, between(w.r, 78, 99)))
		w.functionState(name, "", 70+w.r.IntN(28), `{"request":{}}`)
	}
	w.publish(name, w.before())
}

func playFunctionResidual(w *world) {
	w.collected = w.alarm.Add(time.Duration(2+w.r.IntN(6)) * time.Minute)
	w.anyOrigin()
	name := w.edgeFunction()
	w.share = between(w.r, 0.8, 1)
	fixed := w.onset.Add(time.Duration(100+w.r.IntN(60)) * time.Second)
	early := func(at time.Time) float64 {
		if at.Before(fixed.Truncate(time.Minute)) {
			return w.failing(at)
		}
		return 0
	}
	late := func(at time.Time) float64 { return w.failing(at) - early(at) }
	if w.r.IntN(2) == 0 {
		w.functionMetrics(name, early, late, flat(18))
	} else {
		w.functionMetrics(name, zero, w.like(1), flat(15))
	}
	w.functionState(name, "", 14, `{"request":{"uri":"/"}}`)
	w.own("FunctionThrottledError")
	w.page(503, "FunctionThrottledError", functionInvalid)
	w.publish(name, w.before())
	first := w.change
	w.publish(name, fixed)
	w.changeAlso = append(w.changeAlso, first, w.change)
}

func playGenerated(w *world) {
	w.anyOrigin()
	if w.r.IntN(2) == 0 {
		name := w.edgeFunction()
		w.functionMetrics(name, zero, zero, flat(20))
		w.functionState(name, "", 10, `{"response":{"statusCode":503,"statusDescription":"Service Unavailable"}}`)
		w.own("FunctionGeneratedResponse")
		w.answer(503, []string{"server: CloudFront", "content-type: text/html", "x-cache: FunctionGeneratedResponse from cloudfront"}, "<h1>maintenance</h1>")
		if w.r.IntN(2) == 0 {
			w.publish(name, w.before())
		}
		return
	}
	name, arn := w.edgeLambda()
	w.lambdaState(name, arn, 5, bothLambdas...)
	w.lambdaMetrics(w.region, name, flat(w.base), zero, zero, flat(40))
	w.own("LambdaGeneratedResponse")
	if w.r.IntN(2) == 0 {
		w.fail.result, w.fail.response, w.fail.detailed = "Error", "Error", "MissGeneratedResponse"
	}
	w.answer(503, []string{"server: CloudFront", "content-type: text/html", "x-cache: LambdaGeneratedResponse from cloudfront"}, "<h1>waiting room</h1>")
}

func playDistributionQuota(w *world) {
	w.anyOrigin()
	limit := []float64{250_000, 250_000, 400_000, 20_000}[w.r.IntN(4)]
	w.quota("us-east-1", "cloudfront", "L-A2C80159", "Requests per second per distribution", limit)
	w.quota("us-east-1", "cloudfront", "L-0F1E9017", "Data transfer rate per distribution", 150*max(1, limit/50_000))
	w.surge = between(w.r, 3, 8)
	w.base = limit * 60 * between(w.r, 0.85, 1.15) / w.surge
	w.share = between(w.r, 0.03, 0.3)
	w.own("LimitExceeded")
	w.fail.firstByte = quick
	w.page(503, "LimitExceeded", "The request could not be satisfied because a limit was exceeded.")
}

func playClientBurst(w *world) {
	w.anyOrigin()
	w.share = between(w.r, 0.05, 0.6)
	w.base = between(w.r, 1000, 60_000)
	w.surge = between(w.r, 1.2, 3)
	w.own("LimitExceeded")
	w.fail.clients = []string{"203.0.113.77"}
	if w.r.IntN(2) == 0 {
		w.fail.clients = []string{"203.0.113.77", "203.0.113.78", "203.0.113.79"}
	}
	w.fail.edges = []string{edgeNames[w.r.IntN(len(edgeNames))]}
	if w.r.IntN(3) > 0 {
		w.page(503, "LimitExceeded", "Too many requests.")
	} else {
		w.healthy()
	}
}

// healthy is a probe that was answered.
func (w *world) healthy() {
	w.answer(200, []string{"content-type: text/html", "server: AmazonS3", "x-cache: Miss from cloudfront"}, "<h1>hello</h1>")
}

func playEdgeCapacity(w *world) {
	w.anyOrigin()
	w.share = between(w.r, 0.05, 0.3)
	w.own("CapacityExceeded")
	first := w.r.IntN(len(edgeNames) - 2)
	w.fail.edges = edgeNames[first : first+1+w.r.IntN(2)]
	if w.r.IntN(2) == 0 {
		w.page(503, "CapacityExceeded", "")
	} else {
		w.healthy()
	}
}

func playOriginMTLS(w *world) {
	w.server("web")
	certificate := fmt.Sprintf("arn:aws:acm:us-east-1:%s:certificate/%s", w.account, w.uuid())
	w.origins[0]["CustomOriginConfig"].(object)["OriginMtlsConfig"] = object{"ClientCertificateArn": certificate}
	w.share = between(w.r, 0.4, 1)
	w.fail.detailed = pick(w.r, "Error", "OriginConnectError")
	w.fail.firstByte = around(between(w.r, 0.05, 0.3))
	w.page(503, "Error", pick(w.r, "", "CloudFront could not establish a mutual TLS connection with the origin."))
	if w.r.IntN(2) == 0 {
		w.baseline = func(config object) {
			plain := object{"Id": "web", "DomainName": w.origins[0]["DomainName"], "OriginPath": "", "CustomOriginConfig": object{"HTTPPort": 80, "HTTPSPort": 443}}
			config["Origins"] = items(plain)
		}
		w.blame(w.trail(w.before()))
	}
}

func playCloudFrontIncident(w *world) {
	w.anyOrigin()
	w.share = between(w.r, 0.1, 0.8)
	w.healthEvent("cloudfront", "CLOUDFRONT", "open", pick(w.r, "We are investigating increased error rates for CloudFront.", "Elevated 5xx errors for requests to CloudFront edge locations.",
		"We are investigating increased 5XX error responses."), w.onset.Add(time.Duration(w.r.IntN(8)-6)*time.Minute), false)
	w.fail.firstByte = around(between(w.r, 0.002, 0.2))
	w.page(503, "Error", "")
	if w.r.IntN(4) == 0 {
		w.healthy()
	}
}

func playWAF(w *world) {
	name := "acl-" + w.word
	w.share = between(w.r, 0.1, 0.9)
	if w.r.IntN(4) == 0 {
		w.regionalWAF(name)
		return
	}
	w.anyOrigin()
	w.webACL = fmt.Sprintf("arn:aws:wafv2:us-east-1:%s:global/webacl/%s/%s", w.account, name, w.uuid())
	w.count("us-east-1", "AWS/WAFV2", "BlockedRequests", true, w.like(1), "WebACL", name, "Rule", "ALL")
	w.count("us-east-1", "AWS/WAFV2", "AllowedRequests", true, flat(w.base), "WebACL", name, "Rule", "ALL")
	w.wafLog(w.webACL, "CF", w.dist, "BLOCK", 503, 40)
	w.wafLog(w.webACL, "CF", w.dist, "ALLOW", nil, 20)
	w.fail.contentType, w.fail.contentLength = pick(w.r, "text/plain", "application/json", "text/html"), 20+w.r.IntN(80)
	w.answer(503, []string{"server: CloudFront", "content-type: " + w.fail.contentType, "x-cache: Error from cloudfront"}, pick(w.r, "please wait", `{"error":"slow down"}`, "<h1>busy</h1>"))
	if w.r.IntN(2) == 0 {
		w.blame(w.call("us-east-1", "wafv2", "UpdateWebACL", w.before(), object{"name": name, "scope": "CLOUDFRONT", "id": w.webACL[len(w.webACL)-36:]}, object{}))
	}
}

// regionalWAF is a web ACL at the load balancer.
func (w *world) regionalWAF(name string) {
	b := w.alb("web")
	w.albHealthy(b)
	acl := fmt.Sprintf("arn:aws:wafv2:%s:%s:regional/webacl/%s/%s", w.region, w.account, name, w.uuid())
	w.count(w.region, "AWS/WAFV2", "BlockedRequests", true, w.like(1), "WebACL", name, "Rule", "ALL", "Region", w.region)
	w.acls = object{b.arn: object{"Name": name, "Id": acl[len(acl)-36:], "ARN": acl, "DefaultAction": object{"Allow": object{}}, "Rules": []any{
		object{"Name": "managed", "Priority": 0, "OverrideAction": object{"None": object{}}},
		object{"Name": "rule-" + w.word, "Priority": 1, "Action": object{"Block": object{"CustomResponse": object{"ResponseCode": 503}}}},
	}}}
	w.wafLog(acl, "ALB", w.account+"-app/"+b.name+"/x", "BLOCK", 503, 40)
	w.relay("text/plain", 24, origin)
	w.relayed(503, "awselb/2.0", "text/plain", "too many, please wait")
}

func playStaging(w *world) {
	w.server("web")
	weight := between(w.r, 0.03, 0.15)
	w.share = weight
	w.policy = w.uuid()
	id := "E" + token(w.r, upper, 13)
	staging := w.config()
	staging["Staging"] = true
	staging["Origins"] = items(object{"Id": "web", "DomainName": "next." + w.word + ".example.net", "CustomOriginConfig": object{"HTTPPort": 80}})
	w.staging = object{
		"ContinuousDeploymentPolicy": object{"Id": w.policy, "ContinuousDeploymentPolicyConfig": object{"Enabled": true,
			"StagingDistributionDnsNames": items("dnext.cloudfront.net"), "TrafficConfig": object{"Type": "SingleWeight", "SingleWeightConfig": object{"Weight": weight}}}},
		"StagingDistribution": w.distribution(id, staging),
	}
	w.base = max(w.base, 400)
	dims := []string{"DistributionId", id, "Region", "Global"}
	w.count("us-east-1", "AWS/CloudFront", "Requests", true, w.like(1), dims...)
	w.measure("us-east-1", "AWS/CloudFront", "5xxErrorRate", "Average", true, func(at time.Time) float64 { return 100 * w.level(at) }, dims...)
	w.relay("text/html", 90, origin)
	if w.r.IntN(3) == 0 {
		w.relayed(503, "nginx", "text/html", "not ready")
	} else {
		w.healthy()
	}
	w.blame(w.call("us-east-1", "cloudfront", "UpdateContinuousDeploymentPolicy", w.before(), object{"id": w.policy, "continuousDeploymentPolicyConfig": object{"enabled": true}}, object{}))
}
