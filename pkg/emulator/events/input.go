// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package events

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// payload is what a target is sent for an event.
func (t Target) payload(r rule, raw []byte, now time.Time) ([]byte, error) {
	switch {
	case t.Input != "":
		return []byte(t.Input), nil
	case t.InputPath != "":
		value, err := atPath(raw, t.InputPath)
		if err != nil {
			return nil, err
		}
		return json.Marshal(value)
	case t.Transformer != nil:
		return t.Transformer.fill(r, raw, now)
	}
	return raw, nil
}

// placeholder is <name> in a template.
var placeholder = regexp.MustCompile(`<([A-Za-z0-9_.-]+)>`)

// fill puts the values into the template: as JSON where a placeholder stands by itself, as text where it stands within
// quotes. Source: "Amazon EventBridge input transformation".
func (t *Transformer) fill(r rule, raw []byte, now time.Time) ([]byte, error) {
	values, err := t.values(r, raw, now)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	rest, last := t.Template, 0
	for _, at := range placeholder.FindAllStringSubmatchIndex(rest, -1) {
		out.WriteString(rest[last:at[0]])
		value, known := values[rest[at[2]:at[3]]]
		if !known {
			return nil, fmt.Errorf("template names <%s>, which no path fills", rest[at[2]:at[3]])
		}
		out.Write(render(value, quoted(rest[:at[0]])))
		last = at[1]
	}
	out.WriteString(rest[last:])
	if !json.Valid(out.Bytes()) {
		return nil, fmt.Errorf("filled template is not JSON")
	}
	return out.Bytes(), nil
}

func (t *Transformer) values(r rule, raw []byte, now time.Time) (map[string]any, error) {
	whole, err := atPath(raw, "$")
	if err != nil {
		return nil, err
	}
	values := map[string]any{
		"aws.events.rule-arn": r.arn, "aws.events.rule-name": r.name, "aws.events.event": whole, "aws.events.event.json": whole,
		"aws.events.event.ingestion-time": now.Format(time.RFC3339),
	}
	for name, path := range t.Paths {
		if values[name], err = atPath(raw, path); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// quoted tells whether the text ends inside a JSON string.
func quoted(text string) bool {
	inside := false
	for i := 0; i < len(text); i++ {
		switch {
		case inside && text[i] == '\\':
			i++
		case text[i] == '"':
			inside = !inside
		}
	}
	return inside
}

func render(value any, inString bool) []byte {
	raw, _ := json.Marshal(value)
	if !inString {
		return raw
	}
	if _, isText := value.(string); !isText {
		raw, _ = json.Marshal(string(raw))
	}
	return raw[1 : len(raw)-1]
}

// step is one step of a JSON path: .name, ['name'] or [0].
var step = regexp.MustCompile(`^(?:\.([A-Za-z0-9_-]+)|\['([^']+)'\]|\[(\d+)\])`)

// atPath is what stands at a path; nil where nothing does, as a placeholder without a value is filled with null.
func atPath(raw []byte, path string) (any, error) {
	var value any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	rest, ok := strings.CutPrefix(path, "$")
	if !ok {
		return nil, fmt.Errorf("path %q does not begin with $", path)
	}
	for rest != "" {
		parts := step.FindStringSubmatch(rest)
		if parts == nil {
			return nil, fmt.Errorf("path %q is not understood at %q", path, rest)
		}
		value = child(value, parts[1]+parts[2], parts[3])
		rest = rest[len(parts[0]):]
	}
	return value, nil
}

func child(value any, name, index string) any {
	if name != "" {
		members, _ := value.(map[string]any)
		return members[name]
	}
	list, _ := value.([]any)
	if i, err := strconv.Atoi(index); err == nil && i < len(list) {
		return list[i]
	}
	return nil
}
