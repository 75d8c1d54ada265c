// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package approval

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"cloudfront503/pkg/incident"
)

// Reply is what an approver wrote.
type Reply struct {
	Verb   incident.Verb
	Ticket Ticket
	Reason string // one line, at most 400 characters; empty where none was given
}

const (
	longestReply  = 16 << 10 // bytes; ours have some 80
	longestReason = 400      // characters; SSM takes 512 of a comment
)

// verbs are the words that people may begin with.
var verbs = map[string]incident.Verb{"approve": incident.Approve, "reject": incident.Reject, "undo": incident.Undo}

// ParseReply reads
//
//	approve TICKET
//	reject TICKET why not
//	undo TICKET why
//
// however a shell, a form or a mail program has dressed it: any case of the verb, white space and line breaks around the
// words, also as the escapes \n and \t, quotes around the whole or around the ticket. Everything else is refused with a
// sentence for the person; a message that came in JSON, as two-way SMS does, is among that.
func ParseReply(text string) (Reply, error) {
	if len(text) > longestReply || !utf8.ValidString(text) {
		return Reply{}, errors.New("not a reply: longer than 16 KB, or not text")
	}
	text = unescape.Replace(text)
	if err := refuseWrapped(strings.TrimSpace(text)); err != nil {
		return Reply{}, err
	}
	words := strings.Fields(unquote(text))
	if len(words) < 2 {
		return Reply{}, errors.New(`not a reply: want "approve TICKET", "reject TICKET reason" or "undo TICKET"`)
	}
	verb, known := verbs[strings.ToLower(strings.Trim(words[0], quotes+":"))]
	if !known {
		return Reply{}, fmt.Errorf(`not a reply: begins with %q, not with "approve", "reject" or "undo"`, incident.Line(words[0], 20))
	}
	ticket, err := ReadTicket(strings.Trim(words[1], quotes+"<>"))
	if err != nil {
		return Reply{}, err
	}
	return Reply{Verb: verb, Ticket: ticket, Reason: incident.Line(strings.Join(words[2:], " "), longestReason)}, nil
}

// unescape undoes the escapes that arrive as text where a shell or a form did not know them.
var unescape = strings.NewReplacer(`\r\n`, " ", `\n`, " ", `\r`, " ", `\t`, " ", `\"`, `"`, `\'`, `'`, "\ufeff", " ", "\u200b", " ")

// quotes are the ones of shells and those that mail programs make of them.
const quotes = "'\"`\u2018\u2019\u201c\u201d\u00ab\u00bb"

// unquote takes one pair of quotes, or what is left of one, off the ends.
func unquote(text string) string { return strings.Trim(strings.TrimSpace(text), quotes) }

// twoWaySMS has what tells a two-way SMS [AWS End User Messaging SMS, "Two-way SMS messaging"], as
// {"originationNumber":"+14255550182","messageBody":"approve …","inboundMessageId":"…"}.
type twoWaySMS struct {
	From string  `json:"originationNumber"`
	Body *string `json:"messageBody"`
}

func refuseWrapped(text string) error {
	if !strings.HasPrefix(text, "{") && !strings.HasPrefix(text, "[") {
		return nil
	}
	var sms twoWaySMS
	if json.Unmarshal([]byte(text), &sms) == nil && (sms.Body != nil || sms.From != "") {
		return errors.New("a text message decides nothing here. Publish the reply to your own topic, as the message says")
	}
	return errors.New(`not a reply: JSON. Publish the plain text "approve TICKET" or "reject TICKET reason" as the message`)
}
