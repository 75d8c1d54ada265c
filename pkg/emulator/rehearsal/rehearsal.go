// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package rehearsal plays an incident in the emulator: an account with people, a distribution with viewers, and something
// that goes wrong. It stages and watches; what is done about it the compiled functions do.
package rehearsal

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"cloudfront503/pkg/emulator"
	"cloudfront503/pkg/emulator/kernel"
)

// The account in which every rehearsal plays.
const (
	AccountID    = "111122223333"
	StackName    = "cloudfront503"
	Distribution = "E2EXAMPLE7QZ4K1"
	Alias        = "www.shop.example.com"
)

// people are the approvers, in the order of the stack's parameters.
var people = []string{"alice", "bob"}

// Options say what is rehearsed with what.
type Options struct {
	Scenario   Scenario
	Template   []byte            // template.yaml
	Files      fs.FS             // what it includes
	Functions  map[string]string // the executables by name
	Parameters map[string]string // of the stack, beyond those of the rehearsal
	Listen     string            // host:port; empty: a free port
	Switches   *kernel.Switches  // nil: the likeliest readings of what is not documented
	// Environment are further variables of every function's process, as GOCOVERDIR.
	Environment map[string]string
}

// Rehearsal is an account in which an incident is played.
type Rehearsal struct {
	*emulator.Account
	Scenario Scenario
	Bucket   string
}

// New makes the account, the stack and the distribution, and lets an hour of healthy traffic pass, so that a known good
// configuration is kept.
func New(o Options) (*Rehearsal, error) {
	parameters := map[string]string{
		"Distributions": Distribution, "OnCallEmail": "on-call@example.com", "AlarmPercent": "5", "ProbePaths": "/,/feed.xml",
		"EdgeRegions": "us-east-1,eu-west-1", "EdgeRoles": functionRole,
	}
	for i, name := range people {
		parameters[fmt.Sprintf("Approver%d", i+1)] = fmt.Sprintf("%s|%s|email|%s@example.com", name, UserARN(name), name)
	}
	maps.Copy(parameters, o.Scenario.Parameters)
	maps.Copy(parameters, o.Parameters)
	r := &Rehearsal{Scenario: o.Scenario}
	account, err := emulator.New(emulator.Options{
		Account: AccountID, StackName: StackName, Template: o.Template, Files: o.Files, Functions: o.Functions, Parameters: parameters, Listen: o.Listen,
		Environment: o.Environment, Switches: o.Switches, AutoConfirm: true,
		Prepare: func(a *emulator.Account) error { r.Account = a; return r.stage(a) },
	})
	if err != nil {
		return nil, err
	}
	r.Account, r.Bucket = account, account.Stack.Resources["Bucket"].ID
	r.World.Clock.Advance(61 * time.Minute)
	return r, nil
}

// stage makes what the stack does not: people, and a distribution with viewers.
func (r *Rehearsal) stage(a *emulator.Account) error {

	for _, name := range append([]string{"mallory", "deployer"}, people...) {
		a.World.Identity.AddUser(kernel.User{Name: name, ARN: UserARN(name), Policies: map[string]json.RawMessage{}})
	}
	if err := a.CloudFront.PutDistribution(Distribution, r.Scenario.Config(), map[string]string{"team": "shop"}); err != nil {
		return err
	}
	a.CloudFront.SetMonitoring(Distribution, true)
	a.CloudFront.SetTraffic(Distribution, r.Scenario.Traffic)
	if r.Scenario.Prepare != nil {
		r.Scenario.Prepare(r)
	}
	return nil
}

// UserARN is the ARN of a person.
func UserARN(name string) string { return "arn:aws:iam::" + AccountID + ":user/" + name }

// Break lets go wrong what the scenario is about.
func (r *Rehearsal) Break() error { return r.Scenario.Break(r) }

// AdvanceUntil moves the clock minute by minute until done, at most so long; it reports whether it was.
func (r *Rehearsal) AdvanceUntil(most time.Duration, done func() bool) bool {
	for passed := time.Duration(0); passed < most; passed += time.Minute {
		r.World.Settle()
		if done() {
			return true
		}
		r.World.Clock.Advance(time.Minute)
	}
	r.World.Settle()
	return done()
}

