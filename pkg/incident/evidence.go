// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package incident

import (
	"encoding/json"
	"time"
)

// Evidence is what AWS answered around one alarm, understood: docs/recorded-incident.md as values. A source that is not
// in Read was not read; what it would have said is unknown, never zero.
type Evidence struct {
	Distribution string    `json:"distribution"`
	Account      string    `json:"account,omitempty"`
	AlarmAt      time.Time `json:"alarmAt"`
	CollectedAt  time.Time `json:"collectedAt"`
	AlarmMetric  string    `json:"alarmMetric,omitempty"` // 5xxErrorRate or 503ErrorRate
	Read         []string  `json:"read,omitempty"`        // sources that were read, as metrics/eu-west-1, sorted
	Gaps         []Gap     `json:"gaps,omitempty"`        // sources that could not be read, wholly or in part

	Live          Configuration   `json:"live"`
	Baseline      *Configuration  `json:"baseline,omitempty"` // the last known good one
	Series        []Series        `json:"series,omitempty"`
	Calls         []Call          `json:"calls,omitempty"` // what CloudTrail reports, oldest first
	Quotas        []QuotaValue    `json:"quotas,omitempty"`
	Health        []HealthEvent   `json:"health,omitempty"`      // each event once, as its latest update says; no backup copies
	Logs          *Logs           `json:"logs,omitempty"`        // nil: not read
	StagingLogs   *Logs           `json:"stagingLogs,omitempty"` // of the staging distribution, where its objects are there
	LoadBalancers []LoadBalancer  `json:"loadBalancers,omitempty"`
	Lambda        []LambdaRegion  `json:"lambda,omitempty"`
	EdgeFunctions []EdgeFunction  `json:"edgeFunctions,omitempty"` // CloudFront Functions, the LIVE stage
	Staging       *Staging        `json:"staging,omitempty"`
	WebACLs       []WebACL        `json:"webAcls,omitempty"` // of what stands behind the origins, one a resource that was asked about
	WAF           *WAFLog         `json:"waf,omitempty"`     // nil: not read
	Probe         *Probe          `json:"probe,omitempty"`   // nil: not read, or empty
	Probes        []Probe         `json:"probes,omitempty"`  // every try, in order, where more than one was kept; Probe is one of them
	Trigger       json.RawMessage `json:"-"`                 // as it was delivered
	FailedCalls   []FailedCall    `json:"failed,omitempty"`  // our own calls that failed, for AWS Support
	// Findings are what gathering itself came upon: tries of one request, or of one call of ours, that were answered differently.
	Findings []Fact `json:"findings,omitempty"`
}

// Configuration is a distribution's configuration with what surrounds it. Config is the DistributionConfig's JSON.
type Configuration struct {
	ID         string          `json:"id,omitempty"`
	ARN        string          `json:"arn,omitempty"`
	DomainName string          `json:"domainName,omitempty"`
	Status     string          `json:"status,omitempty"` // Deployed or InProgress
	ETag       string          `json:"etag,omitempty"`
	ModifiedAt time.Time       `json:"modifiedAt,omitzero"`
	Config     json.RawMessage `json:"config,omitempty"`
}

// Series is one metric that was asked for, with its answer in ascending order. No points: asked, and no data.
type Series struct {
	Region     string            `json:"region"`
	Namespace  string            `json:"namespace"`
	Name       string            `json:"name"`
	Stat       string            `json:"stat"`
	Period     time.Duration     `json:"period"`
	Dimensions map[string]string `json:"dimensions,omitempty"`
	Points     []Point           `json:"points,omitempty"`
	Partial    bool              `json:"partial,omitempty"` // CloudWatch says that more exists
}

// Point is one value of a series.
type Point struct {
	At    time.Time `json:"at"`
	Value float64   `json:"value"`
}

// Call is one API call that CloudTrail reports.
type Call struct {
	ID         string         `json:"id"`
	Name       string         `json:"name"`   // without an API version's suffix: DeleteFunction, not DeleteFunction20150331
	Source     string         `json:"source"` // the service, as cloudfront.amazonaws.com
	Region     string         `json:"region"`
	At         time.Time      `json:"at"`
	By         string         `json:"by,omitempty"` // the caller's ARN
	ReadOnly   bool           `json:"readOnly,omitempty"`
	ErrorCode  string         `json:"errorCode,omitempty"` // empty: it succeeded
	Message    string         `json:"message,omitempty"`
	Parameters map[string]any `json:"parameters,omitempty"` // requestParameters
	Response   map[string]any `json:"response,omitempty"`   // responseElements
}

// QuotaValue is a service quota as Service Quotas prints it.
type QuotaValue struct {
	Region     string  `json:"region"`
	Service    string  `json:"service"`
	Code       string  `json:"code,omitempty"`
	Name       string  `json:"name"`
	Value      float64 `json:"value"`
	Unit       string  `json:"unit,omitempty"`
	Adjustable bool    `json:"adjustable,omitempty"`
}

