// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package event

import (
	"encoding/json"
	"fmt"

	"cloudfront503/pkg/incident"
)

// busEvent is EventBridge's envelope.
//
//	{"version":"0","id":"…","detail-type":"…","source":"aws.…","account":"111122223333","time":"2026-11-24T03:41:51Z","region":"us-east-1","resources":[…],"detail":{…}}
//
// Source: EventBridge User Guide, "AWS service event metadata".
type busEvent struct {
	ID         string
	DetailType string `json:"detail-type"`
	Source     string
	Account    string
	Time       moment
	Region     string
	Resources  []string
	Detail     json.RawMessage
}

type route struct{ source, detailType string }

// routes says who reads which detail type of which source. Health has one reader for all its detail types, CloudTrail one
// for all its sources.
var routes = map[route]func(busEvent, delivery) (incident.Trigger, error){
	{"aws.cloudwatch", "CloudWatch Alarm State Change"}:             readBusAlarm,
	{"aws.cloudwatch", "CloudWatch Alarm Contributor State Change"}: readBusAlarm,
	{"aws.health", ""}:                                                 readHealth,
	{"", "AWS API Call via CloudTrail"}:                                readChange,
	{"aws.ssm", "EC2 Automation Step Status-change Notification"}:      readExecution,
	{"aws.ssm", "EC2 Automation Execution Status-change Notification"}: readExecution,
	{"aws.events", "Scheduled Event"}:                                  readSchedule,
	{"aws.scheduler", "Scheduled Event"}:                               readSchedule,
}

func readEventBridge(raw []byte, d delivery) (incident.Trigger, error) {
	var e busEvent
	if err := json.Unmarshal(raw, &e); err != nil {
		return incident.Trigger{}, fmt.Errorf("eventbridge envelope: %w", err)
	}
	if d.channel == incident.ChannelLambda {
		d.channel = incident.ChannelEventBridge
	}
	for _, r := range []route{{e.Source, e.DetailType}, {e.Source, ""}, {"", e.DetailType}} {
		if reader, known := routes[r]; known {
			return reader(e, d)
		}
	}
	return incident.Trigger{}, &Ignored{Reason: fmt.Sprintf("%q of %q is not ours", clip(e.DetailType, 80), clip(e.Source, 40))}
}
