// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package event

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/google/go-cmp/cmp"

	"cloudfront503/pkg/incident"
)

// account is a CloudWatch that knows some alarms and answers one alarm a page.
type account struct {
	metric    map[string]types.MetricAlarm
	composite map[string]types.CompositeAlarm
	err       error
	asked     []string
}

var _ alarms = (*account)(nil)

func (a *account) DescribeAlarms(_ context.Context, in *cloudwatch.DescribeAlarmsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsOutput, error) {
	if a.err != nil {
		return nil, a.err
	}
	if len(in.AlarmNames) > namesPerCall {
		return nil, fmt.Errorf("%d names in one call", len(in.AlarmNames))
	}
	page := 0
	if in.NextToken != nil {
		_, _ = fmt.Sscan(*in.NextToken, &page)
	} else {
		a.asked = append(a.asked, in.AlarmNames...)
	}
	out := &cloudwatch.DescribeAlarmsOutput{}
	name := in.AlarmNames[page]
	if m, known := a.metric[name]; known && slices.Contains(in.AlarmTypes, types.AlarmTypeMetricAlarm) {
		out.MetricAlarms = append(out.MetricAlarms, m)
	}
	if c, known := a.composite[name]; known && slices.Contains(in.AlarmTypes, types.AlarmTypeCompositeAlarm) {
		out.CompositeAlarms = append(out.CompositeAlarms, c)
	}
	if page+1 < len(in.AlarmNames) {
		out.NextToken = aws.String(fmt.Sprint(page + 1))
	}
	return out, nil
}

const prefix = "arn:aws:cloudwatch:us-east-1:111122223333:alarm:"

func rate(name, distribution string, state types.StateValue) types.MetricAlarm {
	return types.MetricAlarm{
		AlarmArn: aws.String(prefix + name), AlarmName: aws.String(name), StateValue: state,
		Namespace: aws.String("AWS/CloudFront"), MetricName: aws.String("5xxErrorRate"), ActionsEnabled: aws.Bool(true),
		Dimensions: []types.Dimension{{Name: aws.String("DistributionId"), Value: aws.String(distribution)}},
	}
}

func composed(rule string) types.CompositeAlarm {
	return types.CompositeAlarm{AlarmRule: aws.String(rule), ActionsEnabled: aws.Bool(true)}
}

func compositeTrigger(state string, children, triggering []string) incident.Trigger {
	return incident.Trigger{
		Kind: incident.KindAlarm, Channel: incident.ChannelLambda, Account: "111122223333", Region: "us-east-1",
		Alarm: &incident.Alarm{ARN: prefix + "top", Name: "top", State: state, Children: children, Triggering: triggering},
	}
}

func TestACompositesDistributionsAreThoseOfItsChildren(t *testing.T) {
	t.Parallel()
	math := types.MetricAlarm{AlarmArn: aws.String(prefix + "math"), StateValue: types.StateValueAlarm, Metrics: []types.MetricDataQuery{
		{Id: aws.String("e1"), Expression: aws.String("m1*2")},
		{Id: aws.String("m1"), MetricStat: &types.MetricStat{Metric: &types.Metric{Namespace: aws.String("AWS/CloudFront"), MetricName: aws.String("503ErrorRate"), Dimensions: []types.Dimension{{Name: aws.String("DistributionId"), Value: aws.String("E3MATHEXAMPLE")}}}}},
	}}
	known := func() *account {
		return &account{
			metric: map[string]types.MetricAlarm{
				"shop": rate("shop", "E1SHOPEXAMPLE", types.StateValueAlarm),
				"blog": rate("blog", "E2BLOGEXAMPLE", types.StateValueOk),
				"math": math,
				"cpu":  {AlarmArn: aws.String(prefix + "cpu"), StateValue: types.StateValueAlarm, Namespace: aws.String("AWS/EC2")},
			},
			composite: map[string]types.CompositeAlarm{
				"nested": composed(`ALARM(math) OR ALARM(nested)`), // it names itself: no endless loop
			},
		}
	}
	for _, row := range []struct {
		name       string
		state      string
		children   []string
		triggering []string
		want       []string
	}{
		{"only the child that burns counts", "ALARM", []string{"shop", "blog"}, nil, []string{"E1SHOPEXAMPLE"}},
		{"the child that the event blames counts although it is OK again", "ALARM", []string{"shop", "blog"}, []string{prefix + "blog"}, []string{"E1SHOPEXAMPLE", "E2BLOGEXAMPLE"}},
		{"an OK is of all children", "OK", []string{"shop", "blog"}, nil, []string{"E1SHOPEXAMPLE", "E2BLOGEXAMPLE"}},
		{"where no child that burns names one, all count", "ALARM", []string{"cpu", "blog"}, []string{prefix + "cpu"}, []string{"E2BLOGEXAMPLE"}},
		{"a composite below is followed, and metric math read", "ALARM", []string{"nested"}, nil, []string{"E3MATHEXAMPLE"}},
		{"an ARN is looked up by its name", "ALARM", []string{prefix + "shop"}, nil, []string{"E1SHOPEXAMPLE"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			got, err := Resolve(t.Context(), known(), compositeTrigger(row.state, row.children, row.triggering))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(row.want, got.Alarm.Distributions); diff != "" {
				t.Error(diff)
			}
			if got.Alarm.Metric == "" {
				t.Error("no metric")
			}
		})
	}
}

