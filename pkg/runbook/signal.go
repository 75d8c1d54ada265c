// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package runbook

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"cloudfront503/pkg/denied"
	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/lean"
	"cloudfront503/pkg/lean/ssm"
	"cloudfront503/pkg/pattern"
)

type signalling interface {
	SendAutomationSignal(context.Context, *ssm.SendAutomationSignalInput, ...func(*ssm.Options)) (*ssm.SendAutomationSignalOutput, error)
}

type assuming interface {
	AssumeRole(context.Context, *sts.AssumeRoleInput, ...func(*sts.Options)) (*sts.AssumeRoleOutput, error)
}

type gateReading interface {
	Gate(ctx context.Context, executionID string) (GateState, error)
}

// Signaller tells a gate what a person decided, in that person's name.
type Signaller struct {
	SSM   signalling  // its own credentials are not used: each call is signed by the approver's session
	STS   assuming    // with the credentials of the function
	Gates gateReading // tells, after a refusal, what it was; with the credentials of the function
	Role  string      // the ARN of the approver role

	Now   func() time.Time                           // AWS's clock; nil: a denial counts at once
	Sleep func(context.Context, time.Duration) error // nil: denied.Sleep
}

// sessionSeconds is the shortest session that STS gives; one call is signed in it.
const sessionSeconds = 900

var signalTypes = map[incident.Verb]ssm.SignalType{
	incident.Approve: ssm.SignalTypeApprove,
	incident.Reject:  ssm.SignalTypeReject,
	incident.Undo:    ssm.SignalTypeApprove, // at the gate of UndoChange
}

// Signal sends an approver's decision to the gate at which the execution waits. The comment is cut to 512 characters and
// left out where it is empty. SSM takes a signal for whichever gate waits at that moment, so that the caller looks at the
// gate first; the runbooks have one gate each.
//
// Which code SSM gives to a decision that comes too early, too late, twice, or from somebody it does not ask, is not
// documented. So the code is not asked: after a refusal the gate is read again, and the error is ErrNotWaiting
// (retryable), ErrDecided (somebody was first, or this very decision arrived before) or ErrDenied. What IAM denies counts
// only after it has been tried again for a minute, as the session is new.
func (s Signaller) Signal(ctx context.Context, approver incident.Approver, execution string, verb incident.Verb, comment string) error {
	doing := fmt.Sprintf("signal %s of %s to execution %s", verb, approver.Name, execution)
	kind, known := signalTypes[verb]
	if !known {
		return fmt.Errorf("%s: %w: unknown verb", doing, ErrPermanent)
	}
	session, err := s.session(ctx, approver.Name)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	input := &ssm.SendAutomationSignalInput{AutomationExecutionId: &execution, SignalType: kind, Payload: commentPayload(comment)}
	if err = s.send(ctx, input, session); err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, s.explain(ctx, execution, approver.Name, err))
}

// send tries again what IAM denies to the session that was just made. A denial that is not IAM's, as the gate's own of
// somebody whom it does not ask, does not pass with time and ends the tries.
func (s Signaller) send(ctx context.Context, input *ssm.SendAutomationSignalInput, session aws.CredentialsProvider) error {
	var other error
	err := s.patience().Do(ctx, func(ctx context.Context) error {
		_, err := s.SSM.SendAutomationSignal(ctx, input, func(o *ssm.Options) { o.Credentials = session })
		if ofIAM(err) {
			return err
		}
		other = err
		return nil
	})
	return errors.Join(err, other)
}

func (s Signaller) patience() denied.Patience {
	p := denied.Patience{Now: s.Now, Sleep: s.Sleep}
	if s.Now != nil {
		p.Assumed = s.Now()
	}
	if s.Sleep == nil {
		p.Sleep = denied.Sleep
	}
	return p
}

// ofIAM reports a denial that IAM has worded, which names the action or encodes it. How SSM words its own refusal of an
// approver is not documented; it need not name the action that IAM has allowed.
func ofIAM(err error) bool {
	why := denied.Of(err)
	return why.Denied && (why.Action != "" || why.Encoded != "")
}

