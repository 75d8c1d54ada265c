// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package events

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// schedule says when a rule runs next.
type schedule interface {
	// next is the first time after t; ok is false where there is none.
	next(t time.Time) (at time.Time, ok bool)
}

// rateForm is "rate(5 minutes)"; one of a unit is written in the singular, more in the plural.
// Source: "Creating a rule that runs on a schedule in Amazon EventBridge".
var rateForm = regexp.MustCompile(`^rate\((\d+) (minute|hour|day)(s?)\)$`)

var cronForm = regexp.MustCompile(`^cron\(([^()]+)\)$`)

var units = map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}

// parseSchedule reads rate(…) or cron(…), in UTC.
func parseSchedule(expression string) (schedule, error) {
	if parts := rateForm.FindStringSubmatch(expression); parts != nil {
		return parseRate(parts[1], parts[2], parts[3] == "s")
	}
	if parts := cronForm.FindStringSubmatch(expression); parts != nil {
		return parseCron(strings.Fields(parts[1]))
	}
	return nil, fmt.Errorf("schedule %q is neither rate(…) nor cron(…)", expression)
}

type rate time.Duration

func parseRate(digits, unit string, plural bool) (schedule, error) {
	n, err := strconv.Atoi(digits)
	if err != nil || n < 1 || n > 1_000_000 {
		return nil, fmt.Errorf("rate of %s is out of range", digits)
	}
	if plural != (n > 1) {
		return nil, fmt.Errorf("rate of %d must say %s in the right number", n, unit)
	}
	return rate(time.Duration(n) * units[unit]), nil
}

func (r rate) next(t time.Time) (time.Time, bool) { return t.Add(time.Duration(r)), true }

// cron is "minutes hours day-of-month month day-of-week year"; exactly one of the two days is "?".
type cron struct {
	minutes, hours, months, years []int
	day                           func(date time.Time) bool
}

