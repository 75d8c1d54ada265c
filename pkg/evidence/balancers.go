// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package evidence

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// Balancers is what is read of application and network load balancers in one Region.
type Balancers interface {
	elasticloadbalancingv2.DescribeLoadBalancersAPIClient
	elasticloadbalancingv2.DescribeListenersAPIClient
	elasticloadbalancingv2.DescribeRulesAPIClient
	elasticloadbalancingv2.DescribeTargetGroupsAPIClient
	elasticloadbalancingv2.DescribeTargetHealthAPIClient
}

// Classic is what is read of classic load balancers in one Region.
type Classic interface {
	elasticloadbalancing.DescribeLoadBalancersAPIClient
	elasticloadbalancing.DescribeInstanceHealthAPIClient
}

// Metrics that decide who wrote a 503 behind a load balancer [facts §2.4].
var (
	balancerMetrics = []metric{
		{"RequestCount", "Sum"}, {"HTTPCode_ELB_503_Count", "Sum"}, {"HTTPCode_ELB_502_Count", "Sum"}, {"HTTPCode_ELB_504_Count", "Sum"},
		{"HTTPCode_ELB_5XX_Count", "Sum"}, {"HTTPCode_Target_5XX_Count", "Sum"}, {"HTTP_Fixed_Response_Count", "Sum"},
		{"RejectedConnectionCount", "Sum"}, {"TargetConnectionErrorCount", "Sum"}, {"TargetResponseTime", "Average"},
	}
	groupMetrics   = []metric{{"HealthyHostCount", "Minimum"}, {"UnHealthyHostCount", "Maximum"}}
	networkMetrics = []metric{{"TCP_ELB_Reset_Count", "Sum"}, {"TCP_Target_Reset_Count", "Sum"}, {"UnhealthyRoutingFlowCount", "Sum"}}
	classicMetrics = []metric{
		{"RequestCount", "Sum"}, {"HTTPCode_ELB_5XX", "Sum"}, {"HTTPCode_Backend_5XX", "Sum"}, {"SpilloverCount", "Sum"},
		{"SurgeQueueLength", "Maximum"}, {"HealthyHostCount", "Minimum"}, {"BackendConnectionErrors", "Sum"},
	}
)

// balancers is the file elbv2/REGION.json.
type balancers struct {
	LoadBalancers []types.LoadBalancer
	Listeners     []types.Listener
	Rules         []types.Rule
	TargetGroups  []types.TargetGroup
	TargetHealth  map[string]any
}

// readBalancers finds load balancers by their names in DNS, which do not tell classic from newer ones, and reads their
// state, then their metrics.
func (g *Gatherer) readBalancers(region string, names []string) func(context.Context, Question) (Record, error) {
	return func(ctx context.Context, q Question) (Record, error) {
		found, err := g.findBalancers(ctx, region, names)
		if err != nil {
			return nil, fmt.Errorf("load balancers in %s: %w", region, err)
		}
		var wanted asked
		record := Record{}
		if len(found) > 0 {
			state, err := g.describe(ctx, region, found)
			if err != nil {
				return nil, fmt.Errorf("load balancers in %s: %w", region, err)
			}
			record["elbv2/"+region+".json"] = encode(state)
			state.ask(&wanted)
		}
		if len(found) < len(names) {
			if err := g.readClassic(ctx, region, names, record, &wanted); err != nil {
				return record, fmt.Errorf("classic load balancers in %s: %w", region, err)
			}
		}
		metrics, err := g.readAsked(region, wanted)(ctx, q)
		record.add(metrics)
		return record, err
	}
}

func (g *Gatherer) findBalancers(ctx context.Context, region string, names []string) ([]types.LoadBalancer, error) {
	var found []types.LoadBalancer
	pages := elasticloadbalancingv2.NewDescribeLoadBalancersPaginator(g.Balancers(region), &elasticloadbalancingv2.DescribeLoadBalancersInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, balancer := range page.LoadBalancers {
			if slices.Contains(names, strings.ToLower(aws.ToString(balancer.DNSName))) {
				found = append(found, balancer)
			}
		}
	}
	return found, nil
}

