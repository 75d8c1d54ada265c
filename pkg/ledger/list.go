// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"cloudfront503/pkg/incident"
)

// Since are the pointers of all incidents that have not ended, and of those that have and were opened after a time: of each
// distribution the last one. Where one cannot be read, the others come with the error.
func (l *Ledger) Since(ctx context.Context, opened time.Time) ([]incident.Pointer, error) {
	all, err := l.all(ctx)
	return slices.DeleteFunc(all, func(p incident.Pointer) bool {
		return !p.State.Ongoing() && (p.Episode == 0 || !p.OpenedAt.After(opened))
	}), err
}

// Recent are the pointers of all distributions that ever had an incident: each one's last, the latest opened first. Where
// one cannot be read, the others come with the error.
func (l *Ledger) Recent(ctx context.Context) ([]incident.Pointer, error) {
	all, err := l.all(ctx)
	all = slices.DeleteFunc(all, func(p incident.Pointer) bool { return p.Episode == 0 })
	slices.SortStableFunc(all, func(a, b incident.Pointer) int { return b.OpenedAt.Compare(a.OpenedAt) })
	return all, err
}

func (l *Ledger) all(ctx context.Context) ([]incident.Pointer, error) {
	distributions, err := l.distributions(ctx)
	if err != nil {
		return nil, err
	}
	var pointers []incident.Pointer
	var faults []error
	for _, each := range distributions {
		pointer, err := l.Current(ctx, each)
		if err == nil {
			pointers = append(pointers, pointer)
		} else if !errors.Is(err, ErrMissing) {
			faults = append(faults, err)
		}
	}
	return pointers, errors.Join(faults...)
}

// distributions are the folders under incidents/.
func (l *Ledger) distributions(ctx context.Context) ([]string, error) {
	pages := s3.NewListObjectsV2Paginator(l.objects, &s3.ListObjectsV2Input{
		Bucket: &l.bucket, Prefix: aws.String(root), Delimiter: aws.String("/"),
	})
	var found []string
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("ledger: list distributions: %w", err)
		}
		for _, prefix := range page.CommonPrefixes {
			found = append(found, strings.TrimSuffix(strings.TrimPrefix(aws.ToString(prefix.Prefix), root), "/"))
		}
	}
	return found, nil
}
