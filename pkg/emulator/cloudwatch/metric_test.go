// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package cloudwatch

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/fxamacker/cbor/v2"
	"github.com/google/go-cmp/cmp"

	"cloudfront503/pkg/emulator/kernel"
)

func dimensions() []types.Dimension {
	return []types.Dimension{{Name: aws.String("DistributionId"), Value: aws.String("E1SHOP")}, {Name: aws.String("Region"), Value: aws.String("Global")}}
}

func metricQuery(id, name, stat string) types.MetricDataQuery {
	return types.MetricDataQuery{Id: aws.String(id), MetricStat: &types.MetricStat{
		Metric: &types.Metric{Namespace: aws.String("AWS/CloudFront"), MetricName: aws.String(name), Dimensions: dimensions()}, Period: aws.Int32(60), Stat: aws.String(stat),
	}}
}

func (r *rig) data(minutes int, queries ...types.MetricDataQuery) *sdk.GetMetricDataInput {
	end := r.world.Clock.Now().Truncate(time.Minute)
	return &sdk.GetMetricDataInput{StartTime: aws.Time(end.Add(-time.Duration(minutes) * time.Minute)), EndTime: aws.Time(end), MetricDataQueries: queries}
}

func TestGetMetricDataAnswersTheSDKNewestFirst(t *testing.T) {
	r := newRig(t)
	r.put(1, 2, 3)
	out, err := r.client.GetMetricData(context.Background(), r.data(5, metricQuery("rate", "5xxErrorRate", "Average"), metricQuery("none", "Requests", "Sum")))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]float64{3, 2, 1}, out.MetricDataResults[0].Values); diff != "" {
		t.Error(diff)
	}
	if !out.MetricDataResults[0].Timestamps[0].Equal(r.world.Clock.Now().Truncate(time.Minute).Add(-time.Minute)) {
		t.Errorf("newest at %s", out.MetricDataResults[0].Timestamps[0])
	}
	if len(out.MetricDataResults[1].Values) != 0 || out.MetricDataResults[1].StatusCode != types.StatusCodeComplete {
		t.Errorf("no data: %+v", out.MetricDataResults[1])
	}
}

func TestGetMetricDataPagesAndAnswersPartially(t *testing.T) {
	r := newRig(t)
	r.put(1, 2, 3, 4, 5)
	r.watch.SetPage(2)
	in := r.data(5, metricQuery("rate", "5xxErrorRate", "Average"))
	var got []float64
	pages := sdk.NewGetMetricDataPaginator(r.client, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, page.MetricDataResults[0].Values...)
	}
	if diff := cmp.Diff([]float64{5, 4, 3, 2, 1}, got); diff != "" {
		t.Error(diff)
	}
	r.watch.SetPage(100)
	r.watch.SetPartial(true)
	out, err := r.client.GetMetricData(context.Background(), in)
	if err != nil || out.MetricDataResults[0].StatusCode != types.StatusCodePartialData || len(out.MetricDataResults[0].Values) != 3 {
		t.Errorf("partially: %+v, %v", out, err)
	}
}

