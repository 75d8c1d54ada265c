// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package cloudtrail is the emulator's CloudTrail: it keeps the management events that other services record, shows them
// in LookupEvents when they have been delivered, and emits those that happen now on the default bus.
package cloudtrail

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"cloudfront503/pkg/emulator/jsonrpc"
	"cloudfront503/pkg/emulator/kernel"
)

const (
	// defaultDelay is how long LookupEvents does not know an event; AWS says "about 5 minutes on average".
	defaultDelay = 5 * time.Minute
	// kept is how far back LookupEvents sees.
	kept = 90 * 24 * time.Hour
	// pageSize is the largest page.
	pageSize = 50
)

// Service is CloudTrail. It is safe for concurrent use.
type Service struct {
	world *kernel.World

	mu     sync.Mutex
	delay  time.Duration
	rate   int // calls a second; 0: no limit
	calls  []time.Time
	events []event
}

type event struct {
	region  string
	visible time.Time
	entry   Event
}

// Event is an event as LookupEvents lists it.
type Event struct {
	EventID         string       `json:"EventId"`
	EventName       string       `json:"EventName"`
	ReadOnly        string       `json:"ReadOnly,omitempty"`
	AccessKeyID     string       `json:"AccessKeyId,omitempty"`
	EventTime       jsonrpc.Time `json:"EventTime"`
	EventSource     string       `json:"EventSource"`
	Username        string       `json:"Username,omitempty"`
	Resources       []Resource   `json:"Resources"`
	CloudTrailEvent string       `json:"CloudTrailEvent"` // the record, JSON in a string
}

// Resource is a resource that an event is about.
type Resource struct {
	ResourceType string `json:"ResourceType"`
	ResourceName string `json:"ResourceName"`
}

// New makes CloudTrail answer in the world, and be its trail.
func New(w *kernel.World) *Service {
	s := &Service{world: w, delay: defaultDelay}
	w.Register("cloudtrail", s)
	w.Trail = s
	return s
}

// SetDelay sets how long LookupEvents does not know later events.
func (s *Service) SetDelay(delay time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delay = delay
}

// SetRate limits LookupEvents to so many calls a second, as AWS does to 2; 0 is no limit.
func (s *Service) SetRate(perSecond int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rate = perSecond
}

// Put adds an event as LookupEvents lists it, visible at once.
func (s *Service) Put(region string, entry Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, event{region: region, visible: entry.EventTime.Time, entry: entry})
}

// Record is part of kernel.Trail.
func (s *Service) Record(e kernel.TrailEvent) string {
	now := s.world.Clock.Now()
	current := e.At.IsZero()
	if current {
		e.At = now
	}
	if e.Region == "" {
		e.Region = "us-east-1"
	}
	if e.ID == "" {
		e.ID = newID()
	}
	record := s.document(e)
	text, err := json.Marshal(record)
	if err != nil {
		text = []byte("{}")
	}
	entry := Event{
		EventID: e.ID, EventName: e.Name, ReadOnly: strconv.FormatBool(e.ReadOnly), EventTime: jsonrpc.Time{Time: e.At},
		EventSource: e.Source, Username: userName(e.Caller), Resources: []Resource{}, CloudTrailEvent: string(text),
	}
	for _, r := range e.Resources {
		entry.Resources = append(entry.Resources, Resource{ResourceType: r.Type, ResourceName: r.Name})
	}
	s.mu.Lock()
	s.events = append(s.events, event{region: e.Region, visible: e.At.Add(s.delay), entry: entry})
	s.mu.Unlock()
	if !e.ReadOnly && (current || !e.At.Before(now.Add(-time.Minute))) && s.world.Bus != nil {
		source := "aws." + strings.TrimSuffix(e.Source, ".amazonaws.com")
		s.world.Go(func() { s.world.Bus.Emit(source, "AWS API Call via CloudTrail", nil, record) })
	}
	return e.ID
}

// document is the record as CloudTrail writes it (user guide, "CloudTrail record contents").
func (s *Service) document(e kernel.TrailEvent) map[string]any {
	record := map[string]any{
		"eventVersion": "1.11", "userIdentity": identity(e.Caller, s.world.Account), "eventTime": e.At.UTC().Format(time.RFC3339),
		"eventSource": e.Source, "eventName": e.Name, "awsRegion": e.Region, "sourceIPAddress": "198.51.100.23",
		"userAgent": "emulator", "requestParameters": e.Request, "responseElements": e.Response, "requestID": newID(), "eventID": e.ID,
		"readOnly": e.ReadOnly, "eventType": "AwsApiCall", "managementEvent": true, "recipientAccountId": s.world.Account,
		"eventCategory": "Management",
	}
	if e.Error != nil {
		record["errorCode"], record["errorMessage"] = e.Error.Code, cut(e.Error.Message)
	}
	return record
}

// cut keeps the first KB, as CloudTrail does with error messages.
func cut(text string) string {
	if len(text) > 1024 {
		return text[:1024]
	}
	return text
}

func identity(p kernel.Principal, account string) map[string]any {
	id := map[string]any{"type": "IAMUser", "principalId": p.UserID, "arn": p.ARN, "accountId": account, "userName": userName(p)}
	switch {
	case p.Service != "":
		return map[string]any{"type": "AWSService", "invokedBy": p.Service}
	case strings.Contains(p.ARN, ":assumed-role/"):
		id["type"] = "AssumedRole"
		delete(id, "userName")
		issuer := map[string]any{"type": "Role", "principalId": strings.Split(p.UserID, ":")[0], "arn": p.IAM, "accountId": account, "userName": last(p.IAM)}
		context := map[string]any{"sessionIssuer": issuer, "attributes": map[string]any{"mfaAuthenticated": "false"}}
		if p.SourceIdentity != "" {
			context["sourceIdentity"] = p.SourceIdentity
		}
		id["sessionContext"] = context
	}
	return id
}

