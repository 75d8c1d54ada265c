// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package lambda

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"cloudfront503/pkg/emulator/kernel"
)

// bootstrap is the path of the compiled test function.
var bootstrap string

func TestMain(m *testing.M) {
	os.Exit(withBootstrap(m))
}

func withBootstrap(m *testing.M) int {
	folder, err := os.MkdirTemp("", "lambda-test")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	bootstrap = filepath.Join(folder, "bootstrap")
	build := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", bootstrap, "./testdata/bootstrap")
	if output, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v\n%s", err, output)
		return 1
	}
	return m.Run()
}

// sink is an AWS service that takes everything, such as a queue.
type sink struct {
	mu     sync.Mutex
	bodies []string
}

func (s *sink) Serve(c *kernel.Call) {
	if err := c.Begin(kernel.Access{Action: c.Service + ":Take"}); err != nil {
		c.FailJSON(err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bodies = append(s.bodies, string(c.Body))
	c.Query("GetCallerIdentity", struct{ Arn, UserId, Account string }{c.Caller.ARN, c.Caller.UserID, c.Caller.Account})
}

func (s *sink) taken() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bodies
}

// account is an emulated account with one function, "echo", and the client of an operator.
type account struct {
	world   *kernel.World
	service *Service
	client  *sdk.Client
	queue   *sink
}

const role = "arn:aws:iam::111122223333:role/echo-role"

func newAccount(t *testing.T, change func(*Function)) *account {
	t.Helper()
	w := kernel.NewWorld("111122223333", "us-east-1")
	a := &account{world: w, service: New(w), queue: &sink{}}
	w.Register("sqs", a.queue)
	w.Register("sts", a.queue)
	stop, err := w.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	t.Cleanup(a.service.Close)
	w.Identity.AddRole(kernel.Role{Name: "echo-role", ARN: role, Policies: map[string]json.RawMessage{
		"all": json.RawMessage(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sqs:*","sts:*"],"Resource":"*"}]}`),
	}})
	f := Function{Name: "echo", Bootstrap: bootstrap, Role: role, Handler: "bootstrap", Runtime: "provided.al2023", Arch: "arm64", Memory: 512, Timeout: 30}
	if change != nil {
		change(&f)
	}
	if _, err := a.service.Create(f); err != nil {
		t.Fatal(err)
	}
	a.client = sdk.NewFromConfig(aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(w.Endpoint), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("operator", "secret", ""),
	})
	return a
}

func (a *account) invoke(t *testing.T, payload string) *sdk.InvokeOutput {
	t.Helper()
	out, err := a.client.Invoke(t.Context(), &sdk.InvokeInput{FunctionName: aws.String("echo"), Payload: []byte(payload), LogType: types.LogTypeTail})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestInvokeAnswersWhatTheProcessSays(t *testing.T) {
	a := newAccount(t, func(f *Function) { f.Environment = map[string]string{"OWN": "value"} })
	a.service.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	tests := []struct{ name, payload, want, functionError string }{
		{"an answer", `{"Do":"environment","With":"OWN"}`, `["value"]`, ""},
		{"its name", `{"Do":"environment","With":"AWS_LAMBDA_FUNCTION_NAME"}`, `["echo"]`, ""},
		{"its Region", `{"Do":"environment","With":"AWS_REGION"}`, `["us-east-1"]`, ""},
		{"the way to the account", `{"Do":"environment","With":"AWS_ENDPOINT_URL"}`, `["` + a.world.Endpoint + `"]`, ""},
		{"what every process gets", `{"Do":"environment","With":"HTTPS_PROXY"}`, `["http://127.0.0.1:1"]`, ""},
		{"nothing of the machine", `{"Do":"environment","With":"HOME"}`, `[""]`, ""},
		{"an error", `{"Do":"fail","With":"no luck"}`, `{"errorMessage":"no luck","errorType":"errorString"}`, "Unhandled"},
		{"a session of its role", `{"Do":"whoami"}`, `"arn:aws:sts::111122223333:assumed-role/echo-role/echo"`, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			out := a.invoke(t, test.payload)
			if string(out.Payload) != test.want || aws.ToString(out.FunctionError) != test.functionError {
				t.Errorf("got %s (%q), want %s (%q)", out.Payload, aws.ToString(out.FunctionError), test.want, test.functionError)
			}
		})
	}
	if v := a.world.Violations(); len(v) > 0 {
		t.Error(v)
	}
}

func TestAFunctionThatIsReconfiguredHasItsNewVariables(t *testing.T) {
	a := newAccount(t, func(f *Function) { f.Environment = map[string]string{"OWN": "value", "KEPT": "kept"} })
	for _, want := range []string{`["value"]`, `["other"]`} {
		if out := a.invoke(t, `{"Do":"environment","With":"OWN"}`); string(out.Payload) != want {
			t.Errorf("got %s, want %s", out.Payload, want)
		}
		a.service.Reconfigure("echo", map[string]string{"OWN": "other"})
	}
	if out := a.invoke(t, `{"Do":"environment","With":"KEPT"}`); string(out.Payload) != `["kept"]` {
		t.Errorf("what was not named is %s", out.Payload)
	}
}

func TestInvokeGivesTheTimeThatIsLeft(t *testing.T) {
	a := newAccount(t, nil)
	a.world.Clock.Advance(48 * time.Hour)
	var got struct {
		Left    float64
		ARN, ID string
	}
	if err := json.Unmarshal(a.invoke(t, `{"Do":"context"}`).Payload, &got); err != nil {
		t.Fatal(err)
	}
	if got.Left < 20 || got.Left > 30 || got.ARN != "arn:aws:lambda:us-east-1:111122223333:function:echo" || got.ID == "" {
		t.Errorf("got %+v", got)
	}
}

func TestInvokeKeepsAProcessWarm(t *testing.T) {
	a := newAccount(t, nil)
	first, second := a.invoke(t, `{}`), a.invoke(t, `{}`)
	if string(first.Payload) != string(second.Payload) {
		t.Errorf("two processes for two events in a row: %s, %s", first.Payload, second.Payload)
	}
}

func TestInvokeOfADyingProcessIsAnUnhandledError(t *testing.T) {
	tests := []struct{ name, payload, want string }{
		{"it exits", `{"Do":"exit"}`, "Runtime exited with error: exit status 7"},
		{"it panics", `{"Do":"panic","With":"oh no"}`, "oh no"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := newAccount(t, nil)
			out := a.invoke(t, test.payload)
			if aws.ToString(out.FunctionError) != "Unhandled" || !strings.Contains(string(out.Payload), test.want) {
				t.Errorf("got %s (%q)", out.Payload, aws.ToString(out.FunctionError))
			}
			if again := a.invoke(t, `{"With":"hello"}`); !strings.Contains(string(again.Payload), "hello") {
				t.Errorf("afterwards got %s", again.Payload)
			}
		})
	}
}

