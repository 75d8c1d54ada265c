// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package keyvalues

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudfrontkeyvaluestore"
	"github.com/aws/aws-sdk-go-v2/service/cloudfrontkeyvaluestore/types"
	smithyendpoints "github.com/aws/smithy-go/endpoints"

	"cloudfront503/pkg/emulator/kernel"
)

const arn = "arn:aws:cloudfront::111122223333:key-value-store/0a1b2c3d-0000-4000-8000-000000000001"

// here is the loopback, without an account before the host's name.
type here string

func (h here) ResolveEndpoint(context.Context, sdk.EndpointParameters) (smithyendpoints.Endpoint, error) {
	address, err := url.Parse(string(h))
	return smithyendpoints.Endpoint{URI: *address, Headers: http.Header{}}, err
}

func TestStoresAreReadInASessionThatSignsForAllRegions(t *testing.T) {
	w := kernel.NewWorld("111122223333", "us-east-1")
	s := New(w)
	stop, err := w.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	s.Put(arn, map[string]string{"a": "1", "b": "2", "c": "3"})
	client := sdk.New(sdk.Options{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("AKIDTEST", "secret", ""), RetryMaxAttempts: 1, EndpointResolverV2: here(w.Endpoint)})
	described, err := client.DescribeKeyValueStore(t.Context(), &sdk.DescribeKeyValueStoreInput{KvsARN: aws.String(arn)})
	if err != nil || *described.ItemCount != 3 || *described.TotalSizeInBytes != 6 || *described.ETag == "" {
		t.Fatalf("%+v, %v", described, err)
	}
	var pairs []string
	pages := sdk.NewListKeysPaginator(client, &sdk.ListKeysInput{KvsARN: aws.String(arn), MaxResults: aws.Int32(2)})
	for n := 0; pages.HasMorePages(); n++ {
		page, err := pages.NextPage(t.Context())
		if err != nil || n > 1 {
			t.Fatalf("page %d: %v", n, err)
		}
		for _, item := range page.Items {
			pairs = append(pairs, *item.Key+*item.Value)
		}
	}
	if len(pairs) != 3 || pairs[0] != "a1" || pairs[2] != "c3" {
		t.Errorf("%v", pairs)
	}
	s.Put(arn, nil)
	if after, err := client.DescribeKeyValueStore(t.Context(), &sdk.DescribeKeyValueStoreInput{KvsARN: aws.String(arn)}); err != nil || *after.ETag == *described.ETag {
		t.Errorf("the ETag of what has changed: %+v, %v", after, err)
	}
	_, err = client.ListKeys(t.Context(), &sdk.ListKeysInput{KvsARN: aws.String(arn + "x")})
	var missing *types.ResourceNotFoundException
	if !errors.As(err, &missing) {
		t.Errorf("a missing one: %v", err)
	}
	for _, line := range w.Journal.Lines() {
		if line.Region != "us-east-1" {
			t.Errorf("%+v", line)
		}
	}
	if len(w.Violations()) != 0 {
		t.Error(w.Violations())
	}
}
