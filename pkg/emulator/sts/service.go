// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package sts is AWS STS: assuming roles under their trust policies, and saying who one is. Not there: federation, session
// tags and managed session policies.
package sts

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"sync"
	"time"

	"cloudfront503/pkg/emulator/kernel"
)

// Service answers what is signed for "sts".
type Service struct {
	world   *kernel.World
	mu      sync.Mutex
	encoded map[string]string // authorization messages by their code
}

// New is STS over the world's identities.
func New(w *kernel.World) *Service {
	s := &Service{world: w, encoded: map[string]string{}}
	w.Register("sts", s)
	return s
}

// Encode makes an encoded authorization message, as EC2 puts into a denial, that DecodeAuthorizationMessage gives back.
func (s *Service) Encode(message string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	code := base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(len(s.encoded)) + message))
	s.encoded[code] = message
	return code
}

// Serve is part of kernel.Service.
func (s *Service) Serve(c *kernel.Call) {
	operations := map[string]func(*kernel.Call) (any, error){
		"AssumeRole":                 s.assumeRole,
		"DecodeAuthorizationMessage": s.decodeMessage,
		"GetCallerIdentity":          s.getCallerIdentity,
	}
	name := c.Operation()
	do, ok := operations[name]
	if !ok {
		c.World.Strict("sts: unknown operation %q", name)
		c.FailQuery(kernel.Errorf(http.StatusBadRequest, "InvalidAction", "Could not find operation %s for version 2011-06-15", name))
		return
	}
	result, err := do(c)
	if err != nil {
		c.FailQuery(err)
		return
	}
	c.Query(name, result)
}

type callerIdentity struct {
	Arn     string
	UserID  string `xml:"UserId"`
	Account string
}

func (s *Service) getCallerIdentity(c *kernel.Call) (any, error) {
	if _, err := c.Form(); err != nil {
		return nil, err
	}
	if err := c.Begin(kernel.Access{Action: "sts:GetCallerIdentity", Open: true}); err != nil {
		return nil, err
	}
	return callerIdentity{Arn: c.Caller.ARN, UserID: c.Caller.UserID, Account: c.Caller.Account}, nil
}

type decodedMessage struct{ DecodedMessage string }

func (s *Service) decodeMessage(c *kernel.Call) (any, error) {
	form, err := c.Form("EncodedMessage")
	if err != nil {
		return nil, err
	}
	if err := c.Begin(kernel.Access{Action: "sts:DecodeAuthorizationMessage"}); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	message, ok := s.encoded[form.Get("EncodedMessage")]
	if !ok {
		return nil, kernel.Errorf(http.StatusBadRequest, "InvalidAuthorizationMessageException", "Failed to decode the message")
	}
	return decodedMessage{message}, nil
}

// name is what a session's name and a source identity look like (STS API reference, "AssumeRole").
var name = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)

// assumption is what AssumeRole asks for.
type assumption struct {
	role           kernel.Role
	arn            string
	session        string
	sourceIdentity string // the caller's own, if it has one: it cannot be changed
	duration       time.Duration
	policy         json.RawMessage
	externalID     string
}

type assumedRole struct {
	Credentials     sessionCredentials
	AssumedRoleUser assumedUser
	SourceIdentity  string `xml:",omitempty"`
}

type assumedUser struct {
	AssumedRoleID string `xml:"AssumedRoleId"`
	Arn           string
}

type sessionCredentials struct {
	AccessKeyID                               string `xml:"AccessKeyId"`
	SecretAccessKey, SessionToken, Expiration string
}

