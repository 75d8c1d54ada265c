// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package sns

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/google/go-cmp/cmp"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/kms"
)

// subscribers stand for Lambda and SQS.
type subscribers struct {
	mu      sync.Mutex
	got     []string
	refusal []error // what the next hand-overs answer
}

func (x *subscribers) take(endpoint, payload string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.refusal) > 0 {
		err := x.refusal[0]
		x.refusal = x.refusal[1:]
		if err != nil {
			return err
		}
	}
	x.got = append(x.got, endpoint[strings.LastIndex(endpoint, ":")+1:]+" "+payload)
	return nil
}

func (x *subscribers) taken() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.got
}

func (x *subscribers) Invoke(context.Context, string, []byte) (kernel.Result, error) {
	return kernel.Result{}, nil
}

func (x *subscribers) InvokeAsync(arn string, payload []byte, _, _ string) error {
	return x.take(arn, string(payload))
}

func (x *subscribers) SendAs(_, _, arn, body string, attributes map[string]string) error {
	return x.take(arn, fmt.Sprint(body, attributes))
}

type account struct {
	world       *kernel.World
	service     *Service
	client      *sdk.Client
	subscribers *subscribers
}

const topicARN = "arn:aws:sns:us-east-1:111122223333:topic"

func newAccount(t *testing.T) *account {
	t.Helper()
	w := kernel.NewWorld("111122223333", "us-east-1")
	a := &account{world: w, service: New(w), subscribers: &subscribers{}}
	w.Lambda, w.Queues = a.subscribers, a.subscribers
	stop, err := w.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	a.client = a.as("operator", "")
	if _, err := a.client.CreateTopic(t.Context(), &sdk.CreateTopicInput{Name: aws.String("topic")}); err != nil {
		t.Fatal(err)
	}
	return a
}

func TestATopicIsOfTheRegionInWhichItWasMade(t *testing.T) {
	a := newAccount(t)
	made, err := a.client.CreateTopic(t.Context(), &sdk.CreateTopicInput{Name: aws.String("topic")}, func(o *sdk.Options) { o.Region = "eu-west-1" })
	if err != nil || aws.ToString(made.TopicArn) != "arn:aws:sns:eu-west-1:111122223333:topic" {
		t.Fatalf("%+v, %v", made, err)
	}
	if _, _, err := a.service.Subscribe(Subscription{Topic: *made.TopicArn, Protocol: "sms", Endpoint: "+15555550100"}); err != nil {
		t.Fatal(err)
	}
	for want, region := range []string{"us-east-1", "eu-west-1"} { // only the second one has a subscriber
		arn := "arn:aws:sns:" + region + ":111122223333:topic"
		if err := a.service.PublishAs("cloudwatch.amazonaws.com", "arn:aws:cloudwatch:"+region+":111122223333:alarm:a", arn, "s", "m"); err != nil {
			t.Fatal(err)
		}
		a.world.Settle()
		if n := len(a.service.Mailbox("")); n != want {
			t.Errorf("after a message in %s: %d mails", region, n)
		}
	}
}

func (a *account) as(key, token string) *sdk.Client {
	return sdk.NewFromConfig(aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(a.world.Endpoint), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(key, "secret", token),
	})
}

