// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package stack

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// scalar is a property that CloudFormation takes as a text, a number or a boolean alike: "5" is 5. Empty where it is absent.
type scalar string

// UnmarshalJSON keeps the text of a string, a number or a boolean.
func (s *scalar) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '"' {
		var plain string
		err := json.Unmarshal(raw, &plain)
		*s = scalar(plain)
		return err
	}
	if len(raw) == 0 || raw[0] == '{' || raw[0] == '[' {
		return errors.New("neither text, number nor boolean")
	}
	*s = scalar(raw)
	return nil
}

// int is the whole number, or otherwise where it is absent.
func (s scalar) int(otherwise int) (int, error) {
	if s == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(string(s))
	if err != nil {
		return 0, fmt.Errorf("%q is not a whole number", string(s))
	}
	return n, nil
}

// pointer is the whole number, nil where it is absent.
func (s scalar) pointer() (*int, error) {
	if s == "" {
		return nil, nil
	}
	n, err := s.int(0)
	return &n, err
}

func (s scalar) true() bool { return s == "true" }

// decode reads evaluated properties into a struct. A property that the struct does not have, also in another case, is an
// error: what is not read would not be rehearsed.
func decode(properties any, into any) error {
	raw, err := json.Marshal(properties)
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	return sameNames(properties, into)
}

// sameNames finds a member whose name differs in case, which encoding/json lets through.
func sameNames(properties, into any) error {
	raw, err := json.Marshal(into)
	if err != nil {
		return err
	}
	var read any
	if err := json.Unmarshal(raw, &read); err != nil {
		return err
	}
	return contained(properties, read)
}

func contained(given, read any) error {
	switch given := given.(type) {
	case map[string]any:
		members, ok := read.(map[string]any)
		if !ok {
			return nil
		}
		for _, name := range sortedKeys(given) {
			inner, known := members[name]
			if !known {
				return fmt.Errorf("unknown property %s", name)
			}
			if err := contained(given[name], inner); err != nil {
				return within(name, err)
			}
		}
	case []any:
		list, _ := read.([]any)
		for i, element := range given {
			if i < len(list) {
				if err := contained(element, list[i]); err != nil {
					return within(strconv.Itoa(i), err)
				}
			}
		}
	}
	return nil
}

// encode is an evaluated value as JSON.
func encode(value any) (json.RawMessage, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return bytes.TrimSpace(out.Bytes()), err
}
