// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package diagnosis

import (
	"cmp"
	"math"
	"slices"

	"cloudfront503/pkg/incident"
)

// How sums of weights become probabilities. Signs are not independent of each other, so their sum claims too much: it is
// divided by softness. unnamed is the weight of everything that is not in the catalogue; ceiling says that no evidence
// excludes being wrong. The numbers are fitted by `make accuracy` on the corpus's first set of seeds; the second set, and
// incidents nobody here has seen, judge them.
const (
	softness = 1.15
	unnamed  = 3.0
	ceiling  = 0.985
)

// Below these a verdict is undetermined: the second is for causes whose remedy would do harm if they were not the cause.
const (
	threshold        = 0.55
	harmfulThreshold = 0.70
)

// harmful are the causes from whose verdict a change of the distribution, of its functions or of roles follows.
var harmful = []incident.Cause{
	incident.LambdaEdgeError, incident.LambdaEdgeTimeout, incident.LambdaEdgePermission, incident.FunctionError,
	incident.FunctionThrottled, incident.OriginMTLS, incident.ErrorPage503, incident.Staging503, incident.LambdaEdgeConcurrency,
}

// weighed is a candidate with its score and its change.
type weighed struct {
	candidate
	score       float64
	probability float64
	change      *incident.Call
}

// changeWeight is what an explaining change adds, for causes that mostly come by one.
const changeWeight = 1.0

// A clue whose absence makes a cause impossible, if it cannot be looked for: the configuration is unreadable. What is not
// known to be there is not convicted.
const (
	impossible  = -9.5
	unconfirmed = 3.0
)

// weigh scores every cause and makes probabilities of the scores, the likeliest first.
func (v *view) weigh(seen map[signID]sighting) []weighed {
	out := make([]weighed, 0, len(catalogue))
	for _, c := range catalogue {
		w := weighed{candidate: c, score: c.prior, change: v.blame(c.cause)}
		for _, clue := range c.clues {
			w.score += clue.weight(seen[clue.sign])
			if clue.absent <= impossible && seen[clue.sign].state == unknown {
				w.score -= unconfirmed
			}
		}
		if w.change != nil {
			w.score += changeWeight
		}
		out = append(out, w)
	}
	normalise(out)
	slices.SortStableFunc(out, func(a, b weighed) int { return cmp.Compare(b.probability, a.probability) })
	return out
}

func (c clue) weight(s sighting) float64 {
	switch s.state {
	case present:
		return c.present * s.strength
	case absent:
		return c.absent * s.strength
	}
	return 0
}

// normalise is a softmax over all causes and what is not named.
func normalise(list []weighed) {
	highest := unnamed
	for _, w := range list {
		highest = max(highest, w.score)
	}
	sum := math.Exp((unnamed - highest) / softness)
	for i := range list {
		list[i].probability = math.Exp((list[i].score - highest) / softness)
		sum += list[i].probability
	}
	for i := range list {
		list[i].probability *= ceiling / sum
	}
}

// decide names the cause, or abstains.
func decide(list []weighed) incident.Cause {
	first := list[0]
	need := threshold
	if slices.Contains(harmful, first.cause) {
		need = harmfulThreshold
	}
	if first.probability < need {
		return incident.Undetermined
	}
	return first.cause
}
