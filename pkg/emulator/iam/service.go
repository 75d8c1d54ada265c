// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package iam is IAM's view of the account's roles and users: reading them, and changing who a role trusts. Policies whose
// name is an ARN count as managed, the others as inline.
package iam

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"cloudfront503/pkg/emulator/kernel"
)

// Service answers what is signed for "iam".
type Service struct {
	world *kernel.World
	made  time.Time // stands for when roles and users were made

	mu     sync.Mutex
	trusts []trusted // by when they were written
}

// trusted is a trust policy that a role had from a time on.
type trusted struct {
	role, document string
	from           time.Time
}

// TrustAt is the trust policy that a role had at a time; empty where it was not changed before that.
func (s *Service) TrustAt(roleName string, at time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, each := range slices.Backward(s.trusts) {
		if each.role == roleName && !each.from.After(at) {
			return each.document
		}
	}
	return ""
}

// New is IAM over the world's identities.
func New(w *kernel.World) *Service {
	s := &Service{world: w, made: w.Clock.Now()}
	w.Register("iam", s)
	return s
}

// operation is one of IAM's; known are its parameters.
type operation struct {
	known []string
	do    func(*kernel.Call, url.Values) (any, error)
}

// paging are the parameters of lists; there is one page only.
var paging = []string{"Marker", "MaxItems", "PathPrefix"}

// Serve is part of kernel.Service.
func (s *Service) Serve(c *kernel.Call) {
	operations := map[string]operation{
		"GetRole":                  {[]string{"RoleName"}, s.getRole},
		"GetRolePolicy":            {[]string{"RoleName", "PolicyName"}, s.getRolePolicy},
		"GetUser":                  {[]string{"UserName"}, s.getUser},
		"ListAttachedRolePolicies": {append(paging, "RoleName"), s.listAttached},
		"ListRolePolicies":         {append(paging, "RoleName"), s.listInline},
		"ListRoles":                {paging, s.listRoles},
		"UpdateAssumeRolePolicy":   {[]string{"RoleName", "PolicyDocument"}, s.updateTrust},
	}
	name := c.Operation()
	op, ok := operations[name]
	if !ok {
		c.World.Strict("iam: unknown operation %q", name)
		c.FailQuery(kernel.Errorf(http.StatusBadRequest, "InvalidAction", "Could not find operation %s for version 2010-05-08", name))
		return
	}
	form, err := c.Form(op.known...)
	if err != nil {
		c.FailQuery(err)
		return
	}
	result, err := op.do(c, form)
	if err != nil {
		c.FailQuery(err)
		return
	}
	c.Query(name, result)
}

type roleEntry struct {
	Path                     string
	RoleName                 string
	RoleID                   string `xml:"RoleId"`
	Arn                      string
	CreateDate               string
	AssumeRolePolicyDocument string
	MaxSessionDuration       int
}

type roleResult struct{ Role roleEntry }

// role finds the role that a call names and asks whether the caller may.
func (s *Service) role(c *kernel.Call, action string, form url.Values) (kernel.Role, error) {
	name := form.Get("RoleName")
	role, ok := s.world.Identity.RoleNamed(name)
	arn := role.ARN
	if !ok {
		arn = "arn:aws:iam::" + s.world.Account + ":role/" + name
	}
	if err := c.Begin(kernel.Access{Action: action, Resources: []string{arn}}); err != nil {
		return role, err
	}
	if !ok {
		return role, kernel.Errorf(http.StatusNotFound, "NoSuchEntity", "The role with name %s cannot be found.", name)
	}
	return role, nil
}

func (s *Service) entry(role kernel.Role) roleEntry {
	entry := roleEntry{
		Path: pathOf(role.ARN), RoleName: role.Name, RoleID: role.ID, Arn: role.ARN, CreateDate: s.made.Format(time.RFC3339),
		MaxSessionDuration: int(max(role.Longest, time.Hour).Seconds()),
	}
	if role.Trust != nil {
		entry.AssumeRolePolicyDocument = escape(role.Trust.Raw)
	}
	return entry
}

// pathOf is the path in an ARN: "/" of arn:aws:iam::111122223333:role/name.
func pathOf(arn string) string {
	return arn[strings.Index(arn, "/") : strings.LastIndex(arn, "/")+1]
}

// escape is how IAM gives documents back: by RFC 3986.
func escape(document []byte) string {
	return strings.ReplaceAll(url.QueryEscape(string(document)), "+", "%20")
}

func (s *Service) getRole(c *kernel.Call, form url.Values) (any, error) {
	role, err := s.role(c, "iam:GetRole", form)
	if err != nil {
		return nil, err
	}
	return roleResult{s.entry(role)}, nil
}

type rolesResult struct {
	Roles       []roleEntry `xml:"Roles>member"`
	IsTruncated bool
}

func (s *Service) listRoles(c *kernel.Call, form url.Values) (any, error) {
	if err := c.Begin(kernel.Access{Action: "iam:ListRoles"}); err != nil {
		return nil, err
	}
	result := rolesResult{}
	for _, role := range s.world.Identity.Roles() {
		if strings.HasPrefix(pathOf(role.ARN), form.Get("PathPrefix")) {
			result.Roles = append(result.Roles, s.entry(role))
		}
	}
	return result, nil
}

type policyResult struct{ RoleName, PolicyName, PolicyDocument string }

