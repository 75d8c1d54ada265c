// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"cloudfront503/pkg/diagnosis"
	"cloudfront503/pkg/evidence/record"
	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/plan"
)

// keepHealth keeps an AWS Health event in the bucket. It opens no incident. Each update is an object of its own, told
// apart by its communication id, so that a delivery that is repeated changes nothing.
func (h handler) keepHealth(ctx context.Context, e incident.HealthEvent, raw []byte) error {
	sum := sha256.Sum256([]byte(e.ARN))
	update := e.CommunicationID
	if update == "" {
		update = e.Updated.UTC().Format(time.RFC3339)
	}
	key := "health/" + hex.EncodeToString(sum[:8]) + "/" + name(update) + ".json"
	if err := h.keep(ctx, key, raw); err != nil {
		return fmt.Errorf("health event %s: %w", e.ARN, err)
	}
	h.log.InfoContext(ctx, "kept", "stage", "event", "health", e.ARN, "service", e.Service, "status", e.Status)
	return nil
}

// name is a text as part of a key.
func name(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r == '-' || r == '.' {
			return r
		}
		return '_'
	}, text)
}

// lookAgain diagnoses anew with what AWS Health has said since, where a plan waits for people: what rests on a verdict
// that is overturned, or would be done during AWS's own incident, is withdrawn.
func (w *watch) lookAgain(ctx context.Context, trigger incident.Trigger) error {
	if trigger.Health == nil || trigger.Health.Backup || w.view.written != nil && !w.view.seesMore() || w.view.void != "" {
		return nil
	}
	files, err := w.recorded(ctx)
	if err != nil {
		return err
	}
	files["health/"+name(trigger.Key)+".json"] = w.raw
	found, err := record.Read(files)
	if err != nil {
		return fmt.Errorf("incident %s: read the evidence again: %w", w.incident, err)
	}
	e := *trigger.Health
	return w.conclude(ctx, look{
		key: e.ARN + e.CommunicationID + e.Status, after: diagnosis.Diagnose(found),
		why:    fmt.Sprintf("AWS Health: %s %s is %s", e.Service, e.Type, e.Status),
		forbid: plan.Forbids(w.planned(), e),
	})
}

// recorded is the evidence as respond has kept it.
func (w *watch) recorded(ctx context.Context) (record.Files, error) {
	names, err := w.ledger.Names(ctx, w.incident, "evidence/")
	if err != nil {
		return nil, err
	}
	files := record.Files{}
	for _, full := range names {
		content, err := w.ledger.Get(ctx, w.incident, full)
		if err != nil {
			return nil, err
		}
		files[strings.TrimPrefix(full, "evidence/")] = content
	}
	return files, nil
}
