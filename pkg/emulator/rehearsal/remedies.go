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

// brokenVersion is the version that the scenario lambda-edge-error rolls out.
const brokenVersion = "5"

// edgeError: a new version of a Lambda@Edge function throws, and viewers of every behaviour that has it get 503.
func edgeError() Scenario {
	broken := strings.TrimSuffix(functionARN, "4") + brokenVersion
	return Scenario{
		Name: "lambda-edge-error", Ends: "changed", Asks: true, Traffic: traffic,
		Title:  "A deployment rolls out a version of a Lambda@Edge function that throws.",
		Config: func() []byte { return config(edgeFunction) },
		Prepare: func(r *Rehearsal) {
			r.addEdgeFunction(brokenVersion)
			r.throws(broken, time.Time{})
		},
		Break: func(r *Rehearsal) error {
			_, err := r.CloudFront.Change(Distribution, r.deployer(), r.World.Clock.Now(), func(config map[string]any) {
				byDefault(config)["LambdaFunctionAssociations"] = listed(map[string]any{"LambdaFunctionARN": broken, "EventType": "viewer-request", "IncludeBody": false})
			})
			return err
		},
	}
}

// throws lets a version of the function fail in most requests, from a time on, wherever it is associated.
func (r *Rehearsal) throws(version string, from time.Time) {
	r.CloudFront.SetEdge(Distribution, func(cfg cloudfront.Deployed, request *http.Request) cloudfront.EdgeAnswer {
		text, err := json.Marshal(cfg.Behaviour(request.URL.Path)["LambdaFunctionAssociations"])
		if err != nil || cfg.At.Before(from) || !strings.Contains(string(text), version) {
			return cloudfront.Healthy(cfg, request)
		}
		answer := cloudfront.OwnError(http.StatusServiceUnavailable, "LambdaExecutionError",
			"The Lambda function associated with the CloudFront distribution is invalid or doesn't have the required permissions.")
		answer.Share = 0.6
		return answer
	})
}

// EdgeFails is another Break for lambda-edge-error: nothing is deployed, and the version that has served well until now
// begins to throw.
func EdgeFails(r *Rehearsal) error {
	r.throws(functionARN, r.World.Clock.Now())
	return nil
}

// The origins of the scenario origin-503: the second stands ready in a group that no behaviour goes to yet.
const (
	spare = "spare"
	group = "web-or-spare"
)

// originFails: the one origin answers 503, and another stands ready.
func originFails() Scenario {
	return Scenario{
		Name: "origin-503", Ends: "changed", Asks: true, Traffic: traffic,
		Title: "The origin answers 503, and another origin stands ready in an origin group.",
		Config: func() []byte {
			return edited(config(nil), func(config map[string]any) {
				second := origin()
				second["Id"], second["DomainName"] = spare, "spare.shop.example.com"
				config["Origins"] = listed(origin(), second)
				config["OriginGroups"] = listed(map[string]any{
					"Id": group, "FailoverCriteria": map[string]any{"StatusCodes": listed(500, 503)},
					"Members": listed(map[string]any{"OriginId": "web"}, map[string]any{"OriginId": spare}),
				})
			})
		},
		Break: func(r *Rehearsal) error {
			from := r.World.Clock.Now()
			r.CloudFront.SetEdge(Distribution, func(cfg cloudfront.Deployed, request *http.Request) cloudfront.EdgeAnswer {
				if cfg.At.Before(from) || cfg.Behaviour(request.URL.Path)["TargetOriginId"] != "web" {
					return cloudfront.Healthy(cfg, request)
				}
				answer := cloudfront.OriginAnswer(cfg, request, http.StatusServiceUnavailable, "text/html", "<h1>out of memory</h1>")
				answer.Share = 0.5
				return answer
			})
			return nil
		},
	}
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
