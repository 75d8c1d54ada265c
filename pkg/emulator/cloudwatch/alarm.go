// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package cloudwatch

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"cloudfront503/pkg/emulator/kernel"
)

// The states of an alarm.
const (
	StateOK           = "OK"
	StateAlarm        = "ALARM"
	StateInsufficient = "INSUFFICIENT_DATA"
)

// MetricAlarm is what PutMetricAlarm takes; the members are called as in the API and in CloudFormation.
type MetricAlarm struct {
	AlarmName                        string                        `json:"AlarmName"`
	AlarmDescription                 string                        `json:"AlarmDescription,omitempty"`
	ActionsEnabled                   *bool                         `json:"ActionsEnabled,omitempty"` // nil: true
	OKActions                        []string                      `json:"OKActions"`
	AlarmActions                     []string                      `json:"AlarmActions"`
	InsufficientDataActions          []string                      `json:"InsufficientDataActions"`
	MetricName                       string                        `json:"MetricName,omitempty"`
	Namespace                        string                        `json:"Namespace,omitempty"`
	Statistic                        string                        `json:"Statistic,omitempty"`
	ExtendedStatistic                string                        `json:"ExtendedStatistic,omitempty"`
	Dimensions                       []Dimension                   `json:"Dimensions"`
	Period                           int                           `json:"Period,omitempty"`
	Unit                             string                        `json:"Unit,omitempty"`
	EvaluationPeriods                int                           `json:"EvaluationPeriods,omitempty"`
	DatapointsToAlarm                int                           `json:"DatapointsToAlarm,omitempty"`
	Threshold                        *float64                      `json:"Threshold,omitempty"`
	ComparisonOperator               string                        `json:"ComparisonOperator,omitempty"`
	TreatMissingData                 string                        `json:"TreatMissingData,omitempty"`
	EvaluateLowSampleCountPercentile string                        `json:"EvaluateLowSampleCountPercentile,omitempty"`
	Metrics                          []Query                       `json:"Metrics,omitempty"`
	ThresholdMetricID                string                        `json:"ThresholdMetricId,omitempty"`
	Tags                             []struct{ Key, Value string } `json:"Tags,omitempty"`
}

// CompositeAlarm is what PutCompositeAlarm takes.
type CompositeAlarm struct {
	AlarmName                        string                        `json:"AlarmName"`
	AlarmDescription                 string                        `json:"AlarmDescription,omitempty"`
	AlarmRule                        string                        `json:"AlarmRule"`
	ActionsEnabled                   *bool                         `json:"ActionsEnabled,omitempty"`
	OKActions                        []string                      `json:"OKActions"`
	AlarmActions                     []string                      `json:"AlarmActions"`
	InsufficientDataActions          []string                      `json:"InsufficientDataActions"`
	ActionsSuppressor                string                        `json:"ActionsSuppressor,omitempty"`
	ActionsSuppressorWaitPeriod      int                           `json:"ActionsSuppressorWaitPeriod,omitempty"`
	ActionsSuppressorExtensionPeriod int                           `json:"ActionsSuppressorExtensionPeriod,omitempty"`
	Tags                             []struct{ Key, Value string } `json:"Tags,omitempty"`
}

// State is what an alarm is in.
type State struct {
	Value, Reason, ReasonData string
	At                        time.Time
	SuppressedBy, Suppressed  string // of a composite: "WaitPeriod", "ExtensionPeriod" or "Alarm", and why
}

type alarmKey struct{ region, name string }

// alarm is a metric alarm or a composite one.
type alarm struct {
	key          alarmKey
	metric       *MetricAlarm
	composite    *CompositeAlarm
	configured   time.Time
	state        State
	transitioned time.Time
	released     time.Time // when it last went out of ALARM
	history      []HistoryItem
}

// HistoryItem is one of DescribeAlarmHistory.
type HistoryItem struct {
	AlarmName       string `json:"AlarmName"`
	AlarmType       string `json:"AlarmType"`
	Timestamp       Time   `json:"Timestamp"`
	HistoryItemType string `json:"HistoryItemType"` // ConfigurationUpdate, StateUpdate or Action
	HistorySummary  string `json:"HistorySummary"`
	HistoryData     string `json:"HistoryData"`
}

func (a *alarm) kind() string {
	if a.composite != nil {
		return "CompositeAlarm"
	}
	return "MetricAlarm"
}

func (a *alarm) enabled() bool {
	enabled := a.enabledField()
	return *enabled == nil || **enabled
}

func (a *alarm) enabledField() **bool {
	if a.composite != nil {
		return &a.composite.ActionsEnabled
	}
	return &a.metric.ActionsEnabled
}

