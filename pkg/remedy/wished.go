// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package remedy

import (
	"slices"
	"strings"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/incident"
)

// restoreWished puts back what a person names, to what the snapshot in Ours holds; without names whatever differs, but for
// what protects the distribution. No diagnosis speaks for it: what is named takes the place of what would be blamed, and
// everything that no remedy may do stays forbidden.
func restoreWished(recipe incident.RestoreRecipe, in Inputs) (Change, error) {
	in.Base, in.Blamed = nil, recipe.Only
	if in.FlatRate {
		return Change{}, refuse("distribution %s is on a flat-rate plan, which does not allow every older configuration", in.Distribution)
	}
	if err := suits(in); err != nil {
		return Change{}, err
	}
	differing := distribution.Diff(in.Theirs, in.Ours)
	if err := named(recipe.Only, differing); err != nil {
		return Change{}, err
	}
	var wanted []incident.FieldChange
	var left []string
	for _, change := range differing {
		switch {
		case len(recipe.Only) > 0 && !under(change.Path, recipe.Only):
		case in.mayGoBack(change.Path):
			wanted = append(wanted, change)
		default:
			left = append(left, change.Path)
		}
	}
	if len(wanted) == 0 {
		return Change{}, refuse("there is nothing to put back%s", leftNote(left))
	}
	return in.make(wanted, left)
}

// named refuses names that would put nothing back: a misspelt field must not pass for one that is as it should be.
func named(only []string, differing []incident.FieldChange) error {
	var idle, never []string
	for _, path := range only {
		if bears(path, neverBack) {
			never = append(never, path)
		} else if !slices.ContainsFunc(differing, func(change incident.FieldChange) bool { return under(change.Path, []string{path}) }) {
			idle = append(idle, path)
		}
	}
	switch {
	case len(never) > 0:
		return refuse("no remedy puts %s back", strings.Join(never, ", "))
	case len(idle) > 0:
		return refuse("nothing differs at %s", strings.Join(idle, ", "))
	}
	return nil
}
