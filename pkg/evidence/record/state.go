// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package record

import (
	"encoding/json"
	"errors"
	"fmt"

	"cloudfront503/pkg/incident"
)

// cover reads incident.json.
//
//	{"format": 1, "distributionId": "E2EXAMPLE", "accountId": "111122223333", "alarmAt": "2026-03-03T21:31:31.606Z",
//	 "collectedAt": "2026-03-03T21:41:32Z", "alarmMetric": "503ErrorRate", "gaps": [{"source": "probe", "why": "…"}]}
func (r *reader) cover() error {
	content, err := r.content("incident.json")
	if err != nil {
		return fmt.Errorf("recorded incident: incident.json: %w", err)
	}
	ev := &r.ev
	broken := members(content, map[string]func(json.RawMessage) error{
		"distributionId": into(func(s string) { ev.Distribution = incident.Line(s, 64) }),
		"accountId":      into(func(s loose) { ev.Account = incident.Line(string(s), 32) }),
		"alarmAt":        into(func(m moment) { ev.AlarmAt = m.Time }),
		"collectedAt":    into(func(m moment) { ev.CollectedAt = m.Time }),
		"alarmMetric":    into(func(s string) { ev.AlarmMetric = incident.Line(s, 64) }),
		"gaps":           into(func(g incident.Gap) { ev.Gaps = append(ev.Gaps, readable(g)) }),
		"failedCalls":    into(func(c incident.FailedCall) { ev.FailedCalls = append(ev.FailedCalls, c) }),
		"findings":       into(func(f incident.Fact) { ev.Findings = append(ev.Findings, found(f)) }),
	})
	if ev.Distribution == "" || ev.AlarmAt.IsZero() {
		return fmt.Errorf("recorded incident: incident.json: no distributionId or no alarmAt (%w)", orNothing(broken))
	}
	if broken != nil {
		r.gap("incident", broken.Error())
	}
	if ev.CollectedAt.IsZero() {
		ev.CollectedAt = ev.AlarmAt
	}
	return nil
}

func orNothing(err error) error {
	if err == nil {
		return errNothing
	}
	return err
}

func readable(g incident.Gap) incident.Gap {
	return incident.Gap{Source: incident.Line(g.Source, 80), Why: incident.Line(g.Why, 200), Next: incident.Line(g.Next, 200)}
}

func found(f incident.Fact) incident.Fact {
	return incident.Fact{Source: incident.Line(f.Source, 80), Fact: incident.Line(f.Fact, 300)}
}

// state reads distribution.json, which must exist. If it is damaged, the configuration is a gap.
func (r *reader) state() error {
	content, err := r.content("distribution.json")
	if err != nil && !errors.Is(err, errNothing) {
		return fmt.Errorf("recorded incident: distribution.json: %w", err)
	}
	live, err := configuration(content)
	if err != nil || len(live.Config) == 0 {
		r.gap("distribution", orNothing(err).Error())
	} else {
		r.ev.Read = append(r.ev.Read, "distribution")
	}
	r.ev.Live = live
	return nil
}

// configuration reads `aws cloudfront get-distribution`, and `get-distribution-config` as well.
func configuration(content []byte) (incident.Configuration, error) {
	var c incident.Configuration
	config := func(raw json.RawMessage) error { c.Config = raw; return nil }
	inner := map[string]func(json.RawMessage) error{
		"Id": into(func(s string) { c.ID = s }), "ARN": into(func(s string) { c.ARN = s }),
		"Status": into(func(s string) { c.Status = s }), "DomainName": into(func(s string) { c.DomainName = s }),
		"LastModifiedTime": into(func(m moment) { c.ModifiedAt = m.Time }), "DistributionConfig": config,
	}
	err := members(content, map[string]func(json.RawMessage) error{
		"ETag":               into(func(s string) { c.ETag = s }),
		"Distribution":       func(raw json.RawMessage) error { return members(raw, inner) },
		"DistributionConfig": config,
	})
	return c, err
}

func (r *reader) baseline(_ string, content []byte) error {
	c, err := configuration(content)
	if len(c.Config) == 0 {
		return fmt.Errorf("no DistributionConfig: %w", errNothing)
	}
	r.ev.Baseline = &c
	return err
}

func (r *reader) trigger(_ string, content []byte) error {
	if !json.Valid(content) {
		return fmt.Errorf("no JSON: %w", errNothing)
	}
	r.ev.Trigger = content
	return nil
}

// staging reads the continuous-deployment policy and its staging distribution.
func (r *reader) staging(_ string, content []byte) error {
	var s incident.Staging
	err := members(content, map[string]func(json.RawMessage) error{
		"ContinuousDeploymentPolicy": into(func(p policy) { p.into(&s) }),
		"StagingDistribution": func(raw json.RawMessage) error {
			c, err := configuration(raw)
			s.Distribution = &c
			return err
		},
	})
	if s.PolicyID == "" && s.Distribution == nil {
		return orNothing(err)
	}
	r.ev.Staging = &s
	return err
}

// policy is a ContinuousDeploymentPolicy as `aws cloudfront get-continuous-deployment-policy` prints it.
type policy struct {
	ID     string `json:"Id"`
	Config struct {
		Domains struct{ Items []string } `json:"StagingDistributionDnsNames"`
		Enabled bool
		Traffic struct {
			SingleWeightConfig struct{ Weight float64 }
			SingleHeaderConfig struct{ Header, Value string }
		} `json:"TrafficConfig"`
	} `json:"ContinuousDeploymentPolicyConfig"`
}

func (p policy) into(s *incident.Staging) {
	s.PolicyID, s.Enabled, s.Domains = p.ID, p.Config.Enabled, p.Config.Domains.Items
	s.Weight, s.Header = p.Config.Traffic.SingleWeightConfig.Weight, p.Config.Traffic.SingleHeaderConfig.Header
}
