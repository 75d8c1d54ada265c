// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package evidence

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas/types"
)

// Quotas is Service Quotas in one Region.
type Quotas = servicequotas.ListServiceQuotasAPIClient

// readQuotas gives the quotas of services in a Region. They are listed, and later found by name: codes differ between sources.
func readQuotas(region string, services ...string) reader {
	return func(ctx context.Context, g *Gatherer, _ Question) (Record, error) {
		quotas := []types.ServiceQuota{}
		for _, service := range services {
			pages := servicequotas.NewListServiceQuotasPaginator(g.Quotas(region), &servicequotas.ListServiceQuotasInput{ServiceCode: aws.String(service)})
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					return nil, fmt.Errorf("list %s quotas in %s: %w", service, region, err)
				}
				quotas = append(quotas, page.Quotas...)
			}
		}
		return Record{"service-quotas/" + region + ".json": encode(map[string]any{"Quotas": quotas})}, nil
	}
}