// person is the client of a role's session, or of a user where session is empty.
func (a *account) person(t *testing.T, name, session, policy string) *sdk.Client {
	t.Helper()
	policies := map[string]json.RawMessage{}
	if policy != "" {
		policies["own"] = json.RawMessage(policy)
	}
	var c kernel.Credentials
	var err error
	if session == "" {
		user := a.world.Identity.AddUser(kernel.User{Name: name, Policies: policies})
		c, err = a.world.Identity.UserCredentials(user.ARN)
	} else {
		role := a.world.Identity.AddRole(kernel.Role{Name: name, Policies: policies})
		c, err = a.world.Identity.Session(role.ARN, session, "", nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return a.as(c.AccessKeyID, c.SessionToken)
}

func (a *account) subscribe(t *testing.T, protocol, endpoint string, attributes map[string]string) {
	t.Helper()
	in := &sdk.SubscribeInput{TopicArn: aws.String(topicARN), Protocol: &protocol, Endpoint: &endpoint, Attributes: attributes}
	if _, err := a.client.Subscribe(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}

func (a *account) publish(t *testing.T, in sdk.PublishInput) {
	t.Helper()
	in.TopicArn = aws.String(topicARN)
	if _, err := a.client.Publish(t.Context(), &in); err != nil {
		t.Fatal(err)
	}
	a.world.Settle()
}

func TestPublishReachesAFunctionInItsEnvelope(t *testing.T) {
	a := newAccount(t)
	a.subscribe(t, "lambda", "arn:aws:lambda:us-east-1:111122223333:function:fn", nil)
	a.publish(t, sdk.PublishInput{Message: aws.String("approve T"), MessageAttributes: map[string]types.MessageAttributeValue{
		"kind": {DataType: aws.String("String"), StringValue: aws.String("reply")},
	}})
	var event struct{ Records []map[string]any }
	_, payload, _ := strings.Cut(a.subscribers.taken()[0], " ")
	if err := json.Unmarshal([]byte(payload), &event); err != nil {
		t.Fatal(err)
	}
	message := event.Records[0]["Sns"].(map[string]any)
	if _, err := time.Parse(timeLayout, message["Timestamp"].(string)); err != nil {
		t.Error(err)
	}
	for _, random := range []string{"Timestamp", "MessageId", "UnsubscribeUrl", "SigningCertUrl", "Signature"} {
		if message[random] == "" {
			t.Errorf("%s is empty", random)
		}
		delete(message, random)
	}
	delete(event.Records[0], "EventSubscriptionArn")
	want := []map[string]any{{
		"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": map[string]any{
			"Type": "Notification", "TopicArn": topicARN, "Subject": nil, "Message": "approve T", "SignatureVersion": "1",
			"MessageAttributes": map[string]any{"kind": map[string]any{"Type": "String", "Value": "reply"}},
		},
	}}
	if diff := cmp.Diff(want, event.Records); diff != "" {
		t.Error(diff)
	}
}

func TestPublishReachesQueuesRawOrWrapped(t *testing.T) {
	queue := "arn:aws:sqs:us-east-1:111122223333:queue"
	a := newAccount(t)
	a.subscribe(t, "sqs", queue, map[string]string{"RawMessageDelivery": "true"})
	a.subscribe(t, "sqs", queue+"-2", nil)
	a.publish(t, sdk.PublishInput{Message: aws.String("hello"), Subject: aws.String("Hi")})
	got := strings.Join(a.subscribers.taken(), "\n")
	if !strings.Contains(got, "queue hello") || !strings.Contains(got, `queue-2 {"Type":"Notification"`) || !strings.Contains(got, `"Subject":"Hi"`) {
		t.Errorf("got %s", got)
	}
}

func TestMailReachesOnlyWhoConfirmed(t *testing.T) {
	a := newAccount(t)
	a.subscribe(t, "email", "ann@example.com", nil)
	a.subscribe(t, "sms", "+15555550100", nil)
	a.publish(t, sdk.PublishInput{Message: aws.String("first"), Subject: aws.String("Hi")})
	if n := a.service.Confirm("ann@example.com"); n != 1 {
		t.Errorf("%d subscriptions were waiting", n)
	}
	a.publish(t, sdk.PublishInput{Message: aws.String(`{"default":"second","sms":"2nd"}`), MessageStructure: aws.String("json"), Subject: aws.String("Hi")})
	var got []string
	for _, mail := range a.service.Mailbox(topicARN) {
		got = append(got, mail.Endpoint+" "+mail.Subject+" "+mail.Body)
	}
	want := []string{"+15555550100  2nd", "+15555550100  first", "ann@example.com Hi second"}
	if diff := cmp.Diff(want, slices.Sorted(slices.Values(got))); diff != "" {
		t.Error(diff)
	}
}

func TestAnSMSComesFromTheNumberThatWasAskedFor(t *testing.T) {
	a := newAccount(t)
	a.subscribe(t, "sms", "+15555550100", nil)
	a.publish(t, sdk.PublishInput{Message: aws.String("m"), MessageAttributes: map[string]types.MessageAttributeValue{
		originationNumber: {DataType: aws.String("String"), StringValue: aws.String("+15555550101")},
	}})
	if mails := a.service.Mailbox(topicARN); len(mails) != 1 || mails[0].From != "+15555550101" {
		t.Errorf("got %+v", mails)
	}
}

func TestMailIsWatched(t *testing.T) {
	a := newAccount(t)
	a.service.AutoConfirm(true)
	seen := make(chan Mail, 1)
	a.service.Watch(func(m Mail) { seen <- m })
	a.subscribe(t, "https", "https://example.com/hook", nil)
	a.publish(t, sdk.PublishInput{Message: aws.String("hello")})
	if mail := <-seen; !strings.Contains(mail.Body, `"Message":"hello"`) {
		t.Errorf("got %+v", mail)
	}
}

func TestPublishRefuses(t *testing.T) {
	topic := aws.String(topicARN)
	tests := []struct {
		name string
		in   sdk.PublishInput
		want string
	}{
		{"an empty message", sdk.PublishInput{TopicArn: topic, Message: aws.String("")}, "Empty message"},
		{"a message that is too long", sdk.PublishInput{TopicArn: topic, Message: aws.String(strings.Repeat("a", 262145))}, "Message too long"},
		{"a message that its attributes make too long", sdk.PublishInput{TopicArn: topic, Message: aws.String(strings.Repeat("a", 262144)),
			MessageAttributes: map[string]types.MessageAttributeValue{"a": {DataType: aws.String("String"), StringValue: aws.String("b")}}}, "Message too long"},
		{"a subject of a hundred characters", sdk.PublishInput{TopicArn: topic, Message: aws.String("m"), Subject: aws.String(strings.Repeat("é", 100))}, "Invalid parameter: Subject"},
		{"a subject of two lines", sdk.PublishInput{TopicArn: topic, Message: aws.String("m"), Subject: aws.String("a\nb")}, "Invalid parameter: Subject"},
		{"a structure without a default", sdk.PublishInput{TopicArn: topic, Message: aws.String(`{"sms":"a"}`), MessageStructure: aws.String("json")}, "No default entry"},
		{"a structure that is no JSON", sdk.PublishInput{TopicArn: topic, Message: aws.String(`a`), MessageStructure: aws.String("json")}, "failed to parse"},
		{"an attribute of no known type", sdk.PublishInput{TopicArn: topic, Message: aws.String("m"),
			MessageAttributes: map[string]types.MessageAttributeValue{"a": {DataType: aws.String("Text"), StringValue: aws.String("b")}}}, "ParameterValueInvalid"},
		{"an SMS from what is no number", sdk.PublishInput{TopicArn: topic, Message: aws.String("m"),
			MessageAttributes: map[string]types.MessageAttributeValue{originationNumber: {DataType: aws.String("String"), StringValue: aws.String("shop")}}}, "AWS.MM.SMS.OriginationNumber"},
		{"a topic that does not exist", sdk.PublishInput{TopicArn: aws.String(topicARN + "-2"), Message: aws.String("m")}, "NotFound"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := newAccount(t).client.Publish(t.Context(), &test.in)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestPublishTakesWhatJustFits(t *testing.T) {
	a := newAccount(t)
	a.publish(t, sdk.PublishInput{Message: aws.String(strings.Repeat("a", 262144)), Subject: aws.String(strings.Repeat("é", 99))})
}

const mayPublish = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sns:Publish","Resource":"*"}]}`

// replyPolicy is a reply topic's: its owner may publish, nobody else whatever else allows it.
func replyPolicy(owner, session string) string {
	return `{"Version":"2012-10-17","Statement":[
	{"Sid":"Owner","Effect":"Allow","Principal":{"AWS":"` + owner + `"},"Action":"sns:Publish","Resource":"` + topicARN + `"},
	{"Sid":"NobodyElse","Effect":"Deny","Principal":"*","Action":"sns:Publish","Resource":"` + topicARN + `",
	 "Condition":{"ArnNotEquals":{"aws:PrincipalArn":"` + owner + `"}}},
	{"Sid":"NobodyElseInTheSameRole","Effect":"Deny","Principal":"*","Action":"sns:Publish","Resource":"` + topicARN + `",
	 "Condition":{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/*"},"StringNotLike":{"aws:userid":"*:` + session + `"}}}]}`
}

func TestPublishIsForWhomThePoliciesAdmit(t *testing.T) {
	ann, leads := "arn:aws:iam::111122223333:user/ann", "arn:aws:iam::111122223333:role/leads"
	tests := []struct {
		name, policy          string // of the topic; empty: the default one
		person, session, mine string
		want                  string
	}{
		{"the default policy and nothing of one's own", "", "ann", "", "", "AuthorizationError"},
		{"the default policy and the permission", "", "ann", "", mayPublish, ""},
		{"the owner of a reply topic, by the topic's policy", replyPolicy(ann, "x"), "ann", "", "", ""},
		{"another user with the permission", replyPolicy(ann, "x"), "bob", "", mayPublish, "AuthorizationError"},
		{"the owner in a role", replyPolicy(leads, "ann"), "leads", "ann", "", ""},
		{"another session of the same role", replyPolicy(leads, "ann"), "leads", "bob", mayPublish, "AuthorizationError"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := newAccount(t)
			if test.policy != "" {
				in := &sdk.SetTopicAttributesInput{TopicArn: aws.String(topicARN), AttributeName: aws.String("Policy"), AttributeValue: &test.policy}
				if _, err := a.client.SetTopicAttributes(t.Context(), in); err != nil {
					t.Fatal(err)
				}
			}
			_, err := a.person(t, test.person, test.session, test.mine).Publish(t.Context(), &sdk.PublishInput{TopicArn: aws.String(topicARN), Message: aws.String("m")})
			check(t, err, test.want)
		})
	}
}

func check(t *testing.T, err error, want string) {
	t.Helper()
	if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}

const keyForAnn = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/ann"},
"Action":["kms:Decrypt","kms:GenerateDataKey*"],"Resource":"*","Condition":{"StringEquals":{"kms:ViaService":"sns.us-east-1.amazonaws.com"}}}]}`

const keyForAlarms = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"cloudwatch.amazonaws.com"},
"Action":["kms:Decrypt","kms:GenerateDataKey*"],"Resource":"*"}]}`

func (a *account) encrypt(t *testing.T, id, policy string) {
	t.Helper()
	keys := kms.New(a.world)
	if policy != "" {
		keys.AddKey(kms.Key{ID: "k", Policy: &kernel.Policy{Raw: []byte(policy)}})
	}
	if err := a.service.SetTopicAttribute(topicARN, "KmsMasterKeyId", id); err != nil {
		t.Fatal(err)
	}
}

func TestPublishToAnEncryptedTopicNeedsItsKey(t *testing.T) {
	tests := []struct{ name, key, policy, person, want string }{
		{"whom the key admits", "k", keyForAnn, "ann", ""},
		{"whom it does not", "k", keyForAnn, "bob", "KMSAccessDenied"},
		{"a key that does not exist", "k", "", "ann", "KMSNotFound"},
		{"AWS's own key", "alias/aws/sns", "", "bob", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := newAccount(t)
			a.encrypt(t, test.key, test.policy)
			_, err := a.person(t, test.person, "", mayPublish).Publish(t.Context(), &sdk.PublishInput{TopicArn: aws.String(topicARN), Message: aws.String("m")})
			check(t, err, test.want)
		})
	}
}

func TestServicesPublishWhereTheyAreAdmitted(t *testing.T) {
	forRules := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sns:Publish","Resource":"*"}]}`
	tests := []struct{ name, policy, key, keyPolicy, service, want string }{
		{"an alarm by the default policy", "", "", "", "cloudwatch.amazonaws.com", ""},
		{"a rule by the default policy", "", "", "", "events.amazonaws.com", "AuthorizationError"},
		{"a rule by the topic's policy", forRules, "", "", "events.amazonaws.com", ""},
		{"an alarm under AWS's own key", "", "alias/aws/sns", "", "cloudwatch.amazonaws.com", "KMSAccessDenied"},
		{"an alarm under a key that admits it", "", "k", keyForAlarms, "cloudwatch.amazonaws.com", ""},
		{"an alarm under a key that does not", "", "k", keyForAnn, "cloudwatch.amazonaws.com", "KMSAccessDenied"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := newAccount(t)
			if test.policy != "" {
				if err := a.service.SetTopicAttribute(topicARN, "Policy", test.policy); err != nil {
					t.Fatal(err)
				}
			}
			if test.key != "" {
				a.encrypt(t, test.key, test.keyPolicy)
			}
			check(t, a.service.PublishAs(test.service, "arn:aws:cloudwatch:us-east-1:111122223333:alarm:a", topicARN, "s", "m"), test.want)
		})
	}
}

