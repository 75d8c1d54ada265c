// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package incident is the vocabulary: what a trigger, an incident, a diagnosis, a plan and an outcome are. Values only:
// no AWS import, no I/O. Every type survives a round trip through JSON, because S3 is where an incident lives.
package incident

import (
	"encoding/json"
	"fmt"
	"time"
)

// Pointer is the object incidents/DISTRIBUTION/current: which episode is the last one, whether it is open, and who works
// on it. It is created with If-None-Match, replaced with If-Match, and never deleted.
type Pointer struct {
	Distribution string    `json:"distribution"`
	Episode      int       `json:"episode"` // counts from 1; the incident's id is its six digits
	State        State     `json:"state"`
	OpenedAt     time.Time `json:"openedAt"` // the At of the trigger that opened it
	ClosedAt     time.Time `json:"closedAt,omitzero"`
	Lease        Lease     `json:"lease,omitzero"`
	OpenedBy     *Trigger  `json:"openedBy,omitempty"`  // the trigger that opened it: whoever takes over starts from here
	EndedAt      time.Time `json:"endedAt,omitzero"`    // when the last closed episode ended: its last OK, else its closing
	Outcome      *Outcome  `json:"outcome,omitempty"`   // of the last closed episode, or of one that is watched
	Watch        *Watch    `json:"watch,omitempty"`     // set while the state is watching
	RelapsedAt   time.Time `json:"relapsedAt,omitzero"` // when it failed again last, after a recovery
	// Alarms is the newest state heard of each alarm, by its ARN, or its ARN, "#" and the contributor; bounded.
	Alarms  map[string]Heard `json:"alarms,omitempty"`
	Handled []string         `json:"handled,omitempty"` // keys of the triggers handled last, newest last, bounded
	Spare   []Step           `json:"spare,omitempty"`   // steps of the last episode that their writers' chains did not take, bounded
	Nonce   string           `json:"nonce"`             // of the write that produced this object
}

// Reference names the incident that the pointer points to.
func (p Pointer) Reference() Reference {
	return Reference{Distribution: p.Distribution, ID: EpisodeID(p.Episode)}
}

// EpisodeID is the id of a distribution's n-th incident: six digits, so that ids sort.
func EpisodeID(n int) string { return fmt.Sprintf("%06d", n) }

// State of an incident.
type State string

// The states.
const (
	Open     State = "open"
	Watching State = "watching" // recovered, and looked at every hour: what fails again now belongs to this incident
	Closed   State = "closed"
)

// Ongoing reports whether the incident has not ended: what is heard of its distribution belongs to it.
func (s State) Ongoing() bool { return s == Open || s == Watching }

// Watch is the time after a recovery in which a relapse continues the incident.
type Watch struct {
	Since  time.Time `json:"since"`
	Until  time.Time `json:"until"`
	Looked time.Time `json:"looked"` // when the rate was last looked at
}

// Lease is the right to work on an incident until a time; its holder renews it before each outside effect.
type Lease struct {
	Holder string        `json:"holder,omitempty"` // one attempt of one invocation; empty: nobody works on it, and nothing was left undone
	Until  time.Time     `json:"until,omitzero"`
	Length time.Duration `json:"length,omitempty"` // what each renewal adds, in nanoseconds
}

// Dead reports whether the lease ran out, or was given up, before its work was done: somebody must take over.
func (l Lease) Dead(now time.Time) bool { return l.Holder != "" && !now.Before(l.Until) }

// Heard is an alarm's newest state.
type Heard struct {
	State string    `json:"state"`
	At    time.Time `json:"at"` // the state's time
}

// Step is one entry of an incident's record: appended under If-None-Match, never changed, and chained by hash to the
// step before it of the same writer.
type Step struct {
	N        int             `json:"n"`
	Writer   string          `json:"writer"` // respond, approve, remediate, verify
	Kind     StepKind        `json:"kind"`
	Key      string          `json:"key,omitempty"` // of what may be noted only once by this writer
	At       time.Time       `json:"at"`
	Note     string          `json:"note,omitempty"` // one sentence for people
	Detail   json.RawMessage `json:"detail,omitempty"`
	Nonce    string          `json:"nonce"`
	Previous string          `json:"previous,omitempty"` // the hash of this writer's previous step
	Hash     string          `json:"hash"`               // SHA-256 over this step's canonical JSON without Hash, in hex
}

