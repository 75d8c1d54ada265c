// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package remedy

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	cftypes "github.com/aws/aws-sdk-go-v2/service/cloudfront/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/lean/logs"
)

// The kinds of part.
const (
	kindMetrics     = "additional-metrics"
	kindSource      = "delivery-source"
	kindDestination = "delivery-destination"
	kindDelivery    = "delivery"
	kindAlarm       = "alarm"
)

// Part is one thing that is made when evidence is switched on. What a kind needs of the recipe is set.
type Part struct {
	Kind  string
	Name  string // the distribution's id for additional metrics
	logs  *incident.LogDelivery
	alarm *incident.QuotaAlarm
}

// String is the part's kind and name, by which the record knows it.
func (p Part) String() string { return p.Kind + " " + p.Name }

// Parts are the parts of a recipe for a distribution, each after those that it needs.
func Parts(distribution string, recipe incident.EvidenceRecipe) (parts []Part) {
	if recipe.Metrics {
		parts = append(parts, Part{Kind: kindMetrics, Name: distribution})
	}
	if logs := recipe.Logs; logs != nil {
		for _, kind := range []string{kindSource, kindDestination, kindDelivery} {
			parts = append(parts, Part{Kind: kind, Name: logs.Name, logs: logs})
		}
	}
	for _, alarm := range recipe.Alarms {
		parts = append(parts, Part{Kind: kindAlarm, Name: alarm.Name, alarm: &alarm})
	}
	return parts
}

// Standing is how a part stands.
type Standing int

// How a part can stand.
const (
	Absent    Standing = iota // it is not there
	AsPlanned                 // it is there, exactly as it would be made
	Otherwise                 // something else stands in its place
)

// Switches are the parts of the evidence at AWS. The clients are of us-east-1, where all that is CloudFront's lies; an alarm
// of another Region is asked for there.
type Switches struct {
	Edge   *cloudfront.Client
	Logs   *logs.Client
	Alarms *cloudwatch.Client
}

// lever is how a kind of part is looked at, made and taken away. Taking away what is not there is no error.
type lever struct {
	look    func(Switches, context.Context, Part) (Standing, error)
	on, off func(Switches, context.Context, Part) error
}

var levers = map[string]lever{
	kindMetrics:     {Switches.metrics, Switches.metricsOn, Switches.metricsOff},
	kindSource:      {Switches.source, Switches.sourceOn, Switches.sourceOff},
	kindDestination: {Switches.destination, Switches.destinationOn, Switches.destinationOff},
	kindDelivery:    {Switches.delivery, Switches.deliveryOn, Switches.deliveryOff},
	kindAlarm:       {Switches.alarm, Switches.alarmOn, Switches.alarmOff},
}

// Look says how a part stands.
func (s Switches) Look(ctx context.Context, part Part) (Standing, error) {
	return levers[part.Kind].look(s, ctx, part)
}

// On makes a part.
func (s Switches) On(ctx context.Context, part Part) error { return levers[part.Kind].on(s, ctx, part) }

// Off takes a part away, which may be gone.
func (s Switches) Off(ctx context.Context, part Part) error {
	return levers[part.Kind].off(s, ctx, part)
}

// once keeps the SDK from making a second time what was made, and mistaking its own first try for somebody else's.
func once(o *cloudfront.Options) { o.Retryer = sentOnce() }

func onceLogs(o *logs.Options) { o.Retryer = sentOnce() }

// metrics says whether a distribution has additional metrics. They cannot be on otherwise than as planned.
func (s Switches) metrics(ctx context.Context, part Part) (Standing, error) {
	output, err := s.Edge.GetMonitoringSubscription(ctx, &cloudfront.GetMonitoringSubscriptionInput{DistributionId: &part.Name})
	switch {
	case codeOf(err) == "NoSuchMonitoringSubscription":
		return Absent, nil
	case err != nil:
		return Absent, err
	}
	if m := output.MonitoringSubscription; m != nil && m.RealtimeMetricsSubscriptionConfig != nil &&
		m.RealtimeMetricsSubscriptionConfig.RealtimeMetricsSubscriptionStatus == cftypes.RealtimeMetricsSubscriptionStatusDisabled {
		return Otherwise, nil
	}
	return AsPlanned, nil
}

