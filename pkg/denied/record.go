// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package denied

import (
	"encoding/json"
	"fmt"
	"strings"
)

// trail is what a CloudTrail record says about a denial.
type trail struct {
	EventSource  string `json:"eventSource"` // s3.amazonaws.com
	EventName    string `json:"eventName"`   // GetObject
	EventType    string `json:"eventType"`   // AwsApiCall, AwsVpceEvent …
	ErrorCode    string `json:"errorCode"`
	ErrorMessage string `json:"errorMessage"`
	VPCEndpoint  string `json:"vpcEndpointId"`
	UserIdentity struct {
		Type string `json:"type"` // IAMUser, AssumedRole …
		ARN  string `json:"arn"`
	} `json:"userIdentity"`
	Resources []struct {
		ARN string `json:"ARN"`
	} `json:"resources"`
}

// FromRecord reads a CloudTrail record, the CloudTrailEvent of LookupEvents. What its message does not tell is taken from
// the rest of the record: caller, action, resource, and which kinds of policy are possible at all. A call that went
// through no endpoint was not denied by an endpoint's policy.
func FromRecord(record []byte) (Explanation, error) {
	var t trail
	if err := json.Unmarshal(record, &t); err != nil {
		return Explanation{}, fmt.Errorf("cloudtrail record: %w", err)
	}
	e := Explain(t.ErrorMessage, t.ErrorCode)
	e.Denied = e.Denied && t.ErrorCode+t.ErrorMessage != ""
	if e.Principal == "" {
		e.Principal = t.UserIdentity.ARN
	}
	service, isAWS := strings.CutSuffix(t.EventSource, ".amazonaws.com")
	if e.Action == "" && isAWS && t.EventName != "" {
		e.Action = service + ":" + t.EventName
	}
	if e.Resource == "" && len(t.Resources) > 0 {
		e.Resource = t.Resources[0].ARN
	}
	if e.Denied && e.Policy == Unknown {
		e.Possible = t.possible(e.Action)
	}
	return e, nil
}

func (t trail) possible(action string) []Policy {
	kinds := []Policy{Identity, Resource, SCP, RCP, Boundary}
	if t.UserIdentity.Type == "AssumedRole" || t.UserIdentity.Type == "FederatedUser" {
		kinds = append(kinds, Session)
	}
	if strings.HasPrefix(action, "sts:AssumeRole") {
		kinds = append(kinds, Trust)
	}
	if t.VPCEndpoint != "" || t.EventType == "AwsVpceEvent" {
		kinds = append(kinds, VPCEndpoint)
	}
	if strings.HasPrefix(action, "kms:") {
		kinds = append(kinds, KMSKey)
	}
	return kinds
}
