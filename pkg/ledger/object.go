// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

// object is what S3 holds under a key.
type object struct {
	body  []byte
	etag  string
	nonce string // from its metadata
}

// largest bounds what is read of one object; a record of an incident is far below.
const largest = 64 << 20

// nonceName is the metadata of objects whose content is the caller's.
const nonceName = "nonce"

// read gets an object. The error is ErrMissing where there is none.
func (l *Ledger) read(ctx context.Context, key string) (object, error) {
	out, err := l.objects.GetObject(ctx, &s3.GetObjectInput{Bucket: &l.bucket, Key: &key, ChecksumMode: types.ChecksumModeEnabled})
	if missing(err) {
		return object{}, fmt.Errorf("get %s: %w", key, ErrMissing)
	}
	if err != nil {
		return object{}, fmt.Errorf("get %s: %w", key, err)
	}
	body, err := io.ReadAll(io.LimitReader(out.Body, largest))
	if err := errors.Join(err, out.Body.Close()); err != nil {
		return object{}, fmt.Errorf("get %s: %w", key, err)
	}
	return object{body: body, etag: aws.ToString(out.ETag), nonce: out.Metadata[nonceName]}, nil
}

// missing says that there is no such object. A bucket that does not exist is another matter.
func missing(err error) bool {
	var answer smithy.APIError
	return statusOf(err) == http.StatusNotFound && errors.As(err, &answer) && answer.ErrorCode() != "NoSuchBucket"
}

// condition is what must hold for a put.
type condition struct {
	etag   string // the object is still this one
	absent bool   // there is no object
}

// broken reports whether another writer's object shows that the condition no longer holds.
func (c condition) broken(there object) bool {
	return c.absent || c.etag != "" && c.etag != there.etag
}

// put writes one object, with a checksum that S3 verifies, and gives its version's id and its ETag.
func (l *Ledger) put(ctx context.Context, key string, body []byte, c condition, nonce string) (version, etag string, err error) {
	in := &s3.PutObjectInput{
		Bucket: &l.bucket, Key: &key, Body: bytes.NewReader(body), ContentType: aws.String("application/json"),
		ChecksumAlgorithm: types.ChecksumAlgorithmSha256, Metadata: map[string]string{nonceName: nonce},
	}
	if c.etag != "" {
		in.IfMatch = &c.etag
	}
	if c.absent {
		in.IfNoneMatch = aws.String("*")
	}
	out, err := l.objects.PutObject(ctx, in)
	if err != nil {
		return "", "", err
	}
	return aws.ToString(out.VersionId), aws.ToString(out.ETag), nil
}

// swap writes one object under a condition. Where the write was refused, or not answered, it reads back who was first: won
// also if that was an earlier try of ours. etag is the object's where it won.
func (l *Ledger) swap(ctx context.Context, key string, body []byte, c condition, nonce string) (etag string, won bool, err error) {
	_, etag, err = l.put(ctx, key, body, c, nonce)
	if err == nil {
		return etag, true, nil
	}
	if definite(err) {
		return "", false, fmt.Errorf("put %s: %w", key, err)
	}
	there, readErr := l.read(ctx, key)
	switch {
	case readErr == nil && there.nonce == nonce:
		return there.etag, true, nil
	case lost(err) && (readErr == nil || errors.Is(readErr, ErrMissing)), readErr == nil && c.broken(there):
		return "", false, nil
	}
	return "", false, fmt.Errorf("put %s: %w", key, errors.Join(err, readErr))
}

// lost says that another write came first: 412 when it was done, 409 while it was under way. The SDK models neither.
func lost(err error) bool {
	status := statusOf(err)
	return status == http.StatusPreconditionFailed || status == http.StatusConflict
}

// definite says that S3 answered and did nothing: any refusal of a request but the two of a lost race. A server's error,
// or no answer, may hide a write that was done.
func definite(err error) bool {
	status := statusOf(err)
	return status >= 400 && status < 500 && !lost(err)
}

// statusOf is the HTTP status that an error carries, 0 where no answer came.
func statusOf(err error) int {
	var answer *awshttp.ResponseError
	if errors.As(err, &answer) {
		return answer.HTTPStatusCode()
	}
	return 0
}

// listed is an object as a list shows it.
type listed struct{ key, etag string }

// keys are all keys under a prefix, in order.
func (l *Ledger) keys(ctx context.Context, prefix string) ([]string, error) {
	all, err := l.list(ctx, prefix, "")
	if err != nil {
		return nil, err
	}
	keys := make([]string, 0, len(all))
	for _, each := range all {
		keys = append(keys, each.key)
	}
	return keys, nil
}

// list is what there is under a prefix, in the order of the keys, behind one of them; empty: all.
func (l *Ledger) list(ctx context.Context, prefix, after string) ([]listed, error) {
	in := &s3.ListObjectsV2Input{Bucket: &l.bucket, Prefix: &prefix}
	if after != "" {
		in.StartAfter = &after
	}
	pages := s3.NewListObjectsV2Paginator(l.objects, in)
	var all []listed
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", prefix, err)
		}
		for _, each := range page.Contents {
			all = append(all, listed{key: aws.ToString(each.Key), etag: aws.ToString(each.ETag)})
		}
	}
	return all, nil
}

// parse reads an object as JSON.
func parse[T any](key string, o object) (T, error) {
	var value T
	if err := json.Unmarshal(o.body, &value); err != nil {
		return value, fmt.Errorf("read %s: %w", key, err)
	}
	return value, nil
}
