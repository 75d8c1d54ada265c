// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package event

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"cloudfront503/pkg/incident"
)

type alarms interface {
	DescribeAlarms(ctx context.Context, in *cloudwatch.DescribeAlarmsInput, options ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsOutput, error)
}

const (
	maxNesting   = 8   // composites within composites that are followed
	maxAlarms    = 500 // that one composite may stand on
	namesPerCall = 100 // DescribeAlarms' limit of AlarmNames
)

// Resolve completes an alarm's trigger with what only CloudWatch knows: the distributions of a composite's children, and
// whether the actions are on of an alarm that came through EventBridge, which tells state changes regardless. Children of
// another account or Region are not looked up. Other triggers come back as they are. If CloudWatch cannot be asked, the
// trigger comes back as far as it is known, with the error; if the children name no distribution, with an *Ignored.
func Resolve(ctx context.Context, cloudWatch alarms, t incident.Trigger) (incident.Trigger, error) {
	if t.Kind != incident.KindAlarm || t.Alarm == nil {
		return t, nil
	}
	a := *t.Alarm
	t.Alarm = &a
	look := lookup{alarms: cloudWatch, account: t.Account, region: t.Region, seen: map[string]bool{}}
	if err := look.actions(ctx, t.Channel, &a); err != nil {
		return t, fmt.Errorf("alarm %s: actions: %w", a.ARN, err)
	}
	if len(a.Distributions) > 0 || len(a.Children) == 0 {
		return t, nil
	}
	leaves, err := look.children(ctx, append(slices.Clone(a.Triggering), a.Children...))
	if err != nil {
		return t, fmt.Errorf("alarm %s: children: %w", a.ARN, err)
	}
	a.Distributions, a.Metric = pick(leaves, a)
	if len(a.Distributions) == 0 {
		return t, &Ignored{Reason: fmt.Sprintf("no child of composite alarm %q names a CloudFront distribution", clip(a.Name, 80))}
	}
	return t, nil
}

// leaf is a metric alarm below a composite.
type leaf struct {
	arn     string
	burning bool
	metrics metrics
}

// pick takes the distributions of the children that burn, as a composite may stand over several distributions. For an OK,
// or if no child that burns names a distribution, all children count.
func pick(leaves []leaf, a incident.Alarm) ([]string, string) {
	var burning, all metrics
	for _, l := range leaves {
		all = append(all, l.metrics...)
		if a.State == "ALARM" && (l.burning || slices.Contains(a.Triggering, l.arn)) {
			burning = append(burning, l.metrics...)
		}
	}
	if found := burning.distributions(); len(found) > 0 {
		return found, burning.name()
	}
	return all.distributions(), all.name()
}

// lookup asks CloudWatch about alarms of one account and Region, each at most once.
type lookup struct {
	alarms          alarms
	account, region string
	seen            map[string]bool
}

// actions looks up ActionsEnabled where the delivery passes regardless of it. An alarm that is gone stays unknown.
func (l lookup) actions(ctx context.Context, channel incident.Channel, a *incident.Alarm) error {
	if channel == incident.ChannelEventBridge && a.ActionsEnabled == nil {
		metric, composite, err := l.describe(ctx, []string{arnField(a.ARN, arnName)})
		if err != nil {
			return err
		}
		for _, m := range metric {
			a.ActionsEnabled = m.ActionsEnabled
		}
		for _, c := range composite {
			a.ActionsEnabled = c.ActionsEnabled
		}
	}
	if a.ActionsEnabled != nil && !*a.ActionsEnabled && a.Silenced == "" {
		a.Silenced = "the alarm's actions are off"
	}
	return nil
}

// children are the metric alarms below a composite, through nested composites, down to a bounded depth.
func (l lookup) children(ctx context.Context, wanted []string) ([]leaf, error) {
	var leaves []leaf
	for range maxNesting {
		fresh := l.fresh(wanted)
		if len(fresh) == 0 {
			return leaves, nil
		}
		metric, composite, err := l.describe(ctx, fresh)
		if err != nil {
			return nil, err
		}
		for _, m := range metric {
			leaves = append(leaves, leafOf(m))
		}
		wanted = nil
		for _, c := range composite {
			wanted = append(wanted, ruleChildren(aws.ToString(c.AlarmRule))...)
		}
	}
	return leaves, nil
}

// fresh are the names to ask for now: each once, and none of another account or Region, where the same name means another
// alarm.
func (l lookup) fresh(wanted []string) []string {
	var names []string
	for _, child := range wanted {
		name := child
		if arnField(child, arnName) != "" {
			if arnField(child, arnAccount) != l.account || arnField(child, arnRegion) != l.region {
				continue
			}
			name = arnField(child, arnName)
		}
		if !l.seen[name] && len(l.seen) < maxAlarms {
			l.seen[name] = true
			names = append(names, name)
		}
	}
	return names
}

func (l lookup) describe(ctx context.Context, names []string) ([]types.MetricAlarm, []types.CompositeAlarm, error) {
	var metric []types.MetricAlarm
	var composite []types.CompositeAlarm
	for part := range slices.Chunk(names, namesPerCall) {
		pages := cloudwatch.NewDescribeAlarmsPaginator(l.alarms, &cloudwatch.DescribeAlarmsInput{
			AlarmNames: part,
			// Without AlarmTypes only metric alarms are returned.
			AlarmTypes: []types.AlarmType{types.AlarmTypeMetricAlarm, types.AlarmTypeCompositeAlarm},
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, nil, err
			}
			metric = append(metric, page.MetricAlarms...)
			composite = append(composite, page.CompositeAlarms...)
		}
	}
	return metric, composite, nil
}

func leafOf(m types.MetricAlarm) leaf {
	watched := metrics{{aws.ToString(m.Namespace), aws.ToString(m.MetricName), dimensions(m.Dimensions), ""}}
	for _, q := range m.Metrics {
		each := metric{Expression: aws.ToString(q.Expression)}
		if q.MetricStat != nil && q.MetricStat.Metric != nil {
			stat := q.MetricStat.Metric
			each = metric{aws.ToString(stat.Namespace), aws.ToString(stat.MetricName), dimensions(stat.Dimensions), each.Expression}
		}
		watched = append(watched, each)
	}
	return leaf{aws.ToString(m.AlarmArn), m.StateValue == types.StateValueAlarm, watched}
}

func dimensions(all []types.Dimension) map[string]string {
	byName := map[string]string{}
	for _, d := range all {
		byName[aws.ToString(d.Name)] = aws.ToString(d.Value)
	}
	return byName
}
