// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package s3_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/s3"
)

func ifNoneMatch(in *sdk.PutObjectInput) { in.IfNoneMatch = aws.String("*") }

func ifMatch(etag string) func(*sdk.PutObjectInput) {
	return func(in *sdk.PutObjectInput) { in.IfMatch = &etag }
}

func TestConditionalWrites(t *testing.T) {
	const etagOfOne = `"f97c5d29941bfb1b2fdab0874906ab82"` // md5 of "one"
	tests := []struct {
		name      string
		before    string // content; empty: none
		deleted   bool   // a delete marker on top
		condition func(*sdk.PutObjectInput)
		wantCode  string
		want      string // content afterwards
	}{
		{name: "If-None-Match on a new key", condition: ifNoneMatch, want: "new"},
		{name: "If-None-Match on a key that is there", before: "one", condition: ifNoneMatch, wantCode: "PreconditionFailed", want: "one"},
		{name: "If-None-Match on a delete marker", before: "one", deleted: true, condition: ifNoneMatch, want: "new"},
		{name: "If-Match on the current ETag", before: "one", condition: ifMatch(etagOfOne), want: "new"},
		{name: "If-Match without quotes", before: "one", condition: ifMatch(strings.Trim(etagOfOne, `"`)), want: "new"},
		{name: "If-Match on an old ETag", before: "two", condition: ifMatch(etagOfOne), wantCode: "PreconditionFailed", want: "two"},
		{name: "If-Match on no object", condition: ifMatch(etagOfOne), wantCode: "NoSuchKey"},
		{name: "If-Match on a delete marker", before: "one", deleted: true, condition: ifMatch(etagOfOne), wantCode: "NoSuchKey"},
		{name: "If-None-Match with an ETag is not implemented", condition: func(in *sdk.PutObjectInput) { in.IfNoneMatch = aws.String(etagOfOne) }, wantCode: "NotImplemented"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t)
			if test.before != "" {
				r.stored("current", test.before)
			}
			if test.deleted {
				_, err := r.client.DeleteObject(context.Background(), &sdk.DeleteObjectInput{Bucket: aws.String(bucket), Key: aws.String("current")})
				checkCode(t, err, "")
			}
			_, err := r.put("current", "new", test.condition)
			checkCode(t, err, test.wantCode)
			if got, _ := r.get("current"); got != test.want {
				t.Errorf("content is %q, want %q", got, test.want)
			}
			r.checkStrict()
		})
	}
}

func TestOneOfManyConditionalWritersWins(t *testing.T) {
	r := newRig(t)
	var won atomic.Int32
	var writers sync.WaitGroup
	for i := range 8 {
		writers.Go(func() {
			if _, err := r.put("claim", fmt.Sprint(i), ifNoneMatch); err == nil {
				won.Add(1)
			}
		})
	}
	writers.Wait()
	if won.Load() != 1 {
		t.Errorf("%d writers won", won.Load())
	}
}

func TestFaultMakesAConflict(t *testing.T) {
	r := newRig(t)
	r.world.Faults.Add(kernel.Fault{Action: "s3:PutObject", Times: 1, Error: kernel.Errorf(409, "ConditionalRequestConflict", "The conditional request cannot succeed due to a conflicting operation against this resource.")})
	_, err := r.put("a", "one", ifNoneMatch)
	checkCode(t, err, "ConditionalRequestConflict")
	_, err = r.put("a", "one", ifNoneMatch)
	checkCode(t, err, "")
}

func TestFaultsBeforeComesBetweenCheckAndWrite(t *testing.T) {
	r := newRig(t)
	old := r.stored("a", "one")
	r.world.Faults.Add(kernel.Fault{Action: "s3:PutObject", Before: func() { _, _ = r.service.Put(bucket, "a", []byte("theirs")) }})
	_, err := r.put("a", "ours", ifMatch(*old.ETag))
	checkCode(t, err, "PreconditionFailed")
}

