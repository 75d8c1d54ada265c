// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package cloudwatch

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"cloudfront503/pkg/emulator/kernel"
)

const irish = "arn:aws:sns:eu-west-1:111122223333:quotas"

// in sends a call to another Region.
func in(region string) func(*sdk.Options) {
	return func(o *sdk.Options) { o.Region = region }
}

// telling is an alarm of a name that tells a topic.
func telling(name, topic string) *sdk.PutMetricAlarmInput {
	return &sdk.PutMetricAlarmInput{
		AlarmName: &name, Namespace: aws.String("AWS/Lambda"), MetricName: aws.String("ConcurrentExecutions"), Statistic: types.StatisticMaximum, Period: aws.Int32(60),
		EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(800), ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold, AlarmActions: []string{topic},
	}
}

func TestAnAlarmIsOfItsRegionAlone(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	if _, err := r.client.PutMetricAlarm(ctx, telling("pool", irish), in("eu-west-1")); err != nil {
		t.Fatal(err)
	}
	for region, want := range map[string]int{"eu-west-1": 1, "us-east-1": 0} {
		found, err := r.client.DescribeAlarms(ctx, &sdk.DescribeAlarmsInput{AlarmNames: []string{"pool"}}, in(region))
		if err != nil || len(found.MetricAlarms) != want {
			t.Errorf("in %s: %+v, %v", region, found, err)
		}
	}
	if _, err := r.client.DeleteAlarms(ctx, &sdk.DeleteAlarmsInput{AlarmNames: []string{"pool"}}); code(err) != "ResourceNotFound" {
		t.Errorf("deleted in another Region: %v", err)
	}
	r.watch.SetState("eu-west-1", "pool", StateAlarm, "drill")
	r.world.Settle()
	if len(r.outside.messages) != 1 || r.outside.messages[0]["Region"] != "EU (Ireland)" {
		t.Errorf("told: %v", r.outside.messages)
	}
}

func TestAnActionInAnotherRegionIsRefused(t *testing.T) {
	r := newRig(t)
	_, err := r.client.PutMetricAlarm(t.Context(), telling("pool", irish))
	if err == nil || code(err) != "ValidationError" || !strings.Contains(err.Error(), "Invalid region eu-west-1 specified. Only us-east-1 is supported.") {
		t.Errorf("a metric alarm: %v", err)
	}
	if err := r.watch.PutMetricAlarm("us-east-1", shopAlarm()); err != nil {
		t.Fatal(err)
	}
	if err := r.watch.PutCompositeAlarm("us-east-1", CompositeAlarm{AlarmName: "any", AlarmRule: "ALARM(shop-5xx)", OKActions: []string{irish}}); err == nil {
		t.Error("a composite alarm tells another Region")
	}
	if _, there := r.watch.AlarmState("us-east-1", "any"); there {
		t.Error("it is there all the same")
	}
}

func TestIAMCanLimitTheActionsOfAnAlarm(t *testing.T) {
	const user = "arn:aws:iam::111122223333:user/watcher"
	for name, test := range map[string]struct {
		topic string
		may   bool
	}{"the listed topic": {irish, true}, "another": {irish + "-more", false}} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.world.Identity.AddUser(kernel.User{Name: "watcher", ARN: user, Policies: map[string]json.RawMessage{"own": json.RawMessage(`{"Version":"2012-10-17","Statement":{
				"Effect":"Allow","Action":"cloudwatch:PutMetricAlarm","Resource":"*","Condition":{"ForAllValues:StringEquals":{"cloudwatch:AlarmActions":["` + irish + `"]}}}}`)}})
			keys, err := r.world.Identity.UserCredentials(user)
			if err != nil {
				t.Fatal(err)
			}
			_, err = r.client.PutMetricAlarm(t.Context(), telling("pool", test.topic), in("eu-west-1"), func(o *sdk.Options) {
				o.Credentials = credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, keys.SessionToken)
			})
			if (err == nil) != test.may {
				t.Errorf("%v", err)
			}
		})
	}
}
