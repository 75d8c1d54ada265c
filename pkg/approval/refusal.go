// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package approval

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"cloudfront503/pkg/incident"
)

// quiet is how long a topic's owner hears nothing more about refused replies: whoever may publish there could otherwise
// fill a mailbox.
const quiet = time.Hour

// told is the state of what a topic's owner was told, one object a topic.
type told struct {
	At      time.Time `json:"at"`                // of the last message
	Telling string    `json:"telling,omitempty"` // the id of the reply that is to be told, until it is
	More    int       `json:"more,omitempty"`    // what that message counts
	Since   int       `json:"since"`             // replies refused since then, and not told
	Total   int       `json:"total"`             // ever
	LastWhy string    `json:"lastWhy"`           // of the last refused reply
	Seen    []string  `json:"seen"`              // the last message ids, because SNS delivers more than once
}

const (
	mostSeen  = 32
	mostTries = 8 // of a conditional write; each failed one is somebody else's success
)

// RefusalKey is where it stands what a topic's owner was told; an empty name is for topics of nobody.
func RefusalKey(owner string) string {
	if owner == "" {
		owner = "-"
	}
	return "incidents/replies/approval/" + owner + ".json"
}

// turnAway records a refused reply and tells people of it, at most once an hour a topic.
func (d Desk) turnAway(ctx context.Context, v visit, why string) error {
	if err := d.recordRefusal(ctx, v, why); err != nil {
		return fmt.Errorf("reply %s: %w", v.reply.MessageID, err)
	}
	refusal := Refusal{Owner: v.owner.Name, Topic: v.reply.TopicARN, From: v.from, Why: why, At: d.Now(), MessageID: v.reply.MessageID}
	if v.record.Request != nil {
		refusal.Incident = v.record.Request.Incident
	}
	if err := d.tellOnce(ctx, refusal); err != nil {
		return fmt.Errorf("reply %s: %w", v.reply.MessageID, err)
	}
	return nil
}

// recordRefusal writes the refused reply into the incident's record, where it names one of ours. The ticket itself is not
// kept.
func (d Desk) recordRefusal(ctx context.Context, v visit, why string) error {
	if v.record.Request == nil {
		return nil
	}
	decision := incident.Decision{
		Approver: v.owner.Name, Verb: v.parsed.Verb, Reason: v.parsed.Reason, MessageID: v.reply.MessageID,
		Channel: v.channel, At: d.Now(), Refusal: why,
	}
	note := fmt.Sprintf("refused a reply through the topic of %s: %s", v.owner.Name, why)
	if v.from != "" {
		decision.Through = "a text from " + v.from
		note = fmt.Sprintf("refused a text from the number of %s: %s", v.owner.Name, why)
	}
	if _, _, err := d.Ledger.AppendOnce(ctx, v.record.Request.Incident, incident.StepRefused, v.reply.MessageID, note, decision); err != nil {
		return fmt.Errorf("record the refusal: %w", err)
	}
	return nil
}

// tellOnce counts the refusal and tells it where the owner has heard nothing for an hour. The right to tell is written
// down before the message goes out and struck out afterwards, so that the same reply, delivered again after anything went
// wrong in between, is told then.
func (d Desk) tellOnce(ctx context.Context, refusal Refusal) error {
	state, err := d.countRefusal(ctx, refusal)
	if err != nil || state.Telling != refusal.MessageID {
		return err
	}
	refusal.More = state.More
	topic := d.OnCall
	if i := slices.IndexFunc(d.Approvers, func(a incident.Approver) bool { return a.Name == refusal.Owner }); i >= 0 {
		topic = d.Approvers[i].Channel
	}
	if err := d.Tell(ctx, topic, refusal); err != nil {
		return fmt.Errorf("tell the refusal: %w", err)
	}
	return change(ctx, d.States, RefusalKey(refusal.Owner), readTold, func(state *told) bool {
		ours := state.Telling == refusal.MessageID
		state.Telling = ""
		return ours
	})
}

// countRefusal adds one to the topic's state, and takes the right to tell where the hour is over.
func (d Desk) countRefusal(ctx context.Context, refusal Refusal) (after told, err error) {
	err = change(ctx, d.States, RefusalKey(refusal.Owner), readTold, func(state *told) bool {
		seen := slices.Contains(state.Seen, refusal.MessageID)
		if !seen {
			state.count(refusal)
		}
		after = *state
		return !seen
	})
	return after, err
}

func (s *told) count(refusal Refusal) {
	s.Total++
	s.LastWhy = incident.Line(refusal.Why, 300)
	s.Seen = append(s.Seen, refusal.MessageID)
	s.Seen = s.Seen[max(0, len(s.Seen)-mostSeen):]
	if refusal.At.Sub(s.At) < quiet {
		s.Since++
		return
	}
	s.At, s.Telling, s.More, s.Since = refusal.At, refusal.MessageID, s.Since, 0
}

// readTold reads what was told. Damaged, it begins anew: whoever hears of it once too often is better off than with none.
func readTold(body []byte) (told, error) {
	var state told
	if json.Unmarshal(body, &state) != nil {
		return told{}, nil
	}
	return state, nil
}

// change edits a state under If-Match, again where somebody was faster. The edit returns false where nothing is to be
// written.
func change[State any](ctx context.Context, all states, key string, read func([]byte) (State, error), edit func(*State) bool) error {
	for range mostTries {
		body, etag, err := all.Load(ctx, key)
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		var state State
		if len(body) > 0 {
			if state, err = read(body); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
		}
		if !edit(&state) {
			return nil
		}
		if body, err = json.Marshal(state); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		if replaced, err := all.Replace(ctx, key, etag, body); replaced || err != nil {
			return err
		}
	}
	return fmt.Errorf("%s: changed by others %d times in a row", key, mostTries)
}
