// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package functions

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/rehearsal"
)

// cf503 is the command, built once for all tests, or what CF503_COMMAND names.
var cf503 = sync.OnceValues(func() (string, error) {
	if ready := os.Getenv("CF503_COMMAND"); ready != "" {
		return ready, nil
	}
	dir, err := os.MkdirTemp("", "cf503-test")
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "cf503")
	return file, exec.Command("go", "build", "-o", file, "../cmd/cf503").Run()
})

// reading is what a person needs to be shown the change.
var reading = []string{"lambda:GetFunctionConfiguration", "s3:GetObject", "s3:ListBucket", "ssm:GetAutomationExecution"}

// reads lets people read what the commands show.
func reads(r *rehearsal.Rehearsal, names ...string) {
	for _, name := range names {
		may(r, name, reading...)
	}
}

// may gives a person's own policy, which names these actions.
func may(r *rehearsal.Rehearsal, name string, actions ...string) {
	policy, _ := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": map[string]any{"Effect": "Allow", "Resource": "*", "Action": actions}})
	r.World.Identity.AddUser(kernel.User{Name: name, ARN: rehearsal.UserARN(name), Policies: map[string]json.RawMessage{"own": policy}})
}

// typesCommand runs the command as a person, in their own shell.
func typesCommand(t *testing.T, r *rehearsal.Rehearsal, by, stdin string, arguments ...string) (said string, worked bool) {
	t.Helper()
	command, err := cf503()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := as(t, r, by).Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	process := exec.CommandContext(t.Context(), command, arguments...)
	process.Stdin, process.Stdout, process.Stderr = strings.NewReader(stdin), &out, &out
	process.Env = []string{
		"AWS_ENDPOINT_URL=" + r.World.Endpoint, "AWS_REGION=eu-west-1", "HOME=" + t.TempDir(), "AWS_EC2_METADATA_DISABLED=true",
		"AWS_ACCESS_KEY_ID=" + keys.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + keys.SecretAccessKey, "AWS_SESSION_TOKEN=" + keys.SessionToken,
	}
	err = process.Run()
	r.World.Settle()
	return out.String(), err == nil
}

