// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package snapshot

import (
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	edge "cloudfront503/pkg/emulator/cloudfront"
	"cloudfront503/pkg/emulator/kernel"
	bucketservice "cloudfront503/pkg/emulator/s3"
	"cloudfront503/pkg/incident"
)

const (
	bucket = "example-bucket"
	shop   = "E1SHOPEXAMPLE"
	stem   = "incidents/E1SHOPEXAMPLE/000001/snapshot"
)

// config is a shop's: two origins, one error page; lists that are empty, members that are empty.
const config = `{
  "CallerReference": "shop-1", "Comment": "shop <&> more", "Enabled": true, "DefaultRootObject": "",
  "Aliases": {"Quantity": 2, "Items": ["www.example.com", "shop.example.com"]},
  "Origins": {"Quantity": 2, "Items": [
    {"Id": "site", "DomainName": "shop-site.s3.eu-west-1.amazonaws.com", "OriginPath": "", "CustomHeaders": {"Quantity": 0},
     "S3OriginConfig": {"OriginAccessIdentity": ""}},
    {"Id": "api", "DomainName": "api.example.com", "OriginPath": "", "CustomHeaders": {"Quantity": 0},
     "CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"}}]},
  "OriginGroups": {"Quantity": 0},
  "DefaultCacheBehavior": {"TargetOriginId": "site", "ViewerProtocolPolicy": "redirect-to-https",
    "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6", "FunctionAssociations": {"Quantity": 0}},
  "CustomErrorResponses": {"Quantity": 1, "Items": [
    {"ErrorCode": 404, "ResponsePagePath": "/404.html", "ResponseCode": "404", "ErrorCachingMinTTL": 60}]}
}`

// rig is CloudFront with one distribution, and S3 with one versioned bucket, over their wire protocols.
type rig struct {
	*testing.T
	world *kernel.World
	edge  *edge.Service
	files *bucketservice.Service
	store *Store
}

func newRig(t *testing.T) *rig {
	t.Helper()
	w := kernel.NewWorld("111122223333", "us-east-1")
	r := &rig{T: t, world: w, edge: edge.New(w), files: bucketservice.New(w)}
	r.files.AddBucket(bucketservice.Bucket{Name: bucket, Versioning: "Enabled"})
	stop, err := w.Listen("127.0.0.1:0")
	r.ok(err)
	t.Cleanup(stop)
	r.ok(r.edge.PutDistribution(shop, []byte(config), map[string]string{"team": "web"}))
	r.store = New(r.cloudFront(), r.s3(), bucket, w.Clock.Now)
	return r
}

var keys = credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")

func noRetry() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts = 1 })
}

func (r *rig) cloudFront() *cloudfront.Client {
	return cloudfront.New(cloudfront.Options{Region: "us-east-1", BaseEndpoint: aws.String(r.world.Endpoint), Credentials: keys, Retryer: noRetry()})
}

func (r *rig) s3() *s3.Client {
	return s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: aws.String(r.world.Endpoint), UsePathStyle: true, Credentials: keys, Retryer: noRetry()})
}

func (r *rig) ok(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (r *rig) live() incident.Snapshot {
	r.Helper()
	live, err := r.store.Live(r.Context(), shop)
	r.ok(err)
	return live
}

// changed updates the distribution as somebody else does, and returns what CloudTrail tells of it.
func (r *rig) changed(comment string, at time.Time) incident.Change {
	r.Helper()
	_, err := r.edge.Change(shop, kernel.Principal{ARN: "arn:aws:iam::111122223333:user/bob"}, at, func(c map[string]any) { c["Comment"] = comment })
	r.ok(err)
	_, etag, _ := r.edge.Live(shop)
	return incident.Change{EventID: "c0ffee00-0000-4000-8000-" + strings.ToLower(etag), Name: "UpdateDistribution", Distribution: shop, ETag: etag, At: at}
}

// falsifying is S3 that gives back other bytes than were written under the keys that end in suffix.
type falsifying struct {
	objects
	suffix string
}

func (f falsifying) GetObject(ctx context.Context, in *s3.GetObjectInput, options ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	out, err := f.objects.GetObject(ctx, in, options...)
	if err == nil && strings.HasSuffix(*in.Key, f.suffix) {
		out.Body = io.NopCloser(strings.NewReader(`{"other":"bytes"}`))
	}
	return out, err
}

// decode is a snapshot as it lies in the bucket.
func (r *rig) decode(key string) incident.Snapshot {
	r.Helper()
	body, there := r.files.Get(bucket, key)
	if !there {
		r.Fatalf("no object %s", key)
	}
	var snap incident.Snapshot
	r.ok(json.Unmarshal(body, &snap))
	return snap
}
