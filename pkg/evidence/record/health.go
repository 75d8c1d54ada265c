// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package record

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"cloudfront503/pkg/incident"
)

// notice is the detail of an AWS Health event [AWS Health User Guide, "Event schema"].
type notice struct {
	EventARN, Service, EventTypeCode, EventTypeCategory string
	EventRegion, StatusCode, CommunicationID            string
	StartTime, EndTime, LastUpdatedTime                 moment
	BackupEvent                                         loose
	EventDescription                                    []struct{ Language, LatestDescription string }
}

// health takes an event as EventBridge delivers it; its detail alone will do.
func (r *reader) health(_ string, content []byte) error {
	var envelope struct {
		Time   moment
		Detail *notice
	}
	if err := json.Unmarshal(content, &envelope); err != nil {
		return fmt.Errorf("%w (%w)", err, errNothing)
	}
	n := envelope.Detail
	if n == nil {
		n = &notice{}
		if err := json.Unmarshal(content, n); err != nil {
			return fmt.Errorf("%w (%w)", err, errNothing)
		}
	}
	if n.EventARN == "" && n.EventTypeCode == "" {
		return fmt.Errorf("no AWS Health event: %w", errNothing)
	}
	event := n.event()
	if event.Updated.IsZero() {
		event.Updated = envelope.Time.Time
	}
	r.ev.Health = append(r.ev.Health, event)
	return nil
}

func (n *notice) event() incident.HealthEvent {
	e := incident.HealthEvent{
		ARN: n.EventARN, CommunicationID: n.CommunicationID, Service: n.Service, Type: n.EventTypeCode,
		Category: n.EventTypeCategory, Status: n.StatusCode, Region: n.EventRegion, Start: n.StartTime.Time,
		Updated: n.LastUpdatedTime.Time, End: n.EndTime.Time, Backup: n.BackupEvent.truth(),
	}
	for i, d := range n.EventDescription {
		if i == 0 || strings.HasPrefix(d.Language, "en") {
			e.Description = incident.Line(d.LatestDescription, 2000)
		}
	}
	return e
}

// latest leaves each event once, as its latest update says; backup copies do not count.
func latest(events []incident.HealthEvent) []incident.HealthEvent {
	events = slices.DeleteFunc(events, func(e incident.HealthEvent) bool { return e.Backup })
	slices.SortStableFunc(events, func(a, b incident.HealthEvent) int {
		return cmp.Or(strings.Compare(a.ARN, b.ARN), b.Updated.Compare(a.Updated), cmp.Compare(closed(b), closed(a)))
	})
	return slices.CompactFunc(events, func(a, b incident.HealthEvent) bool { return a.ARN != "" && a.ARN == b.ARN })
}

// closed orders updates of the same second: an event that was closed does not open again.
func closed(e incident.HealthEvent) int {
	if strings.EqualFold(e.Status, "closed") {
		return 1
	}
	return 0
}
