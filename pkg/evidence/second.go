// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package evidence

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"cloudfront503/pkg/accesslog"
	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/pattern"
)

// mostOrigins bounds how many origins are asked about: an incident's evidence has a budget, and people wait.
const mostOrigins = 8

// edgeWrote matches the x-cache of a response that an edge wrote by itself: origins have no part in it [facts §2.1].
var edgeWrote = pattern.Lazily(`(?im)^x-cache: *(Lambda|Function|LimitExceeded|CapacityExceeded)`)

// secondWave says what the first answers ask for: a pure function of them. What stands behind the origins is not asked
// where the probe shows that an edge function or a limit wrote the 503.
func (g *Gatherer) secondWave(q Question, uses used, first Record) []source {
	list := logSources(q, uses.logging, first["logs/deliveries.json"])
	if url, _ := failing(first); url != "" {
		list = append(list, source{"probe again", "curl -si " + url, readProbeAgain(url)})
	}
	if len(uses.functions) > 0 {
		list = append(list, source{"cloudfront/functions", "aws cloudfront test-function --stage LIVE", readFunctions(uses.functions)})
	}
	if uses.staging != "" {
		list = append(list, source{"cloudfront/staging", "aws cloudfront get-continuous-deployment-policy --id " + uses.staging, readStaging(uses.staging)})
	}
	if roles := rolesOf(first["lambda/us-east-1.json"]); len(roles) > 0 {
		list = append(list, source{"lambda/us-east-1 roles", "aws iam get-role", readRoles(roles, first["lambda/us-east-1.json"])})
	}
	if !edgeWrote().Match(head(first["probe.http"])) {
		list = append(list, originSources(uses, behind(uses.origins, first["origins.json"]))...)
	}
	return list
}

// thirdWave says what the answers of both ask for: the paths that fail, what stands before the origins, and the staging
// distribution's logs.
func (g *Gatherer) thirdWave(q Question, uses used, record Record) []source {
	return slices.Concat(g.afterLogs(q, record), g.protected(uses, record), stagingLogs(q, record))
}

// afterLogs asks for the paths that fail by the logs, where nobody has said which to ask for and the root does not fail.
func (g *Gatherer) afterLogs(q Question, record Record) []source {
	_, failed := failing(record)
	if len(g.Paths) > 0 || failed || host(q.Snapshot) == "" {
		return nil
	}
	paths := failingPaths(record)
	if len(paths) == 0 {
		return nil
	}
	return []source{{"probe of failing paths", "curl -si https://" + host(q.Snapshot) + paths[0], readProbeLogged(paths)}}
}

// failingPaths are those with the most answers of 500 and above in the logs of a record.
func failingPaths(record Record) []string {
	counter := accesslog.New(nil)
	for _, name := range slices.Sorted(maps.Keys(record)) {
		if strings.HasPrefix(name, "access-logs/") {
			_ = counter.Read(bytes.NewReader(record[name])) // what is damaged counts as far as it goes
		}
	}
	counts := map[string]int64{}
	for _, group := range counter.Logs().Groups {
		for _, path := range group.Paths.Top {
			if group.Status >= 500 && strings.HasPrefix(path.Value, "/") {
				counts[path.Value] += path.Count
			}
		}
	}
	paths := slices.Sorted(maps.Keys(counts))
	slices.SortStableFunc(paths, func(a, b string) int { return cmp.Compare(counts[b], counts[a]) })
	return paths
}

// originSources are what stands behind the origins, one source a Region and kind, what was changed there, and what the web
// ACL counts and logs.
func originSources(uses used, resources []resource) []source {
	var list []source
	for _, region := range regionsOf(resources) {
		here := slices.DeleteFunc(slices.Clone(resources), func(r resource) bool { return r.region != region })
		list = append(list, regionSources(region, here)...)
	}
	if name := aclName(uses.webACL); name != "" {
		var wanted asked
		wanted.add("AWS/WAFV2", aclMetrics, "WebACL", name, "Rule", "ALL")
		list = append(list, source{"metrics/us-east-1 web ACL", "aws cloudwatch get-metric-data --region us-east-1", readAsked("us-east-1", wanted)},
			source{"wafv2/logs", "aws wafv2 get-logging-configuration --resource-arn " + uses.webACL, readWAFLogs(uses.webACL)})
	}
	return list
}

// regionSources are about the resources of one Region. CloudTrail reports a change of a load balancer, bucket, API or
// regional web ACL where it is, not in us-east-1.
func regionSources(region string, here []resource) []source {
	var list []source
	isBalancer := func(r resource) bool { return r.kind == distribution.KindELB }
	if slices.ContainsFunc(here, isBalancer) {
		list = append(list, source{"elbv2/" + region, "aws elbv2 describe-load-balancers --region " + region, readBalancers(region, here)})
	}
	if slices.ContainsFunc(here, func(r resource) bool { return dimensionsOf[r.kind] != nil }) {
		list = append(list, source{"metrics/" + region + " origins", "aws cloudwatch list-metrics --region " + region, readOrigins(region, here)})
	}
	if region != "us-east-1" {
		list = append(list, source{"cloudtrail/" + region, "aws cloudtrail lookup-events --region " + region, readTrail(region)})
	}
	return list
}

// aclMetrics are the counters of a web ACL [facts §2.4].
var aclMetrics = []metric{{"BlockedRequests", "Sum"}, {"AllowedRequests", "Sum"}}

var aclARN = pattern.Lazily(`^arn:[^:]+:wafv2:[^:]+:[0-9]+:[a-z]+/webacl/([^/]+)/`)

func aclName(arn string) string {
	if part := aclARN().FindStringSubmatch(arn); part != nil {
		return part[1]
	}
	return ""
}

func bucketOf(domain string) string {
	name, _, _ := strings.Cut(domain, ".s3")
	return name
}

// head is a response without its body.
func head(response []byte) []byte {
	for _, blank := range []string{"\r\n\r\n", "\n\n"} {
		if before, _, found := bytes.Cut(response, []byte(blank)); found {
			return before
		}
	}
	return response
}

// rolesOf are the execution roles that a lambda file names, each once.
func rolesOf(file []byte) []string {
	var content struct {
		Functions []struct{ Role string }
	}
	if json.Unmarshal(file, &content) != nil {
		return nil
	}
	var roles []string
	for _, function := range content.Functions {
		if function.Role != "" && !slices.Contains(roles, function.Role) {
			roles = append(roles, function.Role)
		}
	}
	return roles
}

// mergeMetrics makes one file of two answers about one Region. The second's ids are made different from the first's.
func mergeMetrics(first, second []byte) []byte {
	var a, b struct {
		MetricDataQueries []map[string]json.RawMessage
		MetricDataResults []map[string]json.RawMessage
	}
	if json.Unmarshal(first, &a) != nil || json.Unmarshal(second, &b) != nil {
		return first
	}
	for _, list := range [][]map[string]json.RawMessage{b.MetricDataQueries, b.MetricDataResults} {
		for _, element := range list {
			element["Id"] = fmt.Appendf(nil, "%q", fmt.Sprintf("w%d_%s", len(a.MetricDataQueries), strings.Trim(string(element["Id"]), `"`)))
		}
	}
	a.MetricDataQueries = append(a.MetricDataQueries, b.MetricDataQueries...)
	a.MetricDataResults = append(a.MetricDataResults, b.MetricDataResults...)
	return encode(a)
}
