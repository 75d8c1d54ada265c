// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package evidence

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/wafv2"
	"github.com/aws/aws-sdk-go-v2/service/wafv2/types"

	"cloudfront503/pkg/distribution"
)

// webACLFile is the file wafv2/REGION.json: what protects each resource that was asked about, null where nothing does.
type webACLFile struct {
	Resources map[string]*webACL
}

// webACL is a web ACL as the AWS CLI prints it, without what its rules look for: header values that origins accept are
// secrets, and the diagnosis wants to know what is answered.
type webACL struct {
	Name          string
	ID            string `json:"Id"`
	ARN           string
	DefaultAction any
	Rules         []any
}

// protected asks, once the load balancers and the failing path are known, which web ACLs stand before the origins: one at an
// application load balancer or at a stage of a REST API answers in the origin's place [facts D1].
func (g *Gatherer) protected(uses used, record Record) []source {
	if edgeWrote().Match(head(record["probe.http"])) {
		return nil
	}
	arns, problems := map[string][]string{}, map[string]error{}
	for name, content := range record {
		if region, ok := strings.CutPrefix(name, "elbv2/"); ok {
			region = strings.TrimSuffix(region, ".json")
			arns[region] = append(arns[region], applicationBalancers(content)...)
		}
	}
	for _, r := range behind(uses.origins, record["origins.json"]) {
		if r.kind != distribution.KindAPIGateway || isHTTPAPI(r, record) {
			continue
		}
		stage, err := r.stage(record)
		if err != nil {
			problems[r.region] = errors.Join(problems[r.region], err)
			continue
		}
		arns[r.region] = append(arns[r.region], stage)
	}
	var list []source
	for _, region := range slices.Sorted(maps.Keys(union(arns, problems))) {
		slices.Sort(arns[region])
		list = append(list, source{"wafv2/" + region, "aws wafv2 get-web-acl-for-resource --region " + region + " --resource-arn ARN",
			readACLs(region, slices.Compact(arns[region]), problems[region])})
	}
	return list
}

func union[A, B any](a map[string]A, b map[string]B) map[string]bool {
	keys := map[string]bool{}
	for key := range a {
		keys[key] = true
	}
	for key := range b {
		keys[key] = true
	}
	return keys
}

// applicationBalancers are the ARNs of a file's application load balancers; a network load balancer takes no web ACL.
func applicationBalancers(file []byte) []string {
	var state struct {
		LoadBalancers []struct{ LoadBalancerArn, Type string }
	}
	_ = json.Unmarshal(file, &state) // a file of ours
	var arns []string
	for _, balancer := range state.LoadBalancers {
		if balancer.Type == "application" {
			arns = append(arns, balancer.LoadBalancerArn)
		}
	}
	return arns
}

// isHTTPAPI reports an API whose metrics bear its id: an HTTP API, which takes no web ACL. A REST API's bear its name.
func isHTTPAPI(r resource, record Record) bool {
	var file struct {
		MetricDataQueries []struct {
			MetricStat struct {
				Metric struct {
					Dimensions []struct{ Name, Value string }
				}
			}
		}
	}
	_ = json.Unmarshal(record["metrics/"+r.region+".json"], &file) // a file of ours, or none
	for _, query := range file.MetricDataQueries {
		for _, dimension := range query.MetricStat.Metric.Dimensions {
			if dimension.Name == "ApiId" && dimension.Value == apiOf(r) {
				return true
			}
		}
	}
	return false
}

// apiOf is the API's id, in a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com.
func apiOf(r resource) string {
	id, _, _ := strings.Cut(r.name, ".")
	return id
}

// stage is the ARN of the stage that an origin goes to: the first part of the origin's path or, where it has none, of the
// path that fails, which CloudFront passes on as it is. The name of a custom domain's endpoint, d-…, tells no API.
func (r resource) stage(record Record) (string, error) {
	id, path := apiOf(r), r.path
	if path == "" {
		failing, _ := failing(record)
		if parsed, err := url.Parse(failing); err == nil {
			path = parsed.Path
		}
	}
	name, _, _ := strings.Cut(strings.Trim(path, "/"), "/")
	if name == "" || strings.HasPrefix(id, "d-") {
		return "", fmt.Errorf("which stage of the API %s is asked stands neither in the origin's path nor in a path that fails", id)
	}
	return "arn:" + partitionOf(r.region) + ":apigateway:" + r.region + "::/restapis/" + id + "/stages/" + name, nil
}

// partitionOf is the partition that a Region is in.
func partitionOf(region string) string {
	if strings.HasPrefix(region, "cn-") {
		return "aws-cn"
	}
	return "aws"
}

// readACLs asks which web ACL protects each of a Region's resources. problem is why others could not be asked about.
func readACLs(region string, arns []string, problem error) reader {
	return func(ctx context.Context, g *Gatherer, _ Question) (Record, error) {
		if len(arns) == 0 {
			return nil, problem
		}
		found, err := each(arns, func(arn string) (*webACL, error) {
			answer, err := g.ACLs(region).GetWebACLForResource(ctx, &wafv2.GetWebACLForResourceInput{ResourceArn: &arn})
			if err != nil {
				return nil, fmt.Errorf("get web ACL for %s: %w", arn, err)
			}
			return shown(answer.WebACL), nil
		})
		if err != nil {
			return nil, errors.Join(err, problem)
		}
		file := webACLFile{Resources: map[string]*webACL{}}
		for i, arn := range arns {
			file.Resources[arn] = found[i]
		}
		return Record{"wafv2/" + region + ".json": encode(file)}, problem
	}
}

// shown is what is kept of a web ACL; nil where there is none.
func shown(acl *types.WebACL) *webACL {
	if acl == nil {
		return nil
	}
	kept := &webACL{Name: aws.ToString(acl.Name), ID: aws.ToString(acl.Id), ARN: aws.ToString(acl.ARN), DefaultAction: acl.DefaultAction, Rules: []any{}}
	for _, rule := range acl.Rules {
		kept.Rules = append(kept.Rules, map[string]any{
			"Name": rule.Name, "Priority": rule.Priority, "Action": rule.Action, "OverrideAction": rule.OverrideAction,
		})
	}
	return kept
}

// behindACLs are what the web ACLs before the origins count and log.
func behindACLs(record Record) []source {
	var list []source
	var seen []string
	for _, name := range slices.Sorted(maps.Keys(record)) {
		region, state := strings.CutPrefix(strings.TrimSuffix(name, ".json"), "wafv2/")
		var file webACLFile
		if !state || json.Unmarshal(record[name], &file) != nil {
			continue
		}
		for _, resource := range slices.Sorted(maps.Keys(file.Resources)) {
			if acl := file.Resources[resource]; acl != nil && !slices.Contains(seen, acl.ARN) {
				seen = append(seen, acl.ARN)
				list = append(list, aclSources(region, acl)...)
			}
		}
	}
	return list
}

// aclSources are about one regional web ACL, whose counters have a dimension Region [AWS WAF "Metrics and dimensions"].
func aclSources(region string, acl *webACL) []source {
	var wanted asked
	wanted.add("AWS/WAFV2", aclMetrics, "WebACL", acl.Name, "Rule", "ALL", "Region", region)
	return []source{
		{"metrics/" + region + " web ACL " + acl.Name, "aws cloudwatch get-metric-data --region " + region, readAsked(region, wanted)},
		{"wafv2/logs " + acl.Name, "aws wafv2 get-logging-configuration --region " + region + " --resource-arn " + acl.ARN, readWAFLogs(acl.ARN)},
	}
}
