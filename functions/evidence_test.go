// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package functions

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/logs"
	"cloudfront503/pkg/emulator/rehearsal"
)

// switches are the calls that switch evidence on, in their order, and those that switch it off.
var (
	switchesOn  = []string{"cloudfront:CreateMonitoringSubscription", "logs:PutDeliverySource", "logs:PutDeliveryDestination", "logs:CreateDelivery", "cloudwatch:PutMetricAlarm"}
	switchesOff = []string{"cloudfront:DeleteMonitoringSubscription", "logs:DeleteDelivery", "logs:DeleteDeliverySource", "logs:DeleteDeliveryDestination", "cloudwatch:DeleteAlarms"}
)

// did counts the calls of actions by remediate that AWS has done.
func did(r *rehearsal.Rehearsal, actions []string) (n int) {
	for _, action := range actions {
		n += count(r, remediate, action, "ok")
	}
	return n
}

// delivers reports whether the distribution's logs are delivered, wholly; half of a delivery fails the test.
func delivers(t *testing.T, r *rehearsal.Rehearsal) bool {
	t.Helper()
	n := 0
	for _, kind := range []string{logs.Sources, logs.Destinations, logs.Deliveries} {
		n += len(r.Logs.Delivered("us-east-1", kind))
	}
	if n != 0 && n != 3 {
		t.Errorf("%d parts of a delivery, want all three or none", n)
	}
	return n == 3
}

func atLast(fault kernel.Fault) func(*testing.T, *rehearsal.Rehearsal) {
	return func(_ *testing.T, r *rehearsal.Rehearsal) {
		fault.Action, fault.Caller = "cloudwatch:PutMetricAlarm", sessionsOf(remediate)
		r.World.Faults.Add(fault)
	}
}

func killedAt(action string, done bool) func(*testing.T, *rehearsal.Rehearsal) {
	return func(_ *testing.T, r *rehearsal.Rehearsal) { r.Lambda.KillAt(remediate, action, "", done) }
}

// switchings are every way in which switching on can end.
var switchings = map[string]ending{
	"approved": {answer: approvedBy("alice"), ends: "switched-on", made: true},
	"rejected": {answer: func(t *testing.T, r *rehearsal.Rehearsal) { rejects(t, r, "bob", "too dear") }, ends: "rejected"},
	"silent":   {answer: func(*testing.T, *rehearsal.Rehearsal) {}, ends: "silent"},
	"drifted":  {answer: func(t *testing.T, r *rehearsal.Rehearsal) { deploy(t, r); approves(t, r, "alice") }, ends: "void"},
	"denied at the last part": {sabotage: atLast(kernel.Fault{Error: kernel.Errorf(http.StatusForbidden, "AccessDenied", "Access denied")}),
		answer: approvedBy("alice"), ends: "void"},
	"throttled at the last part": {sabotage: atLast(kernel.Fault{Times: 4, Error: kernel.Errorf(http.StatusBadRequest, "Throttling", "Rate exceeded")}),
		answer: approvedBy("alice"), ends: "switched-on", made: true},
	"killed before a part": {sabotage: killedAt("logs:PutDeliveryDestination", false), answer: approvedBy("alice"), ends: "switched-on", made: true},
	"killed after a part":  {sabotage: killedAt("logs:CreateDelivery", true), answer: approvedBy("alice"), ends: "switched-on", made: true},
	"undone": {answer: approvedBy("alice"), after: func(t *testing.T, r *rehearsal.Rehearsal) {
		until(t, r, 30*time.Minute, "it is on", func() bool { return r.Has("deployed") && delivers(t, r) })
		undoes(t, r, "alice")
		untilClosed(t, r, "undone")
	}},
	"undone, killed on the way": {sabotage: killedAt("logs:DeleteDelivery", true), answer: approvedBy("alice"), after: func(t *testing.T, r *rehearsal.Rehearsal) {
		until(t, r, 30*time.Minute, "it is on", func() bool { return r.Has("deployed") })
		undoes(t, r, "alice")
		untilClosed(t, r, "undone")
	}},
}

func TestEvidenceIsOnAsApprovedOrAsItWas(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(switchings)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := switchings[name]
			r := start(t, "undetermined")
			if e.sabotage != nil {
				e.sabotage(t, r)
			}
			breaks(t, r)
			untilAsked(t, r)
			e.answer(t, r)
			if e.after != nil {
				e.after(t, r)
			} else {
				untilClosed(t, r, e.ends)
			}
			if on := delivers(t, r); on != e.made {
				t.Errorf("logs are delivered: %v", on)
			}
			if on := did(r, switchesOn) - did(r, switchesOff); on != map[bool]int{true: len(switchesOn)}[e.made] {
				t.Errorf("%d parts more were switched on than off", on)
			}
			if n := count(r, remediate, "cloudfront:UpdateDistribution", "ok"); n != 0 {
				t.Errorf("the distribution was changed %d times", n)
			}
		})
	}
}

// What is switched on must not be in the way of what it shows.
func TestACauseThatMoreEvidenceShowsIsPlannedAnew(t *testing.T) {
	t.Parallel()
	r := start(t, "undetermined")
	breaks(t, r)
	untilAsked(t, r)
	approves(t, r, "alice")
	until(t, r, 10*time.Minute, "it is on", func() bool { return r.Has("written") })
	r.CloudFront.SetProbeRegion("eu-west-1") // where it fails
	until(t, r, 90*time.Minute, "the next incident plans", func() bool { return r.Incident().Episode == 2 && r.Has("planned") })
	if plan := planned(t, r); plan.Cause != "origin-503" {
		t.Errorf("planned for %s", plan.Cause)
	}
	if _, kept := r.S3.Get(r.Bucket, "incidents/"+rehearsal.Distribution+"/000001/watch/report.md"); !kept || !delivers(t, r) {
		t.Errorf("the first incident is written up: %v", kept)
	}
}

func TestAQuotaThatIsNotGrantedEndsTheIncident(t *testing.T) {
	for status, want := range map[string]string{"DENIED": "denied", "CASE_CLOSED": "denied"} {
		t.Run(status, func(t *testing.T) {
			t.Parallel()
			r := start(t, "lambda-edge-concurrency")
			r.Quotas.ApproveAfter(20*time.Minute, status)
			breaks(t, r)
			untilAsked(t, r)
			approves(t, r, "alice")
			untilClosed(t, r, want)
			if n := heardTimes(r, "quota increase NOT granted"); n != 1 {
				t.Errorf("people were told %d times", n)
			}
		})
	}
}

func TestAQuotaThatIsGrantedIsToldOnce(t *testing.T) {
	t.Parallel()
	r := start(t, "lambda-edge-concurrency")
	breaks(t, r)
	untilAsked(t, r)
	approves(t, r, "alice")
	untilClosed(t, r, "requested")
	if n := heardTimes(r, "quota increase granted"); n != 1 {
		t.Errorf("people were told %d times", n)
	}
}

func heardTimes(r *rehearsal.Rehearsal, subject string) (n int) {
	for _, mail := range r.OnCall() {
		if strings.Contains(mail, subject) {
			n++
		}
	}
	return n
}
