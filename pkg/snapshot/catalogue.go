// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package snapshot

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/pattern"
)

// KnownGoodName is what the known good is called among a distribution's snapshots.
const KnownGoodName = "known-good"

// Listed is one snapshot in a distribution's list.
type Listed struct {
	Name      string            `json:"name"`               // what Find takes
	Snapshot  incident.Snapshot `json:"snapshot"`           // without Config and Raw
	KnownGood bool              `json:"knownGood"`          // it is of the configuration that is the known good
	Incident  string            `json:"incident,omitempty"` // the incident before which it was taken; empty for a baseline
	Problem   string            `json:"problem,omitempty"`  // why it could not be read; empty where it was
}

// named are the names of snapshots, and where each lies below the distribution's folders.
var named = []struct {
	pattern func() *regexp.Regexp
	key     string // with the distribution and the name put in
}{
	{pattern.Lazily(`^` + KnownGoodName + `$`), "snapshots/%s/%s.json"},
	{pattern.Lazily(`^\d{6,12}$`), "incidents/%s/%s/snapshot.json"},
	{pattern.Lazily(`^\d{8}T\d{6}Z-[A-Z0-9]+$`), "snapshots/%s/%s.json"},
	{pattern.Lazily(`^changes/[A-Za-z0-9-]+$`), "snapshots/%s/%s.json"},
	{pattern.Lazily(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-z]{12,32}$`), "snapshots/%s/changes/%s.json"},
}

// etagName is a configuration's ETag, as CloudFront gives it.
var etagName = pattern.Lazily(`^[A-Z0-9]{2,32}$`)

// Find reads the snapshot that a person names: as a list shows it, by a configuration's ETag, by the id of the CloudTrail
// event that made it, or by its key in the bucket. The error is ErrMissing where there is none.
func (s *Store) Find(ctx context.Context, distributionID, name string) (incident.Snapshot, error) {
	key, err := s.keyOf(ctx, distributionID, name)
	if err != nil {
		return incident.Snapshot{}, err
	}
	found, err := s.Load(ctx, key, "")
	if err != nil {
		return incident.Snapshot{}, err
	}
	if found.Distribution != distributionID {
		return incident.Snapshot{}, fmt.Errorf("snapshot %s: it is of distribution %s", key, found.Distribution)
	}
	return found, nil
}

func (s *Store) keyOf(ctx context.Context, distributionID, name string) (string, error) {
	for _, each := range named {
		if each.pattern().MatchString(name) {
			return fmt.Sprintf(each.key, distributionID, name), nil
		}
	}
	if strings.HasPrefix(name, folder(distributionID)) || strings.HasPrefix(name, incidents(distributionID)) {
		return name, nil
	}
	if !etagName().MatchString(name) {
		return "", fmt.Errorf("snapshot %q: %w", name, ErrMissing)
	}
	history, err := s.History(ctx, distributionID)
	if err != nil {
		return "", err
	}
	for _, entry := range history {
		if entry.ETag == name {
			return entry.Key, nil
		}
	}
	return "", fmt.Errorf("snapshot with ETag %s: %w", name, ErrMissing)
}

func incidents(distributionID string) string { return "incidents/" + distributionID + "/" }

// Catalogue lists a distribution's snapshots, the latest first: baselines, those of before its incidents, and the known
// good where no baseline is kept of it; of each kind at most so many. A snapshot that cannot be read is listed with the
// problem.
func (s *Store) Catalogue(ctx context.Context, distributionID string, most int) ([]Listed, error) {
	history, err := s.History(ctx, distributionID)
	if err != nil {
		return nil, err
	}
	var keys []string
	for _, entry := range history[:min(most, len(history))] {
		keys = append(keys, entry.Key)
	}
	ids, err := s.newest(ctx, incidents(distributionID), most)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		keys = append(keys, id+"snapshot.json")
	}
	changes, err := s.newest(ctx, folder(distributionID)+"changes/", most)
	if err != nil {
		return nil, err
	}
	listed := s.readAll(ctx, append(keys, changes...))
	good, err := s.KnownGood(ctx, distributionID)
	if err != nil {
		return nil, err
	}
	return arrange(listed, good), nil
}

// newest are the folders or objects right below a prefix: incidents by their number, objects by when they were written.
func (s *Store) newest(ctx context.Context, prefix string, most int) ([]string, error) {
	pages := s3.NewListObjectsV2Paginator(s.objects, &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: &prefix, Delimiter: aws.String("/")})
	written := map[string]time.Time{}
	var found []string
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("snapshot: list %s: %w", prefix, err)
		}
		for _, each := range page.CommonPrefixes {
			found = append(found, aws.ToString(each.Prefix))
		}
		for _, each := range page.Contents {
			if key := aws.ToString(each.Key); strings.HasSuffix(key, ".json") {
				found = append(found, key)
				written[key] = aws.ToTime(each.LastModified)
			}
		}
	}
	slices.SortFunc(found, func(a, b string) int {
		if by := written[b].Compare(written[a]); by != 0 {
			return by
		}
		return strings.Compare(b, a)
	})
	return found[:min(most, len(found))], nil
}

// readAll reads snapshots, each without its configuration. One that is not there is left out: an incident may have none.
func (s *Store) readAll(ctx context.Context, keys []string) []Listed {
	read := make([]Listed, len(keys))
	var wait sync.WaitGroup
	turns := make(chan struct{}, atOnce)
	for i, key := range keys {
		turns <- struct{}{}
		wait.Go(func() {
			defer func() { <-turns }()
			there, err := s.Load(ctx, key, "")
			read[i] = Listed{Name: nameOf(key), Snapshot: there}
			read[i].Snapshot.Key, read[i].Snapshot.Config, read[i].Snapshot.Raw = key, nil, ""
			if errors.Is(err, ErrMissing) {
				read[i].Name = ""
			} else if err != nil {
				read[i].Problem = err.Error()
			}
			if id, found := strings.CutPrefix(key, "incidents/"); found {
				read[i].Incident = strings.TrimSuffix(id[strings.Index(id, "/")+1:], "/snapshot.json")
			}
		})
	}
	wait.Wait()
	return slices.DeleteFunc(read, func(l Listed) bool { return l.Name == "" })
}

// nameOf is the short name of a snapshot's key, which Find takes.
func nameOf(key string) string {
	parts := strings.SplitN(strings.TrimSuffix(key, ".json"), "/", 3)
	return strings.TrimSuffix(parts[len(parts)-1], "/snapshot")
}

// arrange marks what is the known good, says which change made which baseline, and sorts. A change's own snapshot is
// listed only where no baseline shows the same.
func arrange(listed []Listed, good *incident.Snapshot) []Listed {
	baselines, made := map[string]bool{}, map[string]*incident.Change{}
	for _, l := range listed {
		if l.Snapshot.After != nil {
			made[l.Snapshot.ETag] = l.Snapshot.After
		} else if l.Incident == "" && l.Problem == "" {
			baselines[l.Snapshot.ETag] = true
		}
	}
	listed = slices.DeleteFunc(listed, func(l Listed) bool { return l.Snapshot.After != nil && baselines[l.Snapshot.ETag] })
	if good != nil && !baselines[good.ETag] {
		there := *good
		there.Config, there.Raw = nil, ""
		listed = append(listed, Listed{Name: KnownGoodName, Snapshot: there})
	}
	for i := range listed {
		listed[i].Snapshot.After = made[listed[i].Snapshot.ETag]
		listed[i].KnownGood = good != nil && listed[i].Snapshot.ETag == good.ETag && listed[i].Problem == ""
	}
	slices.SortStableFunc(listed, func(a, b Listed) int { return b.When().Compare(a.When()) })
	return listed
}

// When is the time by which a snapshot is looked for: when an incident's was taken, and when a baseline's configuration was
// made.
func (l Listed) When() time.Time {
	if l.Incident != "" || l.Snapshot.ModifiedAt.IsZero() {
		return l.Snapshot.TakenAt
	}
	return l.Snapshot.ModifiedAt
}
