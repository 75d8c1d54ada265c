// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package event

import (
	"encoding/json"
	"fmt"

	"cloudfront503/pkg/incident"
)

// directAlarm is what an alarm's Lambda action hands over.
//
//	{"source":"aws.cloudwatch","alarmArn":"arn:aws:cloudwatch:…","accountId":"111122223333","time":"2026-11-24T03:41:51.102+0000","region":"us-east-1","alarmData":{"alarmName":"…","state":{"value":"ALARM","reason":"…","reasonData":"{…}","timestamp":"…"},"previousState":{…},"configuration":{"metrics":[{"id":"m1","metricStat":{"metric":{"namespace":"AWS/CloudFront","name":"503ErrorRate","dimensions":{"DistributionId":"E1EXAMPLE","Region":"Global"}},"period":60,"stat":"Average"},"returnData":true}]}}}
//
// Source: CloudWatch User Guide, "Invoke a Lambda function from an alarm". There is no detail-type, which tells it from
// EventBridge's event of the same source.
type directAlarm struct {
	AlarmARN  string `json:"alarmArn"`
	Time      lenient
	AlarmData struct {
		AlarmName                     string
		State                         alarmState
		PreviousState                 alarmState
		Configuration                 alarmConfiguration
		ActionExecutedAfterMuteWindow bool
	}
	ActionExecutedAfterMuteWindow bool
}

func readDirectAlarm(raw []byte, d delivery) (incident.Trigger, error) {
	var e directAlarm
	if err := json.Unmarshal(raw, &e); err != nil {
		return incident.Trigger{}, fmt.Errorf("alarm action: %w", err)
	}
	data := e.AlarmData
	a := stateOf(data.State, data.PreviousState)
	a.ARN, a.Name = tidyARN(e.AlarmARN), data.AlarmName
	configure(&a, data.Configuration, nil)
	trigger, err := alarmTrigger(a, d)
	if err == nil && (e.ActionExecutedAfterMuteWindow || data.ActionExecutedAfterMuteWindow) {
		trigger.At = later(trigger.At, e.Time.Time)
	}
	return trigger, err
}

// stateOf is what an alarm's states tell, as the Lambda action and EventBridge write them.
func stateOf(state, previous alarmState) incident.Alarm {
	data := parseReasonData(state.ReasonData)
	return incident.Alarm{
		State: state.Value, Previous: previous.Value, StateAt: state.Timestamp.Time, Reason: state.Reason,
		Since:      since(state.Value, state.Timestamp.Time, state.Reason, data),
		Silenced:   state.suppressed(),
		Triggering: data.triggering(),
	}
}

// configure adds what the alarm watches: its metrics and a contributor's attributes, or a composite's children.
func configure(a *incident.Alarm, c alarmConfiguration, attributes map[string]string) {
	watched := c.metrics()
	if attributes != nil {
		watched = append(watched, metric{Dimensions: attributes})
	}
	a.Description, a.ActionsEnabled = c.Description, c.ActionsEnabled
	a.Distributions, a.Metric = watched.distributions(), watched.name()
	a.Children = ruleChildren(c.AlarmRule)
}
