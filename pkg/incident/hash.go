// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package incident

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// ChangeHash is what an approval is bound to: SHA-256, in hex, over the distribution, the ETag of the configuration that
// the change was computed on, and the change itself, either fields or a quota request. It does not depend on how the
// values were escaped where they were stored, but on the order of the fields.
func ChangeHash(distribution, etag string, difference []FieldChange, quota *QuotaRequest) string {
	bound := struct {
		Distribution string        `json:"distribution"`
		ETag         string        `json:"etag"`
		Difference   []boundField  `json:"difference"`
		Quota        *QuotaRequest `json:"quota"`
	}{Distribution: distribution, ETag: etag, Quota: quota}
	for _, change := range difference {
		bound.Difference = append(bound.Difference, boundField{change.Path, plainJSON(change.From), plainJSON(change.To)})
	}
	text, err := json.Marshal(bound)
	if err != nil { // strings, numbers and what JSON gave: only a NaN in a quota cannot be written
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// boundField keeps an absent value (nil) and a JSON null apart by being written as text.
type boundField struct {
	Path     string
	From, To *string
}

// plainJSON writes a value again, so that escapes and white space do not count.
func plainJSON(text json.RawMessage) *string {
	if text == nil {
		return nil
	}
	plain := string(text)
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) == nil {
		if again, err := json.Marshal(value); err == nil {
			plain = string(again)
		}
	}
	return &plain
}
