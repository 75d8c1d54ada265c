// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package diagnosis

import (
	"slices"
	"strings"
	"time"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/incident"
)

// lambdaSigns are about Lambda@Edge.
var lambdaSigns = []sign{
	{"Lambda@Edge attached", "", "", func(v *view) sighting {
		switch {
		case !v.hasConfig:
			return sighting{}
		case len(v.lambdas) > 0:
			return yes("distribution", "failing requests run %s", v.lambdas[0].name)
		}
		return not("distribution", "no behaviour in question runs Lambda@Edge")
	}},
	{"Lambda@Edge is throttled", "Throttles of the replicas in every Region", "aws cloudwatch get-metric-data --region REGION (AWS/Lambda, FunctionName us-east-1.NAME)", func(v *view) sighting {
		return v.eachLambda(func(l lambdaView) sighting { return v.replicas(l, l.throttles, "Throttles") })
	}},
	{"Region's concurrency is used up", "the Region's limit and use of concurrent executions", "aws lambda get-account-settings --region REGION", poolUsedUp},
	{"invocation rate is at its limit", "", "", func(v *view) sighting {
		for _, l := range v.lambdas {
			for _, r := range l.regions {
				switch {
				case r.fast():
					return yes(r.source, "%.0f requests a second in %s, of ten for each of %s concurrent executions", r.rate, r.region, known(r.limit))
				case r.limit > 0 && r.rate < 5*r.limit && r.rate < 5000:
					return not(r.source, "%.0f requests a second in %s are far below the limit", r.rate, r.region)
				}
			}
		}
		return sighting{}
	}},
	{"Lambda@Edge counts errors", "Errors of the replicas in every Region", "aws cloudwatch get-metric-data --region REGION (AWS/Lambda, FunctionName us-east-1.NAME)", func(v *view) sighting {
		return v.eachLambda(func(l lambdaView) sighting { return v.replicas(l, l.errors, "Errors") })
	}},
	{"Lambda@Edge runs to its timeout", "Duration of the replicas, and the version's timeout", "aws lambda get-function-configuration --region us-east-1 --function-name ARN", func(v *view) sighting {
		return v.eachLambda(runsToTimeout)
	}},
	{"Lambda@Edge runs grew long", "", "", func(v *view) sighting { return v.eachLambda(grewLong) }},
	{"Lambda@Edge runs are shorter than 100 ms", "", "", func(v *view) sighting { return v.eachLambda(shortRuns) }},
	{"failing requests take seconds", "the timing of failing requests", nextLogs, takesTimeout},
	{"Lambda@Edge cannot be used", "whether the version and its role exist, and whom the role trusts", "aws lambda get-function-configuration --region us-east-1 --function-name ARN; aws iam get-role --role-name NAME", func(v *view) sighting {
		return v.eachLambda(func(l lambdaView) sighting {
			s := either(unusable(l), v.deleted(l))
			return s.at(s.strength * v.reach(l.arn))
		})
	}},
	{"Lambda@Edge is no longer invoked", "Invocations of the replicas", "", func(v *view) sighting {
		return v.eachLambda(func(l lambdaView) sighting { return v.stopped(l) })
	}},
	{"AWS Health names Lambda@Edge", "", "", func(v *view) sighting {
		for _, e := range v.ev.Health {
			service := strings.ToUpper(e.Service)
			about := service == "LAMBDA" || service == "CLOUDFRONT" && speaksOf(e, "lambda@edge", "lambda edge", "edge function")
			if about && v.relevant(e) && (service == "CLOUDFRONT" || v.runsIn(e.Region)) {
				return yes("health", "%s is open: %s", e.Type, incident.Line(e.Description, 100))
			}
		}
		return sighting{}
	}},
}

// runsIn says whether replicas run in the Region, as far as metrics tell; Lambda@Edge as a whole depends on us-east-1.
func (v *view) runsIn(region string) bool {
	if region == "" || region == "global" || region == "us-east-1" {
		return true
	}
	return slices.ContainsFunc(v.ev.Series, func(s incident.Series) bool {
		return s.Region == region && s.Namespace == "AWS/Lambda" && len(s.Points) > 0 && strings.HasPrefix(s.Dimensions["FunctionName"], "us-east-1.")
	})
}

func known(n float64) string {
	if n == 0 {
		return "an unknown number of"
	}
	return fmtNumber(n)
}

func (v *view) eachLambda(see func(lambdaView) sighting) sighting {
	var list []sighting
	for _, l := range v.lambdas {
		list = append(list, see(l))
	}
	return either(list...)
}

