// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package elb

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	old "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"
	sdk "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/smithy-go"

	"cloudfront503/pkg/emulator/kernel"
)

const (
	balancer = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/web/0123456789abcdef"
	listener = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:listener/app/web/0123456789abcdef/aaaaaaaaaaaaaaaa"
	rule     = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:listener-rule/app/web/0123456789abcdef/aaaaaaaaaaaaaaaa/bbbbbbbbbbbbbbbb"
	group    = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/cccccccccccccccc"
)

const newerState = `{
  "LoadBalancers": [{"LoadBalancerArn": "` + balancer + `", "LoadBalancerName": "web", "DNSName": "web-1.eu-west-1.elb.amazonaws.com",
    "CreatedTime": "2025-03-19T11:47:00.000000+00:00", "State": {"Code": "active"}, "AvailabilityZones": [{"ZoneName": "eu-west-1a"}]}],
  "Listeners": [{"ListenerArn": "` + listener + `", "LoadBalancerArn": "` + balancer + `", "Port": 443}],
  "Rules": [{"RuleArn": "` + rule + `", "Priority": "1", "IsDefault": false, "Actions": [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}]}],
  "TargetGroups": [{"TargetGroupArn": "` + group + `", "TargetGroupName": "web", "LoadBalancerArns": ["` + balancer + `"]}],
  "TargetHealth": {"` + group + `": {"TargetHealthDescriptions": []}}
}`

const classicState = `{
  "LoadBalancerDescriptions": [{"LoadBalancerName": "shop", "DNSName": "shop-1.eu-west-1.elb.amazonaws.com", "Instances": [{"InstanceId": "i-1"}]}],
  "InstanceStates": {"shop": [{"InstanceId": "i-1", "State": "OutOfService"}]}
}`

func newRig(t *testing.T) (*Service, aws.Config) {
	t.Helper()
	w := kernel.NewWorld("111122223333", "us-east-1")
	s := New(w)
	stop, err := w.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	if err := errors.Join(s.Put("eu-west-1", []byte(newerState)), s.PutClassic("eu-west-1", []byte(classicState))); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, v := range w.Violations() {
			t.Errorf("violation: %s", v)
		}
	})
	return s, aws.Config{Region: "eu-west-1", BaseEndpoint: aws.String(w.Endpoint), Credentials: credentials.NewStaticCredentialsProvider("AKIDTEST", "secret", ""), RetryMaxAttempts: 1}
}

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

func TestNewerLoadBalancersAreDescribed(t *testing.T) {
	s, config := newRig(t)
	client, ctx := sdk.NewFromConfig(config), context.Background()
	balancers, err := client.DescribeLoadBalancers(ctx, &sdk.DescribeLoadBalancersInput{Names: []string{"web"}})
	if err != nil || *balancers.LoadBalancers[0].DNSName != "web-1.eu-west-1.elb.amazonaws.com" || balancers.LoadBalancers[0].CreatedTime.Year() != 2025 {
		t.Fatalf("balancers %+v, %v", balancers, err)
	}
	listeners, err := client.DescribeListeners(ctx, &sdk.DescribeListenersInput{LoadBalancerArn: aws.String(balancer)})
	if err != nil || *listeners.Listeners[0].Port != 443 {
		t.Errorf("listeners %+v, %v", listeners, err)
	}
	rules, err := client.DescribeRules(ctx, &sdk.DescribeRulesInput{ListenerArn: aws.String(listener)})
	if err != nil || *rules.Rules[0].Actions[0].FixedResponseConfig.StatusCode != "503" {
		t.Errorf("rules %+v, %v", rules, err)
	}
	groups, err := client.DescribeTargetGroups(ctx, &sdk.DescribeTargetGroupsInput{LoadBalancerArn: aws.String(balancer)})
	if err != nil || len(groups.TargetGroups) != 1 {
		t.Errorf("groups %+v, %v", groups, err)
	}
	if err := s.SetTargetHealth("eu-west-1", group, []byte(`[{"Target": {"Id": "i-1", "Port": 80}, "TargetHealth": {"State": "unused", "Reason": "Target.NotInUse"}}]`)); err != nil {
		t.Fatal(err)
	}
	health, err := client.DescribeTargetHealth(ctx, &sdk.DescribeTargetHealthInput{TargetGroupArn: aws.String(group)})
	if err != nil || health.TargetHealthDescriptions[0].TargetHealth.State != "unused" {
		t.Errorf("health %+v, %v", health, err)
	}
	if _, err := client.DescribeLoadBalancers(ctx, &sdk.DescribeLoadBalancersInput{Names: []string{"none"}}); code(err) != "LoadBalancerNotFound" {
		t.Errorf("a missing one: %v", err)
	}
}

func TestClassicLoadBalancersAreDescribed(t *testing.T) {
	_, config := newRig(t)
	client, ctx := old.NewFromConfig(config), context.Background()
	balancers, err := client.DescribeLoadBalancers(ctx, &old.DescribeLoadBalancersInput{})
	if err != nil || *balancers.LoadBalancerDescriptions[0].LoadBalancerName != "shop" {
		t.Fatalf("balancers %+v, %v", balancers, err)
	}
	health, err := client.DescribeInstanceHealth(ctx, &old.DescribeInstanceHealthInput{LoadBalancerName: aws.String("shop")})
	if err != nil || *health.InstanceStates[0].State != "OutOfService" {
		t.Errorf("health %+v, %v", health, err)
	}
	if _, err := client.DescribeInstanceHealth(ctx, &old.DescribeInstanceHealthInput{LoadBalancerName: aws.String("none")}); code(err) != "LoadBalancerNotFound" {
		t.Errorf("a missing one: %v", err)
	}
}

func TestARegionWithoutLoadBalancersHasNone(t *testing.T) {
	_, config := newRig(t)
	config.Region = "us-west-2"
	balancers, err := sdk.NewFromConfig(config).DescribeLoadBalancers(context.Background(), &sdk.DescribeLoadBalancersInput{})
	if err != nil || len(balancers.LoadBalancers) != 0 {
		t.Errorf("balancers %+v, %v", balancers, err)
	}
}
