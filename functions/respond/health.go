// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"errors"
	"fmt"

	"cloudfront503/pkg/event"
	"cloudfront503/pkg/evidence"
	"cloudfront503/pkg/incident"
)

// keptHealth reads the AWS Health events that verify has kept.
type keptHealth struct{ evidence.KeptHealth }

// events are the kept events, each as its latest update says.
func (k keptHealth) events(ctx context.Context) ([]incident.HealthEvent, error) {
	files, err := k.Files(ctx)
	latest := map[string]incident.HealthEvent{}
	for name, body := range files {
		trigger, parseErr := event.Parse(body)
		if parseErr != nil || trigger.Health == nil {
			err = errors.Join(err, fmt.Errorf("health event %s: %w", name, parseErr))
			continue
		}
		if h := *trigger.Health; !h.Backup && !h.Updated.Before(latest[h.ARN].Updated) {
			latest[h.ARN] = h
		}
	}
	events := []incident.HealthEvent{}
	for _, h := range latest {
		events = append(events, h)
	}
	return events, err
}
