// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package s3

import (
	"encoding/base64"
	"encoding/xml"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"cloudfront503/pkg/emulator/kernel"
)

// pageLimit is the most that one answer of a listing holds.
const pageLimit = 1000

// keys are the keys that begin with prefix, in S3's order, that of their bytes; those of delete markers as well.
func (b *Bucket) keys(prefix string) []string {
	sorted := slices.Sorted(maps.Keys(b.objects))
	return slices.DeleteFunc(sorted, func(key string) bool { return !strings.HasPrefix(key, prefix) })
}

type commonPrefix struct{ Prefix string }

type listResult struct {
	XMLName               xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
	Name                  string
	Prefix                string
	Delimiter             string `xml:",omitempty"`
	EncodingType          string `xml:",omitempty"`
	StartAfter            string `xml:",omitempty"`
	ContinuationToken     string `xml:",omitempty"`
	NextContinuationToken string `xml:",omitempty"`
	KeyCount, MaxKeys     int
	IsTruncated           bool
	Contents              []listEntry
	CommonPrefixes        []commonPrefix
}

type listEntry struct {
	Key               string
	LastModified      string
	ETag              string
	ChecksumAlgorithm string `xml:",omitempty"`
	ChecksumType      string `xml:",omitempty"`
	Size              int
	StorageClass      string
	Owner             *listOwner
}

type listOwner struct{ ID string }

// item is one line of a listing: a key, or the prefix that many keys have in common.
type item struct {
	key    string
	prefix bool
}

// items rolls keys up at the delimiter.
func items(keys []string, prefix, delimiter string) []item {
	var all []item
	for _, key := range keys {
		it := item{key: key}
		if delimiter != "" {
			if before, _, found := strings.Cut(key[len(prefix):], delimiter); found {
				it = item{key: prefix + before + delimiter, prefix: true}
			}
		}
		if len(all) == 0 || all[len(all)-1] != it {
			all = append(all, it)
		}
	}
	return all
}

// page is the items after a key, at most limit of them; more says that there are others.
func page(all []item, after string, limit int) (some []item, more bool) {
	all = slices.DeleteFunc(all, func(it item) bool { return after != "" && it.key <= after })
	if len(all) > limit {
		return all[:limit], limit > 0
	}
	return all, false
}

func (r *request) maxKeys() (int, error) {
	if !r.query.Has("max-keys") {
		return pageLimit, nil
	}
	n, err := strconv.Atoi(r.query.Get("max-keys"))
	if err != nil || n < 0 {
		return 0, kernel.Errorf(http.StatusBadRequest, "InvalidArgument", "Argument max-keys must be an integer between 0 and 2147483647")
	}
	return min(n, pageLimit), nil
}

// encoder is how keys are written: as they are, or escaped for encoding-type=url.
func (r *request) encoder() func(string) string {
	if r.query.Get("encoding-type") == "url" {
		return escapeKey
	}
	return func(key string) string { return key }
}

func listObjects(r *request) error {
	if r.query.Get("list-type") != "2" {
		r.World.Strict("s3: list-type=%s", r.query.Get("list-type"))
		return notImplemented()
	}
	limit, err := r.maxKeys()
	if err != nil {
		return err
	}
	after, err := r.listAfter()
	if err != nil {
		return err
	}
	encode, prefix := r.encoder(), r.query.Get("prefix")
	keys := slices.DeleteFunc(r.bucket.keys(prefix), func(key string) bool { return r.bucket.current(key) == nil })
	some, more := page(items(keys, prefix, r.query.Get("delimiter")), after, limit)
	result := listResult{
		Name: r.name, Prefix: encode(prefix), Delimiter: encode(r.query.Get("delimiter")), EncodingType: r.query.Get("encoding-type"),
		StartAfter: encode(r.query.Get("start-after")), ContinuationToken: r.query.Get("continuation-token"),
		KeyCount: len(some), MaxKeys: limit, IsTruncated: more,
	}
	if more {
		result.NextContinuationToken = base64.StdEncoding.EncodeToString([]byte(some[len(some)-1].key))
	}
	for _, it := range some {
		if it.prefix {
			result.CommonPrefixes = append(result.CommonPrefixes, commonPrefix{encode(it.key)})
			continue
		}
		result.Contents = append(result.Contents, r.entry(it.key, encode))
	}
	r.XML(http.StatusOK, result)
	return nil
}

// listAfter is the key after which the page begins.
func (r *request) listAfter() (string, error) {
	if !r.query.Has("continuation-token") {
		return r.query.Get("start-after"), nil
	}
	after, err := base64.StdEncoding.DecodeString(r.query.Get("continuation-token"))
	if err != nil || len(after) == 0 {
		return "", kernel.Errorf(http.StatusBadRequest, "InvalidArgument", "The continuation token provided is incorrect")
	}
	return string(after), nil
}

