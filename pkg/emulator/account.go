// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package emulator is one AWS account in one process, over the real wire protocols: the SDK's clients, the AWS CLI and the
// compiled functions run against it unchanged. It is our reading of AWS and not AWS: what it says about a question that
// AWS's documentation leaves open is one of the settings of kernel.Switches. Each service has a folder of its own; kernel
// is what they share; stack reads the template and wires them.
package emulator

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"cloudfront503/pkg/emulator/accessanalyzer"
	"cloudfront503/pkg/emulator/cloudfront"
	"cloudfront503/pkg/emulator/cloudtrail"
	"cloudfront503/pkg/emulator/cloudwatch"
	"cloudfront503/pkg/emulator/elb"
	"cloudfront503/pkg/emulator/events"
	"cloudfront503/pkg/emulator/iam"
	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/keyvalues"
	"cloudfront503/pkg/emulator/kms"
	"cloudfront503/pkg/emulator/lambda"
	"cloudfront503/pkg/emulator/logs"
	"cloudfront503/pkg/emulator/quotas"
	"cloudfront503/pkg/emulator/s3"
	"cloudfront503/pkg/emulator/sns"
	"cloudfront503/pkg/emulator/sqs"
	"cloudfront503/pkg/emulator/ssm"
	"cloudfront503/pkg/emulator/stack"
	"cloudfront503/pkg/emulator/sts"
	"cloudfront503/pkg/emulator/wafv2"
)

// Options say what account it is and what is deployed in it. The zero value is an empty account of 111122223333 on a free
// port of the loopback.
type Options struct {
	Account string // twelve digits
	Region  string // of the stack; empty is us-east-1
	Listen  string // host:port; port 0 takes a free one

	Template   []byte            // what is deployed; nil deploys nothing
	StackName  string            // empty is cloudfront503
	Parameters map[string]string // of the template
	Files      fs.FS             // where the template's AWS::Include finds its local files
	Functions  map[string]string // executables by folder or logical name, as BuildFunctions and FindFunctions give them

	AutoConfirm bool              // confirm subscriptions of mail addresses at once, as if somebody clicked
	Environment map[string]string // further variables of every function's process, as GOCOVERDIR
	Switches    *kernel.Switches  // nil: the likeliest readings
	// Prepare fills the account before the stack is deployed: people, distributions, limits. May be nil.
	Prepare func(*Account) error
}

// Account is a running account.
type Account struct {
	World      *kernel.World
	S3         *s3.Service
	KMS        *kms.Service
	SQS        *sqs.Service
	SNS        *sns.Service
	STS        *sts.Service
	IAM        *iam.Service
	Lambda     *lambda.Service
	Events     *events.Service
	SSM        *ssm.Service
	CloudWatch *cloudwatch.Service
	CloudTrail *cloudtrail.Service
	CloudFront *cloudfront.Service
	KeyValues  *keyvalues.Service
	Quotas     *quotas.Service
	ELB        *elb.Service
	WAF        *wafv2.Service
	Logs       *logs.Service
	Analyzer   *accessanalyzer.Service
	Stack      *stack.Stack // nil where nothing was deployed

	folder string // for the certificate of the emulated edge
	stop   func() // ends the server
}

// New starts an account and deploys the stack in it. Close ends it; after an error nothing is left running.
func New(o Options) (*Account, error) {
	o = o.withDefaults()
	a := assemble(o)
	if err := a.start(o); err != nil {
		return nil, errors.Join(fmt.Errorf("emulator: %w", err), a.Close())
	}
	return a, nil
}

func (o Options) withDefaults() Options {
	for _, d := range []struct {
		field *string
		value string
	}{{&o.Account, "111122223333"}, {&o.Region, "us-east-1"}, {&o.Listen, "127.0.0.1:0"}, {&o.StackName, "cloudfront503"}} {
		if *d.field == "" {
			*d.field = d.value
		}
	}
	return o
}

// assemble makes the services, none of which does anything yet.
func assemble(o Options) *Account {
	w := kernel.NewWorld(o.Account, o.Region)
	if o.Switches != nil {
		w.Switches = *o.Switches
	}
	return &Account{
		World: w, stop: func() {},
		S3: s3.New(w), KMS: kms.New(w), SQS: sqs.New(w), SNS: sns.New(w), STS: sts.New(w), IAM: iam.New(w),
		Lambda: lambda.New(w), Events: events.New(w), SSM: ssm.New(w), CloudWatch: cloudwatch.New(w),
		CloudTrail: cloudtrail.New(w), CloudFront: cloudfront.New(w), KeyValues: keyvalues.New(w), Quotas: quotas.New(w),
		ELB: elb.New(w), WAF: wafv2.New(w), Logs: logs.New(w), Analyzer: accessanalyzer.New(w),
	}
}

func (a *Account) start(o Options) error {
	stop, err := a.World.Listen(o.Listen)
	if err != nil {
		return err
	}
	a.stop = stop
	if err := a.trustEdge(); err != nil {
		return err
	}
	for name, value := range o.Environment {
		a.Lambda.Setenv(name, value)
	}
	a.SNS.AutoConfirm(o.AutoConfirm)
	if o.Prepare != nil {
		if err := o.Prepare(a); err != nil {
			return err
		}
	}
	return a.deploy(o)
}

// trustEdge lets the functions reach the emulated edge: their HTTPS requests come through us, and they trust our
// certificate authority and no other.
func (a *Account) trustEdge() error {
	certificate, err := a.CloudFront.CA()
	if err != nil {
		return err
	}
	if a.folder, err = os.MkdirTemp("", "cloudfront503-"); err != nil {
		return err
	}
	file := filepath.Join(a.folder, "edge.pem")
	if err := os.WriteFile(file, certificate, 0o600); err != nil {
		return err
	}
	a.Lambda.Setenv("SSL_CERT_FILE", file)
	a.Lambda.Setenv("SSL_CERT_DIR", a.folder) // else the machine's own authorities are trusted too, and read for long
	a.Lambda.Setenv("HTTPS_PROXY", a.World.Endpoint)
	return nil
}

func (a *Account) deploy(o Options) (err error) {
	if o.Template == nil {
		return nil
	}
	a.Stack, err = stack.Load(o.Template, o.Parameters, stack.Options{
		Name: o.StackName, Files: o.Files, Functions: o.Functions,
		Services: stack.Services{
			World: a.World, Lambda: a.Lambda, Events: a.Events, Topics: a.SNS, Buckets: a.S3, Keys: a.KMS, Documents: a.SSM,
			Distributions: a.CloudFront,
		},
	})
	return err
}

// Close ends the functions' processes and the server, and removes what New put on the disk.
func (a *Account) Close() error {
	a.Lambda.Close()
	a.stop()
	if a.folder == "" {
		return nil
	}
	return os.RemoveAll(a.folder)
}
