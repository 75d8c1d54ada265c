// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"cloudfront503/pkg/emulator/rehearsal"
)

// play tells a rehearsal to a spectator: coloured on a terminal, plain lines in a pipe.
type play struct {
	out      io.Writer
	in       io.Reader
	terminal bool
	began    time.Time // by the account's clock; zero before it runs
	now      func() time.Time
	shown    int // steps that were told
	mails    int // messages that were told
}

func newPlay(out io.Writer, in io.Reader) *play {
	return &play{out: out, in: in, terminal: isTerminal(out)}
}

func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// The writers of the record, as a spectator knows them.
var voices = map[string]string{"respond": "36", "approve": "33", "remediate": "35", "verify": "32"}

// title says what will be played.
func (p *play) title(s rehearsal.Scenario) {
	fmt.Fprintf(p.out, "cloudfront503 rehearses %s: %s\n\n", p.colour("1", s.Name), s.Title)
}

// say tells what the stage does.
func (p *play) say(text string) { p.line("", text) }

// line is one sentence with its time since the incident began.
func (p *play) line(who, text string) {
	at := "       "
	if p.now != nil {
		since := p.now().Sub(p.began).Round(time.Second)
		at = fmt.Sprintf("%4d:%02d", int(since.Minutes()), int(since.Seconds())%60)
	}
	fmt.Fprintf(p.out, "%s  %s %s\n", at, p.colour(voices[who], fmt.Sprintf("%-9s", who)), text)
}

func (p *play) colour(code, text string) string {
	if !p.terminal || code == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// watch begins to count the time.
func (p *play) watch(r *rehearsal.Rehearsal) {
	p.began, p.now = r.World.Clock.Now(), r.World.Clock.Now
	p.mails = len(r.SNS.Mailbox(""))
}

// until moves the clock until done, and tells what happens on the way.
func (p *play) until(r *rehearsal.Rehearsal, most time.Duration, done func() bool) {
	r.AdvanceUntil(most, func() bool {
		p.tellNew(r)
		return done()
	})
	p.tellNew(r)
}

// hours moves the clock by the hour until done, and tells what happens on the way.
func (p *play) hours(r *rehearsal.Rehearsal, most int, done func() bool) {
	for range most {
		if done() {
			break
		}
		r.World.Clock.Advance(time.Hour)
		r.World.Settle()
		p.tellNew(r)
	}
}

// tellNew tells the steps and messages that have come since it was called last.
func (p *play) tellNew(r *rehearsal.Rehearsal) {
	steps := r.Steps()
	for ; p.shown < len(steps); p.shown++ {
		step := steps[p.shown]
		p.at(step.At, step.Writer, step.Note)
	}
	mails := r.SNS.Mailbox("")
	for ; p.mails < len(mails); p.mails++ {
		mail := mails[p.mails]
		text := fmt.Sprintf("mail to %s: %s", mail.Endpoint, mail.Subject)
		if mail.Protocol == "sms" { // has no subject
			text = fmt.Sprintf("text to %s: %s", mail.Endpoint, mail.Body)
		}
		p.at(mail.At, "", text)
	}
}

func (p *play) at(at time.Time, who, text string) {
	now := p.now
	p.now = func() time.Time { return at }
	p.line(who, text)
	p.now = now
}

// answer answers for the approver.
func (p *play) answer(r *rehearsal.Rehearsal, approver string) error {
	_, reject := r.Tickets("alice")
	if approver == "ask" {
		approver = p.ask(r)
	}
	switch approver {
	case "silent":
		p.say("alice says nothing")
		return nil
	case "reject":
		p.say("alice publishes to the reply topic: reject, not during the sale")
		return r.Reply("alice", "alice", "reject "+reject+" not during the sale")
	}
	var problems []error
	for _, name := range r.Scenario.Approvers() {
		if approver == "text" {
			code, _ := r.Codes(rehearsal.Phone(name))
			p.say(name + " answers the text message: " + code)
			problems = append(problems, r.Text(rehearsal.Phone(name), code))
			continue
		}
		approve, _ := r.Tickets(name)
		p.say(name + " publishes to the reply topic: approve")
		problems = append(problems, r.Reply(name, name, "approve "+approve))
	}
	return errors.Join(problems...)
}

// undo takes the change back as the approver who has made up her mind.
func (p *play) undo(r *rehearsal.Rehearsal) error {
	ticket := r.UndoTicket("alice")
	if ticket == "" {
		return errors.New("the message that asked alice has no ticket to undo: there is no way back")
	}
	p.say("alice publishes to the reply topic: undo, the shop needs that page")
	return r.Reply("alice", "alice", "undo "+ticket+" the shop needs that page")
}

// ask shows the mail and lets the person at the terminal be alice.
func (p *play) ask(r *rehearsal.Rehearsal) string {
	for _, mail := range r.SNS.Mailbox("") {
		if mail.Endpoint == "alice@example.com" {
			fmt.Fprintf(p.out, "\n%s\n%s\n\n", p.colour("1", mail.Subject), mail.Body)
		}
	}
	fmt.Fprint(p.out, "You are alice. approve, reject, or Enter to stay silent: ")
	line, err := bufio.NewReader(p.in).ReadString('\n')
	word := strings.ToLower(strings.TrimSpace(line))
	if err != nil || word == "" {
		return "silent"
	}
	if strings.HasPrefix("approve", word) {
		return "auto"
	}
	return "reject"
}

// end says how it ended and where everything lies.
func (p *play) end(r *rehearsal.Rehearsal, folder string) {
	incident := r.Incident()
	if incident.Outcome != nil {
		fmt.Fprintf(p.out, "\n%s %s\n", p.colour("1", "Ended as "+incident.Outcome.Result+":"), incident.Outcome.Why)
	}
	fmt.Fprintf(p.out, "Left in %s/: bucket/ messages/ journal.jsonl report.html report.md\n", folder)
}

// serve keeps the account running until the command is interrupted.
func (p *play) serve(ctx context.Context, r *rehearsal.Rehearsal) error {
	fmt.Fprintf(p.out, "AWS runs at %s (account %s, us-east-1). Any access key is its administrator:\n\n", r.World.Endpoint, rehearsal.AccountID)
	fmt.Fprintf(p.out, "  export AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any AWS_DEFAULT_REGION=us-east-1\n")
	fmt.Fprintf(p.out, "  aws --endpoint-url %s cloudfront get-distribution --id %s\n", r.World.Endpoint, rehearsal.Distribution)
	fmt.Fprintf(p.out, "  aws --endpoint-url %s cloudwatch set-alarm-state --alarm-name %s-5xx --state-value ALARM --state-reason drill\n", r.World.Endpoint, rehearsal.StackName)
	fmt.Fprintf(p.out, "  aws --endpoint-url %s s3 ls --recursive s3://%s\n\nThe scenario has gone wrong already. Interrupt to end.\n", r.World.Endpoint, r.Bucket)
	if err := r.Break(); err != nil {
		return err
	}
	r.Run(ctx)
	return nil
}
