// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package diagnosis

import (
	"strings"
	"time"

	"cloudfront503/pkg/incident"
)

const (
	nextMetrics = "aws cloudfront create-monitoring-subscription --distribution-id %s --monitoring-subscription RealtimeMetricsSubscriptionConfig={RealtimeMetricsSubscriptionStatus=Enabled}"
	nextLogs    = "aws s3 ls s3://YOUR-LOG-BUCKET/ --recursive | grep %s"
	nextProbe   = "curl -si https://%s/FAILING-PATH"
)

// statusSigns tell 503 from its neighbours.
var statusSigns = []sign{
	{"status is 503", "which status fails", nextMetrics, func(v *view) sighting {
		s := v.status
		strength := 1.0
		if s.weak {
			strength = 0.75
		}
		switch {
		case s.code == 503:
			return yes(s.source, "%s", s.fact).at(strength)
		case s.code >= 500:
			return not(s.source, "%s", s.fact).at(strength)
		}
		return sighting{}
	}},
	{"counters say 502 or 504", "what the origin's own metrics say", "", func(v *view) sighting {
		return either(v.notThis503(), v.is503())
	}},
}

// notThis503 looks for counters that only 500, 502 and 504 move, where nothing tells the status itself.
func (v *view) notThis503() sighting {
	var list []sighting
	for _, b := range v.balancers {
		list = append(list, v.counted(b.own502, "HTTPCode_ELB_502_Count", 0.3), v.counted(b.own504, "HTTPCode_ELB_504_Count", 0.3))
	}
	for _, f := range v.functions {
		list = append(list, v.counted(f.invalid, "FunctionValidationErrors", 0.3))
	}
	for _, name := range []string{"LambdaValidationError"} {
		list = append(list, v.counted(v.cloudfront(name), name, 0.3))
	}
	if s := either(list...); s.state == present {
		return s
	}
	return sighting{}
}

// is503 looks for counters that only a 503 moves.
func (v *view) is503() sighting {
	var list []sighting
	for _, b := range v.balancers {
		list = append(list, v.counted(b.own503, "HTTPCode_ELB_503_Count", 0.3), v.counted(b.spill, "SpilloverCount", 0.3))
	}
	for _, l := range v.lambdas {
		list = append(list, v.counted(l.throttles, "Throttles", 0.3))
	}
	for _, f := range v.functions {
		list = append(list, v.counted(f.errors, "FunctionExecutionErrors", 0.3), v.counted(f.throttles, "FunctionThrottles", 0.3))
	}
	if s := either(list...); s.state == present {
		s.state = absent
		return s
	}
	return sighting{}
}

// edgeSigns are what the edge itself says about an answer: the log's result types, and x-cache in the probe.
var edgeSigns = []sign{
	{"edge says Lambda limit exceeded", "the result type of failing requests", nextLogs, edgeSays("lambdalimitexceeded")},
	{"edge says Lambda execution error", "the result type of failing requests", nextLogs, edgeSays("lambdaexecutionerror")},
	{"edge says Lambda validation error", "the result type of failing requests", nextLogs, edgeSays("lambdavalidationerror", "functionvalidationerror")},
	{"edge says function execution error", "the result type of failing requests", nextLogs, edgeSays("functionexecutionerror")},
	{"edge says function throttled", "the result type of failing requests", nextLogs, edgeSays("functionthrottlederror")},
	{"edge says generated response", "the result type of failing requests", nextLogs,
		edgeSays("functiongeneratedresponse", "lambdageneratedresponse", "missgeneratedresponse")},
	{"edge says limit exceeded", "the result type of failing requests", nextLogs, edgeSays("limitexceeded")},
	{"edge says capacity exceeded", "the result type of failing requests", nextLogs, edgeSays("capacityexceeded")},
	{"edge says plain error", "the result type of failing requests", nextLogs, edgeSays("error", "miss", "hit", "refreshhit", "",
		"originerror", "originconnecterror", "origincommerror", "abortedorigin", "origininvalidresponseerror", "originreaderror")},
	{"CloudFront wrote its plain error page", "what failing viewers see", nextProbe, func(v *view) sighting {
		p := v.probe
		switch {
		case !p.failed:
			return sighting{}
		case p.page && p.xcache == "error":
			return yes("probe", "CloudFront's own page, x-cache %q, no cause named", p.xcache)
		case p.cut && !p.page && !p.fromOther:
			return sighting{}
		}
		return not("probe", "%s", p.describe())
	}},
	{"edge wrote a custom answer", "what failing viewers see", nextProbe, func(v *view) sighting {
		p := v.probe
		switch {
		case !p.failed || p.cut && !p.page && !p.fromOther:
			return sighting{}
		case p.server == "cloudfront" && !p.page && p.xcache == "error":
			return yes("probe", "server CloudFront with a body that is not CloudFront's page")
		case p.albPage && !strings.Contains(p.text, "503 service temporarily unavailable"):
			return sighting{} // a web ACL may sit at the load balancer
		}
		return not("probe", "%s", p.describe())
	}},
	{"origin wrote it", "who wrote the answer", nextProbe, originWrote},
	{"the answer has an age", "whether the answer is replayed", nextProbe, func(v *view) sighting {
		p := v.probe
		switch {
		case !p.failed:
			return sighting{}
		case p.hasAge && p.age > 0:
			return yes("probe", "the failing answer has Age: %d seconds", p.age).at(float64(p.age) / 30)
		case p.cut && p.text == "": // the header may stand behind the cut
			return sighting{}
		}
		return not("probe", "the failing answer has no Age")
	}},
	{"edge answers from its cache", "the result type and timing of failing requests", nextLogs, fromCache},
	{"origin has recovered", "whether the origin answers again", "", recovered},
	{"page speaks of mutual TLS", "", "", func(v *view) sighting {
		if v.probe.failed && v.probe.mentions("mutual tls", "mtls", "client certificate") {
			return yes("probe", "the page speaks of mutual TLS")
		}
		return sighting{}
	}},
}

