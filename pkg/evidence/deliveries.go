// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package evidence

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/lean"
	"cloudfront503/pkg/lean/logs"
)

// Deliveries is CloudWatch Logs in us-east-1, which knows where standard logs v2 go: the configuration of a distribution
// does not [CFDG standard-logging].
type Deliveries interface {
	DescribeDeliverySources(context.Context) iter.Seq2[[]logs.DeliverySource, error]
	DescribeDeliveries(context.Context) iter.Seq2[[]logs.Delivery, error]
	DescribeDeliveryDestinations(context.Context) iter.Seq2[[]logs.DeliveryDestination, error]
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
	for name, ask := range map[string]func() (any, error){
		"deliverySources": func() (any, error) { return described("delivery sources", g.Deliveries.DescribeDeliverySources(ctx)) },
		"deliveries":      func() (any, error) { return described("deliveries", g.Deliveries.DescribeDeliveries(ctx)) },
		"deliveryDestinations": func() (any, error) {
			return described("delivery destinations", g.Deliveries.DescribeDeliveryDestinations(ctx))
		},
	} {
		wait.Go(func() {
			list, err := ask()
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

// described are all elements of an answer in pages, an empty list where there are none.
func described[T any](what string, pages iter.Seq2[[]T, error]) (any, error) {
	all, err := lean.All(pages)
	if err != nil {
		return nil, fmt.Errorf("describe %s: %w", what, err)
	}
	return append([]T{}, all...), nil
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
