// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package runbook

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"

	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/lean"
	"cloudfront503/pkg/lean/ssm"
)

// Limits of StartAutomationExecution [botocore's model of ssm]. The SDK checks none of them.
const (
	mostValueLength = 512 // characters of a parameter's value; at least 1
	mostApprovers   = 10  // [SSM "aws:approve"]
	mostTagLength   = 256
)

// startAttempts is how often a start is tried. AWS takes one start a second from an account, so an account-wide event
// that fires many alarms at once is throttled; the SDK waits up to 20 s between tries, with jitter.
const startAttempts = 8

type starting interface {
	StartAutomationExecution(context.Context, *ssm.StartAutomationExecutionInput, ...func(*ssm.Options)) (*ssm.StartAutomationExecutionOutput, error)
}

type finding interface {
	reading
	DescribeAutomationExecutions(context.Context, *ssm.DescribeAutomationExecutionsInput, ...func(*ssm.Options)) (*ssm.DescribeAutomationExecutionsOutput, error)
}

// client is what Starter needs of SSM.
type client interface {
	starting
	finding
}

// Starter starts runbooks.
type Starter struct {
	SSM client
}

// Order is what a runbook is started with.
type Order struct {
	Plan         incident.Plan
	Incident     incident.Reference
	Document     string   // the deployed document's name, at most 128 characters, so no ARN
	Version      string   // of the document; empty is $DEFAULT
	ApproverARNs []string // who may decide, see Naming
	Message      string   // what the gate shows; cut to 512 characters
	Function     string   // the ARN of remediate
	Role         string   // the ARN of the automation's own role
}

// Start starts the runbook of an order, or finds the execution that an earlier call with the same incident and the same
// hash has started. The execution that it returns has an ID. Errors are ErrRetryable or ErrPermanent.
//
// A lost answer needs no care: the token is the same when Start is called again. How long SSM remembers a token is not
// documented, so that what keeps an incident to one execution is its slot, which the runbook's first step claims.
func (s Starter) Start(ctx context.Context, order Order) (incident.Execution, error) {
	execution := incident.Execution{Document: order.Document, Version: order.version(), Token: order.token()}
	input, err := order.input()
	if err != nil {
		return execution, fmt.Errorf("start %s for %s: %w: %w", order.Document, order.Incident, ErrPermanent, err)
	}
	output, err := s.SSM.StartAutomationExecution(ctx, input, func(o *ssm.Options) { o.RetryMaxAttempts = startAttempts })
	if lean.HasCode(err, ssm.CodeTokenReused) {
		return s.started(ctx, order, execution, err)
	}
	if err != nil {
		return execution, classify(fmt.Sprintf("start %s for %s", order.Document, order.Incident), err)
	}
	execution.ID = aws.ToString(output.AutomationExecutionId)
	return execution, nil
}

// started finds what the token was used for before, with other parameters: another message or a changed list of approvers.
func (s Starter) started(ctx context.Context, order Order, execution incident.Execution, mismatch error) (incident.Execution, error) {
	found, ok, err := s.Find(ctx, order, time.Time{})
	if err != nil {
		return execution, err
	}
	if !ok {
		return execution, classify(fmt.Sprintf("start %s for %s", order.Document, order.Incident), mismatch)
	}
	return found, nil
}

// Find looks for an execution of the order's document with the order's incident and hash that began at or after since
// (zero: at any time; SSM keeps 30 days). It is for a start of which nobody knows whether it happened, once SSM may have
// forgotten the token.
func (s Starter) Find(ctx context.Context, order Order, since time.Time) (incident.Execution, bool, error) {
	ofDocument := ssm.AutomationExecutionFilter{Key: ssm.AutomationExecutionFilterKeyDocumentNamePrefix, Values: []string{order.Document}}
	for page, err := range ssm.Executions(ctx, s.SSM, ofDocument) {
		if err != nil {
			return incident.Execution{}, false, classify(fmt.Sprintf("find the execution of %s", order.Incident), err)
		}
		for _, candidate := range page {
			found, ok, err := s.matches(ctx, order, candidate, since)
			if ok || err != nil {
				return found, ok, err
			}
		}
	}
	return incident.Execution{}, false, nil
}

// matches reads one execution, whose parameters only GetAutomationExecution tells.
func (s Starter) matches(ctx context.Context, order Order, candidate ssm.AutomationExecutionMetadata, since time.Time) (incident.Execution, bool, error) {
	if candidate.ExecutionStartTime.Or().Before(since) || aws.ToString(candidate.DocumentName) != order.Document {
		return incident.Execution{}, false, nil
	}
	id := aws.ToString(candidate.AutomationExecutionId)
	output, err := s.SSM.GetAutomationExecution(ctx, &ssm.GetAutomationExecutionInput{AutomationExecutionId: &id})
	if err != nil {
		return incident.Execution{}, false, classify("find the execution of "+order.Incident.String()+": read "+id, err)
	}
	parameters := output.AutomationExecution.Parameters
	ours := slices.Equal(parameters["IncidentId"], []string{order.Incident.String()}) && slices.Equal(parameters["Hash"], []string{order.Plan.Hash})
	return incident.Execution{
		ID: id, Document: order.Document, Version: aws.ToString(output.AutomationExecution.DocumentVersion),
		Token: order.token(), Status: string(output.AutomationExecution.AutomationExecutionStatus),
		StartedAt: output.AutomationExecution.ExecutionStartTime.Or(),
	}, ours, nil
}

