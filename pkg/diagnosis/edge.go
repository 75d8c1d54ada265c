// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package diagnosis

import (
	"math"
	"slices"
	"strings"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/incident"
)

// lambdaView is a Lambda@Edge version that failing requests run.
type lambdaView struct {
	arn, name   string
	invocations flow
	errors      flow
	throttles   flow
	longest     float64 // milliseconds, the longest since the onset
	duration    flow    // Duration's Maximum in the Region with the longest run
	average     flow    // Duration's Average in the Region with the most throttles, else with the longest run
	hasLongest  bool
	timeout     float64 // milliseconds; 0: unknown
	memory      int
	regions     []throttledRegion // where it is throttled, the worst first
	missing     bool              // the version does not exist
	found       bool              // it does
	roleRead    bool
	roleGone    bool
	noTrust     bool
	state       string
}

// throttledRegion is a Region in which a function was throttled, with how near the Region's pool is to its limits.
type throttledRegion struct {
	region      string
	throttles   flow
	rate        float64 // invocations and throttles a second, at the most
	concurrency float64 // of the account, at the most since the onset
	hasPool     bool
	flat        bool    // the pool stood still at its highest value: it is full
	limit       float64 // 0: unknown
	limitHere   bool    // it was read in this Region
	full        bool
	unreserved  float64
	source      string
}

// functionName is a version's plain name: arn:aws:lambda:us-east-1:111122223333:function:NAME:7.
func functionName(arn string) string {
	parts := strings.Split(arn, ":")
	if len(parts) >= 7 {
		return parts[6]
	}
	return arn[strings.LastIndex(arn, "/")+1:]
}

func (v *view) readLambdas() []lambdaView {
	var out []lambdaView
	for _, arn := range v.scope.associations(lambdaOf) {
		out = append(out, v.readLambda(arn))
	}
	return out
}

func (v *view) readLambda(arn string) lambdaView {
	l := lambdaView{arn: arn, name: functionName(arn)}
	replica := "us-east-1." + l.name
	get := func(name string) flow { return v.sum(v.find("AWS/Lambda", name, "Sum", "FunctionName", replica)) }
	l.invocations, l.errors, l.throttles = get("Invocations"), get("Errors"), get("Throttles")
	for _, s := range v.find("AWS/Lambda", "Duration", "Maximum", "FunctionName", replica) {
		if f := v.flow(s); f.dataAfter && (!l.hasLongest || f.maxAfter > l.longest) {
			l.longest, l.hasLongest, l.duration = f.maxAfter, true, f
		}
	}
	for _, region := range v.ev.Lambda {
		l.readState(region)
	}
	for _, s := range v.find("AWS/Lambda", "Throttles", "Sum", "FunctionName", replica) {
		if f := v.flow(s); v.rise(f) > 0 {
			l.regions = append(l.regions, v.throttled(replica, s.Region, f))
		}
	}
	slices.SortStableFunc(l.regions, func(a, b throttledRegion) int {
		return int(math.Copysign(1, b.throttles.after-a.throttles.after))
	})
	for _, s := range v.find("AWS/Lambda", "Duration", "Average", "FunctionName", replica) {
		if f := v.flow(s); len(l.regions) == 0 || l.regions[0].region == s.Region {
			l.average = f
		}
	}
	return l
}

// readState takes what Lambda and IAM say about the version and its role. The home of both is us-east-1.
func (l *lambdaView) readState(region incident.LambdaRegion) {
	l.missing = l.missing || slices.Contains(region.Missing, l.arn)
	for _, f := range region.Functions {
		if f.ARN != l.arn {
			continue
		}
		l.found, l.timeout, l.memory, l.state = true, f.Timeout*1000, f.MemoryMB, f.State
		role, read := region.Roles[f.Role]
		if !read {
			continue
		}
		l.roleRead = role == nil || role.Readable
		l.roleGone = role == nil
		l.noTrust = role != nil && role.Readable && !role.TrustsEdge
	}
}

// throttled compares a Region's pool with its limits.
func (v *view) throttled(replica, region string, throttles flow) throttledRegion {
	t := throttledRegion{region: region, throttles: throttles, source: "metrics/" + region}
	perSecond := 0.0
	for _, name := range []string{"Invocations", "Throttles"} {
		for _, s := range v.inRegion(v.find("AWS/Lambda", name, "Sum", "FunctionName", replica), region) {
			perSecond += v.flow(s).maxAfter / 60
		}
	}
	t.rate = perSecond
	t.limit, t.unreserved, t.limitHere = v.concurrencyLimit(region)
	for _, s := range v.inRegion(v.find("AWS/Lambda", "ConcurrentExecutions", "Maximum"), region) {
		t.pool(v, s)
	}
	for _, s := range v.inRegion(v.find("AWS/Lambda", "UnreservedConcurrentExecutions", "Maximum"), region) {
		f := v.flow(s)
		t.full = t.full || len(s.Dimensions) == 0 && f.dataAfter && t.unreserved > 0 && f.maxAfter >= 0.95*t.unreserved
	}
	return t
}