// replicas judges a counter of a function's replicas. It says nothing by its silence where none of the Regions asked invoked
// the function at all: then it runs elsewhere.
func (v *view) replicas(l lambdaView, f flow, what string) sighting {
	s := v.counted(f, what+" of us-east-1."+l.name, 0.15)
	if s.state == absent && l.invocations.asked && !l.invocations.data {
		return sighting{}
	}
	return s
}

// reach is how likely failing requests run a function: less where it belongs to a few paths only, and nothing tells which fail.
func (v *view) reach(arn string) float64 {
	if v.scope.known {
		return 1
	}
	for _, b := range v.scope.behaviors {
		runs := slices.ContainsFunc(b.Lambda, func(a distribution.Association) bool { return a.ARN == arn })
		if b.Default && runs {
			return 1
		}
	}
	return 0.4
}

// deleted looks in CloudTrail for the version's deletion, where Lambda itself was not asked.
func (v *view) deleted(l lambdaView) sighting {
	if l.found || l.missing {
		return sighting{}
	}
	gone := explanation{"lambda", []string{"DeleteFunction"}, touchesLambda, late}
	for _, c := range v.ev.Calls {
		if gone.explains(v, c) {
			return yes("cloudtrail/"+c.Region, "%s was deleted at %s", l.name, c.At.Format("15:04")).at(0.8)
		}
	}
	return sighting{}
}

// poolUsedUp compares the pool of each Region that throttles with its limits; one that is used up suffices.
func poolUsedUp(v *view) sighting {
	var list []sighting
	for _, l := range v.lambdas {
		for _, r := range l.regions {
			switch {
			case r.limit == 0 && l.average.dataAfter && l.average.after < 85: // such runs meet the limit of the rate first
			case r.tight():
				s := yes(r.source, "ConcurrentExecutions in %s is at %.0f; the limit is %s", r.region, r.concurrency, fmtLimit(r))
				if r.limit == 0 || !r.full {
					s = s.at(0.7)
				}
				list = append(list, s)
			case r.loose():
				list = append(list, not(r.source, "ConcurrentExecutions in %s is at %.0f, below the limit of %.0f", r.region, r.concurrency, r.limit))
			}
		}
	}
	return either(list...)
}

func fmtLimit(r throttledRegion) string {
	switch {
	case r.limit == 0:
		return "not known, but it stands still there"
	case !r.limitHere:
		return fmtNumber(r.limit) + " in another Region"
	}
	return fmtNumber(r.limit)
}

// runsToTimeout compares the longest run with the version's timeout; without it, a run that ends at one of the usual
// timeouts is a hint.
func runsToTimeout(l lambdaView) sighting {
	switch {
	case !l.hasLongest:
		return sighting{}
	case l.timeout > 0 && l.longest >= 0.96*l.timeout:
		return yes("lambda/us-east-1", "%s ran for %.0f ms; its timeout is %.0f", l.name, l.longest, l.timeout)
	case l.timeout > 0 && l.longest < 0.9*l.timeout:
		return not("lambda/us-east-1", "%s ran for %.0f ms at most; its timeout is %.0f", l.name, l.longest, l.timeout)
	case l.timeout > 0:
		return sighting{}
	}
	if d := l.duration; d.minAfter >= 0.98*d.maxAfter && l.longest >= 900 && l.longest > 1.5*d.maxBefore {
		return yes(d.source, "the longest runs of %s all end at %.0f ms, as at a timeout", l.name, l.longest).at(0.85)
	}
	for _, usual := range []float64{3000, 5000, 10000, 15000, 20000, 30000} {
		if l.longest >= 0.995*usual && l.longest <= 1.01*usual {
			return yes(l.duration.source, "%s ran for %.0f ms, which is a usual timeout", l.name, l.longest).at(0.7)
		}
	}
	if l.longest < 800 {
		return not(l.duration.source, "%s ran for %.0f ms at most", l.name, l.longest).at(0.4)
	}
	return sighting{}
}

// grewLong says whether runs take much longer than before, which a timeout does and an exception does not.
func grewLong(l lambdaView) sighting {
	d := l.duration
	switch {
	case !d.dataAfter || !l.hasLongest:
		return sighting{}
	case l.longest >= 900 && l.longest >= 2.5*d.maxBefore:
		return yes(d.source, "runs of %s took up to %.0f ms, and %.0f before", l.name, l.longest, d.maxBefore)
	case l.longest < 1.5*d.maxBefore && l.longest < 20_000:
		return not(d.source, "runs of %s take no longer than before", l.name)
	}
	return sighting{}
}