// actions are the ARNs for a state.
func (a *alarm) actions(state string) []string {
	if a.composite != nil {
		return map[string][]string{StateOK: a.composite.OKActions, StateAlarm: a.composite.AlarmActions, StateInsufficient: a.composite.InsufficientDataActions}[state]
	}
	return map[string][]string{StateOK: a.metric.OKActions, StateAlarm: a.metric.AlarmActions, StateInsufficient: a.metric.InsufficientDataActions}[state]
}

func (a *alarm) description() string {
	if a.composite != nil {
		return a.composite.AlarmDescription
	}
	return a.metric.AlarmDescription
}

// queries are a metric alarm's metrics; a single metric is one query.
func (m *MetricAlarm) queries() []Query {
	if len(m.Metrics) > 0 {
		return m.Metrics
	}
	stat := m.Statistic
	if stat == "" {
		stat = m.ExtendedStatistic
	}
	return []Query{{ID: "m1", MetricStat: &MetricStat{
		Metric: MetricName{m.Namespace, m.MetricName, m.Dimensions}, Period: m.Period, Stat: stat, Unit: m.Unit,
	}}}
}

// comparisons are the operators by name; those of anomaly detection compare with a band.
var comparisons = map[string]func(value, lower, upper float64) bool{
	"GreaterThanThreshold":                     func(value, _, upper float64) bool { return value > upper },
	"GreaterThanOrEqualToThreshold":            func(value, _, upper float64) bool { return value >= upper },
	"LessThanThreshold":                        func(value, lower, _ float64) bool { return value < lower },
	"LessThanOrEqualToThreshold":               func(value, lower, _ float64) bool { return value <= lower },
	"GreaterThanUpperThreshold":                func(value, _, upper float64) bool { return value > upper },
	"LessThanLowerThreshold":                   func(value, lower, _ float64) bool { return value < lower },
	"LessThanLowerOrGreaterThanUpperThreshold": func(value, lower, upper float64) bool { return value < lower || value > upper },
}

func (m *MetricAlarm) check() error {
	returned := 0
	for _, q := range m.Metrics {
		if q.returned() {
			returned++
		}
	}
	switch {
	case m.AlarmName == "" || len(m.AlarmName) > 255:
		return invalid("The alarm's name must have 1 to 255 characters.")
	case comparisons[m.ComparisonOperator] == nil:
		return invalid("The value %q for parameter ComparisonOperator is not valid.", m.ComparisonOperator)
	case m.EvaluationPeriods < 1 || m.DatapointsToAlarm > m.EvaluationPeriods:
		return invalid("EvaluationPeriods must be at least 1 and not less than DatapointsToAlarm.")
	case (m.Threshold == nil) == (m.ThresholdMetricID == ""):
		return invalid("An alarm has either a Threshold or a ThresholdMetricId.")
	case len(m.Metrics) > 0 && m.MetricName != "":
		return invalid("An alarm has either a MetricName or Metrics.")
	case len(m.Metrics) > 0 && m.ThresholdMetricID == "" && returned != 1:
		return invalid("Exactly one element of the metrics list should return data.")
	case len(m.AlarmActions) > 5 || len(m.OKActions) > 5 || len(m.InsufficientDataActions) > 5:
		return invalid("An alarm has at most 5 actions for each state.")
	case !slices.Contains([]string{"", "missing", "ignore", "breaching", "notBreaching"}, m.TreatMissingData):
		return invalid("The value %q for parameter TreatMissingData is not valid.", m.TreatMissingData)
	}
	return checkQueries(m.queries())
}

// within refuses actions of another Region, in the words that people report of AWS; an ARN without a Region is no matter.
func within(region string, actions []string) error {
	for _, arn := range actions {
		if parts := strings.SplitN(arn, ":", 5); len(parts) == 5 && parts[3] != "" && parts[3] != region {
			return invalid("Invalid region %s specified. Only %s is supported.", parts[3], region)
		}
	}
	return nil
}

func (m *MetricAlarm) allActions() []string {
	return slices.Concat(m.AlarmActions, m.OKActions, m.InsufficientDataActions)
}

func (m *CompositeAlarm) allActions() []string {
	return slices.Concat(m.AlarmActions, m.OKActions, m.InsufficientDataActions)
}

// actionsKey is by what IAM limits the actions of an alarm, whatever state they are for [CloudWatch guide, "Using condition
// keys to limit alarm actions"].
const actionsKey = "cloudwatch:AlarmActions"

func (m *MetricAlarm) sets() map[string][]string {
	return map[string][]string{actionsKey: m.allActions()}
}

