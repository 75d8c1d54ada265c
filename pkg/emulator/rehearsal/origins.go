// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package rehearsal

import (
	"errors"
	"fmt"
	"net/http"

	"cloudfront503/pkg/emulator/cloudfront"
)

// The second origin stands ready in a group that no behaviour goes to yet.
const (
	spare = "spare"
	group = "web-or-spare"
)

// pair is the shop with an origin of the domain name, and another that stands ready.
func pair(domain, standby string) []byte {
	return edited(config(nil), func(config map[string]any) {
		first, second := origin(), origin()
		first["DomainName"] = domain
		second["Id"], second["DomainName"] = spare, standby
		config["Origins"] = listed(first, second)
		config["OriginGroups"] = listed(map[string]any{
			"Id": group, "FailoverCriteria": map[string]any{"StatusCodes": listed(500, 503)},
			"Members": listed(map[string]any{"OriginId": "web"}, map[string]any{"OriginId": spare}),
		})
	})
}

// failing lets the first origin fail in half of the requests, from now on, wherever a behaviour fetches from it alone.
func (r *Rehearsal) failing(kind, body string) {
	from := r.World.Clock.Now()
	r.CloudFront.SetEdge(Distribution, func(cfg cloudfront.Deployed, request *http.Request) cloudfront.EdgeAnswer {
		if cfg.At.Before(from) || cfg.Behaviour(request.URL.Path)["TargetOriginId"] != "web" {
			return cloudfront.Healthy(cfg, request)
		}
		answer := cloudfront.OriginAnswer(cfg, request, http.StatusServiceUnavailable, kind, body)
		answer.Share = 0.5
		return answer
	})
}

// originFails: the one origin answers 503, and another stands ready.
func originFails() Scenario {
	return Scenario{
		Name: "origin-503", Ends: "changed", Asks: true, Traffic: traffic,
		Title:  "The origin answers 503, and another origin stands ready in an origin group.",
		Config: func() []byte { return pair("origin.shop.example.com", "spare.shop.example.com") },
		Break: func(r *Rehearsal) error {
			r.failing("text/html", "<h1>out of memory</h1>")
			return nil
		},
	}
}

// bucketFails: S3 is unavailable in a Region, and the bucket's replica stands ready in another.
func bucketFails() Scenario {
	return Scenario{
		Name: "s3-unavailable", Ends: "changed", Asks: true, Traffic: traffic,
		Title: "S3 is unavailable in a Region, and a replica stands ready in another.",
		Config: func() []byte {
			return pair("media.shop.s3.eu-west-1.amazonaws.com", "replica.shop.s3.eu-central-1.amazonaws.com")
		},
		Break: func(r *Rehearsal) error {
			r.failing("application/xml", `<?xml version="1.0" encoding="UTF-8"?><Error><Code>ServiceUnavailable</Code><Message>Service is not available. Please retry.</Message></Error>`)
			return nil
		},
	}
}

// The load balancer of the scenario alb-no-targets.
const (
	balancerRegion = "eu-west-1"
	balancerARN    = "arn:aws:elasticloadbalancing:" + balancerRegion + ":" + AccountID + ":"
	targetGroup    = balancerARN + "targetgroup/shop/0a1b2c3d4e5f6071"
)

const healthyTarget = `[{"Target":{"Id":"i-0a1b2c3d4e5f60718","Port":80},"TargetHealth":{"State":"healthy"}}]`

// noTargets: a load balancer has lost its targets, and another origin stands ready.
func noTargets() Scenario {
	return Scenario{
		Name: "alb-no-targets", Ends: "changed", Asks: true, Traffic: traffic,
		Title:   "The load balancer has no target left, and another origin stands ready.",
		Config:  func() []byte { return pair("shop-1234567890.eu-west-1.elb.amazonaws.com", "spare.shop.example.com") },
		Prepare: func(r *Rehearsal) { r.putBalancer() },
		Break: func(r *Rehearsal) error {
			r.failing("text/html", "<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n<body>\r\n"+
				"<center><h1>503 Service Temporarily Unavailable</h1></center>\r\n</body>\r\n</html>\r\n")
			return r.ELB.SetTargetHealth(balancerRegion, targetGroup, []byte("[]"))
		},
	}
}

// putBalancer makes the load balancer known.
func (r *Rehearsal) putBalancer() {
	const balancer, listener = balancerARN + "loadbalancer/app/shop/0011223344556677", balancerARN + "listener/app/shop/0011223344556677/aa"
	err := r.ELB.Put(balancerRegion, []byte(fmt.Sprintf(`{
		"LoadBalancers": [{"LoadBalancerArn": %[1]q, "LoadBalancerName": "shop", "DNSName": "shop-1234567890.eu-west-1.elb.amazonaws.com", "Type": "application", "State": {"Code": "active"}}],
		"Listeners": [{"ListenerArn": %[2]q, "LoadBalancerArn": %[1]q, "Port": 443}],
		"Rules": [{"RuleArn": "%[2]s/bb", "Priority": "default", "IsDefault": true, "Actions": [{"Type": "forward", "TargetGroupArn": %[3]q}]}],
		"TargetGroups": [{"TargetGroupArn": %[3]q, "TargetGroupName": "shop", "LoadBalancerArns": [%[1]q]}],
		"TargetHealth": {}}`, balancer, listener, targetGroup)))
	r.WAF.Associate(balancer, "")
	if err = errors.Join(err, r.ELB.SetTargetHealth(balancerRegion, targetGroup, []byte(healthyTarget))); err != nil {
		r.World.Strict("load balancer: %v", err)
	}
}

// mutualTLS: a deployment lets CloudFront show the origin a certificate that it does not take.
func mutualTLS() Scenario {
	return Scenario{
		Name: "origin-mtls", Ends: "changed", Asks: true, People: 2, Traffic: traffic,
		Title:  "A deployment switches on mutual TLS to the origin, which does not take the certificate.",
		Config: func() []byte { return config(nil) },
		Prepare: func(r *Rehearsal) {
			r.CloudFront.SetEdge(Distribution, func(cfg cloudfront.Deployed, request *http.Request) cloudfront.EdgeAnswer {
				custom, _ := cfg.Origin(request.URL.Path)["CustomOriginConfig"].(map[string]any)
				if custom["OriginMtlsConfig"] == nil {
					return cloudfront.Healthy(cfg, request)
				}
				answer := cloudfront.OwnError(http.StatusServiceUnavailable, "Error", "CloudFront could not connect to the origin with mutual TLS.")
				answer.Share = 0.8
				return answer
			})
		},
		Break: func(r *Rehearsal) error {
			_, err := r.CloudFront.Change(Distribution, r.deployer(), r.World.Clock.Now(), func(config map[string]any) {
				first := origin()
				custom, _ := first["CustomOriginConfig"].(map[string]any)
				custom["OriginMtlsConfig"] = map[string]any{"ClientCertificateArn": "arn:aws:acm:us-east-1:" + AccountID + ":certificate/0a1b2c3d-0000-4000-8000-0000000c11e7"}
				config["Origins"] = listed(first)
			})
			return err
		},
	}
}
