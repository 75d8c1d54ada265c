// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package approval_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cloudfront503/pkg/approval"
	"cloudfront503/pkg/incident"
)

// key is KMS in a variable: MACs by a secret that the test keeps.
type key struct{ fail error }

func (k key) Make(_ context.Context, text []byte) ([]byte, error) {
	mac := hmac.New(sha256.New, []byte("secret"))
	mac.Write(text)
	return mac.Sum(nil), k.fail
}

func (k key) Check(ctx context.Context, text, mac []byte) (bool, error) {
	want, _ := k.Make(ctx, text)
	return hmac.Equal(want, mac), k.fail
}

var (
	asked   = time.Date(2026, 11, 24, 3, 41, 0, 0, time.UTC)
	request = incident.ApprovalRequest{
		Incident: incident.Reference{Distribution: "E2EXAMPLE", ID: "000007"}, Execution: "0d3b1c2a-5e6f-4a7b-8c9d-0123456789ab",
		Step: "Approve", Distribution: "E2EXAMPLE", ETag: "E2QWRUHEXAMPLE", Hash: strings.Repeat("9f", 32),
		Expires: asked.Add(time.Hour), Approvers: []string{"ana", "ben", "eve"}, Required: 1,
	}
)

func tickets(t *testing.T, request incident.ApprovalRequest, name string) (approve, reject string) {
	t.Helper()
	made, err := approval.Issuer{MACs: key{}}.Tickets(t.Context(), request, name, incident.Approve, incident.Reject)
	if err != nil {
		t.Fatal(err)
	}
	return made[0], made[1]
}

