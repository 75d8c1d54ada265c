// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package denied

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

// answered is an error as the SDK gives it.
type answered struct{ code, message string }

func (a answered) Error() string        { return a.code + ": " + a.message }
func (a answered) ErrorCode() string    { return a.code }
func (a answered) ErrorMessage() string { return a.message }

var (
	missing  = answered{"AccessDenied", get + "because no identity-based policy allows the s3:GetObject action"}
	explicit = answered{"AccessDenied", get + "with an explicit deny in a service control policy"}
)

func TestOfReadsAnErrorOfTheSDK(t *testing.T) {
	if e := Of(fmt.Errorf("list logs: %w", missing)); !e.Denied || e.Policy != Identity || e.Action != "s3:GetObject" {
		t.Errorf("%+v", e)
	}
	for _, err := range []error{nil, errors.New("connection reset"), answered{"Throttling", "Rate exceeded"}} {
		if e := Of(err); e.Denied {
			t.Errorf("%v is called a denial", err)
		}
	}
}

func TestPatience(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)
	second := time.Second
	for _, tt := range []struct {
		name    string
		assumed time.Time
		answers []error // one a call, the last repeats
		want    error
		pauses  []time.Duration
	}{
		{"a call that is allowed is made once", start, []error{nil}, nil, nil},
		{"a role that settles lets the call through", start, []error{missing, missing, nil}, nil, []time.Duration{second, 2 * second}},
		{"after a minute the denial counts", start, []error{missing}, missing,
			[]time.Duration{second, 2 * second, 4 * second, 8 * second, 16 * second, 29 * second}},
		{"a role assumed 50 s ago has 10 s left", start.Add(-50 * second), []error{missing}, missing,
			[]time.Duration{second, 2 * second, 4 * second, 3 * second}},
		{"a role assumed long ago is not waited for", start.Add(-time.Hour), []error{missing}, missing, nil},
		{"nor one of which nothing is known", time.Time{}, []error{missing}, missing, nil},
		{"an explicit deny counts at once", start, []error{explicit}, explicit, nil},
		{"another error comes back at once", start, []error{context.DeadlineExceeded}, context.DeadlineExceeded, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			now, calls := start, 0
			var pauses []time.Duration
			p := Patience{Assumed: tt.assumed, Now: func() time.Time { return now }, Sleep: func(_ context.Context, d time.Duration) error {
				now, pauses = now.Add(d), append(pauses, d)
				return nil
			}}
			err := p.Do(t.Context(), func(context.Context) error {
				calls++
				return tt.answers[min(calls, len(tt.answers))-1]
			})
			if !errors.Is(err, tt.want) || !slices.Equal(pauses, tt.pauses) || calls != len(pauses)+1 {
				t.Errorf("%v after %d calls and pauses of %v; want %v and %v", err, calls, pauses, tt.want, tt.pauses)
			}
		})
	}
}

func TestPatienceEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	now := time.Now()
	p := Patience{Assumed: now, Now: func() time.Time { return now }, Sleep: Sleep}
	if err := p.Do(ctx, func(context.Context) error { return missing }); !errors.Is(err, missing) {
		t.Errorf("%v", err)
	}
}
