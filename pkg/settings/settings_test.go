// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package settings

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/google/go-cmp/cmp"

	"cloudfront503/pkg/incident"
)

// complete is an environment as template.yaml makes it.
func complete() map[string]string {
	return map[string]string{
		"CF503_BUCKET": "bucket", "CF503_ENVIRONMENT": "prod", "CF503_DISTRIBUTIONS": "E2EXAMPLE11AA, E2EXAMPLE22BB",
		"CF503_MODE": "ask", "CF503_STOP": "no", "CF503_QUORUM": "2", "CF503_GATE": "role", "CF503_PROBE_PATHS": "/,/health",
		"CF503_OPT_IN": "cloudfront503=change", "CF503_DETACH": "yes", "CF503_CALENDAR": "freeze", "CF503_CLOSED": "ask",
		"CF503_EDGE_REGIONS": "us-east-1,eu-west-1", "CF503_QUOTA_TOPICS": "arn:aws:sns:eu-west-1:111122223333:quotas", "CF503_RESERVED": "2", "CF503_WATCH_HOURS": "48", "CF503_TAKE_BACK": "worse", "CF503_STACK": "cf503",
		"CF503_ACCOUNT": "111122223333", "CF503_MAC_KEY": "arn:aws:kms:us-east-1:111122223333:key/k",
		"CF503_APPROVERS": "alice|arn:aws:iam::111122223333:user/alice|1|1\nbob|arn:aws:iam::111122223333:role/Ops|2|3",
		"AWS_REGION":      "us-east-1",
		"CF503_WIKI_URL":  "https://shop.example.com", "CF503_WIKI_SPACE": "42", "CF503_WIKI_PARENT": "7", "CF503_WIKI_TOKEN": "/cf503/wiki",
	}
}

