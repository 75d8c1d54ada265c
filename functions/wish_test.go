// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package functions

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"cloudfront503/pkg/emulator/rehearsal"
)

// answered is what respond says to a wish.
type answered struct {
	Incident  struct{ Distribution, ID string }
	Refused   string
	Does      string
	Changes   []struct{ Path, From, To string }
	Left      []string
	Approvers []string
	Required  int
	Until     time.Time
	Runbook   string
}

// wishes asks respond to restore a snapshot as cf503 does, with some members of the request replaced.
func wishes(t *testing.T, r *rehearsal.Rehearsal, by, key string, change map[string]any) answered {
	t.Helper()
	r.World.Settle() // whoever asks while verify looks at what the runbook has begun is told to wait
	var snapshot struct{ VersionID string }
	if body, there := r.S3.Get(r.Bucket, key); there {
		if err := json.Unmarshal(body, &snapshot); err != nil {
			t.Fatal(err)
		}
	}
	request := map[string]any{
		"cloudfront503": "restore", "distribution": rehearsal.Distribution, "snapshot": key, "version": or(snapshot.VersionID, "none"),
		"at": r.World.Clock.Now().UTC().Format(time.RFC3339Nano), "by": rehearsal.UserARN(by),
	}
	maps.Copy(request, change)
	payload, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	out, err := lambda.NewFromConfig(operator(r)).Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String(respond), Payload: payload})
	if err != nil {
		t.Fatal(err)
	}
	var answer answered
	if out.FunctionError != nil || json.Unmarshal(out.Payload, &answer) != nil {
		t.Fatalf("respond answers %s", out.Payload)
	}
	return answer
}

func or(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

const knownGood = "snapshots/" + rehearsal.Distribution + "/known-good.json"

// drifted is a healthy distribution that somebody has changed: its configuration before and after.
func drifted(t *testing.T, overrides ...func(*rehearsal.Options)) (r *rehearsal.Rehearsal, before, after map[string]any) {
	t.Helper()
	r = start(t, "error-page-503", overrides...)
	before = live(t, r)
	byHand(t, r, func(config map[string]any) {
		config["Comment"], config["DefaultRootObject"], config["PriceClass"] = "the shop, by night", "night.html", "PriceClass_100"
	})
	r.World.Clock.Advance(2 * time.Minute)
	return r, before, live(t, r)
}

func TestAPersonsWishGoesThroughTheSameGate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		only []string
		back []string // members that are as before afterwards
	}{
		"whatever differs and may go back": {nil, []string{"Comment", "DefaultRootObject"}},
		"only what is named":               {[]string{"DefaultRootObject"}, []string{"DefaultRootObject"}},
		"what is left out unless named":    {[]string{"PriceClass", "Comment"}, []string{"PriceClass", "Comment"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, before, want := drifted(t)
			answer := wishes(t, r, "alice", knownGood, map[string]any{"only": c.only})
			if answer.Refused != "" || len(answer.Changes) != len(c.back) || strings.Join(answer.Approvers, " ") != "bob" || answer.Required != 1 || answer.Runbook == "" {
				t.Fatalf("%+v", answer)
			}
			if ticket, _ := r.Tickets("alice"); ticket != "" {
				t.Error("alice has a ticket for what she asked for")
			}
			unwritten(t, r, want)
			r.World.Clock.Advance(16 * time.Minute) // later looks find no cause, and the plan rests on none
			approves(t, r, "bob")
			untilClosed(t, r, "changed")
			for _, member := range c.back {
				want[member] = before[member]
			}
			stands(t, r, want, 1)
			undoes(t, r, "bob")
			until(t, r, 10*time.Minute, "it is taken back", func() bool { return r.Has("undone") })
		})
	}
}

