// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package logs is the emulator's CloudWatch Logs, as far as evidence needs it: deliveries of vended logs, events
// by time and pattern, and the simplest of queries.
package logs

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"cloudfront503/pkg/emulator/jsonrpc"
	"cloudfront503/pkg/emulator/kernel"
)

// Service is CloudWatch Logs. It is safe for concurrent use.
type Service struct {
	world *kernel.World

	mu         sync.Mutex
	groups     map[groupKey][]Event
	deliveries map[string]map[string][]json.RawMessage // by Region, then kind
	queries    map[string]query
	serial     int // of deliveries
}

type groupKey struct{ region, name string }

// Event is one event of a log group.
type Event struct {
	Stream  string
	At      time.Time
	Message string
}

type query struct {
	results [][]field
	scanned int
}

type field struct {
	Field string `json:"field"`
	Value string `json:"value"`
}

// New makes CloudWatch Logs answer in the world.
func New(w *kernel.World) *Service {
	s := &Service{world: w, groups: map[groupKey][]Event{}, deliveries: map[string]map[string][]json.RawMessage{}, queries: map[string]query{}}
	w.Register("logs", s)
	return s
}

// Put adds events to a log group of a Region, which is made where it is not there.
func (s *Service) Put(region, group string, events ...Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := groupKey{region, group}
	s.groups[key] = append(s.groups[key], events...)
	slices.SortStableFunc(s.groups[key], func(a, b Event) int { return a.At.Compare(b.At) })
}

// The kinds of PutDelivery, as the describing operations' answers call them.
const (
	Sources      = "deliverySources"
	Deliveries   = "deliveries"
	Destinations = "deliveryDestinations"
)

