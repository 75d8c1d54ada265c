// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"

	"cloudfront503/pkg/diagnosis/corpus"
	"cloudfront503/pkg/incident"
)

// expected is the label beside a recorded incident.
type expected struct {
	Accept, MustNot []incident.Cause
	Change          *string
	ChangeAlso      []string
	Status          *int
	Kind            string
}

// labelled reads a folder of labelled incidents; none where it is absent.
func labelled(root string) []corpus.Case {
	folders, _ := filepath.Glob(filepath.Join(root, "*"))
	var out []corpus.Case
	for _, folder := range folders {
		var want expected
		text, err := os.ReadFile(filepath.Join(folder, "expected.json"))
		if err != nil || json.Unmarshal(text, &want) != nil || len(want.Accept) == 0 {
			continue
		}
		c := corpus.Case{Name: filepath.Base(folder), Cause: want.Accept[0], Presentation: want.Kind, Accept: want.Accept, MustNot: want.MustNot,
			ChangeAlso: want.ChangeAlso, Files: contents(folder)}
		if want.Change != nil {
			c.Change = *want.Change
		}
		if want.Status != nil {
			c.Status = *want.Status
		}
		out = append(out, c)
	}
	return out
}

func contents(folder string) map[string][]byte {
	files := map[string][]byte{}
	_ = fs.WalkDir(os.DirFS(folder), ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files[name], _ = os.ReadFile(filepath.Join(folder, name))
		}
		return nil
	})
	return files
}
