// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package diagnosis

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/incident"
)

func fmtNumber(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

// trafficSigns are about how much traffic there is, whose it is, where it fails, and what AWS says about itself.
var trafficSigns = []sign{
	{"traffic is at the distribution's quota", "requests and bytes a second", "", func(v *view) sighting {
		use, limit, what := v.quotaUse()
		switch {
		case use == 0:
			return sighting{}
		case use >= 0.7*limit:
			return yes("metrics/us-east-1", "%.4g %s, of %s", use, what, fmtNumber(limit))
		case use < 0.4*limit:
			return not("metrics/us-east-1", "%.4g %s are far below the quota of %s", use, what, fmtNumber(limit))
		}
		return sighting{}
	}},
	{"one client or edge stands out", "clients and edge locations of failing requests", nextLogs, func(v *view) sighting {
		l := v.logs
		switch {
		case !l.enough():
			return sighting{}
		case l.topClient >= 0.3:
			return yes("access-logs", "%.0f %% of the failing rows are of client %s", 100*l.topClient, incident.Line(l.client, 45))
		case l.topEdge >= 0.6 && l.topEdge > 2*l.allTop:
			return yes("access-logs", "%.0f %% of the failing rows are at %s", 100*l.topEdge, incident.Line(l.edge, 20)).at(0.9)
		case l.topClient < 0.1 && l.topEdge < 0.4:
			return not("access-logs", "failing rows are of many clients at many edge locations")
		}
		return sighting{}
	}},
	{"few edge locations fail", "edge locations of failing requests", nextLogs, func(v *view) sighting {
		l := v.logs
		switch {
		case !l.enough():
			return sighting{}
		case l.topEdges >= 0.8 && l.topEdge > 1.5*l.allTop:
			return yes("access-logs", "%.0f %% of the failing rows are at three edge locations", 100*l.topEdges)
		case l.topEdges < 0.5:
			return not("access-logs", "failing rows are at many edge locations")
		}
		return sighting{}
	}},
	{"probe is healthy", "", "", func(v *view) sighting {
		switch p := v.probe; {
		case !p.read:
			return sighting{}
		case p.status >= 200 && p.status < 400:
			return yes("probe", "the probe got %d at %s; that speaks for this edge only", p.status, p.pop)
		case p.failed:
			return not("probe", "the probe got %d", p.status)
		}
		return sighting{}
	}},
	{"AWS Health names CloudFront", "whether AWS has an incident; its absence proves nothing", "", cloudFrontHealth},
	{"AWS Health names S3", "", "", func(v *view) sighting {
		for _, e := range v.ev.Health {
			if strings.EqualFold(e.Service, "S3") && v.relevant(e) {
				return yes("health", "%s is open", e.Type)
			}
		}
		return sighting{}
	}},
	{"WAF logs show 503", "AWS WAF's logs", "aws wafv2 get-logging-configuration --scope CLOUDFRONT --resource-arn ARN", func(v *view) sighting {
		w := v.waf
		switch {
		case w.blocks503 > 0:
			return yes("wafv2/logs", "%.0f records: the rule %s blocks with 503", w.blocks503, w.rule)
		case w.read:
			return not("wafv2/logs", "no record blocks with 503; %.0f block with another status", w.blocksElse)
		}
		return sighting{}
	}},
	{"web ACL can answer 503", "the web ACLs before the origins", "aws wafv2 get-web-acl-for-resource --region REGION --resource-arn ARN", func(v *view) sighting {
		return v.waf.canAnswer(v.config.WebACL() == "")
	}},
	{"WAF blocks rise", "BlockedRequests of the web ACL", "", func(v *view) sighting { return v.counted(v.waf.blocked, "BlockedRequests", 0.4) }},
	{"staging distribution fails", "the staging distribution's own metrics", "aws cloudwatch get-metric-data --region us-east-1 (AWS/CloudFront, the staging distribution's id)", stagingFails},
	{"staging is not known", "", "", func(v *view) sighting {
		s := v.staging
		if s.attached && (v.ev.Staging == nil || s.enabled) && !s.rate.asked && !s.requests.asked && !s.logsRead && v.share > 0 && v.share <= 16 {
			return yes("distribution", "%.3g %% fail, and a staging distribution, of which nothing is known, may have as much", v.share)
		}
		return sighting{}
	}},
	{"staging serves in another way", "", "", func(v *view) sighting {
		switch {
		case !v.staging.hasConfig || !v.hasConfig:
			return sighting{}
		case serving(v.staging.config) == serving(v.config):
			return not("cloudfront/staging", "the staging distribution has the same origins, behaviours and error responses")
		}
		return yes("cloudfront/staging", "the staging distribution has other origins, behaviours or error responses")
	}},
	{"failing share is staging's", "", "", func(v *view) sighting {
		s := v.staging
		switch {
		case s.weight <= 0 || v.share <= 0:
			return sighting{}
		case v.share > 0.6*s.weight && v.share < 1.5*s.weight:
			return yes("metrics/us-east-1", "%.3g %% fail, and %.3g %% go to staging", v.share, s.weight)
		case v.share > 2*s.weight:
			return not("metrics/us-east-1", "%.3g %% fail, but only %.3g %% go to staging", v.share, s.weight)
		}
		return sighting{}
	}},
}

// The quotas of a distribution, by name, and their default values [facts 4.2].
const (
	requestsQuota, requestsDefault = "Requests per second per distribution", 250_000
	bytesQuota, bytesDefault       = "Data transfer rate per distribution", 150
)

// quotaUse is the quota of the distribution that is used most, and how much: an average of the busiest minute, which
// hides shorter bursts. CloudFront publishes no usage metric.
func (v *view) quotaUse() (use, limit float64, what string) {
	perSecond := v.requests.maxAfter / 60
	gigabits := (v.cloudfront("BytesDownloaded").maxAfter + v.cloudfront("BytesUploaded").maxAfter) * 8 / 60 / 1e9
	requestLimit, byteLimit := v.quota("cloudfront", requestsQuota, requestsDefault), v.quota("cloudfront", bytesQuota, bytesDefault)
	if gigabits/byteLimit > perSecond/requestLimit {
		return gigabits, byteLimit, "Gbit/s"
	}
	return perSecond, requestLimit, "requests/s"
}

func (v *view) quota(service, name string, byDefault float64) float64 {
	for _, q := range v.ev.Quotas {
		if q.Service == service && strings.EqualFold(q.Name, name) && q.Value > 0 {
			return q.Value
		}
	}
	return byDefault
}

// relevant says whether a Health event can have to do with this failure: an open issue that had begun.
func (v *view) relevant(e incident.HealthEvent) bool {
	if e.Backup || !strings.EqualFold(e.Status, "open") || e.Category != "" && !strings.EqualFold(e.Category, "issue") {
		return false
	}
	return !e.Start.After(v.until) && (e.End.IsZero() || e.End.After(v.until))
}

func speaksOf(e incident.HealthEvent, words ...string) bool {
	text := strings.ToLower(e.Description)
	return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(text, word) })
}

