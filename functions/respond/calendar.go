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
	return plan.AskCalendar(s.settings.Calendar, s.settings.AskWhenClosed, func(name string) (string, error) {
		answer, err := s.calendars.GetCalendarState(ctx, &ssm.GetCalendarStateInput{CalendarNames: []string{name}})
		if err != nil {
			return "", err
		}
		return string(answer.State), nil
	})
}
