// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package recorded

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strconv"
	"strings"

	"cloudfront503/pkg/emulator/cloudfront"
)

// loadProbe makes the edge answer what the record's probe got; where there was no answer, it gives none.
func (l *loader) loadProbe() error {
	raw, err := fs.ReadFile(l.folder, "probe.http")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	edge, err := service[*cloudfront.Service](l.world, "cloudfront")
	if err != nil {
		return err
	}
	answer, err := parseProbe(raw)
	if err != nil {
		return err
	}
	edge.SetEdge(l.DistributionID, func(cloudfront.Deployed, *http.Request) cloudfront.EdgeAnswer { return answer })
	return nil
}

// parseProbe reads what `curl -si` prints: a status line, headers, an empty line and the body, with CRLF or LF.
//
//	HTTP/2 503
//	x-cache: Error from cloudfront
func parseProbe(raw []byte) (cloudfront.EdgeAnswer, error) {
	if len(bytes.TrimSpace(raw)) == 0 {
		return cloudfront.EdgeAnswer{Drop: true}, nil
	}
	head, body, found := bytes.Cut(raw, []byte("\r\n\r\n"))
	if !found || bytes.Contains(head, []byte("\n\n")) {
		head, body, _ = bytes.Cut(raw, []byte("\n\n"))
	}
	lines := strings.Split(strings.ReplaceAll(string(head), "\r", ""), "\n")
	fields := strings.Fields(lines[0])
	if len(fields) < 2 || !strings.HasPrefix(fields[0], "HTTP/") {
		return cloudfront.EdgeAnswer{}, fmt.Errorf("probe.http begins with %q", lines[0])
	}
	status, err := strconv.Atoi(fields[1])
	if err != nil || status < 100 || status > 999 {
		return cloudfront.EdgeAnswer{}, fmt.Errorf("probe.http has status %q", fields[1])
	}
	answer := cloudfront.EdgeAnswer{Status: status, Header: http.Header{}, Body: body, Verbatim: true}
	for _, line := range lines[1:] {
		if name, value, ok := strings.Cut(line, ":"); ok && !framing[strings.ToLower(name)] {
			answer.Header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
		}
	}
	return answer, nil
}

// framing are headers that belong to the recorded connection.
var framing = map[string]bool{"content-length": true, "transfer-encoding": true, "connection": true, "content-encoding": true}
