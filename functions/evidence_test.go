// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package functions

import (
	"slices"
	"strings"
	"testing"
	"time"

	"cloudfront503/pkg/emulator/kernel"
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
			if n := did(r, switchesOff); n != len(switchesOff)-1+len(evidenceOf(planned(t, r)).Alarms) { // a call each
				t.Errorf("%d parts were switched off", n)
			}
		})
	}
}

// An alarm sees and tells its own Region only: where Lambda@Edge runs elsewhere, one lies there, with the topic that the stack
// lists.
func TestAnAlarmLiesInEachRegionThatUsesAQuota(t *testing.T) {
	t.Parallel()
	r := start(t, "undetermined")
	breaks(t, r)
	untilAsked(t, r)
	approves(t, r, "alice")
	until(t, r, 30*time.Minute, "it is on", func() bool { return r.Has("deployed") })
	var regions []string
	for _, alarm := range evidenceOf(planned(t, r)).Alarms {
		if alarm.Quota == "Concurrent executions" {
			regions = append(regions, or(alarm.Region, "us-east-1"))
		}
		r.CloudWatch.SetState(or(alarm.Region, "us-east-1"), alarm.Name, "ALARM", "drill")
	}
	r.World.Settle()
	if !slices.Equal(regions, []string{"us-east-1", "eu-west-1"}) {
		t.Errorf("Lambda's quota is watched in %q", regions)
	}
	if mails := r.SNS.Mailbox(rehearsal.QuotaTopic); len(mails) != 1 || !strings.Contains(mails[0].Subject, "EU (Ireland)") {
		t.Errorf("the topic in Ireland got %v", mails)
	}
}

func TestWithoutATopicPeopleAreToldWhereAQuotaIsNotWatched(t *testing.T) {
	t.Parallel()
	r := start(t, "undetermined", with("QuotaTopics", ""))
	breaks(t, r)
	untilAsked(t, r)
	if body := askedOf(r); !strings.Contains(body, "is used in eu-west-1 too, and gets no alarm there: list a topic of each such Region in QuotaTopics") {
		t.Errorf("not said in\n%s", body)
	}
	approves(t, r, "alice")
	until(t, r, 30*time.Minute, "it is on", func() bool { return r.Has("deployed") })
	if n := count(r, remediate, "cloudwatch:PutMetricAlarm", "ok"); n != 2 {
		t.Errorf("%d alarms, want those of us-east-1", n)
	}
	for _, a := range granted(t, r) {
		if strings.HasSuffix(a.statement, "#SwitchQuotaAlarmsElsewhere") {
			t.Errorf("granted all the same: %v", a)
		}
	}
}

func TestWhatFailsInAnotherRegionLeavesNothingAnywhere(t *testing.T) {
	const elsewhere = "arn:aws:cloudwatch:eu-west-1:*"
	for name, c := range map[string]struct {
		happens func(*testing.T, *rehearsal.Rehearsal)
		says    string
	}{
		"a policy of the organization denies the Region": {func(_ *testing.T, r *rehearsal.Rehearsal) {
			fault("cloudwatch:PutMetricAlarm", kernel.Fault{Resource: elsewhere, Error: denies("cloudwatch:PutMetricAlarm", "with an explicit deny in a service control policy")})(r)
		}, "AccessDenied"},
		"the topic is listed no longer": {redeploys("CF503_QUOTA_TOPICS", ""), "would lie in eu-west-1, where this stack lists no topic"},
		"another topic is listed":       {redeploys("CF503_QUOTA_TOPICS", rehearsal.QuotaTopic+"-more"), "is none that this stack makes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, "undetermined")
			breaks(t, r)
			untilAsked(t, r)
			want := stateOf(t, r)
			c.happens(t, r)
			approves(t, r, "alice")
			until(t, r, 26*time.Hour, "the incident is closed", func() bool { return r.Incident().Outcome != nil })
			leftAs(t, r, want)
			if why := r.Incident().Outcome.Why; !strings.Contains(why, c.says) {
				t.Errorf("ended as %s: %s", r.Incident().Outcome.Result, why)
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
