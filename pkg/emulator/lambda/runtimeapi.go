// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package lambda

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"cloudfront503/pkg/emulator/kernel"
)

// The Runtime API, beneath a path of its own for every process.
// Source: "Using the Lambda runtime API for custom runtimes".
func (s *Service) runtimeAPI() http.Handler {
	mux := http.NewServeMux()
	const invocation = "/{sandbox}/2018-06-01/runtime/invocation/"
	mux.HandleFunc("GET "+invocation+"next", s.withSandbox((*sandbox).serveNext))
	mux.HandleFunc("POST "+invocation+"{id}/response", s.withSandbox((*sandbox).serveResponse))
	mux.HandleFunc("POST "+invocation+"{id}/error", s.withSandbox((*sandbox).serveError))
	mux.HandleFunc("POST /{sandbox}/2018-06-01/runtime/init/error", s.withSandbox((*sandbox).serveInitError))
	return mux
}

// listen starts the Runtime API on a free port where it does not run yet. The caller holds the lock.
func (s *Service) listen() error {
	if s.api != nil {
		return nil
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("runtime api: %w", err)
	}
	s.api, s.address = &http.Server{Handler: s.runtimeAPI(), ReadHeaderTimeout: time.Minute}, listener.Addr().String()
	go func() { _ = s.api.Serve(listener) }() // ends with Close
	return nil
}

func (s *Service) withSandbox(serve func(*sandbox, http.ResponseWriter, *http.Request)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		sb := s.sandboxes[r.PathValue("sandbox")]
		s.mu.Unlock()
		if sb == nil {
			http.Error(w, "no such sandbox", http.StatusForbidden)
			return
		}
		serve(sb, w, r)
	}
}

// serveNext ends the invocation before, which is complete only now, and waits for one more.
func (sb *sandbox) serveNext(w http.ResponseWriter, r *http.Request) {
	sb.finish()
	select {
	case inv := <-sb.work:
		sb.hand(inv, w)
	case <-sb.closing:
		http.Error(w, "the sandbox is shut down", http.StatusGone)
	case <-r.Context().Done():
	}
}

// finish completes the current invocation and makes the sandbox idle.
func (sb *sandbox) finish() {
	sb.mu.Lock()
	inv := sb.current
	sb.current = nil
	sb.mu.Unlock()
	if inv == nil {
		return
	}
	s := sb.service
	s.mu.Lock()
	if s.functions[sb.f.arn] == sb.f {
		sb.f.idle = append(sb.f.idle, sb)
	} else {
		sb.once.Do(func() { close(sb.closing) })
	}
	s.mu.Unlock()
	close(inv.finished)
}

// hand gives an invocation to the process. Its deadline is in the machine's time, because the process compares it with
// the machine's clock.
func (sb *sandbox) hand(inv *invocation, w http.ResponseWriter) {
	sb.mu.Lock()
	sb.current = inv
	sb.mu.Unlock()
	close(inv.handed)
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Lambda-Runtime-Aws-Request-Id", inv.id)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(sb.timeout()).UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", sb.f.arn)
	h.Set("Lambda-Runtime-Trace-Id", "Root=1-00000000-"+strings.ReplaceAll(inv.id, "-", "")[:24]+";Sampled=0")
	_, _ = w.Write(inv.payload) // a process that has gone is seen by its end
}

// answerLimit is how large a synchronous answer may be. Source: "Lambda quotas".
const answerLimit = 6 << 20

func (sb *sandbox) serveResponse(w http.ResponseWriter, r *http.Request) {
	payload, err := io.ReadAll(io.LimitReader(r.Body, answerLimit+1))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if len(payload) > answerLimit {
		sb.accept(w, r, failure("Function.ResponseSizeTooLarge", "Response payload size exceeded maximum allowed payload size (6291556 bytes)."))
		return
	}
	sb.accept(w, r, kernel.Result{Payload: payload})
}

func (sb *sandbox) serveError(w http.ResponseWriter, r *http.Request) {
	payload, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	sb.accept(w, r, kernel.Result{Payload: payload, FunctionError: "Unhandled"})
}

// accept takes what the process says about its current invocation.
func (sb *sandbox) accept(w http.ResponseWriter, r *http.Request, result kernel.Result) {
	sb.mu.Lock()
	inv := sb.current
	sb.mu.Unlock()
	if inv == nil || inv.id != r.PathValue("id") {
		http.Error(w, `{"errorType":"InvalidRequestID"}`, http.StatusBadRequest)
		return
	}
	inv.say(result)
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`)
}

// serveInitError takes a failure before the first event; the process then ends by itself.
func (sb *sandbox) serveInitError(w http.ResponseWriter, r *http.Request) {
	payload, _ := io.ReadAll(r.Body) // what cannot be read was not said
	select {
	case inv := <-sb.work:
		inv.say(kernel.Result{Payload: payload, FunctionError: "Unhandled"})
		sb.work <- inv
	default:
	}
	w.WriteHeader(http.StatusAccepted)
}