func TestInvokeOfAProcessThatDoesNotStartFails(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Function)
		want   string
	}{
		{"it exits at once", func(f *Function) { f.Environment = map[string]string{"REFUSE": "yes"} }, "exit status 3"},
		{"there is none", func(f *Function) { f.Bootstrap += "-missing" }, "Runtime.InvalidEntrypoint"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			out := newAccount(t, test.change).invoke(t, `{}`)
			if aws.ToString(out.FunctionError) != "Unhandled" || !strings.Contains(string(out.Payload), test.want) {
				t.Errorf("got %s", out.Payload)
			}
		})
	}
}

func TestInvokePastTheTimeoutKillsTheProcess(t *testing.T) {
	a := newAccount(t, func(f *Function) { f.Timeout = 1 })
	never := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer never.Close()
	out := a.invoke(t, `{"Do":"get","With":"`+never.URL+`"}`)
	if !strings.Contains(string(out.Payload), "timed out after 1.00 seconds") {
		t.Errorf("got %s", out.Payload)
	}
}

func TestLogsAreKept(t *testing.T) {
	a := newAccount(t, nil)
	out := a.invoke(t, `{"Print":"a line"}`)
	a.service.Close()
	if got := a.service.Logs("echo"); got != "a line\n" {
		t.Errorf("got %q", got)
	}
	if out.LogResult == nil {
		t.Error("no log in the answer")
	}
}

