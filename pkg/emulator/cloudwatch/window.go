// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package cloudwatch

import (
	"math"
	"slices"
	"time"
)

// window is a set of queries over one span of time; expressions may use the others by id.
type window struct {
	service *Service
	region  string
	queries map[string]*Query
	order   []string
	start   time.Time
	end     time.Time
	period  time.Duration // of expressions: the longest of the metrics, the minute where there is none
	aligned bool          // periods begin at multiples of themselves
	busy    map[string]bool
	done    map[string][]series // each is computed once, however many expressions use it
}

// series is a value for some of the times, in Unix seconds.
type series map[int64]float64

func newWindow(s *Service, region string, queries []Query, start, end time.Time) *window {
	w := &window{service: s, region: region, queries: map[string]*Query{}, start: start, end: end, period: time.Minute, aligned: true, busy: map[string]bool{}, done: map[string][]series{}}
	for i := range queries {
		q := &queries[i]
		w.queries[q.ID] = q
		w.order = append(w.order, q.ID)
		if q.MetricStat != nil {
			w.period = max(w.period, time.Duration(q.MetricStat.Period)*time.Second)
		}
	}
	return w
}

// times are the beginnings of the periods in the span.
func (w *window) times(period time.Duration) []time.Time {
	at := w.start
	if w.aligned {
		at = at.Truncate(period)
	}
	var list []time.Time
	for ; at.Before(w.end); at = at.Add(period) {
		list = append(list, at)
	}
	return list
}

// get is a query's series; an expression may give several.
func (w *window) get(id string) ([]series, error) {
	q := w.queries[id]
	if q == nil {
		return nil, invalid("Unknown metric id %s in an expression.", id)
	}
	if list, ok := w.done[id]; ok {
		return list, nil
	}
	if q.MetricStat != nil {
		w.done[id] = []series{w.metric(q.MetricStat)}
		return w.done[id], nil
	}
	if w.busy[id] {
		return nil, invalid("The expression %s refers to itself.", id)
	}
	w.busy[id] = true
	defer delete(w.busy, id)
	result, err := evaluate(w, q.Expression)
	if err != nil {
		return nil, err
	}
	w.done[id] = result.series(w)
	return w.done[id], nil
}

func (w *window) metric(m *MetricStat) series {
	period := time.Duration(m.Period) * time.Second
	metric, values := m.Metric.metric(w.region), series{}
	for _, at := range w.times(period) {
		if value, ok := w.service.value(metric, m.Stat, at, period); ok {
			values[at.Unix()] = value
		}
	}
	return values
}

// results are a query's series as they are answered.
func (w *window) results(q *Query, descending bool) ([]Result, error) {
	list, err := w.get(q.ID)
	if err != nil {
		return nil, err
	}
	label := q.Label
	if label == "" && q.MetricStat != nil {
		label = q.MetricStat.Metric.MetricName
	}
	if label == "" {
		label = q.ID
	}
	var results []Result
	for _, values := range list {
		r := Result{ID: q.ID, Label: label, StatusCode: "Complete", Timestamps: []Time{}, Values: []float64{}}
		for _, at := range values.times(descending) {
			r.Timestamps = append(r.Timestamps, Time{time.Unix(at, 0).UTC()})
			r.Values = append(r.Values, values[at])
		}
		results = append(results, r)
	}
	return results, nil
}

func (v series) times(descending bool) []int64 {
	times := make([]int64, 0, len(v))
	for at := range v {
		times = append(times, at)
	}
	slices.Sort(times)
	if descending {
		slices.Reverse(times)
	}
	return times
}

// band is what the metric's last three hours before the span let expect: mean ± width standard deviations. CloudWatch
// trains on two weeks and knows seasons; this is only enough to tell an outlier.
func (w *window) band(m *MetricStat, width float64) []series {
	period := time.Duration(m.Period) * time.Second
	metric := m.Metric.metric(w.region)
	sum, squares, n := 0.0, 0.0, 0.0
	for at := w.start.Truncate(period).Add(-3 * time.Hour); at.Before(w.start); at = at.Add(period) {
		if value, ok := w.service.value(metric, m.Stat, at, period); ok {
			sum, squares, n = sum+value, squares+value*value, n+1
		}
	}
	if n == 0 {
		return []series{{}, {}}
	}
	mean := sum / n
	deviation := width * math.Sqrt(max(0, squares/n-mean*mean))
	lower, upper := series{}, series{}
	for _, at := range w.times(period) {
		lower[at.Unix()], upper[at.Unix()] = mean-deviation, mean+deviation
	}
	return []series{lower, upper}
}
