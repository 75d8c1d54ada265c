// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas/types"

	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/ledger"
	"cloudfront503/pkg/plan"
	"cloudfront503/pkg/remedy"
)

// evidenceChange finds what could be switched on.
func (s *story) evidenceChange(ctx context.Context) (plan.Change, error) {
	unread := func(gap incident.Gap) bool { return gap.Source == "metrics/"+s.settings.Region }
	switch {
	case slices.ContainsFunc(s.diagnosis.Gaps, unread):
		return plan.Change{}, errors.New("the metrics that are there could not be read, and more of them would not help")
	case s.diagnosis.Onset.IsZero():
		return plan.Change{}, errors.New("nothing is seen to fail")
	}
	quotas, err := s.quotas(ctx)
	if err != nil {
		return plan.Change{}, err
	}
	place := remedy.NewPlace(s.settings.Stack, s.settings.Bucket, s.settings.OnCallTopic())
	recipe, left, err := remedy.ProposeEvidence(ctx, s.looks, place, s.snapshot, quotas)
	if err != nil {
		return plan.Change{}, fmt.Errorf("what is switched on: %w", err)
	}
	return plan.Change{Recipe: &incident.Recipe{Evidence: recipe}, Difference: remedy.EvidenceDifference(*recipe), Left: left}, nil
}

// quotas are those of the stack's Region, as the evidence keeps them; none where they could not be read.
func (s *story) quotas(ctx context.Context) ([]incident.QuotaValue, error) {
	region := s.settings.Region
	body, err := s.ledger.Get(ctx, s.incident, "evidence/service-quotas/"+region+".json")
	if errors.Is(err, ledger.ErrMissing) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var kept struct{ Quotas []types.ServiceQuota }
	if err := json.Unmarshal(body, &kept); err != nil {
		return nil, fmt.Errorf("incident %s: quotas: %w", s.incident, err)
	}
	var quotas []incident.QuotaValue
	for _, q := range kept.Quotas {
		quotas = append(quotas, incident.QuotaValue{
			Region: region, Service: aws.ToString(q.ServiceCode), Code: aws.ToString(q.QuotaCode), Name: aws.ToString(q.QuotaName), Value: aws.ToFloat64(q.Value),
		})
	}
	return quotas, nil
}
