// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package approval_test

import (
	"errors"
	"testing"
	"time"

	"cloudfront503/pkg/approval"
	"cloudfront503/pkg/incident"
)

// denial is an error that says that AWS refuses who signs.
type denial struct{ error }

func (denial) Denied() bool { return true }

func TestPeopleHearOnceThatAWSRefusesWhoSigns(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	yes, _ := tickets(t, request, "ana")
	refused := denial{errors.New("AccessDenied")}
	o.fails["tell denied"] = errors.New("no route")
	for delivery, kinds := range []string{"decision", "decision denied", "decision denied"} {
		o.fails["signal"] = refused
		if err := o.reply("reply-ana", "m1", "approve "+yes); !errors.Is(err, refused) || o.kinds() != kinds {
			t.Errorf("delivery %d: error %v, steps %q", delivery+1, err, o.kinds())
		}
	}
	if len(o.told) != 2 || o.told[1] != "denied: E2EXAMPLE/000007 ana approve" {
		t.Errorf("told %q", o.told)
	}
	if err := o.reply("reply-ana", "m1", "approve "+yes); err != nil || len(o.signals) != 1 {
		t.Errorf("once it is allowed: error %v, signals %q", err, o.signals)
	}
}

func TestOtherErrorsOfASignalAreNoDenial(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	yes, _ := tickets(t, request, "ana")
	o.fails["signal"] = errors.New("throttled")
	if err := o.reply("reply-ana", "m1", "approve "+yes); err == nil || o.kinds() != "decision" || len(o.told) != 0 {
		t.Errorf("error %v, steps %q, told %q", err, o.kinds(), o.told)
	}
}

func TestARejectAtTheGateCountsAndNothingElseFromThere(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		writer   string
		verb     incident.Verb
		rejected bool
	}{
		"what verify has seen there":                 {"verify", incident.Reject, true},
		"an approval, which verify cannot have seen": {"verify", incident.Approve, false},
		"a reject by who has not looked at the gate": {"approve", incident.Reject, false},
	} {
		said := says("ana", test.verb, func(d *incident.Decision) { d.Channel = incident.ChannelGate })
		record, err := approval.ReadRecord([]incident.Step{
			noted(t, "respond", incident.StepAsked, asked, request), noted(t, test.writer, incident.StepGateReject, asked.Add(time.Minute), said),
		})
		tally := record.Tally([]incident.Approver{{Name: "ana"}}, asked.Add(2*time.Minute))
		if err != nil || tally.Rejected != test.rejected || tally.Approved {
			t.Errorf("%s: error %v, %+v", name, err, tally)
		}
	}
}
