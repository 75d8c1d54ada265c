// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package functions

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/emulator/cloudfront"
	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/rehearsal"
	"cloudfront503/pkg/incident"
)

// configured are the scenarios whose remedy changes the distribution's configuration. A further one is a row.
var configured = []string{"lambda-edge-error", "origin-503", "s3-slow-down"}

// ending is one way in which a change can end.
type ending struct {
	sabotage func(*testing.T, *rehearsal.Rehearsal) // before it breaks; may be nil
	answer   func(*testing.T, *rehearsal.Rehearsal) // once people are asked
	after    func(*testing.T, *rehearsal.Rehearsal) // once that is done; nil: until the incident is closed
	ends     string                                 // the incident's result
	made     bool                                   // the distribution is as approved, else as it was
	drift    string                                 // the comment that somebody else has given it meanwhile
}

// endings are every way that is to be thought of. A further one is a row.
var endings = map[string]ending{
	"approved": {answer: approvedBy("alice"), ends: "changed", made: true},
	"rejected": {answer: func(t *testing.T, r *rehearsal.Rehearsal) { rejects(t, r, "bob", "not during the sale") }, ends: "rejected"},
	"silent":   {answer: func(*testing.T, *rehearsal.Rehearsal) {}, ends: "silent"},
	"drifted": {answer: func(t *testing.T, r *rehearsal.Rehearsal) { deploy(t, r); approves(t, r, "alice") }, ends: "void",
		drift: "the shop, by night"},
	"throttled": {sabotage: onWrite(kernel.Fault{Times: 4, Error: kernel.Errorf(http.StatusBadRequest, "Throttling", "Rate exceeded")}),
		answer: approvedBy("alice"), ends: "changed", made: true},
	"denied": {sabotage: onWrite(kernel.Fault{Error: kernel.Errorf(http.StatusForbidden, "AccessDenied", "Access denied")}),
		answer: approvedBy("alice"), ends: "void"},
	"without an answer":       {sabotage: onWrite(kernel.Fault{Times: 1, LoseAnswer: true}), answer: approvedBy("alice"), ends: "changed", made: true},
	"killed before the write": {sabotage: killedAtWrite(false), answer: approvedBy("alice"), ends: "changed", made: true},
	"killed after the write":  {sabotage: killedAtWrite(true), answer: approvedBy("alice"), ends: "changed", made: true},
	"worse afterwards":        {answer: approvedBy("alice"), after: worse, made: true},
}

func approvedBy(names ...string) func(*testing.T, *rehearsal.Rehearsal) {
	return func(t *testing.T, r *rehearsal.Rehearsal) {
		for _, name := range names {
			approves(t, r, name)
		}
	}
}

func onWrite(fault kernel.Fault) func(*testing.T, *rehearsal.Rehearsal) {
	return func(_ *testing.T, r *rehearsal.Rehearsal) {
		fault.Action, fault.Caller = "cloudfront:UpdateDistribution", sessionsOf(remediate)
		r.World.Faults.Add(fault)
	}
}

func killedAtWrite(done bool) func(*testing.T, *rehearsal.Rehearsal) {
	return func(_ *testing.T, r *rehearsal.Rehearsal) {
		r.Lambda.KillAt(remediate, "cloudfront:UpdateDistribution", "", done)
	}
}

// worse lets all requests fail once the change is everywhere, and waits until people are offered the way back.
func worse(t *testing.T, r *rehearsal.Rehearsal) {
	t.Helper()
	until(t, r, time.Hour, "the change is written", func() bool { return r.Has("written") })
	from := r.World.Clock.Now()
	r.CloudFront.SetEdge(rehearsal.Distribution, func(cfg cloudfront.Deployed, request *http.Request) cloudfront.EdgeAnswer {
		if cfg.At.Before(from) {
			return cloudfront.Healthy(cfg, request)
		}
		return cloudfront.OriginAnswer(cfg, request, http.StatusServiceUnavailable, "text/html", "<h1>worse</h1>")
	})
	until(t, r, 2*time.Hour, "the way back is offered", func() bool { return r.Has("offered-back") })
}

