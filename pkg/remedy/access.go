// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package remedy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/accessanalyzer"
	aatypes "github.com/aws/aws-sdk-go-v2/service/accessanalyzer/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"cloudfront503/pkg/incident"
)

type trusting interface {
	UpdateAssumeRolePolicy(context.Context, *iam.UpdateAssumeRolePolicyInput, ...func(*iam.Options)) (*iam.UpdateAssumeRolePolicyOutput, error)
}

type analysing interface {
	ValidatePolicy(context.Context, *accessanalyzer.ValidatePolicyInput, ...func(*accessanalyzer.Options)) (*accessanalyzer.ValidatePolicyOutput, error)
	CheckNoNewAccess(context.Context, *accessanalyzer.CheckNoNewAccessInput, ...func(*accessanalyzer.Options)) (*accessanalyzer.CheckNoNewAccessOutput, error)
}

// roleTrust lets Lambda@Edge assume a function's role again.
var roleTrust = kind{apply: Writer.trust, back: Writer.trustBack, settle: Writer.settleTrust}

// ProposeAccess finds what the role of the function that fails must gain. roles are those that the stack may change;
// version is the configuration of the function's version, and policy the role's trust, both as the snapshot keeps them.
func ProposeAccess(diagnosis incident.Diagnosis, roles []string, role, policy string) (*incident.TrustRecipe, error) {
	function := diagnosis.Detail.FunctionARN
	switch {
	case function == "":
		return nil, refuse("the evidence does not name the function that cannot be used")
	case role == "":
		return nil, refuse("the role of %s is not known: the function's version is gone, or could not be read", functionOf(function))
	case !slices.Contains(roles, role):
		return nil, refuse("role %s is not one whose trust this stack may mend", role)
	case policy == "":
		return nil, refuse("the trust policy of role %s could not be saved", role)
	}
	to, gains, err := GainTrust(policy)
	if err != nil {
		return nil, err
	}
	return &incident.TrustRecipe{Role: role, Function: function, From: policy, To: to, Gains: gains}, nil
}

// AccessDifference shows people who could assume the role then.
func AccessDifference(recipe incident.TrustRecipe) []incident.FieldChange {
	return []incident.FieldChange{{Path: "IAM/" + recipe.Role + "/Trust/Service", To: asJSON(recipe.Gains)}}
}

// Analyse asks IAM Access Analyzer about a recipe: whether the proposed policy is valid, and that it allows no more than
// the old one and what Lambda@Edge needs. findings are sentences for people; a *Refused says that it must not be written.
func Analyse(ctx context.Context, analyzer analysing, recipe incident.TrustRecipe) (findings []string, err error) {
	input := &accessanalyzer.ValidatePolicyInput{
		PolicyDocument: &recipe.To, PolicyType: aatypes.PolicyTypeResourcePolicy,
		ValidatePolicyResourceType: aatypes.ValidatePolicyResourceTypeRoleTrust,
	}
	pages := accessanalyzer.NewValidatePolicyPaginator(analyzer, input)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("validate the trust policy of %s: %w", recipe.Role, err)
		}
		for _, finding := range page.Findings {
			said := fmt.Sprintf("IAM Access Analyzer, %s: %s", finding.FindingType, incident.Line(aws.ToString(finding.FindingDetails), 200))
			if finding.FindingType == aatypes.ValidatePolicyFindingTypeError {
				return nil, refuse("the proposed trust policy is not valid: %s", said)
			}
			findings = append(findings, said)
		}
	}
	return findings, noNewAccess(ctx, analyzer, recipe, recipe.To)
}

// noNewAccess has a policy compared with the most that it may allow. A *Refused says that it allows more.
func noNewAccess(ctx context.Context, analyzer analysing, recipe incident.TrustRecipe, policy string) error {
	most, err := MostTrust(recipe.From)
	if err != nil {
		return err
	}
	output, err := analyzer.CheckNoNewAccess(ctx, &accessanalyzer.CheckNoNewAccessInput{
		ExistingPolicyDocument: &most, NewPolicyDocument: &policy, PolicyType: aatypes.AccessCheckPolicyTypeResourcePolicy,
	})
	if err != nil {
		return fmt.Errorf("check the trust policy of %s for new access: %w", recipe.Role, err)
	}
	if output.Result != aatypes.CheckNoNewAccessResultPass {
		return refuse("IAM Access Analyzer finds more in the trust policy than Lambda@Edge needs: %s", incident.Line(aws.ToString(output.Message), 200))
	}
	return nil
}

