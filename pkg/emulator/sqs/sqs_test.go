// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package sqs_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/kms"
	"cloudfront503/pkg/emulator/sqs"
)

type rig struct {
	*testing.T
	world   *kernel.World
	service *sqs.Service
	client  *sdk.Client
	url     *string // of the queue "letters"
	arn     string
}

func newRig(t *testing.T, attributes map[string]string) *rig {
	t.Helper()
	w := kernel.NewWorld("111122223333", "us-east-1")
	r := &rig{T: t, world: w, service: sqs.New(w)}
	stop, err := w.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	t.Setenv("AWS_ENDPOINT_URL", w.Endpoint)
	if r.arn, err = r.service.AddQueue("letters", attributes); err != nil {
		t.Fatal(err)
	}
	r.client = r.sign(kernel.Credentials{AccessKeyID: "ANY", SecretAccessKey: "any"})
	out, err := r.client.GetQueueUrl(context.Background(), &sdk.GetQueueUrlInput{QueueName: aws.String("letters")})
	if err != nil {
		t.Fatal(err)
	}
	r.url = out.QueueUrl
	return r
}

func (r *rig) sign(c kernel.Credentials) *sdk.Client {
	r.Helper()
	cfg, err := config.LoadDefaultConfig(context.Background(), config.WithRegion("us-east-1"), config.WithRetryMaxAttempts(1),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken)))
	if err != nil {
		r.Fatal(err)
	}
	return sdk.NewFromConfig(cfg)
}

// as is a client in a role with these statements.
func (r *rig) as(statements string) *sdk.Client {
	r.Helper()
	role := r.world.Identity.AddRole(kernel.Role{Name: "worker", Policies: map[string]json.RawMessage{
		"p": json.RawMessage(`{"Version":"2012-10-17","Statement":[` + statements + `]}`),
	}})
	c, err := r.world.Identity.Session(role.ARN, "s", "", nil)
	if err != nil {
		r.Fatal(err)
	}
	return r.sign(c)
}

func (r *rig) send(body string) {
	r.Helper()
	_, err := r.client.SendMessage(context.Background(), &sdk.SendMessageInput{QueueUrl: r.url, MessageBody: &body})
	checkCode(r.T, err, "")
}

// receive takes one message; its body is empty where there is none.
func (r *rig) receive() (body string, receipt *string) {
	r.Helper()
	out, err := r.client.ReceiveMessage(context.Background(), &sdk.ReceiveMessageInput{QueueUrl: r.url})
	checkCode(r.T, err, "")
	if err != nil || len(out.Messages) == 0 {
		return "", nil
	}
	return *out.Messages[0].Body, out.Messages[0].ReceiptHandle
}

func checkCode(t *testing.T, err error, code string) {
	t.Helper()
	got := ""
	var api smithy.APIError
	switch {
	case errors.As(err, &api):
		got = api.ErrorCode()
	case err != nil:
		got = err.Error()
	}
	if got != code {
		t.Errorf("got error %q (%v), want %q", got, err, code)
	}
}

func TestMessagesComeBackUntilTheyAreDeleted(t *testing.T) {
	r := newRig(t, map[string]string{"VisibilityTimeout": "60"})
	r.send("hello")
	if body, _ := r.receive(); body != "hello" {
		t.Fatalf("received %q", body)
	}
	if body, _ := r.receive(); body != "" {
		t.Errorf("received %q while it is in flight", body)
	}
	r.world.Clock.Advance(61 * time.Second)
	body, receipt := r.receive()
	if body != "hello" {
		t.Fatalf("after the visibility timeout received %q", body)
	}
	_, err := r.client.DeleteMessage(context.Background(), &sdk.DeleteMessageInput{QueueUrl: r.url, ReceiptHandle: receipt})
	checkCode(t, err, "")
	r.world.Clock.Advance(61 * time.Second)
	if body, _ := r.receive(); body != "" {
		t.Errorf("received %q after it was deleted", body)
	}
}

