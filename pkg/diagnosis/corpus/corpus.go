// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package corpus makes recorded incidents whose cause is known: for tests, and for `make accuracy`. It models a small world,
// a distribution with viewers, edges, origins and people who change things, lets one thing go wrong in it, and writes down
// what AWS's sources would show. It knows nothing of how the diagnosis looks at them. The same seed gives the same folder.
package corpus

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"cloudfront503/pkg/incident"
)

// Case is one incident with its label.
type Case struct {
	Name         string
	Cause        incident.Cause
	Presentation string
	Accept       []incident.Cause  // the right answers
	MustNot      []incident.Cause  // the answers whose remedy would do harm
	Change       string            // the event to blame; empty: none
	ChangeAlso   []string          // events that may be blamed as well
	Status       int               // what failing viewers get; 0: unknown
	Files        map[string][]byte // the recorded incident
}

// Presentations are how much of the world a record shows.
var Presentations = []string{"rich", "alarm-time", "noisy", "damaged", "logs-only", "probe-and-metrics", "no-metrics", "stripped"}

// scenario makes one thing go wrong.
type scenario struct {
	cause incident.Cause
	play  func(*world)
}

// scenarios are all causes; several ways to one cause stand under it as variants.
var scenarios = []scenario{
	{incident.S3SlowDown, playS3SlowDown}, {incident.S3Unavailable, playS3Unavailable},
	{incident.ALBNoTargets, playALBNoTargets}, {incident.ALBFixedResponse, playALBFixedResponse},
	{incident.CLBNoCapacity, playCLB}, {incident.Target503, playTarget},
	{incident.HTTPAPITimeout, playHTTPAPI}, {incident.Origin503, playOrigin},
	{incident.Replayed503, playReplayed}, {incident.FailoverSecondary503, playFailover},
	{incident.LambdaEdgeConcurrency, playLambdaConcurrency}, {incident.LambdaEdgeRate, playLambdaRate},
	{incident.LambdaEdgeTimeout, playLambdaTimeout}, {incident.LambdaEdgeError, playLambdaError},
	{incident.LambdaEdgePermission, playLambdaPermission}, {incident.LambdaEdgeService, playLambdaService},
	{incident.FunctionError, playFunctionError}, {incident.FunctionThrottled, playFunctionThrottled},
	{incident.FunctionResidualThrottle, playFunctionResidual},
	{incident.DistributionQuota, playDistributionQuota}, {incident.ClientBurst, playClientBurst},
	{incident.EdgeCapacity, playEdgeCapacity}, {incident.OriginMTLS, playOriginMTLS},
	{incident.CloudFrontIncident, playCloudFrontIncident}, {incident.WAF503, playWAF},
	{incident.FunctionGenerated503, playGenerated}, {incident.ErrorPage503, playErrorPage},
	{incident.Staging503, playStaging}, {incident.Not503, playNot503},
}

// harmfulRemedies are the causes from whose verdict a change follows.
var harmfulRemedies = []incident.Cause{
	incident.LambdaEdgeError, incident.LambdaEdgeTimeout, incident.LambdaEdgePermission, incident.FunctionError,
	incident.FunctionThrottled, incident.OriginMTLS, incident.ErrorPage503, incident.Staging503,
}

// relatives are causes with the same remedy: to take one for the other does no harm.
var relatives = [][]incident.Cause{
	{incident.LambdaEdgeError, incident.LambdaEdgeTimeout, incident.LambdaEdgePermission},
	{incident.FunctionError, incident.FunctionThrottled},
}

// Make gives the case of a cause in a presentation; the seed chooses everything that may differ.
func Make(cause incident.Cause, presentation string, seed uint64) Case {
	for i, s := range scenarios {
		if s.cause == cause {
			w := newWorld(rand.New(rand.NewPCG(seed, uint64(i)<<8|uint64(slices.Index(Presentations, presentation)))), presentation)
			s.play(w)
			w.furnish(cause, presentation)
			return w.finish(s, presentation, seed)
		}
	}
	return Case{}
}

// All gives every cause in every presentation for each of the seeds.
func All(seeds []uint64) []Case {
	var out []Case
	for _, s := range scenarios {
		for _, presentation := range Presentations {
			for _, seed := range seeds {
				out = append(out, Make(s.cause, presentation, seed))
			}
		}
	}
	return out
}

// Seeds are n seeds of a set; two sets share none.
func Seeds(set uint64, n int) []uint64 {
	out := make([]uint64, n)
	for i := range out {
		out[i] = set*1_000_000 + uint64(i)
	}
	return out
}

// finish writes the record and its label.
func (w *world) finish(s scenario, presentation string, seed uint64) Case {
	c := Case{
		Name: fmt.Sprintf("%s/%s/%d", s.cause, presentation, seed), Cause: s.cause, Presentation: presentation,
		Accept: []incident.Cause{s.cause}, Change: w.change, ChangeAlso: w.changeAlso, Status: w.fail.status,
	}
	c.Accept = append(c.Accept, w.alsoRight...)
	w.present(presentation, &c)
	c.Files = w.record()
	w.spoil(presentation, c.Files)
	for _, cause := range harmfulRemedies {
		if !related(cause, s.cause) {
			c.MustNot = append(c.MustNot, cause)
		}
	}
	if s.cause != incident.LambdaEdgeConcurrency && s.cause != incident.LambdaEdgeRate {
		c.MustNot = append(c.MustNot, incident.LambdaEdgeConcurrency)
	}
	return c
}

func related(a, b incident.Cause) bool {
	if a == b {
		return true
	}
	return slices.ContainsFunc(relatives, func(group []incident.Cause) bool { return slices.Contains(group, a) && slices.Contains(group, b) })
}