func roleName(arn string) string { return arn[strings.LastIndex(arn, "/")+1:] }

// trust writes the planned trust policy. IAM knows no If-Match: the policy is read and compared right before the write, and
// read back after it; a change by somebody else in between is overwritten, and shows in CloudTrail only.
func (w Writer) trust(ctx context.Context, order Order, record Record) (incident.Written, error) {
	recipe, err := w.trustRecipe(ctx, record)
	if err != nil {
		return incident.Written{}, err
	}
	_, begun, err := w.begun(ctx, order)
	if err != nil {
		return incident.Written{}, err
	}
	if !begun {
		if err := w.unmoved(ctx, order, record.Plan); err != nil {
			return incident.Written{}, err
		}
	}
	stands, err := w.Pointed.Trust(ctx, recipe.Role)
	switch {
	case err != nil:
		return incident.Written{}, fmt.Errorf("trust of %s: %w", recipe.Role, err)
	case begun && sameJSON([]byte(stands), []byte(recipe.To)):
		return w.checkTrust(ctx, order, record, recipe, true)
	case !sameJSON([]byte(stands), []byte(recipe.From)):
		return incident.Written{}, &Void{Why: "somebody has changed the trust policy of role " + recipe.Role + " since it was approved upon"}
	}
	return w.writeTrust(ctx, order, record, recipe)
}

// trustRecipe computes the planned policy again, from the one that the snapshot keeps.
func (w Writer) trustRecipe(ctx context.Context, record Record) (incident.TrustRecipe, error) {
	if record.Plan.Recipe == nil || record.Plan.Recipe.Trust == nil {
		return incident.TrustRecipe{}, refuse("the plan names no role")
	}
	recipe := *record.Plan.Recipe.Trust
	saved, there := record.Snapshot.Holds(incident.PointedRole, recipe.Role, "")
	if !there || !slices.Contains(w.Stack.EdgeRoles, recipe.Role) {
		return recipe, refuse("role %s is not in the incident's snapshot, or not one whose trust this stack may mend", recipe.Role)
	}
	policy, err := w.Kept.Thing(ctx, saved)
	if err != nil {
		return recipe, fmt.Errorf("trust of %s: %w", recipe.Role, err)
	}
	to, _, err := GainTrust(string(policy))
	if err != nil {
		return recipe, err
	}
	if string(policy) != recipe.From || to != recipe.To {
		return recipe, refuse("computed again, the change is not the planned one")
	}
	return recipe, OnlyGains(recipe.From, recipe.To)
}

// trustBack writes the trust policy that the role had before.
func (w Writer) trustBack(ctx context.Context, order Order, record Record) (incident.Written, error) {
	recipe, err := w.trustRecipe(ctx, record)
	if err != nil {
		return incident.Written{}, err
	}
	recipe.From, recipe.To = recipe.To, recipe.From
	_, begun, err := w.begun(ctx, order)
	if err != nil {
		return incident.Written{}, err
	}
	stands, err := w.Pointed.Trust(ctx, recipe.Role)
	switch {
	case err != nil:
		return incident.Written{}, fmt.Errorf("trust of %s: %w", recipe.Role, err)
	case sameJSON([]byte(stands), []byte(recipe.To)) && begun:
		return w.confirm(ctx, order, trusted(order, record.Plan.Hash, true))
	case !sameJSON([]byte(stands), []byte(recipe.From)):
		return incident.Written{}, &Void{Why: "somebody has changed the trust policy of role " + recipe.Role + " since it was mended"}
	}
	found, err := w.sendTrust(ctx, order, record.Plan.Hash, recipe)
	if err != nil {
		return incident.Written{}, err
	}
	return w.confirm(ctx, order, trusted(order, record.Plan.Hash, found))
}

func (w Writer) writeTrust(ctx context.Context, order Order, record Record, recipe incident.TrustRecipe) (incident.Written, error) {
	found, err := w.sendTrust(ctx, order, incident.RecipeHash(record.Plan.Distribution, record.Plan.ETag, *record.Plan.Recipe), recipe)
	if err != nil {
		return incident.Written{}, err
	}
	return w.checkTrust(ctx, order, record, recipe, found)
}

