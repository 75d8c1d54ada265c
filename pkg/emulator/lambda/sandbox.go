// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package lambda

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"cloudfront503/pkg/emulator/kernel"
)

// sandbox is one process of a function, which runs one invocation at a time.
type sandbox struct {
	service *Service
	f       *function
	id      string
	cmd     *exec.Cmd
	output  *output
	work    chan *invocation // one waiting at most
	closing chan struct{}
	exited  chan struct{}
	exit    error // how the process ended; read after exited

	once    sync.Once
	mu      sync.Mutex
	current *invocation
}

// invocation is one event on its way through a sandbox.
type invocation struct {
	id       string
	payload  []byte
	handed   chan struct{} // the process has it
	finished chan struct{} // the process asked for the next one
	mu       sync.Mutex
	result   *kernel.Result // what the process said
}

func newInvocation(id string, payload []byte) *invocation {
	return &invocation{id: id, payload: payload, handed: make(chan struct{}), finished: make(chan struct{})}
}

func (inv *invocation) say(result kernel.Result) {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	if inv.result == nil {
		inv.result = &result
	}
}

func (inv *invocation) said() (kernel.Result, bool) {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	if inv.result == nil {
		return kernel.Result{}, false
	}
	return *inv.result, true
}

// startLimit is how long a process may take to ask for its first event: AWS gives ten seconds, then tries again; a busy
// machine under the race detector needs more.
const startLimit = time.Minute

// run runs one invocation in an idle sandbox or a new one. The error is a refusal, an *APIError.
func (s *Service) run(f *function, id string, payload []byte) (kernel.Result, error) {
	if err := s.admit(f); err != nil {
		s.count(f, "Throttles")
		return kernel.Result{}, err
	}
	defer s.leave(f)
	s.count(f, "Invocations")
	result := s.runAdmitted(f, id, payload)
	if result.FunctionError != "" {
		s.count(f, "Errors")
	}
	return result, nil
}

func (s *Service) runAdmitted(f *function, id string, payload []byte) kernel.Result {
	sb, err := s.sandbox(f)
	if err != nil {
		return failure("Runtime.InvalidEntrypoint", fmt.Sprintf("RequestId: %s Error: %v", id, err))
	}
	mark := f.logs.length()
	result := sb.run(newInvocation(id, payload))
	sb.output.sync()
	result.Log = f.logs.since(mark)
	return result
}

// count adds one to a metric of the function, as CloudWatch shows it under AWS/Lambda.
func (s *Service) count(f *function, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	metric := kernel.Metric{
		Region: f.region, Namespace: "AWS/Lambda", Name: name, Dimensions: map[string]string{"FunctionName": f.Name},
	}
	now := s.world.Clock.Now()
	datum, _ := s.world.Metrics.Minute(metric, now.Truncate(time.Minute))
	s.world.Metrics.Put(metric, now, kernel.Datum{Sum: datum.Sum + 1, Count: datum.Count + 1, Min: 1, Max: 1})
}

// sandbox is an idle process of a function, or a new one.
func (s *Service) sandbox(f *function) (*sandbox, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(f.idle); n > 0 {
		sb := f.idle[n-1]
		f.idle = f.idle[:n-1]
		return sb, nil
	}
	return s.start(f)
}

// start starts a process. The caller holds the lock.
func (s *Service) start(f *function) (*sandbox, error) {
	if err := s.listen(); err != nil {
		return nil, err
	}
	credentials, err := s.world.Identity.Session(f.Role, f.Name, "", nil)
	if err != nil {
		return nil, err
	}
	sb := &sandbox{
		service: s, f: f, id: kernel.NewUUID(), work: make(chan *invocation, 1), closing: make(chan struct{}), exited: make(chan struct{}),
	}
	if sb.output, err = newOutput(sb); err != nil {
		return nil, err
	}
	sb.cmd = exec.Command(f.Bootstrap)
	sb.cmd.Dir, sb.cmd.Env = filepath.Dir(f.Bootstrap), s.variables(f, sb.id, credentials)
	sb.cmd.Stdout, sb.cmd.Stderr = sb.output.write, sb.output.write
	if err := sb.cmd.Start(); err != nil {
		sb.output.close()
		return nil, fmt.Errorf("couldn't find valid bootstrap: %w", err)
	}
	s.sandboxes[sb.id] = sb
	go sb.watch()
	return sb, nil
}

// variables is a process's environment: Lambda's own, the emulator's, the function's.
// Source: "Defined runtime environment variables".
func (s *Service) variables(f *function, id string, credentials kernel.Credentials) []string {
	all := map[string]string{
		"AWS_LAMBDA_RUNTIME_API": s.address + "/" + id, "AWS_LAMBDA_FUNCTION_NAME": f.Name,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(f.Memory), "AWS_LAMBDA_FUNCTION_VERSION": latest,
		"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/" + f.Name,
		"AWS_LAMBDA_LOG_STREAM_NAME": id, "AWS_LAMBDA_LOG_FORMAT": f.LogFormat, "_HANDLER": f.Handler,
		"AWS_REGION": f.region, "AWS_DEFAULT_REGION": f.region, "AWS_ACCESS_KEY_ID": credentials.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY": credentials.SecretAccessKey, "AWS_SESSION_TOKEN": credentials.SessionToken,
		"AWS_ENDPOINT_URL": s.world.Endpoint, "LAMBDA_TASK_ROOT": "/var/task", "LAMBDA_RUNTIME_DIR": "/var/runtime",
		"TZ": ":UTC", "LANG": "en_US.UTF-8", "PATH": "/usr/local/bin:/usr/bin:/bin",
	}
	for _, layer := range []map[string]string{s.environment, f.Environment} {
		for name, value := range layer {
			all[name] = value
		}
	}
	list := make([]string, 0, len(all))
	for name, value := range all {
		list = append(list, name+"="+value)
	}
	slices.Sort(list)
	return list
}

