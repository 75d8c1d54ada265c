// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package notify words what people are told, and sends it through SNS. Rendering is pure: the same input gives the same
// message, which always fits into SNS, holds no secret of a configuration, and in which no text from outside can begin a
// line of its own. Who is told, and when, is said elsewhere.
package notify

import (
	"fmt"
	"strings"
	"unicode"

	"cloudfront503/pkg/incident"
)

// Limits of SNS [botocore's model of sns; SNS Developer Guide, "Publishing to a mobile phone"].
const (
	mostSubject = 99      // characters, printable ASCII
	mostMessage = 262144  // bytes of everything that is sent
	mostShort   = 1600    // characters of an SMS in all its parts
	mostBody    = 100_000 // bytes of a body, so that it fits even when JSON doubles it
)

// Message is one message to people, ready to be sent.
type Message struct {
	Kind    string // as incident.Message has it: ask, tell, outcome, escalation, refused, second-look, cannot-work, codes-void
	Subject string // at most 99 characters of printable ASCII
	Body    string // for e-mail
	Short   string // for SMS, at most 1,600 characters
}

// The kinds of message.
const (
	KindAsk        = "ask"
	KindTell       = "tell"
	KindOutcome    = "outcome"
	KindEscalation = "escalation"
	KindRefused    = "refused"
	KindSecondLook = "second-look"
	KindCannotWork = "cannot-work"
	KindCodesVoid  = "codes-void"
)

// About is what every message is about.
type About struct {
	Environment  string // the stack's word for where it runs, as prod
	Incident     incident.Reference
	Distribution string // its id; where an incident has none yet, this is all there is
	DomainName   string // of the distribution, as d111111abcdef8.cloudfront.net; may be empty
	Bucket       string // where the incident's folder lies; may be empty
}

func (a About) distribution() string {
	if a.Incident.Distribution != "" {
		return a.Incident.Distribution
	}
	return a.Distribution
}

// name is the distribution as people know it.
func (a About) name() string {
	if a.DomainName == "" {
		return a.distribution()
	}
	return a.distribution() + " (" + a.DomainName + ")"
}

// subject begins every subject with the environment, so that people can sort.
func (a About) subject(format string, args ...any) string {
	return subject(fmt.Sprintf("[cf503 %s] ", line(a.Environment, 12)) + fmt.Sprintf(format, args...))
}

// subject makes a text legal as a subject: printable ASCII, no line break, at most 99 characters, begun by something that
// can be seen.
func subject(text string) string {
	ascii := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, line(text, mostSubject))
	if ascii == "" {
		return "cloudfront503"
	}
	return ascii
}

// line is one line for people, without what looks like a secret.
func line(text string, n int) string { return incident.Line(incident.MaskText(text), n) }

// page is a body that is being written.
type page struct{ strings.Builder }

// id is a text that looks like a secret and is none: a hash, an object's version.
type id string

// mostArgument is the most characters of one text from outside.
const mostArgument = 600

// say writes one line. The arguments are from outside and are flattened and masked, ids only flattened; the format is
// ours.
func (p *page) say(format string, args ...any) {
	for i, arg := range args {
		if own, is := arg.(id); is {
			args[i] = incident.Line(string(own), mostArgument)
		} else if text, is := textOf(arg); is {
			args[i] = line(text, mostArgument)
		}
	}
	fmt.Fprintf(p, format+"\n", args...)
}

// textOf is the text of what prints as one.
func textOf(arg any) (string, bool) {
	switch arg := arg.(type) {
	case string:
		return arg, true
	case error:
		return arg.Error(), true
	case fmt.Stringer:
		return arg.String(), true
	case incident.Cause:
		return string(arg), true
	default:
		return "", false
	}
}

// heading begins a part.
func (p *page) heading(text string) { fmt.Fprintf(p, "\n%s\n", strings.ToUpper(text)) }

// verbatim writes a line that people paste. It is made of checked parts only.
func (p *page) verbatim(text string) { fmt.Fprintf(p, "\n  %s\n", text) }

// message finishes a page. What is too long is cut at the end, where the least important stands.
func message(kind, subject string, p *page, short string) Message {
	return Message{Kind: kind, Subject: subject, Body: cut(p.String(), mostBody), Short: clip(short, mostShort)}
}

// cut shortens a text to at most n bytes, at the end of a line.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	const rest = "\n(cut: the incident's folder has the rest)\n"
	text = text[:n-len(rest)]
	if i := strings.LastIndexByte(text, '\n'); i > 0 {
		text = text[:i]
	}
	return strings.ToValidUTF8(text, "") + rest // the cut may have gone through a character
}

// clip shortens to at most n characters. An SMS of other characters than these costs twice the parts, so what is not
// ASCII becomes "?".
func clip(text string, n int) string {
	ascii := strings.Map(func(r rune) rune {
		if r > unicode.MaxASCII {
			return '?'
		}
		return r
	}, text)
	if len(ascii) <= n {
		return ascii
	}
	return ascii[:n-3] + "..."
}
