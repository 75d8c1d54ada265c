// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package functions

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/rehearsal"
)

// edgeAsked is a scenario of edge code up to where people have been asked.
func edgeAsked(t *testing.T, scenario string, overrides ...func(*rehearsal.Options)) *rehearsal.Rehearsal {
	t.Helper()
	r := start(t, scenario, overrides...)
	breaks(t, r)
	untilAsked(t, r)
	return r
}

// stages fails the test unless the function's stages hold this code.
func stages(t *testing.T, r *rehearsal.Rehearsal, development, live string) {
	t.Helper()
	for stage, want := range map[string]string{"DEVELOPMENT": development, "LIVE": live} {
		if code, _, _, _ := r.CloudFront.Stage(rehearsal.RewriteName, stage); string(code) != want {
			t.Errorf("%s holds %s\nwant %s", stage, code, want)
		}
	}
}

// trusts is the role's trust policy, empty where there is no such role.
func trusts(r *rehearsal.Rehearsal) string {
	role, there := r.World.Identity.RoleNamed(rehearsal.EdgeRole)
	if !there {
		return ""
	}
	return string(role.Trust.Raw)
}

func TestAFunctionsGoodCodeGoesBackAndDevelopmentIsAsItWas(t *testing.T) {
	t.Parallel()
	r := edgeAsked(t, "function-error")
	config := live(t, r)
	approves(t, r, "alice")
	untilClosed(t, r, "changed")
	stages(t, r, rehearsal.DraftCode, rehearsal.GoodCode)
	unwritten(t, r, config) // the distribution's configuration is left alone
	if n := count(r, remediate, "cloudfront:PublishFunction", "ok"); n != 1 {
		t.Errorf("published %d times", n)
	}
}

func TestAFunctionThatSomebodyWorksOnIsLeftAlone(t *testing.T) {
	t.Parallel()
	const theirs = "// theirs"
	for name, c := range map[string]struct {
		publish bool
		live    string
	}{"DEVELOPMENT has moved": {false, rehearsal.BadCode}, "LIVE has moved": {true, theirs}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := edgeAsked(t, "function-error")
			if err := r.CloudFront.ChangeFunction(rehearsal.RewriteName, kernel.Principal{ARN: rehearsal.UserARN("deployer")}, []byte(theirs), c.publish); err != nil {
				t.Fatal(err)
			}
			approves(t, r, "alice")
			untilClosed(t, r, "void")
			stages(t, r, theirs, c.live)
		})
	}
}

// Half-way failures beyond those of every remedy: whatever fails, DEVELOPMENT is as it was, and LIVE is as it was or as approved.
func TestAFunctionIsNeverLeftHalfWay(t *testing.T) {
	t.Parallel()
	denied := kernel.Errorf(http.StatusForbidden, "AccessDenied", "not allowed")
	throttling := kernel.Errorf(http.StatusBadRequest, "Throttling", "Rate exceeded")
	for name, c := range map[string]struct {
		fault kernel.Fault
		kill  string
		ends  string
	}{
		"the test is denied":              {fault: kernel.Fault{Action: "cloudfront:TestFunction", Error: denied}, ends: "void"},
		"publishing is throttled":         {fault: kernel.Fault{Action: "cloudfront:PublishFunction", Times: 4, Error: throttling}, ends: "changed"},
		"putting back is denied at first": {fault: kernel.Fault{Action: "cloudfront:UpdateFunction", Skip: 1, Times: 1, Error: denied}, ends: "changed"},
		"remediate is killed at the test": {kill: "cloudfront:TestFunction", ends: "changed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := edgeAsked(t, "function-error")
			if c.fault.Caller = sessionsOf(remediate); c.kill == "" {
				r.World.Faults.Add(c.fault)
			} else {
				r.Lambda.KillAt(remediate, c.kill, "", true)
			}
			approves(t, r, "alice")
			untilClosed(t, r, c.ends)
			want := rehearsal.BadCode
			if c.ends == "changed" {
				want = rehearsal.GoodCode
			}
			stages(t, r, rehearsal.DraftCode, want)
			if n := count(r, remediate, "cloudfront:PublishFunction", "ok"); n > 1 {
				t.Errorf("published %d times", n)
			}
		})
	}
}

func TestCodeThatNoLongerPassesItsTestIsNotPublished(t *testing.T) {
	t.Parallel()
	r := edgeAsked(t, "function-error")
	if err := r.CloudFront.SetCodeTest([]byte(rehearsal.GoodCode), []byte(`{"ComputeUtilization": "88"}`)); err != nil {
		t.Fatal(err)
	}
	approves(t, r, "alice")
	untilClosed(t, r, "void")
	stages(t, r, rehearsal.DraftCode, rehearsal.BadCode)
}

