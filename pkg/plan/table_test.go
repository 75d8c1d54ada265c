// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package plan

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cloudfront503/pkg/incident"
)

var update = flag.Bool("update", false, "write docs/remedies.md anew")

// causes are all thirty, in the order of docs/recorded-incident.md.
var causes = []incident.Cause{
	"s3-slow-down", "s3-unavailable", "alb-no-targets", "alb-fixed-response", "clb-no-capacity", "target-503", "http-api-timeout",
	"origin-503", "replayed-503", "failover-secondary-503", "lambda-edge-concurrency", "lambda-edge-rate", "lambda-edge-timeout",
	"lambda-edge-error", "lambda-edge-permission", "lambda-edge-service", "function-error", "function-throttled",
	"function-residual-throttle", "distribution-quota", "client-burst", "edge-capacity", "origin-mtls", "cloudfront-incident",
	"waf-503", "function-generated-503", "error-page-503", "staging-503", "not-503", "undetermined",
}

const head = `# What is done about each cause

Written by the test of pkg/plan out of the policy itself (` + "`go test ./pkg/plan -update`" + `).

Nothing is done before named people have approved exactly that change. One person is enough, or as many as the stack's
` + "`Quorum`" + ` says. It takes two in any case where a change

- takes an edge function, or mutual TLS to an origin, off (the message says what that may expose);
- changes what protects the distribution, because that is what is blamed;
- reaches all tenants of a multi-tenant distribution;
- fails over to another origin while AWS Health has an open event about CloudFront or the service behind the origin.

Silence is a no: on-call hears of it after half an hour, and after an hour the gate closes.

A change that has not helped is offered back, or, where the stack's ` + "`TakeBack`" + ` says so and with it what people approve, taken
back without asking again: one of the configuration, whose way back takes off nothing that protects.

## Cause by cause

The remedies of a cause are tried in this order; the first that is possible, and to which no guard objects, is asked for.
Where none is, people are told why.

| Cause | What is done | By | Undone by | Otherwise |
|---|---|---|---|---|
`

const foot = `
"Put back" needs a known good configuration and, but for error-page-503, a blamed change of the distribution. Failing over
needs an origin group that has the failing origin, or the tag ` + "`cloudfront503:standby`" + ` with the id of another origin. A
Lambda@Edge version is taken off only where the stack's ` + "`DetachEdgeFunctions`" + ` is yes and no earlier version is known.

Switching on metrics, logs and alarms mends nothing and costs money, which the message says. It needs no certain cause; what is
on already is left alone, and only what was made is taken away again. An alarm on Lambda's concurrency lies in us-east-1 and in
each other Region in which the distribution's Lambda@Edge functions ran and for which ` + "`QuotaTopics`" + ` lists a topic; the message names
the Regions that get none.

## What no policy switches off

- A distribution is never disabled, and WAF, TLS and geo limits are never taken off: the writer refuses such a result, also on
  the way back. A way back that takes an edge function or mutual TLS off needs a change that two people have approved.
- Nothing is rolled back while AWS Health has an open event about CloudFront or a service of the remedy.
- The same distribution is not changed twice within an hour; the way back is not meant.
- Staging distributions, and those with a continuous deployment attached, are left alone.
- A distribution with the tag ` + "`cloudfront503:flat-rate-plan`" + ` (free, pro, business or premium) gets no older configuration, and
  only premium gets origin failover and Origin Shield. Its configuration does not tell, so that the tag has to.
- Where the stack names an ` + "`OptInTag`" + `, a distribution without it is watched and never changed.
- Where the stack names a ` + "`ChangeCalendar`" + `, nothing is asked for while it is closed or cannot be read; with
  ` + "`WhenCalendarIsClosed`" + ` ask, only DNS, certificates and TLS wait for it.
- ` + "`Mode`" + ` observe starts nothing, and ` + "`Stop`" + ` yes neither starts nor writes anything.
- Tag, calendar, ` + "`Mode`" + ` and ` + "`Stop`" + ` are looked at once more right before the write, as they can change while people decide. The way
  back needs neither tag nor calendar: it ends a change that had them.
`

func TestTheTableForPeopleIsThePolicy(t *testing.T) {
	var text strings.Builder
	text.WriteString(head)
	for _, cause := range causes {
		text.WriteString(tableRow(cause))
	}
	text.WriteString(foot)
	const path = "../../docs/remedies.md"
	if *update {
		if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text.String()); diff != "" {
		t.Errorf("docs/remedies.md is not what the policy says (-file +policy):\n%s", diff)
	}
}

func TestTheREADMENamesEachCauseWithItsRunbooks(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, cause := range causes {
		runbooks := []string{}
		for _, remedy := range policy[cause].remedies {
			runbooks = append(runbooks, "`"+traits[remedy].runbook+"`")
		}
		said := strings.Join(runbooks, ", ")
		if said == "" {
			said = "–"
		}
		want := " | " + said + " | "
		row := regexp.MustCompile("(?m)^\\| `" + string(cause) + "` \\|.*$").FindString(string(text))
		if !strings.Contains(row, want) {
			t.Errorf("row of %s has not%sbut is %q", cause, want, row)
		}
	}
}

func tableRow(cause incident.Cause) string {
	line := policy[cause]
	var done, runbooks, undone []string
	for i, remedy := range line.remedies {
		trait := traits[remedy]
		title := trait.title
		if i > 0 {
			title = "else " + title
		}
		done, runbooks, undone = append(done, title), append(runbooks, "`"+trait.runbook+"`"), append(undone, trait.undone)
	}
	undone = slices.Compact(undone)
	if len(line.remedies) == 0 {
		done, runbooks, undone = []string{"nothing"}, []string{"–"}, []string{"–"}
	}
	otherwise := strings.Join(append([]string{line.why}, line.advice...), " ")
	return fmt.Sprintf("| `%s` | %s | %s | %s | %s |\n", cause, strings.Join(done, "; "), strings.Join(runbooks, ", "), strings.Join(undone, "; "), otherwise)
}
