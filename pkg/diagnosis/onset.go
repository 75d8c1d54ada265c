// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package diagnosis

import (
	"math"
	"slices"
	"time"

	"cloudfront503/pkg/incident"
)

// findOnset finds the minute in which the failure began: in the rate that the alarm is on, else in the logs. The alarm's
// own time is late and is not used.
func (v *view) findOnset() {
	v.start = v.ev.AlarmAt.Add(-time.Hour).Truncate(time.Minute)
	for _, name := range v.rateNames() {
		for _, s := range v.find("AWS/CloudFront", name, "Average", "DistributionId", v.ev.Distribution) {
			if len(s.Points) == 0 {
				continue
			}
			v.start = s.Points[0].At
			if at, ok := changePoint(s.Points, v.ev.AlarmAt); ok {
				v.onset = at
				return
			}
		}
	}
	if at, ok := changePoint(failingRate(v.ev.Logs), v.ev.AlarmAt); ok {
		v.onset = at
	}
}

// rateNames are the rates to look for the onset in, the alarm's own first.
func (v *view) rateNames() []string {
	if v.ev.AlarmMetric == "503ErrorRate" {
		return []string{"503ErrorRate", "5xxErrorRate"}
	}
	return []string{"5xxErrorRate", "503ErrorRate"}
}

// failingRate is the percentage of a log's rows with 500 and above, by the minute.
func failingRate(logs *incident.Logs) []incident.Point {
	if logs == nil {
		return nil
	}
	all, failing := map[int64]int64{}, map[int64]int64{}
	for _, g := range logs.Groups {
		for _, m := range g.Minutes {
			all[m.At.Unix()] += m.Count
			if g.Status >= 500 {
				failing[m.At.Unix()] += m.Count
			}
		}
	}
	var out []incident.Point
	for at, n := range all {
		out = append(out, incident.Point{At: time.Unix(at, 0).UTC(), Value: 100 * float64(failing[at]) / float64(n)})
	}
	slices.SortFunc(out, func(a, b incident.Point) int { return a.At.Compare(b.At) })
	return out
}

// changePoint finds where a rate left its usual level for good. The level is the median of the first part, the noise its
// spread; the change is first found as the split into two levels that fits best (least squares), then followed back to
// where the rise began, so that a slow ramp counts from its beginning and an earlier, short blip does not count.
func changePoint(points []incident.Point, alarm time.Time) (time.Time, bool) {
	points = slices.DeleteFunc(slices.Clone(points), func(p incident.Point) bool { return p.At.After(alarm.Add(2 * time.Minute)) })
	if len(points) < 3 {
		return time.Time{}, false
	}
	values := make([]float64, len(points))
	for i, p := range points {
		values[i] = p.Value
	}
	split := bestSplit(values)
	level, noise := spread(values[:split])
	high := mean(values[split:])
	if split == 0 || high <= level+max(3*noise, 2.5*deviation(values[:split]), 0.2) {
		return time.Time{}, false
	}
	threshold := level + max(3*noise, 0.08*(high-level), 0.15)
	for split > 0 && values[split-1] > threshold {
		split--
	}
	for split < len(values)-1 && values[split] <= threshold {
		split++
	}
	return points[split].At, true
}

// bestSplit is the index that cuts values into two levels with the least squared error; the second must be the higher.
func bestSplit(values []float64) int {
	total, squares := 0.0, 0.0
	for _, x := range values {
		total += x
		squares += x * x
	}
	best, bestGain := 0, 0.0
	left, n := 0.0, float64(len(values))
	for i := 1; i < len(values); i++ {
		left += values[i-1]
		k := float64(i)
		lower, higher := left/k, (total-left)/(n-k)
		gain := k * (n - k) / n * (higher - lower) * (higher - lower)
		if higher > lower && gain > bestGain && i >= min(3, len(values)/3) {
			best, bestGain = i, gain
		}
	}
	return best
}

// spread is the median and the median distance from it, scaled as a standard deviation.
func spread(values []float64) (middle, noise float64) {
	middle = median(values)
	distances := make([]float64, len(values))
	for i, x := range values {
		distances[i] = max(x-middle, middle-x)
	}
	return middle, 1.48 * median(distances)
}

// deviation is the standard deviation: unlike spread, it does not overlook a few values that stand out.
func deviation(values []float64) float64 {
	middle, squares := mean(values), 0.0
	for _, x := range values {
		squares += (x - middle) * (x - middle)
	}
	return math.Sqrt(squares / float64(max(1, len(values))))
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	return sorted[len(sorted)/2]
}

func mean(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sum := 0.0
	for _, x := range values {
		sum += x
	}
	return sum / float64(len(values))
}

// measure says how much fails since the onset.
func (v *view) measure() {
	v.requests = v.cloudfront("Requests")
	for _, name := range v.rateNames() {
		f := v.cloudfront(name)
		if !f.dataAfter || f.after <= 0 {
			continue
		}
		v.share = f.after
		if v.requests.dataAfter {
			v.hasRate = true
			v.failing = max(f.after-f.before, 0.3*f.after) / 100 * v.requests.after
		}
		return
	}
}
