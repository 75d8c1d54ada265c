// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package remedy

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cftypes "github.com/aws/aws-sdk-go-v2/service/cloudfront/types"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/lean"
	"cloudfront503/pkg/lean/ssm"
)

var undoing = Order{Incident: ours.Incident, Distribution: "E1EXAMPLE", Execution: "execution-2", Back: true}

// newUndoScene is an incident whose change is written, right behind the gate of the runbook that takes it back.
func newUndoScene(t *testing.T) *scene {
	t.Helper()
	s := newScene(t)
	if _, err := s.Apply(t.Context(), ours); err != nil {
		t.Fatal(err)
	}
	s.wantBack(t)
	return s
}

// wantBack lets somebody want the written change back, and stands behind the gate of the runbook that takes it back.
func (s *scene) wantBack(t *testing.T) Order {
	t.Helper()
	s.Stack.Documents["UndoChange"] = "stack-UndoChange"
	s.record.Undoing = []incident.Execution{{ID: "execution-2"}}
	want := s.says("ben", incident.Undo)
	want.At = noon.Add(10 * time.Minute)
	s.record.Decisions = append(s.record.Decisions, want)
	s.execution.AutomationExecutionId, s.execution.DocumentName = aws.String("execution-2"), aws.String("stack-UndoChange")
	s.execution.Parameters["Approvers"] = s.Stack.Sessions
	s.Now = func() time.Time { return noon.Add(11 * time.Minute) }
	if answer, err := s.Claim(t.Context(), undoing); answer != Claimed || err != nil {
		t.Fatalf("claim: %s, %v", answer, err)
	}
	s.reads, s.writes = 0, 0
	return undoing
}

// undone compares the distribution, field by field, and what is recorded.
func undone(t *testing.T, s *scene, written incident.Written, want distribution.Config) {
	t.Helper()
	if diff := distribution.Diff(want, s.live); len(diff) > 0 {
		t.Errorf("live differs from what it should be: %+v", diff)
	}
	if written.Action != "undo" || written.Execution != "execution-2" || written.At != s.Now() || s.objects["incidents/E1EXAMPLE/000007/outcome/undone.json"] == nil {
		t.Errorf("%+v, recorded %s", written, s.objects["incidents/E1EXAMPLE/000007/outcome/undone.json"])
	}
}

func TestAnApprovalByTextMessageCoversTheWayBackWhateverTheStackTakesNow(t *testing.T) {
	s := newScene(t)
	s.Stack.Texts, s.record.Decisions[0].Code = true, &incident.CodeProof{}
	if _, err := s.Apply(t.Context(), ours); err != nil {
		t.Fatal(err)
	}
	s.wantBack(t)
	s.Stack.Texts = false
	if _, err := s.Undo(t.Context(), undoing); err != nil || s.writes != 1 {
		t.Errorf("%d writes, %v", s.writes, err)
	}
}

func TestUndoPutsTheFieldsBackOnce(t *testing.T) {
	s := newUndoScene(t)
	for range 2 {
		written, err := s.Undo(t.Context(), undoing)
		if err != nil || written.Found {
			t.Fatalf("%v, %+v", err, written)
		}
		undone(t, s, written, site(t, errorPage...))
	}
	if s.writes != 1 {
		t.Errorf("%d writes", s.writes)
	}
	again := undoing
	again.Execution = "execution-3"
	if _, err := s.Undo(t.Context(), again); err == nil || err.Error() != "refused: the incident's change was taken back by another execution" || s.writes != 1 {
		t.Errorf("%d writes, %v", s.writes, err)
	}
}

func TestUndoLeavesWhatOthersDidSince(t *testing.T) {
	s := newUndoScene(t)
	s.live, s.etag = site(t, `"Comment":"site"`, `"Comment":"theirs"`), "T9"
	written, err := s.Undo(t.Context(), undoing)
	if err != nil || written.FromETag != "T9" {
		t.Fatalf("%v, %+v", err, written)
	}
	undone(t, s, written, site(t, append(errorPage, `"Comment":"site"`, `"Comment":"theirs"`)...))
}

