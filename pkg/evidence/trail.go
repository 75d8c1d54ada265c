// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package evidence

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
)

// Trail is CloudTrail's event history in one Region.
type Trail = cloudtrail.LookupEventsAPIClient

const (
	trailBefore = 3 * time.Hour // how long before the alarm a change can be what broke it
	trailPages  = 8             // LookupEvents gives 50 a page, twice a second an account [contracts §7]
)

// readTrail gives the writes of the last hours, newest first. CloudTrail is about five minutes late: "none" means none so far.
func readTrail(region string) reader {
	return func(ctx context.Context, g *Gatherer, q Question) (Record, error) {
		pages := cloudtrail.NewLookupEventsPaginator(g.Trail(region), &cloudtrail.LookupEventsInput{
			StartTime: aws.Time(q.At.Add(-trailBefore)), EndTime: aws.Time(g.Now()), MaxResults: aws.Int32(50),
			LookupAttributes: []types.LookupAttribute{{
				AttributeKey: types.LookupAttributeKeyReadOnly, AttributeValue: aws.String("false"),
			}},
		})
		events := []types.Event{}
		for n := 0; pages.HasMorePages() && n < trailPages; n++ {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, fmt.Errorf("look up events in %s: %w", region, err)
			}
			events = append(events, page.Events...)
		}
		return Record{"cloudtrail/" + region + ".json": encode(map[string]any{"Events": events})}, nil
	}
}
