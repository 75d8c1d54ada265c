// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package diagnosis

import (
	"fmt"
	"slices"
	"strings"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/incident"
)

// originSigns are about S3, API Gateway and servers of one's own.
var originSigns = []sign{
	{"S3 origin", "", "", func(v *view) sighting {
		if strings.HasPrefix(v.probe.server, "amazons3") && v.probe.failed {
			return yes("probe", "server AmazonS3 answered")
		}
		return v.originOf("an S3 origin", distribution.KindS3, distribution.KindS3Website)
	}},
	{"S3 says SlowDown", "S3's error code", nextProbe, func(v *view) sighting {
		switch p := v.probe; {
		case !p.failed:
			return sighting{}
		case p.s3Code == "slowdown" || p.mentions("please reduce your request rate"):
			return yes("probe", "S3 says SlowDown")
		case p.blind():
			return sighting{}
		default:
			return not("probe", "%s", p.describe())
		}
	}},
	{"S3 says another 503", "S3's error code", nextProbe, func(v *view) sighting {
		switch p := v.probe; {
		case !p.failed:
			return sighting{}
		case p.s3Code != "" && p.s3Code != "slowdown" && !p.mentions("please reduce your request rate"):
			return yes("probe", "S3 says %s", p.s3Code)
		case p.blind():
			return sighting{}
		default:
			return not("probe", "%s", p.describe())
		}
	}},
	{"S3 counts 5xx", "S3 request metrics of the bucket", "aws s3api put-bucket-metrics-configuration --bucket BUCKET --id EntireBucket --metrics-configuration Id=EntireBucket", func(v *view) sighting {
		var list []sighting
		for _, b := range v.buckets {
			list = append(list, v.counted(b.errors, "5xxErrors of "+b.name, 0.05))
		}
		return either(list...)
	}},
	{"S3 request rate is high", "the bucket's request rate", "", bucketRate},
	{"failing answers are XML", "the content type of failing requests", nextLogs, func(v *view) sighting {
		if p := v.probe; p.failed && p.typ != "" && !v.logs.enough() {
			if strings.Contains(p.typ, "xml") {
				return yes("probe", "the failing answer is XML, as S3 writes it")
			}
			return not("probe", "the failing answer is %s", p.typ)
		}
		share, counted := v.logs.typed("xml")
		switch {
		case !counted:
			return sighting{}
		case share >= 0.5:
			return yes("access-logs", "%.0f %% of the failing answers are XML, as S3 writes them", 100*share)
		}
		return not("access-logs", "%.0f %% of the failing answers are XML", 100*share)
	}},
	{"API Gateway origin", "", "", func(v *view) sighting {
		if v.probe.failed && v.probe.apiID {
			return yes("probe", "apigw-requestid is there: API Gateway answered")
		}
		return v.originOf("an API Gateway origin", distribution.KindAPIGateway)
	}},
	{"API Gateway's own 503", "the body of a failing answer", nextProbe, func(v *view) sighting {
		switch p := v.probe; {
		case !p.failed:
			return sighting{}
		case p.apiJSON:
			return yes("probe", `{"message":"Service Unavailable"}: the HTTP API wrote it`)
		case p.blind():
			return sighting{}
		default:
			return not("probe", "%s", p.describe())
		}
	}},
	{"API counts 5xx", "the API's metrics", "", func(v *view) sighting {
		var list []sighting
		for _, a := range v.apis {
			list = append(list, v.counted(a.errors, "5xx of API "+a.id, 0.1))
		}
		return either(list...)
	}},
	{"integration takes its whole time", "the API's IntegrationLatency", "", func(v *view) sighting {
		for _, a := range v.apis {
			if a.latency.dataAfter {
				return judge(a.latency.source, a.latency.maxAfter, 28000, 15000, "ms is the API's IntegrationLatency; its limit is 30,000")
			}
		}
		return sighting{}
	}},
	{"failing requests take 30 seconds", "the timing of failing requests", nextLogs, func(v *view) sighting {
		if !v.logs.enough() || v.logs.fast == 0 && v.logs.slow == 0 {
			return sighting{}
		}
		return judge("access-logs", 100*v.logs.slow, 50, 20, "%% of the failing rows had their first byte after about 30 s")
	}},
	{"REST API", "", "", func(v *view) sighting {
		for _, a := range v.apis {
			if a.rest {
				return yes(a.errors.source, "its metrics are those of a REST API, which answers 504 when it waits too long")
			}
		}
		return sighting{}
	}},
	{"origin of one's own", "", "", func(v *view) sighting {
		return v.originOf("an origin that is neither S3 nor a load balancer", distribution.KindOther, distribution.KindFunctionURL,
			distribution.KindMediaPackage, distribution.KindMediaStore, distribution.KindCloudFront, distribution.KindAPIGateway)
	}},
	{"a server of one's own wrote it", "who wrote the answer", nextProbe, serverWrote},
	{"origin group in use", "", "", func(v *view) sighting {
		switch {
		case !v.hasConfig:
			return sighting{}
		case len(v.scope.groups) > 0:
			return yes("distribution", "failing requests go to the origin group %s", v.scope.groups[0].ID)
		}
		return not("distribution", "no behaviour in question targets an origin group")
	}},
	{"origin group fails over on 503", "", "", func(v *view) sighting {
		s := failsOver(v)
		return s.at(s.strength * v.weightOfConfiguration()) // that it did is a possibility only, where nothing tells who wrote the answers
	}},
	{"origin group hides the primary's 503", "", "", failsOver},
	{"secondary origin wrote it", "which origin of the group answered", nextProbe, secondaryWrote},
}

