// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package functions

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/rehearsal"
)

// bobLater puts bob into the second circle.
func bobLater(o *rehearsal.Options) {
	o.Parameters["Approver2"] = "bob|" + rehearsal.UserARN("bob") + "|email|bob@example.com|2"
}

func TestTheNextCircleIsAskedWhenTheFirstStaysSilent(t *testing.T) {
	t.Parallel()
	r, broken := asked(t, bobLater)
	if ticket, _ := r.Tickets("bob"); ticket != "" {
		t.Fatal("bob has a ticket before anybody was silent")
	}
	ticket, _ := r.Tickets("alice")
	reply(t, r, "bob", "approve "+ticket)
	told(t, r, "bob", 1, "asked when those before stay silent")
	unwritten(t, r, broken)
	until(t, r, 59*time.Minute, "the second circle is asked", func() bool { return r.Has("asked-next") })
	if !r.Has("escalated") || len(r.SSM.Executions()) != 1 {
		t.Errorf("escalated %t, %d executions", r.Has("escalated"), len(r.SSM.Executions()))
	}
	approves(t, r, "bob")
	untilClosed(t, r, "changed")
	if writes(r) != 1 || recorded(r, "asked") != 1 {
		t.Errorf("%d writes, asked %d times", writes(r), recorded(r, "asked"))
	}
}

func TestTheFirstCircleMayStillAnswerAfterTheSecondIsAsked(t *testing.T) {
	t.Parallel()
	r, _ := asked(t, bobLater)
	until(t, r, 59*time.Minute, "the second circle is asked", func() bool { return r.Has("asked-next") })
	approves(t, r, "alice")
	untilClosed(t, r, "changed")
}

func TestSilenceOfAllCirclesIsNo(t *testing.T) {
	t.Parallel()
	r, broken := asked(t, bobLater)
	untilClosed(t, r, "silent")
	unwritten(t, r, broken)
	if recorded(r, "asked-next") != 1 || recorded(r, "escalated") != 1 {
		t.Errorf("%d further circles, %d escalations", recorded(r, "asked-next"), recorded(r, "escalated"))
	}
}

// opened is an incident that a person has opened before any alarm, up to where people are asked.
func opened(t *testing.T, by string) *rehearsal.Rehearsal {
	t.Helper()
	r := start(t, "error-page-503", func(o *rehearsal.Options) { o.Parameters["AlarmPercent"] = "100" })
	breaks(t, r)
	r.World.Clock.Advance(8 * time.Minute)
	payload := fmt.Sprintf(`{"cloudfront503":"open","distribution":%q,"at":%q%s}`, rehearsal.Distribution, r.World.Clock.Now().UTC().Format(time.RFC3339), by)
	_, err := lambda.NewFromConfig(operator(r)).Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String(respond), Payload: []byte(payload)})
	if err != nil {
		t.Fatal(err)
	}
	untilAsked(t, r)
	return r
}

func TestNobodyApprovesWhatTheyAskedFor(t *testing.T) {
	t.Parallel()
	r := opened(t, fmt.Sprintf(`,"by":%q`, rehearsal.UserARN("alice")))
	if ticket, _ := r.Tickets("alice"); ticket != "" {
		t.Error("alice has a ticket for what she asked for")
	}
	ticket, _ := r.Tickets("bob")
	reply(t, r, "alice", "approve "+ticket)
	told(t, r, "alice", 1, "nobody approves what they asked for")
	if err := signsSelf(t, r, "bob", "Approve"); err != nil {
		t.Fatal(err)
	}
	untilClosed(t, r, "changed")
}

func TestWhoAskedCannotSignTheGateEither(t *testing.T) {
	t.Parallel()
	r := opened(t, fmt.Sprintf(`,"by":%q`, rehearsal.UserARN("alice")))
	broken := live(t, r)
	if err := signsSelf(t, r, "alice", "Approve"); err != nil {
		t.Fatal(err)
	}
	untilClosed(t, r, "void")
	unwritten(t, r, broken)
}

