// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package s3 is Amazon S3 as cloudfront503 and the AWS CLI use it: buckets, objects and their versions, conditional writes,
// checksums, bucket policies. Not there: multipart uploads, access control lists, presigned posts, lifecycle.
package s3

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"cloudfront503/pkg/emulator/kernel"
)

// Service answers what is signed for "s3".
type Service struct {
	world   *kernel.World
	mu      sync.Mutex // held while a request reads or changes buckets, so that conditional writes are atomic
	buckets map[string]*Bucket
}

// Bucket is a bucket's settings.
type Bucket struct {
	Name       string
	Region     string            // empty: the world's
	Versioning string            // "Enabled", "Suspended" or empty
	Policy     *kernel.Policy    // nil: none
	Key        string            // the KMS key of its default encryption; empty is AES256
	Tags       map[string]string // kept, not interpreted

	created time.Time
	objects map[string][]*object // versions by key, the newest last
}

// object is one version of an object, or a delete marker.
type object struct {
	version   string // "null" where the bucket was not versioned
	marker    bool
	body      []byte
	etag      string // quoted
	key       string // the KMS key it is encrypted with; empty is AES256
	modified  time.Time
	headers   http.Header // Content-Type and its like, X-Amz-Meta-…
	checksums http.Header // X-Amz-Checksum-…
}

// New is S3 without buckets.
func New(w *kernel.World) *Service {
	s := &Service{world: w, buckets: map[string]*Bucket{}}
	w.Register("s3", s)
	return s
}

// AddBucket makes a bucket as a stack does; one of the same name gets the new settings and keeps its objects.
func (s *Service) AddBucket(b Bucket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b.Region == "" {
		b.Region = s.world.Region
	}
	b.created, b.objects = s.world.Clock.Now(), map[string][]*object{}
	if old := s.buckets[b.Name]; old != nil {
		b.created, b.objects = old.created, old.objects
	}
	s.buckets[b.Name] = &b
}

// Put stores an object without asking anybody and returns its version id.
func (s *Service) Put(bucket, key string, body []byte) (version string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[bucket]
	if b == nil {
		return "", noSuchBucket(bucket)
	}
	o := &object{body: slices.Clone(body), etag: etagOf(body), key: b.Key, modified: s.world.Clock.Now(), headers: http.Header{}}
	b.add(key, o)
	return o.version, nil
}

// Get is the current content of an object; ok is false where there is none.
func (s *Service) Get(bucket, key string) (body []byte, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[bucket]
	if b == nil {
		return nil, false
	}
	o := b.current(key)
	if o == nil {
		return nil, false
	}
	return slices.Clone(o.body), true
}

// Keys are the keys of the bucket's current objects that begin with prefix, sorted.
func (s *Service) Keys(bucket, prefix string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[bucket]
	if b == nil {
		return nil
	}
	return slices.DeleteFunc(b.keys(prefix), func(key string) bool { return b.current(key) == nil })
}

// Dump writes the current objects of all buckets under dir, as dir/BUCKET/KEY. A key that is no path below its bucket is
// written under its escaped name.
func (s *Service) Dump(dir string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, b := range s.buckets {
		for key := range b.objects {
			if o := b.current(key); o != nil {
				if err := dumpObject(filepath.Join(dir, name), key, o.body); err != nil {
					return fmt.Errorf("dump %s/%s: %w", name, key, err)
				}
			}
		}
	}
	return nil
}

func dumpObject(dir, key string, body []byte) error {
	local := filepath.FromSlash(key)
	if !filepath.IsLocal(local) || strings.HasSuffix(key, "/") || filepath.Clean(local) != local {
		local = url.PathEscape(key)
	}
	path := filepath.Join(dir, local)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, body, 0o644)
}

// request is a call on its way through an operation.
type request struct {
	*kernel.Call
	service *Service
	name    string // of the bucket
	key     string
	query   url.Values
	bucket  *Bucket // nil where there is none of that name
}

// Serve is part of kernel.Service.
func (s *Service) Serve(c *kernel.Call) {
	r := &request{Call: c, service: s, query: c.R.URL.Query()}
	r.name, r.key = address(c.R)
	r.query.Del("x-id") // the SDK's note of the operation's name
	op := r.operation()
	if op == nil {
		c.World.Strict("s3: no operation is %s %s?%s", c.R.Method, c.R.URL.Path, c.R.URL.RawQuery)
		r.fail(notImplemented())
		return
	}
	if err := r.check(op); err != nil {
		c.World.Strict("s3: %s: %v", op.name, err)
		r.fail(err)
		return
	}
	if err := r.Begin(r.access(op)); err != nil {
		r.fail(err)
		return
	}
	if err := r.perform(op); err != nil {
		r.fail(err)
	}
}

// perform does the work as one step, so that of two conditional writes one sees the other.
func (r *request) perform(op *operation) error {
	r.service.mu.Lock()
	defer r.service.mu.Unlock()
	r.bucket = r.service.buckets[r.name] // a fault's Before may have changed it
	if err := r.checkBucket(op); err != nil {
		return err
	}
	return op.do(r)
}

func (r *request) checkBucket(op *operation) error {
	if r.name == "" || op.name == "CreateBucket" {
		return nil
	}
	if r.bucket == nil {
		return noSuchBucket(r.name)
	}
	if r.bucket.Region != r.Region && op.name != "GetBucketLocation" { // which us-east-1 answers for every Region
		e := kernel.Errorf(http.StatusBadRequest, "AuthorizationHeaderMalformed", "The authorization header is malformed; the region '%s' is wrong; expecting '%s'", r.Region, r.bucket.Region)
		e.Extra = map[string]string{"Region": r.bucket.Region}
		return e
	}
	if owner := r.R.Header.Get("X-Amz-Expected-Bucket-Owner"); owner != "" && owner != r.World.Account {
		return kernel.Errorf(http.StatusForbidden, "AccessDenied", "Access Denied")
	}
	return nil
}

// fail renders an error; the answer to HEAD has no body, nor has 304.
func (r *request) fail(err error) {
	e := r.Failed(err)
	if r.R.Method == http.MethodHead || e.Status == http.StatusNotModified {
		r.W.WriteHeader(e.Status)
		return
	}
	r.FailXML(e)
}

// address is the bucket and the key of a request: path-style, /BUCKET/KEY, or by the host, as BUCKET.s3.amazonaws.com and
// BUCKET.localhost.
func address(r *http.Request) (bucket, key string) {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	path := strings.TrimPrefix(r.URL.Path, "/")
	if bucket = bucketOfHost(host); bucket != "" {
		return bucket, path
	}
	bucket, key, _ = strings.Cut(path, "/")
	return bucket, key
}

func bucketOfHost(host string) string {
	if bucket, ok := strings.CutSuffix(host, ".localhost"); ok {
		return bucket
	}
	if !strings.HasSuffix(host, ".amazonaws.com") || strings.HasPrefix(host, "s3.") {
		return ""
	}
	bucket, _, _ := strings.Cut(host, ".s3.")
	return bucket
}

func noSuchBucket(name string) *kernel.APIError {
	e := kernel.Errorf(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
	e.Extra = map[string]string{"BucketName": name}
	return e
}

func noSuchKey(key string) *kernel.APIError {
	e := kernel.Errorf(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
	e.Extra = map[string]string{"Key": key}
	return e
}

func notImplemented() *kernel.APIError {
	return kernel.Errorf(http.StatusNotImplemented, "NotImplemented", "A header you provided implies functionality that is not implemented")
}