// Step is one entry of an incident's record, as far as a spectator reads it.
type Step struct {
	N      int
	Writer string
	Kind   string
	At     time.Time
	Note   string
	Detail json.RawMessage
	key    string
}

// Incident is the distribution's pointer, as far as a spectator reads it.
type Incident struct {
	Episode int
	State   string
	Outcome *struct{ Result, Why string }
}

// Incident is the last incident; the zero value where there was none.
func (r *Rehearsal) Incident() Incident {
	var pointer Incident
	if body, ok := r.S3.Get(r.Bucket, "incidents/"+Distribution+"/current"); ok {
		_ = json.Unmarshal(body, &pointer) // what cannot be read is no incident
	}
	return pointer
}

// Folder is where the last incident's objects lie.
func (r *Rehearsal) Folder() string {
	return fmt.Sprintf("incidents/%s/%06d/", Distribution, r.Incident().Episode)
}

// Steps is the last incident's record, by time.
func (r *Rehearsal) Steps() []Step {
	var steps []Step
	for _, key := range r.S3.Keys(r.Bucket, r.Folder()+"steps/") {
		body, _ := r.S3.Get(r.Bucket, key)
		step := Step{key: key}
		if json.Unmarshal(body, &step) == nil {
			steps = append(steps, step)
		}
	}
	slices.SortStableFunc(steps, func(a, b Step) int { return a.At.Compare(b.At) })
	return steps
}

// Has reports whether the record has a step of a kind.
func (r *Rehearsal) Has(kind string) bool {
	return slices.ContainsFunc(r.Steps(), func(s Step) bool { return s.Kind == kind })
}

// Tickets are an approver's two tickets, out of the newest mail that asks them.
func (r *Rehearsal) Tickets(name string) (approve, reject string) {
	for _, mail := range r.SNS.Mailbox(r.topic("channel", name)) {
		for line := range strings.Lines(mail.Body) {
			if _, ticket, found := strings.Cut(line, "'approve "); found {
				approve, _, _ = strings.Cut(ticket, "'")
			}
			if _, ticket, found := strings.Cut(line, "'reject "); found {
				reject, _, _ = strings.Cut(ticket, " ")
			}
		}
	}
	return approve, reject
}

// UndoTicket is an approver's ticket to take the change back, out of the newest mail that asks them; empty where that mail
// has none.
func (r *Rehearsal) UndoTicket(name string) (undo string) {
	for _, mail := range r.SNS.Mailbox(r.topic("channel", name)) {
		if _, ticket, found := strings.Cut(mail.Body, "'undo "); found {
			undo, _, _ = strings.Cut(ticket, "'")
		}
	}
	return undo
}

// topic is the ARN of one of a person's topics; of nobody's, it is the one after the last.
func (r *Rehearsal) topic(kind, name string) string {
	number := slices.Index(people, name) + 1
	return fmt.Sprintf("arn:aws:sns:us-east-1:%s:%s-%s-%d", AccountID, StackName, kind, number)
}

// Reply publishes a text to a person's reply topic, signed by somebody: the same person, or another who tries.
func (r *Rehearsal) Reply(by, through, text string) error {
	keys, err := r.World.Identity.UserCredentials(UserARN(by))
	if err != nil {
		return err
	}
	client := sns.New(sns.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(r.World.Endpoint),
		Credentials: credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, keys.SessionToken),
	})
	_, err = client.Publish(context.Background(), &sns.PublishInput{TopicArn: aws.String(r.topic("reply", through)), Message: aws.String(text)})
	r.World.Settle()
	return err
}

// OnCall is every mail to the on-call topic.
func (r *Rehearsal) OnCall() []string {
	var subjects []string
	for _, mail := range r.SNS.Mailbox(fmt.Sprintf("arn:aws:sns:us-east-1:%s:%s-on-call", AccountID, StackName)) {
		subjects = append(subjects, mail.Subject)
	}
	return subjects
}
