// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package wafv2 is the emulator's AWS WAF, as far as reading goes: web ACLs, and where their logs are sent.
package wafv2

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
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
	acls map[string]acl // by ARN
}

type acl struct {
	Name, ID, ARN string
	document      json.RawMessage
	logging       json.RawMessage // the LoggingConfiguration; nil if there is none
}

// New makes AWS WAF answer in the world.
func New(w *kernel.World) *Service {
	s := &Service{world: w, acls: map[string]acl{}}
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

// Serve is part of kernel.Service.
func (s *Service) Serve(c *kernel.Call) {
	jsonrpc.Serve(c, "AWSWAF_20190729", map[string]jsonrpc.Handler{
		"GetWebACL": s.get, "ListWebACLs": s.list, "GetLoggingConfiguration": s.logging,
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
