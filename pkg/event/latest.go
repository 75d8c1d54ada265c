// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package event

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"cloudfront503/pkg/incident"
)

// LatestHealth are the AWS Health events of kept deliveries, by name, each as its latest update says, in the order of their
// ARNs. The error names the deliveries that cannot be read; the others count all the same.
func LatestHealth(deliveries map[string][]byte) ([]incident.HealthEvent, error) {
	latest := map[string]incident.HealthEvent{}
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(deliveries)) {
		trigger, err := Parse(deliveries[name])
		if err != nil || trigger.Health == nil {
			problems = append(problems, fmt.Errorf("health event %s: %w", name, err))
			continue
		}
		if h := *trigger.Health; !h.Backup && !h.Updated.Before(latest[h.ARN].Updated) {
			latest[h.ARN] = h
		}
	}
	events := []incident.HealthEvent{}
	for _, arn := range slices.Sorted(maps.Keys(latest)) {
		events = append(events, latest[arn])
	}
	return events, errors.Join(problems...)
}
