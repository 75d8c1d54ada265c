// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package ledger

import (
	"context"
	"time"

	"cloudfront503/pkg/incident"
)

// Watch lets a recovered incident go on in the state watching, with the outcome that it will be closed with unless it
// relapses. Its lease stays the holder's.
func (l *Ledger) Watch(ctx context.Context, ref incident.Reference, watch incident.Watch, outcome incident.Outcome) error {
	return l.change(ctx, ref, "watch", func(p *incident.Pointer) error {
		p.State, p.Watch, p.Outcome = incident.Watching, &watch, &outcome
		return nil
	})
}

// Looked notes when a watched incident was last looked at; of another it changes nothing.
func (l *Ledger) Looked(ctx context.Context, ref incident.Reference, at time.Time) error {
	return l.change(ctx, ref, "look", func(p *incident.Pointer) error {
		if p.Watch != nil {
			watch := *p.Watch
			watch.Looked = at
			p.Watch = &watch
		}
		return nil
	})
}

// Relapse opens a watched incident again, which has failed again at that time.
func (l *Ledger) Relapse(ctx context.Context, ref incident.Reference, at time.Time) error {
	return l.change(ctx, ref, "relapse", func(p *incident.Pointer) error {
		p.State, p.Watch, p.Outcome, p.RelapsedAt = incident.Open, nil, nil, at
		return nil
	})
}
