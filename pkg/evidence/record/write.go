// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package record

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
)

// Files is a recorded incident in memory: contents by slash-separated path. It is a file system, so that Read can read
// what was just gathered, and Write keeps it.
type Files map[string][]byte

// Write gives every file to put, in the order of their paths but for incident.json, which comes last: a record that has
// it is whole. The first error ends it.
func Write(files Files, put func(name string, content []byte) error) error {
	const cover = "incident.json"
	names := slices.Sorted(maps.Keys(files))
	names = append(slices.DeleteFunc(names, func(name string) bool { return name == cover }), cover)
	for _, name := range names {
		if !fs.ValidPath(name) {
			return fmt.Errorf("recorded incident: %q is no path", name)
		}
		content, there := files[name]
		if !there {
			return fmt.Errorf("recorded incident: no %s", name)
		}
		if err := put(name, content); err != nil {
			return fmt.Errorf("recorded incident: %s: %w", name, err)
		}
	}
	return nil
}

// Open fulfils fs.FS.
func (f Files) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	if content, there := f[name]; there {
		return &memory{entry: entry{path.Base(name), int64(len(content)), false}, Reader: bytes.NewReader(content)}, nil
	}
	inside, err := f.ReadDir(name)
	if err != nil {
		return nil, err
	}
	return &listing{memory: memory{entry: entry{path.Base(name), 0, true}, Reader: bytes.NewReader(nil)}, inside: inside}, nil
}

// ReadDir fulfils fs.ReadDirFS.
func (f Files) ReadDir(name string) ([]fs.DirEntry, error) {
	found := map[string]fs.DirEntry{}
	for full, content := range f {
		rest, inside := strings.CutPrefix(full, name+"/")
		if name == "." {
			rest, inside = full, true
		}
		if !inside {
			continue
		}
		first, _, deeper := strings.Cut(rest, "/")
		size := int64(len(content))
		if deeper {
			size = 0
		}
		found[first] = fs.FileInfoToDirEntry(entry{first, size, deeper})
	}
	if len(found) == 0 && name != "." {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	var out []fs.DirEntry
	for _, first := range slices.Sorted(maps.Keys(found)) {
		out = append(out, found[first])
	}
	return out, nil
}

// memory is an open file of Files.
type memory struct {
	entry
	*bytes.Reader
}

// Stat fulfils fs.File.
func (m *memory) Stat() (fs.FileInfo, error) { return m.entry, nil }

// Size is the file's length in bytes.
func (m *memory) Size() int64 { return m.entry.size }

// Close fulfils fs.File.
func (m *memory) Close() error { return nil }

// listing is an open folder of Files.
type listing struct {
	memory
	inside []fs.DirEntry
}

// ReadDir fulfils fs.ReadDirFile.
func (l *listing) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		n = len(l.inside)
	} else if len(l.inside) == 0 {
		return nil, io.EOF
	}
	first := l.inside[:min(n, len(l.inside))]
	l.inside = l.inside[len(first):]
	return first, nil
}

// entry describes a file of Files.
type entry struct {
	name   string
	size   int64
	folder bool
}

// Name fulfils fs.FileInfo, as the rest does.
func (e entry) Name() string { return e.name }

// Size is in bytes.
func (e entry) Size() int64 { return e.size }

// Mode is that of a file or a folder which everybody may read.
func (e entry) Mode() fs.FileMode {
	if e.folder {
		return fs.ModeDir | 0o555
	}
	return 0o444
}

// ModTime is unknown.
func (e entry) ModTime() time.Time { return time.Time{} }

// IsDir tells folders from files.
func (e entry) IsDir() bool { return e.folder }

// Sys is nil.
func (e entry) Sys() any { return nil }
