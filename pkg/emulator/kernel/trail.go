// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package kernel

import "time"

// Trail is CloudTrail as seen by a service whose calls are management events.
type Trail interface {
	// Record keeps one call and returns its event id. LookupEvents shows it after a delay; a write that happens now is
	// also emitted on the default bus.
	Record(event TrailEvent) string
}

// TrailEvent is one recorded call.
type TrailEvent struct {
	ID        string    // empty: one is made
	At        time.Time // zero: now
	Region    string    // empty: us-east-1
	Source    string    // "cloudfront.amazonaws.com"
	Name      string    // "UpdateDistribution"
	ReadOnly  bool
	Caller    Principal
	Request   any // requestParameters, lower-camel as CloudTrail writes them
	Response  any // responseElements
	Resources []TrailResource
	Error     *APIError // what the call was refused with, if it was
}

// TrailResource is a resource that LookupEvents can be asked for.
type TrailResource struct {
	Type string // "AWS::CloudFront::Distribution"
	Name string
}