// session is the approver role under the person's name. SourceIdentity cannot be changed afterwards, and CloudTrail
// keeps it with the signal.
func (s Signaller) session(ctx context.Context, name string) (aws.CredentialsProvider, error) {
	output, err := s.STS.AssumeRole(ctx, &sts.AssumeRoleInput{
		RoleArn: &s.Role, RoleSessionName: &name, SourceIdentity: &name, DurationSeconds: aws.Int32(sessionSeconds),
	})
	if err != nil && kindOf(err) == ErrPermanent {
		return nil, fmt.Errorf("assume %s: %w: %w: %w", s.Role, ErrPermanent, refusal(err), err)
	}
	if err != nil {
		return nil, classify("assume "+s.Role, err)
	}
	handed := aws.Credentials{
		AccessKeyID: aws.ToString(output.Credentials.AccessKeyId), SecretAccessKey: aws.ToString(output.Credentials.SecretAccessKey),
		SessionToken: aws.ToString(output.Credentials.SessionToken), CanExpire: true, Expires: aws.ToTime(output.Credentials.Expiration),
		Source: "approver session",
	}
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return handed, nil }), nil
}

// explain says what a refused signal means, from where the gate stands now.
func (s Signaller) explain(ctx context.Context, execution, name string, answer error) error {
	if lean.HasCode(answer, ssm.CodeExecutionNotFound) {
		return fmt.Errorf("%w: %w", ErrPermanent, ErrNotFound)
	}
	if kindOf(answer) == ErrRetryable {
		return classify("send", answer)
	}
	state, err := s.Gates.Gate(ctx, execution)
	if err != nil {
		return fmt.Errorf("%w: %w, and the gate could not be read: %w", ErrRetryable, answer, err)
	}
	meaning, kind := s.meaning(state, name, answer)
	return fmt.Errorf("%w: %w: %w", kind, meaning, answer)
}

func (s Signaller) meaning(state GateState, name string, answer error) (meaning, kind error) {
	arn, err := SessionARN(s.Role, name)
	switch {
	case state.Ended || state.Decided || err == nil && state.DecidedBy(arn):
		return ErrDecided, ErrPermanent
	case !state.Waiting:
		return ErrNotWaiting, ErrRetryable
	default:
		return refusal(answer), ErrPermanent
	}
}

// refusal is ErrDenied, with the kind of policy that denied where IAM tells it.
func refusal(answer error) error {
	if !ofIAM(answer) {
		return ErrDenied
	}
	return fmt.Errorf("%w: %s", ErrDenied, denied.Of(answer))
}

func commentPayload(comment string) map[string][]string {
	comment = clip(line(comment), mostValueLength)
	if comment == "" {
		return nil
	}
	return map[string][]string{"Comment": {comment}}
}

// roleARN is arn:PARTITION:iam::ACCOUNT:role/PATH/NAME.
var roleARN = pattern.Lazily(`^arn:(aws[a-z-]*):iam::([0-9]{12}):role/(?:[^/]+/)*([\w+=,.@-]{1,64})$`)

// SessionARN is the ARN of a role's session under a name, as a gate's Approvers name it:
// arn:aws:sts::111122223333:assumed-role/ROLE/NAME. A role's path does not stand in it.
func SessionARN(role, name string) (string, error) {
	parts := roleARN().FindStringSubmatch(role)
	if parts == nil {
		return "", fmt.Errorf("%q is not a role's ARN", role)
	}
	if name == "" || strings.ContainsAny(name, "/ ") {
		return "", fmt.Errorf("%q is not a session's name", name)
	}
	return fmt.Sprintf("arn:%s:sts::%s:assumed-role/%s/%s", parts[1], parts[2], parts[3], name), nil
}

// SessionARNs are the sessions of all approvers, in their order.
func SessionARNs(role string, approvers []incident.Approver) ([]string, error) {
	arns := make([]string, 0, len(approvers))
	for _, approver := range approvers {
		arn, err := SessionARN(role, approver.Name)
		if err != nil {
			return nil, err
		}
		arns = append(arns, arn)
	}
	return arns, nil
}

// Expiry is when the gate of an execution that was started at a time stops waiting; what is asked expires with it.
func Expiry(started time.Time) time.Time { return started.Add(GateTimeout).UTC().Truncate(time.Second) }