func (m *CompositeAlarm) sets() map[string][]string {
	return map[string][]string{actionsKey: m.allActions()}
}

// PutMetricAlarm makes a metric alarm in a Region, or replaces its configuration. A new one is in INSUFFICIENT_DATA until it
// has been evaluated.
func (s *Service) PutMetricAlarm(region string, m MetricAlarm) error {
	if err := m.check(); err != nil {
		return err
	}
	if err := within(region, m.allActions()); err != nil {
		return err
	}
	s.put(alarmKey{region, m.AlarmName}, func(a *alarm) { a.metric, a.composite = &m, nil })
	return nil
}

// PutCompositeAlarm makes a composite alarm in a Region, or replaces its configuration.
func (s *Service) PutCompositeAlarm(region string, m CompositeAlarm) error {
	if m.AlarmName == "" {
		return invalid("The alarm's name must have 1 to 255 characters.")
	}
	if _, err := parseRule(m.AlarmRule); err != nil {
		return err
	}
	if err := within(region, m.allActions()); err != nil {
		return err
	}
	s.put(alarmKey{region, m.AlarmName}, func(a *alarm) { a.composite, a.metric = &m, nil })
	s.settleComposites(region)
	return nil
}

func (s *Service) put(key alarmKey, set func(*alarm)) {
	now := s.world.Clock.Now()
	s.mu.Lock()
	a, operation := s.alarms[key], "update"
	if a == nil {
		operation = "create"
		a = &alarm{key: key, state: State{Value: StateInsufficient, Reason: "Unchecked: Initial alarm creation", At: now}, transitioned: now}
		s.alarms[key] = a
	}
	set(a)
	a.configured = now
	a.remember(now, "ConfigurationUpdate", "Alarm \""+key.name+"\" "+operation+"d", "{}")
	first := !s.ticking
	s.ticking = true
	event := s.configurationEvent(a, operation)
	s.mu.Unlock()
	s.emit("CloudWatch Alarm Configuration Change", s.arn(key), event)
	if first {
		s.tick()
	}
}

func (a *alarm) remember(at time.Time, itemType, summary, data string) {
	a.history = append(a.history, HistoryItem{AlarmName: a.key.name, AlarmType: a.kind(), Timestamp: Time{at}, HistoryItemType: itemType, HistorySummary: summary, HistoryData: data})
}

func (s *Service) arn(key alarmKey) string {
	return "arn:aws:cloudwatch:" + key.region + ":" + s.world.Account + ":alarm:" + key.name
}

// AlarmState is an alarm's state; ok is false where there is no such alarm.
func (s *Service) AlarmState(region, name string) (state State, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.alarms[alarmKey{region, name}]
	if a == nil {
		return State{}, false
	}
	return a.state, true
}

func (s *Service) putMetricAlarm(c *kernel.Call, in *MetricAlarm) (any, error) {
	return nil, s.PutMetricAlarm(c.Region, *in)
}

func (s *Service) putCompositeAlarm(c *kernel.Call, in *CompositeAlarm) (any, error) {
	return nil, s.PutCompositeAlarm(c.Region, *in)
}

type stateInput struct{ AlarmName, StateValue, StateReason, StateReasonData string }

func (s *Service) setAlarmState(c *kernel.Call, in *stateInput) (any, error) {
	key := alarmKey{c.Region, in.AlarmName}
	if !slices.Contains([]string{StateOK, StateAlarm, StateInsufficient}, in.StateValue) {
		return nil, invalid("The value %q for parameter StateValue is not valid.", in.StateValue)
	}
	if _, ok := s.AlarmState(c.Region, in.AlarmName); !ok {
		return nil, kernel.Errorf(http.StatusNotFound, "ResourceNotFound", "Unknown Alarm: %s", in.AlarmName)
	}
	s.transition(key, State{Value: in.StateValue, Reason: in.StateReason, ReasonData: in.StateReasonData})
	return nil, nil
}

// SetState puts an alarm into a state now, as SetAlarmState does: its actions fire if that is a transition.
func (s *Service) SetState(region, name, value, reason string) {
	s.transition(alarmKey{region, name}, State{Value: value, Reason: reason})
}

type namesInput struct{ AlarmNames []string }

func (s *Service) enableActions(c *kernel.Call, in *namesInput) (any, error) {
	return nil, s.switchActions(c.Region, in.AlarmNames, true)
}

func (s *Service) disableActions(c *kernel.Call, in *namesInput) (any, error) {
	return nil, s.switchActions(c.Region, in.AlarmNames, false)
}

func (s *Service) switchActions(region string, names []string, on bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		if a := s.alarms[alarmKey{region, name}]; a != nil {
			*a.enabledField() = &on
		}
	}
	return nil
}

