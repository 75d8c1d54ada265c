// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package snapshot

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"cloudfront503/pkg/incident"
)

// readers read a target of each kind; of a kind that has none, only the ID is kept.
var readers = map[string]func(context.Context, Pointing, target) (thing, error){
	incident.PointedFunction: readFunction,
	incident.PointedLambda:   readLambda,
	incident.PointedRole:     readRole,
	incident.PointedCache: func(ctx context.Context, p Pointing, t target) (thing, error) {
		out, err := p.CloudFront.GetCachePolicy(ctx, &cloudfront.GetCachePolicyInput{Id: &t.id})
		return whole(err, func() (any, *string) { return out.CachePolicy, out.ETag })
	},
	incident.PointedRequest: func(ctx context.Context, p Pointing, t target) (thing, error) {
		out, err := p.CloudFront.GetOriginRequestPolicy(ctx, &cloudfront.GetOriginRequestPolicyInput{Id: &t.id})
		return whole(err, func() (any, *string) { return out.OriginRequestPolicy, out.ETag })
	},
	incident.PointedResponse: func(ctx context.Context, p Pointing, t target) (thing, error) {
		out, err := p.CloudFront.GetResponseHeadersPolicy(ctx, &cloudfront.GetResponseHeadersPolicyInput{Id: &t.id})
		return whole(err, func() (any, *string) { return out.ResponseHeadersPolicy, out.ETag })
	},
	incident.PointedAccess: func(ctx context.Context, p Pointing, t target) (thing, error) {
		out, err := p.CloudFront.GetOriginAccessControl(ctx, &cloudfront.GetOriginAccessControlInput{Id: &t.id})
		return whole(err, func() (any, *string) { return out.OriginAccessControl, out.ETag })
	},
	incident.PointedKeyGroup: func(ctx context.Context, p Pointing, t target) (thing, error) {
		out, err := p.CloudFront.GetKeyGroup(ctx, &cloudfront.GetKeyGroupInput{Id: &t.id})
		return whole(err, func() (any, *string) { return out.KeyGroup, out.ETag })
	},
	incident.PointedVPC: func(ctx context.Context, p Pointing, t target) (thing, error) {
		out, err := p.CloudFront.GetVpcOrigin(ctx, &cloudfront.GetVpcOriginInput{Id: &t.id})
		return whole(err, func() (any, *string) { return out.VpcOrigin, out.ETag })
	},
	incident.PointedDeployment: func(ctx context.Context, p Pointing, t target) (thing, error) {
		out, err := p.CloudFront.GetContinuousDeploymentPolicy(ctx, &cloudfront.GetContinuousDeploymentPolicyInput{Id: &t.id})
		return whole(err, func() (any, *string) { return out.ContinuousDeploymentPolicy, out.ETag })
	},
}

// whole is an answer's inner object as JSON, as the AWS CLI prints it but for absent members, which are null.
func whole(err error, inner func() (any, *string)) (thing, error) {
	if err != nil {
		return thing{}, err
	}
	value, etag := inner()
	body, err := json.Marshal(value)
	if err == nil && bytes.Equal(body, []byte("null")) {
		err = errors.New("an answer without content")
	}
	return thing{etag: aws.ToString(etag), body: body}, err
}

// turns is how often a stage is read anew where somebody changed it between its description and its code.
const turns = 3

// readFunction reads what stands in a stage of a function: its configuration and its code, which are two calls and must be
// of one ETag. A function that was never published has nothing in LIVE, which is no gap but cannot be put back.
func readFunction(ctx context.Context, p Pointing, t target) (thing, error) {
	stage := types.FunctionStage(t.stage)
	for range turns {
		var raw []byte
		described, err := p.CloudFront.DescribeFunction(ctx, &cloudfront.DescribeFunctionInput{Name: &t.id, Stage: stage}, keepBody(&raw))
		if err != nil {
			return thing{}, err
		}
		got, err := p.CloudFront.GetFunction(ctx, &cloudfront.GetFunctionInput{Name: &t.id, Stage: stage})
		if err != nil {
			return thing{}, err
		}
		if aws.ToString(got.ETag) == aws.ToString(described.ETag) {
			return stageThing(described, got.FunctionCode, raw)
		}
	}
	return thing{}, fmt.Errorf("function %s: stage %s does not hold still", t.id, t.stage)
}

