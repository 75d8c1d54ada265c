// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"testing"

	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/runbook"
)

// A runbook reports before SSM says that it is over: what is said of its write must not depend on who is heard first.
func TestTheWritersNotesAreAskedAsSoonAsTheRunbookIsSaidToEnd(t *testing.T) {
	for name, c := range map[string]struct {
		view view
		want bool
	}{
		"it runs":                      {view{}, false},
		"SSM says that it is over":     {view{over: true}, true},
		"it has said so itself":        {view{noted: runbook.NoteFailed}, true},
		"both":                         {view{over: true, noted: runbook.NoteFailed}, true},
		"its write is recorded":        {view{over: true, noted: runbook.NoteFailed, written: &incident.Written{}}, false},
		"nothing of it can be written": {view{over: true, void: "the configuration has moved"}, false},
	} {
		if got := c.view.untold(); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
