// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package remedy

import (
	"context"
	"errors"
	"strings"
	"testing"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/incident"
)

// newAccessScene has a role that trusts Lambda only, and a plan to let Lambda@Edge assume it again.
func newAccessScene(t *testing.T) *edgeScene {
	t.Helper()
	s := newEdgeScene(t)
	s.world.Identity.AddRole(kernel.Role{Name: "auth", ARN: authRole, Trust: &kernel.Policy{Raw: []byte(lambdaOnly)}})
	s.kept["trust"] = []byte(lambdaOnly)
	s.record.Snapshot.Pointed = []incident.Pointed{{Kind: incident.PointedRole, ID: authRole, Key: "trust", SHA256: "00"}}
	s.record.Diagnosis = incident.Diagnosis{Verdict: incident.Verdict{Cause: incident.LambdaEdgePermission}, Detail: incident.Detail{FunctionARN: authARN}}
	s.Stack.EdgeRoles = []string{authRole}
	recipe, err := ProposeAccess(s.record.Diagnosis, s.Stack.EdgeRoles, authRole, lambdaOnly)
	s.ok(err)
	s.plan(incident.RemedyAccess, "RestoreEdgeFunctionAccess", incident.Recipe{Trust: recipe})
	return s
}

// trust fails the test unless the role's trust policy is the wanted one.
func (s *edgeScene) trust(want string) {
	s.t.Helper()
	if got, _ := s.Trust(s.t.Context(), authRole); got != want {
		s.t.Errorf("the role's trust is\n%s\nwant\n%s", got, want)
	}
}

func (s *edgeScene) proposed() string { return s.record.Plan.Recipe.Trust.To }

func TestTheTrustThatIsMissingIsWrittenOnceAndChecked(t *testing.T) {
	t.Parallel()
	s := newAccessScene(t)
	for range 2 {
		written, err := s.Apply(t.Context(), ours)
		if err != nil || written.Action != "trust" || written.Note != "" || written.Found {
			t.Fatalf("%+v, %v", written, err)
		}
	}
	s.trust(s.proposed())
	if s.did("iam:UpdateAssumeRolePolicy") != 1 || s.did("access-analyzer:CheckNoNewAccess") != 1 {
		t.Errorf("%d writes, %d checks", s.did("iam:UpdateAssumeRolePolicy"), s.did("access-analyzer:CheckNoNewAccess"))
	}
}