func TestUndoRefusesWithoutAWrite(t *testing.T) {
	drop := func(s *scene, verb incident.Verb) {
		var kept []incident.Decision
		for _, decision := range s.record.Decisions {
			if decision.Verb != verb {
				kept = append(kept, decision)
			}
		}
		s.record.Decisions = kept
	}
	written := outcomeKey(ours, writtenObject)
	tests := []struct {
		name  string
		spoil func(*testing.T, *scene)
		want  string
	}{
		{"the stop switch", func(_ *testing.T, s *scene) { s.Stack.Stop = true }, "refused: the stop switch is on"},
		{"nothing was written", func(_ *testing.T, s *scene) { delete(s.objects, written) }, "refused: the approved change is not written"},
		{"another execution wrote", func(_ *testing.T, s *scene) { s.objects[written] = []byte(`{"execution":"execution-0"}`) }, "refused: the incident's change was made by another"},
		{"two hours have passed", func(_ *testing.T, s *scene) { s.Now = func() time.Time { return noon.Add(2*time.Hour + time.Minute) } }, "refused: the way back was open until 14:01:00 UTC"},
		{"nobody wants it", func(_ *testing.T, s *scene) { drop(s, incident.Undo) }, "refused: nobody provably wants the change back"},
		{"an approval is no wish to undo", func(_ *testing.T, s *scene) {
			drop(s, incident.Undo)
			s.record.Decisions = append(s.record.Decisions, s.says("ben", incident.Approve))
		}, "refused: nobody provably wants"},
		{"its ticket is forged", func(_ *testing.T, s *scene) { s.record.Decisions[1].Ticket = "mine" }, "refused: nobody provably wants"},
		{"wanted by one who has left", func(_ *testing.T, s *scene) { s.record.Decisions[1].Approver = "cy" }, "refused: nobody provably wants"},
		{"wanted too late", func(_ *testing.T, s *scene) { s.record.Decisions[1].At = noon.Add(3 * time.Hour) }, "refused: nobody provably wants"},
		{"the approval is not proven any more", func(_ *testing.T, s *scene) { s.record.Decisions[0].Ticket = "mine" }, "refused: 0 of 1 approvals of the change are proven"},
		{"not started by the record", func(_ *testing.T, s *scene) { s.record.Undoing = nil }, "refused: the incident did not start this execution"},
		{"the runbook that restores", func(_ *testing.T, s *scene) { s.execution.DocumentName = aws.String("stack-RestoreDistribution") }, "refused: execution execution-2 was started with another document"},
		{"a slot of another", func(_ *testing.T, s *scene) { s.objects[outcomeKey(undoing, slotObject)] = []byte(`{"id":"x"}`) }, "refused: the incident's slot does not belong"},
		{"the gate still waits", func(_ *testing.T, s *scene) { s.execution.CurrentStepName = aws.String("Approve") }, "refused: the execution does not stand at its step Apply"},
		{"the gate is not approved", func(_ *testing.T, s *scene) {
			s.execution.StepExecutions[0].StepStatus = ssm.AutomationExecutionStatusRejected
		}, "refused: the execution's gate is not approved"},
		{"others have changed the field since", func(t *testing.T, s *scene) {
			s.live, s.etag = site(t, `"ResponseCode":"404"`, `"ResponseCode":"410"`), "T9"
		}, "refused: changed by others since: " + responseCode},
		{"the distribution is disabled", func(t *testing.T, s *scene) { s.live = site(t, `"Enabled":true`, `"Enabled":false`) }, "refused: distribution E1EXAMPLE is disabled"},
		{"a stack that only observes", func(_ *testing.T, s *scene) { s.Writes = Observed{} }, "refused: this stack only observes"},
		{"CloudFront says no", func(_ *testing.T, s *scene) {
			s.onWrite = func(int) (bool, error) { return true, &cftypes.InvalidArgument{} }
		}, "void: CloudFront took nothing"},
		{"no answer and no write", func(_ *testing.T, s *scene) { s.onWrite = func(int) (bool, error) { return true, noAnswer } }, "void: the change is not taken back"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newUndoScene(t)
			test.spoil(t, s)
			before := s.live
			_, err := s.Undo(t.Context(), undoing)
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("want %q, have %v", test.want, err)
			}
			if diff := distribution.Diff(before, s.live); len(diff) > 0 || s.objects[outcomeKey(undoing, writtenObject)] != nil {
				t.Errorf("written: %+v, recorded %s", diff, s.objects[outcomeKey(undoing, writtenObject)])
			}
		})
	}
}