func TestVersions(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	first, second := r.stored("k", "one"), r.stored("k", "two")
	if *first.VersionId == *second.VersionId {
		t.Errorf("both versions are %s", *first.VersionId)
	}
	deleted, err := r.client.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: aws.String(bucket), Key: aws.String("k")})
	checkCode(t, err, "")
	if !aws.ToBool(deleted.DeleteMarker) || deleted.VersionId == nil {
		t.Errorf("no delete marker: %+v", deleted)
	}
	_, err = r.get("k")
	checkCode(t, err, "NoSuchKey")
	old, err := r.client.GetObject(ctx, &sdk.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("k"), VersionId: first.VersionId})
	checkCode(t, err, "")
	if body, _ := io.ReadAll(old.Body); string(body) != "one" || *old.VersionId != *first.VersionId {
		t.Errorf("the first version is %q %s", body, *old.VersionId)
	}
	_, err = r.client.GetObject(ctx, &sdk.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("k"), VersionId: aws.String("other")})
	checkCode(t, err, "NoSuchVersion")
	_, err = r.client.GetObject(ctx, &sdk.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("k"), VersionId: deleted.VersionId})
	checkCode(t, err, "MethodNotAllowed")

	list, err := r.client.ListObjectVersions(ctx, &sdk.ListObjectVersionsInput{Bucket: aws.String(bucket), MaxKeys: aws.Int32(2)})
	checkCode(t, err, "")
	if len(list.Versions) != 1 || len(list.DeleteMarkers) != 1 || *list.Versions[0].VersionId != *second.VersionId || !*list.DeleteMarkers[0].IsLatest {
		t.Fatalf("first page: %+v", list)
	}
	list, err = r.client.ListObjectVersions(ctx, &sdk.ListObjectVersionsInput{Bucket: aws.String(bucket), KeyMarker: list.NextKeyMarker, VersionIdMarker: list.NextVersionIdMarker})
	checkCode(t, err, "")
	if len(list.Versions) != 1 || *list.Versions[0].VersionId != *first.VersionId || *list.IsTruncated {
		t.Errorf("second page: %+v", list)
	}

	_, err = r.client.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: aws.String(bucket), Key: aws.String("k"), VersionId: deleted.VersionId})
	checkCode(t, err, "")
	if got, err := r.get("k"); got != "two" {
		t.Errorf("after the marker is deleted the object is %q, %v", got, err)
	}
	r.checkStrict()
}

func TestUnversionedBucketKeepsOneVersion(t *testing.T) {
	r := newRig(t)
	r.service.AddBucket(s3.Bucket{Name: bucket})
	if out := r.stored("k", "one"); out.VersionId != nil {
		t.Errorf("version %s", *out.VersionId)
	}
	r.stored("k", "two")
	_, err := r.client.DeleteObject(context.Background(), &sdk.DeleteObjectInput{Bucket: aws.String(bucket), Key: aws.String("k")})
	checkCode(t, err, "")
	list, err := r.client.ListObjectVersions(context.Background(), &sdk.ListObjectVersionsInput{Bucket: aws.String(bucket)})
	checkCode(t, err, "")
	if len(list.Versions)+len(list.DeleteMarkers) != 0 {
		t.Errorf("left: %+v", list)
	}
}

