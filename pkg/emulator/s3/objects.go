// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package s3

import (
	"bytes"
	"cmp"
	"crypto/md5"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"cloudfront503/pkg/emulator/kernel"
)

// stamp is S3's time in XML.
const stamp = "2006-01-02T15:04:05.000Z"

// keptHeaders are the headers that a put stores and a get gives back, besides the user's metadata.
var keptHeaders = []string{"Content-Type", "Content-Encoding", "Content-Disposition", "Content-Language", "Cache-Control", "Expires"}

// current is the newest version, nil where there is none or it is a delete marker.
func (b *Bucket) current(key string) *object {
	versions := b.objects[key]
	if len(versions) == 0 || versions[len(versions)-1].marker {
		return nil
	}
	return versions[len(versions)-1]
}

// add makes o the newest version. Without versioning it takes the place of the one before.
func (b *Bucket) add(key string, o *object) {
	o.version = "null"
	if b.Versioning == "Enabled" {
		o.version = newVersion()
	} else {
		b.drop(key, "null")
	}
	b.objects[key] = append(b.objects[key], o)
}

// drop takes a version away and says which one that was.
func (b *Bucket) drop(key, version string) *object {
	i := slices.IndexFunc(b.objects[key], func(o *object) bool { return o.version == version })
	if i < 0 {
		return nil
	}
	dropped := b.objects[key][i]
	b.objects[key] = slices.Delete(b.objects[key], i, i+1)
	if len(b.objects[key]) == 0 {
		delete(b.objects, key)
	}
	return dropped
}

// remove is a delete of the current version: a delete marker where the bucket is versioned.
func (b *Bucket) remove(key string, now time.Time) *object {
	if b.Versioning == "" {
		b.drop(key, "null")
		return nil
	}
	marker := &object{marker: true, modified: now}
	b.add(key, marker)
	return marker
}

func newVersion() string {
	var raw [24]byte
	_, _ = rand.Read(raw[:]) // never fails, see crypto/rand
	return base64.RawURLEncoding.EncodeToString(raw[:])
}

