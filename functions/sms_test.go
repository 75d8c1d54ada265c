// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package functions

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"cloudfront503/pkg/emulator/rehearsal"
)

// texting lets a stack take text messages. At the test's end no code and no number may stand where people read.
func texting(o *rehearsal.Options) { maps.Copy(o.Parameters, rehearsal.Texting()) }

// askedByText is a scenario up to where people have been asked, by mail and by text message.
func askedByText(t *testing.T, overrides ...func(*rehearsal.Options)) (r *rehearsal.Rehearsal, broken map[string]any) {
	t.Helper()
	r, broken = asked(t, append(overrides, texting)...)
	t.Cleanup(func() { hidden(t, r) })
	return r, broken
}

// hidden fails the test where a code or a whole number stands in a log, a mail, or any object that is kept. A code may stand
// in a text message alone.
func hidden(t *testing.T, r *rehearsal.Rehearsal) {
	t.Helper()
	r.World.Settle()
	places := map[string]string{}
	for _, name := range r.Lambda.Functions() {
		places["the log of "+name] = r.Lambda.Logs(name)
	}
	for i, mail := range r.SNS.Mailbox("") {
		if mail.Protocol != "sms" {
			places[fmt.Sprintf("mail %d to %s", i+1, mail.Endpoint)] = mail.Subject + "\n" + mail.Body
		}
	}
	for _, key := range r.S3.Keys(r.Bucket, "incidents/") {
		body, _ := r.S3.Get(r.Bucket, key)
		places[key] = key + string(body)
	}
	for _, phone := range []string{rehearsal.AlicePhone, rehearsal.BobPhone} {
		approve, reject := r.Codes(phone)
		for _, secret := range []string{phone, approve, reject, strings.ReplaceAll(approve, "-", ""), strings.ReplaceAll(reject, "-", "")} {
			for place, text := range places {
				if secret == "" || strings.Contains(text, secret) {
					t.Errorf("the number of %s or a code stands in %s", phone, place)
				}
			}
		}
	}
}

// texts sends a text message.
func texts(t *testing.T, r *rehearsal.Rehearsal, phone, body string) {
	t.Helper()
	if err := r.Text(phone, body); err != nil {
		t.Fatal(err)
	}
}

// counts compares the answers in the incident's record.
func counts(t *testing.T, r *rehearsal.Rehearsal, decisions, refused int) {
	t.Helper()
	if d, n := recorded(r, "decision"), recorded(r, "refused"); d != decisions || n != refused {
		t.Errorf("%d decisions and %d refused, want %d and %d", d, n, decisions, refused)
	}
}

func TestAnApprovalByTextMessage(t *testing.T) {
	t.Parallel()
	r, _ := askedByText(t)
	approve, reject := r.Codes(rehearsal.AlicePhone)
	if len(approve) != 11 || len(reject) != 11 || approve == reject {
		t.Fatalf("codes %q and %q", approve, reject)
	}
	for _, mail := range r.SNS.Mailbox("") {
		if mail.Protocol == "sms" && (mail.From != rehearsal.OwnNumber || !strings.Contains(mail.Body, rehearsal.Distribution) || !strings.Contains(mail.Body, "error-page-503") || !strings.Contains(mail.Body, "Until ")) {
			t.Errorf("from %q: %s", mail.From, mail.Body)
		}
	}
	texts(t, r, rehearsal.AlicePhone, strings.ToLower(approve))
	untilClosed(t, r, "changed")
	counts(t, r, 1, 0)
	for _, step := range r.Steps() {
		if step.Kind == "decision" && (!strings.Contains(string(step.Detail), `"channel":"sms"`) || !strings.Contains(string(step.Detail), "a text from +*********41, the number of alice")) {
			t.Errorf("decision %s", step.Detail)
		}
	}
	if writes(r) != 1 {
		t.Errorf("%d writes", writes(r))
	}
}

func TestARejectByTextMessage(t *testing.T) {
	t.Parallel()
	r, broken := askedByText(t)
	_, reject := r.Codes(rehearsal.BobPhone)
	approve, _ := r.Codes(rehearsal.AlicePhone)
	texts(t, r, rehearsal.BobPhone, "Reject "+reject+" not during the sale")
	texts(t, r, rehearsal.AlicePhone, approve)
	untilClosed(t, r, "rejected")
	if why := r.Incident().Outcome.Why; why != "bob: not during the sale" {
		t.Errorf("ended because of %q", why)
	}
	unwritten(t, r, broken)
}

func TestFiveWrongCodesVoidANumbersCodes(t *testing.T) {
	t.Parallel()
	r, broken := askedByText(t)
	approve, _ := r.Codes(rehearsal.AlicePhone)
	for range 5 {
		texts(t, r, rehearsal.AlicePhone, "AAA-AAA-AAA")
	}
	texts(t, r, rehearsal.AlicePhone, approve)
	counts(t, r, 0, 6)
	r.World.Clock.Advance(5 * time.Minute)
	unwritten(t, r, broken)
	void := map[string]int{}
	for _, mail := range r.SNS.Mailbox("") {
		if strings.Contains(mail.Subject, "codes of alice are void") {
			void[mail.Endpoint]++
		}
	}
	if void["alice@example.com"] != 1 || void["on-call@example.com"] != 1 || len(void) != 2 {
		t.Errorf("told %v", void)
	}
	approves(t, r, "alice")
	untilClosed(t, r, "changed")
}

