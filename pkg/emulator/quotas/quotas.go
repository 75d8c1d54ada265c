// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package quotas is the emulator's Service Quotas: default and applied values in each Region, and requests to raise them,
// which AWS approves when the scenario says so.
package quotas

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"cloudfront503/pkg/emulator/jsonrpc"
	"cloudfront503/pkg/emulator/kernel"
)

// Quota is a quota as the API shows it.
type Quota struct {
	ServiceCode         string
	ServiceName         string
	QuotaArn            string
	QuotaCode           string
	QuotaName           string
	Value               float64
	Unit                string
	Adjustable          bool
	GlobalQuota         bool
	UsageMetric         *UsageMetric `json:",omitempty"`
	Period              *Period      `json:",omitempty"`
	QuotaAppliedAtLevel string       `json:",omitempty"`
	Description         string       `json:",omitempty"`
}

// UsageMetric is where CloudWatch shows how much of a quota is used.
type UsageMetric struct {
	MetricNamespace               string
	MetricName                    string
	MetricDimensions              map[string]string
	MetricStatisticRecommendation string
}

// Period is the time that a rate counts in.
type Period struct {
	PeriodValue int
	PeriodUnit  string
}

// Request is a request to raise a quota.
type Request struct {
	ID                    string `json:"Id"`
	RequestType           string `json:",omitempty"`
	CaseID                string `json:"CaseId,omitempty"`
	ServiceCode           string
	ServiceName           string
	QuotaCode             string
	QuotaName             string
	DesiredValue          float64
	Status                string
	Created               jsonrpc.Time
	LastUpdated           jsonrpc.Time
	Requester             string
	QuotaArn              string
	GlobalQuota           bool
	Unit                  string
	QuotaRequestedAtLevel string `json:",omitempty"`
}

// open says whether AWS is still at it.
func (r *Request) open() bool { return r.Status == "PENDING" || r.Status == "CASE_OPENED" }

// Service is Service Quotas. It is safe for concurrent use.
type Service struct {
	world *kernel.World

	mu       sync.Mutex
	approve  time.Duration // 0: requests stay open
	verdict  string
	quotas   map[key]*quota
	requests map[string][]*Request // by Region
	serial   int
}

type key struct{ region, service, code string }

// quota is one quota with all the values that were ever applied to the account.
type quota struct {
	Quota
	applied []applied
}

type applied struct {
	since time.Time
	value float64
}

// defaults are the quotas that every account has; CloudFront's are global and known in us-east-1 only. Source: AWS General
// Reference, CloudFront and Lambda endpoints and quotas.
var defaults = []Quota{
	{ServiceCode: "lambda", ServiceName: "AWS Lambda", QuotaCode: "L-B99A9384", QuotaName: "Concurrent executions", Value: 1000, Adjustable: true},
	{ServiceCode: "lambda", ServiceName: "AWS Lambda", QuotaCode: "L-2ACBD22F", QuotaName: "Function and layer storage", Value: 75, Unit: "Gigabytes", Adjustable: true},
	{ServiceCode: "cloudfront", ServiceName: "Amazon CloudFront", QuotaCode: "L-A2C80159", QuotaName: "Requests per second per distribution", Value: 250000, Adjustable: true, GlobalQuota: true},
	{ServiceCode: "cloudfront", ServiceName: "Amazon CloudFront", QuotaCode: "L-0F1E9017", QuotaName: "Data transfer rate per distribution", Value: 150, Unit: "Gigabits", Adjustable: true, GlobalQuota: true},
	{ServiceCode: "cloudfront", ServiceName: "Amazon CloudFront", QuotaCode: "L-24B04930", QuotaName: "Web distributions per AWS account", Value: 500, Adjustable: true, GlobalQuota: true},
	{ServiceCode: "cloudfront", ServiceName: "Amazon CloudFront", QuotaCode: "L-F36E9CEF", QuotaName: "Function timeout (origin request and response event)", Value: 30, Unit: "Seconds", GlobalQuota: true},
}

// New makes Service Quotas answer in the world, with the usual quotas in every Region.
func New(w *kernel.World) *Service {
	s := &Service{world: w, quotas: map[key]*quota{}, requests: map[string][]*Request{}, verdict: "APPROVED"}
	w.Register("servicequotas", s)
	return s
}

