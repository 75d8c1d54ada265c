// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package kms_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/kms"
)

// ticketPolicy lets one role make codes and another check them, with one algorithm, and leaves nothing to the account.
const ticketPolicy = `{"Version":"2012-10-17","Statement":[
 {"Sid":"Make","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/maker"},"Action":"kms:GenerateMac","Resource":"*","Condition":{"StringEquals":{"kms:MacAlgorithm":"HMAC_SHA_256"}}},
 {"Sid":"Check","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/checker"},"Action":"kms:VerifyMac","Resource":"*","Condition":{"StringEquals":{"kms:MacAlgorithm":"HMAC_SHA_256"}}}]}`

type rig struct {
	*testing.T
	world   *kernel.World
	service *kms.Service
}

func newRig(t *testing.T) *rig {
	t.Helper()
	w := kernel.NewWorld("111122223333", "us-east-1")
	service := kms.New(w)
	stop, err := w.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	t.Setenv("AWS_ENDPOINT_URL", w.Endpoint)
	return &rig{t, w, service}
}

// as is a client in a role with these statements; "operator" is the account's administrator.
func (r *rig) as(name, statements string) *sdk.Client {
	r.Helper()
	c := kernel.Credentials{AccessKeyID: "ANY", SecretAccessKey: "any"}
	if name != "operator" {
		role := kernel.Role{Name: name}
		if statements != "" {
			role.Policies = map[string]json.RawMessage{"p": json.RawMessage(`{"Version":"2012-10-17","Statement":[` + statements + `]}`)}
		}
		var err error
		if c, err = r.world.Identity.Session(r.world.Identity.AddRole(role).ARN, "s", "", nil); err != nil {
			r.Fatal(err)
		}
	}
	cfg, err := config.LoadDefaultConfig(context.Background(), config.WithRegion("us-east-1"), config.WithRetryMaxAttempts(1),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken)))
	if err != nil {
		r.Fatal(err)
	}
	return sdk.NewFromConfig(cfg)
}

func checkCode(t *testing.T, err error, code string) {
	t.Helper()
	got := ""
	var api smithy.APIError
	switch {
	case errors.As(err, &api):
		got = api.ErrorCode()
	case err != nil:
		got = err.Error()
	}
	if got != code {
		t.Errorf("got error %q (%v), want %q", got, err, code)
	}
}

func (r *rig) ticketKey() kms.Key {
	r.Helper()
	k := r.service.AddKey(kms.Key{Spec: "HMAC_256", Policy: &kernel.Policy{Raw: []byte(ticketPolicy)}})
	if err := r.service.AddAlias("alias/tickets", k.ID); err != nil {
		r.Fatal(err)
	}
	return k
}

func TestMacIsMadeByOneAndCheckedByAnother(t *testing.T) {
	r := newRig(t)
	k := r.ticketKey()
	maker, checker := r.as("maker", ""), r.as("checker", "")
	ctx := context.Background()
	made, err := maker.GenerateMac(ctx, &sdk.GenerateMacInput{KeyId: aws.String("alias/tickets"), Message: []byte("claims"), MacAlgorithm: types.MacAlgorithmSpecHmacSha256})
	if err != nil {
		t.Fatal(err)
	}
	if len(made.Mac) != 32 || *made.KeyId != k.ARN {
		t.Errorf("%d bytes of %s", len(made.Mac), *made.KeyId)
	}
	tests := []struct {
		name      string
		client    *sdk.Client
		message   string
		mac       []byte
		algorithm types.MacAlgorithmSpec
		wantCode  string
	}{
		{"the right code", checker, "claims", made.Mac, types.MacAlgorithmSpecHmacSha256, ""},
		{"the code of another message", checker, "claim", made.Mac, types.MacAlgorithmSpecHmacSha256, "KMSInvalidMacException"},
		{"a shortened code", checker, "claims", made.Mac[:31], types.MacAlgorithmSpecHmacSha256, "KMSInvalidMacException"},
		{"an algorithm that the policy does not name", checker, "claims", made.Mac, types.MacAlgorithmSpecHmacSha512, "AccessDeniedException"},
		{"by who may only make codes", maker, "claims", made.Mac, types.MacAlgorithmSpecHmacSha256, "AccessDeniedException"},
		{"by the administrator, whom the key does not know", r.as("operator", ""), "claims", made.Mac, types.MacAlgorithmSpecHmacSha256, "AccessDeniedException"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			out, err := test.client.VerifyMac(ctx, &sdk.VerifyMacInput{KeyId: &k.ARN, Message: []byte(test.message), Mac: test.mac, MacAlgorithm: test.algorithm})
			checkCode(t, err, test.wantCode)
			if err == nil && !out.MacValid {
				t.Error("not valid")
			}
		})
	}
	_, err = checker.GenerateMac(ctx, &sdk.GenerateMacInput{KeyId: &k.ID, Message: []byte("claims"), MacAlgorithm: types.MacAlgorithmSpecHmacSha256})
	if err == nil || !strings.Contains(err.Error(), "because no resource-based policy allows the kms:GenerateMac action") {
		t.Errorf("got %v", err)
	}
	if v := r.world.Violations(); len(v) > 0 {
		t.Errorf("violations: %q", v)
	}
}

