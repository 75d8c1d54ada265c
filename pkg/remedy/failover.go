// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package remedy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/incident"
)

// failoverCodes are for which a group that is made here fails over: what an origin in trouble answers. 503 stands for
// "cannot connect" as well, and 504 for "timed out" [CloudFront guide, "Optimize high availability with origin failover"].
var failoverCodes = []int{500, 502, 503, 504}

const unavailable = 503

// proposeFailover finds where the requests of the one failing origin can go: an origin group that has it, or another
// origin that the operator has named.
func proposeFailover(diagnosis incident.Diagnosis, in Inputs, prepared Prepared) (*incident.Recipe, error) {
	if in.FlatRate && !prepared.Premium {
		return nil, refuse("origin failover is not part of the distribution's flat-rate plan")
	}
	questioned := in.questioned(diagnosis.Detail)
	failing, err := in.failing(questioned, diagnosis.Detail)
	if err != nil {
		return nil, err
	}
	recipe := incident.FailoverRecipe{Origin: failing}
	if err := in.prepare(&recipe, prepared.Standby); err != nil {
		return nil, err
	}
	for _, behavior := range questioned {
		switch {
		case behavior.TargetOriginID != failing: // it goes to a group already
		case behavior.Writes():
			recipe.Writes = append(recipe.Writes, behavior.PathPattern)
		default:
			recipe.Behaviors = append(recipe.Behaviors, behavior.PathPattern)
		}
	}
	if len(recipe.Behaviors) == 0 && len(recipe.Writes) > 0 {
		return nil, refuse("every behaviour that fails takes writes (%s), and CloudFront fails over reads only", strings.Join(recipe.Writes, ", "))
	}
	if len(recipe.Behaviors) == 0 && len(recipe.Codes) == 0 {
		return nil, refuse("origin group %s fails over on 503 already: its second origin has to be mended", recipe.Group)
	}
	return &incident.Recipe{Failover: &recipe}, nil
}

// questioned are the behaviours that the diagnosis names, all where it names none.
func (in Inputs) questioned(detail incident.Detail) []distribution.Behavior {
	all := in.Theirs.Behaviors()
	named := slices.DeleteFunc(slices.Clone(all), func(b distribution.Behavior) bool { return !slices.Contains(detail.Paths, b.PathPattern) })
	if len(named) > 0 {
		return named
	}
	return all
}

// failing is the one origin that the behaviours fetch from first.
func (in Inputs) failing(behaviors []distribution.Behavior, detail incident.Detail) (string, error) {
	var first []string
	for _, behavior := range behaviors {
		first = append(first, in.primary(behavior.TargetOriginID))
	}
	if len(detail.OriginIDs) > 0 {
		first = slices.DeleteFunc(first, func(id string) bool { return !slices.Contains(detail.OriginIDs, id) })
	}
	slices.Sort(first)
	if first = slices.Compact(first); len(first) != 1 {
		return "", refuse("the evidence does not tell which one of the origins fails")
	}
	return first[0], nil
}

// primary is the origin itself, or the first member where the target is a group.
func (in Inputs) primary(target string) string {
	for _, group := range in.Theirs.OriginGroups() {
		if group.ID == target && len(group.Members) > 0 {
			return group.Members[0]
		}
	}
	return target
}

// prepare says which group takes the requests, and what has to be done to it.
func (in Inputs) prepare(recipe *incident.FailoverRecipe, standby string) error {
	groups := slices.DeleteFunc(in.Theirs.OriginGroups(), func(g distribution.OriginGroup) bool {
		return !slices.Contains(g.Members, recipe.Origin) || len(g.Members) != 2
	})
	slices.SortStableFunc(groups, func(a, b distribution.OriginGroup) int { return rank(a, recipe.Origin) - rank(b, recipe.Origin) })
	if len(groups) > 0 {
		recipe.Group, recipe.Standby = groups[0].ID, other(groups[0], recipe.Origin)
		if !slices.Contains(groups[0].StatusCodes, unavailable) && groups[0].Members[0] == recipe.Origin {
			recipe.Codes = []int{unavailable}
		}
		return nil
	}
	if standby == "" {
		return refuse("no origin stands ready: no origin group has %s, and no tag of the distribution names another origin", recipe.Origin)
	}
	if _, exists := in.Theirs.Origin(standby); !exists || standby == recipe.Origin {
		return refuse("the origin that the tag names as standby, %s, is not another origin of the distribution", incident.Line(standby, 100))
	}
	recipe.Group, recipe.Standby, recipe.Make, recipe.Codes = "cloudfront503-"+recipe.Origin, standby, true, failoverCodes
	return nil
}

