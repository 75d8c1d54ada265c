// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package cloudfront

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/smithy-go"

	"cloudfront503/pkg/emulator/kernel"
)

const account = "111122223333"

// shop is a distribution's configuration as the CLI prints it: an S3 origin, an API behaviour, one custom error response.
const shop = `{
  "CallerReference": "shop-1", "Comment": "shop", "Enabled": true, "DefaultRootObject": "index.html",
  "Aliases": {"Quantity": 1, "Items": ["shop.example.com"]},
  "Origins": {"Quantity": 2, "Items": [
    {"Id": "site", "DomainName": "shop-site.s3.eu-west-1.amazonaws.com", "OriginPath": "", "CustomHeaders": {"Quantity": 0},
     "S3OriginConfig": {"OriginAccessIdentity": ""}},
    {"Id": "api", "DomainName": "api.example.com", "OriginPath": "", "CustomHeaders": {"Quantity": 0},
     "CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"}}]},
  "DefaultCacheBehavior": {"TargetOriginId": "site", "ViewerProtocolPolicy": "redirect-to-https",
    "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6", "FunctionAssociations": {"Quantity": 0},
    "LambdaFunctionAssociations": {"Quantity": 1, "Items": [
      {"LambdaFunctionARN": "arn:aws:lambda:us-east-1:111122223333:function:edge:3", "EventType": "origin-request", "IncludeBody": false}]}},
  "CacheBehaviors": {"Quantity": 1, "Items": [
    {"PathPattern": "/api/*", "TargetOriginId": "api", "ViewerProtocolPolicy": "https-only",
     "CachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"}]},
  "CustomErrorResponses": {"Quantity": 1, "Items": [
    {"ErrorCode": 404, "ResponsePagePath": "/404.html", "ResponseCode": "404", "ErrorCachingMinTTL": 60}]}
}`

// trail keeps what was recorded.
type trail struct {
	mu     sync.Mutex
	events []kernel.TrailEvent
}

func (t *trail) Record(event kernel.TrailEvent) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.events = append(t.events, event)
	return "event"
}

type rig struct {
	world  *kernel.World
	edge   *Service
	client *sdk.Client
	trail  *trail
}

func newRig(t *testing.T) *rig {
	t.Helper()
	w := kernel.NewWorld(account, "us-east-1")
	r := &rig{world: w, edge: New(w), trail: &trail{}}
	w.Trail = r.trail
	stop, err := w.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	r.client = sdk.NewFromConfig(aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(w.Endpoint), Credentials: credentials.NewStaticCredentialsProvider("AKIDTEST", "secret", ""),
		RetryMaxAttempts: 1,
	})
	if err := r.edge.PutDistribution("E1SHOP", []byte(shop), map[string]string{"team": "web"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, v := range w.Violations() {
			t.Errorf("violation: %s", v)
		}
	})
	return r
}

// browser goes through the emulator's proxy and trusts its authority.
func (r *rig) browser(t *testing.T) *http.Client {
	t.Helper()
	pem, err := r.edge.CA()
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	proxy, err := url.Parse(r.world.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{Proxy: http.ProxyURL(proxy), TLSClientConfig: &tls.Config{RootCAs: pool}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func (r *rig) config(t *testing.T) *sdk.GetDistributionConfigOutput {
	t.Helper()
	out, err := r.client.GetDistributionConfig(context.Background(), &sdk.GetDistributionConfigInput{Id: aws.String("E1SHOP")})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}
