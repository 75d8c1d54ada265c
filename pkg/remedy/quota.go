// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package remedy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas/types"

	"cloudfront503/pkg/incident"
)

type history interface {
	ListRequestedServiceQuotaChangeHistoryByQuota(context.Context, *servicequotas.ListRequestedServiceQuotaChangeHistoryByQuotaInput, ...func(*servicequotas.Options)) (*servicequotas.ListRequestedServiceQuotaChangeHistoryByQuotaOutput, error)
}

type requesting interface {
	RequestServiceQuotaIncrease(context.Context, *servicequotas.RequestServiceQuotaIncreaseInput, ...func(*servicequotas.Options)) (*servicequotas.RequestServiceQuotaIncreaseOutput, error)
}

// open are the states in which AWS has not decided yet.
var open = []types.RequestStatus{types.RequestStatusPending, types.RequestStatusCaseOpened}

// request asks for the quota's increase in its own Region. An open request for the same quota counts as done.
func (w Writer) request(ctx context.Context, order Order, record Record) (incident.Written, error) {
	if record.Plan.Quota == nil {
		return incident.Written{}, refuse("the plan names no quota")
	}
	quota := *record.Plan.Quota
	writing, begun, err := w.begun(ctx, order)
	if err != nil {
		return incident.Written{}, err
	}
	id, found, err := w.openRequest(ctx, quota, begun, writing.At)
	if err != nil {
		return incident.Written{}, err
	}
	if found && begun {
		return w.confirm(ctx, order, asked(order, record, id, true))
	}
	_, etag, err := w.live(ctx, order.Distribution)
	if err != nil {
		return incident.Written{}, err
	}
	if etag != record.Plan.ETag {
		return incident.Written{}, &Void{Why: "the configuration has moved since the request was approved: its ETag is " + etag}
	}
	return w.ask(ctx, order, record, id)
}

// ask makes the request, unless one with the id given is open already: then everything is judged and nothing is asked.
func (w Writer) ask(ctx context.Context, order Order, record Record, openID string) (incident.Written, error) {
	quota := *record.Plan.Quota
	hash := incident.ChangeHash(record.Plan.Distribution, record.Plan.ETag, nil, &quota)
	if openID != "" {
		if err := w.judge(ctx, order, hash); err != nil {
			return incident.Written{}, err
		}
		return w.confirm(ctx, order, asked(order, record, openID, true))
	}
	began := w.Now()
	var output *servicequotas.RequestServiceQuotaIncreaseOutput
	answer, err := w.guarded(ctx, order, hash, asked(order, record, "", false), func() (err error) {
		output, err = w.Requests.RequestServiceQuotaIncrease(ctx, &servicequotas.RequestServiceQuotaIncreaseInput{
			ServiceCode: &quota.Service, QuotaCode: &quota.Code, DesiredValue: &quota.Desired,
		}, inRegion(quota.Region))
		return err
	})
	var exists *types.ResourceAlreadyExistsException
	switch {
	case err != nil:
		return incident.Written{}, err
	case answer == nil:
		return w.confirm(ctx, order, asked(order, record, requestID(output), false))
	case errors.As(answer, &exists) || isLost(answer):
		return w.findRequest(ctx, order, record, began, answer)
	}
	return incident.Written{}, settled("Service Quotas took nothing", answer)
}

func requestID(output *servicequotas.RequestServiceQuotaIncreaseOutput) string {
	if output.RequestedQuota == nil {
		return ""
	}
	return aws.ToString(output.RequestedQuota.Id)
}

// findRequest looks whether a request without a usable answer arrived, or whose request is open.
func (w Writer) findRequest(ctx context.Context, order Order, record Record, began time.Time, cause error) (incident.Written, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), findTimeout)
	defer cancel()
	id, found, err := w.openRequest(ctx, *record.Plan.Quota, true, began)
	if err != nil {
		return incident.Written{}, fmt.Errorf("after a request without an answer: %w", err)
	}
	if !found {
		return incident.Written{}, &Void{Why: "Service Quotas knows of no request: nothing of ours arrived", Cause: cause}
	}
	return w.confirm(ctx, order, asked(order, record, id, true))
}

// createdTolerance is for clocks that differ: a request that is a little older than our call may still be ours.
const createdTolerance = time.Minute

// openRequest is a request for the quota that is not decided yet, or, where we had begun at a time, one for the same
// value since: small increases are granted at once.
func (w Writer) openRequest(ctx context.Context, quota incident.QuotaRequest, begun bool, began time.Time) (id string, found bool, err error) {
	input := &servicequotas.ListRequestedServiceQuotaChangeHistoryByQuotaInput{ServiceCode: &quota.Service, QuotaCode: &quota.Code}
	pages := servicequotas.NewListRequestedServiceQuotaChangeHistoryByQuotaPaginator(w.Quotas, input)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx, inRegion(quota.Region))
		if err != nil {
			return "", false, fmt.Errorf("requests for quota %s in %s: %w", quota.Code, quota.Region, err)
		}
		for _, request := range page.RequestedQuotas {
			since := aws.ToTime(request.Created).After(began.Add(-createdTolerance)) && aws.ToFloat64(request.DesiredValue) == quota.Desired
			if slices.Contains(open, request.Status) || begun && since {
				return aws.ToString(request.Id), true, nil
			}
		}
	}
	return "", false, nil
}

func asked(order Order, record Record, id string, found bool) incident.Written {
	return incident.Written{
		Execution: order.Execution, Action: "quota", FromETag: record.Plan.ETag, Hash: record.Plan.Hash, RequestID: id, Found: found,
	}
}

// inRegion directs one call to the quota's own Region.
func inRegion(region string) func(*servicequotas.Options) {
	return func(o *servicequotas.Options) { o.Region = region }
}
