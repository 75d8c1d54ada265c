// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package rehearsal

import (
	"maps"
	"slices"
	"time"

	"cloudfront503/pkg/emulator/kernel"
)

// counters are the metrics of what stands behind an origin: by name, what a minute came to. Zero is no datum, as CloudWatch
// has it for counters of load balancers.
type counters struct {
	region, namespace string
	dimensions        map[string]string
	values            map[string]func(at time.Time) float64
}

// Minute is part of kernel.Source.
func (c counters) Minute(metric kernel.Metric, at time.Time) (kernel.Datum, bool) {
	value := c.values[metric.Name]
	if value == nil || metric.Region != c.region || metric.Namespace != c.namespace || !maps.Equal(metric.Dimensions, c.dimensions) {
		return kernel.Datum{}, false
	}
	n := value(at)
	return kernel.Datum{Sum: n, Count: 1, Min: n, Max: n}, n != 0
}

// Metrics is part of kernel.Source.
func (c counters) Metrics() []kernel.Metric {
	var list []kernel.Metric
	for _, name := range slices.Sorted(maps.Keys(c.values)) {
		list = append(list, kernel.Metric{Region: c.region, Namespace: c.namespace, Name: name, Dimensions: c.dimensions})
	}
	return list
}

// always is the same in every minute.
func always(n float64) func(time.Time) float64 { return func(time.Time) float64 { return n } }

// since is n from the minute of a time on, and before it another number.
func since(from time.Time, n, before float64) func(time.Time) float64 {
	return func(at time.Time) float64 {
		if at.Add(time.Minute).After(from) {
			return n
		}
		return before
	}
}
