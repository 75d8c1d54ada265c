// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package incident

import "time"

// Wish is what a person asks for through `cf503 snapshot restore`: that a distribution's fields go back to what a kept
// snapshot holds. It is asked for, not done: people approve it as they approve any other plan.
type Wish struct {
	Snapshot  string   `json:"snapshot"`       // the snapshot's key in the bucket
	VersionID string   `json:"versionId"`      // of its configuration, so that what is put back is what the person has seen
	Only      []string `json:"only,omitempty"` // the paths that go back, each with all below it; empty: whatever differs and may go back
}

// WishAnswer is what respond says to the person who wishes.
type WishAnswer struct {
	Incident  Reference `json:"incident,omitzero"`   // that was opened for it; zero: none was
	Refused   string    `json:"refused,omitempty"`   // one sentence: why nobody is asked; empty where people are
	Does      string    `json:"does,omitempty"`      // a clause: what people are asked to approve
	Changes   []Shown   `json:"changes,omitempty"`   // field by field, as people may see it
	Left      []string  `json:"left,omitempty"`      // one sentence each: what does not go back, and what to mind
	Approvers []string  `json:"approvers,omitempty"` // names of those who are asked
	Required  int       `json:"required,omitempty"`  // how many of them must approve
	Until     time.Time `json:"until,omitzero"`      // when silence becomes a no
	Runbook   string    `json:"runbook,omitempty"`   // the execution that waits for them
}

// Shown is one field's change as people may see it: with what is secret masked.
type Shown struct {
	Path string `json:"path"`
	From string `json:"from"`
	To   string `json:"to"`
}

// Show is what people may see of changes.
func Show(changes []FieldChange) []Shown {
	shown := make([]Shown, 0, len(changes))
	for _, change := range changes {
		from, to := change.Readable()
		shown = append(shown, Shown{Path: Line(change.Path, longestValue), From: from, To: to})
	}
	return shown
}

// ByWish reports whether the plan is what a person asks for, and not what a diagnosis leads to.
func (p Plan) ByWish() bool { return p.Recipe != nil && p.Recipe.Restore != nil }
