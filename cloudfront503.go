// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package cloudfront503 carries the stack's template, so that an installed cf503 can rehearse what is deployed without
// its sources. The story is told by the packages under functions; README.md says where to begin.
package cloudfront503

import _ "embed"

//go:embed template.yaml
var template []byte

// Template is template.yaml.
func Template() []byte { return template }
