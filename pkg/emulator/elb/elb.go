// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package elb is the emulator's Elastic Load Balancing: what describing shows of newer load balancers and of classic ones,
// which share a signing name and differ by their API version. Nothing can be changed over the wire.
package elb

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/wirexml"
)

// The two API versions.
const (
	classic = "2012-06-01"
	newer   = "2015-12-01"
)

// Service is Elastic Load Balancing. It is safe for concurrent use.
type Service struct {
	world *kernel.World

	mu      sync.Mutex
	regions map[string]*region
}

// region is what a Region has, as the AWS CLI prints it.
type region struct {
	newer, classic map[string]any
}

// New makes Elastic Load Balancing answer in the world.
func New(w *kernel.World) *Service {
	s := &Service{world: w, regions: map[string]*region{}}
	w.Register("elasticloadbalancing", s)
	return s
}

// Put sets the newer load balancers of a Region: an object with LoadBalancers, Listeners, Rules, TargetGroups as the AWS
// CLI prints them, and TargetHealth, an object from a target group's ARN to what describe-target-health prints.
func (s *Service) Put(name string, document []byte) error {
	return s.set(name, document, func(r *region, value map[string]any) { r.newer = value })
}

// PutClassic sets the classic load balancers of a Region: an object with LoadBalancerDescriptions, and InstanceStates, an
// object from a load balancer's name to its instances' states.
func (s *Service) PutClassic(name string, document []byte) error {
	return s.set(name, document, func(r *region, value map[string]any) { r.classic = value })
}

