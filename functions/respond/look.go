// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"cloudfront503/pkg/diagnosis"
	"cloudfront503/pkg/evidence"
	"cloudfront503/pkg/evidence/record"
	"cloudfront503/pkg/incident"
)

// save puts the live configuration into S3 before anything else happens, and reads it back.
func (s *story) save(ctx context.Context) error {
	var before incident.Snapshot
	if s.done(incident.StepSnapshot, &before) {
		var err error
		s.snapshot, err = s.snapshots.Load(ctx, before.Key, "")
		return err
	}
	live, err := s.snapshots.Live(ctx, s.incident.Distribution)
	if err != nil {
		return err
	}
	s.snapshot, err = s.snapshots.SaveWithPointed(ctx, s.pointing, "incidents/"+s.incident.String()+"/snapshot", live)
	if err != nil {
		return err
	}
	reference := s.snapshot
	reference.Config, reference.Raw = nil, ""
	return s.note(ctx, incident.StepSnapshot, "the configuration is saved and was read back", reference)
}

// diagnose gathers evidence and names the cause, unless that was done before.
func (s *story) diagnose(ctx context.Context) error {
	if s.done(incident.StepDiagnosed, &s.diagnosis) {
		return nil
	}
	if err := s.renew(ctx); err != nil {
		return err
	}
	files, gaps := s.gather(ctx)
	found, err := record.Read(files)
	if err != nil {
		return fmt.Errorf("incident %s: read the evidence: %w", s.incident, err)
	}
	s.diagnosis = diagnosis.Diagnose(found)
	s.perMinute, s.health = requestsPerMinute(found, s.trigger.At), found.Health
	s.log.InfoContext(ctx, "diagnosed", "stage", "diagnosis", "incident", s.incident.String(), "cause", s.diagnosis.Verdict.Cause,
		"confidence", s.diagnosis.Verdict.Confidence, "gaps", len(gaps))
	return s.keep(ctx, files, gaps, diagnosis.SupportCase(found, s.diagnosis))
}

// gather asks the sources, and tries at the same time whether tickets can be made: without the key there is no approval,
// and then no runbook is started.
func (s *story) gather(ctx context.Context) (record.Files, []incident.Gap) {
	var wait sync.WaitGroup
	wait.Go(func() { s.tryKey(ctx) })
	defer wait.Wait()
	good, err := s.knownGood(ctx)
	files, gaps := s.evidence.Gather(ctx, evidence.Question{
		Account: s.settings.Account, Snapshot: s.snapshot, KnownGood: good, Alarm: s.trigger.Alarm, Event: s.raw, At: s.trigger.At,
	})
	if err != nil {
		gaps = append(gaps, incident.Gap{Source: "baseline", Why: err.Error()})
	}
	return record.Files(files), gaps
}

// knownGood is the configuration that served healthily, nil where none is known.
func (s *story) knownGood(ctx context.Context) (*incident.Snapshot, error) {
	if s.good != nil {
		return s.good, nil
	}
	var err error
	s.good, err = s.snapshots.KnownGood(ctx, s.incident.Distribution)
	return s.good, err
}

// keep stores the evidence as a recorded incident, the diagnosis, and the text of a case for AWS Support, all at once.
func (s *story) keep(ctx context.Context, files record.Files, gaps []incident.Gap, support string) error {
	text, err := json.MarshalIndent(s.diagnosis, "", "  ")
	if err != nil {
		return fmt.Errorf("incident %s: diagnosis: %w", s.incident, err)
	}
	puts := map[string][]byte{"event.json": s.raw, "diagnosis.json": text, "support-case.txt": []byte(support)}
	for name, content := range files {
		puts["evidence/"+name] = content
	}
	if err := s.putAll(ctx, puts); err != nil {
		return err
	}
	if err := s.note(ctx, incident.StepEvidence, fmt.Sprintf("evidence is gathered, %d sources could not be read", len(gaps)), gaps); err != nil {
		return err
	}
	return s.note(ctx, incident.StepDiagnosed, "the cause is "+string(s.diagnosis.Verdict.Cause), s.diagnosis)
}

// putAll writes the incident's objects side by side.
func (s *story) putAll(ctx context.Context, objects map[string][]byte) error {
	var wait sync.WaitGroup
	var mu sync.Mutex
	var problems error
	for name, content := range objects {
		wait.Go(func() {
			if _, err := s.ledger.Put(ctx, s.incident, name, content); err != nil {
				mu.Lock()
				defer mu.Unlock()
				problems = errors.Join(problems, err)
			}
		})
	}
	wait.Wait()
	return problems
}

// requestsPerMinute is the mean before the alarm, nil where no metric tells.
func requestsPerMinute(found incident.Evidence, alarm time.Time) *float64 {
	for _, series := range found.Series {
		if series.Name != "Requests" || series.Dimensions["DistributionId"] != found.Distribution {
			continue
		}
		sum, n := 0.0, 0
		for _, point := range series.Points {
			if point.At.Before(alarm) {
				sum, n = sum+point.Value, n+1
			}
		}
		if n > 0 {
			mean := sum / float64(n)
			return &mean
		}
	}
	return nil
}
