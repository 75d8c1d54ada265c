// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package rehearsal

import (
	"net/http"
	"strings"
	"time"

	"cloudfront503/pkg/emulator/cloudfront"
)

// balancerDomain is the load balancer's, and balancerName what its metrics call it.
const (
	balancerDomain = "shop-1234567890.eu-west-1.elb.amazonaws.com"
	balancerName   = "app/shop/0011223344556677"
)

// counts adds what the load balancer counts from now on, beside its requests.
func (r *Rehearsal) counts(metric string, aMinute float64) {
	r.World.Metrics.AddSource(counters{
		region: balancerRegion, namespace: "AWS/ApplicationELB", dimensions: map[string]string{"LoadBalancer": balancerName},
		values: map[string]func(time.Time) float64{"RequestCount": always(traffic.RequestsPerMinute), metric: since(r.World.Clock.Now(), aMinute, 0)},
	})
}

// targetFails: the application behind a load balancer answers 503, and another origin stands ready.
func targetFails() Scenario {
	return Scenario{
		Name: "target-503", Ends: "changed", Asks: true, Traffic: traffic,
		Title:   "The application behind the load balancer answers 503, and another origin stands ready.",
		Config:  func() []byte { return pair(balancerDomain, "spare.shop.example.com") },
		Prepare: func(r *Rehearsal) { r.putBalancer() },
		Break: func(r *Rehearsal) error {
			r.counts("HTTPCode_Target_5XX_Count", traffic.RequestsPerMinute/2)
			from := r.World.Clock.Now()
			r.CloudFront.SetEdge(Distribution, func(cfg cloudfront.Deployed, request *http.Request) cloudfront.EdgeAnswer {
				if cfg.At.Before(from) || cfg.Behaviour(request.URL.Path)["TargetOriginId"] != "web" {
					return cloudfront.Healthy(cfg, request)
				}
				answer := cloudfront.OriginAnswer(cfg, request, http.StatusServiceUnavailable, "application/json", `{"error":"too many connections to the database"}`)
				answer.Header.Set("Server", "gunicorn")
				answer.Share = 0.5
				return answer
			})
			return nil
		},
	}
}

// The HTTP API of the scenario http-api-timeout.
const (
	apiID     = "a1b2c3d4e5"
	apiDomain = apiID + ".execute-api.eu-west-1.amazonaws.com"
)

// apiTimesOut: a deployment sends requests to an HTTP API whose integration does not answer in time.
func apiTimesOut() Scenario {
	return Scenario{
		Name: "http-api-timeout", Ends: "changed", Asks: true, Traffic: traffic,
		Title:  "A deployment sends requests to an HTTP API whose integration does not answer in time.",
		Config: func() []byte { return config(nil) },
		Prepare: func(r *Rehearsal) {
			r.CloudFront.SetEdge(Distribution, func(cfg cloudfront.Deployed, request *http.Request) cloudfront.EdgeAnswer {
				if cfg.Origin(request.URL.Path)["DomainName"] != apiDomain {
					return cloudfront.Healthy(cfg, request)
				}
				answer := cloudfront.OriginAnswer(cfg, request, http.StatusServiceUnavailable, "application/json", `{"message":"Service Unavailable"}`)
				answer.Header.Del("Server")
				answer.Header.Set("Apigw-Requestid", "JKJaXmPLvHcESHA=")
				answer.Share, answer.Took = 0.7, 30*time.Second
				return answer
			})
		},
		Break: func(r *Rehearsal) error {
			now, failed := r.World.Clock.Now(), 0.7*traffic.RequestsPerMinute
			r.World.Metrics.AddSource(counters{
				region: "eu-west-1", namespace: "AWS/ApiGateway", dimensions: map[string]string{"ApiId": apiID},
				values: map[string]func(time.Time) float64{
					"Count": since(now, traffic.RequestsPerMinute, 0), "5xx": since(now, failed, 0), "IntegrationLatency": since(now, 29_950, 0), "Latency": since(now, 29_990, 0),
				},
			})
			_, err := r.CloudFront.Change(Distribution, r.deployer(), now, func(config map[string]any) {
				first := origin()
				first["DomainName"] = apiDomain
				config["Origins"] = listed(first)
			})
			return err
		},
	}
}