// PutDelivery adds a delivery source, delivery or delivery destination of a Region as the AWS CLI prints it.
func (s *Service) PutDelivery(region, kind string, document []byte) error {
	if !json.Valid(document) || !slices.Contains([]string{Sources, Deliveries, Destinations}, kind) {
		return fmt.Errorf("logs: %s in %s: no JSON or no such kind", kind, region)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deliveries[region] == nil {
		s.deliveries[region] = map[string][]json.RawMessage{}
	}
	s.deliveries[region][kind] = append(s.deliveries[region][kind], document)
	return nil
}

// Serve is part of kernel.Service.
func (s *Service) Serve(c *kernel.Call) {
	handlers := map[string]jsonrpc.Handler{
		"DescribeDeliverySources":      s.describe("DescribeDeliverySources", Sources),
		"DescribeDeliveries":           s.describe("DescribeDeliveries", Deliveries),
		"DescribeDeliveryDestinations": s.describe("DescribeDeliveryDestinations", Destinations),
		"DescribeLogGroups":            s.describeGroups,
		"FilterLogEvents":              s.filter,
		"StartQuery":                   s.start,
		"GetQueryResults":              s.results,
	}
	maps.Copy(handlers, s.deliveryHandlers())
	jsonrpc.Serve(c, "Logs_20140328", handlers)
}

func (s *Service) describe(action, kind string) jsonrpc.Handler {
	return func(c *kernel.Call) (any, error) {
		if err := c.Begin(kernel.Access{Action: "logs:" + action}); err != nil {
			return nil, err
		}
		var in struct {
			NextToken string
			Limit     int
		}
		if err := jsonrpc.Decode(c, &in); err != nil {
			return nil, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		size := 50
		if in.Limit > 0 {
			size = min(size, in.Limit)
		}
		part, token, err := page(s.deliveries[c.Region][kind], in.NextToken, size)
		if err != nil {
			return nil, err
		}
		return answer(kind, part, token), nil
	}
}

func answer(name string, part any, token string) map[string]any {
	shown := map[string]any{name: part}
	if token != "" {
		shown["nextToken"] = token
	}
	return shown
}

// page is the part of a list after the token, which is a position.
func page[T any](list []T, token string, size int) (part []T, next string, err error) {
	from := 0
	if token != "" {
		if from, err = strconv.Atoi(token); err != nil || from < 0 || from > len(list) {
			return nil, "", invalid("The specified nextToken is invalid.")
		}
	}
	to := min(from+size, len(list))
	if to < len(list) {
		next = strconv.Itoa(to)
	}
	return append([]T{}, list[from:to]...), next, nil
}

func invalid(format string, args ...any) error {
	return kernel.Errorf(http.StatusBadRequest, "InvalidParameterException", format, args...)
}

func noGroup() error {
	return kernel.Errorf(http.StatusBadRequest, "ResourceNotFoundException", "The specified log group does not exist.")
}

func groupARN(c *kernel.Call, group string) string {
	return "arn:aws:logs:" + c.Region + ":" + c.World.Account + ":log-group:" + group + ":*"
}

func (s *Service) describeGroups(c *kernel.Call) (any, error) {
	if err := c.Begin(kernel.Access{Action: "logs:DescribeLogGroups", Resources: []string{groupARN(c, "*")}}); err != nil {
		return nil, err
	}
	var in struct {
		LogGroupNamePrefix, LogGroupNamePattern, NextToken string
		Limit                                              int
	}
	if err := jsonrpc.Decode(c, &in); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for key := range s.groups {
		if key.region == c.Region && strings.HasPrefix(key.name, in.LogGroupNamePrefix) && strings.Contains(key.name, in.LogGroupNamePattern) {
			names = append(names, key.name)
		}
	}
	slices.Sort(names)
	part, token, err := page(names, in.NextToken, 50)
	if err != nil {
		return nil, err
	}
	shown := []map[string]any{}
	for _, name := range part {
		shown = append(shown, map[string]any{"logGroupName": name, "arn": groupARN(c, name)})
	}
	return answer("logGroups", shown, token), nil
}

type filterInput struct {
	LogGroupName, LogGroupIdentifier, LogStreamNamePrefix, FilterPattern, NextToken string

	LogStreamNames      []string
	StartTime, EndTime  int64
	Limit               int
	Interleaved, Unmask *bool
}

func (s *Service) filter(c *kernel.Call) (any, error) {
	var in filterInput
	decoded := jsonrpc.Decode(c, &in)
	group := cmp.Or(in.LogGroupName, nameOf(in.LogGroupIdentifier))
	if err := c.Begin(kernel.Access{Action: "logs:FilterLogEvents", Resources: []string{groupARN(c, group)}}); err != nil {
		return nil, err
	}
	if decoded != nil {
		return nil, decoded
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	events, ok := s.groups[groupKey{c.Region, group}]
	if !ok {
		return nil, noGroup()
	}
	found := []map[string]any{}
	for i, e := range events {
		if in.wants(e) {
			found = append(found, map[string]any{
				"logStreamName": e.Stream, "timestamp": e.At.UnixMilli(), "message": e.Message, "ingestionTime": e.At.UnixMilli(), "eventId": strconv.Itoa(i),
			})
		}
	}
	size := 10_000
	if in.Limit > 0 {
		size = min(size, in.Limit)
	}
	part, token, err := page(found, in.NextToken, size)
	if err != nil {
		return nil, err
	}
	return answer("events", part, token), nil
}

func nameOf(identifier string) string {
	if _, after, ok := strings.Cut(identifier, ":log-group:"); ok {
		return strings.TrimSuffix(after, ":*")
	}
	return identifier
}

func (in *filterInput) wants(e Event) bool {
	switch {
	case in.StartTime > 0 && e.At.UnixMilli() < in.StartTime,
		in.EndTime > 0 && e.At.UnixMilli() >= in.EndTime,
		!strings.HasPrefix(e.Stream, in.LogStreamNamePrefix),
		len(in.LogStreamNames) > 0 && !slices.Contains(in.LogStreamNames, e.Stream):
		return false
	}
	return matches(in.FilterPattern, e.Message)
}

// term is a word or a quoted phrase of a filter pattern, with ? before it where one of several is enough.
var term = regexp.MustCompile(`(\??)(?:"([^"]*)"|(\S+))`)

// matches says whether a message has every term of a pattern, or one of those with a question mark. Patterns over JSON
// members and columns are not known here and match nothing.
func matches(pattern, message string) bool {
	if strings.HasPrefix(pattern, "{") || strings.HasPrefix(pattern, "[") {
		return false
	}
	optional, met := false, false
	for _, t := range term.FindAllStringSubmatch(pattern, -1) {
		has := strings.Contains(message, t[2]+t[3])
		if t[1] == "" && !has {
			return false
		}
		if t[1] == "?" {
			optional, met = true, met || has
		}
	}
	return !optional || met
}

type startInput struct {
	QueryLanguage, LogGroupName, QueryString string

	LogGroupNames, LogGroupIdentifiers []string
	StartTime, EndTime                 int64
	Limit                              int
}

// start runs a query at once. Of the language it knows `filter @message like /…/` and `limit`; every query gives
// @timestamp and @message, the newest first.
func (s *Service) start(c *kernel.Call) (any, error) {
	var in startInput
	decoded := jsonrpc.Decode(c, &in)
	groups := slices.Clone(in.LogGroupNames)
	if in.LogGroupName != "" {
		groups = append(groups, in.LogGroupName)
	}
	for _, identifier := range in.LogGroupIdentifiers {
		groups = append(groups, nameOf(identifier))
	}
	var arns []string
	for _, group := range groups {
		arns = append(arns, groupARN(c, group))
	}
	if err := c.Begin(kernel.Access{Action: "logs:StartQuery", Resources: arns}); err != nil {
		return nil, err
	}
	if decoded != nil {
		return nil, decoded
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.run(c.Region, groups, in)
	if err != nil {
		return nil, err
	}
	id := fmt.Sprintf("%08x-0000-4000-8000-%012x", len(s.queries)+1, len(s.queries)+1)
	s.queries[id] = q
	return map[string]string{"queryId": id}, nil
}

var (
	like  = regexp.MustCompile(`filter\s+@message\s+like\s+(?:/((?:[^/\\]|\\.)*)/|"([^"]*)"|'([^']*)')`)
	limit = regexp.MustCompile(`limit\s+(\d+)`)
)

func (s *Service) run(region string, groups []string, in startInput) (query, error) {
	wanted := regexp.MustCompile("")
	if m := like.FindStringSubmatch(in.QueryString); m != nil {
		expression, err := regexp.Compile(cmp.Or(m[1], regexp.QuoteMeta(m[2]+m[3])))
		if err != nil {
			return query{}, kernel.Errorf(http.StatusBadRequest, "MalformedQueryException", "%v", err)
		}
		wanted = expression
	}
	most := cmp.Or(in.Limit, 10_000)
	if m := limit.FindStringSubmatch(in.QueryString); m != nil {
		n, _ := strconv.Atoi(m[1])
		most = min(most, n)
	}
	var q query
	for _, group := range groups {
		events, ok := s.groups[groupKey{region, group}]
		if !ok {
			return query{}, noGroup()
		}
		for _, e := range slices.Backward(events) {
			q.scanned++
			if at := e.At.Unix(); at >= in.StartTime && at <= in.EndTime && wanted.MatchString(e.Message) && len(q.results) < most {
				q.results = append(q.results, []field{{"@timestamp", e.At.UTC().Format("2006-01-02 15:04:05.000")}, {"@message", e.Message}})
			}
		}
	}
	return q, nil
}

func (s *Service) results(c *kernel.Call) (any, error) {
	if err := c.Begin(kernel.Access{Action: "logs:GetQueryResults"}); err != nil {
		return nil, err
	}
	var in struct {
		QueryID   string
		NextToken string
		MaxItems  int
	}
	if err := jsonrpc.Decode(c, &in); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, ok := s.queries[in.QueryID]
	if !ok {
		return nil, kernel.Errorf(http.StatusBadRequest, "ResourceNotFoundException", "The specified query does not exist.")
	}
	return map[string]any{
		"status": "Complete", "results": append([][]field{}, q.results...),
		"statistics": map[string]float64{"recordsMatched": float64(len(q.results)), "recordsScanned": float64(q.scanned)},
	}, nil
}
