// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package kernel

import (
	"slices"
	"sync"
	"time"
)

// Line is one call in the journal.
type Line struct {
	At        time.Time `json:"at"`
	Principal string    `json:"principal"` // ARN of who called
	Action    string    `json:"action"`    // as IAM names it
	Resources []string  `json:"resources,omitempty"`
	Region    string    `json:"region,omitempty"`
	Outcome   string    `json:"outcome"` // "ok", or the error's code; empty while the call is under way
	RequestID string    `json:"requestId,omitempty"`
	Grants    []string  `json:"grants,omitempty"` // the statements that allowed it, as Role/Policy#0
}

// Journal is every call in order.
type Journal struct {
	mu    sync.Mutex
	lines []*Line
	watch []func(Line)
}

// NewJournal is an empty journal.
func NewJournal() *Journal { return &Journal{} }

// Add appends a line and tells the watchers.
func (j *Journal) Add(line *Line) {
	j.mu.Lock()
	j.lines = append(j.lines, line)
	watch := slices.Clone(j.watch)
	j.mu.Unlock()
	for _, tell := range watch {
		tell(*line)
	}
}

// open appends a line whose call is under way.
func (j *Journal) open(line *Line) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, line)
}

// close sets how an open line's call ended and tells the watchers.
func (j *Journal) close(line *Line, outcome string, grants []string) {
	j.mu.Lock()
	line.Outcome, line.Grants = outcome, grants
	told := *line
	watch := slices.Clone(j.watch)
	j.mu.Unlock()
	for _, tell := range watch {
		tell(told)
	}
}

// Watch calls tell for each later line as its call ends, in the goroutine that served it.
func (j *Journal) Watch(tell func(Line)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.watch = append(j.watch, tell)
}

// Lines is a copy of all lines so far.
func (j *Journal) Lines() []Line {
	j.mu.Lock()
	defer j.mu.Unlock()
	lines := make([]Line, len(j.lines))
	for i, line := range j.lines {
		lines[i] = *line
	}
	return lines
}
