// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package functions

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/rehearsal"
)

func TestNobodyPublishesToAnothersReplyTopic(t *testing.T) {
	t.Parallel()
	r, broken := asked(t)
	ticket, _ := r.Tickets("alice")
	for _, by := range []string{"mallory", "bob", "deployer"} {
		err := r.Reply(by, "alice", "approve "+ticket)
		if err == nil || !strings.Contains(err.Error(), "AuthorizationError") {
			t.Errorf("%s published to alice's topic: %v", by, err)
		}
	}
	r.World.Clock.Advance(10 * time.Minute)
	if recorded(r, "decision") != 0 {
		t.Error("a decision was recorded")
	}
	unwritten(t, r, broken)
}

func TestRepliesThatDoNotCount(t *testing.T) {
	t.Parallel()
	r, broken := asked(t)
	approve, reject := r.Tickets("alice")
	tests := []struct {
		name, by, text string
		refused        int // in the incident's record
	}{
		{"another's ticket through one's own topic", "bob", "approve " + approve, 1},
		{"a forged ticket", "alice", "approve " + forge(approve), 1},
		{"the ticket to reject, to approve", "alice", "approve " + reject, 1},
		{"the ticket of another incident", "alice", "approve " + strings.Replace(approve, ".000001.", ".000002.", 1), 0},
		{"the ticket of another distribution", "alice", "approve " + strings.Replace(approve, rehearsal.Distribution, "E3EXAMPLE7QZ4K1", 1), 0},
		{"garbage", "alice", "\x00\u202eyes please {{ .Ticket }}", 0},
	}
	want := 0
	for _, test := range tests {
		want += test.refused
		reply(t, r, test.by, test.text)
		if got := recorded(r, "refused"); got != want {
			t.Errorf("%s: %d refused replies in the record, want %d", test.name, got, want)
		}
	}
	if recorded(r, "decision") != 0 {
		t.Error("a decision was recorded")
	}
	unwritten(t, r, broken)
	told(t, r, "alice", 1, "")
	told(t, r, "bob", 1, "")
	r.World.Clock.Advance(61 * time.Minute)
	reply(t, r, "alice", "approve "+forge(approve))
	told(t, r, "alice", 2, "Others: 4 more were refused")
	if lost := r.SNS.Lost(); len(lost) > 0 {
		t.Errorf("lost: %v", lost)
	}
}

// forge changes a ticket's code in its middle.
func forge(ticket string) string {
	at := len(ticket) - 20
	other := "A"
	if ticket[at:at+1] == other {
		other = "B"
	}
	return ticket[:at] + other + ticket[at+1:]
}

// told compares how many mails about refused replies a person has, and what the newest says.
func told(t *testing.T, r *rehearsal.Rehearsal, name string, want int, says string) {
	t.Helper()
	n, newest := 0, ""
	for _, mail := range r.SNS.Mailbox("") {
		if mail.Endpoint == name+"@example.com" && strings.Contains(mail.Subject, "a reply was refused") {
			n, newest = n+1, mail.Body
		}
	}
	if n != want || !strings.Contains(newest, says) {
		t.Errorf("%s was told %d times, want %d; the newest: %s", name, n, want, newest)
	}
}

func TestTheTicketOfAnEarlierIncidentIsRefused(t *testing.T) {
	t.Parallel()
	r, _ := asked(t)
	earlier, _ := r.Tickets("alice")
	rejects(t, r, "bob", "")
	untilClosed(t, r, "rejected")
	reply(t, r, "alice", "approve "+earlier)
	if recorded(r, "decision") != 1 || recorded(r, "refused") != 1 || writes(r) != 0 {
		t.Errorf("%d decisions, %d refused, %d writes", recorded(r, "decision"), recorded(r, "refused"), writes(r))
	}
	repair(t, r)
	r.World.Clock.Advance(20 * time.Minute)
	breaks(t, r)
	until(t, r, 30*time.Minute, "people are asked again", func() bool { return r.Incident().Episode == 2 && r.Has("asked") })
	reply(t, r, "alice", "approve "+earlier)
	reply(t, r, "alice", "approve "+strings.Replace(earlier, ".000001.", ".000002.", 1))
	if recorded(r, "decision") != 0 || recorded(r, "refused") != 1 || writes(r) != 0 {
		t.Errorf("%d decisions, %d refused, %d writes", recorded(r, "decision"), recorded(r, "refused"), writes(r))
	}
	approves(t, r, "alice")
	untilClosed(t, r, "changed")
}

