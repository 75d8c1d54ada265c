// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package cloudwatch

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

func TestAlarmFollowsItsMetric(t *testing.T) {
	r := newRig(t)
	if err := r.watch.PutMetricAlarm("us-east-1", shopAlarm()); err != nil {
		t.Fatal(err)
	}
	if got := r.state(t, "shop-5xx"); got != StateInsufficient {
		t.Errorf("a new alarm is %s", got)
	}
	for _, step := range []struct {
		rate float64
		want string
	}{{0, StateOK}, {20, StateOK}, {21, StateAlarm}, {0, StateOK}} {
		r.next(step.rate)
		if got := r.state(t, "shop-5xx"); got != step.want {
			t.Errorf("after %g %% it is %s, want %s", step.rate, got, step.want)
		}
	}
	if len(r.outside.invoked) != 3 || len(r.outside.messages) != 1 {
		t.Errorf("%d invocations and %d messages, want ALARM and twice OK, and one ALARM", len(r.outside.invoked), len(r.outside.messages))
	}
}

func TestAlarmTellsItsFunctionAsCloudWatchDoes(t *testing.T) {
	r := newRig(t)
	if err := r.watch.PutMetricAlarm("us-east-1", shopAlarm()); err != nil {
		t.Fatal(err)
	}
	r.put(20, 21)
	r.watch.Evaluate()
	r.world.Settle()
	payload := r.outside.invoked[0]
	if r.outside.by[0] != "lambda.alarms.cloudwatch.amazonaws.com arn:aws:cloudwatch:us-east-1:111122223333:alarm:shop-5xx" {
		t.Errorf("invoked by %s", r.outside.by[0])
	}
	data := object(payload["alarmData"])
	state := object(data["state"])
	metric := object(object(object(object(data["configuration"])["metrics"].([]any)[0])["metricStat"])["metric"])
	if payload["source"] != "aws.cloudwatch" || payload["detail-type"] != nil || data["alarmName"] != "shop-5xx" || state["value"] != StateAlarm ||
		object(metric["dimensions"])["DistributionId"] != "E1SHOP" || metric["name"] != "5xxErrorRate" {
		t.Errorf("payload %v", payload)
	}
	if _, err := time.Parse("2006-01-02T15:04:05.000-0700", state["timestamp"].(string)); err != nil {
		t.Error(err)
	}
	const reason = "Threshold Crossed: 2 out of the last 2 datapoints [21.0 (24/11/26 03:39:00), 20.0 (24/11/26 03:38:00)] were greater than the threshold (5.0) (minimum 2 datapoints for OK -> ALARM transition)."
	if state["reason"] != reason {
		t.Errorf("reason %q", state["reason"])
	}
	var data2 struct {
		RecentDatapoints []float64
		Threshold        float64
	}
	if err := json.Unmarshal([]byte(state["reasonData"].(string)), &data2); err != nil || len(data2.RecentDatapoints) != 2 || data2.Threshold != 5 {
		t.Errorf("reasonData %+v, %v", data2, err)
	}
}

func TestAlarmTellsSNSAndEventBridge(t *testing.T) {
	r := newRig(t)
	if err := r.watch.PutMetricAlarm("us-east-1", shopAlarm()); err != nil {
		t.Fatal(err)
	}
	r.watch.SetState("us-east-1", "shop-5xx", StateAlarm, "drill")
	r.world.Settle()
	message := r.outside.messages[0]
	trigger := object(message["Trigger"])
	if r.outside.subjects[0] != `ALARM: "shop-5xx" in US East (N. Virginia)` || message["Region"] != "US East (N. Virginia)" || trigger["Statistic"] != "AVERAGE" ||
		object(trigger["Dimensions"].([]any)[0])["name"] != "DistributionId" {
		t.Errorf("message %v", message)
	}
	change := r.outside.changes()[0]
	if object(change["state"])["value"] != StateAlarm || object(change["state"])["reasonData"] != nil || object(change["previousState"])["value"] != StateInsufficient {
		t.Errorf("event %v", change)
	}
}

