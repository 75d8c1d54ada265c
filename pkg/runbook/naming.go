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
	ByRole bool                           // name the roles, not their sessions
	Signer string                         // the ARN of the role in which approve signs for people
	Own    func(incident.Approver) string // the ARN of the role in which a person signs oneself
}

// GateApprovals is how many approvals a gate wants of SSM.
const GateApprovals = 1

// Approvers are the entries of a gate's Approvers. People's own sessions stand among them only where one approval is
// enough, as SSM alone would count them, and only where there is room: SSM takes ten entries, so that of six people or more
// they sign for themselves only where the gate names roles, and of ten nowhere.
func (n Naming) Approvers(approvers []incident.Approver, required int) ([]string, error) {
	signers, own := []string{n.Signer}, []string{}
	for _, approver := range approvers {
		own = append(own, n.Own(approver))
	}
	if !n.ByRole {
		var err error
		if signers, err = SessionARNs(n.Signer, approvers); err != nil {
			return nil, err
		}
		if own, err = n.ownSessions(approvers); err != nil {
			return nil, err
		}
	}
	if required > 1 || len(signers)+len(own) > mostApprovers {
		return signers, nil
	}
	return append(signers, own...), nil
}

// AsApproved are the entries of a gate's Approvers at which nobody is asked, as the change that is taken back was approved with
// its way back. Its session bears no person's name, so that CloudTrail tells it from an answer.
func (n Naming) AsApproved() ([]string, error) {
	if n.ByRole {
		return []string{n.Signer}, nil
	}
	session, err := SessionARN(n.Signer, incident.AsApproved)
	return []string{session}, err
}

func (n Naming) ownSessions(approvers []incident.Approver) ([]string, error) {
	var sessions []string
	for _, approver := range approvers {
		session, err := SessionARN(n.Own(approver), approver.Name)
		if err != nil {
			return nil, err
		}
		sessions = append(sessions, session)
	}
	return sessions, nil
}