func (g *Gatherer) describe(ctx context.Context, region string, found []types.LoadBalancer) (balancers, error) {
	client := g.Balancers(region)
	state := balancers{LoadBalancers: found, TargetHealth: map[string]any{}}
	for _, balancer := range found {
		listeners, err := client.DescribeListeners(ctx, &elasticloadbalancingv2.DescribeListenersInput{LoadBalancerArn: balancer.LoadBalancerArn})
		if err != nil {
			return state, err
		}
		state.Listeners = append(state.Listeners, listeners.Listeners...)
		groups, err := client.DescribeTargetGroups(ctx, &elasticloadbalancingv2.DescribeTargetGroupsInput{LoadBalancerArn: balancer.LoadBalancerArn})
		if err != nil {
			return state, err
		}
		state.TargetGroups = append(state.TargetGroups, groups.TargetGroups...)
	}
	return state, state.fill(ctx, client)
}

// fill adds the rules of each listener and the health of each group's targets.
func (s *balancers) fill(ctx context.Context, client Balancers) error {
	for _, listener := range s.Listeners {
		rules, err := client.DescribeRules(ctx, &elasticloadbalancingv2.DescribeRulesInput{ListenerArn: listener.ListenerArn})
		if err != nil {
			return err
		}
		s.Rules = append(s.Rules, rules.Rules...)
	}
	for _, group := range s.TargetGroups {
		health, err := client.DescribeTargetHealth(ctx, &elasticloadbalancingv2.DescribeTargetHealthInput{TargetGroupArn: group.TargetGroupArn})
		if err != nil {
			return err
		}
		s.TargetHealth[aws.ToString(group.TargetGroupArn)] = map[string]any{"TargetHealthDescriptions": health.TargetHealthDescriptions}
	}
	return nil
}

// ask adds the metrics of what was found. Dimensions are the ends of the ARNs: app/NAME/ID, targetgroup/NAME/ID.
func (s *balancers) ask(wanted *asked) {
	for _, balancer := range s.LoadBalancers {
		name := afterSlash(aws.ToString(balancer.LoadBalancerArn), ":loadbalancer/")
		if balancer.Type == types.LoadBalancerTypeEnumNetwork {
			wanted.add("AWS/NetworkELB", networkMetrics, "LoadBalancer", name)
			continue
		}
		wanted.add("AWS/ApplicationELB", balancerMetrics, "LoadBalancer", name)
	}
	for _, group := range s.TargetGroups {
		for _, balancer := range group.LoadBalancerArns {
			name := afterSlash(balancer, ":loadbalancer/")
			if strings.HasPrefix(name, "app/") {
				wanted.add("AWS/ApplicationELB", groupMetrics,
					"TargetGroup", "targetgroup/"+afterSlash(aws.ToString(group.TargetGroupArn), ":targetgroup/"), "LoadBalancer", name)
			}
		}
	}
}

func afterSlash(arn, mark string) string {
	_, after, _ := strings.Cut(arn, mark)
	return after
}

func (g *Gatherer) readClassic(ctx context.Context, region string, names []string, record Record, wanted *asked) error {
	answer, err := g.Classic(region).DescribeLoadBalancers(ctx, &elasticloadbalancing.DescribeLoadBalancersInput{})
	if err != nil {
		return err
	}
	found, states := []any{}, map[string]any{}
	for _, balancer := range answer.LoadBalancerDescriptions {
		if !slices.Contains(names, strings.ToLower(aws.ToString(balancer.DNSName))) {
			continue
		}
		health, err := g.Classic(region).DescribeInstanceHealth(ctx, &elasticloadbalancing.DescribeInstanceHealthInput{LoadBalancerName: balancer.LoadBalancerName})
		if err != nil {
			return err
		}
		found = append(found, balancer)
		states[aws.ToString(balancer.LoadBalancerName)] = health.InstanceStates
		wanted.add("AWS/ELB", classicMetrics, "LoadBalancerName", aws.ToString(balancer.LoadBalancerName))
	}
	if len(found) > 0 {
		record["elb/"+region+".json"] = encode(map[string]any{"LoadBalancerDescriptions": found, "InstanceStates": states})
	}
	return nil
}

// readAsked asks one Region's questions, if there are any.
func (g *Gatherer) readAsked(region string, wanted asked) func(context.Context, Question) (Record, error) {
	return func(ctx context.Context, q Question) (Record, error) {
		if len(wanted.queries) == 0 {
			return Record{}, nil
		}
		results, err := g.fetchMetrics(ctx, region, wanted.queries, q.At)
		if err != nil {
			return nil, fmt.Errorf("get metric data in %s: %w", region, err)
		}
		return Record{"metrics/" + region + ".json": encode(map[string]any{
			"MetricDataQueries": wanted.queries, "MetricDataResults": results,
		})}, nil
	}
}