func (s *Service) deleteAlarms(c *kernel.Call, in *namesInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range in.AlarmNames {
		if s.alarms[alarmKey{c.Region, name}] == nil {
			return nil, kernel.Errorf(http.StatusNotFound, "ResourceNotFound", "Unknown Alarm: %s", name)
		}
	}
	for _, name := range in.AlarmNames {
		delete(s.alarms, alarmKey{c.Region, name})
	}
	return nil, nil
}

// What IAM is asked about: the alarm that is written, or all of the Region's.
func alarmARN(c *kernel.Call, name string) string {
	return "arn:aws:cloudwatch:" + c.Region + ":" + c.World.Account + ":alarm:" + name
}

func anyAlarm[In any](c *kernel.Call, _ *In) []string   { return []string{alarmARN(c, "*")} }
func ownAlarm(c *kernel.Call, in *MetricAlarm) []string { return []string{alarmARN(c, in.AlarmName)} }
func ownComposite(c *kernel.Call, in *CompositeAlarm) []string {
	return []string{alarmARN(c, in.AlarmName)}
}
func stateAlarm(c *kernel.Call, in *stateInput) []string { return []string{alarmARN(c, in.AlarmName)} }

func namedAlarms(c *kernel.Call, in *namesInput) []string {
	var list []string
	for _, name := range in.AlarmNames {
		list = append(list, alarmARN(c, name))
	}
	return list
}

type describeInput struct {
	AlarmNames          []string
	AlarmNamePrefix     string
	AlarmTypes          []string
	ChildrenOfAlarmName string
	ParentsOfAlarmName  string
	StateValue          string
	ActionPrefix        string
	MaxRecords          int
	NextToken           string
}

// status are the members that describing adds to a configuration.
type status struct {
	AlarmArn                           string `json:"AlarmArn"`
	AlarmConfigurationUpdatedTimestamp Time   `json:"AlarmConfigurationUpdatedTimestamp"`
	StateValue                         string `json:"StateValue"`
	StateReason                        string `json:"StateReason"`
	StateReasonData                    string `json:"StateReasonData,omitempty"`
	StateUpdatedTimestamp              Time   `json:"StateUpdatedTimestamp"`
	StateTransitionedTimestamp         Time   `json:"StateTransitionedTimestamp"`
}

type describedMetric struct {
	MetricAlarm
	status
	ActionsEnabled bool
	Tags           *struct{} `json:"Tags,omitempty"` // not shown
}

type describedComposite struct {
	CompositeAlarm
	status
	ActionsEnabled          bool
	ActionsSuppressedBy     string    `json:"ActionsSuppressedBy,omitempty"`
	ActionsSuppressedReason string    `json:"ActionsSuppressedReason,omitempty"`
	Tags                    *struct{} `json:"Tags,omitempty"`
}

type describeOutput struct {
	CompositeAlarms []describedComposite `json:"CompositeAlarms"`
	MetricAlarms    []describedMetric    `json:"MetricAlarms"`
	NextToken       string               `json:"NextToken,omitempty"`
}

