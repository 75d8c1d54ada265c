// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas/types"

	"cloudfront503/pkg/incident"
)

// decides is Service Quotas with one answer.
type decides struct {
	status types.RequestStatus
	err    error
	region string
}

// GetRequestedServiceQuotaChange gives the answer.
func (d *decides) GetRequestedServiceQuotaChange(_ context.Context, in *servicequotas.GetRequestedServiceQuotaChangeInput, options ...func(*servicequotas.Options)) (*servicequotas.GetRequestedServiceQuotaChangeOutput, error) {
	var o servicequotas.Options
	for _, set := range options {
		set(&o)
	}
	d.region = o.Region
	return &servicequotas.GetRequestedServiceQuotaChangeOutput{RequestedQuota: &types.RequestedServiceQuotaChange{
		Id: in.RequestId, Status: d.status, CaseId: aws.String("case-7"),
	}}, d.err
}

func TestAQuotaRequestIsDecidedOnlyByAWSsLastWord(t *testing.T) {
	quota := incident.QuotaRequest{Name: "Concurrent executions", Region: "eu-west-1"}
	for _, tt := range []struct {
		status  types.RequestStatus
		err     error
		want    string // empty: not decided
		granted bool
	}{
		{status: "PENDING"},
		{status: "CASE_OPENED"},
		{status: "A_STATE_OF_TOMORROW"},
		{status: "APPROVED", want: "AWS says APPROVED of request r1 for Concurrent executions in eu-west-1, support case case-7.", granted: true},
		{status: "DENIED", want: "AWS says DENIED of request r1 for Concurrent executions in eu-west-1, support case case-7."},
		{status: "NOT_APPROVED", want: "AWS says NOT_APPROVED of request r1 for Concurrent executions in eu-west-1, support case case-7."},
		{status: "INVALID_REQUEST", want: "AWS says INVALID_REQUEST of request r1 for Concurrent executions in eu-west-1, support case case-7."},
		{status: "CASE_CLOSED", want: "AWS says CASE_CLOSED of request r1 for Concurrent executions in eu-west-1, support case case-7; what came of the case, only the quota's value tells."},
		{status: "APPROVED", err: errors.New("throttled")},
	} {
		t.Run(string(tt.status), func(t *testing.T) {
			aws := &decides{status: tt.status, err: tt.err}
			w := watch{handler: handler{quotas: aws}, view: view{plan: &incident.Plan{Quota: &quota}}}
			decision, err := w.askQuota(t.Context(), quota, "r1")
			if (err != nil) != (tt.err != nil) || aws.region != "eu-west-1" {
				t.Fatalf("%v, asked in %s", err, aws.region)
			}
			if tt.err != nil {
				return
			}
			w.view.quota = decision
			if why := w.whyQuota(); why != tt.want || decision != nil && decision.Granted() != tt.granted {
				t.Errorf("%q, %+v", why, decision)
			}
		})
	}
}

func TestJudgeOfAQuotaAndOfEvidence(t *testing.T) {
	opened := time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
	quota, seen := &incident.Written{Action: "quota", RequestID: "r1"}, &incident.Written{Action: incident.ActionEvidence}
	denied, granted := &incident.QuotaDecision{Status: "DENIED"}, &incident.QuotaDecision{Status: "APPROVED"}
	recovered := &incident.Recovery{State: incident.Recovered}
	for _, tt := range []struct {
		name  string
		view  view
		after time.Duration
		want  due
	}{
		{"a request that is not decided is waited for", view{written: quota}, time.Hour, tellWritten},
		{"one that is denied ends the incident", view{written: quota, quota: denied}, time.Hour, endDenied},
		{"unless it has recovered by itself", view{written: quota, quota: denied, recovery: recovered}, time.Hour, endRecovered},
		{"a granted one is measured", view{written: quota, quota: granted, recovery: recovered}, time.Hour, endRecovered},
		{"a granted one that has not helped yet is waited for", view{written: quota, quota: granted}, time.Hour, tellWritten},
		{"more to see is told", view{written: seen}, time.Minute, tellWritten},
		{"and ends nothing while it can be taken back", view{written: seen, quiet: true}, time.Hour, tellWritten},
		{"then it ends when the alarm is OK", view{written: seen, quiet: true}, 2 * time.Hour, closeQuiet},
		{"and goes on while it is not", view{written: seen}, 3 * time.Hour, tellWritten},
		{"for a day", view{written: seen}, 25 * time.Hour, closeQuiet},
		{"it gives way once the cause is known", view{written: seen, successor: true}, time.Hour, handOver},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.view.openedAt, tt.view.writtenAt = opened, opened
			if got := judge(tt.view, opened.Add(tt.after)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
