// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package corpus

import (
	"fmt"
	"strings"
	"time"

	"cloudfront503/pkg/incident"
)

const slowDown = `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message><RequestId>AAAA</RequestId><HostId>BBBB</HostId></Error>`

func playS3SlowDown(w *world) {
	name := w.bucket("media")
	w.base, w.surge, w.share = between(w.r, 60_000, 200_000), between(w.r, 3, 8), between(w.r, 0.05, 0.4)
	part := max(between(w.r, 0.6, 0.9), 5800*60/(w.base*w.surge*0.9))
	w.bucketMetrics(name, w.like(between(w.r, 0.5, 1.1)), func(at time.Time) float64 { return part * w.requests(at) })
	w.relay("application/xml", 330, origin)
	w.relayed(503, "AmazonS3", "application/xml", slowDown, "x-amz-request-id: ABCDEF")
}

func playS3Unavailable(w *world) {
	name := w.bucket("media")
	w.base = between(w.r, 200, 20_000)
	w.bucketMetrics(name, w.like(between(w.r, 0.4, 1.1)), flat(w.base*0.8))
	w.relay("application/xml", 290, origin)
	code := pick(w.r, "ServiceUnavailable", "ServiceUnavailable", "SomeOtherError", "OperationAborted")
	w.relayed(503, "AmazonS3", "application/xml", "<Error><Code>"+code+"</Code><Message>Service is unable to handle request.</Message></Error>")
	if w.r.IntN(3) == 0 {
		w.healthEvent("s3", "S3", "open", "Increased error rates for Amazon S3.", w.onset.Add(-2*time.Minute), false)
	}
}

func playALBNoTargets(w *world) {
	b := w.alb("web")
	w.albCount(b, "RequestCount", w.upTo(w.base, 0))
	w.albCount(b, "HTTPCode_ELB_503_Count", w.like(between(w.r, 0.8, 1.05)))
	w.albCount(b, "HTTPCode_ELB_5XX_Count", w.like(1))
	w.albCount(b, "HTTP_Fixed_Response_Count", zero)
	w.albCount(b, "HTTPCode_Target_5XX_Count", zero)
	w.albHosts(b, func(at time.Time) float64 { return max(0, 2-3*w.level(at)) })
	targets := []any{}
	if w.r.IntN(3) == 0 {
		targets = append(targets, object{"Target": object{"Id": "10.0.0.7", "Port": 80}, "TargetHealth": object{"State": "unused", "Reason": "Target.NotInUse"}})
	}
	b.file["TargetHealth"] = object{b.group: object{"TargetHealthDescriptions": targets}}
	w.albProbe()
	if w.r.IntN(3) > 0 {
		w.blame(w.call(w.region, "elasticloadbalancing", "DeregisterTargets", w.before(), object{"targetGroupArn": b.group, "targets": []any{object{"id": "10.0.0.7", "port": 8080}}}, object{}))
	}
	if w.r.IntN(5) == 0 {
		w.hide()
	}
}

func (w *world) albProbe() {
	w.relay("text/html", 162, origin)
	w.relayed(503, "awselb/2.0", "text/html", "<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n<body>\r\n<center><h1>503 Service Temporarily Unavailable</h1></center>\r\n</body>\r\n</html>")
}