func TestLoadReadsWhatTheTemplateGives(t *testing.T) {
	got, err := Load(getenv(complete()))
	if err != nil {
		t.Fatal(err)
	}
	want := Settings{
		Bucket: "bucket", Environment: "prod", Distributions: []string{"E2EXAMPLE11AA", "E2EXAMPLE22BB"}, Quorum: 2, GateByRole: true,
		OptIn: "cloudfront503=change", MayDetach: true, Calendar: "freeze", AskWhenClosed: true,
		ProbePaths: []string{"/", "/health"}, EdgeRegions: []string{"us-east-1", "eu-west-1"}, QuotaTopics: []string{"arn:aws:sns:eu-west-1:111122223333:quotas"}, Reserved: 2, WatchHours: 48, TakenBack: incident.TakenBackWorse, Stack: "cf503",
		Account: "111122223333", MACKey: "arn:aws:kms:us-east-1:111122223333:key/k", Region: "us-east-1",
		Approvers: "alice|arn:aws:iam::111122223333:user/alice|arn:aws:sns:us-east-1:111122223333:cf503-reply-1|arn:aws:sns:us-east-1:111122223333:cf503-channel-1|1\n" +
			"bob|arn:aws:iam::111122223333:role/Ops|arn:aws:sns:us-east-1:111122223333:cf503-reply-2|arn:aws:sns:us-east-1:111122223333:cf503-channel-2|3",
		Wiki: Wiki{URL: "https://shop.example.com", Space: "42", Parent: "7", Token: "/cf503/wiki"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestPhonesAreReadOnlyWhereTheStackTakesTexts(t *testing.T) {
	for name, test := range map[string]struct{ number, phones, bob, topic string }{
		"texts are taken": {"+12125550101", ",+14255550182,,,", "channel-2|3|+14255550182", "arn:aws:sns:us-east-1:111122223333:cf503-texts"},
		"no texts":        {"", ",+14255550182", "channel-2|3", ""},
		"too few phones":  {"12345", "+14255550199", "channel-2|3", "arn:aws:sns:us-east-1:111122223333:cf503-texts"},
	} {
		env := complete()
		env["CF503_SMS"], env["CF503_PHONES"] = test.number, test.phones
		got, err := Load(getenv(env))
		if err != nil || !strings.HasSuffix(got.Approvers, test.bob) || got.TextTopic() != test.topic {
			t.Errorf("%s: %q, topic %q, %v", name, got.Approvers, got.TextTopic(), err)
		}
	}
	env := complete()
	env["CF503_SMS"] = "the number"
	if _, err := Load(getenv(env)); err == nil || !strings.Contains(err.Error(), "CF503_SMS") {
		t.Errorf("%v", err)
	}
}

func TestLoadSaysAllProblemsAtOnce(t *testing.T) {
	env := complete()
	env["CF503_BUCKET"] = " "
	env["CF503_MODE"] = "act"
	env["CF503_QUORUM"] = "11"
	env["CF503_DISTRIBUTIONS"] = "E2EXAMPLE11AA,../etc"
	env["CF503_PROBE_PATHS"] = "/a,/b,/c,/d"
	env["CF503_TAKE_BACK"] = "always"
	_, err := Load(getenv(env))
	if err == nil {
		t.Fatal("no error")
	}
	for _, name := range []string{"CF503_BUCKET", "CF503_MODE", "CF503_QUORUM", "CF503_DISTRIBUTIONS", "CF503_PROBE_PATHS", "CF503_TAKE_BACK"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named in %q", name, err)
		}
	}
}

func TestTopicsAreOfOtherRegionsEachOnce(t *testing.T) {
	const irish, oregon = "arn:aws:sns:eu-west-1:111122223333:quotas", "arn:aws:sns:us-west-2:444455556666:a_b-1"
	for _, tt := range []struct {
		name   string
		topics string
		want   []string
		says   []string // all problems at once; none: it is right
	}{
		{"none", " ", nil, nil},
		{"in two Regions and accounts", irish + ", " + oregon, []string{irish, oregon}, nil},
		{"no ARN", "quotas", nil, []string{`"quotas", which is no ARN of an SNS topic`}},
		{"of another service", "arn:aws:sqs:eu-west-1:111122223333:quotas", nil, []string{"no ARN of an SNS topic"}},
		{"a subscription", irish + ":0a1b2c3d-0000-4000-8000-000000000000", nil, []string{"no ARN of an SNS topic"}},
		{"of no account", "arn:aws:sns:eu-west-1::quotas", nil, []string{"no ARN of an SNS topic"}},
		{"in the stack's own Region", "arn:aws:sns:us-east-1:111122223333:quotas", nil, []string{"in us-east-1 alarms tell the on-call topic"}},
		{"everything that can be wrong", irish + "," + irish + "2,arn:aws:sns:us-east-1:111122223333:q,x", nil,
			[]string{"more than one topic in eu-west-1", "in us-east-1 alarms", `"x", which is no ARN`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env := complete()
			env["CF503_QUOTA_TOPICS"] = tt.topics
			got, err := Load(getenv(env))
			if (err == nil) != (tt.says == nil) || err == nil && !slices.Equal(got.QuotaTopics, tt.want) {
				t.Fatalf("%q, %v", got.QuotaTopics, err)
			}
			for _, want := range tt.says {
				if !strings.Contains(err.Error(), want) || strings.Count(err.Error(), "CF503_QUOTA_TOPICS") != len(tt.says) {
					t.Errorf("%v does not say %q", err, want)
				}
			}
		})
	}
}

func TestAWikiIsConfiguredWholeAndWithoutSecrets(t *testing.T) {
	for _, tt := range []struct {
		name  string
		set   map[string]string
		wrong string // the variable that is named; empty: it is right
	}{
		{"none", map[string]string{"CF503_WIKI_URL": "", "CF503_WIKI_SPACE": "", "CF503_WIKI_PARENT": "", "CF503_WIKI_TOKEN": ""}, ""},
		{"no parent", map[string]string{"CF503_WIKI_PARENT": ""}, ""},
		{"a secret of Secrets Manager", map[string]string{"CF503_WIKI_TOKEN": "/aws/reference/secretsmanager/shop/wiki"}, ""},
		{"no token", map[string]string{"CF503_WIKI_TOKEN": ""}, "CF503_WIKI_URL"},
		{"no space", map[string]string{"CF503_WIKI_SPACE": ""}, "CF503_WIKI_URL"},
		{"only a parent", map[string]string{"CF503_WIKI_URL": "", "CF503_WIKI_SPACE": "", "CF503_WIKI_TOKEN": ""}, "CF503_WIKI_URL"},
		{"plain HTTP", map[string]string{"CF503_WIKI_URL": "http://shop.example.com"}, "CF503_WIKI_URL"},
		{"a user in the URL", map[string]string{"CF503_WIKI_URL": "https://a@shop.example.com"}, "CF503_WIKI_URL"},
		{"a path", map[string]string{"CF503_WIKI_URL": "https://shop.example.com/wiki"}, "CF503_WIKI_URL"},
		{"a space's key", map[string]string{"CF503_WIKI_SPACE": "OPS"}, "CF503_WIKI_SPACE"},
		{"the token itself", map[string]string{"CF503_WIKI_TOKEN": "ann@example.com:ATATT"}, "CF503_WIKI_TOKEN"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env := complete()
			maps.Copy(env, tt.set)
			_, err := Load(getenv(env))
			if (err == nil) != (tt.wrong == "") || err != nil && !strings.Contains(err.Error(), tt.wrong) {
				t.Errorf("error %v, want one about %q", err, tt.wrong)
			}
			if err != nil && strings.Contains(err.Error(), "ATATT") {
				t.Errorf("%v shows the token", err)
			}
		})
	}
}

func TestTemplateSetsExactlyWhatIsRead(t *testing.T) {
	template, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	set := map[string]bool{}
	for _, found := range regexp.MustCompile(`(?m)^ +(CF503_[A-Z_]+):`).FindAllSubmatch(template, -1) {
		set[string(found[1])] = true
	}
	read := map[string]bool{}
	if _, err := Load(func(name string) string {
		read[name] = strings.HasPrefix(name, "CF503_")
		return ""
	}); err == nil {
		t.Error("an empty environment is accepted")
	}
	maps.DeleteFunc(read, func(_ string, ours bool) bool { return !ours })
	if diff := cmp.Diff(slices.Sorted(maps.Keys(set)), slices.Sorted(maps.Keys(read))); diff != "" {
		t.Errorf("template.yaml (-) and Load (+) differ:\n%s", diff)
	}
}

func TestClockFollowsTheDateOfAnswers(t *testing.T) {
	for _, tt := range []struct {
		name  string
		ahead time.Duration
		want  time.Duration
	}{
		{"an hour ahead is followed", time.Hour, time.Hour},
		{"an hour behind is followed", -time.Hour, -time.Hour},
		{"a second is the header's own rounding", time.Second, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var clock Clock
			clock.observe(time.Now().UTC().Add(tt.ahead).Format("Mon, 02 Jan 2006 15:04:05 GMT"))
			if got := time.Until(clock.Now()); (got - tt.want).Abs() > tolerance {
				t.Errorf("clock is %v ahead, want %v", got, tt.want)
			}
		})
	}
	var clock Clock
	clock.observe("yesterday")
	if ahead := clock.offset.Load(); ahead != 0 {
		t.Errorf("a date that cannot be read moved the clock by %v", time.Duration(ahead))
	}
}

