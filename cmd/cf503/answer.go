// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/spf13/cobra"

	"cloudfront503/pkg/incident"
)

// usualStack is the stack's name where none is chosen.
const usualStack = "cloudfront503"

// answer is what a person says at a terminal about what was asked.
type answer struct {
	verb       incident.Verb
	incident   incident.Reference
	reason     string
	stack      string
	ticket     string // the ticket itself
	ticketFile string // where it stands; - is standard input
	message    string // where the message that asked stands; - is standard input
	yes        bool
	sign       bool
	in         io.Reader
	out        io.Writer
}

// words are what the commands say of themselves.
var words = map[incident.Verb]struct{ use, short string }{
	incident.Approve: {"approve INCIDENT", "Approve the change that an incident asks for, in your own name"},
	incident.Reject:  {"reject INCIDENT [REASON]", "Reject the change that an incident asks for, in your own name"},
	incident.Undo:    {"undo INCIDENT [REASON]", "Have the change of an incident taken back, within two hours, in your own name"},
}

func answerCommand(verb incident.Verb) *cobra.Command {
	a := answer{verb: verb}
	command := &cobra.Command{
		Use:   words[verb].use,
		Short: words[verb].short,
		Long: words[verb].short + ".\n\nINCIDENT is DISTRIBUTION/NUMBER, as E2EXAMPLE/000007. Shows the change first and asks, then publishes the answer to your own\n" +
			"reply topic with your own credentials, with the ticket out of the message that asked you. With --sign it needs no\n" +
			"ticket: it signs the gate in your own approver role of the stack, which counts only where one\n" +
			"approval is enough.",
		Args: arguments(1, mostWords),
		RunE: func(c *cobra.Command, args []string) (err error) {
			a.in, a.out, a.reason = c.InOrStdin(), c.OutOrStdout(), strings.Join(args[1:], " ")
			if a.incident, err = readReference(args[0]); err != nil {
				return err
			}
			return a.give(c.Context())
		},
	}
	a.addFlags(command)
	command.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usage("%s", err) })
	return command
}

func (a *answer) addFlags(command *cobra.Command) {
	flags := command.Flags()
	flags.StringVar(&a.stack, "stack", "", "the stack's name; empty takes it from the message, else "+usualStack)
	flags.StringVar(&a.ticket, "ticket", "", "your ticket out of the message that asked you")
	flags.StringVar(&a.ticketFile, "ticket-file", "", "a file with the ticket; - is standard input")
	flags.StringVar(&a.message, "message", "", "a file with the message that asked you, ticket and all; - is standard input")
	flags.BoolVar(&a.yes, "yes", false, "do not ask, as in a pipe")
	command.MarkFlagsMutuallyExclusive("ticket", "ticket-file", "message")
	if a.verb == incident.Undo {
		return // the way back is opened with tickets only
	}
	flags.BoolVar(&a.sign, "sign", false, "sign the gate under your name instead of answering with a ticket")
	for _, other := range []string{"ticket", "ticket-file"} {
		command.MarkFlagsMutuallyExclusive("sign", other)
	}
}

var referenceText = regexp.MustCompile(`^([A-Z0-9]{1,32})/([0-9]{6,12})$`)

// readReference reads an incident's name.
func readReference(text string) (incident.Reference, error) {
	parts := referenceText.FindStringSubmatch(text)
	if parts == nil {
		return incident.Reference{}, usage("%q is no incident: want DISTRIBUTION/NUMBER, as E2EXAMPLE/000007", incident.Line(text, 60))
	}
	return incident.Reference{Distribution: parts[1], ID: parts[2]}, nil
}

// give is the story of an answer: read, show, ask, send.
func (a answer) give(ctx context.Context) error {
	l, err := a.open()
	if err != nil {
		return err
	}
	p, err := whoAmI(ctx)
	if err != nil {
		return err
	}
	if err := l.reachable(p.account); err != nil {
		return err
	}
	a.stack = cmp.Or(a.stack, l.stack(), usualStack)
	q, err := a.ask(ctx, p, l)
	if err != nil {
		return err
	}
	if err := a.fits(q, l); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "%s\n", strings.TrimRight(q.text, "\n"))
	if sure, err := a.confirm(p); !sure || err != nil {
		return err
	}
	if a.sign {
		return a.signGate(ctx, p, q)
	}
	return a.publish(ctx, p, q, l)
}

