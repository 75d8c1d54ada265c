// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package functions

import (
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/rehearsal"
)

// BenchmarkStartUp starts each function and an empty Go Lambda by turns, from the start of the process until it asks the
// Runtime API for work. x-empty is the median of the pairs' ratios.
func BenchmarkStartUp(b *testing.B) {
	empty := buildEmpty(b)
	for _, name := range slices.Sorted(maps.Keys(built)) {
		b.Run(name, func(b *testing.B) {
			environment := environmentOf(b, name)
			var ratios []float64
			for b.Loop() {
				base := startUp(b, empty, environment)
				ratios = append(ratios, float64(startUp(b, built[name], environment))/float64(base))
			}
			b.ReportMetric(median(ratios), "x-empty")
		})
	}
}

// buildEmpty builds the empty Lambda with the flags that the functions are shipped with.
func buildEmpty(b *testing.B) string {
	b.Helper()
	out := filepath.Join(b.TempDir(), "empty")
	command := exec.Command("go", "build", "-trimpath", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", out, "./testdata/empty")
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := command.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, output)
	}
	return out
}

// asDeployed takes away what only makes the tests cheaper.
func asDeployed(o *rehearsal.Options) { delete(o.Environment, "GOMAXPROCS") }

// environmentOf is what the stack gives a function.
func environmentOf(b *testing.B, name string) []string {
	b.Helper()
	r := start(b, "error-page-503", asDeployed)
	list := []string{
		"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret", "AWS_LAMBDA_FUNCTION_NAME=" + name,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256", "AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
	}
	for key, value := range r.Lambda.Environment(rehearsal.StackName + "-" + name) {
		list = append(list, key+"="+value)
	}
	return list
}

// startUp is the time from a process's start until it asks for its first event.
func startUp(b *testing.B, program string, environment []string) time.Duration {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	asked := make(chan struct{})
	var once sync.Once
	server := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
		once.Do(func() { close(asked) })
		<-request.Context().Done()
	})}
	defer server.Close()
	go func() { _ = server.Serve(listener) }() // it ends with the server
	command := exec.Command(program)
	command.Env = append(slices.Clone(environment), "AWS_LAMBDA_RUNTIME_API="+listener.Addr().String())
	var output strings.Builder
	command.Stdout, command.Stderr = &output, &output
	began := time.Now()
	if err := command.Start(); err != nil {
		b.Fatal(err)
	}
	gone := make(chan error, 1)
	go func() { gone <- command.Wait() }()
	select {
	case <-asked:
	case err := <-gone:
		b.Fatalf("%s ended: %v\n%s", program, err, &output)
	}
	took := time.Since(began)
	_ = command.Process.Kill() // it may have ended by itself
	<-gone
	return took
}

// callTime is what every call of AWS takes in BenchmarkAlarmToGate: long against everything that is not a call.
const callTime = 50 * time.Millisecond

// BenchmarkAlarmToGate fires the alarm in an account where every call takes a while. x-chain is the time from the
// responder's first call until the gate waits and everybody is asked, against the longest chain of calls that waited for one another;
// calls is how many that were.
func BenchmarkAlarmToGate(b *testing.B) {
	var ratios, lengths []float64
	for b.Loop() {
		r := start(b, "error-page-503", asDeployed)
		spans := watchCalls(r)
		r.World.Faults.Add(kernel.Fault{Action: "*", Latency: callTime})
		if err := r.Break(); err != nil {
			b.Fatal(err)
		}
		if !r.AdvanceUntil(10*time.Minute, func() bool { return asks(r, "1") > 0 && asks(r, "2") > 0 }) {
			b.Fatal("nobody is asked")
		}
		took, chain := longestChain(spans.toGate())
		ratios = append(ratios, float64(took)/float64(time.Duration(len(chain))*callTime))
		lengths = append(lengths, float64(len(chain)))
		if os.Getenv("CF503_CHAIN") != "" {
			for _, s := range chain {
				b.Logf("%6d ms %s %s", s.start.Sub(chain[0].start).Milliseconds(), s.line.Action, strings.Join(s.line.Resources, " "))
			}
		}
	}
	b.ReportMetric(median(ratios), "x-chain")
	b.ReportMetric(median(lengths), "calls")
}

// span is one call, from its arrival to its answer.
type span struct {
	line       kernel.Line
	start, end time.Time
}

// calls collects the calls of the functions that lie on the way to the gate.
type calls struct {
	mu    sync.Mutex
	spans []span
}

func watchCalls(r *rehearsal.Rehearsal) *calls {
	c := &calls{}
	r.World.Journal.Watch(func(line kernel.Line) {
		if !strings.Contains(line.Principal, "/"+rehearsal.StackName+"-respond") && !strings.Contains(line.Principal, "/"+rehearsal.StackName+"-remediate") {
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.spans = append(c.spans, span{line, line.At, r.World.Clock.Now()})
	})
	return c
}

// toGate are the calls up to the last message to an approver.
func (c *calls) toGate() []span {
	c.mu.Lock()
	defer c.mu.Unlock()
	spans := slices.Clone(c.spans)
	slices.SortFunc(spans, func(a, b span) int { return a.end.Compare(b.end) })
	for len(spans) > 0 && !asksApprover(spans[len(spans)-1].line) {
		spans = spans[:len(spans)-1]
	}
	return spans
}

func asksApprover(line kernel.Line) bool {
	return line.Action == "sns:Publish" && len(line.Resources) > 0 && strings.Contains(line.Resources[0], "-channel-")
}

// longestChain goes back from the last call to the one that ended last before it began, and so on to the first: the calls
// that waited for one another.
func longestChain(spans []span) (took time.Duration, chain []span) {
	if len(spans) == 0 {
		return 0, nil
	}
	chain = []span{spans[len(spans)-1]}
	for i := len(spans) - 2; i >= 0; i-- {
		if !spans[i].end.After(chain[0].start) {
			chain = slices.Insert(chain, 0, spans[i])
		}
	}
	return chain[len(chain)-1].end.Sub(chain[0].start), chain
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
