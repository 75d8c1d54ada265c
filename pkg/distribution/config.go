// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package distribution treats a CloudFront DistributionConfig as a value: parsed from the JSON that the AWS CLI prints,
// written canonically, hashed, compared field by field and put together again. It calls nothing and imports no AWS SDK.
//
// Lists are compared by what they mean: origins, origin groups, error responses and function associations are found by
// their identity and have no order, cache behaviours are found by their path pattern and do have one, lists of plain
// strings or numbers are sets.
package distribution

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Config is a DistributionConfig. It never changes once made. The zero value is the configuration without any field.
type Config struct {
	tree map[string]any // objects, []any, string, json.Number and bool; normalised
}

// Parse reads the JSON of a DistributionConfig: the inner object, not the one with ETag around it. Nulls, empty Items
// and empty enums are left out, Quantity is counted again, sets and lists without an order are sorted. Numbers are kept to
// the digit.
func Parse(text []byte) (Config, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var tree map[string]any
	if err := decoder.Decode(&tree); err != nil {
		return Config{}, fmt.Errorf("distribution configuration: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Config{}, errors.New("distribution configuration: more follows after its end")
	}
	if tree == nil {
		return Config{}, errors.New("distribution configuration: null")
	}
	if _, wrapped := tree["DistributionConfig"]; wrapped {
		return Config{}, errors.New("distribution configuration: the inner DistributionConfig is wanted, not what is around it")
	}
	return Config{tree: normalObject("", tree)}, nil
}

// Canonical is the configuration as JSON with sorted keys, without nulls, empty Items or white space: the same bytes for
// the same meaning, and what `aws cloudfront update-distribution --distribution-config` accepts.
func (c Config) Canonical() []byte {
	if c.tree == nil {
		return []byte("{}")
	}
	return encode(c.tree)
}

// Hash is the SHA-256 of Canonical in hex.
func (c Config) Hash() string {
	sum := sha256.Sum256(c.Canonical())
	return hex.EncodeToString(sum[:])
}

// Equal reports whether both configurations mean the same.
func (c Config) Equal(other Config) bool { return bytes.Equal(c.Canonical(), other.Canonical()) }

// MarshalJSON is Canonical.
func (c Config) MarshalJSON() ([]byte, error) { return c.Canonical(), nil }

// UnmarshalJSON is Parse.
func (c *Config) UnmarshalJSON(text []byte) error {
	parsed, err := Parse(text)
	if err != nil {
		return err
	}
	*c = parsed
	return nil
}

// encode writes a value of the tree: keys sorted by encoding/json, numbers as they came, no HTML escapes.
func encode(value any) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil // a tree of strings, json.Number, bool, maps and slices that encoding/json itself has read
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

// decode reads what encode wrote, for a field of the given name.
func decode(name string, text []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	return normal(name, value), nil
}
