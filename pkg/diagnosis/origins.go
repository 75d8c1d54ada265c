// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package diagnosis

import (
	"slices"
	"strings"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/pattern"
)

// balancerView is a load balancer that failing requests may go through, with its counters.
type balancerView struct {
	name      string
	kind      string // application, network, classic; empty: neither state nor metrics tell
	origins   []string
	guessed   bool // the origin's name is one's own: linked only by what failed when
	state     *incident.LoadBalancer
	own503    flow // written by the load balancer
	own502    flow
	own504    flow
	own5xx    flow
	target5xx flow
	fixed     flow
	healthy   []flow // HealthyHostCount, one for each target group
	unhealthy flow
	spill     flow
	surge     flow
	requests  flow
	reset     flow
}

// balancerName is a load balancer's DNS name: NAME-ID.REGION.elb.amazonaws.com, or NAME-ID.elb.REGION.amazonaws.com for a
// network load balancer; internal ones begin with "internal-".
var balancerName = pattern.Lazily(`(?i)^(?:dualstack\.)?(?:internal-)?(.+)-[0-9a-z]+\.(?:[a-z0-9-]+\.elb|(elb)\.[a-z0-9-]+)\.amazonaws\.com`)

// readBalancers finds the load balancers behind the origins in question: by DNS name, or, where an origin has a name of
// one's own, those in the evidence that stand behind no other origin.
func (v *view) readBalancers() []balancerView {
	var out []balancerView
	for _, o := range v.scope.origins {
		if kindOf(o) == distribution.KindELB {
			out = addBalancer(out, v.balancerOf(o))
		}
	}
	if v.scope.hasOrigin(distribution.KindOther) {
		for _, name := range v.strangers(out) {
			b := v.counters(name)
			b.guessed = true
			b.origins = v.originIDs(distribution.KindOther)
			out = append(out, b)
		}
	}
	return out
}

func addBalancer(list []balancerView, b balancerView) []balancerView {
	for i := range list {
		if list[i].name == b.name {
			list[i].origins = append(list[i].origins, b.origins...)
			return list
		}
	}
	return append(list, b)
}

func (v *view) originIDs(kind distribution.Kind) []string {
	var out []string
	for _, o := range v.scope.origins {
		if kindOf(o) == kind {
			out = append(out, o.ID)
		}
	}
	return out
}

func (v *view) balancerOf(o distribution.Origin) balancerView {
	name, network := strings.ToLower(o.DomainName), false
	if match := balancerName().FindStringSubmatch(o.DomainName); match != nil {
		name, network = match[1], match[2] != ""
	}
	for _, lb := range v.ev.LoadBalancers {
		if strings.EqualFold(strings.TrimPrefix(strings.ToLower(o.DomainName), "dualstack."), lb.DNSName) {
			name = lb.Name
		}
	}
	b := v.counters(name)
	if b.kind == "" && network {
		b.kind = "network"
	}
	b.origins = []string{o.ID}
	return b
}

// strangers are the names of load balancers in the evidence that no origin's DNS name points to.
func (v *view) strangers(linked []balancerView) []string {
	var out []string
	for _, lb := range v.ev.LoadBalancers {
		out = append(out, lb.Name)
	}
	for _, s := range v.ev.Series {
		out = append(out, balancerOfDimensions(s))
	}
	slices.Sort(out)
	return slices.DeleteFunc(slices.Compact(out), func(name string) bool {
		return name == "" || slices.ContainsFunc(linked, func(b balancerView) bool { return b.name == name }) || v.elsewhere(name)
	})
}

// elsewhere says whether a load balancer stands behind an origin that is not in question.
func (v *view) elsewhere(name string) bool {
	return slices.ContainsFunc(v.config.Origins(), func(o distribution.Origin) bool {
		match := balancerName().FindStringSubmatch(o.DomainName)
		return match != nil && strings.EqualFold(match[1], name)
	})
}

// balancerOfDimensions is the load balancer's name in a metric's dimensions: app/NAME/ID, net/NAME/ID or a classic NAME.
func balancerOfDimensions(s incident.Series) string {
	if !strings.HasSuffix(s.Namespace, "ELB") {
		return ""
	}
	if parts := strings.Split(s.Dimensions["LoadBalancer"], "/"); len(parts) == 3 {
		return parts[1]
	}
	return s.Dimensions["LoadBalancerName"]
}

// counters reads what a load balancer of the name counts, under whichever of the three namespaces it is found.
func (v *view) counters(name string) balancerView {
	b := balancerView{name: name}
	for i, lb := range v.ev.LoadBalancers {
		if strings.EqualFold(lb.Name, name) {
			b.state, b.kind = &v.ev.LoadBalancers[i], lb.Type
		}
	}
	get := func(metric string) flow { return v.sum(v.ofBalancer(&b, metric)) }
	b.own503, b.own502, b.own504 = get("HTTPCode_ELB_503_Count"), get("HTTPCode_ELB_502_Count"), get("HTTPCode_ELB_504_Count")
	b.target5xx, b.fixed, b.requests = get("HTTPCode_Target_5XX_Count"), get("HTTP_Fixed_Response_Count"), get("RequestCount")
	b.own5xx = get("HTTPCode_ELB_5XX_Count")
	if classic := get("HTTPCode_ELB_5XX"); classic.asked {
		b.own5xx, b.target5xx = classic, get("HTTPCode_Backend_5XX")
	}
	for _, s := range v.ofBalancer(&b, "HealthyHostCount") {
		b.healthy = append(b.healthy, v.flow(s))
	}
	b.unhealthy = get("UnHealthyHostCount")
	b.spill, b.surge, b.reset = get("SpilloverCount"), get("SurgeQueueLength"), get("TCP_Target_Reset_Count")
	return b
}

