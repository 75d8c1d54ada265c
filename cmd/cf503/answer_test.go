// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cloudfront503"
	"cloudfront503/pkg/emulator/rehearsal"
	"cloudfront503/pkg/incident"
)

// published is what a person's answer has put into their reply topic.
func published(r *rehearsal.Rehearsal) (sent int) {
	for _, line := range r.World.Journal.Lines() {
		if line.Action == "sns:Publish" && strings.HasSuffix(line.Principal, "user/bob") && line.Outcome == "ok" {
			sent++
		}
	}
	return sent
}

// The account has the stack, and functions that do not run: what is asked comes out of the message.
func TestWhatIsAskedIsShownAndOnlyAYesIsSent(t *testing.T) {
	idle, functions := filepath.Join(t.TempDir(), "bootstrap"), map[string]string{}
	if err := os.WriteFile(idle, []byte("#!/bin/sh\nexit 1\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"respond", "baseline", "approve", "remediate", "verify"} {
		functions[name] = idle
	}
	r, err := rehearsal.New(rehearsal.Options{
		Scenario: rehearsal.Scenarios()["error-page-503"], Template: cloudfront503.Template(), Files: cloudfront503.Files(), Functions: functions,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }() // of a test that ends
	keys, err := r.World.Identity.UserCredentials(rehearsal.UserARN("bob"))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": r.World.Endpoint, "AWS_REGION": "", "AWS_ACCESS_KEY_ID": keys.AccessKeyID, "AWS_SECRET_ACCESS_KEY": keys.SecretAccessKey,
		"AWS_SESSION_TOKEN": keys.SessionToken, "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		t.Setenv(name, value)
	}
	file := filepath.Join(t.TempDir(), "mail")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(mail, "edge-prod", rehearsal.StackName)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		typed string
		sent  int
	}{{"\n", 0}, {"n\n", 0}, {"yeah\n", 0}, {"", 0}, {"y\n", 1}, {"YES", 2}} {
		var out bytes.Buffer
		command := answerCommand(incident.Approve)
		command.SetIn(strings.NewReader(test.typed))
		command.SetOut(&out)
		command.SetArgs([]string{"E2EXAMPLE/000007", "--message", file})
		if err := command.ExecuteContext(t.Context()); err != nil || published(r) != test.sent {
			t.Errorf("%q: error %v, %d sent:\n%s", test.typed, err, published(r), out.String())
		}
		if shown := out.String(); !strings.Contains(shown, "Change: put it back") || !strings.Contains(shown, "user/bob. Approve? [y/N]") {
			t.Errorf("%q: shown:\n%s", test.typed, shown)
		}
	}
}
