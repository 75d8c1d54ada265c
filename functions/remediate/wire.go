// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/accessanalyzer"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"

	"cloudfront503/pkg/approval"
	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/lean/kms"
	"cloudfront503/pkg/lean/logs"
	"cloudfront503/pkg/lean/ssm"
	"cloudfront503/pkg/ledger"
	"cloudfront503/pkg/remedy"
	"cloudfront503/pkg/runbook"
	"cloudfront503/pkg/settings"
	"cloudfront503/pkg/snapshot"
)

// newHandler wires the guarded write to AWS. A stack that only observes gets writes that do nothing.
func newHandler(s settings.Settings, cfg aws.Config, clock *settings.Clock, log *slog.Logger) (handler, error) {
	approvers, err := approval.ParseApprovers(s.Approvers)
	if err != nil {
		return handler{}, err
	}
	bucket, edge, quotas := settings.S3(cfg), cloudfront.NewFromConfig(cfg), servicequotas.NewFromConfig(cfg)
	switches := remedy.Switches{Edge: edge, Logs: logs.NewFromConfig(cfg), Alarms: cloudwatch.NewFromConfig(cfg)}
	record := ledger.New(bucket, s.Bucket, "remediate", clock.Now)
	snapshots := snapshot.New(edge, bucket, s.Bucket, clock.Now)
	automations := ssm.NewFromConfig(cfg)
	writer := remedy.Writer{
		Stack: remedy.Stack{
			Documents: documents(s),
			Approvers: approval.Names(approvers), Quorum: s.Quorum,
			AutomationRole: s.AutomationRole(), Distributions: s.Distributions, EdgeRoles: s.EdgeRoles, Stop: s.Stop, Texts: s.SMSNumber != "",
			TakenBack: s.TakenBack, Evidence: remedy.NewPlace(s.Stack, s.Bucket, s.OnCallTopic(), s.QuotaTopics),
		},
		Records: records{record, snapshots}, Store: objects{record}, Configs: snapshots,
		Tickets: approval.Verifier{MACs: approval.KeyChecker{KMS: kms.NewFromConfig(cfg), Key: s.MACKey}},
		SSM:     automations, Live: edge, Writes: edge, Quotas: quotas, Requests: quotas, Now: clock.Now,
		Pointed: snapshot.NewPointing(cfg), Kept: snapshots, Publishes: edge, Trusts: iam.NewFromConfig(cfg), Analyzer: accessanalyzer.NewFromConfig(cfg),
		Looks: switches, Switches: switches, Leave: leave{s, snapshots, automations},
	}
	if s.Observe {
		writer.Writes, writer.Requests, writer.Publishes, writer.Trusts = remedy.Observed{}, remedy.Observed{}, remedy.Observed{}, remedy.Observed{}
		writer.Switches = remedy.Observed{}
	}
	if err := nameApprovers(&writer.Stack, s, approvers); err != nil {
		return handler{}, err
	}
	return handler{writer: writer, ledger: record, log: log}, nil
}

// nameApprovers says how the stack's gates name its approvers.
func nameApprovers(stack *remedy.Stack, s settings.Settings, approvers []incident.Approver) (err error) {
	naming := runbook.Naming{ByRole: s.GateByRole, Signer: s.SignerRole(), Own: s.ApproverRole}
	if stack.Sessions, err = naming.Approvers(approvers, 2); err != nil {
		return err
	}
	if stack.AsApproved, err = naming.AsApproved(); err != nil {
		return err
	}
	if stack.SessionsOfOne, err = naming.Approvers(approvers, 1); err != nil {
		return err
	}
	stack.Own = map[string]string{}
	for _, approver := range approvers {
		if stack.Own[approver.Name], err = runbook.SessionARN(naming.Own(approver), approver.Name); err != nil {
			return err
		}
	}
	return nil
}

// documents are the deployed runbooks by their logical names.
func documents(s settings.Settings) map[string]string {
	deployed := map[string]string{}
	for _, name := range runbook.Names {
		deployed[name] = s.Document(name)
	}
	return deployed
}

// records reads an incident's record out of its steps.
type records struct {
	ledger    *ledger.Ledger
	snapshots *snapshot.Store
}

// Read believes each kind of step from the function that may write it, and no other.
func (r records) Read(ctx context.Context, reference incident.Reference) (remedy.Record, error) {
	steps, err := r.ledger.Steps(ctx, reference)
	if err != nil {
		return remedy.Record{}, err
	}
	asked, err := approval.ReadRecord(steps)
	if err != nil {
		return remedy.Record{}, fmt.Errorf("record of %s: %w", reference, err)
	}
	record := remedy.Record{Request: asked.Request, Decisions: asked.Decisions, Withdrawn: asked.Withdrawn, Failing: asked.Failing}
	for _, step := range steps {
		switch {
		case step.Writer == "respond":
			err = errors.Join(err, add(&record, step))
		case step.Writer == "approve" && step.Kind == incident.StepUndoStarted:
			var undoing incident.Execution
			err = errors.Join(err, step.Read(&undoing))
			record.Undoing = append(record.Undoing, undoing)
		}
	}
	if err == nil && record.Snapshot.Key != "" {
		record.Snapshot, err = r.snapshots.Load(ctx, record.Snapshot.Key, "")
	}
	if err != nil {
		return remedy.Record{}, fmt.Errorf("record of %s: %w", reference, err)
	}
	return record, nil
}

// SignedSelf notes an approval that a person gave the gate, once a person.
func (r records) SignedSelf(ctx context.Context, reference incident.Reference, decision incident.Decision) error {
	note := decision.Approver + " has signed the gate in an own session, as one approval is enough"
	_, _, err := r.ledger.AppendOnce(ctx, reference, incident.StepSignedSelf, decision.Approver, note, decision)
	return err
}

// add takes what one of respond's steps says.
func add(record *remedy.Record, step incident.Step) error {
	switch step.Kind {
	case incident.StepPlanned:
		record.Plan = incident.Plan{}
		return json.Unmarshal(step.Detail, &record.Plan)
	case incident.StepDiagnosed:
		record.Diagnosis = incident.Diagnosis{}
		return json.Unmarshal(step.Detail, &record.Diagnosis)
	case incident.StepSnapshot:
		return json.Unmarshal(step.Detail, &record.Snapshot)
	case incident.StepStarted:
		var execution incident.Execution
		err := json.Unmarshal(step.Detail, &execution)
		record.Started = append(record.Started, execution)
		return err
	}
	return nil
}

// objects keeps the writer's small objects in the ledger.
type objects struct{ ledger *ledger.Ledger }

// Get reads an object by its key.
func (o objects) Get(ctx context.Context, key string) ([]byte, bool, error) {
	reference, name := splitKey(key)
	body, err := o.ledger.Get(ctx, reference, name)
	if errors.Is(err, ledger.ErrMissing) {
		return nil, false, nil
	}
	return body, err == nil, err
}

// PutIfAbsent creates an object by its key.
func (o objects) PutIfAbsent(ctx context.Context, key string, body []byte) (bool, error) {
	reference, name := splitKey(key)
	_, created, err := o.ledger.PutOnce(ctx, reference, name, body)
	return created, err
}

// splitKey takes incidents/DISTRIBUTION/ID/NAME apart.
func splitKey(key string) (incident.Reference, string) {
	parts := strings.SplitN(key, "/", 4)
	for len(parts) < 4 {
		parts = append(parts, "")
	}
	return incident.Reference{Distribution: parts[1], ID: parts[2]}, parts[3]
}