func TestTextMessagesThatDoNotCount(t *testing.T) {
	t.Parallel()
	r, broken := askedByText(t)
	approve, reject := r.Codes(rehearsal.AlicePhone)
	for _, test := range []struct {
		name, phone, body string
		refused           int // in the incident's record
	}{
		{"a right code from another's number", rehearsal.BobPhone, approve, 1},
		{"a right code from nobody's number", "+12065550199", approve, 1},
		{"the other verb's code", rehearsal.AlicePhone, "approve " + reject, 2},
		{"no code", rehearsal.AlicePhone, "\u0663\u0663\u0663 yes \x00", 2},
		{"nothing", rehearsal.AlicePhone, "", 2},
		{"too much", rehearsal.AlicePhone, strings.Repeat("no! ", 400), 2},
	} {
		texts(t, r, test.phone, test.body)
		if n := recorded(r, "refused"); n != test.refused {
			t.Errorf("%s: %d refused in the record, want %d", test.name, n, test.refused)
		}
	}
	if recorded(r, "decision") != 0 {
		t.Error("a decision was recorded")
	}
	unwritten(t, r, broken)
	told(t, r, "alice", 1, "send the code alone")
	told(t, r, "bob", 1, "wrong code 1 of 5")
	told(t, r, "on-call", 1, "the number +*********99, which belongs to no approver,")
	if lost := r.SNS.Lost(); len(lost) > 0 {
		t.Errorf("lost: %v", lost)
	}
}

func TestTheSameTextMessageTwiceCountsOnce(t *testing.T) {
	t.Parallel()
	r, _ := askedByText(t, with("Quorum", "2"))
	approve, _ := r.Codes(rehearsal.AlicePhone)
	for range 3 { // as other SNS messages
		if err := r.TextAgain("cae173d2-66b9-564c-8309-21f858e9fb84", rehearsal.AlicePhone, approve); err != nil {
			t.Fatal(err)
		}
	}
	counts(t, r, 1, 0)
	texts(t, r, rehearsal.AlicePhone, approve) // another message: the code is used
	counts(t, r, 1, 1)
	if writes(r) != 0 {
		t.Errorf("%d writes", writes(r))
	}
	approves(t, r, "alice") // a ticket and a code of one person are one approval
	r.World.Clock.Advance(5 * time.Minute)
	if writes(r) != 0 {
		t.Errorf("%d writes", writes(r))
	}
	approves(t, r, "bob")
	untilClosed(t, r, "changed")
}

func TestATicketAndATextMessageAreAQuorumOfTwo(t *testing.T) {
	t.Parallel()
	r, broken := askedByText(t, with("Quorum", "2"))
	approves(t, r, "bob")
	r.World.Clock.Advance(5 * time.Minute)
	unwritten(t, r, broken)
	approve, _ := r.Codes(rehearsal.AlicePhone)
	texts(t, r, rehearsal.AlicePhone, approve)
	untilClosed(t, r, "changed")
	counts(t, r, 2, 0)
}

func TestACodeOfAnEarlierIncidentIsAWrongOne(t *testing.T) {
	t.Parallel()
	r, _ := askedByText(t)
	earlier, _ := r.Codes(rehearsal.AlicePhone)
	rejects(t, r, "bob", "")
	untilClosed(t, r, "rejected")
	texts(t, r, rehearsal.AlicePhone, earlier)
	counts(t, r, 1, 0)
	told(t, r, "alice", 1, "nothing that is open was asked of this number")
	repair(t, r)
	r.World.Clock.Advance(20 * time.Minute)
	breaks(t, r)
	until(t, r, 30*time.Minute, "people are asked again", func() bool { return r.Incident().Episode == 2 && r.Has("asked") })
	texts(t, r, rehearsal.AlicePhone, earlier)
	counts(t, r, 0, 1)
	approve, _ := r.Codes(rehearsal.AlicePhone)
	texts(t, r, rehearsal.AlicePhone, approve)
	untilClosed(t, r, "changed")
}

func TestACodeThatExpiredOrMovedIsRefused(t *testing.T) {
	t.Run("expired", func(t *testing.T) {
		t.Parallel()
		r, broken := askedByText(t)
		approve, _ := r.Codes(rehearsal.AlicePhone)
		untilClosed(t, r, "silent")
		texts(t, r, rehearsal.AlicePhone, approve)
		r.World.Clock.Advance(5 * time.Minute)
		counts(t, r, 0, 0)
		unwritten(t, r, broken)
	})
	t.Run("moved", func(t *testing.T) {
		t.Parallel()
		r, want := askedByText(t)
		approve, _ := r.Codes(rehearsal.AlicePhone)
		deploy(t, r)
		want["Comment"] = "the shop, by night"
		texts(t, r, rehearsal.AlicePhone, approve)
		told(t, r, "alice", 1, "the tickets are void")
		untilClosed(t, r, "void")
		unwritten(t, r, want)
	})
}

