// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package functions

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cloudfront503/pkg/emulator/rehearsal"
)

// tagged gives the distribution tags before anything is read.
func tagged(tags map[string]string) func(*rehearsal.Options) {
	return preparing(func(r *rehearsal.Rehearsal) {
		text, _, _ := r.CloudFront.Live(rehearsal.Distribution)
		if err := r.CloudFront.PutDistribution(rehearsal.Distribution, text, tags); err != nil {
			r.World.Strict("tags: %v", err)
		}
	})
}

// preparing does something more before the stack is there.
func preparing(more func(*rehearsal.Rehearsal)) func(*rehearsal.Options) {
	return func(o *rehearsal.Options) {
		prepare := o.Scenario.Prepare
		o.Scenario.Prepare = func(r *rehearsal.Rehearsal) {
			if prepare != nil {
				prepare(r)
			}
			more(r)
		}
	}
}

func with(parameters ...string) func(*rehearsal.Options) {
	return func(o *rehearsal.Options) {
		for i := 0; i+1 < len(parameters); i += 2 {
			o.Parameters[parameters[i]] = parameters[i+1]
		}
	}
}

// reshaped edits the configuration with which the scenario begins.
func reshaped(edit func(config map[string]any)) func(*rehearsal.Options) {
	return func(o *rehearsal.Options) {
		plain := o.Scenario.Config
		o.Scenario.Config = func() []byte {
			var config map[string]any
			_ = json.Unmarshal(plain(), &config) // the scenario's own
			edit(config)
			text, _ := json.Marshal(config) // what JSON gave
			return text
		}
	}
}

// ungrouped takes the origin groups away.
var ungrouped = reshaped(func(config map[string]any) { config["OriginGroups"] = map[string]any{"Quantity": 0} })

// calendar makes a Change Calendar of a type, as DEFAULT_CLOSED.
func calendar(kind string) func(*rehearsal.Options) {
	return preparing(func(r *rehearsal.Rehearsal) { putCalendar(r, kind) })
}

func putCalendar(r *rehearsal.Rehearsal, kind string) {
	text := "BEGIN:VCALENDAR\r\nPRODID:-//AWS//Change Calendar 1.0//EN\r\nVERSION:2.0\r\nX-CALENDAR-TYPE:" + kind + "\r\nEND:VCALENDAR\r\n"
	if err := r.SSM.PutDocument("freeze", []byte(text), "ChangeCalendar"); err != nil {
		r.World.Strict("calendar: %v", err)
	}
}

// Each of these is found before anybody is asked, and nothing is started.
func TestWhatAGuardObjectsToIsToldAndNotAsked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		scenario  string
		overrides []func(*rehearsal.Options)
		says      string
	}{
		"the distribution's team has not agreed": {"origin-503", []func(*rehearsal.Options){with("OptInTag", "cloudfront503=change")}, "does not bear the tag cloudfront503=change"},
		"the calendar is closed":                 {"origin-503", []func(*rehearsal.Options){with("ChangeCalendar", "freeze"), calendar("DEFAULT_CLOSED")}, "The Change Calendar freeze is closed"},
		"the calendar cannot be read":            {"origin-503", []func(*rehearsal.Options){with("ChangeCalendar", "freeze")}, "The Change Calendar freeze could not be read"},
		"a flat-rate plan has no failover": {"origin-503", []func(*rehearsal.Options){tagged(map[string]string{"cloudfront503:flat-rate-plan": "pro"})},
			"Origin failover is not part of the distribution's flat-rate plan"},
		"no origin stands ready": {"origin-503", []func(*rehearsal.Options){ungrouped}, "No origin stands ready"},
		"a staging distribution": {"origin-503", []func(*rehearsal.Options){reshaped(func(config map[string]any) { config["Staging"] = true })}, "is the staging part of a continuous deployment"},
		"two people are too many": {"s3-slow-down", []func(*rehearsal.Options){reshaped(func(config map[string]any) { config["ConnectionMode"] = "tenant-only" }), with("Approver2", "")},
			"The change needs 2 people to approve, and the stack has 1."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, c.scenario, c.overrides...)
			breaks(t, r)
			broken := live(t, r)
			until(t, r, 20*time.Minute, "on-call is told", func() bool { return r.Has("told") })
			if !heardOf(r, c.says) {
				t.Errorf("on-call was not told that %q, but: %s", c.says, planned(t, r).TellOnly)
			}
			untouched(t, r)
			unwritten(t, r, broken)
		})
	}
}

