// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package ssm_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"cloudfront503/pkg/emulator/automation"
	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/ssm"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	client "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go"
)

const (
	accountID = "111122223333"
	roleARN   = "arn:aws:iam::111122223333:role/automation"
	topicARN  = "arn:aws:sns:us-east-1:111122223333:AutomationApproval"
	allow     = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	trust     = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ssm.amazonaws.com"},
		"Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:SourceAccount":"111122223333"},
		"ArnLike":{"aws:SourceArn":"arn:aws:ssm:*:111122223333:automation-execution/*"}}}]}`
)

// account is an AWS account with Systems Manager and stand-ins for what runbooks call.
type account struct {
	*testing.T
	id    string // twelve digits
	world *kernel.World
	ssm   *ssm.Service
	bus   *bus

	mu       sync.Mutex
	invoked  []string // the payloads that the function got
	sent     []string // the topics that were published to
	answer   func(payload string) (answer, functionError string)
	status   string // of the distribution
	asked    int    // how often for the distribution
	commands []string
}

func newAccount(t *testing.T) *account {
	t.Helper()
	return newAccountOf(t, accountID)
}

func newAccountOf(t *testing.T, id string) *account {
	t.Helper()
	w := kernel.NewWorld(id, "us-east-1")
	a := &account{T: t, id: id, world: w, ssm: ssm.New(w), bus: &bus{}, status: "Deployed"}
	a.answer = func(string) (string, string) { return `"claimed"`, "" }
	w.Bus = a.bus
	w.Register("lambda", service(a.serveLambda))
	w.Register("sns", service(a.serveSNS))
	w.Register("cloudfront", service(a.serveCloudFront))
	stop, err := w.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	w.Identity.AddRole(role("automation", strings.ReplaceAll(trust, accountID, id)))
	for _, action := range []string{"aws:changeInstanceState", "aws:deleteStack", "aws:runCommand"} {
		a.ssm.Automation.Handlers[action] = a.handle
	}
	t.Cleanup(func() {
		for _, violation := range w.Violations() {
			t.Errorf("the emulator was asked for what it does not know: %s", violation)
		}
	})
	return a
}

func role(name, trust string) kernel.Role {
	return kernel.Role{Name: name, Trust: &kernel.Policy{Raw: json.RawMessage(trust)}, Policies: map[string]json.RawMessage{"all": json.RawMessage(allow)}}
}

// handle stands for the actions that only public documents use.
func (a *account) handle(task automation.Task) (map[string]any, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.commands = append(a.commands, task.Step.Name)
	return map[string]any{"InstanceStates": []any{"stopped"}}, nil
}

type service func(c *kernel.Call)

func (s service) Serve(c *kernel.Call) { s(c) }

func (a *account) serveLambda(c *kernel.Call) {
	name := strings.Split(c.R.URL.Path, "/")[3]
	if err := c.Begin(kernel.Access{Action: "lambda:InvokeFunction", Resources: []string{"arn:aws:lambda:us-east-1:111122223333:function:" + name}}); err != nil {
		c.FailJSON(err)
		return
	}
	a.mu.Lock()
	a.invoked = append(a.invoked, string(c.Body))
	a.mu.Unlock()
	answer, failure := a.answer(string(c.Body))
	if failure != "" {
		c.W.Header().Set("X-Amz-Function-Error", failure)
	}
	c.JSON([]byte(answer))
}

func (a *account) serveSNS(c *kernel.Call) {
	form := map[string]string{}
	for _, pair := range strings.Split(string(c.Body), "&") {
		key, value, _ := strings.Cut(pair, "=")
		form[key] = strings.ReplaceAll(value, "%3A", ":")
	}
	if err := c.Begin(kernel.Access{Action: "sns:Publish", Resources: []string{form["TopicArn"]}}); err != nil {
		c.FailQuery(err)
		return
	}
	a.mu.Lock()
	a.sent = append(a.sent, form["TopicArn"])
	a.mu.Unlock()
	c.Query("Publish", struct{ MessageId string }{"m"})
}

func (a *account) serveCloudFront(c *kernel.Call) {
	if err := c.Begin(kernel.Access{Action: "cloudfront:GetDistribution"}); err != nil {
		c.FailXML(err)
		return
	}
	if !strings.HasSuffix(strings.TrimSuffix(c.R.URL.Path, "/config"), "/E1EXAMPLE") {
		c.FailXML(kernel.Errorf(http.StatusNotFound, "NoSuchDistribution", "The specified distribution does not exist."))
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked++
	c.W.Header().Set("ETag", "E2ETAG")
	if strings.HasSuffix(c.R.URL.Path, "/config") {
		c.XML(http.StatusOK, []byte(`<DistributionConfig><Comment>an edge</Comment></DistributionConfig>`))
		return
	}
	c.XML(http.StatusOK, []byte(`<Distribution><Id>E1EXAMPLE</Id><Status>`+a.status+`</Status></Distribution>`))
}

// event is one that was emitted.
type event struct {
	Kind      string
	Resources []string
	Detail    string
}

type bus struct {
	mu     sync.Mutex
	events []event
}

func (b *bus) Emit(_, kind string, resources []string, detail any) {
	raw, err := json.Marshal(detail)
	if err != nil {
		raw = []byte(err.Error())
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events = append(b.events, event{kind, resources, string(raw)})
}

// statuses are those that events of a kind told of a step, or of the execution where step is empty.
func (b *bus) statuses(step string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []string
	for _, e := range b.events {
		var d struct{ StepName, Status string }
		if json.Unmarshal([]byte(e.Detail), &d) == nil && d.StepName == step {
			all = append(all, d.Status)
		}
	}
	return all
}

func (a *account) as(c kernel.Credentials) *client.Client {
	return client.New(client.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(a.world.Endpoint), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken),
	})
}

// operator is the account's administrator.
func (a *account) operator() *client.Client {
	return a.as(kernel.Credentials{AccessKeyID: "any", SecretAccessKey: "any"})
}

// user is a client of an IAM user, who is made if need be.
func (a *account) user(name string) *client.Client {
	a.Helper()
	arn := "arn:aws:iam::" + a.id + ":user/" + name
	if _, ok := a.world.Identity.User(arn); !ok {
		a.world.Identity.AddUser(kernel.User{Name: name, Policies: map[string]json.RawMessage{"all": json.RawMessage(allow)}})
	}
	c, err := a.world.Identity.UserCredentials(arn)
	if err != nil {
		a.Fatal(err)
	}
	return a.as(c)
}

// session is a client of a role's session, the role being made if need be.
func (a *account) session(roleName, name string) *client.Client {
	a.Helper()
	arn := "arn:aws:iam::" + accountID + ":role/" + roleName
	if _, ok := a.world.Identity.Role(arn); !ok {
		a.world.Identity.AddRole(role(roleName, trust))
	}
	c, err := a.world.Identity.Session(arn, name, name, nil)
	if err != nil {
		a.Fatal(err)
	}
	return a.as(c)
}

func (a *account) put(name, file string) {
	a.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		a.Fatal(err)
	}
	a.putText(name, string(raw))
}

func (a *account) putText(name, text string) {
	a.Helper()
	if err := a.ssm.PutDocument(name, []byte(text), "Automation"); err != nil {
		a.Fatal(err)
	}
}

func (a *account) start(name string, parameters map[string][]string) string {
	a.Helper()
	out, err := a.operator().StartAutomationExecution(context.Background(), &client.StartAutomationExecutionInput{DocumentName: &name, Parameters: parameters})
	if err != nil {
		a.Fatal(err)
	}
	a.world.Settle()
	return *out.AutomationExecutionId
}

func (a *account) get(id string) *types.AutomationExecution {
	a.Helper()
	out, err := a.operator().GetAutomationExecution(context.Background(), &client.GetAutomationExecutionInput{AutomationExecutionId: &id})
	if err != nil {
		a.Fatal(err)
	}
	return out.AutomationExecution
}

func (a *account) signal(c *client.Client, id string, kind types.SignalType) error {
	a.Helper()
	_, err := c.SendAutomationSignal(context.Background(), &client.SendAutomationSignalInput{AutomationExecutionId: &id, SignalType: kind})
	a.world.Settle()
	return err
}

func (a *account) mustSignal(c *client.Client, id string, kind types.SignalType) {
	a.Helper()
	if err := a.signal(c, id, kind); err != nil {
		a.Fatal(err)
	}
}

func (a *account) stop(id, kind string) {
	a.Helper()
	if _, err := a.operator().StopAutomationExecution(context.Background(), &client.StopAutomationExecutionInput{AutomationExecutionId: &id, Type: types.StopType(kind)}); err != nil {
		a.Fatal(err)
	}
	a.world.Settle()
}

func (a *account) ended(id, want string) *types.AutomationExecution {
	a.Helper()
	e := a.get(id)
	if string(e.AutomationExecutionStatus) != want {
		a.Fatalf("execution is %s at %s (%s), want %s", e.AutomationExecutionStatus, aws.ToString(e.CurrentStepName), aws.ToString(e.FailureMessage), want)
	}
	return e
}

// stepStatus is the last status of a step.
func stepStatus(e *types.AutomationExecution, name string) string {
	status := "absent"
	for _, s := range e.StepExecutions {
		if *s.StepName == name {
			status = string(s.StepStatus)
		}
	}
	return status
}

func (a *account) advance(d time.Duration) { a.world.Clock.Advance(d) }

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// newWorld is an account whose violations do not fail the test.
func newWorld(t *testing.T) *kernel.World {
	t.Helper()
	w := kernel.NewWorld(accountID, "us-east-1")
	ssm.New(w)
	stop, err := w.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return w
}
