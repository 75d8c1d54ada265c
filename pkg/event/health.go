// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package event

import (
	"encoding/json"
	"fmt"
	"strings"

	"cloudfront503/pkg/incident"
)

// healthDetail is the detail of AWS Health's events; samples of before 2022 lack communicationId, statusCode and more.
//
//	{"eventArn":"arn:aws:health:global::event/CLOUDFRONT/AWS_CLOUDFRONT_OPERATIONAL_ISSUE/…","service":"CLOUDFRONT","eventTypeCode":"AWS_CLOUDFRONT_OPERATIONAL_ISSUE","eventTypeCategory":"issue","eventScopeCode":"PUBLIC","communicationId":"…","startTime":"Tue, 24 Nov 2026 03:10:00 GMT","lastUpdatedTime":"…","statusCode":"open","eventRegion":"global","eventDescription":[{"language":"en_US","latestDescription":"…"}],"backupEvent":"false"}
//
// Source: AWS Health User Guide, "Amazon EventBridge schema for AWS Health events".
type healthDetail struct {
	EventARN          string `json:"eventArn"`
	CommunicationID   string `json:"communicationId"`
	Service           string
	EventTypeCode     string
	EventTypeCategory string
	StatusCode        string
	EventRegion       string
	StartTime         moment
	EndTime           moment
	LastUpdatedTime   moment
	BackupEvent       loose
	EventDescription  []struct{ Language, LatestDescription string }
}

func readHealth(e busEvent, d delivery) (incident.Trigger, error) {
	var detail healthDetail
	if err := json.Unmarshal(e.Detail, &detail); err != nil {
		return incident.Trigger{}, fmt.Errorf("health event %s: %w", clip(e.ID, 40), err)
	}
	if detail.EventARN == "" {
		return incident.Trigger{}, fmt.Errorf("health event %s: no event ARN", clip(e.ID, 40))
	}
	h := detail.event(e)
	return incident.Trigger{
		Kind: incident.KindHealth, Channel: d.channel, Key: healthKey(h), At: h.Updated,
		Account: e.Account, Region: e.Region, Health: &h,
	}, nil
}

func (h healthDetail) event(e busEvent) incident.HealthEvent {
	return incident.HealthEvent{
		ARN: h.EventARN, CommunicationID: h.CommunicationID, Service: h.Service, Type: h.EventTypeCode,
		Category: h.EventTypeCategory, Status: h.StatusCode, Region: h.region(),
		Start: h.StartTime.Time, Updated: later(e.Time.Time, h.LastUpdatedTime.Time), End: h.EndTime.Time,
		Backup: strings.EqualFold(string(h.BackupEvent), "true"), Description: h.description(),
	}
}

// region is the affected one; before 2022 only the ARN tells it. CloudFront's is "global".
func (h healthDetail) region() string {
	if h.EventRegion != "" {
		return h.EventRegion
	}
	return arnField(h.EventARN, arnRegion)
}

func (h healthDetail) description() string {
	for _, each := range h.EventDescription {
		if each.Language == "en_US" {
			return each.LatestDescription
		}
	}
	if len(h.EventDescription) > 0 {
		return h.EventDescription[0].LatestDescription
	}
	return ""
}

// healthKey is the same for all copies of one communication: the one to the backup Region and the account-specific one.
func healthKey(h incident.HealthEvent) string {
	if h.CommunicationID != "" {
		return h.ARN + "@" + h.CommunicationID
	}
	return AlarmKey(h.ARN, h.Updated)
}
