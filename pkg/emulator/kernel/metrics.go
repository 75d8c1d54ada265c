// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package kernel

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// Metric names one CloudWatch metric in one Region.
type Metric struct {
	Region, Namespace, Name string
	Dimensions              map[string]string
}

// Key is the same text for the same metric.
func (m Metric) Key() string {
	key := m.Region + "\x00" + m.Namespace + "\x00" + m.Name
	for _, name := range slices.Sorted(maps.Keys(m.Dimensions)) {
		key += "\x00" + name + "=" + m.Dimensions[name]
	}
	return key
}

// Datum is what was measured in one minute, as CloudWatch keeps it: enough for every statistic but percentiles.
type Datum struct {
	Sum, Count, Min, Max float64
}

// Source has metrics of its own and computes them when they are asked for.
type Source interface {
	// Minute is the datum of the minute that begins at; ok is false where there is none.
	Minute(metric Metric, at time.Time) (datum Datum, ok bool)
	// Metrics are all that it has now.
	Metrics() []Metric
}

// Metrics is where every service leaves what CloudWatch then shows: literal series and sources.
type Metrics struct {
	mu      sync.Mutex
	series  map[string]*series
	sources []Source
}

type series struct {
	metric  Metric
	minutes map[int64]Datum              // by Unix minute
	stats   map[string]map[int64]float64 // by statistic, then Unix second: values of which only this statistic is known
}

// NewMetrics has no metric.
func NewMetrics() *Metrics { return &Metrics{series: map[string]*series{}} }

// AddSource adds a source; literal values go before it.
func (m *Metrics) AddSource(source Source) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sources = append(m.sources, source)
}

// Put sets the datum of the minute that holds at.
func (m *Metrics) Put(metric Metric, at time.Time, datum Datum) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.at(metric).minutes[at.Unix()/60] = datum
}

// PutValue sets the minute to one sample.
func (m *Metrics) PutValue(metric Metric, at time.Time, value float64) {
	m.Put(metric, at, Datum{Sum: value, Count: 1, Min: value, Max: value})
}

// PutStatistic sets what one statistic, as "Average" or "p90", gives for the period that begins at; the others stay unknown.
func (m *Metrics) PutStatistic(metric Metric, statistic string, at time.Time, value float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.at(metric)
	if s.stats[statistic] == nil {
		s.stats[statistic] = map[int64]float64{}
	}
	s.stats[statistic][at.Unix()] = value
}

// at is the series of a metric, made where there is none. The lock is held.
func (m *Metrics) at(metric Metric) *series {
	s := m.series[metric.Key()]
	if s == nil {
		s = &series{metric: metric, minutes: map[int64]Datum{}, stats: map[string]map[int64]float64{}}
		m.series[metric.Key()] = s
	}
	return s
}

// Statistic is the value put with PutStatistic for exactly this time.
func (m *Metrics) Statistic(metric Metric, statistic string, at time.Time) (value float64, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.series[metric.Key()]; s != nil {
		value, ok = s.stats[statistic][at.Unix()]
	}
	return value, ok
}

// Minute is the datum of the minute that begins at, of the literal series or else of the first source that has it.
func (m *Metrics) Minute(metric Metric, at time.Time) (Datum, bool) {
	m.mu.Lock()
	s, sources := m.series[metric.Key()], slices.Clone(m.sources)
	if s != nil {
		if datum, ok := s.minutes[at.Unix()/60]; ok {
			m.mu.Unlock()
			return datum, true
		}
	}
	m.mu.Unlock()
	for _, source := range sources {
		if datum, ok := source.Minute(metric, at); ok {
			return datum, true
		}
	}
	return Datum{}, false
}

// List is every metric that has a value, sorted.
func (m *Metrics) List() []Metric {
	m.mu.Lock()
	all := map[string]Metric{}
	for key, s := range m.series {
		all[key] = s.metric
	}
	sources := slices.Clone(m.sources)
	m.mu.Unlock()
	for _, source := range sources {
		for _, metric := range source.Metrics() {
			all[metric.Key()] = metric
		}
	}
	list := make([]Metric, 0, len(all))
	for _, key := range slices.Sorted(maps.Keys(all)) {
		list = append(list, all[key])
	}
	return list
}
