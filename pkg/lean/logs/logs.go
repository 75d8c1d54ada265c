// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package logs is the part of Amazon CloudWatch Logs that the functions call, with the names of the SDK's own client and of
// the API reference. Package lean says why it is not the SDK's.
package logs

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"

	"cloudfront503/pkg/lean"
)

// Options are what one call may have of its own.
type Options = lean.Options

// CodeNotFound is the code of the error that says that something is not there.
const CodeNotFound = "ResourceNotFoundException"

// Client calls CloudWatch Logs. It is safe for concurrent use. Its methods are the operations of the API reference, those
// whose names begin with Describe as a sequence of pages, which an error ends; what the errors are, lean.Client says.
type Client struct{ lean lean.Client }

// NewFromConfig is a client of the configuration's Region.
func NewFromConfig(cfg aws.Config) *Client {
	return &Client{lean.New(cfg, lean.Service{ID: "CloudWatch Logs", Name: "logs", Target: "Logs_20140328"})}
}

// FilterLogEvents gives a page of a log group's events, the oldest first.
func (c *Client) FilterLogEvents(ctx context.Context, in FilterLogEventsInput) (FilterLogEventsOutput, error) {
	var out FilterLogEventsOutput
	err := c.lean.Call(ctx, "FilterLogEvents", in, &out)
	return out, err
}

// DescribeDeliverySources gives the delivery sources of the account.
func (c *Client) DescribeDeliverySources(ctx context.Context) iter.Seq2[[]DeliverySource, error] {
	return lean.Pages(func(token *string) ([]DeliverySource, *string, error) {
		var out struct {
			page
			List []DeliverySource `json:"deliverySources"`
		}
		err := c.lean.Call(ctx, "DescribeDeliverySources", page{token}, &out)
		return out.List, out.NextToken, err
	})
}

// DescribeDeliveries gives the deliveries of the account.
func (c *Client) DescribeDeliveries(ctx context.Context) iter.Seq2[[]Delivery, error] {
	return lean.Pages(func(token *string) ([]Delivery, *string, error) {
		var out struct {
			page
			List []Delivery `json:"deliveries"`
		}
		err := c.lean.Call(ctx, "DescribeDeliveries", page{token}, &out)
		return out.List, out.NextToken, err
	})
}

// DescribeDeliveryDestinations gives the delivery destinations of the account.
func (c *Client) DescribeDeliveryDestinations(ctx context.Context) iter.Seq2[[]DeliveryDestination, error] {
	return lean.Pages(func(token *string) ([]DeliveryDestination, *string, error) {
		var out struct {
			page
			List []DeliveryDestination `json:"deliveryDestinations"`
		}
		err := c.lean.Call(ctx, "DescribeDeliveryDestinations", page{token}, &out)
		return out.List, out.NextToken, err
	})
}

// PutDeliverySource makes a source, or changes the one of the name.
func (c *Client) PutDeliverySource(ctx context.Context, in PutDeliverySourceInput, options ...func(*Options)) error {
	return c.lean.Call(ctx, "PutDeliverySource", in, &struct{}{}, options...)
}

// PutDeliveryDestination makes a destination, or changes the one of the name.
func (c *Client) PutDeliveryDestination(ctx context.Context, in PutDeliveryDestinationInput, options ...func(*Options)) error {
	return c.lean.Call(ctx, "PutDeliveryDestination", in, &struct{}{}, options...)
}

// CreateDelivery leads from a source to a destination.
func (c *Client) CreateDelivery(ctx context.Context, in CreateDeliveryInput, options ...func(*Options)) error {
	return c.lean.Call(ctx, "CreateDelivery", in, &struct{}{}, options...)
}

// DeleteDeliverySource takes the source of a name away.
func (c *Client) DeleteDeliverySource(ctx context.Context, name string) error {
	return c.lean.Call(ctx, "DeleteDeliverySource", named{name}, &struct{}{})
}

// DeleteDeliveryDestination takes the destination of a name away.
func (c *Client) DeleteDeliveryDestination(ctx context.Context, name string) error {
	return c.lean.Call(ctx, "DeleteDeliveryDestination", named{name}, &struct{}{})
}

// DeleteDelivery takes the delivery of an id away.
func (c *Client) DeleteDelivery(ctx context.Context, id string) error {
	return c.lean.Call(ctx, "DeleteDelivery", struct {
		ID string `json:"id"`
	}{id}, &struct{}{})
}
