// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package snapshot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudfront"

	"cloudfront503/pkg/denied"
	"cloudfront503/pkg/incident"
)

// Large is what is kept of a distribution that is too much to be kept while people wait, as it was last seen: the object
// snapshots/DISTRIBUTION/large.json, whose versions are its history. What it names lies beside it, by its content.
type Large struct {
	Distribution string     `json:"distribution"`
	SeenAt       time.Time  `json:"seenAt"` // when it became so
	Tenants      Collection `json:"tenants"`
	Stores       Collection `json:"stores"`
}

// Collection are things of one kind. What could not be read this time stays as it was last kept, and is a gap.
type Collection struct {
	Kept []incident.Pointed `json:"kept,omitempty"`
	Gaps []incident.Gap     `json:"gaps,omitempty"`
}

// Larger reads what is large.
type Larger struct {
	CloudFront largeThings
	Values     values
}

type largeThings interface {
	cloudfront.ListDistributionTenantsAPIClient
	cloudfront.ListKeyValueStoresAPIClient
	GetDistributionTenant(context.Context, *cloudfront.GetDistributionTenantInput, ...func(*cloudfront.Options)) (*cloudfront.GetDistributionTenantOutput, error)
}

type values interface {
	// Version is the ETag of a key value store, and when it was changed last.
	Version(ctx context.Context, arn string) (etag string, at time.Time, err error)
	// Values are all its keys, and what they hold.
	Values(ctx context.Context, arn string) (map[string]string, error)
}

// largePatience bounds one look at what is large; what did not fit is kept at the next.
const largePatience = time.Minute

func largeKey(distributionID string) string { return folder(distributionID) + "large.json" }

// Large is what is large of a distribution as it was last seen; nil where nobody has looked.
func (s *Store) Large(ctx context.Context, distributionID string) (*Large, error) {
	there, before, err := s.large(ctx, distributionID)
	if before.absent {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &there, nil
}

func (s *Store) large(ctx context.Context, distributionID string) (Large, condition, error) {
	there := Large{Distribution: distributionID}
	o, err := s.read(ctx, largeKey(distributionID), "")
	if err != nil {
		return there, condition{absent: errors.Is(err, ErrMissing)}, fmt.Errorf("snapshot: %w", err)
	}
	if err := json.Unmarshal(o.body, &there); err != nil {
		return there, condition{}, fmt.Errorf("snapshot %s: %w", largeKey(distributionID), err)
	}
	return there, condition{etag: o.etag}, nil
}

// KeepLarge keeps a multi-tenant distribution's tenants, and the key value stores of the functions that a snapshot holds:
// each again only where it has changed. What CloudFront does not let us read is a gap; an error says that the bucket does
// not keep it.
func (s *Store) KeepLarge(ctx context.Context, from Larger, snap incident.Snapshot) (Large, error) {
	return s.keepLarge(ctx, snap, func(ctx context.Context, next *Large) {
		next.Tenants = s.keepTenants(ctx, from.CloudFront, snap, next.Tenants)
		next.Stores = s.keepStores(ctx, from, snap, next.Stores)
	})
}

// KeepTenants is KeepLarge for the tenants alone, where one of them was changed.
func (s *Store) KeepTenants(ctx context.Context, from Larger, snap incident.Snapshot) (Large, error) {
	return s.keepLarge(ctx, snap, func(ctx context.Context, next *Large) {
		next.Tenants = s.keepTenants(ctx, from.CloudFront, snap, next.Tenants)
	})
}

func (s *Store) keepLarge(ctx context.Context, snap incident.Snapshot, look func(context.Context, *Large)) (Large, error) {
	there, before, err := s.large(ctx, snap.Distribution)
	if err != nil && !before.absent {
		return Large{}, err
	}
	next := there
	looking, cancel := context.WithTimeout(ctx, largePatience)
	look(looking, &next)
	cancel()
	if sameLarge(there, next) {
		return next, nil
	}
	next.SeenAt = s.now().UTC().Round(0)
	body, err := json.Marshal(next)
	if err == nil {
		_, err = s.put(ctx, largeKey(snap.Distribution), body, before)
	}
	if errors.Is(err, errMoved) {
		err = nil // another look came first, and saw the same or later
	}
	if err != nil {
		return Large{}, fmt.Errorf("snapshot %s: keep what is large: %w", snap.Distribution, err)
	}
	return next, nil
}

// sameLarge compares as the bucket would.
func sameLarge(a, b Large) bool {
	first, errA := json.Marshal(a)
	second, errB := json.Marshal(b)
	return errA == nil && errB == nil && bytes.Equal(first, second)
}

// keepOnce puts an object that is called by its content, and reads it back; one that is there already must be these bytes.
func (s *Store) keepOnce(ctx context.Context, key string, body []byte) (version string, err error) {
	if version, err = s.put(ctx, key, body, condition{absent: true}); errors.Is(err, errMoved) {
		return s.holds(ctx, key, body)
	}
	return version, err
}

// known are kept things by their IDs.
func known(kept []incident.Pointed) map[string]incident.Pointed {
	by := map[string]incident.Pointed{}
	for _, each := range kept {
		by[each.ID] = each
	}
	return by
}

// inOrder sorts what is kept, so that the same looks the same.
func inOrder(kept []incident.Pointed) []incident.Pointed {
	slices.SortFunc(kept, func(a, b incident.Pointed) int { return strings.Compare(a.ID, b.ID) })
	return kept
}

// whyNot says why something was not read: which policy denied it, where one did.
func whyNot(err error) string {
	if why := denied.Of(err); why.Denied {
		return why.String()
	}
	return incident.Line(err.Error(), 300)
}
