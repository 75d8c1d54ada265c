// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"errors"

	"cloudfront503/pkg/event"
	"cloudfront503/pkg/evidence"
	"cloudfront503/pkg/incident"
)

// keptHealth reads the AWS Health events that verify has kept.
type keptHealth struct{ evidence.KeptHealth }

// events are the kept events, each as its latest update says.
func (k keptHealth) events(ctx context.Context) ([]incident.HealthEvent, error) {
	files, err := k.Files(ctx)
	events, problems := event.LatestHealth(files)
	return events, errors.Join(err, problems)
}