// failsOver says whether a 503 of the primary would not have reached viewers.
func failsOver(v *view) sighting {
	if len(v.scope.groups) == 0 {
		return sighting{}
	}
	at := slices.IndexFunc(v.scope.groups, func(g distribution.OriginGroup) bool { return slices.Contains(g.StatusCodes, 503) })
	switch {
	case at < 0:
		return not("distribution", "the group %s does not fail over on 503", v.scope.groups[0].ID)
	case v.onlyWrites():
		return not("access-logs", "the failing requests are writes, which do not fail over")
	}
	return yes("distribution", "the group %s fails over on 503: what viewers get is the secondary's", v.scope.groups[at].ID).
		at(v.grouped() * v.reads())
}

// reads is how sure it is that reads fail, which fail over: logs tell their methods, a probe is a read, and so is most of what
// viewers send. Where nothing tells and a smaller part fails, it may be the writes.
func (v *view) reads() float64 {
	if v.witnessed() || v.share >= 50 {
		return 1
	}
	return 0.6
}

// grouped is which part of the behaviours in question targets a group.
func (v *view) grouped() float64 {
	n, byDefault := 0.0, false
	for _, b := range v.scope.behaviors {
		if slices.ContainsFunc(v.scope.groups, func(g distribution.OriginGroup) bool { return g.ID == b.TargetOriginID }) {
			n++
			byDefault = byDefault || b.Default
		}
	}
	all := float64(max(1, len(v.scope.behaviors)))
	switch {
	case v.scope.known || n == all:
		return n / all
	case byDefault: // most requests go through the default behaviour
		return 0.7
	}
	return 0.2
}

// onlyWrites says whether most failing requests have methods for which CloudFront does not fail over.
func (v *view) onlyWrites() bool {
	all, writes := int64(0), int64(0)
	for _, g := range v.logs.failing {
		for _, c := range g.Methods.Top {
			all += c.Count
			if slices.Contains([]string{"POST", "PUT", "PATCH", "DELETE"}, strings.ToUpper(c.Value)) {
				writes += c.Count
			}
		}
	}
	return all >= 3 && float64(writes) > 0.7*float64(all)
}

// bucketRate compares the bucket's requests with what a prefix sustains. Without the bucket's metrics the distribution's own
// requests bound them from above, and its misses are a guess.
func bucketRate(v *view) sighting {
	for _, b := range v.buckets {
		if perSecond := b.all.maxAfter / 60; b.all.dataAfter && perSecond > 0 {
			return judge(b.all.source, perSecond, 3000, 2000, "requests a second to %s, of 5,500 that a prefix sustains", b.name)
		}
	}
	if len(v.buckets) == 0 || !v.requests.dataAfter {
		return sighting{}
	}
	missed := 1.0
	if hits := v.cloudfront("CacheHitRate"); hits.dataAfter {
		missed = 1 - hits.after/100
	} else if v.logs.read {
		missed = v.logs.missed
	}
	switch all := v.requests.maxAfter / 60; {
	case all < 1500:
		return not(v.requests.source, "%.3g requests a second at the most reach the bucket", all).at(0.7)
	case all*missed >= 1500:
		return yes(v.requests.source, "about %.3g requests a second may reach the bucket", all*missed).at(0.5)
	}
	return sighting{}
}

// judge compares a number with what speaks for the sign and what speaks against it; between them nothing is said.
func judge(source string, value, enough, little float64, words string, more ...any) sighting {
	fact := fmt.Sprintf("%.3g ", value) + fmt.Sprintf(words, more...)
	switch {
	case value >= enough:
		return yes(source, "%s", fact)
	case value < little:
		return not(source, "%s", fact)
	}
	return sighting{}
}