func TestWithoutBothStagesInTheSnapshotNobodyIsAsked(t *testing.T) {
	t.Parallel()
	r := start(t, "function-error")
	r.World.Faults.Add(kernel.Fault{Action: "s3:PutObject", Resource: "*/Function/*/DEVELOPMENT.json", Caller: sessionsOf(respond),
		Error: kernel.Errorf(http.StatusForbidden, "AccessDenied", "Access Denied")})
	breaks(t, r)
	until(t, r, 20*time.Minute, "people are told why not", func() bool { return r.Has("told") })
	untouched(t, r)
	stages(t, r, rehearsal.DraftCode, rehearsal.BadCode)
	if !heardOf(r, "could not be saved") {
		t.Error("on-call has not heard why")
	}
}

func TestTheTrustThatWentMissingComesBackAndNothingElse(t *testing.T) {
	t.Parallel()
	r := edgeAsked(t, "lambda-edge-permission")
	config := live(t, r)
	approves(t, r, "alice")
	untilClosed(t, r, "changed")
	want := strings.TrimSuffix(rehearsal.Distrust, "]}") + `,{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"Service":"edgelambda.amazonaws.com"}}]}`
	if diff := cmp.Diff(want, trusts(r)); diff != "" {
		t.Errorf("trust policy (-want +got):\n%s", diff)
	}
	unwritten(t, r, config)
	for _, function := range []string{respond, remediate} {
		if count(r, function, "access-analyzer:CheckNoNewAccess", "ok") != 1 {
			t.Errorf("%s has not had the policy analysed once", function)
		}
	}
}

func TestARoleIsLeftAsItWasOrAsApproved(t *testing.T) {
	t.Parallel()
	throttling := kernel.Errorf(http.StatusBadRequest, "Throttling", "Rate exceeded")
	theirs := strings.Replace(rehearsal.Distrust, `"Sid":"Lambda"`, `"Sid":"Theirs"`, 1)
	for name, c := range map[string]struct {
		fault kernel.Fault
		spoil func(*testing.T, *rehearsal.Rehearsal)
		ends  string
		want  string
	}{
		"the write is throttled": {fault: kernel.Fault{Action: "iam:UpdateAssumeRolePolicy", Times: 4, Error: throttling}, ends: "changed"},
		"somebody has changed it": {spoil: func(t *testing.T, r *rehearsal.Rehearsal) {
			if err := r.IAM.ChangeTrust(rehearsal.EdgeRole, kernel.Principal{ARN: rehearsal.UserARN("deployer")}, theirs); err != nil {
				t.Fatal(err)
			}
		}, ends: "void", want: theirs},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := edgeAsked(t, "lambda-edge-permission")
			if c.spoil != nil {
				c.spoil(t, r)
			} else {
				c.fault.Caller = sessionsOf(remediate)
				r.World.Faults.Add(c.fault)
			}
			approves(t, r, "alice")
			untilClosed(t, r, c.ends)
			if c.want == "" && !strings.Contains(trusts(r), "edgelambda.amazonaws.com") || c.want != "" && trusts(r) != c.want {
				t.Errorf("trust policy %s", trusts(r))
			}
			if n := count(r, remediate, "iam:UpdateAssumeRolePolicy", "ok"); n > 1 {
				t.Errorf("%d writes", n)
			}
		})
	}
}

func TestARoleThatIsNotOnTheListIsNotTouched(t *testing.T) {
	t.Parallel()
	r := start(t, "lambda-edge-permission", func(o *rehearsal.Options) { o.Parameters["EdgeRoles"] = "" })
	breaks(t, r)
	until(t, r, 20*time.Minute, "people are told why not", func() bool { return r.Has("told") })
	untouched(t, r)
	if !heardOf(r, "is not one whose trust this stack may mend") {
		t.Error("on-call has not heard why")
	}
	for _, denial := range denials(r) {
		t.Errorf("denied: %s", denial)
	}
}

// theEdgeCode is what the remedies of edge code change, byte by byte.
func theEdgeCode(r *rehearsal.Rehearsal) map[string]string {
	now := map[string]string{"trust": trusts(r)}
	for _, stage := range []string{"DEVELOPMENT", "LIVE"} {
		code, config, _, _ := r.CloudFront.Stage(rehearsal.RewriteName, stage)
		now[stage], now[stage+" config"] = string(code), string(config)
	}
	return now
}

// edgeChanged is a scenario of edge code up to where the approved change is in force, and what was there before and after.
func edgeChanged(t *testing.T, scenario string) (r *rehearsal.Rehearsal, before, after map[string]string) {
	t.Helper()
	r = edgeAsked(t, scenario)
	before = theEdgeCode(r)
	approves(t, r, "alice")
	until(t, r, 30*time.Minute, "the change is in force", func() bool { return r.Has("deployed") })
	after = theEdgeCode(r)
	if cmp.Equal(before, after) {
		t.Error("the change has changed nothing")
	}
	return r, before, after
}

