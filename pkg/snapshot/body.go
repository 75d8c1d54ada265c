// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package snapshot

import (
	"bytes"
	"context"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// keepBody keeps the answer's bytes. The SDK decodes only the elements that it models and drops the others without a word;
// what was dropped can be seen only here. It is added after the operation's own deserializer, so that it gets the answer
// first; on a retry the last answer counts.
func keepBody(raw *[]byte) func(*cloudfront.Options) {
	keep := middleware.DeserializeMiddlewareFunc("KeepBody", func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
		out, metadata, err := next.HandleDeserialize(ctx, in)
		answer, is := out.RawResponse.(*smithyhttp.Response)
		if err != nil || !is || answer.StatusCode != http.StatusOK {
			return out, metadata, err
		}
		*raw, err = io.ReadAll(answer.Body)
		if closed := answer.Body.Close(); err == nil {
			err = closed
		}
		answer.Body = io.NopCloser(bytes.NewReader(*raw))
		return out, metadata, err
	})
	return func(o *cloudfront.Options) {
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			return stack.Deserialize.Add(keep, middleware.After)
		})
	}
}
