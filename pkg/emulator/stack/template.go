// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package stack

import (
	"errors"
	"fmt"
	"slices"
)

// template is a template as it is written, with nothing evaluated.
type template struct {
	parameters map[string]parameter
	mappings   map[string]map[string]any
	conditions map[string]any
	rules      map[string]rule
	resources  map[string]declaration
	outputs    map[string]output
}

// declaration is one resource.
type declaration struct {
	Type                string
	Condition           string
	DependsOn           any
	DeletionPolicy      string
	UpdateReplacePolicy string
	Metadata            any
	Properties          map[string]any
}

type output struct {
	Description string
	Condition   string
	Value       any
	Export      any
}

// macro is the only transform of whole templates that is emulated.
const macro = "AWS::Serverless-2016-10-31"

// parse reads a template and expands what SAM stands for.
func parse(raw []byte) (template, error) {
	value, err := readYAML(raw)
	if err != nil {
		return template{}, err
	}
	var whole struct {
		AWSTemplateFormatVersion string
		Transform                any
		Description              string
		Metadata                 any
		Parameters               map[string]parameter
		Mappings                 map[string]map[string]any
		Conditions               map[string]any
		Rules                    map[string]rule
		Globals                  map[string]map[string]any
		Resources                map[string]declaration
		Outputs                  map[string]output
	}
	if err := decode(value, &whole); err != nil {
		return template{}, err
	}
	if whole.AWSTemplateFormatVersion != "" && whole.AWSTemplateFormatVersion != "2010-09-09" {
		return template{}, fmt.Errorf("AWSTemplateFormatVersion %s is not known", whole.AWSTemplateFormatVersion)
	}
	if !slices.Contains([]any{nil, macro}, whole.Transform) {
		return template{}, fmt.Errorf("transform %v is not emulated", whole.Transform)
	}
	if len(whole.Resources) == 0 {
		return template{}, errors.New("no resources")
	}
	t := template{
		parameters: whole.Parameters, mappings: whole.Mappings, conditions: whole.Conditions, rules: whole.Rules,
		resources: whole.Resources, outputs: whole.Outputs,
	}
	return t, t.expand(whole.Globals)
}
