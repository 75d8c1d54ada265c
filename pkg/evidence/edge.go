// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package evidence

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	cftypes "github.com/aws/aws-sdk-go-v2/service/cloudfront/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// CloudFront is what is read of the edge beyond the distribution itself.
type CloudFront interface {
	edgeFunctions
	continuousDeployment
	GetVpcOrigin(context.Context, *cloudfront.GetVpcOriginInput, ...func(*cloudfront.Options)) (*cloudfront.GetVpcOriginOutput, error)
}

type edgeFunctions interface {
	DescribeFunction(context.Context, *cloudfront.DescribeFunctionInput, ...func(*cloudfront.Options)) (*cloudfront.DescribeFunctionOutput, error)
	TestFunction(context.Context, *cloudfront.TestFunctionInput, ...func(*cloudfront.Options)) (*cloudfront.TestFunctionOutput, error)
}

type continuousDeployment interface {
	GetContinuousDeploymentPolicy(context.Context, *cloudfront.GetContinuousDeploymentPolicyInput, ...func(*cloudfront.Options)) (*cloudfront.GetContinuousDeploymentPolicyOutput, error)
	ListDistributions(context.Context, *cloudfront.ListDistributionsInput, ...func(*cloudfront.Options)) (*cloudfront.ListDistributionsOutput, error)
	GetDistribution(context.Context, *cloudfront.GetDistributionInput, ...func(*cloudfront.Options)) (*cloudfront.GetDistributionOutput, error)
}

// Roles reads execution roles.
type Roles interface {
	GetRole(context.Context, *iam.GetRoleInput, ...func(*iam.Options)) (*iam.GetRoleOutput, error)
}

// viewerRequest is the event that a CloudFront Function is tried with: a plain GET [CFDG "CloudFront Functions event structure"].
const viewerRequest = `{"version":"1.0","context":{"eventType":"viewer-request"},"viewer":{"ip":"198.51.100.11"},` +
	`"request":{"method":"GET","uri":"/","querystring":{},"headers":{"host":{"value":"www.example.com"}},"cookies":{}}}`

// readFunctions describes each CloudFront Function and tries its LIVE code, which shows compile errors that the metrics
// call throttling.
func readFunctions(names []string) reader {
	return func(ctx context.Context, g *Gatherer, _ Question) (Record, error) {
		functions := []any{}
		for _, name := range names {
			described, err := g.CloudFront.DescribeFunction(ctx, &cloudfront.DescribeFunctionInput{Name: &name, Stage: cftypes.FunctionStageLive})
			if err != nil {
				return nil, fmt.Errorf("describe function %s: %w", name, err)
			}
			tested, err := g.CloudFront.TestFunction(ctx, &cloudfront.TestFunctionInput{
				Name: &name, Stage: cftypes.FunctionStageLive, IfMatch: described.ETag, EventObject: []byte(viewerRequest),
			})
			if err != nil {
				return nil, fmt.Errorf("test function %s: %w", name, err)
			}
			functions = append(functions, map[string]any{
				"Name": name, "Stage": "LIVE",
				"DescribeFunction": map[string]any{"ETag": described.ETag, "FunctionSummary": described.FunctionSummary},
				"TestFunction":     map[string]any{"TestResult": tested.TestResult},
			})
		}
		return Record{"cloudfront/functions.json": encode(map[string]any{"Functions": functions})}, nil
	}
}

// readStaging gives the policy and the staging distribution that it names by its domain, with its metrics.
func readStaging(id string) reader {
	return func(ctx context.Context, g *Gatherer, q Question) (Record, error) {
		policy, err := g.CloudFront.GetContinuousDeploymentPolicy(ctx, &cloudfront.GetContinuousDeploymentPolicyInput{Id: &id})
		if err != nil {
			return nil, fmt.Errorf("get continuous deployment policy %s: %w", id, err)
		}
		file := map[string]any{"ContinuousDeploymentPolicy": policy.ContinuousDeploymentPolicy}
		record := Record{}
		staging, err := g.findStaging(ctx, policy.ContinuousDeploymentPolicy)
		if err != nil {
			return nil, fmt.Errorf("staging distribution of policy %s: %w", id, err)
		}
		if staging != nil {
			file["StagingDistribution"] = map[string]any{"ETag": staging.ETag, "Distribution": staging.Distribution}
			var wanted asked
			wanted.add("AWS/CloudFront", distributionMetrics, "DistributionId", aws.ToString(staging.Distribution.Id), "Region", "Global")
			if metrics, err := readAsked("us-east-1", wanted)(ctx, g, q); err == nil {
				record.add(metrics)
			}
		}
		record["cloudfront/staging.json"] = encode(file)
		return record, nil
	}
}

func (g *Gatherer) findStaging(ctx context.Context, policy *cftypes.ContinuousDeploymentPolicy) (*cloudfront.GetDistributionOutput, error) {
	if policy == nil || policy.ContinuousDeploymentPolicyConfig == nil || policy.ContinuousDeploymentPolicyConfig.StagingDistributionDnsNames == nil {
		return nil, nil
	}
	names := policy.ContinuousDeploymentPolicyConfig.StagingDistributionDnsNames.Items
	pages := cloudfront.NewListDistributionsPaginator(g.CloudFront, &cloudfront.ListDistributionsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, summary := range page.DistributionList.Items {
			if slices.Contains(names, aws.ToString(summary.DomainName)) {
				return g.CloudFront.GetDistribution(ctx, &cloudfront.GetDistributionInput{Id: summary.Id})
			}
		}
	}
	return nil, nil
}

// readRoles adds to the Lambda file the execution roles of the associated versions, null for one that is gone: its trust
// decides whether Lambda@Edge may run the function.
func readRoles(roles []string, file []byte) reader {
	return func(ctx context.Context, g *Gatherer, _ Question) (Record, error) {
		var content map[string]any
		if err := json.Unmarshal(file, &content); err != nil {
			return nil, err
		}
		known := map[string]any{}
		for _, arn := range roles {
			answer, err := g.Roles.GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String(arn[strings.LastIndex(arn, "/")+1:])})
			var gone *iamtypes.NoSuchEntityException
			if err != nil && !errors.As(err, &gone) {
				return nil, fmt.Errorf("get role %s: %w", arn, err)
			}
			known[arn] = roleFile(answer)
		}
		content["Roles"] = known
		return Record{"lambda/us-east-1.json": encode(content)}, nil
	}
}

// roleFile is a role as the AWS CLI prints it: with its trust policy as JSON, which the API gives URL-encoded.
func roleFile(answer *iam.GetRoleOutput) any {
	if answer == nil || answer.Role == nil {
		return nil
	}
	role := map[string]any{"RoleName": answer.Role.RoleName, "Arn": answer.Role.Arn, "RoleId": answer.Role.RoleId}
	if text, err := url.QueryUnescape(aws.ToString(answer.Role.AssumeRolePolicyDocument)); err == nil && json.Valid([]byte(text)) {
		role["AssumeRolePolicyDocument"] = json.RawMessage(text)
	}
	return map[string]any{"Role": role}
}
