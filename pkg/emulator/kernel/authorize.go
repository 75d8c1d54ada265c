// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package kernel

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// question is one thing asked of IAM: may this caller do this to that.
type question struct {
	caller   Principal
	action   string
	resource string
	context  map[string][]string // condition keys in lower case
}

// reach is how far a resource policy's Allow goes towards a caller.
type reach int

const (
	nobody    reach = iota
	delegated       // to the account: its own identity policies decide
	toRole          // to the role or user: boundary and session policy still limit it
	direct          // to the session itself, or to everybody
)

// verdict is what one policy says.
type verdict struct {
	denied bool
	reach  reach // of the widest Allow; toRole for an identity policy
	grants []string
}

// policyKind is a kind of policy in the words of AWS's messages.
type policyKind struct {
	allows string // "because no … allows"
	denies string // "with an explicit deny in …"
}

var (
	identityKind = policyKind{"identity-based policy", "an identity-based policy"}
	resourceKind = policyKind{"resource-based policy", "a resource-based policy"}
	boundaryKind = policyKind{"permissions boundary", "a permissions boundary"}
	sessionKind  = policyKind{"session policy", "a session policy"}
	trustKind    = policyKind{"role trust policy", "the role trust policy"}
)

// opinion is one kind of policy with what it says; absent where there is none of that kind.
type opinion struct {
	policyKind
	verdict
	absent bool
}

// need is what a resource's policy has to say.
type need int

const (
	either need = iota // the identity policy or the resource policy allows
	key                // the resource policy must allow, or leave it to the account and its identity policies
	both               // both must allow
)

// needs are the actions whose resource policy is not optional.
var needs = map[string]need{"kms": key, "sts:AssumeRole": key, "sts:TagSession": key, "sts:SetSourceIdentity": both}

// refusals are the services whose denial is not 403 AccessDenied.
var refusals = map[string]APIError{
	"cloudtrail":    {Code: "AccessDeniedException", Status: http.StatusBadRequest},
	"events":        {Code: "AccessDeniedException", Status: http.StatusBadRequest},
	"kms":           {Code: "AccessDeniedException", Status: http.StatusBadRequest},
	"lambda":        {Code: "AccessDeniedException", Status: http.StatusForbidden},
	"logs":          {Code: "AccessDeniedException", Status: http.StatusBadRequest},
	"servicequotas": {Code: "AccessDeniedException", Status: http.StatusBadRequest},
	"sns":           {Code: "AuthorizationError", Status: http.StatusForbidden},
	"ssm":           {Code: "AccessDeniedException", Status: http.StatusBadRequest},
}

// Authorize asks IAM whether a caller may. service is who asks and gives the error's code, as "s3"; the region is the one
// of the request. The grants are the statements that allowed it, the error is an *APIError in AWS's words.
func (w *World) Authorize(caller Principal, service, region string, access Access) (grants []string, err error) {
	context := w.context(caller, region, access)
	resources := access.Resources
	if len(resources) == 0 {
		resources = []string{"*"}
	}
	for _, resource := range resources {
		given, err := w.judge(question{caller: caller, action: access.Action, resource: resource, context: context}, service, access.Policy)
		if err != nil {
			return nil, err
		}
		grants = append(grants, given...)
	}
	slices.Sort(grants)
	return slices.Compact(grants), nil
}

// ServiceMay asks whether a resource's policy lets a service principal, as "sns.amazonaws.com", act on the resource on
// behalf of sourceARN (empty: aws:SourceArn and aws:SourceAccount are not in the request). It journals the access. The
// error is an *APIError.
func (w *World) ServiceMay(service, sourceARN, action, resource string, policy *Policy, conditions map[string]string) error {
	context := map[string]string{}
	if sourceARN != "" {
		context["aws:SourceArn"], context["aws:SourceAccount"] = sourceARN, w.accountOf(sourceARN)
	}
	maps.Copy(context, conditions)
	caller := Principal{ARN: service, Service: service}
	access := Access{Action: action, Resources: []string{resource}, Conditions: context, Policy: policy}
	asked, _, _ := strings.Cut(action, ":")
	grants, err := w.Authorize(caller, asked, w.Region, access)
	outcome := "ok"
	if err != nil {
		outcome = refusal(asked).Code
	}
	w.Journal.Add(&Line{At: w.Clock.Now(), Principal: service, Action: action, Resources: access.Resources, Region: w.Region, Outcome: outcome, Grants: grants})
	return err
}