func (r *request) entry(key string, encode func(string) string) listEntry {
	o := r.bucket.current(key)
	entry := listEntry{
		Key: encode(key), LastModified: o.modified.Format(stamp), ETag: o.etag, Size: len(o.body), StorageClass: "STANDARD",
		ChecksumAlgorithm: o.algorithm(), ChecksumType: o.checksums.Get("X-Amz-Checksum-Type"),
	}
	if r.query.Get("fetch-owner") == "true" {
		entry.Owner = &listOwner{ID: r.World.Account}
	}
	return entry
}

func (o *object) algorithm() string {
	for _, s := range sums() {
		if o.checksums.Get(s.header) != "" {
			return s.name
		}
	}
	return ""
}

type versionsResult struct {
	XMLName             xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListVersionsResult"`
	Name                string
	Prefix              string
	Delimiter           string `xml:",omitempty"`
	EncodingType        string `xml:",omitempty"`
	KeyMarker           string
	VersionIDMarker     string `xml:"VersionIdMarker"`
	NextKeyMarker       string `xml:",omitempty"`
	NextVersionIDMarker string `xml:"NextVersionIdMarker,omitempty"`
	MaxKeys             int
	IsTruncated         bool
	Versions            []versionEntry `xml:"Version"`
	Markers             []markerEntry  `xml:"DeleteMarker"`
	CommonPrefixes      []commonPrefix
}

type versionEntry struct {
	Key          string
	VersionID    string `xml:"VersionId"`
	IsLatest     bool
	LastModified string
	ETag         string
	Size         int
	StorageClass string
}

type markerEntry struct {
	Key          string
	VersionID    string `xml:"VersionId"`
	IsLatest     bool
	LastModified string
}

// listVersions lists whole keys a page: all versions of a key stand in the same answer unless they alone exceed it.
func listVersions(r *request) error {
	limit, err := r.maxKeys()
	if err != nil {
		return err
	}
	encode, prefix := r.encoder(), r.query.Get("prefix")
	result := versionsResult{
		Name: r.name, Prefix: encode(prefix), Delimiter: encode(r.query.Get("delimiter")), EncodingType: r.query.Get("encoding-type"),
		KeyMarker: encode(r.query.Get("key-marker")), VersionIDMarker: r.query.Get("version-id-marker"), MaxKeys: limit,
	}
	count := 0
	for _, line := range r.versionLines(prefix) {
		if count == limit {
			result.IsTruncated = limit > 0
			break
		}
		count++
		result.NextKeyMarker, result.NextVersionIDMarker = encode(line.key), line.version()
		result.add(line, encode)
	}
	if !result.IsTruncated {
		result.NextKeyMarker, result.NextVersionIDMarker = "", ""
	}
	r.XML(http.StatusOK, result)
	return nil
}

// versionLine is one line of a listing of versions: a version, or a prefix, which has none.
type versionLine struct {
	item
	object *object
	latest bool
}

func (l versionLine) version() string {
	if l.object == nil {
		return ""
	}
	return l.object.version
}

// versionLines are all lines after the markers, the newest version of a key first.
func (r *request) versionLines(prefix string) []versionLine {
	afterKey, afterVersion := r.query.Get("key-marker"), r.query.Get("version-id-marker")
	var lines []versionLine
	for _, it := range items(r.bucket.keys(prefix), prefix, r.query.Get("delimiter")) {
		if it.key < afterKey || (it.key == afterKey && afterKey != "" && afterVersion == "") {
			continue
		}
		if it.prefix {
			lines = append(lines, versionLine{item: it})
			continue
		}
		lines = append(lines, r.linesOf(it, it.key == afterKey, afterVersion)...)
	}
	return lines
}

func (r *request) linesOf(it item, resumed bool, afterVersion string) []versionLine {
	var lines []versionLine
	versions := r.bucket.objects[it.key]
	for i := len(versions) - 1; i >= 0; i-- {
		lines = append(lines, versionLine{item: it, object: versions[i], latest: i == len(versions)-1})
	}
	if resumed {
		at := slices.IndexFunc(lines, func(l versionLine) bool { return l.object.version == afterVersion })
		return lines[at+1:]
	}
	return lines
}

func (v *versionsResult) add(line versionLine, encode func(string) string) {
	o := line.object
	switch {
	case line.prefix:
		v.CommonPrefixes = append(v.CommonPrefixes, commonPrefix{encode(line.key)})
	case o.marker:
		v.Markers = append(v.Markers, markerEntry{encode(line.key), o.version, line.latest, o.modified.Format(stamp)})
	default:
		v.Versions = append(v.Versions, versionEntry{encode(line.key), o.version, line.latest, o.modified.Format(stamp), o.etag, len(o.body), "STANDARD"})
	}
}
