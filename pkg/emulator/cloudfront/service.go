// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package cloudfront is the emulator's CloudFront: the REST-XML control plane, the edge that answers viewers from the
// configuration as it is deployed, and the traffic from which its metrics follow.
//
// The control plane keeps the bytes of each DistributionConfig and hands the same bytes back. An accepted change is
// InProgress until the propagation delay has passed on the account's clock; until then edges serve the old configuration.
package cloudfront

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/wirexml"
)

// defaultPropagation is how long a change takes to reach the edges; AWS's guide says "minutes".
const defaultPropagation = 5 * time.Minute

// managedPolicies are cache policies that every account has (CloudFront guide, "Use managed cache policies").
var managedPolicies = map[string]string{
	cachingDisabled: "Managed-CachingDisabled", "658327ea-f89d-4fab-a63d-7e88639e58f6": "Managed-CachingOptimized",
}

// Service is CloudFront. It is safe for concurrent use.
type Service struct {
	world *kernel.World

	mu            sync.Mutex
	propagation   time.Duration
	probeRegion   string
	distributions map[string]*distribution
	functions     map[string]*function
	tests         map[string]map[string]any // TestFunction's results by code
	resources     map[resourceKey]*resource
	tenants       map[string]*tenant
	stores        map[string]map[string]any // key value stores by name, as the AWS CLI prints them
	serial        int
	authority     *authority
	visits        int
}

// New makes CloudFront answer in the world, as the service "cloudfront", as the proxy, and as a source of metrics.
func New(w *kernel.World) *Service {
	s := &Service{
		world: w, propagation: defaultPropagation, probeRegion: "us-east-1",
		distributions: map[string]*distribution{}, functions: map[string]*function{}, tests: map[string]map[string]any{}, resources: map[resourceKey]*resource{},
		authority: &authority{}, tenants: map[string]*tenant{}, stores: map[string]map[string]any{},
	}
	for id, name := range managedPolicies {
		s.resources[resourceKey{CachePolicy, id}] = &resource{etag: s.newID("E", id), value: map[string]any{
			"Id": id, "LastModifiedTime": "2020-07-21T00:00:00.000Z", "CachePolicyConfig": map[string]any{"Name": name, "MinTTL": 0},
		}}
	}
	w.Register("cloudfront", s)
	w.Metrics.AddSource(s)
	w.Proxy = s
	return s
}

// SetPropagation sets how long later changes take to reach the edges.
func (s *Service) SetPropagation(delay time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.propagation = delay
}

// SetProbeRegion sets in which Region the edge is that answers the proxy's requests; us-east-1 at first.
func (s *Service) SetProbeRegion(region string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.probeRegion = region
}

// operation is one API operation.
type operation struct {
	name, method string
	path         string   // under the API version, as "distribution/{Id}/config"
	flag         string   // the query parameter that tells it from another on the same path, as "Operation=Tag"
	params       []string // further query parameters
	resource     string   // what IAM is asked about, as "distribution/{Id}", "{Resource}" for a whole ARN; empty: "*"
	write        bool
	do           func(*Service, *request) (reply, error)
}

// request is one call of an operation.
type request struct {
	call *kernel.Call
	op   *operation
	vars map[string]string // of the path and the query
	body *wirexml.Node     // nil where there is none
}

// reply is what an operation answers.
type reply struct {
	status int // 0: 200
	header map[string]string
	root   string
	value  any
	raw    []byte // sent instead of root and value
}

// Serve is part of kernel.Service.
func (s *Service) Serve(c *kernel.Call) {
	q, err := s.route(c)
	if err != nil {
		c.FailXML(err)
		return
	}
	if err := c.Begin(kernel.Access{Action: "cloudfront:" + q.action(), Resources: q.resources()}); err != nil {
		s.record(q, reply{}, err)
		c.FailXML(err)
		return
	}
	answer, err := s.perform(q)
	s.record(q, answer, err)
	if err != nil {
		c.FailXML(err)
		return
	}
	render(c, answer)
}

