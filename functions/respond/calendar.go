// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"

	"cloudfront503/pkg/lean/ssm"
	"cloudfront503/pkg/plan"
)

// calendar is the Change Calendar as it is now, where the stack names one. Its events are best effort and may be a quarter
// of an hour late, so that it is asked [SSM "Change Calendar"].
func (s *story) calendar(ctx context.Context) plan.Calendar {
	calendar := plan.Calendar{Name: s.settings.Calendar, AskAnyway: s.settings.AskWhenClosed}
	if calendar.Name == "" {
		return calendar
	}
	answer, err := s.calendars.GetCalendarState(ctx, &ssm.GetCalendarStateInput{CalendarNames: []string{calendar.Name}})
	if err != nil {
		calendar.Problem = err.Error()
		return calendar
	}
	calendar.Closed = answer.State != ssm.CalendarStateOpen
	return calendar
}
