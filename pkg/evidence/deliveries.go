// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package evidence

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"cloudfront503/pkg/distribution"
)

// Deliveries is CloudWatch Logs in us-east-1, which knows where standard logs v2 go: the configuration of a distribution
// does not [CFDG standard-logging].
type Deliveries interface {
	cloudwatchlogs.DescribeDeliverySourcesAPIClient
	cloudwatchlogs.DescribeDeliveriesAPIClient
	cloudwatchlogs.DescribeDeliveryDestinationsAPIClient
}

// deliveries is the file logs/deliveries.json: the three answers as the AWS CLI prints them.
type deliveries struct {
	Sources []struct {
		Name         string   `json:"name"`
		ResourceArns []string `json:"resourceArns"`
	} `json:"deliverySources"`
	Deliveries []struct {
		Source          string   `json:"deliverySourceName"`
		Destination     string   `json:"deliveryDestinationArn"`
		Type            string   `json:"deliveryDestinationType"`
		RecordFields    []string `json:"recordFields"`
		S3Configuration struct {
			SuffixPath string `json:"suffixPath"`
			Hive       bool   `json:"enableHiveCompatiblePath"`
		} `json:"s3DeliveryConfiguration"`
	} `json:"deliveries"`
	Destinations []struct {
		ARN           string `json:"arn"`
		Format        string `json:"outputFormat"`
		Configuration struct {
			ResourceARN string `json:"destinationResourceArn"`
		} `json:"deliveryDestinationConfiguration"`
	} `json:"deliveryDestinations"`
}

// readDeliveries asks for delivery sources, deliveries and destinations at once.
func readDeliveries(ctx context.Context, g *Gatherer, _ Question) (Record, error) {
	file := map[string]any{}
	var mu sync.Mutex
	var wait sync.WaitGroup
	var problems error
	for name, ask := range map[string]func(context.Context, Deliveries) (any, error){
		"deliverySources": deliverySources, "deliveries": allDeliveries, "deliveryDestinations": deliveryDestinations,
	} {
		wait.Go(func() {
			list, err := ask(ctx, g.Deliveries)
			mu.Lock()
			defer mu.Unlock()
			file[name], problems = list, errors.Join(problems, err)
		})
	}
	wait.Wait()
	if problems != nil {
		return nil, problems
	}
	return Record{"logs/deliveries.json": encode(file)}, nil
}

// encodable are the members that say where logs go, in the CLI's spelling; the SDK's own types have another.
type encodable map[string]any

func deliverySources(ctx context.Context, client Deliveries) (any, error) {
	list := []encodable{}
	pages := cloudwatchlogs.NewDescribeDeliverySourcesPaginator(client, &cloudwatchlogs.DescribeDeliverySourcesInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("describe delivery sources: %w", err)
		}
		for _, s := range page.DeliverySources {
			list = append(list, encodable{"name": s.Name, "resourceArns": s.ResourceArns, "logType": s.LogType, "service": s.Service})
		}
	}
	return list, nil
}

func allDeliveries(ctx context.Context, client Deliveries) (any, error) {
	list := []encodable{}
	pages := cloudwatchlogs.NewDescribeDeliveriesPaginator(client, &cloudwatchlogs.DescribeDeliveriesInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("describe deliveries: %w", err)
		}
		for _, d := range page.Deliveries {
			list = append(list, encodable{
				"id": d.Id, "deliverySourceName": d.DeliverySourceName, "deliveryDestinationArn": d.DeliveryDestinationArn,
				"deliveryDestinationType": d.DeliveryDestinationType, "recordFields": d.RecordFields, "fieldDelimiter": d.FieldDelimiter,
				"s3DeliveryConfiguration": s3Configuration(d.S3DeliveryConfiguration),
			})
		}
	}
	return list, nil
}

func s3Configuration(c *types.S3DeliveryConfiguration) encodable {
	if c == nil {
		return nil
	}
	return encodable{"suffixPath": c.SuffixPath, "enableHiveCompatiblePath": c.EnableHiveCompatiblePath}
}

func deliveryDestinations(ctx context.Context, client Deliveries) (any, error) {
	list := []encodable{}
	pages := cloudwatchlogs.NewDescribeDeliveryDestinationsPaginator(client, &cloudwatchlogs.DescribeDeliveryDestinationsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("describe delivery destinations: %w", err)
		}
		for _, d := range page.DeliveryDestinations {
			resource := ""
			if d.DeliveryDestinationConfiguration != nil {
				resource = aws.ToString(d.DeliveryDestinationConfiguration.DestinationResourceArn)
			}
			list = append(list, encodable{
				"name": d.Name, "arn": d.Arn, "outputFormat": d.OutputFormat, "deliveryDestinationType": d.DeliveryDestinationType,
				"deliveryDestinationConfiguration": encodable{"destinationResourceArn": resource},
			})
		}
	}
	return list, nil
}