// secondaryFails: a deployment sends requests to an origin group, of which the first member is gone and the second, a load
// balancer, answers 503.
func secondaryFails() Scenario {
	return Scenario{
		Name: "failover-secondary-503", Ends: "changed", Asks: true, Traffic: traffic,
		Title: "A deployment sends requests to an origin group, of which neither member is ready.",
		Config: func() []byte {
			return edited(pair("next.shop.example.com", balancerDomain), func(config map[string]any) {
				byDefault(config)["TargetOriginId"] = "now"
				origins, _ := config["Origins"].(map[string]any)
				list, _ := origins["Items"].([]any)
				third := origin()
				third["Id"], third["DomainName"] = "now", "origin.shop.example.com"
				config["Origins"] = listed(append(list, third)...)
			})
		},
		Prepare: func(r *Rehearsal) {
			r.putBalancer()
			r.CloudFront.SetEdge(Distribution, func(cfg cloudfront.Deployed, request *http.Request) cloudfront.EdgeAnswer {
				if cfg.Behaviour(request.URL.Path)["TargetOriginId"] != group {
					return cloudfront.Healthy(cfg, request)
				}
				answer := cloudfront.OriginAnswer(cfg, request, http.StatusServiceUnavailable, "text/html", balancerPage)
				answer.Header.Set("Server", "awselb/2.0") // of the second member, which viewers get to see
				return answer
			})
		},
		Break: func(r *Rehearsal) error {
			r.counts("HTTPCode_ELB_503_Count", traffic.RequestsPerMinute)
			_, err := r.CloudFront.Change(Distribution, r.deployer(), r.World.Clock.Now(), func(config map[string]any) {
				byDefault(config)["TargetOriginId"] = group
			})
			return err
		},
	}
}

// balancerPage is the page that a load balancer writes by itself.
var balancerPage = strings.Join([]string{"<html>", "<head><title>503 Service Temporarily Unavailable</title></head>", "<body>",
	"<center><h1>503 Service Temporarily Unavailable</h1></center>", "</body>", "</html>", ""}, "\r\n")

// How long the scenario replayed-503 keeps errors at the edges.
const keptErrors = 15 * time.Minute

// replayed: an origin that failed for a minute is well again, and edges go on to replay its error.
func replayed() Scenario {
	return Scenario{
		Name: "replayed-503", Ends: "changed", Asks: true, Traffic: traffic, Parameters: readsLogs,
		Title: "An origin that failed for a minute is well again, and edges go on to replay its error.",
		Config: func() []byte {
			return logged(edited(cached("origin.shop.example.com"), func(config map[string]any) {
				config["CustomErrorResponses"] = listed(map[string]any{"ErrorCode": 503, "ResponsePagePath": "", "ResponseCode": "", "ErrorCachingMinTTL": int(keptErrors.Seconds())})
			}))
		},
		Prepare: func(r *Rehearsal) { r.keepsLogs() },
		Break: func(r *Rehearsal) error {
			from := r.World.Clock.Now().Truncate(time.Minute)
			r.CloudFront.SetEdge(Distribution, func(cfg cloudfront.Deployed, request *http.Request) cloudfront.EdgeAnswer {
				if cfg.At.Before(from) || !cfg.At.Before(from.Add(time.Minute)) {
					return cloudfront.Healthy(cfg, request)
				}
				answer := cloudfront.OriginAnswer(cfg, request, http.StatusServiceUnavailable, "text/html", "<h1>restarting</h1>")
				answer.Share = 0.6
				return answer
			})
			r.deliverLogs()
			return nil
		},
	}
}

// The quota of the scenario distribution-quota.
const (
	requestsCode  = "L-A2C80159"
	requestsQuota = 250_000 // a second
)

// atQuota: a distribution's viewers are more than its quota of requests allows, until AWS grants more.
func atQuota() Scenario {
	t := traffic
	t.RequestsPerMinute = 60 * requestsQuota
	t.Paths = []cloudfront.Path{{Path: "/", Share: 1, Bytes: 2000}}
	return Scenario{
		Name: "distribution-quota", Ends: "requested", Asks: true, Traffic: t, Parameters: readsLogs,
		Title:   "A distribution gets more requests a second than its quota allows.",
		Config:  func() []byte { return logged(config(nil)) },
		Prepare: func(r *Rehearsal) { r.keepsLogs(); r.Quotas.ApproveAfter(15*time.Minute, "APPROVED") },
		Break: func(r *Rehearsal) error {
			from := r.World.Clock.Now()
			r.CloudFront.SetEdge(Distribution, func(cfg cloudfront.Deployed, request *http.Request) cloudfront.EdgeAnswer {
				if cfg.At.Before(from) || r.Quotas.Value("us-east-1", "cloudfront", requestsCode, cfg.At) > requestsQuota {
					return cloudfront.Healthy(cfg, request)
				}
				answer := cloudfront.OwnError(http.StatusServiceUnavailable, "LimitExceeded", "The request limit of the CloudFront distribution was exceeded.")
				answer.Share = 0.25
				return answer
			})
			r.deliverLogs()
			return nil
		},
	}
}
