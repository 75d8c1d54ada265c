// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package corpus

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf16"

	"cloudfront503/pkg/incident"
)

// present decides what the record shows of the world, and what the right answer then is.
func (w *world) present(presentation string, c *Case) {
	w.everyday()
	switch presentation {
	case "alarm-time":
		w.noLogs, w.noWAF = true, true
		w.recent(c)
	case "damaged":
		c.ChangeAlso = append(c.ChangeAlso, "") // the trail may be cut off before it
		if c.Cause == incident.CloudFrontIncident {
			c.Accept = append(c.Accept, incident.Undetermined) // one file says it
		}
	case "noisy":
		w.decoys()
	case "logs-only":
		w.noProbe, w.noState = true, true
		w.alsoFromLogs(c)
		if c.Cause == incident.LambdaEdgePermission {
			c.ChangeAlso = append(c.ChangeAlso, "") // without its state nothing names the role
		}
	case "probe-and-metrics":
		w.noLogs, w.noWAF, w.noTrail, w.noState = true, true, true, true
		c.Change, c.ChangeAlso = "", nil
		c.Accept = append(c.Accept, w.withoutState(c.Cause)...)
	case "no-metrics":
		w.noMetrics = true
		w.alsoFromLogs(c)
		c.Accept = append(c.Accept, incident.Undetermined)
		c.ChangeAlso = append(c.ChangeAlso, "")
	case "stripped":
		w.strip(c)
	}
}

// withoutState are causes that cannot be told for certain when neither state nor trail is there.
func (w *world) withoutState(cause incident.Cause) []incident.Cause {
	switch cause {
	case incident.LambdaEdgePermission, incident.LambdaEdgeService, incident.FunctionThrottled, incident.FunctionResidualThrottle, incident.OriginMTLS,
		incident.ErrorPage503, incident.Replayed503, incident.EdgeCapacity, incident.ClientBurst, incident.CloudFrontIncident, incident.WAF503, incident.LambdaEdgeTimeout,
		incident.LambdaEdgeConcurrency, incident.Staging503:
		return []incident.Cause{incident.Undetermined}
	}
	return nil
}

// alsoFromLogs: logs and metrics without state or probe leave some causes open.
func (w *world) alsoFromLogs(c *Case) {
	c.Accept = append(c.Accept, w.withoutState(c.Cause)...)
	switch c.Cause {
	case incident.Origin503, incident.FailoverSecondary503, incident.Target503, incident.S3SlowDown, incident.S3Unavailable, incident.HTTPAPITimeout,
		incident.LambdaEdgeRate:
		c.Accept = append(c.Accept, incident.Undetermined)
	}
}

// strip leaves the viewers' metrics, and not even those per status.
func (w *world) strip(c *Case) {
	w.noLogs, w.noWAF, w.noTrail, w.noState, w.noProbe = true, true, true, true, true
	w.additional = false
	w.health = map[string]object{}
	w.series = map[string][]series{}
	c.Accept = append(c.Accept, incident.Undetermined)
	c.Change, c.ChangeAlso, c.Status = "", nil, 0
}

// recent takes away what CloudTrail would not show yet.
func (w *world) recent(c *Case) {
	for region, list := range w.calls {
		w.calls[region] = slices.DeleteFunc(list, func(e object) bool {
			at, err := time.Parse("2006-01-02T15:04:05", e["EventTime"].(string)[:19])
			return err == nil && at.After(w.collected.Add(-4*time.Minute))
		})
	}
	shown := func(id string) bool {
		for _, list := range w.calls {
			if slices.ContainsFunc(list, func(e object) bool { return e["EventId"] == id }) {
				return true
			}
		}
		return false
	}
	if !shown(c.Change) {
		c.Change = ""
		c.ChangeAlso = append(slices.DeleteFunc(slices.Clone(c.ChangeAlso), func(id string) bool { return !shown(id) }), "")
	}
	if c.Cause == incident.FunctionResidualThrottle || c.Cause == incident.EdgeCapacity || c.Cause == incident.ClientBurst || c.Cause == incident.Replayed503 || c.Cause == incident.CloudFrontIncident {
		c.Accept = append(c.Accept, incident.Undetermined)
	}
}

// everyday are calls and states that any account has.
func (w *world) everyday() {
	for range 3 {
		at := w.start.Add(time.Duration(w.r.Float64() * float64(w.collected.Sub(w.start))))
		w.call("us-east-1", pick(w.r, "codebuild", "sts", "iam"), pick(w.r, "StartBuild", "AssumeRole", "CreateAccessKey"), at, object{"projectName": "x-" + w.word}, object{})
	}
	if w.webACL != "" && len(w.waf) == 0 {
		w.wafLog(w.webACL, "CF", w.dist, "BLOCK", nil, 5)
	}
}