// logSources are the places where the distribution's standard logs lie, legacy ones and those of version 2.
func logSources(q Question, logging distribution.Logging, file []byte) []source {
	var list []source
	if logging.Enabled {
		legacy := shelf{bucket: bucketOf(logging.Bucket), prefixes: []string{logging.Prefix}}
		list = append(list, source{"access-logs", "aws s3 ls s3://" + legacy.bucket + "/" + logging.Prefix, legacy.read})
	}
	var known deliveries
	if json.Unmarshal(file, &known) != nil {
		return list
	}
	for i := range known.Deliveries {
		if known.isOf(q, i) {
			list = append(list, known.source(q, i))
		}
	}
	return list
}

// isOf says whether a delivery's source is the distribution.
func (d deliveries) isOf(q Question, i int) bool {
	for _, s := range d.Sources {
		if s.Name == d.Deliveries[i].Source && slices.ContainsFunc(s.ResourceArns, func(arn string) bool {
			return strings.HasSuffix(arn, ":distribution/"+q.Snapshot.Distribution)
		}) {
			return true
		}
	}
	return false
}

// source is how a delivery's logs are read, or why they cannot be.
func (d deliveries) source(q Question, i int) source {
	delivery := d.Deliveries[i]
	format, target := "", ""
	for _, destination := range d.Destinations {
		if destination.ARN == delivery.Destination {
			format, target = destination.Format, destination.Configuration.ResourceARN
		}
	}
	s := source{name: "access-logs " + strings.ToLower(delivery.Type) + " " + part(target, ":", 5), next: "aws logs describe-delivery-destinations --region us-east-1"}
	header := header(format, delivery.RecordFields)
	switch {
	case target == "":
		s.read = cannot("the destination %s is another account's", delivery.Destination)
	case format == "parquet":
		s.read = cannot("%s is parquet, which is not read here: add a delivery in JSON or w3c", target)
	case delivery.Type == "S3":
		bucket, prefix, _ := strings.Cut(part(target, ":", 5), "/")
		s.next = "aws s3 ls s3://" + bucket
		s.read = shelf{bucket: bucket, header: header, prefixes: deliveredUnder(q, prefix, delivery.S3Configuration.SuffixPath, delivery.S3Configuration.Hive)}.read
	case delivery.Type == "CWL":
		s.name, s.next = "access-logs "+groupOf(target), "aws logs filter-log-events --log-group-name "+groupOf(target)
		s.read = readGroup(target, header)
	default:
		s.read = cannot("%s is a stream, which keeps nothing to read: look where it leads", target)
	}
	return s
}

func cannot(format string, args ...any) reader {
	return func(context.Context, *Gatherer, Question) (Record, error) { return nil, fmt.Errorf(format, args...) }
}

// header is the line that formats without one lack: plain rows have the delivery's fields in their order.
func header(format string, fields []string) string {
	if (format == "plain" || format == "raw") && len(fields) > 0 {
		return "#Fields: " + strings.Join(fields, " ") + "\n"
	}
	return ""
}

// deliveredUnder are the prefixes under which a delivery may put the objects of an hour, with variables for it. Without a
// prefix of its own a bucket gets AWSLogs/ACCOUNT/CloudFront/ [CFDG standard-logging "Send logs to Amazon S3"]. In the
// Hive-compatible form a part is NAME=VALUE; the names differ between the guide's examples, so each spelling is asked for.
func deliveredUnder(q Question, prefix, suffix string, hive bool) []string {
	prefix = strings.Trim(prefix, "/")
	if prefix == "" {
		prefix = "AWSLogs/{accountid}/CloudFront"
	}
	path := prefix
	if suffix = strings.Trim(suffix, "/"); suffix != "" {
		path += "/" + suffix
	}
	fill := func(names ...string) string {
		values := []string{"{DistributionId}", q.Snapshot.Distribution, "{distributionid}", q.Snapshot.Distribution, "{accountid}", q.Account}
		return strings.NewReplacer(append(names, values...)...).Replace(path) + "/"
	}
	if !hive {
		return []string{fill()}
	}
	times := []string{"{yyyy}", "year={yyyy}", "{MM}", "month={MM}", "{dd}", "day={dd}", "{HH}", "hour={HH}"}
	id := q.Snapshot.Distribution
	return []string{
		fill(append([]string{"{DistributionId}", "DistributionId=" + id, "{distributionid}", "distributionid=" + id, "{accountid}", "aws-account-id=" + q.Account}, times...)...),
		fill(append([]string{"{DistributionId}", "DistributionId=" + id, "{distributionid}", "distributionid=" + id}, times...)...),
		fill(times...),
	}
}

// at fills a time into a prefix.
func at(prefix string, hour time.Time) string {
	return strings.NewReplacer("{yyyy}", hour.Format("2006"), "{MM}", hour.Format("01"), "{dd}", hour.Format("02"), "{HH}", hour.Format("15")).Replace(prefix)
}