// repair takes the bad change back by hand.
func repair(t *testing.T, r *rehearsal.Rehearsal) {
	t.Helper()
	by := kernel.Principal{ARN: rehearsal.UserARN("deployer"), IAM: rehearsal.UserARN("deployer"), Account: rehearsal.AccountID}
	_, err := r.CloudFront.Change(rehearsal.Distribution, by, r.World.Clock.Now(), func(config map[string]any) {
		config["CustomErrorResponses"] = map[string]any{"Quantity": json.Number("0")}
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheSameReplyDeliveredTwiceCountsOnce(t *testing.T) {
	t.Parallel()
	r, _ := asked(t, func(o *rehearsal.Options) { o.Parameters["Quorum"] = "2" })
	r.World.Faults.Add(kernel.Fault{Action: "deliver:sns", Caller: "*-reply-*", Twice: true})
	approves(t, r, "alice")
	r.World.Clock.Advance(time.Minute)
	if recorded(r, "decision") != 1 || recorded(r, "refused") != 0 || writes(r) != 0 {
		t.Errorf("%d decisions, %d refused, %d writes", recorded(r, "decision"), recorded(r, "refused"), writes(r))
	}
	approves(t, r, "bob")
	untilClosed(t, r, "changed")
	if recorded(r, "decision") != 2 || recorded(r, "refused") != 0 || writes(r) != 1 {
		t.Errorf("%d decisions, %d refused, %d writes", recorded(r, "decision"), recorded(r, "refused"), writes(r))
	}
}

func TestAUsedTicketIsRefused(t *testing.T) {
	t.Parallel()
	r, _ := asked(t)
	approves(t, r, "alice")
	approves(t, r, "alice")
	if recorded(r, "decision") != 1 || recorded(r, "refused") != 1 {
		t.Errorf("%d decisions, %d refused", recorded(r, "decision"), recorded(r, "refused"))
	}
	untilClosed(t, r, "changed")
	if writes(r) != 1 {
		t.Errorf("%d writes", writes(r))
	}
}

func TestOnesOwnRejectStopsWhatOneHasApproved(t *testing.T) {
	t.Parallel()
	r, broken := asked(t, func(o *rehearsal.Options) { o.Parameters["Quorum"] = "2" })
	approves(t, r, "alice")
	rejects(t, r, "alice", "on second thoughts")
	approves(t, r, "bob")
	untilClosed(t, r, "rejected")
	unwritten(t, r, broken)
}

// A reject that is recorded after the gate has opened, and before the function looks, stops the write.
func TestARejectBetweenTheGateAndTheWriteStopsIt(t *testing.T) {
	t.Parallel()
	r, broken := asked(t)
	_, ticket := r.Tickets("bob")
	event, err := json.Marshal(map[string]any{"Records": []any{map[string]any{
		"EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": topics + "-reply-2:5c6b2a3e-0000-4000-8000-000000000001",
		"Sns": map[string]any{
			"Type": "Notification", "MessageId": "5c6b2a3e-0000-4000-8000-000000000002", "TopicArn": topics + "-reply-2",
			"Message": "reject " + ticket + " stop", "Timestamp": r.World.Clock.Now().Format("2006-01-02T15:04:05.000Z"),
		},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	hit := 0
	r.World.Faults.Add(kernel.Fault{Action: "lambda:InvokeFunction", Resource: functionARN(remediate), Times: 1, Before: func() {
		hit++
		if result, err := r.Lambda.Invoke(context.Background(), functionARN(rehearsal.StackName+"-approve"), event); err != nil || result.FunctionError != "" {
			t.Errorf("the reject was not taken: %s, %v", result.Payload, err)
		}
	}})
	approves(t, r, "alice")
	untilClosed(t, r, "rejected")
	unwritten(t, r, broken)
	if hit != 1 || recorded(r, "decision") != 2 {
		t.Errorf("%d holds, %d decisions", hit, recorded(r, "decision"))
	}
}