// SetTargetHealth replaces a target group's TargetHealthDescriptions, as the AWS CLI prints them.
func (s *Service) SetTargetHealth(name, targetGroupARN string, descriptions []byte) error {
	value, err := wirexml.JSON(descriptions)
	if err != nil {
		return fmt.Errorf("target group %s: %w", targetGroupARN, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	health, ok := s.region(name).newer["TargetHealth"].(map[string]any)
	if !ok {
		return fmt.Errorf("target group %s: no target health in %s", targetGroupARN, name)
	}
	health[targetGroupARN] = map[string]any{"TargetHealthDescriptions": value}
	return nil
}

func (s *Service) set(name string, document []byte, put func(*region, map[string]any)) error {
	value, err := wirexml.JSON(document)
	if err != nil {
		return fmt.Errorf("load balancers of %s: %w", name, err)
	}
	members, ok := value.(map[string]any)
	if !ok {
		return fmt.Errorf("load balancers of %s: no JSON object", name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	put(s.region(name), members)
	return nil
}

// region is a Region's load balancers, none at first. The lock is held.
func (s *Service) region(name string) *region {
	r := s.regions[name]
	if r == nil {
		r = &region{newer: map[string]any{}, classic: map[string]any{}}
		s.regions[name] = r
	}
	return r
}

// operation is one API operation: the list it shows and how its parameters narrow it.
type operation struct {
	list    string              // the member of the answer
	filters map[string]string   // parameter → the member of the entry that must be among its values
	missing string              // the error where a named entry is not there
	from    func(*region) []any // where the entries are kept
	params  map[string]filter   // further parameters
}

// filter narrows entries by a parameter's values.
type filter func(entry map[string]any, values []string) bool

// paged are the parameters of every list.
var paged = []string{"Marker", "PageSize"}

// operations by API version and action.
var operations = map[string]map[string]operation{
	newer: {
		"DescribeLoadBalancers": {list: "LoadBalancers", missing: "LoadBalancerNotFound", from: listed("LoadBalancers"), filters: map[string]string{"LoadBalancerArns": "LoadBalancerArn", "Names": "LoadBalancerName"}},
		"DescribeListeners":     {list: "Listeners", missing: "ListenerNotFound", from: listed("Listeners"), filters: map[string]string{"ListenerArns": "ListenerArn", "LoadBalancerArn": "LoadBalancerArn"}},
		"DescribeRules":         {list: "Rules", missing: "RuleNotFound", from: listed("Rules"), filters: map[string]string{"RuleArns": "RuleArn"}, params: map[string]filter{"ListenerArn": ofListener}},
		"DescribeTargetGroups":  {list: "TargetGroups", missing: "TargetGroupNotFound", from: listed("TargetGroups"), filters: map[string]string{"TargetGroupArns": "TargetGroupArn", "Names": "TargetGroupName"}, params: map[string]filter{"LoadBalancerArn": ofLoadBalancer}},
	},
	classic: {
		"DescribeLoadBalancers": {list: "LoadBalancerDescriptions", missing: "LoadBalancerNotFound", from: classics, filters: map[string]string{"LoadBalancerNames": "LoadBalancerName"}},
	},
}

func listed(member string) func(*region) []any {
	return func(r *region) []any { list, _ := r.newer[member].([]any); return list }
}

func classics(r *region) []any {
	list, _ := r.classic["LoadBalancerDescriptions"].([]any)
	return list
}

// ofListener says whether a rule belongs to a listener: its ARN begins like the listener's.
func ofListener(rule map[string]any, values []string) bool {
	return slices.ContainsFunc(values, func(listener string) bool {
		return strings.HasPrefix(wirexml.Text(rule["RuleArn"]), strings.Replace(listener, ":listener/", ":listener-rule/", 1)+"/")
	})
}

func ofLoadBalancer(group map[string]any, values []string) bool {
	arns, _ := group["LoadBalancerArns"].([]any)
	return slices.ContainsFunc(arns, func(arn any) bool { return slices.Contains(values, wirexml.Text(arn)) })
}

// Serve is part of kernel.Service.
func (s *Service) Serve(c *kernel.Call) {
	form, err := url.ParseQuery(string(c.Body))
	if err != nil {
		c.FailQuery(kernel.Errorf(http.StatusBadRequest, "MalformedQueryString", "%v", err))
		return
	}
	action, version := form.Get("Action"), form.Get("Version")
	answer := s.handler(version, action)
	if answer == nil {
		s.world.Strict("elasticloadbalancing: unknown operation %q of version %q", action, version)
		c.FailQuery(kernel.Errorf(http.StatusBadRequest, "InvalidAction", "%s of version %s is not known here", action, version))
		return
	}
	if err := c.Begin(kernel.Access{Action: "elasticloadbalancing:" + action}); err != nil {
		c.FailQuery(err)
		return
	}
	result, err := s.parse(c, form, answer)
	if err != nil {
		c.FailQuery(err)
		return
	}
	c.Query(action, inner(result))
}

type handler func(r *region, parameters map[string][]string) (map[string]any, error)

func (s *Service) handler(version, action string) handler {
	if op, ok := operations[version][action]; ok {
		return op.describe
	}
	switch version + action {
	case newer + "DescribeTargetHealth":
		return targetHealth
	case classic + "DescribeInstanceHealth":
		return instanceHealth
	}
	return nil
}

func (s *Service) parse(c *kernel.Call, form url.Values, answer handler) (map[string]any, error) {
	parameters, err := flat(form)
	if err != nil {
		return nil, kernel.Errorf(http.StatusBadRequest, "ValidationError", "%v", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	result, err := answer(s.region(c.Region), parameters)
	if unknown := (*unknownParameter)(nil); errors.As(err, &unknown) {
		s.world.Strict("elasticloadbalancing: %v", err)
		return nil, kernel.Errorf(http.StatusBadRequest, "ValidationError", "%v", err)
	}
	return result, err
}

type unknownParameter struct{ name string }

// Error is part of error.
func (e *unknownParameter) Error() string { return "unknown parameter " + e.name }

// flat is each parameter with its values; a list's entries are numbered from 1.
func flat(form url.Values) (map[string][]string, error) {
	object, err := wirexml.Form(form)
	if err != nil {
		return nil, err
	}
	parameters := map[string][]string{}
	for name, value := range object {
		switch v := value.(type) {
		case string:
			parameters[name] = []string{v}
		case []any:
			for _, entry := range v {
				parameters[name] = append(parameters[name], wirexml.Text(entry))
			}
		}
	}
	delete(parameters, "Action")
	delete(parameters, "Version")
	return parameters, nil
}

func (op operation) describe(r *region, parameters map[string][]string) (map[string]any, error) {
	entries := op.from(r)
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		narrow, err := op.filter(name)
		if err != nil {
			return nil, err
		}
		if narrow == nil {
			continue
		}
		values := parameters[name]
		kept := slices.DeleteFunc(slices.Clone(entries), func(entry any) bool {
			members, _ := entry.(map[string]any)
			return !narrow(members, values)
		})
		if _, byKey := op.filters[name]; byKey && strings.HasSuffix(name, "s") && len(kept) < len(values) {
			return nil, kernel.Errorf(http.StatusBadRequest, op.missing, "One or more of %s not found", strings.Join(values, ", "))
		}
		entries = kept
	}
	return page(op.list, entries, parameters)
}

// filter is what a parameter does, nil for paging.
func (op operation) filter(name string) (filter, error) {
	if member, ok := op.filters[name]; ok {
		return func(entry map[string]any, values []string) bool {
			return slices.Contains(values, wirexml.Text(entry[member]))
		}, nil
	}
	if narrow, ok := op.params[name]; ok {
		return narrow, nil
	}
	if slices.Contains(paged, name) {
		return nil, nil
	}
	return nil, &unknownParameter{name}
}

// page is the part of a list after Marker, which is a position.
func page(name string, entries []any, parameters map[string][]string) (map[string]any, error) {
	from, size := 0, 400
	if marker := parameters["Marker"]; len(marker) > 0 && marker[0] != "" {
		n, err := strconv.Atoi(marker[0])
		if err != nil || n < 0 || n > len(entries) {
			return nil, kernel.Errorf(http.StatusBadRequest, "ValidationError", "The marker is not valid")
		}
		from = n
	}
	if given := parameters["PageSize"]; len(given) > 0 {
		n, err := strconv.Atoi(given[0])
		if err != nil || n < 1 || n > 400 {
			return nil, kernel.Errorf(http.StatusBadRequest, "ValidationError", "PageSize must be from 1 to 400")
		}
		size = n
	}
	to := min(from+size, len(entries))
	answer := map[string]any{name: append([]any{}, entries[from:to]...)}
	if to < len(entries) {
		answer["NextMarker"] = strconv.Itoa(to)
	}
	return answer, nil
}

func targetHealth(r *region, parameters map[string][]string) (map[string]any, error) {
	if err := only(parameters, "TargetGroupArn"); err != nil {
		return nil, err
	}
	health, _ := r.newer["TargetHealth"].(map[string]any)
	shown, ok := health[strings.Join(parameters["TargetGroupArn"], "")].(map[string]any)
	if !ok {
		return nil, kernel.Errorf(http.StatusBadRequest, "TargetGroupNotFound", "One or more target groups not found")
	}
	return shown, nil
}

func instanceHealth(r *region, parameters map[string][]string) (map[string]any, error) {
	if err := only(parameters, "LoadBalancerName"); err != nil {
		return nil, err
	}
	name := strings.Join(parameters["LoadBalancerName"], "")
	states, _ := r.classic["InstanceStates"].(map[string]any)
	shown, ok := states[name]
	if !ok {
		return nil, kernel.Errorf(http.StatusBadRequest, "LoadBalancerNotFound", "There is no ACTIVE Load Balancer named '%s'", name)
	}
	return map[string]any{"InstanceStates": shown}, nil
}

func only(parameters map[string][]string, known string) error {
	for name := range parameters {
		if name != known {
			return &unknownParameter{name}
		}
	}
	return nil
}

// inner is the content of the result element.
func inner(result map[string]any) any {
	var out bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(result)) {
		out.Write(wirexml.Query.Element(name, result[name]))
	}
	return struct {
		Inner []byte `xml:",innerxml"`
	}{out.Bytes()}
}
