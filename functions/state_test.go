// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package functions

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/emulator/logs"
	"cloudfront503/pkg/emulator/rehearsal"
	"cloudfront503/pkg/incident"
)

// everything is whatever a remedy may change, to be compared field by field: each remedy must leave alone what is not its
// own.
type everything struct {
	Configuration map[string]any
	Stages        map[string]string // the code of the CloudFront Function, by stage
	Trust         map[string]any    // of the Lambda@Edge function's role
	Quotas        []string          // what was asked for
	Metrics       bool              // whether additional metrics are on
	Delivery      int               // how many parts of a delivery of logs there are
	Alarms        []string          // those of the plan that there are
}

// stateOf is everything as it is now, once there is a plan.
func stateOf(t *testing.T, r *rehearsal.Rehearsal) everything {
	t.Helper()
	now := everything{Configuration: canonical(t, r), Stages: map[string]string{}, Trust: document(t, trusts(r)), Metrics: r.CloudFront.Monitored(rehearsal.Distribution)}
	for _, stage := range []string{"DEVELOPMENT", "LIVE"} {
		code, _, _, _ := r.CloudFront.Stage(rehearsal.RewriteName, stage)
		now.Stages[stage] = string(code)
	}
	for _, region := range []string{"us-east-1", "eu-west-1"} {
		for _, request := range r.Quotas.Requests(region) {
			now.Quotas = append(now.Quotas, quotaText(request.ServiceCode, request.QuotaCode, region, request.DesiredValue))
		}
	}
	for _, kind := range []string{logs.Sources, logs.Destinations, logs.Deliveries} {
		now.Delivery += len(r.Logs.Delivered("us-east-1", kind))
	}
	for _, alarm := range evidenceOf(planned(t, r)).Alarms {
		if _, there := r.CloudWatch.AlarmState(or(alarm.Region, "us-east-1"), alarm.Name); there {
			now.Alarms = append(now.Alarms, alarm.Name)
		}
	}
	return now
}

// evidenceOf is what the plan switches on, nothing for a plan of another kind.
func evidenceOf(plan incident.Plan) incident.EvidenceRecipe {
	if plan.Recipe == nil || plan.Recipe.Evidence == nil {
		return incident.EvidenceRecipe{}
	}
	return *plan.Recipe.Evidence
}

// canonical is the live configuration in one order: origins, behaviours and the like are told by their names, not by their
// place.
func canonical(t *testing.T, r *rehearsal.Rehearsal) map[string]any {
	t.Helper()
	text, _, _ := r.CloudFront.Live(rehearsal.Distribution)
	config, err := distribution.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	read := document(t, string(config.Canonical()))
	sortSets(read)
	return read
}

func quotaText(service, code, region string, desired float64) string {
	return fmt.Sprintf("%s %s in %s: %v", service, code, region, desired)
}

// document reads a JSON document, nil for none.
func document(t *testing.T, text string) map[string]any {
	t.Helper()
	if text == "" {
		return nil
	}
	var read map[string]any
	if err := json.Unmarshal([]byte(text), &read); err != nil {
		t.Fatal(err)
	}
	return read
}

// edgeMayAssume is the statement that a mended role gains.
var edgeMayAssume = map[string]any{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": map[string]any{"Service": "edgelambda.amazonaws.com"}}

// approvedState is everything as people are asked to have it: as it is now, but for what the plan names.
func approvedState(t *testing.T, r *rehearsal.Rehearsal) everything {
	t.Helper()
	want, plan := stateOf(t, r), planned(t, r)
	switch plan.Remedy {
	case incident.RemedyCode:
		want.Stages["LIVE"] = rehearsal.GoodCode
	case incident.RemedyAccess:
		list, _ := want.Trust["Statement"].([]any)
		want.Trust["Statement"] = append(slices.Clone(list), edgeMayAssume)
	case incident.RemedyQuota:
		want.Quotas = append(want.Quotas, quotaText(plan.Quota.Service, plan.Quota.Code, plan.Quota.Region, plan.Quota.Desired))
	case incident.RemedyEvidence:
		switchedOn(&want, evidenceOf(plan))
	default:
		want.Configuration = asApproved(t, r)
	}
	return want
}

func switchedOn(want *everything, recipe incident.EvidenceRecipe) {
	want.Metrics = want.Metrics || recipe.Metrics
	if recipe.Logs != nil {
		want.Delivery = 3
	}
	for _, alarm := range recipe.Alarms {
		want.Alarms = append(want.Alarms, alarm.Name)
	}
}
