// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package remedy

import (
	"strings"
	"testing"
	"time"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/incident"
)

// newTakenBackScene is an incident whose plan says that the change is taken back where it makes things worse: it is written,
// verify has seen that it is worse, and the gate of the way back, at which nobody is asked, is open.
func newTakenBackScene(t *testing.T) *scene {
	t.Helper()
	s := newScene(t)
	s.record.Plan.TakenBack, s.Stack.TakenBack = incident.TakenBackWorse, incident.TakenBackWorse
	s.record.Plan.Hash = incident.TakenBackWorse.Bind(s.record.Plan.Hash)
	s.execution.Parameters["Hash"] = []string{s.record.Plan.Hash}
	s.ask()
	if _, err := s.Apply(t.Context(), ours); err != nil {
		t.Fatal(err)
	}
	s.record.Failing = &incident.Failing{Recovery: incident.Recovery{State: incident.Worse}, At: noon.Add(10 * time.Minute)}
	s.Stack.AsApproved = []string{"arn:aws:sts::111122223333:assumed-role/stack-signer/as-approved"}
	s.wantBack(t)
	s.record.Decisions = s.record.Decisions[:1] // nobody has answered
	s.execution.Parameters["Approvers"] = s.Stack.AsApproved
	return s
}

func TestAChangeIsTakenBackAsItsPlanSays(t *testing.T) {
	for name, gate := range map[string]func(*scene) []string{
		"at a gate at which nobody is asked": func(s *scene) []string { return s.Stack.AsApproved },
		"at a gate at which people are":      func(s *scene) []string { return s.Stack.Sessions },
	} {
		t.Run(name, func(t *testing.T) {
			s := newTakenBackScene(t)
			s.execution.Parameters["Approvers"] = gate(s)
			for range 2 {
				written, err := s.Undo(t.Context(), undoing)
				if err != nil {
					t.Fatal(err)
				}
				undone(t, s, written, site(t, errorPage...))
			}
			if s.writes != 1 {
				t.Errorf("%d writes", s.writes)
			}
		})
	}
}

func TestWhatThePlanDoesNotSayIsNotTakenBack(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*scene)
		want  string
	}{
		"verify has seen nothing":             {func(s *scene) { s.record.Failing = nil }, "refused: nobody provably wants the change back"},
		"it only has not recovered":           {func(s *scene) { s.record.Failing.State, s.record.Failing.Failing = incident.NotYet, true }, "refused: nobody provably wants"},
		"it was seen two hours later":         {func(s *scene) { s.record.Failing.At = noon.Add(3 * time.Hour) }, "refused: nobody provably wants"},
		"the stack says never since":          {func(s *scene) { s.Stack.TakenBack = incident.TakenBackNever }, "refused: nobody provably wants"},
		"the stop switch":                     {func(s *scene) { s.Stack.Stop = true }, "refused: the stop switch is on"},
		"the approval is not proven any more": {func(s *scene) { s.record.Decisions[0].Ticket = "mine" }, "refused: 0 of 1 approvals of the change are proven"},
		"a plan that people did not approve":  {func(s *scene) { s.record.Plan.TakenBack = incident.TakenBackNotRecovered }, "refused: "},
		"a gate of somebody else's": {func(s *scene) {
			s.execution.Parameters["Approvers"] = []string{"arn:aws:iam::111122223333:role/theirs"}
		}, "refused: execution execution-2 was started with another approvers"},
		"the change is two hours old": {func(s *scene) { s.Now = func() time.Time { return noon.Add(2*time.Hour + time.Minute) } }, "refused: the way back was open until"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newTakenBackScene(t)
			c.spoil(s)
			before := s.live
			_, err := s.Undo(t.Context(), undoing)
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("want %q, have %v", c.want, err)
			}
			if diff := distribution.Diff(before, s.live); len(diff) > 0 {
				t.Errorf("written: %+v", diff)
			}
		})
	}
}

// A gate at which nobody is asked opens only for a plan that says so.
func TestAGateAtWhichNobodyIsAskedNeedsAPlanThatSaysSo(t *testing.T) {
	s := newUndoScene(t)
	s.Stack.AsApproved = []string{"arn:aws:sts::111122223333:assumed-role/stack-signer/as-approved"}
	s.execution.Parameters["Approvers"] = s.Stack.AsApproved
	if _, err := s.Undo(t.Context(), undoing); err == nil || !strings.HasSuffix(err.Error(), "was started with another approvers") || s.writes != 0 {
		t.Errorf("%d writes, %v", s.writes, err)
	}
}

// A way back that takes off, or changes, what protects is not taken without asking.
func TestWhichChangesReturnByThemselves(t *testing.T) {
	for name, c := range map[string]struct {
		before, after distribution.Config
		want          bool
	}{
		"an error page":                       {site(t, errorPage...), site(t), true},
		"an edge function that was taken off": {site(t), site(t, `{"EventType":"viewer-request","LambdaFunctionARN":"arn:auth:1"}`, ""), true},
		"an edge function that was put there": {site(t, `{"EventType":"viewer-request","LambdaFunctionARN":"arn:auth:1"}`, ""), site(t), false},
		"another version of one":              {site(t), site(t, "arn:auth:1", "arn:auth:2"), true},
		"a web ACL":                           {site(t, `"acl"`, `"other"`), site(t), false},
		"mutual TLS":                          {site(t, `,"OriginMtlsConfig":{"ClientCertificateArn":"arn:cert"}`, ""), site(t), false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Returns(c.before, c.after); got != c.want {
				t.Errorf("%t, as it exposes %q", got, Exposes(c.after, c.before))
			}
		})
	}
}

// The writer does not believe a plan that would have a change taken back without asking which it must not.
func TestAPlanThatMayNotTakeBackIsRefused(t *testing.T) {
	s := newScene(t)
	plain, bad := site(t, `"acl"`, `"other"`), site(t)
	s.configs["good"], s.configs["bad"], s.live = plain, bad, bad
	s.record.Diagnosis = incident.Diagnosis{Change: &incident.BlamedEvent{EventName: "UpdateDistribution"}}
	s.record.Snapshot.SHA256, s.record.Snapshot.Config = bad.Hash(), bad.Canonical()
	s.record.Plan.Ours, s.record.Plan.Base = &incident.ConfigRef{Key: "good", SHA256: plain.Hash()}, nil
	s.record.Plan.TakenBack = incident.TakenBackWorse
	s.record.Plan.Recipe = &incident.Recipe{Restore: &incident.RestoreRecipe{Only: []string{"WebACLId"}}}
	if _, err := s.change(t.Context(), s.record, bad); err == nil || !strings.Contains(err.Error(), "asks nobody again") {
		t.Errorf("%v", err)
	}
}