func (s Switches) metricsOn(ctx context.Context, part Part) error {
	enabled := &cftypes.RealtimeMetricsSubscriptionConfig{RealtimeMetricsSubscriptionStatus: cftypes.RealtimeMetricsSubscriptionStatusEnabled}
	_, err := s.Edge.CreateMonitoringSubscription(ctx, &cloudfront.CreateMonitoringSubscriptionInput{
		DistributionId: &part.Name, MonitoringSubscription: &cftypes.MonitoringSubscription{RealtimeMetricsSubscriptionConfig: enabled},
	}, once)
	return err
}

func (s Switches) metricsOff(ctx context.Context, part Part) error {
	_, err := s.Edge.DeleteMonitoringSubscription(ctx, &cloudfront.DeleteMonitoringSubscriptionInput{DistributionId: &part.Name})
	return unless(err, "NoSuchMonitoringSubscription")
}

// unless is an error whose code is another one.
func unless(err error, code string) error {
	if codeOf(err) == code {
		return nil
	}
	return err
}

// source looks for the distribution's delivery source: it can have only one, whatever its name.
func (s Switches) source(ctx context.Context, part Part) (Standing, error) {
	for page, err := range s.Logs.DescribeDeliverySources(ctx) {
		if err != nil {
			return Absent, err
		}
		for _, found := range page {
			switch ours, named := slices.Contains(found.ResourceArns, part.logs.Source), found.Name == part.Name; {
			case ours && named:
				return AsPlanned, nil
			case ours || named:
				return Otherwise, nil
			}
		}
	}
	return Absent, nil
}

func (s Switches) sourceOn(ctx context.Context, part Part) error {
	return s.Logs.PutDeliverySource(ctx, logs.PutDeliverySourceInput{
		Name: part.Name, ResourceARN: part.logs.Source, LogType: "ACCESS_LOGS",
	}, onceLogs)
}

func (s Switches) sourceOff(ctx context.Context, part Part) error {
	return unless(s.Logs.DeleteDeliverySource(ctx, part.Name), logs.CodeNotFound)
}

func (s Switches) destination(ctx context.Context, part Part) (Standing, error) {
	for page, err := range s.Logs.DescribeDeliveryDestinations(ctx) {
		if err != nil {
			return Absent, err
		}
		for _, found := range page {
			if found.Name != part.Name {
				continue
			}
			if c := found.DeliveryDestinationConfiguration; c == nil || c.DestinationResourceARN != part.logs.Target || found.OutputFormat != logFormat {
				return Otherwise, nil
			}
			return AsPlanned, nil
		}
	}
	return Absent, nil
}

// logFormat names its fields in each line, so that what AWS adds later is read as well.
const logFormat = "json"

func (s Switches) destinationOn(ctx context.Context, part Part) error {
	return s.Logs.PutDeliveryDestination(ctx, logs.PutDeliveryDestinationInput{
		Name: part.Name, OutputFormat: logFormat,
		DeliveryDestinationConfiguration: logs.DeliveryDestinationConfiguration{DestinationResourceARN: part.logs.Target},
	}, onceLogs)
}

func (s Switches) destinationOff(ctx context.Context, part Part) error {
	return unless(s.Logs.DeleteDeliveryDestination(ctx, part.Name), logs.CodeNotFound)
}

// delivery looks for the delivery from our source to our destination; there can be only one [CreateDelivery].
func (s Switches) delivery(ctx context.Context, part Part) (Standing, error) {
	found, err := s.findDelivery(ctx, part)
	switch {
	case err != nil || found == nil:
		return Absent, err
	case found.S3DeliveryConfiguration == nil || !strings.HasSuffix(found.S3DeliveryConfiguration.SuffixPath, part.logs.Path):
		return Otherwise, nil
	}
	return AsPlanned, nil
}

func (s Switches) findDelivery(ctx context.Context, part Part) (*logs.Delivery, error) {
	for page, err := range s.Logs.DescribeDeliveries(ctx) {
		if err != nil {
			return nil, err
		}
		for _, found := range page {
			if found.DeliverySourceName == part.Name && found.DeliveryDestinationARN == destinationARN(part) {
				return &found, nil
			}
		}
	}
	return nil, nil
}

