// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package automation

import (
	"crypto/rand"
	"encoding/hex"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/runbook/document"
)

// maxDepth is how deep aws:executeAutomation may nest. Source: "aws:executeAutomation".
const maxDepth = 5

// Executor runs documents. Its fields may be set before the first start.
type Executor struct {
	// Handlers do further actions, by name as "aws:runCommand"; they win over those built in.
	Handlers map[string]Handler
	// APILimit is how long, in real time, aws:executeAwsApi may take; by AWS's rule 25 s.
	APILimit time.Duration
	// PollEvery is the time between two looks of aws:waitForAwsResourceProperty. AWS does not say; it is seconds.
	PollEvery time.Duration

	world *kernel.World
	wire  *http.Client

	mu    sync.Mutex
	byID  map[string]*execution
	order []*execution
}

// New is an executor with the actions that are built in.
func New(w *kernel.World) *Executor {
	return &Executor{
		Handlers: map[string]Handler{}, APILimit: document.MaxAPISeconds * time.Second, PollEvery: 15 * time.Second,
		world: w, wire: &http.Client{Transport: &http.Transport{}}, byID: map[string]*execution{},
	}
}

// execution is one execution under way.
type execution struct {
	x       *Executor
	doc     document.Document
	thread  *thread
	endings endings
	depth   int // of aws:executeAutomation, 1 at the top; guarded by x.mu

	// Used by the thread only.
	session  session
	values   map[string]any            // parameters, typed
	outputs  map[string]map[string]any // by step
	deadline time.Time                 // of the step under way and of the loops around it
	loop     string
	round    int
	clean    func() // runs the onCancel steps of the step that was cancelled
	cleaning bool   // they run

	// Guarded by x.mu.
	record    Execution
	variables map[string]any
	waiter    *waiter
	gate      *gate
	wants     string // the signal that is waited for, as "Resume", with the step's name
	stop      string // "Cancel", "Complete", or empty
}

// Start begins an execution. The error is an *APIError: the parameters do not fit the document, or the role cannot be
// assumed.
func (x *Executor) Start(s Start) (id string, err error) {
	values, shown, err := parameters(s)
	if err != nil {
		return "", err
	}
	e := &execution{
		x: x, doc: s.Definition, thread: newThread(x.world), depth: 1, values: values,
		outputs: map[string]map[string]any{}, variables: map[string]any{},
	}
	e.record = Execution{
		ID: s.ID, Document: s.Name, Version: s.Version, Status: Pending, Start: x.world.Clock.Now(),
		Parameters: shown, Outputs: map[string][]string{}, Variables: map[string][]string{},
		ExecutedBy: s.Caller.ARN, Mode: "Auto", Region: s.Region, Tags: s.Tags,
	}
	if s.ID == "" {
		e.record.ID = NewID()
	}
	if s.Interactive {
		e.record.Mode = "Interactive"
	}
	x.relate(e, s.Caller)
	e.prepare()
	if err := e.assume(s.Caller); err != nil {
		return "", err
	}
	x.add(e)
	e.thread.begin(e.run)
	return e.record.ID, nil
}

// prepare lists the steps as pending and sets the variables.
func (e *execution) prepare() {
	for _, s := range e.doc.Steps {
		e.record.Steps = append(e.record.Steps, e.pending(s))
	}
	for _, v := range e.doc.Variables {
		e.variables[v.Name] = v.Default
		e.record.Variables["variable:"+v.Name] = shownList(v.Default)
	}
}

func (x *Executor) add(e *execution) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.byID[e.record.ID] = e
	x.order = append(x.order, e)
}

// Get is the execution with an id.
func (x *Executor) Get(id string) (Execution, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	e := x.byID[id]
	if e == nil {
		return Execution{}, false
	}
	return e.record.clone(), true
}

