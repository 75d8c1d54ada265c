// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package events

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/google/go-cmp/cmp"

	"cloudfront503/pkg/emulator/kernel"
)

// targets stand for Lambda, SQS and SNS.
type targets struct {
	mu      sync.Mutex
	got     []string // target, source, payload
	refusal []error  // what the next hand-overs answer
}

func (x *targets) take(target, source, payload string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.refusal) > 0 {
		err := x.refusal[0]
		x.refusal = x.refusal[1:]
		if err != nil {
			return err
		}
	}
	x.got = append(x.got, target[strings.LastIndex(target, ":")+1:]+" "+source[strings.LastIndex(source, "/")+1:]+" "+payload)
	return nil
}

func (x *targets) taken() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.got
}

func (x *targets) Invoke(context.Context, string, []byte) (kernel.Result, error) {
	return kernel.Result{}, nil
}

func (x *targets) InvokeAsync(arn string, payload []byte, _, source string) error {
	return x.take(arn, source, string(payload))
}

func (x *targets) SendAs(_, source, arn, body string, attributes map[string]string) error {
	if code := attributes["ERROR_CODE"]; code != "" {
		body = code + " after " + attributes["RETRY_ATTEMPTS"] + " " + attributes["EXHAUSTED_RETRY_CONDITION"]
	}
	return x.take(arn, source, body)
}

func (x *targets) PublishAs(_, source, arn, _, message string) error {
	return x.take(arn, source, message)
}

type account struct {
	world   *kernel.World
	service *Service
	client  *sdk.Client
	targets *targets
}

const (
	lambdaARN = "arn:aws:lambda:us-east-1:111122223333:function:fn"
	queueARN  = "arn:aws:sqs:us-east-1:111122223333:queue"
	topicARN  = "arn:aws:sns:us-east-1:111122223333:topic"
	deadARN   = "arn:aws:sqs:us-east-1:111122223333:dead"
)

func newAccount(t *testing.T) *account {
	t.Helper()
	w := kernel.NewWorld("111122223333", "us-east-1")
	a := &account{world: w, service: New(w), targets: &targets{}}
	w.Lambda, w.Queues, w.Topics = a.targets, a.targets, a.targets
	stop, err := w.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	a.client = sdk.NewFromConfig(aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(w.Endpoint), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("operator", "secret", ""),
	})
	return a
}

// rule puts a rule with one target over the wire.
func (a *account) rule(t *testing.T, in sdk.PutRuleInput, target types.Target) {
	t.Helper()
	in.Name, target.Id = aws.String("r"), aws.String("t")
	if _, err := a.client.PutRule(t.Context(), &in); err != nil {
		t.Fatal(err)
	}
	if _, err := a.client.PutTargets(t.Context(), &sdk.PutTargetsInput{Rule: in.Name, Targets: []types.Target{target}}); err != nil {
		t.Fatal(err)
	}
}

