// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package incident

import (
	"bytes"
	"encoding/json"
)

// Masked is what the field holds and what it would hold as JSON is decoded, with numbers as json.Number, whole, and with
// everything masked that Readable masks. What does not exist is nil; what cannot be read is masked.
func (c FieldChange) Masked() (from, to any) {
	return maskedValue(c.Path, c.From), maskedValue(c.Path, c.To)
}

func maskedValue(path string, raw json.RawMessage) any {
	if len(raw) == 0 {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value any
	if secretName().MatchString(path) || decoder.Decode(&value) != nil {
		return maskWhole(raw)
	}
	return mask(value)
}
