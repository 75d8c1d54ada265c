// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package incident

import "time"

// Kind says what a delivery tells.
type Kind string

// The kinds of trigger.
const (
	KindAlarm     Kind = "alarm"     // an alarm changed its state
	KindHealth    Kind = "health"    // an AWS Health event
	KindChange    Kind = "change"    // a write that CloudTrail reports
	KindExecution Kind = "execution" // an SSM Automation execution or step changed its status
	KindReply     Kind = "reply"     // an approver answered
	KindSweep     Kind = "sweep"     // the schedule: look at everything that is due
	KindResume    Kind = "resume"    // the sweep asks to take over an incident whose holder died
	KindTakeBack  Kind = "take-back" // verify asks to take a change back, as its plan says
	KindOpen      Kind = "open"      // a person asks to open an incident, through cf503
)

// Channel says how a delivery came.
type Channel string

// The channels.
const (
	ChannelLambda      Channel = "lambda"      // invoked directly: an alarm's Lambda action, cf503, the sweep
	ChannelEventBridge Channel = "eventbridge" // a rule of the default bus
	ChannelSNS         Channel = "sns"         // a topic's subscription
	ChannelSMS         Channel = "sms"         // a text message to the stack's number, which SNS hands on
	ChannelChat        Channel = "chat"        // a chat's button, through the topic that may only reject
	ChannelGate        Channel = "gate"        // a signal that a person gave the gate in SSM in an own session
)

// Trigger is one delivery, understood: what happened, to which distribution, since when, and how it came.
// Exactly one of the pointers is set, the one of Kind; a sweep has none.
type Trigger struct {
	Kind    Kind      `json:"kind"`
	Channel Channel   `json:"channel"`
	Key     string    `json:"key"` // the same for every delivery of the same fact; for an alarm its ARN, "@" and the state's time
	At      time.Time `json:"at"`  // when the fact came to be (for an alarm the state's time), never when it was delivered
	Account string    `json:"account,omitempty"`
	Region  string    `json:"region,omitempty"`
	By      string    `json:"by,omitempty"` // Open: the ARN of the person who asks, as their command says

	Alarm     *Alarm           `json:"alarm,omitempty"`
	Health    *HealthEvent     `json:"health,omitempty"`
	Change    *Change          `json:"change,omitempty"`
	Execution *ExecutionStatus `json:"execution,omitempty"`
	Reply     *Reply           `json:"reply,omitempty"`
	Wish      *Wish            `json:"wish,omitempty"`   // Open: what the person asks to have put back; with Resume
	Resume    *Reference       `json:"resume,omitempty"` // Resume: take over; TakeBack: this incident's; Open: the distribution, with an ID where this incident is to give way to a new one
}

// Alarm is an alarm's change of state.
type Alarm struct {
	ARN            string    `json:"arn"`
	Name           string    `json:"name"`
	Description    string    `json:"description,omitempty"`
	State          string    `json:"state"` // OK, ALARM or INSUFFICIENT_DATA
	Previous       string    `json:"previous,omitempty"`
	StateAt        time.Time `json:"stateAt"`
	Since          time.Time `json:"since"`                    // the first breaching datapoint where the event tells it, else StateAt
	Reason         string    `json:"reason,omitempty"`         // as CloudWatch words it
	Distributions  []string  `json:"distributions,omitempty"`  // ids that the alarm's metrics name; none for a composite
	Metric         string    `json:"metric,omitempty"`         // the CloudFront metric, as 503ErrorRate
	Children       []string  `json:"children,omitempty"`       // names or ARNs of a composite's children, to be looked up
	Triggering     []string  `json:"triggering,omitempty"`     // ARNs of the children whose ALARM made a composite's, where the event tells
	Contributor    string    `json:"contributor,omitempty"`    // the time series, of an alarm whose series change state one by one
	Silenced       string    `json:"silenced,omitempty"`       // why this alarm must start nothing: muted, suppressed; empty where it may
	ActionsEnabled *bool     `json:"actionsEnabled,omitempty"` // nil where the delivery does not say (EventBridge never does)
}

// HealthEvent is an AWS Health event as EventBridge delivers it.
type HealthEvent struct {
	ARN             string    `json:"arn"`
	CommunicationID string    `json:"communicationId,omitempty"`
	Service         string    `json:"service"`
	Type            string    `json:"type"`     // eventTypeCode
	Category        string    `json:"category"` // issue, accountNotification, scheduledChange, investigation
	Status          string    `json:"status"`   // open, closed, upcoming
	Region          string    `json:"region"`   // the affected one, not the delivery's
	Start           time.Time `json:"start"`
	Updated         time.Time `json:"updated"`
	End             time.Time `json:"end,omitzero"`
	Backup          bool      `json:"backup,omitempty"` // the copy that goes to the backup Region
	Description     string    `json:"description,omitempty"`
}

// Change is a write that CloudTrail reports.
type Change struct {
	EventID      string    `json:"eventId"`
	Source       string    `json:"source"` // cloudfront.amazonaws.com
	Name         string    `json:"name"`   // UpdateDistribution, without an API version's suffix
	At           time.Time `json:"at"`
	By           string    `json:"by"` // the ARN of who did it
	Distribution string    `json:"distribution,omitempty"`
	ETag         string    `json:"etag,omitempty"` // the one that the change produced
	ErrorCode    string    `json:"errorCode,omitempty"`
}

// ExecutionStatus is what one of SSM's two Automation status events says. It is best effort, and no proof of an approval.
type ExecutionStatus struct {
	ExecutionID string `json:"executionId"`
	Document    string `json:"document"`
	Version     string `json:"version"`
	Step        string `json:"step,omitempty"` // empty in an execution's own event
	Action      string `json:"action,omitempty"`
	Status      string `json:"status"`
}

// Reply is what came through a topic. The topic says who sent it; the text is a claim.
type Reply struct {
	TopicARN  string `json:"topicArn"`
	MessageID string `json:"messageId"`
	Text      string `json:"text"`
}

// Reference names an incident: the distribution and the incident's id, which is its episode's number in six digits.
type Reference struct {
	Distribution string `json:"distribution"`
	ID           string `json:"id"`
}

// String is the reference as people read it, E2EXAMPLE/000007.
func (r Reference) String() string { return r.Distribution + "/" + r.ID }
