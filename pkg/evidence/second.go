// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package evidence

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"cloudfront503/pkg/distribution"
)

// mostOrigins bounds how many origins are asked about: an incident's evidence has a budget, and people wait.
const mostOrigins = 8

// edgeWrote matches the x-cache of a response that an edge wrote by itself: origins have no part in it [facts §2.1].
var edgeWrote = regexp.MustCompile(`(?im)^x-cache: *(Lambda|Function|LimitExceeded|CapacityExceeded)`)

// secondWave says what the first answers ask for: a pure function of them. What stands behind the origins is not asked
// where the probe shows that an edge function or a limit wrote the 503.
func (g *Gatherer) secondWave(uses used, first Record) []source {
	var list []source
	if len(uses.functions) > 0 {
		list = append(list, source{"cloudfront/functions", "aws cloudfront test-function --stage LIVE", g.readFunctions(uses.functions)})
	}
	if uses.staging != "" {
		list = append(list, source{"cloudfront/staging", "aws cloudfront get-continuous-deployment-policy --id " + uses.staging, g.readStaging(uses.staging)})
	}
	if roles := rolesOf(first["lambda/us-east-1.json"]); len(roles) > 0 {
		list = append(list, source{"lambda/us-east-1 roles", "aws iam get-role", g.readRoles(roles, first["lambda/us-east-1.json"])})
	}
	if uses.logging.Enabled {
		list = append(list, source{"access-logs", "aws s3 ls s3://" + bucketOf(uses.logging.Bucket) + "/" + uses.logging.Prefix, g.readLogs(uses.logging)})
	}
	if !edgeWrote.Match(head(first["probe.http"])) {
		list = append(list, g.originSources(uses)...)
	}
	return list
}

// originSources are what stands behind the origins, one source a Region and kind, and the web ACL's counters.
func (g *Gatherer) originSources(uses used) []source {
	var list []source
	for region, names := range balancersByRegion(uses.origins) {
		list = append(list, source{"elbv2/" + region, "aws elbv2 describe-load-balancers --region " + region, g.readBalancers(region, names)})
	}
	questions := map[string]*asked{}
	for _, origin := range uses.origins[:min(len(uses.origins), mostOrigins)] {
		askOrigin(questions, origin)
	}
	if name := aclName(uses.webACL); name != "" {
		in(questions, "us-east-1").add("AWS/WAFV2", aclMetrics, "WebACL", name, "Rule", "ALL")
	}
	for region, wanted := range questions {
		list = append(list, source{"metrics/" + region + " origins", "aws cloudwatch get-metric-data --region " + region, g.readAsked(region, *wanted)})
	}
	slices.SortFunc(list, func(a, b source) int { return strings.Compare(a.name, b.name) })
	return list
}

// Metrics of what stands behind origins [facts §2.4].
var (
	bucketMetrics = []metric{{"5xxErrors", "Sum"}, {"AllRequests", "Sum"}, {"GetRequests", "Sum"}, {"FirstByteLatency", "Average"}}
	apiMetrics    = []metric{{"5xx", "Sum"}, {"4xx", "Sum"}, {"Count", "SampleCount"}, {"IntegrationLatency", "Maximum"}, {"Latency", "Maximum"}}
	aclMetrics    = []metric{{"BlockedRequests", "Sum"}, {"AllowedRequests", "Sum"}}
)

// The Region stands in the names that AWS gives out.
//
//	media.s3.eu-west-1.amazonaws.com, media.s3-website.eu-west-1.amazonaws.com
//	a1b2c3d4e5.execute-api.us-east-1.amazonaws.com
//	shop-1234567890.eu-west-1.elb.amazonaws.com, shop-1a2b3c.elb.eu-west-1.amazonaws.com
var (
	bucketName   = regexp.MustCompile(`^(.+)\.s3(?:-website)?[.-](?:dualstack\.)?([a-z]{2}-[a-z-]+-[0-9])\.amazonaws\.com$`)
	apiName      = regexp.MustCompile(`^([a-z0-9]+)\.execute-api\.([a-z0-9-]+)\.(?:amazonaws\.com|api\.aws)$`)
	balancerName = regexp.MustCompile(`\.(?:([a-z0-9-]+)\.elb|elb\.([a-z0-9-]+))\.amazonaws\.com$`)
	aclARN       = regexp.MustCompile(`^arn:[^:]+:wafv2:[^:]+:[0-9]+:[a-z]+/webacl/([^/]+)/`)
)

// askOrigin adds the questions about one origin to its Region's.
func askOrigin(questions map[string]*asked, origin distribution.Origin) {
	name := strings.ToLower(origin.DomainName)
	if part := bucketName.FindStringSubmatch(name); part != nil {
		in(questions, part[2]).add("AWS/S3", bucketMetrics, "BucketName", part[1], "FilterId", "EntireBucket")
	}
	if part := apiName.FindStringSubmatch(name); part != nil {
		in(questions, part[2]).add("AWS/ApiGateway", apiMetrics, "ApiId", part[1])
	}
}

// in is the questions for a Region.
func in(questions map[string]*asked, region string) *asked {
	if questions[region] == nil {
		questions[region] = &asked{}
	}
	return questions[region]
}

// balancersByRegion are the load balancers' names in DNS, lower case, by Region.
func balancersByRegion(origins []distribution.Origin) map[string][]string {
	byRegion := map[string][]string{}
	for _, origin := range origins[:min(len(origins), mostOrigins)] {
		name := strings.TrimPrefix(strings.ToLower(origin.DomainName), "dualstack.")
		if part := balancerName.FindStringSubmatch(name); part != nil {
			byRegion[part[1]+part[2]] = append(byRegion[part[1]+part[2]], name)
		}
	}
	return byRegion
}

func aclName(arn string) string {
	if part := aclARN.FindStringSubmatch(arn); part != nil {
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
