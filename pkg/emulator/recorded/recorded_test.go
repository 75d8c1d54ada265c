// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package recorded

import (
	"context"
	"encoding/json"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdkfront "github.com/aws/aws-sdk-go-v2/service/cloudfront"
	fronttypes "github.com/aws/aws-sdk-go-v2/service/cloudfront/types"
	sdktrail "github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	sdkwatch "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	watchtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	sdkelb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancing"
	sdkelbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	sdklambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	sdkquotas "github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/google/go-cmp/cmp"

	"cloudfront503/pkg/emulator/cloudfront"
	"cloudfront503/pkg/emulator/cloudtrail"
	"cloudfront503/pkg/emulator/cloudwatch"
	"cloudfront503/pkg/emulator/elb"
	"cloudfront503/pkg/emulator/events"
	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/lambda"
	"cloudfront503/pkg/emulator/logs"
	"cloudfront503/pkg/emulator/quotas"
	"cloudfront503/pkg/emulator/s3"
	"cloudfront503/pkg/emulator/wafv2"
)

// examples is where recorded incidents may lie beside the repository.
const examples = "../../../../shared/incidents/examples"

// loaded is a world filled from a folder, and how to reach it.
type loaded struct {
	*testing.T
	world  *kernel.World
	edge   *cloudfront.Service
	files  *s3.Service
	folder fs.FS
	Incident
}

func load(t *testing.T, folder fs.FS) *loaded {
	t.Helper()
	in, err := Read(folder)
	if err != nil {
		t.Fatal(err)
	}
	w := kernel.NewWorld(in.AccountID, "us-east-1")
	l := &loaded{T: t, world: w, edge: cloudfront.New(w), files: s3.New(w), folder: folder}
	cloudwatch.New(w)
	cloudtrail.New(w)
	quotas.New(w)
	elb.New(w)
	wafv2.New(w)
	logs.New(w)
	events.New(w)
	t.Cleanup(lambda.New(w).Close)
	stop, err := w.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	if l.Incident, err = Load(w, folder); err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *loaded) config(region string) aws.Config {
	return aws.Config{Region: region, BaseEndpoint: aws.String(l.world.Endpoint), Credentials: credentials.NewStaticCredentialsProvider("AKIDTEST", "secret", ""), RetryMaxAttempts: 1}
}

// eachRegion calls do for each REGION.json of a folder.
func (l *loaded) eachRegion(folder string, do func(region string, raw []byte)) {
	l.Helper()
	names, err := fs.Glob(l.folder, folder+"/*.json")
	if err != nil {
		l.Fatal(err)
	}
	for _, name := range names {
		raw, err := fs.ReadFile(l.folder, name)
		if err != nil {
			l.Fatal(err)
		}
		do(strings.TrimSuffix(filepath.Base(name), ".json"), raw)
	}
}

