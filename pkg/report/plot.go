// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// The plot's measures, in pixels of its own.
const (
	plotWidth  = 760.0
	plotLeft   = 64.0 // room for the scale's numbers
	panel      = 120.0
	panelSpace = 34.0
	plotTop    = 18.0
	mostPoints = 3000 // two days of minutes
	mostMarks  = 12
)

// scale maps times to the plot's x.
type scale struct{ from, to time.Time }

func (s scale) x(at time.Time) float64 {
	whole := s.to.Sub(s.from).Seconds()
	if whole <= 0 {
		return plotLeft
	}
	return plotLeft + (plotWidth-plotLeft)*at.Sub(s.from).Seconds()/whole
}

func (s scale) holds(at time.Time) bool { return !at.Before(s.from) && !at.After(s.to) }

// clean are a series' points by time, without what is no number.
func clean(points []Point) []Point {
	points = slices.DeleteFunc(slices.Clone(points), func(p Point) bool { return math.IsNaN(p.Value) || math.IsInf(p.Value, 0) || p.Value < 0 })
	slices.SortStableFunc(points, func(a, b Point) int { return a.At.Compare(b.At) })
	return points[max(0, len(points)-mostPoints):]
}

// plot draws both series under one another, with the marks through both.
func (m *markup) plot(s story) {
	series := []Series{{Name: or(s.Rate.Name, "failed, percent"), Points: clean(s.Rate.Points)}, {Name: or(s.Requests.Name, "requests"), Points: clean(s.Requests.Points)}}
	over, drawn := span2(series)
	if !drawn {
		m.paragraph("No metric was read, so there is no plot.")
		return
	}
	height := plotTop + 2*(panel+panelSpace)
	m.raw(fmt.Sprintf(`<svg viewBox="0 0 %.0f %.0f" role="img" aria-label="errors and requests over time" font-size="11" fill="currentColor">`, plotWidth, height), "\n")
	for i, one := range series {
		m.panel(one, over, plotTop+float64(i)*(panel+panelSpace), []string{"#c0362c", "#2c6fbb"}[i])
	}
	legend := m.marks(s.marks, over, height)
	m.raw("</svg>\n")
	if legend != "" {
		m.paragraph(legend)
	}
}

// span2 is the time that the series cover together; drawn is false where they have no points.
func span2(series []Series) (over scale, drawn bool) {
	for _, one := range series {
		for _, p := range one.Points {
			if !drawn || p.At.Before(over.from) {
				over.from = p.At
			}
			if !drawn || p.At.After(over.to) {
				over.to = p.At
			}
			drawn = true
		}
	}
	return over, drawn
}

// panel draws one series: its name, its highest value, the base line, and a line that breaks where values are missing.
func (m *markup) panel(s Series, over scale, top float64, colour string) {
	m.raw(fmt.Sprintf(`<text x="0" y="%.1f">`, top-6))
	m.text(s.Name)
	m.raw("</text>\n")
	highest := 0.0
	for _, p := range s.Points {
		highest = max(highest, p.Value)
	}
	if len(s.Points) == 0 {
		m.raw(fmt.Sprintf(`<text x="%.1f" y="%.1f">not read</text>`, plotLeft, top+panel/2), "\n")
		return
	}
	m.raw(fmt.Sprintf(`<text x="0" y="%.1f">%s</text><text x="0" y="%.1f">0</text>`, top+10, number(highest), top+panel), "\n")
	m.raw(fmt.Sprintf(`<path d="M%.1f %.1fH%.1f" stroke="currentColor" opacity=".3"/>`, plotLeft, top+panel, plotWidth), "\n")
	m.raw(fmt.Sprintf(`<path d="%s" fill="none" stroke="%s" stroke-width="1.5" stroke-linecap="round"/>`, line(s.Points, over, top, highest), colour), "\n")
	m.raw(fmt.Sprintf(`<text x="%.1f" y="%.1f">%s</text><text x="%.1f" y="%.1f" text-anchor="end">%s</text>`,
		plotLeft, top+panel+13, over.from.UTC().Format("Jan 2 15:04"), plotWidth, top+panel+13, over.to.UTC().Format("Jan 2 15:04 UTC")), "\n")
}

// line is the path through the points. It begins anew after a gap, because a gap is no zero and no straight line.
func line(points []Point, over scale, top, highest float64) string {
	var path strings.Builder
	most := 3 * step(points)
	for i, p := range points {
		draw := "L"
		if i == 0 || p.At.Sub(points[i-1].At) > most {
			draw = "M"
		}
		y := top + panel
		if highest > 0 {
			y -= panel * p.Value / highest
		}
		fmt.Fprintf(&path, "%s%.1f %.1f", draw, over.x(p.At), y)
		if draw == "M" {
			fmt.Fprintf(&path, "h0") // so that a point alone is a dot
		}
	}
	return path.String()
}

// step is the distance of neighbours: the median, which neither a gap nor a doubled point changes much.
func step(points []Point) time.Duration {
	var steps []time.Duration
	for i := 1; i < len(points); i++ {
		steps = append(steps, points[i].At.Sub(points[i-1].At))
	}
	if len(steps) == 0 {
		return time.Minute
	}
	slices.Sort(steps)
	return max(time.Second, steps[len(steps)/2])
}

// marks draws the numbered moments and gives the sentence that names them.
func (m *markup) marks(marks []mark, over scale, height float64) string {
	var legend []string
	for _, one := range marks {
		if !over.holds(one.at) || len(legend) == mostMarks {
			continue
		}
		n := len(legend) + 1
		x := over.x(one.at)
		m.raw(fmt.Sprintf(`<path d="M%.1f %.1fV%.1f" stroke="currentColor" stroke-dasharray="3 3" opacity=".6"/><text x="%.1f" y="10" text-anchor="middle">%d</text>`,
			x, plotTop-4, height-panelSpace, x, n), "\n")
		legend = append(legend, fmt.Sprintf("%d %s %s", n, one.at.UTC().Format("15:04:05"), one.what))
	}
	return strings.Join(legend, " · ")
}

// number is a scale's number, short.
func number(v float64) string {
	switch {
	case v >= 1e6:
		return fmt.Sprintf("%.1fM", v/1e6)
	case v >= 1e3:
		return fmt.Sprintf("%.1fk", v/1e3)
	default:
		return fmt.Sprintf("%.3g", v)
	}
}
