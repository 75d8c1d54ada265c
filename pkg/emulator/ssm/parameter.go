// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package ssm

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"cloudfront503/pkg/emulator/kernel"
)

// parameter is one of Parameter Store.
type parameter struct {
	value, kind string
	version     int
	changed     time.Time
	tags        map[string]string
}

func (s *Service) parameterAccess(c *kernel.Call, action, name string) kernel.Access {
	return kernel.Access{Action: "ssm:" + action, Resources: []string{s.arn(c.Region, "parameter/"+strings.TrimPrefix(name, "/"))}}
}

func (s *Service) putParameter(c *kernel.Call) (any, error) {
	var in struct {
		Name, Value, Type, Description, Tier, DataType string
		Overwrite                                      bool
		Tags                                           []tag
	}
	if err := s.ask(c, &in, func() kernel.Access { return s.parameterAccess(c, "PutParameter", in.Name) }); err != nil {
		return nil, err
	}
	if in.Name == "" || in.Value == "" || len(in.Value) > 4096 {
		return nil, invalid("a parameter has a name and a value of 1 to 4096 bytes")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.parameters[in.Name]
	if p != nil && !in.Overwrite {
		return nil, kernel.Errorf(http.StatusBadRequest, "ParameterAlreadyExists", "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.")
	}
	if p == nil {
		p = &parameter{kind: "String", tags: tagMap(in.Tags)}
		s.parameters[in.Name] = p
	}
	if in.Type != "" {
		p.kind = in.Type
	}
	if !slices.Contains([]string{"String", "StringList", "SecureString"}, p.kind) {
		delete(s.parameters, in.Name)
		return nil, invalid("type %s is not valid", p.kind)
	}
	p.value, p.changed = in.Value, s.world.Clock.Now()
	p.version++
	return map[string]any{"Version": p.version, "Tier": "Standard"}, nil
}

func (s *Service) getParameter(c *kernel.Call) (any, error) {
	var in struct {
		Name           string
		WithDecryption bool
	}
	if err := s.ask(c, &in, func() kernel.Access { return s.parameterAccess(c, "GetParameter", in.Name) }); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.parameters[in.Name]
	if p == nil {
		return nil, kernel.Errorf(http.StatusBadRequest, "ParameterNotFound", "")
	}
	return map[string]any{"Parameter": map[string]any{
		"Name": in.Name, "Type": p.kind, "Value": p.value, "Version": p.version, "LastModifiedDate": epoch(p.changed),
		"ARN": s.arn(c.Region, "parameter/"+strings.TrimPrefix(in.Name, "/")), "DataType": "text",
	}}, nil
}

// lookup resolves {{ssm:name}} in a document's defaults. A SecureString cannot be had that way.
func (s *Service) lookup(name string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.parameters[name]
	if p == nil || p.kind == "SecureString" {
		return "", false
	}
	return p.value, true
}
