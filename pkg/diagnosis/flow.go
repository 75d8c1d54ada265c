// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package diagnosis

import (
	"time"

	"cloudfront503/pkg/incident"
)

// flow is a metric before and after the onset. Sums are per minute, with zero where CloudWatch has no data; other
// statistics are means over the data there is.
type flow struct {
	asked         bool // the question was in a file that was read
	data          bool // there was any value
	dataAfter     bool
	before, after float64
	maxBefore     float64
	maxAfter      float64
	minAfter      float64
	recent        float64 // over the last minutes of the evidence
	source        string  // metrics/REGION
}

// find gives the series of a metric that has all the dimensions, given as name and value in turn.
func (v *view) find(namespace, name, stat string, dimensions ...string) []incident.Series {
	var out []incident.Series
	for _, s := range v.ev.Series {
		if s.Namespace == namespace && s.Name == name && (stat == "" || s.Stat == stat) && hasAll(s.Dimensions, dimensions) {
			out = append(out, s)
		}
	}
	return out
}

func hasAll(have map[string]string, want []string) bool {
	for i := 0; i+1 < len(want); i += 2 {
		if have[want[i]] != want[i+1] {
			return false
		}
	}
	return true
}

// cloudfront is a metric of the distribution itself.
func (v *view) cloudfront(name string) flow {
	for _, s := range v.find("AWS/CloudFront", name, "", "DistributionId", v.ev.Distribution) {
		if s.Dimensions["FunctionName"] == "" {
			return v.flow(s)
		}
	}
	return flow{}
}

// sum adds the flows of several series: of one metric in all Regions, or of one metric's several resources.
func (v *view) sum(list []incident.Series) flow {
	var total flow
	for _, s := range list {
		f := v.flow(s)
		total.asked, total.data, total.dataAfter = true, total.data || f.data, total.dataAfter || f.dataAfter
		total.before += f.before
		total.after += f.after
		total.maxBefore = max(total.maxBefore, f.maxBefore)
		total.maxAfter = max(total.maxAfter, f.maxAfter)
		total.recent += f.recent
		if total.source == "" || f.after > total.after/2 {
			total.source = f.source
		}
	}
	return total
}

// recently is the end of the evidence that says how it is now; the last minute may not be complete.
const recently = 4 * time.Minute

// flow cuts a series at the onset. The minute of the onset is only partly failing and counts to neither side where later
// ones exist.
func (v *view) flow(s incident.Series) flow {
	f := flow{asked: true, source: "metrics/" + s.Region, data: len(s.Points) > 0}
	onset, cut, end := v.cut()
	perMinute := 1.0
	isSum := s.Stat == "Sum" || s.Stat == "SampleCount"
	if isSum && s.Period > 0 {
		perMinute = float64(time.Minute) / float64(s.Period)
	}
	var before, after, late tallied
	for _, p := range s.Points {
		switch value := p.Value * perMinute; {
		case p.At.Before(onset):
			before.add(value)
		case !p.At.Before(cut) && p.At.Before(end):
			after.add(value)
			if p.At.After(end.Add(-recently)) {
				late.add(value)
			}
		}
	}
	f.before, f.after, f.recent = before.mean(), after.mean(), late.mean()
	if isSum {
		f.before = before.sum / perMinute / max(1, onset.Sub(v.start).Minutes())
		f.after = after.sum / perMinute / max(1, end.Sub(cut).Minutes())
		f.recent = late.sum / perMinute / recently.Minutes()
	}
	f.maxBefore, f.maxAfter, f.minAfter, f.dataAfter = before.high, after.high, after.low, after.n > 0
	return f
}

// cut is where before ends, where after begins, and where after ends. The minute of the onset fails only in part and is
// left out where there are later ones. Without an onset the minutes before the alarm stand in.
func (v *view) cut() (onset, cut, end time.Time) {
	onset = v.onset
	if onset.IsZero() {
		onset = v.ev.AlarmAt.Add(-4 * time.Minute).Truncate(time.Minute)
	}
	cut, end = onset, v.until.Truncate(time.Minute)
	if !end.After(onset) {
		end = onset.Add(5 * time.Minute)
	}
	if end.Sub(cut) > 2*time.Minute {
		cut = cut.Add(time.Minute)
	}
	return onset, cut, end
}

type tallied struct {
	n              int
	sum, high, low float64
}

func (t *tallied) add(value float64) {
	if t.n == 0 {
		t.low = value
	}
	t.n++
	t.sum += value
	t.high, t.low = max(t.high, value), min(t.low, value)
}

func (t *tallied) mean() float64 {
	if t.n == 0 {
		return 0
	}
	return t.sum / float64(t.n)
}

// stepped says whether a counter rose at the onset, beyond what it always does.
func (f flow) stepped() bool { return f.after > 0.5 && f.after > 2.5*f.before+0.3 }

// rise is how much of a counter the onset added, a minute; 0 where it did not rise beyond what it always does. Where no
// onset was found, the failure may be older than the evidence: then all of the counter may be due to it.
func (v *view) rise(f flow) float64 {
	switch {
	case v.onset.IsZero() && f.after > 0.5:
		return f.after
	case f.stepped():
		return f.after - f.before
	}
	return 0
}

// covers is which part of the failing requests a counter's rise would explain; 1 where the failing are not known.
func (v *view) covers(f flow) float64 {
	switch rise := v.rise(f); {
	case rise <= 0:
		return 0
	case !v.hasRate || v.failing <= 0:
		return 1
	default:
		return rise / v.failing
	}
}