// Read decodes the step's detail.
func (s Step) Read(detail any) error {
	if err := json.Unmarshal(s.Detail, detail); err != nil {
		return fmt.Errorf("step %s/%d, %s: %w", s.Writer, s.N, s.Kind, err)
	}
	return nil
}

// StepKind says what happened.
type StepKind string

// The kinds of step, with the type that Detail has where it has one.
const (
	StepOpened       StepKind = "opened"       // Trigger
	StepHeard        StepKind = "heard"        // Trigger: told again, or the alarm is OK
	StepTakenOver    StepKind = "taken-over"   // Lease of the new holder, after the one before died
	StepSnapshot     StepKind = "snapshot"     // Snapshot, without Config
	StepEvidence     StepKind = "evidence"     // []Gap
	StepDiagnosed    StepKind = "diagnosed"    // Diagnosis
	StepPlanned      StepKind = "planned"      // Plan
	StepStarting     StepKind = "starting"     // Execution with no ID: the start is about to be asked for
	StepStarted      StepKind = "started"      // Execution
	StepAsked        StepKind = "asked"        // ApprovalRequest, without tickets
	StepAskedNext    StepKind = "asked-next"   // names: the next circle, as those before stay silent
	StepTold         StepKind = "told"         // Message: it left
	StepUntold       StepKind = "untold"       // Message: it failed and is due again
	StepDecision     StepKind = "decision"     // Decision, valid
	StepRefused      StepKind = "refused"      // Decision, refused
	StepSignalled    StepKind = "signalled"    // Decision that SSM took
	StepSignedSelf   StepKind = "signed-self"  // Decision that its person gave the gate, without a ticket
	StepGateReject   StepKind = "gate-reject"  // Decision: that its person rejected at the gate, without a ticket
	StepDenied       StepKind = "denied"       // Decision: people know that AWS refuses who signs for its approver
	StepSlot         StepKind = "slot"         // Execution that owns the incident's slot
	StepWriting      StepKind = "writing"      // Written, about to be asked for
	StepWritten      StepKind = "written"      // Written
	StepVoid         StepKind = "void"         // nothing of ours was written, and why
	StepDeployed     StepKind = "deployed"     // the edges have it
	StepEscalated    StepKind = "escalated"    // nobody answered in time
	StepWithdrawn    StepKind = "withdrawn"    // the plan is void: no approval counts any more
	StepSecondLook   StepKind = "second-look"  // Diagnosis
	StepRecovery     StepKind = "recovery"     // Recovery
	StepWatched      StepKind = "watched"      // Recovery: an hourly look of the watch that says something new
	StepRelapsed     StepKind = "relapsed"     // Recovery: it fails again; After is since the last look
	StepPublished    StepKind = "published"    // Message: the page stands in the team's wiki
	StepUnpublished  StepKind = "unpublished"  // Message: the wiki did not take the page
	StepOfferWayBack StepKind = "offered-back" // Plan
	StepEnded        StepKind = "ended"        // the execution ended; Execution
	StepDeclined     StepKind = "declined"     // remediate refused an execution that is not the incident's; Execution
	StepClosed       StepKind = "closed"       // Outcome
)

// Snapshot is a distribution's configuration at one moment, kept in S3.
type Snapshot struct {
	Distribution string            `json:"distribution"`
	ARN          string            `json:"arn,omitempty"`
	DomainName   string            `json:"domainName,omitempty"`
	Status       string            `json:"status,omitempty"` // InProgress or Deployed
	ETag         string            `json:"etag"`
	SHA256       string            `json:"sha256"` // of the canonical configuration, in hex
	ModifiedAt   time.Time         `json:"modifiedAt,omitzero"`
	TakenAt      time.Time         `json:"takenAt"`
	Tags         map[string]string `json:"tags,omitempty"`
	Restorable   bool              `json:"restorable"`          // false where this SDK would lose elements
	Unknown      []string          `json:"unknown,omitempty"`   // the XML elements that it would lose
	Key          string            `json:"key,omitempty"`       // where this object lies
	ConfigKey    string            `json:"configKey,omitempty"` // where the bare configuration lies, as the AWS CLI takes it
	VersionID    string            `json:"versionId,omitempty"` // of ConfigKey
	Config       json.RawMessage   `json:"config,omitempty"`    // canonical JSON of the DistributionConfig, no nulls
	Raw          string            `json:"raw,omitempty"`       // CloudFront's XML as it came, where Restorable is false
	Gaps         []Gap             `json:"gaps,omitempty"`      // what it points to and could not be read
	Pointed      []Pointed         `json:"pointed,omitempty"`   // what it points to and could be kept
	KnownGood    bool              `json:"knownGood,omitempty"` // it has served healthily for a while
	After        *Change           `json:"after,omitempty"`     // the change that produced it, where one is known
}