// Logs are the distribution's standard logs as counts.
type Logs struct {
	Objects int        `json:"objects"`
	Rows    int64      `json:"rows"`
	Damaged int64      `json:"damaged,omitempty"` // rows that could not be understood
	First   time.Time  `json:"first,omitzero"`
	Last    time.Time  `json:"last,omitzero"`
	Groups  []LogGroup `json:"groups,omitempty"` // the largest first
}

// LogGroup are the rows that have status and result types in common.
type LogGroup struct {
	Status         int             `json:"status"` // sc-status; 0 where the viewer left before the response
	Result         string          `json:"result"`
	ResponseResult string          `json:"responseResult,omitempty"`
	Detailed       string          `json:"detailed,omitempty"`
	Count          int64           `json:"count"`
	FirstByte      Histogram       `json:"firstByte"` // time-to-first-byte
	Minutes        []MinuteCount   `json:"minutes,omitempty"`
	Edges          Tally           `json:"edges"`
	Behaviors      Tally           `json:"behaviors"`
	Clients        Tally           `json:"clients"`        // failing rows only, as the rest below
	Paths          Tally           `json:"paths"`          // cs-uri-stem
	Methods        Tally           `json:"methods"`        // cs-method
	Hosts          Tally           `json:"hosts"`          // x-host-header
	ContentTypes   Tally           `json:"contentTypes"`   // sc-content-type
	ContentLengths Tally           `json:"contentLengths"` // sc-content-len
	Origins        Tally           `json:"origins"`        // r-host, where the log has it
	Reasons        Tally           `json:"reasons"`        // sr-reason, where the log has it
	Requests       []LoggedRequest `json:"requests,omitempty"`
}

// Histogram holds durations: Bounds[i] is the upper bound of Counts[i] in seconds, the last count has none.
type Histogram struct {
	Counts [16]int64 `json:"counts"`
	Total  int64     `json:"total"`
}

// HistogramBounds are the upper bounds of a Histogram's counts in seconds, but for the last count.
var HistogramBounds = [15]float64{0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 4.5, 9, 19, 28, 31.5}

// MinuteCount is how many rows ended in a minute.
type MinuteCount struct {
	At    time.Time `json:"at"`
	Count int64     `json:"count"`
}

// Tally counts distinct values: the most frequent ones, bounded, and how many rows were counted at all.
type Tally struct {
	Top      []Count `json:"top,omitempty"` // the most frequent first
	Distinct int     `json:"distinct,omitempty"`
	Total    int64   `json:"total,omitempty"`
}

// Count is one value of a Tally.
type Count struct {
	Value string `json:"value"`
	Count int64  `json:"count"`
}

// LoggedRequest is a failing request as a log names it, for AWS Support.
type LoggedRequest struct {
	ID     string    `json:"id"` // x-edge-request-id, which the viewer sees as x-amz-cf-id
	At     time.Time `json:"at"`
	Edge   string    `json:"edge"`
	Status int       `json:"status"`
	Path   string    `json:"path"`
}

// LoadBalancer is a load balancer of any generation with its state.
type LoadBalancer struct {
	Region       string        `json:"region"`
	Type         string        `json:"type"` // application, network, gateway or classic
	Name         string        `json:"name"`
	ARN          string        `json:"arn,omitempty"`
	DNSName      string        `json:"dnsName"`
	State        string        `json:"state,omitempty"`
	Rules        []Rule        `json:"rules,omitempty"` // of all its listeners, default actions included
	TargetGroups []TargetGroup `json:"targetGroups,omitempty"`
	Instances    []Target      `json:"instances,omitempty"` // classic only
	StatesRead   bool          `json:"statesRead,omitempty"`
}

// Rule is one rule of a listener.
type Rule struct {
	ARN          string          `json:"arn,omitempty"`
	ListenerARN  string          `json:"listenerArn,omitempty"`
	Default      bool            `json:"default,omitempty"`
	Conditions   []RuleCondition `json:"conditions,omitempty"`
	Action       string          `json:"action"` // forward, fixed-response, redirect …
	FixedStatus  int             `json:"fixedStatus,omitempty"`
	TargetGroups []string        `json:"targetGroups,omitempty"` // ARNs it forwards to with a weight above zero
	MutualTLS    bool            `json:"mutualTls,omitempty"`    // the listener verifies client certificates
}

// RuleCondition is one condition of a rule.
type RuleCondition struct {
	Field  string   `json:"field"` // path-pattern, host-header …
	Values []string `json:"values,omitempty"`
}

// TargetGroup is a target group with the health of its targets.
type TargetGroup struct {
	ARN     string   `json:"arn"`
	Targets []Target `json:"targets,omitempty"`
	Read    bool     `json:"read,omitempty"` // the targets' health was read: no targets then means none
}

// Target is one target or, of a classic load balancer, one instance.
type Target struct {
	ID     string `json:"id"`
	State  string `json:"state"` // healthy, unhealthy, unused …; InService or OutOfService
	Reason string `json:"reason,omitempty"`
}

