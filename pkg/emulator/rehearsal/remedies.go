// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package rehearsal

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"cloudfront503/pkg/emulator/cloudfront"
)

// cachingOptimized is the managed cache policy under which objects and errors are cached.
const cachingOptimized = "658327ea-f89d-4fab-a63d-7e88639e58f6"

// edited is a configuration after an edit.
func edited(text []byte, edit func(config map[string]any)) []byte {
	var config map[string]any
	if json.Unmarshal(text, &config) != nil {
		return nil // our own
	}
	edit(config)
	text, err := json.Marshal(config)
	if err != nil {
		return nil // what JSON gave, strings, numbers and maps
	}
	return text
}

// listed is a list in CloudFront's form.
func listed(elements ...any) map[string]any {
	return map[string]any{"Quantity": len(elements), "Items": elements}
}

// byDefault is the default cache behaviour.
func byDefault(config map[string]any) map[string]any {
	behavior, _ := config["DefaultCacheBehavior"].(map[string]any)
	return behavior
}

// brokenVersion is the version that a deployment rolls out.
const brokenVersion = "5"

// edgeError: a new version of a Lambda@Edge function throws, and viewers of every behaviour that has it get 503.
func edgeError() Scenario {
	return rolledOut("lambda-edge-error", "A deployment rolls out a version of a Lambda@Edge function that throws.", 0)
}

// edgeTimeout: the new version waits for something until its time is over.
func edgeTimeout() Scenario {
	return rolledOut("lambda-edge-timeout", "A deployment rolls out a version of a Lambda@Edge function that runs into its time-out.", functionTimeout)
}

// rolledOut is a deployment of a version that fails after a while.
func rolledOut(name, title string, after time.Duration) Scenario {
	broken := strings.TrimSuffix(functionARN, "4") + brokenVersion
	return Scenario{
		Name: name, Ends: "changed", Asks: true, Traffic: traffic, Title: title,
		Config: func() []byte { return config(edgeFunction) },
		Prepare: func(r *Rehearsal) {
			r.addEdgeFunction(brokenVersion)
			r.throws(broken, time.Time{}, after)
		},
		Break: func(r *Rehearsal) error {
			_, err := r.CloudFront.Change(Distribution, r.deployer(), r.World.Clock.Now(), func(config map[string]any) {
				byDefault(config)["LambdaFunctionAssociations"] = listed(map[string]any{"LambdaFunctionARN": broken, "EventType": "viewer-request", "IncludeBody": false})
			})
			return err
		},
	}
}

// throws lets a version of the function fail in most requests, from a time on, wherever it is associated; took is after how
// long it fails, 0 for soon.
func (r *Rehearsal) throws(version string, from time.Time, took time.Duration) {
	r.CloudFront.SetEdge(Distribution, func(cfg cloudfront.Deployed, request *http.Request) cloudfront.EdgeAnswer {
		text, err := json.Marshal(cfg.Behaviour(request.URL.Path)["LambdaFunctionAssociations"])
		if err != nil || cfg.At.Before(from) || !strings.Contains(string(text), version) {
			return cloudfront.Healthy(cfg, request)
		}
		answer := cloudfront.OwnError(http.StatusServiceUnavailable, "LambdaExecutionError",
			"The Lambda function associated with the CloudFront distribution is invalid or doesn't have the required permissions.")
		answer.Share, answer.Took = 0.6, took
		return answer
	})
}

// EdgeFails is another Break for lambda-edge-error: nothing is deployed, and the version that has served well until now
// begins to throw.
func EdgeFails(r *Rehearsal) error {
	r.throws(functionARN, r.World.Clock.Now(), 0)
	return nil
}

// cached is the shop with caching, and with one origin of the domain name.
func cached(domain string) []byte {
	return edited(config(nil), func(config map[string]any) {
		byDefault(config)["CachePolicyId"] = cachingOptimized
		first := origin()
		first["DomainName"] = domain
		config["Origins"] = listed(first)
	})
}

// slowDown: a bucket gets more requests than it takes, until fewer come.
func slowDown() Scenario {
	t := traffic
	t.RequestsPerMinute = 240_000
	return Scenario{
		Name: "s3-slow-down", Ends: "changed", Asks: true, Traffic: t,
		Title:  "A bucket sheds load, because too many edges ask it for the same.",
		Config: func() []byte { return cached("media.shop.s3.eu-west-1.amazonaws.com") },
		Break: func(r *Rehearsal) error {
			from := r.World.Clock.Now()
			r.CloudFront.SetEdge(Distribution, func(cfg cloudfront.Deployed, request *http.Request) cloudfront.EdgeAnswer {
				text, err := json.Marshal(cfg.Origin(request.URL.Path)["OriginShield"])
				shielded := err == nil && strings.Contains(string(text), `"OriginShieldRegion":"eu-west-1"`)
				if cfg.At.Before(from) || shielded {
					return cloudfront.Healthy(cfg, request)
				}
				answer := cloudfront.OriginAnswer(cfg, request, http.StatusServiceUnavailable, "application/xml",
					`<?xml version="1.0" encoding="UTF-8"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>`)
				answer.Share = 0.4
				return answer
			})
			return nil
		},
	}
}

// The quota of the scenario lambda-edge-rate: ten requests a second for each of so few executions.
const fewExecutions = 100

// edgeRate: a young account's viewers start more short executions a second than its concurrency allows.
func edgeRate() Scenario {
	t := traffic
	t.RequestsPerMinute = 150_000
	t.Paths = []cloudfront.Path{{Path: "/", Share: 1, Bytes: 2000}}
	t.Regions = []cloudfront.Region{{Name: poolRegion, Share: 0.7}, {Name: "us-east-1", Share: 0.3}}
	return Scenario{
		Name: "lambda-edge-rate", Ends: "requested", Asks: true, Traffic: t,
		Title:  "Lambda@Edge is throttled: more executions are started a second than ten times the concurrency.",
		Config: func() []byte { return config(edgeFunction) },
		Prepare: func(r *Rehearsal) {
			r.addEdgeFunction()
			r.Lambda.SetLimit(poolRegion, fewExecutions)
			r.Quotas.Apply(poolRegion, "lambda", poolCode, fewExecutions, r.World.Clock.Now().Add(-365*24*time.Hour))
			r.Quotas.ApproveAfter(15*time.Minute, "APPROVED")
			r.CloudFront.SetProbeRegion(poolRegion)
		},
		Break: func(r *Rehearsal) error {
			from := r.World.Clock.Now()
			r.CloudFront.SetEdge(Distribution, func(cfg cloudfront.Deployed, request *http.Request) cloudfront.EdgeAnswer {
				if cfg.Region != poolRegion || cfg.At.Before(from) || r.Quotas.Value(poolRegion, "lambda", poolCode, cfg.At) > fewExecutions {
					return cloudfront.Healthy(cfg, request)
				}
				answer := cloudfront.LambdaThrottled(0.3, 0.6*fewExecutions)
				answer.Took = 45 * time.Millisecond
				return answer
			})
			return nil
		},
	}
}