// destinationARN is the ARN of the delivery destination, which lies in the distribution's account, in us-east-1.
func destinationARN(part Part) string {
	arn := append(strings.Split(part.logs.Source, ":"), "", "", "", "", "")
	return strings.Join([]string{"arn", arn[1], "logs", "us-east-1", arn[4], "delivery-destination", part.Name}, ":")
}

func (s Switches) deliveryOn(ctx context.Context, part Part) error {
	return s.Logs.CreateDelivery(ctx, logs.CreateDeliveryInput{
		DeliverySourceName: part.Name, DeliveryDestinationARN: destinationARN(part),
		S3DeliveryConfiguration: &logs.S3DeliveryConfiguration{SuffixPath: part.logs.Path},
	}, onceLogs)
}

func (s Switches) deliveryOff(ctx context.Context, part Part) error {
	found, err := s.findDelivery(ctx, part)
	if err != nil || found == nil {
		return err
	}
	return unless(s.Logs.DeleteDelivery(ctx, found.ID), logs.CodeNotFound)
}

// within sends a call to the Region of an alarm.
func within(alarm *incident.QuotaAlarm) func(*cloudwatch.Options) {
	return func(o *cloudwatch.Options) {
		if alarm.Region != "" {
			o.Region = alarm.Region
		}
	}
}

func (s Switches) alarm(ctx context.Context, part Part) (Standing, error) {
	output, err := s.Alarms.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{
		AlarmNames: []string{part.Name}, AlarmTypes: []cwtypes.AlarmType{cwtypes.AlarmTypeMetricAlarm, cwtypes.AlarmTypeCompositeAlarm},
	}, within(part.alarm))
	switch {
	case err != nil:
		return Absent, err
	case len(output.CompositeAlarms) > 0:
		return Otherwise, nil
	case len(output.MetricAlarms) == 0:
		return Absent, nil
	}
	found := output.MetricAlarms[0]
	dimensions := map[string]string{}
	for _, d := range found.Dimensions {
		dimensions[aws.ToString(d.Name)] = aws.ToString(d.Value)
	}
	want := part.alarm
	if aws.ToString(found.MetricName) != want.Metric || aws.ToString(found.Namespace) != want.Namespace || string(found.Statistic) != want.Statistic ||
		aws.ToFloat64(found.Threshold) != want.Threshold || !slices.Equal(found.AlarmActions, []string{want.Topic}) || !maps.Equal(dimensions, want.Dimensions) {
		return Otherwise, nil
	}
	return AsPlanned, nil
}

// alarmOn makes the alarm. Three minutes of five, so that a burst that no quota feels wakes nobody. An alarm of the name is
// replaced by this call, which is why it is looked for before.
func (s Switches) alarmOn(ctx context.Context, part Part) error {
	want := part.alarm
	var dimensions []cwtypes.Dimension
	for _, name := range slices.Sorted(maps.Keys(want.Dimensions)) {
		dimensions = append(dimensions, cwtypes.Dimension{Name: aws.String(name), Value: aws.String(want.Dimensions[name])})
	}
	_, err := s.Alarms.PutMetricAlarm(ctx, &cloudwatch.PutMetricAlarmInput{
		AlarmName: &want.Name, AlarmDescription: aws.String("cloudfront503: 80 percent of the quota \"" + want.Quota + "\" are used."),
		Namespace: &want.Namespace, MetricName: &want.Metric, Dimensions: dimensions, Statistic: cwtypes.Statistic(want.Statistic),
		Period: aws.Int32(60), EvaluationPeriods: aws.Int32(5), DatapointsToAlarm: aws.Int32(3), Threshold: &want.Threshold,
		ComparisonOperator: cwtypes.ComparisonOperatorGreaterThanThreshold, TreatMissingData: aws.String("notBreaching"), AlarmActions: []string{want.Topic},
	}, within(want))
	return err
}

func (s Switches) alarmOff(ctx context.Context, part Part) error {
	_, err := s.Alarms.DeleteAlarms(ctx, &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{part.Name}}, within(part.alarm))
	var gone *cwtypes.ResourceNotFound
	if errors.As(err, &gone) {
		return nil
	}
	return err
}
