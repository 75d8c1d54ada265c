// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package denied

import (
	"context"
	"errors"
	"time"
)

// Of reads why a call was denied out of its error, the SDK's or a wrapped one. An error without AWS's code and message, nil
// as well, is no denial.
func Of(err error) Explanation {
	var answered interface {
		ErrorCode() string
		ErrorMessage() string
	}
	if !errors.As(err, &answered) {
		return Explanation{Policy: Unknown, How: Undecided}
	}
	return Explain(answered.ErrorMessage(), answered.ErrorCode())
}

// Settles is how long IAM may take until every part of AWS knows a role that was just made, changed or assumed: AWS
// promises no time, seconds are usual [IAM User Guide "Troubleshoot IAM", "Changes that I make are not always immediately
// visible"].
const Settles = time.Minute

// firstPause is the first wait; each is twice the one before.
const firstPause = time.Second

// Patience tries a call again that is denied right after a role was assumed: such a denial may only mean that the role has
// not reached every part of AWS.
type Patience struct {
	Assumed time.Time // when the role was assumed; zero: long ago, nothing is tried again
	Now     func() time.Time
	Sleep   func(context.Context, time.Duration) error // ends early with the context's error
}

// Do calls until it is not denied, or until the role has been assumed for Settles; the last error counts. Errors that are
// no denials, and those that a policy denies explicitly, come back at once: time does not mend them.
func (p Patience) Do(ctx context.Context, call func(context.Context) error) error {
	err := call(ctx)
	if p.Assumed.IsZero() {
		return err
	}
	for pause := firstPause; mayPass(err); pause *= 2 {
		left := p.Assumed.Add(Settles).Sub(p.Now())
		if left <= 0 {
			return err
		}
		if p.Sleep(ctx, min(pause, left)) != nil {
			return err
		}
		err = call(ctx)
	}
	return err
}

// mayPass says whether an error may go away by itself once IAM has settled.
func mayPass(err error) bool {
	why := Of(err)
	return why.Denied && why.How != Explicit && why.How != KeyState
}

// Sleep waits on the machine's own clock; it is what Patience uses outside tests.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