func TestExpressions(t *testing.T) {
	r := newRig(t)
	end := r.world.Clock.Now().Truncate(time.Minute)
	requests := rate
	requests.Name = "Requests"
	for i, v := range [][2]float64{{10, 100}, {20, 1}, {30, 200}} {
		at := end.Add(-time.Duration(3-i) * time.Minute)
		r.world.Metrics.PutValue(rate, at, v[0])
		r.world.Metrics.PutValue(requests, at, v[1])
	}
	for _, test := range []struct {
		expression string
		want       []float64
	}{
		{"rate * requests / 100", []float64{60, 0.2, 10}},
		{"IF(requests > 50, rate, 0)", []float64{30, 0, 10}},
		{"IF(requests >= 100 AND rate > 15, 1)", []float64{1}},
		{"-(rate - 5) + 2 * 3", []float64{-19, -9, 1}},
		{"SUM([rate, requests])", []float64{230, 21, 110}},
		{"rate - AVG(rate)", []float64{10, 0, -10}},
		{"FILL(rate, 0)", []float64{30, 20, 10, 0}},
		{"MAX(METRICS())", []float64{200, 20, 100}},
	} {
		t.Run(test.expression, func(t *testing.T) {
			in := r.data(4, metricQuery("rate", "5xxErrorRate", "Average"), metricQuery("requests", "Requests", "Sum"), types.MetricDataQuery{Id: aws.String("e1"), Expression: aws.String(test.expression)})
			in.MetricDataQueries[0].ReturnData, in.MetricDataQueries[1].ReturnData = aws.Bool(false), aws.Bool(false)
			out, err := r.client.GetMetricData(context.Background(), in)
			if err != nil {
				t.Fatal(err)
			}
			got := out.MetricDataResults[0].Values
			if len(got) > len(test.want) {
				got = got[:len(test.want)]
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestGetMetricDataIsRefused(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*sdk.GetMetricDataInput)
	}{
		{"with an id in capitals", func(in *sdk.GetMetricDataInput) { in.MetricDataQueries[0].Id = aws.String("Rate") }},
		{"with the same id twice", func(in *sdk.GetMetricDataInput) {
			in.MetricDataQueries = append(in.MetricDataQueries, in.MetricDataQueries[0])
		}},
		{"with an end before its start", func(in *sdk.GetMetricDataInput) { in.EndTime = in.StartTime }},
		{"with an odd period", func(in *sdk.GetMetricDataInput) { in.MetricDataQueries[0].MetricStat.Period = aws.Int32(61) }},
		{"with an expression over nothing", func(in *sdk.GetMetricDataInput) {
			in.MetricDataQueries[0].MetricStat, in.MetricDataQueries[0].Expression = nil, aws.String("nothing + 1")
		}},
		{"with a circle of expressions", func(in *sdk.GetMetricDataInput) {
			in.MetricDataQueries[0].MetricStat, in.MetricDataQueries[0].Expression = nil, aws.String("rate + 1")
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t)
			in := r.data(5, metricQuery("rate", "5xxErrorRate", "Average"))
			test.change(in)
			if _, err := r.client.GetMetricData(context.Background(), in); code(err) != "ValidationError" {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestStatisticsOfLongerPeriods(t *testing.T) {
	r := newRig(t)
	end := r.world.Clock.Now().Truncate(5 * time.Minute)
	for i := range 5 {
		at := end.Add(-time.Duration(i+1) * time.Minute)
		r.world.Metrics.Put(rate, at, kernel.Datum{Sum: float64(i), Count: 2, Min: 0, Max: float64(10 * i)})
	}
	out, err := r.client.GetMetricStatistics(context.Background(), &sdk.GetMetricStatisticsInput{
		Namespace: aws.String("AWS/CloudFront"), MetricName: aws.String("5xxErrorRate"), Dimensions: dimensions(), Period: aws.Int32(300),
		StartTime: aws.Time(end.Add(-5 * time.Minute)), EndTime: aws.Time(end), Statistics: []types.Statistic{"Sum", "Average", "Maximum", "SampleCount"},
	})
	if err != nil || len(out.Datapoints) != 1 {
		t.Fatalf("%+v, %v", out, err)
	}
	p := out.Datapoints[0]
	if got := fmt.Sprint(*p.Sum, *p.Average, *p.Maximum, *p.SampleCount); got != "10 1 40 10" {
		t.Errorf("sum, average, maximum, count: %s", got)
	}
}

func TestListMetricsAndPutMetricData(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	if _, err := r.client.PutMetricData(ctx, &sdk.PutMetricDataInput{Namespace: aws.String("Own"), MetricData: []types.MetricDatum{{MetricName: aws.String("Handled"), Value: aws.Float64(2)}}}); err != nil {
		t.Fatal(err)
	}
	out, err := r.client.ListMetrics(ctx, &sdk.ListMetricsInput{Namespace: aws.String("Own")})
	if err != nil || len(out.Metrics) != 1 || *out.Metrics[0].MetricName != "Handled" {
		t.Errorf("%+v, %v", out, err)
	}
}

func TestQueryFormIsAnsweredAsTheCLIAsks(t *testing.T) {
	r := newRig(t)
	r.put(7)
	end := r.world.Clock.Now().Truncate(time.Minute)
	form := url.Values{
		"Action": {"GetMetricData"}, "Version": {"2010-08-01"}, "StartTime": {end.Add(-2 * time.Minute).Format(time.RFC3339)}, "EndTime": {end.Format(time.RFC3339)},
		"MetricDataQueries.member.1.Id": {"m1"}, "MetricDataQueries.member.1.MetricStat.Period": {"60"}, "MetricDataQueries.member.1.MetricStat.Stat": {"Average"},
		"MetricDataQueries.member.1.MetricStat.Metric.Namespace": {"AWS/CloudFront"}, "MetricDataQueries.member.1.MetricStat.Metric.MetricName": {"5xxErrorRate"},
		"MetricDataQueries.member.1.MetricStat.Metric.Dimensions.member.1.Name": {"DistributionId"}, "MetricDataQueries.member.1.MetricStat.Metric.Dimensions.member.1.Value": {"E1SHOP"},
		"MetricDataQueries.member.1.MetricStat.Metric.Dimensions.member.2.Name": {"Region"}, "MetricDataQueries.member.1.MetricStat.Metric.Dimensions.member.2.Value": {"Global"},
	}
	q, err := http.NewRequest(http.MethodPost, r.world.Endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	q.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKID/20261124/us-east-1/monitoring/aws4_request, SignedHeaders=host, Signature=0")
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	var body strings.Builder
	if _, err := fmt.Fprint(&body, readAll(t, answer)); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(body.String(), "<Values><member>7</member></Values>") {
		t.Errorf("answer %s", body.String())
	}
}

func readAll(t *testing.T, answer *http.Response) string {
	t.Helper()
	var b strings.Builder
	buffer := make([]byte, 4096)
	for {
		n, err := answer.Body.Read(buffer)
		b.Write(buffer[:n])
		if err != nil {
			return b.String()
		}
	}
}

func FuzzFromCBOR(f *testing.F) {
	seed, err := cbor.Marshal(map[string]any{"StartTime": cbor.Tag{Number: 1, Content: 1.5}, "MetricDataQueries": []any{map[string]any{"Id": "m1"}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte{0xa1, 0x01, 0x02})
	f.Add([]byte{0xbf, 0x61, 0x61, 0xfb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		input, err := fromCBOR(data)
		if err == nil && len(input) == 0 {
			t.Error("accepted, but nothing came out")
		}
	})
}

func FuzzExpression(f *testing.F) {
	for _, seed := range []string{"m1 + 1", "IF(m1 > 2 AND m1 < 3, m1, 0)", "SUM([m1, m1])", "((((", "FILL(m1, REPEAT)", "ANOMALY_DETECTION_BAND(m1, 2)"} {
		f.Add(seed)
	}
	s := New(kernel.NewWorld("111122223333", "us-east-1"))
	end := time.Date(2026, 11, 24, 3, 40, 0, 0, time.UTC)
	s.world.Metrics.PutValue(rate, end.Add(-time.Minute), 3)
	queries := []Query{{ID: "m1", MetricStat: &MetricStat{Metric: nameOf(rate), Period: 60, Stat: "Average"}}}
	f.Fuzz(func(_ *testing.T, expression string) {
		if value, err := evaluate(newWindow(s, "us-east-1", queries, end.Add(-5*time.Minute), end), expression); err == nil {
			value.series(newWindow(s, "us-east-1", queries, end.Add(-5*time.Minute), end))
		}
	})
}
