// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package runbook

import (
	"errors"
	"fmt"
	"slices"

	"github.com/aws/smithy-go"
)

// What a caller of this package branches on, with errors.Is. Every error of Start, Gate and Signal is one of the first
// two; the others say more.
var (
	ErrRetryable = errors.New("try again later") // throttled, too many executions, no answer, a fault of AWS
	ErrPermanent = errors.New("trying again will not help")

	ErrNotFound   = errors.New("no such execution")          // permanent
	ErrNotWaiting = errors.New("the gate does not wait yet") // retryable
)

// ErrDenied says that AWS refuses who signs for an approver: permanent. It has a method Denied, for the same reason as
// ErrDecided has one.
var ErrDenied error = refused{}

type refused struct{}

func (refused) Error() string { return "AWS refuses the approver" }

// Denied is true.
func (refused) Denied() bool { return true }

// ErrDecided says that the gate is decided already, by somebody else or by this very decision: permanent, and no fault. It
// has a method Decided, so that a package which may not import this one can tell.
var ErrDecided error = decided{}

type decided struct{}

func (decided) Error() string { return "the gate is decided already" }

// Decided is true.
func (decided) Decided() bool { return true }

// retryableCodes are the errors that pass by themselves. The generic ones are not modelled by SSM and STS.
var retryableCodes = []string{
	"ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded", "RateExceeded",
	"AutomationExecutionLimitExceededException", "InternalServerError", "InternalFailure", "ServiceUnavailable",
	"RequestTimeout", "RequestTimeoutException", "ExpiredToken", "ExpiredTokenException",
}

// classify wraps an error of AWS, or of no answer, with what to do about it.
func classify(doing string, err error) error {
	return fmt.Errorf("%s: %w: %w", doing, kindOf(err), err)
}

func kindOf(err error) error {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return ErrRetryable // no answer, or none that could be read
	}
	if slices.Contains(retryableCodes, api.ErrorCode()) || api.ErrorFault() == smithy.FaultServer {
		return ErrRetryable
	}
	return ErrPermanent
}
