// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package event

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/pattern"
)

// Bounds of what a person names; an incident's record keeps it.
const (
	mostPaths   = 50
	longestPath = 300
	longestID   = 1024
)

// snapshotKey is where snapshots lie: baselines, the one right after a change, the known good, and incidents' own.
var snapshotKey = pattern.Lazily(`^(snapshots/([A-Z0-9]{8,20})/(changes/)?[A-Za-z0-9-]{1,80}|incidents/([A-Z0-9]{8,20})/[0-9]{6,12}/snapshot)\.json$`)

// versionID is S3's: up to 1,024 bytes that are safe in a URL [S3 "Versioning"].
var versionID = pattern.Lazily(`^[A-Za-z0-9._-]+$`)

// restore reads the wish to have fields put back. Who wishes it must be named, as that person may not approve it.
func (r request) restore() (incident.Trigger, error) {
	if r.ID != "" || r.At.IsZero() {
		return incident.Trigger{}, errors.New("request restore: it names no incident, and says when it was asked")
	}
	trigger, err := r.open()
	if err != nil {
		return incident.Trigger{}, err
	}
	if err := r.checkWish(); err != nil {
		return incident.Trigger{}, fmt.Errorf("request restore: %w", err)
	}
	trigger.Key = "restore:" + r.Distribution + "@" + r.At.UTC().Format(time.RFC3339Nano)
	trigger.Wish = &incident.Wish{Snapshot: r.Snapshot, VersionID: r.Version, Only: r.Only}
	return trigger, nil
}

func (r request) checkWish() error {
	switch key := snapshotKey().FindStringSubmatch(r.Snapshot); {
	case r.By == "":
		return errors.New("nobody says who asks")
	case key == nil || key[2]+key[4] != r.Distribution:
		return fmt.Errorf("%q is no snapshot of %s", clip(r.Snapshot, 80), r.Distribution)
	case !versionID().MatchString(r.Version) || len(r.Version) > longestID:
		return fmt.Errorf("no version %q", clip(r.Version, 40))
	case len(r.Only) > mostPaths:
		return fmt.Errorf("more than %d fields", mostPaths)
	}
	for _, path := range r.Only {
		if strings.TrimSpace(path) == "" || len(path) > longestPath || incident.Line(path, longestPath) != path {
			return fmt.Errorf("%q is no field", clip(path, 40))
		}
	}
	return nil
}
