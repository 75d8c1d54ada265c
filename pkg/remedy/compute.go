// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package remedy

import "cloudfront503/pkg/incident"

// computation computes one remedy's change of a distribution's configuration. It is pure: what it rests on is in the
// plan, in the diagnosis and in the inputs, so that the same three give the same change again.
type computation func(incident.Plan, incident.Diagnosis, Inputs) (Change, error)

// computations are the remedies that change a distribution's configuration. A further one is a row here, and one among
// the kinds of write, which is configuration.
var computations = map[string]computation{
	incident.RemedyRestore:  restoreKnownGood,
	incident.RemedyEdge:     repointEdge,
	incident.RemedyFailover: failOver,
	incident.RemedyProtect:  protectOrigin,
}

// Compute computes a plan's change of the distribution's configuration: by respond when the plan is made, and again by
// the Writer before the write, from what was recorded and on what is live. The inputs hold the configurations that the
// plan names, and the live one; Ours is the zero value where the plan names no known good. A *Refused says why there is
// no change, a *Conflict which fields others have changed.
func Compute(plan incident.Plan, diagnosis incident.Diagnosis, in Inputs) (Change, error) {
	compute, known := computations[plan.Remedy]
	if !known {
		return Change{}, refuse("remedy %q does not change the distribution's configuration", plan.Remedy)
	}
	return compute(plan, diagnosis, in)
}

func restoreKnownGood(plan incident.Plan, diagnosis incident.Diagnosis, in Inputs) (Change, error) {
	if plan.ByWish() {
		return restoreWished(*plan.Recipe.Restore, in)
	}
	if plan.Ours == nil {
		return Change{}, refuse("no known good configuration is kept yet")
	}
	in.Blamed = Blamed(diagnosis)
	return Restore(in)
}
