// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package snapshot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"cloudfront503/pkg/incident"
)

// Pointing reads what configurations point to. Lambda's client is of us-east-1, where Lambda@Edge functions live.
type Pointing struct {
	CloudFront *cloudfront.Client
	Lambda     *lambda.Client
	IAM        *iam.Client
}

// NewPointing makes the clients of one configuration.
func NewPointing(cfg aws.Config) Pointing {
	home := func(o *lambda.Options) { o.Region = "us-east-1" }
	return Pointing{CloudFront: cloudfront.NewFromConfig(cfg), Lambda: lambda.NewFromConfig(cfg, home), IAM: iam.NewFromConfig(cfg)}
}

// Limits of reading what a configuration points to: people wait for it.
const (
	patience  = 15 * time.Second
	atOnce    = 8 // calls side by side; CloudFront's API is throttled from a few a second
	mostLarge = 1 << 20
)

// target is one thing to be read.
type target struct{ kind, id, stage string }

func (t target) String() string {
	return strings.TrimSuffix(t.kind+"/"+t.id+"/"+t.stage, "/")
}

// thing is what was read of a target: the object that is kept, and what it points to in turn.
type thing struct {
	etag       string
	modifiedAt time.Time
	body       []byte
	further    []target
}

// KeepPointed keeps beside an incident's snapshot what its configuration points to, as it is now, and gives the snapshot
// back with that in Pointed; what could not be read or kept in time is in its Gaps. stem is that of Save.
func (s *Store) KeepPointed(ctx context.Context, from Pointing, stem string, snap incident.Snapshot) incident.Snapshot {
	return s.keepAll(ctx, from, snap, func(t target, body []byte) (string, condition) {
		return stem + "/" + keyOf(t) + ".json", condition{}
	})
}

// RecordPointed keeps what a distribution's configuration points to by its content, so that what it held before a change
// can be found: once for as long as it does not change.
func (s *Store) RecordPointed(ctx context.Context, from Pointing, snap incident.Snapshot) incident.Snapshot {
	return s.keepAll(ctx, from, snap, func(t target, body []byte) (string, condition) {
		return folder(snap.Distribution) + "pointed/" + keyOf(t) + "/" + hexHash(body) + ".json", condition{absent: true}
	})
}

// keyOf is a target as a part of a key. An ARN has characters that S3 takes; a slash in a role's path makes a folder.
func keyOf(t target) string { return strings.ReplaceAll(t.String(), ":", "-") }

func hexHash(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// keeping is one run of keepAll.
type keeping struct {
	store *Store
	from  Pointing
	place func(target, []byte) (string, condition)

	places chan struct{} // for what is read side by side
	wait   sync.WaitGroup
	mu     sync.Mutex
	seen   map[target]bool
	kept   []incident.Pointed
	gaps   []incident.Gap
}

func (s *Store) keepAll(ctx context.Context, from Pointing, snap incident.Snapshot, place func(target, []byte) (string, condition)) incident.Snapshot {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	k := &keeping{store: s, from: from, place: place, places: make(chan struct{}, atOnce), seen: map[target]bool{}}
	for _, t := range targetsOf(snap.Config) {
		k.start(ctx, t)
	}
	k.wait.Wait()
	slices.SortFunc(k.kept, func(a, b incident.Pointed) int {
		return strings.Compare(a.Kind+"/"+a.ID+"/"+a.Stage, b.Kind+"/"+b.ID+"/"+b.Stage)
	})
	slices.SortFunc(k.gaps, func(a, b incident.Gap) int { return strings.Compare(a.Source, b.Source) })
	snap.Pointed, snap.Gaps = k.kept, append(slices.Clone(snap.Gaps), k.gaps...)
	return snap
}

// start keeps a target, once however often it is pointed to.
func (k *keeping) start(ctx context.Context, t target) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.seen[t] {
		return
	}
	k.seen[t] = true
	k.wait.Go(func() {
		k.places <- struct{}{}
		kept, further, err := k.keep(ctx, t)
		<-k.places
		k.note(t, kept, err)
		for _, next := range further {
			k.start(ctx, next)
		}
	})
}

func (k *keeping) note(t target, kept incident.Pointed, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil {
		k.gaps = append(k.gaps, incident.Gap{Source: "pointed/" + t.String(), Why: err.Error()})
		return
	}
	k.kept = append(k.kept, kept)
}

// keep reads a target, puts it into the bucket, and reads it back.
func (k *keeping) keep(ctx context.Context, t target) (incident.Pointed, []target, error) {
	kept := incident.Pointed{Kind: t.kind, ID: t.id, Stage: t.stage}
	read, known := readers[t.kind]
	if !known { // its ID is all there is to keep
		return kept, nil, nil
	}
	found, err := read(ctx, k.from, t)
	if err != nil {
		return kept, nil, err
	}
	if len(found.body) > mostLarge {
		return kept, found.further, fmt.Errorf("%d bytes are too many to keep while people wait", len(found.body))
	}
	key, where := k.place(t, found.body)
	version, err := k.store.put(ctx, key, found.body, where)
	if errors.Is(err, errMoved) && where.absent {
		version, err = k.store.holds(ctx, key, found.body)
	}
	kept.ETag, kept.ModifiedAt, kept.SHA256 = found.etag, found.modifiedAt, hexHash(found.body)
	kept.Key, kept.VersionID = key, version
	return kept, found.further, err
}

// holds is the version of an object that was there already, and must be these bytes.
func (s *Store) holds(ctx context.Context, key string, body []byte) (string, error) {
	there, err := s.read(ctx, key, "")
	if err == nil && hexHash(there.body) != hexHash(body) {
		err = fmt.Errorf("object %s is not what its name says", key)
	}
	return there.version, err
}

// Thing reads a kept thing, in the version that is named, and checks it against its hash.
func (s *Store) Thing(ctx context.Context, kept incident.Pointed) ([]byte, error) {
	if kept.Key == "" || kept.SHA256 == "" {
		return nil, fmt.Errorf("snapshot: %s %s is not kept", kept.Kind, kept.ID)
	}
	o, err := s.read(ctx, kept.Key, kept.VersionID)
	if err != nil {
		return nil, fmt.Errorf("snapshot: %w", err)
	}
	if hexHash(o.body) != kept.SHA256 {
		return nil, fmt.Errorf("snapshot %s: it is not what its hash says", kept.Key)
	}
	return o.body, nil
}

// Code reads the kept code of a CloudFront Function and checks it against its hash.
func (s *Store) Code(ctx context.Context, kept incident.Pointed) (incident.FunctionCode, error) {
	var code incident.FunctionCode
	body, err := s.Thing(ctx, kept)
	if err != nil {
		return code, err
	}
	if err := json.Unmarshal(body, &code); err != nil {
		return code, fmt.Errorf("snapshot %s: %w", kept.Key, err)
	}
	if code.Hash() != kept.SHA256 {
		return code, fmt.Errorf("snapshot %s: it holds more than a function's code", kept.Key)
	}
	return code, nil
}
