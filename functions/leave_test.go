// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package functions

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront/types"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/rehearsal"
)

// guarded is a stack that respects a calendar, which is open, and a tag, which the distribution bears.
func guarded(o *rehearsal.Options) {
	with("ChangeCalendar", "freeze", "OptInTag", "team=shop")(o)
	calendar("DEFAULT_OPEN")(o)
}

// closes closes the calendar.
func closes(t *testing.T, r *rehearsal.Rehearsal) {
	t.Helper()
	putCalendar(r, "DEFAULT_CLOSED")
}

// untags takes the tag away by which the distribution's team agrees, as somebody of the team does.
func untags(t *testing.T, r *rehearsal.Rehearsal) {
	t.Helper()
	_, err := cloudfront.NewFromConfig(operator(r)).UntagResource(t.Context(), &cloudfront.UntagResourceInput{
		Resource: aws.String("arn:aws:cloudfront::" + account + ":distribution/" + rehearsal.Distribution), TagKeys: &types.TagKeys{Items: []string{"team"}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// redeploys is an update of the stack that changes a setting of remediate.
func redeploys(name, value string) func(*testing.T, *rehearsal.Rehearsal) {
	return func(_ *testing.T, r *rehearsal.Rehearsal) {
		r.Lambda.Reconfigure(remediate, map[string]string{name: value})
	}
}

// unanswered lets a call of remediate fail for good.
func unanswered(action string) func(*testing.T, *rehearsal.Rehearsal) {
	return func(_ *testing.T, r *rehearsal.Rehearsal) {
		fault(action, kernel.Fault{Error: denies(action, "because no identity-based policy allows it")})(r)
	}
}

// withdrawals are what may be taken back while people decide, and how the incident ends then.
var withdrawals = map[string]struct {
	happens    func(*testing.T, *rehearsal.Rehearsal)
	ends, says string
}{
	"the calendar closes":         {closes, "void", "The Change Calendar freeze is closed"},
	"the calendar cannot be read": {unanswered("ssm:GetCalendarState"), "void", "The Change Calendar freeze could not be read"},
	"the tag is taken away":       {untags, "void", "does not bear the tag team=shop"},
	"the tags cannot be read":     {unanswered("cloudfront:ListTagsForResource"), "failed", "cloudfront:ListTagsForResource"},
	"the stop switch":             {redeploys("CF503_STOP", "yes"), "void", "the stop switch is on"},
	"the stack only observes":     {redeploys("CF503_MODE", "observe"), "void", "this stack only observes"},
	"the list of distributions":   {redeploys("CF503_DISTRIBUTIONS", "E2OTHEREXAMPLE1"), "void", "is not one that this stack may change"},
}

// What lets people be asked can change until they have answered: whoever writes looks once more, and says why not.
func TestWhatIsTakenBackWhilePeopleDecideStopsTheWrite(t *testing.T) {
	t.Parallel()
	for scenario, names := range map[string][]string{
		"origin-503":             nil, // all of them
		"function-error":         {"the calendar closes", "the tag is taken away", "the stop switch", "the stack only observes"},
		"lambda-edge-permission": {"the calendar closes", "the tag is taken away", "the stop switch", "the stack only observes"},
		"distribution-quota":     {"the calendar closes", "the tag is taken away", "the stop switch", "the stack only observes"},
		"undetermined":           {"the calendar closes", "the tag is taken away", "the stop switch", "the stack only observes"},
	} {
		if names == nil {
			names = slices.Sorted(maps.Keys(withdrawals))
		}
		for _, name := range names {
			t.Run(scenario+", "+name, func(t *testing.T) {
				t.Parallel()
				c := withdrawals[name]
				r := start(t, scenario, guarded)
				breaks(t, r)
				untilAsked(t, r)
				want := stateOf(t, r)
				c.happens(t, r)
				approves(t, r, "alice")
				untilClosed(t, r, c.ends)
				leftAs(t, r, want)
				if !heardOf(r, c.says) {
					t.Errorf("on-call has not heard that %q, but: %s", c.says, r.Incident().Outcome.Why)
				}
			})
		}
	}
}

// The way back ends a change that had leave. It goes through, but for the stop switch.
func TestTheWayBackNeedsNoNewLeave(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		happens func(*testing.T, *rehearsal.Rehearsal)
		stopped bool
	}{
		"the calendar has closed": {closes, false},
		"the tag is gone":         {untags, false},
		"the stop switch":         {redeploys("CF503_STOP", "yes"), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, before, after := changed(t, guarded)
			c.happens(t, r)
			undoes(t, r, "bob")
			if c.stopped {
				r.World.Clock.Advance(10 * time.Minute)
				stands(t, r, after, 1)
				return
			}
			untilClosed(t, r, "undone")
			stands(t, r, before, 2)
		})
	}
}
