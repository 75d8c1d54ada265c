// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package approval is how people decide: tickets that bind an answer to one person and one change, replies, who counts,
// and the desk at which a reply is taken. It counts people; that a gate in SSM is open proves nothing here.
package approval

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/pattern"
)

// macLength is the length of an HMAC_SHA_256 in bytes.
const macLength = 32

// mostClaims is the longest text of which KMS makes a MAC [KMS GenerateMac].
const mostClaims = 4096

// ErrForged says that a ticket was not made for these claims: another person, verb, execution, ETag, difference or
// expiry, or not by us at all. Which of them it is cannot be known.
var ErrForged = errors.New("the ticket was not made for this")

// Claims are what one ticket says: who may say what about which change, until when.
type Claims struct {
	Verb     incident.Verb
	Approver string
	Request  incident.ApprovalRequest // its Approvers and Required are no part of the claims
}

// Text is the text of which the MAC is made. After a line that names the format, each claim is a line
//
//	name=length:value
//
// in a fixed order, with the length of the value in bytes, so that no two different claims have the same text: a value
// that holds a line feed, or one that looks like another claim, does not change where the next begins. The expiry is in
// UTC and whole seconds, RFC 3339; two expiries within one second are the same claim.
//
//	cloudfront503 ticket 1
//	verb=7:approve
//	approver=3:ana
//	distribution=9:E2EXAMPLE
//	incident=6:000007
//	execution=36:0d3b1c2a-5e6f-4a7b-8c9d-0123456789ab
//	step=7:Approve
//	subject=9:E2EXAMPLE
//	etag=14:E2QWRUHEXAMPLE
//	hash=64:9f86…
//	expires=20:2026-11-24T04:41:00Z
func (c Claims) Text() []byte { return c.text("cloudfront503 ticket 1") }

// text is the claims under a line that names the format, with further ones at the end.
func (c Claims) text(format string, further ...[2]string) []byte {
	var text strings.Builder
	text.WriteString(format + "\n")
	claims := [][2]string{
		{"verb", string(c.Verb)},
		{"approver", c.Approver},
		{"distribution", c.Request.Incident.Distribution},
		{"incident", c.Request.Incident.ID},
		{"execution", c.Request.Execution},
		{"step", c.Request.Step},
		{"subject", c.Request.Distribution},
		{"etag", c.Request.ETag},
		{"hash", c.Request.Hash},
		{"expires", c.expires().UTC().Format(time.RFC3339)},
	}
	for _, claim := range append(claims, further...) {
		fmt.Fprintf(&text, "%s=%d:%s\n", claim[0], len(claim[1]), claim[1])
	}
	return []byte(text.String())
}

// expires is when the ticket does: with the request, but for the way back, which is open for a while after the write.
func (c Claims) expires() time.Time {
	if c.Verb == incident.Undo {
		return incident.UndoExpires(c.Request)
	}
	return c.Request.Expires
}

// Ticket is what an approver sends back: the incident, and the MAC over the claims.
type Ticket struct {
	Incident incident.Reference
	MAC      []byte
}

// String is the ticket's text, E2EXAMPLE.000007.BASE64URL. A ticket has exactly one text.
func (t Ticket) String() string {
	return t.Incident.Distribution + "." + t.Incident.ID + "." + base64.RawURLEncoding.EncodeToString(t.MAC)
}

var ticketText = pattern.Lazily(`^([A-Za-z0-9]{1,32})\.([0-9]{6,10})\.([A-Za-z0-9_-]{43})$`)

// ReadTicket reads a ticket's text. It says nothing about whether the ticket is genuine.
func ReadTicket(text string) (Ticket, error) {
	parts := ticketText().FindStringSubmatch(text)
	if parts == nil {
		return Ticket{}, errors.New("not a ticket: want DISTRIBUTION.NUMBER.CODE, the code of 43 characters, as in the message")
	}
	mac, err := base64.RawURLEncoding.Strict().DecodeString(parts[3])
	if err != nil || len(mac) != macLength {
		return Ticket{}, errors.New("not a ticket: its code is damaged, copy the whole line from the message")
	}
	return Ticket{Incident: incident.Reference{Distribution: parts[1], ID: parts[2]}, MAC: mac}, nil
}