// Plan is what would be done, or why nothing is.
type Plan struct {
	Cause        Cause         `json:"cause"`
	Confidence   float64       `json:"confidence"`
	Distribution string        `json:"distribution"`
	Remedy       string        `json:"remedy,omitempty"`   // restore-distribution, request-quota-increase; empty: tell only
	Runbook      string        `json:"runbook,omitempty"`  // the SSM document's logical name, as RestoreDistribution
	TellOnly     string        `json:"tellOnly,omitempty"` // why nothing will be touched; empty where there is a runbook
	ETag         string        `json:"etag,omitempty"`     // of the live configuration that the change was computed on
	Difference   []FieldChange `json:"difference,omitempty"`
	Hash         string        `json:"hash,omitempty"` // SHA-256 of what would be changed, in hex: what an approval is bound to
	Base         *ConfigRef    `json:"base,omitempty"` // right after the blamed change; nil: no merge, only the blamed fields
	Ours         *ConfigRef    `json:"ours,omitempty"` // the known good
	Quota        *QuotaRequest `json:"quota,omitempty"`
	Recipe       *Recipe       `json:"recipe,omitempty"`  // of a remedy that is neither a merge nor a request
	Does         string        `json:"does,omitempty"`    // a clause: what would be done, as "fail over from a to b"
	Exposes      []string      `json:"exposes,omitempty"` // one sentence each: what the change takes off that may protect something
	Shared       []string      `json:"shared,omitempty"`  // one sentence each: what else uses the thing that changes
	Limits       []string      `json:"limits,omitempty"`  // one sentence each: what the change cannot help, and where it may touch
	Reaches      string        `json:"reaches,omitempty"` // one sentence: how long until all viewers get it
	Scope        string        `json:"scope,omitempty"`   // one sentence: which account and distribution it touches, and by what leave
	Silence      string        `json:"silence,omitempty"` // one sentence: what happens where nobody answers
	WayBack      string        `json:"wayBack,omitempty"` // one sentence
	TakenBack    TakenBack     `json:"takenBack,omitempty"`
	Affects      string        `json:"affects,omitempty"` // one sentence: requests a minute, host names
	Approvals    int           `json:"approvals,omitempty"`
	BlamedBy     *BlamedEvent  `json:"blamed,omitempty"`
	Advice       []string      `json:"advice,omitempty"` // what people should do instead, or as well
}

// ConfigRef names one stored configuration, exactly.
type ConfigRef struct {
	Key       string `json:"key"`
	VersionID string `json:"versionId,omitempty"`
	SHA256    string `json:"sha256"`
	ETag      string `json:"etag,omitempty"`
}

// FieldChange is one field of a configuration: where it stands, what it holds and what it would hold.
type FieldChange struct {
	Path string          `json:"path"`           // as Origins/Items/[Id=web]/DomainName
	From json.RawMessage `json:"from,omitempty"` // absent: the field does not exist
	To   json.RawMessage `json:"to,omitempty"`   // absent: the field goes away
}

// QuotaRequest is an increase to ask of Service Quotas.
type QuotaRequest struct {
	Service string  `json:"service"`
	Code    string  `json:"code"`
	Name    string  `json:"name"`
	Region  string  `json:"region"`
	Current float64 `json:"current"`
	Desired float64 `json:"desired"`
}

// Execution is one run of a runbook.
type Execution struct {
	ID        string    `json:"id,omitempty"`
	Document  string    `json:"document"`
	Version   string    `json:"version,omitempty"`
	Token     string    `json:"token,omitempty"`
	Status    string    `json:"status,omitempty"`
	StartedAt time.Time `json:"startedAt,omitzero"`
}

