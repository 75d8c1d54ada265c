// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"time"

	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/notify"
)

// seesMore reports whether what was written only lets more be seen: the incident goes on as one in which nothing was touched.
func (v view) seesMore() bool {
	return v.written != nil && v.written.Action == incident.ActionEvidence
}

// judgeSwitched is for such an incident. It gives way once the cause is known, and stays open as long as people can take back
// what costs money.
func judgeSwitched(v view, now time.Time) due {
	switch {
	case v.successor:
		return handOver
	case v.quiet && !now.Before(v.writtenAt.Add(incident.UndoFor)), now.Sub(v.openedAt) > watchTime:
		return closeQuiet
	}
	return tellWritten
}

// switched words the end of such an incident.
func switched(outcome incident.Outcome) incident.Outcome {
	outcome.Result = notify.ResultSwitchedOn
	if outcome.Why == ends[closeQuiet].Why {
		outcome.Why = "What was missing is switched on. The distribution was not changed, and no cause was named."
	}
	return outcome
}
