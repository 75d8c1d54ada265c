// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package incident

// The remedies, as a plan's Remedy names them. What each of them writes is in package remedy.
const (
	RemedyRestore = "restore-distribution"
	RemedyQuota   = "request-quota-increase"
)