// ApprovalRequest is what approvers are asked: everything that a ticket is bound to. It holds no ticket.
type ApprovalRequest struct {
	Incident     Reference `json:"incident"`
	Execution    string    `json:"execution"`
	Step         string    `json:"step"`
	Distribution string    `json:"distribution"`
	ETag         string    `json:"etag"`
	Hash         string    `json:"hash"`
	Expires      time.Time `json:"expires"`
	Approvers    []string  `json:"approvers"` // names; never who asked for the change
	Required     int       `json:"required"`
	// Circles are the approvers in the order in which they are asked: the next when those before stay silent.
	Circles [][]string `json:"circles,omitempty"`
	AskedBy string     `json:"askedBy,omitempty"` // the ARN of the person who opened the incident; empty where an alarm did
}

// Verb is what an approver says.
type Verb string

// The verbs.
const (
	Approve Verb = "approve"
	Reject  Verb = "reject"
)

// Decision is one approver's answer, as it was taken or refused.
type Decision struct {
	Approver  string    `json:"approver"` // the owner of the topic through which it came
	Verb      Verb      `json:"verb"`
	Reason    string    `json:"reason,omitempty"`
	MessageID string    `json:"messageId"`
	Channel   Channel   `json:"channel"`
	Through   string    `json:"through,omitempty"` // what established the name: the topic and who may publish to it, the number, the session
	At        time.Time `json:"at"`
	Ticket    string    `json:"ticket,omitempty"` // the ticket's text: its MAC is the proof that remediate checks again
	// Code is the proof where the answer came by text message; then there is no ticket.
	Code      *CodeProof `json:"code,omitempty"`
	Execution string     `json:"execution,omitempty"`
	Hash      string     `json:"hash,omitempty"`
	ETag      string     `json:"etag,omitempty"`
	Refusal   string     `json:"refusal,omitempty"` // why it does not count
}

// Written is one write to AWS by remediate.
type Written struct {
	Execution string    `json:"execution"`
	Action    string    `json:"action"` // apply, restore, quota, publish, trust, evidence
	FromETag  string    `json:"fromEtag,omitempty"`
	ToETag    string    `json:"toEtag,omitempty"`
	Hash      string    `json:"hash,omitempty"`
	RequestID string    `json:"requestId,omitempty"` // of the quota request
	At        time.Time `json:"at"`
	Note      string    `json:"note,omitempty"`  // one sentence: what else people should know of it
	Found     bool      `json:"found,omitempty"` // it was there already: ours whose answer was lost, or an open quota request
	// Created names what an evidence write has made, each as its kind and name: only that is taken away on the way back.
	Created []string `json:"created,omitempty"`
}

// Message is one message to people.
type Message struct {
	Kind   string `json:"kind"` // ask, tell, outcome, escalation …
	To     string `json:"to"`   // a topic's ARN
	ID     string `json:"id,omitempty"`
	Error  string `json:"error,omitempty"`
	Tries  int    `json:"tries,omitempty"`
	Digest string `json:"digest,omitempty"` // so that the same message is not sent twice
}

// Recovery is the comparison of before and after.
type Recovery struct {
	State    RecoveryState `json:"state"`
	Why      string        `json:"why"`
	Before   float64       `json:"before"` // percent of requests that failed
	After    float64       `json:"after"`
	Requests float64       `json:"requests"`          // that the "after" rests on
	Failing  bool          `json:"failing,omitempty"` // enough requests fail to be sure that it has not recovered
}

// RecoveryState is what the comparison says.
type RecoveryState string

// The states of recovery.
const (
	Recovered RecoveryState = "recovered"
	NotYet    RecoveryState = "not-yet"
	Worse     RecoveryState = "worse"
)

// Outcome is how an incident ended.
type Outcome struct {
	Result string `json:"result"` // changed, undone, requested, denied, switched-on, told, rejected, silent, void, failed
	Why    string `json:"why"`
}

// Approver is a person who may approve.
type Approver struct {
	Name      string `json:"name"`      // 2–64 of [\w+=,.@-]; also the session's name
	Channel   string `json:"channel"`   // where the person is told: the ARN of the topic of messages to them
	Principal string `json:"principal"` // the IAM user's or role's ARN that may publish to the reply topic
	Topic     string `json:"topic"`     // the reply topic's ARN
	Circle    int    `json:"circle"`    // when the person is asked: 1 at once, the next when all before stay silent
	Phone     string `json:"-"`         // the number, as +14255550182, whose texts are the person's; empty: none. It is written nowhere
}
