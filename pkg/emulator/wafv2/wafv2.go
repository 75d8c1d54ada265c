// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package wafv2 is the emulator's AWS WAF, as far as reading goes: web ACLs, and where their logs are sent.
package wafv2

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"cloudfront503/pkg/emulator/jsonrpc"
	"cloudfront503/pkg/emulator/kernel"
)

// Service is AWS WAF. It is safe for concurrent use.
type Service struct {
	world *kernel.World

	mu   sync.Mutex
	acls map[string]acl    // by ARN
	over map[string]string // the ARN of the web ACL over each resource that is known, empty where it has none
}

type acl struct {
	Name, ID, ARN string
	document      json.RawMessage
	logging       json.RawMessage // the LoggingConfiguration; nil if there is none
}

// New makes AWS WAF answer in the world.
func New(w *kernel.World) *Service {
	s := &Service{world: w, acls: map[string]acl{}, over: map[string]string{}}
	w.Register("wafv2", s)
	return s
}

// Put adds a web ACL as the AWS CLI prints it (the WebACL member); logging is its LoggingConfiguration, nil if there is none.
func (s *Service) Put(document, logging []byte) error {
	var a acl
	if err := json.Unmarshal(document, &a); err != nil {
		return fmt.Errorf("web ACL: %w", err)
	}
	if a.ARN == "" || a.Name == "" {
		return fmt.Errorf("web ACL %q: no Name or ARN", a.Name)
	}
	a.document, a.logging = document, logging
	s.mu.Lock()
	defer s.mu.Unlock()
	s.acls[a.ARN] = a
	return nil
}

// SetLogging says where the logs of a web ACL go; false where there is no such web ACL.
func (s *Service) SetLogging(arn string, logging []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, known := s.acls[arn]
	if known {
		a.logging = logging
		s.acls[arn] = a
	}
	return known
}

// Associate makes a load balancer or an API's stage known, and puts a web ACL over it unless the ACL is empty.
func (s *Service) Associate(resource, acl string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over[resource] = acl
}

// Serve is part of kernel.Service.
func (s *Service) Serve(c *kernel.Call) {
	jsonrpc.Serve(c, "AWSWAF_20190729", map[string]jsonrpc.Handler{
		"GetWebACL": s.get, "GetWebACLForResource": s.forResource, "ListWebACLs": s.list, "GetLoggingConfiguration": s.logging,
	})
}

func missing() error {
	return kernel.Errorf(http.StatusBadRequest, "WAFNonexistentItemException", "AWS WAF couldn’t perform the operation because your resource doesn’t exist.")
}

func (s *Service) get(c *kernel.Call) (any, error) {
	var in struct{ Name, Scope, ID, ARN string }
	decoded := jsonrpc.Decode(c, &in)
	arn := in.ARN
	if arn == "" {
		arn = s.arn(c.Region, in.Scope, in.Name, in.ID)
	}
	if err := c.Begin(kernel.Access{Action: "wafv2:GetWebACL", Resources: []string{arn}}); err != nil {
		return nil, err
	}
	if decoded != nil {
		return nil, decoded
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.acls[arn]
	if !ok {
		return nil, missing()
	}
	return map[string]any{"WebACL": a.document, "LockToken": "11111111-2222-4333-8444-555555555555"}, nil
}

// protects are the resources that take a regional web ACL and that this package knows: an application load balancer and a
// stage of a REST API [GetWebACLForResource].
var protects = regexp.MustCompile(`^arn:aws:(elasticloadbalancing:([a-z0-9-]+):[0-9]{12}:loadbalancer/app/[^/]+/[^/]+|apigateway:([a-z0-9-]+)::/restapis/[^/]+/stages/[^/]+)$`)

// forResource is GetWebACLForResource, which asks for the right to get the web ACL as well.
func (s *Service) forResource(c *kernel.Call) (any, error) {
	var in struct{ ResourceArn string }
	decoded := jsonrpc.Decode(c, &in)
	if err := c.Begin(kernel.Access{Action: "wafv2:GetWebACLForResource", Resources: []string{in.ResourceArn}}); err != nil {
		return nil, err
	}
	if decoded != nil {
		return nil, decoded
	}
	parts := protects.FindStringSubmatch(in.ResourceArn)
	if parts == nil || cmp.Or(parts[2], parts[3]) != c.Region {
		return nil, kernel.Errorf(http.StatusBadRequest, "WAFInvalidParameterException", "Error reason: The ARN isn't valid. A valid ARN begins with arn: and includes other information separated by colons or slashes., field: RESOURCE_ARN, parameter: %s", in.ResourceArn)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	over, known := s.over[in.ResourceArn]
	a, ok := s.acls[over]
	if !known || over != "" && !ok {
		return nil, missing()
	}
	if over == "" {
		return map[string]any{}, nil
	}
	if err := c.Also(kernel.Access{Action: "wafv2:GetWebACL", Resources: []string{a.ARN}}); err != nil {
		return nil, err
	}
	return map[string]any{"WebACL": a.document}, nil
}

func (s *Service) arn(region, scope, name, id string) string {
	kind := "regional"
	if scope == "CLOUDFRONT" {
		region, kind = "us-east-1", "global"
	}
	return fmt.Sprintf("arn:aws:wafv2:%s:%s:%s/webacl/%s/%s", region, s.world.Account, kind, name, id)
}

func (s *Service) list(c *kernel.Call) (any, error) {
	if err := c.Begin(kernel.Access{Action: "wafv2:ListWebACLs"}); err != nil {
		return nil, err
	}
	var in struct {
		Scope, NextMarker string
		Limit             int
	}
	if err := jsonrpc.Decode(c, &in); err != nil {
		return nil, err
	}
	kind := map[bool]string{true: ":global/", false: ":" + c.Region + ":" + s.world.Account + ":regional/"}[in.Scope == "CLOUDFRONT"]
	s.mu.Lock()
	defer s.mu.Unlock()
	type summary struct {
		Name string
		ID   string `json:"Id"`
		ARN  string
	}
	shown := []summary{}
	for _, a := range s.acls {
		if strings.Contains(a.ARN, kind) {
			shown = append(shown, summary{a.Name, a.ID, a.ARN})
		}
	}
	slices.SortFunc(shown, func(a, b summary) int { return cmp.Compare(a.ARN, b.ARN) })
	return map[string]any{"WebACLs": shown}, nil
}

func (s *Service) logging(c *kernel.Call) (any, error) {
	var in struct{ ResourceArn, LogType, LogScope string }
	decoded := jsonrpc.Decode(c, &in)
	if err := c.Begin(kernel.Access{Action: "wafv2:GetLoggingConfiguration", Resources: []string{in.ResourceArn}}); err != nil {
		return nil, err
	}
	if decoded != nil {
		return nil, decoded
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.acls[in.ResourceArn]
	if !ok || a.logging == nil {
		return nil, missing()
	}
	return map[string]any{"LoggingConfiguration": a.logging}, nil
}
