// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package ledger

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"cloudfront503/pkg/incident"
)

// mostSpare bounds how many steps a pointer keeps, and mostSpared how long the details of one may be: a pointer is read at
// every sweep. What is longer is kept without its details.
const (
	mostSpare  = 32
	mostSpared = 2048
)

// Refused reports whether S3 has answered that the caller may not do what was asked, which no further try changes.
func Refused(err error) bool { return statusOf(err) == http.StatusForbidden }

// Spare keeps a step with the pointer of its incident, where this writer's chain did not take it: what was done is not done
// again because nobody knows of it. It stands outside of the chain, proves nothing, and lies there until the chain takes it.
func (l *Ledger) Spare(ctx context.Context, ref incident.Reference, kind incident.StepKind, key, note string, detail any) (incident.Step, error) {
	raw, err := rawDetail(detail)
	if err != nil {
		return incident.Step{}, fmt.Errorf("ledger %s: spare %s: %w", ref, kind, err)
	}
	step := incident.Step{Writer: l.writer, Kind: kind, Key: key, At: l.now().UTC().Round(0), Note: note, Detail: raw}
	return step, l.changeWhere(ctx, ref, "spare", anyState, func(p *incident.Pointer) error {
		spare(p, step)
		return nil
	})
}

func anyState(incident.State) bool { return true }

// spare adds a step to a pointer, once a kind and key.
func spare(p *incident.Pointer, step incident.Step) {
	if step.Key != "" && slices.ContainsFunc(p.Spare, func(s incident.Step) bool { return same(s, step) }) {
		return
	}
	if len(step.Detail) > mostSpared {
		step.Detail = nil
	}
	p.Spare = append(slices.Clone(p.Spare), step)
	p.Spare = p.Spare[max(0, len(p.Spare)-mostSpare):]
}

func same(a, b incident.Step) bool { return a.Writer == b.Writer && a.Kind == b.Kind && a.Key == b.Key }

// Unspare puts this writer's spare steps of an incident into its chain, in their order, as far as it takes them now; left
// are those that it does not take.
func (l *Ledger) Unspare(ctx context.Context, p incident.Pointer) (left []incident.Step, err error) {
	var taken []incident.Step
	for _, step := range p.Spare {
		if err != nil || step.Writer != l.writer {
			left = append(left, step)
			continue
		}
		if _, _, err = l.AppendOnce(ctx, p.Reference(), step.Kind, step.Key, step.Note, detailOf(step)); err != nil {
			left = append(left, step)
			continue
		}
		taken = append(taken, step)
	}
	if len(taken) == 0 {
		return left, err
	}
	return left, errors.Join(err, l.changeWhere(ctx, p.Reference(), "unspare", anyState, func(p *incident.Pointer) error {
		p.Spare = slices.DeleteFunc(slices.Clone(p.Spare), func(s incident.Step) bool {
			return slices.ContainsFunc(taken, func(t incident.Step) bool { return same(s, t) && s.At.Equal(t.At) })
		})
		return nil
	}))
}

// detailOf is a spare step's detail as it is appended.
func detailOf(step incident.Step) any {
	if len(step.Detail) == 0 {
		return nil
	}
	return step.Detail
}