func TestKeysThatCannot(t *testing.T) {
	r := newRig(t)
	mac := r.service.AddKey(kms.Key{Spec: "HMAC_256"})
	plain := r.service.AddKey(kms.Key{})
	off := r.service.AddKey(kms.Key{Spec: "HMAC_256", Disabled: true})
	tests := []struct {
		name, key string
		message   []byte
		wantCode  string
	}{
		{"no such key", "00000000-0000-0000-0000-000000000000", []byte("m"), "NotFoundException"},
		{"no such alias", "alias/other", []byte("m"), "NotFoundException"},
		{"a key of another account", strings.Replace(mac.ARN, "111122223333", "444455556666", 1), []byte("m"), "NotFoundException"},
		{"a key that encrypts", plain.ID, []byte("m"), "InvalidKeyUsageException"},
		{"a disabled key", off.ID, []byte("m"), "DisabledException"},
		{"too long a message", mac.ID, make([]byte, 4097), "ValidationException"},
		{"the longest message", mac.ID, make([]byte, 4096), ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := r.as("operator", "").GenerateMac(context.Background(), &sdk.GenerateMacInput{KeyId: &test.key, Message: test.message, MacAlgorithm: types.MacAlgorithmSpecHmacSha256})
			checkCode(t, err, test.wantCode)
		})
	}
}

func TestEncryptAndDecrypt(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	k, other := r.service.AddKey(kms.Key{}), r.service.AddKey(kms.Key{})
	client := r.as("operator", "")
	sealed, err := client.Encrypt(ctx, &sdk.EncryptInput{KeyId: &k.ID, Plaintext: []byte("secret"), EncryptionContext: map[string]string{"a": "b"}})
	checkCode(t, err, "")
	opened, err := client.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: map[string]string{"a": "b"}})
	checkCode(t, err, "")
	if string(opened.Plaintext) != "secret" {
		t.Errorf("opened %q", opened.Plaintext)
	}
	_, err = client.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: sealed.CiphertextBlob})
	checkCode(t, err, "InvalidCiphertextException")
	_, err = client.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: sealed.CiphertextBlob, KeyId: &other.ID, EncryptionContext: map[string]string{"a": "b"}})
	checkCode(t, err, "IncorrectKeyException")
	_, err = client.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: []byte{255, 1}})
	checkCode(t, err, "NotFoundException")
	data, err := client.GenerateDataKey(ctx, &sdk.GenerateDataKeyInput{KeyId: &k.ID, KeySpec: types.DataKeySpecAes256})
	checkCode(t, err, "")
	opened, err = client.Decrypt(ctx, &sdk.DecryptInput{CiphertextBlob: data.CiphertextBlob})
	checkCode(t, err, "")
	if !bytes.Equal(opened.Plaintext, data.Plaintext) || len(data.Plaintext) != 32 {
		t.Errorf("the data key is %x, decrypted %x", data.Plaintext, opened.Plaintext)
	}
}

func TestDefaultPolicyLeavesItToTheAccount(t *testing.T) {
	r := newRig(t)
	k := r.service.AddKey(kms.Key{})
	_, err := r.as("allowed", `{"Effect":"Allow","Action":"kms:Encrypt","Resource":"*"}`).Encrypt(context.Background(), &sdk.EncryptInput{KeyId: &k.ID, Plaintext: []byte("x")})
	checkCode(t, err, "")
	_, err = r.as("other", "").Encrypt(context.Background(), &sdk.EncryptInput{KeyId: &k.ID, Plaintext: []byte("x")})
	if err == nil || !strings.Contains(err.Error(), "because no identity-based policy allows the kms:Encrypt action") {
		t.Errorf("got %v", err)
	}
}

