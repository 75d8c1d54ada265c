// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package approval_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cloudfront503/pkg/approval"
	"cloudfront503/pkg/incident"
)

func TestCirclesAreAskedInOrderAndNoneIsEmpty(t *testing.T) {
	t.Parallel()
	approvers, err := approval.ParseApprovers(anaLine + "|9\n" + benLine + "|2")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]string{{"b.en@example.com"}, {"ana"}}, approval.Circles(approvers)); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"|0", "|10", "|", "|x", "|1|1"} {
		if _, err := approval.ParseApprovers(anaLine + bad); err == nil {
			t.Errorf("%q was taken for a circle", bad)
		}
	}
}

func TestWhoAskedIsNoneOfTheOthers(t *testing.T) {
	t.Parallel()
	approvers := []incident.Approver{
		{Name: "ana", Principal: "arn:aws:iam::111122223333:user/ana"}, {Name: "ben", Principal: "arn:aws:iam::111122223333:role/teams/edge"},
	}
	tests := []struct{ name, asker, want string }{
		{"an alarm", "", "ana ben"},
		{"a user", "arn:aws:iam::111122223333:user/ana", "ben"},
		{"a user under a path", "arn:aws:iam::111122223333:user/ops/ana", "ben"},
		{"a session of the approver's role", "arn:aws:sts::111122223333:assumed-role/edge/ben", "ana"},
		{"a session of another role under the same name", "arn:aws:sts::111122223333:assumed-role/admin/BEN", "ana"},
		{"somebody else in the approver's role", "arn:aws:sts::111122223333:assumed-role/edge/cy", "ana ben"},
		{"somebody else", "arn:aws:iam::111122223333:user/analyst", "ana ben"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := strings.Join(approval.Names(approval.Others(approvers, test.asker)), " "); got != test.want {
				t.Errorf("others are %q, want %q", got, test.want)
			}
		})
	}
}

func TestWhoHasNoTicketIsToldWhy(t *testing.T) {
	t.Parallel()
	yes, _ := tickets(t, request, "ana")
	tests := []struct {
		name   string
		change func(*incident.ApprovalRequest)
		want   string
	}{
		{"asked for it", func(r *incident.ApprovalRequest) {
			r.AskedBy, r.Approvers = "arn:aws:sts::111122223333:assumed-role/x/ana", []string{"ben"}
		}, "nobody approves what they asked for"},
		{"of a later circle", func(r *incident.ApprovalRequest) { r.Circles = [][]string{{"ben"}, {"ana"}} }, "asked when those before stay silent"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o, r := newOffice(t), request
			test.change(&r)
			o.steps[0] = noted(t, "respond", incident.StepAsked, asked, r)
			if err := o.reply("reply-ana", "m1", "approve "+yes); err != nil || o.kinds() != "refused" || !strings.Contains(o.told[0], test.want) {
				t.Errorf("error %v, steps %q, told %q", err, o.kinds(), o.told)
			}
		})
	}
}

func TestALaterCircleAnswersOnceItIsAsked(t *testing.T) {
	t.Parallel()
	o, r := newOffice(t), request
	r.Circles = [][]string{{"ben"}, {"ana"}}
	yes, _ := tickets(t, r, "ana")
	o.steps = []incident.Step{
		noted(t, "respond", incident.StepAsked, asked, r), noted(t, "respond", incident.StepAskedNext, asked.Add(time.Second), r.Circles[1]),
	}
	if err := o.reply("reply-ana", "m1", "approve "+yes); err != nil || !strings.HasSuffix(o.kinds(), "decision signalled") {
		t.Errorf("error %v, steps %q, told %q", err, o.kinds(), o.told)
	}
}

func TestAConfigurationThatMovedVoidsAllTicketsAtOnce(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.etag = "E9"
	ofAna, no := tickets(t, request, "ana")
	ofBen, _ := tickets(t, request, "ben")
	for _, reply := range [][2]string{{"ana", "approve " + ofAna}, {"ben", "approve " + ofBen}} {
		if err := o.reply("reply-"+reply[0], "m-"+reply[0], reply[1]); err != nil {
			t.Fatal(err)
		}
	}
	if o.kinds() != "withdrawn refused refused" || len(o.signals) != 0 || !strings.Contains(o.told[0], "E9") || !strings.Contains(o.told[1], "withdrawn") {
		t.Errorf("steps %q, told %q, signals %q", o.kinds(), o.told, o.signals)
	}
	if record, err := approval.ReadRecord(o.steps); err != nil || record.Withdrawn == "" || len(record.Decisions) != 0 {
		t.Errorf("record %+v, error %v", record, err)
	}
	o = newOffice(t)
	o.etag = "E9"
	if err := o.reply("reply-ana", "m1", "reject "+no); err != nil || !strings.HasPrefix(o.kinds(), "decision") {
		t.Errorf("a reject: error %v, steps %q", err, o.kinds())
	}
}

