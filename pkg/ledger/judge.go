// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package ledger

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"cloudfront503/pkg/incident"
)

// Outcome says what a claim came to.
type Outcome string

// The outcomes. Only Opened and TakenOver give the lease, and with it the right to go on.
const (
	Opened    Outcome = "opened"     // a new incident, ours
	TakenOver Outcome = "taken-over" // an open incident whose holder died; carry on where its steps end
	Joined    Outcome = "joined"     // noted in an open incident
	Busy      Outcome = "busy"       // handled, or asked for, and somebody works on it now
	Stale     Outcome = "stale"      // older than what is known: the alarm's newer OK, the last episode's end
	Duplicate Outcome = "duplicate"  // handled before
	Nothing   Outcome = "nothing"    // recorded where it has to be, and starts nothing
)

const (
	mostHandled = 100 // keys that a pointer remembers
	mostAlarms  = 100 // alarms that a pointer remembers
	silencedKey = "#silenced"
)

// asked is one wish to claim.
type asked struct {
	trigger incident.Trigger
	holder  string
	lease   time.Duration
	now     time.Time
}

// ruling is what becomes of it. next is the pointer to write, nil where nothing changes.
type ruling struct {
	next    *incident.Pointer
	outcome Outcome
	why     string
	heard   bool // the open incident's record gets a step
}

// judge decides a claim on the pointer as it stands; without one it is the zero pointer, which is closed in effect. Pure.
func judge(p incident.Pointer, a asked) ruling {
	switch {
	case a.trigger.Kind == incident.KindResume:
		return judgeResume(p, a)
	case succeeds(a.trigger):
		return judgeSuccession(p, a)
	case a.trigger.Alarm == nil:
		return judgeOpening(p, a)
	case a.trigger.Alarm.State != "ALARM":
		return judgeQuiet(p, a)
	case a.trigger.Alarm.Silenced != "":
		return judgeSilenced(p, a)
	}
	return judgeOpening(p, a)
}

func judgeResume(p incident.Pointer, a asked) ruling {
	switch {
	case !p.State.Ongoing() || p.Reference() != *a.trigger.Resume:
		return ruling{outcome: Stale, why: "the incident is closed"}
	case p.Lease.Holder == a.holder:
		return ruling{outcome: TakenOver, why: "the lease is ours already"}
	case p.Lease.Dead(a.now):
		return takeOver(p, a)
	case p.Lease.Holder == "":
		return ruling{outcome: Nothing, why: "no work was left undone"}
	}
	return ruling{outcome: Busy, why: "its holder still works on it"}
}

// judgeQuiet hears of an OK, or of data that went missing. Neither opens anything; an OK is remembered, so that an ALARM
// that is older and arrives later opens nothing either.
func judgeQuiet(p incident.Pointer, a asked) ruling {
	state := a.trigger.Alarm.State
	if handled(p, a.trigger.Key) {
		return ruling{outcome: Duplicate, why: "this " + state + " was heard before"}
	}
	next := remember(p, a.trigger, a.trigger.Key)
	if p.State.Ongoing() {
		return ruling{next: &next, outcome: Joined, why: "the alarm is " + state, heard: true}
	}
	return ruling{next: &next, outcome: Nothing, why: "an alarm that is " + state + " opens nothing"}
}

// judgeSilenced records an alarm that must start nothing, under a key of its own: when the mute window ends, the same state
// is told again, and then it counts.
func judgeSilenced(p incident.Pointer, a asked) ruling {
	key, why := a.trigger.Key+silencedKey, a.trigger.Alarm.Silenced
	if handled(p, key) || handled(p, a.trigger.Key) {
		return ruling{outcome: Duplicate, why: why}
	}
	next := remember(p, a.trigger, key)
	return ruling{next: &next, outcome: Nothing, why: why, heard: p.State.Ongoing()}
}

// judgeOpening decides on an ALARM, or on a person's wish to open.
func judgeOpening(p incident.Pointer, a asked) ruling {
	if p.State.Ongoing() {
		return judgeOpen(p, a)
	}
	if handled(p, a.trigger.Key) {
		return ruling{outcome: Duplicate, why: "handled before"}
	}
	if why := stale(p, a.trigger); why != "" {
		return ruling{outcome: Stale, why: why}
	}
	next := episode(p, a, &a.trigger)
	next.OpenedAt = a.trigger.At
	if next.OpenedAt.IsZero() {
		next.OpenedAt = a.now
	}
	return ruling{next: &next, outcome: Opened, why: "a new episode"}
}

// episode is the pointer to a new incident, which begins now and is the claimer's.
func episode(p incident.Pointer, a asked, by *incident.Trigger) incident.Pointer {
	next := remember(p, a.trigger, a.trigger.Key)
	next.Episode++
	next.State, next.OpenedAt, next.OpenedBy = incident.Open, a.now, by
	next.ClosedAt, next.Outcome, next.Watch, next.RelapsedAt = time.Time{}, nil, nil, time.Time{}
	next.Spare = nil
	next.Lease = leaseOf(a)
	return next
}

// succeeds reports whether a trigger asks for a new incident in the place of one that is under way.
func succeeds(t incident.Trigger) bool {
	return t.Kind == incident.KindOpen && t.Resume != nil && t.Resume.ID != ""
}

