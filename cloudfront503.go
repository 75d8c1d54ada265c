// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package cloudfront503 carries the stack's template, so that an installed cf503 can rehearse what is deployed without
// its sources. The story is told by the packages under functions; README.md says where to begin.
package cloudfront503

import (
	"embed"
	"io/fs"
)

//go:embed template.yaml pkg/runbook/documents/*.yaml
var files embed.FS

// Template is template.yaml.
func Template() []byte {
	text, err := files.ReadFile("template.yaml")
	if err != nil {
		return nil // it is embedded, or this does not compile
	}
	return text
}

// Files are what the template includes, by the paths that it names.
func Files() fs.FS { return files }
