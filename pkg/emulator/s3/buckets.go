// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package s3

import (
	"encoding/xml"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"cloudfront503/pkg/emulator/kernel"
)

// bucketName is the rule for the names of general purpose buckets, apart from its reserved prefixes and suffixes.
var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

type location struct {
	XMLName    xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ LocationConstraint"`
	Constraint string   `xml:",chardata"`
}

func createBucket(r *request) error {
	if !bucketName.MatchString(r.name) || strings.Contains(r.name, "..") {
		return kernel.Errorf(http.StatusBadRequest, "InvalidBucketName", "The specified bucket is not valid.")
	}
	var wanted struct{ LocationConstraint string }
	if len(r.Body) > 0 && xml.Unmarshal(r.Body, &wanted) != nil {
		return malformedXML()
	}
	region := wanted.LocationConstraint
	if region == "" {
		region = "us-east-1"
	}
	if region != r.Region {
		return kernel.Errorf(http.StatusBadRequest, "IllegalLocationConstraintException", "The %s location constraint is incompatible for the region specific endpoint this request was sent to.", region)
	}
	if r.bucket != nil && region != "us-east-1" { // there it is no error, for old times' sake
		return kernel.Errorf(http.StatusConflict, "BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it.")
	}
	if r.bucket == nil {
		r.service.buckets[r.name] = &Bucket{Name: r.name, Region: region, created: r.World.Clock.Now(), objects: map[string][]*object{}}
	}
	r.W.Header().Set("Location", "/"+r.name)
	r.W.WriteHeader(http.StatusOK)
	return nil
}

func headBucket(r *request) error {
	r.W.Header().Set("X-Amz-Bucket-Region", r.bucket.Region)
	r.W.WriteHeader(http.StatusOK)
	return nil
}

func deleteBucket(r *request) error {
	if len(r.bucket.objects) > 0 {
		return kernel.Errorf(http.StatusConflict, "BucketNotEmpty", "The bucket you tried to delete is not empty")
	}
	delete(r.service.buckets, r.name)
	r.W.WriteHeader(http.StatusNoContent)
	return nil
}

type bucketsResult struct {
	XMLName xml.Name      `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListAllMyBucketsResult"`
	Owner   listOwner     `xml:"Owner"`
	Buckets []bucketEntry `xml:"Buckets>Bucket"`
}

type bucketEntry struct{ Name, CreationDate, BucketRegion string }

func listBuckets(r *request) error {
	result := bucketsResult{Owner: listOwner{ID: r.World.Account}}
	for _, name := range slices.Sorted(maps.Keys(r.service.buckets)) {
		b := r.service.buckets[name]
		if strings.HasPrefix(name, r.query.Get("prefix")) {
			result.Buckets = append(result.Buckets, bucketEntry{name, b.created.Format(stamp), b.Region})
		}
	}
	r.XML(http.StatusOK, result)
	return nil
}

func getLocation(r *request) error {
	constraint := r.bucket.Region
	if constraint == "us-east-1" {
		constraint = ""
	}
	r.XML(http.StatusOK, location{Constraint: constraint})
	return nil
}

type versioning struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ VersioningConfiguration"`
	Status  string   `xml:",omitempty"`
}

func getVersioning(r *request) error {
	r.XML(http.StatusOK, versioning{Status: r.bucket.Versioning})
	return nil
}

func putVersioning(r *request) error {
	var wanted struct{ Status string }
	if xml.Unmarshal(r.Body, &wanted) != nil || (wanted.Status != "Enabled" && wanted.Status != "Suspended") {
		return malformedXML()
	}
	r.bucket.Versioning = wanted.Status
	r.W.WriteHeader(http.StatusOK)
	return nil
}

func getPolicy(r *request) error {
	if r.bucket.Policy == nil {
		e := kernel.Errorf(http.StatusNotFound, "NoSuchBucketPolicy", "The bucket policy does not exist")
		e.Extra = map[string]string{"BucketName": r.name}
		return e
	}
	r.JSON([]byte(r.bucket.Policy.Raw))
	return nil
}

func putPolicy(r *request) error {
	policy, err := kernel.ParsePolicy(r.Body)
	if err != nil {
		return kernel.Errorf(http.StatusBadRequest, "MalformedPolicy", "%s", strings.TrimPrefix(err.Error(), "MalformedPolicyDocument: "))
	}
	r.bucket.Policy = policy
	r.W.WriteHeader(http.StatusNoContent)
	return nil
}

func deletePolicy(r *request) error {
	r.bucket.Policy = nil
	r.W.WriteHeader(http.StatusNoContent)
	return nil
}

// encryption is a bucket's default encryption.
type encryption struct {
	XMLName xml.Name         `xml:"ServerSideEncryptionConfiguration"`
	Rules   []encryptionRule `xml:"Rule"`
}

type encryptionRule struct {
	Algorithm string `xml:"ApplyServerSideEncryptionByDefault>SSEAlgorithm"`
	Key       string `xml:"ApplyServerSideEncryptionByDefault>KMSMasterKeyID,omitempty"`
	BucketKey bool   `xml:"BucketKeyEnabled"`
}

func getEncryption(r *request) error {
	rule := encryptionRule{Algorithm: "AES256"}
	if r.bucket.Key != "" {
		rule = encryptionRule{Algorithm: "aws:kms", Key: r.bucket.Key}
	}
	r.XML(http.StatusOK, encryption{Rules: []encryptionRule{rule}})
	return nil
}

func putEncryption(r *request) error {
	var e encryption
	if xml.Unmarshal(r.Body, &e) != nil || len(e.Rules) != 1 {
		return malformedXML()
	}
	r.bucket.Key = e.Rules[0].Key
	r.W.WriteHeader(http.StatusOK)
	return nil
}
