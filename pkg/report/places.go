// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package report

import "strings"

// place is where a member of CloudFront's API stands in a format: its name there, or one of the words below. A name that is
// empty has no place there.
type place struct{ cloudFormation, terraform string }

const (
	hoisted = "^" // the format leaves this level out: what is in it stands one level higher
	implied = "-" // the format does not say this, because it follows from the rest
)

// places are all members that are known in a format, by their path without the elements. Every behaviour, the default one
// too, is found under Behavior. [AWS CloudFormation User Guide, "AWS::CloudFront::Distribution DistributionConfig" and its
// property types; Terraform's AWS provider, "Resource: aws_cloudfront_distribution"; CloudFront API Reference]
var places = map[string]place{
	"Aliases": {hoisted, hoisted}, "Aliases.Items": {"Aliases", "aliases"},
	"AnycastIpListId":              {"AnycastIpListId", ""},
	"Comment":                      {"Comment", "comment"},
	"ContinuousDeploymentPolicyId": {"ContinuousDeploymentPolicyId", "continuous_deployment_policy_id"},
	"DefaultRootObject":            {"DefaultRootObject", "default_root_object"},
	"Enabled":                      {"Enabled", "enabled"},
	"HttpVersion":                  {"HttpVersion", "http_version"},
	"IsIPV6Enabled":                {"IPV6Enabled", "is_ipv6_enabled"},
	"PriceClass":                   {"PriceClass", "price_class"},
	"Staging":                      {"Staging", "staging"},
	"WebACLId":                     {"WebACLId", "web_acl_id"},

	"CustomErrorResponses":                          {hoisted, hoisted},
	"CustomErrorResponses.Items":                    {"CustomErrorResponses", "custom_error_response"},
	"CustomErrorResponses.Items.ErrorCachingMinTTL": {"ErrorCachingMinTTL", "error_caching_min_ttl"},
	"CustomErrorResponses.Items.ErrorCode":          {"ErrorCode", "error_code"},
	"CustomErrorResponses.Items.ResponseCode":       {"ResponseCode", "response_code"},
	"CustomErrorResponses.Items.ResponsePagePath":   {"ResponsePagePath", "response_page_path"},

	"DefaultCacheBehavior": {"DefaultCacheBehavior", "default_cache_behavior"},
	"CacheBehaviors":       {hoisted, hoisted},
	"CacheBehaviors.Items": {"CacheBehaviors", "ordered_cache_behavior"},

	"Logging":                {"Logging", "logging_config"},
	"Logging.Bucket":         {"Bucket", "bucket"},
	"Logging.IncludeCookies": {"IncludeCookies", "include_cookies"},
	"Logging.Prefix":         {"Prefix", "prefix"},

	"Restrictions":                                {"Restrictions", "restrictions"},
	"Restrictions.GeoRestriction":                 {"GeoRestriction", "geo_restriction"},
	"Restrictions.GeoRestriction.Items":           {"Locations", "locations"},
	"Restrictions.GeoRestriction.RestrictionType": {"RestrictionType", "restriction_type"},

	"ViewerCertificate":                              {"ViewerCertificate", "viewer_certificate"},
	"ViewerCertificate.ACMCertificateArn":            {"AcmCertificateArn", "acm_certificate_arn"},
	"ViewerCertificate.Certificate":                  {implied, implied}, // deprecated, repeats one of the others
	"ViewerCertificate.CertificateSource":            {implied, implied},
	"ViewerCertificate.CloudFrontDefaultCertificate": {"CloudFrontDefaultCertificate", "cloudfront_default_certificate"},
	"ViewerCertificate.IAMCertificateId":             {"IamCertificateId", "iam_certificate_id"},
	"ViewerCertificate.MinimumProtocolVersion":       {"MinimumProtocolVersion", "minimum_protocol_version"},
	"ViewerCertificate.SSLSupportMethod":             {"SslSupportMethod", "ssl_support_method"},

	"Origins":                                 {hoisted, hoisted},
	"Origins.Items":                           {"Origins", "origin"},
	"Origins.Items.ConnectionAttempts":        {"ConnectionAttempts", "connection_attempts"},
	"Origins.Items.ConnectionTimeout":         {"ConnectionTimeout", "connection_timeout"},
	"Origins.Items.DomainName":                {"DomainName", "domain_name"},
	"Origins.Items.Id":                        {"Id", "origin_id"},
	"Origins.Items.OriginAccessControlId":     {"OriginAccessControlId", "origin_access_control_id"},
	"Origins.Items.OriginPath":                {"OriginPath", "origin_path"},
	"Origins.Items.ResponseCompletionTimeout": {"ResponseCompletionTimeout", ""},

	"Origins.Items.CustomHeaders":                   {hoisted, hoisted},
	"Origins.Items.CustomHeaders.Items":             {"OriginCustomHeaders", "custom_header"},
	"Origins.Items.CustomHeaders.Items.HeaderName":  {"HeaderName", "name"},
	"Origins.Items.CustomHeaders.Items.HeaderValue": {"HeaderValue", "value"},

	"Origins.Items.CustomOriginConfig":                          {"CustomOriginConfig", "custom_origin_config"},
	"Origins.Items.CustomOriginConfig.HTTPPort":                 {"HTTPPort", "http_port"},
	"Origins.Items.CustomOriginConfig.HTTPSPort":                {"HTTPSPort", "https_port"},
	"Origins.Items.CustomOriginConfig.IpAddressType":            {"IpAddressType", ""},
	"Origins.Items.CustomOriginConfig.OriginKeepaliveTimeout":   {"OriginKeepaliveTimeout", "origin_keepalive_timeout"},
	"Origins.Items.CustomOriginConfig.OriginProtocolPolicy":     {"OriginProtocolPolicy", "origin_protocol_policy"},
	"Origins.Items.CustomOriginConfig.OriginReadTimeout":        {"OriginReadTimeout", "origin_read_timeout"},
	"Origins.Items.CustomOriginConfig.OriginSslProtocols":       {hoisted, hoisted},
	"Origins.Items.CustomOriginConfig.OriginSslProtocols.Items": {"OriginSSLProtocols", "origin_ssl_protocols"},

	"Origins.Items.OriginShield":                    {"OriginShield", "origin_shield"},
	"Origins.Items.OriginShield.Enabled":            {"Enabled", "enabled"},
	"Origins.Items.OriginShield.OriginShieldRegion": {"OriginShieldRegion", "origin_shield_region"},

	"Origins.Items.S3OriginConfig":                         {"S3OriginConfig", "s3_origin_config"},
	"Origins.Items.S3OriginConfig.OriginAccessIdentity":    {"OriginAccessIdentity", "origin_access_identity"},
	"Origins.Items.S3OriginConfig.OriginReadTimeout":       {"OriginReadTimeout", ""},
	"Origins.Items.VpcOriginConfig":                        {"VpcOriginConfig", "vpc_origin_config"},
	"Origins.Items.VpcOriginConfig.OriginKeepaliveTimeout": {"OriginKeepaliveTimeout", "origin_keepalive_timeout"},
	"Origins.Items.VpcOriginConfig.OriginReadTimeout":      {"OriginReadTimeout", "origin_read_timeout"},
	"Origins.Items.VpcOriginConfig.VpcOriginId":            {"VpcOriginId", "vpc_origin_id"},

	// CloudFormation keeps the API's Items and Quantity here, and nowhere else.
	"OriginGroups":                                             {"OriginGroups", hoisted},
	"OriginGroups.Items":                                       {"Items", "origin_group"},
	"OriginGroups.Quantity":                                    {"Quantity", implied},
	"OriginGroups.Items.FailoverCriteria":                      {"FailoverCriteria", "failover_criteria"},
	"OriginGroups.Items.FailoverCriteria.StatusCodes":          {"StatusCodes", hoisted},
	"OriginGroups.Items.FailoverCriteria.StatusCodes.Items":    {"Items", "status_codes"},
	"OriginGroups.Items.FailoverCriteria.StatusCodes.Quantity": {"Quantity", implied},
	"OriginGroups.Items.Id":                                    {"Id", "origin_id"},
	"OriginGroups.Items.Members":                               {"Members", hoisted},
	"OriginGroups.Items.Members.Items":                         {"Items", "member"},
	"OriginGroups.Items.Members.Items.OriginId":                {"OriginId", "origin_id"},
	"OriginGroups.Items.Members.Quantity":                      {"Quantity", implied},
	"OriginGroups.Items.SelectionCriteria":                     {"SelectionCriteria", ""},

	"Behavior.AllowedMethods":                     {hoisted, hoisted},
	"Behavior.AllowedMethods.Items":               {"AllowedMethods", "allowed_methods"},
	"Behavior.AllowedMethods.CachedMethods":       {hoisted, hoisted},
	"Behavior.AllowedMethods.CachedMethods.Items": {"CachedMethods", "cached_methods"},
	"Behavior.CachePolicyId":                      {"CachePolicyId", "cache_policy_id"},
	"Behavior.Compress":                           {"Compress", "compress"},
	"Behavior.DefaultTTL":                         {"DefaultTTL", "default_ttl"},
	"Behavior.FieldLevelEncryptionId":             {"FieldLevelEncryptionId", "field_level_encryption_id"},
	"Behavior.MaxTTL":                             {"MaxTTL", "max_ttl"},
	"Behavior.MinTTL":                             {"MinTTL", "min_ttl"},
	"Behavior.OriginRequestPolicyId":              {"OriginRequestPolicyId", "origin_request_policy_id"},
	"Behavior.PathPattern":                        {"PathPattern", "path_pattern"},
	"Behavior.RealtimeLogConfigArn":               {"RealtimeLogConfigArn", "realtime_log_config_arn"},
	"Behavior.ResponseHeadersPolicyId":            {"ResponseHeadersPolicyId", "response_headers_policy_id"},
	"Behavior.SmoothStreaming":                    {"SmoothStreaming", "smooth_streaming"},
	"Behavior.TargetOriginId":                     {"TargetOriginId", "target_origin_id"},
	"Behavior.ViewerProtocolPolicy":               {"ViewerProtocolPolicy", "viewer_protocol_policy"},
	"Behavior.GrpcConfig":                         {"GrpcConfig", "grpc_config"},
	"Behavior.GrpcConfig.Enabled":                 {"Enabled", "enabled"},
	"Behavior.TrustedKeyGroups":                   {hoisted, hoisted},
	"Behavior.TrustedKeyGroups.Enabled":           {implied, implied},
	"Behavior.TrustedKeyGroups.Items":             {"TrustedKeyGroups", "trusted_key_groups"},
	"Behavior.TrustedSigners":                     {hoisted, hoisted},
	"Behavior.TrustedSigners.Enabled":             {implied, implied},
	"Behavior.TrustedSigners.Items":               {"TrustedSigners", "trusted_signers"},

	"Behavior.FunctionAssociations":                               {hoisted, hoisted},
	"Behavior.FunctionAssociations.Items":                         {"FunctionAssociations", "function_association"},
	"Behavior.FunctionAssociations.Items.EventType":               {"EventType", "event_type"},
	"Behavior.FunctionAssociations.Items.FunctionARN":             {"FunctionARN", "function_arn"},
	"Behavior.LambdaFunctionAssociations":                         {hoisted, hoisted},
	"Behavior.LambdaFunctionAssociations.Items":                   {"LambdaFunctionAssociations", "lambda_function_association"},
	"Behavior.LambdaFunctionAssociations.Items.EventType":         {"EventType", "event_type"},
	"Behavior.LambdaFunctionAssociations.Items.IncludeBody":       {"IncludeBody", "include_body"},
	"Behavior.LambdaFunctionAssociations.Items.LambdaFunctionARN": {"LambdaFunctionARN", "lambda_arn"},

	"Behavior.ForwardedValues":                                {"ForwardedValues", "forwarded_values"},
	"Behavior.ForwardedValues.Cookies":                        {"Cookies", "cookies"},
	"Behavior.ForwardedValues.Cookies.Forward":                {"Forward", "forward"},
	"Behavior.ForwardedValues.Cookies.WhitelistedNames":       {hoisted, hoisted},
	"Behavior.ForwardedValues.Cookies.WhitelistedNames.Items": {"WhitelistedNames", "whitelisted_names"},
	"Behavior.ForwardedValues.Headers":                        {hoisted, hoisted},
	"Behavior.ForwardedValues.Headers.Items":                  {"Headers", "headers"},
	"Behavior.ForwardedValues.QueryString":                    {"QueryString", "query_string"},
	"Behavior.ForwardedValues.QueryStringCacheKeys":           {hoisted, hoisted},
	"Behavior.ForwardedValues.QueryStringCacheKeys.Items":     {"QueryStringCacheKeys", "query_string_cache_keys"},
}

// blocks are the names of Terraform's repeated blocks: a list of none of them is written as nothing.
var blocks = map[string]bool{
	"custom_error_response": true, "custom_header": true, "function_association": true, "lambda_function_association": true,
	"member": true, "ordered_cache_behavior": true, "origin": true, "origin_group": true,
}

// numbers are texts of the API that both formats want as numbers.
var numbers = map[string]bool{"CustomErrorResponses.Items.ResponseCode": true, "CustomErrorResponses.Items.ErrorCode": true}

// known is the path under which places has a member.
func known(path string) string {
	for _, behavior := range []string{"DefaultCacheBehavior.", "CacheBehaviors.Items."} {
		if rest, found := strings.CutPrefix(path, behavior); found {
			return "Behavior." + rest
		}
	}
	return path
}

// placeOf is where a member stands. Quantity follows from the items where the table does not say otherwise.
func placeOf(path string) place {
	path = known(path)
	found, listed := places[path]
	if !listed && strings.HasSuffix(path, ".Quantity") {
		return place{implied, implied}
	}
	return found
}