func getenv(env map[string]string) func(string) string {
	return func(name string) string { return env[name] }
}

func TestAnApproverThatIsNoneIsNotDropped(t *testing.T) {
	env := complete()
	env["CF503_APPROVERS"] += "\nmallory"
	got, err := Load(getenv(env))
	if err != nil || !strings.HasSuffix(got.Approvers, "\nmallory") {
		t.Errorf("%q, %v: who parses the approvers must see it", got.Approvers, err)
	}
}

func TestAFunctionTakesLambdasOwnEnvironment(t *testing.T) {
	env := map[string]string{
		"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token",
		"AWS_ENDPOINT_URL": "http://127.0.0.1:4566", "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS": "http://127.0.0.1:4567",
	}
	cfg, _, err := Lambda(getenv(env))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil || keys.AccessKeyID != "AKIDEXAMPLE" || keys.SessionToken != "token" {
		t.Errorf("%+v, %v", keys.AccessKeyID, err)
	}
	if S3(cfg).Options().BaseEndpoint == nil || !S3(cfg).Options().UsePathStyle {
		t.Error("S3 is not asked at the endpoint by path")
	}
	if got := cloudwatchlogs.NewFromConfig(cfg).Options().BaseEndpoint; got == nil || *got != "http://127.0.0.1:4567" {
		t.Errorf("an endpoint of one service alone: %v", got)
	}
	for _, name := range []string{"AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		without := maps.Clone(env)
		delete(without, name)
		if _, _, err := Lambda(getenv(without)); err == nil {
			t.Errorf("no error without %s", name)
		}
	}
}
