// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package approval

import (
	"context"
	"fmt"

	"cloudfront503/pkg/lean"
	"cloudfront503/pkg/lean/kms"
)

// This file and bucket.go are the only ones of the package that know the AWS SDK.

type generating interface {
	GenerateMac(context.Context, *kms.GenerateMacInput, ...func(*kms.Options)) (*kms.GenerateMacOutput, error)
}

type verifying interface {
	VerifyMac(context.Context, *kms.VerifyMacInput, ...func(*kms.Options)) (*kms.VerifyMacOutput, error)
}

// KeyMaker makes MACs with a KMS key of the kind HMAC_256, which never leaves KMS.
type KeyMaker struct {
	KMS generating
	Key string // the key's ARN
}

// Make is the HMAC_SHA_256 of a text, 32 bytes.
func (k KeyMaker) Make(ctx context.Context, text []byte) ([]byte, error) {
	output, err := k.KMS.GenerateMac(ctx, &kms.GenerateMacInput{KeyId: &k.Key, MacAlgorithm: kms.MacAlgorithmSpecHmacSha256, Message: text})
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", k.Key, err)
	}
	return output.Mac, nil
}

// KeyChecker checks MACs with the same key.
type KeyChecker struct {
	KMS verifying
	Key string // the key's ARN
}

// Check reports whether KMS made the MAC of this text. An error says that KMS could not tell.
func (k KeyChecker) Check(ctx context.Context, text, mac []byte) (bool, error) {
	output, err := k.KMS.VerifyMac(ctx, &kms.VerifyMacInput{KeyId: &k.Key, MacAlgorithm: kms.MacAlgorithmSpecHmacSha256, Message: text, Mac: mac})
	if lean.HasCode(err, kms.CodeInvalidMac) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("key %s: %w", k.Key, err)
	}
	return output.MacValid, nil
}
