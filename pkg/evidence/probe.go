// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package evidence

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"strings"
	"time"
)

// Prober sends one request; *http.Client is one.
type Prober interface {
	Do(*http.Request) (*http.Response, error)
}

const (
	probeTimeout = 10 * time.Second
	probeBody    = 4096 // bytes of a page that are kept: its first sentence is in the first kilobyte
	mostProbes   = 3
)

// NewProber is a client that follows no redirect, keeps no connection, so that each request meets the edge anew, and
// gives up after ten seconds.
func NewProber() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableKeepAlives = true
	return &http.Client{
		Transport:     transport,
		Timeout:       probeTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// readProbe asks for at most three paths under an alias of the distribution and keeps the answer that fails, else the
// first. It speaks only for the edge that it reached: a healthy one clears nothing elsewhere.
func (g *Gatherer) readProbe() func(context.Context, Question) (Record, error) {
	return func(ctx context.Context, q Question) (Record, error) {
		name := host(q.Snapshot)
		if name == "" {
			return nil, errors.New("the distribution has no name to ask under")
		}
		answers, err := g.probeAll(ctx, name)
		if len(answers) == 0 {
			return nil, err
		}
		return Record{"probe.http": worst(answers)}, nil
	}
}

// answer is one response, as `curl -si` prints it.
type answer struct {
	status int
	text   []byte
}

func (g *Gatherer) probeAll(ctx context.Context, name string) ([]answer, error) {
	paths := g.Paths
	if len(paths) == 0 {
		paths = []string{"/"}
	}
	var answers []answer
	var problems error
	for _, path := range paths[:min(len(paths), mostProbes)] {
		got, err := g.probe(ctx, "https://"+name+"/"+strings.TrimPrefix(path, "/"))
		if err != nil {
			problems = errors.Join(problems, err)
			continue
		}
		answers = append(answers, got)
	}
	return answers, problems
}

func (g *Gatherer) probe(ctx context.Context, url string) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return answer{}, fmt.Errorf("probe %s: %w", url, err)
	}
	request.Header.Set("User-Agent", "cloudfront503-probe")
	response, err := g.Probe.Do(request)
	if err != nil {
		return answer{}, fmt.Errorf("probe: %w", err)
	}
	defer response.Body.Close()
	head, err := httputil.DumpResponse(response, false)
	if err != nil {
		return answer{}, fmt.Errorf("probe %s: %w", url, err)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, probeBody))
	if err != nil && len(body) == 0 {
		return answer{}, fmt.Errorf("probe %s: %w", url, err)
	}
	return answer{response.StatusCode, withoutCookies(head, body)}, nil
}

// withoutCookies is the response without what a viewer's session is made of.
func withoutCookies(head, body []byte) []byte {
	var out bytes.Buffer
	for line := range bytes.Lines(head) {
		if !bytes.HasPrefix(bytes.ToLower(line), []byte("set-cookie:")) {
			out.Write(line)
		}
	}
	out.Write(body)
	return out.Bytes()
}

// worst prefers a 503, then another 5xx, then what came first.
func worst(answers []answer) []byte {
	best := answers[0]
	for _, a := range answers[1:] {
		if rank(a.status) > rank(best.status) {
			best = a
		}
	}
	return best.text
}

func rank(status int) int {
	switch {
	case status == http.StatusServiceUnavailable:
		return 2
	case status >= 500:
		return 1
	}
	return 0
}
