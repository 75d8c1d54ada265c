// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"cloudfront503/pkg/approval"
	"cloudfront503/pkg/incident"
)

// letter is the message that asked a person, as they have saved it, or only the ticket out of it.
type letter struct {
	text    string
	topic   string // the person's reply topic; empty where it stands nowhere
	tickets map[incident.Verb]approval.Ticket
}

// longestLetter is the most that is read of one: SNS sends no more.
const longestLetter = 262144

// pasteLine is the line that people paste, however a mail program has broken it.
var pasteLine = regexp.MustCompile(`--topic-arn\s+(arn:aws:sns:[a-z0-9-]+:[0-9]{12}:[\w-]+)\s+--region\s+[a-z0-9-]+\s+--message\s+['"]?(approve|reject|undo)\s+([\w.-]+)`)

// readLetter finds the topic and the tickets in a message. A text without its lines may be a ticket, bare or with its verb
// before it, and then it is one for whichever verb is asked for.
func readLetter(text string, verb incident.Verb) (letter, error) {
	if len(text) > longestLetter {
		return letter{}, errors.New("the message is longer than any of ours")
	}
	found := letter{text: text, tickets: map[incident.Verb]approval.Ticket{}}
	for _, parts := range pasteLine.FindAllStringSubmatch(text, -1) {
		ticket, err := approval.ReadTicket(parts[3])
		if err != nil {
			return letter{}, fmt.Errorf("the ticket to %s in the message: %w", parts[2], err)
		}
		if found.topic != "" && found.topic != parts[1] {
			return letter{}, errors.New("the message names two topics: give the one that asked you, alone")
		}
		found.topic, found.tickets[incident.Verb(parts[2])] = parts[1], ticket
	}
	if len(found.tickets) > 0 {
		return found, nil
	}
	ticket, err := bareTicket(text, verb)
	if err != nil {
		return letter{}, err
	}
	found.tickets[verb] = ticket
	return found, nil
}

// topicParts has the Region, the account and the stack of a reply topic's ARN.
var topicParts = regexp.MustCompile(`^arn:aws:sns:([a-z0-9-]+):([0-9]{12}):([\w-]+)-reply-[0-9]+$`)

// stack is the name of the stack whose message it is; empty where it does not say.
func (l letter) stack() string {
	if parts := topicParts.FindStringSubmatch(l.topic); parts != nil {
		return parts[3]
	}
	return ""
}

// reachable says whether an answer from an account can reach the message's topic.
func (l letter) reachable(account string) error {
	parts := topicParts.FindStringSubmatch(l.topic)
	switch {
	case l.topic == "":
		return nil
	case parts == nil:
		return fmt.Errorf("the message names %s, which is no reply topic", l.topic)
	case parts[1] != home:
		return fmt.Errorf("the message names a topic in Region %s, and the stack can only be in %s", parts[1], home)
	case parts[2] != account:
		return fmt.Errorf("the message comes from account %s, and your credentials are of account %s", parts[2], account)
	}
	return nil
}

// bareTicket reads a ticket as people copy it, alone or as in the reply.
func bareTicket(text string, verb incident.Verb) (approval.Ticket, error) {
	words := strings.Fields(text)
	if len(words) == 1 {
		return approval.ReadTicket(words[0])
	}
	reply, err := approval.ParseReply(text)
	if err != nil {
		return approval.Ticket{}, fmt.Errorf("no ticket in it: %w", err)
	}
	if reply.Verb != verb {
		return approval.Ticket{}, fmt.Errorf("it is a ticket to %s, not to %s", reply.Verb, verb)
	}
	return reply.Ticket, nil
}

// betrays reports whether a line has one of the tickets.
func (l letter) betrays(line string) bool {
	for _, ticket := range l.tickets {
		if strings.Contains(line, ticket.String()) {
			return true
		}
	}
	return false
}

// plain is the message without its tickets, and without what a terminal would obey.
func (l letter) plain() string {
	var kept strings.Builder
	for line := range strings.Lines(l.text) {
		if !strings.Contains(line, "sns publish") && !l.betrays(line) {
			kept.WriteString(line)
		}
	}
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || unicode.IsPrint(r) {
			return r
		}
		return -1
	}, kept.String())
}