// watch waits for the process's end.
func (sb *sandbox) watch() {
	sb.exit = sb.cmd.Wait()
	sb.output.close()
	s := sb.service
	s.mu.Lock()
	delete(s.sandboxes, sb.id)
	sb.f.idle = slices.DeleteFunc(sb.f.idle, func(other *sandbox) bool { return other == sb })
	s.mu.Unlock()
	close(sb.exited)
}

// run hands an invocation to the process and waits for what becomes of it.
func (sb *sandbox) run(inv *invocation) kernel.Result {
	sb.work <- inv
	if result, ended := sb.awaitStart(inv); ended {
		return result
	}
	deadline := time.NewTimer(sb.timeout())
	defer deadline.Stop()
	select {
	case <-inv.finished:
		result, _ := inv.said()
		return result
	case <-sb.exited:
		return sb.crash(inv)
	case <-deadline.C:
		sb.kill()
		return failure("Sandbox.Timedout", fmt.Sprintf("RequestId: %s Error: Task timed out after %d.00 seconds", inv.id, sb.f.Timeout))
	}
}

// awaitStart waits until the process has taken the invocation; ended says that it never will.
func (sb *sandbox) awaitStart(inv *invocation) (result kernel.Result, ended bool) {
	patience := time.NewTimer(startLimit)
	defer patience.Stop()
	select {
	case <-inv.handed:
		return kernel.Result{}, false
	case <-sb.exited:
		return sb.crash(inv), true
	case <-patience.C:
		sb.kill()
		return failure("Sandbox.Timedout", fmt.Sprintf("RequestId: %s Error: Init timed out", inv.id)), true
	}
}

// crash is the result of an invocation whose process ended: what it said before, or how it ended.
func (sb *sandbox) crash(inv *invocation) kernel.Result {
	if result, ok := inv.said(); ok {
		return result
	}
	ended := "exit status 0"
	if sb.exit != nil {
		ended = sb.exit.Error()
	}
	return failure("Runtime.ExitError", fmt.Sprintf("RequestId: %s Error: Runtime exited with error: %s", inv.id, ended))
}

func failure(kind, message string) kernel.Result {
	raw, _ := json.Marshal(map[string]string{"errorType": kind, "errorMessage": message})
	return kernel.Result{Payload: raw, FunctionError: "Unhandled"}
}

func (sb *sandbox) timeout() time.Duration { return time.Duration(sb.f.Timeout) * time.Second }

// kill ends the process at once.
func (sb *sandbox) kill() {
	_ = sb.cmd.Process.Kill() // it may have ended by itself
	<-sb.exited
}

// dismiss lets an idle process go when it next asks for work, and kills a busy one.
func (sb *sandbox) dismiss() {
	sb.once.Do(func() { close(sb.closing) })
	sb.mu.Lock()
	busy := sb.current != nil
	sb.mu.Unlock()
	if busy {
		_ = sb.cmd.Process.Kill()
	}
}

// await waits for a dismissed process, and kills one that does not go.
func (sb *sandbox) await() {
	patience := time.NewTimer(5 * time.Second)
	defer patience.Stop()
	select {
	case <-sb.exited:
	case <-patience.C:
		sb.kill()
	}
}

// stop dismisses a function's idle processes. The caller holds the lock.
func (s *Service) stop(f *function) {
	for _, sb := range f.idle {
		sb.dismiss()
	}
	f.idle = nil
}

// Kill ends all processes of a function, by name or ARN, as when its machine fails.
func (s *Service) Kill(name string) {
	f, _, err := s.find(s.world.Region, name)
	if err != nil {
		s.world.Strict("lambda: kill %s: %v", name, err)
		return
	}
	s.mu.Lock()
	var all []*sandbox
	for _, sb := range s.sandboxes {
		if sb.f == f {
			all = append(all, sb)
		}
	}
	s.mu.Unlock()
	for _, sb := range all {
		sb.kill()
	}
}

// KillAt kills a function at its next call of an action, as "s3:PutObject", on a resource that matches an IAM-style
// pattern, empty for any. With done the call is carried out and its answer never arrives; without it nothing was done.
// The returned function switches it off.
func (s *Service) KillAt(name, action, resource string, done bool) (off func()) {
	fault := kernel.Fault{
		Action: action, Resource: resource, Caller: "arn:aws:sts::*:assumed-role/*/" + name, Times: 1,
		Before: func() { s.Kill(name) },
	}
	if !done {
		fault.Error = kernel.Errorf(http.StatusInternalServerError, "InternalFailure", "the caller was killed")
	}
	return s.world.Faults.Add(fault)
}
