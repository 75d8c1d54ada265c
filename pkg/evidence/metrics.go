// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package evidence

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// Metrics is CloudWatch in one Region.
type Metrics = cloudwatch.GetMetricDataAPIClient

// Names is CloudWatch in one Region, where dimensions have to be found first.
type Names = cloudwatch.ListMetricsAPIClient

// metric is a name and the statistic that says something about it.
type metric struct{ name, stat string }

// The metrics of a distribution [CFDG "Types of metrics for CloudFront"]. The second half exists with additional metrics
// only; the Lambda names are seen in practice and not documented, so that "no data" of them says nothing.
var distributionMetrics = []metric{
	{"Requests", "Sum"}, {"BytesDownloaded", "Sum"}, {"BytesUploaded", "Sum"},
	{"4xxErrorRate", "Average"}, {"5xxErrorRate", "Average"}, {"TotalErrorRate", "Average"},
	{"401ErrorRate", "Average"}, {"403ErrorRate", "Average"}, {"404ErrorRate", "Average"},
	{"502ErrorRate", "Average"}, {"503ErrorRate", "Average"}, {"504ErrorRate", "Average"},
	{"CacheHitRate", "Average"}, {"OriginLatency", "p90"},
	{"LambdaExecutionError", "Sum"}, {"LambdaValidationError", "Sum"},
	{"LambdaLimitExceededErrors", "Sum"}, {"LambdaLimitExceededError", "Sum"},
}

// The metrics of a CloudFront Function on one distribution [CFDG "Types of metrics for CloudFront"].
var functionMetrics = []metric{
	{"FunctionInvocations", "Sum"}, {"FunctionValidationErrors", "Sum"}, {"FunctionExecutionErrors", "Sum"},
	{"FunctionThrottles", "Sum"}, {"FunctionComputeUtilization", "Average"},
}

// The metrics of a Lambda@Edge replica, in the Region that ran it, under us-east-1.NAME [CFDG lambda-edge-testing-debugging].
var replicaMetrics = []metric{
	{"Invocations", "Sum"}, {"Errors", "Sum"}, {"Throttles", "Sum"}, {"Duration", "Average"}, {"Duration", "Maximum"},
	{"ConcurrentExecutions", "Maximum"},
}

// The account's concurrency in a Region, shared by all functions there: metrics without a dimension.
var poolMetrics = []metric{{"ConcurrentExecutions", "Maximum"}, {"UnreservedConcurrentExecutions", "Maximum"}}

const (
	metricsBefore = time.Hour // how long before the alarm the questions begin: an onset needs a "before"
	metricsPeriod = 60        // seconds; CloudFront's metrics have one-minute data
)

// readMetrics asks one Region everything in one question [contracts: 500 queries and 100,800 datapoints a call].
func readMetrics(region string, uses used) reader {
	return func(ctx context.Context, g *Gatherer, q Question) (Record, error) {
		queries := questions(region, q.Snapshot.Distribution, uses)
		results, err := g.fetchMetrics(ctx, region, queries, q.At)
		if err != nil {
			return nil, fmt.Errorf("get metric data in %s: %w", region, err)
		}
		return Record{"metrics/" + region + ".json": encode(map[string]any{
			"MetricDataQueries": queries, "MetricDataResults": results,
		})}, nil
	}
}

func (g *Gatherer) fetchMetrics(ctx context.Context, region string, queries []types.MetricDataQuery, at time.Time) ([]types.MetricDataResult, error) {
	pages := cloudwatch.NewGetMetricDataPaginator(g.Metrics(region), &cloudwatch.GetMetricDataInput{
		StartTime: aws.Time(at.Add(-metricsBefore).Truncate(time.Minute)), EndTime: aws.Time(g.Now()),
		MetricDataQueries: queries,
	})
	merged := map[string]int{}
	var results []types.MetricDataResult
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, result := range page.MetricDataResults {
			results = join(results, merged, result)
		}
	}
	return results, nil
}

// join adds a page's part of a series to the series: a long one comes in several pages.
func join(results []types.MetricDataResult, merged map[string]int, part types.MetricDataResult) []types.MetricDataResult {
	i, known := merged[aws.ToString(part.Id)]
	if !known {
		merged[aws.ToString(part.Id)] = len(results)
		return append(results, part)
	}
	results[i].Timestamps = append(results[i].Timestamps, part.Timestamps...)
	results[i].Values = append(results[i].Values, part.Values...)
	results[i].StatusCode = part.StatusCode
	return results
}

