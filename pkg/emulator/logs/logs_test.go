// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package logs

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"cloudfront503/pkg/emulator/kernel"
)

const group = "/aws/lambda/us-east-1.edge"

var at = time.Date(2026, 11, 24, 3, 40, 0, 0, time.UTC)

func newRig(t *testing.T) *sdk.Client {
	t.Helper()
	w := kernel.NewWorld("111122223333", "us-east-1")
	s := New(w)
	stop, err := w.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	s.Put("us-east-1", group, Event{"a", at, "START"}, Event{"a", at.Add(time.Second), "ERROR TypeError: x"}, Event{"b", at.Add(2 * time.Second), "END"})
	for kind, document := range map[string]string{
		Sources:      `{"name":"shop","arn":"arn:aws:logs:us-east-1:111122223333:delivery-source:shop","resourceArns":["arn:aws:cloudfront::111122223333:distribution/E1"],"service":"cloudfront","logType":"ACCESS_LOGS"}`,
		Deliveries:   `{"id":"d1","deliverySourceName":"shop","deliveryDestinationType":"S3","s3DeliveryConfiguration":{"suffixPath":"x/{yyyy}","enableHiveCompatiblePath":false}}`,
		Destinations: `{"name":"bucket","deliveryDestinationType":"S3","outputFormat":"w3c","deliveryDestinationConfiguration":{"destinationResourceArn":"arn:aws:s3:::logs"}}`,
	} {
		if err := s.PutDelivery("us-east-1", kind, []byte(document)); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		for _, v := range w.Violations() {
			t.Errorf("violation: %s", v)
		}
	})
	return sdk.NewFromConfig(aws.Config{Region: "us-east-1", BaseEndpoint: aws.String(w.Endpoint), Credentials: credentials.NewStaticCredentialsProvider("AKIDTEST", "secret", ""), RetryMaxAttempts: 1})
}

func TestDeliveriesAreDescribed(t *testing.T) {
	client, ctx := newRig(t), context.Background()
	sources, err := client.DescribeDeliverySources(ctx, &sdk.DescribeDeliverySourcesInput{})
	if err != nil || *sources.DeliverySources[0].LogType != "ACCESS_LOGS" {
		t.Errorf("sources %+v, %v", sources, err)
	}
	deliveries, err := client.DescribeDeliveries(ctx, &sdk.DescribeDeliveriesInput{})
	if err != nil || *deliveries.Deliveries[0].S3DeliveryConfiguration.SuffixPath != "x/{yyyy}" {
		t.Errorf("deliveries %+v, %v", deliveries, err)
	}
	destinations, err := client.DescribeDeliveryDestinations(ctx, &sdk.DescribeDeliveryDestinationsInput{})
	if err != nil || destinations.DeliveryDestinations[0].OutputFormat != types.OutputFormatW3c {
		t.Errorf("destinations %+v, %v", destinations, err)
	}
}

func TestEventsAreFilteredByTimeAndPattern(t *testing.T) {
	client, ctx := newRig(t), context.Background()
	for _, test := range []struct {
		name string
		in   sdk.FilterLogEventsInput
		want int
	}{
		{"all", sdk.FilterLogEventsInput{}, 3},
		{"by a word", sdk.FilterLogEventsInput{FilterPattern: aws.String("ERROR")}, 1},
		{"by one of two words", sdk.FilterLogEventsInput{FilterPattern: aws.String("?ERROR ?END")}, 2},
		{"by a phrase", sdk.FilterLogEventsInput{FilterPattern: aws.String(`"TypeError: x"`)}, 1},
		{"by time", sdk.FilterLogEventsInput{StartTime: aws.Int64(at.Add(2 * time.Second).UnixMilli())}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.in.LogGroupName = aws.String(group)
			out, err := client.FilterLogEvents(ctx, &test.in)
			if err != nil || len(out.Events) != test.want {
				t.Errorf("%d events, want %d; %v", len(out.Events), test.want, err)
			}
		})
	}
	_, err := client.FilterLogEvents(ctx, &sdk.FilterLogEventsInput{LogGroupName: aws.String("none")})
	var missing *types.ResourceNotFoundException
	if !errors.As(err, &missing) {
		t.Errorf("a missing group: %v", err)
	}
}

func TestQueryIsRunAtOnce(t *testing.T) {
	client, ctx := newRig(t), context.Background()
	started, err := client.StartQuery(ctx, &sdk.StartQueryInput{
		LogGroupName: aws.String(group), StartTime: aws.Int64(at.Unix()), EndTime: aws.Int64(at.Add(time.Minute).Unix()),
		QueryString: aws.String("fields @timestamp, @message | filter @message like /Type[A-Z]/ | limit 20"),
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := client.GetQueryResults(ctx, &sdk.GetQueryResultsInput{QueryId: started.QueryId})
	if err != nil || out.Status != types.QueryStatusComplete || len(out.Results) != 1 || *out.Results[0][1].Value != "ERROR TypeError: x" {
		t.Errorf("results %+v, %v", out, err)
	}
}
