// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package report_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/report"
)

// becomes is a change to a value, from nothing where it is new.
func becomes(path, from, to string) incident.FieldChange {
	change := incident.FieldChange{Path: path}
	if from != "" {
		change.From = json.RawMessage(from)
	}
	if to != "" {
		change.To = json.RawMessage(to)
	}
	return change
}

// codeCases are changes as the remedies make them, and odd ones.
var codeCases = map[string][]incident.FieldChange{
	"error-page": {
		becomes("CustomErrorResponses/Items/[ErrorCode=404]/ResponseCode", `"503"`, `"404"`),
		becomes("CustomErrorResponses/Items/[ErrorCode=500]", `{"ErrorCode":500,"ResponseCode":"503","ResponsePagePath":"/s.html","ErrorCachingMinTTL":1}`, ""),
		becomes("CustomErrorResponses/Items/[ErrorCode=503]", "", `{"ErrorCode":503,"ErrorCachingMinTTL":60,"ResponseCode":"","ResponsePagePath":""}`),
	},
	"edge-function": {
		becomes("DefaultCacheBehavior/LambdaFunctionAssociations/Items/[EventType=origin-request]/LambdaFunctionARN",
			`"arn:aws:lambda:us-east-1:111122223333:function:shop:5"`, `"arn:aws:lambda:us-east-1:111122223333:function:shop:4"`),
		becomes("CacheBehaviors/Items/[PathPattern=/api/*/x]/FunctionAssociations/Items/[EventType=viewer-request]",
			`{"EventType":"viewer-request","FunctionARN":"arn:aws:cloudfront::111122223333:function/a"}`, ""),
	},
	"failover-new": {
		becomes("OriginGroups", "", `{"Quantity":1,"Items":[{"Id":"web-or-spare","SelectionCriteria":"default","FailoverCriteria":{"StatusCodes":{"Quantity":2,"Items":[502,503]}},"Members":{"Quantity":2,"Items":[{"OriginId":"web"},{"OriginId":"spare"}]}}]}`),
		becomes("DefaultCacheBehavior/TargetOriginId", `"web"`, `"web-or-spare"`),
	},
	"failover-code": {becomes("OriginGroups/Items/[Id=g]/FailoverCriteria/StatusCodes/Items/[503]", "", `503`)},
	"origin": {
		becomes("Origins/Items/[Id=web]/CustomHeaders/Items/[HeaderName=X-Verify]/HeaderValue", `"hunter2"`, `"hunter3"`),
		becomes("Origins/Items/[Id=web]/CustomOriginConfig/OriginSslProtocols/Items/[TLSv1.2]", "", `"TLSv1.2"`),
		becomes("Origins/Items/[Id=web]/CustomOriginConfig/OriginReadTimeout", `5`, `30`),
		becomes("Origins/Items/[Id=web]/OriginShield", "", `{"Enabled":true,"OriginShieldRegion":"eu-west-1"}`),
		becomes("Origins/Items/[Id=spare]", "", `{"Id":"spare","DomainName":"spare.example.com","OriginPath":"","CustomHeaders":{"Quantity":1,"Items":[{"HeaderName":"X-Verify","HeaderValue":"hunter4"}]},"ConnectionAttempts":3,"CustomOriginConfig":{"HTTPPort":80,"HTTPSPort":443,"OriginProtocolPolicy":"https-only","OriginSslProtocols":{"Quantity":1,"Items":["TLSv1.2"]}}}`),
		becomes("Origins/Items/[Id=web]/CustomHeaders/Items/[HeaderName=X-New]", "", `{"HeaderName":"X-New","HeaderValue":"hunter5"}`),
	},
	"behaviour": {
		becomes("CacheBehaviors/Items/[PathPattern=/b]/AllowedMethods/CachedMethods/Items/[OPTIONS]", `"OPTIONS"`, ""),
		becomes("CacheBehaviors/Items/[PathPattern=/new]", "", `{"PathPattern":"/new","TargetOriginId":"web","ViewerProtocolPolicy":"redirect-to-https","AllowedMethods":{"Quantity":2,"Items":["GET","HEAD"],"CachedMethods":{"Quantity":2,"Items":["GET","HEAD"]}},"TrustedSigners":{"Enabled":false,"Quantity":0},"LambdaFunctionAssociations":{"Quantity":0,"Items":[]},"Compress":true}`),
		becomes("CacheBehaviors/Items/order", `["/b","/a"]`, `["/a","/b","/new"]`),
		becomes("DefaultCacheBehavior/MinTTL", `0`, `10`),
		becomes("DefaultCacheBehavior/RealtimeLogConfigArn", `"arn:aws:kinesis:us-east-1:111122223333:x"`, ""),
	},
	"top": {
		becomes("Aliases/Items/[www.example.com]", `"www.example.com"`, ""),
		becomes("Restrictions/GeoRestriction/Items/[DE]", "", `"DE"`),
		becomes("ViewerCertificate/MinimumProtocolVersion", `"SSLv3"`, `"TLSv1.2_2021"`),
		becomes("ViewerCertificate/CertificateSource", `"acm"`, `"iam"`),
		becomes("IsIPV6Enabled", `false`, `true`),
		becomes("WebACLId", `"arn:aws:wafv2:us-east-1:111122223333:global/webacl/a/b"`, `""`),
		becomes("Comment", `"x"`, `"${secret} %{if} \"quoted\" <b>"`),
	},
	"elsewhere": {
		becomes("IAM/edge-role/Trust/Service", "", `["edgelambda.amazonaws.com"]`),
		becomes("ViewerMtlsConfig/Mode", `"required"`, `"optional"`),
		becomes("Origins/Items/[Id=web]/S3OriginConfig/OriginReadTimeout", `5`, `30`),
	},
}

