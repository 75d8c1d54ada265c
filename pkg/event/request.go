// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package event

import (
	"encoding/json"
	"fmt"
	"time"

	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/pattern"
)

// request is what our own parts ask of a function by invoking it.
//
//	{"cloudfront503":"sweep"}
//	{"cloudfront503":"resume","distribution":"E1EXAMPLE","id":"000007"}
//	{"cloudfront503":"take-back","distribution":"E1EXAMPLE","id":"000007"}
//	{"cloudfront503":"open","distribution":"E1EXAMPLE","at":"2026-11-24T03:41:51Z","by":"arn:aws:iam::111122223333:user/ana"}
//	{"cloudfront503":"open","distribution":"E1EXAMPLE","id":"000007"}
//	{"cloudfront503":"restore","distribution":"E1EXAMPLE","snapshot":"snapshots/E1EXAMPLE/20261124T034151Z-E2ABC.json","version":"…","only":["DefaultRootObject"],"at":"…","by":"…"}
//
// An open request with an id asks for a new incident in the place of that one, which is still under way: another cause has
// come to light, and what can be done about it is planned anew.
//
// by is who asked, who then may not approve; at is when the person asked; it makes a repeated invocation of one wish the same wish.
type request struct {
	Verb         string `json:"cloudfront503"`
	Distribution string
	ID           string
	At           moment
	By           string
	Snapshot     string
	Version      string
	Only         []string
}

var incidentID = pattern.Lazily(`^[0-9]{6,12}$`)

// principal is what sts:GetCallerIdentity calls a person: a user, or a role's session.
var principal = pattern.Lazily(`^arn:aws[a-z-]*:(iam|sts)::[0-9]{12}:(user|assumed-role)/[\w+=,.@/-]+$`)

var requests = map[string]func(request) (incident.Trigger, error){
	"sweep":     request.sweep,
	"resume":    request.resume,
	"take-back": request.takeBack,
	"open":      request.open,
	"restore":   request.restore,
}

func readRequest(raw []byte, d delivery) (incident.Trigger, error) {
	var r request
	if err := json.Unmarshal(raw, &r); err != nil {
		return incident.Trigger{}, fmt.Errorf("request: %w", err)
	}
	understand, known := requests[r.Verb]
	if !known {
		return incident.Trigger{}, fmt.Errorf("request: unknown verb %q", clip(r.Verb, 40))
	}
	trigger, err := understand(r)
	trigger.Channel = d.channel
	return trigger, err
}

func (r request) sweep() (incident.Trigger, error) {
	return incident.Trigger{Kind: incident.KindSweep, Key: scheduleKey(r.At.Time), At: r.At.Time}, nil
}

func (r request) resume() (incident.Trigger, error) { return r.about(incident.KindResume) }

func (r request) takeBack() (incident.Trigger, error) { return r.about(incident.KindTakeBack) }

// about is a request about one incident, which it must name.
func (r request) about(kind incident.Kind) (incident.Trigger, error) {
	if !distributionID().MatchString(r.Distribution) || !incidentID().MatchString(r.ID) {
		return incident.Trigger{}, fmt.Errorf("request %s: no incident %q/%q", r.Verb, clip(r.Distribution, 40), clip(r.ID, 40))
	}
	reference := incident.Reference{Distribution: r.Distribution, ID: r.ID}
	return incident.Trigger{Kind: kind, Key: r.Verb + ":" + reference.String(), At: r.At.Time, Resume: &reference}, nil
}

func (r request) open() (incident.Trigger, error) {
	if !distributionID().MatchString(r.Distribution) {
		return incident.Trigger{}, fmt.Errorf("request open: no distribution %q", clip(r.Distribution, 40))
	}
	if r.By != "" && !principal().MatchString(r.By) {
		return incident.Trigger{}, fmt.Errorf("request open: %q is no user and no session", clip(r.By, 80))
	}
	trigger := incident.Trigger{Kind: incident.KindOpen, At: r.At.Time, By: r.By, Resume: &incident.Reference{Distribution: r.Distribution, ID: r.ID}}
	if r.ID != "" && !incidentID().MatchString(r.ID) {
		return incident.Trigger{}, fmt.Errorf("request open: no incident %q/%q", r.Distribution, clip(r.ID, 40))
	}
	if r.ID != "" {
		trigger.Key = "open-after:" + trigger.Resume.String()
	} else if !r.At.IsZero() {
		trigger.Key = "open:" + r.Distribution + "@" + r.At.UTC().Format(time.RFC3339Nano)
	}
	return trigger, nil
}

// readSchedule reads a schedule rule's event: "source":"aws.events", "detail-type":"Scheduled Event".
func readSchedule(e busEvent, d delivery) (incident.Trigger, error) {
	return incident.Trigger{
		Kind: incident.KindSweep, Channel: d.channel, Key: scheduleKey(e.Time.Time), At: e.Time.Time,
		Account: e.Account, Region: e.Region,
	}, nil
}

func scheduleKey(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return "sweep@" + at.UTC().Format(time.RFC3339Nano)
}
