// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package plan

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"cloudfront503/pkg/distribution"
)

// affects is the blast radius: how many requests, under which names, and whose.
func (in Input) affects() string {
	names := in.hostNames()
	if len(names) > 3 {
		names = append(slices.Clone(names[:3]), fmt.Sprintf("%d more", len(names)-3))
	}
	rate := "An unknown number of requests a minute"
	if in.RequestsPerMinute != nil {
		rate = "About " + number(math.Round(*in.RequestsPerMinute)) + " requests a minute"
	}
	if len(names) > 0 {
		rate += " for " + strings.Join(names, ", ")
	}
	if in.tenantOnly() {
		rate += ", and all tenants of this multi-tenant distribution"
	}
	return rate + "."
}

func (in Input) tenantOnly() bool {
	config, err := distribution.Parse(in.Live.Config)
	return err == nil && config.TenantOnly()
}

// scope is what the plan may touch, and by what leave.
func (in Input) scope() string {
	where := "Distribution " + in.Distribution
	if in.Account != "" {
		where += " of account " + in.Account
	}
	if in.Policy.OptIn != "" {
		return where + " alone, which bears the tag " + in.Policy.OptIn + "."
	}
	return where + " alone, which the stack lists."
}

func (in Input) hostNames() []string {
	config, err := distribution.Parse(in.Live.Config)
	if err == nil && len(config.Aliases()) > 0 {
		return config.Aliases()
	}
	if in.Live.DomainName != "" {
		return []string{in.Live.DomainName}
	}
	return nil
}

// number writes a count with commas between thousands.
func number(n float64) string {
	text := strconv.FormatFloat(n, 'f', -1, 64)
	whole, fraction, hasFraction := strings.Cut(text, ".")
	for i := len(whole) - 3; i > 0 && whole[i-1] != '-'; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if hasFraction {
		return whole + "." + fraction
	}
	return whole
}

// sentence makes a sentence of an error's text.
func sentence(text string) string {
	text = strings.TrimSuffix(strings.TrimPrefix(text, "refused: "), ".")
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// lower makes the clause of a sentence.
func lower(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToLower(text[:1]) + text[1:]
}
