// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"cloudfront503/pkg/evidence"
	"cloudfront503/pkg/evidence/record"
	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/notify"
	"cloudfront503/pkg/recovery"
)

const (
	hourly = time.Hour        // between two looks of the watch
	newest = 15 * time.Minute // of which is looked at alone too, so that an hour does not hide them
)

// asleep reports whether a watched incident needs no look: it is read at every sweep of two days, so this must be cheap.
func asleep(p incident.Pointer, trigger incident.Kind, now time.Time) bool {
	return p.State == incident.Watching && p.Watch != nil && trigger == incident.KindSweep && !ringing(p) &&
		now.Before(p.Watch.Looked.Add(hourly)) && now.Before(p.Watch.Until) && now.After(p.OpenedAt.Add(looks[len(looks)-1]+hourly/6))
}

// ringing reports whether an alarm has gone off since the recovery.
func ringing(p incident.Pointer) bool {
	for _, alarm := range p.Alarms {
		if p.Watch != nil && alarm.State == "ALARM" && alarm.At.After(p.Watch.Since) {
			return true
		}
	}
	return false
}

// measure compares before and after the change, or, in the watch, looks whether it fails again.
func (w *watch) measure(ctx context.Context) error {
	if w.pointer.Watch == nil || w.view.back.undone != nil {
		return w.compare(ctx)
	}
	w.view.watch, w.view.ringing = w.pointer.Watch, ringing(w.pointer)
	if now := w.now(); now.Before(w.view.watch.Looked.Add(hourly)) && !w.view.ringing {
		return nil
	}
	before, err := w.rate(ctx, w.onset(), w.view.writtenAt)
	if err != nil {
		return err
	}
	again, err := w.again(ctx, before)
	w.view.again = &again
	return err
}

// again looks at the time since the last look, and at its newest minutes.
func (w *watch) again(ctx context.Context, before recovery.Window) (incident.Recovery, error) {
	now := w.now()
	since, err := w.rate(ctx, later(w.view.watch.Looked, now.Add(-2*hourly)), now)
	if err != nil {
		return incident.Recovery{}, err
	}
	last, err := w.rate(ctx, now.Add(-newest), now)
	if err != nil {
		return incident.Recovery{}, err
	}
	if lately := recovery.Relapsed(before, last); lately.State == incident.Worse {
		return lately, nil
	}
	return recovery.Relapsed(before, since), nil
}

// rate is what CloudWatch counted between two times.
func (w *watch) rate(ctx context.Context, from, to time.Time) (recovery.Window, error) {
	rate, err := evidence.ReadRate(ctx, w.metrics, w.incident.Distribution, from, to)
	return recovery.Window{Requests: rate.Requests, Failed: rate.Failed}, err
}

// recovered tells people, writes the incident up as it stands, and begins the watch.
func (w *watch) recovered(ctx context.Context) error {
	outcome := w.outcome(endRecovered)
	said := outcome
	said.Result = string(incident.Recovered)
	if err := w.tellOutcome(ctx, string(endRecovered), said); err != nil {
		return err
	}
	hours := time.Duration(w.settings.WatchHours) * time.Hour
	note := fmt.Sprintf("it has recovered, and is watched for %d hours", w.settings.WatchHours)
	if err := w.keep(ctx, incident.StepRecovery, w.round("recovered"), note, w.view.recovery); err != nil {
		return err
	}
	if err := w.report(ctx, outcome); err != nil {
		return err
	}
	now := w.now()
	return w.ledger.Watch(ctx, w.incident, incident.Watch{Since: now, Until: now.Add(hours), Looked: now}, outcome)
}

// round is a key that is another one after each relapse.
func (w *watch) round(key string) string {
	if w.view.relapses == 0 {
		return key
	}
	return fmt.Sprintf("%s-%d", key, w.view.relapses)
}

// noteWatch records an hourly look where it says something new.
func (w *watch) noteWatch(ctx context.Context) error {
	if again := w.view.again; again.State != w.view.standing {
		if err := w.keep(ctx, incident.StepWatched, w.now().UTC().Format(time.RFC3339), again.Why, again); err != nil {
			return err
		}
	}
	return w.ledger.Looked(ctx, w.incident, w.now())
}

// relapse tells people that it fails again, and opens the same incident once more.
func (w *watch) relapse(ctx context.Context) error {
	again := *w.view.again
	if again.State != incident.Worse {
		again.Why = "The alarm has gone off again. " + again.Why
	}
	outcome := incident.Outcome{Result: notify.ResultRelapsed, Why: again.Why}
	w.view.recovery = &again
	if err := w.tellOutcome(ctx, "relapsed", outcome); err != nil {
		return err
	}
	if err := w.keep(ctx, incident.StepRelapsed, w.pointer.Watch.Since.Format(time.RFC3339), "it fails again: "+again.Why, again); err != nil {
		return err
	}
	return w.ledger.Relapse(ctx, w.incident, w.now())
}

// endWatch writes the incident up and closes it. People were told that it has recovered; that it stayed so needs no mail.
func (w *watch) endWatch(ctx context.Context) error {
	outcome := incident.Outcome{Result: "changed"}
	if w.pointer.Outcome != nil {
		outcome = *w.pointer.Outcome
	}
	outcome.Why += fmt.Sprintf(" It has stayed so for %d hours.", int(w.view.watch.Until.Sub(w.view.watch.Since).Hours()))
	return w.close(ctx, outcome)
}

// smoke asks for the paths that had failed, now that the rate says that it has recovered.
func (w *watch) smoke(ctx context.Context) (recovery.Smoke, error) {
	paths, err := w.failedPaths(ctx)
	if err != nil {
		return recovery.Smoke{}, err
	}
	var smoke recovery.Smoke
	for _, answer := range evidence.Smoke(ctx, w.evidence.Probe, w.snapshot, paths) {
		smoke.Asked++
		switch {
		case answer.Status == 0:
			smoke.Unanswered++
		case answer.Status >= http.StatusInternalServerError:
			smoke.Failed, smoke.Path = smoke.Failed+1, answer.Path
		}
	}
	return smoke, nil
}

// mostPaths bounds how many paths are asked for after a change.
const mostPaths = 6

// failedPaths are the paths that the logs name most often with a failure, else those that are probed, else the root.
func (w *watch) failedPaths(ctx context.Context) ([]string, error) {
	files, err := w.recorded(ctx)
	if err != nil {
		return nil, err
	}
	var paths []string
	if found, err := record.Read(files); err == nil && found.Logs != nil {
		paths = failing(found.Logs.Groups)
	}
	if len(paths) == 0 {
		paths = append(paths, w.settings.ProbePaths...)
	}
	if len(paths) == 0 {
		paths = []string{"/"}
	}
	return paths[:min(len(paths), mostPaths)], nil
}

// failing are the paths of failing requests, each once, the most frequent first.
func failing(groups []incident.LogGroup) []string {
	var paths []string
	for _, group := range groups {
		for _, path := range group.Paths.Top {
			if group.Status >= http.StatusInternalServerError && strings.HasPrefix(path.Value, "/") && !slices.Contains(paths, path.Value) {
				paths = append(paths, path.Value)
			}
		}
	}
	return paths
}
