// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package kernel

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// serve is the one door: a client's proxy requests, the AWS APIs by signature, then the plain paths.
func (w *World) serve(rw http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodConnect || r.URL.IsAbs() {
		w.serveProxy(rw, r)
		return
	}
	if scope, ok := scopeOf(r); ok {
		w.serveCall(rw, r, scope)
		return
	}
	if h, pattern := w.plain.Handler(r); pattern != "" {
		rw.Header().Set("Date", w.httpDate())
		h.ServeHTTP(rw, r)
		return
	}
	w.serveRefusal(rw, r, Errorf(http.StatusForbidden, "MissingAuthenticationToken", "Missing Authentication Token"))
}

func (w *World) serveProxy(rw http.ResponseWriter, r *http.Request) {
	if w.Proxy == nil {
		http.Error(rw, "this emulator is no proxy", http.StatusMethodNotAllowed)
		return
	}
	w.Proxy.ServeHTTP(rw, r)
}

// serveCall hands a signed request to its service. The answer is kept back until the journal has it, so that whoever got
// an answer finds the line.
func (w *World) serveCall(rw http.ResponseWriter, r *http.Request, scope scope) {
	service := w.services[scope.service]
	if service == nil {
		w.Strict("no service signs as %q (%s %s)", scope.service, r.Method, r.URL.Path)
		w.serveRefusal(rw, r, Errorf(http.StatusNotFound, "UnknownService", "no service here signs as %s", scope.service))
		return
	}
	answer := newAnswer()
	c := &Call{World: w, W: answer, R: r, Service: scope.service, Region: scope.region, id: NewUUID()}
	if err := c.prepare(scope); err != nil {
		c.refuse(err)
	} else {
		service.Serve(c)
	}
	c.finish(rw, answer)
}

// prepare finds the caller and reads the body.
func (c *Call) prepare(scope scope) error {
	caller, err := c.World.Identity.signer(scope.accessKey, scope.token, c.World.Clock.Now())
	c.Caller = caller
	if err != nil {
		return err
	}
	dropSignature(c.R)
	c.Body, err = readBody(c.R, c.Service)
	return err
}

func (c *Call) finish(rw http.ResponseWriter, answer *answer) {
	outcome := cmp.Or(c.outcome, "ok")
	if c.outcome == "" && answer.status >= http.StatusBadRequest {
		outcome = fmt.Sprintf("HTTP %d", answer.status)
	}
	if c.line == nil {
		c.openLine(Access{Action: c.Service + ":?"})
	}
	c.World.Journal.close(c.line, outcome, c.grants)
	if c.lose {
		loseAnswer(rw)
		return
	}
	answer.header.Set("Date", c.World.httpDate())
	answer.header.Set(requestIDHeader(c.Service), c.id)
	if answer.body.Len() > 0 && c.R.Method != http.MethodHead {
		answer.header.Set("Content-Length", strconv.Itoa(answer.body.Len())) // else long answers are chunked
	}
	if answer.body.Len() > oneRead {
		time.Sleep(networkDelay)
	}
	answer.sendTo(rw)
}

// A loopback is faster than any network: an answer's head can be there before the client's transport has seen that the
// request's body ended. The SDK closes that body then, the transport takes it for a failed write and closes the connection,
// and an answer that was not read by then is lost ("use of closed network connection"). The delay of a network of one
// rack is enough; answers that come with one read need none.
const (
	oneRead      = 4 << 10
	networkDelay = time.Millisecond
)

func (c *Call) openLine(access Access) {
	c.line = &Line{
		At: c.World.Clock.Now(), Principal: c.Caller.ARN, Action: access.Action, Resources: access.Resources,
		Region: c.Region, RequestID: c.id,
	}
	c.World.Journal.open(c.line)
}

// begin journals the call, then lets the fault switches and IAM have their say, in that order: AWS throttles before it
// authorizes.
func (c *Call) begin(access Access) error {
	c.openLine(access)
	if fault := c.World.Faults.Match(access.Action, first(access.Resources), c.Caller.ARN); fault != nil {
		if err := c.suffer(fault); err != nil {
			return err
		}
	}
	if access.Open {
		return nil
	}
	return c.Also(access)
}

