// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package snapshot keeps distributions' configurations in S3: the one of before an incident, the known good, and the one
// right after each change. It takes them from CloudFront without losing what this SDK does not know, writes them with a
// checksum, reads them back by version and compares before it says that they are safe. It changes nothing but its bucket.
//
// A snapshot is two objects: KEY.json is an incident.Snapshot, KEY.config.json the bare canonical DistributionConfig that
// `aws cloudfront update-distribution --distribution-config file://…` accepts. A configuration with elements that this SDK
// does not know has KEY.config.xml in its place, CloudFront's own bytes, as nothing of ours could write it back whole.
package snapshot

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/incident"
)

type distributions interface {
	GetDistribution(ctx context.Context, in *cloudfront.GetDistributionInput, options ...func(*cloudfront.Options)) (*cloudfront.GetDistributionOutput, error)
	ListTagsForResource(ctx context.Context, in *cloudfront.ListTagsForResourceInput, options ...func(*cloudfront.Options)) (*cloudfront.ListTagsForResourceOutput, error)
}

type objects interface {
	GetObject(ctx context.Context, in *s3.GetObjectInput, options ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	PutObject(ctx context.Context, in *s3.PutObjectInput, options ...func(*s3.Options)) (*s3.PutObjectOutput, error)
	ListObjectsV2(ctx context.Context, in *s3.ListObjectsV2Input, options ...func(*s3.Options)) (*s3.ListObjectsV2Output, error)
}

// Store takes and keeps snapshots. It is safe for concurrent use.
type Store struct {
	cloudFront distributions
	objects    objects
	bucket     string
	now        func() time.Time
	nonce      func() string
}

// New is the store in a bucket, which must keep versions. A store that only reads may have no CloudFront client; Live must
// not be called then. now is AWS's clock.
func New(cloudFront distributions, client objects, bucket string, now func() time.Time) *Store {
	return &Store{cloudFront: cloudFront, objects: client, bucket: bucket, now: now, nonce: rand.Text}
}

// Live takes a distribution's configuration, ETag and tags as they are now. One answer of GetDistribution holds
// configuration and ETag, so that they belong together. Tags that cannot be read are a gap. Nothing is stored yet.
func (s *Store) Live(ctx context.Context, id string) (incident.Snapshot, error) {
	var raw []byte
	out, err := s.cloudFront.GetDistribution(ctx, &cloudfront.GetDistributionInput{Id: &id}, keepBody(&raw))
	if err != nil {
		return incident.Snapshot{}, fmt.Errorf("snapshot %s: get distribution: %w", id, err)
	}
	if out.Distribution == nil || out.Distribution.DistributionConfig == nil || aws.ToString(out.ETag) == "" {
		return incident.Snapshot{}, fmt.Errorf("snapshot %s: an answer without configuration or ETag", id)
	}
	live, err := s.describe(id, out, raw)
	if err != nil {
		return incident.Snapshot{}, fmt.Errorf("snapshot %s: %w", id, err)
	}
	live.Tags, err = s.Tags(ctx, live.ARN)
	if err != nil {
		live.Gaps = append(live.Gaps, incident.Gap{Source: "tags", Why: err.Error(), Next: "allow cloudfront:ListTagsForResource"})
	}
	return live, nil
}

func (s *Store) describe(id string, out *cloudfront.GetDistributionOutput, raw []byte) (incident.Snapshot, error) {
	d := out.Distribution
	text, err := json.Marshal(d.DistributionConfig)
	if err != nil {
		return incident.Snapshot{}, err
	}
	config, err := distribution.Parse(text)
	if err != nil {
		return incident.Snapshot{}, err
	}
	live := incident.Snapshot{
		Distribution: id, ARN: aws.ToString(d.ARN), DomainName: aws.ToString(d.DomainName), Status: aws.ToString(d.Status),
		ETag: aws.ToString(out.ETag), SHA256: config.Hash(), Config: config.Canonical(),
		ModifiedAt: aws.ToTime(d.LastModifiedTime).UTC(), TakenAt: s.now().UTC().Round(0),
		Unknown: distribution.UnknownElements(raw, config),
	}
	live.Restorable = len(live.Unknown) == 0
	if !live.Restorable {
		live.Raw = string(raw)
	}
	return live, nil
}

// Tags are a distribution's tags as they are now, by its ARN.
func (s *Store) Tags(ctx context.Context, arn string) (map[string]string, error) {
	out, err := s.cloudFront.ListTagsForResource(ctx, &cloudfront.ListTagsForResourceInput{Resource: &arn})
	if err != nil {
		return nil, fmt.Errorf("list tags: %w", err)
	}
	if out.Tags == nil {
		return nil, nil
	}
	tags := map[string]string{}
	for _, tag := range out.Tags.Items {
		tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	return tags, nil
}

// Reference names a saved snapshot's configuration, exactly.
func Reference(s incident.Snapshot) incident.ConfigRef {
	return incident.ConfigRef{Key: s.ConfigKey, VersionID: s.VersionID, SHA256: s.SHA256, ETag: s.ETag}
}
