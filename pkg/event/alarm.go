// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/pattern"
)

// distributionDimension is the dimension that names a distribution, of AWS/CloudFront as of metrics people derive from it.
const distributionDimension = "DistributionId"

var (
	distributionID = pattern.Lazily(`^[A-Z0-9]{6,32}$`)
	// queriedID finds the distribution in a Metrics Insights or PromQL query: DistributionId = 'E1EXAMPLE'.
	queriedID = pattern.Lazily(`DistributionId"?\s*=\s*["']([A-Z0-9]{6,32})["']`)
	// states are all that CloudWatch knows.
	states = []string{"OK", "ALARM", "INSUFFICIENT_DATA"}
	// telling are the metrics an incident is known by, the most particular first.
	telling = []string{"503ErrorRate", "5xxErrorRate", "TotalErrorRate"}
)

// metric is one of an alarm's metrics, whatever delivery it came in.
type metric struct {
	Namespace  string
	Name       string
	Dimensions map[string]string
	Expression string
}

// metrics are an alarm's, with the labels of a contributor where there is one.
type metrics []metric

// distributions are the ids that the metrics name, sorted, each once.
func (all metrics) distributions() []string {
	var found []string
	for _, m := range all {
		if id := m.Dimensions[distributionDimension]; distributionID().MatchString(id) {
			found = append(found, id)
		}
		for _, match := range queriedID().FindAllStringSubmatch(m.Expression, -1) {
			found = append(found, match[1])
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// name is the metric that the alarm is about: an error rate if it has one, else the first that names a distribution.
func (all metrics) name() string {
	var named []string
	for _, m := range all {
		if m.Name != "" && m.Dimensions[distributionDimension] != "" {
			named = append(named, m.Name)
		}
	}
	for _, wanted := range telling {
		if slices.Contains(named, wanted) || slices.ContainsFunc(all, func(m metric) bool { return strings.Contains(m.Expression, wanted) }) {
			return wanted
		}
	}
	if len(named) > 0 {
		return named[0]
	}
	return ""
}

// alarmState is one state as the Lambda action and EventBridge write it.
type alarmState struct {
	Value                   string
	Reason                  string
	ReasonData              loose
	Timestamp               moment
	ActionsSuppressedBy     string
	ActionsSuppressedReason string
}

// suppressed says why a composite's actions do not run in this state. Only the present state counts: when the wait period
// ends, CloudWatch tells ALARM again, and then only previousState says that it was suppressed.
func (s alarmState) suppressed() string {
	if s.ActionsSuppressedBy == "" {
		return ""
	}
	return "actions suppressed by " + s.ActionsSuppressedBy
}

// alarmConfiguration is the part of an alarm's configuration that the Lambda action and EventBridge tell.
type alarmConfiguration struct {
	Description    string
	AlarmRule      string
	ActionsEnabled *bool
	Metrics        []struct {
		Expression string
		MetricStat struct {
			Metric struct {
				Namespace  string
				Name       string
				Dimensions map[string]string
			}
		}
	}
}

func (c alarmConfiguration) metrics() metrics {
	var all metrics
	for _, m := range c.Metrics {
		stat := m.MetricStat.Metric
		all = append(all, metric{stat.Namespace, stat.Name, stat.Dimensions, m.Expression})
	}
	return all
}

// reasonData is the JSON document inside the string state.reasonData.
//
//	{"version":"1.0","queryDate":"…","startDate":"…","statistic":"Average","period":60,"recentDatapoints":[7.5],"threshold":5.0,"evaluatedDatapoints":[{"timestamp":"…","value":7.5}]}
//	{"triggeringAlarms":[{"arn":"arn:aws:cloudwatch:…","state":{"value":"ALARM","timestamp":"…"}}]}
//
// Source: CloudWatch User Guide, "Alarm events and EventBridge".
type reasonData struct {
	StartDate           lenient
	Threshold           *float64
	EvaluatedDatapoints []struct {
		Timestamp lenient
		Value     *float64
	}
	TriggeringAlarms []struct {
		ARN   string
		State struct{ Value string }
	}
}

// parseReasonData is empty for what is absent (SetAlarmState, PromQL) or no JSON: the state counts without it.
func parseReasonData(text loose) reasonData {
	var data reasonData
	if json.Unmarshal([]byte(text), &data) != nil {
		return reasonData{}
	}
	return data
}

// triggering are the children whose ALARM made the composite's.
func (d reasonData) triggering() []string {
	var arns []string
	for _, child := range d.TriggeringAlarms {
		if child.State.Value == "ALARM" && child.ARN != "" {
			arns = append(arns, tidyARN(child.ARN))
		}
	}
	return arns
}

// tidyARN drops blanks around an ARN's fields, as a published sample has "us-east-1: 111122223333". The name, the last
// field, keeps its own.
func tidyARN(arn string) string {
	const fields = 7
	parts := strings.SplitN(arn, ":", fields)
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return strings.Join(parts, ":")
}

// arnField is the n-th field of an ARN counted from 0, or empty.
func arnField(arn string, n int) string {
	parts := strings.SplitN(arn, ":", 7)
	if n >= len(parts) {
		return ""
	}
	return parts[n]
}

// The fields of an alarm's ARN.
const (
	arnRegion  = 3
	arnAccount = 4
	arnName    = 6
)

// alarmTrigger completes and checks what a delivery told about an alarm.
func alarmTrigger(a incident.Alarm, d delivery) (incident.Trigger, error) {
	if err := checkAlarm(a); err != nil {
		return incident.Trigger{}, err
	}
	if len(a.Distributions) == 0 && len(a.Children) == 0 {
		return incident.Trigger{}, &Ignored{Reason: fmt.Sprintf("alarm %q names no CloudFront distribution", clip(a.Name, 80))}
	}
	key := AlarmKey(a.ARN, a.StateAt)
	if a.Contributor != "" {
		key += "#" + a.Contributor
	}
	return incident.Trigger{
		Kind: incident.KindAlarm, Channel: d.channel, Key: key, At: a.StateAt,
		Account: arnField(a.ARN, arnAccount), Region: arnField(a.ARN, arnRegion), Alarm: &a,
	}, nil
}

func checkAlarm(a incident.Alarm) error {
	switch {
	case a.ARN == "":
		return errors.New("an alarm without ARN")
	case !slices.Contains(states, a.State):
		return fmt.Errorf("alarm %s: unknown state %q", clip(a.ARN, 200), clip(a.State, 40))
	case a.StateAt.IsZero():
		return fmt.Errorf("alarm %s: no state time", clip(a.ARN, 200))
	}
	return nil
}

// AlarmKey is the key of an alarm's change of state, the same through whichever channel it is told.
func AlarmKey(arn string, at time.Time) string {
	return arn + "@" + at.UTC().Format("2006-01-02T15:04:05.000Z")
}