func TestAConfigurationThatCannotBeReadTurnsNobodyAway(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	yes, _ := tickets(t, request, "ana")
	o.fails["live"] = errors.New("AccessDenied")
	if err := o.reply("reply-ana", "m1", "approve "+yes); err != nil || o.kinds() != "decision signalled" {
		t.Errorf("error %v, steps %q", err, o.kinds())
	}
}

func TestTheGateIsSignedWhenTheCountIsFull(t *testing.T) {
	t.Parallel()
	o, r := newOffice(t), request
	r.Required = 2
	o.steps[0] = noted(t, "respond", incident.StepAsked, asked, r)
	for i, name := range []string{"ana", "ben"} {
		yes, _ := tickets(t, r, name)
		if err := o.reply("reply-"+name, "m-"+name, "approve "+yes); err != nil || len(o.signals) != i {
			t.Errorf("%s: error %v, signals %q", name, err, o.signals)
		}
	}
}

func TestWhatEstablishedTheNameIsRecorded(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	yes, _ := tickets(t, request, "ana")
	if err := o.reply("reply-ana", "m1", "approve "+yes); err != nil {
		t.Fatal(err)
	}
	if record, err := approval.ReadRecord(o.steps); err != nil || !strings.Contains(record.Decisions[0].Through, "topic reply-ana") {
		t.Errorf("record %+v, error %v", record, err)
	}
}

func TestAChatRejectsAndApprovesNothing(t *testing.T) {
	t.Parallel()
	yes, _ := tickets(t, request, "ana")
	tests := []struct{ name, text, steps, told string }{
		{"a reject", "Reject E2EXAMPLE/000007 not during the sale", "decision", ""},
		{"an approval", "approve E2EXAMPLE/000007", "", "may reject and nothing else"},
		{"an approval with a ticket", "approve " + yes, "", "may reject and nothing else"},
		{"a reject of nothing", "reject", "", "may reject and nothing else"},
		{"a reject with a ticket", "reject " + yes, "", "not a reject"},
		{"a reject of another incident", "reject E2EXAMPLE/000099", "", "nothing was asked"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			for range 2 { // SNS delivers more than once
				if err := o.reply("chat", "m1", test.text); err != nil {
					t.Fatal(err)
				}
			}
			if o.kinds() != test.steps || len(o.signals) != 0 || (len(o.told) == 1) != (test.told != "") || test.told != "" && !strings.Contains(o.told[0], test.told) {
				t.Errorf("steps %q, told %q, signals %q", o.kinds(), o.told, o.signals)
			}
			record, err := approval.ReadRecord(o.steps)
			tally := record.Tally([]incident.Approver{person("ana")}, o.now)
			if err != nil || tally.Rejected != (test.steps != "") || tally.Approved {
				t.Errorf("tally %+v, error %v", tally, err)
			}
		})
	}
}

// A decision in the chat's name that approves, as nobody but a program gone wrong could write, counts for nothing.
func TestAnApprovalInTheChatsNameCountsForNothing(t *testing.T) {
	t.Parallel()
	forged := says(approval.ChatName, incident.Approve, func(d *incident.Decision) { d.Channel = incident.ChannelChat })
	if tally := approval.Count(request, []incident.Decision{forged}, asked); tally.Approved || tally.Have != 0 {
		t.Errorf("tally %+v", tally)
	}
}

func FuzzParseChatNamesAnIncidentOrRefuses(f *testing.F) {
	f.Add("reject E2EXAMPLE/000007 not now")
	f.Add("approve E2EXAMPLE/000007")
	f.Add("'reject E2EXAMPLE/000007'\n")
	f.Fuzz(func(t *testing.T, text string) {
		reference, reason, err := approval.ParseChat(text)
		if err == nil && (strings.ContainsAny(reference.Distribution+reference.ID, "/. \n") || strings.ContainsAny(reason, "\r\n") || reference.ID == "") {
			t.Errorf("%q became %q and %q", text, reference, reason)
		}
	})
}
