// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package approval

import (
	"context"
	"fmt"

	"cloudfront503/pkg/incident"
)

// unmoved tells who approves at once that the configuration has moved, and withdraws what was asked, which voids all its
// tickets. It is a courtesy: remediate looks for itself, right before it writes, so that a live configuration that cannot
// be read now is no reason to turn a reply away. Where the count is full already the write may be under way, and the ETag
// be ours.
func (d Desk) unmoved(ctx context.Context, v *visit) error {
	request := *v.record.Request
	if v.parsed.Verb != incident.Approve || v.record.Tally(d.Approvers, d.Now()).Approved {
		return nil
	}
	etag, err := d.Live.ETag(ctx, request.Distribution)
	if err != nil || etag == request.ETag {
		return nil
	}
	why := fmt.Sprintf("the live configuration has moved since people were asked: its ETag is %s, not %s", etag, request.ETag)
	if _, _, err := d.Ledger.AppendOnce(ctx, request.Incident, incident.StepWithdrawn, "moved "+request.Execution, why, nil); err != nil {
		return fmt.Errorf("withdraw what was asked about %s: %w", request.Incident, err)
	}
	return refuse("%s; the tickets are void", why)
}
