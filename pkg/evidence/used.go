// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package evidence

import (
	"encoding/json"
	"slices"
	"strings"

	"cloudfront503/pkg/incident"
)

// used is what a configuration points to and evidence can be read of.
type used struct {
	lambdas   []lambdaVersion // Lambda@Edge associations, each once
	functions []string        // names of CloudFront Functions, each once
	aliases   []string        // without wildcards
}

// lambdaVersion is one numbered version, which is what an association names.
type lambdaVersion struct{ arn, name string }

// config is the part of a DistributionConfig that says what is used.
type config struct {
	Aliases              struct{ Items []string }
	DefaultCacheBehavior behavior
	CacheBehaviors       struct{ Items []behavior }
}

type behavior struct {
	LambdaFunctionAssociations struct {
		Items []struct{ LambdaFunctionARN string }
	}
	FunctionAssociations struct {
		Items []struct{ FunctionARN string }
	}
}

// usedBy reads what a configuration points to; from one that cannot be read, nothing.
func usedBy(text json.RawMessage) used {
	var c config
	if json.Unmarshal(text, &c) != nil {
		return used{}
	}
	var u used
	for _, b := range append(c.CacheBehaviors.Items, c.DefaultCacheBehavior) {
		u.add(b)
	}
	for _, alias := range c.Aliases.Items {
		if !strings.Contains(alias, "*") {
			u.aliases = append(u.aliases, alias)
		}
	}
	return u
}

func (u *used) add(b behavior) {
	for _, association := range b.LambdaFunctionAssociations.Items {
		version := lambdaVersion{association.LambdaFunctionARN, part(association.LambdaFunctionARN, ":", 6)}
		if version.name != "" && !slices.Contains(u.lambdas, version) {
			u.lambdas = append(u.lambdas, version)
		}
	}
	for _, association := range b.FunctionAssociations.Items {
		name := part(association.FunctionARN, "/", 1)
		if name != "" && !slices.Contains(u.functions, name) {
			u.functions = append(u.functions, name)
		}
	}
}

// part is the i-th part of an ARN, empty where there are fewer.
func part(arn, sep string, i int) string {
	parts := strings.Split(arn, sep)
	if i >= len(parts) {
		return ""
	}
	return parts[i]
}

// host is the name under which viewers reach the distribution: its first alias, else its own.
func host(s incident.Snapshot) string {
	if aliases := usedBy(s.Config).aliases; len(aliases) > 0 {
		return aliases[0]
	}
	return s.DomainName
}
