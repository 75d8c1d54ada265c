// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package diagnosis

import (
	"testing"
	"time"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/incident"
)

// hosts is a target group's HealthyHostCount by the minute; a negative value is a minute without data.
func hosts(group string, values ...float64) incident.Series {
	s := incident.Series{Region: "eu-west-1", Namespace: "AWS/ApplicationELB", Name: "HealthyHostCount", Stat: "Minimum", Period: time.Minute,
		Dimensions: map[string]string{"LoadBalancer": "app/web/1", "TargetGroup": "targetgroup/" + group + "/2"}}
	for i, p := range rates(values...) {
		if values[i] >= 0 {
			s.Points = append(s.Points, p)
		}
	}
	return s
}

func TestHostsAreGoneOnlyWhereAGroupLostItsLast(t *testing.T) {
	begin := rates(0)[0].At
	cases := map[string]struct {
		series []incident.Series
		want   state
	}{
		"it keeps its hosts":                     {[]incident.Series{hosts("a", 2, 2, 2, 2, 2, 2, 2, 2, 2, 2)}, absent},
		"it lost one of two":                     {[]incident.Series{hosts("a", 2, 2, 2, 2, 2, 1, 1, 1, 1, 1)}, absent},
		"its hosts fell to zero":                 {[]incident.Series{hosts("a", 2, 2, 2, 2, 2, 0, 0, 0, 0, 0)}, present},
		"its count ended":                        {[]incident.Series{hosts("a", 2, 2, 2, 2, 2, -1, -1, -1, -1, -1)}, present},
		"one of two groups lost its hosts":       {[]incident.Series{hosts("a", 2, 2, 2, 2, 2, 2, 2, 2, 2, 2), hosts("b", 1, 1, 1, 1, 1, 0, 0, 0, 0, 0)}, present},
		"two groups keep theirs":                 {[]incident.Series{hosts("a", 2, 2, 2, 2, 2, 2, 2, 2, 2, 2), hosts("b", 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)}, absent},
		"it was asked for, and nothing came":     {[]incident.Series{hosts("a")}, unknown},
		"nobody asked":                           {nil, unknown},
		"the minute of the onset does not count": {[]incident.Series{hosts("a", 2, 2, 2, 2, 2, 0, 2, 2, 2, 2)}, absent},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			v := &view{ev: &incident.Evidence{Series: c.series}, onset: begin.Add(5 * time.Minute), start: begin, until: begin.Add(10 * time.Minute)}
			if got := v.hostsGone(v.counters("web")); got.state != c.want {
				t.Errorf("state %d (%s), want %d", got.state, got.fact, c.want)
			}
		})
	}
}

func TestAGroupIsEmptyWhereNoTargetTakesNewRequests(t *testing.T) {
	target := func(states ...string) []incident.Target {
		var out []incident.Target
		for _, s := range states {
			out = append(out, incident.Target{ID: "i-1", State: s})
		}
		return out
	}
	cases := map[string]struct {
		targets []incident.Target
		want    bool
	}{
		"no target":                      {nil, true},
		"all unused":                     {target("unused", "unused"), true},
		"the last one drains":            {target("draining"), true},
		"one drains, one is healthy":     {target("draining", "healthy"), false},
		"all unhealthy: it fails open":   {target("unhealthy", "unhealthy"), false},
		"unhealthy and draining":         {target("unhealthy.draining"), false},
		"health checks are switched off": {target("unavailable"), false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			b := balancerView{state: &incident.LoadBalancer{Type: "application", TargetGroups: []incident.TargetGroup{{ARN: "g", Read: true, Targets: c.targets}}}}
			if empty, read := b.noTargets(func(incident.Rule) bool { return true }); empty != c.want || !read {
				t.Errorf("empty %v, read %v", empty, read)
			}
		})
	}
}

func TestARuleCountsOnlyIfFailingRequestsMayMeetIt(t *testing.T) {
	rule := func(patterns ...string) incident.Rule {
		if len(patterns) == 0 {
			return incident.Rule{Default: true}
		}
		return incident.Rule{Conditions: []incident.RuleCondition{{Field: "host-header", Values: []string{"*"}}, {Field: "path-pattern", Values: patterns}}}
	}
	failing := func(paths ...string) logView {
		group := incident.LogGroup{Status: 503, Count: int64(10 * len(paths))}
		for _, p := range paths {
			group.Paths.Top = append(group.Paths.Top, incident.Count{Value: p, Count: 10})
		}
		return logView{read: true, rows: float64(group.Count), failing: []incident.LogGroup{group}}
	}
	cases := map[string]struct {
		rule      incident.Rule
		logs      logView
		origin    string
		functions []functionView
		want      bool
	}{
		"the default rule":                        {rule(), failing("/a"), "", nil, true},
		"its path fails":                          {rule("/shop/*"), failing("/shop/1", "/shop/2"), "", nil, true},
		"its path is one of those that fail":      {rule("/shop/*"), failing("/a", "/b", "/shop/2"), "", nil, true},
		"other paths fail":                        {rule("/shop/*"), failing("/a", "/b"), "", nil, false},
		"one of its paths fails":                  {rule("/x", "/b"), failing("/a", "/b"), "", nil, true},
		"the origin puts a path before":           {rule("/v2/shop/*"), failing("/shop/1"), "/v2", nil, true},
		"the log escapes it":                      {rule("/a b/*"), failing("/a%20b/c"), "", nil, true},
		"an edge function may have changed paths": {rule("/shop/*"), failing("/a"), "", []functionView{{}}, true},
		"no logs tell":                            {rule("/shop/*"), logView{}, "", nil, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			v := &view{logs: c.logs, functions: c.functions, scope: scope{origins: []distribution.Origin{{ID: "o", Path: c.origin}}}}
			if got := v.mayReach(c.rule); got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}
