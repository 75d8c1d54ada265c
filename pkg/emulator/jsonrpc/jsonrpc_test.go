// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package jsonrpc

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"cloudfront503/pkg/emulator/kernel"
)

// echo has one operation with one member.
type echo struct{}

func (echo) Serve(c *kernel.Call) {
	Serve(c, "Echo_1", map[string]Handler{"Say": func(c *kernel.Call) (any, error) {
		if err := c.Begin(kernel.Access{Action: "echo:Say"}); err != nil {
			return nil, err
		}
		var in struct{ Word string }
		if err := Decode(c, &in); err != nil {
			return nil, err
		}
		return in, nil
	}})
}

func TestServeIsStrict(t *testing.T) {
	for _, test := range []struct {
		name, target, body string
		status, violations int
		want               string
	}{
		{"a known operation", "Echo_1.Say", `{"Word":"hello"}`, 200, 0, `"Word":"hello"`},
		{"an unknown operation", "Echo_1.Shout", `{}`, 400, 1, "UnknownOperationException"},
		{"an unknown member", "Echo_1.Say", `{"Tone":"loud"}`, 400, 1, "InvalidParameterException"},
		{"no JSON", "Echo_1.Say", `{`, 400, 0, "SerializationException"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := kernel.NewWorld("111122223333", "us-east-1")
			w.Register("echo", echo{})
			stop, err := w.Listen("127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer stop()
			r, err := http.NewRequest(http.MethodPost, w.Endpoint, strings.NewReader(test.body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKID/20261124/us-east-1/echo/aws4_request, SignedHeaders=host, Signature=0")
			r.Header.Set("X-Amz-Target", test.target)
			r.Header.Set("Content-Type", "application/x-amz-json-1.1")
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = answer.Body.Close() }()
			var body json.RawMessage
			if err := json.NewDecoder(answer.Body).Decode(&body); err != nil {
				t.Fatal(err)
			}
			if answer.StatusCode != test.status || !strings.Contains(string(body), test.want) {
				t.Errorf("%d %s, want %d with %s", answer.StatusCode, body, test.status, test.want)
			}
			if got := len(w.Violations()); got != test.violations {
				t.Errorf("%d violations, want %d", got, test.violations)
			}
		})
	}
}

func TestTimeIsSecondsSince1970(t *testing.T) {
	at := Time{time.Date(2026, 11, 24, 3, 41, 51, 250_000_000, time.UTC)}
	raw, err := json.Marshal(at)
	if err != nil {
		t.Fatal(err)
	}
	var back Time
	if err := json.Unmarshal(raw, &back); err != nil || !back.Equal(at.Time) {
		t.Errorf("%s came back as %s, %v", raw, back, err)
	}
}
