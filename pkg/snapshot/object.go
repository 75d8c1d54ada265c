// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package snapshot

import (
	"bytes"
	"context"
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

// ErrMissing says that there is no such object.
var ErrMissing = errors.New("no such object")

// largest bounds what is read of one object. A configuration of all quotas is below 1 MB.
const largest = 16 << 20

// nonceName is the metadata by which a write whose answer was lost is recognised as ours.
const nonceName = "nonce"

type object struct {
	body                 []byte
	etag, version, nonce string
}

// read gets an object, its current version or the one named. A missing key is ErrMissing; without s3:ListBucket S3 answers
// 403 for it, which stays an error.
func (s *Store) read(ctx context.Context, key, version string) (object, error) {
	in := &s3.GetObjectInput{Bucket: &s.bucket, Key: &key, ChecksumMode: types.ChecksumModeEnabled}
	if version != "" {
		in.VersionId = &version
	}
	out, err := s.objects.GetObject(ctx, in)
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
	return object{body, aws.ToString(out.ETag), aws.ToString(out.VersionId), out.Metadata[nonceName]}, nil
}

// condition is what must hold for a put; the zero value is no condition.
type condition struct {
	etag   string // the object is still this one
	absent bool   // there is no object
}

// broken reports whether another writer's object shows that the condition no longer holds.
func (c condition) broken(there object) bool {
	return c.absent || c.etag != "" && c.etag != there.etag
}

// errMoved says that a condition did not hold.
var errMoved = errors.New("another write came first")

// put writes an object with its SHA-256, which S3 checks, reads it back by its version and compares. Only then is it safe.
// A put that was refused or not answered is read back too: it may have been done.
func (s *Store) put(ctx context.Context, key string, body []byte, c condition) (version string, err error) {
	nonce := s.nonce()
	in := &s3.PutObjectInput{
		Bucket: &s.bucket, Key: &key, Body: bytes.NewReader(body), ContentType: aws.String("application/json"),
		ChecksumAlgorithm: types.ChecksumAlgorithmSha256, Metadata: map[string]string{nonceName: nonce},
	}
	if c.etag != "" {
		in.IfMatch = &c.etag
	}
	if c.absent {
		in.IfNoneMatch = aws.String("*")
	}
	out, err := s.objects.PutObject(ctx, in)
	if err == nil {
		version = aws.ToString(out.VersionId)
	}
	if definite(err) {
		return "", fmt.Errorf("put %s: %w", key, err)
	}
	return s.confirm(ctx, written{key, version, body, nonce, c, err})
}

// written is a put whose effect is to be confirmed.
type written struct {
	key, version string
	body         []byte
	nonce        string
	condition    condition
	err          error // what the put said
}

// confirm reads back what a put left and compares it.
func (s *Store) confirm(ctx context.Context, w written) (string, error) {
	there, err := s.read(ctx, w.key, w.version)
	switch {
	case lost(w.err) && errors.Is(err, ErrMissing), w.err != nil && err == nil && there.nonce != w.nonce && w.condition.broken(there):
		return "", fmt.Errorf("put %s: %w", w.key, errMoved)
	case err != nil:
		return "", fmt.Errorf("put %s: read back: %w", w.key, errors.Join(w.err, err))
	case w.err != nil && there.nonce != w.nonce:
		return "", fmt.Errorf("put %s: %w", w.key, w.err)
	case !bytes.Equal(there.body, w.body):
		return "", fmt.Errorf("put %s: read back: %d bytes that are not the %d written", w.key, len(there.body), len(w.body))
	case there.version == "" || there.version == "null":
		return "", fmt.Errorf("put %s: the bucket keeps no versions", w.key)
	}
	return there.version, nil
}

// lost says that a conditional write lost: 412, or 409 while another was under way. The SDK models neither.
func lost(err error) bool {
	status := statusOf(err)
	return status == http.StatusPreconditionFailed || status == http.StatusConflict
}

// definite says that S3 refused and did nothing.
func definite(err error) bool {
	status := statusOf(err)
	return status >= 400 && status < 500 && !lost(err)
}

// missing says that there is no such object; a bucket that does not exist is another matter.
func missing(err error) bool {
	var answer smithy.APIError
	return statusOf(err) == http.StatusNotFound && errors.As(err, &answer) && answer.ErrorCode() != "NoSuchBucket"
}

func statusOf(err error) int {
	var answer *awshttp.ResponseError
	if errors.As(err, &answer) {
		return answer.HTTPStatusCode()
	}
	return 0
}
