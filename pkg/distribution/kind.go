// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package distribution

import (
	"regexp"
	"slices"
	"strings"

	"cloudfront503/pkg/pattern"
)

// Kind is what stands behind an origin, as far as its domain name tells. A name of one's own tells nothing.
type Kind string

// The kinds of origin.
const (
	KindS3           Kind = "s3"
	KindS3Website    Kind = "s3-website"
	KindELB          Kind = "elb" // an application, classic or network load balancer: the name does not promise which
	KindAPIGateway   Kind = "api-gateway"
	KindFunctionURL  Kind = "function-url"
	KindMediaStore   Kind = "media-store"
	KindMediaPackage Kind = "media-package"
	KindCloudFront   Kind = "cloudfront"
	KindVPC          Kind = "vpc"   // a VPC origin, whatever its name
	KindOther        Kind = "other" // a server, a container, another CDN, or any of these under a name of one's own
)

// kinds are the domain names that AWS gives out, first match wins. China's end in .com.cn.
//
//	media.s3.eu-west-1.amazonaws.com
//	www.example.com.s3-website-us-east-1.amazonaws.com
//	shop-1234567890.eu-west-1.elb.amazonaws.com
//	a1b2c3d4e5.execute-api.us-east-1.amazonaws.com
//	abcdefghijklmnopqrstuvwxyz012345.lambda-url.us-east-1.on.aws
var kinds = []struct {
	kind Kind
	name func() *regexp.Regexp
}{
	{KindS3Website, pattern.Lazily(`(?i)\.s3-website[.-][a-z0-9-]+\.amazonaws\.com(\.cn)?$`)},
	{KindS3, pattern.Lazily(`(?i)\.s3([.-][a-z0-9-]+)*(\.[a-z0-9-]+)?\.amazonaws\.com(\.cn)?$`)},
	{KindS3, pattern.Lazily(`(?i)\.(s3-accesspoint|s3-object-lambda|accesspoint\.s3-global)(\.dualstack)?(\.[a-z0-9-]+)?\.amazonaws\.com(\.cn)?$`)},
	{KindELB, pattern.Lazily(`(?i)\.([a-z0-9-]+\.elb|elb\.[a-z0-9-]+)\.amazonaws\.com(\.cn)?$`)},
	{KindAPIGateway, pattern.Lazily(`(?i)\.execute-api\.[a-z0-9-]+\.(amazonaws\.com(\.cn)?|api\.aws)$`)},
	{KindFunctionURL, pattern.Lazily(`(?i)\.lambda-url\.[a-z0-9-]+\.on\.aws$`)},
	{KindMediaStore, pattern.Lazily(`(?i)\.data\.mediastore\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$`)},
	{KindMediaPackage, pattern.Lazily(`(?i)\.mediapackage(v2)?\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$`)},
	{KindCloudFront, pattern.Lazily(`(?i)\.cloudfront\.(net|cn)$`)},
}

// KindOf is the kind of origin that the domain name tells.
func KindOf(domainName string) Kind {
	for _, known := range kinds {
		if known.name().MatchString(domainName) {
			return known.kind
		}
	}
	return KindOther
}

// regionLabel is a Region, alone or behind what S3 writes before it: eu-west-1, s3-eu-west-1, s3-website-eu-west-1.
var regionLabel = pattern.Lazily(`^(?:s3-(?:website-)?)?([a-z]{2}(?:-[a-z]+)+-[0-9])$`)

// RegionOf is the Region in a domain name that AWS gives out, empty where it has none or the name is one's own.
func RegionOf(domainName string) string {
	if KindOf(domainName) == KindOther {
		return ""
	}
	labels := strings.Split(strings.ToLower(domainName), ".")
	for _, label := range slices.Backward(labels[1:]) { // from behind: a bucket's own name may hold anything
		if match := regionLabel().FindStringSubmatch(label); match != nil {
			return match[1]
		}
	}
	return ""
}
