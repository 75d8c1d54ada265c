// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package remedy

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront/types"

	"cloudfront503/pkg/incident"
)

// pointed reads what a configuration points to, as it stands now.
type pointed interface {
	Function(ctx context.Context, name, stage string) (code incident.FunctionCode, etag string, err error)
	Trust(ctx context.Context, role string) (policy string, err error)
}

// kept gives back what was kept of it, checked against its hash.
type kept interface {
	Code(context.Context, incident.Pointed) (incident.FunctionCode, error)
	Thing(context.Context, incident.Pointed) ([]byte, error)
}

type publishing interface {
	UpdateFunction(context.Context, *cloudfront.UpdateFunctionInput, ...func(*cloudfront.Options)) (*cloudfront.UpdateFunctionOutput, error)
	TestFunction(context.Context, *cloudfront.TestFunctionInput, ...func(*cloudfront.Options)) (*cloudfront.TestFunctionOutput, error)
	PublishFunction(context.Context, *cloudfront.PublishFunctionInput, ...func(*cloudfront.Options)) (*cloudfront.PublishFunctionOutput, error)
}

// functionCode publishes a CloudFront Function's earlier code.
var functionCode = kind{apply: Writer.publishCode, back: Writer.publishBack, settle: Writer.settleCode}

// publication is the work on one function. Only DEVELOPMENT can be published, so that the code goes there first, is tried
// there, and is published; then DEVELOPMENT gets back what it held. Each step looks at what stands in the stages, so that
// whoever starts again after an interruption does nothing twice.
type publication struct {
	Writer
	order  Order
	record Record
	recipe incident.CodeRecipe
	hash   string
	name   string
	begun  bool // an earlier call of this execution was about to write

	live, development, to incident.FunctionCode // as planned

	nowLive, nowDevelopment   incident.FunctionCode // as they stand
	etagLive, etagDevelopment string

	lost bool // an answer was, though the write arrived
}

// publishCode puts the planned code into LIVE.
func (w Writer) publishCode(ctx context.Context, order Order, record Record) (incident.Written, error) {
	p, err := w.publication(ctx, order, record)
	if err != nil {
		return incident.Written{}, err
	}
	if !p.begun {
		if err := w.unmoved(ctx, order, record.Plan); err != nil {
			return incident.Written{}, err
		}
	}
	if p.published() {
		return p.afterwards(ctx)
	}
	if err := p.stand(); err != nil {
		return incident.Written{}, p.orBack(ctx, err)
	}
	for _, step := range []func(context.Context) error{p.overwrite, p.try, p.publish} {
		if err := step(ctx); err != nil {
			return incident.Written{}, p.orBack(ctx, err)
		}
	}
	return p.finish(ctx, p.lost)
}

// unmoved is a *Void where the distribution's configuration is not the one that people were asked about.
func (w Writer) unmoved(ctx context.Context, order Order, plan incident.Plan) error {
	_, etag, err := w.live(ctx, order.Distribution)
	if err == nil && etag != plan.ETag {
		err = &Void{Why: "the configuration has moved since it was approved upon: its ETag is " + etag}
	}
	return err
}

// publication reads what was planned, and what stands in the stages.
func (w Writer) publication(ctx context.Context, order Order, record Record) (*publication, error) {
	recipe, err := checkCode(record.Plan, record.Snapshot)
	if err != nil {
		return nil, err
	}
	p := &publication{
		Writer: w, order: order, record: record, recipe: recipe, name: recipe.Live.ID,
		hash: incident.RecipeHash(record.Plan.Distribution, record.Plan.ETag, *record.Plan.Recipe),
	}
	if _, p.begun, err = w.begun(ctx, order); err != nil {
		return nil, err
	}
	for _, planned := range []struct {
		ref  incident.Pointed
		into *incident.FunctionCode
	}{{recipe.Live, &p.live}, {recipe.Development, &p.development}, {recipe.To, &p.to}} {
		if *planned.into, err = w.Kept.Code(ctx, planned.ref); err != nil {
			return nil, fmt.Errorf("code of function %s: %w", p.name, err)
		}
	}
	if order.Back {
		p.live, p.to = p.to, p.live
	}
	return p, p.look(ctx)
}

// publishBack publishes the code that LIVE held before. It is not tested: it stood in LIVE, and may well be what failed.
func (w Writer) publishBack(ctx context.Context, order Order, record Record) (incident.Written, error) {
	p, err := w.publication(ctx, order, record)
	if err != nil {
		return incident.Written{}, err
	}
	if p.published() {
		if !p.begun {
			if err := w.judge(ctx, order, p.hash); err != nil {
				return incident.Written{}, err
			}
		}
		return p.finish(ctx, true)
	}
	if err := p.stand(); err != nil {
		return incident.Written{}, p.orBack(ctx, err)
	}
	for _, step := range []func(context.Context) error{p.overwrite, p.publish} {
		if err := step(ctx); err != nil {
			return incident.Written{}, p.orBack(ctx, err)
		}
	}
	return p.finish(ctx, p.lost)
}

