// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package quotas

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/smithy-go"

	"cloudfront503/pkg/emulator/kernel"
)

const region = "eu-west-1"

func newRig(t *testing.T) (*kernel.World, *Service, *sdk.Client) {
	t.Helper()
	w := kernel.NewWorld("111122223333", "us-east-1")
	s := New(w)
	stop, err := w.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return w, s, sdk.NewFromConfig(aws.Config{
		Region: region, BaseEndpoint: aws.String(w.Endpoint), Credentials: credentials.NewStaticCredentialsProvider("AKIDTEST", "secret", ""), RetryMaxAttempts: 1,
	})
}

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

func concurrency(value float64) *sdk.RequestServiceQuotaIncreaseInput {
	return &sdk.RequestServiceQuotaIncreaseInput{ServiceCode: aws.String("lambda"), QuotaCode: aws.String("L-B99A9384"), DesiredValue: aws.Float64(value)}
}

func TestAppliedValueIsMissingUntilThereIsOne(t *testing.T) {
	_, s, client := newRig(t)
	ctx := context.Background()
	get := &sdk.GetServiceQuotaInput{ServiceCode: aws.String("lambda"), QuotaCode: aws.String("L-B99A9384")}
	if _, err := client.GetServiceQuota(ctx, get); code(err) != "NoSuchResourceException" {
		t.Errorf("no applied value: %v", err)
	}
	standard, err := client.GetAWSDefaultServiceQuota(ctx, &sdk.GetAWSDefaultServiceQuotaInput{ServiceCode: get.ServiceCode, QuotaCode: get.QuotaCode})
	if err != nil || *standard.Quota.Value != 1000 {
		t.Errorf("default %+v, %v", standard, err)
	}
	s.Apply(region, "lambda", "L-B99A9384", 10, time.Time{})
	applied, err := client.GetServiceQuota(ctx, get)
	if err != nil || *applied.Quota.Value != 10 {
		t.Errorf("applied %+v, %v", applied, err)
	}
	if _, err := client.ListServiceQuotas(ctx, &sdk.ListServiceQuotasInput{ServiceCode: aws.String("cloudfront")}); code(err) != "NoSuchResourceException" {
		t.Errorf("CloudFront's quotas outside us-east-1: %v", err)
	}
}

func TestIncreaseIsApprovedByTheClock(t *testing.T) {
	w, s, client := newRig(t)
	ctx := context.Background()
	s.ApproveAfter(30*time.Minute, "APPROVED")
	before := w.Clock.Now()
	made, err := client.RequestServiceQuotaIncrease(ctx, concurrency(3000))
	if err != nil || made.RequestedQuota.Status != "PENDING" {
		t.Fatalf("request %+v, %v", made, err)
	}
	if _, err := client.RequestServiceQuotaIncrease(ctx, concurrency(4000)); code(err) != "ResourceAlreadyExistsException" {
		t.Errorf("a second request: %v", err)
	}
	w.Clock.Advance(31 * time.Minute)
	done, err := client.GetRequestedServiceQuotaChange(ctx, &sdk.GetRequestedServiceQuotaChangeInput{RequestId: made.RequestedQuota.Id})
	if err != nil || done.RequestedQuota.Status != "APPROVED" {
		t.Errorf("decided %+v, %v", done, err)
	}
	if got := s.Value(region, "lambda", "L-B99A9384", w.Clock.Now()); got != 3000 {
		t.Errorf("value now %g, want 3000", got)
	}
	if got := s.Value(region, "lambda", "L-B99A9384", before); got != 1000 {
		t.Errorf("value before %g, want 1000", got)
	}
	history, err := client.ListRequestedServiceQuotaChangeHistoryByQuota(ctx, &sdk.ListRequestedServiceQuotaChangeHistoryByQuotaInput{ServiceCode: aws.String("lambda"), QuotaCode: aws.String("L-B99A9384")})
	if err != nil || len(history.RequestedQuotas) != 1 {
		t.Errorf("history %+v, %v", history, err)
	}
}

func TestIncreaseIsRefused(t *testing.T) {
	for _, test := range []struct {
		name, code string
		in         *sdk.RequestServiceQuotaIncreaseInput
	}{
		{"to less than there is", "IllegalArgumentException", concurrency(900)},
		{"of a quota that is not there", "NoSuchResourceException", &sdk.RequestServiceQuotaIncreaseInput{ServiceCode: aws.String("lambda"), QuotaCode: aws.String("L-00000000"), DesiredValue: aws.Float64(1)}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, s, client := newRig(t)
			if _, err := client.RequestServiceQuotaIncrease(context.Background(), test.in); code(err) != test.code {
				t.Errorf("error %v, want %s", err, test.code)
			}
			if len(s.Requests(region)) != 0 {
				t.Error("a request was opened")
			}
		})
	}
}
