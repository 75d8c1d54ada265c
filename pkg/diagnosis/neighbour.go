// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package diagnosis

import (
	"slices"
	"strings"

	"cloudfront503/pkg/denied"
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

// otherStatuses are tried in order; the last of each status fits always [facts 1.2].
var otherStatuses = []neighbourRule{
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

// refusals are errors of CloudFront's API that are looked up as "the 503" when a deployment fails, and their guides.
var refusals = []struct{ code, name, page string }{
	{"CNAMEAlreadyExists", "an alias belongs to another distribution already", "troubleshooting-distributions.html"},
	{"InvalidViewerCertificate", "the viewer certificate cannot be used", "cnames-and-https-requirements.html"},
	{"TooManyDistributions", "the account has as many distributions as it may", "cloudfront-limits.html"},
	{"OriginAccessControlAlreadyExists", "an origin access control of this name exists", "private-content-restricting-access-to-s3.html"},
	{"OriginAccessControlInUse", "the origin access control is in use", "private-content-restricting-access-to-s3.html"},
	{"InvalidOriginAccessControl", "the origin access control cannot be used", "private-content-restricting-access-to-s3.html"},
	{"IllegalOriginAccessConfiguration", "origin access control and identity stand beside each other", "private-content-restricting-access-to-s3.html"},
}

// neighbours are what it is instead of a 503, and failures beside it that CloudTrail or the probe shows.
func (v *view) neighbours(cause incident.Cause) []incident.Neighbour {
	var out []incident.Neighbour
	if cause == incident.Not503 {
		out = append(out, v.insteadOf503(*v.statusFor(cause)))
	}
	if v.probe.status == 403 {
		out = append(out, incident.Neighbour{
			Name: "403 AccessDenied", Why: "the probe got 403: bucket policy, origin access control, WAF or geographic restriction", Guide: guide + "http-403-permission-denied.html",
		})
	}
	for _, c := range v.ev.Calls {
		if n, ok := refusalOf(c); ok && !slices.Contains(out, n) && len(out) < 4 {
			out = append(out, n)
		}
	}
	return out
}

// refusalOf reads a call to CloudFront that was refused; of a denial it says which kind of policy denied.
func refusalOf(c incident.Call) (incident.Neighbour, bool) {
	if c.ErrorCode == "" || !strings.HasPrefix(c.Source, "cloudfront") {
		return incident.Neighbour{}, false
	}
	if why := denied.Explain(c.Message, c.ErrorCode); why.Denied {
		return incident.Neighbour{Name: "AccessDenied of " + c.Name, Why: why.String(), Guide: "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html"}, true
	}
	for _, r := range refusals {
		if r.code == c.ErrorCode {
			return incident.Neighbour{Name: r.code, Why: c.Name + " was refused: " + r.name, Guide: guide + r.page}, true
		}
	}
	return incident.Neighbour{}, false
}

// insteadOf503 says what a failure that is no 503 most likely is.
func (v *view) insteadOf503(status int) incident.Neighbour {
	for _, n := range otherStatuses {
		if n.status != 0 && n.status != status {
			continue
		}
		if why, ok := n.seen(v); ok {
			if why == "" {
				why = v.status.fact
			}
			return incident.Neighbour{Name: n.name, Why: why, Guide: guide + n.page}
		}
	}
	return incident.Neighbour{}
}