// unaffected are words of a sentence that says what works.
var unaffected = []string{"not affected", "not impacted", "unaffected", "not been affected", "not been impacted", "no impact", "continues to", "continue to", "operating normally"}

// affirmed is an event's description without the sentences that say what works.
func affirmed(e incident.HealthEvent) incident.HealthEvent {
	var kept []string
	for _, sentence := range strings.Split(e.Description, ". ") {
		if !speaksOf(incident.HealthEvent{Description: sentence}, unaffected...) {
			kept = append(kept, sentence)
		}
	}
	e.Description = strings.Join(kept, ". ")
	return e
}

// What a CloudFront event may be about, other than serving viewers.
var (
	controlWords = []string{"invalidation", "propagat", "console", "control plane", "api request", "apis", "configuration change",
		"distribution change", "access log", "log delivery", "standard log", "real-time log", "metrics", "billing", "report", "provision"}
	viewerWords = []string{"5xx", "503", "error rate", "http error", "viewer", "end user", "serving", "content delivery", "unavailab",
		"connectivity", "elevated error", "increased error", "request failure", "origin request", "edge location"}
)

// cloudFrontHealth looks for an open issue of CloudFront that is about what this distribution does.
func cloudFrontHealth(v *view) sighting {
	for _, e := range v.ev.Health {
		if !strings.EqualFold(e.Service, "CLOUDFRONT") || !v.relevant(e) || v.isAboutElse(e) {
			continue
		}
		strength := 1.0
		if apart := v.apart(e.Start); apart > time.Hour || apart < -time.Hour {
			strength = 0.55
		}
		return yes("health", "%s is open since %s: %s", e.Type, e.Start.Format("15:04 MST"), incident.Line(e.Description, 100)).at(strength)
	}
	if v.whole("health") {
		return not("health", "no open AWS Health event is about CloudFront serving this distribution's viewers").at(0.5)
	}
	return sighting{}
}

