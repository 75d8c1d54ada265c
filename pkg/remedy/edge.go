// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package remedy

import (
	"slices"
	"strconv"
	"strings"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/incident"
)

// proposeEdge finds, for each association of the version that fails, the version of the same function that served well
// before. Where none is known and people may be asked for it, the association is taken off.
func proposeEdge(diagnosis incident.Diagnosis, in Inputs, prepared Prepared) (*incident.Recipe, error) {
	failing := diagnosis.Detail.FunctionARN
	if _, _, ok := version(failing); !ok {
		return nil, refuse("the evidence does not name the version of the function that fails")
	}
	var recipe incident.EdgeRecipe
	for _, behavior := range in.Theirs.Behaviors() {
		for _, association := range behavior.Lambda {
			if association.ARN != failing {
				continue
			}
			to := in.earlier(behavior, association)
			if to == "" && !prepared.MayDetach {
				return nil, refuse("no earlier version of %s is known to have served well at behaviour %s", functionOf(failing), behavior.PathPattern)
			}
			recipe.Repoint = append(recipe.Repoint, incident.Repoint{Behavior: behavior.PathPattern, EventType: association.EventType, From: failing, To: to})
		}
	}
	if len(recipe.Repoint) == 0 {
		return nil, refuse("no behaviour has the function %s any more", functionOf(failing))
	}
	return &incident.Recipe{Edge: &recipe}, nil
}

// earlier is the version of the same function that the known good configuration has: at the same place, else the only one
// that it has anywhere at this event. Another function is no earlier version.
func (in Inputs) earlier(behavior distribution.Behavior, failing distribution.Association) string {
	var anywhere []string
	for _, known := range in.Ours.Behaviors() {
		for _, association := range known.Lambda {
			if association.EventType != failing.EventType || !otherVersion(failing.ARN, association.ARN) {
				continue
			}
			if known.PathPattern == behavior.PathPattern {
				return association.ARN
			}
			anywhere = append(anywhere, association.ARN)
		}
	}
	slices.Sort(anywhere)
	if anywhere = slices.Compact(anywhere); len(anywhere) == 1 && !in.placed(behavior, failing.EventType) {
		return anywhere[0]
	}
	return ""
}

// placed reports whether the known good configuration has this behaviour: what stood there is then the only answer.
func (in Inputs) placed(behavior distribution.Behavior, eventType string) bool {
	return slices.ContainsFunc(in.Ours.Behaviors(), func(known distribution.Behavior) bool {
		return known.PathPattern == behavior.PathPattern && slices.ContainsFunc(known.Lambda, func(a distribution.Association) bool { return a.EventType == eventType })
	})
}

// repointEdge computes the change of a recipe. Whatever the recipe says, an association goes to a numbered version of the
// same function, or away.
func repointEdge(plan incident.Plan, _ incident.Diagnosis, in Inputs) (Change, error) {
	if plan.Recipe == nil || plan.Recipe.Edge == nil {
		return Change{}, refuse("the plan names no associations")
	}
	var wanted []incident.FieldChange
	for _, repoint := range plan.Recipe.Edge.Repoint {
		if repoint.To != "" && !otherVersion(repoint.From, repoint.To) {
			return Change{}, refuse("%s is no other version of %s", repoint.To, repoint.From)
		}
		change, err := in.repoint(repoint)
		if err != nil {
			return Change{}, err
		}
		wanted = append(wanted, change)
	}
	return in.make(wanted, nil)
}

func (in Inputs) repoint(r incident.Repoint) (incident.FieldChange, error) {
	for _, behavior := range in.Theirs.Behaviors() {
		if behavior.PathPattern != r.Behavior {
			continue
		}
		path := behavior.LambdaPath(r.EventType)
		if r.To == "" {
			return incident.FieldChange{Path: path, From: in.Theirs.Value(path)}, in.stands(path, r)
		}
		return incident.FieldChange{Path: path + "/" + lambdaARN, From: quoted(r.From), To: quoted(r.To)}, nil
	}
	return incident.FieldChange{}, &Conflict{Fields: []string{r.Behavior}}
}

const lambdaARN = "LambdaFunctionARN"

// stands reports a conflict where the association is not the one that is meant.
func (in Inputs) stands(path string, r incident.Repoint) error {
	if string(in.Theirs.Value(path+"/"+lambdaARN)) != string(quoted(r.From)) {
		return &Conflict{Fields: []string{path}}
	}
	return nil
}

// version takes a numbered version's ARN apart: arn:aws:lambda:us-east-1:111122223333:function:auth:7. Lambda@Edge takes
// no other: no alias, no $LATEST, no other Region [CloudFront guide, "Lambda@Edge restrictions"].
func version(arn string) (function string, number int, ok bool) {
	parts := strings.Split(arn, ":")
	if len(parts) != 8 || parts[2] != "lambda" || parts[5] != "function" || parts[6] == "" || strings.ContainsFunc(arn, unprintable) {
		return "", 0, false
	}
	number, err := strconv.Atoi(parts[7])
	return strings.Join(parts[:7], ":"), number, err == nil && number > 0
}

func unprintable(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }

// otherVersion reports whether both are numbered versions of one function, and not the same.
func otherVersion(a, b string) bool {
	functionA, numberA, okA := version(a)
	functionB, numberB, okB := version(b)
	return okA && okB && functionA == functionB && numberA != numberB
}

// functionOf is a version's function as people call it: auth, version 7.
func functionOf(arn string) string {
	parts := strings.Split(arn, ":")
	if len(parts) != 8 {
		return arn
	}
	return parts[6] + ", version " + parts[7]
}