func TestMessageAttributesAndDigests(t *testing.T) {
	r := newRig(t, nil)
	ctx := context.Background()
	out, err := r.client.SendMessage(ctx, &sdk.SendMessageInput{QueueUrl: r.url, MessageBody: aws.String("hello"), MessageAttributes: map[string]types.MessageAttributeValue{
		"Code": {DataType: aws.String("String"), StringValue: aws.String("500")},
	}})
	checkCode(t, err, "")
	if *out.MD5OfMessageBody != "5d41402abc4b2a76b9719d911017c592" || out.MD5OfMessageAttributes == nil {
		t.Errorf("digests %+v", out)
	}
	got, err := r.client.ReceiveMessage(ctx, &sdk.ReceiveMessageInput{QueueUrl: r.url, MessageAttributeNames: []string{"All"}, MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"}})
	checkCode(t, err, "")
	m := got.Messages[0]
	if *m.MessageAttributes["Code"].StringValue != "500" || *m.MD5OfMessageAttributes != *out.MD5OfMessageAttributes || m.Attributes["ApproximateReceiveCount"] != "1" {
		t.Errorf("received %+v", m)
	}
	if v := r.world.Violations(); len(v) > 0 {
		t.Errorf("violations: %q", v)
	}
}

func TestLongPollWakesUpForAMessage(t *testing.T) {
	r := newRig(t, nil)
	received := make(chan string)
	go func() {
		out, err := r.client.ReceiveMessage(context.Background(), &sdk.ReceiveMessageInput{QueueUrl: r.url, WaitTimeSeconds: 20})
		if err != nil || len(out.Messages) == 0 {
			received <- "nothing"
			return
		}
		received <- *out.Messages[0].Body
	}()
	r.send("hello")
	if got := <-received; got != "hello" {
		t.Errorf("received %s", got)
	}
}

func TestRedriveAfterTooManyReceives(t *testing.T) {
	r := newRig(t, nil)
	dead, err := r.service.AddQueue("dead", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.client.SetQueueAttributes(context.Background(), &sdk.SetQueueAttributesInput{QueueUrl: r.url, Attributes: map[string]string{
		"VisibilityTimeout": "0", "RedrivePolicy": `{"deadLetterTargetArn":"` + dead + `","maxReceiveCount":"2"}`,
	}})
	checkCode(t, err, "")
	r.send("poison")
	for range 2 {
		if body, _ := r.receive(); body != "poison" {
			t.Fatalf("received %q", body)
		}
	}
	if body, _ := r.receive(); body != "" {
		t.Errorf("received %q a third time", body)
	}
	if got := r.service.Messages(dead); len(got) != 1 || got[0].Body != "poison" {
		t.Errorf("dead letters %+v", got)
	}
}

func TestRetentionAndDelay(t *testing.T) {
	r := newRig(t, map[string]string{"DelaySeconds": "30", "MessageRetentionPeriod": "3600"})
	r.send("hello")
	count := func() map[string]string {
		out, err := r.client.GetQueueAttributes(context.Background(), &sdk.GetQueueAttributesInput{QueueUrl: r.url, AttributeNames: []types.QueueAttributeName{
			"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed",
		}})
		checkCode(t, err, "")
		return out.Attributes
	}
	steps := []struct {
		name             string
		advance          time.Duration
		visible, delayed string
	}{{"delayed", 0, "0", "1"}, {"visible", 31 * time.Second, "1", "0"}, {"gone", time.Hour, "0", "0"}}
	for _, step := range steps {
		r.world.Clock.Advance(step.advance)
		want := map[string]string{"ApproximateNumberOfMessages": step.visible, "ApproximateNumberOfMessagesDelayed": step.delayed}
		if diff := cmp.Diff(want, count()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
}

func TestWhoMaySend(t *testing.T) {
	const policy = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"*",
	 "Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:events:us-east-1:111122223333:rule/ours-*"}}}}`
	tests := []struct {
		name, service, source string
		wantCode              string
	}{
		{"a rule that the policy names", "events.amazonaws.com", "arn:aws:events:us-east-1:111122223333:rule/ours-alarm", ""},
		{"another rule", "events.amazonaws.com", "arn:aws:events:us-east-1:111122223333:rule/theirs", "AccessDenied"},
		{"another service", "sns.amazonaws.com", "arn:aws:sns:us-east-1:111122223333:topic", "AccessDenied"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t, map[string]string{"Policy": policy})
			err := r.service.SendAs(test.service, test.source, r.arn, "event", map[string]string{"ERROR_CODE": "X"})
			got := r.service.Messages(r.arn)
			if test.wantCode != "" {
				var api *kernel.APIError
				if !errors.As(err, &api) || api.Code != test.wantCode || len(got) != 0 {
					t.Errorf("got %v, messages %+v, want %s", err, got, test.wantCode)
				}
				return
			}
			if err != nil || len(got) != 1 || got[0].Attributes["ERROR_CODE"] != "X" {
				t.Errorf("got %v, messages %+v", err, got)
			}
		})
	}
	t.Run("a role", func(t *testing.T) {
		r := newRig(t, nil)
		_, err := r.as(`{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"`+r.arn+`"}`).SendMessage(context.Background(), &sdk.SendMessageInput{QueueUrl: r.url, MessageBody: aws.String("x")})
		checkCode(t, err, "")
		_, err = r.as(`{"Effect":"Allow","Action":"sqs:ReceiveMessage","Resource":"*"}`).SendMessage(context.Background(), &sdk.SendMessageInput{QueueUrl: r.url, MessageBody: aws.String("x")})
		checkCode(t, err, "AccessDenied")
	})
}

func TestEncryptedQueueNeedsTheKey(t *testing.T) {
	r := newRig(t, nil)
	keys := kms.New(r.world)
	key := keys.AddKey(kms.Key{})
	_, err := r.client.SetQueueAttributes(context.Background(), &sdk.SetQueueAttributesInput{QueueUrl: r.url, Attributes: map[string]string{"KmsMasterKeyId": key.ID}})
	checkCode(t, err, "")
	send := &sdk.SendMessageInput{QueueUrl: r.url, MessageBody: aws.String("x")}
	_, err = r.as(`{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"*"}`).SendMessage(context.Background(), send)
	checkCode(t, err, "KmsAccessDenied")
	_, err = r.as(`{"Effect":"Allow","Action":["sqs:SendMessage","kms:GenerateDataKey","kms:Decrypt"],"Resource":"*"}`).SendMessage(context.Background(), send)
	checkCode(t, err, "")
}

func TestQueuesAreManaged(t *testing.T) {
	r := newRig(t, nil)
	ctx := context.Background()
	made, err := r.client.CreateQueue(ctx, &sdk.CreateQueueInput{QueueName: aws.String("more"), Attributes: map[string]string{"DelaySeconds": "5"}})
	checkCode(t, err, "")
	_, err = r.client.CreateQueue(ctx, &sdk.CreateQueueInput{QueueName: aws.String("more"), Attributes: map[string]string{"DelaySeconds": "6"}})
	checkCode(t, err, "QueueAlreadyExists")
	_, err = r.client.CreateQueue(ctx, &sdk.CreateQueueInput{QueueName: aws.String("x"), Attributes: map[string]string{"VisibilityTimeout": "99999"}})
	checkCode(t, err, "InvalidAttributeValue")
	list, err := r.client.ListQueues(ctx, &sdk.ListQueuesInput{})
	checkCode(t, err, "")
	if diff := cmp.Diff([]string{*r.url, *made.QueueUrl}, list.QueueUrls); diff != "" {
		t.Errorf("queues (-want +got):\n%s", diff)
	}
	r.send("hello")
	_, err = r.client.PurgeQueue(ctx, &sdk.PurgeQueueInput{QueueUrl: r.url})
	checkCode(t, err, "")
	if body, _ := r.receive(); body != "" {
		t.Errorf("received %q after the purge", body)
	}
	_, err = r.client.DeleteQueue(ctx, &sdk.DeleteQueueInput{QueueUrl: made.QueueUrl})
	checkCode(t, err, "")
	_, err = r.client.GetQueueUrl(ctx, &sdk.GetQueueUrlInput{QueueName: aws.String("more")})
	checkCode(t, err, "AWS.SimpleQueueService.NonExistentQueue")
}

func TestCloudWatchSeesHowManyMessagesWait(t *testing.T) {
	r := newRig(t, nil)
	metric := kernel.Metric{
		Region: "us-east-1", Namespace: "AWS/SQS", Name: "ApproximateNumberOfMessagesVisible", Dimensions: map[string]string{"QueueName": "letters"},
	}
	minute := r.world.Clock.Now().Truncate(time.Minute)
	if datum, ok := r.world.Metrics.Minute(metric, minute); !ok || datum.Max != 0 {
		t.Errorf("an empty queue shows %v, %v", datum, ok)
	}
	if _, err := r.client.SendMessage(context.Background(), &sdk.SendMessageInput{QueueUrl: r.url, MessageBody: aws.String("letter")}); err != nil {
		t.Fatal(err)
	}
	r.world.Clock.Advance(2 * time.Minute)
	if datum, ok := r.world.Metrics.Minute(metric, minute.Add(2*time.Minute)); !ok || datum.Max != 1 {
		t.Errorf("a queue with a message shows %v, %v", datum, ok)
	}
	metric.Dimensions["QueueName"] = "another"
	if datum, ok := r.world.Metrics.Minute(metric, minute); ok {
		t.Errorf("a queue that is not there shows %v", datum)
	}
}
