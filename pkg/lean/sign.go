// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package lean

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// signer signs each try anew.
type signer struct {
	client      Client
	credentials aws.CredentialsProvider // nil signs nothing
}

// ID implements middleware.FinalizeMiddleware.
func (signer) ID() string { return "Signing" }

// HandleFinalize implements middleware.FinalizeMiddleware.
func (s signer) HandleFinalize(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
	middleware.FinalizeOutput, middleware.Metadata, error,
) {
	if s.credentials != nil {
		if err := s.sign(ctx, in.Request); err != nil {
			return middleware.FinalizeOutput{}, middleware.Metadata{}, &v4.SigningError{Err: err}
		}
	}
	return next.HandleFinalize(ctx, in)
}

func (s signer) sign(ctx context.Context, transport any) error {
	request, ok := transport.(*smithyhttp.Request)
	if !ok {
		return fmt.Errorf("transport %T is not HTTP", transport)
	}
	keys, err := s.credentials.Retrieve(ctx)
	if err != nil {
		return fmt.Errorf("credentials: %w", err)
	}
	return v4.NewSigner().SignHTTP(ctx, keys, request.Request, v4.GetPayloadHash(ctx), s.client.service.Name, s.client.cfg.Region, time.Now())
}