// Apply sets the value that is applied to the account from a time on; a quota that is not known is made.
func (s *Service) Apply(region, service, code string, value float64, since time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.find(key{region, service, code}).applied = append(s.find(key{region, service, code}).applied, applied{since, value})
}

// Put adds a quota as the API shows it, applied for long.
func (s *Service) Put(region string, q Quota) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.quotas[key{region, q.ServiceCode, q.QuotaCode}] = &quota{Quota: q, applied: []applied{{value: q.Value}}}
}

// Value is what holds for the account at a time: the applied value, or else the default; 0 where nothing is known.
func (s *Service) Value(region, service, code string, at time.Time) float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	value, _ := s.find(key{region, service, code}).at(at)
	return value
}

// ApproveAfter makes AWS decide about later requests when so much time has passed on the clock; status is "APPROVED",
// "DENIED" or "CASE_OPENED". With 0 they stay PENDING.
func (s *Service) ApproveAfter(delay time.Duration, status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.approve, s.verdict = delay, status
}

// find is a quota, made from the defaults where it is not there. The lock is held.
func (s *Service) find(k key) *quota {
	if q := s.quotas[k]; q != nil {
		return q
	}
	q := &quota{Quota: Quota{ServiceCode: k.service, ServiceName: k.service, QuotaCode: k.code, QuotaName: k.code, Adjustable: true}}
	for _, d := range defaults {
		if d.ServiceCode == k.service && d.QuotaCode == k.code {
			q.Quota = d
		}
	}
	if q.Unit == "" {
		q.Unit = "None"
	}
	q.QuotaArn = fmt.Sprintf("arn:aws:servicequotas:%s:%s:%s/%s", k.region, s.world.Account, k.service, k.code)
	s.quotas[k] = q
	return q
}

// at is the value at a time, and whether it is an applied one.
func (q *quota) at(t time.Time) (value float64, isApplied bool) {
	value = q.Value
	for _, a := range q.applied {
		if !a.since.After(t) {
			value, isApplied = a.value, true
		}
	}
	return value, isApplied
}

// exists says whether AWS knows the quota in the Region.
func (s *Service) exists(k key) bool {
	if s.quotas[k] != nil {
		return true
	}
	return slices.ContainsFunc(defaults, func(d Quota) bool {
		return d.ServiceCode == k.service && d.QuotaCode == k.code && (!d.GlobalQuota || k.region == "us-east-1")
	})
}

// Serve is part of kernel.Service.
func (s *Service) Serve(c *kernel.Call) {
	jsonrpc.Serve(c, "ServiceQuotasV20190624", map[string]jsonrpc.Handler{
		"ListServiceQuotas":                             s.list(false),
		"ListAWSDefaultServiceQuotas":                   s.list(true),
		"GetServiceQuota":                               s.get(false),
		"GetAWSDefaultServiceQuota":                     s.get(true),
		"RequestServiceQuotaIncrease":                   s.increase,
		"GetRequestedServiceQuotaChange":                s.getRequest,
		"ListRequestedServiceQuotaChangeHistory":        s.history,
		"ListRequestedServiceQuotaChangeHistoryByQuota": s.history,
	})
}

// input has the members of all operations.
type input struct {
	ServiceCode, QuotaCode, ContextID, NextToken, QuotaAppliedAtLevel, QuotaRequestedAtLevel, Status, RequestID string

	MaxResults         int
	DesiredValue       float64
	SupportCaseAllowed *bool
}

// begin decodes the input and asks IAM; only a request for an increase has a resource.
func (s *Service) begin(c *kernel.Call, action string) (input, error) {
	var in input
	decoded := jsonrpc.Decode(c, &in)
	access := kernel.Access{Action: "servicequotas:" + action}
	if action == "RequestServiceQuotaIncrease" {
		access.Resources = []string{fmt.Sprintf("arn:aws:servicequotas:%s:%s:%s/%s", c.Region, s.world.Account, in.ServiceCode, in.QuotaCode)}
	}
	if err := c.Begin(access); err != nil {
		return in, err
	}
	return in, decoded
}

func noResource() error {
	return kernel.Errorf(http.StatusBadRequest, "NoSuchResourceException", "The request failed because the specified service quota does not exist.")
}

