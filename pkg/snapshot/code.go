// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package snapshot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"cloudfront503/pkg/incident"
)

func goodCodeKey(distributionID, function string) string {
	return folder(distributionID) + "good-code/" + function + ".json"
}

// GoodCode is the code that a CloudFront Function last had in LIVE while the distribution served healthily; nil where none
// is known. Publishing keeps no history, so that nobody but us knows it.
func (s *Store) GoodCode(ctx context.Context, distributionID, function string) (*incident.GoodCode, error) {
	good, _, err := s.goodCode(ctx, goodCodeKey(distributionID, function))
	if errors.Is(err, ErrMissing) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &good, nil
}

func (s *Store) goodCode(ctx context.Context, key string) (incident.GoodCode, condition, error) {
	var good incident.GoodCode
	o, err := s.read(ctx, key, "")
	if err != nil {
		return good, condition{absent: errors.Is(err, ErrMissing)}, fmt.Errorf("snapshot: %w", err)
	}
	if err := json.Unmarshal(o.body, &good); err != nil {
		return good, condition{}, fmt.Errorf("snapshot %s: %w", key, err)
	}
	return good, condition{etag: o.etag}, nil
}

// MarkGoodCode makes kept code the last good one of its function, unless a later one is that already. Whether the
// distribution has served healthily on it is for the caller to judge.
func (s *Store) MarkGoodCode(ctx context.Context, distributionID string, good incident.GoodCode) error {
	if good.Kind != incident.PointedFunction || good.Stage != incident.StageLive || good.Key == "" || good.GoodAt.IsZero() {
		return fmt.Errorf("snapshot %s: only kept code of LIVE may be good", distributionID)
	}
	if _, err := s.Code(ctx, good.Pointed); err != nil {
		return err
	}
	for range marks {
		err := s.tryMarkCode(ctx, goodCodeKey(distributionID, good.ID), good)
		if !errors.Is(err, errMoved) {
			return err
		}
	}
	return fmt.Errorf("snapshot %s: mark good code of %s: lost to other writers %d times", distributionID, good.ID, marks)
}

// tryMarkCode compares when the code was seen to be good: code that was put back is older than what it replaced, and good
// all the same.
func (s *Store) tryMarkCode(ctx context.Context, key string, good incident.GoodCode) error {
	there, before, err := s.goodCode(ctx, key)
	if err != nil && !before.absent {
		return err
	}
	if err == nil && (!there.GoodAt.Before(good.GoodAt) || there.SHA256 == good.SHA256 && there.ETag == good.ETag) {
		return nil
	}
	body, err := json.Marshal(good)
	if err != nil {
		return fmt.Errorf("snapshot %s: %w", key, err)
	}
	_, err = s.put(ctx, key, body, before)
	return err
}
