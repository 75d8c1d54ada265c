// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package kernel

import (
	"testing"
	"time"
)

// one is a source with the value 1 for one metric in every minute.
type one struct{ metric Metric }

func (o one) Minute(metric Metric, _ time.Time) (Datum, bool) {
	return Datum{Sum: 1, Count: 1, Min: 1, Max: 1}, metric.Key() == o.metric.Key()
}

func (o one) Metrics() []Metric { return []Metric{o.metric} }

func TestLiteralMetricsGoBeforeSources(t *testing.T) {
	metric := Metric{Region: "us-east-1", Namespace: "Own", Name: "Requests", Dimensions: map[string]string{"A": "1", "B": "2"}}
	at := time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)
	m := NewMetrics()
	m.AddSource(one{metric})
	m.PutValue(metric, at.Add(30*time.Second), 7)
	for _, test := range []struct {
		at   time.Time
		want float64
	}{{at, 7}, {at.Add(time.Minute), 1}} {
		if datum, ok := m.Minute(metric, test.at); !ok || datum.Sum != test.want {
			t.Errorf("at %s: %g (%v), want %g", test.at, datum.Sum, ok, test.want)
		}
	}
	other := Metric{Region: "eu-west-1", Namespace: "Own", Name: "Requests", Dimensions: metric.Dimensions}
	if _, ok := m.Minute(other, at); ok {
		t.Error("another Region has the metric too")
	}
	if list := m.List(); len(list) != 1 || list[0].Key() != metric.Key() {
		t.Errorf("listed %v", list)
	}
}

func TestAStatisticIsKnownAlone(t *testing.T) {
	metric := Metric{Region: "us-east-1", Namespace: "Own", Name: "Latency"}
	at := time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)
	m := NewMetrics()
	m.PutStatistic(metric, "p90", at, 80)
	if value, ok := m.Statistic(metric, "p90", at); !ok || value != 80 {
		t.Errorf("p90 %g, %v", value, ok)
	}
	if _, ok := m.Statistic(metric, "Average", at); ok {
		t.Error("the average is known too")
	}
}

func TestSetNowKeepsTimersAtTheirDistance(t *testing.T) {
	c, fired := NewClock(), 0
	c.After(time.Hour, "later", func() { fired++ })
	c.SetNow(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC))
	c.Advance(59 * time.Minute)
	if fired != 0 {
		t.Error("fired too early")
	}
	c.Advance(2 * time.Minute)
	if fired != 1 {
		t.Errorf("fired %d times, want once", fired)
	}
}
