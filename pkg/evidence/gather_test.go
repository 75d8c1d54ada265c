// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package evidence

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"cloudfront503/pkg/emulator"
	cdn "cloudfront503/pkg/emulator/cloudfront"
	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/evidence/record"
	"cloudfront503/pkg/incident"
)

const id = "E2EXAMPLE7QZ4K1"

const configuration = `{"CallerReference":"c","Comment":"","Enabled":true,
	"Aliases":{"Quantity":1,"Items":["www.example.com"]},
	"Origins":{"Quantity":1,"Items":[{"Id":"web","DomainName":"origin.example.com","CustomOriginConfig":{"HTTPPort":80,"HTTPSPort":443,"OriginProtocolPolicy":"https-only"}}]},
	"DefaultCacheBehavior":{"TargetOriginId":"web","ViewerProtocolPolicy":"https-only","LambdaFunctionAssociations":{"Quantity":1,
		"Items":[{"LambdaFunctionARN":"arn:aws:lambda:us-east-1:111122223333:function:edge:4","EventType":"viewer-request"}]}}}`

// probes answers every probe with the same response, or waits for the deadline.
type probes struct {
	status int
	header http.Header
	hang   bool
}

func (p probes) Do(r *http.Request) (*http.Response, error) {
	if p.hang {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return &http.Response{StatusCode: p.status, ProtoMajor: 1, ProtoMinor: 1, Header: p.header, Body: io.NopCloser(strings.NewReader("a page")), Request: r}, nil
}

// gatherer asks an account over the wire.
func gatherer(a *emulator.Account, prober Prober) *Gatherer {
	cfg := aws.Config{Region: "us-east-1", BaseEndpoint: aws.String(a.World.Endpoint), Credentials: credentials.NewStaticCredentialsProvider("any", "any", "")}
	return &Gatherer{
		Clients: NewClients(cfg), Fresh: func() Clients { return NewClients(freshSession(cfg)) },
		Health:  func(context.Context) (map[string][]byte, error) { return nil, nil },
		Probe:   prober,
		Regions: []string{"us-east-1", "eu-west-1"}, Now: a.World.Clock.Now,
	}
}

// account has a distribution with viewers and a Lambda@Edge function that is gone.
func account(t *testing.T) *emulator.Account {
	t.Helper()
	a, err := emulator.New(emulator.Options{Prepare: func(a *emulator.Account) error {
		err := a.CloudFront.PutDistribution(id, []byte(configuration), nil)
		a.CloudFront.SetTraffic(id, cdn.Traffic{RequestsPerMinute: 100})
		return err
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

func question(a *emulator.Account) Question {
	config, etag, _ := a.CloudFront.Live(id)
	return Question{
		Account: "111122223333", At: a.World.Clock.Now(), Event: json.RawMessage(`{"alarmData":{}}`),
		Snapshot:  incident.Snapshot{Distribution: id, ETag: etag, DomainName: "d.cloudfront.net", Config: config},
		KnownGood: &incident.Snapshot{ETag: "EOLD", Config: config},
	}
}

func TestGatherMakesARecordThatCanBeRead(t *testing.T) {
	t.Parallel()
	a := account(t)
	files, gaps := gatherer(a, probes{status: 503, header: http.Header{"X-Cache": {"Error from cloudfront"}, "Set-Cookie": {"session=1"}}}).Gather(t.Context(), question(a))
	if len(gaps) != 0 {
		t.Errorf("gaps: %v", gaps)
	}
	for _, name := range []string{"incident.json", "distribution.json", "baseline.json", "event.json", "probe.http", "cloudtrail/us-east-1.json",
		"metrics/us-east-1.json", "metrics/eu-west-1.json", "lambda/us-east-1.json", "lambda/eu-west-1.json",
		"service-quotas/us-east-1.json", "service-quotas/eu-west-1.json"} {
		if len(files[name]) == 0 {
			t.Errorf("no %s", name)
		}
	}
	if probe := string(files["probe.http"]); !strings.Contains(probe, "503") || strings.Contains(probe, "session=1") {
		t.Errorf("probe: %s", probe)
	}
	if !strings.Contains(string(files["lambda/us-east-1.json"]), `"arn:aws:lambda:us-east-1:111122223333:function:edge:4"`) {
		t.Error("the version that is gone is not named as missing")
	}
	found, err := record.Read(record.Files(files))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(found.Series, func(s incident.Series) bool { return s.Name == "Requests" && len(s.Points) > 30 }) {
		t.Error("no series of requests of the hour before")
	}
	if violations := a.World.Violations(); len(violations) > 0 {
		t.Errorf("AWS would have refused: %v", violations)
	}
}

func TestGatherNamesWhatItCouldNotRead(t *testing.T) {
	t.Parallel()
	a := account(t)
	a.World.Faults.Add(kernel.Fault{Action: "cloudtrail:LookupEvents", Error: kernel.Errorf(400, "AccessDeniedException", "no")})
	g := gatherer(a, probes{hang: true})
	g.Budget.Source = 2 * time.Second
	g.Health = func(context.Context) (map[string][]byte, error) { return nil, errors.New("the bucket\nis shut") }
	files, gaps := g.Gather(t.Context(), question(a))
	why := map[string]string{}
	for _, gap := range gaps {
		why[gap.Source] = gap.Why
	}
	if !strings.Contains(why["cloudtrail/us-east-1"], "AccessDeniedException") || why["probe"] != "no answer in time" ||
		!strings.Contains(why["health"], "the bucket is shut") || len(why) != 3 {
		t.Errorf("gaps: %q", why)
	}
	if len(files["metrics/us-east-1.json"]) == 0 {
		t.Error("what could be read is not there")
	}
	if !strings.Contains(string(files["incident.json"]), "cloudtrail/us-east-1") {
		t.Error("the record does not name its gaps")
	}
}

func TestSecondWaveAsksWhatTheFirstCallsFor(t *testing.T) {
	t.Parallel()
	balancer := `{"Origins":{"Items":[{"Id":"a","DomainName":"shop-1.eu-west-1.elb.amazonaws.com"},{"Id":"b","DomainName":"media.s3.eu-north-1.amazonaws.com"}]},"WebACLId":"arn:aws:wafv2:us-east-1:111122223333:global/webacl/shield/0a"}`
	hidden := `{"Origins":{"Items":[{"Id":"a","DomainName":"media.s3.amazonaws.com"},{"Id":"b","DomainName":"inner.example.internal","VpcOriginConfig":{"VpcOriginId":"vo_1"}},{"Id":"c","DomainName":"lb.example.com"}]}}`
	for _, tt := range []struct {
		name, config string
		first        map[string]string
		want         []string
	}{
		{"an origin of one's own has nothing to ask", configuration, nil, nil},
		{"a load balancer, a bucket and a web ACL are asked", balancer, map[string]string{"probe.http": "HTTP/1.1 503\r\nServer: awselb/2.0\r\n\r\n"},
			[]string{"cloudtrail/eu-north-1", "cloudtrail/eu-west-1", "elbv2/eu-west-1", "metrics/eu-north-1 origins", "metrics/us-east-1 web ACL", "wafv2/logs"}},
		{"but not where an edge function wrote the 503", balancer, map[string]string{"probe.http": "HTTP/1.1 503\r\nX-Cache: LambdaLimitExceeded from cloudfront\r\n\r\n"}, nil},
		{"what is hidden behind names is asked where it was found", hidden, map[string]string{"origins.json": `{"Origins":[{"DomainName":"media.s3.amazonaws.com","Region":"sa-east-1"},
			{"DomainName":"inner.example.internal","ARN":"arn:aws:elasticloadbalancing:eu-west-2:111122223333:loadbalancer/app/inner/0a"},{"DomainName":"lb.example.com","CanonicalName":"shop-1.us-east-1.elb.amazonaws.com"}]}`},
			[]string{"cloudtrail/eu-west-2", "cloudtrail/sa-east-1", "elbv2/eu-west-2", "elbv2/us-east-1", "metrics/sa-east-1 origins"}},
		{"a request that was answered is repeated", configuration, map[string]string{"probes/1-1.http": "HTTP/1.1 200 OK\r\nx-cf503-url: https://www.example.com/\r\n\r\n"}, []string{"probe again"}},
		{"a CloudFront Function is tested", `{"DefaultCacheBehavior":{"FunctionAssociations":{"Items":[{"FunctionARN":"arn:aws:cloudfront::111122223333:function/rewrite","EventType":"viewer-request"}]}}}`, nil,
			[]string{"cloudfront/functions"}},
		{"a staging policy and logs are read", `{"ContinuousDeploymentPolicyId":"p","Logging":{"Enabled":true,"Bucket":"logs.s3.amazonaws.com","Prefix":"cf/"}}`, nil,
			[]string{"access-logs", "cloudfront/staging"}},
		{"logs of version 2 are read where they go, this distribution's only", `{}`, map[string]string{"logs/deliveries.json": delivered},
			[]string{"access-logs /aws/vendedlogs/cdn", "access-logs fh deliverystream/cdn", "access-logs s3 cdn-logs/web"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			first := Record{}
			for name, content := range tt.first {
				first[name] = []byte(content)
			}
			q := Question{Snapshot: incident.Snapshot{Distribution: id}}
			for _, s := range (&Gatherer{}).secondWave(q, usedBy(json.RawMessage(tt.config)), first) {
				got = append(got, s.name)
			}
			slices.Sort(got)
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestTwoAnswersAboutOneRegionBecomeOneFile(t *testing.T) {
	t.Parallel()
	r := Record{"metrics/us-east-1.json": []byte(`{"MetricDataQueries":[{"Id":"m0"}],"MetricDataResults":[{"Id":"m0"}]}`)}
	r.add(Record{"metrics/us-east-1.json": []byte(`{"MetricDataQueries":[{"Id":"m0"}],"MetricDataResults":[{"Id":"m0"}]}`)})
	if text := string(r["metrics/us-east-1.json"]); strings.Count(text, `"m0"`) != 2 || strings.Count(text, `"w1_m0"`) != 2 {
		t.Errorf("merged: %s", text)
	}
}

func TestReadRateWeighsMinutesByTheirRequests(t *testing.T) {
	t.Parallel()
	a := account(t)
	now := a.World.Clock.Now()
	rate, err := ReadRate(t.Context(), gatherer(a, probes{}).Metrics("us-east-1"), id, now.Add(-30*time.Minute), now)
	if err != nil {
		t.Fatal(err)
	}
	if len(rate.Minutes) < 25 || rate.Requests < 2000 || rate.Percent() != 0 || rate.Metric != "5xxErrorRate" {
		t.Errorf("rate: %d minutes, %.0f requests, %.1f %% by %s", len(rate.Minutes), rate.Requests, rate.Percent(), rate.Metric)
	}
}
