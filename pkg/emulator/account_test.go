// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package emulator

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"cloudfront503/pkg/emulator/kernel"
)

// echo is the test function, built once.
var echo string

func TestMain(m *testing.M) {
	os.Exit(withEcho(m))
}

func withEcho(m *testing.M) int {
	dir, err := os.MkdirTemp("", "emulator-test")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	built, err := BuildFunctions(context.Background(), filepath.Join("testdata", "module"), dir, Raced())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	echo = built["echo"]
	return m.Run()
}

const root = "../.."

// deployed is an account with our own template, whose five functions all are echo, and one approver, ann.
func deployed(t *testing.T, change func(*Options)) *Account {
	t.Helper()
	template, err := os.ReadFile(filepath.Join(root, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	o := Options{
		Template: template, Files: os.DirFS(root), AutoConfirm: true, Functions: map[string]string{},
		Parameters: map[string]string{
			"Distributions": "E1EXAMPLE", "OnCallEmail": "oncall@example.com",
			"Approver1": "ann|arn:aws:iam::111122223333:user/ann|email|ann@example.com",
		},
		Prepare: func(a *Account) error {
			a.World.Identity.AddUser(kernel.User{Name: "ann"})
			a.World.Identity.AddUser(kernel.User{Name: "bob"})
			return nil
		},
	}
	for _, name := range []string{"respond", "baseline", "approve", "remediate", "verify"} {
		o.Functions[name] = echo
	}
	if change != nil {
		change(&o)
	}
	a, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
		for _, violation := range a.World.Violations() {
			t.Error(violation)
		}
	})
	return a
}

// config is what somebody's clients are made of.
func config(t *testing.T, a *Account, user string) aws.Config {
	t.Helper()
	c, err := a.World.Identity.UserCredentials("arn:aws:iam::111122223333:user/" + user)
	if err != nil {
		t.Fatal(err)
	}
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(a.World.Endpoint),
		Credentials: credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken),
	}
}

func TestAReplyOfItsOwnerReachesApprove(t *testing.T) {
	a := deployed(t, nil)
	reply := &sns.PublishInput{TopicArn: aws.String(a.Stack.Resources["ReplyTopic1"].ID), Message: aws.String("approve TICKET")}
	if _, err := sns.NewFromConfig(config(t, a, "bob")).Publish(t.Context(), reply); err == nil {
		t.Error("somebody else's reply was taken")
	}
	if _, err := sns.NewFromConfig(config(t, a, "ann")).Publish(t.Context(), reply); err != nil {
		t.Fatal(err)
	}
	a.World.Settle()
	if log := a.Lambda.Logs("cloudfront503-approve"); strings.Count(log, `"Message":"approve TICKET"`) != 1 {
		t.Errorf("approve was told: %q", log)
	}
}

func TestTheSweepRunsEveryFiveMinutes(t *testing.T) {
	a := deployed(t, nil)
	a.World.Clock.Advance(16 * time.Minute)
	if log := a.Lambda.Logs("cloudfront503-verify"); strings.Count(log, `{"cloudfront503":"sweep"}`) != 3 {
		t.Errorf("verify was told: %q", log)
	}
}

// A pipe holds 64 KB, which a busy machine reads late: what is written before the answer must be there with it.
func TestWhatAFunctionWroteIsThereWhenItHasAnswered(t *testing.T) {
	a := deployed(t, nil)
	event := fmt.Sprintf(`{"source":"aws.health","detail-type":"AWS Health Event","detail":{"service":"CLOUDFRONT","text":%q}}`, strings.Repeat("x", 60<<10))
	for n := 1; n <= 50; n++ {
		if err := a.Events.Inject([]byte(event)); err != nil {
			t.Fatal(err)
		}
		a.World.Settle()
		if told := strings.Count(a.Lambda.Logs("cloudfront503-verify"), "AWS Health Event"); told != n {
			t.Fatalf("verify was told %d of %d", told, n)
		}
	}
}

func TestEventsReachTheFunctionsThatTheTemplateNames(t *testing.T) {
	tests := []struct{ name, source, detailType, detail, function string }{
		{"an alarm on CloudFront", "aws.cloudwatch", "CloudWatch Alarm State Change",
			`{"configuration":{"metrics":[{"metricStat":{"metric":{"namespace":"AWS/CloudFront"}}}]}}`, "respond"},
		{"a composite alarm", "aws.cloudwatch", "CloudWatch Alarm State Change", `{"configuration":{"alarmRule":"ALARM(a)"}}`, "respond"},
		{"a change of a distribution", "aws.cloudfront", "AWS API Call via CloudTrail",
			`{"eventSource":"cloudfront.amazonaws.com","eventName":"UpdateDistribution"}`, "baseline"},
		{"trouble at CloudFront", "aws.health", "AWS Health Event", `{"service":"CLOUDFRONT"}`, "verify"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := deployed(t, nil)
			whole := fmt.Sprintf(`{"source":%q,"detail-type":%q,"detail":%s}`, test.source, test.detailType, test.detail)
			if err := a.Events.Inject([]byte(whole)); err != nil {
				t.Fatal(err)
			}
			a.World.Settle()
			for _, name := range []string{"respond", "baseline", "approve", "remediate", "verify"} {
				told := strings.Contains(a.Lambda.Logs("cloudfront503-"+name), test.source)
				if told != (name == test.function) {
					t.Errorf("%s was told: %v", name, told)
				}
			}
		})
	}
}

func TestWhatFailsThreeTimesIsADeadLetter(t *testing.T) {
	a := deployed(t, nil)
	if err := a.Events.Inject([]byte(`{"source":"aws.health","detail-type":"AWS Health Event","detail":{"service":"S3","note":"fail"}}`)); err != nil {
		t.Fatal(err)
	}
	a.World.Clock.Advance(4 * time.Minute)
	client := sqs.NewFromConfig(aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(a.World.Endpoint), Credentials: credentials.NewStaticCredentialsProvider("operator", "s", ""),
	})
	out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String(a.Stack.Resources["DeadLetters"].ID)})
	if err != nil || len(out.Messages) != 1 || !strings.Contains(*out.Messages[0].Body, "RetriesExhausted") {
		t.Errorf("%+v, %v", out, err)
	}
	if lost := a.Lambda.Lost(); len(lost) > 0 {
		t.Errorf("lost: %v", lost)
	}
}

func TestNewLeavesNothingBehindWhenItFails(t *testing.T) {
	if _, err := New(Options{Template: []byte("Resources: {}")}); err == nil {
		t.Error("a template without resources was deployed")
	}
}

func TestNewWithoutATemplateIsAnEmptyAccount(t *testing.T) {
	a, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if a.Stack != nil || a.World.Endpoint == "" {
		t.Errorf("%+v", a)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}

func TestFunctionsAreFoundFlatAndInFolders(t *testing.T) {
	dir := t.TempDir()
	for _, file := range []string{"one", "two/bootstrap"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, file)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, file), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "notes.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	found, err := FindFunctions(dir)
	if err != nil || len(found) != 2 || filepath.Base(found["two"]) != "bootstrap" {
		t.Errorf("%v, %v", found, err)
	}
	if _, err := FindFunctions(t.TempDir()); err == nil {
		t.Error("nothing was found without an error")
	}
}
