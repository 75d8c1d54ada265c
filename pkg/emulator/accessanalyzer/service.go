// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package accessanalyzer is the emulator's IAM Access Analyzer, as far as trust policies of roles need it: ValidatePolicy
// and CheckNoNewAccess. AWS proves what a policy allows with a solver; here two policies are compared statement by
// statement, and what cannot be seen to be no new access is reported as new, as AWS does ("might allow new access").
package accessanalyzer

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"

	"cloudfront503/pkg/emulator/kernel"
)

// Service answers what is signed for "access-analyzer".
type Service struct {
	world *kernel.World
}

// New is IAM Access Analyzer in the world.
func New(w *kernel.World) *Service {
	s := &Service{world: w}
	w.Register("access-analyzer", s)
	return s
}

// operation is one of the API's; both are POST.
type operation struct {
	name  string
	query []string
	do    func(*kernel.Call) (any, error)
}

var operations = map[string]operation{
	"/policy/validation":          {"ValidatePolicy", []string{"maxResults", "nextToken"}, validatePolicy},
	"/policy/check-no-new-access": {"CheckNoNewAccess", nil, checkNoNewAccess},
}

// Serve is part of kernel.Service.
func (s *Service) Serve(c *kernel.Call) {
	op, known := operations[c.R.URL.Path]
	if !known || c.R.Method != http.MethodPost {
		s.world.Strict("access-analyzer: unknown operation %s %s", c.R.Method, c.R.URL.Path)
		c.FailJSON(kernel.Errorf(http.StatusBadRequest, "UnknownOperationException", "%s is not known here", c.R.URL.Path))
		return
	}
	answer, err := op.answer(c)
	if err != nil {
		c.FailJSON(err)
		return
	}
	c.JSON(answer)
}

// answer asks IAM, which knows no resource for these actions (Service Authorization Reference, "IAM Access Analyzer").
func (o operation) answer(c *kernel.Call) (any, error) {
	for name := range c.R.URL.Query() {
		if !slices.Contains(o.query, name) {
			c.World.Strict("access-analyzer: %s: unknown parameter %s", o.name, name)
			return nil, invalid("%s has no parameter %s", o.name, name)
		}
	}
	if err := c.Begin(kernel.Access{Action: "access-analyzer:" + o.name}); err != nil {
		return nil, err
	}
	return o.do(c)
}

func invalid(format string, args ...any) error {
	return kernel.Errorf(http.StatusBadRequest, "ValidationException", format, args...)
}

// decode reads a body that must have no other members than into has.
func decode(c *kernel.Call, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(c.Body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		c.World.Strict("access-analyzer: %s: %v", c.R.URL.Path, err)
		return invalid("%v", err)
	}
	return nil
}

// Names of the API model of 2019-11-01.
const (
	resourcePolicy = "RESOURCE_POLICY"
	roleTrust      = "AWS::IAM::AssumeRolePolicyDocument"
)

// finding is a ValidatePolicyFinding.
type finding struct {
	FindingDetails string     `json:"findingDetails"`
	FindingType    string     `json:"findingType"` // ERROR, SECURITY_WARNING, SUGGESTION or WARNING
	IssueCode      string     `json:"issueCode"`
	LearnMoreLink  string     `json:"learnMoreLink"`
	Locations      []location `json:"locations"`
}

type location struct {
	Path []pathElement `json:"path"`
	Span span          `json:"span"`
}

type pathElement struct {
	Index *int    `json:"index,omitempty"`
	Value *string `json:"value,omitempty"`
}

type span struct {
	Start position `json:"start"`
	End   position `json:"end"`
}

type position struct {
	Line   int `json:"line"`
	Column int `json:"column"`
	Offset int `json:"offset"`
}

const learnMore = "https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html"

func validatePolicy(c *kernel.Call) (any, error) {
	var in struct {
		Locale                     string `json:"locale"`
		PolicyDocument             string `json:"policyDocument"`
		PolicyType                 string `json:"policyType"`
		ValidatePolicyResourceType string `json:"validatePolicyResourceType"`
	}
	if err := decode(c, &in); err != nil {
		return nil, err
	}
	if in.PolicyType != resourcePolicy || in.ValidatePolicyResourceType != roleTrust {
		c.World.Strict("access-analyzer: ValidatePolicy of %s %s", in.PolicyType, in.ValidatePolicyResourceType)
		return nil, invalid("only trust policies are known here")
	}
	return map[string]any{"findings": findings([]byte(in.PolicyDocument))}, nil
}

func checkNoNewAccess(c *kernel.Call) (any, error) {
	var in struct {
		ExistingPolicyDocument string `json:"existingPolicyDocument"`
		NewPolicyDocument      string `json:"newPolicyDocument"`
		PolicyType             string `json:"policyType"`
	}
	if err := decode(c, &in); err != nil {
		return nil, err
	}
	if in.PolicyType != resourcePolicy {
		c.World.Strict("access-analyzer: CheckNoNewAccess of %s", in.PolicyType)
		return nil, invalid("only resource policies are known here")
	}
	existing, err := parse([]byte(in.ExistingPolicyDocument))
	if err != nil {
		return nil, kernel.Errorf(http.StatusUnprocessableEntity, "UnprocessableEntityException", "existing policy: %v", err)
	}
	fresh, err := parse([]byte(in.NewPolicyDocument))
	if err != nil {
		return nil, kernel.Errorf(http.StatusUnprocessableEntity, "UnprocessableEntityException", "new policy: %v", err)
	}
	return verdict(newAccess(existing, fresh)), nil
}

// reason is a ReasonSummary.
type reason struct {
	Description    string `json:"description"`
	StatementID    string `json:"statementId,omitempty"`
	StatementIndex int    `json:"statementIndex"`
}

func verdict(reasons []reason) map[string]any {
	if len(reasons) == 0 {
		return map[string]any{"result": "PASS", "message": "The modified permissions do not grant new access compared to your existing policy.", "reasons": []reason{}}
	}
	return map[string]any{"result": "FAIL", "message": "The modified permissions grant new access compared to your existing policy.", "reasons": reasons}
}