// letterTo is the newest message that asked a person, in a file.
func letterTo(t *testing.T, r *rehearsal.Rehearsal, name string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "message")
	for _, mail := range r.SNS.Mailbox("") {
		if mail.Endpoint == name+"@example.com" && strings.Contains(mail.Body, "'approve ") {
			if err := os.WriteFile(file, []byte(mail.Body), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return file
}

const theIncident = rehearsal.Distribution + "/000001"

func TestAnApproverReadsAndAnswersAtATerminal(t *testing.T) {
	t.Parallel()
	r, _ := asked(t)
	reads(r, "alice")
	ticket, _ := r.Tickets("alice")
	if said, worked := typesCommand(t, r, "alice", "", "approve", theIncident, "--ticket", ticket); worked || !strings.Contains(said, "give --yes") {
		t.Errorf("without a terminal:\n%s", said)
	}
	said, worked := typesCommand(t, r, "alice", "approve "+ticket+"\n", "approve", theIncident, "--ticket-file", "-", "--yes")
	if !worked {
		t.Fatal(said)
	}
	for _, part := range []string{"Cause: ", "% sure", "Affects: ", "Undone by: ", "Until: ", "CustomErrorResponses", "bound to ETag", "Sent as message"} {
		if !strings.Contains(said, part) {
			t.Errorf("%q is not shown", part)
		}
	}
	if strings.Contains(said, ticket) || strings.Contains(said, rehearsal.Secret) {
		t.Errorf("a ticket or a secret is shown:\n%s", said)
	}
	untilClosed(t, r, "changed")
	if recorded(r, "decision") != 1 || recorded(r, "signed-self") != 0 {
		t.Errorf("%d decisions, %d signed", recorded(r, "decision"), recorded(r, "signed-self"))
	}
}

func TestWhoMayReadNothingAnswersWithTheMessage(t *testing.T) {
	t.Parallel()
	r, broken := asked(t)
	ticket, _ := r.Tickets("bob")
	if said, worked := typesCommand(t, r, "bob", "", "reject", theIncident, "--ticket", ticket, "--yes"); worked || !strings.Contains(said, "--message FILE") {
		t.Errorf("without reading anything:\n%s", said)
	}
	said, worked := typesCommand(t, r, "bob", "", "reject", theIncident, "not", "during", "the sale", "--message", letterTo(t, r, "bob"), "--yes")
	if !worked || !strings.Contains(said, "CustomErrorResponses") || strings.Contains(said, ticket) {
		t.Errorf("with the message:\n%s", said)
	}
	untilClosed(t, r, "rejected")
	unwritten(t, r, broken)
	if why := r.Incident().Outcome.Why; why != "bob: not during the sale" {
		t.Errorf("ended because of %q", why)
	}
}

func TestAnApproverSignsTheGateAtATerminal(t *testing.T) {
	for verb, ends := range map[string]string{"approve": "changed", "reject": "rejected"} {
		t.Run(verb, func(t *testing.T) {
			t.Parallel()
			r, _ := asked(t)
			reads(r, "alice")
			if said, worked := typesCommand(t, r, "alice", "", verb, theIncident, "--sign", "--yes"); worked || !strings.Contains(said, "sts:SetSourceIdentity") {
				t.Errorf("without the leave to say who it is:\n%s", said)
			}
			may(r, "alice", append([]string{"sts:SetSourceIdentity"}, reading...)...)
			if said, worked := typesCommand(t, r, "alice", "", verb, theIncident, "--sign", "--yes"); !worked || !strings.Contains(said, "Signed as alice") {
				t.Fatal(said)
			}
			untilClosed(t, r, ends)
			if recorded(r, "decision") != 0 {
				t.Error("a ticket was used")
			}
		})
	}
}

func TestASignatureIsRefusedWhereTwoMustApprove(t *testing.T) {
	t.Parallel()
	r, broken := asked(t, with("Quorum", "2"))
	reads(r, "alice")
	for _, verb := range []string{"approve", "reject"} {
		if said, worked := typesCommand(t, r, "alice", "", verb, theIncident, "--sign", "--yes"); worked || !strings.Contains(said, "2 people must approve") {
			t.Errorf("%s:\n%s", verb, said)
		}
	}
	for _, line := range r.World.Journal.Lines() {
		if line.Action == "ssm:SendAutomationSignal" {
			t.Errorf("a signal by %s", line.Principal)
		}
	}
	unwritten(t, r, broken)
	approves(t, r, "alice")
	approves(t, r, "bob")
	untilClosed(t, r, "changed")
}

func TestAChangeIsTakenBackAtATerminal(t *testing.T) {
	t.Parallel()
	r, before, _ := changed(t)
	reads(r, "alice")
	said, worked := typesCommand(t, r, "alice", "", "undo", theIncident, "it", "is", "worse", "--message", letterTo(t, r, "alice"), "--yes")
	if !worked {
		t.Fatal(said)
	}
	until(t, r, 10*time.Minute, "it is taken back", func() bool { return r.Has("undone") })
	stands(t, r, before, 2)
}

func TestAnAnswerThatCannotCountIsNotSent(t *testing.T) {
	t.Parallel()
	r, broken := asked(t)
	reads(r, "alice", "mallory")
	ticket, _ := r.Tickets("alice")
	ofBob, _ := r.Tickets("bob")
	another := strings.Replace(ticket, ".000001.", ".000002.", 1)
	file := letterTo(t, r, "alice")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(t.TempDir(), "foreign")
	if err := os.WriteFile(foreign, bytes.ReplaceAll(text, []byte(rehearsal.AccountID), []byte("444455556666")), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		by, want  string
		arguments []string
	}{
		"no approver":              {"mallory", "none of the approvers of stack cloudfront503, who are alice, bob", []string{"approve", theIncident, "--ticket", ticket}},
		"no such incident":         {"alice", "no incident " + rehearsal.Distribution + "/000002", []string{"approve", rehearsal.Distribution + "/000002", "--ticket", another}},
		"another incident's":       {"alice", "is one of incident", []string{"approve", theIncident, "--ticket", another}},
		"no incident's name":       {"alice", "want DISTRIBUTION/NUMBER", []string{"approve", "000001", "--ticket", ticket}},
		"no such stack":            {"alice", "no stack edge in account 111122223333, Region us-east-1", []string{"approve", theIncident, "--ticket", ticket, "--stack", "edge"}},
		"another account":          {"alice", "comes from account 444455556666", []string{"approve", theIncident, "--message", foreign}},
		"another person's message": {"alice", "another person's", []string{"approve", theIncident, "--message", letterTo(t, r, "bob")}},
		"no ticket":                {"alice", "no ticket", []string{"approve", theIncident}},
		"nothing to undo":          {"alice", "nothing is written", []string{"undo", theIncident, "--ticket", ticket}},
	} {
		if said, worked := typesCommand(t, r, test.by, "", append(test.arguments, "--yes")...); worked || !strings.Contains(said, test.want) {
			t.Errorf("%s: want %q:\n%s", name, test.want, said)
		}
	}
	if said, worked := typesCommand(t, r, "alice", "", "approve", theIncident, "--ticket", ofBob, "--yes"); !worked {
		t.Errorf("only approve can tell another person's ticket:\n%s", said)
	}
	told(t, r, "alice", 1, "another person's")
	untilClosed(t, r, "silent")
	unwritten(t, r, broken)
	if said, worked := typesCommand(t, r, "alice", "", "approve", theIncident, "--ticket", ticket, "--yes"); worked || !strings.Contains(said, "is closed") {
		t.Errorf("afterwards:\n%s", said)
	}
}
