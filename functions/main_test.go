// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package functions tells the whole line, from an alarm to its end, through the compiled functions in an emulated account.
package functions

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"cloudfront503"
	"cloudfront503/pkg/emulator"
	"cloudfront503/pkg/emulator/rehearsal"
)

// built are the functions' executables, built once for all tests, or found in the folder CF503_FUNCTIONS.
var built map[string]string

func TestMain(m *testing.M) {
	os.Exit(withFunctions(m))
}

func withFunctions(m *testing.M) int {
	debug.SetGCPercent(400) // accounts live for seconds: memory is cheaper than looking for what of it is free
	dir, err := os.MkdirTemp("", "functions-test")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	var flags []string
	if os.Getenv("GOCOVERDIR") != "" {
		flags = []string{"-cover", "-coverpkg=./..."}
	}
	if ready := os.Getenv("CF503_FUNCTIONS"); ready != "" {
		built, err = emulator.FindFunctions(ready)
	} else {
		built, err = emulator.BuildFunctions(context.Background(), "..", dir, emulator.Raced(), flags...)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if !emulator.Raced() {
		if err := flag.Set("test.parallel", strconv.Itoa(playsAtOnce())); err != nil { // what -parallel says goes before it
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return m.Run()
}

// playsAtOnce is how many plays run side by side: half as many again as there are processors, because each waits now and
// then: for a retry's pause, for a process to start.
func playsAtOnce() int { return (3*runtime.GOMAXPROCS(0) + 1) / 2 }

// start stages a scenario in an account of its own. At the test's end nothing may have been asked of AWS that it would
// not know, and the origin's secret may stand in no log, no mail and no report.
func start(t testing.TB, scenario string, overrides ...func(*rehearsal.Options)) *rehearsal.Rehearsal {
	t.Helper()
	staged, known := rehearsal.Scenarios()[scenario]
	if !known {
		t.Fatalf("no scenario %q", scenario)
	}
	o := rehearsal.Options{
		Scenario: staged, Template: cloudfront503.Template(), Files: cloudfront503.Files(), Functions: built,
		Environment: map[string]string{"GOMAXPROCS": "1"}, // a Lambda of this memory has less than one processor
		Parameters:  map[string]string{},
	}
	if dir := os.Getenv("GOCOVERDIR"); dir != "" {
		o.Environment["GOCOVERDIR"] = dir
	}
	for _, override := range overrides {
		override(&o)
	}
	r, err := rehearsal.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { finish(t, r) })
	return r
}

// finish checks what must hold after every test, whatever went wrong in it.
func finish(t testing.TB, r *rehearsal.Rehearsal) {
	t.Helper()
	r.World.Settle()
	madeBeforeEnded(t, r)
	if t.Failed() {
		tell(t, r)
	}
	for _, violation := range r.World.Violations() {
		t.Errorf("AWS would not know: %s", violation)
	}
	for place, text := range public(r) {
		if strings.Contains(text, rehearsal.Secret) {
			t.Errorf("the origin's secret stands in %s", place)
		}
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

// madeBeforeEnded checks that the record never says that a runbook has ended before it says what that runbook has made:
// whoever looks between the two would take the change for unmade.
func madeBeforeEnded(t testing.TB, r *rehearsal.Rehearsal) {
	t.Helper()
	ended := map[string]bool{}
	for _, step := range r.Steps() {
		switch kind := step.Writer + " " + step.Kind; kind {
		case "remediate ended", "remediate undo-failed":
			ended[kind] = true
		case "remediate written":
			if ended["remediate ended"] {
				t.Error("the record says that the runbook has ended, and then that the change is made")
			}
		case "remediate undone":
			if ended["remediate undo-failed"] {
				t.Error("the record says that the way back has ended, and then that it was taken")
			}
		}
	}
}

// public is every text that people get to see, by its place.
func public(r *rehearsal.Rehearsal) map[string]string {
	texts := map[string]string{}
	for _, name := range r.Lambda.Functions() {
		texts["the log of "+name] = r.Lambda.Logs(name)
	}
	for i, mail := range r.SNS.Mailbox("") {
		texts[fmt.Sprintf("mail %d to %s", i+1, mail.Endpoint)] = mail.Subject + "\n" + mail.Body
	}
	for _, key := range r.S3.Keys(r.Bucket, "incidents/") {
		if strings.Contains(key, "/watch/report.") || strings.Contains(key, "/steps/") {
			body, _ := r.S3.Get(r.Bucket, key)
			texts[key] = string(body)
		}
	}
	return texts
}

// tell logs the incident's record of a test that failed.
func tell(t testing.TB, r *rehearsal.Rehearsal) {
	t.Helper()
	for _, step := range r.Steps() {
		t.Logf("%s %-9s %-11s %s", step.At.Format(time.TimeOnly), step.Writer, step.Kind, step.Note)
	}
	for _, mail := range r.SNS.Mailbox("") {
		t.Logf("%s mail to %s: %s", mail.At.Format(time.TimeOnly), mail.Endpoint, mail.Subject)
	}
	t.Logf("incident %+v outcome %+v", r.Incident(), r.Incident().Outcome)
	for _, name := range r.Lambda.Functions() {
		t.Logf("the log of %s:\n%s", name, r.Lambda.Logs(name))
	}
}

// breaks lets go wrong what the scenario is about.
func breaks(t *testing.T, r *rehearsal.Rehearsal) {
	t.Helper()
	if err := r.Break(); err != nil {
		t.Fatal(err)
	}
}

// until moves the clock until done, and fails the test where that takes longer than most.
func until(t *testing.T, r *rehearsal.Rehearsal, most time.Duration, what string, done func() bool) {
	t.Helper()
	if !r.AdvanceUntil(most, done) {
		t.Fatalf("after %s still not: %s", most, what)
	}
}

// untilAsked moves the clock until people are asked and the gate waits for them.
func untilAsked(t *testing.T, r *rehearsal.Rehearsal) {
	t.Helper()
	until(t, r, 20*time.Minute, "people are asked", func() bool { return r.Has("asked") })
}

// untilClosed moves the clock until the incident is closed, or has recovered and is only watched, and compares with what it must end as.
func untilClosed(t *testing.T, r *rehearsal.Rehearsal, want string) {
	t.Helper()
	until(t, r, 26*time.Hour, "the incident is closed", func() bool { return r.Incident().Outcome != nil && r.Incident().State != "open" })
	if outcome := r.Incident().Outcome; outcome.Result != want {
		t.Fatalf("ended as %+v, want %q", outcome, want)
	}
}

// reply publishes a text to a person's own reply topic.
func reply(t *testing.T, r *rehearsal.Rehearsal, by, text string) {
	t.Helper()
	if err := r.Reply(by, by, text); err != nil {
		t.Fatalf("%s replies: %v", by, err)
	}
}

// approves replies with the approving ticket of the newest mail.
func approves(t *testing.T, r *rehearsal.Rehearsal, by string) {
	t.Helper()
	ticket, _ := r.Tickets(by)
	if ticket == "" {
		t.Fatalf("%s has no ticket", by)
	}
	reply(t, r, by, "approve "+ticket)
}