func (s *Service) getRolePolicy(c *kernel.Call, form url.Values) (any, error) {
	role, err := s.role(c, "iam:GetRolePolicy", form)
	if err != nil {
		return nil, err
	}
	name := form.Get("PolicyName")
	document, ok := role.Policies[name]
	if !ok || isManaged(name) {
		return nil, kernel.Errorf(http.StatusNotFound, "NoSuchEntity", "The role policy with name %s cannot be found.", name)
	}
	return policyResult{role.Name, name, escape(document)}, nil
}

func isManaged(name string) bool { return strings.HasPrefix(name, "arn:") }

type inlineResult struct {
	PolicyNames []string `xml:"PolicyNames>member"`
	IsTruncated bool
}

func (s *Service) listInline(c *kernel.Call, form url.Values) (any, error) {
	role, err := s.role(c, "iam:ListRolePolicies", form)
	if err != nil {
		return nil, err
	}
	names := slices.Sorted(maps.Keys(role.Policies))
	return inlineResult{PolicyNames: slices.DeleteFunc(names, isManaged)}, nil
}

type attachedResult struct {
	Policies    []attachedEntry `xml:"AttachedPolicies>member"`
	IsTruncated bool
}

type attachedEntry struct{ PolicyName, PolicyArn string }

func (s *Service) listAttached(c *kernel.Call, form url.Values) (any, error) {
	role, err := s.role(c, "iam:ListAttachedRolePolicies", form)
	if err != nil {
		return nil, err
	}
	result := attachedResult{}
	for _, name := range slices.Sorted(maps.Keys(role.Policies)) {
		if isManaged(name) {
			result.Policies = append(result.Policies, attachedEntry{name[strings.LastIndex(name, "/")+1:], name})
		}
	}
	return result, nil
}

// longestTrust is how many characters a trust policy may have, white space not counted (IAM User Guide, "IAM and AWS STS
// quotas": 2,048 unless an increase was granted).
const longestTrust = 2048

func (s *Service) updateTrust(c *kernel.Call, form url.Values) (any, error) {
	role, err := s.role(c, "iam:UpdateAssumeRolePolicy", form)
	if err == nil {
		err = s.replaceTrust(role, form.Get("PolicyDocument"))
	}
	s.record(c.Caller, form.Get("RoleName"), form.Get("PolicyDocument"), err)
	return nil, err
}

func (s *Service) replaceTrust(role kernel.Role, document string) error {
	trust, err := kernel.ParsePolicy([]byte(document))
	if err != nil {
		return err
	}
	if !strings.Contains(document, `Principal"`) {
		return kernel.Errorf(http.StatusBadRequest, "MalformedPolicyDocument", "AssumeRole policy must specify a principal")
	}
	if n := len(strings.Join(strings.Fields(document), "")); n > longestTrust {
		return kernel.Errorf(http.StatusConflict, "LimitExceeded", "Cannot exceed quota for ACLSizePerRole: %d", longestTrust)
	}
	s.world.Identity.SetTrust(role.ARN, trust)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trusts = append(s.trusts, trusted{role.Name, document, s.world.Clock.Now()})
	return nil
}

// ChangeTrust is an UpdateAssumeRolePolicy by somebody else, recorded in CloudTrail as of now.
func (s *Service) ChangeTrust(roleName string, by kernel.Principal, document string) error {
	role, ok := s.world.Identity.RoleNamed(roleName)
	if !ok {
		return fmt.Errorf("role %s: there is none", roleName)
	}
	err := s.replaceTrust(role, document)
	s.record(by, roleName, document, err)
	return err
}

// record tells CloudTrail, which has IAM's events in us-east-1.
func (s *Service) record(by kernel.Principal, roleName, document string, err error) {
	if s.world.Trail == nil {
		return
	}
	event := kernel.TrailEvent{
		Region: "us-east-1", Source: "iam.amazonaws.com", Name: "UpdateAssumeRolePolicy", Caller: by,
		Request:   map[string]any{"roleName": roleName, "policyDocument": document},
		Resources: []kernel.TrailResource{{Type: "AWS::IAM::Role", Name: roleName}},
	}
	errors.As(err, &event.Error)
	s.world.Trail.Record(event)
}

type userResult struct{ User userEntry }

type userEntry struct {
	Path, UserName string
	UserID         string `xml:"UserId"`
	Arn            string
	CreateDate     string
}

// getUser finds a user, or the caller where none is named.
func (s *Service) getUser(c *kernel.Call, form url.Values) (any, error) {
	name := form.Get("UserName")
	user, ok := s.world.Identity.UserNamed(name)
	if name == "" {
		user, ok = kernel.User{ARN: c.Caller.ARN, ID: c.Caller.UserID, Name: c.Caller.ARN[strings.LastIndex(c.Caller.ARN, "/")+1:]}, c.Caller.ARN == c.Caller.IAM
	}
	arn := user.ARN
	if arn == "" {
		arn = "arn:aws:iam::" + s.world.Account + ":user/" + name
	}
	if err := c.Begin(kernel.Access{Action: "iam:GetUser", Resources: []string{arn}}); err != nil {
		return nil, err
	}
	if name == "" && !ok {
		return nil, kernel.Errorf(http.StatusBadRequest, "ValidationError", "Must specify userName when calling with non-User credentials")
	}
	if !ok {
		return nil, kernel.Errorf(http.StatusNotFound, "NoSuchEntity", "The user with name %s cannot be found.", name)
	}
	return userResult{userEntry{pathOf(user.ARN), user.Name, user.ID, user.ARN, s.made.Format(time.RFC3339)}}, nil
}