// apart is how long after the onset a time is; without an onset the alarm stands in.
func (v *view) apart(at time.Time) time.Duration {
	if v.onset.IsZero() {
		return at.Sub(v.ev.AlarmAt)
	}
	return at.Sub(v.onset)
}

// isAboutElse says whether a CloudFront event is about a part that this distribution does not use, or not about viewers.
func (v *view) isAboutElse(e incident.HealthEvent) bool {
	vpc := slices.ContainsFunc(v.scope.origins, func(o distribution.Origin) bool { return o.Kind == distribution.KindVPC })
	switch {
	case speaksOf(e, "vpc origin"):
		return !vpc
	case speaksOf(e, "lambda@edge", "lambda edge"):
		return true // a sign of its own
	case speaksOf(e, "cloudfront function", "keyvaluestore", "key value store"):
		return len(v.functions) == 0
	}
	return speaksOf(e, controlWords...) && !speaksOf(affirmed(e), viewerWords...)
}

// stagingFails compares the staging distribution with all traffic: the fault must be there, and there only.
func stagingFails(v *view) sighting {
	s := v.staging
	switch {
	case v.share <= 0: // there is nothing to compare with
		return sighting{}
	case s.logsRead && s.logsShare >= 40 && s.logsShare > 3*v.share:
		return yes("access-logs", "%.0f %% of the staging distribution's rows fail", s.logsShare)
	case s.rate.dataAfter && s.failing >= 0.4*v.failing && s.rate.after > 2.5*v.share:
		return yes("metrics/us-east-1", "%.3g %% of the staging distribution's requests fail, %.3g %% of all", s.rate.after, v.share)
	case s.rate.dataAfter && s.rate.after <= 2*v.share:
		return not("metrics/us-east-1", "%.3g %% of the staging distribution's requests fail, %.3g %% of all", s.rate.after, v.share)
	case s.rate.dataAfter && v.hasRate && s.failing < 0.2*v.failing:
		return not("metrics/us-east-1", "the staging distribution's failures are a small part of all")
	case s.requests.asked && !s.requests.dataAfter:
		return not("metrics/us-east-1", "the staging distribution has no traffic").at(0.8)
	case s.logsRead && s.logsShare < 2*v.share:
		return not("access-logs", "%.0f %% of the staging distribution's rows fail", s.logsShare)
	}
	return sighting{}
}

