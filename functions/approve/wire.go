// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"cloudfront503/pkg/approval"
	"cloudfront503/pkg/denied"
	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/lean/kms"
	"cloudfront503/pkg/lean/ssm"
	"cloudfront503/pkg/ledger"
	"cloudfront503/pkg/notify"
	"cloudfront503/pkg/runbook"
	"cloudfront503/pkg/settings"
)

// newHandler wires the desk to AWS.
func newHandler(s settings.Settings, cfg aws.Config, clock *settings.Clock, log *slog.Logger) (handler, error) {
	approvers, err := approval.ParseApprovers(s.Approvers)
	if err != nil {
		return handler{}, err
	}
	bucket, automation := settings.S3(cfg), ssm.NewFromConfig(cfg)
	gates := runbook.Gates{SSM: automation}
	teller := teller{settings: s, sender: notify.Sender{SNS: sns.NewFromConfig(cfg), From: s.SMSNumber}}
	record := ledger.New(bucket, s.Bucket, "approve", clock.Now)
	return handler{log: log, desk: approval.Desk{
		Approvers: approvers,
		OnCall:    s.OnCallTopic(),
		Verifier:  approval.Verifier{MACs: approval.KeyChecker{KMS: kms.NewFromConfig(cfg), Key: s.MACKey}},
		Ledger:    record,
		Incidents: record,
		States:    approval.Bucket{S3: bucket, Name: s.Bucket},
		Gate:      gate{gates},
		Signaller: runbook.Signaller{SSM: automation, STS: sts.NewFromConfig(cfg), Gates: gates, Role: s.SignerRole(), Now: clock.Now},
		WayBack:   wayBack{starter: runbook.Starter{SSM: automation}, settings: s, approvers: approvers},
		Live:      configurations{cloudfront.NewFromConfig(cfg)},
		Chat:      approval.Chat{Topic: s.ChatTopic(), Role: s.ChatRole},
		Texts:     approval.Texts{Topic: s.TextTopic(), Number: s.SMSNumber},
		Now:       clock.Now,
		Sleep:     denied.Sleep,
		Tell:      teller.tell, TellDenied: teller.denied, TellVoid: teller.void,
	}}, nil
}

// configurations are the distributions' as they are now.
type configurations struct{ edge *cloudfront.Client }

// ETag reads one's.
func (c configurations) ETag(ctx context.Context, distribution string) (string, error) {
	output, err := c.edge.GetDistributionConfig(ctx, &cloudfront.GetDistributionConfigInput{Id: &distribution})
	if err != nil {
		return "", err
	}
	return aws.ToString(output.ETag), nil
}

// gate is what the desk wants to know of an execution.
type gate struct{ gates runbook.Gates }

// Waits reports whether the execution takes decisions now, or never will again.
func (g gate) Waits(ctx context.Context, execution string) (waits, over bool, err error) {
	state, err := g.gates.Gate(ctx, execution)
	return state.Waiting, state.Decided || state.Ended, err
}

// wayBack starts the runbook that takes a change back.
type wayBack struct {
	starter   runbook.Starter
	settings  settings.Settings
	approvers []incident.Approver
}

// Start starts it, or finds the one that was started with the same token.
func (w wayBack) Start(ctx context.Context, request incident.ApprovalRequest, asApproved bool) (incident.Execution, error) {
	order, err := w.order(request, asApproved)
	if err != nil {
		return incident.Execution{}, err
	}
	return w.starter.Start(ctx, order)
}

// Find looks for one whose start was not answered.
func (w wayBack) Find(ctx context.Context, request incident.ApprovalRequest) (incident.Execution, bool, error) {
	order, err := w.order(request, false)
	if err != nil {
		return incident.Execution{}, false, err
	}
	return w.starter.Find(ctx, order, time.Time{})
}

// order names, in the gate, the sessions in which replies are signed and no others: whoever takes a change back does so
// with a ticket, or nobody does and the plan was approved so.
func (w wayBack) order(request incident.ApprovalRequest, asApproved bool) (runbook.Order, error) {
	naming := runbook.Naming{ByRole: w.settings.GateByRole, Signer: w.settings.SignerRole(), Own: w.settings.ApproverRole}
	who, err := naming.Approvers(w.approvers, 2)
	if asApproved {
		who, err = naming.AsApproved()
	}
	return runbook.Order{
		Plan:     incident.Plan{Runbook: runbook.UndoChange, Distribution: request.Distribution, ETag: request.ETag, Hash: request.Hash},
		Incident: request.Incident, Document: w.settings.Document(runbook.UndoChange), ApproverARNs: who,
		Function: w.settings.Function("remediate"), Role: w.settings.AutomationRole(),
		Message: "the change of incident " + request.Incident.String() + " is taken back",
	}, err
}

// teller words what people hear of approve, and sends it.
type teller struct {
	settings settings.Settings
	sender   notify.Sender
}

func (t teller) tell(ctx context.Context, topic string, r approval.Refusal) error {
	_, err := t.sender.Send(ctx, topic, notify.RenderRefused(notify.Refused{
		About: t.about(r.Incident),
		Owner: r.Owner, Topic: r.Topic, From: r.From, Why: r.Why, At: r.At, ID: r.MessageID, More: r.More,
	}))
	return err
}

// denied tells the approver and on-call that the gate did not take an answer, and what to do about it.
func (t teller) denied(ctx context.Context, d approval.Denied) error {
	message := notify.RenderCannotWork(notify.CannotWork{
		About: t.about(d.Incident), What: fmt.Sprintf("tell the gate that %s says %s", d.Approver.Name, d.Verb), Err: d.Err,
		Then: fmt.Sprintf("The answer is recorded, but the gate stays shut until %s and nothing is written.", d.Expires.UTC().Format(time.RFC3339)),
		Next: t.remedies(d),
	})
	return t.both(ctx, d.Approver, message)
}

// void tells the approver and on-call that no text from a number counts any more.
func (t teller) void(ctx context.Context, v approval.Voided) error {
	return t.both(ctx, v.Approver, notify.RenderCodesVoid(notify.CodesVoid{
		About: t.about(v.Incident), Owner: v.Approver.Name, From: v.From, Wrong: v.Wrong,
	}))
}

// both tells on-call and an approver.
func (t teller) both(ctx context.Context, approver incident.Approver, message notify.Message) error {
	_, atOnCall := t.sender.Send(ctx, t.settings.OnCallTopic(), message)
	_, atApprover := t.sender.Send(ctx, approver.Channel, message)
	return errors.Join(atOnCall, atApprover)
}

// remedies are what may help: where IAM denies, it is a policy and not how the gate names people. The gate that waits was
// started with its approvers and keeps them, so that the change must be planned anew afterwards.
func (t teller) remedies(d approval.Denied) []string {
	anew := fmt.Sprintf(`aws lambda invoke --function-name %s --invocation-type Event --cli-binary-format raw-in-base64-out --payload '{"cloudfront503":"open","distribution":"%s","id":"%s"}' /dev/null`,
		t.settings.Function("respond"), d.Incident.Distribution, d.Incident.ID)
	if t.settings.GateByRole || denied.Of(d.Err).Action != "" {
		return []string{"aws iam get-role --role-name " + t.settings.Stack + "-signer", anew}
	}
	return []string{
		"AWS may compare no sessions: deploy the stack " + t.settings.Stack + " with GateApprovers=role, then have the change planned anew:",
		anew,
	}
}

func (t teller) about(reference incident.Reference) notify.About {
	return notify.About{Environment: t.settings.Environment, Incident: reference, Distribution: reference.Distribution, Bucket: t.settings.Bucket}
}
