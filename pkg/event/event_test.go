// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package event

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cloudfront503/pkg/incident"
)

var update = flag.Bool("update", false, "write the golden files anew")

// reading is what the golden files hold.
type reading struct {
	Triggers []incident.Trigger `json:"triggers,omitempty"`
	Ignored  string             `json:"ignored,omitempty"`
	Error    string             `json:"error,omitempty"`
}

func readAll(raw []byte) reading {
	triggers, err := ParseAll(raw)
	got := reading{Triggers: triggers}
	var ignored *Ignored
	switch {
	case errors.As(err, &ignored):
		got.Ignored = ignored.Reason
	case err != nil:
		got.Error = err.Error()
	}
	return got
}

func TestEveryEventOfTheRepositoryIsReadAsItsGoldenSays(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) < 40 {
		t.Fatalf("found %d events: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			raw := must(os.ReadFile(file))(t)
			got := must(json.MarshalIndent(readAll(raw), "", "  "))(t)
			golden := strings.TrimSuffix(file, ".json") + ".want"
			if *update {
				must(0, os.WriteFile(golden, append(got, '\n'), 0o600))(t)
			}
			want := must(os.ReadFile(golden))(t)
			if diff := cmp.Diff(strings.TrimSpace(string(want)), string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func parseFile(t *testing.T, name string) incident.Trigger {
	t.Helper()
	trigger, err := Parse(must(os.ReadFile("testdata/" + name + ".json"))(t))
	if err != nil {
		t.Fatal(err)
	}
	return trigger
}

func TestOneAlarmHasOneKeyThroughEveryChannel(t *testing.T) {
	t.Parallel()
	want := "arn:aws:cloudwatch:us-east-1:111122223333:alarm:shop-503@2026-11-24T03:41:51.102Z"
	for name, channel := range map[string]incident.Channel{
		"alarm-direct-metric": incident.ChannelLambda, "alarm-bus-metric": incident.ChannelEventBridge,
		"alarm-topic-metric": incident.ChannelSNS, "alarm-topic-without-arn": incident.ChannelSNS,
		"alarm-topic-queued-raw": incident.ChannelSNS, "failed-invocation": incident.ChannelLambda,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := parseFile(t, name)
			if got.Key != want || got.Channel != channel {
				t.Errorf("key %s through %s, want %s through %s", got.Key, got.Channel, want, channel)
			}
			if diff := cmp.Diff([]string{"E1SHOPEXAMPLE"}, got.Alarm.Distributions); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheBreachBeganAtTheFirstDatapointThatCrossedTheThreshold(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"alarm-direct-metric":     "2026-11-24T03:39:00Z",     // reasonData holds one datapoint more, below the threshold
		"alarm-topic-metric":      "2026-11-24T03:39:00Z",     // only the reason's words tell it
		"alarm-topic-month-first": "2026-11-24T03:40:00Z",     // the month stands first
		"alarm-bus-anomaly":       "2026-11-24T03:40:00Z",     // no threshold, but a start
		"alarm-direct-blanks":     "2026-11-24T03:41:51.102Z", // set by hand: no reason data
		"alarm-bus-ok":            "2026-11-24T04:10:51.102Z",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := parseFile(t, name).Alarm.Since.Format(time.RFC3339Nano); got != want {
				t.Errorf("since %s, want %s", got, want)
			}
		})
	}
}

func TestAlarmsThatMustStartNothingSayWhy(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"alarm-bus-muted":                   "muted by arn:aws:cloudwatch:us-east-1:111122223333:alarm-mute-rule:night-work until 2026-11-24T05:00:00.000+0000",
		"alarm-bus-composite-suppressed":    "actions suppressed by WaitPeriod",
		"alarm-direct-composite-after-wait": "",
		"alarm-topic-after-mute":            "",
		"alarm-bus-metric":                  "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := parseFile(t, name).Alarm.Silenced; got != want {
				t.Errorf("silenced %q, want %q", got, want)
			}
		})
	}
}

func TestAfterAMuteWindowTheNewsIsOfTheWindowsEnd(t *testing.T) {
	t.Parallel()
	got := parseFile(t, "alarm-topic-after-mute")
	if want := time.Date(2026, 11, 24, 5, 0, 2, 0, time.UTC); !got.At.Equal(want) {
		t.Errorf("at %s, want %s", got.At, want)
	}
	if got.Key != parseFile(t, "alarm-bus-muted").Key {
		t.Error("the key must stay that of the alarm's state")
	}
}

