// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package rehearsal

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"time"

	"cloudfront503/pkg/emulator/cloudfront"
	"cloudfront503/pkg/emulator/kernel"
)

// Scenario is an incident to play.
type Scenario struct {
	Name    string
	Title   string                 // one sentence for the spectator
	Config  func() []byte          // the distribution's configuration before
	Traffic cloudfront.Traffic     // what viewers ask for
	Prepare func(*Rehearsal)       // what else is there before; may be nil
	Break   func(*Rehearsal) error // what goes wrong
	Ends    string                 // the result with which the incident is closed when people approve
	Asks    bool                   // whether people are asked
	// Elsewhere says that the remedy leaves the distribution's configuration alone, and changes what it points to.
	Elsewhere bool
	People    int // how many must approve; 0: one
	// Parameters are the stack's, beyond those of every rehearsal; may be nil.
	Parameters map[string]string
}

// Approvers are the people who approve.
func (s Scenario) Approvers() []string { return people[:max(1, s.People)] }

// Scenarios are all there are, by name.
func Scenarios() map[string]Scenario {
	return map[string]Scenario{
		"error-page-503":          errorPage(),
		"lambda-edge-concurrency": concurrency(),
		"cloudfront-incident":     edgeIncident(),
		"lambda-edge-error":       edgeError(),
		"origin-503":              originFails(),
		"s3-slow-down":            slowDown(),
		"lambda-edge-timeout":     edgeTimeout(),
		"s3-unavailable":          bucketFails(),
		"alb-no-targets":          noTargets(),
		"origin-mtls":             mutualTLS(),
		"lambda-edge-rate":        edgeRate(),
		"lambda-edge-permission":  distrusted(),
		"function-error":          functionError(),
		"function-throttled":      functionThrottled(),
		"undetermined":            undetermined(),
		"target-503":              targetFails(),
		"http-api-timeout":        apiTimesOut(),
		"failover-secondary-503":  secondaryFails(),
		"replayed-503":            replayed(),
		"distribution-quota":      atQuota(),
		"not-503":                 badGateway(),
	}
}

// Names are the scenarios' names, sorted.
func Names() []string { return slices.Sorted(maps.Keys(Scenarios())) }

// traffic is a shop's: most of it pages, some of it a feed that has moved and answers 404.
var traffic = cloudfront.Traffic{
	RequestsPerMinute: 1200, Noise: 0.05,
	Paths: []cloudfront.Path{{Path: "/", Share: 0.7}, {Path: "/feed.xml", Share: 0.3}},
}

// errorPage: a deployment maps 404 to a page with status 503, and a feed that does not exist begins to answer 503.
func errorPage() Scenario {
	return Scenario{
		Name: "error-page-503", Ends: "changed", Asks: true, Traffic: traffic,
		Title:  "A deployment makes the error page for 404 answer 503.",
		Config: func() []byte { return config(nil) },
		Prepare: func(r *Rehearsal) {
			r.CloudFront.SetEdge(Distribution, func(cfg cloudfront.Deployed, request *http.Request) cloudfront.EdgeAnswer {
				if request.URL.Path == "/feed.xml" {
					return cloudfront.OriginAnswer(cfg, request, http.StatusNotFound, "text/html", "<h1>not found</h1>")
				}
				return cloudfront.Healthy(cfg, request)
			})
		},
		Break: func(r *Rehearsal) error {
			_, err := r.CloudFront.Change(Distribution, r.deployer(), r.World.Clock.Now(), func(config map[string]any) {
				config["CustomErrorResponses"] = map[string]any{"Items": []any{map[string]any{
					"ErrorCode": json.Number("404"), "ResponsePagePath": "/maintenance.html", "ResponseCode": "503", "ErrorCachingMinTTL": json.Number("10"),
				}}}
			})
			return err
		},
	}
}

// The quota of the scenario lambda-edge-concurrency.
const (
	poolRegion = "eu-west-1"
	poolLimit  = 1000
	poolCode   = "L-B99A9384"
)