type macMaker interface {
	Make(ctx context.Context, text []byte) ([]byte, error)
}

type macChecker interface {
	Check(ctx context.Context, text, mac []byte) (genuine bool, err error)
}

// Issuer makes tickets. Only respond may: its role alone has kms:GenerateMac.
type Issuer struct {
	MACs macMaker
}

// Tickets are one approver's tickets for a request, one for each verb, in the verbs' order. The one to undo is handed out
// with the other two, because only respond can make tickets, and it is kept nowhere: approve reads an incident's whole
// folder, and would find there all that it needs to take a change back alone.
func (i Issuer) Tickets(ctx context.Context, request incident.ApprovalRequest, approver string, verbs ...incident.Verb) ([]string, error) {
	tickets, faults := make([]string, len(verbs)), make([]error, len(verbs))
	var wait sync.WaitGroup
	for n, verb := range verbs {
		wait.Go(func() {
			tickets[n], faults[n] = i.ticket(ctx, Claims{Verb: verb, Approver: approver, Request: request})
		})
	}
	wait.Wait()
	return tickets, errors.Join(faults...)
}

func (i Issuer) ticket(ctx context.Context, claims Claims) (string, error) {
	text := claims.Text()
	if len(text) > mostClaims {
		return "", fmt.Errorf("ticket of %s for %s: claims of %d bytes", claims.Approver, claims.Request.Incident, len(text))
	}
	mac, err := i.MACs.Make(ctx, text)
	if err != nil {
		return "", fmt.Errorf("ticket of %s for %s: %w", claims.Approver, claims.Request.Incident, err)
	}
	ticket := Ticket{Incident: claims.Request.Incident, MAC: mac}
	if _, err := ReadTicket(ticket.String()); err != nil {
		return "", fmt.Errorf("ticket of %s for %s: %w", claims.Approver, claims.Request.Incident, err)
	}
	return ticket.String(), nil
}

// Verifier checks tickets. approve and remediate may, with kms:VerifyMac, and each does so for itself.
type Verifier struct {
	MACs macChecker
}

// Verify checks that a ticket was made for these claims. The error is ErrForged where it was not; any other error says
// that nobody could tell.
func (v Verifier) Verify(ctx context.Context, claims Claims, ticket Ticket) error {
	genuine, err := v.MACs.Check(ctx, claims.Text(), ticket.MAC)
	if err != nil {
		return fmt.Errorf("verify the ticket of %s for %s: %w", claims.Approver, claims.Request.Incident, err)
	}
	if !genuine || ticket.Incident != claims.Request.Incident {
		return fmt.Errorf("verify the ticket of %s for %s: %w", claims.Approver, claims.Request.Incident, ErrForged)
	}
	return nil
}

// Proven are those of the decisions whose tickets or codes are genuine for the request. remediate counts only these, so that an
// object written into the incident's record by whoever may write there is no approval. An error means that nobody could
// tell, and then nothing counts.
func (v Verifier) Proven(ctx context.Context, request incident.ApprovalRequest, decisions []incident.Decision) ([]incident.Decision, error) {
	var proven []incident.Decision
	for _, decision := range decisions {
		err := v.prove(ctx, Claims{Verb: decision.Verb, Approver: decision.Approver, Request: request}, decision)
		if err != nil && !errors.Is(err, ErrForged) {
			return nil, err
		}
		if err == nil {
			proven = append(proven, decision)
		}
	}
	return proven, nil
}

// prove checks a decision's ticket, or the code of a text message.
func (v Verifier) prove(ctx context.Context, claims Claims, decision incident.Decision) error {
	if decision.Code != nil {
		return v.verifyCode(ctx, claims, *decision.Code)
	}
	ticket, err := ReadTicket(decision.Ticket)
	if err != nil {
		return ErrForged
	}
	return v.Verify(ctx, claims, ticket)
}
