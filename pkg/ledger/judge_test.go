// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package ledger

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cloudfront503/pkg/incident"
)

const (
	shop    = "E1SHOPEXAMPLE"
	errors5 = "arn:aws:cloudwatch:us-east-1:111122223333:alarm:shop-5xx"
	errors3 = "arn:aws:cloudwatch:us-east-1:111122223333:alarm:shop-503"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func at(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }

// alarm is an alarm's change of state, minutes after noon.
func alarm(arn, state string, minutes int) incident.Trigger {
	return incident.Trigger{
		Kind: incident.KindAlarm, Channel: incident.ChannelLambda, At: at(minutes), Key: fmt.Sprintf("%s@%d", arn, minutes),
		Alarm: &incident.Alarm{ARN: arn, Name: "shop", State: state, StateAt: at(minutes), Since: at(minutes), Distributions: []string{shop}},
	}
}

func silenced(t incident.Trigger) incident.Trigger {
	a := *t.Alarm
	a.Silenced = "muted"
	t.Alarm = &a
	return t
}

func resume(id string) incident.Trigger {
	return incident.Trigger{Kind: incident.KindResume, Key: "resume:" + id, Resume: &incident.Reference{Distribution: shop, ID: id}}
}

func person(key string) incident.Trigger {
	return incident.Trigger{Kind: incident.KindOpen, Key: key, Resume: &incident.Reference{Distribution: shop}}
}

// after is the wish for a new incident in the place of an old one.
func after(id string) incident.Trigger {
	return incident.Trigger{Kind: incident.KindOpen, Key: "open-after:" + id, Resume: &incident.Reference{Distribution: shop, ID: id}}
}

// told is what happened before: triggers and turns in order, each at its time, none of it through S3.
type told struct {
	p   incident.Pointer
	now time.Time
}

func nothingYet() *told {
	return &told{p: incident.Pointer{Distribution: shop, State: incident.Closed}, now: at(0)}
}

func (s *told) claim(t incident.Trigger, holder string, minutes int) ruling {
	r := judge(s.p, asked{trigger: t, holder: holder, lease: 15 * time.Minute, now: at(minutes)})
	if r.next != nil {
		s.p = *r.next
	}
	return r
}

func (s *told) after(t incident.Trigger, holder string, minutes int) *told {
	s.claim(t, holder, minutes)
	return s
}

func (s *told) watched() *told {
	s.p.State, s.p.Watch = incident.Watching, &incident.Watch{Since: at(30), Until: at(3000), Looked: at(30)}
	return s.released()
}

func (s *told) released() *told { s.p.Lease = incident.Lease{}; return s }

func (s *told) closed(minutes int) *told {
	s.p.EndedAt = ended(s.p, at(minutes))
	s.p.State, s.p.ClosedAt, s.p.Lease = incident.Closed, at(minutes), incident.Lease{}
	return s
}

func TestOneEpisodeIsOneIncidentInWhateverOrderItIsTold(t *testing.T) {
	t.Parallel()
	opened := func() *told { return nothingYet().after(alarm(errors5, "ALARM", 0), "first", 1) }
	over := func() *told { return opened().after(alarm(errors5, "OK", 20), "x", 20).closed(30) }
	for _, row := range []struct {
		name    string
		before  *told
		trigger incident.Trigger
		holder  string
		minutes int
		want    Outcome
		episode int
	}{
		{"the first alarm opens", nothingYet(), alarm(errors5, "ALARM", 0), "a", 1, Opened, 1},
		{"a person opens", nothingYet(), person("open:1"), "a", 1, Opened, 1},
		{"the same alarm again while its holder works is busy", opened(), alarm(errors5, "ALARM", 0), "b", 2, Busy, 1},
		{"the same alarm again after the work is a duplicate", opened().released(), alarm(errors5, "ALARM", 0), "b", 2, Duplicate, 1},
		{"the same alarm again after its holder died takes over", opened(), alarm(errors5, "ALARM", 0), "b", 17, TakenOver, 1},
		{"another alarm joins", opened(), alarm(errors3, "ALARM", 1), "b", 2, Joined, 1},
		{"another alarm after the holder died takes over", opened(), alarm(errors3, "ALARM", 1), "b", 17, TakenOver, 1},
		{"the holder itself comes back, its answer having been lost", opened(), alarm(errors5, "ALARM", 0), "first", 2, Opened, 1},
		{"an OK joins", opened(), alarm(errors5, "OK", 5), "b", 6, Joined, 1},
		{"the same OK again is a duplicate", opened().after(alarm(errors5, "OK", 5), "b", 6), alarm(errors5, "OK", 5), "c", 7, Duplicate, 1},
		{"an OK before anything opens nothing", nothingYet(), alarm(errors5, "OK", 5), "a", 6, Nothing, 0},
		{"missing data opens nothing", nothingYet(), alarm(errors5, "INSUFFICIENT_DATA", 5), "a", 6, Nothing, 0},
		{"an ALARM that its own OK overtook is stale", nothingYet().after(alarm(errors5, "OK", 5), "a", 6), alarm(errors5, "ALARM", 4), "b", 7, Stale, 0},
		{"an ALARM after its own OK opens", nothingYet().after(alarm(errors5, "OK", 5), "a", 6), alarm(errors5, "ALARM", 8), "b", 9, Opened, 1},
		{"another alarm's OK makes nothing stale", nothingYet().after(alarm(errors3, "OK", 5), "a", 6), alarm(errors5, "ALARM", 4), "b", 7, Opened, 1},
		{"an alarm of before the episode's end is stale", over(), alarm(errors3, "ALARM", 10), "b", 31, Stale, 1},
		{"an alarm of between the last OK and the closing opens the next", over(), alarm(errors3, "ALARM", 25), "b", 31, Opened, 2},
		{"the alarm that opened it is a duplicate after the closing", over(), alarm(errors5, "ALARM", 0), "b", 31, Duplicate, 1},
		{"a new alarm after the closing opens the next", over(), alarm(errors5, "ALARM", 40), "b", 41, Opened, 2},
		{"an alarm of before a closing without OK is stale", opened().closed(30), alarm(errors3, "ALARM", 25), "b", 31, Stale, 1},
		{"a person is never stale", over(), person(""), "b", 31, Opened, 2},
		{"a person joins what is open", opened(), person("open:2"), "b", 2, Joined, 1},
		{"a silenced alarm starts nothing", nothingYet(), silenced(alarm(errors5, "ALARM", 0)), "a", 1, Nothing, 0},
		{"a silenced alarm starts nothing while one is open", opened(), silenced(alarm(errors3, "ALARM", 1)), "a", 2, Nothing, 1},
		{"a silenced alarm again is a duplicate", nothingYet().after(silenced(alarm(errors5, "ALARM", 0)), "a", 1), silenced(alarm(errors5, "ALARM", 0)), "b", 2, Duplicate, 0},
		{"the same alarm when its mute ends opens", nothingYet().after(silenced(alarm(errors5, "ALARM", 0)), "a", 1), alarm(errors5, "ALARM", 0), "b", 90, Opened, 1},
		{"a silenced OK is heard all the same", opened(), silenced(alarm(errors5, "OK", 5)), "b", 6, Joined, 1},
		{"an alarm while it is watched joins", opened().watched(), alarm(errors5, "ALARM", 90), "b", 91, Joined, 1},
		{"a person's wish while it is watched joins", opened().watched(), person("open:2"), "b", 91, Joined, 1},
		{"an incident gives way to the next", opened().released(), after("000001"), "b", 9, Opened, 2},
		{"a watched one gives way to the next", opened().watched(), after("000001"), "b", 91, Opened, 2},
		{"a closed one is followed by the next", over(), after("000001"), "b", 31, Opened, 2},
		{"an incident does not give way while its holder works", opened(), after("000001"), "b", 2, Busy, 1},
		{"and does where its holder died", opened(), after("000001"), "b", 17, Opened, 2},
		{"only the last incident gives way", over().after(alarm(errors5, "ALARM", 40), "c", 41).released(), after("000001"), "b", 42, Stale, 2},
		{"an incident gives way once", opened().released().after(after("000001"), "b", 9), after("000001"), "c", 10, Stale, 2},
		{"the sweep takes over from the dead", opened(), resume("000001"), "b", 17, TakenOver, 1},
		{"the sweep leaves the living alone", opened(), resume("000001"), "b", 2, Busy, 1},
		{"the sweep finds nothing left undone", opened().released(), resume("000001"), "b", 17, Nothing, 1},
		{"the sweep is late for another episode", opened(), resume("000000"), "b", 17, Stale, 1},
		{"the sweep is late for a closed one", over(), resume("000001"), "b", 31, Stale, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			got := row.before.claim(row.trigger, row.holder, row.minutes)
			if got.outcome != row.want || row.before.p.Episode != row.episode || got.why == "" {
				t.Errorf("%s (%s) in episode %d, want %s in %d", got.outcome, got.why, row.before.p.Episode, row.want, row.episode)
			}
		})
	}
}

