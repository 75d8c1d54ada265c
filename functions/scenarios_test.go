// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package functions

import (
	"testing"

	"cloudfront503/pkg/emulator/rehearsal"
)

func TestEachScenarioEndsAsItShould(t *testing.T) {
	for _, name := range rehearsal.Names() {
		t.Run(name, func(t *testing.T) {
			r := start(t, name)
			breaks(t, r)
			if r.Scenario.Asks {
				untilAsked(t, r)
				approves(t, r, "alice")
			}
			untilClosed(t, r, r.Scenario.Ends)
		})
	}
}