// open reads the ticket, from wherever it is given. To sign needs none.
func (a answer) open() (letter, error) {
	if a.sign && a.message == "" {
		return letter{}, nil
	}
	text, err := a.text()
	if err != nil {
		return letter{}, err
	}
	l, err := readLetter(text, a.verb)
	if err != nil {
		return letter{}, err
	}
	ticket, has := l.tickets[a.verb]
	if !has {
		return letter{}, fmt.Errorf("the message has no ticket to %s", a.verb)
	}
	if ticket.Incident != a.incident {
		return letter{}, fmt.Errorf("the ticket is one of incident %s, not of %s", ticket.Incident, a.incident)
	}
	return l, nil
}

func (a answer) text() (string, error) {
	file := a.message + a.ticketFile // at most one of them is set
	switch {
	case a.ticket != "":
		return a.ticket, nil
	case file == "":
		return "", usage("no ticket: give --message FILE, --ticket TICKET or --ticket-file FILE; it stands in the message that asked you")
	case file == "-":
		if !a.yes {
			return "", errors.New("standard input holds the ticket and cannot answer as well: give --yes, or the ticket in a file")
		}
		text, err := io.ReadAll(io.LimitReader(a.in, longestLetter+1))
		return string(text), err
	}
	text, err := os.ReadFile(file)
	return string(text), err
}

// fits says whether the answer is the person's to give, and the way it is given one that counts.
func (a answer) fits(q question, l letter) error {
	switch {
	case a.sign:
		return a.maySign(q)
	case q.topic == "":
		return errors.New("the message has no line to paste, so your reply topic is not known: give all of it")
	case l.topic != "" && l.topic != q.topic:
		return fmt.Errorf("the message is another person's: its topic is %s, and yours is %s", l.topic, q.topic)
	}
	return nil
}

// confirm asks at a terminal; without one, --yes says it.
func (a answer) confirm(p person) (bool, error) {
	if a.yes {
		return true, nil
	}
	if !reads(a.in) {
		return false, errors.New("nobody can be asked, as this is no terminal: give --yes")
	}
	fmt.Fprintf(a.out, "\nYou are %s. %s? [y/N] ", p.arn, strings.ToUpper(string(a.verb)[:1])+string(a.verb)[1:])
	line, err := bufio.NewReader(a.in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	if word := strings.ToLower(strings.TrimSpace(line)); word == "y" || word == "yes" {
		return true, nil
	}
	fmt.Fprintln(a.out, "Nothing was sent.")
	return false, nil
}

// reads reports whether a person can type there: at a terminal, and where a test stands for one.
func reads(in io.Reader) bool {
	file, is := in.(*os.File)
	if !is {
		return true
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// publish sends the answer to the person's own topic: SNS takes it from nobody else, and that makes it theirs.
func (a answer) publish(ctx context.Context, p person, q question, l letter) error {
	text := strings.TrimSpace(fmt.Sprintf("%s %s %s", a.verb, l.tickets[a.verb], incident.Line(a.reason, longestReason)))
	out, err := sns.NewFromConfig(p.cfg).Publish(ctx, &sns.PublishInput{TopicArn: &q.topic, Message: &text})
	if denied(err) {
		return fmt.Errorf("you are %s, and %s takes nothing from you: it is not your reply topic (%w)", p.arn, q.topic, err)
	}
	if err != nil {
		return fmt.Errorf("publish to %s: %w", q.topic, err)
	}
	fmt.Fprintf(a.out, "Sent as message %s. You hear of it if it does not count.\n", aws.ToString(out.MessageId))
	return nil
}

// mostWords is how many words a reason may have, and the incident before it.
const mostWords = 200

// longestReason is the most of a reason that the record keeps, in characters.
const longestReason = 400
