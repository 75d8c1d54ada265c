// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package rehearsal

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"cloudfront503/pkg/emulator/kernel"
)

// The Lambda@Edge function of the scenario lambda-edge-concurrency.
const (
	functionName    = "shop-edge"
	functionARN     = "arn:aws:lambda:us-east-1:" + AccountID + ":function:" + functionName + ":4"
	functionTimeout = 5 * time.Second
	functionRole    = "arn:aws:iam::" + AccountID + ":role/shop-edge"
)

var edgeFunction = map[string]any{"Quantity": 1, "Items": []any{
	map[string]any{"LambdaFunctionARN": functionARN, "EventType": "viewer-request", "IncludeBody": false},
}}

// config is a shop's DistributionConfig, as the AWS CLI prints it. The origin's header is a secret that must never leave.
func config(lambda map[string]any) []byte {
	behavior := map[string]any{
		"TargetOriginId": "web", "ViewerProtocolPolicy": "redirect-to-https", "Compress": true,
		"CachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad", "SmoothStreaming": false, "FieldLevelEncryptionId": "",
		"TrustedSigners": map[string]any{"Enabled": false, "Quantity": 0}, "TrustedKeyGroups": map[string]any{"Enabled": false, "Quantity": 0},
		"AllowedMethods": map[string]any{"Quantity": 2, "Items": []any{"HEAD", "GET"},
			"CachedMethods": map[string]any{"Quantity": 2, "Items": []any{"HEAD", "GET"}}},
		"LambdaFunctionAssociations": map[string]any{"Quantity": 0}, "FunctionAssociations": map[string]any{"Quantity": 0},
	}
	if lambda != nil {
		behavior["LambdaFunctionAssociations"] = lambda
	}
	text, err := json.Marshal(map[string]any{
		"CallerReference": "shop-2024", "Comment": "the shop", "Enabled": true, "HttpVersion": "http2", "IsIPV6Enabled": true,
		"PriceClass": "PriceClass_All", "DefaultRootObject": "index.html", "WebACLId": "", "Staging": false, "ContinuousDeploymentPolicyId": "",
		"Aliases":              map[string]any{"Quantity": 1, "Items": []any{Alias}},
		"Origins":              map[string]any{"Quantity": 1, "Items": []any{origin()}},
		"OriginGroups":         map[string]any{"Quantity": 0},
		"DefaultCacheBehavior": behavior,
		"CacheBehaviors":       map[string]any{"Quantity": 0},
		"CustomErrorResponses": map[string]any{"Quantity": 0},
		"Logging":              map[string]any{"Enabled": false, "IncludeCookies": false, "Bucket": "", "Prefix": ""},
		"Restrictions":         map[string]any{"GeoRestriction": map[string]any{"RestrictionType": "none", "Quantity": 0}},
		"ViewerCertificate": map[string]any{
			"CloudFrontDefaultCertificate": false, "SSLSupportMethod": "sni-only", "MinimumProtocolVersion": "TLSv1.2_2021", "CertificateSource": "acm",
			"ACMCertificateArn": "arn:aws:acm:us-east-1:" + AccountID + ":certificate/0a1b2c3d-0000-4000-8000-00000000cafe",
		},
	})
	if err != nil {
		return nil // strings, numbers and maps
	}
	return text
}

func origin() map[string]any {
	return map[string]any{
		"Id": "web", "DomainName": "origin.shop.example.com", "OriginPath": "", "ConnectionAttempts": 3, "ConnectionTimeout": 10,
		"CustomHeaders": map[string]any{"Quantity": 1, "Items": []any{map[string]any{"HeaderName": "X-Origin-Secret", "HeaderValue": Secret}}},
		"CustomOriginConfig": map[string]any{
			"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only", "OriginReadTimeout": 30, "OriginKeepaliveTimeout": 5,
			"OriginSslProtocols": map[string]any{"Quantity": 1, "Items": []any{"TLSv1.2"}},
		},
		"OriginShield": map[string]any{"Enabled": false}, "OriginAccessControlId": "",
	}
}

// Secret stands in the origin's custom header. It must be in no log, no message and no report.
const Secret = "rehearsal-secret-4f9d1c"

// addEdgeFunction makes the Lambda@Edge function and its role known, with further versions.
func (r *Rehearsal) addEdgeFunction(further ...string) {
	var versions []json.RawMessage
	for _, version := range append([]string{"4"}, further...) {
		versions = append(versions, json.RawMessage(fmt.Sprintf(
			`{"FunctionName":%q,"FunctionArn":%q,"Version":%q,"Runtime":"nodejs22.x","Role":%q,"Handler":"index.handler","Timeout":%d,"MemorySize":128,"State":"Active","LastUpdateStatus":"Successful"}`,
			functionName, strings.TrimSuffix(functionARN, "4")+version, version, functionRole, int(functionTimeout.Seconds()))))
	}
	r.Lambda.AddForeign("us-east-1", functionName, nil, versions...)
	trust, err := kernel.ParsePolicy([]byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":["lambda.amazonaws.com","edgelambda.amazonaws.com"]},"Action":"sts:AssumeRole"}]}`))
	if err != nil {
		r.World.Strict("trust of %s: %v", functionRole, err)
		return
	}
	r.World.Identity.AddRole(kernel.Role{Name: "shop-edge", ARN: functionRole, Trust: trust, Policies: map[string]json.RawMessage{}})
}
