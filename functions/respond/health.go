// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"cloudfront503/pkg/event"
	"cloudfront503/pkg/incident"
)

// mostEvents bounds how many kept Health events are read; verify keeps them, under health/.
const mostEvents = 100

// keptHealth reads the AWS Health events that verify has kept: the Health API needs a support plan, EventBridge does not.
type keptHealth struct {
	s3     *s3.Client
	bucket string
}

// files are the events as they were delivered, by a file name.
func (k keptHealth) files(ctx context.Context) (map[string][]byte, error) {
	page, err := k.s3.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &k.bucket, Prefix: aws.String("health/"), MaxKeys: aws.Int32(mostEvents)})
	if err != nil {
		return nil, fmt.Errorf("list health events: %w", err)
	}
	files := map[string][]byte{}
	for _, object := range page.Contents {
		answer, err := k.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &k.bucket, Key: object.Key})
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", aws.ToString(object.Key), err)
		}
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", aws.ToString(object.Key), err)
		}
		files[strings.ReplaceAll(strings.TrimPrefix(aws.ToString(object.Key), "health/"), "/", "-")] = body
	}
	return files, nil
}

// events are the kept events, each as its latest update says.
func (k keptHealth) events(ctx context.Context) ([]incident.HealthEvent, error) {
	files, err := k.files(ctx)
	latest := map[string]incident.HealthEvent{}
	for name, body := range files {
		trigger, parseErr := event.Parse(body)
		if parseErr != nil || trigger.Health == nil {
			err = errors.Join(err, fmt.Errorf("health event %s: %w", name, parseErr))
			continue
		}
		if h := *trigger.Health; !h.Backup && !h.Updated.Before(latest[h.ARN].Updated) {
			latest[h.ARN] = h
		}
	}
	events := []incident.HealthEvent{}
	for _, h := range latest {
		events = append(events, h)
	}
	return events, err
}
