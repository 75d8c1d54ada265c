// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package functions

import (
	"testing"
	"time"

	"cloudfront503/pkg/emulator/rehearsal"
)

// untilWatched plays the scenario error-page-503 until it has recovered.
func untilWatched(t *testing.T, overrides ...func(*rehearsal.Options)) *rehearsal.Rehearsal {
	t.Helper()
	r, _ := asked(t, overrides...)
	approves(t, r, "alice")
	until(t, r, time.Hour, "it has recovered", func() bool { return r.Incident().State == "watching" })
	return r
}

// pass moves the clock by the hour.
func pass(r *rehearsal.Rehearsal, hours int) {
	for range hours {
		r.World.Clock.Advance(time.Hour)
		r.World.Settle()
	}
}

func TestWhatHasRecoveredIsWatchedAndThenClosed(t *testing.T) {
	t.Parallel()
	r := untilWatched(t, func(o *rehearsal.Options) { o.Parameters["WatchHours"] = "24" })
	mails := len(r.OnCall())
	pass(r, 23)
	if state := r.Incident().State; state != "watching" {
		t.Errorf("%s after 23 hours", state)
	}
	pass(r, 2)
	if incident := r.Incident(); incident.State != "closed" || incident.Outcome == nil || incident.Outcome.Result != "changed" {
		t.Errorf("after 25 hours: %+v", incident)
	}
	if n := recorded(r, "watched"); n != 0 {
		t.Errorf("%d looks that found nothing new were recorded", n)
	}
	if n := len(r.OnCall()) - mails; n != 0 {
		t.Errorf("%d mails in a watch in which nothing happened", n)
	}
}

// The next deployment brings the fault back: that is the same incident, whether the alarm tells it or the hourly look.
func TestARelapseContinuesTheIncident(t *testing.T) {
	t.Parallel()
	r := untilWatched(t)
	pass(r, 5)
	breaks(t, r)
	until(t, r, time.Hour, "people hear that it fails again", func() bool { return heardOf(r, "FAILS AGAIN") })
	if incident := r.Incident(); incident.Episode != 1 || incident.State != "open" || !r.Has("relapsed") {
		t.Errorf("it is %+v", incident)
	}
	if len(r.SSM.Executions()) != 1 {
		t.Error("another runbook was started without anybody's wish")
	}
	repair(t, r)
	until(t, r, 2*time.Hour, "it has recovered again", func() bool { return r.Incident().State == "watching" })
	if n := recorded(r, "recovery"); n != 2 {
		t.Errorf("%d recoveries are recorded", n)
	}
}

// Whoever wants a plan for a relapse asks for it, and gets it in the next incident, made of what is live by then.
func TestARelapseIsPlannedAnewWhenSomebodyAsks(t *testing.T) {
	t.Parallel()
	r := untilWatched(t)
	pass(r, 3)
	breaks(t, r)
	until(t, r, time.Hour, "people hear that it fails again", func() bool { return heardOf(r, "FAILS AGAIN") })
	if !heardOf(r, `{"cloudfront503":"open","distribution":"`+rehearsal.Distribution+`","id":"000001"}`) {
		t.Fatal("people were not told how to have a plan made")
	}
	tellRespond(t, r, []byte(`{"cloudfront503":"open","distribution":"`+rehearsal.Distribution+`","id":"000001"}`))
	until(t, r, 10*time.Minute, "people are asked", func() bool { return r.Incident().Episode == 2 && r.Has("asked") })
	approves(t, r, "bob")
	untilClosed(t, r, "changed")
	if writes(r) != 2 {
		t.Errorf("%d writes", writes(r))
	}
}
