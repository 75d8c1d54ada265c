// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package incident

import (
	"encoding/json"
	"math"
	"testing"
)

func TestChangeHashBindsEveryPart(t *testing.T) {
	field := func(from, to string) FieldChange {
		return FieldChange{Path: "Comment", From: json.RawMessage(from), To: json.RawMessage(to)}
	}
	one := []FieldChange{field(`"a"`, `"b"`)}
	quota := &QuotaRequest{Service: "lambda", Code: "L-1", Region: "eu-west-1", Current: 10, Desired: 20}
	more := *quota
	more.Desired = 30
	seen := map[string]string{}
	for name, hash := range map[string]string{
		"the change":             ChangeHash("E1", "T1", one, nil),
		"another distribution":   ChangeHash("E2", "T1", one, nil),
		"another ETag":           ChangeHash("E1", "T2", one, nil),
		"another value":          ChangeHash("E1", "T1", []FieldChange{field(`"a"`, `"c"`)}, nil),
		"another value before":   ChangeHash("E1", "T1", []FieldChange{field(`"x"`, `"b"`)}, nil),
		"the field goes away":    ChangeHash("E1", "T1", []FieldChange{{Path: "Comment", From: json.RawMessage(`"a"`)}}, nil),
		"one field more":         ChangeHash("E1", "T1", append(one, field(`1`, `2`)), nil),
		"no change":              ChangeHash("E1", "T1", nil, nil),
		"a quota":                ChangeHash("E1", "T1", nil, quota),
		"more of the same quota": ChangeHash("E1", "T1", nil, &more),
	} {
		if other, twice := seen[hash]; twice || len(hash) != 64 {
			t.Errorf("%s hashes as %q, like %s", name, hash, other)
		}
		seen[hash] = name
	}
}

func TestChangeHashSurvivesStorage(t *testing.T) {
	before := []FieldChange{{Path: "A", From: json.RawMessage(`{"b":"x&y","n":12345678901234567890}`)}}
	stored, err := json.MarshalIndent(before, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	var after []FieldChange
	if err := json.Unmarshal(stored, &after); err != nil {
		t.Fatal(err)
	}
	if ChangeHash("E1", "T1", before, nil) != ChangeHash("E1", "T1", after, nil) {
		t.Error("the hash changed")
	}
}

func TestWhatCannotBeHashedHasNoHash(t *testing.T) {
	if hash := ChangeHash("E1", "T1", nil, &QuotaRequest{Desired: math.NaN()}); hash != "" {
		t.Error(hash)
	}
}
