// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package lean calls AWS services of the protocol "AWS JSON 1.1" with the SDK's own core: its middleware, signer, retries
// and errors. What it leaves out are the generated clients of services of which we need a few operations out of more than
// a hundred: on start-up they describe all of them, and that alone took longer than an empty function.
//
// A client behaves as a generated one, API options and endpoints included, with these exceptions: errors have codes but no
// types of their own, required members are not checked before the call, the machine's clock is believed, and there are no
// FIPS and dual-stack endpoints.
// Source: the SDK's generated clients; "AWS JSON 1.1 protocol", Smithy.
package lean

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Service is what tells one service from another on the wire.
type Service struct {
	ID     string // as errors and AWS_ENDPOINT_URL_… name it, as "SSM"
	Name   string // as host names and signatures have it, as "ssm"
	Target string // what X-Amz-Target has before the operation, as "AmazonSSM"
}

// Options are what one call may have of its own; what is not changed is the configuration's.
type Options struct {
	Credentials      aws.CredentialsProvider
	Retryer          aws.Retryer
	RetryMaxAttempts int // 0 leaves it to the retryer
}

// Client calls one service in one Region. It is safe for concurrent use.
type Client struct {
	service Service
	cfg     aws.Config
	retryer aws.Retryer
	http    smithyhttp.ClientDo
}

// New is a client with a configuration. It does not call anybody.
func New(cfg aws.Config, service Service) Client {
	c := Client{service: service, cfg: cfg, http: cfg.HTTPClient}
	if c.http == nil {
		c.http = awshttp.NewBuildableClient()
	}
	if cfg.Retryer != nil {
		c.retryer = cfg.Retryer()
	} else {
		c.retryer = retry.NewStandard()
	}
	return c
}

// Call makes one call: in is the operation's input, out takes its output; both have the members' names as their fields'.
// Its errors are a *smithy.OperationError, with a smithy.APIError inside where the service has answered with one.
func (c Client) Call(ctx context.Context, operation string, in, out any, options ...func(*Options)) error {
	chosen := Options{Credentials: c.cfg.Credentials, Retryer: c.retryer}
	for _, option := range options {
		option(&chosen)
	}
	stack := middleware.NewStack(operation, smithyhttp.NewStackRequest)
	if err := c.build(stack, chosen, out); err != nil {
		return c.failed(operation, err)
	}
	handler := middleware.DecorateHandler(smithyhttp.NewClientHandlerWithOptions(c.http), stack)
	if _, _, err := handler.Handle(c.names(ctx, operation), in); err != nil {
		return c.failed(operation, err)
	}
	return nil
}

func (c Client) failed(operation string, err error) error {
	return &smithy.OperationError{ServiceID: c.service.ID, OperationName: operation, Err: err}
}

// names tells the middleware, ours and the SDK's, what is called.
func (c Client) names(ctx context.Context, operation string) context.Context {
	ctx = middleware.ClearStackValues(ctx)
	ctx = middleware.WithOperationName(middleware.WithServiceID(ctx, c.service.ID), operation)
	ctx = awsmiddleware.SetOperationName(awsmiddleware.SetServiceID(ctx, c.service.ID), operation)
	return awsmiddleware.SetRegion(ctx, c.cfg.Region)
}

// build puts together what a generated client does, in its order.
func (c Client) build(stack *middleware.Stack, chosen Options, out any) error {
	attempts := retry.NewAttemptMiddleware(tries(chosen), smithyhttp.RequestCloner)
	steps := []error{
		stack.Serialize.Add(encoder{c}, middleware.After),
		stack.Build.Add(&smithyhttp.ComputeContentLength{}, middleware.After),
		awsmiddleware.AddClientRequestIDMiddleware(stack),
		awsmiddleware.AddSDKAgentKey(awsmiddleware.APIMetadata, c.service.Name)(stack),
		awsmiddleware.AddRecursionDetection(stack),
		stack.Finalize.Add(attempts, middleware.After),
		stack.Finalize.Add(&v4.ComputePayloadSHA256{}, middleware.After),
		stack.Finalize.Add(signer{c, chosen.Credentials}, middleware.After),
		stack.Deserialize.Add(&awshttp.ResponseErrorWrapper{}, middleware.After),
		stack.Deserialize.Add(&awsmiddleware.RequestIDRetriever{}, middleware.After),
		stack.Deserialize.Add(decoder{out}, middleware.After),
		stack.Deserialize.Add(&awsmiddleware.RecordResponseTiming{}, middleware.After),
		awsmiddleware.AddRawResponseToMetadata(stack),
	}
	for _, option := range c.cfg.APIOptions {
		steps = append(steps, option(stack))
	}
	return errors.Join(steps...)
}

func tries(chosen Options) aws.Retryer {
	if chosen.RetryMaxAttempts == 0 {
		return chosen.Retryer
	}
	return retry.AddWithMaxAttempts(chosen.Retryer, chosen.RetryMaxAttempts)
}

// endpoint is where the service answers: where one is given for it or for all, there.
func (c Client) endpoint(ctx context.Context) (*url.URL, error) {
	for _, source := range c.cfg.ConfigSources {
		given, can := source.(interface {
			GetServiceBaseEndpoint(context.Context, string) (string, bool, error)
		})
		if !can {
			continue
		}
		if at, found, err := given.GetServiceBaseEndpoint(ctx, c.service.ID); found || err != nil {
			return parse(at, err)
		}
	}
	return parse(cmp.Or(aws.ToString(c.cfg.BaseEndpoint), "https://"+c.service.Name+"."+c.cfg.Region+".amazonaws.com"), nil)
}

func parse(at string, err error) (*url.URL, error) {
	if err != nil {
		return nil, err
	}
	return url.Parse(at)
}

// HasCode reports whether an error is one that AWS gave, with one of these codes.
func HasCode(err error, codes ...string) bool {
	var api smithy.APIError
	return errors.As(err, &api) && slices.Contains(codes, api.ErrorCode())
}
