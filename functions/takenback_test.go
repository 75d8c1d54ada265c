// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package functions

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/rehearsal"
)

// takesBack sets the stack's parameter, and others, NAME=VALUE.
func takesBack(when string, others ...string) func(*rehearsal.Options) {
	return func(o *rehearsal.Options) {
		o.Parameters["TakeBack"] = when
		for _, other := range others {
			name, value, _ := strings.Cut(other, "=")
			o.Parameters[name] = value
		}
	}
}

// changedAndWorse is the scenario error-page-503 up to where the approved change is on all edges and every request fails.
func changedAndWorse(t *testing.T, overrides ...func(*rehearsal.Options)) (r *rehearsal.Rehearsal, before, after map[string]any) {
	t.Helper()
	r, before = asked(t, overrides...)
	approvedBy("alice", "bob")(t, r)
	until(t, r, 30*time.Minute, "the change is on all edges", func() bool { return r.Has("deployed") })
	after = live(t, r)
	r.Fail(anyPath)
	return r, before, after
}

// What fails after the change: everything, or what had failed before.
func anyPath(string) bool      { return true }
func theFeed(path string) bool { return path == "/feed.xml" }

// signatures are the names of the sessions of which gates have heard.
func signatures(r *rehearsal.Rehearsal) string {
	var names []string
	for _, line := range r.World.Journal.Lines() {
		if line.Action == "ssm:SendAutomationSignal" && line.Outcome == "ok" {
			names = append(names, line.Principal[strings.LastIndex(line.Principal, "/")+1:])
		}
	}
	return strings.Join(names, " ")
}

// Each remedy that changes the configuration: what is taken back is what was there before, field by field.
func TestEachChangeOfTheConfigurationIsTakenBackWhereItsPlanSaysSo(t *testing.T) {
	for _, cause := range []string{"origin-503", "replayed-503", "lambda-edge-timeout", "s3-slow-down"} {
		t.Run(cause, func(t *testing.T) {
			t.Parallel()
			r := start(t, cause, takesBack("worse"))
			breaks(t, r)
			untilAsked(t, r)
			before := stateOf(t, r)
			approvedBy(r.Scenario.Approvers()...)(t, r)
			until(t, r, 30*time.Minute, "the change is on all edges", func() bool { return r.Has("deployed") })
			r.Fail(anyPath)
			untilClosed(t, r, "undone")
			leftAs(t, r, before)
			if n := writes(r); n != 2 {
				t.Errorf("%d writes", n)
			}
		})
	}
}

func TestAChangeThatMakesItWorseIsTakenBackWhereItsPlanSaysSo(t *testing.T) {
	for name, parameters := range map[string]func(*rehearsal.Options){
		"worse":                  takesBack("worse"),
		"not recovered":          takesBack("not-recovered"),
		"at a gate of roles":     takesBack("worse", "GateApprovers=role"),
		"approved by two people": takesBack("worse", "Quorum=2"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, before, _ := changedAndWorse(t, parameters)
			if plan := planned(t, r); !strings.Contains(plan.WayBack, "nobody is asked again") {
				t.Errorf("people were asked: %s", plan.WayBack)
			}
			untilClosed(t, r, "undone")
			stands(t, r, before, 2)
			if !heardOf(r, "is being taken back") || heardOf(r, "NOT undone") {
				t.Error("on-call has not heard that it is taken back")
			}
			if why := r.Incident().Outcome.Why; !strings.HasPrefix(why, "as the approved plan says, and nobody was asked again: ") {
				t.Errorf("ended because: %s", why)
			}
			if got := signatures(r); !strings.HasSuffix(got, " as-approved") || len(r.SSM.Executions()) != 2 {
				t.Errorf("%d executions, signed by %s", len(r.SSM.Executions()), got)
			}
		})
	}
}

func TestAChangeThatDoesNotHelpIsTakenBackWhereItsPlanSaysSo(t *testing.T) {
	t.Parallel()
	r, before, _ := changed(t, takesBack("not-recovered"))
	r.Fail(theFeed)
	r.World.Clock.Advance(10 * time.Minute)
	if r.Has("taking-back") {
		t.Error("taken back before 20 minutes were over")
	}
	untilClosed(t, r, "undone")
	stands(t, r, before, 2)
}

func TestAChangeIsOfferedBackAndNotTaken(t *testing.T) {
	offered := func(*testing.T, *rehearsal.Rehearsal) {}
	for name, c := range map[string]struct {
		stack func(*rehearsal.Options)
		fails func(path string) bool
		event func(*testing.T, *rehearsal.Rehearsal) // once it is changed
	}{
		"where the stack says never":                       {takesBack("never"), anyPath, offered},
		"where it has not helped, and the plan says worse": {takesBack("worse"), theFeed, offered},
		"while AWS Health has an open event about CloudFront": {takesBack("worse"), anyPath, func(_ *testing.T, r *rehearsal.Rehearsal) {
			r.Health("CLOUDFRONT", r.World.Clock.Now(), "open")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, _, after := changed(t, c.stack)
			c.event(t, r)
			r.Fail(c.fails)
			until(t, r, time.Hour, "the way back is offered", func() bool { return r.Has("offered-back") })
			r.World.Clock.Advance(90 * time.Minute)
			stands(t, r, after, 1)
			if len(r.SSM.Executions()) != 1 || r.Has("taking-back") {
				t.Errorf("%d executions", len(r.SSM.Executions()))
			}
		})
	}
}

func TestAPersonIsFasterThanThePlan(t *testing.T) {
	t.Parallel()
	r, before, _ := changedAndWorse(t, takesBack("worse"))
	undoes(t, r, "bob")
	untilClosed(t, r, "undone")
	stands(t, r, before, 2)
	if got := signatures(r); strings.Contains(got, "as-approved") {
		t.Errorf("signed by %s", got)
	}
}

