// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package cloudwatch

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/smithy-go"

	"cloudfront503/pkg/emulator/kernel"
)

const (
	function = "arn:aws:lambda:us-east-1:111122223333:function:respond:live"
	topic    = "arn:aws:sns:us-east-1:111122223333:on-call"
)

// outside is everything that an alarm reaches.
type outside struct {
	mu       sync.Mutex
	events   []map[string]any
	invoked  []map[string]any
	by       []string
	messages []map[string]any
	subjects []string
}

func (o *outside) Emit(source, detailType string, resources []string, detail any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.events = append(o.events, map[string]any{"source": source, "detail-type": detailType, "resources": resources, "detail": detail})
}

func (o *outside) Invoke(context.Context, string, []byte) (kernel.Result, error) {
	return kernel.Result{}, nil
}

func (o *outside) InvokeAsync(_ string, payload []byte, service, source string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	var p map[string]any
	err := json.Unmarshal(payload, &p)
	o.invoked, o.by = append(o.invoked, p), append(o.by, service+" "+source)
	return err
}

func (o *outside) PublishAs(_, _, _, subject, message string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	var m map[string]any
	err := json.Unmarshal([]byte(message), &m)
	o.messages, o.subjects = append(o.messages, m), append(o.subjects, subject)
	return err
}

// changes are the details of the state changes so far.
func (o *outside) changes() []map[string]any {
	o.mu.Lock()
	defer o.mu.Unlock()
	var list []map[string]any
	for _, e := range o.events {
		if e["detail-type"] == "CloudWatch Alarm State Change" {
			list = append(list, object(e["detail"]))
		}
	}
	return list
}

type rig struct {
	world   *kernel.World
	watch   *Service
	client  *sdk.Client
	outside *outside
}

func newRig(t *testing.T) *rig {
	t.Helper()
	w := kernel.NewWorld("111122223333", "us-east-1")
	w.Clock.SetNow(time.Date(2026, 11, 24, 3, 40, 30, 0, time.UTC))
	r := &rig{world: w, watch: New(w), outside: &outside{}}
	w.Bus, w.Lambda, w.Topics = r.outside, r.outside, r.outside
	stop, err := w.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	r.client = sdk.NewFromConfig(aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(w.Endpoint), Credentials: credentials.NewStaticCredentialsProvider("AKIDTEST", "secret", ""), RetryMaxAttempts: 1,
	})
	t.Cleanup(func() {
		for _, v := range w.Violations() {
			t.Errorf("violation: %s", v)
		}
	})
	return r
}

var rate = kernel.Metric{Region: "us-east-1", Namespace: "AWS/CloudFront", Name: "5xxErrorRate", Dimensions: map[string]string{"DistributionId": "E1SHOP", "Region": "Global"}}

// put sets the error rate of minutes, the last one being the minute that ended last.
func (r *rig) put(values ...float64) {
	end := r.world.Clock.Now().Truncate(time.Minute)
	for i, value := range values {
		r.world.Metrics.PutValue(rate, end.Add(-time.Duration(len(values)-i)*time.Minute), value)
	}
}

// next sets the error rate of the running minute and lets it pass.
func (r *rig) next(value float64) {
	r.world.Metrics.PutValue(rate, r.world.Clock.Now(), value)
	r.world.Clock.Advance(time.Minute)
	r.world.Settle()
}

func shopAlarm() MetricAlarm {
	threshold := 5.0
	return MetricAlarm{
		AlarmName: "shop-5xx", AlarmDescription: "shop answers 5xx", AlarmActions: []string{function, topic}, OKActions: []string{function},
		Namespace: "AWS/CloudFront", MetricName: "5xxErrorRate", Statistic: "Average", Period: 60, EvaluationPeriods: 2, DatapointsToAlarm: 2,
		Threshold: &threshold, ComparisonOperator: "GreaterThanThreshold", TreatMissingData: "notBreaching",
		Dimensions: []Dimension{{"DistributionId", "E1SHOP"}, {"Region", "Global"}},
	}
}

func (r *rig) state(t *testing.T, name string) string {
	t.Helper()
	state, ok := r.watch.AlarmState("us-east-1", name)
	if !ok {
		t.Fatalf("no alarm %s", name)
	}
	return state.Value
}

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}