func (v *view) inRegion(list []incident.Series, region string) []incident.Series {
	return slices.DeleteFunc(list, func(s incident.Series) bool { return s.Region != region })
}

// pool reads the account's concurrency: the metric without a dimension counts, a function's own only where that is absent.
func (t *throttledRegion) pool(v *view, s incident.Series) {
	f := v.flow(s)
	if !f.dataAfter || len(s.Dimensions) > 0 && t.hasPool {
		return
	}
	if len(s.Dimensions) > 0 && s.Dimensions["FunctionName"] == "" {
		return
	}
	whole := len(s.Dimensions) == 0
	t.hasPool = t.hasPool || whole
	t.concurrency = f.maxAfter
	t.flat = f.after >= 0.97*f.maxAfter && f.maxAfter > 1.3*f.maxBefore
	t.full = t.full || t.limit > 0 && f.maxAfter >= 0.93*t.limit
}

// concurrencyLimit is the Region's limit of concurrent executions: its account settings or its quota. Where neither was
// read there, any other Region's is a hint, as most accounts have the same everywhere.
func (v *view) concurrencyLimit(region string) (limit, unreserved float64, here bool) {
	hint, hintUnreserved := 0.0, 0.0
	for _, r := range v.ev.Lambda {
		if r.HasAccountLimit && r.Concurrency > 0 {
			if r.Region == region {
				return r.Concurrency, r.Unreserved, true
			}
			hint, hintUnreserved = r.Concurrency, r.Unreserved
		}
	}
	for _, q := range v.ev.Quotas {
		if q.Service == "lambda" && q.Name == concurrencyQuota && q.Value > 0 {
			if q.Region == region {
				return q.Value, 0, true
			}
			hint = max(hint, q.Value)
		}
	}
	return hint, hintUnreserved, false
}

const concurrencyQuota = "Concurrent executions"

// tight says whether the Region's pool is used up; loose, whether it clearly is not.
func (t throttledRegion) tight() bool {
	return t.full || t.limit == 0 && t.flat || !t.limitHere && t.flat
}

func (t throttledRegion) loose() bool {
	return !t.full && t.concurrency > 0 && t.limit > 0 && (t.limitHere || !t.flat) && t.concurrency < 0.85*t.limit
}

// fast says whether the rate of invocations is at what the limits allow: ten a second for each of the pool's executions,
// or 10,000 a second in a Region [facts 4.2].
func (t throttledRegion) fast() bool {
	return t.rate >= 8000 || t.limit > 0 && t.rate >= 8*t.limit
}

// functionView is a CloudFront Function that failing requests run.
type functionView struct {
	name        string
	invocations flow
	errors      flow
	invalid     flow
	throttles   flow
	utilization flow
	kvsErrors   flow
	live        *incident.EdgeFunction
}

func (v *view) readFunctions() []functionView {
	var out []functionView
	for _, arn := range v.scope.associations(functionOf) {
		out = append(out, v.readFunction(arn[strings.LastIndex(arn, "/")+1:]))
	}
	return out
}

// readFunction prefers a function's metrics on this distribution to those over all distributions.
func (v *view) readFunction(name string) functionView {
	f := functionView{name: name}
	get := func(metric string) flow {
		own := v.find("AWS/CloudFront", metric, "", "FunctionName", name, "DistributionId", v.ev.Distribution)
		if len(own) == 0 {
			own = v.find("AWS/CloudFront", metric, "", "FunctionName", name)
			own = slices.DeleteFunc(own, func(s incident.Series) bool { return s.Dimensions["DistributionId"] != "" })
		}
		return v.sum(own)
	}
	f.invocations, f.errors, f.invalid = get("FunctionInvocations"), get("FunctionExecutionErrors"), get("FunctionValidationErrors")
	f.throttles, f.utilization, f.kvsErrors = get("FunctionThrottles"), get("FunctionComputeUtilization"), get("KvsReadErrors")
	for i, live := range v.ev.EdgeFunctions {
		if live.Name == name {
			f.live = &v.ev.EdgeFunctions[i]
		}
	}
	return f
}

// wafView is what AWS WAF says about requests of this distribution or of its origins.
type wafView struct {
	acl        string // the web ACL of the distribution, or one that the logs show at an origin
	read       bool
	blocks503  float64
	blocksElse float64
	rule       string
	origin     bool // the web ACL sits at an origin
	blocked    flow
	before     []incident.WebACL // what stands before the origins, as far as it was read
}

