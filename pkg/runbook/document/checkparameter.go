// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package document

import (
	"regexp"
	"slices"
	"strings"
)

func (c *checker) parameters() {
	for _, p := range c.doc.Parameters {
		c.parameter("parameter "+p.Name, p)
	}
	for _, v := range c.doc.Variables {
		c.parameter("variable "+v.Name, Parameter{
			Name: v.Name, Type: v.Type, Default: v.Default, AllowedValues: v.AllowedValues, AllowedPattern: v.AllowedPattern,
			MinItems: v.MinItems, MaxItems: v.MaxItems, MinChars: v.MinChars, MaxChars: v.MaxChars,
		})
	}
}

func (c *checker) parameter(at string, p Parameter) {
	if !plainName.MatchString(p.Name) || len(p.Name) > 50 {
		c.refused("", "%s: a name has 1 to 50 letters, digits and underscores", at)
	}
	if !slices.Contains(parameterTypes, p.Type) && !strings.HasPrefix(p.Type, "AWS::") && !strings.HasPrefix(p.Type, "List<AWS::") {
		c.refused("", "%s: type %s does not exist", at, p.Type)
	}
	c.bounds(at, "Items", p.MinItems, p.MaxItems, MaxListItems)
	c.bounds(at, "Chars", p.MinChars, p.MaxChars, MaxValueCharacters)
	if _, err := regexp.Compile(p.AllowedPattern); err != nil {
		c.unwise("", "%s: allowedPattern is Java's to judge, and not for us to read: %v", at, err)
		return
	}
	c.defaultValue(at, p)
}

func (c *checker) bounds(at, what string, low, high *int, limit int) {
	if low != nil && high != nil && *low > *high {
		c.refused("", "%s: min%s %d is more than max%s %d", at, what, *low, what, *high)
	}
	if high != nil && *high > limit {
		c.unwise("", "%s: max%s %d is more than AWS takes, %d", at, what, *high, limit)
	}
}

func (c *checker) defaultValue(at string, p Parameter) {
	if p.Default == nil {
		return
	}
	for _, r := range References(p.Default) {
		if r.Scope != "ssm" {
			c.refused("", "%s: a default may refer to {{ssm:…}} only, not to %s", at, r)
		}
	}
	if len(References(p.Default)) > 0 {
		return
	}
	if !fits(p.Type, p.Default) {
		c.refused("", "%s: the default is not of type %s", at, p.Type)
	}
	if s, ok := p.Default.(string); ok && s != "" {
		c.defaultText(at, p, s)
	}
}

func (c *checker) defaultText(at string, p Parameter, s string) {
	if len(p.AllowedValues) > 0 && !slices.Contains(p.AllowedValues, any(s)) {
		c.refused("", "%s: the default is not among allowedValues", at)
	}
	if p.AllowedPattern != "" && !regexp.MustCompile(p.AllowedPattern).MatchString(s) {
		c.refused("", "%s: the default does not match allowedPattern", at)
	}
	if len([]rune(s)) > MaxValueCharacters {
		c.unwise("", "%s: the default is longer than %d characters", at, MaxValueCharacters)
	}
}

// fits says whether a value as the text writes it can be of a type. A type that is not known fits everything.
func fits(kind string, value any) bool {
	switch kind {
	case "String":
		_, ok := value.(string)
		return ok
	case "Integer":
		_, ok := value.(int)
		return ok
	case "Boolean":
		_, ok := value.(bool)
		return ok
	case "StringMap":
		_, ok := value.(map[string]any)
		return ok
	case "StringList", "MapList":
		_, ok := value.([]any)
		return ok
	}
	return true
}
