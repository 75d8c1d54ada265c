// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package lambda

import (
	"bytes"
	"strings"
	"sync"
)

// logs is what all processes of a function wrote.
type logs struct {
	mu  sync.Mutex
	all strings.Builder
}

func (l *logs) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all.WriteString(line)
}

func (l *logs) length() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Len()
}

func (l *logs) since(mark int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()[mark:]
}

// Logs is all that the processes of a function, by name or ARN, have written so far.
func (s *Service) Logs(name string) string {
	f, _, err := s.find(s.world.Region, name)
	if err != nil {
		return ""
	}
	return f.logs.since(0)
}

// lines is where a process writes; it hands whole lines on, so that two processes do not mix theirs.
type lines struct {
	sandbox *sandbox
	partial []byte
}

// Write is part of io.Writer; it never fails.
func (l *lines) Write(p []byte) (int, error) {
	l.partial = append(l.partial, p...)
	for {
		at := bytes.IndexByte(l.partial, '\n')
		if at < 0 {
			return len(p), nil
		}
		l.line(string(l.partial[:at+1]))
		l.partial = l.partial[at+1:]
	}
}

// line keeps a line. What a process says because it was dismissed is not the function's.
func (l *lines) line(text string) {
	sb := l.sandbox
	select {
	case <-sb.closing:
		return
	default:
	}
	if strings.Contains(text, "WARNING: DATA RACE") {
		sb.service.world.Strict("lambda: %s has a data race", sb.f.Name)
	}
	sb.f.logs.add(text)
}
