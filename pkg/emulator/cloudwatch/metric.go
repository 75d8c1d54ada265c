// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package cloudwatch

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"cloudfront503/pkg/emulator/kernel"
)

// Dimension is a name and a value.
type Dimension struct{ Name, Value string }

// MetricName names a metric.
type MetricName struct {
	Namespace  string      `json:"Namespace,omitempty"`
	MetricName string      `json:"MetricName,omitempty"`
	Dimensions []Dimension `json:"Dimensions,omitempty"`
}

// MetricStat is a statistic of a metric.
type MetricStat struct {
	Metric MetricName `json:"Metric"`
	Period int        `json:"Period"`
	Stat   string     `json:"Stat"`
	Unit   string     `json:"Unit,omitempty"`
}

// Query is a metric or an expression over others.
type Query struct {
	ID         string      `json:"Id"`
	MetricStat *MetricStat `json:"MetricStat,omitempty"`
	Expression string      `json:"Expression,omitempty"`
	Label      string      `json:"Label,omitempty"`
	ReturnData *bool       `json:"ReturnData,omitempty"`
	Period     int         `json:"Period,omitempty"`
	AccountID  string      `json:"AccountId,omitempty"`
}

func (q *Query) returned() bool { return q.ReturnData == nil || *q.ReturnData }

// metric is the kernel's name for it.
func (m MetricName) metric(region string) kernel.Metric {
	dimensions := map[string]string{}
	for _, d := range m.Dimensions {
		dimensions[d.Name] = d.Value
	}
	return kernel.Metric{Region: region, Namespace: m.Namespace, Name: m.MetricName, Dimensions: dimensions}
}

// value is a statistic of the period that begins at start.
func (s *Service) value(metric kernel.Metric, stat string, start time.Time, period time.Duration) (float64, bool) {
	if value, ok := s.literal(metric, stat, start, period); ok {
		return value, true
	}
	datum, ok := s.datum(metric, start, period)
	if !ok {
		return 0, false
	}
	return statistic(datum, stat)
}

// literal combines the values of which only this statistic is known.
func (s *Service) literal(metric kernel.Metric, stat string, start time.Time, period time.Duration) (float64, bool) {
	sum, n, least, most := 0.0, 0, math.Inf(1), math.Inf(-1)
	for at := start; at.Before(start.Add(period)); at = at.Add(time.Minute) {
		if value, ok := s.world.Metrics.Statistic(metric, stat, at); ok {
			sum, n, least, most = sum+value, n+1, min(least, value), max(most, value)
		}
	}
	switch {
	case n == 0:
		return 0, false
	case stat == "Sum" || stat == "SampleCount":
		return sum, true
	case stat == "Minimum":
		return least, true
	case stat == "Maximum":
		return most, true
	}
	return sum / float64(n), true
}

// datum is all that was measured in a period.
func (s *Service) datum(metric kernel.Metric, start time.Time, period time.Duration) (kernel.Datum, bool) {
	var whole kernel.Datum
	found := false
	for at := start; at.Before(start.Add(period)); at = at.Add(time.Minute) {
		datum, ok := s.world.Metrics.Minute(metric, at)
		if !ok {
			continue
		}
		if !found {
			whole, found = datum, true
			continue
		}
		whole = kernel.Datum{Sum: whole.Sum + datum.Sum, Count: whole.Count + datum.Count, Min: min(whole.Min, datum.Min), Max: max(whole.Max, datum.Max)}
	}
	return whole, found
}

// statistic of a datum. CloudWatch keeps every value for percentiles; here they lie on a line from the mean to the maximum.
func statistic(d kernel.Datum, stat string) (float64, bool) {
	mean := 0.0
	if d.Count > 0 {
		mean = d.Sum / d.Count
	}
	switch stat {
	case "Sum":
		return d.Sum, true
	case "Average":
		return mean, true
	case "SampleCount":
		return d.Count, true
	case "Minimum":
		return d.Min, true
	case "Maximum":
		return d.Max, true
	}
	percent, err := strconv.ParseFloat(strings.TrimPrefix(stat, "p"), 64)
	if err != nil || !strings.HasPrefix(stat, "p") || percent < 0 || percent > 100 {
		return 0, false
	}
	return mean + max(0, percent-50)/50*(d.Max-mean), true
}

type dataInput struct {
	MetricDataQueries []Query
	StartTime         Time
	EndTime           Time
	NextToken         string
	ScanBy            string
	MaxDatapoints     int
	LabelOptions      *struct{ Timezone string }
}

// Result is one series of GetMetricData.
type Result struct {
	ID         string    `json:"Id"`
	Label      string    `json:"Label"`
	Timestamps []Time    `json:"Timestamps"`
	Values     []float64 `json:"Values"`
	StatusCode string    `json:"StatusCode"`
}

type dataOutput struct {
	MetricDataResults []Result `json:"MetricDataResults"`
	NextToken         string   `json:"NextToken,omitempty"`
}

