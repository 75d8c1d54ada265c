// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package rehearsal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Leave writes everything that a spectator may want to look at into a folder: the bucket, every message, the journal of
// all calls, the functions' logs, and the report. What an earlier rehearsal has left there goes away.
func (r *Rehearsal) Leave(folder string) error {
	parts := []string{"bucket", "messages", "logs"}
	for _, part := range parts {
		if err := os.RemoveAll(filepath.Join(folder, part)); err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Join(folder, part), 0o755); err != nil {
			return err
		}
	}
	return errors.Join(r.S3.Dump(filepath.Join(folder, "bucket")), r.leaveMessages(folder), r.leaveJournal(folder), r.leaveLogs(folder), r.leaveReport(folder))
}

func (r *Rehearsal) leaveMessages(folder string) error {
	for i, mail := range r.SNS.Mailbox("") {
		name := filepath.Join(folder, "messages", fmt.Sprintf("%03d-%s.txt", i+1, mail.Endpoint))
		text := fmt.Sprintf("To: %s\nSubject: %s\nDate: %s\n\n%s\n", mail.Endpoint, mail.Subject, mail.At.Format("2006-01-02 15:04:05 UTC"), mail.Body)
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (r *Rehearsal) leaveJournal(folder string) error {
	var journal bytes.Buffer
	encoder := json.NewEncoder(&journal)
	for _, line := range r.World.Journal.Lines() {
		if err := encoder.Encode(line); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(folder, "journal.jsonl"), journal.Bytes(), 0o644)
}

func (r *Rehearsal) leaveLogs(folder string) error {
	var problems []error
	for _, name := range r.Lambda.Functions() {
		text := r.Lambda.Logs(name)
		if text != "" {
			problems = append(problems, os.WriteFile(filepath.Join(folder, "logs", filepath.Base(name)+".log"), []byte(text), 0o644))
		}
	}
	return errors.Join(problems...)
}

// leaveReport puts the incident's report where it is found first.
func (r *Rehearsal) leaveReport(folder string) error {
	for _, name := range []string{"report.html", "report.md"} {
		body, written := r.S3.Get(r.Bucket, r.Folder()+"watch/"+name)
		if !written {
			continue
		}
		if err := os.WriteFile(filepath.Join(folder, name), body, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// Run lets the clock run with the machine's until ctx is done.
func (r *Rehearsal) Run(ctx context.Context) { r.World.Clock.Run(ctx) }