// originOf says whether failing requests may go to an origin of the kinds.
func (v *view) originOf(what string, kinds ...distribution.Kind) sighting {
	switch {
	case !v.hasConfig || len(v.scope.origins) == 0:
		return sighting{}
	case v.scope.hasOrigin(kinds...):
		return yes("distribution", "the behaviours in question have %s", what)
	}
	return not("distribution", "the behaviours in question have not %s", what)
}

// typed is the share of failing answers whose content type has the word.
func (l logView) typed(word string) (share float64, counted bool) {
	sum, has := int64(0), int64(0)
	for _, g := range l.failing {
		for _, c := range g.ContentTypes.Top {
			sum += c.Count
			if strings.Contains(strings.ToLower(c.Value), word) {
				has += c.Count
			}
		}
	}
	if sum < 3 {
		return 0, false
	}
	return float64(has) / float64(sum), true
}

// serverWrote says whether the answer is a web server's or an application's, not that of S3, a load balancer or API Gateway.
func serverWrote(v *view) sighting {
	p := v.probe
	switch {
	case !p.failed:
		return sighting{}
	case p.fromEdge:
		return not("probe", "%s", p.describe())
	case p.s3Code != "" || strings.HasPrefix(p.server, "amazons3") || p.albPage || p.apiJSON || p.clbPage && v.hasClassic():
		return not("probe", "%s", p.describe())
	case !p.says("error", "", "miss", "refreshhit"):
		return not("probe", "x-cache says %q", p.xcache)
	case p.blind() && p.server == "":
		return sighting{}
	case p.server == "" && p.empty:
		return yes("probe", "the answer names no server and is empty").at(0.3)
	}
	return yes("probe", "%s", p.describe())
}

func (v *view) hasClassic() bool {
	return slices.ContainsFunc(v.balancers, func(b balancerView) bool { return b.kind == "classic" || b.kind == "" })
}

// secondaryWrote looks for a trace of the group's second member: in the log's origin fields, in the answer's server, in
// the counters of what stands behind it.
func secondaryWrote(v *view) sighting {
	for _, g := range v.scope.groups {
		if len(g.Members) < 2 {
			continue
		}
		primary, _ := v.config.Origin(g.Members[0])
		secondary, ok := v.config.Origin(g.Members[1])
		if !ok {
			continue
		}
		return either(v.failoverInLogs(secondary), v.writerIs(primary, secondary), v.errsAt(secondary))
	}
	return sighting{}
}

func (v *view) failoverInLogs(secondary distribution.Origin) sighting {
	for _, g := range v.logs.failing {
		for _, c := range g.Reasons.Top {
			if strings.HasPrefix(c.Value, "Failover") {
				return yes("access-logs", "sr-reason of failing rows is %s", incident.Line(c.Value, 40))
			}
		}
		for _, c := range g.Origins.Top {
			if strings.EqualFold(c.Value, secondary.DomainName) {
				return yes("access-logs", "the last origin tried was the secondary, %s", secondary.DomainName)
			}
		}
	}
	return sighting{}
}

// writerIs compares what wrote the answer with the kinds of both members, where they differ. What stands behind a load
// balancer may name any server, unless the load balancer counts none of its answers.
func (v *view) writerIs(primary, secondary distribution.Origin) sighting {
	writer, first, second := v.probe.writer(), kindOf(primary), kindOf(secondary)
	if writer == distribution.KindOther && first == distribution.KindELB && v.targetsAnswer(primary).state != absent {
		return sighting{}
	}
	if writer == "" || first == second {
		return sighting{}
	}
	switch writer {
	case second:
		return yes("probe", "the answer is that of the secondary origin: %s", v.probe.describe())
	case first:
		return not("probe", "the answer is that of the primary origin: %s", v.probe.describe())
	}
	return sighting{}
}

// targetsAnswer says whether what stands behind an origin's load balancer writes 5xx.
func (v *view) targetsAnswer(o distribution.Origin) sighting {
	return v.eachBalancer(func(b balancerView) sighting {
		if !slices.Contains(b.origins, o.ID) {
			return sighting{}
		}
		return v.counted(b.target5xx, "5xx of the targets of "+b.name, 0.05)
	})
}

// writer is the kind of origin that wrote the probe's answer, as far as it tells.
func (p probeView) writer() distribution.Kind {
	switch {
	case !p.failed || p.fromEdge:
		return ""
	case p.s3Code != "" || strings.HasPrefix(p.server, "amazons3"):
		return distribution.KindS3
	case p.albPage:
		return distribution.KindELB
	case p.apiJSON || p.apiID:
		return distribution.KindAPIGateway
	case p.fromOther && p.server != "":
		return distribution.KindOther
	}
	return ""
}

