// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package functions

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/rehearsal"
)

// nosy has verify look at everything right before each change that another function is about to make: whatever was done
// up to there, and nothing of what comes after it, is what a look may find. The answer is how often it has looked.
func nosy(t *testing.T, r *rehearsal.Rehearsal) (looks *atomic.Int64) {
	t.Helper()
	var oneAtATime sync.Mutex
	looks = &atomic.Int64{}
	look := func() {
		oneAtATime.Lock()
		defer oneAtATime.Unlock()
		if _, err := r.World.Lambda.Invoke(context.Background(), functionARN(verify), []byte(`{"cloudfront503":"sweep"}`)); err == nil {
			looks.Add(1) // an error: an event of the runbook has it look already
		}
	}
	for _, writer := range []string{respond, approve, remediate} {
		for action, resource := range changing {
			r.World.Faults.Add(kernel.Fault{Action: action, Resource: resource, Caller: sessionsOf(writer), Before: look})
		}
	}
	return looks
}

// changing are the calls of the line that change anything, and what they change; empty: whatever it is. Of the objects it
// is those of an incident: who looks right before each try to write the pointer, which a look writes too, lets nobody write it.
var changing = map[string]string{
	"s3:PutObject": "*/000001/*", "s3:DeleteObject": "", "sns:Publish": "", "ssm:StartAutomationExecution": "",
	"ssm:SendAutomationSignal": "", "cloudfront:Update*": "", "lambda:InvokeFunction": "",
}

func TestWhoLooksInBetweenTakesNothingForWhatItIsNot(t *testing.T) {
	t.Parallel()
	for name, play := range map[string]func(t *testing.T, r *rehearsal.Rehearsal){
		"approved": func(t *testing.T, r *rehearsal.Rehearsal) {
			approves(t, r, "alice")
			untilClosed(t, r, "changed")
			oneOfEach(t, r)
			writtenOnce(t, r)
		},
		"taken back": func(t *testing.T, r *rehearsal.Rehearsal) {
			approves(t, r, "alice")
			until(t, r, 30*time.Minute, "the change is on all edges", func() bool { return r.Has("deployed") })
			undoes(t, r, "bob")
			untilClosed(t, r, "undone")
		},
		"taken back as planned": func(t *testing.T, r *rehearsal.Rehearsal) {
			approves(t, r, "alice")
			until(t, r, 30*time.Minute, "the change is on all edges", func() bool { return r.Has("deployed") })
			r.Fail(anyPath)
			untilClosed(t, r, "undone")
		},
		"rejected": func(t *testing.T, r *rehearsal.Rehearsal) {
			rejects(t, r, "alice", "not now")
			untilClosed(t, r, "rejected")
		},
		"silent": func(t *testing.T, r *rehearsal.Rehearsal) {
			untilClosed(t, r, "silent")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, "error-page-503", takesBack("worse"))
			looks := nosy(t, r)
			breaks(t, r)
			untilAsked(t, r)
			play(t, r)
			if looks.Load() < 10 {
				t.Errorf("verify looked %d times in between, want more", looks.Load())
			}
		})
	}
}

func TestAWriteThatMayHaveArrivedIsNotCalledUnmadeHoweverSoonItIsAsked(t *testing.T) {
	t.Parallel()
	r := start(t, "error-page-503")
	fault("cloudfront:UpdateDistribution", kernel.Fault{
		Before: func() { r.Lambda.Kill(remediate) }, Error: kernel.Errorf(http.StatusInternalServerError, "InternalError", "lost"),
	})(r)
	nosy(t, r)
	breaks(t, r)
	untilAsked(t, r)
	approves(t, r, "alice")
	untilClosed(t, r, "failed")
	if heardOf(r, "without making the approved change") || !heardOf(r, "whether the change was made is not recorded") {
		t.Error("on-call hears that nothing was written, which nobody can tell")
	}
}