func TestAWishIsRefusedBeforeAnythingIsOpened(t *testing.T) {
	t.Parallel()
	r, _, after := drifted(t)
	baseline := ""
	for _, key := range r.S3.Keys(r.Bucket, "snapshots/"+rehearsal.Distribution+"/2") {
		if strings.HasSuffix(key, ".json") && !strings.HasSuffix(key, ".config.json") {
			baseline = key // the latest
		}
	}
	for name, c := range map[string]struct {
		key    string
		change map[string]any
		want   string
	}{
		"another distribution": {"snapshots/E9OTHEREXAMPLE/known-good.json", map[string]any{"distribution": "E9OTHEREXAMPLE"}, "not among those that this stack watches"},
		"no such snapshot":     {"incidents/" + rehearsal.Distribution + "/000009/snapshot.json", nil, "There is no snapshot"},
		"another version":      {knownGood, map[string]any{"version": "other"}, "holds another configuration by now"},
		"what is live already": {baseline, nil, "nothing differs"},
		"a misspelt field":     {knownGood, map[string]any{"only": []string{"Coment"}}, "Nothing differs at Coment."},
		"what never goes back": {knownGood, map[string]any{"only": []string{"Enabled"}}, "No remedy puts Enabled back."},
	} {
		if answer := wishes(t, r, "alice", c.key, c.change); !strings.Contains(answer.Refused, c.want) || answer.Incident.ID != "" {
			t.Errorf("%s: %+v", name, answer)
		}
	}
	if r.Incident().Episode != 0 {
		t.Error("a refused wish has opened an incident")
	}
	unwritten(t, r, after)
}

func TestGuardsRefuseAWishAsTheyRefuseAnyPlan(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		name, value, want string
	}{
		"the stop switch":       {"Stop", "yes", "The stop switch is on"},
		"a tag that is missing": {"OptInTag", "cloudfront503=change", "does not bear the tag"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, _, after := drifted(t, func(o *rehearsal.Options) { o.Parameters[c.name] = c.value })
			if answer := wishes(t, r, "alice", knownGood, nil); !strings.Contains(answer.Refused, c.want) || answer.Runbook != "" {
				t.Errorf("%+v", answer)
			}
			unwritten(t, r, after)
		})
	}
}

func TestAWishWaitsForWhatPeopleDecideOnAndIsGrantedOnce(t *testing.T) {
	t.Parallel()
	r, broken := asked(t)
	if answer := wishes(t, r, "alice", knownGood, nil); !strings.Contains(answer.Refused, "is open with another plan") || answer.Incident.ID != "000001" {
		t.Errorf("%+v", answer)
	}
	_, ticket := r.Tickets("alice")
	reply(t, r, "alice", "reject "+ticket+" not this way")
	untilClosed(t, r, "rejected")
	same := map[string]any{"at": r.World.Clock.Now().UTC().Format(time.RFC3339Nano)}
	first := wishes(t, r, "alice", knownGood, same)
	if first.Refused != "" || first.Incident.ID != "000002" || strings.Join(first.Approvers, " ") != "bob" {
		t.Fatalf("%+v", first)
	}
	if again := wishes(t, r, "alice", knownGood, same); again.Incident != first.Incident || again.Runbook != first.Runbook || recorded(r, "started") != 1 {
		t.Errorf("asked once more: %+v", again)
	}
	unwritten(t, r, broken)
	approves(t, r, "bob")
	untilClosed(t, r, "changed")
}

// What is watched after a change gives way to a person's wish, but not within the hour; a refused wish ends no watch.
func TestAWatchedIncidentGivesWayToAWish(t *testing.T) {
	t.Parallel()
	r := untilWatched(t)
	byHand(t, r, func(config map[string]any) { config["Comment"] = "the shop, by night" })
	if answer := wishes(t, r, "alice", knownGood, nil); !strings.Contains(answer.Refused, "never does so twice within an hour") {
		t.Errorf("%+v", answer)
	}
	if incident := r.Incident(); incident.Episode != 1 || incident.State != "watching" {
		t.Errorf("after a refused wish: %+v", incident)
	}
	pass(r, 1)
	before := "incidents/" + rehearsal.Distribution + "/000001/snapshot.json" // what was changed since has served well, and is known good
	answer := wishes(t, r, "alice", before, map[string]any{"only": []string{"Comment"}})
	if answer.Refused != "" || answer.Incident.ID != "000002" {
		t.Fatalf("%+v", answer)
	}
	want := live(t, r)
	want["Comment"] = "the shop"
	approves(t, r, "bob")
	untilClosed(t, r, "changed")
	stands(t, r, want, 2)
	closed := ""
	for _, key := range r.S3.Keys(r.Bucket, "incidents/"+rehearsal.Distribution+"/000001/steps/respond/") {
		if body, _ := r.S3.Get(r.Bucket, key); strings.Contains(string(body), `"kind":"closed"`) {
			closed = string(body)
		}
	}
	if !strings.Contains(closed, "in incident "+rehearsal.Distribution+"/000002") || !strings.Contains(closed, `"result":"changed"`) {
		t.Errorf("the first incident's record ends with %s", closed)
	}
}
