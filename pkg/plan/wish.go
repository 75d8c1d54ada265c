// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package plan

import (
	"fmt"
	"strings"

	"cloudfront503/pkg/incident"
)

// Wish is what a person asks for, in the place of the policy: no diagnosis has to speak for it, and every guard but that of
// an unsure diagnosis may object.
type Wish struct {
	By       string             // the ARN of who asks
	Only     []string           // the paths that go back; empty: whatever differs and may
	Snapshot *incident.Snapshot // what they go back to
	Name     string             // what the snapshot is called in sentences
	Problem  string             // one sentence: why there is no such snapshot; empty where there is
}

// wished is the policy's row for a wish.
var wished = row{remedies: restoreOnly, why: "A person asks for it."}

// row is what the policy says about the input.
func (in Input) row() row {
	if in.Wish != nil {
		return wished
	}
	return lineFor(in.Diagnosis.Verdict.Cause)
}

// grant makes a draft the wish's: what it rests on is the named snapshot alone.
func (in Input) grant(plan *incident.Plan) {
	if in.Wish == nil {
		return
	}
	plan.Base, plan.Ours, plan.BlamedBy = nil, reference(in.Wish.Snapshot), nil
	plan.Recipe = &incident.Recipe{Restore: &incident.RestoreRecipe{Only: in.Wish.Only, By: in.Wish.By}}
}

// restoreWished completes the plan of a wish.
func restoreWished(in Input, plan *incident.Plan) string {
	if in.Wish.Problem != "" {
		return in.Wish.Problem
	}
	if !in.Wish.Snapshot.Restorable {
		return "The snapshot has elements that this software does not know, so that it cannot be put back whole."
	}
	if why := in.change(plan); why != "" {
		return why
	}
	plan.Does = fmt.Sprintf("put %s back to what snapshot %s holds", fields(len(plan.Difference)), in.Wish.Name)
	plan.Limits = append(plan.Limits, "A person asks for this, and no diagnosis: "+in.Wish.By+". Whether it helps was not judged.")
	if len(in.Wish.Only) > 0 {
		plan.Limits = append(plan.Limits, "Only what is named goes back: "+strings.Join(in.Wish.Only, ", ")+".")
	}
	return ""
}

func fields(n int) string {
	if n == 1 {
		return "1 field"
	}
	return fmt.Sprintf("%d fields", n)
}
