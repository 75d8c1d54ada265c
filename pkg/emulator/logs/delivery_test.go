// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package logs

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"
)

func codeOf(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// walk is one call after another on the same account, with the error that each must give.
type walk struct {
	name string
	call func() error
	want string
}

func TestADeliveryIsMadeFromASourceAndADestinationAndTakenAwayFirst(t *testing.T) {
	client, ctx := newRig(t), context.Background()
	const news = "arn:aws:cloudfront::111122223333:distribution/E2"
	source := func(name, arn string) func() error {
		return func() error {
			_, err := client.PutDeliverySource(ctx, &sdk.PutDeliverySourceInput{Name: &name, ResourceArn: &arn, LogType: aws.String("ACCESS_LOGS")})
			return err
		}
	}
	destination := func(format types.OutputFormat) func() error {
		return func() error {
			_, err := client.PutDeliveryDestination(ctx, &sdk.PutDeliveryDestinationInput{Name: aws.String("news"), OutputFormat: format,
				DeliveryDestinationConfiguration: &types.DeliveryDestinationConfiguration{DestinationResourceArn: aws.String("arn:aws:s3:::logs/cf")}})
			return err
		}
	}
	id := ""
	deliver := func() error {
		out, err := client.CreateDelivery(ctx, &sdk.CreateDeliveryInput{DeliverySourceName: aws.String("news"),
			DeliveryDestinationArn:  aws.String("arn:aws:logs:us-east-1:111122223333:delivery-destination:news"),
			S3DeliveryConfiguration: &types.S3DeliveryConfiguration{SuffixPath: aws.String("{yyyy}"), EnableHiveCompatiblePath: aws.Bool(false)}})
		if err == nil {
			id = *out.Delivery.Id
		}
		return err
	}
	takeSource := func() error {
		_, err := client.DeleteDeliverySource(ctx, &sdk.DeleteDeliverySourceInput{Name: aws.String("news")})
		return err
	}
	takeDestination := func() error {
		_, err := client.DeleteDeliveryDestination(ctx, &sdk.DeleteDeliveryDestinationInput{Name: aws.String("news")})
		return err
	}
	takeDelivery := func() error {
		_, err := client.DeleteDelivery(ctx, &sdk.DeleteDeliveryInput{Id: &id})
		return err
	}
	for _, step := range []walk{
		{"a delivery without a source", deliver, "ResourceNotFoundException"},
		{"a source", source("news", news), ""},
		{"the same again", source("news", news), ""},
		{"a second one of the distribution", source("other", news), "ConflictException"},
		{"one of a distribution that has one", source("other", "arn:aws:cloudfront::111122223333:distribution/E1"), "ConflictException"},
		{"one of the same name for another", source("news", "arn:aws:cloudfront::111122223333:distribution/E3"), "ConflictException"},
		{"one of what is no distribution", source("other", "arn:aws:s3:::b"), "ValidationException"},
		{"a delivery without a destination", deliver, "ResourceNotFoundException"},
		{"a destination", destination(types.OutputFormatJson), ""},
		{"one with another format", destination(types.OutputFormatW3c), "ValidationException"},
		{"a delivery", deliver, ""},
		{"a second one", deliver, "ConflictException"},
		{"its source taken away", takeSource, "ConflictException"},
		{"its destination taken away", takeDestination, "ConflictException"},
		{"taken away", takeDelivery, ""},
		{"taken away twice", takeDelivery, "ResourceNotFoundException"},
		{"then its source", takeSource, ""},
		{"then its destination", takeDestination, ""},
		{"which is gone", takeDestination, "ResourceNotFoundException"},
	} {
		if err := step.call(); codeOf(err) != step.want {
			t.Errorf("%s: %v, want %q", step.name, err, step.want)
		}
	}
}
