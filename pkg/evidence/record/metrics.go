// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package record

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"cloudfront503/pkg/incident"
)

// query is one MetricDataQuery; one with an expression has no metric and is left out.
type query struct {
	ID         string `json:"Id"`
	MetricStat *struct {
		Metric struct {
			Namespace, MetricName string
			Dimensions            []struct{ Name, Value string }
		}
		Period loose
		Stat   string
	}
}

// result is one MetricDataResult.
type result struct {
	ID         string `json:"Id"`
	Timestamps []moment
	Values     []loose
	StatusCode string
}

// metrics joins questions and answers. A question without an answer in a file that is whole had no data; in a damaged
// file, or beside an answer that cannot be understood, it says nothing and is dropped.
func (r *reader) metrics(region string, content []byte) error {
	var queries []query
	answers := map[string]*incident.Series{}
	strange := 0
	err := members(content, map[string]func(json.RawMessage) error{
		"MetricDataQueries": into(func(q query) { queries = append(queries, q) }),
		"MetricDataResults": func(raw json.RawMessage) error {
			var a result
			if json.Unmarshal(raw, &a) != nil || !answer(answers, a) {
				strange++
			}
			return nil
		},
	})
	if err == nil && strange > 0 {
		err = fmt.Errorf("%d results cannot be understood", strange)
	}
	asked := map[string]int{}
	for _, q := range queries {
		asked[q.ID]++
	}
	for _, q := range queries {
		a := answers[q.ID]
		if q.MetricStat == nil || a == nil && err != nil || asked[q.ID] > 1 { // an id of two questions tells not which was answered
			continue
		}
		r.ev.Series = append(r.ev.Series, series(region, q, a))
		if a != nil && a.Partial {
			r.gap("metrics/"+region, q.MetricStat.Metric.MetricName+" is partial data: more exists than was read")
		}
	}
	if err != nil && len(answers) == 0 {
		return orNothing(err)
	}
	return err
}

// answer adds a result, which may be one page of several. It is false for one that must not read as no data: without an id,
// refused by CloudWatch, or with values of which none is one.
func answer(answers map[string]*incident.Series, a result) bool {
	var points []incident.Point
	for i := range min(len(a.Timestamps), len(a.Values)) {
		if value, ok := a.Values[i].parse(); ok && !a.Timestamps[i].IsZero() {
			points = append(points, incident.Point{At: a.Timestamps[i].Time, Value: value})
		}
	}
	refused := a.StatusCode == "InternalError" || a.StatusCode == "Forbidden"
	if a.ID == "" || len(points) == 0 && (refused || len(a.Timestamps)+len(a.Values) > 0) {
		return false
	}
	s := answers[a.ID]
	if s == nil {
		s = &incident.Series{}
		answers[a.ID] = s
	}
	s.Partial = refused || a.StatusCode == "PartialData"
	s.Points = append(s.Points, points...)
	return true
}

func series(region string, q query, a *incident.Series) incident.Series {
	m := q.MetricStat
	s := incident.Series{
		Region: region, Namespace: m.Metric.Namespace, Name: m.Metric.MetricName, Stat: m.Stat,
		Period: time.Duration(cmp.Or(m.Period.number(), 60)) * time.Second, Dimensions: map[string]string{},
	}
	for _, d := range m.Metric.Dimensions {
		s.Dimensions[d.Name] = d.Value
	}
	if a == nil {
		return s
	}
	s.Partial, s.Points = a.Partial, a.Points
	slices.SortFunc(s.Points, func(x, y incident.Point) int { return x.At.Compare(y.At) })
	s.Points = slices.CompactFunc(s.Points, func(x, y incident.Point) bool { return x.At.Equal(y.At) })
	return s
}

func (r *reader) quotas(region string, content []byte) error {
	type quota struct {
		ServiceCode, QuotaCode, QuotaName, Unit string
		Value                                   loose
		Adjustable                              bool
	}
	return members(content, map[string]func(json.RawMessage) error{
		"Quotas": into(func(q quota) {
			r.ev.Quotas = append(r.ev.Quotas, incident.QuotaValue{
				Region: region, Service: q.ServiceCode, Code: q.QuotaCode, Name: q.QuotaName,
				Value: q.Value.number(), Unit: q.Unit, Adjustable: q.Adjustable,
			})
		}),
	})
}