func TestACompositeOverNoDistributionIsIgnored(t *testing.T) {
	t.Parallel()
	for name, children := range map[string][]string{
		"no such alarm":          {"gone"},
		"of another account":     {"arn:aws:cloudwatch:us-east-1:444455556666:alarm:shop"},
		"of another Region":      {"arn:aws:cloudwatch:eu-west-1:111122223333:alarm:shop"},
		"an alarm of no metrics": {"empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cw := &account{metric: map[string]types.MetricAlarm{"shop": rate("shop", "E1SHOPEXAMPLE", types.StateValueAlarm), "empty": {}}}
			_, err := Resolve(t.Context(), cw, compositeTrigger("ALARM", children, nil))
			var ignored *Ignored
			if !errors.As(err, &ignored) || slices.Contains(cw.asked, "shop") {
				t.Errorf("%v, asked %v", err, cw.asked)
			}
		})
	}
}

func TestACompositeOverHundredsOfAlarmsIsAskedInParts(t *testing.T) {
	t.Parallel()
	cw := &account{metric: map[string]types.MetricAlarm{}}
	var children []string
	for i := range 250 {
		name := fmt.Sprintf("alarm-%03d", i)
		children = append(children, name)
		cw.metric[name] = rate(name, fmt.Sprintf("E%06d", i), types.StateValueAlarm)
	}
	got, err := Resolve(t.Context(), cw, compositeTrigger("ALARM", children, nil))
	if err != nil || len(got.Alarm.Distributions) != 250 {
		t.Errorf("%d distributions, %v", len(got.Alarm.Distributions), err)
	}
}

func TestAnAlarmWhoseActionsAreOffIsSilenced(t *testing.T) {
	t.Parallel()
	off, suppressed := rate("shop", "E1SHOPEXAMPLE", types.StateValueAlarm), composed("ALARM(shop)")
	off.ActionsEnabled, suppressed.ActionsEnabled = aws.Bool(false), aws.Bool(false)
	for _, row := range []struct {
		name    string
		channel incident.Channel
		cw      *account
		want    string
	}{
		{"through EventBridge it is looked up", incident.ChannelEventBridge, &account{metric: map[string]types.MetricAlarm{"shop": off}}, "the alarm's actions are off"},
		{"a composite is looked up too", incident.ChannelEventBridge, &account{composite: map[string]types.CompositeAlarm{"shop": suppressed}}, "the alarm's actions are off"},
		{"its actions are on", incident.ChannelEventBridge, &account{metric: map[string]types.MetricAlarm{"shop": rate("shop", "E1SHOPEXAMPLE", types.StateValueAlarm)}}, ""},
		{"an alarm that is gone stays unknown", incident.ChannelEventBridge, &account{}, ""},
		{"its own action is proof enough", incident.ChannelLambda, &account{err: errors.New("asked")}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			trigger := parseFile(t, "alarm-bus-metric")
			trigger.Channel = row.channel
			trigger.Alarm.ARN = prefix + "shop"
			got, err := Resolve(t.Context(), row.cw, trigger)
			if err != nil || got.Alarm.Silenced != row.want {
				t.Errorf("silenced %q, want %q, %v", got.Alarm.Silenced, row.want, err)
			}
		})
	}
}

func TestWhatIsKnownComesBackWhenCloudWatchCannotBeAsked(t *testing.T) {
	t.Parallel()
	trigger := parseFile(t, "alarm-bus-metric")
	got, err := Resolve(t.Context(), &account{err: errors.New("throttled")}, trigger)
	if err == nil || len(got.Alarm.Distributions) != 1 {
		t.Errorf("%v, %v", got.Alarm, err)
	}
	if trigger.Alarm.ActionsEnabled != nil {
		t.Error("the caller's trigger was changed")
	}
}

func TestOtherTriggersPassUnchanged(t *testing.T) {
	t.Parallel()
	trigger := parseFile(t, "health-cloudfront")
	got, err := Resolve(t.Context(), &account{err: errors.New("asked")}, trigger)
	if diff := cmp.Diff(trigger, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
}
