// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package rehearsal

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"

	"cloudfront503/pkg/emulator/cloudfront"
)

// The CloudFront Function of the scenarios function-error and function-throttled, and what stands in its stages.
const (
	RewriteName = "shop-rewrite"
	rewriteARN  = "arn:aws:cloudfront::" + AccountID + ":function/" + RewriteName

	// GoodCode has served well; a deployment replaces it.
	GoodCode = "function handler(event) { event.request.uri = event.request.uri.toLowerCase(); return event.request; }"
	// BadCode is what the deployment publishes.
	BadCode = "function handler(event) { event.request.uri = event.uri.toLowerCase(); return event.request; }"
	// DraftCode is what the team works on in DEVELOPMENT by then.
	DraftCode = "function handler(event) { /* cookies come next */ return event.request; }"
)

// functionScenario is a distribution whose function is replaced by one that does not run.
func functionScenario(name, title, test, result, sentence string) Scenario {
	return Scenario{
		Name: name, Title: title, Ends: "changed", Asks: true, Elsewhere: true, Traffic: traffic,
		Config: func() []byte {
			return edited(config(nil), func(c map[string]any) {
				byDefault(c)["FunctionAssociations"] = listed(map[string]any{"FunctionARN": rewriteARN, "EventType": "viewer-request"})
			})
		},
		Prepare: func(r *Rehearsal) { r.runsFunction(test, result, sentence) },
		Break: func(r *Rehearsal) error {
			if err := r.CloudFront.ChangeFunction(RewriteName, r.deployer(), []byte(BadCode), true); err != nil {
				return err
			}
			return r.CloudFront.ChangeFunction(RewriteName, r.deployer(), []byte(DraftCode), false)
		},
	}
}

// functionError: a deployment publishes code that throws.
func functionError() Scenario {
	return functionScenario("function-error", "A deployment publishes a CloudFront Function that throws.",
		`{"FunctionErrorMessage": "TypeError: cannot get property \"toLowerCase\" of undefined", "ComputeUtilization": "12", "FunctionOutput": ""}`,
		"FunctionExecutionError", "The CloudFront function associated with the CloudFront distribution is invalid or could not run.")
}

// functionThrottled: a deployment publishes code that takes too long.
func functionThrottled() Scenario {
	return functionScenario("function-throttled", "A deployment publishes a CloudFront Function that computes for too long.",
		`{"FunctionErrorMessage": "", "ComputeUtilization": "97"}`,
		"FunctionThrottledError", "The CloudFront function associated with the CloudFront distribution was throttled.")
}

// runsFunction makes the function, and the edges that run whatever is published.
func (r *Rehearsal) runsFunction(test, result, sentence string) {
	config := []byte(`{"Comment": "lower case", "Runtime": "cloudfront-js-2.0"}`)
	for _, err := range []error{
		r.CloudFront.PutFunction(RewriteName, "", config, []byte(GoodCode)), r.CloudFront.SetCodeTest([]byte(BadCode), []byte(test)),
	} {
		if err != nil {
			r.World.Strict("function %s: %v", RewriteName, err)
		}
	}
	r.CloudFront.SetEdge(Distribution, func(cfg cloudfront.Deployed, request *http.Request) cloudfront.EdgeAnswer {
		if bytes.Equal(r.CloudFront.Served(RewriteName, cfg.At), []byte(BadCode)) {
			return cloudfront.OwnError(http.StatusServiceUnavailable, result, sentence)
		}
		return cloudfront.Healthy(cfg, request)
	})
}

// Distrust is the trust policy of the scenario lambda-edge-permission: Lambda@Edge has gone from it.
const Distrust = `{"Version":"2012-10-17","Statement":[{"Sid":"Lambda","Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

// EdgeRole is the name of the role in which the scenarios' Lambda@Edge function runs.
const EdgeRole = "shop-edge"

// distrusted: somebody tidies up a role's trust policy, and Lambda@Edge can no longer assume it.
func distrusted() Scenario {
	t := traffic
	t.Regions = []cloudfront.Region{{Name: poolRegion, Share: 0.7}, {Name: "us-east-1", Share: 0.3}}
	return Scenario{
		Name: "lambda-edge-permission", Ends: "changed", Asks: true, Elsewhere: true, Traffic: t,
		Title:  "Somebody takes Lambda@Edge out of the trust policy of a function's role.",
		Config: func() []byte { return config(edgeFunction) },
		Prepare: func(r *Rehearsal) {
			r.addEdgeFunction()
			r.Lambda.AddForeign("us-east-1", "shop-images", nil, json.RawMessage(`{"FunctionName":"shop-images","Version":"$LATEST","Role":"`+functionRole+`"}`))
		},
		Break: func(r *Rehearsal) error {
			r.CloudFront.SetEdge(Distribution, func(cfg cloudfront.Deployed, request *http.Request) cloudfront.EdgeAnswer {
				if trust := r.IAM.TrustAt(EdgeRole, cfg.At); trust != "" && !strings.Contains(trust, "edgelambda.amazonaws.com") {
					answer := cloudfront.OwnError(http.StatusServiceUnavailable, "LambdaExecutionError",
						"The Lambda function associated with the CloudFront distribution is invalid or doesn't have the required permissions.")
					answer.Unstarted = true
					return answer
				}
				return cloudfront.Healthy(cfg, request)
			})
			return r.IAM.ChangeTrust(EdgeRole, r.deployer(), Distrust)
		},
	}
}
