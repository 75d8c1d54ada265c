// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package record

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"cloudfront503/pkg/incident"
)

// elbv2 is what the `aws elbv2 describe-*` commands print, in one object a Region.
type elbv2 struct {
	balancers []balancer
	listeners []listener
	rules     []rule
	groups    []targetGroup
	health    map[string]struct{ TargetHealthDescriptions []described }
}

// described is a target with its health.
type described struct {
	Target       struct{ ID string }
	TargetHealth struct{ State, Reason string }
}

type balancer struct {
	LoadBalancerArn, LoadBalancerName, DNSName, Type string
	State                                            struct{ Code string }
}

type listener struct {
	ListenerArn, LoadBalancerArn string
	DefaultActions               []action
	MutualAuthentication         struct{ Mode string }
}

type rule struct {
	RuleArn    string
	IsDefault  bool
	Priority   string
	Actions    []action
	Conditions []struct {
		Field               string
		Values              []string
		PathPatternConfig   struct{ Values []string }
		HostHeaderConfig    struct{ Values []string }
		HTTPHeaderConfig    struct{ Values []string } `json:"HttpHeaderConfig"`
		SourceIPConfig      struct{ Values []string } `json:"SourceIpConfig"`
		HTTPRequestMethodCf struct{ Values []string } `json:"HttpRequestMethodConfig"`
	}
}

type action struct {
	Type, TargetGroupArn string
	Order                int
	FixedResponseConfig  struct{ StatusCode loose }
	ForwardConfig        struct {
		TargetGroups []struct {
			TargetGroupArn string
			Weight         *int
		}
	}
}

type targetGroup struct {
	TargetGroupArn   string
	LoadBalancerArns []string
}

func (r *reader) loadBalancers(region string, content []byte) error {
	var all elbv2
	err := members(content, map[string]func(json.RawMessage) error{
		"LoadBalancers": into(func(b balancer) { all.balancers = append(all.balancers, b) }),
		"Listeners":     into(func(l listener) { all.listeners = append(all.listeners, l) }),
		"Rules":         into(func(x rule) { all.rules = append(all.rules, x) }),
		"TargetGroups":  into(func(g targetGroup) { all.groups = append(all.groups, g) }),
		"TargetHealth":  func(raw json.RawMessage) error { return json.Unmarshal(raw, &all.health) },
	})
	for _, b := range all.balancers {
		r.ev.LoadBalancers = append(r.ev.LoadBalancers, all.joined(region, b))
	}
	return err
}

// joined is a load balancer with its rules and target groups.
func (e elbv2) joined(region string, b balancer) incident.LoadBalancer {
	out := incident.LoadBalancer{
		Region: region, Type: b.Type, Name: b.LoadBalancerName, ARN: b.LoadBalancerArn, DNSName: b.DNSName, State: b.State.Code,
	}
	for _, l := range e.listeners {
		if l.LoadBalancerArn == b.LoadBalancerArn {
			out.Rules = append(out.Rules, e.rulesOf(l)...)
		}
	}
	for _, g := range e.groups {
		if slices.Contains(g.LoadBalancerArns, b.LoadBalancerArn) || forwards(out.Rules, g.TargetGroupArn) {
			out.TargetGroups = append(out.TargetGroups, e.group(g.TargetGroupArn))
		}
	}
	out.StatesRead = e.health != nil
	return out
}

func forwards(rules []incident.Rule, arn string) bool {
	return slices.ContainsFunc(rules, func(r incident.Rule) bool { return slices.Contains(r.TargetGroups, arn) })
}