func TestChecksums(t *testing.T) {
	const body = "123456789"
	tests := []struct {
		name     string
		change   func(*sdk.PutObjectInput)
		wantCode string
		want     map[string]string // by the name of the algorithm
	}{
		{name: "the SDK's default, in a trailer or header", change: func(*sdk.PutObjectInput) {}, want: map[string]string{"CRC32": "y/Q5Jg=="}},
		{name: "CRC32C", change: func(in *sdk.PutObjectInput) { in.ChecksumAlgorithm = types.ChecksumAlgorithmCrc32c }, want: map[string]string{"CRC32C": "4waSgw=="}},
		{name: "CRC64NVME by its check value", change: func(in *sdk.PutObjectInput) { in.ChecksumCRC64NVME = aws.String("rosUhgp5mIg=") }, want: map[string]string{"CRC64NVME": "rosUhgp5mIg="}},
		{name: "SHA256", change: func(in *sdk.PutObjectInput) { in.ChecksumAlgorithm = types.ChecksumAlgorithmSha256 }, want: map[string]string{"SHA256": "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="}},
		{name: "a wrong SHA256", change: func(in *sdk.PutObjectInput) {
			in.ChecksumSHA256 = aws.String(base64.StdEncoding.EncodeToString(make([]byte, 32)))
		}, wantCode: "BadDigest"},
		{name: "a wrong Content-MD5", change: func(in *sdk.PutObjectInput) {
			in.ContentMD5 = aws.String(base64.StdEncoding.EncodeToString(make([]byte, 16)))
		}, wantCode: "BadDigest"},
		{name: "a Content-MD5 of another length", change: func(in *sdk.PutObjectInput) { in.ContentMD5 = aws.String("AAAA") }, wantCode: "InvalidDigest"},
		{name: "the right Content-MD5", change: func(in *sdk.PutObjectInput) { in.ContentMD5 = aws.String("JfnnlDI7RTiF9RgfG2JNCw==") }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t)
			_, err := r.put("k", body, test.change)
			checkCode(t, err, test.wantCode)
			if test.want == nil {
				return
			}
			head, err := r.client.HeadObject(context.Background(), &sdk.HeadObjectInput{Bucket: aws.String(bucket), Key: aws.String("k"), ChecksumMode: types.ChecksumModeEnabled})
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for name, value := range map[string]*string{"CRC32": head.ChecksumCRC32, "CRC32C": head.ChecksumCRC32C, "CRC64NVME": head.ChecksumCRC64NVME, "SHA256": head.ChecksumSHA256} {
				if value != nil {
					got[name] = *value
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("checksums (-want +got):\n%s", diff)
			}
			r.checkStrict()
		})
	}
}

