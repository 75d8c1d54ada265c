// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package remedy

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
)

// Observed stands in for the clients that write where the stack only observes: it refuses every write.
type Observed struct{}

var (
	_ updating   = Observed{}
	_ requesting = Observed{}
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