func (s *Service) assumeRole(c *kernel.Call) (any, error) {
	form, err := c.Form("RoleArn", "RoleSessionName", "SourceIdentity", "DurationSeconds", "Policy", "ExternalId")
	if err != nil {
		return nil, err
	}
	a := s.assumption(c, form)
	if err := a.permit(c); err != nil {
		return nil, err
	}
	if err := a.check(c, form); err != nil {
		return nil, err
	}
	expires := s.world.Clock.Now().Add(a.duration)
	credentials, err := s.world.Identity.SessionUntil(expires, a.arn, a.session, a.sourceIdentity, a.policy)
	if err != nil {
		return nil, err
	}
	session := s.world.Identity.Principal(credentials.AccessKeyID)
	return assumedRole{
		Credentials: sessionCredentials{
			AccessKeyID: credentials.AccessKeyID, SecretAccessKey: credentials.SecretAccessKey,
			SessionToken: credentials.SessionToken, Expiration: expires.Format(time.RFC3339),
		},
		AssumedRoleUser: assumedUser{AssumedRoleID: session.UserID, Arn: session.ARN}, SourceIdentity: a.sourceIdentity,
	}, nil
}

func (s *Service) assumption(c *kernel.Call, form url.Values) assumption {
	a := assumption{
		arn: form.Get("RoleArn"), session: form.Get("RoleSessionName"), sourceIdentity: c.Caller.SourceIdentity,
		externalID: form.Get("ExternalId"), duration: time.Hour,
	}
	a.role, _ = s.world.Identity.Role(a.arn)
	if a.sourceIdentity == "" {
		a.sourceIdentity = form.Get("SourceIdentity")
	}
	if policy := form.Get("Policy"); policy != "" {
		a.policy = json.RawMessage(policy)
	}
	return a
}

// permit asks the role's trust policy and the caller's own policies. A role that is not there trusts nobody.
func (a assumption) permit(c *kernel.Call) error {
	trust := a.role.Trust
	if trust == nil {
		trust = &kernel.Policy{Raw: json.RawMessage(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":[]},"Action":"sts:AssumeRole"}}`)}
	}
	conditions := map[string]string{"sts:RoleSessionName": a.session}
	if a.sourceIdentity != "" {
		conditions["sts:SourceIdentity"] = a.sourceIdentity
	}
	if a.externalID != "" {
		conditions["sts:ExternalId"] = a.externalID
	}
	access := kernel.Access{Action: "sts:AssumeRole", Resources: []string{a.arn}, Conditions: conditions, Policy: trust}
	if err := c.Begin(access); err != nil {
		return err
	}
	if a.sourceIdentity == "" {
		return nil
	}
	access.Action = "sts:SetSourceIdentity"
	return c.Also(access)
}

// check judges what has to do with nobody's permission.
func (a *assumption) check(c *kernel.Call, form url.Values) error {
	if !name.MatchString(a.session) || (a.sourceIdentity != "" && !name.MatchString(a.sourceIdentity)) {
		return invalid("Value at 'roleSessionName' or 'sourceIdentity' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]{2,64}")
	}
	if asked := form.Get("SourceIdentity"); asked != "" && asked != a.sourceIdentity {
		return kernel.Errorf(http.StatusForbidden, "AccessDenied", "The source identity of the session cannot be changed")
	}
	if len(a.policy) > 2048 {
		return kernel.Errorf(http.StatusBadRequest, "PackedPolicyTooLarge", "Packed policy consumes more than its size limit")
	}
	if len(a.policy) > 0 {
		if _, err := kernel.ParsePolicy(a.policy); err != nil {
			return kernel.Errorf(http.StatusBadRequest, "MalformedPolicyDocument", "%v", err)
		}
	}
	return a.checkDuration(c, form.Get("DurationSeconds"))
}

// checkDuration allows 15 minutes up to what the role allows, and one hour at most where a role assumes a role.
func (a *assumption) checkDuration(c *kernel.Call, text string) error {
	if text == "" {
		return nil
	}
	seconds, err := strconv.Atoi(text)
	if err != nil || seconds < 900 || seconds > 43200 {
		return invalid("Value at 'durationSeconds' failed to satisfy constraint: Member must have value between 900 and 43200")
	}
	a.duration = time.Duration(seconds) * time.Second
	if a.duration > max(a.role.Longest, time.Hour) {
		return invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	if a.duration > time.Hour && c.Caller.ARN != c.Caller.IAM {
		return invalid("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
	}
	return nil
}

func invalid(message string) error {
	return kernel.Errorf(http.StatusBadRequest, "ValidationError", "%s", message)
}
