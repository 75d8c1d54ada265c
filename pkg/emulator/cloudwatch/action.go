// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package cloudwatch

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// lambdaPrincipal is the service that a function's resource policy must allow for an alarm to invoke it.
const lambdaPrincipal = "lambda.alarms.cloudwatch.amazonaws.com"

// Mute keeps alarms from acting for a while. Their events go on, with the mute in them.
type Mute struct {
	ARN      string   // of the rule
	Alarms   []string // names
	From, To time.Time
}

// AddMute mutes alarms of the stack's Region. At its end, alarms that are still in ALARM act without a new transition.
func (s *Service) AddMute(m Mute) {
	s.mu.Lock()
	s.mutes = append(s.mutes, m)
	s.mu.Unlock()
	s.world.Clock.After(m.To.Sub(s.world.Clock.Now()), "cloudwatch: a mute ends", func() {
		for _, name := range m.Alarms {
			key := alarmKey{s.world.Region, name}
			if state, ok := s.AlarmState(key.region, name); ok && state.Value == StateAlarm {
				s.act(key, state)
			}
		}
	})
}

// muted is the mute that covers an alarm now, nil if there is none. The lock is held.
func (s *Service) muted(a *alarm, now time.Time) *Mute {
	for i := range s.mutes {
		m := &s.mutes[i]
		if slices.Contains(m.Alarms, a.key.name) && !now.Before(m.From) && now.Before(m.To) {
			return m
		}
	}
	return nil
}

// transition puts an alarm into a state. If that is another one, its event is emitted and, unless something keeps them,
// its actions fire.
func (s *Service) transition(key alarmKey, state State) {
	now := s.world.Clock.Now()
	s.mu.Lock()
	a := s.alarms[key]
	if a == nil {
		s.mu.Unlock()
		return
	}
	previous := a.state
	state.At = now
	if previous.Value != state.Value {
		a.transitioned = now
	}
	if previous.Value == StateAlarm && state.Value != StateAlarm {
		a.released = now
	}
	a.state = state
	by, reason, wait := s.suppression(a, now)
	a.state.SuppressedBy, a.state.Suppressed = by, reason
	mute := s.muted(a, now)
	if previous.Value == state.Value {
		s.mu.Unlock()
		return
	}
	a.remember(now, "StateUpdate", fmt.Sprintf("Alarm updated from %s to %s", previous.Value, state.Value), historyData(previous, a.state))
	detail := s.stateEvent(a, previous, mute)
	acts := a.enabled() && by == "" && mute == nil
	s.mu.Unlock()
	s.emit("CloudWatch Alarm State Change", s.arn(key), detail)
	if acts {
		s.act(key, previous)
	} else if wait > 0 {
		s.world.Clock.After(wait, "cloudwatch: "+key.name+" may act", func() { s.actLate(key) })
	}
	if a.composite == nil {
		s.settleComposites(key.region)
	}
}

// actLate fires a composite's actions after a wait or extension period, if nothing suppresses them any more.
func (s *Service) actLate(key alarmKey) {
	s.mu.Lock()
	a := s.alarms[key]
	if a == nil || a.state.Value != StateAlarm {
		s.mu.Unlock()
		return
	}
	by, reason, _ := s.suppression(a, s.world.Clock.Now())
	previous := a.state
	a.state.SuppressedBy, a.state.Suppressed = by, reason
	enabled := a.enabled()
	s.mu.Unlock()
	if by == "" && enabled {
		s.act(key, previous)
	}
}

func historyData(previous, state State) string {
	data, err := json.Marshal(map[string]any{"version": "1.0", "oldState": shownState(previous), "newState": shownState(state)})
	if err != nil {
		return "{}"
	}
	return string(data)
}

// shownState is a state as events write it.
func shownState(state State) map[string]any {
	shown := map[string]any{"value": state.Value, "reason": state.Reason, "timestamp": state.At.UTC().Format(clockFormat)}
	if state.ReasonData != "" {
		shown["reasonData"] = state.ReasonData
	}
	if state.SuppressedBy != "" {
		shown["actionsSuppressedBy"], shown["actionsSuppressedReason"] = state.SuppressedBy, state.Suppressed
	}
	return shown
}

func (s *Service) emit(detailType, arn string, detail map[string]any) {
	if s.world.Bus != nil {
		s.world.Go(func() { s.world.Bus.Emit("aws.cloudwatch", detailType, []string{arn}, detail) })
	}
}