func TestFiltersLetThrough(t *testing.T) {
	tests := []struct {
		name   string
		filter map[string]string
		want   int
	}{
		{"no filter", nil, 1},
		{"an attribute that fits", map[string]string{"FilterPolicy": `{"kind":["reply"],"size":[{"numeric":[">",1]}]}`}, 1},
		{"an attribute that does not", map[string]string{"FilterPolicy": `{"kind":["other"]}`}, 0},
		{"an attribute that is absent", map[string]string{"FilterPolicy": `{"none":[{"exists":false}]}`}, 1},
		{"one of a list", map[string]string{"FilterPolicy": `{"tags":["b"]}`}, 1},
		{"the body", map[string]string{"FilterPolicy": `{"a":{"b":["c"]}}`, "FilterPolicyScope": "MessageBody"}, 1},
		{"another body", map[string]string{"FilterPolicy": `{"a":{"b":["d"]}}`, "FilterPolicyScope": "MessageBody"}, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := newAccount(t)
			a.subscribe(t, "sms", "+15555550100", test.filter)
			a.publish(t, sdk.PublishInput{Message: aws.String(`{"a":{"b":"c"}}`), MessageAttributes: map[string]types.MessageAttributeValue{
				"kind": {DataType: aws.String("String"), StringValue: aws.String("reply")},
				"size": {DataType: aws.String("Number"), StringValue: aws.String("2")},
				"tags": {DataType: aws.String("String.Array"), StringValue: aws.String(`["a","b"]`)},
			}})
			if got := len(a.service.Mailbox("")); got != test.want {
				t.Errorf("%d mails, want %d", got, test.want)
			}
		})
	}
}

