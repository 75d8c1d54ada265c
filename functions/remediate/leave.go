// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"fmt"

	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/lean/ssm"
	"cloudfront503/pkg/plan"
	"cloudfront503/pkg/settings"
	"cloudfront503/pkg/snapshot"
)

// leave says whether an approved plan may still be written: the distribution's tag and the Change Calendar are read anew, as
// others change them while people decide. Where the stack names neither, nothing is read.
type leave struct {
	settings  settings.Settings
	snapshots *snapshot.Store
	calendars *ssm.Client
}

// Objection says why a plan may not be written any more; empty where it may. An error says that nobody could tell.
func (l leave) Objection(ctx context.Context, p incident.Plan) (string, error) {
	policy := plan.Policy{OptIn: l.settings.OptIn}
	policy.Calendar = plan.AskCalendar(l.settings.Calendar, l.settings.AskWhenClosed, func(name string) (string, error) {
		answer, err := l.calendars.GetCalendarState(ctx, &ssm.GetCalendarStateInput{CalendarNames: []string{name}})
		if err != nil {
			return "", err
		}
		return string(answer.State), nil
	})
	if policy.OptIn == "" {
		return plan.AtWrite(p, policy, nil), nil
	}
	tags, err := l.snapshots.Tags(ctx, fmt.Sprintf("arn:aws:cloudfront::%s:distribution/%s", l.settings.Account, p.Distribution))
	if err != nil {
		return "", fmt.Errorf("distribution %s: %w", p.Distribution, err)
	}
	return plan.AtWrite(p, policy, tags), nil
}