// configurationSigns are about what the configuration itself says, and how it differs from the last known good one.
var configurationSigns = []sign{
	{"error response turns a status into 503", "", "", func(v *view) sighting {
		if !v.hasConfig {
			return sighting{}
		}
		if m := mappings(v.config); len(m) > 0 {
			return yes("distribution", "a custom error response turns %d into 503", m[0].ErrorCode).at(v.weightOfConfiguration())
		}
		for _, r := range v.config.CustomErrorResponses() {
			if r.PagePath != "" && r.ErrorCode != 503 {
				return yes("distribution", "the page for %d may itself fail", r.ErrorCode).at(0.15)
			}
		}
		return not("distribution", "no custom error response turns another status into 503")
	}},
	{"error response is new", "the last known good configuration", "", func(v *view) sighting {
		return v.isNew(len(mappings(v.config)) > 0, func(c distribution.Config) string { return fmtMappings(mappings(c)) }, "the custom error response")
	}},
	{"the status that is turned has gone", "", "", mappedGone},
	{"the origin gives the status that is turned", "", "", mappedRises},
	{"page is an object of the origin", "what failing viewers see", nextProbe, func(v *view) sighting {
		switch p := v.probe; {
		case !p.failed || len(mappings(v.config)) == 0:
			return sighting{}
		case p.page || p.s3Code != "":
			return not("probe", "%s", p.describe())
		case strings.HasPrefix(p.server, "amazons3") && strings.Contains(p.typ, "html"):
			return yes("probe", "S3 never writes HTML with a 503: it is the error page")
		case p.fromOther:
			return yes("probe", "a page, which may be the error page").at(0.4)
		}
		return sighting{}
	}},
	{"mutual TLS to the origin", "", "", func(v *view) sighting {
		if !v.hasConfig {
			return sighting{}
		}
		for _, o := range v.scope.origins {
			if v.client[o.ID] != "" {
				return yes("distribution", "the origin %s wants mutual TLS", o.ID).at(v.weightOfConfiguration())
			}
		}
		return not("distribution", "no origin in question wants mutual TLS")
	}},
	{"mutual TLS is new", "the last known good configuration", "", func(v *view) sighting {
		return v.isNew(v.hasClientCertificate(), certificatesOf, "the client certificate for the origin")
	}},
	{"connections to the origin fail", "the result type of failing requests", nextLogs, func(v *view) sighting {
		if !v.logs.enough() {
			return sighting{}
		}
		share := v.logs.share("originconnecterror", "origincommerror", "originreaderror", "abortedorigin")
		if share >= 0.3 {
			return yes("access-logs", "%.0f %% of the failing rows are connections to the origin that fail", 100*share)
		}
		return not("access-logs", "failing rows are not connections to the origin that fail").at(0.3)
	}},
	{"web ACL attached", "", "", func(v *view) sighting {
		switch {
		case v.waf.acl != "" && v.waf.acl != v.config.WebACL() && len(v.waf.before) > 0:
			return yes("wafv2/"+v.waf.before[0].Region, "a web ACL stands before an origin")
		case v.waf.acl != "":
			return yes("distribution", "a web ACL is attached")
		case !v.hasConfig:
			return sighting{}
		case v.scope.hasOrigin(distribution.KindELB, distribution.KindAPIGateway, distribution.KindOther):
			return sighting{} // one may sit at the origin
		}
		return not("distribution", "no web ACL is attached, and the origin takes none")
	}},
	{"continuous deployment attached", "", "", func(v *view) sighting {
		switch {
		case !v.hasConfig && v.ev.Staging == nil:
			return sighting{}
		case v.ev.Staging != nil && v.ev.Staging.PolicyID != "" && !v.staging.enabled:
			return not("cloudfront/staging", "the continuous deployment policy is not enabled")
		case v.staging.attached:
			return yes("distribution", "a continuous deployment policy is attached")
		}
		return not("distribution", "no continuous deployment policy is attached")
	}},
	{"errors are cached for long", "", "", func(v *view) sighting {
		if !v.hasConfig {
			return sighting{}
		}
		for _, r := range v.config.CustomErrorResponses() {
			if r.ErrorCode == 503 && r.MinTTL >= 60 {
				return yes("distribution", "503 is cached for %d seconds", r.MinTTL)
			}
		}
		return not("distribution", "503 is cached for 10 seconds, or what the origin's headers say")
	}},
	{"nothing is cached", "", "", func(v *view) sighting {
		const cachingDisabled = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad" // the managed policy CachingDisabled
		for _, b := range v.scope.behaviors {
			if b.CachePolicyID != cachingDisabled {
				return sighting{}
			}
		}
		if len(v.scope.behaviors) == 0 {
			return sighting{}
		}
		return yes("distribution", "the behaviours in question cache nothing, errors included")
	}},
}

