// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package evidence

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httputil"
	"slices"
	"strconv"
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

// readProbe asks once for each configured path, else for the root, under an alias of the distribution. It speaks only for
// the edge that it reached: a healthy one clears nothing elsewhere.
func readProbe(ctx context.Context, g *Gatherer, q Question) (Record, error) {
	name := host(q.Snapshot)
	if name == "" {
		return nil, errors.New("the distribution has no name to ask under")
	}
	paths := g.Paths
	if len(paths) == 0 {
		paths = []string{"/"}
	}
	var urls []string
	for _, path := range paths[:min(len(paths), mostProbes)] {
		urls = append(urls, "https://"+name+"/"+strings.TrimPrefix(path, "/"))
	}
	record, err := g.try(ctx, 1, urls)
	if len(record) == 0 {
		return nil, err
	}
	record.settle()
	return record, nil
}

// tries is how often a request is repeated to find out whether its answers differ.
const tries = 2

// readProbeAgain repeats the request that failed, else the first one, one at a time and each on a connection of its own.
func readProbeAgain(url string) reader {
	return func(ctx context.Context, g *Gatherer, _ Question) (Record, error) {
		record, err := g.try(ctx, 2, slices.Repeat([]string{url}, tries))
		if len(record) == 0 {
			return nil, err
		}
		return record, nil
	}
}

// readProbeLogged asks for the paths that fail by the logs, and once more for the first that does so now as well.
func readProbeLogged(paths []string) reader {
	return func(ctx context.Context, g *Gatherer, q Question) (Record, error) {
		var urls []string
		for _, path := range paths[:min(len(paths), mostProbes)] {
			urls = append(urls, "https://"+host(q.Snapshot)+path)
		}
		record, err := g.try(ctx, 3, urls)
		if url, failed := failing(record); failed {
			again, _ := g.try(ctx, 4, []string{url})
			record.add(again)
		}
		if len(record) == 0 {
			return nil, err
		}
		return record, nil
	}
}

// try sends requests one after another and keeps the answers as probes/ROUND-NUMBER.http. That one got no answer while
// another did is a finding.
func (g *Gatherer) try(ctx context.Context, round int, urls []string) (Record, error) {
	record, m := Record{}, meterOf(ctx)
	var problems error
	for i, url := range urls {
		err := m.probe()
		var answer []byte
		if err == nil {
			answer, err = g.probe(ctx, url)
		}
		if err != nil {
			problems = errors.Join(problems, err)
			continue
		}
		record[fmt.Sprintf("probes/%d-%d.http", round, i+1)] = answer
	}
	if problems != nil && len(record) > 0 {
		m.note("probes", "%d of %d requests got no answer, the others did: %s", len(urls)-len(record), len(urls), g.why(ctx, problems))
	}
	return record, problems
}

// probe sends one request and gives the answer as `curl -si` prints it, with what was asked and when among the headers.
func (g *Gatherer) probe(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("probe %s: %w", url, err)
	}
	request.Header.Set("User-Agent", "cloudfront503-probe")
	response, err := g.Probe.Do(request)
	if err != nil {
		return nil, fmt.Errorf("probe: %w", err)
	}
	defer response.Body.Close()
	head, err := httputil.DumpResponse(response, false)
	if err != nil {
		return nil, fmt.Errorf("probe %s: %w", url, err)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, probeBody))
	if err != nil && len(body) == 0 {
		return nil, fmt.Errorf("probe %s: %w", url, err)
	}
	line, rest, _ := bytes.Cut(head, []byte("\r\n"))
	head = fmt.Appendf(nil, "%s\r\nx-cf503-url: %s\r\nx-cf503-at: %s\r\n%s", line, request.URL, g.Now().UTC().Format(time.RFC3339), rest)
	return withoutCookies(head, body), nil
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

// attempts are a record's tries in their order.
func attempts(r Record) [][]byte {
	var list [][]byte
	for _, name := range slices.Sorted(maps.Keys(r)) {
		if strings.HasPrefix(name, "probes/") {
			list = append(list, r[name])
		}
	}
	return list
}

// worst is a 503 of the tries, else another 5xx, else the first; nil where there are none.
func worst(r Record) []byte {
	var best []byte
	for _, answer := range attempts(r) {
		if best == nil || rank(status(answer)) > rank(status(best)) {
			best = answer
		}
	}
	return best
}

// failing is the URL of a try that failed, else that of the first.
func failing(r Record) (url string, failed bool) {
	answer := worst(r)
	for line := range strings.Lines(string(head(answer))) {
		if value, ok := strings.CutPrefix(line, "x-cf503-url: "); ok {
			url = strings.TrimSpace(value)
		}
	}
	return url, rank(status(answer)) > 0
}

// status is the status in an answer's first line, "HTTP/2.0 503 Service Unavailable"; 0 where there is none.
func status(answer []byte) int {
	fields := bytes.Fields(answer[:min(len(answer), 40)])
	if len(fields) < 2 {
		return 0
	}
	n, _ := strconv.Atoi(string(fields[1]))
	return n
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
