// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package snapshot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/pattern"
)

// Save stores a snapshot as STEM.json with its bare configuration beside it, and gives it back with keys and version. It
// returns without error only after both were read back and found equal: nothing may be written to CloudFront before.
func (s *Store) Save(ctx context.Context, stem string, snap incident.Snapshot) (incident.Snapshot, error) {
	saved, err := s.saveConfig(ctx, stem, snap)
	if err == nil {
		saved, err = s.saveWhole(ctx, stem+".json", saved, condition{})
	}
	if err != nil {
		return incident.Snapshot{}, fmt.Errorf("snapshot %s: save: %w", snap.Distribution, err)
	}
	return saved, nil
}

// SaveWithPointed is Save, and keeps what the configuration points to beside it at the same time; what of that could not be
// read or kept is in the snapshot's Gaps.
func (s *Store) SaveWithPointed(ctx context.Context, from Pointing, stem string, snap incident.Snapshot) (incident.Snapshot, error) {
	pointed := make(chan incident.Snapshot, 1)
	go func() { pointed <- s.KeepPointed(ctx, from, stem, snap) }()
	saved, err := s.saveConfig(ctx, stem, snap)
	kept := <-pointed
	saved.Pointed, saved.Gaps = kept.Pointed, kept.Gaps
	if err == nil {
		saved, err = s.saveWhole(ctx, stem+".json", saved, condition{})
	}
	if err != nil {
		return incident.Snapshot{}, fmt.Errorf("snapshot %s: save: %w", snap.Distribution, err)
	}
	return saved, nil
}

// saveConfig stores what a person can hand to the AWS CLI, or CloudFront's own bytes where that would lose something.
func (s *Store) saveConfig(ctx context.Context, stem string, snap incident.Snapshot) (incident.Snapshot, error) {
	if err := check(snap); err != nil {
		return snap, err
	}
	key, body := stem+".config.json", []byte(snap.Config)
	if !snap.Restorable {
		key, body = stem+".config.xml", []byte(snap.Raw)
	}
	version, err := s.put(ctx, key, body, condition{})
	snap.ConfigKey, snap.VersionID = key, version
	return snap, err
}

func (s *Store) saveWhole(ctx context.Context, key string, snap incident.Snapshot, c condition) (incident.Snapshot, error) {
	snap.Key = key
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false) // the configuration's bytes stay those of its hash
	if err := encoder.Encode(snap); err != nil {
		return snap, err
	}
	_, err := s.put(ctx, key, body.Bytes(), c)
	return snap, err
}

// check holds that a snapshot's configuration is what its hash says.
func check(snap incident.Snapshot) error {
	config, err := distribution.Parse(snap.Config)
	if err != nil {
		return err
	}
	if config.Hash() != snap.SHA256 || snap.ETag == "" {
		return errors.New("the configuration is not what its hash says, or has no ETag")
	}
	return nil
}

// Load reads a snapshot, its current version where version is empty, and checks it against its hash. The error is
// ErrMissing where there is none.
func (s *Store) Load(ctx context.Context, key, version string) (incident.Snapshot, error) {
	snap, _, err := s.load(ctx, key, version)
	return snap, err
}

func (s *Store) load(ctx context.Context, key, version string) (incident.Snapshot, condition, error) {
	o, err := s.read(ctx, key, version)
	if err != nil {
		return incident.Snapshot{}, condition{absent: errors.Is(err, ErrMissing)}, fmt.Errorf("snapshot: %w", err)
	}
	var snap incident.Snapshot
	err = json.Unmarshal(o.body, &snap)
	if err == nil {
		err = check(snap)
	}
	if err != nil {
		return incident.Snapshot{}, condition{}, fmt.Errorf("snapshot %s: %w", key, err)
	}
	return snap, condition{etag: o.etag}, nil
}

// Config reads the bare configuration that ref names, in the version it names, and checks it against its hash.
func (s *Store) Config(ctx context.Context, ref incident.ConfigRef) (distribution.Config, error) {
	o, err := s.read(ctx, ref.Key, ref.VersionID)
	if err != nil {
		return distribution.Config{}, fmt.Errorf("snapshot: %w", err)
	}
	config, err := distribution.Parse(o.body)
	if err == nil && config.Hash() != ref.SHA256 {
		err = errors.New("it is not what its hash says")
	}
	if err != nil {
		return distribution.Config{}, fmt.Errorf("snapshot %s: %w", ref.Key, err)
	}
	return config, nil
}

const stamp = "20060102T150405Z"

func folder(distributionID string) string { return "snapshots/" + distributionID + "/" }

// baselineStem is the key of a baseline without its ending: the same for every look at one version of a distribution.
func baselineStem(snap incident.Snapshot) string {
	at := snap.ModifiedAt
	if at.IsZero() {
		at = snap.TakenAt
	}
	return folder(snap.Distribution) + at.UTC().Format(stamp) + "-" + snap.ETag
}

func knownGoodKey(distributionID string) string { return folder(distributionID) + "known-good.json" }

var eventID = pattern.Lazily(`^[A-Za-z0-9-]+$`)

// isEventID is for what becomes a part of a key. A pattern that counts to 64 takes long to compile, at every start-up.
func isEventID(s string) bool { return len(s) <= 64 && eventID().MatchString(s) }