// decoys are other people's changes, other services' trouble, and things that are there and innocent.
func (w *world) decoys() {
	other := "E" + token(w.r, upper, 13)
	soon := func() time.Time { return w.onset.Add(-time.Duration(20+w.r.IntN(900)) * time.Second) }
	w.call("us-east-1", "cloudfront", "UpdateDistribution", soon(), object{"id": other, "distributionConfig": object{"comment": "HIDDEN"}}, object{})
	w.call("us-east-1", "cloudfront", "PublishFunction", soon(), object{"name": w.word + "-redirect-v2"}, object{})
	w.call("us-east-1", "lambda", "UpdateFunctionCode20150331v2", soon(), object{"functionName": w.word + "-authors"}, object{})
	w.call("us-east-1", "lambda", "DeleteFunction20150331", soon(), object{"functionName": w.word + "-auth-old"}, object{})
	w.call(w.region, "elasticloadbalancing", "DeregisterTargets", soon(), object{"targetGroupArn": fmt.Sprintf("arn:aws:elasticloadbalancing:%s:%s:targetgroup/other/%s", w.region, w.account, token(w.r, hexes, 16))}, object{})
	w.call("us-east-1", "cloudfront", "UpdateDistribution", w.onset.Add(3*time.Minute), object{"id": w.dist, "distributionConfig": lowerCamel(w.config())}, object{})
	w.count(w.region, "AWS/S3", "5xxErrors", true, flat(3), "BucketName", "another-bucket", "FilterId", "EntireBucket")
	w.count(w.region, "AWS/ApplicationELB", "HTTPCode_ELB_503_Count", true, flat(max(2, w.base/50)), "LoadBalancer", "app/another/"+token(w.r, hexes, 16))
	w.count("us-east-1", "AWS/Lambda", "Throttles", true, flat(max(3, w.base/200)), "FunctionName", "nightly-batch")
	if len(w.lambdas) > 0 {
		name := strings.Split(w.lambdas[0], ":")[6]
		w.lambdaMetrics("ap-south-1", name, flat(w.base/10), zero, flat(1), flat(60))
	}
	w.healthEvent("ec2", "EC2", "open", "Increased API error rates in one Availability Zone.", w.onset.Add(-20*time.Minute), false)
	w.healthEvent("old", "CLOUDFRONT", "closed", "Increased error rates for CloudFront.", w.onset.Add(-5*time.Hour), false)
	w.innocent()
}

// innocent adds a staging distribution, a web ACL or a Health event that have nothing to do with the failure.
func (w *world) innocent() {
	if w.staging == nil && w.r.IntN(2) == 0 {
		w.policy = w.uuid()
		id := "E" + token(w.r, upper, 13)
		w.staging = object{"ContinuousDeploymentPolicy": object{"Id": w.policy, "ContinuousDeploymentPolicyConfig": object{"Enabled": true,
			"TrafficConfig": object{"Type": "SingleWeight", "SingleWeightConfig": object{"Weight": 0.05}}}}, "StagingDistribution": w.distribution(id, w.config())}
		dims := []string{"DistributionId", id, "Region", "Global"}
		w.count("us-east-1", "AWS/CloudFront", "Requests", true, func(at time.Time) float64 { return 0.05 * w.requests(at) }, dims...)
		w.measure("us-east-1", "AWS/CloudFront", "5xxErrorRate", "Average", true, func(at time.Time) float64 { return 100 * w.share * w.level(at) }, dims...)
	}
	if w.webACL == "" && len(w.waf) == 0 && w.r.IntN(2) == 0 {
		name := "acl-" + w.word
		w.webACL = fmt.Sprintf("arn:aws:wafv2:us-east-1:%s:global/webacl/%s/%s", w.account, name, w.uuid())
		w.count("us-east-1", "AWS/WAFV2", "BlockedRequests", true, flat(max(2, w.base/40)), "WebACL", name, "Rule", "ALL")
		w.wafLog(w.webACL, "CF", w.dist, "BLOCK", 403, 15)
	}
	if w.r.IntN(3) == 0 {
		w.healthEvent("invalidations", "CLOUDFRONT", "open", "Customers may see delays in invalidation and propagation of configuration changes.", w.onset.Add(-30*time.Minute), false)
	}
	if w.r.IntN(3) == 0 {
		w.healthEvent("vpc", "CLOUDFRONT", "open", "Increased 5xx error rates for distributions that use VPC origins.", w.onset.Add(-10*time.Minute), false)
	}
	if w.r.IntN(3) == 0 {
		w.healthEvent("backup", "CLOUDFRONT", "open", "Increased error rates for CloudFront.", w.onset, true)
	}
}

// spoil damages some files of the record, never all that decide.
func (w *world) spoil(presentation string, files map[string][]byte) {
	if len(w.waf) > 0 && !w.noWAF {
		var out bytes.Buffer
		for _, record := range w.waf {
			out.WriteString(text(record) + "\n")
		}
		files["wafv2/logs.jsonl"] = out.Bytes()
	}
	if presentation != "damaged" {
		return
	}
	names := slices.Sorted(maps.Keys(files))
	for _, name := range names {
		if name == "incident.json" || name == "distribution.json" {
			continue
		}
		files[name] = w.damage(name, files[name])
	}
}

// damage does to a file what happens to files: cut off, another encoding, rubbish in between, or nothing.
func (w *world) damage(name string, content []byte) []byte {
	log := strings.HasSuffix(name, ".gz")
	switch w.r.IntN(7) {
	case 0:
		if log && len(content) > 400 {
			return content[:len(content)*2/3]
		}
	case 1:
		if !log && !strings.HasPrefix(name, "probe") {
			return widen(content)
		}
	case 2:
		if !log {
			return append([]byte("\xef\xbb\xbf"), content...)
		}
	case 3:
		if strings.HasPrefix(name, "cloudtrail") || strings.HasPrefix(name, "health") {
			return content[:len(content)*9/10]
		}
	case 4:
		if strings.HasSuffix(name, ".jsonl") {
			return append([]byte("{\"broken\":\n\x00\x01\n"), content...)
		}
	}
	return content
}

func widen(content []byte) []byte {
	out := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune(string(content))) {
		out = append(out, byte(unit), byte(unit>>8))
	}
	return out
}
