// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package s3

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"cloudfront503/pkg/emulator/kernel"
)

// operation is one of S3's API operations.
type operation struct {
	name    string
	method  string
	onKey   bool     // on an object, else on a bucket
	mark    string   // the query parameter that tells it from its like; empty: the plain one
	action  string   // as IAM names it
	params  []string // query parameters that it takes besides mark
	headers []string // x-amz- headers that it takes besides those that every request may have
	do      func(*request) error
}

// everyHeader are the x-amz- headers that any request may have.
var everyHeader = []string{
	"X-Amz-Content-Sha256", "X-Amz-Date", "X-Amz-Security-Token", "X-Amz-User-Agent", "X-Amz-Decoded-Content-Length",
	"X-Amz-Trailer", "X-Amz-Sdk-Checksum-Algorithm", "X-Amz-Expected-Bucket-Owner", "X-Amz-Request-Payer", "X-Amz-Api-Version",
	"X-Amz-Checksum-Crc32", "X-Amz-Checksum-Crc32c", "X-Amz-Checksum-Crc64nvme", "X-Amz-Checksum-Sha1", "X-Amz-Checksum-Sha256",
}

var (
	encryptionHeaders = []string{"X-Amz-Server-Side-Encryption", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", "X-Amz-Server-Side-Encryption-Bucket-Key-Enabled"}
	getParams         = []string{
		"versionId", "response-cache-control", "response-content-disposition", "response-content-encoding",
		"response-content-language", "response-content-type", "response-expires",
	}
)

// operations is what this S3 knows; whatever is not here is refused.
func operations() []operation {
	return []operation{
		{name: "GetObject", method: http.MethodGet, onKey: true, action: "s3:GetObject", params: getParams, headers: []string{"X-Amz-Checksum-Mode"}, do: getObject},
		{name: "HeadObject", method: http.MethodHead, onKey: true, action: "s3:GetObject", params: getParams, headers: []string{"X-Amz-Checksum-Mode"}, do: getObject},
		{name: "PutObject", method: http.MethodPut, onKey: true, action: "s3:PutObject", headers: append([]string{"X-Amz-Storage-Class"}, encryptionHeaders...), do: putObject},
		{name: "DeleteObject", method: http.MethodDelete, onKey: true, action: "s3:DeleteObject", params: []string{"versionId"}, do: deleteObject},
		{name: "ListObjectsV2", method: http.MethodGet, mark: "list-type", action: "s3:ListBucket", do: listObjects, params: []string{
			"continuation-token", "delimiter", "encoding-type", "fetch-owner", "max-keys", "prefix", "start-after",
		}},
		{name: "ListObjectVersions", method: http.MethodGet, mark: "versions", action: "s3:ListBucketVersions", do: listVersions, params: []string{
			"delimiter", "encoding-type", "key-marker", "max-keys", "prefix", "version-id-marker",
		}},
		{name: "DeleteObjects", method: http.MethodPost, mark: "delete", action: "s3:DeleteObject", do: deleteObjects},
		{name: "CreateBucket", method: http.MethodPut, action: "s3:CreateBucket", do: createBucket},
		{name: "HeadBucket", method: http.MethodHead, action: "s3:ListBucket", do: headBucket},
		{name: "DeleteBucket", method: http.MethodDelete, action: "s3:DeleteBucket", do: deleteBucket},
		{name: "GetBucketLocation", method: http.MethodGet, mark: "location", action: "s3:GetBucketLocation", do: getLocation},
		{name: "GetBucketVersioning", method: http.MethodGet, mark: "versioning", action: "s3:GetBucketVersioning", do: getVersioning},
		{name: "PutBucketVersioning", method: http.MethodPut, mark: "versioning", action: "s3:PutBucketVersioning", do: putVersioning},
		{name: "GetBucketPolicy", method: http.MethodGet, mark: "policy", action: "s3:GetBucketPolicy", do: getPolicy},
		{name: "PutBucketPolicy", method: http.MethodPut, mark: "policy", action: "s3:PutBucketPolicy", headers: []string{"X-Amz-Confirm-Remove-Self-Bucket-Access"}, do: putPolicy},
		{name: "DeleteBucketPolicy", method: http.MethodDelete, mark: "policy", action: "s3:DeleteBucketPolicy", do: deletePolicy},
		{name: "GetBucketEncryption", method: http.MethodGet, mark: "encryption", action: "s3:GetEncryptionConfiguration", do: getEncryption},
		{name: "PutBucketEncryption", method: http.MethodPut, mark: "encryption", action: "s3:PutEncryptionConfiguration", do: putEncryption},
	}
}

// copyObject and listBuckets are told by a header and by the lack of a bucket.
func special() (copying, listing operation) {
	copying = operation{
		name: "CopyObject", action: "s3:PutObject", do: copyObject,
		headers: append([]string{"X-Amz-Copy-Source", "X-Amz-Metadata-Directive", "X-Amz-Checksum-Algorithm", "X-Amz-Copy-Source-If-Match"}, encryptionHeaders...),
	}
	listing = operation{name: "ListBuckets", action: "s3:ListAllMyBuckets", params: []string{"max-buckets", "prefix"}, do: listBuckets}
	return copying, listing
}

// operation is what the request asks for, or nil.
func (r *request) operation() *operation {
	copying, listing := special()
	if r.name == "" {
		if r.R.Method == http.MethodGet {
			return &listing
		}
		return nil
	}
	if r.R.Header.Get("X-Amz-Copy-Source") != "" && r.R.Method == http.MethodPut && r.key != "" {
		return &copying
	}
	var plain *operation
	all := operations()
	for i := range all {
		op := &all[i]
		if op.method != r.R.Method || op.onKey != (r.key != "") {
			continue
		}
		if op.mark != "" && r.query.Has(op.mark) {
			return op
		}
		if op.mark == "" {
			plain = op
		}
	}
	return plain
}

// check refuses parameters and headers that the operation does not know here.
func (r *request) check(op *operation) error {
	for name := range r.query {
		if name != op.mark && !slices.Contains(op.params, name) {
			return kernel.Errorf(http.StatusNotImplemented, "NotImplemented", "query parameter %s", name)
		}
	}
	for name := range r.R.Header {
		if !strings.HasPrefix(name, "X-Amz-") || strings.HasPrefix(name, "X-Amz-Meta-") {
			continue
		}
		if !slices.Contains(everyHeader, name) && !slices.Contains(op.headers, name) {
			return kernel.Errorf(http.StatusNotImplemented, "NotImplemented", "header %s", name)
		}
	}
	return nil
}

// access is what the operation asks of IAM.
func (r *request) access(op *operation) kernel.Access {
	r.service.mu.Lock()
	defer r.service.mu.Unlock()
	access := kernel.Access{Action: op.action, Resources: []string{r.arn(r.key)}, Conditions: r.conditions()}
	if r.query.Has("versionId") {
		access.Action += "Version" // s3:GetObjectVersion, s3:DeleteObjectVersion
	}
	if r.name == "" {
		access.Resources = nil
	}
	if op.name == "DeleteObjects" { // each key is asked for by itself
		access.Resources, access.Open = []string{r.arn("*")}, true
	}
	if b := r.service.buckets[r.name]; b != nil {
		access.Policy = b.Policy
	}
	return access
}

// arn is the ARN of a key in the request's bucket, of the bucket itself for an empty key.
func (r *request) arn(key string) string {
	if key == "" {
		return "arn:aws:s3:::" + r.name
	}
	return "arn:aws:s3:::" + r.name + "/" + key
}

// conditionKeys are the condition keys of S3 that come from a query parameter or a header (Service Authorization
// Reference, "Condition keys for Amazon S3").
var conditionKeys = map[string]string{
	"s3:prefix": "prefix", "s3:delimiter": "delimiter", "s3:max-keys": "max-keys", "s3:VersionId": "versionId",
	"s3:if-none-match": "If-None-Match", "s3:if-match": "If-Match",
	"s3:x-amz-server-side-encryption":                "X-Amz-Server-Side-Encryption",
	"s3:x-amz-server-side-encryption-aws-kms-key-id": "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id",
	"s3:x-amz-content-sha256":                        "X-Amz-Content-Sha256",
	"s3:x-amz-copy-source":                           "X-Amz-Copy-Source",
}

func (r *request) conditions() map[string]string {
	conditions := map[string]string{}
	for key, name := range conditionKeys {
		if r.query.Has(name) {
			conditions[key] = r.query.Get(name)
		} else if value := r.R.Header.Get(name); value != "" {
			conditions[key] = value
		}
	}
	return conditions
}

// escapeKey is a key as encoding-type=url wants it.
func escapeKey(key string) string { return strings.ReplaceAll(url.QueryEscape(key), "%2F", "/") }
