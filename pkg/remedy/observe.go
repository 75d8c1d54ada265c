// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package remedy

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
)

// Observed stands in for the clients that write where the stack only observes: it refuses every write.
type Observed struct{}

var (
	_ updating   = Observed{}
	_ requesting = Observed{}
	_ publishing = Observed{}
	_ trusting   = Observed{}
	_ switching  = Observed{}
)

func observed() error { return refuse("this stack only observes and writes nothing") }

// UpdateDistribution refuses with a *Refused.
func (Observed) UpdateDistribution(context.Context, *cloudfront.UpdateDistributionInput, ...func(*cloudfront.Options)) (*cloudfront.UpdateDistributionOutput, error) {
	return nil, observed()
}

// RequestServiceQuotaIncrease refuses with a *Refused.
func (Observed) RequestServiceQuotaIncrease(context.Context, *servicequotas.RequestServiceQuotaIncreaseInput, ...func(*servicequotas.Options)) (*servicequotas.RequestServiceQuotaIncreaseOutput, error) {
	return nil, observed()
}

// UpdateFunction refuses with a *Refused.
func (Observed) UpdateFunction(context.Context, *cloudfront.UpdateFunctionInput, ...func(*cloudfront.Options)) (*cloudfront.UpdateFunctionOutput, error) {
	return nil, observed()
}

// TestFunction refuses with a *Refused: what would be tested cannot be there.
func (Observed) TestFunction(context.Context, *cloudfront.TestFunctionInput, ...func(*cloudfront.Options)) (*cloudfront.TestFunctionOutput, error) {
	return nil, observed()
}

// PublishFunction refuses with a *Refused.
func (Observed) PublishFunction(context.Context, *cloudfront.PublishFunctionInput, ...func(*cloudfront.Options)) (*cloudfront.PublishFunctionOutput, error) {
	return nil, observed()
}

// UpdateAssumeRolePolicy refuses with a *Refused.
func (Observed) UpdateAssumeRolePolicy(context.Context, *iam.UpdateAssumeRolePolicyInput, ...func(*iam.Options)) (*iam.UpdateAssumeRolePolicyOutput, error) {
	return nil, observed()
}

// On refuses with a *Refused.
func (Observed) On(context.Context, Part) error { return observed() }

// Off refuses with a *Refused.
func (Observed) Off(context.Context, Part) error { return observed() }