func TestDisabledAndMutedAlarmsAreOnlyTold(t *testing.T) {
	for _, test := range []struct {
		name  string
		quiet func(r *rig)
		muted bool
	}{
		{"with its actions off", func(r *rig) {
			if _, err := r.client.DisableAlarmActions(context.Background(), &sdk.DisableAlarmActionsInput{AlarmNames: []string{"shop-5xx"}}); err != nil {
				panic(err)
			}
		}, false},
		{"while it is muted", func(r *rig) {
			now := r.world.Clock.Now()
			r.watch.AddMute(Mute{ARN: "arn:aws:cloudwatch:us-east-1:111122223333:alarm-mute-rule:night", Alarms: []string{"shop-5xx"}, From: now.Add(-time.Minute), To: now.Add(time.Hour)})
		}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t)
			if err := r.watch.PutMetricAlarm("us-east-1", shopAlarm()); err != nil {
				t.Fatal(err)
			}
			test.quiet(r)
			r.watch.SetState("us-east-1", "shop-5xx", StateAlarm, "drill")
			r.world.Settle()
			changes := r.outside.changes()
			if len(r.outside.invoked) != 0 || len(changes) != 1 {
				t.Fatalf("%d invocations, %d events; want 0 and 1", len(r.outside.invoked), len(changes))
			}
			if _, muted := changes[0]["muteDetail"]; muted != test.muted {
				t.Errorf("event %v", changes[0])
			}
		})
	}
}

func TestMissingDataIsTreatedAsConfigured(t *testing.T) {
	for treat, want := range map[string]string{"missing": StateInsufficient, "notBreaching": StateOK, "breaching": StateAlarm, "ignore": StateInsufficient} {
		t.Run(treat, func(t *testing.T) {
			r := newRig(t)
			alarm := shopAlarm()
			alarm.TreatMissingData = treat
			if err := r.watch.PutMetricAlarm("us-east-1", alarm); err != nil {
				t.Fatal(err)
			}
			r.watch.Evaluate()
			if got := r.state(t, "shop-5xx"); got != want {
				t.Errorf("it is %s, want %s", got, want)
			}
		})
	}
}

func TestAnomalyAndMathAlarms(t *testing.T) {
	r := newRig(t)
	stat := &MetricStat{Metric: nameOf(rate), Period: 60, Stat: "Average"}
	yes, no, five := true, false, 5.0
	anomaly := MetricAlarm{AlarmName: "odd", EvaluationPeriods: 1, ComparisonOperator: "GreaterThanUpperThreshold", ThresholdMetricID: "ad1", Metrics: []Query{
		{ID: "m1", MetricStat: stat, ReturnData: &yes}, {ID: "ad1", Expression: "ANOMALY_DETECTION_BAND(m1, 2)", ReturnData: &yes},
	}}
	math := MetricAlarm{AlarmName: "math", EvaluationPeriods: 1, ComparisonOperator: "GreaterThanThreshold", Threshold: &five, Metrics: []Query{
		{ID: "m1", MetricStat: stat, ReturnData: &no}, {ID: "e1", Expression: "m1 / 2", ReturnData: &yes},
	}}
	for _, alarm := range []MetricAlarm{anomaly, math} {
		if err := r.watch.PutMetricAlarm("us-east-1", alarm); err != nil {
			t.Fatal(err)
		}
	}
	r.put(1, 2, 1, 2, 1, 2, 1, 9)
	r.watch.Evaluate()
	if got := r.state(t, "odd") + r.state(t, "math"); got != StateAlarm+StateOK {
		t.Errorf("9 %%: %s", got)
	}
	r.put(1, 2, 1, 2, 1, 2, 1, 11)
	r.watch.Evaluate()
	if got := r.state(t, "math"); got != StateAlarm {
		t.Errorf("11 %%: math %s", got)
	}
}

func TestCompositeFollowsItsChildren(t *testing.T) {
	r := newRig(t)
	if err := r.watch.PutMetricAlarm("us-east-1", shopAlarm()); err != nil {
		t.Fatal(err)
	}
	if err := r.watch.PutCompositeAlarm("us-east-1", CompositeAlarm{AlarmName: "shop", AlarmRule: `ALARM("shop-5xx") AND NOT FALSE`, AlarmActions: []string{topic}}); err != nil {
		t.Fatal(err)
	}
	if got := r.state(t, "shop"); got != StateOK {
		t.Errorf("at first %s", got)
	}
	r.watch.SetState("us-east-1", "shop-5xx", StateAlarm, "drill")
	r.world.Settle()
	if got := r.state(t, "shop"); got != StateAlarm {
		t.Errorf("then %s", got)
	}
	var composite map[string]any
	for _, m := range r.outside.messages {
		if m["AlarmName"] == "shop" {
			composite = m
		}
	}
	children, _ := composite["TriggeringChildren"].([]any)
	if composite["Trigger"] != nil || len(children) != 1 || !strings.HasSuffix(object(children[0])["Arn"].(string), ":alarm:shop-5xx") {
		t.Errorf("message %v", composite)
	}
	out, err := r.client.DescribeAlarms(context.Background(), &sdk.DescribeAlarmsInput{AlarmNames: []string{"shop", "shop-5xx"}, AlarmTypes: []types.AlarmType{types.AlarmTypeCompositeAlarm, types.AlarmTypeMetricAlarm}})
	if err != nil || len(out.CompositeAlarms) != 1 || len(out.MetricAlarms) != 1 || *out.CompositeAlarms[0].AlarmRule != `ALARM("shop-5xx") AND NOT FALSE` {
		t.Errorf("described %+v, %v", out, err)
	}
}