func (v *view) errsAt(secondary distribution.Origin) sighting {
	for _, b := range v.balancers {
		if slices.Contains(b.origins, secondary.ID) && !b.guessed {
			if empty, read := b.noTargets(v.mayReach); read && empty {
				return yes("elbv2/"+b.state.Region, "the secondary's load balancer, %s, has no target in use", b.name)
			}
			return v.counted(v.worse(b.target5xx, b.own503, b.own5xx), "5xx of the secondary's load balancer", 0.1)
		}
	}
	for _, b := range v.buckets {
		if b.origin == secondary.ID {
			return v.counted(b.errors, "5xx of the secondary's bucket", 0.1)
		}
	}
	return sighting{}
}

// balancerSigns are about load balancers.
var balancerSigns = []sign{
	{"load balancer origin", "", "", func(v *view) sighting {
		if len(v.balancers) > 0 {
			b := v.balancers[0]
			if b.guessed {
				return yes("metrics", "a load balancer, %s, may stand behind the origin's name", b.name).at(0.5)
			}
			return yes("distribution", "failing requests go through the load balancer %s", b.name)
		}
		if v.probe.failed && v.probe.albPage {
			return yes("probe", "server awselb: a load balancer answered")
		}
		return v.originOf("a load balancer", distribution.KindELB)
	}},
	{"classic load balancer", "", "", func(v *view) sighting {
		for _, b := range v.balancers {
			switch b.kind {
			case "classic":
				return yes("elb", "%s is a classic load balancer", b.name)
			case "application", "network":
				return not("elbv2", "%s is a load balancer of the newer kinds", b.name)
			}
		}
		return sighting{}
	}},
	{"network load balancer", "", "", func(v *view) sighting {
		for _, b := range v.balancers {
			if b.kind == "network" {
				return yes("distribution", "%s is a network load balancer, which writes no HTTP status", b.name)
			}
		}
		return sighting{}
	}},
	{"target group is empty", "the health of the targets", "aws elbv2 describe-target-health --target-group-arn ARN", func(v *view) sighting {
		return v.eachBalancer(func(b balancerView) sighting {
			empty, read := b.noTargets(v.mayReach)
			switch {
			case !read:
				return sighting{}
			case empty:
				return yes("elbv2/"+b.state.Region, "a target group of %s has no target in use", b.name)
			}
			return not("elbv2/"+b.state.Region, "the target groups of %s have targets", b.name)
		})
	}},
	{"load balancer writes 503", "the load balancer's HTTPCode_ELB_503_Count", "", func(v *view) sighting {
		return v.eachBalancer(func(b balancerView) sighting {
			return either(v.counted(b.own503, "HTTPCode_ELB_503_Count of "+b.name, 0.1), v.wroteSomething(b))
		})
	}},
	{"load balancer's page", "who wrote the answer", nextProbe, func(v *view) sighting {
		switch p := v.probe; {
		case !p.failed:
			return sighting{}
		case p.albPage && !strings.Contains(p.text, "service temporarily unavailable"):
			return yes("probe", "server awselb wrote it").at(0.5)
		case p.albPage:
			return yes("probe", "the load balancer's own 503 page")
		case p.blind() && p.server == "":
			return sighting{}
		default:
			return not("probe", "%s", p.describe())
		}
	}},
	{"load balancer wrote words of its owner", "the body of a failing answer", nextProbe, func(v *view) sighting {
		switch p := v.probe; {
		case !p.failed || !p.albPage || p.blind():
			return sighting{}
		case !strings.Contains(p.text, "503 service temporarily unavailable"):
			return yes("probe", "server awselb with a body that is not the load balancer's own page")
		default:
			return not("probe", "the load balancer's own 503 page")
		}
	}},
	{"rule answers 503", "the listener's rules", "aws elbv2 describe-rules --listener-arn ARN", func(v *view) sighting {
		return v.eachBalancer(func(b balancerView) sighting {
			if r := b.fixedRule(v.mayReach); r != nil {
				strength := 1.0
				if !r.Default && len(r.Conditions) > 0 {
					strength = 0.6
				}
				return yes("elbv2/"+b.state.Region, "a rule of %s answers 503: %s", b.name, describeRule(r)).at(strength)
			}
			if b.state != nil && len(b.state.Rules) > 0 {
				return not("elbv2/"+b.state.Region, "no rule of %s answers 503", b.name)
			}
			return sighting{}
		})
	}},
	{"fixed responses rise", "HTTP_Fixed_Response_Count", "", func(v *view) sighting {
		return v.eachBalancer(func(b balancerView) sighting { return v.counted(b.fixed, "HTTP_Fixed_Response_Count of "+b.name, 0.2) })
	}},
	{"targets write 5xx", "the targets' 5xx count", "", func(v *view) sighting {
		return v.eachBalancer(func(b balancerView) sighting { return v.counted(b.target5xx, "5xx of the targets of "+b.name, 0.05) })
	}},
	{"classic instances are gone", "the instances' states", "aws elb describe-instance-health --load-balancer-name NAME", func(v *view) sighting {
		return v.eachBalancer(func(b balancerView) sighting {
			n, read := b.inService()
			switch {
			case !read:
				return either(v.hostsGone(b))
			case n == 0:
				return yes("elb/"+b.state.Region, "%s has no instance in service", b.name)
			}
			return not("elb/"+b.state.Region, "%s has %d instances in service", b.name, n)
		})
	}},
	{"surge queue spills", "SpilloverCount", "", func(v *view) sighting {
		return v.eachBalancer(func(b balancerView) sighting {
			spill := v.counted(b.spill, "SpilloverCount of "+b.name, 0.05)
			if spill.state != present && b.surge.maxAfter >= 1000 {
				return yes(b.surge.source, "the surge queue of %s is full: %.0f of 1,024", b.name, b.surge.maxAfter)
			}
			return spill
		})
	}},
	{"classic load balancer writes 5xx", "HTTPCode_ELB_5XX", "", func(v *view) sighting {
		return v.eachBalancer(func(b balancerView) sighting {
			if b.kind != "classic" {
				return sighting{}
			}
			return v.counted(b.own5xx, "HTTPCode_ELB_5XX of "+b.name, 0.1)
		})
	}},
	{"hosts are gone", "HealthyHostCount", "", func(v *view) sighting {
		return v.eachBalancer(v.hostsGone)
	}},
	{"classic load balancer's empty answer", "who wrote the answer", nextProbe, func(v *view) sighting {
		switch p := v.probe; {
		case !p.failed:
			return sighting{}
		case p.clbPage:
			return yes("probe", "no server is named and the body is what a classic load balancer writes")
		case p.blind() && p.server == "":
			return sighting{}
		default:
			return not("probe", "%s", p.describe()).at(0.7)
		}
	}},
}

