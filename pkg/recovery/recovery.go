// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package recovery compares the failures before and after a change, and says whether viewers are served again. It is
// pure arithmetic, and abstains where too few requests have come to mean something.
package recovery

import (
	"fmt"
	"math"

	"cloudfront503/pkg/incident"
)

// Window is what was counted over some minutes. A negative or not-a-number count means that it could not be read, which
// is not the same as zero.
type Window struct {
	Requests float64
	Failed   float64 // of these requests
}

// The rule. Of a window only a share of failures is known, and of few requests the true share may be far from it; so it is
// judged by the bounds of Wilson's interval, within which the true share lies with 95 %.
//
//	recovered  the upper bound after is at most a tenth of the share before, though nothing below 0.5 % is asked for
//	worse      the lower bound after is above the upper bound before, by at least 30 requests: a handful at the start may
//	           all be retries of one viewer
//	not yet    neither, or too few requests to say either
//
// From 40 % failures, recovery takes about 93 requests without a failure to show; from 5 %, about 765.
const (
	wilson    = 1.96  // standard deviations for 95 %
	improved  = 10.0  // times fewer failures
	goodShare = 0.005 // a share that is good enough, whatever it was before
	fewest    = 30.0  // requests before anything is called worse
	halved    = 2.0   // even then, at least this many times fewer than before
)

// Compare says how after stands against before: two windows of the same distribution, one from the failure and one from
// after the change had reached the edges. Shares are in percent.
func Compare(before, after Window) incident.Recovery {
	result := incident.Recovery{State: incident.NotYet, Before: 100 * before.share(), After: 100 * after.share(), Requests: max(0, after.Requests)}
	if !before.known() {
		result.Before = 0
	}
	if !after.known() {
		result.After, result.Requests = 0, 0
		result.Why = "The requests since could not be counted."
		return result
	}
	lower, _ := after.bounds()
	result.State, result.Why = judge(before, after)
	result.Failing = after.Requests >= fewest && lower > goodEnough(before)
	return result
}

// Relapsed reports whether it fails again, some time after a recovery: whether by at least 30 requests the lower bound of
// the failures since lies above what would be called recovered. The state is Worse where it does, Recovered where it does
// not, and NotYet where too few requests have come to say either.
func Relapsed(before, since Window) incident.Recovery {
	result := Compare(before, since)
	switch {
	case !since.known() || since.Requests < fewest:
		result.State = incident.NotYet
	case result.Failing:
		result.State = incident.Worse
		result.Why = fmt.Sprintf("%s of %s fail again%s.", percent(since.share()), requests(since), was(before))
	default:
		result.State = incident.Recovered
	}
	return result
}

// Smoke is what came of asking for the paths that had failed, a few dozen times.
type Smoke struct {
	Asked      int
	Failed     int    // answered with 5xx
	Unanswered int    // not answered at all: that says nothing about viewers
	Path       string // one that failed; empty where none did
}

// smokeShare is the part of the answers that may fail: one of a few dozen is what any origin answers on a normal day.
const smokeShare = 0.05

// Confirm lets a recovery stand only where the paths themselves answer. Where they could not be asked, it stands, and that
// is said.
func Confirm(r incident.Recovery, s Smoke) incident.Recovery {
	answered := s.Asked - s.Unanswered
	switch {
	case r.State != incident.Recovered:
	case answered <= 0:
		r.Why += " The paths that had failed could not be asked from here."
	case float64(s.Failed) > smokeShare*float64(answered):
		r.State = incident.NotYet
		r.Why = fmt.Sprintf("%d of %d requests that were made for the paths that had failed, as %s, fail still. %s", s.Failed, answered, s.Path, r.Why)
	default:
		r.Why += fmt.Sprintf(" %d of %d requests that were made for the paths that had failed were answered.", answered-s.Failed, s.Asked)
	}
	return r
}

func judge(before, after Window) (incident.RecoveryState, string) {
	target := goodEnough(before)
	lower, upper := after.bounds()
	_, worst := before.bounds()
	switch {
	case after.Requests < 1:
		return incident.NotYet, "No request has come since: nothing can be said."
	case before.known() && before.Requests >= 1 && after.Requests >= fewest && lower > worst:
		return incident.Worse, fmt.Sprintf("%s of %s fail since, where %s did.", percent(after.share()), requests(after), percent(before.share()))
	case upper <= target:
		return incident.Recovered, fmt.Sprintf("%s of %s fail since, at most %s with 95 %% certainty%s.", percent(after.share()), requests(after), percent(upper), was(before))
	case after.share() <= target:
		return incident.NotYet, fmt.Sprintf("Low traffic: %s of %s fail since, but it takes about %.0f requests like these to be sure of at most %s.",
			percent(after.share()), requests(after), needed(target), percent(target))
	}
	return incident.NotYet, fmt.Sprintf("%s of %s still fail%s.", percent(after.share()), requests(after), was(before))
}

func was(before Window) string {
	if !before.known() || before.Requests < 1 {
		return ""
	}
	return "; before it was " + percent(before.share())
}

// goodEnough is the share of failures under which viewers are served again.
func goodEnough(before Window) float64 {
	if !before.known() || before.share() == 0 {
		return goodShare
	}
	return min(max(before.share()/improved, goodShare), before.share()/halved)
}

// needed is how many requests without a failure bring the upper bound down to the target.
func needed(target float64) float64 { return math.Ceil(wilson * wilson * (1 - target) / target) }

func (w Window) known() bool {
	return w.Requests >= 0 && w.Failed >= 0 && !math.IsInf(w.Requests, 0) && !math.IsInf(w.Failed, 0)
}

// share is the part that failed, from 0 to 1; metrics that do not fit each other may count more failures than requests.
func (w Window) share() float64 {
	if !w.known() || w.Requests == 0 {
		return 0
	}
	return min(1, w.Failed/w.Requests)
}

// bounds is Wilson's score interval.
func (w Window) bounds() (lower, upper float64) {
	if !w.known() || w.Requests == 0 {
		return 0, 1
	}
	n, p, z := w.Requests, w.share(), wilson
	middle := (p + z*z/(2*n)) / (1 + z*z/n)
	half := z / (1 + z*z/n) * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return max(0, middle-half), min(1, middle+half)
}

func requests(w Window) string {
	if n := math.Round(w.Requests); n != 1 {
		return fmt.Sprintf("%.0f requests", n)
	}
	return "1 request"
}

func percent(share float64) string {
	switch percent := 100 * share; {
	case percent == 0:
		return "0 %"
	case percent < 1:
		return fmt.Sprintf("%.2g %%", percent)
	case percent < 10:
		return fmt.Sprintf("%.1f %%", percent)
	default:
		return fmt.Sprintf("%.0f %%", percent)
	}
}