// queryID is what an id must look like.
var queryID = regexp.MustCompile(`^[a-z][a-zA-Z0-9_]{0,254}$`)

func (in *dataInput) check() error {
	if len(in.MetricDataQueries) == 0 || len(in.MetricDataQueries) > 500 {
		return invalid("The parameter MetricDataQueries must have 1 to 500 entries, it has %d.", len(in.MetricDataQueries))
	}
	if !in.StartTime.Before(in.EndTime.Time) {
		return invalid("The parameter StartTime must be less than the parameter EndTime.")
	}
	return checkQueries(in.MetricDataQueries)
}

func checkQueries(queries []Query) error {
	seen := map[string]bool{}
	for _, q := range queries {
		switch {
		case !queryID.MatchString(q.ID):
			return invalid("The value %s for parameter Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$.", q.ID)
		case seen[q.ID]:
			return invalid("The value %s for parameter Id is not unique.", q.ID)
		case (q.MetricStat == nil) == (q.Expression == ""):
			return invalid("Each MetricDataQuery must have either a MetricStat or an Expression: %s.", q.ID)
		case q.MetricStat != nil && (q.MetricStat.Period < 60 || q.MetricStat.Period%60 != 0):
			return invalid("The period of %s must be a multiple of 60.", q.ID)
		case q.MetricStat != nil && !knownStat(q.MetricStat.Stat):
			return invalid("The value %s for parameter Stat is not supported.", q.MetricStat.Stat)
		}
		seen[q.ID] = true
	}
	return nil
}

func knownStat(stat string) bool {
	_, ok := statistic(kernel.Datum{}, stat)
	return ok
}

func (s *Service) getMetricData(c *kernel.Call, in *dataInput) (any, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	from, err := position(in.NextToken)
	if err != nil {
		return nil, err
	}
	window := newWindow(s, c.Region, in.MetricDataQueries, in.StartTime.Time, in.EndTime.Time)
	s.mu.Lock()
	partial, size := s.partial, s.pageSize
	s.mu.Unlock()
	if in.MaxDatapoints > 0 {
		size = min(size, max(1, in.MaxDatapoints/len(in.MetricDataQueries)))
	}
	out := dataOutput{MetricDataResults: []Result{}}
	for i := range in.MetricDataQueries {
		q := &in.MetricDataQueries[i]
		if !q.returned() {
			continue
		}
		results, err := window.results(q, in.ScanBy != "TimestampAscending")
		if err != nil {
			return nil, err
		}
		for _, r := range results {
			more := r.cut(from, size)
			if partial {
				r.cut(0, (len(r.Values)+1)/2)
				r.StatusCode = "PartialData"
			}
			if more {
				out.NextToken = strconv.Itoa(from + size)
			}
			out.MetricDataResults = append(out.MetricDataResults, r)
		}
	}
	return out, nil
}

func position(token string) (int, error) {
	if token == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(token)
	if err != nil || n < 0 {
		return 0, kernel.Errorf(400, "InvalidNextToken", "The next token is not valid.")
	}
	return n, nil
}

// cut keeps size values from a position on, and says whether there are more.
func (r *Result) cut(from, size int) bool {
	from = min(from, len(r.Values))
	to := min(from+size, len(r.Values))
	more := to < len(r.Values)
	r.Values, r.Timestamps = r.Values[from:to], r.Timestamps[from:to]
	return more
}

type statisticsInput struct {
	MetricName
	StartTime          Time
	EndTime            Time
	Period             int
	Statistics         []string
	ExtendedStatistics []string
	Unit               string
}

// Datapoint is one of GetMetricStatistics.
type Datapoint struct {
	Timestamp          Time               `json:"Timestamp"`
	SampleCount        *float64           `json:"SampleCount,omitempty"`
	Average            *float64           `json:"Average,omitempty"`
	Sum                *float64           `json:"Sum,omitempty"`
	Minimum            *float64           `json:"Minimum,omitempty"`
	Maximum            *float64           `json:"Maximum,omitempty"`
	Unit               string             `json:"Unit,omitempty"`
	ExtendedStatistics map[string]float64 `json:"ExtendedStatistics,omitempty"`
}

func (p *Datapoint) set(stat string, value float64) {
	field := map[string]**float64{"SampleCount": &p.SampleCount, "Average": &p.Average, "Sum": &p.Sum, "Minimum": &p.Minimum, "Maximum": &p.Maximum}[stat]
	if field != nil {
		*field = &value
		return
	}
	if p.ExtendedStatistics == nil {
		p.ExtendedStatistics = map[string]float64{}
	}
	p.ExtendedStatistics[stat] = value
}