func TestAChangeThatOthersBuiltUponIsNotTakenBack(t *testing.T) {
	t.Parallel()
	r, _, _ := changed(t, takesBack("worse"))
	byHand(t, r, theirErrorPage)
	theirs := live(t, r)
	r.Fail(anyPath)
	until(t, r, time.Hour, "on-call hears that it is not undone", func() bool { return heardOf(r, "NOT undone") })
	r.World.Clock.Advance(2 * time.Hour)
	stands(t, r, theirs, 1)
}

// What is taken back without asking is taken back once, whatever breaks around it.
func TestWhatThePlanTakesBackIsTakenBackOnce(t *testing.T) {
	verify, approve := rehearsal.StackName+"-verify", rehearsal.StackName+"-approve"
	once := func(action string, fault kernel.Fault) func(*rehearsal.Rehearsal) {
		fault.Action, fault.Times = action, 1
		return func(r *rehearsal.Rehearsal) { r.World.Faults.Add(fault) }
	}
	for name, sabotage := range map[string]func(*rehearsal.Rehearsal){
		"its answer is lost":                        once("cloudfront:UpdateDistribution", kernel.Fault{LoseAnswer: true}),
		"verify is killed before it asks":           func(r *rehearsal.Rehearsal) { r.Lambda.KillAt(verify, "lambda:InvokeFunction", "", false) },
		"verify is killed after it has asked":       func(r *rehearsal.Rehearsal) { r.Lambda.KillAt(verify, "lambda:InvokeFunction", "", true) },
		"approve is killed before the start":        func(r *rehearsal.Rehearsal) { r.Lambda.KillAt(approve, "ssm:StartAutomationExecution", "", false) },
		"approve is killed after the start":         func(r *rehearsal.Rehearsal) { r.Lambda.KillAt(approve, "ssm:StartAutomationExecution", "", true) },
		"approve is killed after the signature":     func(r *rehearsal.Rehearsal) { r.Lambda.KillAt(approve, "ssm:SendAutomationSignal", "", true) },
		"SSM does not answer the start":             once("ssm:StartAutomationExecution", kernel.Fault{LoseAnswer: true}),
		"IAM denies approve's session for a moment": once("sts:AssumeRole", kernel.Fault{Error: kernel.Errorf(http.StatusForbidden, "AccessDenied", "Access denied")}),
		"on-call's topic does not take the message": once("sns:Publish", kernel.Fault{Error: kernel.Errorf(http.StatusForbidden, "AuthorizationError", "no")}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, before, _ := changedAndWorse(t, takesBack("worse"))
			sabotage(r)
			until(t, r, 90*time.Minute, "it is taken back", func() bool { return r.Has("undone") })
			untilClosed(t, r, "undone")
			stands(t, r, before, 2)
			if n := len(r.SSM.Executions()); n != 2 || !heardOf(r, "is being taken back") {
				t.Errorf("%d executions, or nobody heard", n)
			}
		})
	}
}

// What verify cannot record is not done without a person: they are offered the way back until the record takes it again.
func TestNothingIsTakenBackThatTheRecordDoesNotTake(t *testing.T) {
	t.Parallel()
	r, before, after := changedAndWorse(t, takesBack("worse"))
	lift := r.World.Faults.Add(kernel.Fault{
		Action: "s3:PutObject", Resource: "*/steps/verify/*", Error: kernel.Errorf(http.StatusForbidden, "AccessDenied", "Access Denied"),
	})
	until(t, r, time.Hour, "on-call is offered the way back", func() bool { return heardOf(r, "WORSE after the change") })
	if heardOf(r, "is being taken back") {
		t.Error("on-call hears that it is being taken back")
	}
	stands(t, r, after, 1)
	lift()
	untilClosed(t, r, "undone")
	stands(t, r, before, 2)
}

// Whoever may invoke approve, or write what only others may, has no change taken back.
func TestNobodyHasAChangeTakenBackByAsking(t *testing.T) {
	t.Parallel()
	r, _, after := changed(t, takesBack("worse"))
	payload := []byte(`{"cloudfront503":"take-back","distribution":"` + rehearsal.Distribution + `","id":"000001"}`)
	out, err := lambda.NewFromConfig(operator(r)).Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String(approve), Payload: payload})
	if err != nil || out.FunctionError != nil {
		t.Fatalf("%s, %v", out.Payload, err)
	}
	r.World.Clock.Advance(10 * time.Minute)
	stands(t, r, after, 1)
	if n := len(r.SSM.Executions()); n != 1 {
		t.Errorf("%d executions", n)
	}
}

func TestAChangeIsTakenBackUnderEveryReadingOfAWS(t *testing.T) {
	t.Parallel()
	for name, set := range readings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, before, _ := changedAndWorse(t, takesBack("worse"), under(set))
			untilClosed(t, r, "undone")
			stands(t, r, before, 2)
		})
	}
}

// Where AWS takes no such signature, nothing is written, and people hear of it with what to do by hand.
func TestAWayBackWhoseGateDoesNotOpenIsTold(t *testing.T) {
	t.Parallel()
	r, _, after := changedAndWorse(t, takesBack("worse"))
	r.World.Faults.Add(kernel.Fault{Action: "ssm:SendAutomationSignal", Error: kernel.Errorf(http.StatusBadRequest, "AccessDeniedException", "not an approver")})
	until(t, r, 2*time.Hour, "on-call hears that it is not undone", func() bool { return heardOf(r, "NOT undone") })
	stands(t, r, after, 1)
	if !heardOf(r, "aws cloudfront update-distribution --id "+rehearsal.Distribution+" --if-match ") {
		t.Error("on-call does not know how to take it back by hand")
	}
}
