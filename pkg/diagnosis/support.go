// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package diagnosis

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"cloudfront503/pkg/incident"
)

// mostRequests bounds how many failing requests of the logs a case names: AWS Support asks for a few.
const mostRequests = 12

// SupportCase is the text of an AWS Support case: what fails, since when, the request ids of failing answers and those of
// our own failed calls. It holds no credential and no configuration.
func SupportCase(ev incident.Evidence, d incident.Diagnosis) string {
	var out strings.Builder
	line := func(format string, values ...any) { fmt.Fprintf(&out, format+"\n", values...) }
	line("Subject: CloudFront distribution %s answers %s since %s", incident.Line(ev.Distribution, 40), status(d.Verdict.Status), clockText(cmp.Or(d.Onset, ev.AlarmAt)))
	line("")
	line("Account %s, distribution %s, domain %s.", incident.Line(ev.Account, 20), incident.Line(ev.Distribution, 40), incident.Line(ev.Live.DomainName, 80))
	line("Failing since %s; the alarm on %s fired at %s.", clockText(d.Onset), incident.Line(ev.AlarmMetric, 40), clockText(ev.AlarmAt))
	line("Our own finding: %s (%.0f %%).", d.Verdict.Cause, 100*d.Verdict.Confidence)
	facts := ev.Findings
	if len(d.Candidates) > 0 {
		facts = slices.Concat(d.Candidates[0].For[:min(6, len(d.Candidates[0].For))], facts)
	}
	for _, f := range facts {
		line("- %s: %s", incident.Line(f.Source, 40), incident.Line(f.Fact, 300))
	}
	line("")
	line("Request ids of failing answers (x-amz-cf-id, which is x-edge-request-id in the logs):")
	for _, request := range append(failingProbes(ev), failingRequests(ev)...) {
		line("- %s", request)
	}
	for _, c := range ev.FailedCalls {
		line("- our call %s at %s: %s, request id %s%s, endpoint %s", incident.Line(c.Operation, 60), clockText(c.At), incident.Line(c.ErrorCode, 60),
			incident.Line(c.RequestID, 80), extended(c), incident.Line(c.Endpoint, 120))
	}
	return out.String()
}

// extended is the second id of a call, which S3's support needs as well.
func extended(c incident.FailedCall) string {
	if c.ExtendedID == "" {
		return ""
	}
	return ", extended id " + incident.Line(c.ExtendedID, 120)
}

// failingProbes are the ids of the probe's failing answers, of every try that was kept.
func failingProbes(ev incident.Evidence) []string {
	tries := ev.Probes
	if len(tries) == 0 && ev.Probe != nil {
		tries = []incident.Probe{*ev.Probe}
	}
	var out []string
	for _, p := range tries {
		if p.Status >= 500 {
			out = append(out, fmt.Sprintf("%s  probe at %s, edge %s, status %d%s", orNone(p.Headers["x-amz-cf-id"]), orNone(p.Headers["date"]),
				orNone(p.Headers["x-amz-cf-pop"]), p.Status, s3IDs(p)))
		}
	}
	return out
}

// failingRequests are the ids that AWS Support asks for, with time, edge and path, as the logs hold them.
func failingRequests(ev incident.Evidence) []string {
	if ev.Logs == nil {
		return nil
	}
	var out []string
	for _, g := range ev.Logs.Groups {
		for _, r := range g.Requests {
			if r.Status >= 500 && len(out) < mostRequests {
				out = append(out, fmt.Sprintf("%s  %s, edge %s, status %d, %s", incident.Line(r.ID, 100), clockText(r.At), incident.Line(r.Edge, 20), r.Status, incident.Line(r.Path, 120)))
			}
		}
	}
	return out
}

func orNone(s string) string { return incident.Line(cmp.Or(s, "unknown"), 120) }

// s3IDs are S3's own two ids, which its support needs as well, and an API's.
func s3IDs(p incident.Probe) string {
	out := ""
	for _, name := range []string{"x-amz-request-id", "x-amz-id-2", "apigw-requestid"} {
		if id := p.Headers[name]; id != "" {
			out += ", " + name + " " + incident.Line(id, 120)
		}
	}
	return out
}
