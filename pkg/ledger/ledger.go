// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package ledger keeps the durable record of incidents in S3: which distribution's episode is open, who works on it, and
// what was done, step by step. It gives one incident to one episode however often, through however many channels and to
// however many functions at once AWS tells it. It reads and writes objects and nothing else; what a step means is its
// callers' business.
//
// Three facts about S3 carry it: a put with If-None-Match or If-Match is refused with 412 when the object is not as
// expected, or with 409 when another write is under way; reads after writes are consistent; a put whose answer is lost may
// have been done. So every conditional write holds a nonce, and what was refused or not answered is read back: it may be
// our own. (Source: S3 User Guide, "How to prevent object overwrites with conditional writes".)
//
// Roles need s3:ListBucket on the prefixes they read: without it S3 answers 403 for a missing key, which is an error here
// and never "there is none".
package ledger

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"cloudfront503/pkg/incident"
)

// ErrLeaseLost says that somebody else works on the incident now, or that it is closed: stop before the next effect.
var ErrLeaseLost = errors.New("the lease is lost")

// ErrBusy says that somebody else holds the incident's lease.
var ErrBusy = errors.New("somebody else works on it")

// ErrUndone says that whoever held the incident's lease died or gave up before the work was done.
var ErrUndone = errors.New("its holder left the work undone")

// ErrMissing says that an object does not exist.
var ErrMissing = errors.New("no such object")

// attempts bounds how often a write is tried anew after another writer won; each loss means that somebody got on.
const attempts = 32

type objects interface {
	GetObject(ctx context.Context, in *s3.GetObjectInput, options ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	PutObject(ctx context.Context, in *s3.PutObjectInput, options ...func(*s3.Options)) (*s3.PutObjectOutput, error)
	ListObjectsV2(ctx context.Context, in *s3.ListObjectsV2Input, options ...func(*s3.Options)) (*s3.ListObjectsV2Output, error)
}

// Ledger is the record as one writer sees it. It is safe for concurrent use.
type Ledger struct {
	objects objects
	bucket  string
	writer  string
	now     func() time.Time
	nonce   func() string
	known   known
}

// New is the ledger in a bucket. writer is the function's name, which its chain of steps bears; now is AWS's clock, by
// which leases and ends are judged.
func New(client objects, bucket, writer string, now func() time.Time) *Ledger {
	return &Ledger{objects: client, bucket: bucket, writer: writer, now: now, nonce: rand.Text}
}

// Holder names one attempt of an invocation. Lambda repeats an invocation under the same request id, also while the first
// attempt still runs, so the id alone would let two attempts share one lease.
func Holder(requestID string) string { return requestID + "/" + rand.Text() }

// root is the prefix of all incidents.
const root = "incidents/"

func pointerKey(distribution string) string { return root + distribution + "/current" }

func folder(ref incident.Reference) string { return root + ref.Distribution + "/" + ref.ID + "/" }

func stepsFolder(ref incident.Reference) string { return folder(ref) + "steps/" }

// named is the key of an incident's object. The names of steps are not for callers.
func named(ref incident.Reference, name string) (string, error) {
	if name == "" || name == "." || path.Clean(name) != name || strings.HasPrefix(name, "/") || strings.HasPrefix(name, "..") || strings.HasPrefix(name, "steps/") {
		return "", fmt.Errorf("incident %s: no object may be called %q", ref, name)
	}
	return folder(ref) + name, nil
}
