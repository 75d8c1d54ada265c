// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package diagnosis

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"cloudfront503/pkg/incident"
)

// statusView is which status the failing viewers get.
type statusView struct {
	code   int // 0: unknown
	source string
	fact   string
	weak   bool // one answer, or the alarm's name, and nothing more
}

// readStatus asks, in this order, the rates per status (which need additional metrics), the logs, the alarm's own metric
// and the probe.
func (v *view) readStatus() statusView {
	for _, read := range []func() (statusView, bool){v.statusOfMetrics, v.statusOfLogs, v.statusOfAlarm, v.statusOfProbe} {
		if s, ok := read(); ok {
			return s
		}
	}
	return statusView{}
}

func (v *view) statusOfMetrics() (statusView, bool) {
	rises, sum := map[int]float64{}, 0.0
	source := ""
	for status, name := range map[int]string{502: "502ErrorRate", 503: "503ErrorRate", 504: "504ErrorRate"} {
		f := v.cloudfront(name)
		if !f.dataAfter {
			continue
		}
		source = f.source
		rises[status] = max(0, f.after-f.before)
		sum += rises[status]
	}
	if all := v.cloudfront("5xxErrorRate"); all.dataAfter && len(rises) == 3 {
		rises[500] = max(0, all.after-all.before-sum)
		sum += rises[500]
	}
	if v.ev.AlarmMetric == "503ErrorRate" && rises[503] > 0.2*sum {
		return statusView{code: 503, source: source, fact: fmt.Sprintf("503ErrorRate rose by %.3g percentage points", rises[503])}, rises[503] > 0.05
	}
	if len(rises) == 0 || sum < 0.05 {
		return statusView{}, false
	}
	code := largest(rises)
	fact := fmt.Sprintf("%d makes up %.0f %% of the rise in 5xx", code, 100*rises[code]/sum)
	return statusView{code: code, source: source, fact: fact}, rises[code] > 0.5*sum
}

func (v *view) statusOfLogs() (statusView, bool) {
	if v.ev.Logs == nil {
		return statusView{}, false
	}
	counts, sum := map[int]float64{}, 0.0
	for _, g := range v.ev.Logs.Groups {
		if n := v.since(g); g.Status >= 500 && n > 0 {
			counts[g.Status] += n
			sum += n
		}
	}
	if sum < 3 {
		return statusView{}, false
	}
	code := largest(counts)
	fact := fmt.Sprintf("%.0f of %.0f failing rows have status %d", counts[code], sum, code)
	return statusView{code: code, source: "access-logs", fact: fact}, counts[code] > 0.5*sum
}

func (v *view) statusOfAlarm() (statusView, bool) {
	return statusView{code: 503, source: "incident", fact: "the alarm is on 503ErrorRate", weak: true}, v.ev.AlarmMetric == "503ErrorRate"
}

func (v *view) statusOfProbe() (statusView, bool) {
	p := v.ev.Probe
	if p == nil || p.Status < 500 {
		return statusView{}, false
	}
	return statusView{code: p.Status, source: "probe", fact: fmt.Sprintf("the probe got %d", p.Status), weak: true}, true
}

// largest is the key with the largest value; of equal ones the smallest key.
func largest(counts map[int]float64) int {
	keys := slices.Sorted(maps.Keys(counts))
	return slices.MaxFunc(keys, func(a, b int) int { return cmp.Or(cmp.Compare(counts[a], counts[b]), cmp.Compare(b, a)) })
}

// since is how many of a group's rows ended after the onset; all of them where most rows have no time, or one that lies far
// from the others'.
func (v *view) since(g incident.LogGroup) float64 {
	n, timed := int64(0), int64(0)
	for _, m := range g.Minutes {
		timed += m.Count
		if !m.At.Before(v.onset) {
			n += m.Count
		}
	}
	if v.onset.IsZero() || 2*timed < g.Count {
		return float64(g.Count)
	}
	return float64(n)
}
