// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	kvs "github.com/aws/aws-sdk-go-v2/service/cloudfrontkeyvaluestore"
	smithyendpoints "github.com/aws/smithy-go/endpoints"
)

// stores reads what is in CloudFront's key value stores.
type stores struct{ client *kvs.Client }

// newStores makes the client. It puts the account before the endpoint's host name, as 111122223333.cloudfront-kvs.global.api.aws;
// an endpoint that is given has no host name an account, and is taken as it is.
func newStores(cfg aws.Config) stores {
	return stores{kvs.NewFromConfig(cfg, func(o *kvs.Options) {
		if cfg.BaseEndpoint != nil {
			o.EndpointResolverV2 = asGiven(*cfg.BaseEndpoint)
		}
	})}
}

// asGiven is an endpoint that is the same for each account.
type asGiven string

// ResolveEndpoint fulfils the SDK's interface.
func (e asGiven) ResolveEndpoint(context.Context, kvs.EndpointParameters) (smithyendpoints.Endpoint, error) {
	address, err := url.Parse(string(e))
	if err != nil {
		return smithyendpoints.Endpoint{}, err
	}
	return smithyendpoints.Endpoint{URI: *address, Headers: http.Header{}}, nil
}

// Version is the ETag of a store, and when it was changed last.
func (s stores) Version(ctx context.Context, arn string) (string, time.Time, error) {
	out, err := s.client.DescribeKeyValueStore(ctx, &kvs.DescribeKeyValueStoreInput{KvsARN: &arn})
	if err != nil {
		return "", time.Time{}, err
	}
	return aws.ToString(out.ETag), aws.ToTime(out.LastModified), nil
}

// keysAPage is the most that ListKeys gives at once.
const keysAPage = 50

// Values are all keys of a store, and what they hold; a store has 5 MB at most [CloudFront quotas].
func (s stores) Values(ctx context.Context, arn string) (map[string]string, error) {
	pages := kvs.NewListKeysPaginator(s.client, &kvs.ListKeysInput{KvsARN: &arn, MaxResults: aws.Int32(keysAPage)})
	found := map[string]string{}
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, each := range page.Items {
			found[aws.ToString(each.Key)] = aws.ToString(each.Value)
		}
	}
	return found, nil
}
