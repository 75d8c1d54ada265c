// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package diagnosis

import (
	"strings"

	"cloudfront503/pkg/incident"
)

// guide is where AWS describes how to mend a status.
const guide = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"

// neighbourRule names what a status that is no 503 most likely is.
type neighbourRule struct {
	status int // 0: any
	name   string
	page   string
	seen   func(*view) (why string, ok bool)
}

// neighbours are tried in order; the last of each status fits always [facts 1.2].
var neighbours = []neighbourRule{
	{502, "Lambda@Edge or a function returned a response that is not valid", "http-502-lambda-validation-error.html", func(v *view) (string, bool) {
		s := either(edgeSays("lambdavalidationerror", "functionvalidationerror")(v), v.invalidResponses())
		return s.fact, s.state == present
	}},
	{502, "the origin's name does not resolve", "http-502-bad-gateway.html", kindSeen("origindnserror", "dns")},
	{502, "TLS between CloudFront and the origin fails: certificate, name, protocol or cipher", "http-502-bad-gateway.html",
		sentenceSeen("ssl", "tls", "certificate", "wasn't able to connect to the origin")},
	{502, "the load balancer cannot get an answer from its targets", "http-502-bad-gateway.html", func(v *view) (string, bool) {
		s := v.eachBalancer(func(b balancerView) sighting { return v.counted(b.own502, "HTTPCode_ELB_502_Count of "+b.name, 0.1) })
		return s.fact, s.state == present
	}},
	{502, "the origin refuses or breaks the connection", "http-502-bad-gateway.html", kindSeen("originconnecterror", "originreaderror", "originwriteerror", "abortedorigin")},
	{502, "the origin's answer cannot be used, or the origin itself answers 502", "http-502-bad-gateway.html", always},
	{504, "the load balancer's targets do not answer in time", "http-504-gateway-timeout.html", func(v *view) (string, bool) {
		s := v.eachBalancer(func(b balancerView) sighting { return v.counted(b.own504, "HTTPCode_ELB_504_Count of "+b.name, 0.1) })
		return s.fact, s.state == present
	}},
	{504, "the origin does not answer in time, or its firewall drops CloudFront's packets", "http-504-gateway-timeout.html", always},
	{500, "the origin fails by itself, or an edge location has an internal error", "http-500-internal-server-error.html", always},
	{0, "another server error", "http-5xx-status-codes.html", always},
}

func always(*view) (string, bool) { return "", true }

// kindSeen looks for detailed result types in the logs.
func kindSeen(kinds ...string) func(*view) (string, bool) {
	return func(v *view) (string, bool) {
		for _, kind := range kinds {
			if v.logs.kinds[kind] >= 0.3 {
				return "failing rows are " + kind, true
			}
		}
		return "", false
	}
}

// sentenceSeen looks for words in the first sentence of CloudFront's error page.
func sentenceSeen(words ...string) func(*view) (string, bool) {
	return func(v *view) (string, bool) {
		for _, word := range words {
			if strings.Contains(v.probe.sentence, word) {
				return "the page says: " + incident.Line(v.probe.sentence, 120), true
			}
		}
		return "", false
	}
}

func (v *view) invalidResponses() sighting {
	return v.eachFunction(func(f functionView) sighting { return v.counted(f.invalid, "FunctionValidationErrors of "+f.name, 0.2) })
}

// neighbour says what a failure that is no 503 most likely is.
func (v *view) neighbour(status int) *incident.Neighbour {
	for _, n := range neighbours {
		if n.status != 0 && n.status != status {
			continue
		}
		if why, ok := n.seen(v); ok {
			if why == "" {
				why = v.status.fact
			}
			return &incident.Neighbour{Name: n.name, Why: why, Guide: guide + n.page}
		}
	}
	return nil
}
