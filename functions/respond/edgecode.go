// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/plan"
	"cloudfront503/pkg/remedy"
)

// beyond are the remedies whose change is none of the distribution's configuration.
var beyond = map[string]func(*story, context.Context) (plan.Change, error){
	incident.RemedyCode:     (*story).codeChange,
	incident.RemedyAccess:   (*story).accessChange,
	incident.RemedyEvidence: (*story).evidenceChange,
}

// changeFor computes what a draft's remedy would do, or why it does nothing.
func (s *story) changeFor(ctx context.Context, draft incident.Plan, in plan.Input) plan.Change {
	compute, is := beyond[draft.Remedy]
	if !is {
		return s.compute(draft, in)
	}
	change, err := compute(s, ctx)
	if err != nil {
		return plan.Change{Refusal: incident.Line(err.Error(), 300)}
	}
	change.Hash = incident.RecipeHash(s.incident.Distribution, s.snapshot.ETag, *change.Recipe)
	return change
}

// codeChange finds the last good code of the CloudFront Function that is blamed.
func (s *story) codeChange(ctx context.Context) (plan.Change, error) {
	arn := s.diagnosis.Detail.FunctionARN
	good, err := s.snapshots.GoodCode(ctx, s.incident.Distribution, arn[strings.LastIndex(arn, "/")+1:])
	if err != nil {
		return plan.Change{}, fmt.Errorf("the last good code could not be read: %w", err)
	}
	recipe, err := remedy.ProposeCode(remedy.CodeInputs{
		Diagnosis: s.diagnosis, Snapshot: s.snapshot, Good: good, Fault: s.faultOf(ctx, arn), Now: s.now(),
	})
	if err != nil {
		return plan.Change{}, err
	}
	others, needed, err := s.usersOf(ctx, arn)
	if err != nil {
		return plan.Change{}, fmt.Errorf("which distributions run the function could not be read: %w", err)
	}
	return plan.Change{Recipe: &incident.Recipe{Code: recipe}, Difference: remedy.CodeDifference(*recipe), Others: others, Needed: needed}, nil
}

// viewerRequest is a plain GET, with which code in LIVE is tried.
const viewerRequest = `{"version":"1.0","context":{"eventType":"viewer-request"},"viewer":{"ip":"198.51.100.11"},` +
	`"request":{"method":"GET","uri":"/","querystring":{},"headers":{"host":{"value":"www.example.com"}},"cookies":{}}}`

// faultOf is why the code in LIVE does not run well; empty where it does, or where that cannot be told.
func (s *story) faultOf(ctx context.Context, arn string) string {
	live, kept := s.snapshot.Holds(incident.PointedFunction, arn[strings.LastIndex(arn, "/")+1:], incident.StageLive)
	if !kept {
		return ""
	}
	output, err := s.edge.TestFunction(ctx, &cloudfront.TestFunctionInput{
		Name: &live.ID, Stage: types.FunctionStageLive, IfMatch: &live.ETag, EventObject: []byte(viewerRequest),
	})
	if err != nil || output.TestResult == nil {
		return ""
	}
	return remedy.Unfit(aws.ToString(output.TestResult.FunctionErrorMessage), aws.ToString(output.TestResult.ComputeUtilization))
}

// usersOf are the distributions that run a CloudFront Function, and how many people must approve what all of them get: two
// where one of them has tenants. No list of CloudFront's names them.
func (s *story) usersOf(ctx context.Context, arn string) (ids []string, needed int, err error) {
	needed = 1
	pages := cloudfront.NewListDistributionsPaginator(s.edge, &cloudfront.ListDistributionsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, 0, err
		}
		for _, summary := range page.DistributionList.Items {
			if !runs(summary, arn) {
				continue
			}
			ids = append(ids, aws.ToString(summary.Id))
			if summary.ConnectionMode == types.ConnectionModeTenantOnly {
				needed = 2
			}
		}
	}
	return ids, needed, nil
}

// runs reports whether a behaviour of the distribution runs the function.
func runs(summary types.DistributionSummary, arn string) bool {
	text, err := json.Marshal(map[string]any{"DefaultCacheBehavior": summary.DefaultCacheBehavior, "CacheBehaviors": summary.CacheBehaviors})
	if err != nil {
		return false // strings, numbers and lists of these
	}
	config, err := distribution.Parse(text)
	if err != nil {
		return strings.Contains(string(text), arn)
	}
	for _, behavior := range config.Behaviors() {
		for _, association := range behavior.Functions {
			if association.ARN == arn {
				return true
			}
		}
	}
	return false
}

// accessChange finds what the role of the Lambda@Edge function that cannot be used must gain, and has it analysed.
func (s *story) accessChange(ctx context.Context) (plan.Change, error) {
	role, policy, err := s.roleOf(ctx, s.diagnosis.Detail.FunctionARN)
	if err != nil {
		return plan.Change{}, fmt.Errorf("the function's role could not be read: %w", err)
	}
	recipe, err := remedy.ProposeAccess(s.diagnosis, s.settings.EdgeRoles, role, policy)
	if err != nil {
		return plan.Change{}, err
	}
	findings, err := remedy.Analyse(ctx, s.analyzer, *recipe)
	if err != nil {
		return plan.Change{}, err
	}
	others, unread := s.inRole(ctx, role)
	return plan.Change{
		Recipe: &incident.Recipe{Trust: recipe}, Difference: remedy.AccessDifference(*recipe), Findings: append(findings, unread...), Others: others,
	}, nil
}

// mostFunctionPages bounds how long is looked for other functions: 50 each, and people wait.
const mostFunctionPages = 20

// inRole are the functions in us-east-1, where those of Lambda@Edge live, that run in a role; unread says in a sentence what
// could not be looked at, which is no reason against the change.
func (s *story) inRole(ctx context.Context, role string) (names, unread []string) {
	pages := lambda.NewListFunctionsPaginator(s.pointing.Lambda, &lambda.ListFunctionsInput{})
	for n := 0; pages.HasMorePages(); n++ {
		if n == mostFunctionPages {
			return names, []string{"There are more functions than were looked at, so that others may run in the role as well."}
		}
		page, err := pages.NextPage(ctx)
		if err != nil {
			return names, []string{"Which other functions run in the role could not be read: " + incident.Line(err.Error(), 200) + "."}
		}
		for _, function := range page.Functions {
			if aws.ToString(function.Role) == role {
				names = append(names, aws.ToString(function.FunctionName))
			}
		}
	}
	return names, nil
}

// roleOf is the execution role of a function's version with its trust policy, both as the snapshot keeps them; empty where
// it keeps none.
func (s *story) roleOf(ctx context.Context, function string) (role, policy string, err error) {
	kept, there := s.snapshot.Holds(incident.PointedLambda, function, "")
	if !there {
		return "", "", nil
	}
	body, err := s.snapshots.Thing(ctx, kept)
	if err != nil {
		return "", "", err
	}
	var version struct{ Role string }
	if err := json.Unmarshal(body, &version); err != nil {
		return "", "", err
	}
	if kept, there = s.snapshot.Holds(incident.PointedRole, version.Role, ""); !there {
		return version.Role, "", nil
	}
	body, err = s.snapshots.Thing(ctx, kept)
	return version.Role, string(body), err
}