// shortRuns tells the two limits apart: a pool of n executions may start ten times n runs a second, so that runs shorter
// than 100 ms meet the limit of the rate first, and longer ones that of the concurrency.
func shortRuns(l lambdaView) sighting {
	switch a := l.average; {
	case !a.dataAfter:
		return sighting{}
	case a.after < 85:
		return yes(a.source, "a run of %s takes %.3g ms on average", l.name, a.after)
	case a.after > 120:
		return not(a.source, "a run of %s takes %.3g ms on average", l.name, a.after)
	}
	return sighting{}
}

// takesTimeout looks whether the failing rows waited for seconds.
func takesTimeout(v *view) sighting {
	if !v.logs.enough() {
		return sighting{}
	}
	total, slow := int64(0), int64(0)
	for _, g := range v.logs.failing {
		for i, n := range g.FirstByte.Counts {
			total += n
			if i >= 9 { // above one second
				slow += n
			}
		}
	}
	if total < 3 {
		return sighting{}
	}
	return judge("access-logs", 100*float64(slow)/float64(total), 60, 20, "%% of the failing rows waited longer than a second")
}

// unusable says why an association cannot work: version or role gone, or a trust policy without edgelambda.amazonaws.com.
func unusable(l lambdaView) sighting {
	const source = "lambda/us-east-1"
	switch {
	case l.missing:
		return yes(source, "%s does not exist", l.arn)
	case l.roleGone:
		return yes(source, "the role of %s does not exist", l.name)
	case l.noTrust:
		return yes(source, "the role of %s does not trust edgelambda.amazonaws.com", l.name)
	case l.found && (l.state == "Failed" || l.state == "Inactive"):
		return yes(source, "%s is in state %s", l.name, l.state).at(0.6)
	case l.found && l.roleRead:
		return not(source, "%s exists, and its role trusts edgelambda.amazonaws.com", l.name)
	case l.found:
		return not(source, "%s exists; its role was not read", l.name).at(0.3)
	}
	return sighting{}
}

// stopped says whether a function that ran is not invoked any more.
func (v *view) stopped(l lambdaView) sighting {
	i := l.invocations
	switch {
	case !i.asked:
		return sighting{}
	case i.before > 0.3 && i.after <= 0.1*i.before:
		return yes(i.source, "%s was invoked %.3g times a minute, and %.3g since the onset", l.name, i.before, i.after)
	case !i.data:
		return yes(i.source, "%s was invoked in none of the Regions asked", l.name).at(0.5)
	case i.after >= 0.4*i.before:
		return not(i.source, "%s is still invoked %.3g times a minute", l.name, i.after)
	}
	return sighting{}
}

// functionSigns are about CloudFront Functions.
var functionSigns = []sign{
	{"CloudFront Function attached", "", "", func(v *view) sighting {
		switch {
		case !v.hasConfig:
			return sighting{}
		case len(v.functions) > 0:
			return yes("distribution", "failing requests run the function %s", v.functions[0].name)
		}
		return not("distribution", "no behaviour in question runs a CloudFront Function")
	}},
	{"function counts errors", "FunctionExecutionErrors", "", func(v *view) sighting {
		return v.eachFunction(func(f functionView) sighting { return v.counted(f.errors, "FunctionExecutionErrors of "+f.name, 0.2) })
	}},
	{"function is throttled", "FunctionThrottles", "", func(v *view) sighting {
		return v.eachFunction(func(f functionView) sighting { return v.counted(f.throttles, "FunctionThrottles of "+f.name, 0.2) })
	}},
	{"function fails its test", "TestFunction on the live stage", "aws cloudfront test-function --stage LIVE --name NAME --if-match ETAG --event-object fileb://event.json", func(v *view) sighting {
		return v.eachFunction(func(f functionView) sighting {
			switch {
			case f.live == nil || !f.live.Tested:
				return sighting{}
			case f.live.Error != "":
				return yes("cloudfront/functions", "TestFunction of %s: %s", f.name, incident.Line(f.live.Error, 120))
			}
			return not("cloudfront/functions", "%s passes TestFunction", f.name)
		})
	}},
	{"function does not compile", "", "", func(v *view) sighting {
		return v.eachFunction(func(f functionView) sighting {
			if f.live == nil || !f.live.Tested {
				return sighting{}
			}
			message := strings.ToLower(f.live.Error)
			for _, word := range []string{"syntax", "compil", "unexpected", "token", "parse", "not supported"} {
				if strings.Contains(message, word) {
					return yes("cloudfront/functions", "TestFunction of %s: %s", f.name, incident.Line(f.live.Error, 120))
				}
			}
			return not("cloudfront/functions", "%s compiles", f.name)
		})
	}},
	{"function uses its compute time", "FunctionComputeUtilization", "", func(v *view) sighting { return v.eachFunction(computes) }},
	{"function is invoked very often", "", "", func(v *view) sighting { return v.eachFunction(invokedOften) }},
	{"good function was published after the bad one", "", "", func(v *view) sighting { return v.eachFunction(v.mended) }},
	{"function answers 503 in its test", "", "", func(v *view) sighting {
		return v.eachFunction(func(f functionView) sighting {
			if f.live == nil || !f.live.Tested {
				return sighting{}
			}
			output := strings.Join(strings.Fields(f.live.Output), "")
			if strings.Contains(output, `"statusCode":503`) {
				return yes("cloudfront/functions", "%s answers 503 in TestFunction", f.name)
			}
			return sighting{}
		})
	}},
	{"an edge function attached", "", "", func(v *view) sighting {
		switch {
		case !v.hasConfig:
			return sighting{}
		case len(v.functions)+len(v.lambdas) > 0:
			return yes("distribution", "failing requests run an edge function")
		}
		return not("distribution", "no behaviour in question runs an edge function")
	}},
}

