// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package snapshot

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront/types"

	"cloudfront503/pkg/incident"
)

// keptStore is the object that is kept of a key value store. Items is null where only CloudFront's own description could be
// read.
type keptStore struct {
	ARN     string
	Name    string `json:",omitempty"`
	Comment string `json:",omitempty"`
	ETag    string `json:",omitempty"`
	Items   []item
}

// item is a pair as the AWS CLI prints it.
type item struct{ Key, Value string }

// keepStores keeps the key value stores that the functions of a snapshot read, whole, each whose ETag is not the one that
// was last kept.
func (s *Store) keepStores(ctx context.Context, from Larger, snap incident.Snapshot, before Collection) Collection {
	arns, gaps := s.storesOf(ctx, snap)
	if len(arns) == 0 {
		return Collection{Gaps: gaps}
	}
	described, err := describeStores(ctx, from.CloudFront)
	if err != nil {
		gaps = append(gaps, incident.Gap{Source: "stores", Why: "their names: " + whyNot(err), Next: "allow cloudfront:ListKeyValueStores"})
	}
	next, earlier := Collection{Gaps: gaps}, known(before.Kept)
	for _, arn := range arns {
		kept, err := s.keepStore(ctx, from.Values, snap.Distribution, describe(described, arn), earlier[arn])
		if err != nil {
			next.Gaps = append(next.Gaps, incident.Gap{Source: "stores/" + storeID(arn), Why: whyNot(err),
				Next: "allow cloudfront-keyvaluestore:DescribeKeyValueStore and ListKeys"})
		}
		if kept.Key != "" {
			next.Kept = append(next.Kept, kept)
		}
	}
	next.Kept = inOrder(next.Kept)
	return next
}

// storesOf are the key value stores of the functions that a snapshot keeps, in both stages, each once.
func (s *Store) storesOf(ctx context.Context, snap incident.Snapshot) (arns []string, gaps []incident.Gap) {
	found := map[string]bool{}
	for _, kept := range snap.Pointed {
		if kept.Kind != incident.PointedFunction {
			continue
		}
		code, err := s.Code(ctx, kept)
		if err != nil {
			gaps = append(gaps, incident.Gap{Source: "stores", Why: "those of function " + kept.ID + ": " + whyNot(err)})
		}
		for _, arn := range code.Stores {
			found[arn] = true
		}
	}
	return slices.Sorted(maps.Keys(found)), gaps
}

func describeStores(ctx context.Context, from largeThings) ([]types.KeyValueStore, error) {
	var all []types.KeyValueStore
	for pages := cloudfront.NewListKeyValueStoresPaginator(from, &cloudfront.ListKeyValueStoresInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return all, err
		}
		if page.KeyValueStoreList != nil {
			all = append(all, page.KeyValueStoreList.Items...)
		}
	}
	return all, nil
}

// describe is what CloudFront says of a store; the ARN alone where it says nothing.
func describe(all []types.KeyValueStore, arn string) keptStore {
	for _, each := range all {
		if aws.ToString(each.ARN) == arn {
			return keptStore{ARN: arn, Name: aws.ToString(each.Name), Comment: aws.ToString(each.Comment)}
		}
	}
	return keptStore{ARN: arn}
}

// storeID is the last part of a store's ARN.
func storeID(arn string) string { return arn[strings.LastIndex(arn, "/")+1:] }

// keepStore keeps a store, or what it is called where what is in it cannot be read and never could. earlier is what was
// kept last; the zero value where nothing was.
func (s *Store) keepStore(ctx context.Context, from values, distributionID string, store keptStore, earlier incident.Pointed) (incident.Pointed, error) {
	kept := incident.Pointed{Kind: incident.PointedStore, ID: store.ARN}
	etag, at, problem := from.Version(ctx, store.ARN)
	if problem == nil && etag != "" && etag == earlier.ETag {
		return earlier, nil
	}
	if problem == nil {
		store.ETag, store.Items, problem = readStore(ctx, from, store.ARN, etag)
		kept.ModifiedAt = at.UTC()
	}
	if problem != nil && (earlier.Key != "" || store.Name == "") {
		return earlier, problem
	}
	body, err := json.Marshal(store)
	if err != nil {
		return earlier, err
	}
	kept.ETag, kept.SHA256 = store.ETag, hexHash(body)
	kept.Key = folder(distributionID) + "stores/" + storeID(store.ARN) + "/" + kept.SHA256 + ".json"
	if kept.VersionID, err = s.keepOnce(ctx, kept.Key, body); err != nil {
		return earlier, err
	}
	return kept, problem
}

// readStore reads what is in a store, anew where somebody changed it meanwhile.
func readStore(ctx context.Context, from values, arn, etag string) (string, []item, error) {
	for range turns {
		pairs, err := from.Values(ctx, arn)
		if err != nil {
			return "", nil, err
		}
		after, _, err := from.Version(ctx, arn)
		if err != nil {
			return "", nil, err
		}
		if after == etag {
			items := []item{}
			for _, key := range slices.Sorted(maps.Keys(pairs)) {
				items = append(items, item{key, pairs[key]})
			}
			return etag, items, nil
		}
		etag = after
	}
	return "", nil, fmt.Errorf("key value store %s does not hold still", storeID(arn))
}