// serving is what of a configuration decides how requests are answered, as one text.
func serving(c distribution.Config) string {
	var out []string
	for _, field := range []string{"Origins", "OriginGroups", "DefaultCacheBehavior", "CacheBehaviors", "CustomErrorResponses"} {
		out = append(out, string(c.Value(field)))
	}
	return strings.Join(out, " ")
}

// mappings are the custom error responses that turn another status into 503.
func mappings(c distribution.Config) []distribution.CustomErrorResponse {
	var out []distribution.CustomErrorResponse
	for _, r := range c.CustomErrorResponses() {
		if r.ResponseCode == 503 && r.ErrorCode != 503 {
			out = append(out, r)
		}
	}
	return out
}

func fmtMappings(list []distribution.CustomErrorResponse) string {
	var out []string
	for _, r := range list {
		out = append(out, strconv.Itoa(r.ErrorCode))
	}
	return strings.Join(out, ",")
}

func (v *view) hasClientCertificate() bool {
	return slices.ContainsFunc(v.scope.origins, func(o distribution.Origin) bool { return v.client[o.ID] != "" })
}

// certificatesOf are a configuration's client certificates as one text, to be compared.
func certificatesOf(c distribution.Config) string {
	var out []string
	for id, certificate := range clientCertificates(c.Canonical()) {
		out = append(out, id+" "+certificate)
	}
	slices.Sort(out)
	return strings.Join(out, ",")
}

// weightOfConfiguration is how much a part of the configuration says that may be at fault: little where nothing tells who
// wrote the failing answers.
func (v *view) weightOfConfiguration() float64 {
	if v.witnessed() {
		return 1
	}
	return 0.3
}

// isNew compares a part of the live configuration with the last known good one.
func (v *view) isNew(there bool, part func(distribution.Config) string, what string) sighting {
	switch {
	case !there || !v.hasBaseline || !v.hasConfig:
		return sighting{}
	case part(v.config) != part(v.baseline):
		return yes("baseline", "%s is not in the last known good configuration", what).at(v.weightOfConfiguration())
	}
	return not("baseline", "%s is in the last known good configuration too", what)
}

// mappedGone says whether a status that is turned into 503 vanished at the onset, beyond what fails anyhow.
func mappedGone(v *view) sighting {
	for _, m := range mappings(v.config) {
		f := v.cloudfront(cmp.Or(map[int]string{401: "401ErrorRate", 403: "403ErrorRate", 404: "404ErrorRate", 502: "502ErrorRate", 504: "504ErrorRate"}[m.ErrorCode], "-"))
		if !f.data && m.ErrorCode < 500 {
			f = v.cloudfront("4xxErrorRate")
		}
		rest := 1 - min(99, v.share)/100
		switch {
		case !f.data || f.before < 0.1 || v.share > 70:
		case f.after < 0.45*f.before*rest:
			return yes(f.source, "%d was %.3g %% of the answers before, and is %.3g %% now", m.ErrorCode, f.before, f.after)
		case f.after > 0.75*f.before*rest:
			return not(f.source, "%d is still %.3g %% of the answers", m.ErrorCode, f.after).at(0.7)
		}
	}
	return sighting{}
}

// mappedRises says whether the origin began to give a status that is turned into 503.
func mappedRises(v *view) sighting {
	var list []sighting
	for _, m := range mappings(v.config) {
		for _, b := range v.balancers {
			if f, ok := map[int]flow{502: b.own502, 504: b.own504, 500: b.target5xx}[m.ErrorCode]; ok {
				list = append(list, v.counted(f, strconv.Itoa(m.ErrorCode)+" of "+b.name, 0.1))
			}
		}
		for _, b := range v.buckets {
			if m.ErrorCode < 500 {
				list = append(list, v.counted(b.denied, "4xxErrors of "+b.name, 0.1))
			}
		}
	}
	if s := either(list...); s.state == present {
		return s
	}
	return sighting{}
}