func TestKeysAreManaged(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	client := r.as("operator", "")
	made, err := client.CreateKey(ctx, &sdk.CreateKeyInput{KeySpec: types.KeySpecHmac256, KeyUsage: types.KeyUsageTypeGenerateVerifyMac})
	checkCode(t, err, "")
	id := made.KeyMetadata.KeyId
	_, err = client.CreateAlias(ctx, &sdk.CreateAliasInput{AliasName: aws.String("alias/x"), TargetKeyId: id})
	checkCode(t, err, "")
	_, err = client.CreateAlias(ctx, &sdk.CreateAliasInput{AliasName: aws.String("alias/x"), TargetKeyId: id})
	checkCode(t, err, "AlreadyExistsException")
	_, err = client.DisableKey(ctx, &sdk.DisableKeyInput{KeyId: id})
	checkCode(t, err, "")
	seen, err := client.DescribeKey(ctx, &sdk.DescribeKeyInput{KeyId: aws.String("alias/x")})
	checkCode(t, err, "")
	if m := seen.KeyMetadata; m.KeyState != types.KeyStateDisabled || len(m.MacAlgorithms) != 1 || m.MacAlgorithms[0] != types.MacAlgorithmSpecHmacSha256 {
		t.Errorf("metadata %+v", m)
	}
	aliases, err := client.ListAliases(ctx, &sdk.ListAliasesInput{})
	checkCode(t, err, "")
	if len(aliases.Aliases) != 1 || *aliases.Aliases[0].TargetKeyId != *id {
		t.Errorf("aliases %+v", aliases.Aliases)
	}
	_, err = client.PutKeyPolicy(ctx, &sdk.PutKeyPolicyInput{KeyId: id, Policy: aws.String("{}")})
	checkCode(t, err, "MalformedPolicyDocumentException")
	_, err = client.CreateGrant(ctx, &sdk.CreateGrantInput{KeyId: id, GranteePrincipal: aws.String("x"), Operations: []types.GrantOperation{types.GrantOperationDecrypt}})
	checkCode(t, err, "UnknownOperationException")
}

func TestUseThroughAService(t *testing.T) {
	r := newRig(t)
	viaTopics := `{"Version":"2012-10-17","Statement":[
	 {"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/teller"},"Action":"kms:Decrypt","Resource":"*","Condition":{"StringEquals":{"kms:ViaService":"sns.us-east-1.amazonaws.com"}}},
	 {"Effect":"Allow","Principal":{"Service":"cloudwatch.amazonaws.com"},"Action":"kms:Decrypt","Resource":"*","Condition":{"StringEquals":{"aws:SourceAccount":"111122223333"}}}]}`
	k := r.service.AddKey(kms.Key{Policy: &kernel.Policy{Raw: []byte(viaTopics)}})
	role := r.world.Identity.AddRole(kernel.Role{Name: "teller"})
	c, err := r.world.Identity.Session(role.ARN, "s", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	teller, alarms := r.world.Identity.Principal(c.AccessKeyID), kernel.Principal{ARN: "cloudwatch.amazonaws.com", Service: "cloudwatch.amazonaws.com"}
	tests := []struct {
		name        string
		caller      kernel.Principal
		via, source string
		key         string
		allowed     bool
	}{
		{"a role through the service that the key names", teller, "sns", "", k.ID, true},
		{"a role through another service", teller, "s3", "", k.ID, false},
		{"a service on behalf of the account", alarms, "sns", "arn:aws:cloudwatch:us-east-1:111122223333:alarm:a", k.ID, true},
		{"a service that does not say for whom", alarms, "sns", "", k.ID, false},
		{"anybody through the service that an AWS managed key is for", teller, "s3", "", "alias/aws/s3", true},
		{"anybody through another", teller, "sns", "", "alias/aws/s3", false},
		{"a service with an AWS managed key", alarms, "sns", "arn:aws:cloudwatch:us-east-1:111122223333:alarm:a", "alias/aws/sns", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if err := r.service.Use(test.caller, test.via, test.source, "kms:Decrypt", test.key); (err == nil) != test.allowed {
				t.Errorf("got %v, want allowed %v", err, test.allowed)
			}
		})
	}
}