func TestUndoFindsWhatBecameOfItsWrite(t *testing.T) {
	commented := []string{`"Comment":"site"`, `"Comment":"theirs"`}
	tests := []struct {
		name    string
		onWrite func(t *testing.T, s *scene, n int) (before bool, answer error)
		begun   bool
		want    []string // edits of the site that must be live
		found   bool
		writes  int
	}{
		{name: "the answer was lost but the write arrived", onWrite: func(*testing.T, *scene, int) (bool, error) { return false, noAnswer },
			want: errorPage, found: true, writes: 1},
		{name: "the second try of ours met the first", onWrite: func(*testing.T, *scene, int) (bool, error) { return false, &cftypes.PreconditionFailed{} },
			want: errorPage, found: true, writes: 1},
		{name: "somebody wrote something else at the same moment: theirs stays", onWrite: func(t *testing.T, s *scene, n int) (bool, error) {
			if n == 1 {
				s.live, s.etag = site(t, commented...), "T9"
			}
			return false, nil
		}, want: append(commented, errorPage...), writes: 2},
		{name: "throttled once", onWrite: func(_ *testing.T, _ *scene, n int) (bool, error) {
			return n == 1, map[bool]error{true: throttled}[n == 1]
		},
			want: errorPage, writes: 2},
		{name: "the call before died after the write, and two hours are over", begun: true, want: errorPage, found: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newUndoScene(t)
			if test.onWrite != nil {
				s.onWrite = func(n int) (bool, error) { return test.onWrite(t, s, n) }
			}
			if test.begun {
				s.objects[outcomeKey(undoing, writingObject)] = []byte(`{"execution":"execution-2"}`)
				s.live, s.etag = site(t, errorPage...), "T3"
				s.Now = func() time.Time { return noon.Add(5 * time.Hour) }
			}
			written, err := s.Undo(t.Context(), undoing)
			if err != nil || written.Found != test.found || s.writes != test.writes {
				t.Errorf("%d writes, %v, %+v", s.writes, err, written)
			}
			undone(t, s, written, site(t, test.want...))
		})
	}
}

func TestUndoGivesUpWhenOthersWriteAgainAndAgain(t *testing.T) {
	s := newUndoScene(t)
	s.onWrite = func(int) (bool, error) { return true, &cftypes.PreconditionFailed{} }
	_, err := s.Undo(t.Context(), undoing)
	var void *Void
	if !errors.As(err, &void) || s.writes != undoTries {
		t.Errorf("%d writes, %v", s.writes, err)
	}
}

// The pause between two writes is for changes that the software thinks of; people may take theirs back at once, and what
// somebody has put back by hand needs no write.
func TestUndoOfWhatIsBackAlreadyWritesNothing(t *testing.T) {
	s := newUndoScene(t)
	s.live, s.etag = site(t, errorPage...), "T9"
	written, err := s.Undo(t.Context(), undoing)
	if err != nil || !written.Found || written.ToETag != "T9" || s.writes != 0 {
		t.Errorf("%d writes, %v, %+v", s.writes, err, written)
	}
	undone(t, s, written, site(t, errorPage...))
}

func TestAQuotaHasNoWayBack(t *testing.T) {
	s := newQuotaScene(t)
	_, err := s.Undo(t.Context(), undoing)
	if err == nil || !strings.HasPrefix(err.Error(), "refused: there is no way back: AWS takes no request") || s.writes != 0 {
		t.Errorf("%d writes, %v", s.writes, err)
	}
	for remedy, kind := range kinds {
		if (kind.back == nil) != (NoWayBack(remedy) != "") {
			t.Errorf("%s: a kind of write has a way back, or says why not", remedy)
		}
	}
}

func TestClaimOfTheWayBack(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(*scene)
		want  string
		wrong string
	}{
		{name: "the same execution again", want: Claimed},
		{name: "before the start is recorded", spoil: func(s *scene) { s.record.Undoing = nil }, want: Claimed},
		{name: "another execution was first", spoil: func(s *scene) { s.objects[outcomeKey(undoing, slotObject)] = []byte(`{"id":"execution-0"}`) }, want: Taken},
		{name: "not the recorded one", spoil: func(s *scene) { s.record.Undoing[0].ID = "execution-9" }, wrong: "refused: the incident's execution is another one"},
		{name: "started by hand before anybody wants it", spoil: func(s *scene) {
			s.record.Undoing, s.record.Decisions = nil, s.record.Decisions[:1]
		}, wrong: "refused: nobody provably wants the change back"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newUndoScene(t)
			if test.spoil != nil {
				test.spoil(s)
			}
			answer, err := s.Claim(t.Context(), undoing)
			if answer != test.want || (err == nil) != (test.wrong == "") || err != nil && err.Error() != test.wrong {
				t.Errorf("%q, %v", answer, err)
			}
		})
	}
}

