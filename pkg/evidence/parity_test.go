// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package evidence_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"cloudfront503/pkg/diagnosis"
	"cloudfront503/pkg/diagnosis/corpus"
	"cloudfront503/pkg/emulator"
	"cloudfront503/pkg/emulator/recorded"
	"cloudfront503/pkg/evidence"
	"cloudfront503/pkg/evidence/record"
	"cloudfront503/pkg/incident"
)

type edge struct{ a *emulator.Account }

func (e edge) Do(r *http.Request) (*http.Response, error) {
	answer := e.a.CloudFront.Ask(r)
	if answer == nil {
		return nil, errors.New("connection reset")
	}
	return answer, nil
}

func world(t *testing.T, files record.Files) (*emulator.Account, recorded.Incident) {
	t.Helper()
	in, err := recorded.Read(files)
	if err != nil {
		t.Fatal(err)
	}
	a, err := emulator.New(emulator.Options{Account: in.AccountID})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	if in, err = recorded.Load(a.World, files); err != nil {
		t.Fatal(err)
	}
	return a, in
}

func gatherLive(t *testing.T, a *emulator.Account, in recorded.Incident, files record.Files) record.Files {
	t.Helper()
	cfg := aws.Config{Region: "us-east-1", BaseEndpoint: aws.String(a.World.Endpoint), Credentials: credentials.NewStaticCredentialsProvider("any", "any", "")}
	g := &evidence.Gatherer{
		Clients: evidence.NewClients(cfg),
		Health: func(context.Context) (map[string][]byte, error) {
			kept := map[string][]byte{}
			for name, content := range files {
				if rest, ok := strings.CutPrefix(name, "health/"); ok {
					kept[rest] = content
				}
			}
			return kept, nil
		},
		Probe:   edge{a},
		Regions: regionsOf(files), Now: a.World.Clock.Now,
	}
	config, etag, _ := a.CloudFront.Live(in.DistributionID)
	q := evidence.Question{
		Account: in.AccountID, At: in.AlarmAt, Event: in.Event, Alarm: &incident.Alarm{Metric: in.AlarmMetric},
		Snapshot: incident.Snapshot{Distribution: in.DistributionID, ETag: etag, DomainName: domainOf(t, files), Config: config},
	}
	if len(in.Baseline) > 0 {
		var good struct {
			ETag               string
			DistributionConfig json.RawMessage
		}
		if err := json.Unmarshal(in.Baseline, &good); err != nil {
			t.Fatal(err)
		}
		q.KnownGood = &incident.Snapshot{ETag: good.ETag, Config: good.DistributionConfig}
	}
	got, _ := g.Gather(t.Context(), q)
	return record.Files(got)
}

func domainOf(t *testing.T, files record.Files) string {
	t.Helper()
	var d struct{ Distribution struct{ DomainName string } }
	if err := json.Unmarshal(files["distribution.json"], &d); err != nil {
		t.Fatal(err)
	}
	return d.Distribution.DomainName
}

func regionsOf(files record.Files) []string {
	regions := []string{"us-east-1"}
	for name := range files {
		if rest, ok := strings.CutPrefix(name, "metrics/"); ok && rest != "us-east-1.json" {
			regions = append(regions, strings.TrimSuffix(rest, ".json"))
		}
	}
	return regions
}

func diagnose(t *testing.T, files record.Files) incident.Diagnosis {
	t.Helper()
	ev, err := record.Read(files)
	if err != nil {
		t.Fatal(err)
	}
	return diagnosis.Diagnose(ev)
}

// parted are the incidents of which a record may say more, or less, than the account that it is loaded into, and why.
var parted = map[string]string{
	"origin-503/noisy": "the record holds the counters of a load balancer that no origin leads to, which nobody would have asked for live",
}

// asGood are the presentations that an account can be in: a source that nobody could read, or that answers rubbish, is no
// state of an account, and is tested where faults are.
var asGood = []string{"rich", "noisy", "alarm-time"}

func TestLiveAndRecordedEvidenceGiveTheSameVerdict(t *testing.T) {
	t.Parallel()
	for _, c := range corpus.All(corpus.Seeds(9, 1)) {
		kind, _, _ := strings.Cut(c.Name[len(c.Cause)+1:], "/")
		if !slices.Contains(asGood, kind) {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			files := record.Files(c.Files)
			a, in := world(t, files)
			want := diagnose(t, files).Verdict
			d := diagnose(t, gatherLive(t, a, in, files))
			got := d.Verdict
			same := got.Cause == want.Cause && math.Abs(got.Confidence-want.Confidence) <= 0.1
			if reason := parted[string(c.Cause)+"/"+kind]; reason != "" {
				if same {
					t.Errorf("no longer parted: %s", reason)
				}
			} else if !same {
				t.Errorf("live %s %.3f, recorded %s %.3f", got.Cause, got.Confidence, want.Cause, want.Confidence)
				for _, c := range append(d.Candidates[:min(2, len(d.Candidates))], diagnose(t, files).Candidates[:1]...) {
					t.Logf("%s %.2f for %v against %v missing %v", c.Cause, c.Confidence, c.For, c.Against, c.Missing)
				}
			}
			for _, v := range a.World.Violations() {
				t.Errorf("violation: %s", v)
			}
		})
	}
}
