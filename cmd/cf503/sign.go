// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/sts"

	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/lean/ssm"
	"cloudfront503/pkg/runbook"
)

// maySign refuses where a signature alone would not count, or could stop what others approve together.
func (a answer) maySign(q question) error {
	switch {
	case q.record == nil:
		return errors.New("to sign, you must be able to read the incident's record")
	case a.reason != "" && a.verb == incident.Approve:
		return errors.New("a reason goes with a reject")
	case q.record.Request.Required > 1:
		return fmt.Errorf("%d people must approve, and we count them by their tickets: a signature at the gate does not count here. Answer with yours", q.record.Request.Required)
	}
	return nil
}

// signGate signs the gate in the person's own approver role, in a session under their name: RoleSessionName and
// SourceIdentity are the name.
func (a answer) signGate(ctx context.Context, p person, q question) error {
	automation := ssm.NewFromConfig(p.cfg)
	role := q.stack.ApproverRole(q.approver)
	signaller := runbook.Signaller{SSM: automation, STS: sts.NewFromConfig(p.cfg), Gates: runbook.Gates{SSM: automation}, Role: role, Now: p.clock.Now}
	err := signaller.Signal(ctx, q.approver, q.record.Request.Execution, a.verb, a.reason)
	switch {
	case errors.Is(err, runbook.ErrDecided):
		return fmt.Errorf("the gate of incident %s is decided already: %w", a.incident, err)
	case errors.Is(err, runbook.ErrDenied):
		return fmt.Errorf("AWS does not take your signature at the gate of incident %s: answer with your ticket, or look whether your own policy lets you sts:AssumeRole and sts:SetSourceIdentity with %s (%w)",
			a.incident, role, err)
	case err != nil:
		return err
	}
	fmt.Fprintf(a.out, "Signed as %s. What comes of it stands in the record of incident %s.\n", q.approver.Name, a.incident)
	return nil
}