func TestWhatCannotBeParsedIsAnErrorAndNeverIgnored(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"no JSON":                    `hello`,
		"nothing":                    ``,
		"a list":                     `[]`,
		"null":                       `null`,
		"an unknown shape":           `{"AlarmHistoryItems":[]}`,
		"no records":                 `{"Records":[]}`,
		"a record of no service":     `{"Records":[{"eventSource":"aws:s3"}]}`,
		"words on a queue":           `{"Records":[{"eventSource":"aws:sqs","body":"approve x"}]}`,
		"an unknown request":         `{"cloudfront503":"destroy"}`,
		"a resume of nothing":        `{"cloudfront503":"resume","distribution":"E1SHOPEXAMPLE"}`,
		"a way back of nothing":      `{"cloudfront503":"take-back","distribution":"E1SHOPEXAMPLE"}`,
		"a resume out of its folder": `{"cloudfront503":"resume","distribution":"../../other","id":"000001"}`,
		"an alarm in no known state": `{"AlarmName":"a","AlarmArn":"arn:aws:cloudwatch:us-east-1:111122223333:alarm:a","NewStateValue":"BROKEN","StateChangeTime":"2026-11-24T03:41:51.102+0000","Trigger":{}}`,
		"an alarm without a time":    `{"AlarmName":"a","AlarmArn":"arn:aws:cloudwatch:us-east-1:111122223333:alarm:a","NewStateValue":"ALARM","Trigger":{}}`,
		"an alarm of no time":        `{"AlarmName":"a","AlarmArn":"arn:aws:cloudwatch:us-east-1:111122223333:alarm:a","NewStateValue":"ALARM","StateChangeTime":"soon","Trigger":{}}`,
		"an alarm without ARN":       `{"AlarmName":"a","NewStateValue":"ALARM","StateChangeTime":"2026-11-24T03:41:51.102+0000"}`,
		"a health event of nothing":  `{"source":"aws.health","detail-type":"AWS Health Event","detail":{}}`,
		"a broken detail":            `{"source":"aws.ssm","detail-type":"EC2 Automation Step Status-change Notification","detail":"x"}`,
		"a change without an id":     `{"source":"aws.cloudfront","detail-type":"AWS API Call via CloudTrail","detail":{"eventSource":"cloudfront.amazonaws.com","eventName":"UpdateDistribution"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse([]byte(raw))
			var ignored *Ignored
			if err == nil || errors.As(err, &ignored) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestEnvelopesWithinEnvelopesEndSomewhere(t *testing.T) {
	t.Parallel()
	raw := `{"cloudfront503":"sweep"}`
	for range maxDepth + 2 {
		raw = `{"requestContext":{},"requestPayload":` + raw + `}`
	}
	if _, err := Parse([]byte(raw)); err == nil || !strings.Contains(err.Error(), "envelopes") {
		t.Errorf("got %v", err)
	}
}

func TestOfSeveralRecordsTheGoodAreReadAndTheBadAreNamed(t *testing.T) {
	t.Parallel()
	const good = `{"EventSource":"aws:sns","Sns":{"Type":"Notification","MessageId":"1","TopicArn":"arn:aws:sns:us-east-1:111122223333:replies-alice","Message":"approve x"}}`
	const ignored = `{"EventSource":"aws:sns","Sns":{"Type":"SubscriptionConfirmation","MessageId":"2","TopicArn":"arn:aws:sns:us-east-1:111122223333:t"}}`
	const bad = `{"eventSource":"aws:sqs","body":"?"}`

	t.Run("an ignored record beside a bad one does not hide it", func(t *testing.T) {
		t.Parallel()
		triggers, err := ParseAll([]byte(`{"Records":[` + strings.Join([]string{good, ignored, bad}, ",") + `]}`))
		var skip *Ignored
		if len(triggers) != 1 || err == nil || errors.As(err, &skip) {
			t.Errorf("%d triggers, %v", len(triggers), err)
		}
	})
	t.Run("an ignored record beside a good one is said", func(t *testing.T) {
		t.Parallel()
		triggers, err := ParseAll([]byte(`{"Records":[` + good + "," + ignored + `]}`))
		var skip *Ignored
		if len(triggers) != 1 || !errors.As(err, &skip) {
			t.Errorf("%d triggers, %v", len(triggers), err)
		}
	})
	t.Run("two good ones are more than Parse takes", func(t *testing.T) {
		t.Parallel()
		_, err := Parse([]byte(`{"Records":[` + good + "," + good + `]}`))
		var skip *Ignored
		if err == nil || errors.As(err, &skip) {
			t.Errorf("got %v", err)
		}
	})
}

func TestAPublisherCannotSpeakAsTheSweep(t *testing.T) {
	t.Parallel()
	raw := `{"Records":[{"EventSource":"aws:sns","Sns":{"Type":"Notification","MessageId":"1","TopicArn":"arn:aws:sns:us-east-1:111122223333:t","Message":"{\"cloudfront503\":\"open\",\"distribution\":\"E1SHOPEXAMPLE\"}"}}]}`
	trigger, err := Parse([]byte(raw))
	if err != nil || trigger.Kind != incident.KindReply {
		t.Errorf("%v, %v", trigger.Kind, err)
	}
}

func TestAPublisherCannotSpeakThroughAnothersTopic(t *testing.T) {
	t.Parallel()
	const own, other = "arn:aws:sns:us-east-1:111122223333:reply-2", "arn:aws:sns:us-east-1:111122223333:reply-1"
	envelope := func(topic, message string) string {
		return fmt.Sprintf(`{"Type":"Notification","MessageId":"1","TopicArn":%q,"Message":%q,"Timestamp":"2026-11-24T03:41:51.000Z"}`, topic, message)
	}
	delivery := func(message string) string {
		return `{"Records":[{"EventSource":"aws:sns","Sns":` + envelope(own, message) + `}]}`
	}
	for name, message := range map[string]string{
		"an envelope":        envelope(other, "approve x"),
		"a delivery":         `{"Records":[{"EventSource":"aws:sns","Sns":` + envelope(other, "approve x") + `}]}`,
		"a failed delivery":  `{"requestContext":{},"requestPayload":` + envelope(other, "approve x") + `}`,
		"a queue's delivery": fmt.Sprintf(`{"Records":[{"eventSource":"aws:sqs","body":%q}]}`, envelope(other, "approve x")),
	} {
		trigger, err := Parse([]byte(delivery(message)))
		if err != nil || trigger.Kind != incident.KindReply || trigger.Reply.TopicARN != own || trigger.Reply.Text != message {
			t.Errorf("%s: %+v, %v", name, trigger.Reply, err)
		}
	}
}

func TestAnOpenRequestMayNameTheIncidentThatGivesWay(t *testing.T) {
	t.Parallel()
	trigger, err := Parse([]byte(`{"cloudfront503":"open","distribution":"E1SHOPEXAMPLE","id":"000007"}`))
	if err != nil || trigger.Kind != incident.KindOpen || trigger.Resume.ID != "000007" || trigger.Key != "open-after:E1SHOPEXAMPLE/000007" {
		t.Errorf("%+v, %v", trigger, err)
	}
	for _, id := range []string{"7", "../../x", "00000a"} {
		if _, err := Parse([]byte(`{"cloudfront503":"open","distribution":"E1SHOPEXAMPLE","id":"` + id + `"}`)); err == nil {
			t.Errorf("%q was taken for an incident", id)
		}
	}
}

func TestReasonsNeverHoldTheEventsValues(t *testing.T) {
	t.Parallel()
	_, err := Parse([]byte(`{"password":"hunter2","` + strings.Repeat("x", 5000) + `":1}`))
	if err == nil || strings.Contains(err.Error(), "hunter2") || len(err.Error()) > 400 {
		t.Errorf("got %v", err)
	}
}

func TestTheChildrenOfARuleAreItsNamesAndARNs(t *testing.T) {
	t.Parallel()
	for rule, want := range map[string][]string{
		``:                                       nil,
		`TRUE`:                                   nil,
		`ALARM(a)`:                               {"a"},
		`ALARM(a) OR (OK(b) AND NOT ALARM( c))`:  {"a", "b", "c"},
		`ALARM("two words") OR ALARM("a \"b\"")`: {"two words", `a "b"`},
		`ALARM(OK) AND INSUFFICIENT_DATA(AND)`:   {"OK", "AND"},
		`AT_LEAST(2, ALARM, (a, "b)c", a)) or alarm(d)`:     {"a", "b)c", "d"},
		`AT_LEAST(50%, NOT OK, (a, b))`:                     {"a", "b"},
		`ALARM(arn:aws:cloudwatch:eu-west-1:1:alarm:x-y_z)`: {"arn:aws:cloudwatch:eu-west-1:1:alarm:x-y_z"},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(want, ruleChildren(rule)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEveryWayOfWritingATimeIsRead(t *testing.T) {
	t.Parallel()
	want := time.Date(2026, 11, 24, 3, 41, 51, 0, time.UTC)
	for _, text := range []string{
		"2026-11-24T03:41:51.000+0000", "2026-11-24T03: 41: 51.000+0000", "2026-11-24T03:41:51Z", "2026-11-24T05:41:51+02:00",
		"Tue, 24 Nov 2026 03:41:51 GMT", "Nov 24, 2026 3:41:51 AM", "Nov 24, 2026 3:41:51\u202fAM", "Nov 24, 2026, 3:41:51\u202fAM",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			got, err := parseMoment(text)
			if err != nil || !got.Equal(want) {
				t.Errorf("%s, %v", got, err)
			}
		})
	}
}

func TestTheLatestUpdateOfEachHealthEventCounts(t *testing.T) {
	t.Parallel()
	update := func(arn, status, at string) []byte {
		return []byte(`{"source":"aws.health","detail-type":"AWS Health Event","time":"` + at + `","detail":{"eventArn":"` + arn + `","service":"CLOUDFRONT",
			"eventTypeCode":"AWS_CLOUDFRONT_OPERATIONAL_ISSUE","eventTypeCategory":"issue","statusCode":"` + status + `","lastUpdatedTime":"` + at + `"}}`)
	}
	events, err := LatestHealth(map[string][]byte{
		"1": update("arn:a", "closed", "2026-11-24T05:00:00Z"), "2": update("arn:a", "open", "2026-11-24T04:00:00Z"), "3": update("arn:b", "open", "2026-11-24T04:00:00Z"),
		"4": []byte(`no event`),
	})
	if err == nil || !strings.Contains(err.Error(), "health event 4") {
		t.Errorf("the damaged delivery: %v", err)
	}
	if len(events) != 2 || events[0].ARN != "arn:a" || events[0].Status != "closed" || events[1].Status != "open" {
		t.Errorf("%+v", events)
	}
}
