// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package evidence asks AWS what it knows about a failing distribution, all sources at once under one deadline, and
// gives the answers as a recorded incident: the files of docs/recorded-incident.md. It does not judge them.
package evidence

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"cloudfront503/pkg/incident"
)

// Question is what evidence is wanted about.
type Question struct {
	Account   string
	Snapshot  incident.Snapshot  // the live configuration
	KnownGood *incident.Snapshot // the configuration that served healthily; nil where there is none
	Alarm     *incident.Alarm    // nil where a person opened the incident
	Event     json.RawMessage    // the trigger as it was delivered; kept, never logged
	At        time.Time          // the alarm's time
}

// Record is a recorded incident: its files by slash-separated path. A source that is absent was not read.
type Record map[string][]byte

// Gatherer asks the sources. Live makes one that asks AWS.
type Gatherer struct {
	Clients

	Health  func(context.Context) (map[string][]byte, error) // AWS Health events as delivered, by file name
	Probe   Prober
	Regions []string // candidate Regions of Lambda@Edge
	Paths   []string // paths to probe; empty: those that fail most by the logs, else the root
	Now     func() time.Time
	Budget  Budget

	// Fresh gives clients of a fresh session, with which a denied call is tried once more; nil: it is not.
	Fresh func() Clients
	// Assumed is when the role of the clients was assumed: for a minute a denial may only mean that the role has not settled.
	// Nil, or the zero time: long ago. So it is in a Lambda, where the same session has saved the configuration before.
	Assumed func() time.Time
	Sleep   func(context.Context, time.Duration) error // nil: denied.Sleep
	// Resolve gives the canonical name of a host; nil: names of one's own are not looked behind.
	Resolve func(ctx context.Context, host string) (string, error)
}

// reader gives files by path, asked with a gatherer's clients. It may give files and an error: then both count.
type reader func(context.Context, *Gatherer, Question) (Record, error)

// source is one place where evidence comes from.
type source struct {
	name string
	next string // what would close the gap if it cannot be read
	read reader
}

// Gather asks in waves: at once what every verdict needs, then, at once again, what the first answers ask for, and what
// those ask for. It keeps to its budget, and always gives a record: what could not be read is a gap in it.
func (g *Gatherer) Gather(ctx context.Context, q Question) (Record, []incident.Gap) {
	m := &meter{limits: g.Budget.orDefaults(), now: g.Now}
	ctx, cancel := context.WithTimeout(context.WithValue(ctx, meterKey{}, m), m.limits.Total)
	defer cancel()
	uses := usedBy(q.Snapshot.Config)
	record, gaps := Record{}, []incident.Gap{}
	g.wave(ctx, q, g.firstWave(q, uses), record, &gaps)
	g.wave(ctx, q, g.secondWave(q, uses, record), record, &gaps)
	g.wave(ctx, q, g.thirdWave(q, uses, record), record, &gaps)
	g.wave(ctx, q, behindACLs(record), record, &gaps)
	record.settle()
	record["incident.json"] = g.cover(q, gaps, m)
	return record, gaps
}

// wave asks sources at once, waits for all of them and puts what they say into the record.
func (g *Gatherer) wave(ctx context.Context, q Question, sources []source, record Record, gaps *[]incident.Gap) {
	answers := make([]Record, len(sources))
	problems := make([]error, len(sources))
	whys := make([]string, len(sources))
	var wait sync.WaitGroup
	for i, s := range sources {
		wait.Go(func() {
			if answers[i], problems[i] = g.ask(ctx, s, q); problems[i] != nil {
				whys[i] = g.why(ctx, problems[i])
			}
		})
	}
	wait.Wait()
	for i, s := range sources {
		record.add(answers[i])
		if problems[i] != nil {
			*gaps = append(*gaps, incident.Gap{Source: s.name, Why: whys[i], Next: s.next})
		}
	}
}

// add puts another record's files in; two answers about one Region's metrics become one file, and so do the logs of two web
// ACLs.
func (r Record) add(other Record) {
	for name, content := range other {
		before, twice := r[name]
		switch {
		case twice && strings.HasPrefix(name, "metrics/"):
			content = mergeMetrics(before, content)
		case twice && name == wafLogs:
			content = slices.Concat(before, content)
		}
		r[name] = content
	}
}

// settle makes the worst of all tries the probe.
func (r Record) settle() {
	if worst := worst(r); worst != nil {
		r["probe.http"] = worst
	}
}

// ask gives one source its share of the time.
func (g *Gatherer) ask(ctx context.Context, s source, q Question) (Record, error) {
	ctx, cancel := context.WithTimeout(ctx, meterOf(ctx).limits.Source)
	defer cancel()
	return g.read(ctx, s, q)
}

