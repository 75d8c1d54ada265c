// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package evidence

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// Lambda is what is read of Lambda in one Region.
type Lambda interface {
	GetAccountSettings(context.Context, *lambda.GetAccountSettingsInput, ...func(*lambda.Options)) (*lambda.GetAccountSettingsOutput, error)
	GetFunctionConfiguration(context.Context, *lambda.GetFunctionConfigurationInput, ...func(*lambda.Options)) (*lambda.GetFunctionConfigurationOutput, error)
}

// readLambda gives the Region's limits and, in us-east-1 where Lambda@Edge functions live, the versions that are associated.
func readLambda(region string, uses used) reader {
	return func(ctx context.Context, g *Gatherer, _ Question) (Record, error) {
		settings, err := g.Lambda(region).GetAccountSettings(ctx, &lambda.GetAccountSettingsInput{})
		if err != nil {
			return nil, fmt.Errorf("get account settings in %s: %w", region, err)
		}
		file := map[string]any{"AccountSettings": map[string]any{"AccountLimit": settings.AccountLimit, "AccountUsage": settings.AccountUsage}}
		if region == "us-east-1" {
			if err := g.readVersions(ctx, uses, file); err != nil {
				return nil, err
			}
		}
		return Record{"lambda/" + region + ".json": encode(file)}, nil
	}
}

// readVersions adds the associated versions to the file, and names those that are gone.
func (g *Gatherer) readVersions(ctx context.Context, uses used, file map[string]any) error {
	functions, missing := []any{}, []string{}
	for _, version := range uses.lambdas {
		answer, err := g.Lambda("us-east-1").GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: aws.String(version.arn)})
		var gone *types.ResourceNotFoundException
		switch {
		case errors.As(err, &gone):
			missing = append(missing, version.arn)
		case err != nil:
			return fmt.Errorf("get function configuration %s: %w", version.arn, err)
		default:
			answer.Environment = nil // may hold secrets, and says nothing about a 503
			functions = append(functions, answer)
		}
	}
	file["Functions"], file["Missing"] = functions, missing
	return nil
}
