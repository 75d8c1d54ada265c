// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"errors"
	"time"

	"cloudfront503/pkg/evidence"
	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/report"
)

// plotBefore is how much of the time before the incident the report's plot shows.
const plotBefore = 30 * time.Minute

// plotFor is how much of it the plot shows at most: two days of the watch would hide the hour that matters.
const plotFor = 6 * time.Hour

// report writes the incident up: a page for people, and the same as Markdown, which goes to the
// team's wiki where there is one.
func (w *watch) report(ctx context.Context, outcome incident.Outcome) error {
	in := report.Input{
		Environment: w.settings.Environment, Incident: w.incident, DomainName: w.snapshot.DomainName, Bucket: w.settings.Bucket, Tags: w.snapshot.Tags,
		Outcome: outcome, MadeAt: w.now(), Rate: report.Series{Name: "failed requests, percent"}, Requests: report.Series{Name: "requests a minute"},
	}
	var err error
	if in.Steps, err = w.ledger.Steps(ctx, w.incident); err != nil {
		return err
	}
	// Without metrics the report has no plot, and says so; an incident is not kept open for that.
	if rate, err := evidence.ReadRate(ctx, w.metrics, w.incident.Distribution, w.before.Add(-plotBefore), earlier(w.now(), w.before.Add(plotFor))); err == nil {
		for _, minute := range rate.Minutes {
			in.Rate.Points = append(in.Rate.Points, report.Point{At: minute.At, Value: minute.Percent})
			in.Requests.Points = append(in.Requests.Points, report.Point{At: minute.At, Value: minute.Requests})
		}
	}
	page, err := report.Page(in)
	if err != nil {
		return err
	}
	_, pageErr := w.ledger.Put(ctx, w.incident, "watch/report.html", page)
	text := report.Markdown(in)
	_, textErr := w.ledger.Put(ctx, w.incident, pageName, text)
	if err := errors.Join(pageErr, textErr); err != nil {
		return err
	}
	w.toWiki(ctx, in.Steps, text)
	return nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
