// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	"cloudfront503/pkg/diagnosis"
	"cloudfront503/pkg/evidence"
	"cloudfront503/pkg/evidence/record"
	"cloudfront503/pkg/incident"
)

// looks are when the cause is looked into again, after the incident was opened: CloudTrail knows a call after about five
// minutes, logs come within the hour.
var looks = []time.Duration{5 * time.Minute, 15 * time.Minute, time.Hour}

// lookKey names a look, in its step and as the folder of its evidence.
func lookKey(after time.Duration) string { return fmt.Sprintf("look-%02d", int(after.Minutes())) }

// lookDue is the latest look whose time has come and that was not made; empty where none is due. What a later look has
// seen an earlier one would not see better.
func lookDue(openedAt, now time.Time, made map[string]bool) string {
	due := ""
	for _, after := range looks {
		key := lookKey(after)
		switch {
		case now.Before(openedAt.Add(after)):
		case made[key]:
			due = ""
		default:
			due = key
		}
	}
	return due
}

// lookLater gathers evidence anew when a look is due, keeps it, and draws the conclusions.
func (w *watch) lookLater(ctx context.Context) error {
	key := lookDue(w.view.openedAt, w.now(), w.made)
	if key == "" || w.diagnosis.Verdict.Cause == "" {
		return nil
	}
	after, err := w.diagnoseAnew(ctx, "watch/"+key+"/", w.alarmed())
	if err != nil {
		return err
	}
	return w.conclude(ctx, look{key: key, after: after, why: newlySaid(w.diagnosis, after)})
}

// alarmed is the time of the alarm, around which evidence is gathered at every look.
func (w *watch) alarmed() time.Time {
	if by := w.pointer.OpenedBy; by != nil && !by.At.IsZero() {
		return by.At
	}
	return w.pointer.OpenedAt
}

// diagnoseAnew gathers evidence as respond did and keeps it as a recorded incident in a folder.
func (w *watch) diagnoseAnew(ctx context.Context, folder string, at time.Time) (incident.Diagnosis, error) {
	if err := w.renew(ctx); err != nil {
		return incident.Diagnosis{}, err
	}
	files, err := w.gather(ctx, at)
	if err != nil {
		return incident.Diagnosis{}, err
	}
	found, err := record.Read(files)
	if err != nil {
		return incident.Diagnosis{}, fmt.Errorf("incident %s: read the evidence again: %w", w.incident, err)
	}
	err = record.Write(files, func(name string, content []byte) error {
		_, err := w.ledger.Put(ctx, w.incident, folder+name, content)
		return err
	})
	return diagnosis.Diagnose(found), err
}

// gather asks the sources again, about the configuration that failed. What cannot be read this time is taken from the
// first look, so that a source that fails now overturns nothing.
func (w *watch) gather(ctx context.Context, at time.Time) (record.Files, error) {
	files, err := w.recorded(ctx)
	if err != nil {
		return nil, err
	}
	question, err := w.question(ctx, files, at)
	if err != nil {
		return nil, err
	}
	gatherer := *w.evidence
	if written := w.view.written; written != nil && !w.view.seesMore() && at.Before(w.view.writtenAt) {
		gatherer.Now = func() time.Time { return w.view.writtenAt }
		gatherer.Probe = unasked{}
	}
	later, gaps := gatherer.Gather(ctx, question)
	w.log.InfoContext(ctx, "looked again", "stage", "evidence", "incident", w.incident.String(), "gaps", len(gaps))
	maps.Copy(files, ofThen(later, gatherer.Probe == (unasked{})))
	return files, nil
}

// ofThen are the files that may be taken. After a write the state of things is our own work and says nothing of what had
// failed; of then speak only the sources that have a memory.
func ofThen(later evidence.Record, written bool) record.Files {
	files := record.Files{}
	for name, content := range later {
		source, _, _ := strings.Cut(name, "/")
		if !written || source == "access-logs" || source == "cloudtrail" || source == "logs" || name == "incident.json" {
			files[name] = content
		}
	}
	return files
}

// unasked is a prober that asks nothing.
type unasked struct{}

// Do fulfils evidence.Prober.
func (unasked) Do(*http.Request) (*http.Response, error) {
	return nil, errors.New("the change is written: the answer would say nothing of what failed before")
}

// question is respond's own, from what it has kept.
func (w *watch) question(ctx context.Context, files record.Files, at time.Time) (evidence.Question, error) {
	q := evidence.Question{Account: w.settings.Account, Event: files["event.json"], At: at}
	body, err := w.ledger.Get(ctx, w.incident, "snapshot.json")
	if err != nil {
		return q, err
	}
	if err := json.Unmarshal(body, &q.Snapshot); err != nil {
		return q, fmt.Errorf("incident %s: snapshot: %w", w.incident, err)
	}
	if by := w.pointer.OpenedBy; by != nil {
		q.Alarm = by.Alarm
	}
	q.KnownGood = baseline(files["baseline.json"])
	return q, nil
}

// baseline is the known good configuration as a record has it; nil where it has none.
func baseline(text []byte) *incident.Snapshot {
	var good struct {
		ETag               string
		DistributionConfig json.RawMessage
	}
	if json.Unmarshal(text, &good) != nil || len(good.DistributionConfig) == 0 {
		return nil
	}
	return &incident.Snapshot{ETag: good.ETag, Config: good.DistributionConfig}
}
