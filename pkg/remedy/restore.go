// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package remedy is the changes: which fields go back to what they held (pure), and the one guarded write by which they
// do. Nothing else may write to CloudFront or ask for a quota. What to change, and whether to, is decided elsewhere.
package remedy

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/incident"
)

// Inputs are the three configurations of a merge.
type Inputs struct {
	Distribution string               // its id
	ETag         string               // of Theirs
	Ours         distribution.Config  // the known good
	Theirs       distribution.Config  // the live one
	Base         *distribution.Config // right after the blamed change; nil: only the blamed fields go back
	Blamed       []string             // paths that the diagnosis blames, as Blamed gives them; a path blames all below it
	FlatRate     bool                 // the distribution is on a flat-rate pricing plan
}

// Change is a computed change. Nothing has been written yet.
type Change struct {
	Distribution string
	ETag         string // of the configuration that it was computed on
	Result       distribution.Config
	Difference   []incident.FieldChange // from the live configuration to Result, by path
	Back         []incident.FieldChange // the way back: from Result to the live configuration
	Left         []string               // fields of the blamed change that stay as they are, because they protect something
	Hash         string                 // over distribution, ETag and difference
}

// Refused says why nothing may be written: before anybody is asked, or right before the write.
type Refused struct {
	Why string
	// Elsewhere says that the execution does not stand at its write step: whoever called, its runbook did not, and the
	// refusal says nothing about the plan.
	Elsewhere bool
}

// Error is the reason as one sentence for people.
func (e *Refused) Error() string { return "refused: " + e.Why }

func refuse(format string, args ...any) error { return &Refused{Why: fmt.Sprintf(format, args...)} }

// Conflict says which fields somebody changed since the blamed change; nobody's work is undone to restore another's.
type Conflict struct {
	Fields []string
}

// Error names the fields.
func (e *Conflict) Error() string {
	return "refused: changed by others since: " + strings.Join(e.Fields, ", ")
}

// neverBack are the fields that no remedy touches. Disabling stops all traffic; the others cannot change, or make another
// distribution of it.
var neverBack = []string{"Enabled", "CallerReference", "Staging", "ConnectionMode"}

// protected are the fields that go back only where they themselves are blamed, at the top of the configuration or further
// down: an older value may undo a security change, name a certificate that has expired or an alias that has moved.
var protected = []string{
	"Aliases", "AnycastIpListId", "ContinuousDeploymentPolicyId", "FieldLevelEncryptionId", "HttpVersion", "IsIPV6Enabled",
	"Logging", "OriginMtlsConfig", "PriceClass", "Restrictions", "TenantConfig", "TrustedKeyGroups", "TrustedSigners",
	"ViewerCertificate", "ViewerMtlsConfig", "ViewerProtocolPolicy", "WebACLId",
}

// Restore computes the three-way merge: each field that differs between Ours and Base goes back to Ours where Theirs still
// holds what Base held. A field that has changed since is a *Conflict, and nothing is restored. Without a base only the
// blamed fields go back. A *Refused says why a distribution or a change cannot be handled at all.
func Restore(in Inputs) (Change, error) {
	if in.FlatRate {
		return Change{}, refuse("distribution %s is on a flat-rate plan, which does not allow every older configuration", in.Distribution)
	}
	if err := suits(in); err != nil {
		return Change{}, err
	}
	wanted, left := in.wanted()
	if len(wanted) == 0 {
		return Change{}, refuse("there is nothing to put back%s", leftNote(left))
	}
	return in.make(wanted, left)
}

// make makes the changes on the live configuration, and refuses a result that is not whole or would do harm.
func (in Inputs) make(wanted []incident.FieldChange, left []string) (Change, error) {
	if err := suits(in); err != nil {
		return Change{}, err
	}
	result, err := distribution.Apply(in.Theirs, wanted)
	var moved *distribution.MovedError
	if errors.As(err, &moved) {
		return Change{}, &Conflict{Fields: moved.Paths}
	}
	if err != nil {
		return Change{}, refuse("the change does not fit the live configuration: %v", err)
	}
	if result.Equal(in.Theirs) {
		return Change{}, refuse("the live configuration is like that already")
	}
	if err := errors.Join(whole(result), harmless(in.Theirs, result, in.Blamed)); err != nil {
		return Change{}, err
	}
	return newChange(in, result, left), nil
}

