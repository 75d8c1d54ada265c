// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package kernel

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// serviceFunc is a service made of a function.
type serviceFunc func(c *Call)

func (f serviceFunc) Serve(c *Call) { f(c) }

const signature = "AWS4-HMAC-SHA256 Credential=KEY/20261124/us-east-1/toy/aws4_request, SignedHeaders=host, Signature=00"

// toyWorld listens and has one service, "toy", that does the one action toy:Play and answers "played".
func toyWorld(t *testing.T) *World {
	t.Helper()
	w := NewWorld("111122223333", "us-east-1")
	w.Register("toy", serviceFunc(func(c *Call) {
		if err := c.Begin(Access{Action: "toy:Play", Resources: []string{"arn:toy:1"}}); err != nil {
			c.FailXML(err)
			return
		}
		c.XML(http.StatusOK, []byte("<Played>"+string(c.Body)+"</Played>"))
	}))
	stop, err := w.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return w
}

// send sends one request with the given headers, name and value in turn.
func send(t *testing.T, w *World, body string, headers ...string) (*http.Response, string, error) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPut, w.Endpoint+"/play", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	return response, string(answer), err
}

func TestServe(t *testing.T) {
	tests := []struct {
		name        string
		fault       Fault
		body        string
		headers     []string
		wantStatus  int
		wantBody    string // part of it
		wantOutcome string
	}{
		{
			name: "a signed request reaches the service that the signature names",
			body: "ball", headers: []string{"Authorization", signature},
			wantStatus: 200, wantBody: "<Played>ball</Played>", wantOutcome: "ok",
		},
		{
			name:       "an unsigned request is refused",
			wantStatus: 403, wantBody: "<Code>MissingAuthenticationToken</Code>", wantOutcome: "MissingAuthenticationToken",
		},
		{
			name:       "a service that is not there is refused",
			headers:    []string{"Authorization", strings.Replace(signature, "/toy/", "/chess/", 1)},
			wantStatus: 404, wantBody: "chess", wantOutcome: "UnknownService",
		},
		{
			name: "aws-chunked framing is taken off", body: "4;chunk-signature=00\r\nball\r\n0\r\nx-amz-checksum-crc32:AAAA\r\n\r\n",
			headers: []string{
				"Authorization", signature, "X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
				"X-Amz-Decoded-Content-Length", "4", "X-Amz-Trailer", "x-amz-checksum-crc32", "Content-Encoding", "aws-chunked",
			},
			wantStatus: 200, wantBody: "<Played>ball</Played>", wantOutcome: "ok",
		},
		{
			name: "a body that is not the signed one is refused", body: "ball",
			headers:    []string{"Authorization", signature, "X-Amz-Content-Sha256", strings.Repeat("0", 64)},
			wantStatus: 400, wantBody: "XAmzContentSHA256Mismatch", wantOutcome: "XAmzContentSHA256Mismatch",
		},
		{
			name:       "a fault's error is answered and journalled",
			fault:      Fault{Action: "toy:*", Error: Errorf(429, "Throttling", "Rate exceeded")},
			headers:    []string{"Authorization", signature},
			wantStatus: 429, wantBody: "<Message>Rate exceeded</Message>", wantOutcome: "Throttling",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w := toyWorld(t)
			if test.fault.Action != "" {
				w.Faults.Add(test.fault)
			}
			response, body, err := send(t, w, test.body, test.headers...)
			if err != nil {
				t.Fatal(err)
			}
			if response.StatusCode != test.wantStatus || !strings.Contains(body, test.wantBody) {
				t.Errorf("got %d %s, want %d with %s", response.StatusCode, body, test.wantStatus, test.wantBody)
			}
			if lines := w.Journal.Lines(); len(lines) != 1 || lines[0].Outcome != test.wantOutcome {
				t.Errorf("journal %+v, want one line with outcome %s", lines, test.wantOutcome)
			}
		})
	}
}

func TestLoseAnswer(t *testing.T) {
	w := toyWorld(t)
	w.Faults.Add(Fault{Action: "toy:Play", LoseAnswer: true})
	if _, _, err := send(t, w, "", "Authorization", signature); err == nil {
		t.Error("an answer came")
	}
	if lines := w.Journal.Lines(); len(lines) != 1 || lines[0].Outcome != "ok" {
		t.Errorf("journal %+v, want the work done", lines)
	}
}

func TestDateFollowsTheClock(t *testing.T) {
	w := toyWorld(t)
	w.Clock.Advance(72 * 3600e9)
	response, _, err := send(t, w, "", "Authorization", signature)
	if err != nil {
		t.Fatal(err)
	}
	got, err := http.ParseTime(response.Header.Get("Date"))
	if err != nil || w.Clock.Now().Sub(got).Abs().Seconds() > 5 {
		t.Errorf("Date %v (%v), want the clock's %v", got, err, w.Clock.Now())
	}
}

func TestPlainPathsNeedNoSignature(t *testing.T) {
	w := NewWorld("111122223333", "us-east-1")
	w.Handle("/play", http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, "plain") }))
	stop, err := w.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if _, body, err := send(t, w, ""); err != nil || body != "plain" {
		t.Errorf("got %q, %v", body, err)
	}
}

func FuzzUnchunk(f *testing.F) {
	for _, seed := range []string{
		"", "0\r\n\r\n", "5;chunk-signature=ad\r\nhello\r\n0;chunk-signature=b6\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n",
		"5\r\nhell", "ffffffff\r\n", "-1\r\n", "7fffffff\r\nx", "1\r\nab\r\n", "0\r\nno colon\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		body, _, err := unchunk(raw)
		if err == nil && len(body) > len(raw) {
			t.Errorf("%d bytes out of %d", len(body), len(raw))
		}
	})
}