// judgeSuccession puts a new incident in the place of an old one, in one write, so that no alarm finds neither. The new one
// keeps what opened the old one, because the failure that is looked into is the same.
func judgeSuccession(p incident.Pointer, a asked) ruling {
	old := *a.trigger.Resume
	switch {
	case p.Lease.Holder == a.holder:
		return ruling{outcome: TakenOver, why: "the lease is ours already"}
	case p.Reference() != old:
		return ruling{outcome: Stale, why: "another incident is the last one"}
	case p.State.Ongoing() && p.Lease.Holder != "" && !p.Lease.Dead(a.now):
		return ruling{outcome: Busy, why: "its holder still works on it"}
	}
	by := a.trigger
	if p.OpenedBy != nil {
		by = *p.OpenedBy
		by.Key, by.Resume = a.trigger.Key, &old
		by.At = failing(p, a.now)
		by.Wish = a.trigger.Wish // a wish is granted once, and nothing is in another's stead
		if a.trigger.By != "" {
			by.By = a.trigger.By
		}
	}
	next := episode(p, a, &by)
	return ruling{next: &next, outcome: Opened, why: "in the place of " + old.String()}
}

// judgeOpen decides while an incident is open.
func judgeOpen(p incident.Pointer, a asked) ruling {
	known := handled(p, a.trigger.Key)
	switch {
	case p.Lease.Holder == a.holder:
		return ruling{outcome: reentered(p, a), why: "the lease is ours already"}
	case p.Lease.Dead(a.now):
		return takeOver(p, a)
	case known && p.Lease.Holder != "":
		return ruling{outcome: Busy, why: "handled, and its holder still works on it"}
	case known:
		return ruling{outcome: Duplicate, why: "handled before"}
	}
	next := remember(p, a.trigger, a.trigger.Key)
	return ruling{next: &next, outcome: Joined, why: "an incident is open", heard: true}
}

// reentered is what our own write, whose answer was lost, came to.
func reentered(p incident.Pointer, a asked) Outcome {
	if p.OpenedBy != nil && p.OpenedBy.Key == a.trigger.Key {
		return Opened
	}
	return TakenOver
}

func takeOver(p incident.Pointer, a asked) ruling {
	next := remember(p, a.trigger, a.trigger.Key)
	next.Lease = leaseOf(a)
	return ruling{next: &next, outcome: TakenOver, why: "its holder's lease ran out at " + p.Lease.Until.Format(time.RFC3339)}
}

func leaseOf(a asked) incident.Lease {
	return incident.Lease{Holder: a.holder, Until: a.now.Add(a.lease), Length: a.lease}
}

// stale says why a trigger is older than what is known. State times are compared, never times of arrival.
func stale(p incident.Pointer, t incident.Trigger) string {
	if t.Alarm != nil {
		if last, known := p.Alarms[alarmName(*t.Alarm)]; known && last.State == "OK" && t.Alarm.StateAt.Before(last.At) {
			return fmt.Sprintf("the alarm is OK again since %s", last.At.Format(time.RFC3339))
		}
	}
	if !t.At.IsZero() && t.At.Before(p.EndedAt) {
		return fmt.Sprintf("the last episode ended at %s", p.EndedAt.Format(time.RFC3339))
	}
	return ""
}

// failing is the time around which the failure is looked into: that of the alarm that opened the incident, unless it has
// recovered since.
func failing(p incident.Pointer, now time.Time) time.Time {
	switch {
	case p.Watch != nil:
		return now
	case !p.RelapsedAt.IsZero():
		return p.RelapsedAt
	}
	return p.OpenedBy.At
}

func handled(p incident.Pointer, key string) bool {
	return key != "" && slices.Contains(p.Handled, key)
}

// remember notes a trigger's key and its alarm's state. It shares nothing with p.
func remember(p incident.Pointer, t incident.Trigger, key string) incident.Pointer {
	p.Handled = slices.Clone(p.Handled)
	if key != "" && !slices.Contains(p.Handled, key) {
		p.Handled = append(p.Handled, key)
	}
	p.Handled = p.Handled[max(0, len(p.Handled)-mostHandled):]
	if t.Alarm != nil {
		p.Alarms = withState(p.Alarms, *t.Alarm)
	}
	return p
}

// withState notes an alarm's state unless a newer one is known.
func withState(known map[string]incident.Heard, a incident.Alarm) map[string]incident.Heard {
	alarms := maps.Clone(known)
	if alarms == nil {
		alarms = map[string]incident.Heard{}
	}
	if name := alarmName(a); alarms[name].At.Before(a.StateAt) {
		alarms[name] = incident.Heard{State: a.State, At: a.StateAt}
	}
	for len(alarms) > mostAlarms {
		delete(alarms, slices.MinFunc(slices.Collect(maps.Keys(alarms)), func(x, y string) int { return alarms[x].At.Compare(alarms[y].At) }))
	}
	return alarms
}

func alarmName(a incident.Alarm) string {
	if a.Contributor == "" {
		return a.ARN
	}
	return a.ARN + "#" + a.Contributor
}

// ended is when an episode that is closed now ended: with the last OK, where every alarm that was heard in it is OK. An
// ALARM of between that OK and the closing is news, and must open the next episode.
func ended(p incident.Pointer, now time.Time) time.Time {
	var last time.Time
	for _, heard := range p.Alarms {
		if heard.At.Before(p.OpenedAt) {
			continue
		}
		if heard.State != "OK" {
			return now
		}
		if heard.At.After(last) {
			last = heard.At
		}
	}
	if last.IsZero() {
		return now
	}
	return last
}
