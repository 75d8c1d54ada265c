// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package cloudwatch

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// evaluationDelay is how long after a full minute alarms look at it.
const evaluationDelay = 20 * time.Second

// tick sets the timer for the next evaluation of all alarms.
func (s *Service) tick() {
	now := s.world.Clock.Now()
	next := now.Truncate(time.Minute).Add(evaluationDelay)
	if !next.After(now) {
		next = next.Add(time.Minute)
	}
	s.world.Clock.After(next.Sub(now), "cloudwatch: alarms are evaluated", func() {
		s.Evaluate()
		s.tick()
	})
}

// Evaluate looks at all alarms now; it happens each minute by itself.
func (s *Service) Evaluate() {
	s.mu.Lock()
	var due []alarm
	regions := map[string]bool{}
	for _, a := range s.alarms {
		regions[a.key.region] = true
		if a.metric != nil {
			due = append(due, *a)
		}
	}
	s.mu.Unlock()
	for i := range due {
		if state := s.judge(&due[i]); state.Value != due[i].state.Value {
			s.transition(due[i].key, state)
		}
	}
	for region := range regions {
		s.settleComposites(region)
	}
}

// point is one evaluated period.
type point struct {
	at                         time.Time
	value, lower, upper, count float64
	known                      bool
}

// judge says which state a metric alarm should be in now.
func (s *Service) judge(a *alarm) State {
	points, err := s.points(a)
	if err != nil {
		return State{Value: StateInsufficient, Reason: err.Error()}
	}
	m := a.metric
	need := m.DatapointsToAlarm
	if need == 0 {
		need = m.EvaluationPeriods
	}
	breach, known := 0, 0
	for _, p := range points {
		if p.known {
			known++
		}
		if p.known && comparisons[m.ComparisonOperator](p.value, p.lower, p.upper) || !p.known && m.TreatMissingData == "breaching" {
			breach++
		}
	}
	switch {
	case known == 0 && (m.TreatMissingData == "" || m.TreatMissingData == "missing"):
		return State{Value: StateInsufficient, Reason: fmt.Sprintf("Insufficient Data: %s.", unknown(len(points)))}
	case known == 0 && m.TreatMissingData == "ignore":
		return a.state
	case known == 0:
		return State{Value: m.stateOf(breach >= need), Reason: missingReason(m)}
	}
	value := m.stateOf(breach >= need)
	return State{Value: value, Reason: m.reason(points, value, need), ReasonData: reasonData(m, points, s.world.Clock.Now())}
}

func unknown(n int) string {
	if n == 1 {
		return "1 datapoint was unknown"
	}
	return strconv.Itoa(n) + " datapoints were unknown"
}

func (m *MetricAlarm) stateOf(breaching bool) string {
	if breaching {
		return StateAlarm
	}
	return StateOK
}

func missingReason(m *MetricAlarm) string {
	plural := map[bool]string{true: "s"}[m.EvaluationPeriods > 1]
	verb := map[bool]string{true: "were", false: "was"}[m.EvaluationPeriods > 1]
	treated := strings.ToUpper(m.TreatMissingData[:1]) + m.TreatMissingData[1:]
	return fmt.Sprintf("Threshold Crossed: no datapoints were received for %d period%s and %[1]d missing datapoint%s %s treated as [%s].", m.EvaluationPeriods, plural, plural, verb, treated)
}

// points are the periods that an alarm looks at now, the oldest first, ending with the last full minute.
func (s *Service) points(a *alarm) ([]point, error) {
	queries := a.metric.queries()
	period := time.Minute
	for _, q := range queries {
		if q.MetricStat != nil {
			period = max(period, time.Duration(q.MetricStat.Period)*time.Second)
		}
	}
	end := s.world.Clock.Now().Truncate(time.Minute)
	start := end.Add(-period * time.Duration(a.metric.EvaluationPeriods))
	w := newWindow(s, a.key.region, queries, start, end)
	w.aligned = false
	values, lower, upper, err := a.metric.judged(w)
	if err != nil {
		return nil, err
	}
	var list []point
	for _, at := range w.times(period) {
		value, known := values[at.Unix()]
		p := point{at: at, value: value, known: known, lower: lower[at.Unix()], upper: upper[at.Unix()]}
		p.count = w.samples(queries[0], at, period)
		list = append(list, p)
	}
	return list, nil
}