// judge hears all policies. An explicit deny anywhere is the end; then somebody must allow it, and nobody who limits may
// be silent (IAM User Guide, "Policy evaluation logic").
func (w *World) judge(q question, service string, policy *Policy) ([]string, error) {
	opinions, err := w.hear(q, policy)
	if err != nil {
		return nil, err
	}
	for _, o := range opinions {
		if o.denied {
			return nil, deny(q, service, "with an explicit deny in "+o.denies)
		}
	}
	identity, resource := opinions[0], opinions[1]
	if missing, ok := w.missing(q, identity, resource); !ok {
		return nil, deny(q, service, silent(missing, q.action))
	}
	grants := identity.grants
	if resource.reach > delegated || needFor(q.action) != either {
		grants = append(grants, resource.grants...)
	}
	if resource.reach == direct || q.caller.Service != "" {
		return grants, nil
	}
	for _, limit := range opinions[2:] {
		if !limit.absent && limit.reach == nobody {
			return nil, deny(q, service, silent(limit.policyKind, q.action))
		}
		grants = append(grants, limit.grants...)
	}
	return grants, nil
}

// missing is the kind of policy whose Allow is lacking; ok is true where none is.
func (w *World) missing(q question, identity, resource opinion) (kind policyKind, ok bool) {
	need := needFor(q.action)
	if q.caller.Service != "" {
		return resource.policyKind, resource.reach > nobody
	}
	if q.caller.Account != w.accountOf(q.resource) {
		need = both
	}
	switch {
	case need == either && resource.reach > delegated:
		return policyKind{}, true
	case need == key && resource.reach > delegated:
		return policyKind{}, true
	case need != either && resource.reach == nobody:
		return resource.policyKind, false
	}
	return identity.policyKind, identity.reach > nobody
}

func needFor(action string) need {
	service, _, _ := strings.Cut(action, ":")
	if n, ok := needs[action]; ok {
		return n
	}
	return needs[service]
}

// hear asks the identity policies, the resource's, the boundary and the session policy, in this order.
func (w *World) hear(q question, policy *Policy) ([]opinion, error) {
	owner := w.Identity.entity(q.caller)
	identity, err := w.askIdentity(q, owner)
	if err != nil {
		return nil, err
	}
	resource, err := w.askResource(q, policy)
	if err != nil {
		return nil, err
	}
	boundary, err := w.askLimit(q, boundaryKind, owner.name+"/boundary", owner.boundary)
	if err != nil {
		return nil, err
	}
	session, err := w.askLimit(q, sessionKind, owner.name+"/session", q.caller.SessionPolicy)
	return []opinion{identity, resource, boundary, session}, err
}

func (w *World) askIdentity(q question, owner entity) (opinion, error) {
	o := opinion{policyKind: identityKind}
	for _, name := range slices.Sorted(maps.Keys(owner.policies)) {
		document, err := w.document(owner.policies[name])
		if err != nil {
			return o, fmt.Errorf("policy %s of %s: %w", name, owner.name, err)
		}
		o.hear(document.ask(q, owner.name+"/"+name, false))
	}
	return o, nil
}

func (w *World) askResource(q question, policy *Policy) (opinion, error) {
	o := opinion{policyKind: resourceKind, absent: policy == nil}
	if strings.HasPrefix(q.action, "sts:") {
		o.policyKind = trustKind
	}
	if policy == nil {
		return o, nil
	}
	document, err := w.document(policy.Raw)
	if err != nil {
		return o, fmt.Errorf("policy of %s: %w", q.resource, err)
	}
	o.hear(document.ask(q, "resource:"+q.resource, true))
	return o, nil
}

func (w *World) askLimit(q question, kind policyKind, name string, raw json.RawMessage) (opinion, error) {
	o := opinion{policyKind: kind, absent: len(raw) == 0}
	if o.absent {
		return o, nil
	}
	document, err := w.document(raw)
	if err != nil {
		return o, fmt.Errorf("%s: %w", name, err)
	}
	o.hear(document.ask(q, name, false))
	return o, nil
}

func (v *verdict) hear(other verdict) {
	v.denied = v.denied || other.denied
	v.reach = max(v.reach, other.reach)
	v.grants = append(v.grants, other.grants...)
}

// document parses a policy once.
func (w *World) document(raw []byte) (*document, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if d := w.documents[string(raw)]; d != nil {
		return d, nil
	}
	d, err := parseDocument(raw)
	if err != nil {
		return nil, err
	}
	w.documents[string(raw)] = d
	return d, nil
}

// ask is what a policy says; name begins its grants, withPrincipal is whether it is a resource's.
func (d *document) ask(q question, name string, withPrincipal bool) verdict {
	v := verdict{}
	for i := range d.Statements {
		s := &d.Statements[i]
		reach := s.applies(q, withPrincipal)
		if reach == nobody {
			continue
		}
		if s.Effect == "Deny" {
			v.denied = true
			continue
		}
		v.reach = max(v.reach, reach)
		v.grants = append(v.grants, name+"#"+s.name(i))
	}
	return v
}

