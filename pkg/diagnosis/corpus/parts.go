// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package corpus

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

func items(list ...any) object {
	if len(list) == 0 {
		return object{"Quantity": 0}
	}
	return object{"Quantity": len(list), "Items": list}
}

func objects(list []object) object {
	out := make([]any, len(list))
	for i, o := range list {
		out[i] = o
	}
	return items(out...)
}

// config is the distribution's configuration as it is live.
func (w *world) config() object {
	target := "main"
	if len(w.groups) > 0 {
		target = w.groups[0]["Id"].(string)
	} else if len(w.origins) > 0 {
		target = w.origins[0]["Id"].(string)
	}
	return object{
		"CallerReference": "made-" + w.word, "Aliases": items("www." + w.word + ".example.com"), "Comment": "", "Enabled": true,
		"Origins": objects(w.origins), "OriginGroups": objects(w.allGroups()), "CacheBehaviors": objects(w.behaviors),
		"DefaultCacheBehavior": w.behavior(target, "658327ea-f89d-4fab-a63d-7e88639e58f6"), "CustomErrorResponses": objects(w.errors), "WebACLId": w.webACL,
		"ContinuousDeploymentPolicyId": w.policy, "Staging": false, "PriceClass": "PriceClass_All", "HttpVersion": "http2",
		"Logging": object{"Enabled": true, "IncludeCookies": false, "Bucket": "logs-" + w.word + ".s3.amazonaws.com", "Prefix": "cf/"},
	}
}

func (w *world) allGroups() []object {
	if w.spare == nil {
		return w.groups
	}
	return append(append([]object{}, w.groups...), w.spare)
}

func (w *world) behavior(target, cachePolicy string) object {
	lambdas, functions := []any{}, []any{}
	for i, arn := range w.lambdas {
		lambdas = append(lambdas, object{"LambdaFunctionARN": arn, "EventType": []string{"origin-request", "viewer-request"}[i%2], "IncludeBody": false})
	}
	for i, arn := range w.functions {
		functions = append(functions, object{"FunctionARN": arn, "EventType": []string{"viewer-request", "viewer-response"}[i%2]})
	}
	return object{
		"TargetOriginId": target, "ViewerProtocolPolicy": "redirect-to-https", "Compress": true, "CachePolicyId": cachePolicy,
		"LambdaFunctionAssociations": items(lambdas...), "FunctionAssociations": items(functions...),
	}
}

func (w *world) distribution(id string, config object) object {
	return object{"ETag": "E" + token(w.r, upper, 13), "Distribution": object{
		"Id": id, "ARN": "arn:aws:cloudfront::" + w.account + ":distribution/" + id, "Status": "Deployed",
		"LastModifiedTime": w.onset.Add(-48 * time.Hour).Format("2006-01-02T15:04:05.000000+00:00"), "DomainName": "d" + w.word + ".cloudfront.net",
		"DistributionConfig": config,
	}}
}

// custom adds an origin that is no bucket.
func (w *world) custom(id, domain string) object {
	o := object{"Id": id, "DomainName": domain, "OriginPath": "", "CustomOriginConfig": object{
		"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only", "OriginReadTimeout": 30, "OriginKeepaliveTimeout": 5,
	}}
	w.origins = append(w.origins, o)
	return o
}

// bucket adds an S3 origin and returns the bucket's name.
func (w *world) bucket(id string) string {
	name := w.word + "-" + token(w.r, hexes, 5)
	domain := name + ".s3." + w.region + ".amazonaws.com"
	if w.r.IntN(5) == 0 {
		domain = name + ".s3.amazonaws.com"
	}
	w.origins = append(w.origins, object{"Id": id, "DomainName": domain, "OriginPath": "", "S3OriginConfig": object{"OriginAccessIdentity": ""}, "OriginAccessControlId": "E" + token(w.r, upper, 13)})
	return name
}

// server adds an origin of the owner's own.
func (w *world) server(id string) string {
	domain := pick(w.r, "origin.", "www-backend.", "app.", "media.") + w.word + ".example.net"
	w.custom(id, domain)
	return domain
}

// anyOrigin adds an origin whose kind does not matter; it is healthy.
func (w *world) anyOrigin() {
	switch w.r.IntN(4) {
	case 0:
		name := w.bucket("main")
		w.bucketMetrics(name, zero, flat(w.base/4))
	case 1:
		b := w.alb("main")
		w.albHealthy(b)
	default:
		w.server("main")
	}
}