// look reads both stages as they stand.
func (p *publication) look(ctx context.Context) (err error) {
	if p.nowLive, p.etagLive, err = p.Pointed.Function(ctx, p.name, incident.StageLive); err != nil {
		return fmt.Errorf("function %s: %w", p.name, err)
	}
	if p.nowDevelopment, p.etagDevelopment, err = p.Pointed.Function(ctx, p.name, incident.StageDevelopment); err != nil {
		return fmt.Errorf("function %s: %w", p.name, err)
	}
	return nil
}

func (p *publication) published() bool { return sameStage(p.nowLive, p.to) }

// overwritten reports whether DEVELOPMENT holds the code to publish where it held something else.
func (p *publication) overwritten() bool {
	return sameStage(p.nowDevelopment, p.to) && !sameStage(p.development, p.to)
}

// stand is a *Void where a stage holds neither what it held when people were asked nor what this execution put there.
// Once begun, DEVELOPMENT may have been put back, which gives it a new ETag; and on the way back both ETags are new.
func (p *publication) stand() error {
	fresh := !p.begun && !p.order.Back
	switch {
	case !p.order.Back && p.etagLive != p.recipe.Live.ETag, !sameStage(p.nowLive, p.live):
		return &Void{Why: fmt.Sprintf("function %s has been published since: the ETag of LIVE is %s", p.name, p.etagLive)}
	case p.begun && p.overwritten():
		return nil
	case !sameStage(p.nowDevelopment, p.development), fresh && p.etagDevelopment != p.recipe.Development.ETag:
		return &Void{Why: fmt.Sprintf("somebody works on function %s: the ETag of DEVELOPMENT is %s", p.name, p.etagDevelopment)}
	}
	return nil
}

// overwrite puts the code into DEVELOPMENT, unless it is there.
func (p *publication) overwrite(ctx context.Context) error {
	if sameStage(p.nowDevelopment, p.to) {
		return nil
	}
	answer, err := p.guarded(ctx, p.order, p.hash, p.arrived(false), func() error { return p.update(ctx, p.to) })
	if err != nil {
		return err
	}
	p.begun = true
	return p.arrives(ctx, answer, func() bool { return sameStage(p.nowDevelopment, p.to) })
}

// update writes DEVELOPMENT under the ETag that was read.
func (p *publication) update(ctx context.Context, code incident.FunctionCode) error {
	config := &types.FunctionConfig{Comment: &code.Comment, Runtime: types.FunctionRuntime(code.Runtime)}
	if n := len(code.Stores); n > 0 {
		config.KeyValueStoreAssociations = &types.KeyValueStoreAssociations{Quantity: aws.Int32(int32(n))}
		for _, arn := range code.Stores {
			config.KeyValueStoreAssociations.Items = append(config.KeyValueStoreAssociations.Items, types.KeyValueStoreAssociation{KeyValueStoreARN: &arn})
		}
	}
	_, err := p.Publishes.UpdateFunction(ctx, &cloudfront.UpdateFunctionInput{
		Name: &p.name, IfMatch: aws.String(p.etagDevelopment), FunctionCode: code.Code, FunctionConfig: config,
	})
	return err
}

// arrives looks at the stages after a write, and says what became of it. A 412 may be the answer to our own second try.
func (p *publication) arrives(ctx context.Context, answer error, arrived func() bool) error {
	if answer != nil && !isPrecondition(answer) && !isLost(answer) {
		return settled("CloudFront took nothing", answer)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), findTimeout)
	defer cancel()
	if err := p.look(ctx); err != nil {
		return fmt.Errorf("after a write: %w", err)
	}
	if !arrived() {
		return &Void{Why: "function " + p.name + " does not hold the approved code after the write: nothing of ours arrived", Cause: answer}
	}
	if answer != nil {
		p.lost = true
	}
	return nil
}

// try runs the code in DEVELOPMENT. CloudFront takes code that cannot run without a word.
func (p *publication) try(ctx context.Context) error {
	output, err := p.test(ctx)
	if err != nil && (isLost(err) || isThrottled(err)) {
		return fmt.Errorf("test function %s: %w", p.name, err)
	}
	if err != nil {
		return settled("CloudFront did not test the code", err)
	}
	if output.TestResult == nil {
		return refuse("the code of function %s was tested without a result", p.name)
	}
	if why := Unfit(aws.ToString(output.TestResult.FunctionErrorMessage), aws.ToString(output.TestResult.ComputeUtilization)); why != "" {
		return refuse("the code to publish %s", why)
	}
	return nil
}