func TestARoleIsLeftAsItWasOrAsApproved(t *testing.T) {
	t.Parallel()
	const write, check = "iam:UpdateAssumeRolePolicy", "access-analyzer:CheckNoNewAccess"
	bob := kernel.Principal{ARN: "arn:aws:iam::111122223333:user/bob"}
	theirs := policyOf(otherRole)
	for _, c := range []struct {
		name  string
		spoil func(*edgeScene)
		ends  bool
		want  string // empty: as approved
		note  bool
	}{
		{name: "the write is denied", spoil: func(s *edgeScene) { s.world.Faults.Add(kernel.Fault{Action: write, Error: deniedCall}) }, ends: true, want: lambdaOnly},
		{name: "the write is throttled", spoil: func(s *edgeScene) { s.world.Faults.Add(kernel.Fault{Action: write, Error: throttling, Times: 3}) }},
		{name: "its answer is lost", spoil: func(s *edgeScene) { s.world.Faults.Add(kernel.Fault{Action: write, LoseAnswer: true, Times: 1}) }},
		{name: "it breaks", spoil: func(s *edgeScene) { s.world.Faults.Add(kernel.Fault{Action: write, Error: brokenCall, Times: 1}) }, ends: true, want: lambdaOnly},
		{name: "the check afterwards is denied", spoil: func(s *edgeScene) { s.world.Faults.Add(kernel.Fault{Action: check, Error: deniedCall}) }, note: true},
		{name: "somebody has changed the trust", spoil: func(s *edgeScene) { s.ok(s.roles.ChangeTrust("auth", bob, theirs)) }, ends: true, want: theirs},
		{name: "somebody has mended it", spoil: func(s *edgeScene) { s.ok(s.roles.ChangeTrust("auth", bob, trustsBoth)) }, ends: true, want: trustsBoth},
		{name: "the distribution has moved", spoil: func(s *edgeScene) { s.etag = "T9" }, ends: true, want: lambdaOnly},
		{name: "the role is on the list no more", spoil: func(s *edgeScene) { s.Stack.EdgeRoles = nil }, ends: true, want: lambdaOnly},
		{name: "the plan names another policy", spoil: func(s *edgeScene) {
			recipe := *s.record.Plan.Recipe.Trust
			recipe.To = policyOf(`{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}`)
			s.plan(incident.RemedyAccess, "RestoreEdgeFunctionAccess", incident.Recipe{Trust: &recipe})
		}, ends: true, want: lambdaOnly},
		{name: "the snapshot has another policy", spoil: func(s *edgeScene) { s.kept["trust"] = []byte(theirs) }, ends: true, want: lambdaOnly},
		{name: "somebody has rejected it", spoil: func(s *edgeScene) { s.record.Decisions = append(s.record.Decisions, s.says("ben", incident.Reject)) }, ends: true, want: lambdaOnly},
		{name: "somebody widens it right after the write", spoil: func(s *edgeScene) {
			s.world.Faults.Add(kernel.Fault{Action: check, Times: 1, Before: func() {}})
			s.Pointed = &widening{edgeScene: s, at: 3}
		}, ends: true, want: lambdaOnly},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newAccessScene(t)
			c.spoil(s)
			written, err := s.Apply(t.Context(), ours)
			if (err != nil) != c.ends || c.ends && !isFinal(err) || (written.Note != "") != c.note {
				t.Errorf("%+v, %v", written, err)
			}
			if c.want == "" {
				c.want = s.proposed()
			}
			s.trust(c.want)
		})
	}
}

// widening shows, from the n-th reading on, a policy that everybody is in.
type widening struct {
	*edgeScene
	at, reads int
}

// Trust is the role's trust policy, or the wide one.
func (w *widening) Trust(ctx context.Context, role string) (string, error) {
	if w.reads++; w.reads >= w.at {
		return policyOf(`{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}`), nil
	}
	return w.edgeScene.Trust(ctx, role)
}

func TestIAMThatShowsAChangeLateIsWaitedFor(t *testing.T) {
	t.Parallel()
	s := newAccessScene(t)
	s.Pointed = &late{edgeScene: s, until: 4}
	if _, err := s.Apply(t.Context(), ours); err != nil {
		t.Fatal(err)
	}
	s.trust(s.proposed())
	if len(s.slept) == 0 {
		t.Error("it was not late")
	}
}

// late shows the old policy for a few readings.
type late struct {
	*edgeScene
	until, reads int
}

// Trust is the old policy at first.
func (l *late) Trust(ctx context.Context, role string) (string, error) {
	if l.reads++; l.reads < l.until {
		return lambdaOnly, nil
	}
	return l.edgeScene.Trust(ctx, role)
}

func TestAPolicyThatWasWrittenWithoutARecordIsFound(t *testing.T) {
	t.Parallel()
	for _, settled := range []bool{false, true} {
		s := newAccessScene(t)
		s.objects[outcomeKey(ours, writingObject)] = []byte(`{"execution":"execution-1","action":"trust"}`)
		s.ok(s.roles.ChangeTrust("auth", kernel.Principal{}, s.proposed()))
		written, done, err := s.Settle(t.Context(), ours)
		if !settled {
			written, err = s.Apply(t.Context(), ours)
			done = true
		}
		if err != nil || !done || !written.Found {
			t.Errorf("%+v, %v, %v", written, done, err)
		}
		s.trust(s.proposed())
	}
}

