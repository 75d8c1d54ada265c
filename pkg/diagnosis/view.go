// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package diagnosis

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/incident"
)

// view is the evidence as the signs look at it: the configuration parsed, the time cut at the onset, and the share of the
// traffic that fails brought down to behaviours, origins and edge functions.
type view struct {
	ev *incident.Evidence

	config      distribution.Config
	hasConfig   bool
	baseline    distribution.Config
	hasBaseline bool

	onset     time.Time         // the first failing minute; zero where nothing tells
	start     time.Time         // where the metrics begin
	until     time.Time         // when the evidence was collected
	client    map[string]string // client certificates for mutual TLS, by origin
	failing   float64           // failing requests a minute since the onset, above what failed before
	share     float64           // percent of the requests since the onset
	hasRate   bool
	requests  flow
	status    statusView
	logs      logView
	probe     probeView
	scope     scope
	lambdas   []lambdaView
	functions []functionView
	balancers []balancerView
	buckets   []bucketView
	apis      []apiView
	waf       wafView
	staging   stagingView
}

// look makes a view. Its parts build on each other in this order.
func look(ev *incident.Evidence) *view {
	v := &view{ev: ev, until: ev.CollectedAt}
	v.parse()
	v.findOnset()
	v.measure()
	v.probe = readProbe(ev.Probe)
	v.status = v.readStatus()
	v.logs = v.readLogs(ev.Logs)
	if v.share == 0 && v.logs.enough() {
		v.share = 100 * v.logs.rows / max(1, v.logs.total)
	}
	v.scope = v.readScope()
	v.lambdas = v.readLambdas()
	v.functions = v.readFunctions()
	v.balancers = v.readBalancers()
	v.buckets = v.readBuckets()
	v.apis = v.readAPIs()
	v.waf = v.readWAF()
	v.staging = v.readStaging()
	return v
}

func (v *view) parse() {
	if config, err := distribution.Parse(v.ev.Live.Config); err == nil {
		v.config, v.hasConfig = config, true
		v.client = clientCertificates(v.ev.Live.Config)
	}
	if v.ev.Baseline == nil {
		return
	}
	if config, err := distribution.Parse(v.ev.Baseline.Config); err == nil {
		v.baseline, v.hasBaseline = config, true
	}
}

// whole reports whether a source was read without a gap in it: only then does it speak by what it does not say.
func (v *view) whole(source string) bool {
	return v.readAny(source) && !slices.ContainsFunc(v.ev.Gaps, func(g incident.Gap) bool { return strings.HasPrefix(g.Source, source) })
}

// readAny reports whether a source with the prefix was read.
func (v *view) readAny(prefix string) bool {
	return slices.ContainsFunc(v.ev.Read, func(s string) bool { return strings.HasPrefix(s, prefix) })
}

// scope is the part of the configuration through which the failing requests go.
type scope struct {
	known     bool // logs tell, or there is only one behaviour
	behaviors []distribution.Behavior
	origins   []distribution.Origin // that the behaviours target, members of groups included
	groups    []distribution.OriginGroup
}

// readScope takes the behaviours that logs show to fail; without logs every behaviour may.
func (v *view) readScope() scope {
	all := v.config.Behaviors()
	s := scope{known: len(all) == 1, behaviors: all}
	if failing := v.failingBehaviors(all); len(failing) > 0 {
		s.known, s.behaviors = true, failing
	}
	for _, b := range s.behaviors {
		s.target(v.config, b.TargetOriginID)
	}
	return s
}

// target adds what a behaviour's target is: an origin, or a group with its members.
func (s *scope) target(config distribution.Config, id string) {
	for _, group := range config.OriginGroups() {
		if group.ID == id && !slices.ContainsFunc(s.groups, func(g distribution.OriginGroup) bool { return g.ID == id }) {
			s.groups = append(s.groups, group)
			for _, member := range group.Members {
				s.target(config, member)
			}
			return
		}
	}
	if o, ok := config.Origin(id); ok && !slices.ContainsFunc(s.origins, func(x distribution.Origin) bool { return x.ID == id }) {
		s.origins = append(s.origins, o)
	}
}

// failingBehaviors are those with a real part of the failing rows.
func (v *view) failingBehaviors(all []distribution.Behavior) []distribution.Behavior {
	counts, total := map[string]int64{}, int64(0)
	for _, g := range v.logs.failing {
		for _, c := range g.Behaviors.Top {
			counts[c.Value] += c.Count
			total += c.Count
		}
	}
	var out []distribution.Behavior
	for _, b := range all {
		if n := counts[b.PathPattern]; total > 0 && float64(n) >= 0.1*float64(total) {
			out = append(out, b)
		}
	}
	return out
}

// clientCertificates are the client certificates for mutual TLS by the origins' ids. The API model has OriginMtlsConfig under
// CustomOriginConfig; other kinds of origin are looked through as well.
func clientCertificates(config json.RawMessage) map[string]string {
	var parsed struct {
		Origins struct{ Items []map[string]any }
	}
	out := map[string]string{}
	if json.Unmarshal(config, &parsed) != nil {
		return out
	}
	for _, o := range parsed.Origins.Items {
		id, _ := o["Id"].(string)
		if found := stringsIn(o, "ClientCertificateArn"); len(found) > 0 && found[0] != "" {
			out[id] = found[0]
		}
	}
	return out
}

// witnessed says whether anything tells who wrote the failing answers; without it a configuration is a possibility only.
func (v *view) witnessed() bool { return v.logs.enough() || v.probe.failed }

// kindOf is what an origin's domain name tells; a VPC origin's own kind is looked for behind it.
func kindOf(o distribution.Origin) distribution.Kind {
	if o.Kind == distribution.KindVPC {
		return distribution.KindOf(o.DomainName)
	}
	return o.Kind
}

// hasOrigin reports whether failing requests may go to an origin of one of the kinds.
func (s scope) hasOrigin(kinds ...distribution.Kind) bool {
	return slices.ContainsFunc(s.origins, func(o distribution.Origin) bool { return slices.Contains(kinds, kindOf(o)) })
}

// associations are the ARNs of edge functions that run for failing requests.
func (s scope) associations(of func(distribution.Behavior) []distribution.Association) []string {
	var out []string
	for _, b := range s.behaviors {
		for _, a := range of(b) {
			out = append(out, a.ARN)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func lambdaOf(b distribution.Behavior) []distribution.Association   { return b.Lambda }
func functionOf(b distribution.Behavior) []distribution.Association { return b.Functions }
