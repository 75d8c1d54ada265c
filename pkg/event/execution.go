// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package event

import (
	"encoding/json"
	"fmt"
	"strconv"

	"cloudfront503/pkg/incident"
)

// executionDetail is the detail of SSM Automation's two status events, which are best effort.
//
//	{"ExecutionId":"333ba70b-…","Definition":"RestoreDistribution","DefinitionVersion":1.0,"Status":"Success","StartTime":"Nov 24, 2026 3:43:20 AM","EndTime":"…","Time":5753.0,"StepName":"Approve","Action":"aws:approve"}
//
// Source: Systems Manager User Guide, "EventBridge event examples for Systems Manager". DefinitionVersion is a float, the
// times may hold a narrow no-break space, and an execution's own event has ExecutedBy in place of StepName and Action.
type executionDetail struct {
	ExecutionID       string `json:"ExecutionId"`
	Definition        string
	DefinitionVersion loose
	Status            string
	EndTime           lenient
	StepName          string
	Action            string
}

func readExecution(e busEvent, d delivery) (incident.Trigger, error) {
	var detail executionDetail
	if err := json.Unmarshal(e.Detail, &detail); err != nil {
		return incident.Trigger{}, fmt.Errorf("automation event %s: %w", clip(e.ID, 40), err)
	}
	if detail.ExecutionID == "" || detail.Status == "" {
		return incident.Trigger{}, fmt.Errorf("automation event %s: no execution id or status", clip(e.ID, 40))
	}
	at := e.Time.Time
	if !detail.EndTime.IsZero() {
		at = detail.EndTime.Time
	}
	status := incident.ExecutionStatus{
		ExecutionID: detail.ExecutionID, Document: detail.Definition, Version: wholeVersion(detail.DefinitionVersion),
		Step: detail.StepName, Action: detail.Action, Status: detail.Status,
	}
	return incident.Trigger{
		Kind: incident.KindExecution, Channel: d.channel, At: at, Account: e.Account, Region: e.Region, Execution: &status,
		Key: "ssm:" + status.ExecutionID + "/" + status.Step + "@" + status.Status,
	}, nil
}

// wholeVersion writes 1.0 as "1".
func wholeVersion(version loose) string {
	number, err := strconv.ParseFloat(string(version), 64)
	if err != nil {
		return string(version)
	}
	return strconv.FormatFloat(number, 'f', -1, 64)
}
