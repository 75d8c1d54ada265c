// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package snapshot

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront/types"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/incident"
)

const (
	tenantsAPage = 100
	mostFresh    = 500 // tenants that are read in one look: CloudFront's API is throttled from a few calls a second
)

// keepTenants keeps each tenant whose ETag is not the one that was last kept. A tenant that is gone is named no more; what
// it held stays in the bucket.
func (s *Store) keepTenants(ctx context.Context, from largeThings, snap incident.Snapshot, before Collection) Collection {
	config, err := distribution.Parse(snap.Config)
	if err != nil || !config.TenantOnly() {
		return Collection{}
	}
	listed, err := listTenants(ctx, from, snap.Distribution)
	if err != nil {
		return Collection{Kept: before.Kept, Gaps: []incident.Gap{{Source: "tenants", Why: whyNot(err), Next: "allow cloudfront:ListDistributionTenants"}}}
	}
	var next Collection
	var fresh []string
	earlier := known(before.Kept)
	for _, each := range listed {
		id := aws.ToString(each.Id)
		if kept, ok := earlier[id]; ok && kept.ETag == aws.ToString(each.ETag) {
			next.Kept = append(next.Kept, kept)
		} else {
			fresh = append(fresh, id)
		}
	}
	looked := s.readTenants(ctx, from, snap.Distribution, fresh[:min(len(fresh), mostFresh)])
	return looked.into(next, fresh, earlier)
}

func listTenants(ctx context.Context, from largeThings, distributionID string) ([]types.DistributionTenantSummary, error) {
	pages := cloudfront.NewListDistributionTenantsPaginator(from, &cloudfront.ListDistributionTenantsInput{
		AssociationFilter: &types.DistributionTenantAssociationFilter{DistributionId: &distributionID}, MaxItems: aws.Int32(tenantsAPage),
	})
	var all []types.DistributionTenantSummary
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, page.DistributionTenantList...)
	}
	return all, nil
}

// reading is what came of reading tenants.
type reading struct {
	kept   map[string]incident.Pointed
	gone   map[string]bool
	failed int
	why    string // of one that failed
}

// readTenants reads tenants side by side and puts them into the bucket.
func (s *Store) readTenants(ctx context.Context, from largeThings, distributionID string, ids []string) reading {
	r := reading{kept: map[string]incident.Pointed{}, gone: map[string]bool{}}
	var mu sync.Mutex
	var wait sync.WaitGroup
	places := make(chan struct{}, atOnce)
	for _, id := range ids {
		places <- struct{}{}
		wait.Go(func() {
			defer func() { <-places }()
			kept, err := s.keepTenant(ctx, from, distributionID, id)
			mu.Lock()
			defer mu.Unlock()
			r.note(id, kept, err)
		})
	}
	wait.Wait()
	return r
}

func (r *reading) note(id string, kept incident.Pointed, err error) {
	var gone *types.EntityNotFound
	switch {
	case err == nil:
		r.kept[id] = kept
	case errors.As(err, &gone): // since it was listed
		r.gone[id] = true
	default:
		r.failed, r.why = r.failed+1, id+": "+whyNot(err)
	}
}

// into adds what was read to a collection. What failed, or is left for the next look, stays as it was kept before.
func (r reading) into(next Collection, fresh []string, earlier map[string]incident.Pointed) Collection {
	for _, id := range fresh {
		if kept, read := r.kept[id]; read {
			next.Kept = append(next.Kept, kept)
		} else if kept, before := earlier[id]; before && !r.gone[id] {
			next.Kept = append(next.Kept, kept)
		}
	}
	if r.failed > 0 {
		next.Gaps = append(next.Gaps, incident.Gap{Source: "tenants", Why: fmt.Sprintf("%d could not be kept, as %s", r.failed, r.why), Next: "the next look tries again"})
	}
	if left := len(fresh) - mostFresh; left > 0 {
		next.Gaps = append(next.Gaps, incident.Gap{Source: "tenants", Why: fmt.Sprintf("%d are left for the next look", left)})
	}
	next.Kept = inOrder(next.Kept)
	return next
}

func (s *Store) keepTenant(ctx context.Context, from largeThings, distributionID, id string) (incident.Pointed, error) {
	kept := incident.Pointed{Kind: incident.PointedTenant, ID: id}
	out, err := from.GetDistributionTenant(ctx, &cloudfront.GetDistributionTenantInput{Identifier: &id})
	found, err := whole(err, func() (any, *string) { return out.DistributionTenant, out.ETag })
	if err != nil {
		return kept, err
	}
	kept.ETag, kept.SHA256, kept.ModifiedAt = found.etag, hexHash(found.body), aws.ToTime(out.DistributionTenant.LastModifiedTime).UTC()
	kept.Key = folder(distributionID) + "tenants/" + id + "/" + kept.SHA256 + ".json"
	kept.VersionID, err = s.keepOnce(ctx, kept.Key, found.body)
	return kept, err
}