func TestWhatTwoMustApprove(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		scenario  string
		overrides []func(*rehearsal.Options)
		says      string
	}{
		"all tenants of a distribution":     {"s3-slow-down", []func(*rehearsal.Options){reshaped(func(config map[string]any) { config["ConnectionMode"] = "tenant-only" })}, "all tenants"},
		"the code that all tenants get":     {"function-error", []func(*rehearsal.Options){reshaped(func(config map[string]any) { config["ConnectionMode"] = "tenant-only" })}, "all tenants"},
		"the code that others' tenants get": {"function-error", []func(*rehearsal.Options){sharedWithTenants}, "also runs in E2TENANTSEXAMPLE"},
		"the trust that all tenants need":   {"lambda-edge-permission", []func(*rehearsal.Options){reshaped(func(config map[string]any) { config["ConnectionMode"] = "tenant-only" })}, "all tenants"},
		"a function that is taken off": {"lambda-edge-error", []func(*rehearsal.Options){with("DetachEdgeFunctions", "yes"), failsAsItStands},
			"if it checks who may come in, content is open to everybody"},
		"another origin during AWS's own incident": {"origin-503", []func(*rehearsal.Options){healthOpens}, "AWS Health has an open event about CLOUDFRONT"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, c.scenario, c.overrides...)
			breaks(t, r)
			untilAsked(t, r)
			before, want := stateOf(t, r), approvedState(t, r)
			if body := askedOf(r); !strings.Contains(body, c.says) || !strings.Contains(body, "Needs: 2 of 2") {
				t.Errorf("no %q, or not two people, in\n%s", c.says, body)
			}
			approves(t, r, "alice")
			r.World.Clock.Advance(5 * time.Minute)
			leftAs(t, r, before)
			approves(t, r, "bob")
			untilClosed(t, r, "changed")
			leftAs(t, r, want)
		})
	}
}

// sharedWithTenants lets a second distribution of the stack, which has tenants, run the function that fails.
func sharedWithTenants(o *rehearsal.Options) {
	o.Parameters["Distributions"] = rehearsal.Distribution + ",E2TENANTSEXAMPLE"
	prepare := o.Scenario.Prepare
	o.Scenario.Prepare = func(r *rehearsal.Rehearsal) {
		if prepare != nil {
			prepare(r)
		}
		var config map[string]any
		err := json.Unmarshal(r.Scenario.Config(), &config)
		config["ConnectionMode"], config["CallerReference"], config["Aliases"] = "tenant-only", "tenants", map[string]any{"Quantity": 0}
		text, markErr := json.Marshal(config)
		if err := errors.Join(err, markErr, r.CloudFront.PutDistributionAs("E2TENANTSEXAMPLE", "", "d222222abcdef8.cloudfront.net", text, nil)); err != nil {
			r.World.Strict("the distribution with tenants: %v", err)
		}
	}
}

// failsAsItStands lets the version fail that has served well until now: no earlier one is known.
func failsAsItStands(o *rehearsal.Options) {
	o.Scenario.Break = rehearsal.EdgeFails
}

// healthOpens lets AWS Health speak about CloudFront before the origin fails.
func healthOpens(o *rehearsal.Options) {
	fails := o.Scenario.Break
	o.Scenario.Break = func(r *rehearsal.Rehearsal) error {
		r.Health("CLOUDFRONT", r.World.Clock.Now(), "open")
		return fails(r)
	}
}

func TestAnOpenCalendarAndAStandbyByTag(t *testing.T) {
	t.Parallel()
	r := start(t, "origin-503", ungrouped, with("ChangeCalendar", "freeze", "OptInTag", "team=shop"), calendar("DEFAULT_OPEN"),
		tagged(map[string]string{"cloudfront503:standby": "spare", "team": "shop"}))
	breaks(t, r)
	untilAsked(t, r)
	want := asApproved(t, r)
	approves(t, r, "alice")
	untilClosed(t, r, "changed")
	if diff := cmp.Diff(want, live(t, r)); diff != "" {
		t.Errorf("not as approved (-want +got):\n%s", diff)
	}
	if target := live(t, r)["DefaultCacheBehavior"].(map[string]any)["TargetOriginId"]; target != "cloudfront503-web" {
		t.Errorf("requests go to %v", target)
	}
	for _, denial := range denials(r) {
		t.Errorf("denied: %s", denial)
	}
}

// An incident of AWS that begins while people are asked voids the plan, whoever approves then.
func TestAnIncidentOfAWSWithdrawsWhatPeopleAreAsked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ scenario, service string }{
		"edge code, during Lambda's":               {"lambda-edge-error", "LAMBDA"},
		"a protection, during CloudFront's":        {"s3-slow-down", "CLOUDFRONT"},
		"failing over that one person may approve": {"origin-503", "CLOUDFRONT"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, c.scenario)
			breaks(t, r)
			broken := live(t, r)
			untilAsked(t, r)
			r.Health(c.service, r.World.Clock.Now(), "open")
			until(t, r, 10*time.Minute, "the plan is withdrawn", func() bool { return r.Has("withdrawn") })
			approves(t, r, "alice")
			untilClosed(t, r, "void")
			unwritten(t, r, broken)
		})
	}
}