func stageThing(described *cloudfront.DescribeFunctionOutput, code, raw []byte) (thing, error) {
	summary := described.FunctionSummary
	if summary == nil || summary.FunctionConfig == nil || summary.FunctionMetadata == nil || aws.ToString(described.ETag) == "" || len(code) == 0 {
		return thing{}, errors.New("an answer without configuration, code or ETag")
	}
	if unknown := unknownMembers(raw); len(unknown) > 0 {
		return thing{}, fmt.Errorf("the function's configuration has elements that this software does not know and would lose: %s", strings.Join(unknown, ", "))
	}
	kept := incident.FunctionCode{Comment: aws.ToString(summary.FunctionConfig.Comment), Runtime: string(summary.FunctionConfig.Runtime), Code: code}
	if stores := summary.FunctionConfig.KeyValueStoreAssociations; stores != nil {
		for _, store := range stores.Items {
			kept.Stores = append(kept.Stores, aws.ToString(store.KeyValueStoreARN))
		}
	}
	return thing{
		etag: aws.ToString(described.ETag), modifiedAt: aws.ToTime(summary.FunctionMetadata.LastModifiedTime).UTC(), body: kept.Canonical(),
	}, nil
}

// configMembers are the elements of a FunctionConfig that FunctionCode keeps (API model of 2020-05-31).
var configMembers = []string{
	"Comment", "Runtime", "KeyValueStoreAssociations", "Quantity", "Items", "KeyValueStoreAssociation", "KeyValueStoreARN",
}

// unknownMembers are the elements of a description's FunctionConfig that would be lost if it were written back: the SDK
// drops them without a word. XML that cannot be read is one unknown element.
func unknownMembers(raw []byte) []string {
	decoder := xml.NewDecoder(bytes.NewReader(raw))
	var unknown []string
	inside := 0
	for {
		part, err := decoder.Token()
		if err != nil {
			if inside > 0 || len(raw) == 0 {
				unknown = append(unknown, "(unreadable)")
			}
			return unknown
		}
		switch part := part.(type) {
		case xml.StartElement:
			name := part.Name.Local
			if inside > 0 && !slices.Contains(configMembers, name) {
				unknown = append(unknown, name)
			}
			if inside > 0 || name == "FunctionConfig" {
				inside++
			}
		case xml.EndElement:
			inside = max(0, inside-1)
		}
	}
}

// readLambda keeps a version's configuration without its environment, which may hold secrets, and leads to its role.
func readLambda(ctx context.Context, p Pointing, t target) (thing, error) {
	out, err := p.Lambda.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &t.id})
	if err != nil {
		return thing{}, err
	}
	body, err := json.Marshal(map[string]any{
		"FunctionArn": out.FunctionArn, "Version": out.Version, "Role": out.Role, "Runtime": out.Runtime, "Handler": out.Handler,
		"Timeout": out.Timeout, "MemorySize": out.MemorySize, "CodeSha256": out.CodeSha256, "LastModified": out.LastModified, "State": out.State,
	})
	found := thing{body: body}
	if role := aws.ToString(out.Role); role != "" {
		found.further = []target{{kind: incident.PointedRole, id: role}}
	}
	return found, err
}

// readRole keeps who may assume a role: the trust policy's own bytes.
func readRole(ctx context.Context, p Pointing, t target) (thing, error) {
	out, err := p.IAM.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String(t.id[strings.LastIndex(t.id, "/")+1:])})
	if err != nil {
		return thing{}, err
	}
	if out.Role == nil || aws.ToString(out.Role.Arn) != t.id {
		return thing{}, errors.New("an answer about another role")
	}
	text, err := url.PathUnescape(aws.ToString(out.Role.AssumeRolePolicyDocument)) // RFC 3986: a plus is a plus
	return thing{body: []byte(text)}, err
}

// Function reads what stands in a stage of a CloudFront Function now, and its ETag.
func (p Pointing) Function(ctx context.Context, name, stage string) (incident.FunctionCode, string, error) {
	var code incident.FunctionCode
	found, err := readFunction(ctx, p, target{incident.PointedFunction, name, stage})
	if err != nil {
		return code, "", fmt.Errorf("stage %s of function %s: %w", stage, name, err)
	}
	return code, found.etag, json.Unmarshal(found.body, &code)
}

// Trust reads the trust policy of a role as it is now; role is its ARN.
func (p Pointing) Trust(ctx context.Context, role string) (string, error) {
	found, err := readRole(ctx, p, target{kind: incident.PointedRole, id: role})
	if err != nil {
		return "", fmt.Errorf("trust of %s: %w", role, err)
	}
	return string(found.body), nil
}
