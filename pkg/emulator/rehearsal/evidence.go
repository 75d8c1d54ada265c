// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package rehearsal

import (
	"net/http"
	"time"

	"cloudfront503/pkg/emulator/cloudfront"
	"cloudfront503/pkg/emulator/sns"
)

// darkFor is how long the scenario undetermined fails, until it passes by itself.
const darkFor = 90 * time.Minute

// QuotaTopic is the topic of the scenario undetermined for alarms in the Region of most viewers.
const QuotaTopic = "arn:aws:sns:" + poolRegion + ":" + AccountID + ":quotas"

// undetermined: something fails at edges where nothing probes, and neither logs nor additional metrics are on. A Lambda@Edge
// function runs in two Regions, and is well.
func undetermined() Scenario {
	t := traffic
	t.Regions = []cloudfront.Region{{Name: poolRegion, Share: 0.7}, {Name: "us-east-1", Share: 0.3}}
	return Scenario{
		Name: "undetermined", Ends: "switched-on", Asks: true, Elsewhere: true, Traffic: t,
		Title:      "Something fails where nobody looks: no logs and no additional metrics are on.",
		Config:     func() []byte { return config(edgeFunction) },
		Parameters: map[string]string{"QuotaTopics": QuotaTopic},
		Prepare: func(r *Rehearsal) {
			r.addEdgeFunction()
			r.addQuotaTopic()
			r.CloudFront.SetMonitoring(Distribution, false)
		},
		Break: func(r *Rehearsal) error {
			from := r.World.Clock.Now()
			until := from.Add(darkFor)
			r.CloudFront.SetEdge(Distribution, func(cfg cloudfront.Deployed, request *http.Request) cloudfront.EdgeAnswer {
				if cfg.At.Before(from) || cfg.At.After(until) || cfg.Region != poolRegion {
					return cloudfront.Healthy(cfg, request)
				}
				answer := cloudfront.OriginAnswer(cfg, request, http.StatusServiceUnavailable, "text/html", "<h1>busy</h1>")
				answer.Share = 0.3
				return answer
			})
			return nil
		},
	}
}

// addQuotaTopic makes the topic, which somebody on call reads.
func (r *Rehearsal) addQuotaTopic() {
	arn, err := r.SNS.CreateTopicIn(poolRegion, "quotas", nil)
	if err == nil {
		_, _, err = r.SNS.Subscribe(sns.Subscription{Topic: arn, Protocol: "email", Endpoint: "edge@example.com"})
	}
	if err != nil {
		r.World.Strict("topic %s: %v", QuotaTopic, err)
	}
}

// badGateway: the origin cannot be reached, which is no 503, and the metrics alone say so.
func badGateway() Scenario {
	return Scenario{
		Name: "not-503", Ends: "switched-on", Asks: true, Elsewhere: true, Traffic: traffic,
		Title:  "The origin cannot be reached, which is 502 and no 503; no logs are on.",
		Config: func() []byte { return config(nil) },
		Break: func(r *Rehearsal) error {
			from := r.World.Clock.Now()
			until := from.Add(darkFor)
			r.CloudFront.SetEdge(Distribution, func(cfg cloudfront.Deployed, request *http.Request) cloudfront.EdgeAnswer {
				if cfg.At.Before(from) || cfg.At.After(until) {
					return cloudfront.Healthy(cfg, request)
				}
				answer := cloudfront.OwnError(http.StatusBadGateway, "Error", "CloudFront wasn't able to connect to the origin.")
				answer.Share = 0.4
				return answer
			})
			return nil
		},
	}
}