func TestNobodyButTheServicePublishesTextMessages(t *testing.T) {
	t.Parallel()
	r, broken := askedByText(t)
	approve, _ := r.Codes(rehearsal.AlicePhone)
	message := fmt.Sprintf(`{"originationNumber":%q,"destinationNumber":%q,"messageBody":%q,"inboundMessageId":"in-1"}`, rehearsal.AlicePhone, rehearsal.OwnNumber, approve)
	for name, config := range map[string]aws.Config{"bob": as(t, r, "bob"), "eve, who may do everything,": eve(t, r)} {
		_, err := sns.NewFromConfig(config).Publish(t.Context(), &sns.PublishInput{TopicArn: aws.String(topics + "-texts"), Message: &message})
		if err == nil || !strings.Contains(err.Error(), "AuthorizationError") {
			t.Errorf("%s publishes: %v", name, err)
		}
	}
	const there = "arn:aws:sms-voice:us-east-1:444455556666:phone-number/phone-1"
	for service, source := range map[string]string{"sms-voice.amazonaws.com": there, "events.amazonaws.com": "arn:aws:events:us-east-1:" + account + ":rule/x"} {
		if err := r.SNS.PublishAs(service, source, topics+"-texts", "", message); err == nil {
			t.Errorf("%s publishes for %s", service, source)
		}
	}
	// Through one's own topic, as what the SMS topic would have delivered.
	envelope, err := json.Marshal(map[string]string{"Type": "Notification", "MessageId": "m", "TopicArn": topics + "-texts", "Message": message})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{message, string(envelope)} {
		reply(t, r, "bob", text)
	}
	r.World.Clock.Advance(5 * time.Minute)
	counts(t, r, 0, 0)
	unwritten(t, r, broken)
}

func TestAStackThatTakesNoTextsHasNothingForThem(t *testing.T) {
	t.Parallel()
	r, broken := asked(t, texting, with("SmsReplies", "no"))
	if approve, _ := r.Codes(rehearsal.AlicePhone); approve != "" || recorded(r, "coded") != 0 {
		t.Error("codes are made")
	}
	for name := range r.Stack.Resources {
		if strings.HasPrefix(name, "Text") {
			t.Errorf("there is a %s", name)
		}
	}
	if err := r.Text(rehearsal.AlicePhone, "AAA-AAA-AAA"); err == nil || !strings.Contains(err.Error(), "NotFound") {
		t.Errorf("a text comes in: %v", err)
	}
	deliversText(t, r, rehearsal.AlicePhone, "AAA-AAA-AAA")
	told(t, r, "on-call", 1, "belongs to no approver")
	counts(t, r, 0, 0)
	unwritten(t, r, broken)
	approves(t, r, "alice")
	untilClosed(t, r, "changed")
}

// deliversText invokes approve as SNS does, with what the topic for texts would deliver if it were there.
func deliversText(t *testing.T, r *rehearsal.Rehearsal, phone, body string) {
	t.Helper()
	message := fmt.Sprintf(`{"originationNumber":%q,"destinationNumber":%q,"messageBody":%q,"inboundMessageId":"in-1"}`, phone, rehearsal.OwnNumber, body)
	event, err := json.Marshal(map[string]any{"Records": []any{map[string]any{"EventSource": "aws:sns", "Sns": map[string]any{
		"Type": "Notification", "MessageId": "5c6b2a3e-0000-4000-8000-000000000002", "TopicArn": topics + "-texts",
		"Message": message, "Timestamp": r.World.Clock.Now().Format("2006-01-02T15:04:05.000Z"),
	}}}})
	if err != nil {
		t.Fatal(err)
	}
	result, err := r.Lambda.Invoke(context.Background(), functionARN(rehearsal.StackName+"-approve"), event)
	if err != nil || result.FunctionError != "" {
		t.Errorf("%s, %v", result.Payload, err)
	}
	r.World.Settle()
}

// What is kept of codes is their MACs and a masked number; approve's unit tests say that it proves nothing.
func TestOfCodesOnlyMACsAreKept(t *testing.T) {
	t.Parallel()
	r, _ := askedByText(t)
	for _, step := range r.Steps() {
		if step.Kind != "coded" {
			continue
		}
		var kept map[string]any
		if err := json.Unmarshal(step.Detail, &kept); err != nil || len(kept) != 4 || kept["number"] != "+*********41" && kept["number"] != "+*********72" {
			t.Errorf("kept %s, %v", step.Detail, err)
		}
	}
	if recorded(r, "coded") != 2 {
		t.Errorf("%d people have codes", recorded(r, "coded"))
	}
}