// suffer applies a fault to the call.
func (c *Call) suffer(fault *Fault) error {
	if fault.Latency > 0 {
		wait(c.R, fault.Latency)
	}
	if fault.Before != nil {
		fault.Before()
	}
	c.lose = fault.LoseAnswer
	if fault.Error != nil {
		return fault.Error
	}
	return nil
}

// wait is over after d or when the client has gone.
func wait(r *http.Request, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	}
}

func (w *World) httpDate() string { return w.Clock.Now().Format(http.TimeFormat) }

// serveRefusal answers a request that no service takes.
func (w *World) serveRefusal(rw http.ResponseWriter, r *http.Request, err *APIError) {
	answer := newAnswer()
	c := &Call{World: w, W: answer, R: r, id: NewUUID()}
	c.refuse(err)
	c.finish(rw, answer)
}

// loseAnswer closes the connection, as when the network breaks after the work was done.
func loseAnswer(rw http.ResponseWriter) {
	conn, _, err := http.NewResponseController(rw).Hijack()
	if err != nil {
		rw.WriteHeader(http.StatusBadGateway)
		return
	}
	_ = conn.Close()
}

// answer is a response kept back.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newAnswer() *answer { return &answer{header: http.Header{}, status: http.StatusOK} }

// Header is part of http.ResponseWriter.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader is part of http.ResponseWriter.
func (a *answer) WriteHeader(status int) { a.status = status }

// Write is part of http.ResponseWriter; it never fails.
func (a *answer) Write(p []byte) (int, error) { return a.body.Write(p) }

func (a *answer) sendTo(rw http.ResponseWriter) {
	maps.Copy(rw.Header(), a.header)
	rw.WriteHeader(a.status)
	_, _ = rw.Write(a.body.Bytes()) // the client may have gone
}

// scope is what a SigV4 signature says: who, where and to which service.
type scope struct {
	accessKey, region, service, token string
}

// scopeOf reads the Authorization header or, for a presigned URL, the query.
//
//	Authorization: AWS4-HMAC-SHA256 Credential=AKID/20261124/us-east-1/s3/aws4_request, SignedHeaders=…, Signature=…
func scopeOf(r *http.Request) (scope, bool) {
	if header := r.Header.Get("Authorization"); header != "" {
		_, after, _ := strings.Cut(header, "Credential=")
		credential, _, _ := strings.Cut(after, ",")
		return parseScope(credential, r.Header.Get("X-Amz-Security-Token"))
	}
	query := r.URL.Query()
	return parseScope(query.Get("X-Amz-Credential"), query.Get("X-Amz-Security-Token"))
}

// A scope of the asymmetric version 4A holds no Region: the header X-Amz-Region-Set does, and its services are global.
func parseScope(credential, token string) (scope, bool) {
	parts := strings.Split(strings.TrimSpace(credential), "/")
	if len(parts) == 4 {
		parts = slices.Insert(parts, 2, "us-east-1")
	}
	if len(parts) != 5 || parts[4] != "aws4_request" {
		return scope{}, false
	}
	return scope{accessKey: parts[0], region: parts[2], service: parts[3], token: token}, true
}

// dropSignature takes a presigned URL's signature out of the query, so that services see their own parameters only.
func dropSignature(r *http.Request) {
	if !strings.Contains(r.URL.RawQuery, "X-Amz-Credential=") {
		return
	}
	query := r.URL.Query()
	maps.DeleteFunc(query, isSignature)
	r.URL.RawQuery = query.Encode()
}

func isSignature(name string, _ []string) bool { return strings.HasPrefix(name, "X-Amz-") }

func requestIDHeader(service string) string {
	if service == "s3" {
		return "X-Amz-Request-Id"
	}
	return "X-Amzn-Requestid"
}

func first(list []string) string {
	if len(list) == 0 {
		return "*"
	}
	return list[0]
}
