// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package lambda

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"cloudfront503/pkg/emulator/kernel"
)

// Retries of asynchronous events.
// Source: "How Lambda handles errors and retries with asynchronous invocation".
const (
	mostRetries   = 2
	longestAge    = 6 * time.Hour
	firstBackoff  = time.Second
	lastBackoff   = 5 * time.Minute
	asyncLimit    = 1 << 20 // bytes of an event
	syncLimit     = 6 << 20
	retriesOver   = "RetriesExhausted"
	ageOver       = "EventAgeExceeded"
	concurrency0  = "ZeroReservedConcurrency"
	recordVersion = "1.0"
)

// pauses before the first and the second retry after a function error.
var pauses = []time.Duration{time.Minute, 2 * time.Minute}

// asyncEvent is an event in the queue of a function.
type asyncEvent struct {
	service   *Service
	f         *function
	id        string
	payload   []byte
	since     time.Time
	invokes   int // how often the function ran
	throttles int // how often it was not let run
	last      kernel.Result
}

// InvokeAsync queues an event for a function on behalf of an AWS service; the function's policy must admit it. What comes
// of the event afterwards, the service does not hear.
func (s *Service) InvokeAsync(functionARN string, payload []byte, service, source string) error {
	f, err := s.runnable(s.world.Region, functionARN)
	if err != nil {
		return err
	}
	if err := s.world.ServiceMay(service, source, "lambda:InvokeFunction", f.arn, s.policy(f), nil); err != nil {
		return err
	}
	return s.queue(f, kernel.NewUUID(), payload, source)
}

// queue puts an event into a function's queue, twice where a fault switch says so, with one request id as AWS does.
func (s *Service) queue(f *function, id string, payload []byte, source string) error {
	if len(payload) > asyncLimit {
		return kernel.Errorf(http.StatusRequestEntityTooLarge, "RequestTooLargeException",
			"%d byte payload is too large for the Event invocation type (limit %d bytes)", len(payload), asyncLimit)
	}
	copies := 1
	if fault := s.world.Faults.Match("deliver:lambda", f.arn, source); fault != nil {
		if fault.Error != nil {
			return fault.Error
		}
		if fault.Twice {
			copies = 2
		}
	}
	for range copies {
		e := &asyncEvent{service: s, f: f, id: id, payload: payload, since: s.world.Clock.Now()}
		s.world.Go(e.attempt)
	}
	return nil
}

// attempt runs the event once and decides what comes next.
func (e *asyncEvent) attempt() {
	s := e.service
	if s.off(e.f) {
		e.fail(concurrency0)
		return
	}
	if e.age() > e.f.Async.age() {
		e.fail(ageOver)
		return
	}
	result, err := s.run(e.f, e.id, e.payload)
	if err != nil {
		e.throttles++
		e.later(backoff(e.throttles))
		return
	}
	e.invokes++
	e.last = result
	if result.FunctionError == "" {
		return
	}
	if e.invokes > e.f.Async.retries() {
		e.fail(retriesOver)
		return
	}
	e.later(pauses[e.invokes-1])
}

func (e *asyncEvent) age() time.Duration { return e.service.world.Clock.Now().Sub(e.since) }

func (e *asyncEvent) later(pause time.Duration) {
	w := e.service.world
	w.Clock.After(pause, "lambda: retry "+e.f.Name, func() { w.Go(e.attempt) })
}

// backoff doubles from one second to five minutes.
func backoff(throttles int) time.Duration {
	return min(firstBackoff<<min(throttles-1, 10), lastBackoff)
}

func (a Async) retries() int {
	if a.Retries == nil {
		return mostRetries
	}
	return *a.Retries
}

func (a Async) age() time.Duration {
	if a.Age == 0 {
		return longestAge
	}
	return time.Duration(a.Age) * time.Second
}

// fail hands the event to the function's failure destination and dead-letter queue, with the function's own permissions.
func (e *asyncEvent) fail(condition string) {
	async := e.f.Async
	if async.OnFailure == "" && async.DeadLetters == "" {
		e.lose(condition)
		return
	}
	if async.OnFailure != "" {
		e.send(async.OnFailure, string(e.record(condition)), nil)
	}
	if async.DeadLetters != "" {
		e.send(async.DeadLetters, string(e.payload), e.deadLetterAttributes(condition))
	}
}

func (e *asyncEvent) lose(cause string) {
	s := e.service
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost = append(s.lost, Lost{Function: e.f.arn, Payload: e.payload, Cause: cause})
}

// record is the invocation record of a destination.
// Source: "Capturing records of Lambda asynchronous invocations".
func (e *asyncEvent) record(condition string) []byte {
	record := map[string]any{
		"version": recordVersion, "timestamp": e.service.world.Clock.Now().Format("2006-01-02T15:04:05.000Z"),
		"requestContext": map[string]any{
			"requestId": e.id, "functionArn": e.f.arn + ":" + latest, "condition": condition, "approximateInvokeCount": e.invokes,
		},
		"requestPayload": asJSON(e.payload),
	}
	if e.invokes > 0 {
		record["responseContext"] = map[string]any{"statusCode": 200, "executedVersion": latest, "functionError": e.last.FunctionError}
		record["responsePayload"] = asJSON(e.last.Payload)
	}
	raw, _ := json.Marshal(record)
	return raw
}

// asJSON is a payload as it stands in a record; what is not JSON stands there as text.
func asJSON(payload []byte) any {
	if json.Valid(payload) {
		return json.RawMessage(payload)
	}
	return string(payload)
}

func (e *asyncEvent) deadLetterAttributes(condition string) map[string]string {
	message := condition
	var said struct{ ErrorMessage string }
	if json.Unmarshal(e.last.Payload, &said) == nil && said.ErrorMessage != "" {
		message = said.ErrorMessage
	}
	return map[string]string{"RequestID": e.id, "ErrorCode": "200", "ErrorMessage": message[:min(len(message), 1024)]}
}

// send sends to a queue or a topic in a session of the function's role.
func (e *asyncEvent) send(target, body string, attributes map[string]string) {
	s := e.service
	credentials, err := s.world.Identity.Session(e.f.Role, e.f.Name, "", nil)
	if err != nil {
		e.lose(err.Error())
		return
	}
	var refusal error
	switch {
	case strings.HasPrefix(target, "arn:aws:sqs:"):
		refusal = s.sendMessage(credentials, target, body, attributes)
	case strings.HasPrefix(target, "arn:aws:sns:"):
		refusal = s.publish(credentials, target, body)
	default:
		s.world.Strict("lambda: %s: failure destination %s is not emulated", e.f.Name, target)
		return
	}
	if refusal != nil {
		e.lose(refusal.Error())
	}
}
