// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package stack

import (
	"encoding/json"
	"fmt"
	"net/http"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/kms"
)

// call makes a resource as CloudFormation does, through the service's own API: target is its X-Amz-Target.
func (b *builder) call(service, target string, input, output any) error {
	body, err := encode(input)
	if err != nil {
		return err
	}
	status, answer := b.options.World.Do(kernel.Request{
		Credentials: kernel.Credentials{AccessKeyID: "cloudformation"}, Service: service, Body: body,
		Header: map[string]string{"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": target},
	})
	if status != http.StatusOK {
		return fmt.Errorf("%s answered %d: %s", target, status, answer)
	}
	if output == nil {
		return nil
	}
	return json.Unmarshal(answer, output)
}

func makeQueue(b *builder, logical string, properties any) (*Resource, error) {
	var p struct {
		QueueName, MessageRetentionPeriod, VisibilityTimeout, SqsManagedSseEnabled scalar
		KmsMasterKeyId, ReceiveMessageWaitTimeSeconds, DelaySeconds                scalar
		RedrivePolicy                                                              any
		Tags                                                                       tags
	}
	if err := decode(properties, &p); err != nil {
		return nil, err
	}
	attributes := map[string]string{}
	for name, value := range map[string]scalar{
		"MessageRetentionPeriod": p.MessageRetentionPeriod, "VisibilityTimeout": p.VisibilityTimeout, "KmsMasterKeyId": p.KmsMasterKeyId,
		"SqsManagedSseEnabled": p.SqsManagedSseEnabled, "ReceiveMessageWaitTimeSeconds": p.ReceiveMessageWaitTimeSeconds,
		"DelaySeconds": p.DelaySeconds,
	} {
		if value != "" {
			attributes[name] = string(value)
		}
	}
	if p.RedrivePolicy != nil {
		raw, err := encode(p.RedrivePolicy)
		if err != nil {
			return nil, err
		}
		attributes["RedrivePolicy"] = string(raw)
	}
	name := b.physical(p.QueueName, logical, 80)
	var made struct{ QueueUrl string }
	if err := b.call("sqs", "AmazonSQS.CreateQueue", map[string]any{"QueueName": name, "Attributes": attributes}, &made); err != nil {
		return nil, err
	}
	return &Resource{ID: made.QueueUrl, Attributes: map[string]string{
		"Arn": b.arn("sqs", name), "QueueName": name, "QueueUrl": made.QueueUrl,
	}}, nil
}

func makeQueuePolicy(b *builder, logical string, properties any) (*Resource, error) {
	var p struct {
		Queues         []string
		PolicyDocument any
	}
	if err := decode(properties, &p); err != nil {
		return nil, err
	}
	policy, err := policyOf(p.PolicyDocument)
	if err != nil {
		return nil, err
	}
	for _, queue := range p.Queues {
		input := map[string]any{"QueueUrl": queue, "Attributes": map[string]string{"Policy": string(policy.Raw)}}
		if err := b.call("sqs", "AmazonSQS.SetQueueAttributes", input, nil); err != nil {
			return nil, within(queue, err)
		}
	}
	return &Resource{ID: b.physical("", logical, 64)}, nil
}

// alarmProperties are those of AWS::CloudWatch::Alarm, in the types that PutMetricAlarm takes.
type alarmProperties struct {
	AlarmName, AlarmDescription, Namespace, MetricName, Statistic, ExtendedStatistic scalar
	ComparisonOperator, TreatMissingData, Unit, ThresholdMetricId                    scalar
	ActionsEnabled, Period, EvaluationPeriods, DatapointsToAlarm, Threshold          scalar
	Dimensions                                                                       []struct{ Name, Value scalar }
	AlarmActions, OKActions, InsufficientDataActions                                 []string
	Metrics                                                                          any
}

// input is PutMetricAlarm's: numbers and booleans are such, what is absent is left out.
func (p alarmProperties) input(name string) map[string]any {
	input := map[string]any{"AlarmName": name}
	for key, value := range map[string]scalar{
		"AlarmDescription": p.AlarmDescription, "Namespace": p.Namespace, "MetricName": p.MetricName, "Statistic": p.Statistic,
		"ExtendedStatistic": p.ExtendedStatistic, "ComparisonOperator": p.ComparisonOperator, "TreatMissingData": p.TreatMissingData,
		"Unit": p.Unit, "ThresholdMetricId": p.ThresholdMetricId,
	} {
		if value != "" {
			input[key] = string(value)
		}
	}
	for key, value := range map[string]scalar{
		"ActionsEnabled": p.ActionsEnabled, "Period": p.Period, "EvaluationPeriods": p.EvaluationPeriods,
		"DatapointsToAlarm": p.DatapointsToAlarm, "Threshold": p.Threshold,
	} {
		if value != "" {
			input[key] = json.RawMessage(value)
		}
	}
	for key, value := range map[string][]string{"AlarmActions": p.AlarmActions, "OKActions": p.OKActions, "InsufficientDataActions": p.InsufficientDataActions} {
		if len(value) > 0 {
			input[key] = value
		}
	}
	if len(p.Dimensions) > 0 {
		input["Dimensions"] = p.Dimensions
	}
	if p.Metrics != nil {
		input["Metrics"] = p.Metrics
	}
	return input
}

func makeAlarm(b *builder, logical string, properties any) (*Resource, error) {
	var p alarmProperties
	if err := decode(properties, &p); err != nil {
		return nil, err
	}
	name := b.physical(p.AlarmName, logical, 255)
	if err := b.call("monitoring", "GraniteServiceVersion20100801.PutMetricAlarm", p.input(name), nil); err != nil {
		return nil, err
	}
	return &Resource{ID: name, Attributes: map[string]string{"Arn": b.arn("cloudwatch", "alarm:"+name)}}, nil
}

func makeKey(b *builder, _ string, properties any) (*Resource, error) {
	var p struct {
		Description, KeySpec, KeyUsage, Enabled, EnableKeyRotation, PendingWindowInDays, MultiRegion scalar
		KeyPolicy                                                                                    any
		Tags                                                                                         tags
	}
	if err := decode(properties, &p); err != nil {
		return nil, err
	}
	policy, err := policyOf(p.KeyPolicy)
	if err != nil {
		return nil, within("KeyPolicy", err)
	}
	if p.EnableKeyRotation.true() && p.KeySpec != "" && p.KeySpec != "SYMMETRIC_DEFAULT" {
		return nil, fmt.Errorf("a key of spec %s cannot be rotated", p.KeySpec)
	}
	key := b.options.Keys.AddKey(kms.Key{Spec: string(p.KeySpec), Description: string(p.Description), Policy: policy, Disabled: p.Enabled == "false"})
	return &Resource{ID: key.ID, Attributes: map[string]string{"Arn": key.ARN, "KeyId": key.ID}}, nil
}

func makeAlias(b *builder, _ string, properties any) (*Resource, error) {
	var p struct{ AliasName, TargetKeyId string }
	if err := decode(properties, &p); err != nil {
		return nil, err
	}
	return &Resource{ID: p.AliasName}, b.options.Keys.AddAlias(p.AliasName, p.TargetKeyId)
}