// What was changed outside of the distribution's configuration comes back byte by byte, and once, whatever breaks on the
// way; a function that could not run runs again then, which is what was asked for.
func TestEdgeCodeAndTrustAreTakenBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		scenario string
		sabotage func(*rehearsal.Rehearsal) // once the change is made
		writes   string                     // what must have been done twice, forth and back
	}{
		"code":                                      {"function-error", func(*rehearsal.Rehearsal) {}, "cloudfront:PublishFunction"},
		"code, killed at the overwriting":           {"function-error", killAt("cloudfront:UpdateFunction", "", true), "cloudfront:PublishFunction"},
		"code, killed before the publishing":        {"function-error", killAt("cloudfront:PublishFunction", "", false), "cloudfront:PublishFunction"},
		"code, killed after the publishing":         {"function-error", killAt("cloudfront:PublishFunction", "", true), "cloudfront:PublishFunction"},
		"code, published without an answer":         {"function-error", fault("cloudfront:PublishFunction", kernel.Fault{Times: 1, LoseAnswer: true}), "cloudfront:PublishFunction"},
		"trust":                                     {"lambda-edge-permission", func(*rehearsal.Rehearsal) {}, "iam:UpdateAssumeRolePolicy"},
		"trust, killed before the write":            {"lambda-edge-permission", killAt("iam:UpdateAssumeRolePolicy", "", false), "iam:UpdateAssumeRolePolicy"},
		"trust, killed after the write":             {"lambda-edge-permission", killAt("iam:UpdateAssumeRolePolicy", "", true), "iam:UpdateAssumeRolePolicy"},
		"trust, and the write is throttled at once": {"lambda-edge-permission", fault("iam:UpdateAssumeRolePolicy", kernel.Fault{Times: 1, Error: kernel.Errorf(http.StatusBadRequest, "Throttling", "Rate exceeded")}), "iam:UpdateAssumeRolePolicy"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, before, _ := edgeChanged(t, c.scenario)
			config := live(t, r)
			c.sabotage(r)
			undoes(t, r, "bob")
			untilClosed(t, r, "undone")
			if diff := cmp.Diff(before, theEdgeCode(r)); diff != "" {
				t.Errorf("it is not as it was before (-before +now):\n%s", diff)
			}
			unwritten(t, r, config) // the distribution's configuration is left alone
			if n := count(r, remediate, c.writes, "ok"); n != 2 {
				t.Errorf("%s was done %d times, forth and back", c.writes, n)
			}
		})
	}
}

// Where others have changed it since, or AWS denies it, what stands stays, and people hear why.
func TestEdgeCodeAndTrustThatCannotBeTakenBackStay(t *testing.T) {
	t.Parallel()
	denied := kernel.Fault{Error: kernel.Errorf(http.StatusForbidden, "AccessDenied", "not allowed")}
	deployer := kernel.Principal{ARN: rehearsal.UserARN("deployer")}
	theirs := strings.Replace(rehearsal.Distrust, `"Sid":"Lambda"`, `"Sid":"Theirs"`, 1)
	for name, c := range map[string]struct {
		scenario string
		spoil    func(*rehearsal.Rehearsal) error
	}{
		"code that others have published": {"function-error", func(r *rehearsal.Rehearsal) error {
			return r.CloudFront.ChangeFunction(rehearsal.RewriteName, deployer, []byte("// theirs"), true)
		}},
		"code that others work on": {"function-error", func(r *rehearsal.Rehearsal) error {
			return r.CloudFront.ChangeFunction(rehearsal.RewriteName, deployer, []byte("// theirs"), false)
		}},
		"code whose publishing is denied": {"function-error", func(r *rehearsal.Rehearsal) error {
			fault("cloudfront:PublishFunction", denied)(r)
			return nil
		}},
		"trust that others have changed": {"lambda-edge-permission", func(r *rehearsal.Rehearsal) error {
			return r.IAM.ChangeTrust(rehearsal.EdgeRole, deployer, theirs)
		}},
		"trust whose write is denied": {"lambda-edge-permission", func(r *rehearsal.Rehearsal) error {
			fault("iam:UpdateAssumeRolePolicy", denied)(r)
			return nil
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, _, _ := edgeChanged(t, c.scenario)
			if err := c.spoil(r); err != nil {
				t.Fatal(err)
			}
			stands := theEdgeCode(r)
			undoes(t, r, "alice")
			until(t, r, 30*time.Minute, "on-call hears that it is not undone", func() bool { return heardOf(r, "NOT undone") })
			if diff := cmp.Diff(stands, theEdgeCode(r)); diff != "" || r.Has("undone") {
				t.Errorf("what others left is touched (-stood +now):\n%s", diff)
			}
		})
	}
}