// stateEvent is the detail of "CloudWatch Alarm State Change". The lock is held.
func (s *Service) stateEvent(a *alarm, previous State, mute *Mute) map[string]any {
	detail := map[string]any{
		"alarmName": a.key.name, "state": shownState(a.state), "previousState": shownState(previous), "configuration": a.configuration(),
	}
	if mute != nil {
		detail["muteDetail"] = map[string]any{
			"mutedByArn": mute.ARN, "muteWindowStart": mute.From.UTC().Format(clockFormat), "muteWindowEnd": mute.To.UTC().Format(clockFormat),
		}
	}
	return detail
}

func (s *Service) configurationEvent(a *alarm, operation string) map[string]any {
	configuration := a.configuration()
	configuration["alarmName"], configuration["actionsEnabled"] = a.key.name, a.enabled()
	configuration["timestamp"] = a.configured.UTC().Format(clockFormat)
	return map[string]any{"alarmName": a.key.name, "operation": operation, "state": shownState(a.state), "configuration": configuration}
}

// configuration is an alarm's configuration as events write it.
func (a *alarm) configuration() map[string]any {
	shown := map[string]any{}
	if a.description() != "" {
		shown["description"] = a.description()
	}
	if c := a.composite; c != nil {
		shown["alarmRule"] = c.AlarmRule
		if c.ActionsSuppressor != "" {
			shown["actionsSuppressor"] = c.ActionsSuppressor
			shown["actionsSuppressorWaitPeriod"], shown["actionsSuppressorExtensionPeriod"] = c.ActionsSuppressorWaitPeriod, c.ActionsSuppressorExtensionPeriod
		}
		return shown
	}
	metrics := []any{}
	for i, q := range a.metric.queries() {
		metrics = append(metrics, shownQuery(q, a.metric, i))
	}
	shown["metrics"] = metrics
	return shown
}

func shownQuery(q Query, m *MetricAlarm, i int) map[string]any {
	shown := map[string]any{"id": q.ID, "returnData": q.returned()}
	if len(m.Metrics) == 0 {
		// A single metric has no id of its own; CloudWatch shows one that looks random.
		shown["id"] = fmt.Sprintf("%08x-0000-4000-8000-%012x", len(m.AlarmName)+1, i+1)
	}
	if q.Label != "" {
		shown["label"] = q.Label
	}
	if q.Expression != "" {
		shown["expression"] = q.Expression
		return shown
	}
	dimensions := map[string]string{}
	for _, d := range q.MetricStat.Metric.Dimensions {
		dimensions[d.Name] = d.Value
	}
	stat := map[string]any{
		"metric": map[string]any{"namespace": q.MetricStat.Metric.Namespace, "name": q.MetricStat.Metric.MetricName, "dimensions": dimensions},
		"period": q.MetricStat.Period, "stat": q.MetricStat.Stat,
	}
	if q.MetricStat.Unit != "" {
		stat["unit"] = q.MetricStat.Unit
	}
	shown["metricStat"] = stat
	return shown
}

// act fires an alarm's actions for the state that it is in.
func (s *Service) act(key alarmKey, previous State) {
	s.mu.Lock()
	a := s.alarms[key]
	if a == nil {
		s.mu.Unlock()
		return
	}
	actions := slices.Clone(a.actions(a.state.Value))
	direct, message, subject := s.directPayload(a, previous), s.message(a, previous), s.subject(a)
	s.mu.Unlock()
	for _, arn := range actions {
		s.world.Go(func() { s.fire(key, arn, direct, message, subject) })
	}
}