// judged are the series that is compared, and what it is compared with.
func (m *MetricAlarm) judged(w *window) (values, lower, upper series, err error) {
	compared := ""
	for _, id := range w.order {
		if id != m.ThresholdMetricID && w.queries[id].returned() {
			compared = id
		}
	}
	list, err := w.get(compared)
	if err != nil || len(list) == 0 {
		return nil, nil, nil, err
	}
	if m.ThresholdMetricID != "" {
		band, err := w.get(m.ThresholdMetricID)
		if err != nil {
			return nil, nil, nil, err
		}
		return list[0], band[0], band[len(band)-1], nil
	}
	lower = series{}
	for _, at := range w.times(w.period) {
		lower[at.Unix()] = *m.Threshold
	}
	return list[0], lower, lower, nil
}

// samples is how many measurements stand behind a value.
func (w *window) samples(q Query, at time.Time, period time.Duration) float64 {
	if q.MetricStat == nil {
		return 1
	}
	datum, _ := w.service.datum(q.MetricStat.Metric.metric(w.region), at, period)
	return datum.Count
}

// phrases say what a value does to its threshold.
var phrases = map[string]string{
	"GreaterThanThreshold": "greater than", "GreaterThanOrEqualToThreshold": "greater than or equal to", "LessThanThreshold": "less than",
	"LessThanOrEqualToThreshold": "less than or equal to", "GreaterThanUpperThreshold": "greater than", "LessThanLowerThreshold": "less than",
	"LessThanLowerOrGreaterThanUpperThreshold": "outside of",
}

// reason is worded as CloudWatch words it:
//
//	Threshold Crossed: 1 out of the last 1 datapoints [20.0 (22/06/26 14:25:00)] was greater than the threshold (5.0) (minimum 1 datapoint for OK -> ALARM transition).
func (m *MetricAlarm) reason(points []point, value string, need int) string {
	var shown []string
	for i := len(points) - 1; i >= 0; i-- {
		p := points[i]
		if p.known && comparisons[m.ComparisonOperator](p.value, p.lower, p.upper) == (value == StateAlarm) {
			shown = append(shown, decimal(p.value)+" ("+p.at.Format("02/01/06 15:04:05")+")")
		}
	}
	verb, not, way := "was", "", "OK -> ALARM"
	if len(shown) > 1 {
		verb = "were"
	}
	if value == StateOK {
		not, way, need = "not ", "ALARM -> OK", len(points)-need+1
	}
	plural := map[bool]string{true: "s"}[need > 1]
	return fmt.Sprintf("Threshold Crossed: %d out of the last %d datapoints [%s] %s %s%s the threshold (%s) (minimum %d datapoint%s for %s transition).",
		len(shown), len(points), strings.Join(shown, ", "), verb, not, phrases[m.ComparisonOperator], m.thresholds(points), need, plural, way)
}

func (m *MetricAlarm) thresholds(points []point) string {
	if m.Threshold != nil {
		return decimal(*m.Threshold)
	}
	var shown []string
	for i := len(points) - 1; i >= 0; i-- {
		shown = append(shown, decimal(points[i].upper))
	}
	return strings.Join(shown, ", ")
}

// decimal is a number with at least one decimal, as Java prints it.
func decimal(value float64) string {
	text := strconv.FormatFloat(value, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

// clockFormat is how CloudWatch writes times into its events.
const clockFormat = "2006-01-02T15:04:05.000+0000"

// reasonData is the JSON document inside an alarm's state.
func reasonData(m *MetricAlarm, points []point, now time.Time) string {
	data := map[string]any{
		"version": "1.0", "queryDate": now.Format(clockFormat), "startDate": points[0].at.Format(clockFormat), "period": 60,
	}
	recent, evaluated, upper, lower := []float64{}, []any{}, []float64{}, []float64{}
	for i, p := range points {
		if p.known {
			recent = append(recent, p.value)
		}
		upper, lower = append(upper, p.upper), append(lower, p.lower)
		last := points[len(points)-1-i]
		entry := map[string]any{"timestamp": last.at.Format(clockFormat)}
		if last.known {
			entry["value"], entry["sampleCount"] = last.value, last.count
		}
		evaluated = append(evaluated, entry)
	}
	data["recentDatapoints"], data["evaluatedDatapoints"] = recent, evaluated
	if m.Threshold != nil {
		data["threshold"] = *m.Threshold
	} else {
		data["recentUpperThresholds"], data["recentLowerThresholds"] = upper, lower
	}
	if stat := m.queries()[0].MetricStat; stat != nil {
		data["period"] = stat.Period
		if len(m.Metrics) == 0 {
			data["statistic"] = stat.Stat
		}
	}
	text, err := json.Marshal(data)
	if err != nil {
		return ""
	}
	return string(text)
}