// token is the same for the same runbook of the same plan: the way back is another start than the change.
func (o Order) token() string {
	if o.Plan.Runbook == UndoChange {
		return Token(o.Incident, UndoChange+" "+o.Plan.Hash)
	}
	return Token(o.Incident, o.Plan.Hash)
}

func (o Order) version() string {
	if o.Version == "" {
		return "$DEFAULT"
	}
	return o.Version
}

func (o Order) input() (*ssm.StartAutomationExecutionInput, error) {
	parameters := o.parameters()
	if err := errors.Join(o.check(), checkParameters(parameters)); err != nil {
		return nil, err
	}
	return &ssm.StartAutomationExecutionInput{
		DocumentName: &o.Document, DocumentVersion: aws.String(o.version()), Parameters: parameters,
		ClientToken: aws.String(o.token()), Tags: o.tags(),
	}, nil
}

func (o Order) check() error {
	var problems []error
	if len(o.Document) < 3 || len(o.Document) > 128 {
		problems = append(problems, fmt.Errorf("document name %q has not 3 to 128 characters", o.Document))
	}
	if n := len(o.ApproverARNs); n < 1 || n > mostApprovers {
		problems = append(problems, fmt.Errorf("%d approvers, not 1 to %d", n, mostApprovers))
	}
	if o.Plan.Runbook == RequestQuotaIncrease && o.Plan.Quota == nil {
		problems = append(problems, errors.New("the plan names no quota"))
	}
	return errors.Join(problems...)
}

// parameters are the document's. Every value is a list of strings, also of an Integer.
func (o Order) parameters() map[string][]string {
	parameters := map[string][]string{
		"IncidentId":           {o.Incident.String()},
		"DistributionId":       {o.Incident.Distribution},
		"ETag":                 {o.Plan.ETag},
		"Hash":                 {o.Plan.Hash},
		"Approvers":            slices.Clone(o.ApproverARNs),
		"MinApprovals":         {strconv.Itoa(GateApprovals)},
		"Message":              {clip(line(o.Message), mostValueLength)},
		"RemediateFunction":    {o.Function},
		"AutomationAssumeRole": {o.Role},
	}
	if quota := o.Plan.Quota; quota != nil && o.Plan.Runbook == RequestQuotaIncrease {
		parameters["QuotaService"] = []string{quota.Service}
		parameters["QuotaCode"] = []string{quota.Code}
		parameters["QuotaRegion"] = []string{quota.Region}
		parameters["QuotaDesired"] = []string{strconv.FormatFloat(quota.Desired, 'f', -1, 64)}
	}
	return parameters
}

func checkParameters(parameters map[string][]string) error {
	var problems []error
	for name, values := range parameters {
		for _, value := range values {
			if n := utf8.RuneCountInString(value); n < 1 || n > mostValueLength {
				problems = append(problems, fmt.Errorf("parameter %s has %d characters, not 1 to %d", name, n, mostValueLength))
			}
		}
	}
	slices.SortFunc(problems, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(problems...)
}

// tags are at most five at a start.
func (o Order) tags() []ssm.Tag {
	if o.Plan.Runbook == UndoChange {
		return nil // approve starts it, and may not tag: it may do no more than that
	}
	return []ssm.Tag{
		tag("cloudfront503:incident", o.Incident.String()),
		tag("cloudfront503:distribution", o.Incident.Distribution),
		tag("cloudfront503:cause", string(o.Plan.Cause)),
	}
}

// tag keeps a value to what SSM takes, [\p{L}\p{Z}\p{N}_.:/=+\-@]*.
func tag(key, value string) ssm.Tag {
	legal := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsNumber(r) || strings.ContainsRune(" _.:/=+-@", r) {
			return r
		}
		return '_'
	}, value)
	return ssm.Tag{Key: &key, Value: aws.String(clip(legal, mostTagLength))}
}

// Token is the ClientToken of an incident's plan: a UUID in the manner of version 5, but of SHA-256, so of version 8
// [RFC 9562]. The same incident and hash give the same token.
func Token(reference incident.Reference, hash string) string {
	sum := sha256.Sum256([]byte("cloudfront503\x00" + reference.Distribution + "\x00" + reference.ID + "\x00" + hash))
	sum[6] = sum[6]&0x0f | 0x80
	sum[8] = sum[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// line puts what would break a line, or steer a terminal, to spaces, and trims.
func line(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError {
			return ' '
		}
		return r
	}, s))
}

// clip cuts s to at most n characters, and says so with three dots.
func clip(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-3]) + "..."
}