func (s *Service) get(standard bool) jsonrpc.Handler {
	action := map[bool]string{false: "GetServiceQuota", true: "GetAWSDefaultServiceQuota"}[standard]
	return func(c *kernel.Call) (any, error) {
		in, err := s.begin(c, action)
		if err != nil {
			return nil, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		k := key{c.Region, in.ServiceCode, in.QuotaCode}
		if !s.exists(k) {
			return nil, noResource()
		}
		shown, isApplied := s.show(s.find(k), standard)
		if !standard && !isApplied {
			return nil, noResource()
		}
		return map[string]Quota{"Quota": shown}, nil
	}
}

// show is a quota with the value that is asked for. The lock is held.
func (s *Service) show(q *quota, standard bool) (Quota, bool) {
	shown, isApplied := q.Quota, true
	if !standard {
		shown.Value, isApplied = q.at(s.world.Clock.Now())
		shown.QuotaAppliedAtLevel = "ACCOUNT"
	}
	return shown, isApplied
}

func (s *Service) list(standard bool) jsonrpc.Handler {
	action := map[bool]string{false: "ListServiceQuotas", true: "ListAWSDefaultServiceQuotas"}[standard]
	return func(c *kernel.Call) (any, error) {
		in, err := s.begin(c, action)
		if err != nil {
			return nil, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		var shown []Quota
		for _, k := range s.known(c.Region, in.ServiceCode) {
			if in.QuotaCode == "" || in.QuotaCode == k.code {
				q, _ := s.show(s.find(k), standard)
				shown = append(shown, q)
			}
		}
		if len(shown) == 0 {
			return nil, noResource()
		}
		part, token, err := page(shown, in)
		return struct {
			Quotas    []Quota
			NextToken string `json:",omitempty"`
		}{part, token}, err
	}
}

// known are a service's quotas in a Region, by code. The lock is held.
func (s *Service) known(region, service string) []key {
	all := map[string]key{}
	for k := range s.quotas {
		if k.region == region && k.service == service {
			all[k.code] = k
		}
	}
	for _, d := range defaults {
		if k := (key{region, service, d.QuotaCode}); d.ServiceCode == service && s.exists(k) {
			all[k.code] = k
		}
	}
	var list []key
	for _, k := range all {
		list = append(list, k)
	}
	slices.SortFunc(list, func(a, b key) int { return compare(a.code, b.code) })
	return list
}

func compare(a, b string) int {
	if a < b {
		return -1
	}
	return 1
}

func (s *Service) increase(c *kernel.Call) (any, error) {
	in, err := s.begin(c, "RequestServiceQuotaIncrease")
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	k := key{c.Region, in.ServiceCode, in.QuotaCode}
	r, err := s.raise(k, in, c.Caller.ARN)
	delay := s.approve
	s.mu.Unlock()
	s.record(c, in, r, err)
	if err != nil {
		return nil, err
	}
	shown := *r
	if delay > 0 {
		s.world.Clock.After(delay, "service-quotas: "+r.ID+" is decided", func() { s.decide(k, r) })
	}
	return map[string]Request{"RequestedQuota": shown}, nil
}

// raise opens a request. The lock is held.
func (s *Service) raise(k key, in input, caller string) (*Request, error) {
	if !s.exists(k) {
		return nil, noResource()
	}
	q := s.find(k)
	current, _ := q.at(s.world.Clock.Now())
	switch {
	case !q.Adjustable:
		return nil, kernel.Errorf(http.StatusBadRequest, "InvalidResourceStateException", "The quota %s is not adjustable.", k.code)
	case in.DesiredValue <= current:
		return nil, kernel.Errorf(http.StatusBadRequest, "IllegalArgumentException", "The desired value must be greater than the current quota value of %g.", current)
	case slices.ContainsFunc(s.requests[k.region], func(r *Request) bool { return r.QuotaCode == k.code && r.ServiceCode == k.service && r.open() }):
		return nil, kernel.Errorf(http.StatusBadRequest, "ResourceAlreadyExistsException", "Only one open service quota increase request is allowed per quota.")
	case s.openRequests(k.region) >= 20:
		return nil, kernel.Errorf(http.StatusBadRequest, "QuotaExceededException", "You have exceeded your service quota for open requests.")
	}
	s.serial++
	now := jsonrpc.Time{Time: s.world.Clock.Now()}
	r := &Request{
		ID: fmt.Sprintf("%032x", s.serial), ServiceCode: k.service, ServiceName: q.ServiceName, QuotaCode: k.code, QuotaName: q.QuotaName,
		DesiredValue: in.DesiredValue, Status: "PENDING", Created: now, LastUpdated: now, QuotaArn: q.QuotaArn, GlobalQuota: q.GlobalQuota,
		Unit: q.Unit, QuotaRequestedAtLevel: "ACCOUNT", Requester: fmt.Sprintf(`{"accountId":"%s","callerArn":"%s"}`, s.world.Account, caller),
	}
	s.requests[k.region] = append(s.requests[k.region], r)
	return r, nil
}

func (s *Service) openRequests(region string) int {
	n := 0
	for _, r := range s.requests[region] {
		if r.open() {
			n++
		}
	}
	return n
}

func (s *Service) decide(k key, r *Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.world.Clock.Now()
	r.Status, r.LastUpdated = s.verdict, jsonrpc.Time{Time: now}
	if r.Status == "APPROVED" {
		q := s.find(k)
		q.applied = append(q.applied, applied{now, r.DesiredValue})
	}
}

// Decide ends an open request now: "APPROVED" applies its value.
func (s *Service) Decide(region, requestID, status string) bool {
	s.mu.Lock()
	var found *Request
	for _, r := range s.requests[region] {
		if r.ID == requestID && r.open() {
			found = r
		}
	}
	s.verdict = status
	s.mu.Unlock()
	if found != nil {
		s.decide(key{region, found.ServiceCode, found.QuotaCode}, found)
	}
	return found != nil
}

// Requests are a Region's requests, oldest first.
func (s *Service) Requests(region string) []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []Request
	for _, r := range s.requests[region] {
		list = append(list, *r)
	}
	return list
}

func (s *Service) record(c *kernel.Call, in input, r *Request, err error) {
	if s.world.Trail == nil {
		return
	}
	event := kernel.TrailEvent{
		Region: c.Region, Source: "servicequotas.amazonaws.com", Name: "RequestServiceQuotaIncrease", Caller: c.Caller,
		Request: map[string]any{"serviceCode": in.ServiceCode, "quotaCode": in.QuotaCode, "desiredValue": in.DesiredValue},
	}
	if refused, ok := err.(*kernel.APIError); ok {
		event.Error = refused
	} else if r != nil {
		event.Response = map[string]any{"requestedQuota": map[string]any{"id": r.ID, "status": r.Status}}
	}
	s.world.Trail.Record(event)
}

func (s *Service) getRequest(c *kernel.Call) (any, error) {
	in, err := s.begin(c, "GetRequestedServiceQuotaChange")
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.requests[c.Region] {
		if r.ID == in.RequestID {
			return map[string]Request{"RequestedQuota": *r}, nil
		}
	}
	return nil, noResource()
}

// history lists requests, newest first; the operation by quota is an IAM action of its own.
func (s *Service) history(c *kernel.Call) (any, error) {
	action := "ListRequestedServiceQuotaChangeHistory"
	if c.R.Header.Get("X-Amz-Target") == "ServiceQuotasV20190624.ListRequestedServiceQuotaChangeHistoryByQuota" {
		action += "ByQuota"
	}
	in, err := s.begin(c, action)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	shown := []Request{}
	for _, r := range slices.Backward(s.requests[c.Region]) {
		if matches(in.ServiceCode, r.ServiceCode) && matches(in.QuotaCode, r.QuotaCode) && matches(in.Status, r.Status) {
			shown = append(shown, *r)
		}
	}
	part, token, err := page(shown, in)
	return struct {
		RequestedQuotas []Request
		NextToken       string `json:",omitempty"`
	}{part, token}, err
}

func matches(want, got string) bool { return want == "" || want == got }

// page is the part of a list after the token, which is a position; at most 100 entries.
func page[T any](list []T, in input) (part []T, token string, err error) {
	from, size := 0, 100
	if in.MaxResults > 0 {
		size = min(size, in.MaxResults)
	}
	if in.NextToken != "" {
		if from, err = strconv.Atoi(in.NextToken); err != nil || from < 0 || from > len(list) {
			return nil, "", kernel.Errorf(http.StatusBadRequest, "InvalidPaginationTokenException", "Invalid input was provided.")
		}
	}
	to := min(from+size, len(list))
	if to < len(list) {
		token = strconv.Itoa(to)
	}
	return list[from:to], token, nil
}
