// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package remedy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"cloudfront503/pkg/denied"
	"cloudfront503/pkg/incident"
)

// A throttled write is tried again a few times; the SDK has tried by itself before. All waits together stay far below
// the five minutes that a runbook's step may take. UpdateDistribution is throttled from two or three calls a minute.
var throttleWaits = []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second}

// findTimeout is for reading what became of a write whose answer was lost, also when the caller's time is over.
const findTimeout = 20 * time.Second

// guarded judges, announces and writes; after throttling it waits and does all of it again. err says that nothing was
// sent, or nothing but what was throttled; answer is the write's own error.
func (w Writer) guarded(ctx context.Context, order Order, hash string, writing incident.Written, write func() error) (answer, err error) {
	writing.At = w.Now()
	for try := 0; ; try++ {
		if err := w.judge(ctx, order, hash); err != nil {
			return nil, err
		}
		if err := w.announce(ctx, order, writing); err != nil {
			return nil, err
		}
		answer := write()
		if !isThrottled(answer) {
			return answer, nil
		}
		if try == len(throttleWaits) {
			return nil, fmt.Errorf("write for %s: throttled %d times: %w", order.Incident, try+1, answer)
		}
		if stopped := w.sleep(ctx, throttleWaits[try]); stopped != nil {
			return nil, fmt.Errorf("write for %s: throttled, then out of time: %w", order.Incident, answer)
		}
	}
}

func (w Writer) sleep(ctx context.Context, wait time.Duration) error {
	if w.Sleep != nil {
		return w.Sleep(ctx, wait)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Codes that AWS's models do not declare but services answer.
var (
	throttleCodes = []string{"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded", "RateExceeded"}
	faultCodes    = []string{"InternalError", "InternalFailure", "ServiceUnavailable", "ServiceException", "InternalServiceError", "RequestTimeout"}
)

func isThrottled(err error) bool { return slices.Contains(throttleCodes, codeOf(err)) }

// isPrecondition reports a 412: the ETag has moved, perhaps by our own earlier try.
func isPrecondition(err error) bool {
	return codeOf(err) == "PreconditionFailed" || statusOf(err) == http.StatusPreconditionFailed
}

// isLost reports whether it is unknown what became of the call: no answer came, or only that something broke.
func isLost(err error) bool {
	var ours *Refused
	if err == nil || errors.As(err, &ours) || isThrottled(err) {
		return false
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorFault() == smithy.FaultServer || slices.Contains(faultCodes, api.ErrorCode()) || statusOf(err) >= 500
	}
	var operation *smithy.OperationError
	return errors.As(err, &operation) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// settled is the outcome of a call that AWS refused: void, as asking again would not help; which policy denied it is said.
// What is not AWS's answer is passed on.
func settled(doing string, err error) error {
	code := codeOf(err)
	if code == "" {
		return err
	}
	why := doing + ": " + code
	if denial := denied.Of(err); denial.Denied {
		why += ": " + denial.String()
	}
	return &Void{Why: why, Cause: err}
}

func codeOf(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

func statusOf(err error) int {
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) {
		return response.HTTPStatusCode()
	}
	return 0
}