// LambdaRegion is Lambda's state in a Region.
type LambdaRegion struct {
	Region          string               `json:"region"`
	Functions       []LambdaFunction     `json:"functions,omitempty"`
	Missing         []string             `json:"missing,omitempty"` // ARNs that answered ResourceNotFoundException
	Roles           map[string]*RoleRead `json:"roles,omitempty"`   // by ARN; nil: the role does not exist
	Concurrency     float64              `json:"concurrency,omitempty"`
	Unreserved      float64              `json:"unreserved,omitempty"`
	HasAccountLimit bool                 `json:"hasAccountLimit,omitempty"`
}

// LambdaFunction is one version of a function.
type LambdaFunction struct {
	Name       string  `json:"name"`
	ARN        string  `json:"arn"` // qualified
	Role       string  `json:"role"`
	Timeout    float64 `json:"timeout"` // seconds
	MemoryMB   int     `json:"memoryMb,omitempty"`
	State      string  `json:"state,omitempty"`
	StateCode  string  `json:"stateCode,omitempty"`
	LastUpdate string  `json:"lastUpdate,omitempty"`
}

// RoleRead is what a role's trust policy says.
type RoleRead struct {
	TrustsEdge   bool `json:"trustsEdge"`   // edgelambda.amazonaws.com may assume it
	TrustsLambda bool `json:"trustsLambda"` // lambda.amazonaws.com may assume it
	Readable     bool `json:"readable"`     // the trust policy was there and could be understood
}

// EdgeFunction is the LIVE stage of a CloudFront Function.
type EdgeFunction struct {
	Name        string    `json:"name"`
	ModifiedAt  time.Time `json:"modifiedAt,omitzero"`
	Tested      bool      `json:"tested"`
	Error       string    `json:"error,omitempty"` // TestFunction's FunctionErrorMessage
	Utilization float64   `json:"utilization"`     // percent of the time limit; -1 where the test does not say
	Output      string    `json:"output,omitempty"`
	Logs        []string  `json:"logs,omitempty"`
}

// Staging is a continuous-deployment policy with its staging distribution.
type Staging struct {
	PolicyID     string         `json:"policyId,omitempty"`
	Enabled      bool           `json:"enabled"`
	Weight       float64        `json:"weight,omitempty"` // share of the traffic, from 0 to 0.15
	Header       string         `json:"header,omitempty"` // requests with this header go there
	Domains      []string       `json:"domains,omitempty"`
	Distribution *Configuration `json:"distribution,omitempty"`
}

// WAFLog are AWS WAF's log records as counts.
type WAFLog struct {
	Records int64      `json:"records"`
	Damaged int64      `json:"damaged,omitempty"`
	Groups  []WAFGroup `json:"groups,omitempty"`
}

// WebACL says what AWS WAF can answer in the place of a load balancer or of an API's stage.
type WebACL struct {
	Region     string   `json:"region"`
	Resource   string   `json:"resource"`             // the ARN
	ARN        string   `json:"arn,omitempty"`        // empty: no web ACL is associated
	Name       string   `json:"name,omitempty"`       // of the web ACL
	Answers503 []string `json:"answers503,omitempty"` // the rules that block with 503
	Groups     bool     `json:"groups,omitempty"`     // some of its rules are groups, whose answers are not told
}

// WAFGroup are the records that have all of this in common.
type WAFGroup struct {
	WebACL string        `json:"webAcl,omitempty"`
	Source string        `json:"source"` // CF, ALB, APIGW …
	ID     string        `json:"id"`     // the protected resource, as the distribution's id
	Rule   string        `json:"rule"`
	Action string        `json:"action"`
	Status int           `json:"status,omitempty"` // responseCodeSent
	Count  int64         `json:"count"`
	Minute []MinuteCount `json:"minutes,omitempty"`
}

// Probe is the answer to one request for a failing URL. It speaks only for the edge that it reached.
type Probe struct {
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers,omitempty"` // names in lower case
	Body    string            `json:"body,omitempty"`    // bounded
	Cut     bool              `json:"cut,omitempty"`     // the record holds less than was sent: what is not in it may have been there
	URL     string            `json:"url,omitempty"`     // what was asked for, where the record says so
	At      time.Time         `json:"at,omitzero"`       // when it was answered, where the record says so
}

// FailedCall is a call of our own that failed, as AWS Support asks for it: never a credential, never a signed header.
type FailedCall struct {
	At         time.Time `json:"at"`
	Operation  string    `json:"operation"`            // as cloudtrail:LookupEvents
	Endpoint   string    `json:"endpoint,omitempty"`   // scheme and host as the SDK resolved them
	RequestID  string    `json:"requestId,omitempty"`  // x-amzn-requestid or x-amz-request-id
	ExtendedID string    `json:"extendedId,omitempty"` // x-amz-id-2, or x-amz-cf-id
	ErrorCode  string    `json:"errorCode,omitempty"`  // AWS's; "no answer" where none came
}