func playALBFixedResponse(w *world) {
	b := w.alb("web")
	w.albCount(b, "RequestCount", w.upTo(w.base, w.base*(1-w.share)))
	if w.r.IntN(2) == 0 {
		w.albCount(b, "HTTPCode_ELB_503_Count", w.like(1))
	} else {
		w.albCount(b, "HTTPCode_ELB_503_Count", zero)
	}
	w.albCount(b, "HTTP_Fixed_Response_Count", w.like(1))
	w.albCount(b, "HTTPCode_Target_5XX_Count", zero)
	w.albHosts(b, flat(2))
	rules := b.file["Rules"].([]any)
	fixed := []any{object{"Type": "fixed-response", "Order": 1, "FixedResponseConfig": object{"StatusCode": "503", "ContentType": "text/html", "MessageBody": "back soon"}}}
	arn := strings.Replace(rules[0].(object)["RuleArn"].(string), "/", "/", 1) + "1"
	if w.r.IntN(2) == 0 {
		b.file["Rules"] = append([]any{object{"RuleArn": arn, "Priority": "5", "Actions": fixed, "Conditions": []any{object{"Field": "path-pattern", "Values": []any{"/*"}}}}}, rules...)
	} else {
		rules[0].(object)["Actions"] = fixed
	}
	w.relay("text/html", 30, origin)
	w.relayed(503, "awselb/2.0", "text/html", pick(w.r, "<h1>We will be back soon</h1>", "maintenance", `{"status":"maintenance"}`))
	if w.r.IntN(3) > 0 {
		w.blame(w.call(w.region, "elasticloadbalancing", pick(w.r, "ModifyRule", "CreateRule", "ModifyListener"), w.before(), object{
			"ruleArn": arn, "actions": fixed, "listenerArn": b.file["Listeners"].([]any)[0].(object)["ListenerArn"]}, object{}))
	}
}

func playCLB(w *world) {
	name := w.word + "-classic"
	dns := fmt.Sprintf("%s-%s.%s.elb.amazonaws.com", name, token(w.r, "123456789", 10), w.region)
	w.custom("web", dns)
	kind := w.r.IntN(3)
	count := func(metric, stat string, of func(time.Time) float64) {
		w.measure(w.region, "AWS/ELB", metric, stat, stat == "Sum", of, "LoadBalancerName", name)
	}
	states := []any{object{"InstanceId": "i-0aa", "State": "InService"}}
	switch kind {
	case 0:
		states[0].(object)["State"] = "OutOfService"
		count("HealthyHostCount", "Minimum", func(at time.Time) float64 { return max(0, 1-2*w.level(at)) })
		count("SpilloverCount", "Sum", zero)
	case 1:
		states = []any{}
		count("HealthyHostCount", "Minimum", func(at time.Time) float64 { return max(0, 2-3*w.level(at)) })
	default:
		count("SpilloverCount", "Sum", w.like(1))
		count("SurgeQueueLength", "Maximum", w.upTo(0, 1024))
		count("HealthyHostCount", "Minimum", flat(2))
	}
	count("HTTPCode_ELB_5XX", "Sum", w.like(1))
	count("HTTPCode_Backend_5XX", "Sum", zero)
	w.elb[w.region] = object{"LoadBalancerDescriptions": []any{object{"LoadBalancerName": name, "DNSName": dns, "Instances": []any{object{"InstanceId": "i-0aa"}}[:len(states)]}},
		"InstanceStates": object{name: states}}
	w.relay("text/html", 0, origin)
	w.relayed(503, "", "text/html", pick(w.r, "", "Service Unavailable: Back-end server is at capacity"))
	if kind == 1 && w.r.IntN(2) == 0 {
		w.blame(w.call(w.region, "elasticloadbalancing", "DeregisterInstancesFromLoadBalancer", w.before(), object{"loadBalancerName": name, "instances": []any{object{"instanceId": "i-0aa"}}}, object{}))
	}
}

func playTarget(w *world) {
	server := pick(w.r, "nginx", "nginx/1.27.0", "Apache", "gunicorn", "Microsoft-IIS/10.0", "envoy", "")
	w.relay("text/html", 200+w.r.IntN(600), origin)
	body := pick(w.r, "<h1>Service Unavailable</h1>", `{"error":"overloaded"}`, "upstream connect error", "<html><body>busy</body></html>")
	w.relayed(503, server, "text/html", body)
	if w.r.IntN(5) == 0 {
		w.custom("web", fmt.Sprintf("%s-nlb-%s.elb.%s.amazonaws.com", w.word, token(w.r, hexes, 16), w.region))
		return
	}
	if w.r.IntN(5) == 0 {
		w.classicTarget()
		return
	}
	b := w.alb("web")
	w.albCount(b, "RequestCount", flat(w.base))
	w.albCount(b, "HTTPCode_ELB_503_Count", zero)
	w.albCount(b, "HTTPCode_ELB_5XX_Count", zero)
	w.albCount(b, "HTTP_Fixed_Response_Count", zero)
	w.albCount(b, "HTTPCode_Target_5XX_Count", w.like(between(w.r, 0.5, 1)))
	w.albHosts(b, flat(2))
	if w.r.IntN(4) == 0 {
		w.hide()
	}
}

