// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package diagnosis says which of thirty causes makes a distribution answer 503, how sure that is, and why. It is pure: the
// same evidence gives the same diagnosis, to the byte. The catalogue of causes stands in causes.go; what is looked for in
// the evidence, in the sign files; how the two become a probability, in weigh.go.
package diagnosis

import (
	"math"

	"cloudfront503/pkg/incident"
)

// Diagnose weighs the evidence. The verdict is undetermined where no cause reaches the threshold; its confidence is then
// that of the leading candidate.
func Diagnose(evidence incident.Evidence) incident.Diagnosis {
	v := look(&evidence)
	seen := observe(v)
	ranked := v.weigh(seen)
	cause := decide(ranked)
	d := incident.Diagnosis{
		Verdict:    v.verdict(cause, ranked[0]),
		Candidates: candidates(ranked, seen),
		Gaps:       v.gaps(),
		Neighbours: v.neighbours(cause),
		Onset:      v.onset,
	}
	switch cause {
	case incident.Undetermined:
		d.Settle = v.settle(ranked, seen)
	default:
		d.Change = blamed(ranked[0].change)
		d.Detail = v.detail(cause)
	}
	d.Remedy = remedyFor(cause)
	return d
}

func (v *view) verdict(cause incident.Cause, first weighed) incident.Verdict {
	return incident.Verdict{
		Cause: cause, Family: cause.Family(), Confidence: round(first.probability), Status: v.statusFor(cause),
	}
}

// statusFor is what failing viewers get: 503 follows from every cause but two.
func (v *view) statusFor(cause incident.Cause) *int {
	code := v.status.code
	switch {
	case cause != incident.Undetermined && cause != incident.Not503:
		code = 503
	case cause == incident.Not503 && (code == 0 || code == 503):
		code = v.otherStatus()
	}
	if code == 0 {
		return nil
	}
	return &code
}

// otherStatus is the status that counters tell where nothing else does.
func (v *view) otherStatus() int {
	for _, b := range v.balancers {
		if v.covers(b.own504) > v.covers(b.own502) {
			return 504
		}
	}
	return 502
}

// candidates are the causes that are worth a look: the first, and what comes near enough to matter.
func candidates(ranked []weighed, seen map[signID]sighting) []incident.Candidate {
	out := []incident.Candidate{}
	for i, w := range ranked {
		if i > 0 && (w.probability < 0.01 || i >= 6) {
			break
		}
		out = append(out, w.explain(seen))
	}
	return out
}

// explain sorts a cause's clues into what speaks for it, against it, and what is missing; the weightiest come first.
func (w weighed) explain(seen map[signID]sighting) incident.Candidate {
	c := incident.Candidate{
		Cause: w.cause, Confidence: round(w.probability), For: []incident.Fact{}, Against: []incident.Fact{}, Missing: []incident.Fact{},
	}
	for _, clue := range heaviest(w.clues, seen) {
		s := seen[clue.sign]
		fact := incident.Fact{Source: s.source, Fact: s.fact}
		switch weight := clue.weight(s); {
		case s.state == unknown && signOf(clue.sign).missing != "" && clue.present >= 2:
			c.Missing = append(c.Missing, incident.Fact{Source: sourceFor(clue.sign), Fact: signOf(clue.sign).missing})
		case weight >= 0.4:
			c.For = append(c.For, fact)
		case weight <= -0.4:
			c.Against = append(c.Against, fact)
		}
	}
	if w.change != nil {
		c.For = append(c.For, incident.Fact{Source: "cloudtrail/" + w.change.Region, Fact: changeFact(w.change)})
	}
	c.For, c.Against, c.Missing = once(c.For), once(c.Against), once(c.Missing)
	return c
}

// round leaves three digits: more would claim more than is known.
func round(p float64) float64 { return math.Round(p*1000) / 1000 }
