// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package diagnosis

import "fmt"

// signID names a sign; causes.go speaks of signs by these names.
type signID string

// state is what a sign looks like in the evidence. What was not read is unknown, never absent.
type state int8

const (
	unknown state = iota
	present
	absent
)

// sighting is a sign as it was seen: how clearly, from 0 to 1, where, and in words.
type sighting struct {
	state    state
	strength float64
	source   string
	fact     string
}

// sign is one thing to look for. missing and next are said where it is unknown and would have mattered: what is not known,
// and the command that would tell.
type sign struct {
	id      signID
	missing string
	next    string
	see     func(*view) sighting
}

func yes(source, fact string, values ...any) sighting {
	return sighting{present, 1, source, fmt.Sprintf(fact, values...)}
}

func not(source, fact string, values ...any) sighting {
	return sighting{absent, 1, source, fmt.Sprintf(fact, values...)}
}

// at gives a sighting another strength.
func (s sighting) at(strength float64) sighting {
	s.strength = max(0, min(1, strength))
	return s
}

// observe looks for every sign.
func observe(v *view) map[signID]sighting {
	seen := make(map[signID]sighting, 64)
	for _, list := range [][]sign{statusSigns, edgeSigns, originSigns, balancerSigns, lambdaSigns, functionSigns, trafficSigns, configurationSigns} {
		for _, s := range list {
			seen[s.id] = s.see(v)
		}
	}
	return seen
}

// signOf finds a sign by its name.
func signOf(id signID) sign {
	for _, list := range [][]sign{statusSigns, edgeSigns, originSigns, balancerSigns, lambdaSigns, functionSigns, trafficSigns, configurationSigns} {
		for _, s := range list {
			if s.id == id {
				return s
			}
		}
	}
	return sign{id: id}
}

// counted judges a counter: asked for and risen with the failures, asked for and not risen, or not asked for.
func (v *view) counted(f flow, what string, enough float64) sighting {
	switch covers := v.covers(f); {
	case !f.asked || v.onset.IsZero() && f.data && (!v.hasRate || covers < enough):
		return sighting{} // without an onset nothing tells a rise from what is always there
	case v.onset.IsZero() && f.data:
		return yes(f.source, "%s is %.3g a minute; when it began is not known", what, f.after).at(0.5)
	case covers >= enough:
		return yes(f.source, "%s rose from %.3g to %.3g a minute with the failures", what, f.before, f.after).at(0.5 + covers)
	case covers >= enough/4:
		return yes(f.source, "%s rose from %.3g to %.3g a minute, less than fails", what, f.before, f.after).at(0.4)
	case f.before > 0.3 && f.after > 0.3:
		return not(f.source, "%s is %.3g a minute and was %.3g before: background", what, f.after, f.before)
	}
	return not(f.source, "%s did not rise with the failures", what)
}

// either is the first sighting that is present, else the first that is absent, else unknown.
func either(list ...sighting) sighting {
	var best sighting
	for _, s := range list {
		if s.state == present && (best.state != present || s.strength > best.strength) {
			best = s
		}
		if s.state == absent && best.state == unknown {
			best = s
		}
	}
	return best
}
