// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package incident

// The kinds of step that verify notes where something did not go through.
const (
	StepAskingAgain StepKind = "asking-again" // names: whom no message has reached, and whom respond is to ask once more
	StepUnreported  StepKind = "unreported"   // the page was not written, and will be tried again
)