func (s *Service) describeAlarms(c *kernel.Call, in *describeInput) (any, error) {
	size := 50
	if in.MaxRecords > 0 {
		size = min(in.MaxRecords, 100)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out := describeOutput{CompositeAlarms: []describedComposite{}, MetricAlarms: []describedMetric{}}
	last := ""
	for _, a := range s.sorted(c.Region) {
		if a.key.name <= in.NextToken || !s.wanted(in, a) {
			continue
		}
		if len(out.CompositeAlarms)+len(out.MetricAlarms) == size {
			out.NextToken = last
			break
		}
		last = a.key.name
		out.add(a, s.status(a))
	}
	return out, nil
}

func (o *describeOutput) add(a *alarm, st status) {
	if a.composite != nil {
		o.CompositeAlarms = append(o.CompositeAlarms, describedComposite{
			CompositeAlarm: *a.composite, status: st, ActionsEnabled: a.enabled(), ActionsSuppressedBy: a.state.SuppressedBy, ActionsSuppressedReason: a.state.Suppressed,
		})
		return
	}
	o.MetricAlarms = append(o.MetricAlarms, describedMetric{MetricAlarm: *a.metric, status: st, ActionsEnabled: a.enabled()})
}

func (s *Service) status(a *alarm) status {
	return status{
		AlarmArn: s.arn(a.key), AlarmConfigurationUpdatedTimestamp: Time{a.configured}, StateValue: a.state.Value,
		StateReason: a.state.Reason, StateReasonData: a.state.ReasonData, StateUpdatedTimestamp: Time{a.state.At}, StateTransitionedTimestamp: Time{a.transitioned},
	}
}

// sorted are a Region's alarms by name. The lock is held.
func (s *Service) sorted(region string) []*alarm {
	var list []*alarm
	for key, a := range maps.All(s.alarms) {
		if key.region == region {
			list = append(list, a)
		}
	}
	slices.SortFunc(list, func(a, b *alarm) int { return strings.Compare(a.key.name, b.key.name) })
	return list
}

// wanted says whether an alarm is asked for; without AlarmTypes and AlarmNames, only metric alarms are.
func (s *Service) wanted(in *describeInput, a *alarm) bool {
	types := in.AlarmTypes
	if len(types) == 0 && len(in.AlarmNames) == 0 {
		types = []string{"MetricAlarm"}
	}
	switch {
	case len(types) > 0 && !slices.Contains(types, a.kind()),
		len(in.AlarmNames) > 0 && !slices.Contains(in.AlarmNames, a.key.name) && !slices.Contains(in.AlarmNames, s.arn(a.key)),
		!strings.HasPrefix(a.key.name, in.AlarmNamePrefix),
		in.StateValue != "" && in.StateValue != a.state.Value,
		in.ChildrenOfAlarmName != "" && !slices.Contains(s.children(alarmKey{a.key.region, in.ChildrenOfAlarmName}), a.key.name),
		in.ParentsOfAlarmName != "" && !slices.Contains(s.children(a.key), in.ParentsOfAlarmName):
		return false
	}
	return in.ActionPrefix == "" || slices.ContainsFunc(slices.Concat(a.actions(StateOK), a.actions(StateAlarm), a.actions(StateInsufficient)), func(arn string) bool {
		return strings.HasPrefix(arn, in.ActionPrefix)
	})
}

// children are the names in a composite's rule. The lock is held.
func (s *Service) children(key alarmKey) []string {
	a := s.alarms[key]
	if a == nil || a.composite == nil {
		return nil
	}
	rule, err := parseRule(a.composite.AlarmRule)
	if err != nil {
		return nil
	}
	return rule.names()
}

type forMetricInput struct {
	MetricName
	Statistic, ExtendedStatistic, Unit string
	Period                             int
}

func (s *Service) describeForMetric(c *kernel.Call, in *forMetricInput) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := describeOutput{MetricAlarms: []describedMetric{}}
	for _, a := range s.sorted(c.Region) {
		if a.metric != nil && (MetricName{a.metric.Namespace, a.metric.MetricName, a.metric.Dimensions}).metric(c.Region).Key() == in.metric(c.Region).Key() {
			out.add(a, s.status(a))
		}
	}
	return struct{ MetricAlarms []describedMetric }{out.MetricAlarms}, nil
}

type historyInput struct {
	AlarmName          string
	AlarmContributorID string `json:"AlarmContributorId"`
	AlarmTypes         []string
	HistoryItemType    string
	StartDate          *Time
	EndDate            *Time
	MaxRecords         int
	NextToken          string
	ScanBy             string
}

func (s *Service) describeHistory(c *kernel.Call, in *historyInput) (any, error) {
	from, err := position(in.NextToken)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found := []HistoryItem{}
	for _, a := range s.sorted(c.Region) {
		for _, item := range a.history {
			if in.wants(a, item) {
				found = append(found, item)
			}
		}
	}
	slices.SortStableFunc(found, func(a, b HistoryItem) int { return b.Timestamp.Compare(a.Timestamp.Time) })
	if in.ScanBy == "TimestampAscending" {
		slices.Reverse(found)
	}
	size := 100
	if in.MaxRecords > 0 {
		size = min(in.MaxRecords, size)
	}
	from = min(from, len(found))
	to := min(from+size, len(found))
	out := struct {
		AlarmHistoryItems []HistoryItem
		NextToken         string `json:"NextToken,omitempty"`
	}{AlarmHistoryItems: found[from:to]}
	if to < len(found) {
		out.NextToken = strconv.Itoa(to)
	}
	return out, nil
}

func (in *historyInput) wants(a *alarm, item HistoryItem) bool {
	switch {
	case in.AlarmName != "" && in.AlarmName != a.key.name,
		len(in.AlarmTypes) > 0 && !slices.Contains(in.AlarmTypes, a.kind()),
		in.HistoryItemType != "" && in.HistoryItemType != item.HistoryItemType,
		in.StartDate != nil && item.Timestamp.Before(in.StartDate.Time),
		in.EndDate != nil && item.Timestamp.After(in.EndDate.Time):
		return false
	}
	return true
}
