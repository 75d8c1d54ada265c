// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package denied reads why AWS denied a call: which kind of policy, by an explicit deny or a missing allow, out of the
// text of an error or of a CloudTrail record. It calls nothing. Texts: IAM User Guide "Troubleshoot access denied error
// messages", S3 User Guide "Troubleshoot access denied (403 Forbidden) errors".
package denied

import (
	"regexp"
	"slices"
	"strings"

	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/pattern"
)

// Policy is the kind of policy that denied.
type Policy string

// The kinds of policy.
const (
	Identity          Policy = "identity"            // of the caller's user or role
	Resource          Policy = "resource"            // of the bucket, topic, function or queue
	SCP               Policy = "scp"                 // a service control policy of the organisation
	RCP               Policy = "rcp"                 // a resource control policy of the organisation
	Boundary          Policy = "boundary"            // the permissions boundary of the caller's user or role
	Session           Policy = "session"             // given when the role was assumed
	Trust             Policy = "trust"               // of the role that was to be assumed
	VPCEndpoint       Policy = "vpc-endpoint"        // of the endpoint through which the call went
	KMSKey            Policy = "kms-key"             // the key's own policy, or the key itself
	BlockPublicAccess Policy = "block-public-access" // S3's setting
	Unknown           Policy = "unknown"             // the text does not tell
)

// How says how the policy denied.
type How string

// The ways to deny.
const (
	Explicit  How = "explicit-deny"
	Missing   How = "missing-allow" // the first that is missing: others may follow once it is given
	KeyState  How = "key-state"     // the KMS key is disabled, or about to be deleted: no policy is at fault
	Undecided How = "undecided"     // the text does not tell
)

// Explanation is what a text says about a denial. Empty members are not told.
type Explanation struct {
	Denied    bool     // it is a denial at all
	Policy    Policy   // Unknown where the text does not tell
	How       How      // Undecided where the text does not tell
	Principal string   // who called
	Action    string   // what was to be done, as s3:GetObject; it decides about KMS, whichever service raised the error
	Resource  string   // to what
	PolicyARN string   // of the policy that denied, as told from 2026 on within one account or organisation
	Encoded   string   // to be decoded with sts:DecodeAuthorizationMessage, in the denied account
	Possible  []Policy // where Policy is Unknown: what may have denied, as far as the rest of a record tells
}

// denialCodes are the error codes of denials; AccessDenied of S3, CloudFront and STS, AccessDeniedException of SSM,
// Lambda, KMS and Service Quotas, Client.UnauthorizedOperation of EC2 in CloudTrail, AuthorizationError of SNS.
var denialCodes = []string{
	"AccessDenied", "AccessDeniedException", "AuthorizationError", "AuthorizationErrorException", "Client.UnauthorizedOperation",
	"DependencyAccessDeniedException", "Forbidden", "KMSAccessDeniedException", "UnauthorizedOperation", vpceCode,
}

const vpceCode = "VpceAccessDenied"

// keyStateCodes say that a KMS key cannot be used, whoever asks.
var keyStateCodes = []string{
	"DisabledException", "DisabledKMSKey", "InvalidStateKMSKey", "KMSDisabledException", "KMSInvalidStateException",
	"KMS.DisabledException", "KMS.KMSInvalidStateException",
}

// The parts of the general form:
//
//	User: PRINCIPAL is not authorized to perform: ACTION on resource: RESOURCE REASON: POLICYARN
var (
	principalText = pattern.Lazily(`(?i)\buser:\s+(\S+)\s+is not authorized`)
	actionText    = pattern.Lazily(`(?i)\bnot authorized to perform:?\s+([a-z0-9-]+:[a-z0-9*]+)`)
	resourceText  = pattern.Lazily(`(?i)\bon resource:\s+(?:"([^"]*)"|(\S+))`)
	policyARNText = pattern.Lazily(`^\s*:\s*(arn:aws[a-z-]*:(?:iam|organizations)::[^\s,;]*[^\s,;.])`)
	encodedText   = pattern.Lazily(`(?i)encoded authorization failure message:\s*([A-Za-z0-9+/=_-]+)`)
	deniedText    = pattern.Lazily(`(?i)\b(access denied|accessdenied|not authorized to perform|unauthorizedoperation|forbidden)\b`)
)

// named are the kinds of policy as the texts name them. A trust policy has "the" before it, a boundary no "policy" after.
const named = `(identity-based policy|resource-based policy|VPC endpoint policy|service control policy|resource control policy|` +
	`permissions boundary|sessions? policy|role trust policy)`

var kinds = map[string]Policy{
	"identity-based policy": Identity, "resource-based policy": Resource, "vpc endpoint policy": VPCEndpoint,
	"service control policy": SCP, "resource control policy": RCP, "permissions boundary": Boundary,
	"session policy": Session, "sessions policy": Session, "role trust policy": Trust,
}

