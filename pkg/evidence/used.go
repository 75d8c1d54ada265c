// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package evidence

import (
	"encoding/json"
	"slices"
	"strings"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/incident"
)

// used is what a configuration points to and evidence can be read of.
type used struct {
	lambdas   []lambdaVersion // Lambda@Edge associations, each once
	functions []string        // names of CloudFront Functions, each once
	aliases   []string        // without wildcards
	origins   []distribution.Origin
	webACL    string
	staging   string // the continuous-deployment policy's id
	logging   distribution.Logging
}

// lambdaVersion is one numbered version, which is what an association names.
type lambdaVersion struct{ arn, name string }

// usedBy reads what a configuration points to; from one that cannot be read, nothing.
func usedBy(text json.RawMessage) used {
	config, err := distribution.Parse(text)
	if err != nil {
		return used{}
	}
	var u used
	for _, behavior := range config.Behaviors() {
		u.add(behavior)
	}
	u.origins, u.webACL, u.staging, u.logging = config.Origins(), config.WebACL(), config.ContinuousDeploymentPolicyID(), config.Logging()
	u.aliases = slices.DeleteFunc(config.Aliases(), func(alias string) bool { return strings.Contains(alias, "*") })
	return u
}

func (u *used) add(behavior distribution.Behavior) {
	for _, association := range behavior.Lambda {
		version := lambdaVersion{association.ARN, part(association.ARN, ":", 6)}
		if version.name != "" && !slices.Contains(u.lambdas, version) {
			u.lambdas = append(u.lambdas, version)
		}
	}
	for _, association := range behavior.Functions {
		name := part(association.ARN, "/", 1)
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
