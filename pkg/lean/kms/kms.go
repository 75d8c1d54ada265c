// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package kms is the part of AWS Key Management Service that the functions call, with the names of the SDK's own client and
// of the API reference. Package lean says why it is not the SDK's.
package kms

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"

	"cloudfront503/pkg/lean"
)

// Options are what one call may have of its own.
type Options = lean.Options

// MacAlgorithmSpecHmacSha256 is the algorithm of the keys of kind HMAC_256.
const MacAlgorithmSpecHmacSha256 = "HMAC_SHA_256"

// CodeInvalidMac is the code of the error that says that a MAC is not the text's.
const CodeInvalidMac = "KMSInvalidMacException"

// Client calls KMS. It is safe for concurrent use. What its errors are, lean.Client says.
type Client struct{ lean lean.Client }

// NewFromConfig is a client of the configuration's Region.
func NewFromConfig(cfg aws.Config) *Client {
	return &Client{lean.New(cfg, lean.Service{ID: "KMS", Name: "kms", Target: "TrentService"})}
}

// GenerateMacInput says of what a MAC is made, at most 4,096 bytes, and with which key.
type GenerateMacInput struct {
	KeyId        *string
	MacAlgorithm string
	Message      []byte
}

// GenerateMacOutput has it.
type GenerateMacOutput struct {
	Mac []byte
}

// GenerateMac makes a MAC.
func (c *Client) GenerateMac(ctx context.Context, in *GenerateMacInput, options ...func(*Options)) (*GenerateMacOutput, error) {
	var out GenerateMacOutput
	if err := c.lean.Call(ctx, "GenerateMac", in, &out, options...); err != nil {
		return nil, err
	}
	return &out, nil
}

// VerifyMacInput says which MAC is compared, with what, and with which key.
type VerifyMacInput struct {
	KeyId        *string
	MacAlgorithm string
	Message      []byte
	Mac          []byte
}

// VerifyMacOutput says whether it is the text's. Where it is not, KMS answers with CodeInvalidMac instead.
type VerifyMacOutput struct {
	MacValid bool
}

// VerifyMac compares a MAC.
func (c *Client) VerifyMac(ctx context.Context, in *VerifyMacInput, options ...func(*Options)) (*VerifyMacOutput, error) {
	var out VerifyMacOutput
	if err := c.lean.Call(ctx, "VerifyMac", in, &out, options...); err != nil {
		return nil, err
	}
	return &out, nil
}