// edgeSays looks for result types in the logs, which speak for all edges, else in the probe, which speaks for one.
func edgeSays(kinds ...string) func(*view) sighting {
	return func(v *view) sighting {
		probed := v.probe.says(kinds...)
		if v.logs.enough() {
			switch share := v.logs.share(kinds...); {
			case share < 0.2 && v.logs.strange >= 0.5: // values that nobody has documented speak for nothing
			case share >= 0.2:
				return yes("access-logs", "%.0f %% of %.0f failing rows are %s", 100*share, v.logs.rows, v.logs.nameOf(kinds)).at(2 * share)
			case !probed:
				return not("access-logs", "%.0f %% of %.0f failing rows are %s", 100*share, v.logs.rows, kinds[0])
			}
		}
		switch {
		case probed:
			return yes("probe", "x-cache says %q at %s", v.probe.xcache, v.probe.pop)
		case v.probe.failed && v.probe.xcache != "":
			return not("probe", "x-cache says %q", v.probe.xcache).at(0.8)
		}
		return sighting{}
	}
}

// nameOf is the kind of the list that most failing rows are of.
func (l logView) nameOf(kinds []string) string {
	best := kinds[0]
	for _, kind := range kinds {
		if l.kinds[kind] > l.kinds[best] {
			best = kind
		}
	}
	return best
}

// describe says in words who wrote the probe's answer.
func (p probeView) describe() string {
	switch {
	case p.page && p.xcache != "error":
		return "CloudFront's page, x-cache " + strings.TrimSpace(p.xcache)
	case p.page:
		return "CloudFront's own page"
	case p.s3Code != "":
		return "S3 wrote it: " + p.s3Code
	case p.albPage:
		return "a load balancer wrote it"
	case p.apiJSON || p.apiID:
		return "API Gateway wrote it"
	case p.server != "":
		return "server " + p.server + " wrote it"
	}
	return "an origin that names no server wrote it"
}

// originWrote tells relayed answers from those of the edge.
func originWrote(v *view) sighting {
	p := v.probe
	if p.fromOther && p.xcache != "" && !p.says("error", "miss", "refreshhit", "hit") {
		return not("probe", "x-cache says %q", p.xcache)
	}
	switch {
	case p.fromOther:
		return yes("probe", "%s", p.describe())
	case p.failed && p.page:
		return not("probe", "%s", p.describe())
	case !v.logs.enough():
		if p.failed && p.fromEdge {
			return not("probe", "%s", p.describe())
		}
		return sighting{}
	}
	fromOrigin := v.logs.share(kindOriginError)
	switch {
	case fromOrigin >= 0.3:
		return yes("access-logs", "%.0f %% of the failing rows are OriginError", 100*fromOrigin)
	case v.logs.share(kindError) >= 0.5 && v.logs.fast < 0.4:
		return yes("access-logs", "failing rows took an origin's time to their first byte").at(0.4)
	case v.logs.fast >= 0.8:
		return not("access-logs", "%.0f %% of the failing rows had their first byte within 10 ms", 100*v.logs.fast)
	}
	return sighting{}
}

