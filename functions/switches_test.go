// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package functions

import (
	"testing"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/rehearsal"
)

// readings are the settings of each question that AWS's documentation leaves open, one at a time away from the likeliest.
var readings = map[string]func(*kernel.Switches){
	"the likeliest":                               func(*kernel.Switches) {},
	"a rejected step is called Failed":            func(s *kernel.Switches) { s.RejectStatus = "Failed" },
	"a gate's time-out is called Failed":          func(s *kernel.Switches) { s.TimeoutStatus = "Failed" },
	"a stranger's signal is an invalid signal":    func(s *kernel.Switches) { s.ForeignSignalError = "InvalidAutomationSignalException" },
	"a repeated signal finds no step":             func(s *kernel.Switches) { s.RepeatedSignalError = "AutomationStepNotFoundException" },
	"two sessions of one role are one approver":   func(s *kernel.Switches) { s.SessionsOfOneRole = false },
	"a session is no approver, but its role":      func(s *kernel.Switches) { s.SessionApprovers = false },
	"a token is forgotten after a minute":         func(s *kernel.Switches) { s.TokenMemoryMinutes = 1 },
	"starting needs the document alone":           func(s *kernel.Switches) { s.DefinitionResource = false },
	"decisions are put out under other key names": func(s *kernel.Switches) { s.DecisionKeys = "opaque" },
}

// under sets a reading. Where SSM compares no sessions, the stack's gates name roles.
func under(set func(*kernel.Switches)) func(*rehearsal.Options) {
	return func(o *rehearsal.Options) {
		switches := kernel.DefaultSwitches()
		set(&switches)
		o.Switches = &switches
		if !switches.SessionApprovers {
			o.Parameters["GateApprovers"] = "role"
		}
	}
}

func TestTheLineHoldsUnderEveryReadingOfAWS(t *testing.T) {
	t.Parallel()
	for name, set := range readings {
		t.Run(name+", approved", func(t *testing.T) {
			t.Parallel()
			r := start(t, "error-page-503", under(set))
			breaks(t, r)
			untilAsked(t, r)
			approves(t, r, "alice")
			untilClosed(t, r, "changed")
			oneOfEach(t, r)
			writtenOnce(t, r)
		})
		t.Run(name+", rejected", func(t *testing.T) {
			t.Parallel()
			r := start(t, "error-page-503", under(set))
			breaks(t, r)
			untilAsked(t, r)
			_, ticket := r.Tickets("bob")
			reply(t, r, "bob", "reject "+ticket+" not during the sale")
			untilClosed(t, r, "rejected")
			if n := count(r, remediate, "cloudfront:UpdateDistribution", "ok"); n != 0 {
				t.Errorf("%d writes after a reject", n)
			}
		})
	}
}

func TestSilenceIsNoUnderEveryReadingOfATimeOut(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"TimedOut", "Failed"} {
		t.Run(status, func(t *testing.T) {
			t.Parallel()
			r := start(t, "error-page-503", under(func(s *kernel.Switches) { s.TimeoutStatus = status }))
			breaks(t, r)
			untilAsked(t, r)
			untilClosed(t, r, "silent")
			if n := count(r, remediate, "cloudfront:UpdateDistribution", "ok"); n != 0 {
				t.Errorf("%d writes that nobody approved", n)
			}
		})
	}
}

// TestTwoMustApprove holds whatever SSM counts: the count of people is ours, and the gate gets its one approval when it is
// full.
func TestTwoMustApprove(t *testing.T) {
	t.Parallel()
	for name, set := range readings {
		for _, naming := range []string{"sessions", "role"} {
			t.Run(name+", the gate names "+naming, func(t *testing.T) {
				t.Parallel()
				r := start(t, "error-page-503", func(o *rehearsal.Options) {
					o.Parameters["Quorum"], o.Parameters["GateApprovers"] = "2", naming
				}, under(set))
				breaks(t, r)
				untilAsked(t, r)
				approves(t, r, "alice")
				if n := count(r, remediate, "cloudfront:UpdateDistribution", "ok"); n != 0 {
					t.Errorf("%d writes after one approval of two", n)
				}
				approves(t, r, "bob")
				untilClosed(t, r, "changed")
				writtenOnce(t, r)
			})
		}
	}
}