func (w *world) bucketMetrics(name string, errors, all func(time.Time) float64) {
	if w.r.IntN(5) == 0 {
		return // request metrics are opt-in
	}
	w.count(w.region, "AWS/S3", "5xxErrors", true, errors, "BucketName", name, "FilterId", "EntireBucket")
	w.count(w.region, "AWS/S3", "AllRequests", true, all, "BucketName", name, "FilterId", "EntireBucket")
}

// balancer is an application load balancer that was made.
type balancer struct {
	name, arn, dns, group string
	file                  object
}

// alb adds an application load balancer as an origin.
func (w *world) alb(id string) balancer {
	name := w.word + "-" + pick(w.r, "web", "lb", "public")
	digits := token(w.r, "123456789", 9)
	b := balancer{name: name, dns: fmt.Sprintf("%s-%s.%s.elb.amazonaws.com", name, digits, w.region)}
	key := "app/" + name + "/" + token(w.r, hexes, 16)
	b.arn = fmt.Sprintf("arn:aws:elasticloadbalancing:%s:%s:loadbalancer/%s", w.region, w.account, key)
	b.group = fmt.Sprintf("arn:aws:elasticloadbalancing:%s:%s:targetgroup/%s-tg/%s", w.region, w.account, w.word, token(w.r, hexes, 16))
	domain := b.dns
	if w.r.IntN(8) == 0 {
		domain = "dualstack." + b.dns
	}
	w.custom(id, domain)
	b.file = w.albFile(b, key)
	w.elbv2[w.region] = b.file
	return b
}

func (w *world) albFile(b balancer, key string) object {
	forward := []any{object{"Type": "forward", "Order": 1, "TargetGroupArn": b.group, "ForwardConfig": object{"TargetGroups": []any{object{"TargetGroupArn": b.group, "Weight": 1}}}}}
	listener := fmt.Sprintf("arn:aws:elasticloadbalancing:%s:%s:listener/%s/%s", w.region, w.account, key, token(w.r, hexes, 16))
	ruleARN := strings.Replace(listener, ":listener/", ":listener-rule/", 1) + "/" + token(w.r, hexes, 16)
	return object{
		"LoadBalancers": []any{object{"LoadBalancerArn": b.arn, "DNSName": b.dns, "LoadBalancerName": b.name, "Type": "application", "State": object{"Code": "active"}}},
		"Listeners":     []any{object{"ListenerArn": listener, "LoadBalancerArn": b.arn, "Port": 443, "Protocol": "HTTPS", "DefaultActions": forward}},
		"Rules":         []any{object{"RuleArn": ruleARN, "Priority": "default", "IsDefault": true, "Conditions": []any{}, "Actions": forward}},
		"TargetGroups":  []any{object{"TargetGroupArn": b.group, "LoadBalancerArns": []any{b.arn}}},
		"TargetHealth": object{b.group: object{"TargetHealthDescriptions": []any{
			object{"Target": object{"Id": "10.0.0.7", "Port": 8080}, "TargetHealth": object{"State": "healthy"}},
			object{"Target": object{"Id": "10.0.1.9", "Port": 8080}, "TargetHealth": object{"State": pick(w.r, "healthy", "unhealthy")}},
		}}},
	}
}

// albCount adds the counters of a load balancer.
func (w *world) albCount(b balancer, name string, of func(time.Time) float64) {
	w.count(w.region, "AWS/ApplicationELB", name, true, of, "LoadBalancer", strings.SplitN(b.arn, "loadbalancer/", 2)[1])
}

func (w *world) albHealthy(b balancer) {
	w.albCount(b, "RequestCount", flat(w.base/2))
	w.albCount(b, "HTTPCode_ELB_503_Count", zero)
	w.albCount(b, "HTTPCode_Target_5XX_Count", zero)
	w.albHosts(b, flat(2))
}

func (w *world) albHosts(b balancer, of func(time.Time) float64) {
	w.measure(w.region, "AWS/ApplicationELB", "HealthyHostCount", "Minimum", true, of, "TargetGroup", b.group[strings.Index(b.group, "targetgroup/"):],
		"LoadBalancer", strings.SplitN(b.arn, "loadbalancer/", 2)[1])
}

// answer writes the probe.
func (w *world) answer(status int, headers []string, body string) {
	protocol := pick(w.r, "HTTP/2", "HTTP/1.1", "HTTP/3")
	line := "\r\n"
	if w.r.IntN(2) == 0 {
		line = "\n"
	}
	lines := []string{fmt.Sprintf("%s %d", protocol, status), "date: " + w.collected.Format(time.RFC1123)}
	lines = append(lines, headers...)
	lines = append(lines, fmt.Sprintf("content-length: %d", len(body)), "via: 1.1 abc.cloudfront.net (CloudFront)", "x-amz-cf-pop: "+pick(w.r, edgeNames...), "x-amz-cf-id: "+token(w.r, lower, 54)+"==")
	w.probe = strings.Join(lines, line) + line + line + body
}