func (a *account) put(t *testing.T, source, detail string) *sdk.PutEventsOutput {
	t.Helper()
	out, err := a.client.PutEvents(t.Context(), &sdk.PutEventsInput{Entries: []types.PutEventsRequestEntry{{
		Source: &source, DetailType: aws.String("Something"), Detail: &detail, Resources: []string{"arn:x"},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	a.world.Settle()
	return out
}

const ours = `{"source":["our.app"]}`

func TestEventsReachTheTargetsOfRulesTheyMatch(t *testing.T) {
	tests := []struct {
		name   string
		target types.Target
		want   []string
	}{
		{"a queue with an input of its own", types.Target{Arn: aws.String(queueARN), Input: aws.String(`{"a":1}`)}, []string{`queue r {"a":1}`}},
		{"a function with a part of the event", types.Target{Arn: aws.String(lambdaARN), InputPath: aws.String("$.detail")}, []string{`fn r {"n":7}`}},
		{"a topic with a filled template", types.Target{Arn: aws.String(topicARN), InputTransformer: &types.InputTransformer{
			InputPathsMap: map[string]string{"n": "$.detail.n"}, InputTemplate: aws.String(`{"n":<n>,"text":"n is <n> of <aws.events.rule-name>"}`),
		}}, []string{`topic r {"n":7,"text":"n is 7 of r"}`}},
		{"a template with a placeholder that nothing fills goes nowhere", types.Target{Arn: aws.String(topicARN), DeadLetterConfig: &types.DeadLetterConfig{Arn: aws.String(deadARN)},
			InputTransformer: &types.InputTransformer{InputTemplate: aws.String(`{"n":<m>}`)}}, []string{"dead r INVALID_JSON after 0 "}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := newAccount(t)
			a.rule(t, sdk.PutRuleInput{EventPattern: aws.String(ours)}, test.target)
			a.put(t, "our.app", `{"n":7}`)
			a.put(t, "their.app", `{"n":8}`)
			if diff := cmp.Diff(test.want, a.targets.taken()); diff != "" {
				t.Error(diff)
			}
			if v := a.world.Violations(); len(v) > 0 {
				t.Error(v)
			}
		})
	}
}

func TestEventsHaveTheWholeEnvelope(t *testing.T) {
	a := newAccount(t)
	a.rule(t, sdk.PutRuleInput{EventPattern: aws.String(`{"account":["111122223333"]}`)}, types.Target{Arn: aws.String(lambdaARN)})
	a.service.Emit("aws.ssm", "EC2 Automation Execution Status-change Notification", []string{"arn:execution"}, map[string]string{"Status": "Success"})
	a.world.Settle()
	_, payload, _ := strings.Cut(a.targets.taken()[0], " r ")
	var e map[string]any
	if err := json.Unmarshal([]byte(payload), &e); err != nil {
		t.Fatal(err)
	}
	if _, err := time.Parse(time.RFC3339, e["time"].(string)); err != nil {
		t.Error(err)
	}
	delete(e, "time")
	delete(e, "id")
	want := map[string]any{
		"version": "0", "source": "aws.ssm", "detail-type": "EC2 Automation Execution Status-change Notification", "account": "111122223333",
		"region": "us-east-1", "resources": []any{"arn:execution"}, "detail": map[string]any{"Status": "Success"},
	}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Error(diff)
	}
}

func TestInjectedEventsKeepWhatTheySay(t *testing.T) {
	a := newAccount(t)
	a.rule(t, sdk.PutRuleInput{EventPattern: aws.String(`{"id":["given"],"region":["us-west-2"]}`)}, types.Target{Arn: aws.String(queueARN), Input: aws.String(`{}`)})
	if err := a.service.Inject([]byte(`{"id":"given","region":"us-west-2","source":"aws.health","detail-type":"AWS Health Event","detail":{}}`)); err != nil {
		t.Fatal(err)
	}
	a.world.Settle()
	if len(a.targets.taken()) != 1 {
		t.Error("not delivered")
	}
	if err := a.service.Inject([]byte(`{"details":{}}`)); err == nil {
		t.Error("an envelope with an unknown field was taken")
	}
}

func TestPutEventsRefusesEntries(t *testing.T) {
	tests := []struct{ name, source, detail, want string }{
		{"of AWS's own sources", "aws.health", `{}`, "NotAuthorizedForSourceException"},
		{"without a source", "", `{}`, "InvalidArgument"},
		{"whose detail is no object", "our.app", `"text"`, "MalformedDetail"},
		{"whose detail is no JSON", "our.app", `{`, "MalformedDetail"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			out := newAccount(t).put(t, test.source, test.detail)
			if out.FailedEntryCount != 1 || aws.ToString(out.Entries[0].ErrorCode) != test.want {
				t.Errorf("got %+v", out)
			}
		})
	}
}

func TestPutRuleRefuses(t *testing.T) {
	tests := []struct {
		name string
		in   sdk.PutRuleInput
		want string
	}{
		{"neither pattern nor schedule", sdk.PutRuleInput{}, "ValidationException"},
		{"a pattern that is wrong", sdk.PutRuleInput{EventPattern: aws.String(`{"source":"a"}`)}, "InvalidEventPatternException"},
		{"a schedule that is wrong", sdk.PutRuleInput{ScheduleExpression: aws.String("rate(1 minutes)")}, "ValidationException"},
		{"another bus", sdk.PutRuleInput{EventPattern: aws.String(ours), EventBusName: aws.String("other")}, "ResourceNotFoundException"},
		{"a pattern that is too long", sdk.PutRuleInput{EventPattern: aws.String(`{"source":["` + strings.Repeat("a", 2048) + `"]}`)}, "InvalidEventPatternException"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.in.Name = aws.String("r")
			_, err := newAccount(t).client.PutRule(t.Context(), &test.in)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestRulesAreListedChangedAndDeleted(t *testing.T) {
	a := newAccount(t)
	ctx, name := t.Context(), aws.String("r")
	a.rule(t, sdk.PutRuleInput{EventPattern: aws.String(ours)}, types.Target{Arn: aws.String(queueARN), RetryPolicy: &types.RetryPolicy{MaximumRetryAttempts: aws.Int32(0)}})
	if _, err := a.client.DisableRule(ctx, &sdk.DisableRuleInput{Name: name}); err != nil {
		t.Fatal(err)
	}
	a.put(t, "our.app", `{}`)
	if got := a.targets.taken(); len(got) != 0 {
		t.Errorf("a disabled rule delivered %v", got)
	}
	rules, err := a.client.ListRules(ctx, &sdk.ListRulesInput{NamePrefix: name})
	if err != nil || len(rules.Rules) != 1 || rules.Rules[0].State != types.RuleStateDisabled {
		t.Errorf("%+v, %v", rules, err)
	}
	list, err := a.client.ListTargetsByRule(ctx, &sdk.ListTargetsByRuleInput{Rule: name})
	if err != nil || len(list.Targets) != 1 {
		t.Errorf("%+v, %v", list, err)
	}
	if _, err := a.client.DeleteRule(ctx, &sdk.DeleteRuleInput{Name: name}); err == nil {
		t.Error("a rule with targets was deleted")
	}
	if _, err := a.client.RemoveTargets(ctx, &sdk.RemoveTargetsInput{Rule: name, Ids: []string{"t"}}); err != nil {
		t.Error(err)
	}
	if _, err := a.client.DeleteRule(ctx, &sdk.DeleteRuleInput{Name: name}); err != nil {
		t.Error(err)
	}
	if _, err := a.client.DescribeRule(ctx, &sdk.DescribeRuleInput{Name: name}); err == nil || !strings.Contains(err.Error(), "ResourceNotFoundException") {
		t.Errorf("got %v", err)
	}
	result, err := a.client.TestEventPattern(ctx, &sdk.TestEventPatternInput{EventPattern: aws.String(ours), Event: aws.String(`{"source":"our.app"}`)})
	if err != nil || !result.Result {
		t.Errorf("%+v, %v", result, err)
	}
}

func TestSchedulesRunOnTheAccountsClock(t *testing.T) {
	a := newAccount(t)
	a.rule(t, sdk.PutRuleInput{ScheduleExpression: aws.String("rate(5 minutes)")}, types.Target{Arn: aws.String(lambdaARN)})
	a.world.Clock.Advance(4 * time.Minute)
	if got := a.targets.taken(); len(got) != 0 {
		t.Errorf("too early: %v", got)
	}
	a.world.Clock.Advance(12 * time.Minute)
	got := a.targets.taken()
	if len(got) != 3 || !strings.Contains(got[0], `"detail-type":"Scheduled Event"`) {
		t.Errorf("got %v", got)
	}
	if _, err := a.client.DisableRule(t.Context(), &sdk.DisableRuleInput{Name: aws.String("r")}); err != nil {
		t.Fatal(err)
	}
	a.world.Clock.Advance(time.Hour)
	if len(a.targets.taken()) != 3 {
		t.Error("it ran on although it is disabled")
	}
}

func TestScheduleGoesOnWhereTheRuleIsPutAgain(t *testing.T) {
	a := newAccount(t)
	for range 2 {
		a.rule(t, sdk.PutRuleInput{ScheduleExpression: aws.String("rate(5 minutes)")}, types.Target{Arn: aws.String(lambdaARN)})
	}
	a.world.Clock.Advance(6 * time.Minute)
	if got := a.targets.taken(); len(got) != 1 {
		t.Errorf("ran %d times", len(got))
	}
}

func TestDeliveryIsRetriedAndThenDead(t *testing.T) {
	busy := kernel.Errorf(500, "InternalFailure", "busy")
	gone := kernel.Errorf(404, "ResourceNotFoundException", "gone")
	two := aws.Int32(2)
	tests := []struct {
		name    string
		refusal []error
		dead    bool
		want    []string
		dropped int
	}{
		{"at once", nil, true, []string{"queue r x"}, 0},
		{"at the third attempt", []error{busy, busy}, true, []string{"queue r x"}, 0},
		{"never", []error{busy, busy, busy}, true, []string{"dead r InternalFailure after 2 MaximumRetryAttempts"}, 0},
		{"refused for good", []error{gone}, true, []string{"dead r ResourceNotFoundException after 0 "}, 0},
		{"refused for good without a queue", []error{gone}, false, nil, 1},
		{"refused by the queue too", []error{gone, gone}, true, nil, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := newAccount(t)
			a.targets.refusal = test.refusal
			target := types.Target{Arn: aws.String(queueARN), Input: aws.String("x"), RetryPolicy: &types.RetryPolicy{MaximumRetryAttempts: two}}
			if test.dead {
				target.DeadLetterConfig = &types.DeadLetterConfig{Arn: aws.String(deadARN)}
			}
			a.rule(t, sdk.PutRuleInput{EventPattern: aws.String(ours)}, target)
			a.put(t, "our.app", `{}`)
			a.world.Clock.Advance(time.Hour)
			if diff := cmp.Diff(test.want, a.targets.taken()); diff != "" {
				t.Error(diff)
			}
			if len(a.service.Dropped()) != test.dropped {
				t.Errorf("dropped %v", a.service.Dropped())
			}
		})
	}
}

func TestDeliveryTwice(t *testing.T) {
	a := newAccount(t)
	a.world.Faults.Add(kernel.Fault{Action: "deliver:events", Resource: lambdaARN, Times: 1, Twice: true})
	a.rule(t, sdk.PutRuleInput{EventPattern: aws.String(ours)}, types.Target{Arn: aws.String(lambdaARN)})
	a.put(t, "our.app", `{}`)
	got := a.targets.taken()
	if len(got) != 2 || got[0] != got[1] {
		t.Errorf("got %v, want the same event twice", got)
	}
}

func TestUnknownOperationsAndParametersAreViolations(t *testing.T) {
	a := newAccount(t)
	if _, err := a.client.ListEventBuses(t.Context(), &sdk.ListEventBusesInput{}); err == nil {
		t.Error("an unknown operation was answered")
	}
	if _, err := a.client.PutRule(t.Context(), &sdk.PutRuleInput{Name: aws.String("r"), EventPattern: aws.String(ours), RoleArn: aws.String("arn:x")}); err == nil {
		t.Error("an unknown parameter was taken")
	}
	if got := a.world.Violations(); len(got) != 2 {
		t.Errorf("violations: %v", got)
	}
}

// FuzzPath looks for a panic in JSON paths and templates.
func FuzzPath(f *testing.F) {
	f.Add("$.detail['a-b'][0]", `{"a":"<x> and <aws.events.event>"}`, `{"detail":{"a-b":["\"quoted\""]}}`)
	f.Fuzz(func(t *testing.T, path, template, event string) {
		target := Target{Transformer: &Transformer{Paths: map[string]string{"x": path}, Template: template}}
		filled, err := target.payload(rule{}, []byte(event), time.Time{})
		if err == nil && !json.Valid(filled) {
			t.Errorf("%q is not JSON", filled)
		}
	})
}