// questions are the queries for one Region.
func questions(region, distribution string, uses used) []types.MetricDataQuery {
	var list asked
	if region == "us-east-1" {
		global := []string{"DistributionId", distribution, "Region", "Global"}
		list.add("AWS/CloudFront", distributionMetrics, global...)
		for _, name := range uses.functions {
			list.add("AWS/CloudFront", functionMetrics, append([]string{"FunctionName", name}, global...)...)
		}
	}
	for _, version := range uses.lambdas {
		list.add("AWS/Lambda", replicaMetrics, "FunctionName", "us-east-1."+version.name)
	}
	if len(uses.lambdas) > 0 {
		list.add("AWS/Lambda", poolMetrics)
	}
	return list.queries
}

// asked collects queries; a metric that two associations share is asked once.
type asked struct {
	queries []types.MetricDataQuery
	seen    map[string]bool
}

// add asks for metrics of a namespace with the dimensions name, value, name, value…
func (a *asked) add(namespace string, metrics []metric, dimensions ...string) {
	if a.seen == nil {
		a.seen = map[string]bool{}
	}
	for _, m := range metrics {
		key := fmt.Sprint(namespace, m, dimensions)
		if a.seen[key] {
			continue
		}
		a.seen[key] = true
		a.queries = append(a.queries, types.MetricDataQuery{
			Id: aws.String(fmt.Sprintf("m%d", len(a.queries))), ReturnData: aws.Bool(true),
			MetricStat: &types.MetricStat{
				Metric: &types.Metric{Namespace: aws.String(namespace), MetricName: aws.String(m.name), Dimensions: pairs(dimensions)},
				Period: aws.Int32(metricsPeriod), Stat: aws.String(m.stat),
			},
		})
	}
}

// join adds another's queries, with ids of their own.
func (a *asked) join(other asked) {
	for _, query := range other.queries {
		query.Id = aws.String(fmt.Sprintf("m%d", len(a.queries)))
		a.queries = append(a.queries, query)
	}
}

func pairs(dimensions []string) []types.Dimension {
	list := []types.Dimension{}
	for i := 0; i+1 < len(dimensions); i += 2 {
		list = append(list, types.Dimension{Name: aws.String(dimensions[i]), Value: aws.String(dimensions[i+1])})
	}
	return list
}

// Minute is what a distribution's metrics say about one minute.
type Minute struct {
	At       time.Time
	Requests float64
	Percent  float64 // of them that failed, by 503ErrorRate where there is one, else by 5xxErrorRate
}

// Rate is what a distribution's metrics say about a stretch of time.
type Rate struct {
	From, To time.Time
	Requests float64 // in all
	Failed   float64 // of them
	Minutes  []Minute
	Metric   string // which rate it was
}

// Percent is the share of requests that failed; 0 of none.
func (r Rate) Percent() float64 {
	if r.Requests == 0 {
		return 0
	}
	return 100 * r.Failed / r.Requests
}

// ReadRate asks for requests and error rates between two times. Rates are percentages of requests, so they are weighed
// by the requests of their minute.
func ReadRate(ctx context.Context, metrics Metrics, distribution string, from, to time.Time) (Rate, error) {
	var list asked
	list.add("AWS/CloudFront", []metric{{"Requests", "Sum"}, {"503ErrorRate", "Average"}, {"5xxErrorRate", "Average"}},
		"DistributionId", distribution, "Region", "Global")
	g := Gatherer{Clients: Clients{Metrics: func(string) Metrics { return metrics }}, Now: func() time.Time { return to }}
	results, err := g.fetchMetrics(ctx, "us-east-1", list.queries, from.Add(metricsBefore))
	if err != nil {
		return Rate{}, fmt.Errorf("get metric data of %s: %w", distribution, err)
	}
	return weigh(results, from, to), nil
}

func weigh(results []types.MetricDataResult, from, to time.Time) Rate {
	requests := minutes(results, "m0", from, to)
	rate := Rate{From: from, To: to, Metric: "503ErrorRate"}
	failing := minutes(results, "m1", from, to)
	if len(failing) == 0 {
		rate.Metric, failing = "5xxErrorRate", minutes(results, "m2", from, to)
	}
	for at, n := range requests {
		rate.Requests += n
		rate.Failed += n * failing[at] / 100
		rate.Minutes = append(rate.Minutes, Minute{At: at, Requests: n, Percent: failing[at]})
	}
	slices.SortFunc(rate.Minutes, func(a, b Minute) int { return a.At.Compare(b.At) })
	return rate
}

func minutes(results []types.MetricDataResult, id string, from, to time.Time) map[time.Time]float64 {
	values := map[time.Time]float64{}
	for _, result := range results {
		if aws.ToString(result.Id) != id {
			continue
		}
		for i, at := range result.Timestamps {
			if i < len(result.Values) && !at.Before(from) && at.Before(to) {
				values[at.UTC()] = result.Values[i]
			}
		}
	}
	return values
}