// page is CloudFront's own error page.
func (w *world) page(status int, xcache, sentence string) {
	body := fmt.Sprintf("<HTML><HEAD><TITLE>ERROR: The request could not be satisfied</TITLE></HEAD><BODY>\n<H1>%d ERROR</H1>\n"+
		"<H2>The request could not be satisfied.</H2>\n<HR noshade size=\"1px\">\n%s\nWe can't connect to the server for this app or website at this time.\n"+
		"<BR clear=\"all\">\n<PRE>\nGenerated by cloudfront (CloudFront)\nRequest ID: %s==\n</PRE>\n</BODY></HTML>", status, sentence, token(w.r, lower, 54))
	w.answer(status, []string{"server: CloudFront", "content-type: text/html", "x-cache: " + xcache + " from cloudfront"}, body)
}

// relayed is an answer that an origin wrote.
func (w *world) relayed(status int, server, contentType, body string, more ...string) {
	headers := append([]string{"content-type: " + contentType, "x-cache: Error from cloudfront"}, more...)
	if server != "" {
		headers = append(headers, "server: "+server)
	}
	w.answer(status, headers, body)
}

// relay makes failing rows look like those that an origin wrote.
func (w *world) relay(contentType string, length int, first func(*rand.Rand) float64) {
	w.fail.detailed = pick(w.r, "OriginError", "OriginError", "Error")
	w.fail.firstByte, w.fail.contentType, w.fail.contentLength = first, contentType, length
}

// own makes failing rows look like those that the edge itself wrote.
func (w *world) own(kind string) {
	w.fail.result, w.fail.response, w.fail.detailed = kind, kind, kind
}

// edgeLambda attaches a Lambda@Edge version and returns its name and ARN.
func (w *world) edgeLambda() (name, arn string) {
	name = w.word + "-" + pick(w.r, "auth", "rewrite", "router")
	arn = fmt.Sprintf("arn:aws:lambda:us-east-1:%s:function:%s:%d", w.account, name, 1+w.r.IntN(40))
	w.lambdas = append(w.lambdas, arn)
	return name, arn
}