// fromCache looks for rows that the edge answered at once with what an origin had written before: Error without more,
// within 10 ms, as long as the origin's own error [facts 2.5: a cached error shows as Error].
func fromCache(v *view) sighting {
	if !v.logs.enough() {
		return sighting{}
	}
	cached, origin, same := 0.0, 0.0, false
	lengths := map[string]bool{}
	for _, g := range v.logs.failing {
		if kindOfGroup(g) == kindOriginError {
			origin += v.since(g)
			for _, c := range g.ContentLengths.Top {
				lengths[c.Value] = true
			}
		}
	}
	for _, g := range v.logs.failing {
		if kindOfGroup(g) != kindError || g.FirstByte.Total == 0 {
			continue
		}
		quick := g.FirstByte.Counts[0] + g.FirstByte.Counts[1] + g.FirstByte.Counts[2]
		cached += v.since(g) * float64(quick) / float64(g.FirstByte.Total)
		for _, c := range g.ContentLengths.Top {
			same = same || lengths[c.Value]
		}
	}
	switch {
	case cached >= 0.5*v.logs.rows && (same || v.probe.hasAge && v.probe.fromOther):
		return yes("access-logs", "%.0f %% of the failing rows are the origin's error again, answered within 10 ms", 100*cached/v.logs.rows)
	case cached >= 0.5*v.logs.rows && origin == 0 && v.probe.fromOther:
		return yes("access-logs", "%.0f %% of the failing rows were answered within 10 ms", 100*cached/v.logs.rows).at(0.6)
	case cached >= 0.3*v.logs.rows:
		return sighting{}
	}
	return not("access-logs", "failing rows were not answered from the edge's cache")
}

// recovered looks for proof that the origin answers again while viewers still fail.
func recovered(v *view) sighting {
	if s := v.recoveredInLogs(); s.state != unknown {
		return s
	}
	return v.recoveredInCounters()
}

func (v *view) recoveredInLogs() sighting {
	if !v.logs.enough() {
		return sighting{}
	}
	var lastBad, lastFail, lastGood time.Time
	for _, g := range v.ev.Logs.Groups {
		for _, m := range g.Minutes {
			kind := kindOfGroup(g)
			switch {
			case v.fails(g) && (kind == kindOriginError || kind == kindError && mostlySlow(g.FirstByte)):
				lastBad = latestOf(lastBad, m.At)
			case !v.fails(g) && g.Status >= 200 && g.Status < 400 && strings.Contains(strings.ToLower(g.Result), "miss"),
				!v.fails(g) && strings.EqualFold(g.Result, "refreshhit"):
				lastGood = latestOf(lastGood, m.At)
			}
			if v.fails(g) {
				lastFail = latestOf(lastFail, m.At)
			}
		}
	}
	switch quiet := lastFail.Sub(lastBad); {
	case lastBad.IsZero() || lastFail.IsZero():
		return sighting{}
	case quiet >= 3*time.Minute && lastGood.After(lastBad.Add(time.Minute)):
		return yes("access-logs", "the origin's last error was at %s, it has answered since, and failures went on for %.0f minutes",
			lastBad.Format("15:04"), quiet.Minutes())
	case quiet <= 2*time.Minute:
		return not("access-logs", "the origin itself still failed at %s", lastBad.Format("15:04"))
	}
	return sighting{}
}

// mostlySlow says whether most first bytes came after 20 ms: an origin was asked.
func mostlySlow(h incident.Histogram) bool {
	quick := h.Counts[0] + h.Counts[1] + h.Counts[2] + h.Counts[3]
	return h.Total > 0 && 2*quick < h.Total
}

func latestOf(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// recoveredInCounters compares the origin's own error counters at the end of the evidence with the viewers' failures.
func (v *view) recoveredInCounters() sighting {
	if !v.hasRate || v.cloudfront("5xxErrorRate").recent < 0.2*v.share {
		return sighting{}
	}
	for _, f := range v.originErrors() {
		switch {
		case !f.asked:
		case f.recent > 0.05*v.failing:
			return not(f.source, "the origin still counts errors")
		case f.maxAfter > 0:
			return yes(f.source, "the origin counted errors, and counts none any more").at(0.9)
		default:
			return yes(f.source, "the origin counts no errors").at(0.6)
		}
	}
	return sighting{}
}

// originErrors are the error counters of the origins in question.
func (v *view) originErrors() []flow {
	var out []flow
	for _, b := range v.balancers {
		out = append(out, v.worse(b.target5xx, b.own5xx, b.own503))
	}
	for _, b := range v.buckets {
		out = append(out, b.errors)
	}
	for _, a := range v.apis {
		out = append(out, a.errors)
	}
	return out
}

// worse is the counter that stands highest at the end.
func (v *view) worse(list ...flow) flow {
	var worst flow
	for _, f := range list {
		if f.asked && (!worst.asked || f.recent > worst.recent || f.recent == worst.recent && f.maxAfter > worst.maxAfter) {
			worst = f
		}
	}
	return worst
}