func (v *view) readWAF() wafView {
	w := wafView{acl: v.config.WebACL(), before: v.ev.WebACLs}
	for _, before := range w.before {
		if w.acl == "" && before.ARN != "" {
			w.acl, w.origin = before.ARN, true
		}
	}
	if log := v.ev.WAF; log != nil {
		w.read = v.whole("wafv2/logs") && log.Records > 0
		for _, g := range log.Groups {
			w.record(v, g)
		}
	}
	for _, s := range v.find("AWS/WAFV2", "BlockedRequests", "Sum") {
		if w.acl != "" && s.Dimensions["Region"] == "" && !strings.Contains(w.acl, "/"+s.Dimensions["WebACL"]+"/") {
			continue // another web ACL
		}
		if f := v.flow(s); !w.blocked.asked || s.Dimensions["Rule"] == "ALL" || v.rise(f) > v.rise(w.blocked) {
			w.blocked = f
		}
	}
	return w
}

// record takes the log records of the distribution and of load balancers and APIs: a web ACL may sit at any of them.
func (w *wafView) record(v *view, g incident.WAFGroup) {
	if g.Action != "BLOCK" && g.Action != "CAPTCHA" && g.Action != "CHALLENGE" {
		return
	}
	if g.Source == "CF" && g.ID != v.ev.Distribution && g.ID != v.stagingID() {
		return
	}
	if g.Status != 503 {
		w.blocksElse += float64(g.Count)
		return
	}
	w.blocks503 += float64(g.Count)
	w.rule, w.origin = g.Rule, g.Source != "CF"
	if w.acl == "" || w.origin && g.WebACL != "" {
		w.acl = g.WebACL // the one that blocks, of several
	}
}

// canAnswer says whether a web ACL before an origin has a rule that answers 503. none: the distribution itself has no web ACL,
// so that one before the origins would be the only one. What groups of rules answer is not told.
func (w *wafView) canAnswer(none bool) sighting {
	groups := false
	for _, acl := range w.before {
		if len(acl.Answers503) > 0 {
			return yes("wafv2/"+acl.Region, "the rule %s of the web ACL %s answers 503", acl.Answers503[0], acl.Name)
		}
		groups = groups || acl.Groups
	}
	if len(w.before) == 0 || groups || !none {
		return sighting{}
	}
	return not("wafv2/"+w.before[0].Region, "no rule of a web ACL before the origins answers 503")
}

// stagingID is the staging distribution's id. Where its state was not read, the metrics of a second distribution tell: it
// is asked for together with the one in question.
func (v *view) stagingID() string {
	if s := v.ev.Staging; s != nil && s.Distribution != nil {
		return s.Distribution.ID
	}
	if v.config.ContinuousDeploymentPolicyID() == "" {
		return ""
	}
	for _, s := range v.ev.Series {
		if id := s.Dimensions["DistributionId"]; s.Namespace == "AWS/CloudFront" && id != "" && id != v.ev.Distribution {
			return id
		}
	}
	return ""
}

// stagingView is the continuous deployment, seen from the failing requests.
type stagingView struct {
	attached  bool // the distribution has a policy
	enabled   bool
	weight    float64 // percent
	header    bool
	requests  flow
	rate      flow    // its own 5xx or 503 rate
	failing   float64 // its failing requests a minute
	logsRead  bool
	logsShare float64 // percent of its rows that fail
	config    distribution.Config
	hasConfig bool
}

func (v *view) readStaging() stagingView {
	s := stagingView{attached: v.config.ContinuousDeploymentPolicyID() != ""}
	if st := v.ev.Staging; st != nil {
		s.attached = s.attached || st.Enabled
		s.enabled, s.weight, s.header = st.Enabled, 100*st.Weight, st.Header != ""
		if st.Distribution != nil {
			config, err := distribution.Parse(st.Distribution.Config)
			s.config, s.hasConfig = config, err == nil
		}
	}
	id := v.stagingID()
	if id == "" {
		return s
	}
	s.requests = v.sum(v.find("AWS/CloudFront", "Requests", "Sum", "DistributionId", id))
	for _, name := range []string{"5xxErrorRate", "503ErrorRate"} {
		for _, series := range v.find("AWS/CloudFront", name, "Average", "DistributionId", id) {
			if f := v.flow(series); f.asked && (!s.rate.dataAfter || f.dataAfter && v.ev.AlarmMetric == name) {
				s.rate = f
			}
		}
	}
	s.failing = s.rate.after / 100 * s.requests.after
	s.readStagingLogs(v)
	return s
}

func (s *stagingView) readStagingLogs(v *view) {
	logs := v.ev.StagingLogs
	if logs == nil || logs.Rows == 0 {
		return
	}
	s.logsRead = true
	failed := int64(0)
	for _, g := range logs.Groups {
		if g.Status >= 500 {
			failed += g.Count
		}
	}
	s.logsShare = 100 * float64(failed) / float64(logs.Rows)
}