// reasons are the wordings of the reason. Of a text the last one counts, as a resource before it may hold any words. A
// reason without a policy of its own takes it from the text's first group.
var reasons = []struct {
	text   func() *regexp.Regexp
	policy Policy
	how    How
}{
	{text: pattern.Lazily(`(?i)with an explicit deny in a VPC endpoint policy transitively through a service control policy`), policy: SCP, how: Explicit},
	{text: pattern.Lazily(`(?i)with an explicit deny in (?:an?|the) ` + named), how: Explicit},
	{text: pattern.Lazily(`(?i)because no ` + named + ` allows(?: the [a-z0-9-]+:[a-z0-9*]+ action)?`), how: Missing},
	// The older text for a service control policy was used for missing allows as well.
	{text: pattern.Lazily(`(?i)due to an explicit deny in a service control policy`), policy: SCP, how: Undecided},
	{text: pattern.Lazily(`(?i)because the resource does not exist in this region, no resource-based policies allow access, or a resource-based policy explicitly denies access`), policy: KMSKey, how: Undecided},
	{text: pattern.Lazily(`(?i)the ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access`), policy: KMSKey, how: Undecided},
	{text: pattern.Lazily(`(?i)because public (?:policies|ACLs) are prevented by the .{0,80}? setting in S3 Block Public Access`), policy: BlockPublicAccess, how: Explicit},
	{text: pattern.Lazily(`(?i)the request was denied due to a VPC endpoint policy`), policy: VPCEndpoint, how: Undecided},
}

// Explain reads an error's message, and its code where one is given. CloudTrail's errorMessage has the same text, cut at
// 1 KB.
func Explain(message string, code ...string) Explanation {
	known := func(codes []string) bool {
		return slices.ContainsFunc(code, func(c string) bool { return slices.Contains(codes, c) })
	}
	e := Explanation{Policy: Unknown, How: Undecided}
	e.Principal = group(principalText, message)
	e.Action = group(actionText, message)
	e.Resource = group(resourceText, message)
	e.Encoded = group(encodedText, message)
	reasoned := e.readReason(message)
	switch {
	case known(keyStateCodes):
		e.Policy, e.How = KMSKey, KeyState
	case !reasoned && known([]string{vpceCode}):
		e.Policy = VPCEndpoint
	}
	// A key's policy is a resource-based one; the action tells, not the service that raised the error.
	if e.Policy == Resource && strings.HasPrefix(strings.ToLower(e.Action), "kms:") {
		e.Policy = KMSKey
	}
	e.Denied = reasoned || known(denialCodes) || known(keyStateCodes) || e.Encoded != "" || deniedText().MatchString(message)
	return e
}

// readReason finds the last reason of the text, and the policy's ARN behind it.
func (e *Explanation) readReason(message string) bool {
	end := 0
	for _, reason := range reasons {
		for _, at := range reason.text().FindAllStringSubmatchIndex(message, -1) {
			if at[1] <= end {
				continue
			}
			end = at[1]
			e.How, e.Policy = reason.how, reason.policy
			if reason.policy == "" {
				e.Policy = kinds[strings.ToLower(message[at[2]:at[3]])]
			}
		}
	}
	if end > 0 {
		e.PolicyARN = group(policyARNText, message[end:])
	}
	return end > 0
}

// group is the first group of the pattern that matched, empty if none did.
func group(pattern func() *regexp.Regexp, text string) string {
	groups := pattern().FindStringSubmatch(text)
	for i := 1; i < len(groups); i++ {
		if groups[i] != "" {
			return groups[i]
		}
	}
	return ""
}

// spoken are the kinds of policy as people call them.
var spoken = map[Policy]string{
	Identity: "the caller's own policies", Resource: "the resource's policy", SCP: "a service control policy",
	RCP: "a resource control policy", Boundary: "the caller's permissions boundary", Session: "the session's policy",
	Trust: "the role's trust policy", VPCEndpoint: "the VPC endpoint's policy", KMSKey: "the KMS key's policy",
	BlockPublicAccess: "S3 Block Public Access", Unknown: "a policy that AWS does not name",
}

// how are the ways to deny, as sentences about a policy.
var sentences = map[How]string{
	Explicit: "denied explicitly by %", Missing: "not allowed by %; more may be missing behind it",
	KeyState: "not possible: the KMS key is disabled or about to be deleted", Undecided: "denied by %",
}

// String is one line for people, fit for a gap's reason. What others wrote into names is made one line.
func (e Explanation) String() string {
	if !e.Denied {
		return "not a denial"
	}
	what := e.Action
	if what == "" {
		what = "the call"
	}
	if e.Resource != "" {
		what += " on " + incident.Line(e.Resource, 150)
	}
	line := what + " is " + strings.Replace(sentences[e.How], "%", spoken[e.Policy], 1)
	if e.PolicyARN != "" {
		line += " (" + e.PolicyARN + ")"
	}
	return incident.Line(line, 400)
}