// firstWave lists what every verdict needs of this distribution; what it does not use is not asked for. Where things are,
// logs and origins, is asked here, so that the second wave can go there at once.
func (g *Gatherer) firstWave(q Question, uses used) []source {
	list := []source{
		{"distribution", "", readState},
		{"event", "", readEvent},
		{"health", "the AWS Health Dashboard", readHealth},
		{"cloudtrail/us-east-1", "aws cloudtrail lookup-events --region us-east-1", readTrail("us-east-1")},
		{"probe", "curl -si https://" + host(q.Snapshot), readProbe},
		{"logs/deliveries", "aws logs describe-deliveries --region us-east-1", readDeliveries},
		{"service-quotas/us-east-1", "aws service-quotas list-service-quotas --service-code cloudfront --region us-east-1",
			readQuotas("us-east-1", "cloudfront", "lambda")},
	}
	if unplaced := g.unplaced(uses.origins); len(unplaced) > 0 {
		list = append(list, source{"origins", "the owner of the origins", readPlaces(unplaced)})
	}
	for _, region := range g.metricRegions(uses) {
		list = append(list, source{"metrics/" + region, "aws cloudwatch get-metric-data --region " + region, readMetrics(region, uses)})
	}
	if len(uses.lambdas) > 0 {
		list = append(list, g.lambdaSources(uses)...)
	}
	return list
}

// lambdaSources are what a distribution with Lambda@Edge adds: each Region has its own concurrency.
func (g *Gatherer) lambdaSources(uses used) []source {
	var list []source
	for _, region := range g.Regions {
		list = append(list, source{"lambda/" + region, "aws lambda get-account-settings --region " + region, readLambda(region, uses)})
		if region != "us-east-1" {
			list = append(list, source{"service-quotas/" + region,
				"aws service-quotas list-service-quotas --service-code lambda --region " + region, readQuotas(region, "lambda")})
		}
	}
	return list
}

// metricRegions are us-east-1, where CloudFront's metrics are, and the Regions where Lambda@Edge may have run.
func (g *Gatherer) metricRegions(uses used) []string {
	regions := []string{"us-east-1"}
	if len(uses.lambdas) > 0 {
		regions = append(regions, g.Regions...)
	}
	slices.Sort(regions)
	return slices.Compact(regions)
}

// cover is incident.json, which names the gaps, the calls of ours that failed and the findings, so that a replay names
// them again.
func (g *Gatherer) cover(q Question, gaps []incident.Gap, m *meter) []byte {
	metric := "5xxErrorRate"
	if q.Alarm != nil && q.Alarm.Metric != "" {
		metric = q.Alarm.Metric
	}
	failed, findings := m.account()
	return encode(map[string]any{
		"format": 1, "distributionId": q.Snapshot.Distribution, "accountId": q.Account,
		"alarmAt": q.At.UTC().Format(time.RFC3339Nano), "collectedAt": g.Now().UTC().Format(time.RFC3339),
		"alarmMetric": metric, "gaps": gaps, "failedCalls": failed, "findings": findings,
	})
}

// encode writes a value of ours as JSON for people to read.
func encode(value any) []byte {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return fmt.Appendf(nil, "%q", err.Error()) // values of strings, numbers and times cannot fail
	}
	return append(text, '\n')
}

// readState gives the live configuration, and the known good one where there is one.
func readState(_ context.Context, _ *Gatherer, q Question) (Record, error) {
	s := q.Snapshot
	record := Record{"distribution.json": encode(map[string]any{
		"ETag": s.ETag,
		"Distribution": map[string]any{
			"Id": s.Distribution, "ARN": s.ARN, "Status": s.Status, "DomainName": s.DomainName,
			"LastModifiedTime": s.ModifiedAt.UTC().Format(time.RFC3339), "DistributionConfig": s.Config,
		},
	})}
	if good := q.KnownGood; good != nil {
		record["baseline.json"] = encode(map[string]any{"ETag": good.ETag, "DistributionConfig": good.Config})
	}
	return record, nil
}

func readEvent(_ context.Context, _ *Gatherer, q Question) (Record, error) {
	if len(q.Event) == 0 {
		return Record{}, nil
	}
	return Record{"event.json": q.Event}, nil
}

// readHealth gives the Health events that EventBridge has delivered and that were kept: the Health API needs a support plan.
func readHealth(ctx context.Context, g *Gatherer, _ Question) (Record, error) {
	events, err := g.Health(ctx)
	if err != nil {
		return nil, fmt.Errorf("read kept health events: %w", err)
	}
	record := Record{}
	for name, event := range events {
		record["health/"+name] = event
	}
	return record, nil
}
