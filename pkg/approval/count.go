// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package approval

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"cloudfront503/pkg/incident"
)

// Tally is how a request stands.
type Tally struct {
	Approved bool // enough people approve, nobody rejects, and it is not too late
	Rejected bool
	Have     int
	Need     int
	Who      []string // whose answer counts: who approves, or who rejects where it is rejected; sorted
	Why      string   // one sentence for people
}

// Count counts people: whoever answers twice, through whatever session, is one. An answer counts where it is by a person
// of the request's list, about the request's execution, ETag and hash, not refused, and given before the request expired.
// One reject stops everything, whenever it came, also one from the chat, which is nobody's name; no approval counts any more once the request has expired. Count trusts
// the decisions; Verifier.Proven says which deserve it.
func Count(request incident.ApprovalRequest, decisions []incident.Decision, now time.Time) Tally {
	said := map[incident.Verb][]string{}
	for _, decision := range decisions {
		if counts(request, decision) && !slices.Contains(said[decision.Verb], decision.Approver) {
			said[decision.Verb] = append(said[decision.Verb], decision.Approver)
		}
	}
	slices.Sort(said[incident.Approve])
	slices.Sort(said[incident.Reject])
	tally := Tally{Have: len(said[incident.Approve]), Need: max(1, request.Required), Who: said[incident.Approve]}
	switch {
	case len(said[incident.Reject]) > 0:
		tally.Rejected, tally.Who = true, said[incident.Reject]
		tally.Why = "rejected by " + strings.Join(tally.Who, ", ")
	case !now.Before(request.Expires):
		tally.Why = fmt.Sprintf("expired at %s with %d of %d approvals", request.Expires.UTC().Format(time.RFC3339), tally.Have, tally.Need)
	case tally.Have < tally.Need:
		tally.Why = fmt.Sprintf("%d of %d approvals", tally.Have, tally.Need)
	default:
		tally.Approved = true
		tally.Why = fmt.Sprintf("approved by %s, %d of %d", strings.Join(tally.Who, ", "), tally.Have, tally.Need)
	}
	return tally
}

func counts(request incident.ApprovalRequest, decision incident.Decision) bool {
	person := slices.Contains(request.Approvers, decision.Approver)
	chat := decision.Channel == incident.ChannelChat && decision.Verb == incident.Reject
	return (person || chat) &&
		decision.Refusal == "" &&
		decision.Execution == request.Execution && decision.ETag == request.ETag && decision.Hash == request.Hash &&
		decision.At.Before(request.Expires)
}

// Record is what an incident's steps say about its approval.
type Record struct {
	Request   *incident.ApprovalRequest // the last one asked; nil where nothing was asked
	Rounds    int                       // how often a further circle was asked
	Decisions []incident.Decision       // valid ones, in the order in which they were taken
	Signalled []incident.Decision       // those that SSM took
	Codes     []incident.Codes          // what is kept of the codes that were sent by text message
	Withdrawn string                    // why the plan is void since the request; empty where it is not
	Written   bool                      // the change is written
	WrittenAt time.Time                 // when
	Undoing   incident.Execution        // the execution that takes the change back; its ID is empty where it is about to be started
	Undone    bool                      // the change is taken back
	TakenBack incident.TakenBack        // when the plan says that the change is taken back without asking again
	Failing   *incident.Failing         // what verify saw when it had the change taken back so; nil where it has not
	NotUndone string                    // why it was not taken back, though somebody asked; empty otherwise
	Denied    bool                      // AWS refuses who signs for an approver, and people know that
	DeniedBy  string                    // which kind of policy, where it is IAM that refuses
	Closed    bool                      // the incident has ended
}

// believed says whose word is taken for each kind of step. approve may write its own chain of steps only, so that it
// cannot ask with a smaller quorum; no other function can put an approval into the record. Everybody may withdraw: to stop
// needs no proof.
var believed = map[incident.StepKind][]string{
	incident.StepAsked:      {"respond", "verify"},
	incident.StepDecision:   {"approve"},
	incident.StepSignalled:  {"approve"},
	incident.StepDenied:     {"approve"},
	incident.StepSignedSelf: {"remediate"},
	incident.StepAskedNext:  {"respond"},
	incident.StepCoded:      {"respond"},
	incident.StepWithdrawn:  {"respond", "verify", "remediate", "approve"},
	incident.StepVoid:       {"remediate"},
	incident.StepWritten:    {"remediate"},

	incident.StepGateReject: {"verify"},

	incident.StepPlanned:      {"respond"},
	incident.StepTakingBack:   {"verify"},
	incident.StepUndoStarting: {"approve"},
	incident.StepUndoStarted:  {"approve"},
	incident.StepUndone:       {"remediate"},
	incident.StepUndoFailed:   {"remediate"},
	incident.StepClosed:       {"respond", "verify"},
}

