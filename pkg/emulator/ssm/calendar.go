// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package ssm

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"cloudfront503/pkg/emulator/kernel"
)

// farFuture is when GetCalendarState gives up on finding a transition among edges that cancel each other out.
const farFuture = 366 * 24 * time.Hour

// calendar is a Change Calendar: iCalendar text whose events are the exceptions from its type.
//
//	BEGIN:VCALENDAR
//	PRODID:-//AWS//Change Calendar 1.0//EN
//	VERSION:2.0
//	X-CALENDAR-TYPE:DEFAULT_OPEN
//	BEGIN:VEVENT
//	DTSTART:20261124T020000Z
//	DTEND:20261124T060000Z
//	RRULE:FREQ=DAILY
//	END:VEVENT
//	END:VCALENDAR
//
// Source: "AWS Systems Manager Change Calendar". Of RRULE only FREQ=DAILY and FREQ=WEEKLY, alone, are understood.
type calendar struct {
	open   bool // the state outside the events
	events []calendarEvent
}

type calendarEvent struct {
	start, end time.Time
	every      time.Duration // zero: once
}

func parseCalendar(text string) (calendar, error) {
	c := calendar{open: true}
	var event *calendarEvent
	typed := false
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		if !ok {
			continue
		}
		var err error
		switch name, zone, _ := strings.Cut(name, ";"); name {
		case "X-CALENDAR-TYPE":
			c.open, typed = value == "DEFAULT_OPEN", true
		case "BEGIN":
			if value == "VEVENT" {
				event = &calendarEvent{}
			}
		case "END":
			c, event = c.closed(value, event)
		default:
			err = event.set(name, zone, value)
		}
		if err != nil {
			return calendar{}, err
		}
	}
	if !typed || !strings.HasPrefix(strings.TrimSpace(text), "BEGIN:VCALENDAR") {
		return calendar{}, errors.New("the content is not a calendar with X-CALENDAR-TYPE")
	}
	return c, c.check()
}

func (c calendar) check() error {
	for _, e := range c.events {
		if !e.end.After(e.start) {
			return errors.New("an event of the calendar does not end after it starts")
		}
		if e.every > 0 && e.end.Sub(e.start) > e.every {
			return errors.New("an event of the calendar overlaps its own repetition")
		}
	}
	return nil
}

func (c calendar) closed(what string, event *calendarEvent) (calendar, *calendarEvent) {
	if what != "VEVENT" || event == nil {
		return c, event
	}
	c.events = append(c.events, *event)
	return c, nil
}

// set reads one line of an event. Lines outside events and those that do not matter are passed over.
func (e *calendarEvent) set(name, zone, value string) (err error) {
	if e == nil {
		return nil
	}
	switch name {
	case "DTSTART":
		e.start, err = calendarTime(zone, value)
	case "DTEND":
		e.end, err = calendarTime(zone, value)
	case "RRULE":
		every, ok := map[string]time.Duration{"FREQ=DAILY": 24 * time.Hour, "FREQ=WEEKLY": 7 * 24 * time.Hour}[value]
		if !ok {
			return fmt.Errorf("rule %q of the calendar is not understood here", value)
		}
		e.every = every
	}
	return err
}

// calendarTime reads 20261124T020000Z, and with TZID=Europe/Berlin 20261124T030000.
func calendarTime(zone, value string) (time.Time, error) {
	if name, ok := strings.CutPrefix(zone, "TZID="); ok {
		location, err := time.LoadLocation(name)
		if err != nil {
			return time.Time{}, fmt.Errorf("time zone %q of the calendar is not known", name)
		}
		return time.ParseInLocation("20060102T150405", value, location)
	}
	return time.Parse("20060102T150405Z", value)
}

// openAt is the state at a time.
func (c calendar) openAt(t time.Time) bool {
	if slices.ContainsFunc(c.events, func(e calendarEvent) bool { return e.covers(t) }) {
		return !c.open
	}
	return c.open
}

func (e calendarEvent) covers(t time.Time) bool {
	if t.Before(e.start) {
		return false
	}
	if e.every > 0 {
		t = e.start.Add(t.Sub(e.start) % e.every)
	}
	return t.Before(e.end)
}

// edges are the times at which the event begins or ends after t.
func (e calendarEvent) edges(t time.Time) []time.Time {
	var found []time.Time
	for _, edge := range []time.Time{e.start, e.end} {
		if e.every > 0 && !edge.After(t) {
			edge = edge.Add((t.Sub(edge)/e.every + 1) * e.every)
		}
		if edge.After(t) {
			found = append(found, edge)
		}
	}
	return found
}

// nextChange is the first time after t at which all calendars together change their state; zero where there is none.
func nextChange(calendars []calendar, t time.Time) time.Time {
	state, limit := allOpen(calendars, t), t.Add(farFuture)
	for at := t; at.Before(limit); {
		var edges []time.Time
		for _, c := range calendars {
			for _, e := range c.events {
				edges = append(edges, e.edges(at)...)
			}
		}
		if len(edges) == 0 {
			break
		}
		at = slices.MinFunc(edges, time.Time.Compare)
		if allOpen(calendars, at) != state {
			return at
		}
	}
	return time.Time{}
}

func allOpen(calendars []calendar, t time.Time) bool {
	return !slices.ContainsFunc(calendars, func(c calendar) bool { return !c.openAt(t) })
}

func (s *Service) calendarState(c *kernel.Call) (any, error) {
	var in struct {
		CalendarNames []string
		AtTime        string
	}
	access := func() kernel.Access {
		a := kernel.Access{Action: "ssm:GetCalendarState"}
		for _, name := range in.CalendarNames {
			a.Resources = append(a.Resources, s.documentARN(c.Region, nameOf(name)))
		}
		return a
	}
	if err := s.ask(c, &in, access); err != nil {
		return nil, err
	}
	at := s.world.Clock.Now()
	if in.AtTime != "" {
		parsed, err := time.Parse(time.RFC3339, in.AtTime)
		if err != nil {
			return nil, invalid("AtTime %q is not of ISO 8601", in.AtTime)
		}
		at = parsed
	}
	calendars, err := s.calendars(in.CalendarNames)
	if err != nil {
		return nil, err
	}
	return stateOf(calendars, at), nil
}

func (s *Service) calendars(names []string) ([]calendar, error) {
	if len(names) == 0 {
		return nil, invalid("CalendarNames is required")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []calendar
	for _, name := range names {
		e, v, err := s.find(name, "")
		if err != nil {
			return nil, err
		}
		if e.kind != typeCalendar {
			return nil, kernel.Errorf(http.StatusBadRequest, "InvalidDocumentType", "Document %s is not a change calendar.", name)
		}
		found = append(found, v.calendar)
	}
	return found, nil
}

func stateOf(calendars []calendar, at time.Time) map[string]string {
	answer := map[string]string{"State": "CLOSED", "AtTime": at.UTC().Format(time.RFC3339)}
	if allOpen(calendars, at) {
		answer["State"] = "OPEN"
	}
	if next := nextChange(calendars, at); !next.IsZero() {
		answer["NextTransitionTime"] = next.UTC().Format(time.RFC3339)
	}
	return answer
}
