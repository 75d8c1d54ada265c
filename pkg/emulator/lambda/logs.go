// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package lambda

import (
	"bytes"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"cloudfront503/pkg/emulator/kernel"
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

// output is where a process writes: a pipe, of which what it has written can be waited for.
type output struct {
	lines       lines
	read, write *os.File
	drained     chan struct{} // nothing more will come

	mu    sync.Mutex
	marks map[string]chan struct{}
}

// newOutput is a sandbox's.
func newOutput(sb *sandbox) (*output, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	o := &output{read: read, write: write, drained: make(chan struct{}), marks: map[string]chan struct{}{}}
	o.lines = lines{sandbox: sb, marked: o.passed}
	go func() {
		defer close(o.drained)
		_, _ = io.Copy(&o.lines, read) // until the pipe is closed
	}()
	return o, nil
}

// sync waits until all that the process has written so far is read: a mark that is written behind it comes out behind it.
func (o *output) sync() {
	mark, through := kernel.NewUUID(), make(chan struct{})
	o.mu.Lock()
	o.marks[mark] = through
	o.mu.Unlock()
	if _, err := o.write.WriteString("\x00" + mark + "\n"); err != nil {
		<-o.drained // the process has ended
		return
	}
	select {
	case <-through:
	case <-o.drained:
	}
}

// passed says whether a text is a mark, which has come through.
func (o *output) passed(text string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	through, is := o.marks[text]
	if is {
		delete(o.marks, text)
		close(through)
	}
	return is
}

// close ends the pipe when its process has ended. A process that it left behind is not waited for.
func (o *output) close() {
	_ = o.write.Close() // nothing is written any more
	patience := time.NewTimer(time.Second)
	defer patience.Stop()
	select {
	case <-o.drained:
	case <-patience.C:
	}
	_ = o.read.Close()
}

// lines hands whole lines on, so that two processes do not mix theirs.
type lines struct {
	sandbox *sandbox
	marked  func(string) bool
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
		text := string(l.partial[:at+1])
		l.partial = l.partial[at+1:]
		if zero := strings.LastIndexByte(text, 0); zero >= 0 && l.marked(text[zero+1:len(text)-1]) {
			text = text[:zero] // the beginning of a line that has not ended
		}
		l.line(text)
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