// checkMetrics asks the recorded question and compares every value.
func (l *loaded) checkMetrics(region string, raw []byte) {
	l.Helper()
	var record struct {
		MetricDataQueries []watchtypes.MetricDataQuery
		MetricDataResults []struct {
			ID         string `json:"Id"`
			Timestamps []time.Time
			Values     []float64
		}
	}
	if err := json.Unmarshal(raw, &record); err != nil {
		l.Fatal(err)
	}
	out, err := sdkwatch.NewFromConfig(l.config(region)).GetMetricData(context.Background(), &sdkwatch.GetMetricDataInput{
		StartTime: aws.Time(l.CollectedAt.Add(-3 * time.Hour)), EndTime: aws.Time(l.CollectedAt), MetricDataQueries: record.MetricDataQueries,
	})
	if err != nil {
		l.Fatal(err)
	}
	got := map[string]map[time.Time]float64{}
	for _, r := range out.MetricDataResults {
		got[*r.Id] = map[time.Time]float64{}
		for i, at := range r.Timestamps {
			got[*r.Id][at.UTC()] = r.Values[i]
		}
	}
	want := map[string]map[time.Time]float64{}
	for _, q := range record.MetricDataQueries {
		want[*q.Id] = map[time.Time]float64{}
	}
	for _, r := range record.MetricDataResults {
		for i, at := range r.Timestamps {
			want[r.ID][at.UTC()] = r.Values[i]
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		l.Errorf("metrics/%s: %s", region, diff)
	}
}

func (l *loaded) checkTrail(region string, raw []byte) {
	l.Helper()
	var record struct {
		Events []struct{ EventID, CloudTrailEvent string }
	}
	if err := json.Unmarshal(raw, &record); err != nil {
		l.Fatal(err)
	}
	got := map[string]string{}
	pages := sdktrail.NewLookupEventsPaginator(sdktrail.NewFromConfig(l.config(region)), &sdktrail.LookupEventsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		if err != nil {
			l.Fatal(err)
		}
		for _, e := range page.Events {
			got[*e.EventId] = *e.CloudTrailEvent
		}
	}
	want := map[string]string{}
	for _, e := range record.Events {
		want[e.EventID] = e.CloudTrailEvent
	}
	if diff := cmp.Diff(want, got); diff != "" {
		l.Errorf("cloudtrail/%s: %s", region, diff)
	}
}

func (l *loaded) checkQuotas(region string, raw []byte) {
	l.Helper()
	var record struct {
		Quotas []struct {
			ServiceCode, QuotaCode string
			Value                  float64
		}
	}
	if err := json.Unmarshal(raw, &record); err != nil {
		l.Fatal(err)
	}
	for _, q := range record.Quotas {
		out, err := sdkquotas.NewFromConfig(l.config(region)).GetServiceQuota(context.Background(), &sdkquotas.GetServiceQuotaInput{ServiceCode: &q.ServiceCode, QuotaCode: &q.QuotaCode})
		if err != nil || *out.Quota.Value != q.Value {
			l.Errorf("service-quotas/%s %s: %+v, %v", region, q.QuotaCode, out, err)
		}
	}
}

func (l *loaded) checkBalancers(region string, raw []byte) {
	l.Helper()
	var record struct {
		LoadBalancers []any
		TargetHealth  map[string]struct{ TargetHealthDescriptions []any }
	}
	if err := json.Unmarshal(raw, &record); err != nil {
		l.Fatal(err)
	}
	client := sdkelbv2.NewFromConfig(l.config(region))
	out, err := client.DescribeLoadBalancers(context.Background(), &sdkelbv2.DescribeLoadBalancersInput{})
	if err != nil || len(out.LoadBalancers) != len(record.LoadBalancers) {
		l.Errorf("elbv2/%s: %+v, %v", region, out, err)
	}
	for arn, want := range record.TargetHealth {
		health, err := client.DescribeTargetHealth(context.Background(), &sdkelbv2.DescribeTargetHealthInput{TargetGroupArn: &arn})
		if err != nil || len(health.TargetHealthDescriptions) != len(want.TargetHealthDescriptions) {
			l.Errorf("elbv2/%s %s: %+v, %v", region, arn, health, err)
		}
	}
}

func (l *loaded) checkClassic(region string, raw []byte) {
	l.Helper()
	var record struct{ InstanceStates map[string][]any }
	if err := json.Unmarshal(raw, &record); err != nil {
		l.Fatal(err)
	}
	for name, want := range record.InstanceStates {
		out, err := sdkelb.NewFromConfig(l.config(region)).DescribeInstanceHealth(context.Background(), &sdkelb.DescribeInstanceHealthInput{LoadBalancerName: &name})
		if err != nil || len(out.InstanceStates) != len(want) {
			l.Errorf("elb/%s %s: %+v, %v", region, name, out, err)
		}
	}
}

func (l *loaded) checkLambda(region string, raw []byte) {
	l.Helper()
	var record struct {
		Functions []struct{ FunctionArn, Version string }
		Missing   []string
		Roles     map[string]any
	}
	if err := json.Unmarshal(raw, &record); err != nil {
		l.Fatal(err)
	}
	client := sdklambda.NewFromConfig(l.config(region))
	for _, f := range record.Functions {
		out, err := client.GetFunctionConfiguration(context.Background(), &sdklambda.GetFunctionConfigurationInput{FunctionName: &f.FunctionArn})
		if err != nil || *out.Version != f.Version {
			l.Errorf("lambda/%s %s: %v", region, f.FunctionArn, err)
		}
	}
	for _, arn := range record.Missing {
		if _, err := client.GetFunctionConfiguration(context.Background(), &sdklambda.GetFunctionConfigurationInput{FunctionName: &arn}); err == nil {
			l.Errorf("lambda/%s: %s is there", region, arn)
		}
	}
	for arn, answer := range record.Roles {
		if _, ok := l.world.Identity.Role(arn); ok != (answer != nil) {
			l.Errorf("role %s is there: %v", arn, ok)
		}
	}
}

// checkEdge compares the distribution, and what the edge answers with the recorded probe.
func (l *loaded) checkEdge() {
	l.Helper()
	ctx := context.Background()
	got, err := sdkfront.NewFromConfig(l.config("us-east-1")).GetDistribution(ctx, &sdkfront.GetDistributionInput{Id: &l.DistributionID})
	if err != nil {
		l.Fatal(err)
	}
	var record distribution
	raw, err := fs.ReadFile(l.folder, "distribution.json")
	if err != nil {
		l.Fatal(err)
	}
	if err := json.Unmarshal(raw, &record); err != nil {
		l.Fatal(err)
	}
	if *got.ETag != record.ETag || *got.Distribution.DomainName != record.Distribution.DomainName || !got.Distribution.LastModifiedTime.Equal(record.Distribution.LastModifiedTime) {
		l.Errorf("distribution %s %s %s", *got.ETag, *got.Distribution.DomainName, got.Distribution.LastModifiedTime)
	}
	var want any
	if err := json.Unmarshal(record.Distribution.DistributionConfig, &want); err != nil {
		l.Fatal(err)
	}
	live, _, _ := l.edge.Live(l.DistributionID)
	var have any
	if err := json.Unmarshal(live, &have); err != nil {
		l.Fatal(err)
	}
	if diff := cmp.Diff(want, have); diff != "" {
		l.Errorf("configuration: %s", diff)
	}
	l.checkProbe(record.Distribution.DomainName)
}

func (l *loaded) checkProbe(domain string) {
	l.Helper()
	probe, err := fs.ReadFile(l.folder, "probe.http")
	r, requestErr := http.NewRequest(http.MethodGet, "https://"+domain+"/", nil)
	if requestErr != nil {
		l.Fatal(requestErr)
	}
	answer := l.edge.Ask(r)
	if err != nil || len(probe) == 0 {
		if answer != nil {
			l.Errorf("the edge answers %d, and no answer is recorded", answer.StatusCode)
		}
		return
	}
	if answer == nil || !strings.Contains(strings.ToLower(string(probe)), "x-cache: "+strings.ToLower(answer.Header.Get("X-Cache"))) {
		l.Errorf("the edge answers %+v", answer)
	}
}

func (l *loaded) checkAll() {
	l.Helper()
	l.checkEdge()
	l.eachRegion("metrics", l.checkMetrics)
	l.eachRegion("cloudtrail", l.checkTrail)
	l.eachRegion("service-quotas", l.checkQuotas)
	l.eachRegion("elbv2", l.checkBalancers)
	l.eachRegion("elb", l.checkClassic)
	l.eachRegion("lambda", l.checkLambda)
	if now := l.world.Clock.Now(); now.Sub(l.CollectedAt) > time.Minute || now.Before(l.CollectedAt) {
		l.Errorf("it is %s, want %s", now, l.CollectedAt)
	}
	for _, v := range l.world.Violations() {
		l.Errorf("violation: %s", v)
	}
}

func TestOwnRecordIsAnsweredWhole(t *testing.T) {
	l := load(t, os.DirFS("testdata/incident"))
	l.checkAll()
	if got := l.files.Keys("shop-logs", "cf/"); len(got) != 1 {
		t.Errorf("access logs %v", got)
	}
	ctx := context.Background()
	client := sdkfront.NewFromConfig(l.config("us-east-1"))
	described, err := client.DescribeFunction(ctx, &sdkfront.DescribeFunctionInput{Name: aws.String("rewrite"), Stage: fronttypes.FunctionStageLive})
	if err != nil {
		t.Fatal(err)
	}
	tested, err := client.TestFunction(ctx, &sdkfront.TestFunctionInput{Name: aws.String("rewrite"), Stage: fronttypes.FunctionStageLive, IfMatch: described.ETag, EventObject: []byte("{}")})
	if err != nil || *tested.TestResult.FunctionErrorMessage != "TypeError: x is not a function" {
		t.Errorf("tested %+v, %v", tested, err)
	}
	policy, err := client.GetContinuousDeploymentPolicy(ctx, &sdkfront.GetContinuousDeploymentPolicyInput{Id: aws.String("11111111-2222-4333-8444-555555555555")})
	if err != nil || *policy.ContinuousDeploymentPolicy.ContinuousDeploymentPolicyConfig.TrafficConfig.SingleWeightConfig.Weight != 0.05 {
		t.Errorf("policy %+v, %v", policy, err)
	}
	if len(l.Event) == 0 || len(l.Baseline) == 0 {
		t.Error("event or baseline is missing")
	}
}

func TestSharedRecordsAreAnsweredWhole(t *testing.T) {
	folders, err := filepath.Glob(examples + "/*")
	if err != nil {
		t.Fatal(err)
	}
	if len(folders) == 0 {
		t.Skip("no recorded incidents beside the repository")
	}
	for _, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) { load(t, os.DirFS(folder)).checkAll() })
	}
}

