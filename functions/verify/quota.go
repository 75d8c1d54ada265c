// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas/types"

	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/notify"
)

type deciding interface {
	GetRequestedServiceQuotaChange(context.Context, *servicequotas.GetRequestedServiceQuotaChangeInput, ...func(*servicequotas.Options)) (*servicequotas.GetRequestedServiceQuotaChangeOutput, error)
}

// decided are the states in which a request stays [Service Quotas GetRequestedServiceQuotaChange].
var decided = map[types.RequestStatus]bool{
	types.RequestStatusApproved: true, types.RequestStatusDenied: true, types.RequestStatusCaseClosed: true,
	types.RequestStatusNotApproved: true, types.RequestStatusInvalidRequest: true,
}

// followQuota asks what became of a quota request, until AWS has decided it, and tells people once. That it was not granted
// is told with the incident's end, where that ends it. A question that fails is asked again at the next look.
func (w *watch) followQuota(ctx context.Context) error {
	v := &w.view
	if v.quota != nil || v.written == nil || v.written.RequestID == "" || w.planned().Quota == nil {
		return nil
	}
	decision, err := w.askQuota(ctx, *v.plan.Quota, v.written.RequestID)
	if err != nil {
		w.log.WarnContext(ctx, "a quota request could not be followed", "stage", "recovery", "incident", w.incident.String(), "error", err)
		return nil
	}
	if decision == nil {
		return nil
	}
	v.quota = decision
	if !quotaRefused(*v) {
		outcome := incident.Outcome{Result: notify.ResultDenied, Why: w.whyQuota()}
		if decision.Granted() {
			outcome.Result = notify.ResultGranted
		}
		if err := w.tellOutcome(ctx, string(incident.StepQuotaDecided), outcome); err != nil {
			return err
		}
	}
	_, _, err = w.ledger.AppendOnce(ctx, w.incident, incident.StepQuotaDecided, decision.RequestID, w.whyQuota(), decision)
	return err
}

// askQuota is AWS's decision about a request; nil where there is none yet.
func (w *watch) askQuota(ctx context.Context, quota incident.QuotaRequest, id string) (*incident.QuotaDecision, error) {
	output, err := w.quotas.GetRequestedServiceQuotaChange(ctx, &servicequotas.GetRequestedServiceQuotaChangeInput{RequestId: &id},
		func(o *servicequotas.Options) { o.Region = quota.Region })
	if err != nil {
		return nil, fmt.Errorf("request %s in %s: %w", id, quota.Region, err)
	}
	if output.RequestedQuota == nil || !decided[output.RequestedQuota.Status] {
		return nil, nil
	}
	return &incident.QuotaDecision{RequestID: id, Status: string(output.RequestedQuota.Status), Case: aws.ToString(output.RequestedQuota.CaseId)}, nil
}

// quotaRefused reports whether the incident ends because AWS has not granted what was asked for: it has not recovered by
// itself either.
func quotaRefused(v view) bool {
	recovered := v.watch != nil || v.recovery != nil && v.recovery.State == incident.Recovered
	return v.quota != nil && !v.quota.Granted() && !recovered
}

// whyQuota says what AWS has decided.
func (w *watch) whyQuota() string {
	quota, decision := w.planned().Quota, w.view.quota
	if quota == nil || decision == nil {
		return ""
	}
	why := fmt.Sprintf("AWS says %s of request %s for %s in %s", decision.Status, decision.RequestID, quota.Name, quota.Region)
	if decision.Case != "" {
		why += ", support case " + decision.Case
	}
	if decision.Status == string(types.RequestStatusCaseClosed) {
		why += "; what came of the case, only the quota's value tells"
	}
	return why + "."
}
