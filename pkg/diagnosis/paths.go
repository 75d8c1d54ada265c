// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package diagnosis

import (
	"net/url"
	"slices"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/incident"
)

// mayReach says whether failing requests may meet a load balancer's rule. Only logs can exclude it, and only by the path; an
// edge function may send another path to the origin than the viewer asked for, so that with one nothing is excluded.
func (v *view) mayReach(r incident.Rule) bool {
	patterns := pathsOf(r)
	if len(patterns) == 0 || len(v.lambdas)+len(v.functions) > 0 || !v.logs.enough() {
		return true
	}
	all, met := int64(0), int64(0)
	for _, g := range v.logs.failing {
		for _, path := range g.Paths.Top {
			all += path.Count
			if v.meets(patterns, path.Value) {
				met += path.Count
			}
		}
	}
	return all < 3 || float64(met) >= 0.1*float64(all)
}

// meets says whether one of the patterns takes a path as it is logged, below the path of any origin in question.
func (v *view) meets(patterns []string, logged string) bool {
	path := logged
	if plain, err := url.PathUnescape(logged); err == nil {
		path = plain
	}
	under := []string{""}
	for _, o := range v.scope.origins {
		under = append(under, o.Path)
	}
	return slices.ContainsFunc(under, func(prefix string) bool {
		return slices.ContainsFunc(patterns, func(pattern string) bool { return distribution.MatchPattern(pattern, prefix+path) })
	})
}

// pathsOf are the path patterns of a rule's conditions; a rule without takes every path.
func pathsOf(r incident.Rule) []string {
	for _, c := range r.Conditions {
		if c.Field == "path-pattern" {
			return c.Values
		}
	}
	return nil
}
