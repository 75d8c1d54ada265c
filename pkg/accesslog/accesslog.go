// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package accesslog reads CloudFront's standard logs and keeps counts, never rows: bytes in, incident.Logs out. It is
// made for objects of any size, in the legacy form and in that of standard logging v2 (w3c, or JSON lines), compressed or
// not; memory does not grow with the input, and a damaged row or a truncated object costs no more than itself.
//
//	#Version: 1.0
//	#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) …
//	2026-03-03	21:33:28	SYD62-P1	512	192.0.2.153	GET	d111111abcdef8.cloudfront.net	/img/1.jpg	503	-	…
//
// [CloudFront Developer Guide, "Standard logging (access logs) reference"]
package accesslog

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"

	"cloudfront503/pkg/incident"
)

// longestRow is how many bytes a row may have; the guide's longest URL and headers together stay far below.
const longestRow = 256 << 10

// Counter counts the rows of any number of log objects. It is not safe for concurrent use.
type Counter struct {
	behavior  func(path string) string
	rows      table
	line      layout
	objects   int
	damaged   int64
	behaviors map[string]string
	gunzip    *gzip.Reader
	buffer    *bufio.Reader
}

// New makes a Counter. behavior names the cache behaviour that takes a path, as pkg/distribution's Match does; nil leaves
// behaviours uncounted where the log itself does not name them.
func New(behavior func(path string) string) *Counter {
	return &Counter{
		behavior: behavior, behaviors: map[string]string{},
		rows: newTable(), buffer: bufio.NewReaderSize(nil, longestRow),
	}
}

// Read counts one log object. It reads to the end or to the first error of the object, for example a truncated gzip
// stream; what was read until then stays counted. The error says what is missing.
func (c *Counter) Read(object io.Reader) error {
	c.objects++
	c.line = layout{}
	c.buffer.Reset(object)
	if head, _ := c.buffer.Peek(2); len(head) == 2 && head[0] == 0x1f && head[1] == 0x8b {
		return c.readCompressed()
	}
	return c.readText(c.buffer)
}

func (c *Counter) readCompressed() error {
	compressed := bufio.NewReaderSize(c.buffer, 32<<10)
	var err error
	if c.gunzip == nil {
		c.gunzip, err = gzip.NewReader(compressed)
	} else {
		err = c.gunzip.Reset(compressed)
	}
	if err != nil {
		c.gunzip = nil
		return fmt.Errorf("gzip: %w", err)
	}
	if err := c.readText(bufio.NewReaderSize(c.gunzip, longestRow)); err != nil {
		c.gunzip = nil
		return fmt.Errorf("gzip: %w", err)
	}
	return nil
}

// readText counts decompressed lines.
func (c *Counter) readText(text *bufio.Reader) error {
	if head, _ := text.Peek(2); isUTF16(head) {
		text = bufio.NewReaderSize(newUTF16(text), longestRow)
	}
	if head, _ := text.Peek(3); bytes.Equal(head, []byte("\xef\xbb\xbf")) {
		_, _ = text.Discard(3)
	}
	for {
		line, err := text.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			c.damaged++
			err = skipLine(text)
			line = nil
		}
		c.take(bytes.TrimRight(line, "\r\n"))
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// skipLine drops the rest of a line that is longer than any row.
func skipLine(text *bufio.Reader) error {
	for {
		_, err := text.ReadSlice('\n')
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

// take counts one line, whatever it is.
func (c *Counter) take(line []byte) {
	switch {
	case len(line) == 0:
	case line[0] == '#':
		if fields, ok := bytes.CutPrefix(line, []byte("#Fields:")); ok {
			c.line = newLayout(fields)
		}
	case line[0] == '{':
		c.takeJSON(line)
	default:
		c.takeRow(line)
	}
}

func (c *Counter) takeRow(line []byte) {
	if !c.line.known {
		c.line = legacyLayout()
	}
	var row row
	if !c.line.split(line, &row) {
		c.damaged++
		return
	}
	c.count(&row)
}

// count adds a row whose fields were found.
func (c *Counter) count(row *row) {
	status, ok := statusOf(row[scStatus])
	if !ok {
		c.damaged++
		return
	}
	minute, hasTime := c.rows.clock.minute(row)
	g := c.rows.group(status, row)
	g.count++
	if hasTime {
		c.rows.mark(g, minute)
	}
	g.firstByte(row[timeToFirstByte])
	c.rows.edge(g, row[edgeLocation])
	c.countBehavior(g, row)
	if status >= 500 {
		g.failing(row, minute, hasTime, status)
	}
}

// countBehavior prefers what the log says (v2) to what the configuration would say.
func (c *Counter) countBehavior(g *group, row *row) {
	if pattern := row[pathPattern]; len(pattern) > 0 && !isDash(pattern) {
		g.behaviors.add(pattern)
		return
	}
	if c.behavior == nil {
		return
	}
	name, known := c.behaviors[string(row[uriStem])]
	if !known {
		if len(c.behaviors) >= 4096 {
			clear(c.behaviors)
		}
		name = c.behavior(unescape(row[uriStem]))
		c.behaviors[string(row[uriStem])] = name
	}
	g.behaviors.addString(name)
}

// Logs is what was counted so far.
func (c *Counter) Logs() incident.Logs {
	logs := incident.Logs{Objects: c.objects, Damaged: c.damaged}
	c.rows.fill(&logs)
	return logs
}