// rulesOf are a listener's rules; where describe-rules was not asked, its default actions stand for them.
func (e elbv2) rulesOf(l listener) []incident.Rule {
	var out []incident.Rule
	prefix := strings.Replace(l.ListenerArn, ":listener/", ":listener-rule/", 1) + "/"
	hasDefault := false
	for _, x := range e.rules {
		if strings.HasPrefix(x.RuleArn, prefix) {
			isDefault := x.IsDefault || x.Priority == "default"
			hasDefault = hasDefault || isDefault
			out = append(out, ruleOf(x.RuleArn, l, isDefault, x.Actions))
			out[len(out)-1].Conditions = conditions(x)
		}
	}
	if !hasDefault && len(l.DefaultActions) > 0 {
		out = append(out, ruleOf(l.ListenerArn, l, true, l.DefaultActions))
	}
	return out
}

func conditions(x rule) []incident.RuleCondition {
	var out []incident.RuleCondition
	for _, c := range x.Conditions {
		values := slices.Concat(c.Values, c.PathPatternConfig.Values, c.HostHeaderConfig.Values,
			c.HTTPHeaderConfig.Values, c.SourceIPConfig.Values, c.HTTPRequestMethodCf.Values)
		slices.Sort(values)
		out = append(out, incident.RuleCondition{Field: c.Field, Values: slices.Compact(values)})
	}
	return out
}

// ruleOf takes the action that answers: the last one, as authentication comes before it.
func ruleOf(arn string, l listener, isDefault bool, actions []action) incident.Rule {
	out := incident.Rule{
		ARN: arn, ListenerARN: l.ListenerArn, Default: isDefault,
		MutualTLS: l.MutualAuthentication.Mode == "verify" || l.MutualAuthentication.Mode == "passthrough",
	}
	if len(actions) == 0 {
		return out
	}
	last := slices.MaxFunc(actions, func(a, b action) int { return a.Order - b.Order })
	out.Action = last.Type
	out.FixedStatus, _ = strconv.Atoi(string(last.FixedResponseConfig.StatusCode))
	for _, g := range last.ForwardConfig.TargetGroups {
		if g.Weight == nil || *g.Weight > 0 {
			out.TargetGroups = append(out.TargetGroups, g.TargetGroupArn)
		}
	}
	if len(out.TargetGroups) == 0 && last.TargetGroupArn != "" {
		out.TargetGroups = []string{last.TargetGroupArn}
	}
	return out
}

func (e elbv2) group(arn string) incident.TargetGroup {
	health := e.health[arn]
	out := incident.TargetGroup{ARN: arn, Read: health.TargetHealthDescriptions != nil} // no list is no answer, and not an empty one
	for _, d := range health.TargetHealthDescriptions {
		out.Targets = append(out.Targets, incident.Target{ID: d.Target.ID, State: d.TargetHealth.State, Reason: d.TargetHealth.Reason})
	}
	return out
}

// classic reads `aws elb describe-load-balancers` with the states of describe-instance-health.
func (r *reader) classic(region string, content []byte) error {
	type description struct {
		LoadBalancerName, DNSName string
		Instances                 []struct{ InstanceID string }
	}
	type state struct{ InstanceID, State, ReasonCode string }
	var all []description
	states := map[string][]state{}
	err := members(content, map[string]func(json.RawMessage) error{
		"LoadBalancerDescriptions": into(func(d description) { all = append(all, d) }),
		"InstanceStates":           func(raw json.RawMessage) error { return json.Unmarshal(raw, &states) },
	})
	for _, d := range all {
		read := states[d.LoadBalancerName]
		known := read != nil // null is no answer
		b := incident.LoadBalancer{Region: region, Type: "classic", Name: d.LoadBalancerName, DNSName: d.DNSName, StatesRead: known}
		for _, s := range read {
			b.Instances = append(b.Instances, incident.Target{ID: s.InstanceID, State: s.State, Reason: s.ReasonCode})
		}
		for _, i := range d.Instances {
			if !known {
				b.Instances = append(b.Instances, incident.Target{ID: i.InstanceID})
			}
		}
		r.ev.LoadBalancers = append(r.ev.LoadBalancers, b)
	}
	return err
}
