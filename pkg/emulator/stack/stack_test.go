// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package stack

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"cloudfront503/pkg/emulator/cloudfront"
	"cloudfront503/pkg/emulator/cloudwatch"
	"cloudfront503/pkg/emulator/events"
	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/kms"
	"cloudfront503/pkg/emulator/lambda"
	"cloudfront503/pkg/emulator/s3"
	"cloudfront503/pkg/emulator/sns"
	"cloudfront503/pkg/emulator/sqs"
	"cloudfront503/pkg/emulator/ssm"
)

func options(t *testing.T) Options {
	t.Helper()
	w := kernel.NewWorld("111122223333", "us-east-1")
	sqs.New(w)
	cloudwatch.New(w)
	o := Options{Name: "our", Files: os.DirFS("testdata"), Functions: map[string]string{"worker": "/bin/true", "plain": "/bin/true"}}
	o.Services = Services{
		World: w, Lambda: lambda.New(w), Events: events.New(w), Topics: sns.New(w), Buckets: s3.New(w), Keys: kms.New(w),
		Documents: ssm.New(w), Distributions: cloudfront.New(w),
	}
	return o
}

func load(t *testing.T, o Options, parameters map[string]string) *Stack {
	t.Helper()
	raw, err := os.ReadFile("testdata/template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s, err := Load(raw, parameters, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestLoadMakesOneOfEverything(t *testing.T) {
	o := options(t)
	s := load(t, o, map[string]string{"Mail": "ann@example.com"})
	want := []string{
		"Alarm", "Alias", "Bucket", "BucketPolicy", "Dead", "DeadPolicy", "Document", "Key", "Log", "Permission", "Plain", "PlainPolicy",
		"PlainRole", "Rule", "Shared", "Subscription", "Topic", "TopicPolicy", "Worker", "WorkerChanges", "WorkerChangesPermission",
		"WorkerHourly", "WorkerHourlyPermission", "WorkerRole", "WorkerTold", "WorkerToldPermission",
	}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(s.Resources))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]string{"Who": "bob", "Mail": "ann@example.com", "Encoded": "aGVsbG8="}, s.Outputs); diff != "" {
		t.Error(diff)
	}
	if v := o.World.Violations(); len(v) > 0 {
		t.Error(v)
	}
	if s.Resources["Topic"].ID != "arn:aws:sns:us-east-1:111122223333:our-topic" {
		t.Error(s.Resources["Topic"])
	}
}

func TestLoadLeavesOutWhatItsConditionRefuses(t *testing.T) {
	s := load(t, options(t), nil)
	if _, ok := s.Resources["Subscription"]; ok {
		t.Error("a subscription without an address was made")
	}
	if _, ok := s.Outputs["Mail"]; ok {
		t.Error("an output without its condition was given")
	}
}