func etagOf(body []byte) string {
	sum := md5.Sum(body)
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

func putObject(r *request) error {
	if len(r.key) > 1024 {
		return kernel.Errorf(http.StatusBadRequest, "KeyTooLongError", "Your key is too long")
	}
	if err := r.checkWrite(); err != nil {
		return err
	}
	checksums, err := checkBody(r.R.Header, r.Body)
	if err != nil {
		return err
	}
	key := r.encryption()
	if err := r.use(key, "kms:GenerateDataKey"); err != nil {
		return err
	}
	headers, err := keep(r.R.Header)
	if err != nil {
		return err
	}
	o := &object{body: r.Body, etag: etagOf(r.Body), key: key, modified: r.World.Clock.Now(), headers: headers, checksums: checksums}
	r.bucket.add(r.key, o)
	r.tell(o)
	copyHeaders(r.W.Header(), checksums)
	r.W.Header().Set("ETag", o.etag)
	r.W.WriteHeader(http.StatusOK)
	return nil
}

// checkWrite judges If-None-Match and If-Match against the current version (S3 User Guide, "Add preconditions to S3
// operations with conditional requests").
func (r *request) checkWrite() error {
	header := r.R.Header
	current := r.bucket.current(r.key)
	if condition := header.Get("If-None-Match"); condition != "" {
		if condition != "*" {
			return notImplemented()
		}
		if current != nil {
			return preconditionFailed("If-None-Match")
		}
	}
	if condition := header.Get("If-Match"); condition != "" {
		if err := r.Also(kernel.Access{Action: "s3:GetObject", Resources: []string{r.arn(r.key)}, Policy: r.bucket.Policy}); err != nil {
			return err
		}
		return checkMatch(condition, r.key, current)
	}
	return nil
}

func checkMatch(condition, key string, current *object) error {
	if current == nil {
		return noSuchKey(key)
	}
	if condition != "*" && strings.Trim(condition, `"`) != strings.Trim(current.etag, `"`) {
		return preconditionFailed("If-Match")
	}
	return nil
}

func preconditionFailed(condition string) *kernel.APIError {
	e := kernel.Errorf(http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
	e.Extra = map[string]string{"Condition": condition}
	return e
}

// encryption is the KMS key for a new object: the one that the request names, else the bucket's; empty is AES256.
func (r *request) encryption() string {
	h := r.R.Header
	switch h.Get("X-Amz-Server-Side-Encryption") {
	case "aws:kms":
		return cmp.Or(h.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"), r.bucket.Key, "alias/aws/s3")
	case "AES256":
		return ""
	}
	return r.bucket.Key
}

// use asks a key, if there is one, whether the caller may do this with it.
func (r *request) use(key, action string) error {
	if key == "" || r.World.Keys == nil {
		return nil
	}
	if err := r.World.Keys.Use(r.Caller, "s3", "", action, key); err != nil {
		return kernel.Errorf(http.StatusForbidden, "AccessDenied", "%s", r.Failed(err).Message)
	}
	return nil
}

// keep is what of a put's headers belongs to the object.
func keep(sent http.Header) (http.Header, error) {
	kept := http.Header{}
	size := 0
	for name, values := range sent {
		meta, isMeta := strings.CutPrefix(name, "X-Amz-Meta-")
		if isMeta {
			size += len(meta) + len(values[0])
		}
		if isMeta || slices.Contains(keptHeaders, name) {
			kept[name] = values[:1]
		}
	}
	if size > 2048 {
		return nil, kernel.Errorf(http.StatusBadRequest, "MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size")
	}
	if kept.Get("Content-Type") == "" {
		kept.Set("Content-Type", "binary/octet-stream")
	}
	return kept, nil
}

// tell sets the headers that say which version and which encryption it is.
func (r *request) tell(o *object) {
	h := r.W.Header()
	if r.bucket.Versioning != "" {
		h.Set("X-Amz-Version-Id", o.version)
	}
	if o.marker {
		h.Set("X-Amz-Delete-Marker", "true")
		return
	}
	h.Set("X-Amz-Server-Side-Encryption", "AES256")
	if o.key != "" {
		h.Set("X-Amz-Server-Side-Encryption", "aws:kms")
		h.Set("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", o.key)
	}
}

func copyHeaders(to, from http.Header) {
	for name, values := range from {
		to[name] = values
	}
}

func getObject(r *request) error {
	o, err := r.wanted()
	if err != nil {
		return err
	}
	if err := r.use(o.key, "kms:Decrypt"); err != nil {
		return err
	}
	h := r.W.Header()
	r.tell(o)
	h.Set("ETag", o.etag)
	h.Set("Last-Modified", o.modified.Format(http.TimeFormat))
	if err := checkRead(r.R.Header, o); err != nil {
		return err
	}
	copyHeaders(h, o.headers)
	r.override()
	if strings.EqualFold(r.R.Header.Get("X-Amz-Checksum-Mode"), "ENABLED") && r.R.Header.Get("Range") == "" {
		copyHeaders(h, o.checksums)
	}
	for _, name := range []string{"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range"} {
		r.R.Header.Del(name) // judged already
	}
	h.Set("Content-Length", strconv.Itoa(len(o.body)))                    // ServeContent leaves it out for an encoded object
	http.ServeContent(r.W, r.R, "", time.Time{}, bytes.NewReader(o.body)) // for Range
	return nil
}

// wanted is the version that a read asks for. Who may not list the bucket does not learn that a key is missing.
func (r *request) wanted() (*object, error) {
	if r.query.Has("versionId") {
		return r.wantedVersion(r.query.Get("versionId"))
	}
	if o := r.bucket.current(r.key); o != nil {
		return o, nil
	}
	if err := r.Also(kernel.Access{Action: "s3:ListBucket", Resources: []string{r.arn("")}, Policy: r.bucket.Policy}); err != nil {
		return nil, err
	}
	if versions := r.bucket.objects[r.key]; len(versions) > 0 {
		r.tell(versions[len(versions)-1]) // a delete marker
	}
	return nil, noSuchKey(r.key)
}

func (r *request) wantedVersion(version string) (*object, error) {
	for _, o := range r.bucket.objects[r.key] {
		if o.version != version {
			continue
		}
		if o.marker {
			r.tell(o)
			r.W.Header().Set("Allow", "DELETE")
			return nil, kernel.Errorf(http.StatusMethodNotAllowed, "MethodNotAllowed", "The specified method is not allowed against this resource.")
		}
		return o, nil
	}
	e := kernel.Errorf(http.StatusNotFound, "NoSuchVersion", "The specified version does not exist.")
	e.Extra = map[string]string{"Key": r.key, "VersionId": version}
	return nil, e
}

// checkRead judges the conditions of a get.
func checkRead(header http.Header, o *object) error {
	if condition := header.Get("If-Match"); condition != "" && strings.Trim(condition, `"`) != strings.Trim(o.etag, `"`) {
		return preconditionFailed("If-Match")
	}
	if condition := header.Get("If-None-Match"); condition != "" {
		if strings.Trim(condition, `"`) == strings.Trim(o.etag, `"`) {
			return kernel.Errorf(http.StatusNotModified, "NotModified", "Not Modified")
		}
		return nil
	}
	since, err := http.ParseTime(header.Get("If-Modified-Since"))
	if err == nil && !o.modified.Truncate(time.Second).After(since) {
		return kernel.Errorf(http.StatusNotModified, "NotModified", "Not Modified")
	}
	return nil
}

// override answers with the headers that response-… parameters ask for.
func (r *request) override() {
	for name := range r.query {
		if header, ok := strings.CutPrefix(name, "response-"); ok {
			r.W.Header().Set(header, r.query.Get(name))
		}
	}
}

func deleteObject(r *request) error {
	if condition := r.R.Header.Get("If-Match"); condition != "" {
		if err := checkMatch(condition, r.key, r.bucket.current(r.key)); err != nil {
			return err
		}
	}
	if r.query.Has("versionId") {
		if dropped := r.bucket.drop(r.key, r.query.Get("versionId")); dropped != nil {
			r.tell(dropped)
		}
	} else if marker := r.bucket.remove(r.key, r.World.Clock.Now()); marker != nil {
		r.tell(marker)
	}
	r.W.Header().Del("X-Amz-Server-Side-Encryption")
	r.W.WriteHeader(http.StatusNoContent)
	return nil
}

// deletion is the body of DeleteObjects.
type deletion struct {
	Quiet   bool
	Objects []struct {
		Key       string
		VersionID string `xml:"VersionId"`
		ETag      string
	} `xml:"Object"`
}

type deletionResult struct {
	XMLName xml.Name         `xml:"http://s3.amazonaws.com/doc/2006-03-01/ DeleteResult"`
	Deleted []deletedEntry   `xml:"Deleted"`
	Errors  []undeletedEntry `xml:"Error"`
}

type deletedEntry struct {
	Key                   string
	VersionID             string `xml:"VersionId,omitempty"`
	DeleteMarker          bool   `xml:",omitempty"`
	DeleteMarkerVersionID string `xml:"DeleteMarkerVersionId,omitempty"`
}

type undeletedEntry struct{ Key, Code, Message string }

func deleteObjects(r *request) error {
	if _, err := checkBody(r.R.Header, r.Body); err != nil {
		return err
	}
	var d deletion
	if err := xml.Unmarshal(r.Body, &d); err != nil || len(d.Objects) == 0 || len(d.Objects) > 1000 {
		return malformedXML()
	}
	result := deletionResult{}
	for _, o := range d.Objects {
		entry, err := r.deleteOne(o.Key, o.VersionID)
		if err != nil {
			result.Errors = append(result.Errors, undeletedEntry{o.Key, err.Code, err.Message})
		} else if !d.Quiet {
			result.Deleted = append(result.Deleted, entry)
		}
	}
	r.XML(http.StatusOK, result)
	return nil
}

func (r *request) deleteOne(key, version string) (deletedEntry, *kernel.APIError) {
	action := "s3:DeleteObject"
	if version != "" {
		action += "Version"
	}
	if err := r.Also(kernel.Access{Action: action, Resources: []string{r.arn(key)}, Policy: r.bucket.Policy}); err != nil {
		return deletedEntry{}, kernel.Errorf(http.StatusForbidden, "AccessDenied", "%s", strings.TrimPrefix(err.Error(), "AccessDenied: "))
	}
	entry := deletedEntry{Key: key, VersionID: version}
	if version != "" {
		r.bucket.drop(key, version)
		return entry, nil
	}
	if marker := r.bucket.remove(key, r.World.Clock.Now()); marker != nil {
		entry.DeleteMarker, entry.DeleteMarkerVersionID = true, marker.version
	}
	return entry, nil
}

func malformedXML() *kernel.APIError {
	return kernel.Errorf(http.StatusBadRequest, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
}

type copyResult struct {
	XMLName      xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CopyObjectResult"`
	ETag         string
	LastModified string
}

func copyObject(r *request) error {
	if err := r.checkWrite(); err != nil {
		return err
	}
	source, err := r.copySource()
	if err != nil {
		return err
	}
	if condition := r.R.Header.Get("X-Amz-Copy-Source-If-Match"); condition != "" && strings.Trim(condition, `"`) != strings.Trim(source.etag, `"`) {
		return preconditionFailed("x-amz-copy-source-If-Match")
	}
	key := r.encryption()
	if err := r.use(key, "kms:GenerateDataKey"); err != nil {
		return err
	}
	o := &object{body: source.body, etag: source.etag, key: key, modified: r.World.Clock.Now(), headers: source.headers, checksums: source.checksums}
	if r.R.Header.Get("X-Amz-Metadata-Directive") == "REPLACE" {
		if o.headers, err = keep(r.R.Header); err != nil {
			return err
		}
	}
	r.bucket.add(r.key, o)
	r.tell(o)
	r.XML(http.StatusOK, copyResult{ETag: o.etag, LastModified: o.modified.Format(stamp)})
	return nil
}

// copySource is the object that x-amz-copy-source names: BUCKET/KEY, escaped, perhaps with ?versionId=….
func (r *request) copySource() (*object, error) {
	path, query, _ := strings.Cut(strings.TrimPrefix(r.R.Header.Get("X-Amz-Copy-Source"), "/"), "?")
	path, err := url.PathUnescape(path)
	if err != nil {
		return nil, kernel.Errorf(http.StatusBadRequest, "InvalidArgument", "Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
	}
	from := *r
	from.name, from.key, _ = strings.Cut(path, "/")
	from.query, err = url.ParseQuery(query)
	from.bucket = r.service.buckets[from.name]
	if err != nil || from.bucket == nil {
		return nil, noSuchBucket(from.name)
	}
	action := "s3:GetObject"
	if from.query.Has("versionId") {
		action = "s3:GetObjectVersion"
	}
	if err := r.Also(kernel.Access{Action: action, Resources: []string{from.arn(from.key)}, Policy: from.bucket.Policy}); err != nil {
		return nil, fmt.Errorf("copy: %w", err)
	}
	source, err := from.wanted()
	if err != nil {
		return nil, err
	}
	return source, r.use(source.key, "kms:Decrypt")
}
