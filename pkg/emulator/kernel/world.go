// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package kernel is what all services of the emulator share: one clock, one journal, the fault switches, who calls, what
// IAM lets them do, and the work that is under way.
package kernel

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"sync"
)

// World is one AWS account in one process.
type World struct {
	Account  string // twelve digits
	Region   string // the stack's Region, us-east-1
	Endpoint string // http://127.0.0.1:port, set once the server listens
	Clock    *Clock
	Journal  *Journal
	Faults   *Faults
	Identity *Identity
	Switches Switches

	// What one service needs of another; each is set by the service's constructor.
	Lambda Invoker
	Bus    Bus
	Topics Publisher
	Queues Sender
	Keys   Keys
	Trail  Trail
	Proxy  http.Handler // answers CONNECT and absolute-form requests: the edge, for functions that run with HTTPS_PROXY

	Metrics *Metrics // what CloudWatch shows

	services   map[string]Service
	plain      *http.ServeMux // paths outside the AWS protocols
	work       *work
	mu         sync.Mutex
	violations []string
	documents  map[string]*document // parsed policies by their text
}

// Service answers the requests whose signature names it.
type Service interface {
	// Serve answers one request. It calls c.Begin before anything else that can be seen from outside, and renders every
	// error in its own protocol.
	Serve(c *Call)
}

// Invoker runs Lambda functions.
type Invoker interface {
	// Invoke runs the function and waits. A function's own error is in Result; err is Lambda's refusal.
	Invoke(ctx context.Context, functionARN string, payload []byte) (Result, error)
	// InvokeAsync queues the event as Lambda does: two retries after one and two minutes of the clock, then the
	// failure destination or dead-letter queue. service is the service principal that invokes, source the ARN on whose
	// behalf; the function's resource policy must allow both.
	InvokeAsync(functionARN string, payload []byte, service, source string) error
}

// Result is what a function answered.
type Result struct {
	Payload       []byte
	FunctionError string // Unhandled, or empty
	Log           string
}

// Bus is EventBridge's default bus as seen by a service that emits events.
type Bus interface {
	// Emit delivers one event; the bus adds version, id, account, time and region where they are not set.
	Emit(source, detailType string, resources []string, detail any)
}

// Publisher is SNS as seen by a service that publishes, such as an alarm action.
type Publisher interface {
	PublishAs(service, source, topicARN, subject, message string) error
}

// Sender is SQS as seen by a service that hands something over, such as a dead-letter queue's owner.
type Sender interface {
	SendAs(service, source, queueARN, body string, attributes map[string]string) error
}

// Keys is KMS as seen by a service that encrypts: an encrypted topic, queue or bucket.
type Keys interface {
	// Use asks whether the caller may do action ("kms:GenerateDataKey", "kms:Decrypt") with the key that id, ARN, alias or
	// alias ARN names, through the service via, as "sns". A service's own principal has Service set; sourceARN is on whose
	// behalf it acts, empty where it does not say. The error is an *APIError as KMS gives it.
	Use(caller Principal, via, sourceARN, action, key string) error
}

// NewWorld is an account with nothing in it.
func NewWorld(account, region string) *World {
	w := &World{
		Account: account, Region: region,
		Clock: NewClock(), Journal: NewJournal(), Faults: NewFaults(),
		services: map[string]Service{}, Switches: DefaultSwitches(), Metrics: NewMetrics(),
		plain: http.NewServeMux(), work: newWork(), documents: map[string]*document{},
	}
	w.Identity = NewIdentity(account)
	w.Clock.settle = w.Settle
	return w
}

// Register makes a service answer under its signing name, as "s3".
func (w *World) Register(name string, service Service) { w.services[name] = service }

// Service is the one registered under name, nil if there is none.
func (w *World) Service(name string) Service { return w.services[name] }

// Go runs work that Settle waits for: an asynchronous invocation, a delivery, an automation's step.
func (w *World) Go(work func()) { w.work.start(work) }

// Settle waits until no work is under way. Timers that are not yet due do not count.
func (w *World) Settle() { w.work.wait() }

// Handle answers unsigned requests whose path matches the http.ServeMux pattern: doors that are no AWS API, as the Lambda
// Runtime API. It must be called before the server listens.
func (w *World) Handle(pattern string, h http.Handler) { w.plain.Handle(pattern, h) }

// Strict notes something that this emulator does not know and AWS might: an operation, a parameter. A test asserts that
// Violations is empty.
func (w *World) Strict(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.violations = append(w.violations, fmt.Sprintf(format, args...))
}

// Violations are what Strict noted so far.
func (w *World) Violations() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.violations)
}

// Listen serves the account on a TCP address, as "127.0.0.1:0", and sets Endpoint. close ends all connections.
func (w *World) Listen(addr string) (close func(), err error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen %s: %w", addr, err)
	}
	w.Endpoint = "http://" + listener.Addr().String()
	server := &http.Server{Handler: w, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = server.Serve(listener) }() // ends with ErrServerClosed at close
	return func() { _ = server.Close() }, nil
}

// ServeHTTP finds the service by the request's signature, who signed it, and hands the call over.
func (w *World) ServeHTTP(rw http.ResponseWriter, r *http.Request) { w.serve(rw, r) }

// Switches are the questions that facts about AWS leave open; every setting of each is something AWS might do.
type Switches struct {
	RejectStatus        string // "Failed" or "Rejected": the status of step and execution after a reject
	TimeoutStatus       string // "TimedOut" or "Failed": the status of a gate that timed out
	ForeignSignalError  string // the error code for a signal by a caller outside Approvers
	RepeatedSignalError string // the error code for a decision when none is waited for
	SessionsOfOneRole   bool   // whether two sessions of one role are two approvals
	SessionApprovers    bool   // whether an entry of Approvers that is a session's ARN admits that session
	TokenMemoryMinutes  int    // how long StartAutomationExecution remembers a ClientToken; 0: for ever
	DefinitionResource  bool   // whether starting needs automation-definition as well
	DecisionKeys        string // "simulator" or "opaque": the key names of ApproverDecisions
}

// DefaultSwitches are the readings that we think likeliest.
func DefaultSwitches() Switches {
	return Switches{
		RejectStatus: "Rejected", TimeoutStatus: "TimedOut", ForeignSignalError: "AccessDeniedException",
		RepeatedSignalError: "InvalidAutomationSignalException", SessionsOfOneRole: true, SessionApprovers: true, DefinitionResource: true,
		DecisionKeys: "simulator",
	}
}
