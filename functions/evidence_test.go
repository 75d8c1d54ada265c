// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package functions

import (
	"strings"
	"testing"
	"time"

	"cloudfront503/pkg/emulator/logs"
	"cloudfront503/pkg/emulator/rehearsal"
)

// The calls that switch evidence on, in their order, and those that switch each off.
var (
	switchesOn  = []string{"cloudfront:CreateMonitoringSubscription", "logs:PutDeliverySource", "logs:PutDeliveryDestination", "logs:CreateDelivery", "cloudwatch:PutMetricAlarm"}
	switchesOff = []string{"cloudfront:DeleteMonitoringSubscription", "logs:DeleteDeliverySource", "logs:DeleteDeliveryDestination", "logs:DeleteDelivery", "cloudwatch:DeleteAlarms"}
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

func TestEvidenceThatIsSwitchedOnIsTakenAwayAgain(t *testing.T) {
	t.Parallel()
	for name, sabotage := range map[string]func(*rehearsal.Rehearsal){
		"":                         func(*rehearsal.Rehearsal) {},
		"and killed on the way":    killAt("logs:DeleteDelivery", "", true),
		"and killed before a part": killAt("logs:DeleteDeliverySource", "", false),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, "undetermined")
			sabotage(r)
			breaks(t, r)
			untilAsked(t, r)
			before, after := stateOf(t, r), approvedState(t, r)
			approves(t, r, "alice")
			until(t, r, 30*time.Minute, "it is on", func() bool { return r.Has("deployed") })
			leftAs(t, r, after)
			undoes(t, r, "alice")
			untilClosed(t, r, "undone")
			leftAs(t, r, before)
			if n := did(r, switchesOff); n != len(switchesOff) {
				t.Errorf("%d parts were switched off", n)
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