// lambdaState writes the state of a version and its role.
func (w *world) lambdaState(name, arn string, timeout int, services ...string) object {
	role := "arn:aws:iam::" + w.account + ":role/" + name + "-role"
	file := object{
		"Functions": []any{object{"FunctionName": name, "FunctionArn": arn, "Role": role, "Timeout": timeout, "MemorySize": 128, "State": "Active", "LastUpdateStatus": "Successful"}},
		"Missing":   []any{},
		"Roles": object{role: object{"Role": object{"Arn": role, "AssumeRolePolicyDocument": object{"Version": "2012-10-17", "Statement": []any{
			object{"Effect": "Allow", "Principal": object{"Service": services}, "Action": "sts:AssumeRole"}}}}}},
		"AccountSettings": object{"AccountLimit": object{"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 1000}},
	}
	w.lambda["us-east-1"] = file
	return file
}

var bothLambdas = []string{"lambda.amazonaws.com", "edgelambda.amazonaws.com"}

// lambdaMetrics adds a replica's counters in a Region.
func (w *world) lambdaMetrics(region, name string, invocations, errors, throttles func(time.Time) float64, longest func(time.Time) float64) {
	dims := []string{"FunctionName", "us-east-1." + name}
	w.count(region, "AWS/Lambda", "Invocations", true, invocations, dims...)
	w.count(region, "AWS/Lambda", "Errors", true, errors, dims...)
	w.count(region, "AWS/Lambda", "Throttles", true, throttles, dims...)
	w.measure(region, "AWS/Lambda", "Duration", "Maximum", true, longest, dims...)
	w.measure(region, "AWS/Lambda", "Duration", "Average", true, func(at time.Time) float64 { return longest(at) / 2 }, dims...)
}

func (w *world) pool(region string, of func(time.Time) float64) {
	w.measure(region, "AWS/Lambda", "ConcurrentExecutions", "Maximum", false, of)
	w.measure(region, "AWS/Lambda", "UnreservedConcurrentExecutions", "Maximum", false, of)
}

func (w *world) quota(region, service, code, name string, value float64) {
	w.quotas[region] = append(w.quotas[region], object{"ServiceCode": service, "QuotaCode": code, "QuotaName": name, "Value": value, "Adjustable": true, "Unit": "None"})
}

// edgeFunction attaches a CloudFront Function and returns its name.
func (w *world) edgeFunction() string {
	name := w.word + "-" + pick(w.r, "redirect", "headers", "fn")
	w.functions = append(w.functions, "arn:aws:cloudfront::"+w.account+":function/"+name)
	return name
}

func (w *world) functionState(name, failure string, utilization int, output string) {
	w.edgeCode = append(w.edgeCode, object{"Name": name, "Stage": "LIVE",
		"DescribeFunction": object{"FunctionSummary": object{"Name": name, "FunctionMetadata": object{"LastModifiedTime": stamp(w.r, w.onset)}}},
		"TestFunction": object{"TestResult": object{"ComputeUtilization": fmt.Sprint(utilization), "FunctionErrorMessage": failure,
			"FunctionExecutionLogs": []any{}, "FunctionOutput": output}},
	})
}

func (w *world) functionMetrics(name string, errors, throttles, utilization func(time.Time) float64) {
	dims := []string{"FunctionName", name, "DistributionId", w.dist, "Region", "Global"}
	w.count("us-east-1", "AWS/CloudFront", "FunctionInvocations", true, w.requests, dims...)
	w.count("us-east-1", "AWS/CloudFront", "FunctionExecutionErrors", w.r.IntN(2) == 0, errors, dims...)
	w.count("us-east-1", "AWS/CloudFront", "FunctionValidationErrors", false, zero, dims...)
	w.count("us-east-1", "AWS/CloudFront", "FunctionThrottles", w.r.IntN(2) == 0, throttles, dims...)
	w.measure("us-east-1", "AWS/CloudFront", "FunctionComputeUtilization", "Average", true, utilization, dims...)
}

// trail is an UpdateDistribution of this distribution with its whole configuration, in CloudTrail's spelling.
func (w *world) trail(at time.Time) string {
	return w.call("us-east-1", "cloudfront", "UpdateDistribution", at, object{
		"id": w.dist, "ifMatch": "E" + token(w.r, upper, 13), "distributionConfig": lowerCamel(w.config()),
	}, object{"eTag": "E" + token(w.r, upper, 13)})
}

// lowerCamel spells members as CloudTrail does.
func lowerCamel(value any) any {
	switch value := value.(type) {
	case object:
		out := object{}
		for key, member := range value {
			out[strings.ToLower(key[:1])+key[1:]] = lowerCamel(member)
		}
		return out
	case []any:
		out := make([]any, len(value))
		for i, element := range value {
			out[i] = lowerCamel(element)
		}
		return out
	}
	return value
}

// healthEvent adds an AWS Health event.
func (w *world) healthEvent(name, service, status, description string, start time.Time, backup bool) {
	code := "AWS_" + service + "_OPERATIONAL_ISSUE"
	detail := object{
		"eventArn": "arn:aws:health:global::event/" + service + "/" + code + "/" + code + "_" + strings.TrimSuffix(name, "-closed"), "service": service, "eventTypeCode": code,
		"eventTypeCategory": "issue", "eventScopeCode": "PUBLIC", "communicationId": token(w.r, hexes, 20), "startTime": start.Format(time.RFC1123),
		"lastUpdatedTime": start.Add(10 * time.Minute).Format(time.RFC1123), "statusCode": status, "eventRegion": "global",
		"eventDescription": []any{object{"language": "en_US", "latestDescription": description}}, "backupEvent": fmt.Sprint(backup), "page": "1", "totalPages": "1",
	}
	if status == "closed" {
		detail["endTime"] = start.Add(40 * time.Minute).Format(time.RFC1123)
	}
	w.health[name] = object{"version": "0", "id": w.uuid(), "detail-type": "AWS Health Event", "source": "aws.health", "account": w.account,
		"time": start.Add(10 * time.Minute).Format(time.RFC3339), "region": "us-east-1", "resources": []any{}, "detail": detail}
}

// wafLog adds AWS WAF log records.
func (w *world) wafLog(acl, source, id, action string, status any, n int) {
	for i := range n {
		at := w.onset.Add(time.Duration(i*7) * time.Second)
		w.waf = append(w.waf, object{"timestamp": at.UnixMilli(), "formatVersion": 1, "webaclId": acl, "terminatingRuleId": "rule-" + w.word, "action": action,
			"httpSourceName": source, "httpSourceId": id, "responseCodeSent": status, "httpRequest": object{"clientIp": "192.0.2.1", "uri": "/", "requestId": token(w.r, lower, 54)}})
	}
}