// Record keeps a snapshot as a baseline, and, where it shows the distribution right after change, also as that change's:
// the ETag that CloudTrail reports for the change must be the snapshot's, else others have changed it since. However often
// it is told the same, it writes once. change may be nil.
func (s *Store) Record(ctx context.Context, snap incident.Snapshot, change *incident.Change) (incident.Snapshot, error) {
	saved, err := s.recordBaseline(ctx, snap)
	if err != nil || change == nil || change.ETag != snap.ETag || change.ErrorCode != "" {
		return saved, err
	}
	if !isEventID(change.EventID) {
		return saved, fmt.Errorf("snapshot %s: no event id: %q", snap.Distribution, change.EventID)
	}
	saved.After = change
	_, err = s.saveWhole(ctx, changeKey(snap.Distribution, change.EventID), saved, condition{absent: true})
	if err != nil && !errors.Is(err, errMoved) {
		return saved, fmt.Errorf("snapshot %s: record: %w", snap.Distribution, err)
	}
	return saved, nil
}

func changeKey(distributionID, event string) string {
	return folder(distributionID) + "changes/" + event + ".json"
}

func (s *Store) recordBaseline(ctx context.Context, snap incident.Snapshot) (incident.Snapshot, error) {
	stem := baselineStem(snap)
	there, err := s.Load(ctx, stem+".json", "")
	if err == nil && sameView(there, snap) {
		return there, nil
	}
	if err != nil && !errors.Is(err, ErrMissing) {
		return incident.Snapshot{}, err
	}
	return s.Save(ctx, stem, snap)
}

// sameView reports whether b shows nothing that a does not. Tags may change under one ETag.
func sameView(a, b incident.Snapshot) bool {
	return a.SHA256 == b.SHA256 && a.ETag == b.ETag && a.Restorable == b.Restorable && len(b.Gaps) >= len(a.Gaps) &&
		(maps.Equal(a.Tags, b.Tags) || len(b.Gaps) > 0)
}

// KnownGood is the last configuration on which the distribution has served healthily for a while; nil where none is known.
func (s *Store) KnownGood(ctx context.Context, distributionID string) (*incident.Snapshot, error) {
	return s.ifThere(ctx, knownGoodKey(distributionID))
}

func (s *Store) ifThere(ctx context.Context, key string) (*incident.Snapshot, error) {
	snap, err := s.Load(ctx, key, "")
	if errors.Is(err, ErrMissing) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &snap, nil
}

// marks bounds how often the known good is tried anew after another writer won.
const marks = 8

// MarkKnownGood makes a saved snapshot the known good, unless that is of a later modification already. Whether the
// distribution has served healthily on it, with no incident open, is for the caller to judge.
func (s *Store) MarkKnownGood(ctx context.Context, snap incident.Snapshot) error {
	if snap.ConfigKey == "" || snap.VersionID == "" || !snap.Restorable {
		return fmt.Errorf("snapshot %s: only what is saved and can be written back may be known good", snap.Distribution)
	}
	snap.KnownGood = true
	for range marks {
		err := s.tryMark(ctx, snap)
		if !errors.Is(err, errMoved) {
			return err
		}
	}
	return fmt.Errorf("snapshot %s: mark known good: lost to other writers %d times", snap.Distribution, marks)
}

func (s *Store) tryMark(ctx context.Context, snap incident.Snapshot) error {
	key := knownGoodKey(snap.Distribution)
	there, before, err := s.load(ctx, key, "")
	if err != nil && !before.absent {
		return err
	}
	if err == nil && (there.ETag == snap.ETag || there.ModifiedAt.After(snap.ModifiedAt)) {
		return nil
	}
	_, err = s.saveWhole(ctx, key, snap, before)
	return err
}

// After is the distribution right after a change: as recorded for the change's event, else any baseline of the ETag that
// the change produced, else nil. Without it there is no base to merge on.
func (s *Store) After(ctx context.Context, distributionID string, change incident.Change) (*incident.Snapshot, error) {
	if isEventID(change.EventID) {
		snap, err := s.ifThere(ctx, changeKey(distributionID, change.EventID))
		if err != nil || snap != nil {
			return snap, err
		}
	}
	if change.ETag == "" {
		return nil, nil
	}
	history, err := s.History(ctx, distributionID)
	if err != nil {
		return nil, err
	}
	for _, entry := range history {
		if entry.ETag == change.ETag {
			return s.ifThere(ctx, entry.Key)
		}
	}
	return nil, nil
}

// baselineName is DISTRIBUTION's folder, then "20261124T034151Z-ETAG.json".
var baselineName = pattern.Lazily(`^(\d{8}T\d{6}Z)-([A-Z0-9]+)\.json$`)

// History lists a distribution's baselines, the latest modification first: key, ETag and time only; Load has the rest.
func (s *Store) History(ctx context.Context, distributionID string) ([]incident.Snapshot, error) {
	prefix := folder(distributionID)
	pages := s3.NewListObjectsV2Paginator(s.objects, &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: &prefix, Delimiter: aws.String("/")})
	var found []incident.Snapshot
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("snapshot %s: history: %w", distributionID, err)
		}
		for _, each := range page.Contents {
			key := aws.ToString(each.Key)
			match := baselineName().FindStringSubmatch(strings.TrimPrefix(key, prefix))
			if match == nil {
				continue
			}
			at, _ := time.Parse(stamp, match[1]) // the pattern holds; a month of 13 gives the zero time, which sorts last
			found = append(found, incident.Snapshot{Distribution: distributionID, Key: key, ETag: match[2], ModifiedAt: at})
		}
	}
	slices.SortStableFunc(found, func(a, b incident.Snapshot) int { return b.ModifiedAt.Compare(a.ModifiedAt) })
	return found, nil
}
