// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package runbook

import (
	"cloudfront503/pkg/incident"
)

// Naming is how a gate names those who may decide. Two things about it are not documented: whether SSM compares the ARN of
// a session with an entry of Approvers, and whether two sessions of one role are two approvals (facts/contracts.md 10). So
// the quorum is not SSM's to count: a gate wants one approval, and it is given when our own count is reached.
type Naming struct {
	ByRole bool   // name the roles, not their sessions
	Signer string // the ARN of the role in which approve signs for people
	Own    string // the ARN of the role in which people sign for themselves
}

// GateApprovals is how many approvals a gate wants of SSM.
const GateApprovals = 1

// Approvers are the entries of a gate's Approvers. People's own sessions stand among them only where one approval is
// enough, as SSM alone would count them, and only where there is room: SSM takes ten entries, so that six people or more
// sign for themselves only where the gate names roles.
func (n Naming) Approvers(approvers []incident.Approver, required int) ([]string, error) {
	if n.ByRole && required > 1 {
		return []string{n.Signer}, nil
	}
	if n.ByRole {
		return []string{n.Signer, n.Own}, nil
	}
	signers, err := SessionARNs(n.Signer, approvers)
	if err != nil || required > 1 || 2*len(approvers) > mostApprovers {
		return signers, err
	}
	own, err := SessionARNs(n.Own, approvers)
	return append(signers, own...), err
}
