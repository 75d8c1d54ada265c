// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package lambda

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"cloudfront503/pkg/emulator/kernel"
)

// latest is the version that is not published.
const latest = "$LATEST"

// function is a function with what became of it. The service's lock guards it.
type function struct {
	Function
	arn, region string
	modified    time.Time
	statements  []statement
	reserved    *int
	busy        int
	idle        []*sandbox
	logs        logs

	foreign  bool
	versions []json.RawMessage // of a foreign function: its configuration by version, newest last
}

// AddForeign makes a function known that others run, such as one of Lambda@Edge: it can be looked at in its Region and not
// invoked. configurations are what GetFunctionConfiguration answers for each of its versions, oldest first; reserved is its
// concurrency, nil for none.
func (s *Service) AddForeign(region, name string, reserved *int, configurations ...json.RawMessage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	arn := s.arn(region, name)
	s.functions[arn] = &function{
		Function: Function{Name: name}, arn: arn, region: region, reserved: reserved, foreign: true, versions: configurations,
	}
}

// configuration is what GetFunctionConfiguration answers; ok is false where there is no such version.
func (f *function) configuration(qualifier string) (raw json.RawMessage, ok bool) {
	if !f.foreign {
		encoded, _ := json.Marshal(f.describe())
		return encoded, qualifier == "" || qualifier == latest
	}
	if len(f.versions) == 0 {
		return nil, false
	}
	if qualifier == "" {
		return f.versions[len(f.versions)-1], true
	}
	at := slices.IndexFunc(f.versions, func(raw json.RawMessage) bool { return versionOf(raw) == qualifier })
	if at < 0 {
		return nil, false
	}
	return f.versions[at], true
}

func versionOf(configuration json.RawMessage) string {
	var version struct{ Version string }
	_ = json.Unmarshal(configuration, &version) // what is not an object has no version
	return version.Version
}

// description is a function's configuration as the API shows it.
type description struct {
	FunctionName, FunctionArn, Runtime, Role, Handler, Description, LastModified, CodeSha256, Version string
	State, LastUpdateStatus, PackageType                                                              string
	CodeSize, Timeout, MemorySize                                                                     int
	Architectures                                                                                     []string
	Environment                                                                                       variables
	LoggingConfig                                                                                     map[string]string
}

type variables struct {
	Variables map[string]string
}

// timeLayout is how Lambda writes times, as 2026-11-24T03:41:51.000+0000.
const timeLayout = "2006-01-02T15:04:05.000-0700"

func (f *function) describe() description {
	return description{
		FunctionName: f.Name, FunctionArn: f.arn, Runtime: f.Runtime, Role: f.Role, Handler: f.Handler, Description: f.Description,
		LastModified: f.modified.Format(timeLayout), CodeSha256: "emulated", Version: latest,
		State: "Active", LastUpdateStatus: "Successful", PackageType: "Zip",
		CodeSize: 1, Timeout: f.Timeout, MemorySize: f.Memory, Architectures: []string{f.Arch},
		Environment: variables{f.Environment}, LoggingConfig: map[string]string{"LogFormat": f.LogFormat, "LogGroup": "/aws/lambda/" + f.Name},
	}
}

// Permission is a statement of a function's resource policy.
type Permission struct {
	ID            string
	Action        string // lambda:InvokeFunction
	Principal     string // a service, as "events.amazonaws.com", an account or an ARN
	SourceARN     string
	SourceAccount string
}

// statement is a permission as the policy shows it.
type statement struct {
	Sid       string
	Effect    string
	Principal any
	Action    string
	Resource  string
	Condition map[string]map[string]string `json:",omitempty"`
}

// AddPermission adds a statement to the resource policy of a function, by name or ARN.
func (s *Service) AddPermission(name string, p Permission) error {
	f, _, err := s.find(s.world.Region, name)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.ContainsFunc(f.statements, func(st statement) bool { return st.Sid == p.ID }) {
		return kernel.Errorf(http.StatusConflict, "ResourceConflictException", "The statement id (%s) provided already exists.", p.ID)
	}
	f.statements = append(f.statements, p.statement(f.arn))
	return nil
}

func (p Permission) statement(arn string) statement {
	st := statement{Sid: p.ID, Effect: "Allow", Action: p.Action, Resource: arn, Principal: p.principal()}
	if p.SourceARN != "" || p.SourceAccount != "" {
		st.Condition = map[string]map[string]string{}
	}
	if p.SourceARN != "" {
		st.Condition["ArnLike"] = map[string]string{"AWS:SourceArn": p.SourceARN}
	}
	if p.SourceAccount != "" {
		st.Condition["StringEquals"] = map[string]string{"AWS:SourceAccount": p.SourceAccount}
	}
	return st
}

func (p Permission) principal() any {
	switch {
	case p.Principal == "*":
		return "*"
	case len(p.Principal) > 14 && p.Principal[len(p.Principal)-14:] == ".amazonaws.com":
		return map[string]string{"Service": p.Principal}
	case len(p.Principal) == 12:
		return map[string]string{"AWS": "arn:aws:iam::" + p.Principal + ":root"}
	}
	return map[string]string{"AWS": p.Principal}
}

// policy is a function's resource policy, nil where it has none.
func (s *Service) policy(f *function) *kernel.Policy {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(f.statements) == 0 {
		return nil
	}
	raw, _ := json.Marshal(map[string]any{"Version": "2012-10-17", "Id": "default", "Statement": f.statements})
	return &kernel.Policy{Raw: raw}
}
