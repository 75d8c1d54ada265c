// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package evidence

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"cloudfront503/pkg/distribution"
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
func readBalancers(region string, here []resource) reader {
	return func(ctx context.Context, g *Gatherer, q Question) (Record, error) {
		names, arns := balancersOf(here)
		found, err := g.findBalancers(ctx, region, names, arns)
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
		if len(found) < len(names)+len(arns) {
			if err := g.readClassic(ctx, region, names, record, &wanted); err != nil {
				return record, fmt.Errorf("classic load balancers in %s: %w", region, err)
			}
		}
		metrics, err := readAsked(region, wanted)(ctx, g, q)
		record.add(metrics)
		return record, err
	}
}

// balancersOf are the load balancers among resources: by name in DNS, or by ARN.
func balancersOf(here []resource) (names, arns []string) {
	for _, r := range here {
		switch {
		case r.kind != distribution.KindELB:
		case r.arn != "":
			arns = append(arns, r.arn)
		default:
			names = append(names, r.name)
		}
	}
	return names, arns
}

func (g *Gatherer) findBalancers(ctx context.Context, region string, names, arns []string) ([]types.LoadBalancer, error) {
	var found []types.LoadBalancer
	pages := elasticloadbalancingv2.NewDescribeLoadBalancersPaginator(g.Balancers(region), &elasticloadbalancingv2.DescribeLoadBalancersInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, balancer := range page.LoadBalancers {
			if slices.Contains(names, strings.ToLower(aws.ToString(balancer.DNSName))) || slices.Contains(arns, aws.ToString(balancer.LoadBalancerArn)) {
				found = append(found, balancer)
			}
		}
	}
	return found, nil
}

// describe reads the load balancers side by side, then what belongs to their listeners and target groups.
func (g *Gatherer) describe(ctx context.Context, region string, found []types.LoadBalancer) (balancers, error) {
	client := g.Balancers(region)
	state := balancers{LoadBalancers: found, TargetHealth: map[string]any{}}
	var wait sync.WaitGroup
	var listeners [][]types.Listener
	var groups [][]types.TargetGroup
	var problems [2]error
	wait.Go(func() { listeners, problems[0] = each(found, listenersOf(ctx, client)) })
	wait.Go(func() { groups, problems[1] = each(found, groupsOf(ctx, client)) })
	wait.Wait()
	state.Listeners, state.TargetGroups = slices.Concat(listeners...), slices.Concat(groups...)
	if err := errors.Join(problems[:]...); err != nil {
		return state, err
	}
	return state, state.fill(ctx, client)
}

func listenersOf(ctx context.Context, client Balancers) func(types.LoadBalancer) ([]types.Listener, error) {
	return func(balancer types.LoadBalancer) (list []types.Listener, err error) {
		pages := elasticloadbalancingv2.NewDescribeListenersPaginator(client, &elasticloadbalancingv2.DescribeListenersInput{LoadBalancerArn: balancer.LoadBalancerArn})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, err
			}
			list = append(list, page.Listeners...)
		}
		return list, nil
	}
}

func groupsOf(ctx context.Context, client Balancers) func(types.LoadBalancer) ([]types.TargetGroup, error) {
	return func(balancer types.LoadBalancer) (list []types.TargetGroup, err error) {
		pages := elasticloadbalancingv2.NewDescribeTargetGroupsPaginator(client, &elasticloadbalancingv2.DescribeTargetGroupsInput{LoadBalancerArn: balancer.LoadBalancerArn})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, err
			}
			list = append(list, page.TargetGroups...)
		}
		return list, nil
	}
}

// fill adds the rules of each listener and the health of each group's targets, side by side.
func (s *balancers) fill(ctx context.Context, client Balancers) error {
	var wait sync.WaitGroup
	var rules [][]types.Rule
	var health []any
	var problems [2]error
	wait.Go(func() {
		rules, problems[0] = each(s.Listeners, func(listener types.Listener) ([]types.Rule, error) {
			answer, err := client.DescribeRules(ctx, &elasticloadbalancingv2.DescribeRulesInput{ListenerArn: listener.ListenerArn})
			if err != nil {
				return nil, err
			}
			return answer.Rules, nil
		})
	})
	wait.Go(func() {
		health, problems[1] = each(s.TargetGroups, func(group types.TargetGroup) (any, error) {
			answer, err := client.DescribeTargetHealth(ctx, &elasticloadbalancingv2.DescribeTargetHealthInput{TargetGroupArn: group.TargetGroupArn})
			if err != nil {
				return nil, err
			}
			return map[string]any{"TargetHealthDescriptions": answer.TargetHealthDescriptions}, nil
		})
	})
	wait.Wait()
	s.Rules = slices.Concat(rules...)
	for i, group := range s.TargetGroups {
		s.TargetHealth[aws.ToString(group.TargetGroupArn)] = health[i]
	}
	return errors.Join(problems[:]...)
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
func readAsked(region string, wanted asked) reader {
	return func(ctx context.Context, g *Gatherer, q Question) (Record, error) {
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