func TestListPages(t *testing.T) {
	r := newRig(t)
	for _, key := range []string{"a/1", "a/2", "a/b/3", "c d&ü", "e"} {
		r.stored(key, key)
	}
	tests := []struct {
		name         string
		in           sdk.ListObjectsV2Input
		wantKeys     []string
		wantPrefixes []string
	}{
		{name: "everything, two a page", in: sdk.ListObjectsV2Input{MaxKeys: aws.Int32(2)}, wantKeys: []string{"a/1", "a/2", "a/b/3", "c d&ü", "e"}},
		{name: "under a prefix", in: sdk.ListObjectsV2Input{Prefix: aws.String("a/")}, wantKeys: []string{"a/1", "a/2", "a/b/3"}},
		{name: "one level, one a page", in: sdk.ListObjectsV2Input{Delimiter: aws.String("/"), MaxKeys: aws.Int32(1)}, wantKeys: []string{"c d&ü", "e"}, wantPrefixes: []string{"a/"}},
		{name: "one level under a prefix", in: sdk.ListObjectsV2Input{Prefix: aws.String("a/"), Delimiter: aws.String("/")}, wantKeys: []string{"a/1", "a/2"}, wantPrefixes: []string{"a/b/"}},
		{name: "after a key", in: sdk.ListObjectsV2Input{StartAfter: aws.String("a/b/3")}, wantKeys: []string{"c d&ü", "e"}},
		{name: "escaped", in: sdk.ListObjectsV2Input{Prefix: aws.String("c"), EncodingType: types.EncodingTypeUrl}, wantKeys: []string{"c+d%26%C3%BC"}},
		{name: "nothing", in: sdk.ListObjectsV2Input{Prefix: aws.String("zzz")}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.in.Bucket = aws.String(bucket)
			var keys, prefixes []string
			pages := sdk.NewListObjectsV2Paginator(r.client, &test.in)
			for pages.HasMorePages() {
				page, err := pages.NextPage(context.Background())
				if err != nil {
					t.Fatal(err)
				}
				if limit := aws.ToInt32(test.in.MaxKeys); limit > 0 && int(*page.KeyCount) > int(limit) {
					t.Errorf("page of %d", *page.KeyCount)
				}
				for _, o := range page.Contents {
					keys = append(keys, *o.Key)
				}
				for _, p := range page.CommonPrefixes {
					prefixes = append(prefixes, *p.Prefix)
				}
			}
			if diff := cmp.Diff([][]string{test.wantKeys, test.wantPrefixes}, [][]string{keys, prefixes}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhoMayDoWhat(t *testing.T) {
	const get = `{"Sid":"Get","Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::example-bucket/*"}`
	const list = `{"Sid":"List","Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::example-bucket","Condition":{"StringLikeIfExists":{"s3:prefix":"incidents/*"}}}`
	const put = `{"Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::example-bucket/incidents/*"}`
	read := func(r *rig) error { _, err := r.get("incidents/missing"); return err }
	write := func(key string, condition func(*sdk.PutObjectInput)) func(*rig) error {
		return func(r *rig) error { _, err := r.put(key, "x", condition); return err }
	}
	enumerate := func(prefix string) func(*rig) error {
		return func(r *rig) error {
			_, err := r.client.ListObjectsV2(context.Background(), &sdk.ListObjectsV2Input{Bucket: aws.String(bucket), Prefix: &prefix})
			return err
		}
	}
	plain := func(*sdk.PutObjectInput) {}
	tests := []struct {
		name, statements string
		do               func(*rig) error
		wantCode         string
	}{
		{"a missing key is 404 for who may list", get + "," + list, read, "NoSuchKey"},
		{"a missing key is 403 for who may not", get, read, "AccessDenied"},
		{"a put where it is allowed", put, write("incidents/a", plain), ""},
		{"a put elsewhere", put, write("snapshots/a", plain), "AccessDenied"},
		{"If-Match needs s3:GetObject too", put, write("incidents/a", ifMatch("x")), "AccessDenied"},
		{"If-Match with s3:GetObject", put + "," + get, write("incidents/a", ifMatch("x")), "NoSuchKey"},
		{"If-None-Match does not", put, write("incidents/a", ifNoneMatch), ""},
		{"a listing under the prefix", list, enumerate("incidents/E1"), ""},
		{"a listing elsewhere", list, enumerate("snapshots/"), "AccessDenied"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t).as(test.statements)
			checkCode(t, test.do(r), test.wantCode)
		})
	}
}

func TestJournalNamesTheStatements(t *testing.T) {
	r := newRig(t).as(`{"Sid":"Get","Effect":"Allow","Action":"s3:GetObject","Resource":"*"},{"Sid":"List","Effect":"Allow","Action":"s3:ListBucket","Resource":"*"}`)
	_, err := r.get("missing")
	checkCode(t, err, "NoSuchKey")
	want := []kernel.Line{{
		Principal: "arn:aws:sts::111122223333:assumed-role/worker/session", Action: "s3:GetObject", Resources: []string{"arn:aws:s3:::example-bucket/missing"},
		Region: "us-east-1", Outcome: "NoSuchKey", Grants: []string{"worker/p#Get", "worker/p#List"},
	}}
	got := r.world.Journal.Lines()
	for i := range got {
		got[i].At, got[i].RequestID = time.Time{}, ""
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestBucketPolicyDenies(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	const policy = `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::example-bucket/*","Condition":{"Null":{"s3:if-none-match":"true"}}}}`
	_, err := r.client.PutBucketPolicy(ctx, &sdk.PutBucketPolicyInput{Bucket: aws.String(bucket), Policy: aws.String(policy)})
	checkCode(t, err, "")
	got, err := r.client.GetBucketPolicy(ctx, &sdk.GetBucketPolicyInput{Bucket: aws.String(bucket)})
	checkCode(t, err, "")
	if *got.Policy != policy {
		t.Errorf("policy %s", *got.Policy)
	}
	_, err = r.put("k", "one")
	checkCode(t, err, "AccessDenied")
	_, err = r.put("k", "one", ifNoneMatch)
	checkCode(t, err, "")
	_, err = r.client.PutBucketPolicy(ctx, &sdk.PutBucketPolicyInput{Bucket: aws.String(bucket), Policy: aws.String("{}")})
	checkCode(t, err, "MalformedPolicy")
	r.checkStrict()
}

func TestBuckets(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	name := aws.String("another-bucket")
	_, err := r.client.HeadBucket(ctx, &sdk.HeadBucketInput{Bucket: name})
	checkCode(t, err, "NotFound")
	_, err = r.client.CreateBucket(ctx, &sdk.CreateBucketInput{Bucket: name})
	checkCode(t, err, "")
	_, err = r.client.HeadBucket(ctx, &sdk.HeadBucketInput{Bucket: name})
	checkCode(t, err, "")
	_, err = r.client.PutBucketVersioning(ctx, &sdk.PutBucketVersioningInput{Bucket: name, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled}})
	checkCode(t, err, "")
	versioning, err := r.client.GetBucketVersioning(ctx, &sdk.GetBucketVersioningInput{Bucket: name})
	checkCode(t, err, "")
	location, err := r.client.GetBucketLocation(ctx, &sdk.GetBucketLocationInput{Bucket: name})
	checkCode(t, err, "")
	if versioning.Status != types.BucketVersioningStatusEnabled || location.LocationConstraint != "" {
		t.Errorf("versioning %q, location %q", versioning.Status, location.LocationConstraint)
	}
	list, err := r.client.ListBuckets(ctx, &sdk.ListBucketsInput{})
	checkCode(t, err, "")
	if len(list.Buckets) != 2 || *list.Buckets[0].Name != "another-bucket" {
		t.Errorf("buckets %+v", list.Buckets)
	}
	_, err = r.client.DeleteBucket(ctx, &sdk.DeleteBucketInput{Bucket: name})
	checkCode(t, err, "")
	r.stored("k", "one")
	_, err = r.client.DeleteBucket(ctx, &sdk.DeleteBucketInput{Bucket: aws.String(bucket)})
	checkCode(t, err, "BucketNotEmpty")
	_, err = r.client.CreateBucket(ctx, &sdk.CreateBucketInput{Bucket: aws.String("No_Bucket")})
	checkCode(t, err, "InvalidBucketName")
	r.checkStrict()
}

func TestObjectsKeepTheirHeaders(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	_, err := r.put("k", "0123456789", func(in *sdk.PutObjectInput) {
		in.ContentType, in.Metadata = aws.String("text/plain"), map[string]string{"nonce": "abc"}
	})
	checkCode(t, err, "")
	_, err = r.client.CopyObject(ctx, &sdk.CopyObjectInput{Bucket: aws.String(bucket), Key: aws.String("copy"), CopySource: aws.String(bucket + "/k")})
	checkCode(t, err, "")
	out, err := r.client.GetObject(ctx, &sdk.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("copy"), Range: aws.String("bytes=2-4")})
	checkCode(t, err, "")
	body, _ := io.ReadAll(out.Body)
	if string(body) != "234" || *out.ContentType != "text/plain" || out.Metadata["nonce"] != "abc" || *out.ETag != `"781e5e245d69b566979b86e28d23f2c7"` {
		t.Errorf("got %q, %+v", body, out)
	}
	_, err = r.client.GetObject(ctx, &sdk.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("copy"), IfNoneMatch: out.ETag})
	checkCode(t, err, "NotModified")
	r.checkStrict()
}

func TestLengthOfAnEncodedObject(t *testing.T) {
	r := newRig(t)
	_, err := r.put("k", strings.Repeat("x", 5000), func(in *sdk.PutObjectInput) { in.ContentEncoding = aws.String("gzip") })
	checkCode(t, err, "")
	head, err := r.client.HeadObject(context.Background(), &sdk.HeadObjectInput{Bucket: aws.String(bucket), Key: aws.String("k")})
	checkCode(t, err, "")
	got, err := r.client.GetObject(context.Background(), &sdk.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("k")})
	checkCode(t, err, "")
	if aws.ToInt64(head.ContentLength) != 5000 || aws.ToInt64(got.ContentLength) != 5000 || aws.ToString(got.ContentEncoding) != "gzip" {
		t.Errorf("lengths %d and %d, encoding %s", aws.ToInt64(head.ContentLength), aws.ToInt64(got.ContentLength), aws.ToString(got.ContentEncoding))
	}
}