func TestWhereWhoAskedIsUnknownTwoMustApprove(t *testing.T) {
	t.Parallel()
	r := opened(t, "")
	approves(t, r, "alice")
	r.World.Clock.Advance(5 * time.Minute)
	if writes(r) != 0 {
		t.Errorf("%d writes after one approval", writes(r))
	}
	approves(t, r, "bob")
	untilClosed(t, r, "changed")
}

func TestAReplyAfterTheConfigurationMovedIsTurnedAwayAtOnce(t *testing.T) {
	t.Parallel()
	r, want := asked(t)
	deploy(t, r)
	want["Comment"] = "the shop, by night"
	approves(t, r, "alice")
	told(t, r, "alice", 1, "the tickets are void")
	until(t, r, 10*time.Minute, "the incident is closed", func() bool { return r.Incident().State == "closed" })
	if outcome := r.Incident().Outcome; outcome.Result != "void" || !strings.Contains(outcome.Why, "has moved") {
		t.Errorf("ended as %+v", outcome)
	}
	unwritten(t, r, want)
}

const chatRole = "arn:aws:iam::" + account + ":role/chat"

// chatting gives the stack a chat, whose role may publish wherever it is let.
func chatting(o *rehearsal.Options) {
	o.Parameters["ChatRole"] = chatRole
	prepare := o.Scenario.Prepare
	o.Scenario.Prepare = func(r *rehearsal.Rehearsal) {
		r.World.Identity.AddRole(kernel.Role{Name: "chat", ARN: chatRole, Policies: map[string]json.RawMessage{
			"publish": json.RawMessage(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sns:Publish","kms:*"],"Resource":"*"}]}`),
		}})
		if prepare != nil {
			prepare(r)
		}
	}
}

// chats publishes to a topic in the chat's role.
func chats(t *testing.T, r *rehearsal.Rehearsal, topic, text string) error {
	t.Helper()
	keys, err := r.World.Identity.Session(chatRole, "AmazonQ", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	config := operator(r)
	config.Credentials = credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, keys.SessionToken)
	_, err = sns.NewFromConfig(config).Publish(t.Context(), &sns.PublishInput{TopicArn: aws.String(topic), Message: &text})
	r.World.Settle()
	return err
}

func TestAChatsButtonMayReject(t *testing.T) {
	t.Parallel()
	r, broken := asked(t, chatting)
	if err := chats(t, r, topics+"-chat", "reject "+rehearsal.Distribution+"/000001 not during the sale"); err != nil {
		t.Fatal(err)
	}
	approves(t, r, "alice")
	until(t, r, 10*time.Minute, "the incident is closed", func() bool { return r.Incident().State == "closed" })
	if outcome := r.Incident().Outcome; outcome.Result != "rejected" || !strings.Contains(outcome.Why, "(chat): not during the sale") {
		t.Errorf("ended as %+v", outcome)
	}
	if e := r.SSM.Executions()[0]; !e.Ended() || e.Status != "Cancelled" {
		t.Errorf("the gate is left open: %s at %s", e.Status, e.CurrentStep)
	}
	unwritten(t, r, broken)
}

func TestAChatApprovesNothing(t *testing.T) {
	t.Parallel()
	r, broken := asked(t, chatting)
	ticket, _ := r.Tickets("alice")
	for _, text := range []string{"approve " + ticket, "approve " + rehearsal.Distribution + "/000001"} {
		if err := chats(t, r, topics+"-chat", text); err != nil {
			t.Fatal(err)
		}
	}
	if err := chats(t, r, topics+"-reply-1", "approve "+ticket); err == nil || !strings.Contains(err.Error(), "AuthorizationError") {
		t.Errorf("the chat publishes to alice's topic: %v", err)
	}
	config := as(t, r, "alice")
	if _, err := sns.NewFromConfig(config).Publish(t.Context(), &sns.PublishInput{TopicArn: aws.String(topics + "-chat"), Message: &ticket}); err == nil {
		t.Error("a person publishes in the chat's name")
	}
	r.World.Clock.Advance(5 * time.Minute)
	unwritten(t, r, broken)
	if recorded(r, "decision") != 0 {
		t.Error("a decision was recorded")
	}
	approves(t, r, "alice")
	untilClosed(t, r, "changed")
}