// rank puts groups first that try the failing origin first and fail over on 503, as their maker has meant them for this.
func rank(group distribution.OriginGroup, failing string) int {
	switch {
	case group.Members[0] != failing:
		return 2
	case !slices.Contains(group.StatusCodes, unavailable):
		return 1
	}
	return 0
}

func other(group distribution.OriginGroup, member string) string {
	if group.Members[0] == member {
		return group.Members[1]
	}
	return group.Members[0]
}

// failOver computes the change of a recipe.
func failOver(plan incident.Plan, _ incident.Diagnosis, in Inputs) (Change, error) {
	if plan.Recipe == nil || plan.Recipe.Failover == nil {
		return Change{}, refuse("the plan names no origin to fail over to")
	}
	recipe := *plan.Recipe.Failover
	wanted, err := in.group(recipe)
	if err != nil {
		return Change{}, err
	}
	for _, behavior := range in.Theirs.Behaviors() {
		if !slices.Contains(recipe.Behaviors, behavior.PathPattern) {
			continue
		}
		if behavior.Writes() {
			return Change{}, refuse("behaviour %s takes writes, and CloudFront fails over reads only", behavior.PathPattern)
		}
		wanted = append(wanted, incident.FieldChange{Path: behavior.Path() + "/TargetOriginId", From: quoted(recipe.Origin), To: quoted(recipe.Group)})
	}
	return in.make(wanted, nil)
}

// group is what has to be done to the group: make it, let it fail over on more codes, or nothing.
func (in Inputs) group(recipe incident.FailoverRecipe) ([]incident.FieldChange, error) {
	groups := in.Theirs.OriginGroups()
	at := slices.IndexFunc(groups, func(g distribution.OriginGroup) bool { return g.ID == recipe.Group })
	path := distribution.ElementPath("OriginGroups", recipe.Group)
	switch {
	case recipe.Make && at >= 0:
		return nil, &Conflict{Fields: []string{path}}
	case recipe.Make:
		return in.newGroup(path, recipe), nil
	case at < 0 || !slices.Contains(groups[at].Members, recipe.Origin) || !slices.Contains(groups[at].Members, recipe.Standby):
		return nil, &Conflict{Fields: []string{path}}
	}
	var wanted []incident.FieldChange
	for _, code := range recipe.Codes {
		wanted = append(wanted, incident.FieldChange{Path: fmt.Sprintf("%s/FailoverCriteria/StatusCodes/Items/[%d]", path, code), To: json.RawMessage(strconv.Itoa(code))})
	}
	return wanted, nil
}

// newGroup makes the group as CloudFront gives one back: every member that it fills in by itself is there.
func (in Inputs) newGroup(path string, recipe incident.FailoverRecipe) []incident.FieldChange {
	group := map[string]any{
		"Id": recipe.Group, "SelectionCriteria": "default",
		"FailoverCriteria": map[string]any{"StatusCodes": list(recipe.Codes)},
		"Members":          list([]map[string]any{{"OriginId": recipe.Origin}, {"OriginId": recipe.Standby}}),
	}
	if in.Theirs.Value("OriginGroups") == nil {
		return []incident.FieldChange{{Path: "OriginGroups", To: asJSON(list([]any{group}))}}
	}
	return []incident.FieldChange{{Path: path, To: asJSON(group)}}
}

// list is one in CloudFront's form.
func list[E any](elements []E) map[string]any {
	return map[string]any{"Quantity": len(elements), "Items": elements}
}

// quoted is a string as canonical JSON.
func quoted(s string) json.RawMessage { return asJSON(s) }

func asJSON(value any) json.RawMessage {
	text, err := json.Marshal(value)
	if err != nil {
		return nil // strings, numbers, maps and lists of these
	}
	return text
}