func TestDeleteObjects(t *testing.T) {
	r := newRig(t)
	r.stored("incidents/a", "one")
	r.stored("other", "two")
	worker := r.as(`{"Effect":"Allow","Action":"s3:DeleteObject","Resource":"arn:aws:s3:::example-bucket/incidents/*"}`)
	out, err := worker.client.DeleteObjects(context.Background(), &sdk.DeleteObjectsInput{Bucket: aws.String(bucket), Delete: &types.Delete{
		Objects: []types.ObjectIdentifier{{Key: aws.String("incidents/a")}, {Key: aws.String("other")}},
	}})
	checkCode(t, err, "")
	if len(out.Deleted) != 1 || *out.Deleted[0].Key != "incidents/a" || len(out.Errors) != 1 || *out.Errors[0].Code != "AccessDenied" {
		t.Errorf("got %+v", out)
	}
	if diff := cmp.Diff([]string{"other"}, r.service.Keys(bucket, "")); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
}

func TestUnknownOperationsAreNoted(t *testing.T) {
	r := newRig(t)
	_, err := r.client.PutBucketAccelerateConfiguration(context.Background(), &sdk.PutBucketAccelerateConfigurationInput{
		Bucket: aws.String(bucket), AccelerateConfiguration: &types.AccelerateConfiguration{Status: types.BucketAccelerateStatusEnabled},
	})
	checkCode(t, err, "NotImplemented")
	_, err = r.put("k", "one", func(in *sdk.PutObjectInput) { in.Tagging = aws.String("a=b") })
	checkCode(t, err, "NotImplemented")
	if len(r.world.Violations()) != 2 {
		t.Errorf("violations: %q", r.world.Violations())
	}
}

func TestVirtualHostStyle(t *testing.T) {
	r := newRig(t)
	r.stored("a/b", "one")
	request, err := http.NewRequest(http.MethodGet, r.world.Endpoint+"/a/b", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = bucket + ".s3.us-east-1.amazonaws.com"
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=ANY/20261124/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=00")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if body, _ := io.ReadAll(response.Body); string(body) != "one" {
		t.Errorf("got %d %s", response.StatusCode, body)
	}
}

func TestAnotherRegionIsRefused(t *testing.T) {
	r := newRig(t)
	_, err := r.client.GetObject(context.Background(), &sdk.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("k")}, func(o *sdk.Options) { o.Region = "eu-west-1" })
	checkCode(t, err, "AuthorizationHeaderMalformed")
}

func TestDump(t *testing.T) {
	r := newRig(t)
	r.stored("a/b", "one")
	r.stored("../outside", "two")
	dir := t.TempDir()
	if err := r.service.Dump(dir); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"a/b": "one", "..%2Foutside": "two"} {
		if got, err := os.ReadFile(filepath.Join(dir, bucket, path)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", path, got, err)
		}
	}
}
