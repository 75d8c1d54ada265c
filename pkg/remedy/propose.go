// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package remedy

import "cloudfront503/pkg/incident"

// Prepared is what the distribution's owners have got ready, and what they allow to be asked for.
type Prepared struct {
	Standby   string // the id of the origin that stands ready for others; empty: none is named
	MayDetach bool   // an edge function may be taken off where no earlier version is known, with two approvals
	Premium   bool   // a flat-rate plan with origin failover and Origin Shield
}

// proposals find what a remedy would do. A further remedy with a recipe is a row here and one among the computations.
var proposals = map[string]func(incident.Diagnosis, Inputs, Prepared) (*incident.Recipe, error){
	incident.RemedyEdge:     proposeEdge,
	incident.RemedyFailover: proposeFailover,
	incident.RemedyProtect:  proposeProtect,
}

// Propose finds what a remedy would do about the diagnosis, for Compute; nil where the remedy needs no recipe. A *Refused
// says what the remedy lacks.
func Propose(remedy string, diagnosis incident.Diagnosis, in Inputs, prepared Prepared) (*incident.Recipe, error) {
	propose, has := proposals[remedy]
	if !has {
		return nil, nil
	}
	return propose(diagnosis, in, prepared)
}