func TestSnippetsAreAsTheGoldens(t *testing.T) {
	t.Parallel()
	for name, changes := range codeCases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code := report.Code(changes)
			golden(t, "code-"+name+".yaml", []byte(code.CloudFormation))
			golden(t, "code-"+name+".tf", []byte(code.Terraform))
			golden(t, "code-"+name+".ts", []byte(code.CDK))
			for _, text := range []string{code.CloudFormation, code.Terraform, code.CDK} {
				if strings.Contains(text, "hunter") {
					t.Errorf("it shows a custom header's value:\n%s", text)
				}
			}
		})
	}
}

// FuzzNothingIsLostInSnippets holds that a snippet is YAML, that a text from outside begins no line of it, and that every
// change is found in each of the formats, if only as the API's path.
func FuzzNothingIsLostInSnippets(f *testing.F) {
	f.Add("Origins/Items/[Id=web]/DomainName", `"a.example.com"`)
	f.Add("Aliases/Items/[a\n# b: c]", `"a\n# b: c"`)
	f.Add("CacheBehaviors/Items/[PathPattern=/a/*/```]", `{"PathPattern":"/a/*/`+"```"+`","TargetOriginId":"${x}"}`)
	f.Add("", `null`)
	f.Add("CustomErrorResponses/Items/[ErrorCode=x]/ResponseCode", `[[{}]]`)
	f.Add("OriginGroups", `{"Items":[1,{"Id":{}}],"Quantity":"x"}`)
	for name := range codeCases {
		for _, change := range codeCases[name] {
			f.Add(change.Path, string(change.To))
		}
	}
	f.Fuzz(func(t *testing.T, path, to string) {
		if !json.Valid([]byte(to)) {
			to = ""
		}
		code := report.Code([]incident.FieldChange{{Path: path, From: json.RawMessage(`1`), To: json.RawMessage(to)}})
		var config map[string]any
		if err := yaml.Unmarshal([]byte(code.CloudFormation), &config); err != nil {
			t.Errorf("%v:\n%s", err, code.CloudFormation)
		}
		for _, text := range []string{code.CloudFormation, code.Terraform, code.CDK} {
			for line := range strings.Lines(text) {
				if strings.HasPrefix(strings.TrimSpace(line), "```") || strings.Contains(line, "<") || strings.Contains(line, "](") {
					t.Errorf("%q in\n%s", line, text)
				}
			}
		}
	})
}

func TestAWholeConfigurationHasAPlaceInBothFormats(t *testing.T) {
	t.Parallel()
	whole, err := distribution.Parse([]byte(wholeConfig))
	if err != nil {
		t.Fatal(err)
	}
	bare, err := distribution.Parse([]byte(`{"CallerReference":"a"}`))
	if err != nil {
		t.Fatal(err)
	}
	code := report.Code(distribution.Diff(bare, whole))
	golden(t, "code-whole.yaml", []byte(code.CloudFormation))
	golden(t, "code-whole.tf", []byte(code.Terraform))
	for _, text := range []string{code.CloudFormation, code.Terraform} {
		if strings.Contains(text, "not known here") {
			t.Error(text)
		}
	}
}

