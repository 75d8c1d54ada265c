// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package incident

// StepQuotaDecided says what AWS has decided about a quota request; verify writes it, once. Its Detail is a QuotaDecision.
const StepQuotaDecided StepKind = "quota-decided"

// QuotaDecision is what AWS has decided about a quota request.
type QuotaDecision struct {
	RequestID string `json:"requestId"`
	Status    string `json:"status"`         // APPROVED, DENIED, CASE_CLOSED, NOT_APPROVED or INVALID_REQUEST
	Case      string `json:"case,omitempty"` // of AWS Support, where there is one
}

// Granted reports whether the quota is higher. A case that is closed does not say so.
func (d QuotaDecision) Granted() bool { return d.Status == "APPROVED" }