func TestEveryOrderOfAnAlarmsStatesGivesOneIncidentAtMost(t *testing.T) {
	t.Parallel()
	events := []incident.Trigger{
		alarm(errors5, "ALARM", 0), alarm(errors5, "ALARM", 0), alarm(errors3, "ALARM", 1), alarm(errors5, "OK", 20), alarm(errors3, "OK", 21),
	}
	permute(events, func(order []incident.Trigger) {
		s, opened := nothingYet(), 0
		for i, each := range order {
			if s.claim(each, fmt.Sprint("holder", i), 22+i).outcome == Opened {
				opened++
			}
		}
		if opened > 1 || s.p.Episode > 1 {
			t.Errorf("%d incidents opened, episode %d", opened, s.p.Episode)
		}
		if s.p.Alarms[errors5].State != "OK" || s.p.Alarms[errors3].State != "OK" {
			t.Errorf("the newest states are lost: %v", s.p.Alarms)
		}
	})
}

func permute(all []incident.Trigger, visit func([]incident.Trigger)) {
	var walk func(int)
	walk = func(k int) {
		if k == len(all) {
			visit(all)
			return
		}
		for i := k; i < len(all); i++ {
			all[k], all[i] = all[i], all[k]
			walk(k + 1)
			all[k], all[i] = all[i], all[k]
		}
	}
	walk(0)
}

