// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package diagnosis

import (
	"fmt"
	"strings"
	"time"

	"cloudfront503/pkg/incident"
)

// meanings are the causes in one sentence, and what to do first, for who is woken by them.
var meanings = map[incident.Cause]struct{ is, next string }{
	incident.S3SlowDown:               {"S3 sheds load: more requests than the prefix sustains now", "Raise the cache hit ratio (TTL, Origin Shield); S3 grows by itself within minutes."},
	incident.S3Unavailable:            {"S3 answers 503, and not because of the request rate", "Watch AWS Health for S3; open a Support case with the ids (--support)."},
	incident.ALBNoTargets:             {"the load balancer has no target to send requests to", "Register targets, or mend what took them away."},
	incident.ALBFixedResponse:         {"a rule of the load balancer answers 503 on purpose", "Ask the rule's owner whether the maintenance is over."},
	incident.CLBNoCapacity:            {"the classic load balancer has no instance, or no room in its queue", "Add healthy instances."},
	incident.Target503:                {"the application behind the load balancer answers 503", "Look at the application; scale it out or shed load."},
	incident.HTTPAPITimeout:           {"the HTTP API gave up on its integration", "Look at the integration: it takes longer than 30 seconds."},
	incident.Origin503:                {"your origin server answers 503", "Look at the origin: overload, maintenance, a queue."},
	incident.Replayed503:              {"the origin has recovered; the edge replays its old error", "Wait for the error caching time, or invalidate the paths. Do not roll back."},
	incident.FailoverSecondary503:     {"the primary origin failed, and the secondary answers 503", "Mend the secondary, then the primary."},
	incident.LambdaEdgeConcurrency:    {"Lambda@Edge is throttled: the Region's concurrency is used up", "Ask for more concurrency in that Region; free what other functions hold."},
	incident.LambdaEdgeRate:           {"Lambda@Edge is throttled: more invocations a second than allowed", "Run the function for fewer requests, or as a CloudFront Function."},
	incident.LambdaEdgeTimeout:        {"Lambda@Edge runs into its time-out", "Point the association back to the version before, or give it more time."},
	incident.LambdaEdgeError:          {"Lambda@Edge fails while it runs", "Point the association back to the version before."},
	incident.LambdaEdgePermission:     {"Lambda@Edge cannot be used: version, role or trust is gone", "Bring back the version or role; the role must trust edgelambda.amazonaws.com."},
	incident.LambdaEdgeService:        {"Lambda@Edge is impaired at AWS", "Wait; open a Support case with the ids (--support)."},
	incident.FunctionError:            {"a CloudFront Function throws", "Publish the last good code again."},
	incident.FunctionThrottled:        {"a CloudFront Function does not compile, or computes too long", "Publish the last good code again; throttling may linger for a quarter of an hour."},
	incident.FunctionResidualThrottle: {"throttling lingers after a broken CloudFront Function was mended", "Wait 5 to 15 minutes, and change nothing."},
	incident.DistributionQuota:        {"the distribution is at its quota of requests or bytes", "If it is an attack, limit its rate in WAF; else ask for a higher quota."},
	incident.ClientBurst:              {"one client asks one edge for too much", "Let the client slow down; nothing of the distribution is at fault."},
	incident.EdgeCapacity:             {"an edge location is out of capacity", "Wait; open a Support case if it lasts (--support)."},
	incident.OriginMTLS:               {"mutual TLS to the origin fails", "Check the client certificate in ACM and the origin's trust store."},
	incident.CloudFrontIncident:       {"AWS has an incident of CloudFront", "Change nothing; watch AWS Health."},
	incident.WAF503:                   {"a web ACL answers 503 on purpose", "Ask the web ACL's owner whether the rule hits the right requests."},
	incident.FunctionGenerated503:     {"an edge function answers 503 on purpose", "Ask the function's owner whether maintenance mode is over."},
	incident.ErrorPage503:             {"a custom error response turns another status into 503", "Take the custom error response back; then look at the error behind it."},
	incident.Staging503:               {"only the staging distribution fails", "Disable the continuous deployment policy: all requests go to the primary then."},
	incident.Not503:                   {"it is no 503", "Follow the guide below."},
	incident.Undetermined:             {"the evidence does not suffice", "Run the commands below; they would settle it."},
}

