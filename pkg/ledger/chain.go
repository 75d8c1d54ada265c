// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package ledger

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"cloudfront503/pkg/incident"
)

// VerifyChain checks that the steps of each writer are numbered from 1 without a gap, that each is what its hash says, and
// that each names the hash of the one before. A chain's missing end cannot be seen; a trail of S3's data events would.
func VerifyChain(steps []incident.Step) error {
	last := map[string]incident.Step{}
	for _, step := range steps {
		before := last[step.Writer]
		_, hash, err := seal(step)
		switch {
		case err != nil:
			return fmt.Errorf("step %s/%06d: %w", step.Writer, step.N, err)
		case step.N != before.N+1:
			return fmt.Errorf("step %s/%06d: it follows %06d", step.Writer, step.N, before.N)
		case step.Previous != before.Hash:
			return fmt.Errorf("step %s/%06d: it does not continue the step before", step.Writer, step.N)
		case step.Hash != hash:
			return fmt.Errorf("step %s/%06d: it is not what its hash says", step.Writer, step.N)
		}
		last[step.Writer] = step
	}
	return nil
}

// seal is a step's object and its hash: SHA-256 over its canonical JSON, members sorted, without "hash".
func seal(step incident.Step) (body []byte, hash string, err error) {
	step.Hash = ""
	raw, err := json.Marshal(step)
	if err != nil {
		return nil, "", err
	}
	var members map[string]any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&members); err != nil {
		return nil, "", err
	}
	delete(members, "hash")
	bare, err := json.Marshal(members)
	if err != nil {
		return nil, "", err
	}
	sum := sha256.Sum256(bare)
	members["hash"] = hex.EncodeToString(sum[:])
	body, err = json.Marshal(members)
	return body, hex.EncodeToString(sum[:]), err
}
