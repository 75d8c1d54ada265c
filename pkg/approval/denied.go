// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package approval

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cloudfront503/pkg/denied"
	"cloudfront503/pkg/incident"
)

// Denied is what people are told where AWS takes no signature for an approver: the answer is recorded, and the gate does
// not hear of it.
type Denied struct {
	Incident incident.Reference
	Approver incident.Approver
	Verb     incident.Verb
	Err      error // what AWS says
	Expires  time.Time
}

// tellDenied tells people, once an incident, that AWS refuses who signs for an approver. Where nobody has answered, verify tells
// that the change was not taken back. The error stays one: what was
// denied may be allowed a moment later, and what lands in the dead-letter queue can be delivered again.
func (d Desk) tellDenied(ctx context.Context, v *visit, problem error) error {
	var refused interface{ Denied() bool }
	if !errors.As(problem, &refused) || !refused.Denied() || v.record.Denied || v.owner.Name == incident.AsApproved {
		return problem
	}
	request := v.record.Request
	err := d.TellDenied(ctx, Denied{Incident: request.Incident, Approver: v.owner, Verb: v.decision.Verb, Err: problem, Expires: request.Expires})
	if err != nil {
		return errors.Join(problem, fmt.Errorf("tell that AWS refuses who signs: %w", err))
	}
	note := "people know that AWS refuses who signs for " + v.owner.Name
	signed := v.decision
	if why := denied.Of(problem); why.Action != "" {
		signed.Refusal = why.String()
		note += ": " + signed.Refusal
	}
	_, _, err = d.Ledger.AppendOnce(ctx, request.Incident, incident.StepDenied, "denied", note, signed)
	return errors.Join(problem, err)
}