var monthNames = []string{"", "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}

// dayNames count from one, as EventBridge does: 1 is Sunday.
var dayNames = []string{"", "SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"}

func parseCron(fields []string) (schedule, error) {
	if len(fields) != 6 {
		return nil, fmt.Errorf("cron has %d fields, want 6", len(fields))
	}
	if (fields[2] == "?") == (fields[4] == "?") {
		return nil, fmt.Errorf("cron wants ? in exactly one of day-of-month and day-of-week")
	}
	var c cron
	ranges := []struct {
		into      *[]int
		text      string
		low, high int
		names     []string
	}{
		{&c.minutes, fields[0], 0, 59, nil}, {&c.hours, fields[1], 0, 23, nil},
		{&c.months, fields[3], 1, 12, monthNames}, {&c.years, fields[5], 1970, 2199, nil},
	}
	for _, r := range ranges {
		values, err := parseSet(r.text, r.low, r.high, r.names)
		if err != nil {
			return nil, err
		}
		*r.into = values
	}
	day, err := parseDay(fields[2], fields[4])
	c.day = day
	return c, err
}

// parseSet reads "*", "a", "a-b", "a/n", "*/n", "a-b/n" and lists of them.
func parseSet(text string, low, high int, names []string) ([]int, error) {
	var all []int
	for part := range strings.SplitSeq(text, ",") {
		values, err := parsePart(part, low, high, names)
		if err != nil {
			return nil, fmt.Errorf("cron field %q: %w", text, err)
		}
		all = append(all, values...)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

func parsePart(part string, low, high int, names []string) ([]int, error) {
	span, stepText, stepped := strings.Cut(part, "/")
	step := 1
	if stepped {
		n, err := strconv.Atoi(stepText)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("step %q is not a number above zero", stepText)
		}
		step = n
	}
	from, to, err := parseSpan(span, low, high, names)
	if err != nil {
		return nil, err
	}
	if stepped && !strings.Contains(span, "-") {
		to = high
	}
	var values []int
	for v := from; v <= to; v += step {
		values = append(values, v)
	}
	return values, nil
}

func parseSpan(span string, low, high int, names []string) (from, to int, err error) {
	if span == "*" {
		return low, high, nil
	}
	first, last, isRange := strings.Cut(span, "-")
	if from, err = parseValue(first, low, high, names); err != nil || !isRange {
		return from, from, err
	}
	if to, err = parseValue(last, low, high, names); err == nil && to < from {
		err = fmt.Errorf("range %q runs backwards", span)
	}
	return from, to, err
}

func parseValue(text string, low, high int, names []string) (int, error) {
	if at := slices.Index(names, strings.ToUpper(text)); at > 0 {
		return at, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		return 0, fmt.Errorf("%q is not within %d-%d", text, low, high)
	}
	return n, nil
}

func parseDay(ofMonth, ofWeek string) (func(time.Time) bool, error) {
	if ofWeek == "?" {
		return parseDayOfMonth(ofMonth)
	}
	return parseDayOfWeek(ofWeek)
}

// parseDayOfMonth reads a set, "L" for the month's last day, or "15W" for the weekday nearest the 15th.
func parseDayOfMonth(text string) (func(time.Time) bool, error) {
	if text == "L" {
		return func(date time.Time) bool { return date.AddDate(0, 0, 1).Day() == 1 }, nil
	}
	if near, ok := strings.CutSuffix(text, "W"); ok {
		day, err := parseValue(near, 1, 31, nil)
		return func(date time.Time) bool { return date.Day() == nearestWeekday(date, day) }, err
	}
	days, err := parseSet(text, 1, 31, nil)
	return func(date time.Time) bool { return slices.Contains(days, date.Day()) }, err
}

// nearestWeekday is the day of date's month that is no weekend day and nearest to day, zero in a month without that day.
func nearestWeekday(date time.Time, day int) int {
	last := time.Date(date.Year(), date.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
	if day > last {
		return 0
	}
	switch time.Date(date.Year(), date.Month(), day, 0, 0, 0, 0, time.UTC).Weekday() {
	case time.Saturday:
		if day == 1 {
			return 3
		}
		return day - 1
	case time.Sunday:
		if day == last {
			return day - 2
		}
		return day + 1
	}
	return day
}

// parseDayOfWeek reads a set, "5L" for the month's last Thursday, or "3#2" for its second Tuesday.
func parseDayOfWeek(text string) (func(time.Time) bool, error) {
	if name, ok := strings.CutSuffix(text, "L"); ok {
		day, err := parseLastDay(name)
		return func(date time.Time) bool {
			return weekday(date) == day && date.AddDate(0, 0, 7).Month() != date.Month()
		}, err
	}
	if name, nth, ok := strings.Cut(text, "#"); ok {
		return parseNthDay(name, nth)
	}
	days, err := parseSet(text, 1, 7, dayNames)
	return func(date time.Time) bool { return slices.Contains(days, weekday(date)) }, err
}

// parseLastDay reads the day before an L; a bare L is Saturday, the week's last.
func parseLastDay(name string) (int, error) {
	if name == "" {
		return 7, nil
	}
	return parseValue(name, 1, 7, dayNames)
}

func parseNthDay(name, nth string) (func(time.Time) bool, error) {
	day, err := parseValue(name, 1, 7, dayNames)
	if err != nil {
		return nil, err
	}
	n, err := parseValue(nth, 1, 5, nil)
	return func(date time.Time) bool { return weekday(date) == day && (date.Day()-1)/7+1 == n }, err
}

func weekday(date time.Time) int { return int(date.Weekday()) + 1 }

func (c cron) next(t time.Time) (time.Time, bool) {
	t = t.UTC().Truncate(time.Minute).Add(time.Minute)
	for date := t.Truncate(24 * time.Hour); date.Year() <= c.years[len(c.years)-1]; date = date.AddDate(0, 0, 1) {
		if !slices.Contains(c.years, date.Year()) || !slices.Contains(c.months, int(date.Month())) || !c.day(date) {
			continue
		}
		if at, ok := c.firstOn(date, t); ok {
			return at, true
		}
	}
	return time.Time{}, false
}

// firstOn is the first time of a date that is not before t.
func (c cron) firstOn(date, t time.Time) (time.Time, bool) {
	for _, hour := range c.hours {
		for _, minute := range c.minutes {
			at := date.Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute)
			if !at.Before(t) {
				return at, true
			}
		}
	}
	return time.Time{}, false
}