func TestAStepIsReachedWhereSSMSaysSo(t *testing.T) {
	began := &lean.Time{Time: noon}
	note := func(status ssm.AutomationExecutionStatus, at *lean.Time) func(*scene) {
		return func(s *scene) {
			s.execution.StepExecutions = append(s.execution.StepExecutions, ssm.StepExecution{StepName: aws.String("NoteFailed"), StepStatus: status, ExecutionStartTime: at})
		}
	}
	tests := []struct {
		name   string
		spoil  func(*scene)
		want   string
		broken string
	}{
		{"it runs", note(ssm.AutomationExecutionStatusInprogress, began), "", ""},
		{"it has run", note(ssm.AutomationExecutionStatusSuccess, began), "", ""},
		{"after a step that was denied", func(s *scene) {
			s.execution.StepExecutions = append(s.execution.StepExecutions, ssm.StepExecution{
				StepName: aws.String("Apply"), Action: aws.String("aws:invokeLambdaFunction"), StepStatus: ssm.AutomationExecutionStatusFailed,
				FailureMessage: aws.String("User: x is not authorized to perform: lambda:InvokeFunction because no session policy allows the lambda:InvokeFunction action"),
			})
			note(ssm.AutomationExecutionStatusInprogress, began)(s)
		}, "", "step Apply has failed: lambda:InvokeFunction is not allowed by the session's policy; more may be missing behind it, asked by x"},
		{"it is listed but has not begun", note(ssm.AutomationExecutionStatusPending, nil), "refused: the execution has not come to its step NoteFailed", ""},
		{"it is not listed", func(*scene) {}, "refused: the execution has not come to its step NoteFailed", ""},
		{"of another document", func(s *scene) {
			note(ssm.AutomationExecutionStatusSuccess, began)(s)
			s.execution.DocumentName = aws.String("mine")
		}, "refused: execution execution-1 was started with another document", ""},
		{"of no execution", func(s *scene) { s.execution.AutomationExecutionId = aws.String("x") }, "refused: there is no execution execution-1", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newScene(t)
			test.spoil(s)
			broken, err := s.Reached(t.Context(), ours, "NoteFailed")
			if broken != test.broken {
				t.Errorf("broken %q, want %q", broken, test.broken)
			}
			if (test.want == "") != (err == nil) || err != nil && err.Error() != test.want {
				t.Errorf("want %q, have %v", test.want, err)
			}
		})
	}
}

// A way back that takes off an edge function needs two people, as taking it off in the first place does.
func TestAWayBackThatExposesNeedsTwoApprovals(t *testing.T) {
	const function = `{"EventType":"viewer-request","LambdaFunctionARN":"arn:auth:1"}`
	for approvals, want := range map[int]string{1: "refused: the way back takes off what may protect something", 2: ""} {
		s := newScene(t)
		good, bad := site(t), site(t, function, "")
		change, err := Restore(Inputs{Distribution: "E1EXAMPLE", ETag: "T1", Base: &bad, Ours: good, Theirs: bad})
		if err != nil {
			t.Fatal(err)
		}
		s.live, s.configs = bad, map[string]distribution.Config{"good": good, "bad": bad}
		s.record.Plan.Base.SHA256, s.record.Plan.Hash, s.record.Plan.Approvals = bad.Hash(), change.Hash, approvals
		s.record.Snapshot.SHA256, s.record.Snapshot.Config = bad.Hash(), bad.Canonical()
		s.execution.Parameters["Hash"] = []string{change.Hash}
		s.ask()
		if approvals > 1 {
			s.execution.Parameters["Approvers"] = s.Stack.Sessions
			s.record.Decisions = append(s.record.Decisions, s.says("ben", incident.Approve))
		}
		if _, err := s.Apply(t.Context(), ours); err != nil {
			t.Fatal(err)
		}
		s.wantBack(t)
		_, err = s.Undo(t.Context(), undoing)
		if want == "" && (err != nil || !s.live.Equal(bad)) || want != "" && (err == nil || !strings.HasPrefix(err.Error(), want) || !s.live.Equal(good)) {
			t.Errorf("%d approvals: %v", approvals, err)
		}
	}
}

// What no remedy may take off, no way back does, however many have approved.
func TestNoWayBackTakesOffAWebACL(t *testing.T) {
	s := newScene(t)
	s.record.Plan.Approvals = 2
	if err := s.mayExpose(s.record, site(t), site(t, `"acl"`, `""`)); err == nil || !strings.Contains(err.Error(), "WebACLId would be emptied") {
		t.Errorf("%v", err)
	}
	if err := s.mayExpose(s.record, site(t), site(t, errorPage...)); err != nil {
		t.Error(err)
	}
}
