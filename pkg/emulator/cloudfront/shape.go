// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package cloudfront

import (
	"strings"

	"cloudfront503/pkg/emulator/wirexml"
)

// namespace is the xmlns of the API version that the SDKs speak.
const namespace = "http://cloudfront.amazonaws.com/doc/2020-05-31/"

// shape is how CloudFront's XML differs from its JSON. Source: the API model of 2020-05-31 (botocore 1.43); element names
// that are numbers in one place are numbers in all, but for ResponseCode, which is text.
var shape = &wirexml.Shape{
	Item: map[string]string{
		"AccessControlAllowHeaders": "Header", "AccessControlAllowMethods": "Method", "AccessControlAllowOrigins": "Origin",
		"AccessControlExposeHeaders": "Header", "ActiveTrustedKeyGroups": "KeyGroup", "ActiveTrustedSigners": "Signer",
		"Aliases": "CNAME", "AllowedMethods": "Method", "CacheBehaviors": "CacheBehavior", "CachedMethods": "Method",
		"ContentTypeProfiles": "ContentTypeProfile", "Cookies": "Name", "CustomErrorResponses": "CustomErrorResponse",
		"CustomHeaders": "OriginCustomHeader", "CustomHeadersConfig": "ResponseHeadersPolicyCustomHeader",
		"DistributionIdList": "DistributionId", "DistributionList": "DistributionSummary",
		"EncryptionEntities": "EncryptionEntity", "FieldPatterns": "FieldPattern", "FunctionAssociations": "FunctionAssociation",
		"FunctionList": "FunctionSummary", "GeoRestriction": "Location", "Headers": "Name", "InvalidationList": "InvalidationSummary",
		"KeyValueStoreList": "KeyValueStore",
		"KeyGroupConfig":    "PublicKey", "KeyPairIds": "KeyPairId", "KeyValueStoreAssociations": "KeyValueStoreAssociation",
		"LambdaFunctionAssociations": "LambdaFunctionAssociation", "Members": "OriginGroupMember", "OriginGroups": "OriginGroup",
		"OriginSslProtocols": "SslProtocol", "Origins": "Origin", "Paths": "Path", "QueryArgProfiles": "QueryArgProfile",
		"QueryStringCacheKeys": "Name", "QueryStrings": "Name", "RemoveHeadersConfig": "ResponseHeadersPolicyRemoveHeader",
		"StagingDistributionDnsNames": "DnsName", "StatusCodes": "StatusCode", "TagKeys": "Key", "Tags": "Tag",
		"TrustedKeyGroups": "KeyGroup", "TrustedSigners": "AwsAccountNumber", "WhitelistedNames": "Name",
	},
	List: map[string]string{
		"DistributionTenantList": "DistributionTenantSummary", "Domains": "member",
		"AliasICPRecordals": "AliasICPRecordal", "EndPoints": "member", "Fields": "Field", "FunctionExecutionLogs": "member",
		"Locations": "Location", "ParameterDefinitions": "member", "Parameters": "member",
	},
	Numbers: names(`AccessControlMaxAgeSec ConnectionAttempts ConnectionTimeout DefaultTTL ErrorCachingMinTTL ErrorCode HTTPPort
		HTTPSPort IdleTTL InProgressInvalidationBatches IpCount MaxItems MaxTTL MaximumTTL MinTTL NumberOfCaCertificates
		OriginKeepaliveTimeout OriginReadTimeout Quantity ResponseCompletionTimeout SamplingRate StatusCode Weight`),
	Bools: names(`AccessControlAllowCredentials AdvertiseTrustStoreCaNames CloudFrontDefaultCertificate Compress
		EnableAcceptEncodingBrotli EnableAcceptEncodingGzip Enabled ForwardWhenContentTypeIsUnknown
		ForwardWhenQueryArgProfileIsUnknown IgnoreCertificateExpiry IncludeBody IncludeCookies IncludeSubdomains Ipv6Enabled
		IsDefault IsIPV6Enabled IsTruncated ModeBlock OriginOverride Override Preload Protection QueryString Required
		SmoothStreaming Staging UseClientCertificateOCSPEndpoint`),
}

func names(list string) map[string]bool {
	set := map[string]bool{}
	for _, name := range strings.Fields(list) {
		set[name] = true
	}
	return set
}

// object is a member that is a structure, an empty one where it is absent.
func object(value any, path ...string) map[string]any {
	m, _ := value.(map[string]any)
	for _, name := range path {
		m, _ = m[name].(map[string]any)
	}
	return m
}

// items are the entries of a Quantity and Items structure.
func items(value any, path ...string) []any {
	list, _ := object(value, path...)["Items"].([]any)
	return list
}

// text is a leaf as text, empty where it is absent.
func text(m map[string]any, name string) string { return wirexml.Text(m[name]) }