func (s *Service) getMetricStatistics(c *kernel.Call, in *statisticsInput) (any, error) {
	stats := slices.Concat(in.Statistics, in.ExtendedStatistics)
	period := time.Duration(in.Period) * time.Second
	switch {
	case len(stats) == 0:
		return nil, kernel.Errorf(400, "MissingParameter", "At least one of the parameters Statistics and ExtendedStatistics must be specified.")
	case in.Period < 60 || in.Period%60 != 0:
		return nil, kernel.Errorf(400, "InvalidParameterValue", "The parameter Period must be a multiple of 60.")
	case !in.StartTime.Before(in.EndTime.Time):
		return nil, kernel.Errorf(400, "InvalidParameterCombination", "The parameter StartTime must be less than the parameter EndTime.")
	case in.EndTime.Sub(in.StartTime.Time)/period > 1440:
		return nil, kernel.Errorf(400, "InvalidParameterCombination", "You have requested more than 1,440 datapoints.")
	}
	points := []Datapoint{}
	for at := in.StartTime.Truncate(period); at.Before(in.EndTime.Time); at = at.Add(period) {
		p, found := Datapoint{Timestamp: Time{at}, Unit: "None"}, false
		for _, stat := range stats {
			if value, ok := s.value(in.metric(c.Region), stat, at, period); ok {
				p.set(stat, value)
				found = true
			}
		}
		if found {
			points = append(points, p)
		}
	}
	return struct {
		Label      string
		Datapoints []Datapoint
	}{in.MetricName.MetricName, points}, nil
}

type listInput struct {
	Namespace             string
	MetricName            string
	Dimensions            []Dimension
	NextToken             string
	RecentlyActive        string
	IncludeLinkedAccounts *bool
	OwningAccount         string
}

func (s *Service) listMetrics(c *kernel.Call, in *listInput) (any, error) {
	from, err := position(in.NextToken)
	if err != nil {
		return nil, err
	}
	found := []MetricName{}
	for _, m := range s.world.Metrics.List() {
		if m.Region == c.Region && in.wants(m) {
			found = append(found, nameOf(m))
		}
	}
	from = min(from, len(found))
	to := min(from+500, len(found))
	out := struct {
		Metrics   []MetricName
		NextToken string `json:"NextToken,omitempty"`
	}{Metrics: found[from:to]}
	if to < len(found) {
		out.NextToken = strconv.Itoa(to)
	}
	return out, nil
}

func (in *listInput) wants(m kernel.Metric) bool {
	if in.Namespace != "" && in.Namespace != m.Namespace || in.MetricName != "" && in.MetricName != m.Name {
		return false
	}
	for _, d := range in.Dimensions {
		value, ok := m.Dimensions[d.Name]
		if !ok || d.Value != "" && d.Value != value {
			return false
		}
	}
	return true
}

func nameOf(m kernel.Metric) MetricName {
	name := MetricName{Namespace: m.Namespace, MetricName: m.Name, Dimensions: []Dimension{}}
	for key, value := range m.Dimensions {
		name.Dimensions = append(name.Dimensions, Dimension{key, value})
	}
	slices.SortFunc(name.Dimensions, func(a, b Dimension) int { return strings.Compare(a.Name, b.Name) })
	return name
}

type putDataInput struct {
	Namespace              string
	StrictEntityValidation *bool
	MetricData             []struct {
		MetricName        string
		Dimensions        []Dimension
		Timestamp         *Time
		Value             *float64
		StatisticValues   *struct{ SampleCount, Sum, Minimum, Maximum float64 }
		Values, Counts    []float64
		Unit              string
		StorageResolution int
	}
}

func (s *Service) putMetricData(c *kernel.Call, in *putDataInput) (any, error) {
	if in.Namespace == "" || strings.HasPrefix(in.Namespace, "AWS/") {
		return nil, kernel.Errorf(400, "InvalidParameterValue", "The value %s for parameter Namespace is invalid.", in.Namespace)
	}
	for _, d := range in.MetricData {
		at := s.world.Clock.Now()
		if d.Timestamp != nil {
			at = d.Timestamp.Time
		}
		metric := MetricName{in.Namespace, d.MetricName, d.Dimensions}.metric(c.Region)
		datum, _ := s.world.Metrics.Minute(metric, at.Truncate(time.Minute))
		switch {
		case d.Value != nil:
			datum = merged(datum, kernel.Datum{Sum: *d.Value, Count: 1, Min: *d.Value, Max: *d.Value})
		case d.StatisticValues != nil:
			v := d.StatisticValues
			datum = merged(datum, kernel.Datum{Sum: v.Sum, Count: v.SampleCount, Min: v.Minimum, Max: v.Maximum})
		}
		for i, value := range d.Values {
			count := 1.0
			if i < len(d.Counts) {
				count = d.Counts[i]
			}
			datum = merged(datum, kernel.Datum{Sum: value * count, Count: count, Min: value, Max: value})
		}
		s.world.Metrics.Put(metric, at, datum)
	}
	return nil, nil
}

func merged(a, b kernel.Datum) kernel.Datum {
	if a.Count == 0 {
		return b
	}
	return kernel.Datum{Sum: a.Sum + b.Sum, Count: a.Count + b.Count, Min: min(a.Min, b.Min), Max: max(a.Max, b.Max)}
}