// Executions are all executions, the oldest first.
func (x *Executor) Executions() []Execution {
	x.mu.Lock()
	defer x.mu.Unlock()
	all := make([]Execution, len(x.order))
	for i, e := range x.order {
		all[i] = e.record.clone()
	}
	return all
}

// Stop ends an execution. With complete the step under way is still done; otherwise it is cancelled where it waits, and
// its onCancel steps run. The error is an *APIError.
func (x *Executor) Stop(id string, complete bool) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	e := x.byID[id]
	if e == nil {
		return notFound(id)
	}
	if e.record.Ended() || e.stop != "" {
		return kernel.Errorf(http.StatusBadRequest, "InvalidAutomationStatusUpdateException",
			"Automation execution %s is not in progress, its status is %s.", id, e.record.Status)
	}
	e.stop = "Cancel"
	if complete {
		e.stop = "Complete"
	}
	e.deliver(byStop)
	return nil
}

func notFound(id string) error {
	return kernel.Errorf(http.StatusBadRequest, "AutomationExecutionNotFoundException", "Automation execution %s is not found.", id)
}

// deliver ends the wait under way, with the lock held; false where there is none.
func (e *execution) deliver(why wake) bool {
	w := e.waiter
	if w == nil {
		return false
	}
	w.cancel()
	e.waiter, e.gate, e.wants = nil, nil, ""
	e.thread.resume(w, why)
	return true
}

// wait stops the thread for d at most. open is done with the lock held, so that nobody can answer before or after; opened
// after that, still running.
func (e *execution) wait(d time.Duration, name string, open, opened func()) wake {
	if d <= 0 {
		return byTimer
	}
	w := &waiter{woken: make(chan wake, 1)}
	e.x.mu.Lock()
	if e.stop != "" && !e.cleaning {
		e.x.mu.Unlock()
		return byStop
	}
	e.waiter = w
	w.cancel = e.x.world.Clock.After(d, "automation "+e.record.ID+" "+name, func() { e.timer(w) })
	open()
	e.x.mu.Unlock()
	opened()
	return e.thread.sleep(w)
}

func (e *execution) timer(w *waiter) {
	e.x.mu.Lock()
	defer e.x.mu.Unlock()
	if e.waiter == w {
		e.deliver(byTimer)
	}
}

// update changes the record.
func (e *execution) update(change func(*Execution)) {
	e.x.mu.Lock()
	defer e.x.mu.Unlock()
	change(&e.record)
}

// stopped is what Stop asked for, or empty.
func (e *execution) stopped() string {
	e.x.mu.Lock()
	defer e.x.mu.Unlock()
	return e.stop
}

func (e *execution) now() time.Time { return e.x.world.Clock.Now() }

// relate finds the parent of an execution that another's session starts.
func (x *Executor) relate(e *execution, caller kernel.Principal) {
	_, id, ok := strings.Cut(caller.ARN, "/"+sessionPrefix)
	if !ok {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if parent := x.byID[id]; parent != nil {
		e.record.Parent, e.depth = id, parent.depth+1
	}
}

// adopt tells when an execution that another has started has ended; false where there is none.
func (x *Executor) adopt(child string, parent *execution, ended func()) bool {
	x.mu.Lock()
	e := x.byID[child]
	if e != nil && e.record.Parent == "" {
		e.record.Parent, e.depth = parent.record.ID, parent.depth+1
	}
	x.mu.Unlock()
	if e == nil {
		return false
	}
	e.endings.add(ended)
	return true
}

// NewID is a random UUID, the form of execution and step ids.
func NewID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, see crypto/rand
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// Tag adds tags to an execution; false where there is none of that id.
func (x *Executor) Tag(id string, tags map[string]string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	e := x.byID[id]
	if e == nil {
		return false
	}
	merged := maps.Clone(e.record.Tags)
	if merged == nil {
		merged = map[string]string{}
	}
	maps.Copy(merged, tags)
	e.record.Tags = merged
	return true
}