func (v *view) eachFunction(see func(functionView) sighting) sighting {
	var list []sighting
	for _, f := range v.functions {
		list = append(list, see(f))
	}
	return either(list...)
}

// computes judges how much of its time limit a function uses: above 70 percent it is likely to be throttled.
func computes(f functionView) sighting {
	tested := -1.0
	if f.live != nil && f.live.Tested {
		tested = f.live.Utilization
	}
	metric := -1.0
	if f.utilization.dataAfter {
		metric = f.utilization.after
	}
	switch highest := max(tested, metric); {
	case highest < 0:
		return sighting{}
	case highest > 70:
		return yes("metrics/us-east-1", "%s uses %.0f %% of its compute time", f.name, highest)
	case highest < 60:
		return not("metrics/us-east-1", "%s uses %.0f %% of its compute time", f.name, highest)
	}
	return sighting{}
}

// invokedOften judges the rate of a function's runs. From where on CloudFront throttles is not published [facts 1.1 F8]: it is
// a rate that few distributions ever see.
func invokedOften(f functionView) sighting {
	if !f.invocations.dataAfter {
		return sighting{}
	}
	return judge(f.invocations.source, f.invocations.maxAfter/60, 10_000, 1000, "runs a second of %s", f.name)
}

// mended looks for a broken version that was replaced: throttling that outlives it follows the function's name [facts F9].
// Either it was published again after failures had begun, or its errors have ended and throttles have come instead.
func (v *view) mended(f functionView) sighting {
	if f.live != nil && f.live.Error != "" {
		return not("cloudfront/functions", "the live code of %s still fails its test", f.name)
	}
	var publishes []incident.Call
	for _, c := range v.ev.Calls {
		if c.Name == "PublishFunction" && c.ErrorCode == "" && slices.Contains(stringsIn(c.Parameters, "name"), f.name) {
			publishes = append(publishes, c)
		}
	}
	errorsEnded := f.errors.maxAfter > 0.5 && f.errors.recent < 0.05*f.errors.maxAfter && f.throttles.recent > 0.5
	switch n := len(publishes); {
	case errorsEnded:
		return yes("metrics/us-east-1", "errors of %s have ended and throttles have come instead", f.name)
	case n > 0 && !v.onset.IsZero() && publishes[n-1].At.After(v.onset.Add(time.Minute)) && v.until.Sub(publishes[n-1].At).Minutes() < 30:
		return yes("cloudtrail/us-east-1", "%s was published again at %s, after the failures had begun", f.name, publishes[n-1].At.Format("15:04"))
	case n > 1 && publishes[n-1].At.Sub(publishes[n-2].At).Minutes() < 90 && v.until.Sub(publishes[n-1].At).Minutes() < 30:
		return yes("cloudtrail/us-east-1", "%s was published twice within %.0f minutes", f.name, publishes[n-1].At.Sub(publishes[n-2].At).Minutes())
	case f.live != nil && !v.onset.IsZero() && f.live.ModifiedAt.After(v.onset.Add(time.Minute)) && v.until.Sub(f.live.ModifiedAt).Minutes() < 30:
		return yes("cloudfront/functions", "%s was published again at %s, after the failures had begun", f.name, f.live.ModifiedAt.Format("15:04"))
	case v.whole("cloudtrail/us-east-1") && !v.onset.IsZero():
		return not("cloudtrail/us-east-1", "%s was not published again after the failures began", f.name).at(0.7)
	}
	return sighting{}
}