var namespaceKinds = map[string]string{"AWS/ApplicationELB": "application", "AWS/NetworkELB": "network", "AWS/ELB": "classic"}

// ofBalancer are a load balancer's series of a metric; only those without a zone, so that nothing counts twice.
func (v *view) ofBalancer(b *balancerView, metric string) []incident.Series {
	var whole, parts []incident.Series
	for _, s := range v.ev.Series {
		if s.Name != metric || !strings.EqualFold(balancerOfDimensions(s), b.name) || s.Dimensions["AvailabilityZone"] != "" {
			continue
		}
		if b.kind == "" {
			b.kind = namespaceKinds[s.Namespace]
		}
		if s.Dimensions["TargetGroup"] == "" {
			whole = append(whole, s)
		} else {
			parts = append(parts, s)
		}
	}
	if len(whole) > 0 {
		return whole
	}
	return parts
}

// noTargets says whether a group that the rules in question forward to has no target that takes new requests: none at all, all unused, or
// the last of them draining. read is false where the state does not tell.
func (b balancerView) noTargets(inQuestion func(incident.Rule) bool) (empty, read bool) {
	if b.state == nil || b.state.Type == "classic" {
		return false, false
	}
	for _, g := range b.state.TargetGroups {
		used := slices.ContainsFunc(b.state.Rules, func(r incident.Rule) bool { return slices.Contains(r.TargetGroups, g.ARN) && inQuestion(r) })
		if !g.Read || len(b.state.Rules) > 0 && !used {
			continue
		}
		read = true
		if !slices.ContainsFunc(g.Targets, takesRequests) {
			empty = true
		}
	}
	return empty, read
}

// takesRequests says whether a load balancer sends new requests to a target: also to an unhealthy one, if no other is left.
func takesRequests(t incident.Target) bool {
	return t.State != "unused" && t.State != "draining"
}

// fixedRule is the rule in question that answers 503 on purpose, nil if none does or the rules were not read.
func (b balancerView) fixedRule(inQuestion func(incident.Rule) bool) *incident.Rule {
	if b.state == nil {
		return nil
	}
	for i, r := range b.state.Rules {
		if r.Action == "fixed-response" && r.FixedStatus == 503 && inQuestion(r) {
			return &b.state.Rules[i]
		}
	}
	return nil
}

// inService says how many of a classic load balancer's instances take traffic. An instance whose state the load balancer does
// not know, or the record does not tell, may be one.
func (b balancerView) inService() (n int, read bool) {
	if b.state == nil || b.state.Type != "classic" {
		return 0, false
	}
	read = b.state.StatesRead || len(b.state.Instances) == 0
	for _, i := range b.state.Instances {
		switch {
		case strings.EqualFold(i.State, "InService"):
			n++
		case !strings.EqualFold(i.State, "OutOfService"):
			read = false
		}
	}
	return n, read || n > 0
}

// bucketView is an S3 bucket that failing requests may go to.
type bucketView struct {
	name    string
	origin  string
	website bool
	errors  flow
	all     flow
	denied  flow
}

var bucketName = pattern.Lazily(`(?i)^(.+?)\.s3[.-]`)

func (v *view) readBuckets() []bucketView {
	var out []bucketView
	for _, o := range v.scope.origins {
		kind := kindOf(o)
		match := bucketName().FindStringSubmatch(o.DomainName)
		if kind != distribution.KindS3 && kind != distribution.KindS3Website || match == nil {
			continue
		}
		b := bucketView{name: match[1], origin: o.ID, website: kind == distribution.KindS3Website}
		b.errors = v.sum(v.find("AWS/S3", "5xxErrors", "Sum", "BucketName", b.name))
		b.denied = v.sum(v.find("AWS/S3", "4xxErrors", "Sum", "BucketName", b.name))
		b.all = v.sum(v.find("AWS/S3", "AllRequests", "Sum", "BucketName", b.name))
		if !b.all.asked {
			b.all = v.sum(v.find("AWS/S3", "GetRequests", "Sum", "BucketName", b.name))
		}
		out = append(out, b)
	}
	return out
}

// apiView is an API of API Gateway that failing requests may go to.
type apiView struct {
	id      string
	origin  string
	http    bool // an HTTP API by its metrics' names; the domain name does not tell
	rest    bool
	errors  flow
	latency flow
}

func (v *view) readAPIs() []apiView {
	var out []apiView
	for _, o := range v.scope.origins {
		if kindOf(o) != distribution.KindAPIGateway {
			continue
		}
		id, _, _ := strings.Cut(strings.ToLower(o.DomainName), ".")
		a := apiView{id: id, origin: o.ID}
		a.errors = v.sum(v.ofAPI(id, "5xx"))
		a.http = a.errors.asked
		if rest := v.sum(v.ofAPI(id, "5XXError")); rest.asked {
			a.errors, a.rest = rest, true
		}
		for _, s := range v.ofAPI(id, "IntegrationLatency") {
			if f := v.flow(s); f.asked && f.maxAfter >= a.latency.maxAfter {
				a.latency = f
			}
		}
		out = append(out, a)
	}
	return out
}

// ofAPI are an API's series of a metric: an HTTP API's have its id, a REST API's its name, which the domain does not tell.
func (v *view) ofAPI(id, metric string) []incident.Series {
	var whole, stages []incident.Series
	for _, s := range v.ev.Series {
		if s.Namespace != "AWS/ApiGateway" || s.Name != metric || s.Dimensions["ApiId"] != "" && s.Dimensions["ApiId"] != id || s.Dimensions["Resource"] != "" {
			continue
		}
		if s.Dimensions["Stage"] == "" {
			whole = append(whole, s)
		} else {
			stages = append(stages, s)
		}
	}
	if len(whole) > 0 {
		return whole
	}
	return stages
}
