// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package approval

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

type objects interface {
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
}

// mostState is the most that is read of a state, which holds some ids and a sentence.
const mostState = 1 << 20

// Bucket keeps small states in S3, replaced under conditions. It needs no nonce, as the ledger does: each state holds the
// ids of the messages that it counts, so that whoever reads it back after a lost answer sees whether its own is among them.
type Bucket struct {
	S3   objects
	Name string
}

// Load reads an object and its ETag; both are empty where there is none. The role needs s3:ListBucket, or a missing key
// reads as an error.
func (b Bucket) Load(ctx context.Context, key string) ([]byte, string, error) {
	output, err := b.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.Name, Key: &key})
	var missing *types.NoSuchKey
	if errors.As(err, &missing) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", fmt.Errorf("read: %w", err)
	}
	defer output.Body.Close() // of a body that is read; its error says nothing
	body, err := io.ReadAll(io.LimitReader(output.Body, mostState))
	if err != nil {
		return nil, "", fmt.Errorf("read: %w", err)
	}
	return body, aws.ToString(output.ETag), nil
}

// Replace writes an object where it is still the one with the ETag, or where there is none and etag is empty.
func (b Bucket) Replace(ctx context.Context, key, etag string, body []byte) (bool, error) {
	input := &s3.PutObjectInput{
		Bucket: &b.Name, Key: &key, Body: bytes.NewReader(body), ContentType: aws.String("application/json"),
		ChecksumAlgorithm: types.ChecksumAlgorithmSha256,
	}
	if etag == "" {
		input.IfNoneMatch = aws.String("*")
	} else {
		input.IfMatch = &etag
	}
	_, err := b.S3.PutObject(ctx, input)
	var api smithy.APIError
	if errors.As(err, &api) && (api.ErrorCode() == "PreconditionFailed" || api.ErrorCode() == "ConditionalRequestConflict") {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("write: %w", err)
	}
	return true, nil
}
