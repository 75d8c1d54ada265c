// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package functions

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/rehearsal"
	"cloudfront503/pkg/emulator/s3"
)

const logBucket = "shop-logs"

// logged lets the distribution write standard logs, and keeps the probe away from the path that fails: at the alarm's time
// only metrics and the configuration speak.
func logged(o *rehearsal.Options) {
	plain, prepare := o.Scenario.Config, o.Scenario.Prepare
	o.Parameters["LogBuckets"], o.Parameters["ProbePaths"] = logBucket, "/"
	o.Scenario.Config = func() []byte {
		var config map[string]any
		_ = json.Unmarshal(plain(), &config) // the scenario's own
		config["Logging"] = map[string]any{"Enabled": true, "IncludeCookies": false, "Bucket": logBucket + ".s3.amazonaws.com", "Prefix": ""}
		text, _ := json.Marshal(config) // strings, numbers and maps
		return text
	}
	o.Scenario.Prepare = func(r *rehearsal.Rehearsal) {
		r.S3.AddBucket(s3.Bucket{Name: logBucket})
		prepare(r)
	}
}

// deliver puts an access log into the bucket in which a third of the requests since a time met a result, as 503.
func deliver(t *testing.T, r *rehearsal.Rehearsal, since time.Time, result string) {
	t.Helper()
	var log bytes.Buffer
	zip := gzip.NewWriter(&log)
	fmt.Fprintf(zip, "#Version: 1.0\n#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) "+
		"cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher "+
		"x-edge-response-result-type cs-protocol-version fle-status fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type "+
		"sc-content-type sc-content-len sc-range-start sc-range-end\n")
	for i := range 1200 {
		at, status, word := since.Add(time.Duration(i)*time.Second/4), 200, "Hit"
		if i%3 == 0 {
			status, word = 503, result
		}
		fmt.Fprintf(zip, "%s\tFRA56-P%d\t900\t192.0.2.%d\tGET\td111111abcdef8.cloudfront.net\t/\t%d\t-\tcurl\t-\t-\t%s\tid%d==\t%s\thttps\t80\t0.001\t-\t-\t-\t%s\tHTTP/2.0\t-\t-\t4000\t0.001\t%s\ttext/html\t500\t-\t-\n",
			at.UTC().Format("2006-01-02\t15:04:05"), i%4, i%250, status, word, i, rehearsal.Alias, word, word)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	name := rehearsal.Distribution + "." + since.UTC().Format("2006-01-02-15") + ".0a1b2c3d.gz"
	if _, err := r.S3.Put(logBucket, name, log.Bytes()); err != nil {
		t.Fatal(err)
	}
}

// askedUnlogged is the scenario error-page-503 up to where people have been asked, without logs so far.
func askedUnlogged(t *testing.T) (r *rehearsal.Rehearsal, broken map[string]any, at time.Time) {
	t.Helper()
	r = start(t, "error-page-503", logged)
	breaks(t, r)
	broken, at = live(t, r), r.World.Clock.Now()
	untilAsked(t, r)
	return r, broken, at.Add(5 * time.Minute) // the edges had it then
}

func TestLateLogsWithdrawAPlanThatNobodyHasApproved(t *testing.T) {
	t.Parallel()
	r, broken, since := askedUnlogged(t)
	old, _ := r.Tickets("alice")
	deliver(t, r, since, "CapacityExceeded")
	until(t, r, 20*time.Minute, "it is withdrawn", func() bool { return r.Has("withdrawn") })
	if !heardOf(r, "edge-capacity now, not error-page-503") || !heardOf(r, "access-logs: ") || !heardOf(r, "is withdrawn") {
		t.Error("people were not told what the verdict is now, and why")
	}
	reply(t, r, "alice", "approve "+old)
	untilClosed(t, r, "void")
	unwritten(t, r, broken)
	if recorded(r, "decision") != 0 || recorded(r, "refused") != 1 {
		t.Errorf("%d decisions, %d refused: the old ticket is void", recorded(r, "decision"), recorded(r, "refused"))
	}
	if status := r.SSM.Executions()[0].Status; status != "Cancelled" {
		t.Errorf("the runbook is %s: its gate still waits", status)
	}
	if n := strings.Count(strings.Join(r.OnCall(), "\n"), "nothing changed"); n != 0 {
		t.Errorf("people were told %d times more", n)
	}
	if r.Incident().Episode != 1 {
		t.Errorf("%d incidents: nothing can be done about an edge location's capacity", r.Incident().Episode)
	}
}

func TestLateLogsDoNotWithdrawAPlanThatIsApproved(t *testing.T) {
	t.Parallel()
	r, _, since := askedUnlogged(t)
	approves(t, r, "alice")
	deliver(t, r, since, "CapacityExceeded")
	until(t, r, 20*time.Minute, "it is looked at again", func() bool { return r.Has("second-look") })
	untilClosed(t, r, "changed")
	writtenOnce(t, r)
	if r.Has("withdrawn") {
		t.Error("an approved plan was withdrawn")
	}
	if !heardOf(r, "edge-capacity now, not error-page-503") || !heardOf(r, "Look whether it should stay") {
		t.Error("people were not told that the change was made for another cause")
	}
}

func TestALookThatFindsNothingNewIsRecordedAndNotTold(t *testing.T) {
	t.Parallel()
	r, _, _ := askedUnlogged(t)
	mails := len(r.OnCall())
	r.World.Clock.Advance(24 * time.Minute) // two looks; the gate is escalated after half an hour
	if n := recorded(r, "second-look"); n != 2 {
		t.Errorf("%d looks are recorded, want those after 5 and 15 minutes", n)
	}
	if n := len(r.OnCall()); n != mails {
		t.Errorf("%d mails", n-mails)
	}
	if r.Has("withdrawn") {
		t.Error("the plan was withdrawn")
	}
	for _, folder := range []string{"look-05", "look-15"} {
		if _, kept := r.S3.Get(r.Bucket, r.Folder()+"watch/"+folder+"/incident.json"); !kept {
			t.Errorf("the evidence of %s is not kept", folder)
		}
	}
	approves(t, r, "alice")
	untilClosed(t, r, "changed")
}

// Where the first look could read next to nothing, people are told only; a later look that finds what can be fixed gives
// way to an incident in which it is planned and asked for.
func TestALaterLookThatFindsWhatCanBeFixedHasItPlanned(t *testing.T) {
	t.Parallel()
	r := start(t, "error-page-503", logged)
	readable := r.World.Faults.Add(kernel.Fault{Action: "cloudwatch:GetMetricData", Caller: sessionsOf(respond),
		Error: kernel.Errorf(http.StatusForbidden, "AccessDenied", "not authorized to perform cloudwatch:GetMetricData")})
	breaks(t, r)
	until(t, r, 20*time.Minute, "people are told", func() bool { return r.Has("told") })
	readable()
	if r.Has("asked") {
		t.Fatal("people were asked without a verdict")
	}
	until(t, r, 15*time.Minute, "the next incident asks", func() bool { return r.Incident().Episode == 2 && r.Has("asked") })
	if !heardOf(r, "error-page-503 now, not undetermined") || !heardOf(r, "is planned in a new incident") {
		t.Error("people were not told that the verdict has changed, and what follows")
	}
	approves(t, r, "alice")
	untilClosed(t, r, "changed")
	writtenOnce(t, r)
	if r.Incident().Episode != 2 {
		t.Errorf("%d incidents, want two", r.Incident().Episode)
	}
}

// toldAndQuiet is an incident in which people could only be told that nobody knows, and whose alarm was soon OK again. since
// is when it began to fail; readable lets the metrics be read.
func toldAndQuiet(t *testing.T) (r *rehearsal.Rehearsal, since time.Time, readable func()) {
	t.Helper()
	r = start(t, "error-page-503", logged)
	readable = r.World.Faults.Add(kernel.Fault{Action: "cloudwatch:GetMetricData", Caller: "arn:aws:sts::" + account + ":assumed-role/*",
		Error: kernel.Errorf(http.StatusForbidden, "AccessDenied", "not authorized to perform cloudwatch:GetMetricData")})
	breaks(t, r)
	since = r.World.Clock.Now()
	until(t, r, 20*time.Minute, "people are told", func() bool { return r.Has("told") })
	repair(t, r)
	untilClosed(t, r, "told")
	if opened := r.World.Clock.Now().Sub(since); opened > 45*time.Minute {
		t.Fatalf("it was open for %s: nothing is left to look at afterwards", opened)
	}
	return r, since, readable
}

func TestAnIncidentThatEndedSoonIsLookedAtUntilItsLogsAreThere(t *testing.T) {
	t.Parallel()
	r, since, readable := toldAndQuiet(t)
	readable()
	deliver(t, r, since.Add(5*time.Minute), "CapacityExceeded")
	until(t, r, 70*time.Minute, "people hear what it was", func() bool { return heardOf(r, "edge-capacity now, not undetermined") })
	page, _ := r.S3.Get(r.Bucket, r.Folder()+"watch/report.md")
	if !strings.Contains(string(page), "edge-capacity") {
		t.Error("the page still tells the first verdict")
	}
	r.World.Clock.Advance(2 * time.Hour)
	if n := heardTimes(r, "edge-capacity now, not undetermined"); n != 1 {
		t.Errorf("people heard it %d times", n)
	}
	if r.Incident().State != "closed" || r.Incident().Episode != 1 || len(r.SSM.Executions()) != 0 || r.Has("asked") {
		t.Errorf("%+v, %d executions: a look at what has ended started something", r.Incident(), len(r.SSM.Executions()))
	}
	if looked := recorded(r, "second-look"); looked < 2 || looked > 3 {
		t.Errorf("%d looks", looked)
	}
}

func TestAnIncidentThatEndedIsNotLookedAtOnceAnotherHasBegun(t *testing.T) {
	t.Parallel()
	r, since, readable := toldAndQuiet(t)
	looks := recorded(r, "second-look")
	r.World.Clock.Advance(10 * time.Minute)
	breaks(t, r)
	until(t, r, 20*time.Minute, "the next incident begins", func() bool { return r.Incident().Episode == 2 })
	readable()
	deliver(t, r, since.Add(5*time.Minute), "CapacityExceeded")
	made := len(r.S3.Keys(r.Bucket, "incidents/"+rehearsal.Distribution+"/000001/"))
	r.World.Clock.Advance(90 * time.Minute)
	if now := len(r.S3.Keys(r.Bucket, "incidents/"+rehearsal.Distribution+"/000001/")); now != made || looks > 2 {
		t.Errorf("%d objects of the first incident, then %d; %d looks", made, now, looks)
	}
}