// applies is how far the statement reaches towards what is asked.
func (s *statement) applies(q question, withPrincipal bool) reach {
	if !s.hasAction(q.action) || !s.hasResource(q) {
		return nobody
	}
	for _, c := range s.conditions {
		if !c.holds(q.context, s.variables) {
			return nobody
		}
	}
	if !withPrincipal {
		return toRole
	}
	if s.NotPrincipal != nil {
		return s.NotPrincipal.spares(q.caller)
	}
	return s.Principal.reach(q.caller)
}

func (s *statement) hasAction(action string) bool {
	action = strings.ToLower(action)
	named := slices.ContainsFunc(s.actions, func(g glob) bool { return g.match(action) })
	return named == (s.NotAction == nil)
}

// hasResource is true for a statement without the element, as those of a trust policy.
func (s *statement) hasResource(q question) bool {
	if s.Resource == nil && s.NotResource == nil {
		return true
	}
	return s.namesResource(q) == (s.NotResource == nil)
}

func (s *statement) namesResource(q question) bool {
	if s.resources != nil {
		return slices.ContainsFunc(s.resources, func(g glob) bool { return g.match(q.resource) })
	}
	return slices.ContainsFunc(slices.Concat(s.Resource, s.NotResource), func(pattern string) bool {
		g, ok := expand(pattern, q.context)
		return ok && g.match(q.resource)
	})
}

func (p *principals) reach(caller Principal) reach {
	if p == nil {
		return nobody
	}
	if p.everybody {
		return direct
	}
	if caller.Service != "" {
		if slices.Contains(p.kinds["Service"], caller.Service) {
			return direct
		}
		return nobody
	}
	reaches := nobody
	for _, named := range p.kinds["AWS"] {
		reaches = max(reaches, reachOf(named, caller))
	}
	return reaches
}

func reachOf(named string, caller Principal) reach {
	switch named {
	case caller.ARN:
		return direct
	case caller.IAM:
		return toRole
	case caller.Account, "arn:aws:iam::" + caller.Account + ":root":
		return delegated
	}
	return nobody
}

// spares is NotPrincipal: everybody is meant but who is listed with all they are, that is the session, its role and the
// account (IAM User Guide, "NotPrincipal").
func (p *principals) spares(caller Principal) reach {
	if caller.Service != "" {
		if slices.Contains(p.kinds["Service"], caller.Service) {
			return nobody
		}
		return direct
	}
	listed := p.kinds["AWS"]
	account := slices.Contains(listed, caller.Account) || slices.Contains(listed, "arn:aws:iam::"+caller.Account+":root")
	if p.everybody || (account && slices.Contains(listed, caller.ARN) && slices.Contains(listed, caller.IAM)) {
		return nobody
	}
	return direct
}

// context are the condition keys of a request: those that every request has, the caller's, and the access's own.
func (w *World) context(caller Principal, region string, access Access) map[string][]string {
	now := w.Clock.Now()
	single := map[string]string{
		"aws:CurrentTime": now.Format(time.RFC3339), "aws:EpochTime": strconv.FormatInt(now.Unix(), 10),
		"aws:SecureTransport": "true", // the loopback stands for TLS
		"aws:RequestedRegion": region, "aws:ResourceAccount": w.Account, "aws:SourceIp": "127.0.0.1",
		"aws:PrincipalIsAWSService": strconv.FormatBool(caller.Service != ""), "aws:ViaAWSService": "false",
	}
	maps.Copy(single, w.Identity.keysOf(caller))
	maps.Copy(single, access.Conditions)
	context := map[string][]string{}
	for name, value := range single {
		context[strings.ToLower(name)] = []string{value}
	}
	for name, values := range access.Sets {
		context[strings.ToLower(name)] = values
	}
	return context
}

// accountOf is the account that an ARN names, ours where it names none, as S3's.
func (w *World) accountOf(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) == 6 && len(parts[4]) == len(w.Account) {
		return parts[4]
	}
	return w.Account
}

func silent(kind policyKind, action string) string {
	return "because no " + kind.allows + " allows the " + action + " action"
}

// refusal is the code and status of a service's denial.
func refusal(service string) APIError {
	if r, ok := refusals[service]; ok {
		return r
	}
	return APIError{Code: "AccessDenied", Status: http.StatusForbidden}
}

// deny words a denial: User: ARN is not authorized to perform: ACTION on resource: ARN REASON. S3 quotes the resource.
func deny(q question, service, reason string) *APIError {
	on := " on resource: " + q.resource
	switch {
	case q.resource == "*":
		on = ""
	case service == "s3":
		on = ` on resource: "` + q.resource + `"`
	}
	e := refusal(service)
	e.Message = "User: " + q.caller.ARN + " is not authorized to perform: " + q.action + on + " " + reason
	return &e
}
