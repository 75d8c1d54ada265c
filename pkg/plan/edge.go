// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package plan

import (
	"fmt"
	"slices"
	"strings"

	"cloudfront503/pkg/incident"
)

// publishCode completes the change of a CloudFront Function's code. A function serves every distribution that names it, so
// that all of them must be ones that the stack may change.
func publishCode(in Input, plan *incident.Plan) string {
	if why := in.beyondConfiguration(plan); why != "" {
		return why
	}
	if plan.Recipe == nil || plan.Recipe.Code == nil {
		return "No code to publish was found."
	}
	name := plan.Recipe.Code.Live.ID
	others := slices.DeleteFunc(slices.Clone(in.Changes[plan.Remedy].Others), func(id string) bool { return id == in.Distribution })
	for _, id := range others {
		if !slices.Contains(in.Policy.Distributions, id) {
			return "Function " + name + " also runs in distribution " + id + ", which this stack may not change."
		}
	}
	if len(others) > 0 {
		plan.Shared = []string{"Function " + name + " also runs in " + strings.Join(others, ", ") + ": they get the code as well."}
	}
	plan.Does = "publish the code with which function " + name + " served well before, after a test"
	plan.Limits = []string{"Stage DEVELOPMENT is overwritten for the test, and put back; what the function reads from a key value store stays as it is."}
	return ""
}

// mendTrust completes the change of a role's trust policy.
func mendTrust(in Input, plan *incident.Plan) string {
	if why := in.beyondConfiguration(plan); why != "" {
		return why
	}
	if plan.Recipe == nil || plan.Recipe.Trust == nil {
		return "No trust to mend was found."
	}
	recipe := plan.Recipe.Trust
	plan.Does = "let " + strings.Join(recipe.Gains, " and ") + " assume role " + recipe.Role + " again"
	plan.Shared = []string{"Every function that runs in the role " + recipe.Role + " can be started then" + listed(in.Changes[plan.Remedy].Others) + "."}
	plan.Limits = append([]string{"The trust policy gains one statement and keeps all others; the role's own permissions are not touched."}, in.Changes[plan.Remedy].Findings...)
	return ""
}

// mostListed is how many names a sentence holds.
const mostListed = 10

// listed are names after a colon; nothing where there are none.
func listed(names []string) string {
	switch n := len(names) - mostListed; {
	case len(names) == 0:
		return ""
	case n > 0:
		return fmt.Sprintf(": %s and %d more", strings.Join(names[:mostListed], ", "), n)
	}
	return ": " + strings.Join(names, ", ")
}

// beyondConfiguration takes what was computed for a remedy that leaves the distribution's configuration alone.
func (in Input) beyondConfiguration(plan *incident.Plan) string {
	change := in.Changes[plan.Remedy]
	switch {
	case change.Refusal != "":
		return sentence(change.Refusal)
	case change.Hash == "":
		return "Nothing was found that could be put back."
	}
	plan.Difference, plan.Hash, plan.Recipe = change.Difference, change.Hash, change.Recipe
	plan.Base, plan.Ours = nil, nil
	plan.Approvals = max(plan.Approvals, change.Needed)
	return ""
}
