// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package record

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"cloudfront503/pkg/incident"
)

// lambda reads what Lambda and IAM say about the associated functions in a Region.
func (r *reader) lambda(region string, content []byte) error {
	type function struct {
		FunctionName, FunctionArn, Role, State, StateReasonCode, LastUpdateStatus string
		Timeout, MemorySize                                                       loose
	}
	type settings struct {
		AccountLimit *struct{ ConcurrentExecutions, UnreservedConcurrentExecutions loose }
	}
	out := incident.LambdaRegion{Region: region}
	err := members(content, map[string]func(json.RawMessage) error{
		"Functions": into(func(f function) {
			out.Functions = append(out.Functions, incident.LambdaFunction{
				Name: f.FunctionName, ARN: f.FunctionArn, Role: f.Role, Timeout: f.Timeout.number(), MemoryMB: int(f.MemorySize.number()),
				State: f.State, StateCode: f.StateReasonCode, LastUpdate: f.LastUpdateStatus,
			})
		}),
		"Missing": into(func(arn string) { out.Missing = append(out.Missing, arn) }),
		"Roles": func(raw json.RawMessage) error {
			var err error
			out.Roles, err = roles(raw)
			return err
		},
		"AccountSettings": into(func(s settings) {
			if s.AccountLimit != nil {
				out.HasAccountLimit = true
				out.Concurrency = s.AccountLimit.ConcurrentExecutions.number()
				out.Unreserved = s.AccountLimit.UnreservedConcurrentExecutions.number()
			}
		}),
	})
	r.ev.Lambda = append(r.ev.Lambda, out)
	return err
}

func roles(raw json.RawMessage) (map[string]*incident.RoleRead, error) {
	var answers map[string]*struct {
		Role struct{ AssumeRolePolicyDocument json.RawMessage }
	}
	if err := json.Unmarshal(raw, &answers); err != nil {
		return nil, err
	}
	out := map[string]*incident.RoleRead{}
	for arn, answer := range answers {
		out[arn] = nil
		if answer != nil {
			out[arn] = trust(answer.Role.AssumeRolePolicyDocument)
		}
	}
	return out, nil
}

// trust reads a trust policy: an object as the CLI prints it, or the URL-encoded string that the API sends.
func trust(raw json.RawMessage) *incident.RoleRead {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		if plain, err := url.QueryUnescape(text); err == nil {
			text = plain
		}
		raw = json.RawMessage(text)
	}
	var document struct{ Statement json.RawMessage }
	if json.Unmarshal(raw, &document) != nil {
		return &incident.RoleRead{}
	}
	var statements []statement
	if json.Unmarshal(document.Statement, &statements) != nil {
		var one statement
		if json.Unmarshal(document.Statement, &one) != nil {
			return &incident.RoleRead{}
		}
		statements = []statement{one}
	}
	return &incident.RoleRead{
		Readable: legible(statements), TrustsEdge: allowed(statements, "edgelambda.amazonaws.com"), TrustsLambda: allowed(statements, "lambda.amazonaws.com"),
	}
}

type statement struct {
	Effect    string
	Principal json.RawMessage
	Action    json.RawMessage
}

// legible says whether the services that a policy names are names at all: what a damaged one is said to lack, it may have had.
func legible(statements []statement) bool {
	for _, s := range statements {
		var principal struct{ Service json.RawMessage }
		if json.Unmarshal(s.Principal, &principal) != nil {
			continue
		}
		for _, name := range list(principal.Service) {
			if strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-*") != "" {
				return false
			}
		}
	}
	return true
}

// allowed says whether the service may assume the role: some statement allows it and none denies it.
func allowed(statements []statement, service string) bool {
	allow := false
	for _, s := range statements {
		if !slices.ContainsFunc(list(s.Action), assumes) || !s.names(service) {
			continue
		}
		if s.Effect == "Deny" {
			return false
		}
		allow = allow || s.Effect == "Allow"
	}
	return allow
}

func assumes(action string) bool {
	action = strings.ToLower(action)
	return action == "sts:assumerole" || action == "sts:*" || action == "*" || action == "sts:assume*"
}

func (s statement) names(service string) bool {
	if slices.Contains(list(s.Principal), "*") {
		return true
	}
	var principal struct{ Service, AWS json.RawMessage }
	if json.Unmarshal(s.Principal, &principal) != nil {
		return false
	}
	return slices.ContainsFunc(list(principal.Service), func(name string) bool { return name == "*" || strings.EqualFold(name, service) })
}

// list reads a string or a list of strings.
func list(raw json.RawMessage) []string {
	var many []string
	if json.Unmarshal(raw, &many) == nil {
		return many
	}
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}
	}
	return nil
}

// functions reads the LIVE stage of CloudFront Functions with the answer of TestFunction.
func (r *reader) functions(_ string, content []byte) error {
	type function struct {
		Name, Stage      string
		DescribeFunction struct {
			FunctionSummary struct {
				FunctionMetadata struct{ LastModifiedTime moment }
			}
		}
		TestFunction *struct {
			TestResult *struct {
				ComputeUtilization, FunctionErrorMessage, FunctionOutput loose
				FunctionExecutionLogs                                    []string
			}
		}
	}
	return members(content, map[string]func(json.RawMessage) error{
		"Functions": into(func(f function) {
			if f.Stage != "" && f.Stage != "LIVE" {
				return
			}
			out := incident.EdgeFunction{Name: f.Name, ModifiedAt: f.DescribeFunction.FunctionSummary.FunctionMetadata.LastModifiedTime.Time, Utilization: -1}
			if t := f.TestFunction; t != nil && t.TestResult != nil {
				out.Tested = true
				out.Error = incident.Line(string(t.TestResult.FunctionErrorMessage), 300)
				out.Output, out.Logs = string(t.TestResult.FunctionOutput), t.TestResult.FunctionExecutionLogs
				if t.TestResult.ComputeUtilization != "" {
					out.Utilization = t.TestResult.ComputeUtilization.number()
				}
			}
			r.ev.EdgeFunctions = append(r.ev.EdgeFunctions, out)
		}),
	})
}
