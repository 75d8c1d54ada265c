// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/pattern"
)

// trailRecord is the detail of CloudTrail's events, of which only CloudFront's writes are ours. CloudTrail writes member
// names with a small first letter ("aRN", "eTag"); encoding/json does not mind.
//
//	{"eventVersion":"1.11","userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::…"},"eventTime":"2026-11-24T03:35:10Z","eventSource":"cloudfront.amazonaws.com","eventName":"UpdateDistribution","requestParameters":{"id":"E1EXAMPLE","ifMatch":"…","distributionConfig":{…}},"responseElements":{"eTag":"…","distribution":{"id":"E1EXAMPLE",…}},"eventID":"…","readOnly":false,"apiVersion":"2020_05_31"}
//
// Source: CloudTrail User Guide, "CloudTrail record contents". The name carries the API's version in some records, as
// UpdateDistribution2020_05_31.
type trailRecord struct {
	EventID           string
	EventTime         moment
	EventSource       string
	EventName         string
	ReadOnly          *bool
	ErrorCode         string
	UserIdentity      trailIdentity
	RequestParameters trailRequest
	ResponseElements  trailResponse
}

type trailIdentity struct {
	Type, ARN, PrincipalID, UserName, InvokedBy string
}

// by is who did it, as exactly as the record tells.
func (u trailIdentity) by() string {
	for _, name := range []string{u.ARN, u.InvokedBy, u.UserName, u.PrincipalID, u.Type} {
		if name != "" {
			return name
		}
	}
	return "unknown"
}

// trailRequest holds the members by which CloudFront's operations name a distribution.
type trailRequest struct {
	ID                    loose
	DistributionID        loose
	TargetDistributionID  loose
	PrimaryDistributionID loose
	Resource              loose // a tagged resource's ARN
}

type trailResponse struct {
	ETag         loose
	Distribution struct{ ID loose }
}

const cloudFrontSource = "cloudfront.amazonaws.com"

var (
	apiVersion = pattern.Lazily(`_?\d{4}_\d{2}_\d{2}$`)
	reads      = pattern.Lazily(`^(Get|List|Describe|Test|Verify)[A-Z]`)
)

func readChange(e busEvent, d delivery) (incident.Trigger, error) {
	var r trailRecord
	if err := json.Unmarshal(e.Detail, &r); err != nil {
		return incident.Trigger{}, fmt.Errorf("cloudtrail event %s: %w", clip(e.ID, 40), err)
	}
	name := apiVersion().ReplaceAllString(r.EventName, "")
	if r.EventSource != cloudFrontSource || r.reads(name) {
		return incident.Trigger{}, &Ignored{Reason: fmt.Sprintf("%q of %q is no CloudFront write", clip(name, 60), clip(r.EventSource, 60))}
	}
	if r.EventID == "" || name == "" || r.EventTime.IsZero() {
		return incident.Trigger{}, errors.New("a cloudtrail record without id, name or time")
	}
	change := incident.Change{
		EventID: r.EventID, Source: r.EventSource, Name: name, At: r.EventTime.Time, By: r.UserIdentity.by(),
		Distribution: r.distribution(), ErrorCode: r.ErrorCode,
	}
	if change.Distribution != "" {
		change.ETag = string(r.ResponseElements.ETag)
	}
	return incident.Trigger{
		Kind: incident.KindChange, Channel: d.channel, Key: "cloudtrail:" + r.EventID, At: change.At,
		Account: e.Account, Region: e.Region, Change: &change,
	}, nil
}

func (r trailRecord) reads(name string) bool {
	return (r.ReadOnly != nil && *r.ReadOnly) || reads().MatchString(name)
}

// distribution is the one that was written to; empty where the write names none, as PublishFunction.
func (r trailRecord) distribution() string {
	request := r.RequestParameters
	_, tagged, _ := strings.Cut(string(request.Resource), ":distribution/")
	for _, id := range []string{
		string(r.ResponseElements.Distribution.ID), string(request.TargetDistributionID), string(request.DistributionID),
		string(request.ID), tagged, string(request.PrimaryDistributionID),
	} {
		if distributionID().MatchString(id) && ownsID(r.EventName, id) {
			return id
		}
	}
	return ""
}

// ownsID keeps the id of a policy, a key group or another thing from being taken for a distribution's. Those that have
// ids of the same form are told by the operation's name.
func ownsID(operation, id string) bool {
	return strings.HasPrefix(id, "E") && (strings.Contains(operation, "Distribution") || strings.Contains(operation, "Alias") ||
		strings.Contains(operation, "Invalidation") || strings.Contains(operation, "MonitoringSubscription") ||
		strings.Contains(operation, "agResource")) && !strings.Contains(operation, "DistributionTenant")
}
