// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package remedy

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront/types"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/incident"
)

type reading interface {
	GetDistributionConfig(context.Context, *cloudfront.GetDistributionConfigInput, ...func(*cloudfront.Options)) (*cloudfront.GetDistributionConfigOutput, error)
}

type updating interface {
	UpdateDistribution(context.Context, *cloudfront.UpdateDistributionInput, ...func(*cloudfront.Options)) (*cloudfront.UpdateDistributionOutput, error)
}

// configure writes the planned change of the distribution's configuration.
func (w Writer) configure(ctx context.Context, order Order, record Record) (incident.Written, error) {
	_, begun, err := w.begun(ctx, order)
	if err != nil {
		return incident.Written{}, err
	}
	live, etag, err := w.live(ctx, order.Distribution)
	if err != nil {
		return incident.Written{}, err
	}
	if etag != record.Plan.ETag {
		return w.moved(ctx, order, record, begun, live, etag)
	}
	change, err := w.change(ctx, record, live)
	if err != nil {
		return incident.Written{}, err
	}
	if err := saved(record, live); err != nil {
		return incident.Written{}, err
	}
	if need := Needed(live, change.Result); w.required(record.Plan) < need {
		return incident.Written{}, refuse("the change needs %d people to approve, and its plan asks for fewer", need)
	}
	return w.update(ctx, order, change)
}

// moved is for a live configuration that is not the one that was approved upon: it is ours where an earlier call wrote
// it, and otherwise nothing may be written any more.
func (w Writer) moved(ctx context.Context, order Order, record Record, begun bool, live distribution.Config, etag string) (incident.Written, error) {
	void := &Void{Why: fmt.Sprintf("the configuration has moved since it was approved upon: its ETag is %s", etag)}
	if !begun {
		return incident.Written{}, void
	}
	before, err := distribution.Parse(record.Snapshot.Config)
	if err != nil {
		return incident.Written{}, fmt.Errorf("snapshot of %s: %w", order.Incident, err)
	}
	change, err := w.change(ctx, record, before)
	if err != nil {
		return incident.Written{}, err
	}
	if !live.Equal(change.Result) {
		return incident.Written{}, void
	}
	return w.confirm(ctx, order, arrived(order, change, etag, true))
}

// configured finds whether a write arrived that a failed runbook has left without a record.
func (w Writer) configured(ctx context.Context, order Order, record Record) (written incident.Written, done bool, err error) {
	if order.Back { // it leaves nothing half-way, and the writer's notes say what is known
		return incident.Written{}, false, nil
	}
	_, begun, err := w.begun(ctx, order)
	if err != nil || !begun {
		return incident.Written{}, false, err
	}
	live, etag, err := w.live(ctx, order.Distribution)
	if err != nil || etag == record.Plan.ETag {
		return incident.Written{}, false, err
	}
	written, err = w.moved(ctx, order, record, begun, live, etag)
	return written, err == nil, err
}

// change computes the planned change again, on the configuration that was live when it was planned.
func (w Writer) change(ctx context.Context, record Record, theirs distribution.Config) (Change, error) {
	in, err := w.inputs(ctx, record.Plan)
	if err != nil {
		return Change{}, err
	}
	in.Theirs = theirs
	change, err := Compute(record.Plan, record.Diagnosis, in)
	if err != nil {
		return Change{}, err
	}
	if record.Plan.TakenBack != incident.TakenBackNever && !Returns(theirs, change.Result) {
		return Change{}, refuse("its way back would take off what protects, and its plan asks nobody again")
	}
	change.Hash = record.Plan.TakenBack.Bind(change.Hash)
	if change.Hash != record.Plan.Hash {
		return Change{}, refuse("computed again, the change is not the planned one")
	}
	return change, nil
}

// inputs are the configurations that the plan names.
func (w Writer) inputs(ctx context.Context, plan incident.Plan) (in Inputs, err error) {
	in.Distribution, in.ETag = plan.Distribution, plan.ETag
	if plan.Ours != nil {
		if in.Ours, err = w.stored(ctx, *plan.Ours); err != nil {
			return Inputs{}, err
		}
	}
	if plan.Base != nil {
		base, err := w.stored(ctx, *plan.Base)
		if err != nil {
			return Inputs{}, err
		}
		in.Base = &base
	}
	return in, nil
}