func TestAProposalIsAnalysedBeforeAnybodyIsAsked(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, from, to, refused, finding string }{
		{name: "in order", from: lambdaOnly},
		{name: "it says something already", from: policyOf(otherRole + "," + otherRole), finding: "SUGGESTION"},
		{name: "it would allow more", from: lambdaOnly, to: policyOf(`{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}`), refused: "more"},
		{name: "it would not be valid", from: lambdaOnly, to: policyOf(`{"Effect":"Allow","Action":"sts:AssumeRole"}`), refused: "not valid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newEdgeScene(t)
			to, gains, err := GainTrust(c.from)
			s.ok(err)
			if c.to != "" {
				to = c.to
			}
			findings, err := Analyse(t.Context(), s.Analyzer, incident.TrustRecipe{Role: authRole, From: c.from, To: to, Gains: gains})
			if (c.refused == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.refused) {
				t.Errorf("%v, want %q", err, c.refused)
			}
			if !strings.Contains(strings.Join(findings, " "), c.finding) || c.finding == "" && len(findings) > 0 {
				t.Errorf("findings %v", findings)
			}
		})
	}
	s := newEdgeScene(t)
	s.world.Faults.Add(kernel.Fault{Action: "access-analyzer:*", Error: deniedCall})
	var refused *Refused
	if _, err := Analyse(t.Context(), s.Analyzer, incident.TrustRecipe{From: lambdaOnly, To: trustsBoth}); err == nil || errors.As(err, &refused) {
		t.Errorf("a denial is taken for an answer: %v", err)
	}
}

func TestAccessIsProposedOnlyForRolesOnTheList(t *testing.T) {
	t.Parallel()
	diagnosis := incident.Diagnosis{Detail: incident.Detail{FunctionARN: authARN}}
	for _, c := range []struct {
		name, role, policy, want string
		roles                    []string
		diagnosis                incident.Diagnosis
	}{
		{name: "on the list", role: authRole, policy: lambdaOnly, roles: []string{authRole}, diagnosis: diagnosis},
		{name: "none on the list", role: authRole, policy: lambdaOnly, want: "is not one", diagnosis: diagnosis},
		{name: "a role of another name", role: authRole + "2", policy: lambdaOnly, roles: []string{authRole}, want: "is not one", diagnosis: diagnosis},
		{name: "no role", policy: lambdaOnly, roles: []string{""}, want: "is not known", diagnosis: diagnosis},
		{name: "no policy", role: authRole, roles: []string{authRole}, want: "could not be saved", diagnosis: diagnosis},
		{name: "trusted already", role: authRole, policy: trustsBoth, roles: []string{authRole}, want: "already", diagnosis: diagnosis},
		{name: "no function", role: authRole, policy: lambdaOnly, roles: []string{authRole}, want: "does not name"},
	} {
		_, err := ProposeAccess(c.diagnosis, c.roles, c.role, c.policy)
		if (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestTheWayBackOfTrustWritesThePolicyOfBefore(t *testing.T) {
	t.Parallel()
	theirs := policyOf(otherRole)
	for _, c := range []struct {
		name  string
		spoil func(*edgeScene)
		ends  bool
		want  string
	}{
		{name: "nobody has changed it", spoil: func(*edgeScene) {}, want: lambdaOnly},
		{name: "somebody has changed it since", spoil: func(s *edgeScene) { s.ok(s.roles.ChangeTrust("auth", kernel.Principal{}, theirs)) }, ends: true, want: theirs},
		{name: "its answer is lost", spoil: func(s *edgeScene) {
			s.world.Faults.Add(kernel.Fault{Action: "iam:UpdateAssumeRolePolicy", LoseAnswer: true, Times: 1})
		}, want: lambdaOnly},
		{name: "it is denied", spoil: func(s *edgeScene) {
			s.world.Faults.Add(kernel.Fault{Action: "iam:UpdateAssumeRolePolicy", Error: deniedCall})
		}, ends: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newAccessScene(t)
			order := s.undoing()
			c.spoil(s)
			for range 2 {
				written, err := s.Undo(t.Context(), order)
				if (err != nil) != c.ends || err == nil && written.Action != "undo" {
					t.Errorf("%+v, %v", written, err)
				}
			}
			if c.want == "" {
				c.want = s.proposed()
			}
			s.trust(c.want)
		})
	}
}
