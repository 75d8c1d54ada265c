// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package evidence

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"cloudfront503/pkg/incident"
)

// Budget bounds what one incident's evidence may cost. A member that is zero has its default. What a bound cuts off is a
// gap, never silence.
type Budget struct {
	Calls      int           // requests to AWS, repeated ones included; default 600
	LogBytes   int64         // of logs, as they are stored or answered, in all; default 24 MiB
	LogObjects int           // objects and pages of logs, in all; default 48
	Probes     int           // requests to the distribution; default 9
	Source     time.Duration // one source may take; default 20 s
	Total      time.Duration // all of it may take; default 60 s, for people wait
}

// orDefaults fills in what is not set. A distribution with Lambda@Edge in 17 Regions and eight load balancers needs about
// 250 calls.
func (b Budget) orDefaults() Budget {
	return Budget{
		Calls: cmp.Or(b.Calls, 600), LogBytes: cmp.Or(b.LogBytes, 24<<20), LogObjects: cmp.Or(b.LogObjects, 48),
		Probes: cmp.Or(b.Probes, 9), Source: cmp.Or(b.Source, 20*time.Second), Total: cmp.Or(b.Total, time.Minute),
	}
}

// overspent says which bound of the budget ended something.
type overspent struct {
	bound int64
	what  string
	left  string // out
}

// Error is what a gap's reason says.
func (o overspent) Error() string {
	if o.left != "" {
		return fmt.Sprintf("%s: this incident's budget of %d %s is used up", o.left, o.bound, o.what)
	}
	return fmt.Sprintf("cut off: this incident's budget of %d %s is used up", o.bound, o.what)
}

// leaving is the error of a used up budget with what is left out because of it.
func leaving(err error, format string, args ...any) error {
	if cut, ok := errors.AsType[overspent](err); ok {
		cut.left = fmt.Sprintf(format, args...)
		return cut
	}
	return err
}

// mostKept bounds how many failed calls and findings one incident keeps.
const mostKept = 60

// meter is one gathering's account: what it has used of its budget, and what it came upon. It travels in the context, for
// a client serves many incidents.
type meter struct {
	limits Budget
	now    func() time.Time

	mu       sync.Mutex
	calls    int
	bytes    int64
	objects  int
	probes   int
	failed   []incident.FailedCall
	findings []incident.Fact
}

type meterKey struct{}

// meterOf is the gathering's meter; nil outside one.
func meterOf(ctx context.Context) *meter {
	m, _ := ctx.Value(meterKey{}).(*meter)
	return m
}

// call takes one request to AWS out of the budget.
func (m *meter) call() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.calls >= m.limits.Calls {
		return overspent{bound: int64(m.limits.Calls), what: "calls"}
	}
	m.calls++
	return nil
}

// object takes an object or page of logs out of the budget; its size is 0 where it is not known before it is read.
func (m *meter) object(size int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.objects >= m.limits.LogObjects:
		return overspent{bound: int64(m.limits.LogObjects), what: "log objects"}
	case m.bytes >= m.limits.LogBytes || size > m.limits.LogBytes-m.bytes:
		return overspent{bound: m.limits.LogBytes, what: "bytes of logs"}
	}
	m.objects++
	m.bytes += size
	return nil
}

// read adds bytes of logs whose size was not known before.
func (m *meter) read(size int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.bytes += size
}

// probe takes one request to the distribution out of the budget.
func (m *meter) probe() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.probes >= m.limits.Probes {
		return overspent{bound: int64(m.limits.Probes), what: "probes"}
	}
	m.probes++
	return nil
}

// keep keeps a call that failed.
func (m *meter) keep(call incident.FailedCall) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.failed) < mostKept {
		m.failed = append(m.failed, call)
	}
}

// note keeps a finding.
func (m *meter) note(source, format string, args ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.findings) < mostKept {
		m.findings = append(m.findings, incident.Fact{Source: source, Fact: incident.Line(fmt.Sprintf(format, args...), 300)})
	}
}

// account is what was kept.
func (m *meter) account() ([]incident.FailedCall, []incident.Fact) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.failed, m.findings
}