func TestSubscribeRefuses(t *testing.T) {
	tests := []struct {
		name, protocol, endpoint string
		attributes               map[string]string
	}{
		{"an unknown protocol", "pigeon", "coo", nil},
		{"an address that is none", "email", "ann", nil},
		{"a URL without TLS as https", "https", "http://example.com", nil},
		{"a filter that is wrong", "sms", "+1", map[string]string{"FilterPolicy": `{"a":"b"}`}},
		{"a nested filter of attributes", "sms", "+1", map[string]string{"FilterPolicy": `{"a":{"b":["c"]}}`}},
		{"a filter of six keys", "sms", "+1", map[string]string{"FilterPolicy": `{"a":["x"],"b":["x"],"c":["x"],"d":["x"],"e":["x"],"f":["x"]}`}},
		{"an unknown attribute", "sms", "+1", map[string]string{"Colour": "red"}},
		{"a redrive policy to nowhere", "sms", "+1", map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sns:x"}`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := &sdk.SubscribeInput{TopicArn: aws.String(topicARN), Protocol: &test.protocol, Endpoint: &test.endpoint, Attributes: test.attributes}
			_, err := newAccount(t).client.Subscribe(t.Context(), in)
			check(t, err, "InvalidParameter")
		})
	}
}

func TestDeliveryIsRetriedAndThenDead(t *testing.T) {
	busy := kernel.Errorf(500, "InternalFailure", "busy")
	gone := kernel.Errorf(403, "AccessDeniedException", "no")
	redrive := map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:111122223333:dead"}`}
	tests := []struct {
		name       string
		refusal    []error
		attributes map[string]string
		want       string // who got it
		lost       int
	}{
		{"after a while", []error{busy, busy, busy, busy, busy, busy}, redrive, "fn", 0},
		{"never, as it is not admitted", []error{gone}, redrive, "dead", 0},
		{"never, and there is no queue", []error{gone}, nil, "", 1},
		{"never, and the queue does not admit it either", []error{gone, gone}, redrive, "", 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := newAccount(t)
			a.subscribers.refusal = test.refusal
			a.subscribe(t, "lambda", "arn:aws:lambda:us-east-1:111122223333:function:fn", test.attributes)
			a.publish(t, sdk.PublishInput{Message: aws.String("m")})
			a.world.Clock.Advance(time.Minute)
			who, _, _ := strings.Cut(strings.Join(a.subscribers.taken(), ""), " ")
			if who != test.want || len(a.service.Lost()) != test.lost {
				t.Errorf("got it: %q, lost %v", who, a.service.Lost())
			}
		})
	}
}

