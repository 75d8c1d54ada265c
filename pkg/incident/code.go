// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package incident

import "strings"

// StepCoded says that an approver was given codes to answer by text message; its Detail is Codes. respond writes it before
// the message leaves.
const StepCoded StepKind = "coded"

// Codes are one approver's codes to answer by text message, as they are kept: only MACs, by which a code is known again
// and from which none can be made.
type Codes struct {
	Approver  string          `json:"approver"`
	Number    string          `json:"number"` // the number that they were sent to, masked
	Execution string          `json:"execution"`
	MACs      map[Verb]string `json:"macs"` // base64, of the claims with the code's hash
}

// CodeProof is the proof of an answer by text message, which remediate checks again. The hash is known to nobody but the
// one who has the code: it is kept nowhere before the answer.
type CodeProof struct {
	Number string `json:"number"` // the number that the code was sent to, masked
	Hash   string `json:"hash"`   // the code's SHA-256, in hex
	MAC    string `json:"mac"`    // base64
}

// shownDigits is how much of a number is shown: enough to tell ten people's apart.
const shownDigits = 2

// MaskNumber shows of a telephone number its last two digits, as +*********82.
func MaskNumber(number string) string {
	digits := strings.TrimPrefix(number, "+")
	if len(digits) <= 2*shownDigits {
		return "+" + strings.Repeat("*", len(digits))
	}
	return "+" + strings.Repeat("*", len(digits)-shownDigits) + digits[len(digits)-shownDigits:]
}