func (w Writer) stored(ctx context.Context, ref incident.ConfigRef) (distribution.Config, error) {
	config, err := w.Configs.Config(ctx, ref)
	if err != nil {
		return distribution.Config{}, fmt.Errorf("configuration %s: %w", ref.Key, err)
	}
	if config.Hash() != ref.SHA256 {
		return distribution.Config{}, refuse("the stored configuration %s is not the one that the plan names", ref.Key)
	}
	return config, nil
}

// saved checks that what the write replaces is in the bucket, and that this SDK writes all of it back.
func saved(record Record, live distribution.Config) error {
	switch snapshot := record.Snapshot; {
	case snapshot.ETag != record.Plan.ETag || snapshot.SHA256 != live.Hash():
		return refuse("the live configuration is not in the incident's snapshot")
	case !snapshot.Restorable:
		return refuse("the configuration has elements that this software does not know and would lose")
	}
	return nil
}

func (w Writer) live(ctx context.Context, id string) (distribution.Config, string, error) {
	output, err := w.Live.GetDistributionConfig(ctx, &cloudfront.GetDistributionConfigInput{Id: &id})
	if err != nil {
		return distribution.Config{}, "", fmt.Errorf("distribution %s: %w", id, err)
	}
	text, err := json.Marshal(output.DistributionConfig)
	if err != nil {
		return distribution.Config{}, "", fmt.Errorf("distribution %s: %w", id, err)
	}
	config, err := distribution.Parse(text)
	if err != nil {
		return distribution.Config{}, "", fmt.Errorf("distribution %s: %w", id, err)
	}
	return config, aws.ToString(output.ETag), nil
}

// update sends the approved configuration under If-Match.
func (w Writer) update(ctx context.Context, order Order, change Change) (incident.Written, error) {
	etag, answer, err := w.send(ctx, order, change.Hash, change)
	switch {
	case err != nil:
		return incident.Written{}, err
	case answer == nil:
		return w.confirm(ctx, order, arrived(order, change, etag, false))
	case isPrecondition(answer) || isLost(answer):
		return w.find(ctx, order, change, answer)
	}
	return incident.Written{}, settled("CloudFront took nothing", answer)
}

// send sends a configuration under If-Match, once everything is judged: the hash is of the planned change. answer is
// CloudFront's own error, err says that nothing was sent.
func (w Writer) send(ctx context.Context, order Order, hash string, change Change) (etag string, answer, err error) {
	body, err := asInput(change.Result)
	if err != nil {
		return "", nil, err
	}
	answer, err = w.guarded(ctx, order, hash, arrived(order, change, "", false), func() error {
		output, err := w.Writes.UpdateDistribution(ctx, &cloudfront.UpdateDistributionInput{
			Id: &order.Distribution, IfMatch: &change.ETag, DistributionConfig: body,
		})
		if err == nil {
			etag = aws.ToString(output.ETag)
		}
		return err
	})
	return etag, answer, err
}

// find looks whether a write without a usable answer arrived. A 412 may be the answer to our own second try.
func (w Writer) find(ctx context.Context, order Order, change Change, cause error) (incident.Written, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), findTimeout)
	defer cancel()
	live, etag, err := w.live(ctx, order.Distribution)
	if err != nil {
		return incident.Written{}, fmt.Errorf("after a write without an answer: %w", err)
	}
	if !live.Equal(change.Result) {
		return incident.Written{}, &Void{Why: "the live configuration is not the approved one after the write: nothing of ours arrived", Cause: cause}
	}
	return w.confirm(ctx, order, arrived(order, change, etag, true))
}

func arrived(order Order, change Change, etag string, found bool) incident.Written {
	action := "apply"
	if order.Back {
		action = "undo"
	}
	return incident.Written{
		Execution: order.Execution, Action: action, FromETag: change.ETag, ToETag: etag, Hash: change.Hash, Found: found,
	}
}

// asInput turns the configuration into the SDK's, whose field names are the API's, and makes sure that nothing is lost.
func asInput(config distribution.Config) (*types.DistributionConfig, error) {
	var input types.DistributionConfig
	if err := json.Unmarshal(config.Canonical(), &input); err != nil {
		return nil, refuse("the restored configuration does not fit this software: %v", err)
	}
	text, err := json.Marshal(input)
	if err != nil {
		return nil, refuse("the restored configuration does not fit this software: %v", err)
	}
	again, err := distribution.Parse(text)
	if err != nil || !again.Equal(config) {
		return nil, refuse("the restored configuration has fields that this software does not know and would lose")
	}
	return &input, nil
}