// ReadRecord reads an incident's steps, of all writers, in any order. Each step's Writer must be the one under whose
// prefix it was found. A step that cannot be read is an error, because it might be the one that stops a write.
func ReadRecord(steps []incident.Step) (Record, error) {
	steps = slices.DeleteFunc(slices.Clone(steps), func(s incident.Step) bool { return !slices.Contains(believed[s.Kind], s.Writer) })
	slices.SortStableFunc(steps, inOrder)
	var record Record
	for _, step := range steps {
		if err := record.add(step); err != nil {
			return Record{}, fmt.Errorf("step %s/%d, %s: %w", step.Writer, step.N, step.Kind, err)
		}
	}
	return record, nil
}

// inOrder sorts by time. What was asked comes first among steps of one moment, so that a withdrawal of that moment holds.
func inOrder(a, b incident.Step) int {
	asked := func(s incident.Step) int {
		if s.Kind == incident.StepAsked {
			return 0
		}
		return 1
	}
	return cmp.Or(a.At.Compare(b.At), asked(a)-asked(b), a.N-b.N)
}

func (r *Record) add(step incident.Step) error {
	switch step.Kind {
	case incident.StepAsked:
		var request incident.ApprovalRequest
		if err := json.Unmarshal(step.Detail, &request); err != nil {
			return err
		}
		r.Request, r.Withdrawn, r.Rounds = &request, "", 0
	case incident.StepAskedNext:
		r.Rounds++
	case incident.StepCoded:
		var codes incident.Codes
		err := json.Unmarshal(step.Detail, &codes)
		r.Codes = append(r.Codes, codes)
		return err
	case incident.StepDecision, incident.StepSignedSelf:
		return appendDecision(&r.Decisions, step.Detail)
	case incident.StepGateReject:
		return r.addRejection(step.Detail)
	case incident.StepSignalled:
		return appendDecision(&r.Signalled, step.Detail)
	case incident.StepWithdrawn, incident.StepVoid:
		r.Withdrawn = cmp.Or(step.Note, "the plan is void")
	case incident.StepWritten:
		var written incident.Written
		if err := json.Unmarshal(step.Detail, &written); err != nil {
			return err
		}
		r.Written, r.WrittenAt = true, written.At
	case incident.StepClosed:
		r.Closed = true
	default:
		return r.addBack(step)
	}
	return nil
}

// addRejection takes a reject that was given at the gate itself. Whoever writes such steps can put no approval there.
func (r *Record) addRejection(detail json.RawMessage) error {
	var said []incident.Decision
	if err := appendDecision(&said, detail); err != nil {
		return err
	}
	if said[0].Verb == incident.Reject {
		r.Decisions = append(r.Decisions, said[0])
	}
	return nil
}

// addBack takes what a step says about the way back.
func (r *Record) addBack(step incident.Step) error {
	switch step.Kind {
	case incident.StepUndoStarting, incident.StepUndoStarted:
		return json.Unmarshal(step.Detail, &r.Undoing)
	case incident.StepPlanned:
		var plan incident.Plan
		err := json.Unmarshal(step.Detail, &plan)
		r.TakenBack = plan.TakenBack
		return err
	case incident.StepTakingBack:
		r.Failing = &incident.Failing{At: step.At}
		return json.Unmarshal(step.Detail, &r.Failing.Recovery)
	case incident.StepUndone:
		r.Undone = true
	case incident.StepDenied:
		return r.addDenial(step.Detail)
	case incident.StepUndoFailed:
		r.NotUndone = step.Note
	}
	return nil
}

// addDenial takes that AWS refuses a signature, and why.
func (r *Record) addDenial(detail json.RawMessage) error {
	var signed incident.Decision
	err := json.Unmarshal(detail, &signed)
	r.Denied, r.DeniedBy = true, signed.Refusal
	return err
}

func appendDecision(decisions *[]incident.Decision, detail json.RawMessage) error {
	var decision incident.Decision
	if err := json.Unmarshal(detail, &decision); err != nil {
		return err
	}
	*decisions = append(*decisions, decision)
	return nil
}

// Tally counts, with the stack's approvers as they are now: who has left the list since does not count. A request that
// was withdrawn, or never made, is never approved.
func (r Record) Tally(approvers []incident.Approver, now time.Time) Tally {
	if r.Request == nil {
		return Tally{Need: 1, Why: "nothing was asked"}
	}
	request := *r.Request
	current := Names(approvers)
	request.Approvers = slices.DeleteFunc(slices.Clone(request.Approvers), func(name string) bool { return !slices.Contains(current, name) })
	tally := Count(request, r.Decisions, now)
	if r.Withdrawn != "" && !tally.Rejected {
		tally.Approved, tally.Why = false, "withdrawn: "+r.Withdrawn
	}
	return tally
}

// Waits says whether a person is not asked yet: those of a later circle have no tickets until all before stayed silent.
func (r Record) Waits(name string) bool {
	if r.Request == nil {
		return false
	}
	circle := slices.IndexFunc(r.Request.Circles, func(names []string) bool { return slices.Contains(names, name) })
	return circle > r.Rounds
}
