// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package approval_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"cloudfront503/pkg/approval"
	"cloudfront503/pkg/incident"
)

const aTicket = "E2EXAMPLE.000007.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

func TestRepliesAreReadHoweverTheyAreDressed(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text, reason string
		verb               incident.Verb
	}{
		{"as the message says", "approve " + aTicket, "", incident.Approve},
		{"a rejection with a reason", "reject " + aTicket + " deploy is running, wait", "deploy is running, wait", incident.Reject},
		{"capitals", "APPROVE " + aTicket, "", incident.Approve},
		{"a reply typed on a phone", "Approve\r\n" + aTicket + "\r\n\r\n", "", incident.Approve},
		{"quotes of a shell around the whole", "'approve " + aTicket + "'", "", incident.Approve},
		{"quotes of a mail program around the ticket", "approve \u201c" + aTicket + "\u201d", "", incident.Approve},
		{"angle brackets from the manual", "approve <" + aTicket + ">", "", incident.Approve},
		{"escapes that nobody undid", `approve\n` + aTicket + `\n`, "", incident.Approve},
		{"escaped quotes", `\"approve ` + aTicket + `\"`, "", incident.Approve},
		{"a byte order mark", "\ufeffapprove " + aTicket, "", incident.Approve},
		{"a no-break space", "approve\u00a0" + aTicket, "", incident.Approve},
		{"a reason of many lines", "reject " + aTicket + "\nfirst\n\x1b[31msecond\u202e", "first [31msecond", incident.Reject},
		{"a reason that speaks of approving", "reject " + aTicket + " do not approve", "do not approve", incident.Reject},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := approval.ParseReply(test.text)
			if err != nil || got.Verb != test.verb || got.Reason != test.reason || got.Ticket.String() != aTicket {
				t.Errorf("got %+v, error %v", got, err)
			}
		})
	}
}

func TestWhatIsNoReplyIsRefusedWithASentence(t *testing.T) {
	t.Parallel()
	sms, _ := json.Marshal(map[string]string{"originationNumber": "+14255550182", "messageBody": "approve " + aTicket})
	tests := []struct{ name, text, want string }{
		{"nothing", "", "not a reply"},
		{"a verb alone", "approve", "not a reply"},
		{"a word that is no verb", "yes " + aTicket, `begins with "yes"`},
		{"deny, which a guide of AWS says", "deny " + aTicket, `begins with "deny"`},
		{"the ticket first", aTicket + " approve", "begins with"},
		{"a ticket that was cut", "approve " + aTicket[:40], "not a ticket"},
		{"a two-way SMS", string(sms), "a text message decides nothing here"},
		{"JSON of one's own", `{"verb":"approve","ticket":"` + aTicket + `"}`, "JSON"},
		{"a list", `["approve","` + aTicket + `"]`, "JSON"},
		{"not text", "approve \xff", "not text"},
		{"a book", "approve " + strings.Repeat("x", 17<<10), "longer than"},
		{"a path instead of a distribution", "approve ../../E2.000007." + strings.Repeat("A", 43), "not a ticket"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := approval.ParseReply(test.text)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

func FuzzParseReplyGivesAVerbATicketAndOneLine(f *testing.F) {
	for _, seed := range []string{"approve " + aTicket, "reject " + aTicket + " why\nnot", `{"messageBody":"approve"}`, `\n'"` + aTicket, ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		reply, err := approval.ParseReply(text)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\r\x1b") || len(err.Error()) > 400 {
				t.Errorf("error %q", err)
			}
			return
		}
		if reply.Verb != incident.Approve && reply.Verb != incident.Reject || len(reply.Ticket.MAC) != 32 {
			t.Errorf("%q gave %+v", text, reply)
		}
		if strings.ContainsAny(reply.Reason, "\n\r\x1b") || utf8.RuneCountInString(reply.Reason) > 400 {
			t.Errorf("reason %q", reply.Reason)
		}
	})
}