// concurrency: the Region of most viewers has used up its Lambda concurrency, until AWS grants more.
func concurrency() Scenario {
	t := traffic
	t.Paths = []cloudfront.Path{{Path: "/", Share: 1}}
	t.Regions = []cloudfront.Region{{Name: poolRegion, Share: 0.7}, {Name: "us-east-1", Share: 0.3}}
	return Scenario{
		Name: "lambda-edge-concurrency", Ends: "requested", Asks: true, Traffic: t,
		Title:  "Lambda@Edge is throttled: a Region's concurrency is used up.",
		Config: func() []byte { return config(edgeFunction) },
		Prepare: func(r *Rehearsal) {
			r.addEdgeFunction()
			r.Quotas.ApproveAfter(15*time.Minute, "APPROVED")
			r.CloudFront.SetProbeRegion(poolRegion)
		},
		Break: func(r *Rehearsal) error {
			from := r.World.Clock.Now()
			r.CloudFront.SetEdge(Distribution, func(cfg cloudfront.Deployed, request *http.Request) cloudfront.EdgeAnswer {
				used := cfg.Region == poolRegion && !cfg.At.Before(from) && r.Quotas.Value(poolRegion, "lambda", poolCode, cfg.At) <= poolLimit
				if used {
					return cloudfront.LambdaThrottled(0.4, poolLimit)
				}
				return cloudfront.Healthy(cfg, request)
			})
			return nil
		},
	}
}

// edgeIncident: CloudFront itself fails, and AWS Health says so.
func edgeIncident() Scenario {
	return Scenario{
		Name: "cloudfront-incident", Ends: "told", Traffic: traffic,
		Title:  "CloudFront itself has an incident, and AWS Health says so.",
		Config: func() []byte { return config(nil) },
		Break: func(r *Rehearsal) error {
			from := r.World.Clock.Now()
			until := from.Add(45 * time.Minute)
			r.CloudFront.SetEdge(Distribution, func(cfg cloudfront.Deployed, request *http.Request) cloudfront.EdgeAnswer {
				if cfg.At.Before(from) || cfg.At.After(until) {
					return cloudfront.Healthy(cfg, request)
				}
				answer := cloudfront.OwnError(http.StatusServiceUnavailable, "Error", "")
				answer.Share = 0.4
				return answer
			})
			r.Health("CLOUDFRONT", from, "open")
			r.World.Clock.After(50*time.Minute, "health closed", func() { r.Health("CLOUDFRONT", from, "closed") })
			return nil
		},
	}
}

// Health lets EventBridge deliver an AWS Health event about a service, CLOUDFRONT for one: an issue since start, which is
// "open" or "closed" now.
func (r *Rehearsal) Health(service string, start time.Time, status string) {
	const format = "Mon, 02 Jan 2006 15:04:05 GMT"
	r.World.Bus.Emit("aws.health", "AWS Health Event", []string{}, map[string]any{
		"eventArn": "arn:aws:health:global::event/" + service + "/AWS_" + service + "_OPERATIONAL_ISSUE/AWS_" + service + "_OPERATIONAL_ISSUE_EXAMPLE1",
		"service":  service, "eventTypeCode": "AWS_" + service + "_OPERATIONAL_ISSUE", "eventTypeCategory": "issue", "eventScopeCode": "PUBLIC",
		"communicationId": "example-" + status, "startTime": start.UTC().Format(format), "lastUpdatedTime": r.World.Clock.Now().UTC().Format(format),
		"statusCode": status, "eventRegion": "global", "affectedAccount": AccountID, "page": "1", "totalPages": "1", "backupEvent": "false",
		"eventDescription": []any{map[string]any{"language": "en_US", "latestDescription": "We are investigating increased error rates."}},
		"affectedEntities": []any{},
	})
}

// deployer is who changes things around the incident.
func (r *Rehearsal) deployer() kernel.Principal {
	return kernel.Principal{ARN: UserARN("deployer"), IAM: UserARN("deployer"), Account: AccountID}
}