// describeRule names a rule by its conditions.
func describeRule(r *incident.Rule) string {
	if r.Default {
		return "the default action"
	}
	var parts []string
	for _, c := range r.Conditions {
		parts = append(parts, c.Field+" "+strings.Join(c.Values, ", "))
	}
	return incident.Line(strings.Join(parts, "; "), 120)
}

// eachBalancer takes the clearest sighting of all load balancers in question. One that is only guessed to be behind an
// origin counts for less, and its silence for nothing.
func (v *view) eachBalancer(see func(balancerView) sighting) sighting {
	var list []sighting
	for _, b := range v.balancers {
		s := see(b)
		if b.guessed {
			if s.state != present {
				continue
			}
			s.strength *= 0.7
		}
		list = append(list, s)
	}
	return either(list...)
}

// wroteSomething judges HTTPCode_ELB_5XX_Count where the count of 503 alone was not asked for.
func (v *view) wroteSomething(b balancerView) sighting {
	if b.own503.asked || b.kind == "classic" {
		return sighting{}
	}
	return v.counted(b.own5xx, "HTTPCode_ELB_5XX_Count of "+b.name, 0.1).at(0.6)
}

// hostsGone says whether a target group's healthy hosts went away with the onset. CloudWatch keeps no count of an empty group.
func (v *view) hostsGone(b balancerView) sighting {
	var list []sighting
	for _, h := range b.healthy {
		list = append(list, h.gone(b.name))
	}
	return either(list...)
}

// gone judges one group's count of healthy hosts.
func (f flow) gone(name string) sighting {
	switch {
	case !f.asked || !f.data:
		return sighting{}
	case !f.dataAfter:
		return yes(f.source, "HealthyHostCount of %s ended with the onset", name)
	case f.maxAfter < 0.5 && f.maxBefore >= 1:
		return yes(f.source, "HealthyHostCount of %s fell to 0", name)
	case f.maxAfter < 0.5:
		return yes(f.source, "HealthyHostCount of %s is 0", name).at(0.7)
	case f.minAfter < 0.5:
		return yes(f.source, "HealthyHostCount of %s was 0 for a while", name).at(0.5)
	}
	return not(f.source, "HealthyHostCount of %s is %.3g", name, f.minAfter)
}
