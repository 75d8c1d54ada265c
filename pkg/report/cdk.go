// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package report

import (
	"fmt"
	"slices"
)

// cdk writes overrides of an L1 construct. Elements of lists have no names in its paths but indexes, which only the synthesised
// template tells: each is a constant that does not compile until it is filled in.
type cdk struct {
	indexes, overrides sheet
	n                  int
}

func cdkText(pieces []*piece) string {
	if len(pieces) == 0 {
		return ""
	}
	var c cdk
	c.indexes.line(0, "// distribution is yours.node.defaultChild as cloudfront.CfnDistribution")
	c.walk("DistributionConfig", pieces)
	return c.indexes.String() + c.overrides.String()
}

func (c *cdk) walk(path string, pieces []*piece) {
	for _, p := range pieces {
		inner := path + "." + p.name
		switch {
		case p.note != "":
			c.overrides.line(0, "// ", path, ": ", p.note)
		case p.leaf != "":
			c.overrides.line(0, "distribution.addPropertyOverride(`", inner, "`, ", p.leaf, ");")
		case p.whole:
			c.override(inner, p)
		case p.list:
			c.elements(inner, p.parts)
		default:
			c.walk(inner, p.parts)
		}
	}
}

// override sets a thing with all that it holds.
func (c *cdk) override(path string, p *piece) {
	c.overrides.line(0, "distribution.addPropertyOverride(`", path, "`, ", map[bool]string{true: "[", false: "{"}[p.list])
	c.overrides.object(1, p)
	c.overrides.line(0, map[bool]string{true: "]", false: "}"}[p.list], ");")
}

func (c *cdk) elements(path string, elements []*piece) {
	for _, element := range elements {
		if element.note != "" {
			c.overrides.line(0, "// ", path, ": ", element.note)
			continue
		}
		c.n++
		index := fmt.Sprintf("i%d", c.n)
		if element.whole {
			c.indexes.line(0, "// ", index, ": how many elements ", path, " has in the synthesised template; where it has none, override it with a list of this one")
		} else {
			c.indexes.line(0, "// ", index, ": the index in the synthesised template of the element of ", path, " with ", element.told)
		}
		c.indexes.line(0, "const ", index, " = ;")
		inner := path + ".${" + index + "}"
		if element.whole {
			c.override(inner, element)
			continue
		}
		c.walk(inner, slices.DeleteFunc(slices.Clone(element.parts), func(p *piece) bool { return p.told != "" }))
	}
}

// object writes what a thing holds as TypeScript does.
func (s *sheet) object(depth int, whole *piece) {
	for _, p := range whole.parts {
		name := p.name + ": "
		if p.name == "" {
			name = ""
		}
		switch {
		case p.note != "":
			s.line(depth, "// ", p.note)
		case p.leaf != "":
			s.line(depth, name, p.leaf, ",")
		default:
			s.line(depth, name, map[bool]string{true: "[", false: "{"}[p.list])
			s.object(depth+1, p)
			s.line(depth, map[bool]string{true: "],", false: "},"}[p.list])
		}
	}
}
