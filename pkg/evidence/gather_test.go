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
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"

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
	in := func(region string) aws.Config {
		return aws.Config{Region: region, BaseEndpoint: aws.String(a.World.Endpoint), Credentials: credentials.NewStaticCredentialsProvider("any", "any", "")}
	}
	home := in("us-east-1")
	return &Gatherer{
		Metrics:   func(region string) Metrics { return cloudwatch.NewFromConfig(in(region)) },
		Trail:     func(region string) Trail { return cloudtrail.NewFromConfig(in(region)) },
		Quotas:    func(region string) Quotas { return servicequotas.NewFromConfig(in(region)) },
		Lambda:    func(region string) Lambda { return lambda.NewFromConfig(in(region)) },
		Balancers: func(region string) Balancers { return elasticloadbalancingv2.NewFromConfig(in(region)) },
		Classic:   func(region string) Classic { return elasticloadbalancing.NewFromConfig(in(region)) },
		Roles:     iam.NewFromConfig(home), CloudFront: cloudfront.NewFromConfig(home),
		Logs:    s3.NewFromConfig(home, func(o *s3.Options) { o.UsePathStyle = true }),
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
	g.Budget = 2 * time.Second
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
	for _, tt := range []struct {
		name, config, probe string
		want                []string
	}{
		{"an origin of one's own has nothing to ask", configuration, "", nil},
		{"a load balancer, a bucket and a web ACL are asked", balancer, "HTTP/1.1 503\r\nServer: awselb/2.0\r\n\r\n",
			[]string{"elbv2/eu-west-1", "metrics/eu-north-1 origins", "metrics/us-east-1 origins"}},
		{"but not where an edge function wrote the 503", balancer, "HTTP/1.1 503\r\nX-Cache: LambdaLimitExceeded from cloudfront\r\n\r\n", nil},
		{"a CloudFront Function is tested", `{"DefaultCacheBehavior":{"FunctionAssociations":{"Items":[{"FunctionARN":"arn:aws:cloudfront::111122223333:function/rewrite","EventType":"viewer-request"}]}}}`, "",
			[]string{"cloudfront/functions"}},
		{"a staging policy and logs are read", `{"ContinuousDeploymentPolicyId":"p","Logging":{"Enabled":true,"Bucket":"logs.s3.amazonaws.com","Prefix":"cf/"}}`, "",
			[]string{"access-logs", "cloudfront/staging"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, s := range (&Gatherer{}).secondWave(usedBy(json.RawMessage(tt.config)), Record{"probe.http": []byte(tt.probe)}) {
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
