// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package evidence

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"cloudfront503/pkg/distribution"
)

// Metrics of what stands behind origins [facts §2.4]. An HTTP API counts under other names than a REST API.
var (
	bucketMetrics  = []metric{{"5xxErrors", "Sum"}, {"4xxErrors", "Sum"}, {"AllRequests", "Sum"}, {"GetRequests", "Sum"}, {"FirstByteLatency", "Average"}}
	httpAPIMetrics = []metric{{"5xx", "Sum"}, {"4xx", "Sum"}, {"Count", "SampleCount"}, {"IntegrationLatency", "Maximum"}, {"Latency", "Maximum"}}
	restAPIMetrics = []metric{{"5XXError", "Sum"}, {"4XXError", "Sum"}, {"Count", "SampleCount"}, {"IntegrationLatency", "Maximum"}, {"Latency", "Maximum"}}
	urlMetrics     = []metric{{"Url5xxCount", "Sum"}, {"Url4xxCount", "Sum"}, {"UrlRequestCount", "Sum"}, {"UrlRequestLatency", "Maximum"}}
	invoked        = []metric{{"Throttles", "Sum"}, {"Errors", "Sum"}, {"ConcurrentExecutions", "Maximum"}}
)

// dimensionsOf are how the questions about a kind of origin are found: their dimensions are not all in its domain name.
var dimensionsOf = map[distribution.Kind]func(context.Context, Names, resource, *asked) error{
	distribution.KindS3: askBucket, distribution.KindS3Website: askBucket, distribution.KindAPIGateway: askAPI, distribution.KindFunctionURL: askURL,
}

// readOrigins finds out which metrics the resources of a Region have, then asks for them in one question.
func readOrigins(region string, here []resource) reader {
	return func(ctx context.Context, g *Gatherer, q Question) (Record, error) {
		parts, problem := each(here, func(r resource) (asked, error) {
			var part asked
			find := dimensionsOf[r.kind]
			if find == nil {
				return part, nil
			}
			err := find(ctx, g.Names(region), r, &part)
			return part, err
		})
		var wanted asked
		for _, part := range parts {
			wanted.join(part)
		}
		record, err := readAsked(region, wanted)(ctx, g, q)
		if err == nil {
			err = problem
		}
		return record, err
	}
}

// listed are the metrics that there are of a namespace, with these dimensions; CloudWatch lists what had data within two
// weeks, and a new one after up to 15 minutes [ListMetrics]. Two pages are enough for one resource.
func listed(ctx context.Context, client Names, namespace, name string, dimensions ...string) ([]types.Metric, error) {
	input := &cloudwatch.ListMetricsInput{Namespace: &namespace}
	if name != "" {
		input.MetricName = &name
	}
	for i := 0; i+1 < len(dimensions); i += 2 {
		input.Dimensions = append(input.Dimensions, types.DimensionFilter{Name: &dimensions[i], Value: &dimensions[i+1]})
	}
	var found []types.Metric
	pages := cloudwatch.NewListMetricsPaginator(client, input)
	for n := 0; pages.HasMorePages() && n < 2; n++ {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list metrics of %s: %w", namespace, err)
		}
		found = append(found, page.Metrics...)
	}
	return found, nil
}

// values are the values of a dimension, each once, sorted.
func values(metrics []types.Metric, dimension string) []string {
	var list []string
	for _, m := range metrics {
		for _, d := range m.Dimensions {
			if aws.ToString(d.Name) == dimension {
				list = append(list, aws.ToString(d.Value))
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// mostFilters bounds how many request-metric filters of a bucket are asked for.
const mostFilters = 3

// askBucket asks for a bucket's request metrics, which are opt-in and counted by filter. The console's filter for all
// objects is EntireBucket; others may overlap, so they are taken only where that one is not.
func askBucket(ctx context.Context, client Names, r resource, wanted *asked) error {
	bucket := bucketOf(r.name)
	metrics, err := listed(ctx, client, "AWS/S3", "", "BucketName", bucket)
	if err != nil {
		return err
	}
	filters := values(metrics, "FilterId")
	if slices.Contains(filters, "EntireBucket") {
		filters = []string{"EntireBucket"}
	}
	for _, filter := range filters[:min(len(filters), mostFilters)] {
		wanted.add("AWS/S3", bucketMetrics, "BucketName", bucket, "FilterId", filter)
	}
	return nil
}

// askAPI asks for an API's metrics: an HTTP API's have its id, a REST API's its name, which the domain name does not tell.
func askAPI(ctx context.Context, client Names, r resource, wanted *asked) error {
	id, _, _ := strings.Cut(r.name, ".")
	byID, err := listed(ctx, client, "AWS/ApiGateway", "", "ApiId", id)
	if err != nil {
		return err
	}
	if len(byID) > 0 {
		wanted.add("AWS/ApiGateway", httpAPIMetrics, "ApiId", id)
		return nil
	}
	byName, err := listed(ctx, client, "AWS/ApiGateway", "5XXError")
	if err != nil {
		return err
	}
	switch names := values(byName, "ApiName"); len(names) {
	case 0:
		return nil
	case 1:
		wanted.add("AWS/ApiGateway", restAPIMetrics, "ApiName", names[0])
		return nil
	default:
		return fmt.Errorf("%s is a REST API, and which of %s it is its domain name does not tell", id, strings.Join(names[:min(len(names), 5)], ", "))
	}
}

// mostURLs bounds how many functions with a URL are asked for: a URL's id does not tell its function.
const mostURLs = 5

func askURL(ctx context.Context, client Names, _ resource, wanted *asked) error {
	metrics, err := listed(ctx, client, "AWS/Lambda", "UrlRequestCount")
	if err != nil {
		return err
	}
	names := values(metrics, "FunctionName")
	for _, name := range names[:min(len(names), mostURLs)] {
		wanted.add("AWS/Lambda", urlMetrics, "FunctionName", name)
		if len(names) == 1 {
			wanted.add("AWS/Lambda", invoked, "FunctionName", name)
		}
	}
	return nil
}
