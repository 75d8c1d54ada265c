// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package settings

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Clock is AWS's time: the machine's, corrected by the Date header of the newest answer from AWS. Leases, gates and the
// expiry of tickets are compared between functions and with S3 and SSM, so one clock must judge them all.
type Clock struct {
	offset atomic.Int64 // nanoseconds that AWS is ahead of the machine
}

// tolerance is the difference that is not corrected: the Date header has whole seconds and is on its way for a while.
const tolerance = 2 * time.Second

// Now is the time in UTC.
func (c *Clock) Now() time.Time { return time.Now().UTC().Add(time.Duration(c.offset.Load())) }

// observe takes the time that an answer names.
func (c *Clock) observe(date string) {
	at, err := http.ParseTime(date)
	if err != nil {
		return
	}
	ahead := time.Until(at)
	if ahead.Abs() < tolerance {
		ahead = 0
	}
	c.offset.Store(int64(ahead))
}

// follow is an API option that lets the clock see every answer of the clients made with it.
func (c *Clock) follow(stack *middleware.Stack) error {
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("cloudfront503Clock",
		func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
			middleware.DeserializeOutput, middleware.Metadata, error) {
			out, metadata, err := next.HandleDeserialize(ctx, in)
			if response, ok := out.RawResponse.(*smithyhttp.Response); ok && response != nil {
				c.observe(response.Header.Get("Date"))
			}
			return out, metadata, err
		}), middleware.After)
}