// meeting answers nobody until n have come.
func meeting(t *testing.T, n int) string {
	var wait sync.WaitGroup
	wait.Add(n)
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		wait.Done()
		wait.Wait()
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestInvocationsAtOnceRunInProcessesOfTheirOwn(t *testing.T) {
	a := newAccount(t, nil)
	payload := `{"Do":"get","With":"` + meeting(t, 2) + `"}`
	var both sync.WaitGroup
	var answers [2]string
	for i := range answers {
		both.Go(func() {
			result, err := a.service.Invoke(t.Context(), "echo", []byte(payload))
			answers[i] = fmt.Sprint(string(result.Payload), err)
		})
	}
	both.Wait()
	if answers[0] == answers[1] {
		t.Errorf("one process for both: %s", answers[0])
	}
}

func TestThrottled(t *testing.T) {
	one := 1
	tests := []struct {
		name string
		set  func(*account)
		want string // the reason; empty where it runs
	}{
		{"nothing reserved", func(*account) {}, ""},
		{"zero reserved", func(a *account) { reserve(t, a, 0) }, "ReservedFunctionConcurrentInvocationLimitExceeded"},
		{"the pool exhausted", func(a *account) { a.service.Exhaust("us-east-1") }, "ConcurrentInvocationLimitExceeded"},
		{"the pool of another Region exhausted", func(a *account) { a.service.Exhaust("eu-west-1") }, ""},
		{"the pool exhausted and restored", func(a *account) { a.service.Exhaust("us-east-1"); a.service.Restore("us-east-1") }, ""},
		{"the pool exhausted and some reserved", func(a *account) { reserve(t, a, one); a.service.Exhaust("us-east-1") }, ""},
		{"no concurrency at all", func(a *account) { a.service.SetLimit("us-east-1", 0) }, "ConcurrentInvocationLimitExceeded"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := newAccount(t, nil)
			test.set(a)
			_, err := a.client.Invoke(t.Context(), &sdk.InvokeInput{FunctionName: aws.String("echo")})
			var throttled *types.TooManyRequestsException
			if errors.As(err, &throttled) != (test.want != "") || throttled != nil && string(throttled.Reason) != test.want {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func reserve(t *testing.T, a *account, n int) {
	t.Helper()
	if err := a.service.Reserve("echo", n); err != nil {
		t.Fatal(err)
	}
}

func TestReserveLeavesAHundredUnreserved(t *testing.T) {
	a := newAccount(t, nil)
	a.service.SetLimit("us-east-1", 102)
	put := func(n int32) error {
		_, err := a.client.PutFunctionConcurrency(t.Context(), &sdk.PutFunctionConcurrencyInput{FunctionName: aws.String("echo"), ReservedConcurrentExecutions: aws.Int32(n)})
		return err
	}
	if err := put(2); err != nil {
		t.Error(err)
	}
	var refused *types.InvalidParameterValueException
	if err := put(3); !errors.As(err, &refused) {
		t.Errorf("got %v", err)
	}
	settings, err := a.client.GetAccountSettings(t.Context(), &sdk.GetAccountSettingsInput{})
	if err != nil || *settings.AccountLimit.UnreservedConcurrentExecutions != 100 {
		t.Errorf("got %+v, %v", settings, err)
	}
}

// permit lets EventBridge invoke the function.
func permit(t *testing.T, a *account) {
	t.Helper()
	_, err := a.client.AddPermission(t.Context(), &sdk.AddPermissionInput{
		FunctionName: aws.String("echo"), StatementId: aws.String("one"), Action: aws.String("lambda:InvokeFunction"),
		Principal: aws.String("events.amazonaws.com"), SourceArn: aws.String("arn:aws:events:us-east-1:111122223333:rule/r"),
	})
	if err != nil {
		t.Fatal(err)
	}
}

const rule = "arn:aws:events:us-east-1:111122223333:rule/r"

func TestAsyncNeedsThePermission(t *testing.T) {
	a := newAccount(t, nil)
	if err := a.service.InvokeAsync("echo", []byte(`{}`), "events.amazonaws.com", rule); err == nil {
		t.Error("without a policy it is let in")
	}
	permit(t, a)
	if err := a.service.InvokeAsync("echo", []byte(`{}`), "events.amazonaws.com", rule); err != nil {
		t.Error(err)
	}
	if err := a.service.InvokeAsync("echo", []byte(`{}`), "events.amazonaws.com", rule+"-other"); err == nil {
		t.Error("another rule is let in")
	}
	if err := a.service.InvokeAsync("echo", []byte(`{}`), "sns.amazonaws.com", rule); err == nil {
		t.Error("another service is let in")
	}
	a.world.Settle()
}

func (a *account) attempts() int { return strings.Count(a.service.Logs("echo"), "attempt\n") }

func (a *account) async(t *testing.T, payload string) {
	t.Helper()
	permit(t, a)
	if err := a.service.InvokeAsync("echo", []byte(payload), "events.amazonaws.com", rule); err != nil {
		t.Fatal(err)
	}
	a.world.Settle()
}

func TestAsyncRetriesAfterOneAndTwoMinutes(t *testing.T) {
	queue := "arn:aws:sqs:us-east-1:111122223333:failures"
	a := newAccount(t, func(f *Function) { f.Async = Async{OnFailure: queue, DeadLetters: queue} })
	a.async(t, `{"Do":"fail","With":"no luck","Print":"attempt"}`)
	for _, step := range []struct {
		wait time.Duration
		want int
	}{{0, 1}, {59 * time.Second, 1}, {2 * time.Second, 2}, {118 * time.Second, 2}, {3 * time.Second, 3}, {6 * time.Hour, 3}} {
		a.world.Clock.Advance(step.wait)
		if got := a.attempts(); got != step.want {
			t.Errorf("after %v more: %d attempts, want %d", step.wait, got, step.want)
		}
	}
	sent := a.queue.taken()
	if len(sent) != 2 || !strings.Contains(sent[0], `RetriesExhausted`) || !strings.Contains(sent[0], `no luck`) || !strings.Contains(sent[1], "RequestID") {
		t.Errorf("sent %q", sent)
	}
	if lost := a.service.Lost(); len(lost) > 0 {
		t.Errorf("lost %v", lost)
	}
}

func TestAsyncWithoutADestinationIsLost(t *testing.T) {
	zero := 0
	a := newAccount(t, func(f *Function) { f.Async = Async{Retries: &zero} })
	a.async(t, `{"Do":"fail","Print":"attempt"}`)
	if lost := a.service.Lost(); len(lost) != 1 || lost[0].Cause != "RetriesExhausted" || a.attempts() != 1 {
		t.Errorf("lost %v after %d attempts", lost, a.attempts())
	}
}

func TestAsyncWithoutThePermissionToSendIsLost(t *testing.T) {
	zero := 0
	a := newAccount(t, func(f *Function) {
		f.Async = Async{Retries: &zero, OnFailure: "arn:aws:sqs:us-east-1:111122223333:failures"}
	})
	a.world.Identity.AddRole(kernel.Role{Name: "echo-role", ARN: role})
	a.async(t, `{"Do":"fail"}`)
	if lost := a.service.Lost(); len(lost) != 1 {
		t.Errorf("lost %v", lost)
	}
}

func TestAsyncThrottledRunsWhenThereIsRoom(t *testing.T) {
	a := newAccount(t, nil)
	a.service.Exhaust("us-east-1")
	a.async(t, `{"Print":"attempt"}`)
	a.world.Clock.Advance(time.Hour)
	if a.attempts() != 0 {
		t.Fatal("it ran although it was throttled")
	}
	a.service.Restore("us-east-1")
	a.world.Clock.Advance(5 * time.Minute)
	if a.attempts() != 1 {
		t.Errorf("%d attempts", a.attempts())
	}
}

func TestAsyncThrottledForTooLongFails(t *testing.T) {
	a := newAccount(t, func(f *Function) {
		f.Async = Async{Age: 3600, OnFailure: "arn:aws:sqs:us-east-1:111122223333:failures"}
	})
	a.service.Exhaust("us-east-1")
	a.async(t, `{}`)
	a.world.Clock.Advance(2 * time.Hour)
	if sent := a.queue.taken(); len(sent) != 1 || !strings.Contains(sent[0], "EventAgeExceeded") {
		t.Errorf("sent %q", sent)
	}
}

func TestAsyncToAFunctionThatIsOffFailsAtOnce(t *testing.T) {
	a := newAccount(t, func(f *Function) { f.Async = Async{OnFailure: "arn:aws:sqs:us-east-1:111122223333:failures"} })
	reserve(t, a, 0)
	a.async(t, `{}`)
	if sent := a.queue.taken(); len(sent) != 1 || !strings.Contains(sent[0], "ZeroReservedConcurrency") {
		t.Errorf("sent %q", sent)
	}
}

func TestAsyncTwice(t *testing.T) {
	a := newAccount(t, nil)
	a.world.Faults.Add(kernel.Fault{Action: "deliver:lambda", Twice: true})
	a.async(t, `{"Print":"attempt"}`)
	if a.attempts() != 2 {
		t.Errorf("%d attempts", a.attempts())
	}
}

func TestInvokeAsEvent(t *testing.T) {
	a := newAccount(t, nil)
	out, err := a.client.Invoke(t.Context(), &sdk.InvokeInput{FunctionName: aws.String("echo"), InvocationType: types.InvocationTypeEvent, Payload: []byte(`{"Print":"attempt"}`)})
	a.world.Settle()
	if err != nil || out.StatusCode != 202 || a.attempts() != 1 {
		t.Errorf("%+v, %v, %d attempts", out, err, a.attempts())
	}
	out, err = a.client.Invoke(t.Context(), &sdk.InvokeInput{FunctionName: aws.String("echo"), InvocationType: types.InvocationTypeDryRun})
	if err != nil || out.StatusCode != 204 {
		t.Errorf("%+v, %v", out, err)
	}
}

func TestKilledAtACallRunsAgain(t *testing.T) {
	tests := []struct {
		name string
		done bool
		want int // calls that were carried out
	}{
		{"after the call was carried out", true, 2},
		{"before", false, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := newAccount(t, nil)
			a.service.KillAt("echo", "sts:Take", "", test.done)
			a.async(t, `{"Do":"whoami","Print":"attempt"}`)
			a.world.Clock.Advance(2 * time.Minute)
			if got := len(a.queue.taken()); a.attempts() != 2 || got != test.want {
				t.Errorf("%d attempts, %d calls carried out, want 2 and %d", a.attempts(), got, test.want)
			}
		})
	}
}

func TestFunctionsAreDescribed(t *testing.T) {
	a := newAccount(t, nil)
	permit(t, a)
	ctx, name := t.Context(), aws.String("arn:aws:lambda:us-east-1:111122223333:function:echo")
	out, err := a.client.GetFunction(ctx, &sdk.GetFunctionInput{FunctionName: name})
	if err != nil || *out.Configuration.Role != role || *out.Configuration.Timeout != 30 {
		t.Errorf("%+v, %v", out, err)
	}
	configuration, err := a.client.GetFunctionConfiguration(ctx, &sdk.GetFunctionConfigurationInput{FunctionName: name})
	if err != nil || configuration.State != types.StateActive {
		t.Errorf("%+v, %v", configuration, err)
	}
	list, err := a.client.ListFunctions(ctx, &sdk.ListFunctionsInput{})
	if err != nil || len(list.Functions) != 1 {
		t.Errorf("%+v, %v", list, err)
	}
	versions, err := a.client.ListVersionsByFunction(ctx, &sdk.ListVersionsByFunctionInput{FunctionName: name})
	if err != nil || len(versions.Versions) != 1 {
		t.Errorf("%+v, %v", versions, err)
	}
	policy, err := a.client.GetPolicy(ctx, &sdk.GetPolicyInput{FunctionName: name})
	if err != nil || !strings.Contains(*policy.Policy, `"AWS:SourceArn":"`+rule+`"`) {
		t.Errorf("%+v, %v", policy, err)
	}
	if _, err := a.client.RemovePermission(ctx, &sdk.RemovePermissionInput{FunctionName: name, StatementId: aws.String("one")}); err != nil {
		t.Error(err)
	}
	var missing *types.ResourceNotFoundException
	if _, err := a.client.GetPolicy(ctx, &sdk.GetPolicyInput{FunctionName: name}); !errors.As(err, &missing) {
		t.Errorf("got %v", err)
	}
	if _, err := a.client.GetFunction(ctx, &sdk.GetFunctionInput{FunctionName: aws.String("echo:7")}); !errors.As(err, &missing) {
		t.Errorf("got %v", err)
	}
}

func TestForeignFunctionsAreSeenInTheirRegion(t *testing.T) {
	a := newAccount(t, nil)
	seven := 7
	a.service.AddForeign("eu-west-1", "edge", &seven,
		json.RawMessage(`{"FunctionName":"edge","Version":"3","State":"Active"}`), json.RawMessage(`{"FunctionName":"edge","Version":"4","State":"Inactive"}`))
	in := func(region string) func(*sdk.Options) { return func(o *sdk.Options) { o.Region = region } }
	edge := aws.String("arn:aws:lambda:eu-west-1:111122223333:function:edge:3")
	out, err := a.client.GetFunctionConfiguration(t.Context(), &sdk.GetFunctionConfigurationInput{FunctionName: edge}, in("eu-west-1"))
	if err != nil || *out.Version != "3" {
		t.Errorf("%+v, %v", out, err)
	}
	concurrency, err := a.client.GetFunctionConcurrency(t.Context(), &sdk.GetFunctionConcurrencyInput{FunctionName: aws.String("edge")}, in("eu-west-1"))
	if err != nil || *concurrency.ReservedConcurrentExecutions != 7 {
		t.Errorf("%+v, %v", concurrency, err)
	}
	var missing *types.ResourceNotFoundException
	if _, err := a.client.GetFunction(t.Context(), &sdk.GetFunctionInput{FunctionName: aws.String("edge")}, in("us-east-1")); !errors.As(err, &missing) {
		t.Errorf("in another Region: %v", err)
	}
}

func TestUnknownOperationsAreViolations(t *testing.T) {
	a := newAccount(t, nil)
	if _, err := a.client.ListLayers(t.Context(), &sdk.ListLayersInput{}); err == nil {
		t.Error("no error")
	}
	if len(a.world.Violations()) != 1 {
		t.Errorf("violations: %v", a.world.Violations())
	}
}

func TestInvocationsAreMeasured(t *testing.T) {
	a := newAccount(t, nil)
	at := a.world.Clock.Now().Truncate(time.Minute)
	a.invoke(t, `{}`)
	a.invoke(t, `{"Do":"fail"}`)
	sum := 0.0
	for _, minute := range []time.Time{at, at.Add(time.Minute)} {
		datum, _ := a.world.Metrics.Minute(kernel.Metric{Region: "us-east-1", Namespace: "AWS/Lambda", Name: "Invocations", Dimensions: map[string]string{"FunctionName": "echo"}}, minute)
		sum += datum.Sum
	}
	if sum != 2 {
		t.Errorf("%v invocations counted", sum)
	}
}

// FuzzReference takes any function name apart without a panic, and puts an ARN back together.
func FuzzReference(f *testing.F) {
	f.Add("echo")
	f.Add("echo:3")
	f.Add("arn:aws:lambda:eu-west-1:111122223333:function:echo:$LATEST")
	f.Add("111122223333:function:echo")
	f.Fuzz(func(t *testing.T, name string) {
		reference("us-east-1", name)
		if strings.Contains(name, ":") || strings.HasPrefix(name, "arn") {
			return
		}
		_, bare, qualifier := reference("us-east-1", "arn:aws:lambda:eu-west-1:111122223333:function:"+name+":7")
		if bare != name || qualifier != "7" {
			t.Errorf("%q became %q, %q", name, bare, qualifier)
		}
	})
}

// FuzzRoute looks for a panic in what a client may send as a path.
func FuzzRoute(f *testing.F) {
	f.Add("/2015-03-31/functions/arn%3Aaws/invocations")
	f.Add("/2015-03-31/functions/%zz/policy/a")
	f.Fuzz(func(t *testing.T, path string) {
		for _, r := range routes {
			if parameters, ok := r.match(r.method, path); ok && strings.Count(r.path, "{") != len(parameters) {
				t.Errorf("%s on %s: %v", r.path, url.PathEscape(path), parameters)
			}
		}
	})
}
