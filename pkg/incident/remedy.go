// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package incident

// The remedies, as a plan's Remedy names them. What each of them writes is in package remedy.
const (
	RemedyRestore  = "restore-distribution"
	RemedyEdge     = "restore-edge-function" // points Lambda@Edge associations to an earlier version, or takes them off
	RemedyCode     = "restore-function-code" // publishes a CloudFront Function's last good code
	RemedyAccess   = "restore-edge-access"   // lets Lambda and Lambda@Edge assume a function's role again
	RemedyFailover = "fail-over-origin"
	RemedyProtect  = "protect-origin"
	RemedyQuota    = "request-quota-increase"
	RemedyEvidence = "switch-on-evidence" // metrics, logs and alarms without which a cause cannot be told
)