func TestDeliveryTwiceIsOneMessage(t *testing.T) {
	a := newAccount(t)
	a.world.Faults.Add(kernel.Fault{Action: "deliver:sns", Caller: topicARN, Twice: true})
	a.subscribe(t, "sms", "+15555550100", nil)
	a.publish(t, sdk.PublishInput{Message: aws.String("m")})
	mails := a.service.Mailbox("")
	if len(mails) != 2 || mails[0].MessageID != mails[1].MessageID {
		t.Errorf("got %+v", mails)
	}
}

func TestTopicsAndSubscriptionsAreDescribed(t *testing.T) {
	a := newAccount(t)
	ctx, topic := t.Context(), aws.String(topicARN)
	a.subscribe(t, "email", "ann@example.com", nil)
	a.subscribe(t, "sms", "+15555550100", nil)
	out, err := a.client.GetTopicAttributes(ctx, &sdk.GetTopicAttributesInput{TopicArn: topic})
	if err != nil || out.Attributes["SubscriptionsConfirmed"] != "1" || out.Attributes["SubscriptionsPending"] != "1" {
		t.Errorf("%+v, %v", out, err)
	}
	list, err := a.client.ListSubscriptionsByTopic(ctx, &sdk.ListSubscriptionsByTopicInput{TopicArn: topic})
	if err != nil || len(list.Subscriptions) != 2 || *list.Subscriptions[0].SubscriptionArn != "PendingConfirmation" {
		t.Fatalf("%+v, %v", list, err)
	}
	all, err := a.client.ListSubscriptions(ctx, &sdk.ListSubscriptionsInput{})
	if err != nil || len(all.Subscriptions) != 2 {
		t.Errorf("%+v, %v", all, err)
	}
	topics, err := a.client.ListTopics(ctx, &sdk.ListTopicsInput{})
	if err != nil || len(topics.Topics) != 1 {
		t.Errorf("%+v, %v", topics, err)
	}
	sms := list.Subscriptions[1].SubscriptionArn
	if _, err := a.client.SetSubscriptionAttributes(ctx, &sdk.SetSubscriptionAttributesInput{SubscriptionArn: sms, AttributeName: aws.String("FilterPolicy"), AttributeValue: aws.String(`{"a":["b"]}`)}); err != nil {
		t.Error(err)
	}
	one, err := a.client.GetSubscriptionAttributes(ctx, &sdk.GetSubscriptionAttributesInput{SubscriptionArn: sms})
	if err != nil || one.Attributes["FilterPolicy"] != `{"a":["b"]}` || one.Attributes["PendingConfirmation"] != "false" {
		t.Errorf("%+v, %v", one, err)
	}
	if _, err := a.client.Unsubscribe(ctx, &sdk.UnsubscribeInput{SubscriptionArn: sms}); err != nil {
		t.Error(err)
	}
	if _, err := a.client.DeleteTopic(ctx, &sdk.DeleteTopicInput{TopicArn: topic}); err != nil {
		t.Error(err)
	}
	_, err = a.client.GetTopicAttributes(ctx, &sdk.GetTopicAttributesInput{TopicArn: topic})
	check(t, err, "NotFound")
}

func TestUnknownOperationsAndParametersAreViolations(t *testing.T) {
	a := newAccount(t)
	if _, err := a.client.ListPlatformApplications(t.Context(), &sdk.ListPlatformApplicationsInput{}); err == nil {
		t.Error("an unknown operation was answered")
	}
	if _, err := a.client.Publish(t.Context(), &sdk.PublishInput{TopicArn: aws.String(topicARN), Message: aws.String("m"), MessageGroupId: aws.String("g")}); err == nil {
		t.Error("an unknown parameter was taken")
	}
	if got := a.world.Violations(); len(got) != 2 {
		t.Errorf("violations: %v", got)
	}
}
