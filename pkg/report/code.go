// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"cloudfront503/pkg/incident"
)

// Snippets are one change in the words of the tools that manage distributions as code. What a format has no known place for
// stands in it as a comment with the API's path; what may be a secret stands in none.
type Snippets struct {
	CloudFormation string // YAML, below the resource's Properties
	Terraform      string // HCL, of the resource aws_cloudfront_distribution
	CDK            string // TypeScript, overrides of the L1 construct CfnDistribution
}

// mostFields bounds how many fields a snippet is made of.
const mostFields = mostRows

// Code words changes of a distribution's configuration for the code that manages it, so that its next deployment does not
// undo them.
func Code(changes []incident.FieldChange) Snippets {
	more := ""
	if len(changes) > mostFields {
		more = fmt.Sprintf("and %d more fields, which the plan in the incident's folder has", len(changes)-mostFields)
		changes = changes[:mostFields]
	}
	tree := grow(changes)
	cloudFormation := dialect{name: func(p place) string { return p.cloudFormation }, quote: quoted}
	terraform := dialect{name: func(p place) string { return p.terraform }, quote: templated}
	template, resource := cloudFormation.pieces(tree, false), terraform.pieces(tree, false)
	return Snippets{
		CloudFormation: yamlText(template) + comments("# ", more, cloudFormation.unsaid),
		Terraform:      hclText(resource) + comments("# ", more, terraform.unsaid),
		CDK:            cdkText(template) + comments("// ", more, cloudFormation.unsaid),
	}
}

// comments say what stands nowhere else.
func comments(mark, more string, unsaid []string) string {
	var text strings.Builder
	if len(unsaid) > 0 {
		text.WriteString(mark + "Its place in this format is not known here. In CloudFront's API:\n")
	}
	for _, each := range unsaid {
		text.WriteString(mark + "  " + each + "\n")
	}
	if more != "" {
		text.WriteString(mark + more + "\n")
	}
	return text.String()
}

// sheet is a snippet while it is written.
type sheet struct{ strings.Builder }

func (s *sheet) line(depth int, parts ...string) {
	s.WriteString(strings.Repeat("  ", depth) + strings.Join(parts, "") + "\n")
}

func yamlText(pieces []*piece) string {
	if len(pieces) == 0 {
		return ""
	}
	var s sheet
	s.line(0, "# below Properties of your AWS::CloudFront::Distribution; only what changes is here")
	s.line(0, "DistributionConfig:")
	s.yaml(1, pieces)
	return s.String()
}

func (s *sheet) yaml(depth int, pieces []*piece) {
	for _, p := range pieces {
		switch {
		case p.note != "":
			s.line(depth, "# ", p.note)
		case p.leaf != "":
			s.line(depth, p.name, ": ", p.leaf)
		case len(p.parts) == 0:
			s.line(depth, p.name, ": ", map[bool]string{true: "[]", false: "{}"}[p.list])
		case p.list && onlyNotes(p.parts):
			s.notes(depth, p)
		case p.list:
			s.line(depth, p.name, ":")
			s.yamlElements(depth+1, p.parts)
		default:
			s.line(depth, p.name, ":")
			s.yaml(depth+1, p.parts)
		}
	}
}

// onlyNotes reports a list of which no element can be written down.
func onlyNotes(elements []*piece) bool {
	return !slices.ContainsFunc(elements, func(element *piece) bool { return element.note == "" })
}

// notes are what is said about a list's elements.
func (s *sheet) notes(depth int, list *piece) {
	for _, element := range list.parts {
		if element.note != "" {
			s.line(depth, "# ", list.name, ": ", element.note)
		}
	}
}

func (s *sheet) yamlElements(depth int, elements []*piece) {
	for _, element := range elements {
		if element.note != "" {
			s.line(depth, "# ", element.note)
			continue
		}
		var inner sheet
		inner.yaml(depth+1, element.parts)
		s.WriteString(strings.Replace(inner.String(), strings.Repeat("  ", depth+1), strings.Repeat("  ", depth)+"- ", 1))
	}
}

func hclText(pieces []*piece) string {
	if len(pieces) == 0 {
		return ""
	}
	var s sheet
	s.line(0, "# only what changes is here; the resource has your own name")
	s.line(0, `resource "aws_cloudfront_distribution" "distribution" {`)
	s.hcl(1, pieces)
	s.line(0, "}")
	return s.String()
}

func (s *sheet) hcl(depth int, pieces []*piece) {
	width := 0
	for _, p := range pieces {
		if p.leaf != "" {
			width = max(width, len(p.name))
		}
	}
	for _, p := range pieces {
		switch {
		case p.note != "":
			s.line(depth, "# ", p.note)
		case p.leaf != "":
			s.line(depth, fmt.Sprintf("%-*s = %s", width, p.name, p.leaf))
		case p.list:
			s.hclBlocks(depth, p)
		default:
			s.line(depth, p.name, " {")
			s.hcl(depth+1, p.parts)
			s.line(depth, "}")
		}
	}
}

func (s *sheet) hclBlocks(depth int, list *piece) {
	for _, element := range list.parts {
		if element.note == "" {
			s.line(depth, list.name, " {")
			s.hcl(depth+1, element.parts)
			s.line(depth, "}")
		}
	}
	s.notes(depth, list)
}

// section is the part of the report with the snippets.
type section struct {
	before   string
	snippets []snippet
}

type snippet struct {
	name, language, text string
	open                 bool // a tag says that it is this format
}

// code is the part for the code that manages the distribution: nothing where nothing of ours is live.
func (s story) code() section {
	if s.written == nil || s.undone != nil || len(s.plan.Difference) == 0 {
		return section{}
	}
	code := Code(s.plan.Difference)
	stack, terraform := managed(s.Tags)
	return section{before: deployed(stack, terraform), snippets: []snippet{
		{"CloudFormation", "yaml", code.CloudFormation, stack != ""},
		{"Terraform", "hcl", code.Terraform, terraform != ""},
		{"CDK", "typescript", code.CDK, stack != ""},
	}}
}

// stackTag is set by CloudFormation on what it makes, and nobody else may set it. A CDK application deploys through
// CloudFormation, and leaves no tag of its own to rely on.
const stackTag = "aws:cloudformation:stack-name"

// managed is what the tags tell: the CloudFormation stack, and the tag that names Terraform or OpenTofu.
func managed(tags map[string]string) (stack, terraform string) {
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		both := strings.ToLower(key + "=" + tags[key])
		if strings.Contains(both, "terraform") || strings.Contains(both, "tofu") {
			return tags[stackTag], key
		}
	}
	return tags[stackTag], ""
}

// deployed says what the next deployment does.
func deployed(stack, terraform string) string {
	then := " undoes the change unless the code says the same. Where it says so already, nothing is to be done."
	switch {
	case stack != "":
		return "The distribution belongs to the CloudFormation stack " + stack + ". Its next deployment" + then
	case terraform != "":
		return "The tag " + terraform + " names Terraform. The next apply" + then
	}
	return "No tag tells whether code manages the distribution. Where some does, its next deployment" + then
}
