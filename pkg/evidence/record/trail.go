// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package record

import (
	"cmp"
	"encoding/json"

	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/pattern"
)

// looked is one event of `aws cloudtrail lookup-events`; CloudTrailEvent is a string that holds the record.
type looked struct {
	EventID         string `json:"EventId"`
	EventName       string
	EventSource     string
	EventTime       moment
	Username        string
	ReadOnly        loose
	CloudTrailEvent json.RawMessage
}

// recorded is a CloudTrail record [CloudTrail User Guide, "CloudTrail record contents"].
type recorded struct {
	EventID, EventName, EventSource, AWSRegion string
	EventTime                                  moment
	ErrorCode, ErrorMessage                    string
	ReadOnly                                   loose
	RequestParameters, ResponseElements        map[string]any
	UserIdentity                               struct {
		ARN, PrincipalID, InvokedBy string
	}
}

// apiVersion is what old and Lambda's event names end in: UpdateDistribution2014_01_31, UpdateFunctionCode20150331v2.
var apiVersion = pattern.Lazily(`(20\d{6}|20\d{2}_\d{2}_\d{2})(v\d+)?$`)

func (r *reader) trail(region string, content []byte) error {
	return members(content, map[string]func(json.RawMessage) error{
		"Events": into(func(e looked) {
			if call := e.call(region); !call.At.IsZero() && call.Name != "" {
				r.ev.Calls = append(r.ev.Calls, call)
			}
		}),
	})
}

// call prefers the record to what LookupEvents says around it; a damaged record leaves the latter.
func (e looked) call(region string) incident.Call {
	inner := recordOf(e.CloudTrailEvent)
	c := incident.Call{
		ID: cmp.Or(e.EventID, inner.EventID), Name: cmp.Or(inner.EventName, e.EventName),
		Source: cmp.Or(inner.EventSource, e.EventSource), Region: cmp.Or(inner.AWSRegion, region), At: inner.EventTime.Time,
		By:       cmp.Or(inner.UserIdentity.ARN, inner.UserIdentity.InvokedBy, inner.UserIdentity.PrincipalID, e.Username),
		ReadOnly: inner.ReadOnly.truth() || e.ReadOnly.truth(), ErrorCode: inner.ErrorCode, Message: inner.ErrorMessage,
		Parameters: inner.RequestParameters, Response: inner.ResponseElements,
	}
	if c.At.IsZero() {
		c.At = e.EventTime.Time
	}
	c.Name = apiVersion().ReplaceAllString(c.Name, "")
	c.ID, c.Name, c.By = incident.Line(c.ID, 80), incident.Line(c.Name, 80), incident.Line(c.By, 200)
	return c
}

// recordOf decodes the record, which is a string in LookupEvents' answer and an object in a trail's files.
func recordOf(raw json.RawMessage) recorded {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		raw = json.RawMessage(text)
	}
	var inner recorded
	_ = json.Unmarshal(raw, &inner) // what does not decode stays empty, and the outer event is used
	return inner
}