func playHTTPAPI(w *world) {
	id := token(w.r, lower, 10)
	w.custom("api", id+".execute-api."+w.region+".amazonaws.com")
	dims := []string{"ApiId", id}
	w.count(w.region, "AWS/ApiGateway", "5xx", true, w.like(1), dims...)
	w.count(w.region, "AWS/ApiGateway", "Count", true, flat(w.base), dims...)
	w.measure(w.region, "AWS/ApiGateway", "IntegrationLatency", "Maximum", true, w.upTo(250, 29_800), dims...)
	w.relay("application/json", 33, around(30))
	w.relayed(503, "", "application/json", `{"message":"Service Unavailable"}`, "apigw-requestid: "+token(w.r, upper, 15))
}

func playOrigin(w *world) {
	domain := w.server("web")
	if w.r.IntN(6) == 0 {
		w.origins = nil
		domain = token(w.r, lower, 32) + ".lambda-url." + w.region + ".on.aws"
		w.custom("web", domain)
	}
	w.relay("text/html", 190+w.r.IntN(2000), origin)
	w.relayed(503, pick(w.r, "nginx", "Apache/2.4", "cloudflare", "Varnish", "openresty"), "text/html", pick(w.r,
		"<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n<body>\r\n<center><h1>503 Service Temporarily Unavailable</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>",
		"<h1>Guru Meditation</h1>", "Service Unavailable", "down for maintenance"))
	if w.r.IntN(4) == 0 {
		w.errors = []object{{"ErrorCode": 503, "ErrorCachingMinTTL": 5, "ResponsePagePath": "", "ResponseCode": ""}}
	}
	_ = domain
}

func playReplayed(w *world) {
	ttl := 300 + w.r.IntN(1500)
	w.errors = []object{{"ErrorCode": 503, "ErrorCachingMinTTL": ttl, "ResponsePagePath": "", "ResponseCode": ""}}
	w.failUntil = w.onset.Add(time.Duration(60+w.r.IntN(90)) * time.Second)
	if soonest := w.failUntil.Add(6 * time.Minute); w.collected.Before(soonest) {
		w.collected = soonest
	}
	length := 120 + w.r.IntN(900)
	server := pick(w.r, "nginx", "Apache", "openresty")
	if w.r.IntN(2) == 0 {
		b := w.alb("web")
		short := func(at time.Time) float64 {
			if at.Before(w.failUntil) {
				return w.failing(at)
			}
			return 0
		}
		w.albCount(b, "RequestCount", flat(w.base))
		w.albCount(b, "HTTPCode_Target_5XX_Count", short)
		w.albCount(b, "HTTPCode_ELB_503_Count", zero)
		w.albHosts(b, flat(2))
	} else {
		w.server("web")
		if w.r.IntN(2) == 0 {
			w.alsoRight = nil
		}
	}
	w.relay("text/html", length, origin)
	w.fail.detailed = "OriginError"
	w.after = w.fail
	w.after.detailed, w.after.firstByte = "Error", quick
	age := int(w.collected.Sub(w.failUntil).Seconds()) - w.r.IntN(20)
	w.relayed(503, server, "text/html", strings.Repeat("x", length), fmt.Sprintf("age: %d", max(61, age)))
}

