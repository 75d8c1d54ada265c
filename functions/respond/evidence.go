// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"cloudfront503/pkg/evidence/record"
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
	regions := append([]string{s.settings.Region}, s.settings.EdgeRegions...)
	found, err := s.used(ctx, regions)
	if err != nil {
		return plan.Change{}, err
	}
	proposed, err := remedy.ProposeEvidence(ctx, s.looks, remedy.EvidenceInputs{
		Place:    remedy.NewPlace(s.settings.Stack, s.settings.Bucket, s.settings.OnCallTopic(), s.settings.QuotaTopics),
		Snapshot: s.snapshot, Found: found, Regions: regions,
	})
	if err != nil {
		return plan.Change{}, fmt.Errorf("what is switched on: %w", err)
	}
	return plan.Change{
		Recipe: &incident.Recipe{Evidence: proposed.Recipe}, Difference: remedy.EvidenceDifference(*proposed.Recipe),
		Left: proposed.Left, Unwatched: proposed.Unwatched,
	}, nil
}

// used is what the evidence keeps of metrics and quotas in Regions, as whoever took over knows it too. What could not be
// read is not in it.
func (s *story) used(ctx context.Context, regions []string) (incident.Evidence, error) {
	names := []string{"incident.json", "distribution.json"} // without which there is no record
	for _, region := range regions {
		names = append(names, "metrics/"+region+".json", "service-quotas/"+region+".json")
	}
	files := record.Files{}
	var wait sync.WaitGroup
	var mu sync.Mutex
	var problems error
	for _, name := range names {
		wait.Go(func() {
			body, err := s.ledger.Get(ctx, s.incident, "evidence/"+name)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				files[name] = body
			case !errors.Is(err, ledger.ErrMissing):
				problems = errors.Join(problems, err)
			}
		})
	}
	wait.Wait()
	if problems != nil {
		return incident.Evidence{}, problems
	}
	found, err := record.Read(files)
	if err != nil {
		return incident.Evidence{}, fmt.Errorf("incident %s: read the evidence: %w", s.incident, err)
	}
	return found, nil
}
