// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package lambda is Lambda: functions that are real compiled bootstrap binaries, run as processes that speak the Runtime
// API, one at a time each, as many as there are concurrent invocations. It keeps the queue of asynchronous invocations
// with its retries and failure destinations, concurrency and its limits, and the functions' resource policies.
// Protocol: REST-JSON.
package lambda

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"cloudfront503/pkg/emulator/kernel"
)

// Service is Lambda in every Region; functions that run are in the account's own.
type Service struct {
	world *kernel.World

	mu          sync.Mutex
	functions   map[string]*function // by unqualified ARN
	limits      map[string]int       // the account's concurrency by Region
	exhausted   map[string]bool      // Regions whose unreserved pool is used up
	environment map[string]string    // of every process, beneath the function's own
	sandboxes   map[string]*sandbox
	api         *http.Server // the Runtime API; nil until a process needs it
	address     string       // of the Runtime API, host:port
	closed      bool
	lost        []Lost
}

// Function is a function that runs.
type Function struct {
	Name        string
	Description string
	Bootstrap   string // path of the executable
	Role        string // ARN
	Handler     string
	Runtime     string // provided.al2023
	Arch        string // arm64 or x86_64; what the emulator runs is built for the host
	Memory      int    // megabytes
	Timeout     int    // seconds of the machine's time
	Environment map[string]string
	LogFormat   string // JSON or Text
	Async       Async
}

// Async is what becomes of asynchronous events.
type Async struct {
	Retries     *int   // after a function error, 0 to 2; nil is 2
	Age         int    // seconds an event may get, 60 to 21600; zero is 21600
	OnFailure   string // ARN of a queue or topic that gets a record of the failure
	DeadLetters string // ARN of a queue or topic that gets the event itself
}

// Lost is an asynchronous event that failed and reached no destination, for want of one or of the permission.
type Lost struct {
	Function string // ARN
	Payload  []byte
	Cause    string
}

// defaultLimit is a new account's concurrency in a Region.
// Source: "Lambda quotas"; accounts may begin with less.
const defaultLimit = 1000

// New makes Lambda the account's invoker.
func New(w *kernel.World) *Service {
	s := &Service{
		world: w, functions: map[string]*function{}, limits: map[string]int{}, exhausted: map[string]bool{},
		environment: map[string]string{}, sandboxes: map[string]*sandbox{},
	}
	w.Register("lambda", s)
	w.Lambda = s
	return s
}

// Setenv sets a variable of every process that starts from now on, as HTTPS_PROXY or GOCOVERDIR. A function's own
// environment goes before it.
func (s *Service) Setenv(name, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.environment[name] = value
}

// environmentLimit is how large a function's variables may be in all, names and values.
// Source: "Lambda quotas".
const environmentLimit = 4096

// Create makes a function, or replaces the one of that name and ends its processes. The answer is its ARN.
func (s *Service) Create(in Function) (string, error) {
	if err := in.check(); err != nil {
		return "", err
	}
	f := &function{Function: in, arn: s.arn(s.world.Region, in.Name), region: s.world.Region, modified: s.world.Clock.Now()}
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.functions[f.arn]; old != nil {
		f.statements, f.reserved = old.statements, old.reserved
		s.stop(old)
	}
	s.functions[f.arn] = f
	return f.arn, nil
}

func (in Function) check() error {
	size := 0
	for name, value := range in.Environment {
		size += len(name) + len(value)
	}
	switch {
	case size > environmentLimit:
		return badValue("Lambda was unable to configure your environment variables because the environment variables you have "+
			"provided exceeded the 4KB limit. %s has %d bytes.", in.Name, size)
	case in.Timeout < 1 || in.Timeout > 900:
		return badValue("function %s: Timeout %d is not within 1-900", in.Name, in.Timeout)
	case in.Memory < 128 || in.Memory > 10240:
		return badValue("function %s: MemorySize %d is not within 128-10240", in.Name, in.Memory)
	case in.Name == "" || len(in.Name) > 64:
		return badValue("function name %q has no characters, or more than 64", in.Name)
	}
	return in.Async.check(in.Name)
}

func (a Async) check(name string) error {
	if a.Retries != nil && (*a.Retries < 0 || *a.Retries > 2) {
		return badValue("function %s: MaximumRetryAttempts is not within 0-2", name)
	}
	if a.Age != 0 && (a.Age < 60 || a.Age > 21600) {
		return badValue("function %s: MaximumEventAgeInSeconds is not within 60-21600", name)
	}
	return nil
}

