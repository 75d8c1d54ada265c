// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package wafv2

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/wafv2"
	"github.com/aws/aws-sdk-go-v2/service/wafv2/types"

	"cloudfront503/pkg/emulator/kernel"
)

const arn = "arn:aws:wafv2:us-east-1:111122223333:global/webacl/shop/aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"

func TestWebACLsAreRead(t *testing.T) {
	w := kernel.NewWorld("111122223333", "us-east-1")
	s := New(w)
	stop, err := w.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if err := s.Put([]byte(`{"Name":"shop","Id":"aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee","ARN":"`+arn+`","DefaultAction":{"Allow":{}},"Rules":[{"Name":"r","Priority":0,"Action":{"Block":{"CustomResponse":{"ResponseCode":503}}}}]}`),
		[]byte(`{"ResourceArn":"`+arn+`","LogDestinationConfigs":["arn:aws:s3:::aws-waf-logs-shop"]}`)); err != nil {
		t.Fatal(err)
	}
	client := sdk.NewFromConfig(aws.Config{Region: "us-east-1", BaseEndpoint: aws.String(w.Endpoint), Credentials: credentials.NewStaticCredentialsProvider("AKIDTEST", "secret", ""), RetryMaxAttempts: 1})
	ctx := context.Background()
	got, err := client.GetWebACL(ctx, &sdk.GetWebACLInput{Name: aws.String("shop"), Scope: types.ScopeCloudfront, Id: aws.String("aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee")})
	if err != nil || *got.WebACL.Rules[0].Action.Block.CustomResponse.ResponseCode != 503 {
		t.Errorf("got %+v, %v", got, err)
	}
	logging, err := client.GetLoggingConfiguration(ctx, &sdk.GetLoggingConfigurationInput{ResourceArn: aws.String(arn)})
	if err != nil || logging.LoggingConfiguration.LogDestinationConfigs[0] != "arn:aws:s3:::aws-waf-logs-shop" {
		t.Errorf("logging %+v, %v", logging, err)
	}
	list, err := client.ListWebACLs(ctx, &sdk.ListWebACLsInput{Scope: types.ScopeCloudfront})
	if err != nil || len(list.WebACLs) != 1 {
		t.Errorf("list %+v, %v", list, err)
	}
	_, err = client.GetWebACL(ctx, &sdk.GetWebACLInput{ARN: aws.String(arn + "x")})
	var missing *types.WAFNonexistentItemException
	if !errors.As(err, &missing) {
		t.Errorf("a missing one: %v", err)
	}
	const (
		balancer = "arn:aws:elasticloadbalancing:us-east-1:111122223333:loadbalancer/app/web/01"
		stage    = "arn:aws:apigateway:us-east-1::/restapis/a1/stages/prod"
	)
	s.Associate(balancer, arn)
	s.Associate(stage, "")
	for _, want := range []struct {
		resource, acl string
		fails         bool
	}{
		{balancer, arn, false}, {stage, "", false},
		{balancer + "x", "", true}, // it does not exist
		{"arn:aws:cloudfront::111122223333:distribution/E2EXAMPLE", "", true},
		{"arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/web/01", "", true}, // another Region's
	} {
		got, err := client.GetWebACLForResource(ctx, &sdk.GetWebACLForResourceInput{ResourceArn: &want.resource})
		acl := ""
		if err == nil && got.WebACL != nil {
			acl = *got.WebACL.ARN
		}
		if acl != want.acl || (err != nil) != want.fails {
			t.Errorf("%s is protected by %q, %v", want.resource, acl, err)
		}
	}
	if len(w.Violations()) != 0 {
		t.Error(w.Violations())
	}
}