// sendTrust writes a policy and reads it back; found reports that its answer was lost, though it arrived.
func (w Writer) sendTrust(ctx context.Context, order Order, hash string, recipe incident.TrustRecipe) (found bool, err error) {
	answer, err := w.guarded(ctx, order, hash, trusted(order, hash, false), func() error { return w.replaceTrust(ctx, recipe.Role, recipe.To) })
	switch {
	case err != nil:
		return false, err
	case answer != nil && !isLost(answer):
		return false, settled("IAM took nothing", answer)
	}
	shows, err := w.shows(ctx, recipe)
	switch {
	case err != nil:
		return false, fmt.Errorf("after the trust policy was written: %w", err)
	case !shows && answer != nil:
		return false, &Void{Why: "role " + recipe.Role + " does not have the approved trust policy after the write: nothing of ours arrived", Cause: answer}
	case !shows:
		return false, fmt.Errorf("trust of %s: IAM took the policy and does not show it yet", recipe.Role)
	}
	return answer != nil, nil
}

func (w Writer) replaceTrust(ctx context.Context, role, policy string) error {
	_, err := w.Trusts.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: aws.String(roleName(role)), PolicyDocument: &policy},
		func(o *iam.Options) { o.Retryer = sentOnce() })
	return err
}

// visibleWaits are for reading back what IAM took: it shows a change a few seconds late [IAM guide, "Troubleshoot IAM":
// changes are not always immediately visible].
var visibleWaits = []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}

// shows reports whether IAM shows the approved policy.
func (w Writer) shows(ctx context.Context, recipe incident.TrustRecipe) (bool, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), findTimeout)
	defer cancel()
	for try := 0; ; try++ {
		stands, err := w.Pointed.Trust(ctx, recipe.Role)
		if err != nil {
			return false, err
		}
		if sameJSON([]byte(stands), []byte(recipe.To)) {
			return true, nil
		}
		if try == len(visibleWaits) || w.sleep(ctx, visibleWaits[try]) != nil {
			return false, nil
		}
	}
}

// checkTrust has the policy that stands now compared once more, and takes it back where it allows more than it may. A check
// that could not be made is said in the record; the approved change stays.
func (w Writer) checkTrust(ctx context.Context, order Order, record Record, recipe incident.TrustRecipe, found bool) (incident.Written, error) {
	written := trusted(order, record.Plan.Hash, found)
	stands, err := w.Pointed.Trust(ctx, recipe.Role)
	if err == nil {
		err = noNewAccess(ctx, w.Analyzer, recipe, stands)
	}
	var refused *Refused
	if errors.As(err, &refused) {
		return incident.Written{}, w.takeTrustBack(ctx, recipe, err)
	}
	if err != nil {
		written.Note = "the check after the write could not be made: " + incident.Line(err.Error(), 200)
	}
	return w.confirm(ctx, order, written)
}

// takeTrustBack writes the old policy over ours. Where that fails, the next call of the step tries it again.
func (w Writer) takeTrustBack(ctx context.Context, recipe incident.TrustRecipe, refusal error) error {
	if err := w.replaceTrust(ctx, recipe.Role, recipe.From); err != nil {
		return fmt.Errorf("%v; put the old trust policy of %s back: %w", refusal, recipe.Role, err)
	}
	return refusal
}

// settleTrust records a policy that was written by a call whose record is missing.
func (w Writer) settleTrust(ctx context.Context, order Order, record Record) (incident.Written, bool, error) {
	if order.Back { // what it wrote, the next look at the record finds
		return incident.Written{}, false, nil
	}
	recipe, err := w.trustRecipe(ctx, record)
	if err != nil {
		return incident.Written{}, false, err
	}
	_, begun, err := w.begun(ctx, order)
	if err != nil || !begun {
		return incident.Written{}, false, err
	}
	stands, err := w.Pointed.Trust(ctx, recipe.Role)
	if err != nil || !sameJSON([]byte(stands), []byte(recipe.To)) {
		return incident.Written{}, false, err
	}
	written, err := w.checkTrust(ctx, order, record, recipe, true)
	return written, err == nil, err
}

func trusted(order Order, hash string, found bool) incident.Written {
	action := "trust"
	if order.Back {
		action = "undo"
	}
	return incident.Written{Execution: order.Execution, Action: action, Hash: hash, Found: found}
}