// Text is a diagnosis for a person, to be read in twenty seconds: the verdict and how sure it is, what to do next, the
// change, and then the reasons. It is plain, the same in a pipe and on a terminal, and holds no control characters.
func Text(ev incident.Evidence, d incident.Diagnosis) string {
	var out strings.Builder
	line := func(format string, values ...any) { fmt.Fprintf(&out, format+"\n", values...) }
	v := d.Verdict
	line("%s  %.0f %%  %s", strings.ToUpper(string(v.Cause)), 100*v.Confidence, meanings[v.Cause].is)
	line("%s  viewers get %s  failing since %s, alarm %s", incident.Line(ev.Distribution, 40), status(v.Status), clockText(d.Onset), clockText(ev.AlarmAt))
	line("")
	line("next      %s", meanings[v.Cause].next)
	for _, command := range d.Settle {
		line("          $ %s", incident.Line(command, 300))
	}
	if c := d.Change; c != nil {
		line("change    %s at %s by %s (%s)", incident.Line(c.EventName, 60), clockText(c.At), incident.Line(c.By, 120), incident.Line(c.EventID, 60))
	}
	for _, n := range d.Neighbours {
		line("see       %s: %s", n.Name, incident.Line(n.Why, 160))
		line("          %s", n.Guide)
	}
	for _, f := range ev.Findings[:min(len(ev.Findings), 5)] {
		line("noticed   %s: %s", incident.Line(f.Source, 40), incident.Line(f.Fact, 300))
	}
	reasons(&out, d)
	gapsText(&out, d.Gaps)
	return out.String()
}

// reasons are the facts of the first candidate, and the others in one line.
func reasons(out *strings.Builder, d incident.Diagnosis) {
	if len(d.Candidates) == 0 {
		return
	}
	first := d.Candidates[0]
	if d.Verdict.Cause == incident.Undetermined {
		fmt.Fprintf(out, "\nleading: %s %.0f %%\n", first.Cause, 100*first.Confidence)
	}
	for _, part := range []struct {
		name  string
		facts []incident.Fact
	}{{"for", first.For}, {"against", first.Against}, {"missing", first.Missing}} {
		for i, f := range part.facts[:min(len(part.facts), 7)] {
			name := part.name
			if i > 0 {
				name = ""
			} else {
				out.WriteString("\n")
			}
			fmt.Fprintf(out, "%-9s %-22s %s\n", name, incident.Line(f.Source, 40), incident.Line(f.Fact, 200))
		}
	}
	if len(d.Candidates) > 1 {
		var others []string
		for _, c := range d.Candidates[1:] {
			others = append(others, fmt.Sprintf("%s %.0f %%", c.Cause, 100*c.Confidence))
		}
		fmt.Fprintf(out, "\nelse      %s\n", strings.Join(others, ", "))
	}
}

func gapsText(out *strings.Builder, gaps []incident.Gap) {
	for i, g := range gaps[:min(len(gaps), 12)] {
		name := "gaps"
		if i > 0 {
			name = ""
		} else {
			out.WriteString("\n")
		}
		fmt.Fprintf(out, "%-9s %-22s %s\n", name, incident.Line(g.Source, 60), incident.Line(g.Why, 160))
	}
}

func status(code *int) string {
	if code == nil {
		return "an unknown status"
	}
	return fmt.Sprint(*code)
}

// clockText is a time as people on call read it; never without the zone.
func clockText(at time.Time) string {
	if at.IsZero() {
		return "unknown"
	}
	return at.UTC().Format("2006-01-02 15:04:05") + " UTC"
}
