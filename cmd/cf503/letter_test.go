// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"strings"
	"testing"
	"unicode"

	"cloudfront503/pkg/incident"
)

// Tickets of nobody, and a message of the usual shape.
var (
	yes   = "E2EXAMPLE.000007." + strings.Repeat("Y", 42) + "A"
	no    = "E2EXAMPLE.000007." + strings.Repeat("N", 42) + "A"
	topic = "arn:aws:sns:us-east-1:111122223333:edge-prod-reply-2"
	mail  = "bob, may cloudfront503 make the change below?\n\nChange: put it back\x1b[2J\n\n  aws sns publish --topic-arn " + topic + " --region us-east-1 --message 'approve " + yes + "'\n\n" +
		"  aws sns publish --topic-arn " + topic + " --region us-east-1 --message 'reject " + no + " REASON'\n"
)

func TestATicketIsFoundHoweverItIsGiven(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ text, topic, stack, problem string }{
		"alone":                        {yes, "", "", ""},
		"alone with a line end":        {"  " + yes + "\n", "", "", ""},
		"as in the reply":              {"approve " + yes, "", "", ""},
		"in the message":               {mail, topic, "edge-prod", ""},
		"in a message that was broken": {strings.ReplaceAll(mail, " --message", "\r\n  --message"), topic, "edge-prod", ""},
		"for another verb":             {"reject " + no, "", "", "a ticket to reject, not to approve"},
		"damaged":                      {yes[:40], "", "", "not a ticket"},
		"damaged in the message":       {strings.Replace(mail, yes, yes[:40], 1), "", "", "the ticket to approve in the message"},
		"in two messages":              {mail + strings.ReplaceAll(mail, "reply-2", "reply-1"), "", "", "two topics"},
		"nothing":                      {"", "", "", "no ticket in it"},
		"a letter of somebody else":    {"Dear Bob, please approve it. Yours, Mallory", "", "", "no ticket in it"},
		"a book":                       {strings.Repeat("x ", longestLetter), "", "", "longer than"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := readLetter(test.text, incident.Approve)
			if (err != nil) != (test.problem != "") || err != nil && !strings.Contains(err.Error(), test.problem) {
				t.Fatalf("error %v, want %q", err, test.problem)
			}
			if err == nil && (l.tickets[incident.Approve].String() != yes || l.topic != test.topic || l.stack() != test.stack) {
				t.Errorf("found %+v", l)
			}
		})
	}
}

func TestAMessageIsAnsweredWhereItCameFrom(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ topic, want string }{
		"from there":        {topic, ""},
		"without a message": {"", ""},
		"another account":   {strings.Replace(topic, "111122223333", "444455556666", 1), "comes from account 444455556666, and your credentials are of account 111122223333"},
		"another Region":    {strings.Replace(topic, "us-east-1", "eu-west-1", 1), "in Region eu-west-1"},
		"another topic":     {strings.Replace(topic, "reply", "channel", 1), "no reply topic"},
	} {
		err := letter{topic: test.topic}.reachable("111122223333")
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAMessageIsShownWithoutTicketsAndWithoutOrdersToTheTerminal(t *testing.T) {
	t.Parallel()
	l, err := readLetter(strings.ReplaceAll(mail, " --message", "\n--message"), incident.Approve)
	if err != nil {
		t.Fatal(err)
	}
	if shown := l.plain(); strings.Contains(shown, yes) || strings.Contains(shown, no) || strings.Contains(shown, "\x1b") || !strings.Contains(shown, "Change: put it back") {
		t.Errorf("shown %q", shown)
	}
}

func FuzzReadLetter(f *testing.F) {
	for _, seed := range []string{mail, yes, "approve " + yes, "{}", "--topic-arn", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		l, err := readLetter(text, incident.Approve)
		if err != nil {
			return
		}
		if len(l.tickets) == 0 {
			t.Error("no ticket, and no error")
		}
		for _, r := range l.plain() {
			if unicode.IsControl(r) && r != '\n' && r != '\t' {
				t.Errorf("a terminal would obey %q", r)
			}
		}
	})
}