func playFailover(w *world) {
	member := func(id string) object { return object{"OriginId": id} }
	codes := []any{500, 502, 503, 504}
	w.groups = []object{{"Id": "pair", "FailoverCriteria": object{"StatusCodes": object{"Quantity": 4, "Items": codes}}, "Members": object{"Quantity": 2, "Items": []any{member("first"), member("second")}}}}
	switch w.r.IntN(3) {
	case 0:
		b := w.alb("first")
		w.albCount(b, "HTTPCode_ELB_503_Count", w.like(1))
		w.albCount(b, "HTTPCode_Target_5XX_Count", zero)
		name := w.bucket("second")
		w.bucketMetrics(name, w.like(1), flat(w.base))
		w.relayed(503, "AmazonS3", "application/xml", slowDown)
		w.relay("application/xml", 330, origin)
	case 1:
		w.server("first")
		w.custom("second", "standby."+w.word+".example.net")
		w.relayed(503, "nginx", "text/html", "standby is down")
		w.relay("text/html", 300, origin)
	default:
		w.bucket("first")
		b := w.alb("second")
		w.albCount(b, "HTTPCode_ELB_503_Count", w.like(1))
		w.albCount(b, "HTTPCode_Target_5XX_Count", zero)
		if w.r.IntN(2) == 0 {
			b.file["TargetHealth"] = object{b.group: object{"TargetHealthDescriptions": []any{}}}
		}
		w.albProbe()
	}
}

func playErrorPage(w *world) {
	from := []int{403, 404, 500, 502}[w.r.IntN(4)]
	w.errors = []object{{"ErrorCode": from, "ResponseCode": "503", "ResponsePagePath": pick(w.r, "/errors/503.html", "/sorry.html", ""), "ErrorCachingMinTTL": 10}}
	if w.r.IntN(3) == 0 {
		w.errors = append(w.errors, object{"ErrorCode": 503, "ResponseCode": "503", "ResponsePagePath": "/errors/503.html", "ErrorCachingMinTTL": 10})
	}
	w.share = between(w.r, 0.06, 0.5)
	server := "AmazonS3"
	if w.r.IntN(2) == 0 {
		w.bucket("site")
	} else {
		b := w.alb("site")
		w.albHealthy(b)
		server = pick(w.r, "AmazonS3", "nginx")
	}
	w.fail.contentLength = 700 + w.r.IntN(4000)
	w.fail.firstByte = origin
	w.relayed(503, server, "text/html", "<html><body><h1>Sorry</h1>Something went wrong, "+w.word+"</body></html>")
	w.baseline = func(config object) { config["CustomErrorResponses"] = items() }
	w.noBaseline = w.r.IntN(3) == 0
	w.blame(w.trail(w.before()))
}

func playNot503(w *world) {
	w.fail.status = []int{500, 502, 502, 504, 504}[w.r.IntN(5)]
	switch w.fail.status {
	case 500:
		w.server("web")
		w.relay("text/html", 400, origin)
		w.relayed(500, "nginx", "text/html", "<h1>Internal Server Error</h1>")
	case 502:
		w.play502()
	default:
		w.server("web")
		w.fail.detailed, w.fail.firstByte = "OriginCommError", around(30)
		w.page(504, "Error", "CloudFront attempted to establish a connection with the origin, but either the attempt failed or the origin closed the connection.")
	}
	w.alsoRight = []incident.Cause{}
}

func (w *world) play502() {
	switch w.r.IntN(3) {
	case 0:
		b := w.alb("web")
		w.albCount(b, "HTTPCode_ELB_502_Count", w.like(1))
		w.albCount(b, "HTTPCode_ELB_503_Count", zero)
		w.relay("text/html", 122, origin)
		w.relayed(502, "awselb/2.0", "text/html", "<html><head><title>502 Bad Gateway</title></head></html>")
	case 1:
		w.server("web")
		w.fail.detailed, w.fail.contentLength = pick(w.r, "OriginDnsError", "OriginConnectError"), 507
		w.page(502, "Error", "CloudFront wasn't able to connect to the origin.")
	default:
		w.anyOrigin()
		name, arn := w.edgeLambda()
		w.lambdaState(name, arn, 5, bothLambdas...)
		w.lambdaMetrics(w.region, name, flat(w.base), zero, zero, flat(40))
		w.own("LambdaValidationError")
		w.page(502, "LambdaValidationError", "The Lambda function result failed validation.")
	}
}