func TestAfterEveryEndingTheDistributionIsAsItWasOrAsApproved(t *testing.T) {
	for _, scenario := range configured {
		for _, name := range slices.Sorted(maps.Keys(endings)) {
			t.Run(scenario+", "+name, func(t *testing.T) {
				t.Parallel()
				e := endings[name]
				r := start(t, scenario)
				if e.sabotage != nil {
					e.sabotage(t, r)
				}
				breaks(t, r)
				want := live(t, r)
				untilAsked(t, r)
				if e.made {
					want = asApproved(t, r)
				}
				e.answer(t, r)
				if e.after != nil {
					e.after(t, r)
				} else {
					untilClosed(t, r, e.ends)
				}
				if e.drift != "" {
					want["Comment"] = e.drift
				}
				if diff := cmp.Diff(want, live(t, r)); diff != "" {
					t.Errorf("the configuration is neither as it was nor as approved (-want +got):\n%s", diff)
				}
				if n := writes(r); n > 1 || (n == 1) != e.made {
					t.Errorf("%d writes", n)
				}
			})
		}
	}
}

// asApproved is the live configuration with exactly the fields changed that people are asked about.
func asApproved(t *testing.T, r *rehearsal.Rehearsal) map[string]any {
	t.Helper()
	text, _, _ := r.CloudFront.Live(rehearsal.Distribution)
	before, err := distribution.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	after, err := distribution.Apply(before, planned(t, r).Difference)
	if err != nil {
		t.Fatal(err)
	}
	var config map[string]any
	if err := json.Unmarshal(after.Canonical(), &config); err != nil {
		t.Fatal(err)
	}
	sortSets(config)
	return config
}

// planned is the plan that people are asked about.
func planned(t *testing.T, r *rehearsal.Rehearsal) incident.Plan {
	t.Helper()
	body, there := r.S3.Get(r.Bucket, r.Folder()+"plan.json")
	var plan incident.Plan
	if err := json.Unmarshal(body, &plan); err != nil || !there {
		t.Fatalf("plan: %v", err)
	}
	return plan
}

// askedOf is the body of the newest mail to the first approver.
func askedOf(r *rehearsal.Rehearsal) string {
	mails := r.SNS.Mailbox(topics + "-channel-1")
	if len(mails) == 0 {
		return ""
	}
	return mails[len(mails)-1].Body
}

func TestWhatApproversAreToldOfARemedy(t *testing.T) {
	for scenario, wants := range map[string][]string{
		"lambda-edge-error": {"Change: point one association back from shop-edge:5 to shop-edge:4", "Takes effect: Edges get it one by one", "Needs: 1 of 2"},
		"origin-503": {"Change: fail over from origin web to spare, through origin group web-or-spare", "Mind: CloudFront fails over GET and HEAD",
			"Mind: Each request still goes to the failing origin first", "Touches: Distribution " + rehearsal.Distribution + " of account " + account + " alone"},
		"undetermined": {"Change: switch on additional metrics, standard logs to arn:aws:s3:::", "Mind: It costs money until it is taken back: additional metrics by the distribution and month",
			"Mind: It mends nothing.", "Undone by: What was made is taken away again"},
		"s3-slow-down": {"Change: keep answers with 503 for 60 seconds at the edges, and put Origin Shield in eu-west-1 before origin web", "Mind: Origin Shield costs money"},
	} {
		t.Run(scenario, func(t *testing.T) {
			t.Parallel()
			r := start(t, scenario)
			breaks(t, r)
			untilAsked(t, r)
			for _, want := range wants {
				if body := askedOf(r); !strings.Contains(body, want) {
					t.Errorf("no %q in\n%s", want, body)
				}
			}
		})
	}
}
