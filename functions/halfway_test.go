// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package functions

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/rehearsal"
)

// halfway are scenarios of the remedies whose change takes several calls.
var halfway = []string{"function-error", "undetermined"}

// written is one call of a change: an action, and how many calls of it came before.
type written struct {
	action string
	before int
}

func (w written) String() string { return fmt.Sprintf("%s, call %d", w.action, w.before+1) }

// callsMade are the writes that remediate has made, in their order, as the journal has them: everything but what only reads,
// and but the incident's own record.
func callsMade(r *rehearsal.Rehearsal) (all []written) {
	made := map[string]int{}
	for _, line := range r.World.Journal.Lines() {
		service, verb, _ := strings.Cut(line.Action, ":")
		if line.Outcome != "ok" || !kernel.Glob(sessionsOf(remediate), line.Principal) || slices.Contains([]string{"s3", "kms", "ssm"}, service) || onlyReads(verb) {
			continue
		}
		all = append(all, written{line.Action, made[line.Action]})
		made[line.Action]++
	}
	return all
}

// samePut tells of a call that puts the same alarm as the one before: what bears a name of its own may be put again.
func samePut(a, b written) bool {
	return a.action == "cloudwatch:PutMetricAlarm" && a.action == b.action
}

// onlyReads tells whether an operation of this name changes nothing.
func onlyReads(operation string) bool {
	return slices.ContainsFunc([]string{"Get", "List", "Describe", "Check", "Validate", "Test"}, func(verb string) bool {
		return strings.HasPrefix(operation, verb)
	})
}

// mishaps are what may befall one call. What is throttled is so for longer than the SDK tries.
var mishaps = map[string]struct {
	fault kernel.Fault
	kills bool
}{
	"throttled":         {fault: kernel.Fault{Times: 4, Error: kernel.Errorf(http.StatusBadRequest, "Throttling", "Rate exceeded")}},
	"without an answer": {fault: kernel.Fault{Times: 1, LoseAnswer: true}},
	"killed before":     {fault: kernel.Fault{Times: 1, Error: kernel.Errorf(http.StatusInternalServerError, "InternalFailure", "the caller was killed")}, kills: true},
	"killed after":      {fault: kernel.Fault{Times: 1}, kills: true},
}

// suffers lets a mishap befall one call.
func (w written) suffers(mishap string) func(*rehearsal.Rehearsal) {
	return func(r *rehearsal.Rehearsal) {
		sabotage := mishaps[mishap]
		sabotage.fault.Skip = w.before
		if sabotage.kills {
			sabotage.fault.Before = func() { r.Lambda.Kill(remediate) }
		}
		fault(w.action, sabotage.fault)(r)
	}
}

// Whichever call of a change breaks, however it breaks: in the end everything is as approved, and nothing was done twice.
// Which calls there are, a run in which nothing breaks shows.
func TestAChangeIsMadeWholeWhicheverOfItsCallsBreaks(t *testing.T) {
	t.Parallel()
	for _, scenario := range halfway {
		t.Run(scenario, func(t *testing.T) {
			t.Parallel()
			r := start(t, scenario)
			endsAs(t, r, ending{made: true})
			made := slices.CompactFunc(callsMade(r), samePut)
			if len(made) < 2 {
				t.Fatalf("the change took %v", made)
			}
			for _, call := range made {
				for mishap := range mishaps {
					t.Run(mishap+" at "+call.String(), func(t *testing.T) {
						t.Parallel()
						r := start(t, scenario)
						endsAs(t, r, ending{sabotage: call.suffers(mishap), made: true})
						if diff := cmp.Diff(made, slices.CompactFunc(callsMade(r), samePut), cmp.AllowUnexported(written{})); diff != "" {
							t.Errorf("other calls than where nothing breaks (-unbroken +broken):\n%s", diff)
						}
					})
				}
			}
		})
	}
}