// userName is what LookupEvents can be asked for: the user's or the session's name.
func userName(p kernel.Principal) string { return last(p.ARN) }

func last(arn string) string { return arn[strings.LastIndex(arn, "/")+1:] }

// Serve is part of kernel.Service.
func (s *Service) Serve(c *kernel.Call) {
	// The SDKs name the interface by its date, older tools by its Java package.
	if target := c.R.Header.Get("X-Amz-Target"); strings.HasPrefix(target, "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.") {
		c.R.Header.Set("X-Amz-Target", strings.TrimPrefix(target, "com.amazonaws.cloudtrail.v20131101."))
	}
	jsonrpc.Serve(c, "CloudTrail_20131101", map[string]jsonrpc.Handler{"LookupEvents": s.lookup})
}

type lookupInput struct {
	LookupAttributes []struct{ AttributeKey, AttributeValue string }
	StartTime        *jsonrpc.Time
	EndTime          *jsonrpc.Time
	EventCategory    string
	MaxResults       int
	NextToken        string
}

type lookupOutput struct {
	Events    []Event
	NextToken string `json:",omitempty"`
}

func (s *Service) lookup(c *kernel.Call) (any, error) {
	if err := c.Begin(kernel.Access{Action: "cloudtrail:LookupEvents"}); err != nil {
		return nil, err
	}
	var in lookupInput
	if err := jsonrpc.Decode(c, &in); err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	if !s.admit() {
		return nil, kernel.Errorf(http.StatusBadRequest, "ThrottlingException", "Rate exceeded")
	}
	return page(s.found(c.Region, in), in)
}

func (in *lookupInput) check() error {
	if in.MaxResults == 0 {
		in.MaxResults = pageSize
	}
	switch {
	case len(in.LookupAttributes) > 1:
		return kernel.Errorf(http.StatusBadRequest, "InvalidLookupAttributesException", "You may specify only one lookup attribute.")
	case len(in.LookupAttributes) == 1 && attributes[in.LookupAttributes[0].AttributeKey] == nil:
		return kernel.Errorf(http.StatusBadRequest, "InvalidLookupAttributesException", "%s is no lookup attribute.", in.LookupAttributes[0].AttributeKey)
	case in.MaxResults < 1 || in.MaxResults > pageSize:
		return kernel.Errorf(http.StatusBadRequest, "InvalidMaxResultsException", "MaxResults must be between 1 and 50.")
	case in.StartTime != nil && in.EndTime != nil && in.StartTime.After(in.EndTime.Time):
		return kernel.Errorf(http.StatusBadRequest, "InvalidTimeRangeException", "The start time is after the end time.")
	}
	return nil
}

// attributes are what LookupEvents can be asked for.
var attributes = map[string]func(e Event, value string) bool{
	"EventId":     func(e Event, value string) bool { return e.EventID == value },
	"EventName":   func(e Event, value string) bool { return e.EventName == value },
	"ReadOnly":    func(e Event, value string) bool { return e.ReadOnly == value },
	"Username":    func(e Event, value string) bool { return e.Username == value },
	"EventSource": func(e Event, value string) bool { return e.EventSource == value },
	"AccessKeyId": func(e Event, value string) bool { return e.AccessKeyID == value },
	"ResourceType": func(e Event, value string) bool {
		return slices.ContainsFunc(e.Resources, func(r Resource) bool { return r.ResourceType == value })
	},
	"ResourceName": func(e Event, value string) bool {
		return slices.ContainsFunc(e.Resources, func(r Resource) bool { return r.ResourceName == value })
	},
}

// admit counts a call against the rate.
func (s *Service) admit() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.world.Clock.Now()
	s.calls = slices.DeleteFunc(s.calls, func(at time.Time) bool { return now.Sub(at) >= time.Second })
	if s.rate > 0 && len(s.calls) >= s.rate {
		return false
	}
	s.calls = append(s.calls, now)
	return true
}

// found are the events that are asked for and delivered, the newest first.
func (s *Service) found(region string, in lookupInput) []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.world.Clock.Now()
	list := []Event{}
	for _, e := range s.events {
		if e.region == region && !e.visible.After(now) && e.entry.EventTime.After(now.Add(-kept)) && in.wants(e.entry) {
			list = append(list, e.entry)
		}
	}
	slices.SortStableFunc(list, func(a, b Event) int {
		return cmp.Or(b.EventTime.Compare(a.EventTime.Time), cmp.Compare(a.EventID, b.EventID))
	})
	return list
}

func (in *lookupInput) wants(e Event) bool {
	if in.StartTime != nil && e.EventTime.Before(in.StartTime.Time) || in.EndTime != nil && e.EventTime.After(in.EndTime.Time) {
		return false
	}
	return len(in.LookupAttributes) == 0 || attributes[in.LookupAttributes[0].AttributeKey](e, in.LookupAttributes[0].AttributeValue)
}

// page is the part of the list after the token, which is a position.
func page(list []Event, in lookupInput) (lookupOutput, error) {
	from := 0
	if in.NextToken != "" {
		n, err := strconv.Atoi(in.NextToken)
		if err != nil || n < 0 || n > len(list) {
			return lookupOutput{}, kernel.Errorf(http.StatusBadRequest, "InvalidNextTokenException", "The next token is not valid.")
		}
		from = n
	}
	to := min(from+in.MaxResults, len(list))
	out := lookupOutput{Events: list[from:to]}
	if to < len(list) {
		out.NextToken = strconv.Itoa(to)
	}
	return out, nil
}

// newID is a random UUID, the form of CloudTrail's ids.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