func (s *Service) perform(q *request) (reply, error) {
	if len(q.call.Body) > 0 {
		body, err := wirexml.Parse(q.call.Body)
		if err != nil {
			return reply{}, kernel.Errorf(http.StatusBadRequest, "MalformedXML", "%v", err)
		}
		q.body = body
	}
	return q.op.do(s, q)
}

func render(c *kernel.Call, answer reply) {
	for name, value := range answer.header {
		c.W.Header().Set(name, value)
	}
	status := answer.status
	if status == 0 {
		status = http.StatusOK
	}
	switch {
	case answer.raw != nil && answer.header["Content-Type"] != "":
		c.W.WriteHeader(status)
		_, _ = c.W.Write(answer.raw) // the kernel keeps the answer back
	case answer.raw != nil:
		c.XML(status, answer.raw)
	case answer.root == "":
		c.XML(status, nil)
	default:
		c.XML(status, shape.Document(answer.root, namespace, answer.value))
	}
}

// route finds the operation by method, path and flag.
func (s *Service) route(c *kernel.Call) (*request, error) {
	path, versioned := strings.CutPrefix(c.R.URL.EscapedPath(), "/2020-05-31/")
	if !versioned {
		return nil, s.unknown(c)
	}
	query := c.R.URL.Query()
	for i := range operations {
		op := &operations[i]
		vars, ok := match(op.path, path)
		if !ok || op.method != c.R.Method || !flagged(op.flag, query) {
			continue
		}
		if err := s.take(op, vars, query); err != nil {
			return nil, err
		}
		return &request{call: c, op: op, vars: vars}, nil
	}
	return nil, s.unknown(c)
}

func (s *Service) unknown(c *kernel.Call) error {
	s.world.Strict("cloudfront: unknown operation %s %s", c.R.Method, c.R.URL.Path)
	return kernel.Errorf(http.StatusBadRequest, "UnknownOperationException", "%s %s is not known here", c.R.Method, c.R.URL.Path)
}

func flagged(flag string, query map[string][]string) bool {
	if flag == "" {
		_, tags := query["WithTags"]
		return !tags
	}
	name, value, _ := strings.Cut(flag, "=")
	values, ok := query[name]
	return ok && (value == "" || slices.Contains(values, value))
}

// take moves the query's parameters to vars and refuses unknown ones.
func (s *Service) take(op *operation, vars map[string]string, query map[string][]string) error {
	flag, _, _ := strings.Cut(op.flag, "=")
	for name, values := range query {
		if name == flag && flag != "" {
			continue
		}
		if !slices.Contains(op.params, name) {
			s.world.Strict("cloudfront: %s: unknown parameter %s", op.name, name)
			return kernel.Errorf(http.StatusBadRequest, "InvalidArgument", "%s has no parameter %s", op.name, name)
		}
		vars[name] = values[0]
	}
	return nil
}

// action is the operation as IAM names it: creating with tags is a permission of its own name, promoting is an update.
func (q *request) action() string {
	if q.op.name == "UpdateDistributionWithStagingConfig" {
		return "UpdateDistribution"
	}
	return q.op.name
}

func (q *request) resources() []string {
	if q.op.resource == "" {
		return nil
	}
	resource := q.op.resource
	for name, value := range q.vars {
		resource = strings.ReplaceAll(resource, "{"+name+"}", value)
	}
	if strings.HasPrefix(resource, "arn:") {
		return []string{resource}
	}
	return []string{"arn:aws:cloudfront::" + q.call.World.Account + ":" + resource}
}

// newID makes ids, ETags and names that are the same in every run: E and thirteen letters or digits. The lock is held.
func (s *Service) newID(prefix string, parts ...string) string {
	s.serial++
	return prefix + digest(13, append(parts, fmt.Sprint(s.serial))...)
}

func digest(n int, parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return base32.StdEncoding.EncodeToString(sum[:])[:n]
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
