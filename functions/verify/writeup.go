// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cloudfront503/pkg/evidence"
	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/ledger"
	"cloudfront503/pkg/notify"
	"cloudfront503/pkg/report"
)

// plotBefore is how much of the time before the incident the report's plot shows.
const plotBefore = 30 * time.Minute

// plotFor is how much of it the plot shows at most: two days of the watch would hide the hour that matters.
const plotFor = 6 * time.Hour

// reportsFor is how long a page is tried to be written that does not get through.
const reportsFor = 30 * time.Minute

// report writes the incident up. No incident is kept open for its page: where S3 refuses it, or has not taken it for a while,
// people are told once and it ends without.
func (w *watch) report(ctx context.Context, outcome incident.Outcome) error {
	problem := w.writeUp(ctx, outcome)
	if problem == nil || errors.Is(problem, ledger.ErrLeaseLost) {
		return problem
	}
	if !ledger.Refused(problem) && w.now().Sub(w.unreportedSince()) < reportsFor {
		return errors.Join(problem, w.keep(ctx, incident.StepUnreported, "unreported", "the page could not be written, and will be tried again", nil))
	}
	w.log.ErrorContext(ctx, "ends without its page", "stage", "report", "incident", w.incident.String(), "error", problem)
	return w.send(ctx, "unreported", notify.RenderCannotWork(notify.CannotWork{
		About: w.about(), What: "write the incident's page", Err: problem, Then: "The incident goes on without it. Its record has all that the page would say.",
		Next: []string{fmt.Sprintf("aws s3 ls --recursive s3://%s/incidents/%s/", w.settings.Bucket, w.incident)},
	}))
}

// unreportedSince is when the page could not be written first; now, where this is the first time.
func (w *watch) unreportedSince() time.Time {
	for _, step := range w.steps {
		if step.Writer == "verify" && step.Kind == incident.StepUnreported {
			return step.At
		}
	}
	return w.now()
}

// writeUp writes a page for people, and the same as Markdown, which goes to the team's wiki where there is one.
func (w *watch) writeUp(ctx context.Context, outcome incident.Outcome) error {
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