// test asks for the test, and waits where that is throttled.
func (p *publication) test(ctx context.Context) (*cloudfront.TestFunctionOutput, error) {
	for try := 0; ; try++ {
		output, err := p.Publishes.TestFunction(ctx, &cloudfront.TestFunctionInput{
			Name: &p.name, Stage: types.FunctionStageDevelopment, IfMatch: aws.String(p.etagDevelopment), EventObject: []byte(events[p.recipe.Event]),
		})
		if !isThrottled(err) || try == len(throttleWaits) || p.sleep(ctx, throttleWaits[try]) != nil {
			return output, err
		}
	}
}

// publish copies DEVELOPMENT to LIVE under DEVELOPMENT's ETag: only what was tried is published.
func (p *publication) publish(ctx context.Context) error {
	answer, err := p.guarded(ctx, p.order, p.hash, p.arrived(false), func() error {
		_, err := p.Publishes.PublishFunction(ctx, &cloudfront.PublishFunctionInput{Name: &p.name, IfMatch: aws.String(p.etagDevelopment)},
			func(o *cloudfront.Options) { o.Retryer = sentOnce() })
		return err
	})
	if err != nil {
		return err
	}
	p.begun = true
	return p.arrives(ctx, answer, p.published)
}

// sentOnce lets the SDK try again only what was throttled, which AWS did not do. A write whose condition still holds after
// it was done, or that has none, would be done twice where its answer is lost; what became of it is looked for instead.
func sentOnce() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.Retryables = []retry.IsErrorRetryable{retry.RetryableErrorCode{Codes: retry.DefaultThrottleErrorCodes}}
	})
}

// afterwards is for code that stands in LIVE already: by an earlier call of this execution, or by somebody else.
func (p *publication) afterwards(ctx context.Context) (incident.Written, error) {
	if !p.begun {
		return incident.Written{}, &Void{Why: "somebody has published the last good code of function " + p.name + " already"}
	}
	return p.finish(ctx, true)
}

// finish gives DEVELOPMENT back what it held, and records the write. What somebody has put there meanwhile stays.
func (p *publication) finish(ctx context.Context, found bool) (incident.Written, error) {
	if err := p.back(ctx); err != nil {
		return incident.Written{}, err
	}
	return p.confirm(ctx, p.order, p.arrived(found))
}

func (p *publication) arrived(found bool) incident.Written {
	written := incident.Written{Execution: p.order.Execution, Action: "publish", FromETag: p.recipe.Live.ETag, Hash: p.hash, Found: found}
	if p.order.Back {
		written.Action, written.FromETag = "undo", ""
	}
	return written
}

// orBack gives DEVELOPMENT back what it held after a step has failed. Where that fails too, the failure is one that is
// tried again, whatever the step's was: nobody may find code of ours in DEVELOPMENT that was not published.
func (p *publication) orBack(ctx context.Context, failure error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), findTimeout)
	defer cancel()
	if err := p.look(ctx); err != nil {
		return fmt.Errorf("%v; then: %w", failure, err)
	}
	if err := p.back(ctx); err != nil {
		return fmt.Errorf("%v; then: %w", failure, err)
	}
	return failure
}

// back gives DEVELOPMENT back what it held, where this execution has overwritten it. It needs no approval: it undoes what
// is ours.
func (p *publication) back(ctx context.Context) error {
	for try := 0; p.begun && p.overwritten(); try++ {
		answer := p.update(ctx, p.development)
		if answer != nil && try == len(throttleWaits) {
			return fmt.Errorf("put DEVELOPMENT of function %s back: %w", p.name, answer)
		}
		if isThrottled(answer) {
			if err := p.sleep(ctx, throttleWaits[try]); err != nil {
				return fmt.Errorf("put DEVELOPMENT of function %s back: %w", p.name, answer)
			}
		} else if answer != nil && !isPrecondition(answer) && !isLost(answer) {
			return fmt.Errorf("put DEVELOPMENT of function %s back: %w", p.name, answer)
		}
		if err := p.look(ctx); err != nil {
			return err
		}
	}
	return nil
}

// settleCode ends what a runbook has left half-way: DEVELOPMENT gets back what it held, and code that was published is
// recorded as written.
func (w Writer) settleCode(ctx context.Context, order Order, record Record) (incident.Written, bool, error) {
	p, err := w.publication(ctx, order, record)
	if err != nil || !p.begun {
		return incident.Written{}, false, err
	}
	if !p.published() {
		return incident.Written{}, false, p.back(ctx)
	}
	written, err := p.finish(ctx, true)
	return written, err == nil, err
}