// fire does one action. What fails shows in the alarm's history alone, as with CloudWatch.
func (s *Service) fire(key alarmKey, arn string, direct, message []byte, subject string) {
	err := fmt.Errorf("no such kind of action: %s", arn)
	switch {
	case strings.HasPrefix(arn, "arn:aws:lambda:") && s.world.Lambda != nil:
		err = s.world.Lambda.InvokeAsync(arn, direct, lambdaPrincipal, s.arn(key))
	case strings.HasPrefix(arn, "arn:aws:sns:") && s.world.Topics != nil:
		err = s.world.Topics.PublishAs("cloudwatch.amazonaws.com", s.arn(key), arn, subject, string(message))
	}
	summary, state := "Successfully executed action "+arn, "Succeeded"
	if err != nil {
		summary, state = "Failed to execute action "+arn+". Received error: \""+err.Error()+"\"", "Failed"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.alarms[key]; a != nil {
		a.remember(s.world.Clock.Now(), "Action", summary, `{"actionState":"`+state+`"}`)
	}
}

// directPayload is what a function gets that is an alarm's action. The lock is held.
func (s *Service) directPayload(a *alarm, previous State) []byte {
	payload := map[string]any{
		"source": "aws.cloudwatch", "alarmArn": s.arn(a.key), "accountId": s.world.Account, "region": a.key.region,
		"time": s.world.Clock.Now().Format(clockFormat),
		"alarmData": map[string]any{
			"alarmName": a.key.name, "state": shownState(a.state), "previousState": shownState(previous), "configuration": a.configuration(),
		},
	}
	return encoded(payload)
}

func encoded(value any) []byte {
	data, err := json.Marshal(value)
	if err != nil {
		return []byte("{}")
	}
	return data
}

// regions are the display names that stand in messages.
var regions = map[string]string{
	"us-east-1": "US East (N. Virginia)", "us-east-2": "US East (Ohio)", "us-west-2": "US West (Oregon)", "eu-west-1": "EU (Ireland)", "eu-central-1": "EU (Frankfurt)",
}

func display(region string) string {
	if name, ok := regions[region]; ok {
		return name
	}
	return region
}

func (s *Service) subject(a *alarm) string {
	subject := fmt.Sprintf("%s: %q in %s", a.state.Value, a.key.name, display(a.key.region))
	return subject[:min(len(subject), 99)]
}

// message is what SNS delivers for an alarm. The lock is held.
func (s *Service) message(a *alarm, previous State) []byte {
	message := map[string]any{
		"AlarmName": a.key.name, "AlarmDescription": nil, "AWSAccountId": s.world.Account,
		"AlarmConfigurationUpdatedTimestamp": a.configured.UTC().Format(clockFormat), "NewStateValue": a.state.Value,
		"NewStateReason": a.state.Reason, "StateChangeTime": a.state.At.UTC().Format(clockFormat), "Region": display(a.key.region),
		"AlarmArn": s.arn(a.key), "OldStateValue": previous.Value, "OKActions": orNone(a.actions(StateOK)),
		"AlarmActions": orNone(a.actions(StateAlarm)), "InsufficientDataActions": orNone(a.actions(StateInsufficient)),
	}
	if a.description() != "" {
		message["AlarmDescription"] = a.description()
	}
	if a.metric != nil {
		message["Trigger"] = a.metric.trigger()
		return encoded(message)
	}
	message["AlarmRule"] = a.composite.AlarmRule
	children := []any{}
	for _, child := range s.triggering(a.key.region, s.children(a.key)) {
		state := object(child["state"])
		children = append(children, map[string]any{"Arn": child["arn"], "State": map[string]any{"Value": state["value"], "Timestamp": state["timestamp"]}})
	}
	message["TriggeringChildren"] = children
	return encoded(message)
}

func orNone(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

// trigger is the Trigger of an SNS message: with the names of statistics in capitals and those of dimensions in lower case.
func (m *MetricAlarm) trigger() map[string]any {
	trigger := map[string]any{
		"Period": m.Period, "EvaluationPeriods": m.EvaluationPeriods, "DatapointsToAlarm": m.DatapointsToAlarm,
		"ComparisonOperator": m.ComparisonOperator, "TreatMissingData": m.TreatMissingData,
		"EvaluateLowSampleCountPercentile": m.EvaluateLowSampleCountPercentile,
	}
	if m.Threshold != nil {
		trigger["Threshold"] = *m.Threshold
	} else {
		trigger["ThresholdMetricId"] = m.ThresholdMetricID
	}
	if len(m.Metrics) > 0 {
		metrics := []any{}
		for _, q := range m.Metrics {
			metrics = append(metrics, triggerQuery(q))
		}
		trigger["Metrics"] = metrics
		return trigger
	}
	trigger["MetricName"], trigger["Namespace"], trigger["Unit"] = m.MetricName, m.Namespace, nil
	trigger["Dimensions"] = triggerDimensions(m.Dimensions)
	if m.Statistic != "" {
		trigger["StatisticType"], trigger["Statistic"] = "Statistic", strings.ToUpper(m.Statistic)
	} else {
		trigger["StatisticType"], trigger["ExtendedStatistic"] = "ExtendedStatistic", m.ExtendedStatistic
	}
	return trigger
}

func triggerQuery(q Query) map[string]any {
	shown := map[string]any{"Id": q.ID, "ReturnData": q.returned()}
	if q.Label != "" {
		shown["Label"] = q.Label
	}
	if q.Expression != "" {
		shown["Expression"] = q.Expression
		return shown
	}
	stat := q.MetricStat
	shown["MetricStat"] = map[string]any{
		"Metric": map[string]any{"Dimensions": triggerDimensions(stat.Metric.Dimensions), "MetricName": stat.Metric.MetricName, "Namespace": stat.Metric.Namespace},
		"Period": stat.Period, "Stat": stat.Stat,
	}
	return shown
}

func triggerDimensions(dimensions []Dimension) []any {
	list := []any{}
	for _, d := range dimensions {
		list = append(list, map[string]any{"value": d.Value, "name": d.Name})
	}
	return list
}
