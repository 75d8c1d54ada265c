// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package record

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/klauspost/compress/gzip"
)

// plain undoes what other tools do to text: gzip, base64 around JSON, UTF-16 (PowerShell's redirection), a byte order mark.
func plain(raw []byte) []byte {
	if bytes.HasPrefix(raw, []byte{0x1f, 0x8b}) {
		raw = gunzip(raw)
	}
	raw = narrow(raw)
	if decoded, ok := unwrap(raw); ok {
		raw = narrow(decoded)
	}
	return raw
}

// gunzip gives what can be decompressed, up to the bound.
func gunzip(raw []byte) []byte {
	reader, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil
	}
	text, _ := io.ReadAll(io.LimitReader(reader, mostBytes))
	return text
}

// narrow turns UTF-16 into UTF-8 and drops a byte order mark.
func narrow(raw []byte) []byte {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(raw, []byte{0xff, 0xfe}):
		order = binary.LittleEndian
	case bytes.HasPrefix(raw, []byte{0xfe, 0xff}):
		order = binary.BigEndian
	case len(raw) >= 4 && raw[0] == '{' && raw[1] == 0 && raw[3] == 0:
		return narrow(append([]byte{0xff, 0xfe}, raw...))
	default:
		return bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	}
	units := make([]uint16, 0, len(raw)/2)
	for rest := raw[2:]; len(rest) >= 2; rest = rest[2:] {
		units = append(units, order.Uint16(rest))
	}
	return []byte(string(utf16.Decode(units)))
}

// unwrap decodes a text that is base64 and nothing but, if JSON or an HTTP answer comes out.
func unwrap(raw []byte) ([]byte, bool) {
	text := bytes.TrimSpace(raw)
	if len(text) < 16 || bytes.ContainsAny(text[:16], "{[\" /") {
		return nil, false
	}
	decoded, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(text)), ""))
	if err != nil {
		return nil, false
	}
	decoded = narrow(decoded)
	return decoded, bytes.HasPrefix(decoded, []byte("{")) || bytes.HasPrefix(decoded, []byte("HTTP/"))
}

// members reads a JSON object as far as it is whole: each member that wanted names is given to its function, an array's
// elements one by one, so that of a truncated file everything before the cut is kept. The error says where it broke.
func members(content []byte, wanted map[string]func(json.RawMessage) error) error {
	decoder := json.NewDecoder(bytes.NewReader(content))
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return fmt.Errorf("no JSON object: %w", errNothing)
	}
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return broken(decoder, err)
		}
		name, _ := key.(string)
		ahead := bytes.TrimLeft(content[decoder.InputOffset():], " \t\r\n:")
		if err := member(decoder, wanted[name], bytes.HasPrefix(ahead, []byte("["))); err != nil {
			return broken(decoder, err)
		}
	}
	if _, err := decoder.Token(); err != nil {
		return broken(decoder, err)
	}
	return nil
}

func broken(decoder *json.Decoder, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("cut off after %d bytes", decoder.InputOffset())
	}
	return fmt.Errorf("broken at byte %d: %w", decoder.InputOffset(), err)
}

// member gives one member's value to take: an array element by element, anything else whole. Elements that take cannot
// use are skipped.
func member(decoder *json.Decoder, take func(json.RawMessage) error, isArray bool) error {
	if take == nil || !isArray {
		var whole json.RawMessage
		if err := decoder.Decode(&whole); err != nil || take == nil {
			return err
		}
		return take(whole)
	}
	if _, err := decoder.Token(); err != nil {
		return err
	}
	for decoder.More() {
		var element json.RawMessage
		if err := decoder.Decode(&element); err != nil {
			return err
		}
		_ = take(element)
	}
	_, err := decoder.Token()
	return err
}

// into makes a member's function from one that takes a decoded value.
func into[T any](take func(T)) func(json.RawMessage) error {
	return func(raw json.RawMessage) error {
		var value T
		if err := json.Unmarshal(raw, &value); err != nil {
			return err
		}
		take(value)
		return nil
	}
}

// moment is a time as any of the services, or any version of the AWS CLI, prints it.
type moment struct{ time.Time }

var momentLayouts = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05.999999999-0700", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999-07:00",
	"Mon, 2 Jan 2006 15:04:05 MST", "Mon, 2 Jan 2006 15:04:05 -0700", time.DateTime,
}

// UnmarshalJSON takes a string of any known shape, or a number of seconds or milliseconds; what is no time is the zero time.
func (m *moment) UnmarshalJSON(raw []byte) error {
	text := strings.Trim(string(raw), `" `)
	for _, layout := range momentLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			m.Time = t.UTC()
			return nil
		}
	}
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds > 1e8 && seconds < 1e14 {
		if seconds > 1e11 {
			seconds /= 1000
		}
		m.Time = time.UnixMilli(int64(seconds * 1000)).UTC()
	}
	return nil
}

// loose is a number or a bool that may have been written as a string, and the other way round.
type loose string

// UnmarshalJSON takes any scalar as its text; null and anything else are empty.
func (l *loose) UnmarshalJSON(raw []byte) error {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		*l = loose(text)
		return nil
	}
	if s := string(raw); s != "null" && !strings.ContainsAny(s[:1], "{[") {
		*l = loose(s)
	}
	return nil
}

func (l loose) number() float64 {
	n, _ := l.parse()
	return n
}

// parse is the number, if it is one: what is not must not be taken for zero where zero says something.
func (l loose) parse() (n float64, ok bool) {
	n, err := strconv.ParseFloat(strings.TrimSpace(string(l)), 64)
	if err != nil || n != n || n > 1e15 || n < -1e15 {
		return 0, false
	}
	return n, true
}

func (l loose) truth() bool { return strings.EqualFold(string(l), "true") }