func TestAJudgementChangesNothingThatItWasGiven(t *testing.T) {
	t.Parallel()
	s := nothingYet().after(alarm(errors5, "ALARM", 0), "a", 1)
	before := s.p
	want := fmt.Sprintf("%+v", before)
	judge(before, asked{trigger: alarm(errors3, "ALARM", 1), holder: "b", lease: time.Minute, now: at(40)})
	if diff := cmp.Diff(want, fmt.Sprintf("%+v", before)); diff != "" {
		t.Error(diff)
	}
}

func TestAPointerStaysSmall(t *testing.T) {
	t.Parallel()
	s := nothingYet()
	for i := range 500 {
		s.claim(alarm(fmt.Sprint(errors5, i), "OK", i), "a", i)
	}
	if len(s.p.Handled) != mostHandled || len(s.p.Alarms) != mostAlarms {
		t.Errorf("%d keys, %d alarms", len(s.p.Handled), len(s.p.Alarms))
	}
	if _, kept := s.p.Alarms[errors5+"499"]; !kept {
		t.Error("the newest alarm was forgotten")
	}
}

func TestSeriesOfOneAlarmDoNotHealEachOther(t *testing.T) {
	t.Parallel()
	series := func(contributor, state string, minutes int) incident.Trigger {
		t := alarm(errors5, state, minutes)
		t.Alarm.Contributor, t.Key = contributor, t.Key+"#"+contributor
		return t
	}
	s := nothingYet().after(series("one", "OK", 10), "a", 10)
	if got := s.claim(series("two", "ALARM", 9), "b", 11); got.outcome != Opened {
		t.Error(got.outcome)
	}
}

func TestASuccessorIsAskedForByWhoeverAskedForTheFirst(t *testing.T) {
	t.Parallel()
	first := incident.Trigger{Kind: incident.KindOpen, Key: "open", At: at(0), By: "arn:aws:iam::111122223333:user/ana", Resume: &incident.Reference{Distribution: shop}}
	p := nothingYet().after(first, "first", 1).released().after(after("000001"), "b", 9).p
	if p.OpenedBy == nil || p.OpenedBy.By != first.By || p.OpenedBy.Kind != incident.KindOpen || p.OpenedBy.Resume.ID != "000001" {
		t.Errorf("it was opened by %+v", p.OpenedBy)
	}
}

func TestASuccessorLooksIntoTheSameFailure(t *testing.T) {
	t.Parallel()
	first := alarm(errors5, "ALARM", 0)
	p := nothingYet().after(first, "first", 1).released().after(after("000001"), "b", 9).p
	if p.OpenedBy == nil || p.OpenedBy.Alarm == nil || !p.OpenedBy.At.Equal(first.At) {
		t.Errorf("it was opened by %+v, want the alarm that opened the first", p.OpenedBy)
	}
	if p.OpenedBy.Resume == nil || p.OpenedBy.Resume.ID != "000001" {
		t.Errorf("it does not say which incident it follows: %+v", p.OpenedBy.Resume)
	}
	if !p.OpenedAt.Equal(at(9)) {
		t.Errorf("opened at %s, want its own time", p.OpenedAt)
	}
}

func TestAWishIsGrantedOnceAndTheFailureStaysTheOldOne(t *testing.T) {
	t.Parallel()
	first, wish := alarm(errors5, "ALARM", 0), after("000001")
	wish.By, wish.Wish = "arn:aws:iam::111122223333:user/ana", &incident.Wish{Snapshot: "known-good"}
	s := nothingYet().after(first, "first", 1).released().after(wish, "b", 9)
	if by := s.p.OpenedBy; by.Wish != wish.Wish || by.By != wish.By || by.Alarm == nil || !by.At.Equal(first.At) {
		t.Errorf("it was opened by %+v, want the wish and the old alarm", by)
	}
	s = s.released().after(after("000002"), "c", 20)
	if by := s.p.OpenedBy; by.Wish != nil || by.By != wish.By || by.Alarm == nil {
		t.Errorf("the next was opened by %+v, want no wish, and still nobody who approves what they asked for", by)
	}
}