func newChange(in Inputs, result distribution.Config, left []string) Change {
	change := Change{
		Distribution: in.Distribution, ETag: in.ETag, Result: result, Left: left,
		Difference: distribution.Diff(in.Theirs, result), Back: distribution.Diff(result, in.Theirs),
	}
	change.Hash = incident.ChangeHash(in.Distribution, in.ETag, change.Difference, nil)
	return change
}

// suits refuses distributions of which one write does not do what it seems to.
func suits(in Inputs) error {
	switch live := in.Theirs; {
	case live.Staging():
		return refuse("distribution %s is the staging part of a continuous deployment", in.Distribution)
	case live.ContinuousDeploymentPolicyID() != "":
		return refuse("distribution %s has a continuous deployment attached, which allows only some changes", in.Distribution)
	case !live.Enabled():
		return refuse("distribution %s is disabled: it serves nobody, so nothing here would help", in.Distribution)
	}
	return nil
}

// wanted are the changes that should be made, and the paths that are left out because they protect something.
func (in Inputs) wanted() (changes []incident.FieldChange, left []string) {
	for _, change := range in.blamedChange() {
		switch {
		case !in.mayGoBack(change.Path):
			left = append(left, change.Path)
		case slices.Equal(in.Theirs.Value(change.Path), change.To): // somebody has put it back already
		default:
			changes = append(changes, change)
		}
	}
	return changes, left
}

func (in Inputs) blamedChange() []incident.FieldChange {
	if in.Base != nil {
		return distribution.Diff(*in.Base, in.Ours)
	}
	var changes []incident.FieldChange
	for _, change := range distribution.Diff(in.Theirs, in.Ours) {
		if under(change.Path, in.Blamed) {
			changes = append(changes, change)
		}
	}
	return changes
}

func (in Inputs) mayGoBack(path string) bool {
	return !bears(path, neverBack) && (!bears(path, protected) || under(path, in.Blamed))
}

// bears reports whether one of the names is a member on the path.
func bears(path string, names []string) bool {
	return slices.ContainsFunc(distribution.Members(path), func(part string) bool { return slices.Contains(names, part) })
}

// under reports whether the path is one of the blamed ones, or lies below one.
func under(path string, blamed []string) bool {
	return slices.ContainsFunc(blamed, func(blame string) bool { return path == blame || strings.HasPrefix(path, blame+"/") })
}

func leftNote(left []string) string {
	if len(left) == 0 {
		return ""
	}
	return "; what would be left protects something: " + strings.Join(left, ", ")
}

// whole refuses a result whose parts do not fit together: a merge may take away an origin that somebody uses since.
func whole(result distribution.Config) error {
	known := map[string]bool{}
	for _, origin := range result.Origins() {
		known[origin.ID] = true
	}
	for _, group := range result.OriginGroups() {
		for _, member := range group.Members {
			if !known[member] {
				return refuse("origin group %s would point to origin %s, which would not exist", group.ID, member)
			}
		}
		known[group.ID] = true
	}
	for _, behavior := range result.Behaviors() {
		if !known[behavior.TargetOriginID] {
			return refuse("behaviour %s would point to origin %s, which would not exist", behavior.PathPattern, behavior.TargetOriginID)
		}
	}
	return nil
}

// WayBack computes what undoes the change on the configuration that is live now: the same fields get what they held
// before, while they still hold our values. A field that holds something else by now is a *Conflict.
func WayBack(change Change, live distribution.Config, etag string) (Change, error) {
	in := Inputs{Distribution: change.Distribution, ETag: etag, Theirs: live}
	if err := suits(in); err != nil {
		return Change{}, err
	}
	result, err := distribution.Apply(live, change.Back)
	var moved *distribution.MovedError
	if errors.As(err, &moved) {
		return Change{}, &Conflict{Fields: moved.Paths}
	}
	if err != nil {
		return Change{}, refuse("the way back does not fit the live configuration: %v", err)
	}
	if err := whole(result); err != nil {
		return Change{}, err
	}
	return newChange(in, result, nil), nil
}
