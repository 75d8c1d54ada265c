// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package approval

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"cloudfront503/pkg/incident"
)

// A code is nine of thirty-one letters and digits, more than 44 random bits. None of them looks like another in any
// phone's type: no 0 and O, no 1, I and L.
const (
	codeAlphabet = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
	codeLength   = 9
	codeGroup    = 3 // characters between two hyphens, for people
)

// newCode draws a code. A byte that would make some characters likelier than others is drawn again.
func newCode() string {
	const fair = 256 / len(codeAlphabet) * len(codeAlphabet)
	code, drawn := make([]byte, 0, codeLength), make([]byte, 1)
	for len(code) < codeLength {
		rand.Read(drawn) // never fails, says its documentation
		if int(drawn[0]) < fair {
			code = append(code, codeAlphabet[int(drawn[0])%len(codeAlphabet)])
		}
	}
	return string(code)
}

// readableCode puts hyphens into a code.
func readableCode(code string) string {
	var groups []string
	for group := range slices.Chunk([]byte(code), codeGroup) {
		groups = append(groups, string(group))
	}
	return strings.Join(groups, "-")
}

// hashCode is a code's SHA-256, in hex: what stands in the claims instead of the code.
func hashCode(code string) string {
	sum := sha256.Sum256([]byte(code))
	return hex.EncodeToString(sum[:])
}

// codeText is the text of which a code's MAC is made: a ticket's claims, the masked number and the code's hash, under a
// line of its own, so that a code's MAC, which is kept where others read it, is no ticket.
func (c Claims) codeText(number, hash string) []byte {
	return c.text("cloudfront503 code 1", [2]string{"number", number}, [2]string{"code", hash})
}

// Codes are new codes of one approver for a request, one for each verb, as people read them, and what is to be kept of
// them. The codes themselves are kept nowhere: what is kept makes no approval.
func (i Issuer) Codes(ctx context.Context, request incident.ApprovalRequest, approver incident.Approver, verbs ...incident.Verb) (map[incident.Verb]string, incident.Codes, error) {
	kept := incident.Codes{
		Approver: approver.Name, Number: incident.MaskNumber(approver.Phone), Execution: request.Execution, MACs: map[incident.Verb]string{},
	}
	codes := map[incident.Verb]string{}
	for _, verb := range verbs {
		code := newCode()
		text := Claims{Verb: verb, Approver: approver.Name, Request: request}.codeText(kept.Number, hashCode(code))
		if len(text) > mostClaims {
			return nil, incident.Codes{}, fmt.Errorf("code of %s for %s: claims of %d bytes", approver.Name, request.Incident, len(text))
		}
		mac, err := i.MACs.Make(ctx, text)
		if err != nil {
			return nil, incident.Codes{}, fmt.Errorf("code of %s for %s: %w", approver.Name, request.Incident, err)
		}
		codes[verb], kept.MACs[verb] = readableCode(code), base64.StdEncoding.EncodeToString(mac)
	}
	return codes, kept, nil
}

// verifyCode checks that a code was made for these claims. The error is ErrForged where it was not.
func (v Verifier) verifyCode(ctx context.Context, claims Claims, proof incident.CodeProof) error {
	mac, err := base64.StdEncoding.Strict().DecodeString(proof.MAC)
	if err != nil || len(mac) != macLength || len(proof.Hash) != hex.EncodedLen(sha256.Size) {
		return ErrForged
	}
	genuine, err := v.MACs.Check(ctx, claims.codeText(proof.Number, proof.Hash), mac)
	if err != nil {
		return fmt.Errorf("verify the code of %s for %s: %w", claims.Approver, claims.Request.Incident, err)
	}
	if !genuine {
		return fmt.Errorf("verify the code of %s for %s: %w", claims.Approver, claims.Request.Incident, ErrForged)
	}
	return nil
}

// findCode says which of a person's codes for what was asked has the hash: the verb and the proof, or an empty verb.
func (v Verifier) findCode(ctx context.Context, record Record, person incident.Approver, hash string) (incident.Verb, incident.CodeProof, error) {
	for _, codes := range record.codesOf(person) {
		for _, verb := range slices.Sorted(maps.Keys(codes.MACs)) {
			proof := incident.CodeProof{Number: codes.Number, Hash: hash, MAC: codes.MACs[verb]}
			err := v.verifyCode(ctx, Claims{Verb: verb, Approver: person.Name, Request: *record.Request}, proof)
			if err == nil || !errors.Is(err, ErrForged) {
				return verb, proof, err
			}
		}
	}
	return "", incident.CodeProof{}, nil
}

// codesOf are a person's codes for what is asked now, sent to the number that is the person's now.
func (r Record) codesOf(person incident.Approver) []incident.Codes {
	return slices.DeleteFunc(slices.Clone(r.Codes), func(codes incident.Codes) bool {
		return r.Request == nil || codes.Execution != r.Request.Execution ||
			codes.Approver != person.Name || codes.Number != incident.MaskNumber(person.Phone)
	})
}

// Answer is what somebody wrote in a text message.
type Answer struct {
	Verb   incident.Verb // empty where the message has only a code, which has a verb of its own
	Code   string        // without hyphens, in capitals
	Reason string        // one line, at most 400 characters; empty where none was given
}

// dressing is what stands around a code and in it without being part of it: what people, phones and mail programs make of
// a hyphen and of quotes.
const dressing = quotes + "-.,:;!()[]<>*_/\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u00ad\u200b\ufeff"

// ReadCode reads the body of a text message,
//
//	K7M-4QX-9RT
//	reject K7M 4QX 9RT not during the sale
//
// in any case and with whatever stands between the characters. What has not the form of a code is refused with a sentence
// that repeats nothing of it.
func ReadCode(body string) (Answer, error) {
	if len(body) > longestReply || !utf8.ValidString(body) {
		return Answer{}, errors.New("no code: longer than 16 KB, or not text")
	}
	words := strings.Fields(body)
	var answer Answer
	if len(words) > 0 {
		if verb := verbs[strings.ToLower(strings.Trim(words[0], dressing))]; verb == incident.Approve || verb == incident.Reject {
			answer.Verb, words = verb, words[1:]
		}
	}
	for len(words) > 0 && len(answer.Code) < codeLength {
		answer.Code += undressed(words[0])
		words = words[1:]
	}
	if len(answer.Code) != codeLength || strings.Trim(answer.Code, codeAlphabet) != "" {
		return Answer{}, errors.New("no code: want the nine letters and digits of the message that asked, as ABC-DEF-GHJ")
	}
	answer.Reason = incident.Line(strings.Join(words, " "), longestReason)
	return answer, nil
}

// undressed takes off the dressing and makes capitals of the letters a to z, and of no others.
func undressed(word string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case strings.ContainsRune(dressing, r):
			return -1
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		}
		return r
	}, word)
}
