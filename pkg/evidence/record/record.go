// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package record reads and writes recorded incidents: the folder that docs/recorded-incident.md defines, which holds what
// AWS answered around one alarm in the form in which the AWS CLI prints it. It calls nothing. A file that is absent was
// not read; a file that is damaged gives what could be read of it and a gap with the reason; nothing in it can make the
// reader fail but the lack of what is required.
package record

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"cloudfront503/pkg/incident"
)

// Bounds on what is read, so that a hostile folder cannot exhaust memory.
const (
	mostBytes = 64 << 20 // of one file that is no log
	mostFiles = 4000     // of one folder
)

// reader collects the evidence of one folder.
type reader struct {
	files fs.FS
	ev    incident.Evidence
}

// Read reads a recorded incident from its root folder. The error names what is required and cannot be read:
// incident.json and distribution.json must exist, and incident.json must tell the distribution and the alarm's time.
// Everything else that is missing or damaged is a gap of the evidence.
func Read(folder fs.FS) (incident.Evidence, error) {
	r := &reader{files: folder}
	if err := r.cover(); err != nil {
		return incident.Evidence{}, err
	}
	if err := r.state(); err != nil {
		return incident.Evidence{}, err
	}
	for _, part := range parts {
		r.part(part)
	}
	r.accessLogs()
	r.settle()
	return r.ev, nil
}

// part is a file, or a folder with a file a Region or an event, and how its content is taken.
type part struct {
	path   string // with a trailing slash: a folder
	suffix string
	take   func(r *reader, name string, content []byte) error // name is the file's, without its ending
}

// parts are the files of a recorded incident but for the required ones and the logs.
var parts = []part{
	{"event.json", "", (*reader).trigger},
	{"baseline.json", "", (*reader).baseline},
	{"metrics/", ".json", (*reader).metrics},
	{"cloudtrail/", ".json", (*reader).trail},
	{"service-quotas/", ".json", (*reader).quotas},
	{"health/", ".json", (*reader).health},
	{"elbv2/", ".json", (*reader).loadBalancers},
	{"elb/", ".json", (*reader).classic},
	{"lambda/", ".json", (*reader).lambda},
	{"cloudfront/functions.json", "", (*reader).functions},
	{"cloudfront/staging.json", "", (*reader).staging},
	{"wafv2/", ".json", (*reader).webACLs},
	{"wafv2/logs.jsonl", "", (*reader).waf},
	{"probe.http", "", (*reader).probe},
	{"probes/", ".http", (*reader).attempt},
}

func (r *reader) part(p part) {
	if !strings.HasSuffix(p.path, "/") {
		r.file(p.path, p.take)
		return
	}
	for _, name := range r.list(strings.TrimSuffix(p.path, "/")) {
		if strings.HasSuffix(strings.ToLower(name), p.suffix) {
			r.file(p.path+name, p.take)
		}
	}
}

// file takes one file if it is there.
func (r *reader) file(name string, take func(*reader, string, []byte) error) {
	content, err := r.content(name)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	source := sourceOf(name)
	if err == nil {
		err = take(r, strings.TrimSuffix(path.Base(name), path.Ext(name)), content)
	}
	if err != nil {
		r.gap(source, err.Error())
	}
	if !errors.Is(err, errNothing) {
		r.ev.Read = append(r.ev.Read, source)
	}
}

// errNothing says that a file is there and holds nothing that could be read.
var errNothing = errors.New("nothing of it can be read")

// sourceOf is a file's name without its ending, as facts and gaps name it.
func sourceOf(name string) string { return strings.TrimSuffix(name, path.Ext(name)) }

func (r *reader) gap(source, why string) {
	r.ev.Gaps = append(r.ev.Gaps, incident.Gap{Source: source, Why: incident.Line(why, 200)})
}

// list names a folder's files, sorted.
func (r *reader) list(folder string) []string {
	entries, err := fs.ReadDir(r.files, folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.gap(folder, "cannot be listed: "+err.Error())
	}
	var names []string
	for _, entry := range entries {
		if !entry.IsDir() {
			names = append(names, entry.Name())
		}
	}
	slices.Sort(names)
	if len(names) > mostFiles {
		r.gap(folder, fmt.Sprintf("%d files; only %d are read", len(names), mostFiles))
		names = names[:mostFiles]
	}
	return names
}

// errNoFile says that what has a file's name is a pipe, a device or a folder: to read it could last for ever.
var errNoFile = errors.New("is no regular file")

// open opens a regular file, and nothing else. It asks before it opens, as a pipe would already wait there.
func (r *reader) open(name string) (fs.File, error) {
	info, err := fs.Stat(r.files, name)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%w: %w", errNoFile, errNothing)
	}
	return r.files.Open(name)
}

// content is a file's text as UTF-8, whatever it went through on its way.
func (r *reader) content(name string) ([]byte, error) {
	file, err := r.open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	raw, err := io.ReadAll(io.LimitReader(file, mostBytes+1))
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", err)
	}
	if len(raw) > mostBytes {
		r.gap(sourceOf(name), fmt.Sprintf("larger than %d MiB: the rest is not read", mostBytes>>20))
		raw = raw[:mostBytes]
	}
	return plain(raw), nil
}

// settle sorts what came from several files and names each source once.
func (r *reader) settle() {
	slices.Sort(r.ev.Read)
	r.ev.Read = slices.Compact(r.ev.Read)
	slices.SortStableFunc(r.ev.Calls, func(a, b incident.Call) int { return a.At.Compare(b.At) })
	r.ev.Health = latest(r.ev.Health)
	r.ev.Findings = append(r.ev.Findings, differences(r.ev.Probes)...)
}
