// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package event

import (
	"encoding/json"
	"fmt"
	"strings"

	"cloudfront503/pkg/incident"
)

// topicAlarm is the alarm as SNS delivers it, in the envelope's Message or by itself.
//
//	{"AlarmName":"…","AlarmDescription":null,"AWSAccountId":"111122223333","NewStateValue":"ALARM","NewStateReason":"…","StateChangeTime":"2026-11-24T03:41:51.102+0000","Region":"US East (N. Virginia)","AlarmArn":"arn:aws:cloudwatch:…","OldStateValue":"OK","Trigger":{"MetricName":"503ErrorRate","Namespace":"AWS/CloudFront","Dimensions":[{"value":"E1EXAMPLE","name":"DistributionId"}],…}}
//	{…,"Trigger":{"Metrics":[{"Expression":"m1*100","Id":"e1"},{"Id":"m1","MetricStat":{"Metric":{"Dimensions":[…],"MetricName":"…","Namespace":"…"},"Period":60,"Stat":"Sum"}}]}}
//	{…,"AlarmRule":"ALARM(a) OR ALARM(b)","TriggeringChildren":[{"Arn":"arn:aws:cloudwatch:…","State":{"Value":"ALARM","Timestamp":"…"}}]}
//
// Source: CloudWatch User Guide, "Notifying users on alarm changes". Region is a display name: the Region is the ARN's.
type topicAlarm struct {
	AlarmName                     string
	AlarmDescription              string
	AWSAccountID                  string `json:"AWSAccountId"`
	NewStateValue                 string
	NewStateReason                string
	StateChangeTime               moment
	AlarmARN                      string `json:"AlarmArn"`
	OldStateValue                 string
	AlarmRule                     string
	ActionExecutedAfterMuteWindow bool
	TriggeringChildren            []struct {
		ARN   string `json:"Arn"`
		State struct{ Value string }
	}
	Trigger struct {
		topicMetric
		Metrics []struct {
			Expression string
			MetricStat struct{ Metric topicMetric }
		}
	}
}

type topicMetric struct {
	MetricName string
	Namespace  string
	Dimensions []struct{ Name, Value string }
}

func (m topicMetric) metric(expression string) metric {
	dimensions := map[string]string{}
	for _, d := range m.Dimensions {
		dimensions[d.Name] = d.Value
	}
	return metric{m.Namespace, m.MetricName, dimensions, expression}
}

func readTopicAlarm(raw []byte, d delivery) (incident.Trigger, error) {
	var e topicAlarm
	if err := json.Unmarshal(raw, &e); err != nil {
		return incident.Trigger{}, fmt.Errorf("sns alarm: %w", err)
	}
	watched := e.metrics()
	a := incident.Alarm{
		ARN: e.arn(d.topic), Name: e.AlarmName, Description: e.AlarmDescription,
		State: e.NewStateValue, Previous: e.OldStateValue, StateAt: e.StateChangeTime.Time, Reason: e.NewStateReason,
		Since:         since(e.NewStateValue, e.StateChangeTime.Time, e.NewStateReason, reasonData{}),
		Distributions: watched.distributions(), Metric: watched.name(),
		Children: ruleChildren(e.AlarmRule), Triggering: e.triggering(),
	}
	d.channel = incident.ChannelSNS
	trigger, err := alarmTrigger(a, d)
	if err == nil && e.ActionExecutedAfterMuteWindow {
		// The mute window's end fires the actions of a state that began long before: the news is of now.
		trigger.At = later(trigger.At, d.at)
	}
	return trigger, err
}

func (e topicAlarm) metrics() metrics {
	all := metrics{e.Trigger.metric("")}
	for _, m := range e.Trigger.Metrics {
		all = append(all, m.MetricStat.Metric.metric(m.Expression))
	}
	return all
}

func (e topicAlarm) triggering() []string {
	var arns []string
	for _, child := range e.TriggeringChildren {
		if child.State.Value == "ALARM" && child.ARN != "" {
			arns = append(arns, tidyARN(child.ARN))
		}
	}
	return arns
}

// arn is the alarm's. Messages of before 2020 lack it; then it is put together, in the topic's partition and Region, as an
// alarm tells only topics of its own.
func (e topicAlarm) arn(topic string) string {
	if e.AlarmARN != "" {
		return tidyARN(e.AlarmARN)
	}
	parts := strings.Split(topic, ":")
	if len(parts) < 6 || e.AWSAccountID == "" || e.AlarmName == "" {
		return ""
	}
	return strings.Join([]string{"arn", parts[1], "cloudwatch", parts[3], e.AWSAccountID, "alarm", e.AlarmName}, ":")
}