func TestSuppressedCompositeActsAfterItsWaitPeriod(t *testing.T) {
	r := newRig(t)
	for _, name := range []string{"shop-5xx", "deploying"} {
		alarm := shopAlarm()
		alarm.AlarmName, alarm.AlarmActions, alarm.TreatMissingData = name, nil, "ignore"
		if err := r.watch.PutMetricAlarm("us-east-1", alarm); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.watch.PutCompositeAlarm("us-east-1", CompositeAlarm{
		AlarmName: "shop", AlarmRule: "ALARM(shop-5xx)", AlarmActions: []string{function}, ActionsSuppressor: "deploying", ActionsSuppressorWaitPeriod: 60, ActionsSuppressorExtensionPeriod: 60,
	}); err != nil {
		t.Fatal(err)
	}
	r.watch.SetState("us-east-1", "shop-5xx", StateAlarm, "drill")
	r.world.Settle()
	if len(r.outside.invoked) != 0 {
		t.Fatal("it acted in its wait period")
	}
	r.world.Clock.Advance(2 * time.Minute)
	r.world.Settle()
	if len(r.outside.invoked) != 1 {
		t.Fatalf("%d invocations after its wait period, want 1", len(r.outside.invoked))
	}
	if previous := object(object(r.outside.invoked[0]["alarmData"])["previousState"]); previous["value"] != StateAlarm || previous["actionsSuppressedBy"] != "WaitPeriod" {
		t.Errorf("previous state %v", previous)
	}
}

func TestAlarmsOverTheWire(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	if _, err := r.client.PutMetricAlarm(ctx, &sdk.PutMetricAlarmInput{
		AlarmName: aws.String("wire"), Namespace: aws.String("AWS/CloudFront"), MetricName: aws.String("5xxErrorRate"), Dimensions: dimensions(), Period: aws.Int32(60),
		EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(5), Statistic: types.StatisticAverage, ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold, AlarmActions: []string{function},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.client.SetAlarmState(ctx, &sdk.SetAlarmStateInput{AlarmName: aws.String("wire"), StateValue: types.StateValueAlarm, StateReason: aws.String("drill")}); err != nil {
		t.Fatal(err)
	}
	r.world.Settle()
	out, err := r.client.DescribeAlarms(ctx, &sdk.DescribeAlarmsInput{StateValue: types.StateValueAlarm})
	if err != nil || len(out.MetricAlarms) != 1 {
		t.Fatalf("%+v, %v", out, err)
	}
	alarm := out.MetricAlarms[0]
	if *alarm.AlarmArn != "arn:aws:cloudwatch:us-east-1:111122223333:alarm:wire" || !*alarm.ActionsEnabled || *alarm.Threshold != 5 || alarm.StateUpdatedTimestamp.IsZero() {
		t.Errorf("described %+v", alarm)
	}
	history, err := r.client.DescribeAlarmHistory(ctx, &sdk.DescribeAlarmHistoryInput{AlarmName: aws.String("wire"), HistoryItemType: types.HistoryItemTypeStateUpdate})
	if err != nil || len(history.AlarmHistoryItems) != 1 || !strings.Contains(*history.AlarmHistoryItems[0].HistorySummary, "to ALARM") {
		t.Errorf("history %+v, %v", history, err)
	}
	if _, err := r.client.SetAlarmState(ctx, &sdk.SetAlarmStateInput{AlarmName: aws.String("none"), StateValue: types.StateValueOk, StateReason: aws.String("x")}); code(err) != "ResourceNotFound" {
		t.Errorf("no such alarm: %v", err)
	}
	if len(r.outside.invoked) != 1 {
		t.Errorf("%d invocations, want 1", len(r.outside.invoked))
	}
}

func FuzzParseRule(f *testing.F) {
	for _, seed := range []string{`ALARM("a") OR (OK(b) AND NOT INSUFFICIENT_DATA("c"))`, "TRUE", "ALARM(", "NOT NOT NOT ALARM(x)"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		rule, err := parseRule(text)
		if err == nil {
			rule.holds(func(string) string { return StateOK })
			for _, name := range rule.names() {
				if name == "" {
					t.Error("an alarm without a name was accepted")
				}
			}
		}
	})
}