func badValue(format string, args ...any) error {
	return kernel.Errorf(http.StatusBadRequest, "InvalidParameterValueException", format, args...)
}

func (s *Service) arn(region, name string) string {
	return fmt.Sprintf("arn:aws:lambda:%s:%s:function:%s", region, s.world.Account, name)
}

// Environment is what the stack gives a function, by its name, without Lambda's own variables.
func (s *Service) Environment(name string) map[string]string {
	f, _, err := s.find(s.world.Region, name)
	if err != nil {
		s.world.Strict("lambda: environment of %s: %v", name, err)
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(f.Environment)
}

// Reconfigure replaces variables of a function, by its name, as an update of the stack does: processes that start from now
// on have them.
func (s *Service) Reconfigure(name string, variables map[string]string) {
	f, _, err := s.find(s.world.Region, name)
	if err != nil {
		s.world.Strict("lambda: reconfigure %s: %v", name, err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f.Environment = maps.Clone(f.Environment)
	maps.Copy(f.Environment, variables)
	s.stop(f)
}

// Functions are the ARNs of the functions that run, sorted.
func (s *Service) Functions() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var arns []string
	for _, arn := range slices.Sorted(maps.Keys(s.functions)) {
		if !s.functions[arn].foreign {
			arns = append(arns, arn)
		}
	}
	return arns
}

// Lost are the asynchronous events that nobody will hear of again.
func (s *Service) Lost() []Lost {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.lost)
}

// find is the function that a name, a partial or a whole ARN means, with the qualifier that it ends in.
func (s *Service) find(region, name string) (f *function, qualifier string, err error) {
	region, name, qualifier = reference(region, name)
	s.mu.Lock()
	defer s.mu.Unlock()
	f = s.functions[s.arn(region, name)]
	if f == nil {
		return nil, "", notFound(s.arn(region, name), qualifier)
	}
	return f, qualifier, nil
}

// reference takes apart "name", "name:qualifier", "account:function:name" and "arn:aws:lambda:REGION:ACCOUNT:function:name".
func reference(region, name string) (inRegion, bare, qualifier string) {
	if parts := strings.Split(name, ":"); strings.HasPrefix(name, "arn:") && len(parts) >= 7 {
		region = parts[3]
		name = strings.Join(parts[6:], ":")
	}
	if _, after, ok := strings.Cut(name, ":function:"); ok {
		name = after
	}
	bare, qualifier, _ = strings.Cut(name, ":")
	return region, bare, qualifier
}

func notFound(arn, qualifier string) error {
	if qualifier != "" {
		arn += ":" + qualifier
	}
	return kernel.Errorf(http.StatusNotFound, "ResourceNotFoundException", "Function not found: %s", arn)
}

// Close ends all processes: the idle ones by telling them that there is nothing more, so that they leave their coverage,
// the busy ones at once.
func (s *Service) Close() {
	s.mu.Lock()
	s.closed = true
	sandboxes := slices.Collect(maps.Values(s.sandboxes))
	api := s.api
	s.mu.Unlock()
	for _, sb := range sandboxes {
		sb.dismiss()
	}
	for _, sb := range sandboxes {
		sb.await()
	}
	if api != nil {
		_ = api.Close() // nobody is left to be told
	}
}

var _ kernel.Invoker = (*Service)(nil)

// Invoke runs a function and waits for it. The error is a refusal by Lambda, an *APIError; a function's own is in Result.
func (s *Service) Invoke(_ context.Context, functionARN string, payload []byte) (kernel.Result, error) {
	f, err := s.runnable(s.world.Region, functionARN)
	if err != nil {
		return kernel.Result{}, err
	}
	return s.run(f, kernel.NewUUID(), payload)
}

// runnable finds a function that can be invoked here.
func (s *Service) runnable(region, name string) (*function, error) {
	f, qualifier, err := s.find(region, name)
	if err != nil {
		return nil, err
	}
	if qualifier != "" && qualifier != latest {
		return nil, notFound(f.arn, qualifier)
	}
	if f.foreign {
		s.world.Strict("lambda: %s is only known from elsewhere and cannot run", f.arn)
		return nil, kernel.Errorf(http.StatusBadGateway, "ServiceException", "%s cannot run here", f.arn)
	}
	return f, nil
}