// configuration is what GetFunction says of a function.
func configuration(t *testing.T, w *kernel.World, name string) (f struct {
	Configuration struct {
		Role        string
		Timeout     int
		Environment struct{ Variables map[string]string }
	}
	Concurrency struct{ ReservedConcurrentExecutions int }
}) {
	t.Helper()
	status, body := w.Do(kernel.Request{Service: "lambda", Method: "GET", Path: "/2015-03-31/functions/" + name})
	if status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	if err := json.Unmarshal(body, &f); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestLoadMergesGlobals(t *testing.T) {
	o := options(t)
	s := load(t, o, nil)
	f := configuration(t, o.World, "worker")
	want := map[string]string{"WHO": "ann,bob", "KEY": s.Resources["Key"].Attributes["Arn"], "OWN": "7"}
	if diff := cmp.Diff(want, f.Configuration.Environment.Variables); diff != "" {
		t.Error(diff)
	}
	if f.Configuration.Timeout != 30 || f.Concurrency.ReservedConcurrentExecutions != 1 {
		t.Errorf("%+v", f)
	}
	if want := s.Resources["WorkerRole"].Attributes["Arn"]; f.Configuration.Role != want {
		t.Errorf("role %s, want %s", f.Configuration.Role, want)
	}
}

func TestLoadMakesRolesWithTheirPolicies(t *testing.T) {
	o := options(t)
	s := load(t, o, nil)
	plain, ok := o.World.Identity.Role(s.Resources["PlainRole"].Attributes["Arn"])
	if !ok || !strings.Contains(plain.ARN, ":role/plain/our-PlainRole-") {
		t.Fatalf("%+v", plain)
	}
	names := slices.Sorted(maps.Keys(plain.Policies))
	if diff := cmp.Diff([]string{s.Resources["Shared"].ID, "send"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestLoadReservesNothingWhereNothingIsAsked(t *testing.T) {
	o := options(t)
	load(t, o, map[string]string{"Reserved": "0"})
	if f := configuration(t, o.World, "worker"); f.Concurrency.ReservedConcurrentExecutions != 0 {
		t.Errorf("%+v", f.Concurrency)
	}
}

func TestLoadFailsWhereTheAccountIsTooSmall(t *testing.T) {
	o := options(t)
	o.Lambda.SetLimit("us-east-1", 100)
	raw, _ := os.ReadFile("testdata/template.yaml")
	if _, err := Load(raw, nil, o); err == nil || !strings.Contains(err.Error(), "below its minimum value") {
		t.Errorf("got %v", err)
	}
}

// topic is a template with one topic under what is given.
const topic = `
Resources:
  Topic: { Type: AWS::SNS::Topic, Properties: { TopicName: t } }
`

func TestLoadRefuses(t *testing.T) {
	tests := []struct{ name, template, want string }{
		{"no YAML", "\t{", "template:"},
		{"no resources", "Outputs: {}", "no resources"},
		{"an unknown section", topic + "Resorces: {}", "unknown field"},
		{"a section in another case", topic + "outputs: {}", "unknown property outputs"},
		{"another macro", topic + "Transform: My::Macro", "not emulated"},
		{"a member that stands twice", "Resources:\n  A: {Type: x}\n  A: {Type: y}", "already defined"},
		{"a type that is not emulated", "Resources: { A: { Type: AWS::EC2::Instance } }", "A (AWS::EC2::Instance): resource type is not emulated"},
		{"a property that is not emulated", "Resources: { A: { Type: AWS::SNS::Topic, Properties: { FifoTopic: true } } }", `unknown field "FifoTopic"`},
		{"a property in another case", "Resources: { A: { Type: AWS::SNS::Topic, Properties: { topicName: t } } }", "unknown property topicName"},
		{"a key of resources that is unknown", "Resources: { A: { Type: AWS::SNS::Topic, Dependson: B } }", "Dependson"},
		{"a function that is not emulated", "Resources: { A: { Type: AWS::SNS::Topic, Properties: { TopicName: !ImportValue x } } }", "Fn::ImportValue is not emulated"},
		{"an unknown function", "Resources: { A: { Type: AWS::SNS::Topic, Properties: { TopicName: { 'Fn::Nothing': x } } } }", "Fn::Nothing is not emulated"},
		{"a tag that is not understood", "Resources: { A: { Type: AWS::SNS::Topic, Properties: { TopicName: !Rev x } } }", "tag !Rev"},
		{"a reference to nothing", "Resources: { A: { Type: AWS::SNS::Topic, Properties: { TopicName: !Ref B } } }", "no resource is called B"},
		{"an attribute that is not there", topic + "Outputs: { O: { Value: !GetAtt Topic.Colour } }", "no attribute Colour"},
		{"a circle", "Resources: { A: { Type: AWS::SNS::Topic, Properties: { TopicName: !Ref B } }, B: { Type: AWS::SNS::Topic, Properties: { TopicName: !Ref A } } }", "circular dependency"},
		{"a circle of conditions", topic + "Conditions: { A: !Not [!Condition B], B: !Not [!Condition A] }", "depends on itself"},
		{"a condition that is not declared", "Resources: { A: { Type: AWS::SNS::Topic, Condition: C } }", "no condition is called C"},
		{"a reference to what its condition leaves out", "Conditions: { No: !Equals [a, b] }\nResources: { A: { Type: AWS::SNS::Topic, Condition: No } }\nOutputs: { O: { Value: !Ref A } }", "its condition is false"},
		{"a policy that IAM would refuse", "Resources: { A: { Type: AWS::IAM::ManagedPolicy, Properties: { PolicyDocument: { Version: '2012-10-17', Statement: [{ Effect: Maybe, Action: a:b, Resource: '*' }] } } } }", "A (AWS::IAM::ManagedPolicy)"},
		{"a global section that is not emulated", topic + "Globals: { Api: {} }", "globals: section Api"},
		{"a function without an executable", "Resources: { A: { Type: AWS::Serverless::Function, Properties: { CodeUri: dist/other.zip } } }", "no executable is given for A (other)"},
		{"a function whose role does not trust Lambda", `
Resources:
  R: { Type: AWS::IAM::Role, Properties: { AssumeRolePolicyDocument: { Version: "2012-10-17", Statement: [{ Effect: Allow, Principal: { Service: ssm.amazonaws.com }, Action: sts:AssumeRole }] } } }
  F: { Type: AWS::Serverless::Function, Properties: { CodeUri: dist/worker.zip, Role: !GetAtt R.Arn } }`, "cannot be assumed by Lambda"},
		{"a function that may not send to its failure queue", `
Resources:
  Q: { Type: AWS::SQS::Queue }
  R: { Type: AWS::IAM::Role, Properties: { AssumeRolePolicyDocument: { Version: "2012-10-17", Statement: [{ Effect: Allow, Principal: { Service: lambda.amazonaws.com }, Action: sts:AssumeRole }] } } }
  F: { Type: AWS::Serverless::Function, Properties: { CodeUri: dist/worker.zip, Role: !GetAtt R.Arn, DeadLetterQueue: { Type: SQS, TargetArn: !GetAtt Q.Arn } } }`, "not authorized to perform: sqs:SendMessage"},
		{"an include that is not there", "Resources: { D: { Type: AWS::SSM::Document, Properties: { Content: { 'Fn::Transform': { Name: AWS::Include, Parameters: { Location: no.yaml } } } } } }", "no.yaml"},
		{"an include within an include", "Resources: { D: { Type: AWS::SSM::Document, Properties: { Content: { 'Fn::Transform': { Name: AWS::Include, Parameters: { Location: outer.yaml } } } } } }", "include within an include"},
		{"a schedule that is wrong", "Resources: { R: { Type: AWS::Events::Rule, Properties: { ScheduleExpression: rate(1 minutes) } } }", "R (AWS::Events::Rule)"},
		{"days that logs cannot be kept", "Resources: { L: { Type: AWS::Logs::LogGroup, Properties: { RetentionInDays: 10 } } }", "RetentionInDays"},
		{"a rule that does not hold", topic + "Rules: { R: { Assertions: [{ Assert: !Equals [!Ref 'AWS::Region', eu-west-1], AssertDescription: Deploy elsewhere. }] } }", "rule R: Deploy elsewhere."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := options(t)
			o.Files = fstest.MapFS{"outer.yaml": {Data: []byte("a: { 'Fn::Transform': { Name: AWS::Include, Parameters: { Location: inner.yaml } } }")}}
			_, err := Load([]byte(test.template), nil, o)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestParametersAreChecked(t *testing.T) {
	tests := []struct{ name, declaration, value, want string }{
		{"a text", "Type: String", "a", ""},
		{"a type that is not emulated", "Type: AWS::SSM::Parameter::Value<String>", "a", "not emulated"},
		{"an allowed value", "Type: String, AllowedValues: [a, b]", "b", ""},
		{"a value that is not allowed", "Type: String, AllowedValues: [a, b]", "c", "not an allowed value"},
		{"a pattern is matched whole", "Type: String, AllowedPattern: 'a+'", "aab", "allowed pattern"},
		{"a number", "Type: Number, MinValue: 1, MaxValue: 5", "5", ""},
		{"a number that is too large", "Type: Number, MinValue: 1, MaxValue: 5", "5.1", "more than 5"},
		{"a number that is none", "Type: Number", "many", "not a number"},
		{"a text that is too short", "Type: String, MinLength: 2", "é", "length 1 is less"},
		{"a list whose member is not allowed", "Type: CommaDelimitedList, AllowedPattern: '[a-z]'", "a, B", "allowed pattern"},
		{"the template's own words", "Type: String, AllowedPattern: 'a', ConstraintDescription: Only a.", "b", "Only a."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			template := topic + "Parameters: { P: { " + test.declaration + " } }\nOutputs: { O: { Value: !Ref 'AWS::StackName' } }"
			_, err := Load([]byte(template), map[string]string{"P": test.value}, options(t))
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestParametersAreNeitherMissingNorTooMany(t *testing.T) {
	if _, err := Load([]byte(topic+"Parameters: { P: { Type: String } }"), nil, options(t)); err == nil || !strings.Contains(err.Error(), "P: has no value") {
		t.Errorf("missing: %v", err)
	}
	if _, err := Load([]byte(topic), map[string]string{"Q": "1"}, options(t)); err == nil || !strings.Contains(err.Error(), "Q does not exist") {
		t.Errorf("too many: %v", err)
	}
}

// repository is where template.yaml of this project lies.
const repository = "../../.."

func TestLoadTakesOurOwnTemplate(t *testing.T) {
	raw, err := os.ReadFile(repository + "/template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	o := options(t)
	o.Files, o.Functions = os.DirFS(repository), map[string]string{}
	for _, name := range []string{"respond", "baseline", "approve", "remediate", "verify"} {
		o.Functions[name] = "/bin/true"
	}
	o.World.Identity.AddUser(kernel.User{Name: "ann"})
	s, err := Load(raw, map[string]string{
		"Distributions": "E1EXAMPLE,E2EXAMPLE", "OnCallEmail": "oncall@example.com",
		"Approver1": "ann|arn:aws:iam::111122223333:user/ann|email|ann@example.com",
	}, o)
	if err != nil {
		t.Fatal(err)
	}
	if v := o.World.Violations(); len(v) > 0 {
		t.Error(v)
	}
	if got := len(o.Lambda.Functions()); got != 5 {
		t.Errorf("%d functions", got)
	}
	if s.Outputs["Bucket"] == "" {
		t.Error("no bucket")
	}
}
