// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package incident

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"
)

// The kinds of thing that a configuration points to.
const (
	PointedFunction   = "Function"      // one stage of a CloudFront Function; its ID is the function's name
	PointedLambda     = "LambdaVersion" // its ID is the version's ARN
	PointedRole       = "Role"          // the execution role of a Lambda@Edge version; its ID is the role's ARN
	PointedCache      = "CachePolicy"
	PointedRequest    = "OriginRequestPolicy"
	PointedResponse   = "ResponseHeadersPolicy"
	PointedAccess     = "OriginAccessControl"
	PointedKeyGroup   = "KeyGroup"
	PointedVPC        = "VpcOrigin"
	PointedDeployment = "ContinuousDeploymentPolicy"
	PointedWebACL     = "WebACL" // its ID only: what it does is read elsewhere, and never changed

	// Kept by baseline alone, as there may be many or they may be large.
	PointedTenant = "DistributionTenant"
	PointedStore  = "KeyValueStore" // of a CloudFront Function; its ID is its ARN
)

// The stages of a CloudFront Function.
const (
	StageDevelopment = "DEVELOPMENT"
	StageLive        = "LIVE"
)

// Pointed is one thing that a configuration points to, and where it is kept.
type Pointed struct {
	Kind       string    `json:"kind"`
	ID         string    `json:"id"`
	Stage      string    `json:"stage,omitempty"` // of a function
	ETag       string    `json:"etag,omitempty"`  // as CloudFront gave it; Lambda and IAM have none
	ModifiedAt time.Time `json:"modifiedAt,omitzero"`
	SHA256     string    `json:"sha256,omitempty"` // of the object's bytes, in hex
	Key        string    `json:"key,omitempty"`    // where its object lies; empty where only the ID is kept
	VersionID  string    `json:"versionId,omitempty"`
}

// Holds finds what a snapshot keeps of a thing that its configuration points to; stage is empty but for functions.
func (s Snapshot) Holds(kind, id, stage string) (Pointed, bool) {
	at := slices.IndexFunc(s.Pointed, func(p Pointed) bool { return p.Kind == kind && p.ID == id && p.Stage == stage })
	if at < 0 {
		return Pointed{}, false
	}
	return s.Pointed[at], true
}

// FunctionCode is what stands in a stage of a CloudFront Function: all that UpdateFunction takes.
type FunctionCode struct {
	Comment string   `json:"comment"`
	Runtime string   `json:"runtime"`          // cloudfront-js-2.0
	Stores  []string `json:"stores,omitempty"` // ARNs of the key value stores that it reads
	Code    []byte   `json:"code"`             // at most 10 KB
}

// Canonical is the code as JSON, always the same bytes for the same code: the object that is kept.
func (f FunctionCode) Canonical() []byte {
	text, err := json.Marshal(f)
	if err != nil { // strings and bytes
		return nil
	}
	return text
}

// Hash is SHA-256 over Canonical, in hex.
func (f FunctionCode) Hash() string { return hexSHA256(f.Canonical()) }

func hexSHA256(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// GoodCode is the code that a function had in LIVE while a distribution that uses it served healthily.
type GoodCode struct {
	Pointed
	GoodAt time.Time `json:"goodAt"` // when that was seen last
}

// CodeRecipe puts another code into a CloudFront Function's stage LIVE. As only DEVELOPMENT can be published, it is
// overwritten on the way, and put back.
type CodeRecipe struct {
	Function    string  `json:"function"`    // its ARN
	Event       string  `json:"event"`       // viewer-request or viewer-response: what it is tested with
	Live        Pointed `json:"live"`        // what stands in LIVE, with its ETag, as the snapshot keeps it
	Development Pointed `json:"development"` // the same of DEVELOPMENT
	To          Pointed `json:"to"`          // what LIVE would hold
}

// TrustRecipe lets services assume a role that they could not assume.
type TrustRecipe struct {
	Role     string   `json:"role"`     // its ARN
	Function string   `json:"function"` // the version of the Lambda@Edge function that runs in it
	From     string   `json:"from"`     // the trust policy as it is
	To       string   `json:"to"`       // as it would be: it gains statements, and loses nothing
	Gains    []string `json:"gains"`    // the services that could assume the role then
}

// RecipeHash is what an approval of a recipe is bound to, where its change is none of the distribution's configuration:
// SHA-256, in hex, over the distribution, the ETag of its configuration and the recipe.
func RecipeHash(distribution, etag string, recipe Recipe) string {
	text, err := json.Marshal(struct {
		Distribution string `json:"distribution"`
		ETag         string `json:"etag"`
		Recipe       Recipe `json:"recipe"`
	}{distribution, etag, recipe})
	if err != nil { // strings, numbers and times of years that have four digits
		return ""
	}
	return hexSHA256(bytes.TrimSpace(text))
}