func TestBrokenRecordsAreRefused(t *testing.T) {
	good := `{"format":1,"distributionId":"E1","accountId":"111122223333","collectedAt":"2026-11-24T03:50:00Z"}`
	for _, test := range []struct {
		name   string
		folder fstest.MapFS
	}{
		{"an empty folder", fstest.MapFS{}},
		{"another format", fstest.MapFS{"incident.json": {Data: []byte(`{"format":2,"distributionId":"E1","collectedAt":"2026-11-24T03:50:00Z"}`)}}},
		{"no distribution", fstest.MapFS{"incident.json": {Data: []byte(good)}}},
		{"another account", fstest.MapFS{"incident.json": {Data: []byte(strings.Replace(good, "111122223333", "444455556666", 1))}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := kernel.NewWorld("111122223333", "us-east-1")
			cloudfront.New(w)
			if _, err := Load(w, test.folder); err == nil {
				t.Error("it was loaded")
			}
		})
	}
}

func FuzzParseProbe(f *testing.F) {
	f.Add([]byte("HTTP/2 503 \r\nserver: CloudFront\r\nx-cache: Error from cloudfront\r\n\r\nbody"))
	f.Add([]byte("HTTP/1.1 200 OK\nage: 3\n\n<html>\r\n\r\n"))
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, raw []byte) {
		answer, err := parseProbe(raw)
		if err == nil && !answer.Drop && (answer.Status < 100 || answer.Status > 999) {
			t.Errorf("status %d", answer.Status)
		}
	})
}