const wholeConfig = `{
"CallerReference": "a", "Comment": "shop", "Enabled": true, "HttpVersion": "http2", "IsIPV6Enabled": true, "PriceClass": "PriceClass_100",
"Staging": false, "WebACLId": "", "DefaultRootObject": "index.html", "ContinuousDeploymentPolicyId": "",
"Aliases": {"Quantity": 1, "Items": ["www.example.com"]},
"Origins": {"Quantity": 1, "Items": [{"Id": "web", "DomainName": "web.example.com", "OriginPath": "", "CustomHeaders": {"Quantity": 0},
  "CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only", "OriginSslProtocols": {"Quantity": 1, "Items": ["TLSv1.2"]},
  "OriginReadTimeout": 30, "OriginKeepaliveTimeout": 5}, "ConnectionAttempts": 3, "ConnectionTimeout": 10, "OriginShield": {"Enabled": false}, "OriginAccessControlId": ""}]},
"OriginGroups": {"Quantity": 0},
"DefaultCacheBehavior": {"TargetOriginId": "web", "TrustedSigners": {"Enabled": false, "Quantity": 0}, "TrustedKeyGroups": {"Enabled": false, "Quantity": 0},
  "ViewerProtocolPolicy": "redirect-to-https", "AllowedMethods": {"Quantity": 2, "Items": ["GET", "HEAD"], "CachedMethods": {"Quantity": 2, "Items": ["GET", "HEAD"]}},
  "SmoothStreaming": false, "Compress": true, "LambdaFunctionAssociations": {"Quantity": 1, "Items": [{"LambdaFunctionARN": "arn:aws:lambda:us-east-1:111122223333:function:shop:4", "EventType": "origin-request", "IncludeBody": false}]},
  "FunctionAssociations": {"Quantity": 0}, "FieldLevelEncryptionId": "", "GrpcConfig": {"Enabled": false},
  "ForwardedValues": {"QueryString": true, "Cookies": {"Forward": "whitelist", "WhitelistedNames": {"Quantity": 1, "Items": ["a"]}}, "Headers": {"Quantity": 1, "Items": ["Host"]}, "QueryStringCacheKeys": {"Quantity": 0}},
  "MinTTL": 0, "DefaultTTL": 86400, "MaxTTL": 31536000},
"CacheBehaviors": {"Quantity": 0}, "CustomErrorResponses": {"Quantity": 1, "Items": [{"ErrorCode": 404, "ResponsePagePath": "/404.html", "ResponseCode": "404", "ErrorCachingMinTTL": 10}]},
"ViewerCertificate": {"ACMCertificateArn": "arn:aws:acm:us-east-1:111122223333:certificate/a", "SSLSupportMethod": "sni-only", "MinimumProtocolVersion": "TLSv1.2_2021", "Certificate": "arn:aws:acm:us-east-1:111122223333:certificate/a", "CertificateSource": "acm", "CloudFrontDefaultCertificate": false},
"Restrictions": {"GeoRestriction": {"RestrictionType": "whitelist", "Quantity": 1, "Items": ["DE"]}},
"Logging": {"IncludeCookies": false, "Bucket": "logs.s3.amazonaws.com", "Prefix": "cf/"}}`

func TestTagsTellWhichCodeThereIs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		tags map[string]string
		says string
		open []string
	}{
		{"no tag", nil, "No tag tells whether code manages", nil},
		{"a tag of somebody else", map[string]string{"team": "shop"}, "No tag tells whether code manages", nil},
		{"a stack", map[string]string{"aws:cloudformation:stack-name": "shop-cdn"}, "the CloudFormation stack shop-cdn", []string{"CloudFormation", "CDK"}},
		{"a tool in a value", map[string]string{"managed-by": "Terraform"}, "The tag managed-by names Terraform", []string{"Terraform"}},
		{"a tool in a key", map[string]string{"opentofu:workspace": "prod"}, "The tag opentofu:workspace names Terraform", []string{"Terraform"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			in := changed()
			in.Tags = tt.tags
			page, err := report.Page(in)
			if err != nil || !strings.Contains(string(page), tt.says) || !strings.Contains(string(report.Markdown(in)), tt.says) {
				t.Errorf("%v: it does not say %q", err, tt.says)
			}
			for _, format := range []string{"CloudFormation", "Terraform", "CDK"} {
				if got := strings.Contains(string(page), `<details open="open"><summary>`+format); got != slices.Contains(tt.open, format) {
					t.Errorf("%s is open: %v", format, got)
				}
			}
		})
	}
}

func TestThereIsNothingForTheCodeWhereNothingOfOursIsLive(t *testing.T) {
	t.Parallel()
	undone := changed()
	undone.Steps = append(undone.Steps, step(30*time.Minute, "remediate", incident.StepUndone, "undone", incident.Written{Action: "undo"}))
	rejected := changed()
	rejected.Steps = rejected.Steps[:6]
	for name, in := range map[string]report.Input{"undone": undone, "rejected": rejected, "told": told()} {
		if strings.Contains(string(report.Markdown(in)), "As code") {
			t.Errorf("%s: it has snippets", name)
		}
	}
}

func TestALongPlanIsCut(t *testing.T) {
	t.Parallel()
	var changes []incident.FieldChange
	for range 203 {
		changes = append(changes, becomes("Comment", "", `"x"`))
	}
	if code := report.Code(changes); !strings.Contains(code.CDK, "// and 3 more fields") {
		t.Error(code.CDK)
	}
}