func TestTheClaimsTextIsAsDocumented(t *testing.T) {
	t.Parallel()
	want := `cloudfront503 ticket 1
verb=7:approve
approver=3:ana
distribution=9:E2EXAMPLE
incident=6:000007
execution=36:0d3b1c2a-5e6f-4a7b-8c9d-0123456789ab
step=7:Approve
subject=9:E2EXAMPLE
etag=14:E2QWRUHEXAMPLE
hash=64:` + strings.Repeat("9f", 32) + `
expires=20:2026-11-24T04:41:00Z
`
	got := approval.Claims{Verb: incident.Approve, Approver: "ana", Request: request}.Text()
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

// spoilt are claims that differ from the genuine ones in one thing each.
func spoilt() map[string]approval.Claims {
	claims := map[string]approval.Claims{}
	spoil := func(name string, change func(*approval.Claims)) {
		c := approval.Claims{Verb: incident.Approve, Approver: "ana", Request: request}
		change(&c)
		claims[name] = c
	}
	spoil("verb", func(c *approval.Claims) { c.Verb = incident.Reject })
	spoil("approver", func(c *approval.Claims) { c.Approver = "ben" })
	spoil("incident", func(c *approval.Claims) { c.Request.Incident.ID = "000008" })
	spoil("distribution of the incident", func(c *approval.Claims) { c.Request.Incident.Distribution = "E3EXAMPLE" })
	spoil("execution", func(c *approval.Claims) { c.Request.Execution = "other" })
	spoil("step", func(c *approval.Claims) { c.Request.Step = "Other" })
	spoil("distribution", func(c *approval.Claims) { c.Request.Distribution = "E3EXAMPLE" })
	spoil("ETag", func(c *approval.Claims) { c.Request.ETag = "E3" })
	spoil("hash", func(c *approval.Claims) { c.Request.Hash = "00" })
	spoil("expiry", func(c *approval.Claims) { c.Request.Expires = c.Request.Expires.Add(time.Second) })
	spoil("a value that looks like the next claim", func(c *approval.Claims) {
		c.Request.Execution += "\nstep=7:Approve"
		c.Request.Step = ""
	})
	return claims
}

func TestATicketIsGoodForItsOwnClaimsOnly(t *testing.T) {
	t.Parallel()
	text, _ := tickets(t, request, "ana")
	ticket, err := approval.ReadTicket(text)
	if err != nil {
		t.Fatal(err)
	}
	verifier := approval.Verifier{MACs: key{}}
	if err := verifier.Verify(t.Context(), approval.Claims{Verb: incident.Approve, Approver: "ana", Request: request}, ticket); err != nil {
		t.Errorf("genuine: %v", err)
	}
	for name, claims := range spoilt() {
		if err := verifier.Verify(t.Context(), claims, ticket); !errors.Is(err, approval.ErrForged) {
			t.Errorf("another %s: %v", name, err)
		}
	}
	other := ticket
	other.Incident.ID = "000009"
	if err := verifier.Verify(t.Context(), approval.Claims{Verb: incident.Approve, Approver: "ana", Request: request}, other); !errors.Is(err, approval.ErrForged) {
		t.Errorf("the MAC under another incident's name: %v", err)
	}
}

func TestWhereKMSCannotTellNothingIsForgedAndNothingCounts(t *testing.T) {
	t.Parallel()
	denied := errors.New("AccessDeniedException")
	text, _ := tickets(t, request, "ana")
	ticket, _ := approval.ReadTicket(text)
	verifier := approval.Verifier{MACs: key{fail: denied}}
	claims := approval.Claims{Verb: incident.Approve, Approver: "ana", Request: request}
	if err := verifier.Verify(t.Context(), claims, ticket); !errors.Is(err, denied) || errors.Is(err, approval.ErrForged) {
		t.Errorf("verify: %v", err)
	}
	proven, err := verifier.Proven(t.Context(), request, []incident.Decision{{Approver: "ana", Verb: incident.Approve, Ticket: text}})
	if len(proven) != 0 || !errors.Is(err, denied) {
		t.Errorf("proven %v, error %v", proven, err)
	}
	if _, err := (approval.Issuer{MACs: key{fail: denied}}).Tickets(t.Context(), request, "ana", incident.Approve); !errors.Is(err, denied) {
		t.Errorf("tickets: %v", err)
	}
}

func TestOnlyDecisionsWithGenuineTicketsAreProven(t *testing.T) {
	t.Parallel()
	approve, reject := tickets(t, request, "ana")
	decisions := []incident.Decision{
		{Approver: "ana", Verb: incident.Approve, Ticket: approve},
		{Approver: "ana", Verb: incident.Reject, Ticket: reject},
		{Approver: "ben", Verb: incident.Approve, Ticket: approve},
		{Approver: "ana", Verb: incident.Approve, Ticket: reject},
		{Approver: "eve", Verb: incident.Approve},
	}
	proven, err := approval.Verifier{MACs: key{}}.Proven(t.Context(), request, decisions)
	if diff := cmp.Diff(decisions[:2], proven); diff != "" || err != nil {
		t.Errorf("error %v\n%s", err, diff)
	}
}

func TestAKeyOfTheWrongKindMakesNoTickets(t *testing.T) {
	t.Parallel()
	if _, err := (approval.Issuer{MACs: shortMACs{}}).Tickets(t.Context(), request, "ana", incident.Approve); err == nil {
		t.Error("a MAC of 20 bytes was taken")
	}
	long := request
	long.Execution = strings.Repeat("x", 5000)
	if _, err := (approval.Issuer{MACs: key{}}).Tickets(t.Context(), long, "ana", incident.Approve); err == nil {
		t.Error("claims of more than 4,096 bytes were taken")
	}
}

type shortMACs struct{}

func (shortMACs) Make(context.Context, []byte) ([]byte, error) { return make([]byte, 20), nil }

// TestATicketHasOneText would catch a second text of the same MAC, which could be spent a second time.
func TestATicketHasOneText(t *testing.T) {
	t.Parallel()
	text, _ := tickets(t, request, "ana")
	last := text[len(text)-1]
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") {
		other := text[:len(text)-1] + string(c)
		ticket, err := approval.ReadTicket(other)
		if err == nil && ticket.String() != other {
			t.Errorf("%q reads as %q", other, ticket)
		}
		if genuine, _ := approval.ReadTicket(text); err == nil && c != last && bytes.Equal(ticket.MAC, genuine.MAC) {
			t.Errorf("two texts of one ticket: ends in %c and %c", last, c)
		}
	}
	for _, bad := range []string{"", "a.b.c", text + "=", text + "\n", " " + text, "e2/../x" + text, strings.Replace(text, "000007", "7", 1)} {
		if _, err := approval.ReadTicket(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func FuzzReadTicketGivesBackWhatItRead(f *testing.F) {
	f.Add("E2EXAMPLE.000007.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Add("E2EXAMPLE.000007.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB")
	f.Fuzz(func(t *testing.T, text string) {
		ticket, err := approval.ReadTicket(text)
		if err == nil && ticket.String() != text {
			t.Errorf("%q became %q", text, ticket)
		}
	})
}

// FuzzDifferentClaimsHaveDifferentTexts moves a cut through one string, which a format without lengths would not notice.
func FuzzDifferentClaimsHaveDifferentTexts(f *testing.F) {
	f.Add("a\nstep=1:b", 3, 5)
	f.Fuzz(func(t *testing.T, s string, i, j int) {
		i, j = max(0, min(i, len(s))), max(0, min(j, len(s)))
		text := func(cut int) string {
			r := request
			r.Execution, r.Step = s[:cut], s[cut:]
			return string(approval.Claims{Verb: incident.Approve, Approver: "ana", Request: r}.Text())
		}
		if (text(i) == text(j)) != (i == j) {
			t.Errorf("cuts %d and %d of %q", i, j, s)
		}
	})
}
