// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/ledger"
	"cloudfront503/pkg/notify"
)

// wiki is where a team keeps its pages. Published under the same title, a page takes the place of the one before.
type wiki interface {
	publish(ctx context.Context, title string, markdown []byte) (url string, err error)
}

const (
	mostPublishings = 3         // tries for one state of a page
	publishFor      = time.Hour // after an incident has recovered or was closed, while its page is sent again
	wikiTakes       = 25 * time.Second
)

// pageName is the object that is sent.
const pageName = "watch/report.md"

// title names the page of an incident, and no other.
func (h handler) title(ref incident.Reference) string {
	return fmt.Sprintf("CloudFront incident %s (%s)", ref, h.settings.Environment)
}

// publish sends a page unless the wiki has it in this state or was asked often enough, and records how it went. The error
// says that the wiki did not take it now.
func (h handler) publish(ctx context.Context, ref incident.Reference, steps []incident.Step, markdown []byte) error {
	sum := sha256.Sum256(markdown)
	message := incident.Message{Kind: "wiki", To: h.settings.Wiki.URL, Digest: hex.EncodeToString(sum[:16])}
	done, failed := publishings(steps, message.Digest)
	if done || failed >= mostPublishings {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, wikiTakes)
	defer cancel()
	message.Tries = failed + 1
	where, err := h.wiki.publish(limited, h.title(ref), markdown)
	if err != nil {
		message.Error = incident.Line(incident.MaskText(err.Error()), 200)
		_, noteErr := h.ledger.Append(ctx, ref, incident.StepUnpublished, "the wiki did not take the page: "+message.Error, message)
		return errors.Join(err, noteErr)
	}
	message.ID = where
	_, _, err = h.ledger.AppendOnce(ctx, ref, incident.StepPublished, message.Digest, "the page stands in the wiki: "+where, message)
	return err
}

// publishings counts how often a state of the page was sent in vain, and whether it has arrived.
func publishings(steps []incident.Step, digest string) (done bool, failed int) {
	for _, step := range steps {
		var sent incident.Message
		if step.Writer != "verify" || step.Kind != incident.StepPublished && step.Kind != incident.StepUnpublished {
			continue
		}
		if step.Read(&sent) != nil || sent.Digest != digest {
			continue
		}
		if step.Kind == incident.StepPublished {
			return true, failed
		}
		failed++
	}
	return false, failed
}

// toWiki sends the page that was just written. That it does not arrive keeps nothing from going on: people are told once,
// and later sweeps send it again.
func (w *watch) toWiki(ctx context.Context, steps []incident.Step, markdown []byte) {
	if w.wiki == nil {
		return
	}
	err := w.publish(ctx, w.incident, steps, markdown)
	if err == nil {
		return
	}
	w.log.WarnContext(ctx, "not published", "stage", "recovery", "incident", w.incident.String(), "error", err)
	told := w.send(ctx, "wiki", notify.RenderCannotWork(notify.CannotWork{
		About: w.about(), What: "put the incident's page into the wiki", Err: err,
		Then: fmt.Sprintf("the page is in the bucket alone. It is sent %d times in all; the incident goes on as if it had arrived.", mostPublishings),
		Next: []string{fmt.Sprintf("aws s3 cp s3://%s/incidents/%s/%s .", w.settings.Bucket, w.incident, pageName)},
	}))
	if told != nil {
		w.log.WarnContext(ctx, "not told", "stage", "recovery", "incident", w.incident.String(), "error", told)
	}
}

// publishAgain sends the pages that did not arrive, of incidents that have recovered or were closed a short while ago.
func (h handler) publishAgain(ctx context.Context, kind incident.Kind) error {
	if h.wiki == nil || kind != incident.KindSweep {
		return nil
	}
	pointers, err := h.ledger.Recent(ctx)
	problems := []error{err}
	for _, pointer := range pointers {
		if writtenUp(pointer, h.now()) {
			problems = append(problems, h.publishKept(ctx, pointer.Reference()))
		}
	}
	return errors.Join(problems...)
}

// writtenUp reports whether an incident's page may have been written within the last hour.
func writtenUp(p incident.Pointer, now time.Time) bool {
	since := p.ClosedAt
	if p.Watch != nil {
		since = p.Watch.Since
	}
	return !since.IsZero() && now.Sub(since) < publishFor
}

// publishKept sends the page that lies in the bucket. What the wiki says is recorded, and is no fault of ours.
func (h handler) publishKept(ctx context.Context, ref incident.Reference) error {
	markdown, err := h.ledger.Get(ctx, ref, pageName)
	if errors.Is(err, ledger.ErrMissing) {
		return nil
	}
	if err != nil {
		return err
	}
	steps, err := h.ledger.Steps(ctx, ref)
	if err != nil {
		return err
	}
	if err := h.publish(ctx, ref, steps, markdown); err != nil {
		h.log.WarnContext(ctx, "not published", "stage", "recovery", "incident", ref.String(), "error", err)
	}
	return nil
}
